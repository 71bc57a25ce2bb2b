//! `helolint check`: reads the host, asks the DNS, judges, reports.

use std::borrow::Cow;

use jiff::Timestamp;

use super::gather::{self, Done, Gathered, Start};
use super::judging::Judging;
use crate::cli::{CheckArgs, DnsArgs, FactArgs, OutputArgs};
use crate::error::Error;
use crate::findings::{self, KnownFindings};
use crate::inputs::{Host, Input, Inputs, Outputs};
use crate::report::{self, Format, Report, Style, Verbosity};
use crate::{exit, process, progress, receivers, rules};

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(args: CheckArgs) -> Result<u8, Error> {
    let CheckArgs { mut facts, moved, log, cutover, mut dns, evidence, output: mut out } = args;
    (facts.moved, facts.log, facts.cutover, facts.evidence) = (moved, log.from(), cutover.cutover, evidence);
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
    let how = Judging::new(&out.rules, &settings, baseline);
    let start = gather::start(&facts, &dns, inputs)?;
    if let Some(whom) = start.asks(&facts, &dns).filter(|_| out.verbosity() != Verbosity::Quiet) {
        progress::first(&whom);
    }
    let work = |start| check(&facts, &dns, start, Reported { out, how, wanted }, process::now());
    let (done, outputs) = gather::apart(outputs, &facts, &dns, start, verbose, work)?;
    outputs.write(done.texts)?;
    Ok(done.status)
}

/// By what the host is judged, and what is said of it.
pub(super) struct Reported {
    /// What else comes out.
    pub out: OutputArgs,
    /// The rules.
    pub how: Judging,
    /// The reports, in order.
    pub wanted: Vec<(Format, Style)>,
}

/// The texts of the reports in the order in which they are wanted, then what `--write-baseline` keeps.
///
/// # Errors
/// Where an input is not what it should be.
pub(super) fn check(
    facts: &FactArgs,
    dns: &DnsArgs,
    start: Start,
    told: Reported,
    now: Timestamp,
) -> Result<Done, Error> {
    let Reported { out, how, wanted } = told;
    let gathered = gather::observe(facts, dns, start)?;
    let Gathered { facts, dns, .. } = &gathered;
    let judged = how.judged(&gathered, None);
    let found = &judged.filtered;
    let stale = rules::stale_caches(facts, dns, &found.findings);
    let kept = out.write_baseline.is_some().then(|| findings::baseline::write(found.to_remember(), now));
    let status = exit::status_for(out.stdout_format(), &found.findings, out.fail_on.value());
    let opinions = facts.paths.iter().map(|path| receivers::opinions(path, dns));
    let mut report = judged.report(&gathered, opinions);
    report.dns.stale = stale;
    // Of a server with many domains this is large, and the reports hold what they tell.
    drop(gathered);
    let mut texts = rendered(report, &wanted);
    texts.extend(kept);
    Ok(Done { status, texts })
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
