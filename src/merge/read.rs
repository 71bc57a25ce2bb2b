//! The text of a report, of which the parts that are compared are read: one JSON document or the lines of `ndjson`, several one after the
//! other too.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::bounds::{Count, Entry, List, few_values};
use super::{FindingEntry, HostEntry, PathEntry, TEXT_LIMIT};
use crate::findings::{Severity, Verdict};

/// The number of the report's format that is read.
pub const SCHEMA: u64 = 1;
/// Seconds that the clock of a host may be ahead of the one here.
const AHEAD: i64 = 300;

/// Why a text is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

/// One document of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document<'t> {
    /// The report of a host.
    Report(HostEntry),
    /// The text of a snapshot, which is still to be judged.
    Snapshot(&'t str),
}

/// What a JSON object is.
#[derive(Deserialize)]
struct Kind {
    /// Of a line of `ndjson`.
    r#type: Option<String>,
    schema: Option<u64>,
    /// Of a snapshot.
    facts: Option<IgnoredAny>,
    /// Of a report.
    host: Option<IgnoredAny>,
    findings: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ReportDoc {
    host: HostDoc,
    paths: List<PathDoc>,
    findings: List<FindingDoc>,
    #[serde(default)]
    taken: Option<String>,
}

#[derive(Deserialize)]
struct HostDoc {
    node_name: Option<String>,
    fqdn: Option<String>,
    addresses: Option<List<AddressDoc>>,
}

#[derive(Deserialize)]
struct AddressDoc {
    address: IpAddr,
}

#[derive(Deserialize)]
struct PathDoc {
    sending: Option<IpAddr>,
    helo: Option<String>,
    ptr: Option<List<String>>,
    iprev: Option<IgnoredAny>,
    relayed: Option<IgnoredAny>,
    #[serde(default)]
    unused: bool,
}

#[derive(Deserialize)]
struct FindingDoc {
    code: String,
    name: String,
    severity: Severity,
    verdict: Verdict,
    message: String,
}

impl Entry for AddressDoc {
    const WHAT: &'static str = "addresses";
}

impl Entry for PathDoc {
    const WHAT: &'static str = "paths";

    fn ptr_names(&self) -> usize {
        self.ptr.as_ref().map_or(0, |names| names.0.len())
    }
}

impl Entry for FindingDoc {
    const WHAT: &'static str = "findings";
}

/// A host whose lines are being read.
struct Lines {
    host: HostEntry,
    paths: Count,
    findings: Count,
}

impl HostDoc {
    fn entry(self) -> HostEntry {
        let addresses = self.addresses.unwrap_or_default().0.into_iter().map(|one| one.address).collect();
        HostEntry { name: self.fqdn.or(self.node_name), addresses, ..HostEntry::default() }
    }
}

impl PathDoc {
    fn entry(self) -> PathEntry {
        PathEntry {
            sending: self.sending,
            helo: self.helo,
            ptr: self.ptr.unwrap_or_default().0,
            asked: self.iprev.is_some(),
            relayed: self.relayed.is_some(),
            unused: self.unused,
        }
    }
}

impl FindingDoc {
    fn entry(self) -> FindingEntry {
        let FindingDoc { code, name, severity, verdict, message } = self;
        FindingEntry { code, name, severity, verdict, message }
    }
}

/// When a report says that it was made: no text that only sorts behind all times, and none that is yet to come.
///
/// # Errors
/// Where it is no time, or later than `now`, the time here: in words.
pub fn taken(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let taken: Timestamp = text.parse().map_err(|_| short(&format!("it was taken at `{text}`, which is no time")))?;
    match taken.as_second() > now.as_second().saturating_add(AHEAD) {
        true => Err(format!("it was taken at {taken}, which is yet to come by the clock here")),
        false => Ok(taken),
    }
}

/// Gives each document of a text to `each`, as it is read. `now` is the time here.
///
/// # Errors
/// At the first that is none, is not whole, has more than is read of a report, or was taken at no time that there was; what came before has
/// been given.
pub fn read<'t>(text: &'t str, now: Timestamp, mut each: impl FnMut(Document<'t>)) -> Result<(), Unreadable> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Kind>();
    let mut lines: Option<Lines> = None;
    let mut count = 0usize;
    loop {
        let from = values.byte_offset();
        let Some(kind) = values.next() else { break };
        let kind = kind.map_err(|error| unreadable(error.line(), &error))?;
        let part = &text[from..values.byte_offset()];
        let at = Part { text, from, part };
        count += 1;
        let line_type = kind.r#type.as_deref();
        if let Some(lines) = lines.as_ref().filter(|_| matches!(line_type, None | Some("host"))) {
            return Err(at.is_wrong(&not_whole(&lines.host)));
        }
        if kind.facts.is_some() {
            few_values(part).map_err(|error| at.fault(&error))?;
            each(Document::Snapshot(part));
            continue;
        }
        if let Some(other) = kind.schema.filter(|schema| *schema != SCHEMA) {
            return Err(at.is_wrong(&format!("it has format {other}, and this helolint reads format {SCHEMA}")));
        }
        match (line_type, lines.as_mut()) {
            (None, _) if kind.host.is_some() && kind.findings.is_some() => {
                let ReportDoc { host, paths, findings, taken } = at.read()?;
                let taken = taken.map(|text| self::taken(&text, now)).transpose();
                each(Document::Report(HostEntry {
                    taken: taken.map_err(|problem| at.is_wrong(&problem))?,
                    paths: paths.0.into_iter().map(PathDoc::entry).collect(),
                    findings: findings.0.into_iter().map(FindingDoc::entry).collect(),
                    ..host.entry()
                }));
            }
            (Some("host"), _) => {
                let host = at.read::<HostDoc>()?.entry();
                lines = Some(Lines { host, paths: Count::default(), findings: Count::default() });
            }
            (Some("path"), Some(lines)) => {
                let path = at.read::<PathDoc>()?;
                lines.paths.add(&path).map_err(|problem| at.is_wrong(&problem))?;
                lines.host.paths.push(path.entry());
            }
            (Some("finding"), Some(lines)) => {
                let finding = at.read::<FindingDoc>()?;
                lines.findings.add(&finding).map_err(|problem| at.is_wrong(&problem))?;
                lines.host.findings.push(finding.entry());
            }
            (Some("summary"), Some(_)) => {
                each(Document::Report(lines.take().map(|lines| lines.host).unwrap_or_default()));
            }
            // Lines of a kind that a newer helolint adds.
            (Some(_), Some(_)) => {}
            _ => return Err(at.is_wrong("neither a report of helolint check (--format json, ndjson) nor a snapshot")),
        }
    }
    match (lines, count) {
        (Some(lines), _) => Err(Unreadable { line: text.lines().count(), problem: not_whole(&lines.host) }),
        (None, 0) => Err(Unreadable { line: 1, problem: "it is empty".to_owned() }),
        (None, _) => Ok(()),
    }
}

fn not_whole(host: &HostEntry) -> String {
    let name = host.name.as_deref().unwrap_or("a host without name");
    short(&format!("the report of {name} is not whole: it has no line of the type summary"))
}

/// A value of the text.
struct Part<'t> {
    text: &'t str,
    from: usize,
    part: &'t str,
}

impl Part<'_> {
    fn read<T: for<'d> Deserialize<'d>>(&self) -> Result<T, Unreadable> {
        serde_json::from_str(self.part).map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &serde_json::Error) -> Unreadable {
        unreadable(self.before() + error.line(), error)
    }

    fn is_wrong(&self, problem: &str) -> Unreadable {
        let blank = self.part.len() - self.part.trim_start().len();
        let line = 1 + self.before() + self.part[..blank].matches('\n').count();
        Unreadable { line, problem: problem.to_owned() }
    }

    /// Line ends before the value.
    fn before(&self) -> usize {
        self.text[..self.from].matches('\n').count()
    }
}

fn unreadable(line: usize, error: &serde_json::Error) -> Unreadable {
    let words = error.to_string();
    // The place is told by the line alone.
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
    Unreadable { line, problem: short(words) }
}

/// The beginning of a text, as long as words of a fault may be.
pub fn short(text: &str) -> String {
    text.chars().take(TEXT_LIMIT).collect()
}
