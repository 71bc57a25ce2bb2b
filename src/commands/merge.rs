//! `helolint merge`: the reports of many hosts in one view. What other hosts wrote is read in a process without rights; root only hands it
//! over.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::gather::refused;
use super::judging::Judging;
use crate::cli::{MergeArgs, MergeFormat, RuleArgs};
use crate::error::Error;
use crate::exit::FailOn;
use crate::facts::Overrides;
use crate::inputs::{HandedFiles, ReportFile, hand_over, text_of};
use crate::merge::{self, Document, FindingEntry, HostEntry, Merger, PathEntry};
use crate::output::{self, Output, Readers};
use crate::report::{MergedFormat, MergedReport, Report, Style, Unread, Verbosity};
use crate::sandbox::{self, Message, Profile, Task};
use crate::settings::Settings;
use crate::{escape, exit, identity, process, snapshot};

/// How long reports are read and judged: time for ten times the largest fleet that was thought of.
const READING: Duration = Duration::from_secs(120);
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
    let files: Vec<ReportFile> = args.reports.iter().flat_map(|path| ReportFile::named(path)).collect();
    let names: Vec<String> = files.iter().map(ReportFile::name).collect();
    let profile = Profile { task: Task::Reports, dns_time: READING };
    let feed = move |pipe| hand_over(&files, pipe);
    let work = |pipe, missing: Vec<sandbox::Missing>| {
        if let Some(refused) = refused(args.require_sandbox, &missing) {
            return refused;
        }
        if args.verbosity() == Verbosity::Verbose {
            missing.iter().for_each(|layer| output::note(&format!("sandbox: not here: {layer}")));
        }
        let deadline = Instant::now() + READING;
        let (merger, unread) = read(names, HandedFiles::new(pipe, deadline), deadline);
        view(args, &style, merger, unread)
    };
    let (message, output) = sandbox::run_fed(output, &profile, feed, work).map_err(Error::Apart)?;
    match message {
        Message::Done { status, texts } => {
            let [text] = texts.as_slice() else { return Err(Error::Fault) };
            output.write(text.as_bytes())?;
            Ok(status)
        }
        Message::Failed(words) => Err(Error::Apart(words)),
    }
}

/// What came of all files, and those that could not be read.
fn read(names: Vec<String>, mut files: HandedFiles, deadline: Instant) -> (Merger, Vec<Unread>) {
    let mut reading = Reading {
        merger: Merger::default(),
        judging: Judging::new(&RuleArgs::default(), &Settings::default(), None),
        now: process::now(),
        deadline,
    };
    let mut unread = Vec::new();
    // Once nothing comes any more, all that are left are not read.
    let mut ended: Option<String> = None;
    for file in names {
        let handed = match &ended {
            Some(why) => Err(why.clone()),
            None => files.next().unwrap_or_else(|error| Err(ended.insert(why_ended(&error)).clone())),
        };
        match handed {
            Ok(bytes) => unread.extend(reading.add(file, bytes)),
            Err(problem) => unread.push(Unread { file, line: None, problem }),
        }
    }
    (reading.merger, unread)
}

fn why_ended(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => format!("the {} seconds in which reports are read were over", READING.as_secs()),
        _ => format!("it was not handed over: {error}"),
    }
}

/// The view as it is written.
fn view(args: &MergeArgs, style: &Style, merger: Merger, unread: Vec<Unread>) -> Message {
    for Unread { file, line, problem } in unread.iter().take(TOLD) {
        let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
        output::note(&escape::line(&format!("{place}: {problem}")));
    }
    if unread.len() > TOLD {
        output::note(&format!("{} more files could not be read", unread.len() - TOLD));
    }
    if merger.is_empty() {
        return Message::Failed(
            "there is no report to be read: give files that helolint check --format json -o FILE wrote".to_owned(),
        );
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
    Message::Done { status, texts: vec![MergedReport { merged, unread }.render(format, style)] }
}

/// What reports are put into, and what they are judged by.
struct Reading {
    merger: Merger,
    judging: Judging,
    /// The time here.
    now: Timestamp,
    deadline: Instant,
}

impl Reading {
    /// Adds what a file has; the value is why it was not read, or not wholly.
    fn add(&mut self, file: String, bytes: Vec<u8>) -> Option<Unread> {
        let Reading { merger, judging, now, deadline } = self;
        let text = text_of(bytes);
        let mut refused = None;
        let read = merge::read(&text, *now, |document| match document {
            Document::Report(host) => merger.add(&file, host),
            Document::Snapshot(text) => match judged(text, judging, *now, *deadline) {
                Ok(host) => merger.add(&file, host),
                Err(problem) => refused = Some(problem),
            },
        });
        match (read, refused) {
            (Err(error), _) => Some(Unread { file, line: Some(error.line), problem: error.problem }),
            (Ok(()), Some(problem)) => Some(Unread { file, line: None, problem: merge::short(&problem) }),
            (Ok(()), None) => None,
        }
    }
}

/// A snapshot's host, judged by what the DNS answered then.
fn judged(text: &str, judging: &Judging, now: Timestamp, deadline: Instant) -> Result<HostEntry, String> {
    let (mut facts, dns, taken) = snapshot::read_dated(text).map_err(|error| error.to_string())?;
    let taken = Some(taken).filter(|taken| !taken.is_empty());
    let taken = taken.map(|taken| merge::taken(&taken, now)).transpose()?;
    identity::apply(&mut facts, Overrides::default());
    let findings = judging.findings_until(&facts, &dns, deadline);
    let report = Report::new(&facts, &dns, Vec::new(), [], &[]);
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
        taken,
        addresses: report.host.addresses.unwrap_or_default().into_iter().map(|one| one.address).collect(),
        paths: paths.collect(),
        findings: findings.collect(),
    })
}
