use super::each;
use crate::addr::Family;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::{Question, RecordType, Why};
use crate::rules::advice::address_record;
use crate::rules::support::address_evidence;
use crate::rules::{Context, rule};

rule! {
    /// A PTR name is an alias.
    ///
    /// ## Condition
    /// A PTR name is a CNAME (RFC 2181 section 10.2). Subject: the PTR name.
    ///
    /// ## Why it matters
    /// A PTR record must lead to a canonical name (RFC 2181 section 10.2); some receivers do not follow the alias and find no
    /// address, and the alias breaks when whoever owns its target changes that.
    ///
    /// ## Fix
    /// Put an address record in place of the CNAME record, or have the PTR record name the alias' target.
    ///
    /// ## When to ignore
    /// Where the alias and its target are yours and every receiver that matters follows aliases.
    pub static RULE = {
        code: "PTR007",
        name: "ptr-target-alias",
        severity: Warning,
        refs: ["RFC 2181 section 10.2", "RFC 1912 section 2.4"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    each::name(&RULE, cx, |sending, name| {
        let addr = sending.address.value;
        let family = Family::from(addr);
        let rtype = RecordType::address(family);
        let finding = match (dns.alias(name, rtype), dns.addresses(name, family).open()) {
            (Some(target), _) => {
                let text = format!("Replace the CNAME record at `{name}` by an address record.");
                let fix = Fix::new(Who::DnsZone, text).command(address_record(name, addr));
                RULE.violated(name, format!("the PTR name `{name}` of {addr} is an alias of `{target}`")).fix(fix)
            }
            // Not asked: no message can carry the name, and PTR009 says what it is.
            (None, None | Some(Why::NotAsked)) => return None,
            (None, Some(why)) => RULE
                .undetermined(name, format!("could not determine whether the PTR name `{name}` is an alias: {why}"))
                .open(Question::new(name, rtype)),
        };
        Some(finding.evidence(address_evidence(dns, name, family)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{check_table, dns, healthy};

    #[test]
    fn an_alias_is_seen_by_its_record() {
        check_table(
            &RULE,
            vec![
                ("an address record", healthy(), dns(&[]), &[]),
                (
                    "an alias",
                    healthy(),
                    dns(&[("mail.example.com A", &["CNAME a.example.net", "192.0.2.10"])]),
                    &["warning mail.example.com"],
                ),
                ("no answer", healthy(), dns(&[("mail.example.com A", &["REFUSED"])]), &["warning? mail.example.com"]),
                ("nothing there", healthy(), dns(&[("mail.example.com A", &["NODATA"])]), &[]),
            ],
        );
    }
}
