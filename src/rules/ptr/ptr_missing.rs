use crate::facts::Facts;
use crate::findings::Finding;
use crate::observe::{Lookup, Observations, Question};
use crate::rules::rule;
use crate::rules::support::{evidence, ptr_severity, sending_addresses};

rule! {
    /// A sending address has no PTR record.
    ///
    /// ## Why it matters
    /// A receiver that evaluates `iprev` records `permerror` for such a client
    /// (RFC 8601 section 2.7.3), and many refuse the connection outright.
    ///
    /// ## Fix
    /// Ask whoever holds the address block to publish one, naming this host.
    ///
    /// ## When to ignore
    /// Where the address sends to one relay alone that does not look at it.
    pub static RULE = {
        code: "PTR001",
        name: "ptr-missing",
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
        let finding = match dns.ptr(addr) {
            Lookup::Found(_) => continue,
            Lookup::NoData | Lookup::NxDomain => RULE.violated(addr, format!("{addr} has no PTR record")),
            Lookup::Unanswered(why) => {
                RULE.undetermined(addr, format!("whether {addr} has a PTR record could not be seen: {why}"))
            }
        };
        findings.push(
            sending.mark(finding).severity(ptr_severity(&RULE, &sending)).evidence(evidence(dns, &Question::ptr(addr))),
        );
    }
    findings
}
