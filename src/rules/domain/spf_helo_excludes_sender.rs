use std::collections::BTreeMap;

use super::{DomainContext, open_question};
use crate::domains::SenderCheck;
use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::rules::rule;
use crate::spf::SpfResult;

rule! {
    /// The HELO name publishes SPF that does not pass for the path.
    ///
    /// ## Condition
    /// The HELO name of a path that the domain's mail takes has an SPF record, and it does not pass for the path's sending address. Subject: the
    /// HELO name.
    ///
    /// ## Why it matters
    /// Receivers may check the HELO identity first (RFC 7208 section 2.3), and it is the only one of bounces, which have no sender: with `fail`
    /// they are refused.
    ///
    /// ## Fix
    /// Authorise the address in the HELO name's record: `v=spf1 a -all` does where the name leads to the address.
    ///
    /// ## When to ignore
    /// Never.
    pub static RULE = {
        code: "DOM005",
        name: "spf-helo-excludes-sender",
        severity: Warning,
        refs: ["RFC 7208 sections 2.3 and 10.1.3"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let mut by_name: BTreeMap<&DomainName, Vec<&SenderCheck>> = BTreeMap::new();
    for check in &cx.seen.helo {
        if !matches!(check.evaluation.result, SpfResult::Pass | SpfResult::None) {
            by_name.entry(&check.name).or_default().push(check);
        }
    }
    let finding = |(name, checks): (&DomainName, Vec<&SenderCheck>)| {
        let words: Vec<String> =
            checks.iter().map(|check| format!("{} for {}", check.evaluation.result, check.address)).collect();
        let open: Vec<String> = checks.iter().filter_map(|check| open_question(check)).collect();
        let finding = match open.len() == checks.len() {
            true => {
                let finding = RULE.undetermined(
                    name,
                    format!("SPF of the HELO name {name} cannot be evaluated: {}", open.join(", ")),
                );
                open.iter().fold(finding, Finding::open)
            }
            false => {
                let text =
                    format!("Authorise the address in the SPF record of {name}: `v=spf1 a -all` where it leads to it.");
                let message = format!("SPF of the HELO name {name} does not pass: {}", words.join(", "));
                RULE.violated(name, message).fix(Fix::new(Who::DnsZone, text))
            }
        };
        checks.iter().flat_map(|check| &check.paths).fold(finding, |finding, path| finding.path(path))
    };
    by_name.into_iter().map(finding).collect()
}
