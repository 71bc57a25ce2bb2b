use super::{each, ticket};
use crate::addr::Family;
use crate::findings::Finding;
use crate::observe::iprev::confirms;
use crate::observe::plan::PTR_NAMES_FOLLOWED;
use crate::observe::{Lookup, Question, RecordType};
use crate::rules::advice::right_names;
use crate::rules::similar::did_you_mean;
use crate::rules::support::{address_evidence, evidence, list, ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// The PTR names of a sending address have no address record.
    ///
    /// ## Condition
    /// The address is not confirmed, and no PTR name has an address record of its family. Undetermined while one of
    /// the names got no answer. Subject: the address. One severity lower where every path is relayed or unused.
    ///
    /// ## Why it matters
    /// A receiver looks the PTR name up again and wants the address back (RFC 8601 section 2.7.3, `iprev`). Gmail refuses a client
    /// whose PTR name does not lead back (`550 5.7.25`), and Postfix with `reject_unknown_client_hostname` answers `450 4.7.25`.
    /// A PTR name without address record usually is a typing error, or the name was removed after a move.
    ///
    /// ## Fix
    /// Publish the address record at the PTR name, or have the PTR record name this host.
    ///
    /// ## When to ignore
    /// Where the address sends to one relay alone that does not look at it.
    pub static RULE = {
        code: "PTR002",
        name: "ptr-target-missing",
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
        let names = ptr_names(dns, addr);
        if names.is_empty() || names.iter().any(|name| confirms(dns, name, addr) == Some(true)) {
            return None;
        }
        let lookups: Vec<_> = names.iter().map(|name| (name, dns.addresses(name, family))).collect();
        let open: Vec<_> = lookups.iter().filter(|(_, lookup)| lookup.open().is_some()).collect();
        let finding = if let [(name, lookup), ..] = open[..] {
            let why = lookup.open().map(ToString::to_string).unwrap_or_default();
            let message =
                format!("could not determine whether the PTR name `{name}` of {addr} leads back to it: {why}");
            let finding = RULE.undetermined(addr, message);
            open.iter().fold(finding, |f, (name, _)| f.open(Question::new(name, RecordType::address(family))))
        } else if lookups.iter().any(|(_, lookup)| matches!(lookup, Lookup::Found(_))) {
            return None;
        } else {
            let suggestion =
                names.first().map(|name| did_you_mean(name, &right_names(facts, dns, sending))).unwrap_or_default();
            let (record, verb) = (family.record(), if names.len() == 1 { "has" } else { "have" });
            let message = format!("the PTR name of {addr}, {}, {verb} no {record} record{suggestion}", list(&names));
            RULE.violated(addr, message).fix(ticket::lead_back(facts, dns, sending, &names))
        };
        let forward = names.iter().take(PTR_NAMES_FOLLOWED).flat_map(|name| address_evidence(dns, name, family));
        Some(finding.evidence(evidence(dns, &Question::ptr(addr))).evidence(forward))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, findings, healthy};

    #[test]
    fn it_needs_every_name_to_be_denied() {
        check_table(
            &RULE,
            vec![
                ("it leads back", healthy(), dns(&[]), &[]),
                ("no PTR record at all is PTR001", healthy(), dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]), &[]),
                ("no such name", healthy(), dns(&[("mail.example.com A", &["NXDOMAIN"])]), &["error 192.0.2.10"]),
                (
                    "IPv6 does not confirm IPv4",
                    healthy(),
                    dns(&[("mail.example.com A", &["NODATA"]), ("mail.example.com AAAA", &["2001:db8::1"])]),
                    &["error 192.0.2.10"],
                ),
                ("it leads elsewhere: PTR003", healthy(), dns(&[("mail.example.com A", &["192.0.2.99"])]), &[]),
                ("no answer", healthy(), dns(&[("mail.example.com A", &["timeout"])]), &["error? 192.0.2.10"]),
                (
                    "one of two confirms",
                    healthy(),
                    dns(&[
                        ("192.0.2.10 PTR", &["gone.example.com", "mail.example.com"]),
                        ("gone.example.com A", &["NXDOMAIN"]),
                    ]),
                    &[],
                ),
                (
                    "one leads elsewhere, the other did not answer",
                    healthy(),
                    dns(&[
                        ("192.0.2.10 PTR", &["old.example.com", "mail.example.com"]),
                        ("old.example.com A", &["192.0.2.99"]),
                        ("mail.example.com A", &["SERVFAIL"]),
                    ]),
                    &["error? 192.0.2.10"],
                ),
                ("the PTR question itself is PTR001's", healthy(), dns(&[("192.0.2.10 PTR", &["timeout"])]), &[]),
                (
                    "unused",
                    healthy().but(|f| f.paths[0].unused = true),
                    dns(&[("mail.example.com A", &["NODATA"])]),
                    &["warning 192.0.2.10"],
                ),
            ],
        );
        let found = findings(&RULE, &healthy(), &dns(&[("mail.example.com A", &["NXDOMAIN"])]));
        assert_eq!(found[0].fix.as_ref().unwrap().commands, ["mail.example.com. 3600 IN A 192.0.2.10"]);
        let foreign = dns(&[("192.0.2.10 PTR", &["host.example.net"]), ("host.example.net A", &["NXDOMAIN"])]);
        let found = findings(&RULE, &healthy(), &foreign);
        let commands = &found[0].fix.as_ref().unwrap().commands;
        assert_eq!(commands, &["10.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.com."]);
    }
}
