//! The loops that the rules of this family share: over sending addresses, and over the PTR names of each.

use crate::facts::Facts;
use crate::findings::{Finding, Meta};
use crate::name::DomainName;
use crate::observe::Observations;
use crate::rules::support::{Sending, followed_ptr_names, ptr_severity, sending_addresses};

/// What `judge` finds of each sending address, with its paths and places and the severity that these give.
pub fn address(rule: &Meta, facts: &Facts, judge: impl Fn(&Sending<'_>) -> Option<Finding>) -> Vec<Finding> {
    sending_addresses(facts).iter().filter_map(|sending| Some(marked(rule, sending, judge(sending)?))).collect()
}

/// The same of each PTR name whose own records were asked for.
pub fn name(
    rule: &Meta,
    facts: &Facts,
    dns: &Observations,
    judge: impl Fn(&Sending<'_>, &DomainName) -> Option<Finding>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for sending in sending_addresses(facts) {
        let names = followed_ptr_names(dns, sending.address.value);
        findings.extend(names.iter().filter_map(|name| Some(marked(rule, &sending, judge(&sending, name)?))));
    }
    findings
}

fn marked(rule: &Meta, sending: &Sending<'_>, finding: Finding) -> Finding {
    sending.mark(finding).severity(ptr_severity(rule, sending))
}
