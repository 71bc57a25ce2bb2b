//! The plan of a run: searched over a copy in memory, and once more where it rests on questions that have yet to be asked.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::gather::Gathered;
use crate::facts::{Facts, HostFqdn};
use crate::findings::{Finding, Severity};
use crate::observe::plan::{self, FollowUps};
use crate::observe::resolver::{self, Options};
use crate::observe::source::Answers;
use crate::observe::{Observations, Question};
use crate::remedy::{self, Found, Ground, Plan};

/// Questions that are asked for a plan at most: the names that a host could go by, with what their answers bring.
const QUESTIONS: usize = 200;
/// Time that must be left of `--timeout` for questions of the plan.
const LEAST: Duration = Duration::from_millis(200);

/// The plan for what was found in what was gathered.
pub(crate) fn plan(
    observed: &Gathered,
    findings: &[Finding],
    judge: &dyn Fn(&Facts, &Observations) -> Vec<Finding>,
) -> Plan {
    if findings.iter().all(|finding| finding.severity < Severity::Warning) {
        return Plan::default();
    }
    let root = observed.sources.root.as_ref();
    let mut kernel = observed.sources.kernel.clone();
    if let (Some(kernel), HostFqdn::Name(_) | HostFqdn::Fails(_)) = (&mut kernel, &observed.facts.host.fqdn) {
        kernel.fqdn = observed.facts.host.fqdn.clone();
    }
    let source = &observed.sources.source;
    let zones = match &source.answers {
        Answers::Zones(zones) => Some(zones),
        Answers::Nobody | Answers::Recorded(_) | Answers::Live(..) => None,
    };
    let local = |questions: &BTreeSet<Question>, facts: &Facts, dns: Observations| match (zones, &source.planned) {
        (Some(zones), None) => zones.answer_more(questions, &FollowUps::new(facts), dns),
        (Some(zones), Some((name, planned))) => {
            let asked = plan::Plan::new(facts);
            planned.overlay(name, &asked, dns, |questions, dns| zones.answer_more(questions, &asked.follow_ups, dns))
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
            answer: zones.is_some().then_some(&local as _),
            extra,
            findings,
            judge,
        };
        remedy::search(&ground)
    };
    let Found { plan, missing } = search(&observed.dns, BTreeSet::new());
    let left = observed.sources.deadline.saturating_duration_since(Instant::now());
    let Answers::Live(options, _) = &source.answers else { return plan };
    if missing.is_empty() || left < LEAST || source.planned.is_some() {
        return plan;
    }
    let asked: BTreeSet<Question> = missing.into_iter().take(QUESTIONS).collect();
    let options = Options { timeout: left, ..options.clone() };
    let dns = resolver::ask(&asked, &FollowUps::new(&observed.facts), &options, observed.dns.clone());
    let extra = dns.replies.keys().filter(|question| !observed.dns.replies.contains_key(*question)).cloned().collect();
    search(&dns, extra).plan
}
