use super::{each, ticket};
use crate::addr::Family;
use crate::findings::Finding;
use crate::observe::iprev::Iprev;
use crate::observe::plan::PTR_NAMES_FOLLOWED;
use crate::observe::{Lookup, Question};
use crate::rules::advice::right_names;
use crate::rules::similar::did_you_mean;
use crate::rules::support::{address_evidence, evidence, list, ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// The PTR names of a sending address lead to other addresses.
    ///
    /// ## Condition
    /// The address is not confirmed, and some PTR name has address records of its family. Subject: the address. One
    /// severity lower where every path is relayed or unused.
    ///
    /// ## Why it matters
    /// A receiver looks the PTR name up again and wants the address back (RFC 8601 section 2.7.3, `iprev`: `fail`). Gmail refuses a
    /// client whose PTR name leads elsewhere (`550 5.7.25`), and Postfix with `reject_unknown_client_hostname` answers `450 4.7.25`.
    /// After a move, the address record often still has the old server's address.
    ///
    /// ## Fix
    /// Put the sending address into the PTR name's address record, or have the PTR record name this host.
    ///
    /// ## When to ignore
    /// Where the address sends to one relay alone that does not look at it.
    pub static RULE = {
        code: "PTR003",
        name: "ptr-target-elsewhere",
        severity: Error,
        refs: ["RFC 8601 section 2.7.3", "RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    each::address(&RULE, cx, |sending| {
        let addr = sending.address.value;
        let family = Family::from(addr);
        // While one name's question is open, PTR002 says so: another name's addresses prove nothing yet.
        if dns.iprev(addr) != Iprev::Fail {
            return None;
        }
        let names = ptr_names(dns, addr);
        let mut leads = Vec::new();
        for name in &names {
            if let Lookup::Found(found) = dns.addresses(name, family) {
                leads.push(format!("`{name}` leads to {}", list(&found)));
            }
        }
        if leads.is_empty() {
            return None;
        }
        let suggestion =
            names.first().map(|name| did_you_mean(name, &right_names(facts, dns, sending))).unwrap_or_default();
        let message = format!("no PTR name of {addr} leads back to it: {}{suggestion}", leads.join("; "));
        let finding = RULE.violated(addr, message).fix(ticket::lead_back(facts, dns, sending, &names));
        let forward = names.iter().take(PTR_NAMES_FOLLOWED).flat_map(|name| address_evidence(dns, name, family));
        Some(finding.evidence(evidence(dns, &Question::ptr(addr))).evidence(forward))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, fact, healthy};

    #[test]
    fn it_needs_addresses_that_are_not_this_one() {
        let relayed = || healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
        check_table(
            &RULE,
            vec![
                ("it leads back", healthy(), dns(&[]), &[]),
                (
                    "it leads elsewhere",
                    healthy(),
                    dns(&[("mail.example.com A", &["192.0.2.99"])]),
                    &["error 192.0.2.10"],
                ),
                (
                    "among others it leads back",
                    healthy(),
                    dns(&[("mail.example.com A", &["192.0.2.99", "192.0.2.10"])]),
                    &[],
                ),
                ("no address: PTR002", healthy(), dns(&[("mail.example.com A", &["NODATA"])]), &[]),
                (
                    "one without address, one elsewhere",
                    healthy(),
                    dns(&[
                        ("192.0.2.10 PTR", &["gone.example.com", "mail.example.com"]),
                        ("gone.example.com A", &["NXDOMAIN"]),
                        ("mail.example.com A", &["192.0.2.99"]),
                    ]),
                    &["error 192.0.2.10"],
                ),
                (
                    "one elsewhere, one without answer: PTR002",
                    healthy(),
                    dns(&[
                        ("192.0.2.10 PTR", &["a.example.com", "mail.example.com"]),
                        ("a.example.com A", &["timeout"]),
                        ("mail.example.com A", &["192.0.2.99"]),
                    ]),
                    &[],
                ),
                (
                    "the relay is judged",
                    relayed(),
                    dns(&[("mail.example.com A", &["192.0.2.99"])]),
                    &["warning 192.0.2.10"],
                ),
            ],
        );
    }
}
