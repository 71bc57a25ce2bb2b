//! The loops that the rules of this family share: over sending addresses, and over the PTR names of each.

use crate::findings::{Finding, Meta};
use crate::name::DomainName;
use crate::rules::Context;
use crate::rules::support::{Sending, followed_ptr_names, ptr_severity};

/// What `judge` finds of each sending address, with its paths and places and the severity that these give.
pub(crate) fn address(rule: &Meta, cx: &Context<'_>, judge: impl Fn(&Sending<'_>) -> Option<Finding>) -> Vec<Finding> {
    cx.sending_addresses().iter().filter_map(|sending| Some(marked(rule, sending, judge(sending)?))).collect()
}

/// The same of each PTR name whose own records were asked for.
pub(crate) fn name(
    rule: &Meta,
    cx: &Context<'_>,
    judge: impl Fn(&Sending<'_>, &DomainName) -> Option<Finding>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for sending in cx.sending_addresses() {
        let names = followed_ptr_names(cx.dns, sending.address.value);
        findings.extend(names.iter().filter_map(|name| Some(marked(rule, sending, judge(sending, name)?))));
    }
    findings
}

fn marked(rule: &Meta, sending: &Sending<'_>, finding: Finding) -> Finding {
    sending.mark(finding).severity(ptr_severity(rule, sending))
}
