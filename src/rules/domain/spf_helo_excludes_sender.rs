use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{DomainContext, open_question, publish};
use crate::domains::fix::{Retired, authorising};
use crate::domains::{SenderCheck, helo_checks};
use crate::facts::OutboundPath;
use crate::findings::{Finding, Fix, Who};
use crate::identity::OwnAddresses;
use crate::name::DomainName;
use crate::observe::helo_policies::introduced;
use crate::observe::{Question, RecordType};
use crate::rules::{Context, rule};
use crate::spf::SpfResult;

rule! {
    /// The HELO name publishes SPF that does not pass for the path.
    ///
    /// ## Condition
    /// The HELO name of a path has an SPF record, and it does not pass for the path's sending address. Relayed paths apart. Subject: the HELO name.
    /// `check` looks at up to 64 HELO names, and says nothing where a record rests on exchangers, on macros or on what an included policy
    /// includes in turn: `helolint domains` evaluates those too.
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
        needs: [Facts, Dns],
        check: (both check check_domain),
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let lookup = |question: &Question| {
        let truth = cx.dns.replies.contains_key(question).then(|| cx.dns.truth(question))?;
        Some(Cow::Owned(truth.lookup.filter_map(|record| Some(record.data))))
    };
    let names = introduced(cx.facts);
    let is_looked_at =
        |name: &DomainName| names.contains(name) && lookup(&Question::new(name, RecordType::Txt)).is_some();
    let paths: Vec<&OutboundPath> = cx.facts.paths.iter().filter(|path| !path.unused).collect();
    let own = OwnAddresses::new(cx.facts);
    judged(&helo_checks(&paths, &is_looked_at, &lookup), &Retired { old: &cx.facts.old_addresses, own: &own })
}

fn check_domain(cx: &DomainContext<'_>) -> Vec<Finding> {
    judged(&cx.seen.helo, &cx.retired())
}

fn judged(checks: &[SenderCheck], retired: &Retired<'_>) -> Vec<Finding> {
    let mut by_name: BTreeMap<&DomainName, Vec<&SenderCheck>> = BTreeMap::new();
    for check in checks {
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
                let failing = checks.iter().filter(|check| open_question(check).is_none());
                let add: Vec<IpAddr> = failing.clone().map(|check| check.address).collect();
                let record = checks.iter().find_map(|check| check.evaluation.record.as_deref());
                let fix = match record.and_then(|record| authorising(Some(record), &add, retired)) {
                    Some(record) => publish(
                        format!("Publish this SPF record for {name} in place of the present one."),
                        name,
                        &record,
                    ),
                    None => Fix::new(
                        Who::DnsZone,
                        format!("Mend the SPF record of {name}, and authorise the address in it."),
                    ),
                };
                let message = format!("SPF of the HELO name {name} does not pass: {}", words.join(", "));
                RULE.violated(name, message).fix(fix)
            }
        };
        checks.iter().flat_map(|check| &check.paths).fold(finding, |finding, path| finding.path(path))
    };
    by_name.into_iter().map(finding).collect()
}
