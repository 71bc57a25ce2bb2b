use super::each;
use crate::addr::Family;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::{Lookup, Question, RecordType, Why};
use crate::rules::advice::address_record;
use crate::rules::support::{address_evidence, list};
use crate::rules::{Context, rule};

rule! {
    /// A PTR name has several address records of one family.
    ///
    /// ## Condition
    /// A PTR name has several address records of the sending address's family. Subject: the PTR name.
    ///
    /// ## Why it matters
    /// The name then stands for several machines: a receiver that compares the first address alone, or whose answer was cut,
    /// does not find the client in it, and a name shared by a web site moves when that does.
    ///
    /// ## Fix
    /// Give the sending address a name of its own, or leave this address alone at the name.
    ///
    /// ## When to ignore
    /// Where the addresses are all of this one host.
    pub static RULE = {
        code: "PTR006",
        name: "ptr-target-many-addresses",
        severity: Warning,
        refs: ["RFC 8601 section 2.7.3", "RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    each::name(&RULE, cx, |sending, name| {
        let addr = sending.address.value;
        let family = Family::from(addr);
        let finding = match dns.addresses(name, family) {
            Lookup::Found(mut found) => {
                found.sort_unstable();
                found.dedup();
                if found.len() < 2 {
                    return None;
                }
                let records = format!("{} {} records ({})", found.len(), family.record(), list(&found));
                let others: Vec<std::net::IpAddr> = found.iter().copied().filter(|other| *other != addr).collect();
                let text = format!(
                    "Remove the other {} records of `{name}` ({}), so that {addr} is its only address; where they are needed, give \
                         {addr} a name of its own and have its PTR record changed to that.",
                    family.record(),
                    list(&others)
                );
                let fix = Fix::new(Who::DnsZone, text).command(address_record(name, addr));
                RULE.violated(name, format!("the PTR name `{name}` of {addr} has {records}")).fix(fix)
            }
            // Not asked: no message can carry the name, and PTR009 says what it is.
            Lookup::NoData | Lookup::NxDomain | Lookup::Unanswered(Why::NotAsked) => return None,
            Lookup::Unanswered(why) => {
                let message = format!("could not determine how many addresses the PTR name `{name}` has: {why}");
                RULE.undetermined(name, message).open(Question::new(name, RecordType::address(family)))
            }
        };
        Some(finding.evidence(address_evidence(dns, name, family)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, fact, healthy};

    #[test]
    fn records_of_the_family_count() {
        let relayed = || healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
        check_table(
            &RULE,
            vec![
                ("one", healthy(), dns(&[]), &[]),
                (
                    "two",
                    healthy(),
                    dns(&[("mail.example.com A", &["192.0.2.10", "192.0.2.11"])]),
                    &["warning mail.example.com"],
                ),
                ("one of each family", healthy(), dns(&[("mail.example.com AAAA", &["2001:db8::1"])]), &[]),
                (
                    "two of the other family",
                    healthy(),
                    dns(&[("mail.example.com AAAA", &["2001:db8::1", "2001:db8::2"])]),
                    &[],
                ),
                ("none", healthy(), dns(&[("mail.example.com A", &["NXDOMAIN"])]), &[]),
                ("no answer", healthy(), dns(&[("mail.example.com A", &["timeout"])]), &["warning? mail.example.com"]),
                (
                    "the relay is judged",
                    relayed(),
                    dns(&[("mail.example.com A", &["192.0.2.10", "192.0.2.11"])]),
                    &["info mail.example.com"],
                ),
            ],
        );
    }
}
