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

    /// The report on what was gathered, and what was found. Its plan is made for all that `whole` finds, of which it shows what concerns the
    /// findings of this one: a cure that makes something else worse is none. `opinions` are those of receivers, by path.
    pub(crate) fn report(
        &self,
        gathered: &Gathered,
        opinions: Vec<Vec<Opinion>>,
        whole: Option<&Judging>,
    ) -> (Report, Filtered) {
        let Gathered { facts, dns, .. } = gathered;
        let began = Instant::now();
        let judged = rules::judge_until(facts, dns, &self.selection, Some(began + JUDGING));
        let filtered = rules::policy::apply(judged, &self.selection, &self.policy);
        let all = whole.map(|whole| whole.findings(facts, dns));
        let repeatable = began.elapsed() < REPEATED;
        let selected = self.selected(facts);
        let mut report =
            Report::new(facts, dns, &filtered.findings, selected, &filtered.not_checked).with_receivers(opinions);
        report.set_apart(&filtered.suppressed, &filtered.gone);
        if repeatable {
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
            report.set_plan(if whole.is_some() { plan.settling(&own) } else { plan });
        }
        (report, filtered)
    }

    /// The rules that are selected and have something to look at here.
    fn selected<'f>(&'f self, facts: &'f Facts) -> impl Iterator<Item = &'static Meta> + 'f {
        let all = rules::all().map(|rule| &rule.meta);
        all.filter(|meta| self.selection.allows(meta) && rules::is_applicable(meta, facts))
    }
}
