//! The plan of a run: searched over a copy in memory, and once more where it rests on questions that have yet to be asked.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::gather::Gathered;
use crate::collect::kernel::KernelFacts;
use crate::collect::root::Root;
use crate::facts::{Facts, HostFqdn};
use crate::findings::{Finding, Severity};
use crate::observe::change::RecordChanges;
use crate::observe::plan::{self, FollowUps};
use crate::observe::resolver::{self, Options};
use crate::observe::source::Answers;
use crate::observe::{Observations, Question};
use crate::remedy::world::{Answerer, Lab};
use crate::remedy::{self, Found, Ground, Plan};

/// Questions that are asked for a plan at most: the names that a host could go by, with what their answers bring.
const QUESTIONS: usize = 200;
/// Findings times octets that were read, up to which there is a plan: a candidate may look through a file for each finding. A server of 50,000
/// domains with a hundred findings has less.
const MOST_LOOKED_AT: usize = 2 << 30;
/// Lines of a hosts file up to which there is a plan: each trial of another name reads it anew.
const HOSTS_ENTRIES: usize = 1_000;
/// Time that must be left of `--timeout` for questions of the plan.
const LEAST: Duration = Duration::from_millis(200);

/// Judges facts and answers as the run does.
pub(crate) type Judge<'j> = dyn Fn(&Facts, &Observations) -> Vec<Finding> + 'j;

/// The plan for what was found in what was gathered.
pub(crate) fn plan(observed: &Gathered, findings: &[Finding], judge: &Judge<'_>) -> Plan {
    planned(observed, findings, judge).0
}

/// The same, and the answers with those that were asked for the plan, where there are any.
pub(crate) fn planned(observed: &Gathered, findings: &[Finding], judge: &Judge<'_>) -> (Plan, Option<Observations>) {
    if findings.iter().all(|finding| finding.severity < Severity::Warning) {
        return (Plan::default(), None);
    }
    let loud = findings.iter().filter(|finding| finding.severity >= Severity::Warning).count();
    let read = observed.sources.root.as_ref().map_or(0, Root::kept_bytes);
    if loud.saturating_mul(read) > MOST_LOOKED_AT || observed.facts.host.hosts.len() > HOSTS_ENTRIES {
        return (Plan { bounded: true, ..Plan::default() }, None);
    }
    let known = Known::new(observed, findings, judge);
    let Found { plan, missing } = remedy::search(&known.ground(&observed.dns, asked_for_a_plan(observed)));
    let left = observed.sources.deadline.saturating_duration_since(Instant::now());
    let source = &observed.sources.source;
    let Answers::Live(options, _) = &source.answers else { return (plan, None) };
    if missing.is_empty() || left < LEAST || source.planned.is_some() {
        return (plan, None);
    }
    let asked: BTreeSet<Question> = missing.into_iter().take(QUESTIONS).collect();
    let options = Options { timeout: left, ..options.clone() };
    let dns = resolver::ask(&asked, &FollowUps::new(&observed.facts), &options, observed.dns.clone());
    let is_new = |question: &&Question| !observed.dns.replies.contains_key(*question);
    let extra = dns.replies.keys().filter(is_new).cloned().collect();
    let plan = remedy::search(&known.ground(&dns, extra)).plan;
    (plan, Some(dns))
}

/// What recorded answers hold beyond the questions of a check: those were asked for a plan.
fn asked_for_a_plan(observed: &Gathered) -> BTreeSet<Question> {
    let Answers::Recorded(dns) = &observed.sources.source.answers else { return BTreeSet::new() };
    let own = observed.dns.questions_of(&observed.facts, &RecordChanges::default());
    dns.replies.keys().filter(|question| !own.contains(question)).cloned().collect()
}

/// Whether the host is no worse once these files have these contents (`None`: are gone); else what would be new.
///
/// # Errors
/// The errors that would be there, in words.
pub(crate) fn is_no_worse(
    observed: &Gathered,
    findings: &[Finding],
    judge: &Judge<'_>,
    texts: Vec<(String, Option<String>)>,
) -> Result<(), String> {
    let known = Known::new(observed, findings, judge);
    let ground = known.ground(&observed.dns, asked_for_a_plan(observed));
    let lab = Lab::new(&ground);
    let before = lab.try_out(&lab.world());
    let world = lab.with_texts(texts).ok_or("there are no files to change")?;
    let after = lab.try_out(&world);
    if after.score <= before.score {
        return Ok(());
    }
    let new: Vec<String> =
        after.errors().difference(before.errors()).map(|(code, subject)| format!("{code} {subject}")).collect();
    Err(format!("judged again, the host would be worse: {}", new.join(", ")))
}

/// What trials go by.
struct Known<'o> {
    observed: &'o Gathered,
    findings: &'o [Finding],
    judge: &'o Judge<'o>,
    kernel: Option<KernelFacts>,
    /// Answers without asking anybody outside; `None` where only the network could.
    answer: Option<Box<Answerer<'o>>>,
}

impl<'o> Known<'o> {
    fn new(observed: &'o Gathered, findings: &'o [Finding], judge: &'o Judge<'o>) -> Known<'o> {
        let mut kernel = observed.sources.kernel.clone();
        if let (Some(kernel), HostFqdn::Name(_) | HostFqdn::Fails(_)) = (&mut kernel, &observed.facts.host.fqdn) {
            kernel.fqdn = observed.facts.host.fqdn.clone();
        }
        let source = &observed.sources.source;
        let answer = match &source.answers {
            Answers::Zones(zones) => {
                Some(Box::new(move |questions: &BTreeSet<Question>, facts: &Facts, dns: Observations| {
                    match &source.planned {
                        None => zones.answer_more(questions, &FollowUps::new(facts), dns),
                        Some((name, planned)) => {
                            let asked = plan::Plan::new(facts);
                            let more = |questions: &BTreeSet<Question>, dns| {
                                zones.answer_more(questions, &asked.follow_ups, dns)
                            };
                            planned.overlay(name, &asked, dns, more)
                        }
                    }
                }) as Box<Answerer<'o>>)
            }
            Answers::Nobody | Answers::Recorded(_) | Answers::Live(..) => None,
        };
        Known { observed, findings, judge, kernel, answer }
    }

    fn ground<'g>(&'g self, dns: &'g Observations, extra: BTreeSet<Question>) -> Ground<'g> {
        Ground {
            root: self.observed.sources.root.as_ref(),
            kernel: self.kernel.clone(),
            running: &self.observed.sources.running,
            facts: &self.observed.facts,
            dns,
            answer: self.answer.as_deref(),
            extra,
            findings: self.findings,
            judge: self.judge,
        }
    }
}
