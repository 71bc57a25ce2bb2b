use super::{each, ticket};
use crate::findings::Finding;
use crate::identity::generic::why_generic;
use crate::observe::Question;
use crate::rules::support::{evidence, ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// Every PTR name of a sending address is generic.
    ///
    /// ## Condition
    /// Every PTR name of the address is generic: it spells out the address or a part of it, or is a serial of the
    /// provider, a pool or a placeholder. Subject: the address.
    ///
    /// ## Why it matters
    /// A name that spells out the address, a serial of the provider, a pool or a placeholder looks like a machine that nobody set up
    /// to send mail. GMX and web.de name it as a reason to refuse the connection, Yahoo asks for a name that is not generic, and
    /// SpamAssassin (`RDNS_DYNAMIC`) and rspamd (`HFILTER_HOSTNAME_*`) score it.
    ///
    /// ## Fix
    /// Ask whoever holds the address to set its PTR record to a name of your own, whose address record leads back to the address.
    ///
    /// ## When to ignore
    /// Where the host sends to receivers alone that know it.
    pub static RULE = {
        code: "PTR004",
        name: "ptr-generic",
        severity: Warning,
        refs: ["Yahoo: Sender best practices", "GMX and web.de: Postmaster e-mail policy", "rspamd: rules/misc.lua", "SpamAssassin: 20_dynrdns.cf"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    each::address(&RULE, cx, |sending| {
        let addr = sending.address.value;
        let names: Vec<_> = ptr_names(dns, addr).into_iter().filter(ticket::judged).collect();
        let reasons: Option<Vec<String>> =
            names.iter().map(|name| Some(format!("`{name}` {}", why_generic(name, addr)?))).collect();
        let reasons = reasons.filter(|reasons| !reasons.is_empty())?;
        let message = format!("the PTR name of {addr} is generic: {}", reasons.join("; "));
        let finding = RULE.violated(addr, message).fix(ticket::request(facts, dns, sending));
        Some(finding.evidence(evidence(dns, &Question::ptr(addr))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, fact, healthy};

    #[test]
    fn every_name_must_be_generic() {
        let relayed = || healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
        check_table(
            &RULE,
            vec![
                ("a name of one's own", healthy(), dns(&[]), &[]),
                (
                    "spelled out",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["static.10.2.0.192.clients.your-server.de"])]),
                    &["warning 192.0.2.10"],
                ),
                (
                    "one of two is chosen",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["192-0-2-10.isp.example", "mail.example.com"])]),
                    &[],
                ),
                ("no name", healthy(), dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]), &[]),
                ("no answer", healthy(), dns(&[("192.0.2.10 PTR", &["timeout"])]), &[]),
                ("no host name: PTR009", healthy(), dns(&[("192.0.2.10 PTR", &["localhost"])]), &[]),
                (
                    "the relay is judged",
                    relayed(),
                    dns(&[("192.0.2.10 PTR", &["192-0-2-10.isp.example"])]),
                    &["info 192.0.2.10"],
                ),
            ],
        );
    }
}
