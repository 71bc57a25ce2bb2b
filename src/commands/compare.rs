//! `helolint compare`: what a move changed, and what of it nobody asked for.

use std::path::Path;
use std::time::{Duration, Instant};

use super::gather::{self, Done, Gathered, Start};
use super::planning;
use crate::cli::{CompareArgs, CompareFormat, DnsArgs, FactArgs};
use crate::compare;
use crate::error::Error;
use crate::facts::Facts;
use crate::findings::Finding;
use crate::inputs::{Host, Inputs};
use crate::observe::Observations;
use crate::output::{Output, Readers};
use crate::report::{Comparison, ComparisonFormat, Report, Style};
use crate::rules::{self, Policy, Selection};
use crate::settings::Settings;
use crate::{exit, process};

/// How long judging may take.
const JUDGING: Duration = Duration::from_secs(10);
/// Judging that takes longer than this is not repeated for every trial of a plan.
const REPEATED: Duration = Duration::from_millis(500);
/// What a move is judged by unless something else is selected: what changed, and records that still hold what was.
const RULES: [&str; 3] = ["MIG", "DNS008", "DNS011"];

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(args: CompareArgs, color: anstream::ColorChoice) -> Result<u8, Error> {
    let CompareArgs { mut facts, mut dns, output: out, .. } = args;
    let host = Host::open(&facts)?;
    let settings = gather::settings(&mut facts, &mut dns, &host)?;
    let inputs = Inputs::open(host, &facts, &dns)?;
    let output = Output::open(out.output.as_deref().unwrap_or(Path::new("-")), Readers::Usual)?;
    let style = Style::for_stdout(color, out.verbosity());
    let style = if output.is_stdout() { style } else { style.for_file() };
    let mut selection = Selection { select: out.select.clone(), ignore: out.ignore.clone() };
    if selection.select.is_empty() {
        selection.select = RULES.map(str::to_owned).into();
    }
    let format = match out.format {
        CompareFormat::Human => ComparisonFormat::Human,
        CompareFormat::Json => ComparisonFormat::Json,
        CompareFormat::Markdown => ComparisonFormat::Markdown,
    };
    let start = gather::start(&facts, &dns, inputs)?;
    let (done, output) = gather::apart(output, &facts, &dns, start, false, |start| {
        let (comparison, findings) = compared(&facts, &dns, start, &selection, settings)?;
        let status = exit::status(&findings, out.fail_on());
        Ok(Done { status, texts: vec![comparison.render(format, &style)] })
    })?;
    output.write(done.only()?.as_bytes())?;
    Ok(done.status)
}

fn compared(
    facts: &FactArgs,
    dns: &DnsArgs,
    start: Start,
    selection: &Selection,
    settings: Settings,
) -> Result<(Comparison, Vec<Finding>), Error> {
    let gathered = gather::observe(facts, dns, start)?;
    let Gathered { facts, dns, taken, .. } = &gathered;
    let began = Instant::now();
    let judged = rules::judge_until(facts, dns, selection, Some(began + JUDGING));
    let repeatable = began.elapsed() < REPEATED;
    let today = process::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let policy = Policy { severity: settings.severity, ignores: settings.ignores, baseline: None, today };
    let settled = rules::policy::apply(judged, selection, &policy);
    let selected = rules::all().map(|rule| &rule.meta).filter(|meta| selection.allows(meta));
    let mut report = Report::new(facts, dns, &settled.findings, selected, &settled.not_checked);
    report.set_apart(&settled.suppressed, &settled.gone);
    let judge = |facts: &Facts, dns: &Observations| {
        rules::policy::apply(rules::judge(facts, dns, selection), selection, &policy).findings
    };
    if repeatable {
        report.set_plan(planning::plan(&gathered, &settled.findings, &judge));
    }
    let moved = facts.moved.as_deref().ok_or_else(|| Error::Usage("there is nothing to compare with".to_owned()))?;
    let changes = compare::changes(moved, facts, &compare::answers(dns));
    Ok((Comparison::new(moved, facts, taken.clone(), changes, report), settled.findings))
}
