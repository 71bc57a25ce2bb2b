//! The plan of a run: searched over a copy in memory, and once more where it rests on questions that have yet to be asked.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::gather::{Gathered, options};
use crate::cli::{DnsArgs, FactArgs};
use crate::facts::{Facts, HostFqdn};
use crate::findings::{Finding, Severity};
use crate::observe::resolver::{self, Progress};
use crate::observe::{Observations, Question};
use crate::remedy::{self, Found, Ground, Plan};

/// Questions that are asked for a plan at most: the names that a host could go by, with what their answers bring.
const QUESTIONS: usize = 200;
/// Time that must be left of `--timeout` for questions of the plan.
const LEAST: Duration = Duration::from_millis(200);

/// The plan for what was found in what was gathered.
pub fn plan(
    fact_args: &FactArgs,
    args: &DnsArgs,
    observed: &Gathered,
    findings: &[Finding],
    judge: &dyn Fn(&Facts, &Observations) -> Vec<Finding>,
) -> Plan {
    if findings.iter().all(|finding| finding.severity < Severity::Warning) {
        return Plan { judged: true, steps: Vec::new(), remains: Vec::new() };
    }
    let root = observed.sources.root.as_ref();
    let mut kernel = observed.sources.kernel.clone();
    if let (Some(kernel), HostFqdn::Name(_) | HostFqdn::Fails(_)) = (&mut kernel, &observed.facts.host.fqdn) {
        kernel.fqdn = observed.facts.host.fqdn.clone();
    }
    let local = |questions: &BTreeSet<Question>, facts: &Facts, dns: Observations| match (
        &observed.sources.zones,
        &observed.sources.overlay,
    ) {
        (Some(zones), None) => zones.answer_more(questions, facts, dns),
        (Some(zones), Some((name, planned))) => {
            planned.overlay(name, facts, dns, |questions, dns| zones.answer_more(questions, facts, dns))
        }
        (None, _) => dns,
    };
    let search = |dns: &Observations, extra: BTreeSet<Question>| {
        let ground = Ground {
            root,
            kernel: kernel.clone(),
            running: &observed.sources.running,
            facts: &observed.facts,
            dns,
            answer: observed.sources.zones.is_some().then_some(&local as _),
            extra,
            judge,
        };
        remedy::search(&ground)
    };
    let Found { plan, missing } = search(&observed.dns, BTreeSet::new());
    let live = !fact_args.replay && !args.offline && observed.sources.zones.is_none();
    let left = observed.sources.deadline.saturating_duration_since(Instant::now());
    if missing.is_empty() || !live || left < LEAST || observed.sources.overlay.is_some() {
        return plan;
    }
    let asked: BTreeSet<Question> = missing.into_iter().take(QUESTIONS).collect();
    let options = options(&observed.facts, args, observed.sources.deadline, &Progress::default());
    let dns = resolver::ask_these(&asked, &observed.facts, &options, observed.dns.clone());
    let extra = dns.replies.keys().filter(|question| !observed.dns.replies.contains_key(*question)).cloned().collect();
    search(&dns, extra).plan
}
