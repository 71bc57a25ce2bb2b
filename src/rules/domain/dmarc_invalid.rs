use super::DomainContext;
use crate::dmarc::{RecordFault, Void};
use crate::domains::DmarcState;
use crate::findings::{Finding, Fix, Who};
use crate::rules::rule;

rule! {
    /// A DMARC record that holds for a domain is of no use.
    ///
    /// ## Condition
    /// One of the names that RFC 9989's tree walk asks for has several records, or a text that is meant as one and does not begin with
    /// `v=DMARC1;`; or the record that holds has a `p`, `sp` or `np` that is no policy. Unknown and removed tags (`pct`, `rf`, `ri`) are no
    /// fault. Subject: the domain.
    ///
    /// ## Why it matters
    /// Receivers discard what they cannot use: the policy that is meant does not hold.
    ///
    /// ## Fix
    /// Leave one record, beginning with `v=DMARC1;`, with a policy of `none`, `quarantine` or `reject`.
    ///
    /// ## When to ignore
    /// Never.
    pub static RULE = {
        code: "DOM007",
        name: "dmarc-invalid",
        severity: Error,
        refs: ["RFC 9989 sections 4.7, 4.8 and 4.10"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    let DmarcState::Known(discovery, _) = &cx.seen.dmarc else { return Vec::new() };
    let mut faults: Vec<String> = discovery
        .void
        .iter()
        .map(|void| match void {
            Void::Several { at, count } => format!("{at} has {count} records, and all of them are discarded"),
            Void::Unrecognised { at, .. } => {
                format!("a record at {at} does not begin with `v=DMARC1;` and is discarded")
            }
        })
        .collect();
    if let Some(found) = &discovery.found {
        let instead = if found.record.is_usable() { "`p=none` counts instead" } else { "DMARC is not applied" };
        let words = |fault: &RecordFault| format!("{fault} in the record of {}: {instead}", found.domain);
        faults.extend(found.record.faults.iter().map(words));
    }
    if faults.is_empty() {
        return Vec::new();
    }
    let fix =
        Fix::new(Who::DnsZone, "Leave one record, `v=DMARC1;` first, with a policy of none, quarantine or reject.");
    let message = format!("DMARC of {name} is broken: {}", faults.join("; "));
    vec![cx.at_origin(RULE.violated(name, message).fix(fix))]
}
