use super::ticket;
use crate::addr::Family;
use crate::facts::Facts;
use crate::findings::Finding;
use crate::observe::iprev::confirms;
use crate::observe::{Lookup, Observations, Question, RecordType};
use crate::rules::rule;
use crate::rules::support::{address_evidence, evidence, list, ptr_names, ptr_severity, sending_addresses};

rule! {
    /// The PTR names of a sending address have no address record.
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
        needs_dns: true,
        check: check,
    };
}

fn check(facts: &Facts, dns: &Observations) -> Vec<Finding> {
    let mut findings = Vec::new();
    for sending in sending_addresses(facts) {
        let addr = sending.address.value;
        let family = Family::of(addr);
        let names = ptr_names(dns, addr);
        if names.is_empty() || names.iter().any(|name| confirms(dns, name, addr) == Some(true)) {
            continue;
        }
        let lookups: Vec<_> = names.iter().map(|name| (name, dns.addresses(name, family))).collect();
        let open: Vec<_> = lookups.iter().filter(|(_, lookup)| lookup.open().is_some()).collect();
        let finding = if let [(name, lookup), ..] = open[..] {
            let why = lookup.open().map(ToString::to_string).unwrap_or_default();
            let message = format!("whether the PTR name `{name}` of {addr} leads back to it could not be seen: {why}");
            let finding = RULE.undetermined(addr, message);
            open.iter().fold(finding, |f, (name, _)| f.open(Question::new(name, RecordType::address(family))))
        } else if lookups.iter().any(|(_, lookup)| matches!(lookup, Lookup::Found(_))) {
            continue;
        } else {
            let (record, verb) = (family.record(), if names.len() == 1 { "has" } else { "have" });
            let message = format!("the PTR name of {addr}, {}, {verb} no {record} record", list(&names));
            RULE.violated(addr, message).fix(ticket::lead_back(facts, dns, &sending, &names))
        };
        let finding = sending.mark(finding).severity(ptr_severity(&RULE, &sending));
        let forward = names.iter().flat_map(|name| address_evidence(dns, name, family));
        findings.push(finding.evidence(evidence(dns, &Question::ptr(addr))).evidence(forward));
    }
    findings
}
