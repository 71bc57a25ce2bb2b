use super::{each, ticket};
use crate::findings::Finding;
use crate::observe::{Lookup, Question};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// A sending address has no PTR record.
    ///
    /// ## Condition
    /// The truth about the address's PTR record is NXDOMAIN or an empty answer. Subject: the address. One severity
    /// lower where every path of the address is relayed or unused.
    ///
    /// ## Why it matters
    /// A receiver that evaluates `iprev` records `permerror` for such a client (RFC 8601 section 2.7.3). Gmail refuses it with
    /// `550 5.7.25`, Microsoft refuses IPv6 senders without PTR record, and Postfix with `reject_unknown_reverse_client_hostname`
    /// answers 450.
    ///
    /// ## Fix
    /// Ask whoever holds the address block to publish one, naming this host. The name's address record comes first: many
    /// providers refuse the PTR record until it leads back to the address.
    ///
    /// ## When to ignore
    /// Where the address sends to one relay alone that does not look at it.
    pub static RULE = {
        code: "PTR001",
        name: "ptr-missing",
        severity: Error,
        refs: ["RFC 8601 section 2.7.3", "RFC 1912 section 2.1", "Gmail: Email sender guidelines"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    each::address(&RULE, cx, |sending| {
        let addr = sending.address.value;
        let question = Question::ptr(addr);
        let finding = match dns.ptr(addr) {
            Lookup::Found(_) => return None,
            Lookup::NoData | Lookup::NxDomain => {
                RULE.violated(addr, format!("{addr} has no PTR record")).fix(ticket::request(facts, dns, sending))
            }
            Lookup::Unanswered(why) => RULE
                .undetermined(addr, format!("could not determine whether {addr} has a PTR record: {why}"))
                .open(&question),
        };
        Some(finding.evidence(evidence(dns, &question)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, fact, findings, healthy};

    #[test]
    fn a_missing_record_is_one_that_somebody_denied() {
        let relayed = || healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
        check_table(
            &RULE,
            vec![
                ("there is one", healthy(), dns(&[]), &[]),
                ("no such name", healthy(), dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]), &["error 192.0.2.10"]),
                ("no such record", healthy(), dns(&[("192.0.2.10 PTR", &["NODATA"])]), &["error 192.0.2.10"]),
                (
                    "no answer proves nothing",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["timeout"])]),
                    &["error? 192.0.2.10"],
                ),
                ("SERVFAIL neither", healthy(), dns(&[("192.0.2.10 PTR", &["SERVFAIL"])]), &["error? 192.0.2.10"]),
                ("the relay is judged", relayed(), dns(&[("192.0.2.10 PTR", &["NODATA"])]), &["warning 192.0.2.10"]),
                ("what receivers see is not known", healthy().but(|f| f.paths[0].sending = None), dns(&[]), &[]),
            ],
        );
        let found = findings(&RULE, &healthy(), &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]));
        let fix = found[0].fix.as_ref().unwrap();
        assert!(fix.text.contains("record of 192.0.2.10 to mail.example.com"), "{}", fix.text);
        assert!(fix.text.contains("The forward record is in place"), "{}", fix.text);
        assert_eq!(fix.commands, ["10.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.com."]);
    }
}
