//! `helolint check`: reads the host, asks the DNS, judges, reports.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::gather::{self, Done, Gathered, Start};
use super::planning;
use crate::cli::{CheckArgs, DnsArgs, FactArgs, OutputArgs};
use crate::error::Error;
use crate::facts::Facts;
use crate::findings::{self, KnownFindings};
use crate::inputs::{Host, Input, Inputs, Outputs};
use crate::observe::Observations;
use crate::report::{self, Format, Report, Style, Verbosity};
use crate::rules::{self, Policy, Selection};
use crate::settings::Settings;
use crate::{exit, process, receivers};

/// How long judging may take: a server with 50,000 domains, each with a HELO name of its own, is read, judged and told in half of it.
/// Rules that are left then are not checked.
const JUDGING: Duration = Duration::from_secs(10);
/// Judging that takes longer than this is not repeated for a plan: the process would end before.
const REPEATED: Duration = Duration::from_secs(6);

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(CheckArgs { mut facts, moved, cutover, mut dns, output: mut out }: CheckArgs) -> Result<u8, Error> {
    (facts.moved, facts.cutover) = (moved, cutover.cutover);
    let host = Host::open(&facts)?;
    let settings = gather::settings(&mut facts, &mut dns, &host)?;
    settings.complete_output(&mut out);
    let baseline = baseline(&out, host.is_live())?;
    let inputs = Inputs::open(host, &facts, &dns)?;
    let outputs = Outputs::open(&out)?;

    let style = Style::for_stdout(out.color(), out.verbosity());
    let style_of = |is_stdout| if is_stdout { style } else { style.for_file() };
    let wanted = outputs.reports.iter().map(|(format, output)| (*format, style_of(output.is_stdout()))).collect();
    let verbose = out.verbosity() == Verbosity::Verbose;
    let judging = Judging { out, settings, baseline, wanted };
    let start = gather::start(&facts, &dns, inputs)?;
    let (done, outputs) =
        gather::apart(outputs, &facts, &dns, start, verbose, |start| check(&facts, &dns, start, judging))?;
    outputs.write(done.texts)?;
    Ok(done.status)
}

/// How facts and answers are judged, and what is said of it.
struct Judging {
    out: OutputArgs,
    settings: Settings,
    baseline: Option<KnownFindings>,
    /// The reports, in order.
    wanted: Vec<(Format, Style)>,
}

/// The texts of the reports in the order in which they are wanted, then what `--write-baseline` keeps.
fn check(facts: &FactArgs, dns: &DnsArgs, start: Start, how: Judging) -> Result<Done, Error> {
    let Judging { out, settings, baseline, wanted } = how;
    let now = process::now();
    let gathered = gather::observe(facts, dns, start)?;
    let Gathered { facts, dns, .. } = &gathered;
    let selection = Selection { select: out.select.clone(), ignore: out.ignore.clone() };
    let began = Instant::now();
    let judged = rules::judge_until(facts, dns, &selection, Some(began + JUDGING));
    let repeatable = began.elapsed() < REPEATED;
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let policy = Policy { severity: settings.severity, ignores: settings.ignores, baseline, today };
    let settled = rules::policy::apply(judged, &selection, &policy);
    let selected = rules::all().map(|rule| &rule.meta);
    let selected = selected.filter(|meta| selection.allows(meta) && rules::is_applicable(meta, facts));
    let opinions: Vec<_> = facts.paths.iter().map(|path| receivers::opinions(path, dns)).collect();
    let mut report =
        Report::new(facts, dns, &settled.findings, selected, &settled.not_checked).with_receivers(opinions);
    report.set_apart(&settled.suppressed, &settled.gone);
    report.dns.stale = rules::stale_caches(facts, dns, &settled.findings);
    let judge = |facts: &Facts, dns: &Observations| {
        rules::policy::apply(rules::judge(facts, dns, &selection), &selection, &policy).findings
    };
    if repeatable {
        report.set_plan(planning::plan(&gathered, &settled.findings, &judge));
    }
    let mut texts = rendered(report, &wanted);
    if out.write_baseline.is_some() {
        texts.push(findings::baseline::write(settled.to_remember(), now));
    }
    Ok(Done { status: exit::status_for(out.stdout_format(), &settled.findings, out.fail_on()), texts })
}

fn rendered(report: Report, wanted: &[(Format, Style)]) -> Vec<String> {
    let Some(((format, style), others)) = wanted.split_last() else { return Vec::new() };
    let mut texts: Vec<String> =
        others.iter().map(|(format, style)| report::render(*format, Cow::Borrowed(&report), style)).collect();
    texts.push(report::render(*format, Cow::Owned(report), style));
    texts
}

/// What is known already. It hides findings: on the running system, nobody else may have written it.
fn baseline(args: &OutputArgs, live: bool) -> Result<Option<KnownFindings>, Error> {
    let Some(path) = &args.baseline else { return Ok(None) };
    let input = Input::read_obeyed("--baseline", path, live)?;
    KnownFindings::read(input.text()).map(Some).map_err(|error| input.refused(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn what_is_no_baseline_ends_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("baseline");
        std::fs::write(&path, "").unwrap();
        let words = ["helolint", "--baseline", path.to_str().unwrap()].map(Into::into);
        let Command::Check(args) = Cli::read(words).unwrap().into_command() else { unreachable!() };
        let error = baseline(&args.output, true).unwrap_err().to_string();
        assert!(error.contains("given with --baseline") && error.contains("no baseline"), "{error}");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(&path, mode).unwrap();
        let error = baseline(&args.output, true).unwrap_err().to_string();
        assert!(error.contains("given with --baseline") && error.contains("chmod go-w"), "{error}");
        assert!(baseline(&args.output, false).unwrap_err().to_string().contains("no baseline"));
        std::fs::remove_file(&path).unwrap();
        assert!(baseline(&args.output, true).is_err());
    }
}
