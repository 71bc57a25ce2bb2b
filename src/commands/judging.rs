//! Judging as every command does it: the rules over facts and answers, then what the administrator has settled.

use std::time::{Duration, Instant};

use super::gather::Gathered;
use super::planning;
use crate::cli::RuleArgs;
use crate::facts::Facts;
use crate::findings::{Finding, KnownFindings, Meta, Need};
use crate::observe::Observations;
use crate::process;
use crate::receivers::Opinion;
use crate::remedy::Plan;
use crate::report::Report;
use crate::rules::policy::Filtered;
use crate::rules::{self, Policy, Selection};
use crate::settings::Settings;

/// How long judging may take: a server with 50,000 domains, each with a HELO name of its own, is read, judged and told in half of it.
/// Rules that are left then are not checked.
const JUDGING: Duration = Duration::from_secs(10);
/// Judging that takes longer than this is not repeated for a plan: the process would end before.
const REPEATED: Duration = Duration::from_secs(6);

/// By what a host is judged.
pub(crate) struct Judging {
    selection: Selection,
    policy: Policy,
}

impl Judging {
    /// By the rules that are selected, today, as the settings have it.
    pub(crate) fn new(rules: &RuleArgs, settings: &Settings, baseline: Option<KnownFindings>) -> Judging {
        let selection = Selection { select: rules.select.clone(), ignore: rules.ignore.clone() };
        let today = process::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let (severity, ignores) = (settings.severity.clone(), settings.ignores.clone());
        Judging { selection, policy: Policy { severity, ignores, baseline, today } }
    }

    /// The findings that count, of rules that were begun before `end`: where some were not, one finding says so.
    pub(crate) fn findings_until(&self, facts: &Facts, dns: &Observations, end: Instant) -> Vec<Finding> {
        let judged = rules::judge_until(facts, dns, &self.selection, Some(end));
        rules::policy::apply(judged, &self.selection, &self.policy).findings
    }

    /// The findings that count, however long it takes.
    pub(crate) fn findings(&self, facts: &Facts, dns: &Observations) -> Vec<Finding> {
        rules::policy::apply(rules::judge(facts, dns, &self.selection), &self.selection, &self.policy).findings
    }

    /// Judges what was gathered, and makes a plan. That is made for all that `whole` finds, and what concerns the findings of this one is kept
    /// of it: a cure that makes something else worse is none.
    pub(crate) fn judged(&self, gathered: &Gathered, whole: Option<&Judging>) -> Judged {
        let Gathered { facts, dns, .. } = gathered;
        let began = Instant::now();
        let judged = rules::judge_until(facts, dns, &self.selection, Some(began + JUDGING));
        let filtered = rules::policy::apply(judged, &self.selection, &self.policy);
        let all = whole.map(|whole| whole.findings(facts, dns));
        let repeatable = began.elapsed() < REPEATED;
        let plan = repeatable.then(|| {
            // What running servers say is not changed by a file: it stays until they are reloaded, whatever a trial of the plan writes.
            let heard = |finding: &Finding| finding.meta.needs(Need::Smtp);
            let said: Vec<Finding> =
                all.as_ref().unwrap_or(&filtered.findings).iter().filter(|f| heard(f)).cloned().collect();
            let judge = |facts: &Facts, dns: &Observations| {
                let mut findings = whole.unwrap_or(self).findings(facts, dns);
                findings.retain(|finding| !heard(finding));
                findings.extend(said.iter().cloned());
                findings
            };
            let plan = planning::plan(gathered, all.as_ref().unwrap_or(&filtered.findings), &judge);
            let own = filtered.findings.iter().map(|finding| (finding.meta.code, finding.subject.as_str())).collect();
            if whole.is_some() { plan.settling(&own) } else { plan }
        });
        Judged { rules: self.selected(facts).collect(), filtered, plan }
    }

    /// The rules that are selected and have something to look at here.
    fn selected<'f>(&'f self, facts: &'f Facts) -> impl Iterator<Item = &'static Meta> + 'f {
        let all = rules::all().map(|rule| &rule.meta);
        all.filter(|meta| self.selection.allows(meta) && rules::is_applicable(meta, facts))
    }
}

/// What judging came to.
pub(crate) struct Judged {
    /// What was found.
    pub filtered: Filtered,
    /// What to do about it; `None` where judging took too long to be repeated.
    plan: Option<Plan>,
    rules: Vec<&'static Meta>,
}

impl Judged {
    /// The report, which takes the findings over. `opinions` are those of receivers, by path.
    pub(crate) fn report(self, gathered: &Gathered, opinions: impl IntoIterator<Item = Vec<Opinion>>) -> Report {
        let Judged { filtered: Filtered { findings, suppressed, not_checked, gone }, plan, rules } = self;
        let mut report =
            Report::new(&gathered.facts, &gathered.dns, findings, rules, &not_checked).with_receivers(opinions);
        report.set_apart(suppressed, gone);
        if let Some(plan) = plan {
            report.set_plan(plan);
        }
        report
    }
}
