//! `helolint merge`: the reports of many hosts in one view.

use std::path::Path;

use super::judging::Judging;
use crate::cli::{MergeArgs, MergeFormat, RuleArgs};
use crate::error::Error;
use crate::exit::FailOn;
use crate::facts::Overrides;
use crate::inputs::ReportFile;
use crate::merge::{self, Document, FindingEntry, HostEntry, Merger, PathEntry};
use crate::output::{self, Output, Readers};
use crate::report::{MergedFormat, MergedReport, Report, Style, Unread};
use crate::settings::Settings;
use crate::{exit, identity, snapshot};

/// Files that could not be read and are named on standard error; the report has all of them.
const TOLD: usize = 10;

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where no report could be read, or the view cannot be written.
pub(crate) fn run(args: &MergeArgs, color: anstream::ColorChoice) -> Result<u8, Error> {
    let output = Output::open(args.output.as_deref().unwrap_or(Path::new("-")), Readers::Usual)?;
    let style = Style::for_stdout(color, args.verbosity());
    let style = if output.is_stdout() { style } else { style.for_file() };
    let mut merger = Merger::default();
    let mut unread = Vec::new();
    let judging = Judging::new(&RuleArgs::default(), &Settings::default(), None);
    for file in args.reports.iter().flat_map(|path| ReportFile::named(path)) {
        unread.extend(add(&mut merger, &file, &judging));
    }
    for Unread { file, line, problem } in unread.iter().take(TOLD) {
        let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
        output::note(&format!("{place}: {problem}"));
    }
    if unread.len() > TOLD {
        output::note(&format!("{} more files could not be read", unread.len() - TOLD));
    }
    if merger.is_empty() {
        return Err(Error::Usage(
            "there is no report to be read: give files that helolint check --format json -o FILE wrote".to_owned(),
        ));
    }
    let merged = merger.finish();
    let kinds = merged.hosts.iter().flat_map(|host| host.counts.keys().copied());
    // What could not be read may be anything.
    let status = match exit::status_of(kinds, args.fail_on()) {
        exit::OK if !unread.is_empty() && args.fail_on() != FailOn::Never => exit::UNDETERMINED,
        status => status,
    };
    let format = match args.format {
        MergeFormat::Human => MergedFormat::Human,
        MergeFormat::Json => MergedFormat::Json,
        MergeFormat::Csv => MergedFormat::Csv,
        MergeFormat::Markdown => MergedFormat::Markdown,
    };
    output.write(MergedReport { merged, unread }.render(format, &style).as_bytes())?;
    Ok(status)
}

/// Adds what a file has; the value is why it was not read, or not wholly.
fn add(merger: &mut Merger, file: &ReportFile, judging: &Judging) -> Option<Unread> {
    let name = file.name();
    let unread = |line, problem| Some(Unread { file: name.clone(), line, problem });
    let text = match file.read() {
        Ok(text) => text,
        Err(problem) => return unread(None, problem),
    };
    let mut refused = None;
    let read = merge::read(&text, |document| match document {
        Document::Report(host) => merger.add(&name, host),
        Document::Snapshot(text) => match judged(text, judging) {
            Ok(host) => merger.add(&name, host),
            Err(error) => refused = Some(error.to_string()),
        },
    });
    match (read, refused) {
        (Err(error), _) => unread(Some(error.line), error.problem),
        (Ok(()), Some(problem)) => unread(None, problem),
        (Ok(()), None) => None,
    }
}

/// A snapshot's host, judged by what the DNS answered then.
fn judged(text: &str, judging: &Judging) -> Result<HostEntry, snapshot::SnapshotError> {
    let (mut facts, dns, taken) = snapshot::read_dated(text)?;
    identity::apply(&mut facts, Overrides::default());
    let findings = judging.findings(&facts, &dns);
    let report = Report::new(&facts, &dns, &findings, [], &[]);
    let paths = report.paths.into_iter().map(|path| PathEntry {
        sending: path.sending,
        helo: path.helo.map(|helo| helo.to_string()),
        ptr: path.ptr.unwrap_or_default(),
        asked: path.iprev.is_some(),
        relayed: path.relayed.is_some(),
        unused: path.unused,
    });
    let findings = findings.into_iter().map(|finding| FindingEntry {
        code: finding.meta.code.to_owned(),
        name: finding.meta.name.to_owned(),
        severity: finding.severity,
        verdict: finding.verdict,
        message: finding.message,
    });
    Ok(HostEntry {
        name: report.host.fqdn.or(report.host.node_name),
        taken: Some(taken).filter(|taken| !taken.is_empty()),
        addresses: report.host.addresses.unwrap_or_default().into_iter().map(|one| one.address).collect(),
        paths: paths.collect(),
        findings: findings.collect(),
    })
}
