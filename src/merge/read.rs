//! The text of a report, of which the parts that are compared are read: one JSON document or the lines of `ndjson`, several one after the
//! other too.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{FindingEntry, HostEntry, PathEntry, TEXT_LIMIT};
use crate::findings::{Severity, Verdict};

/// The number of the report's format that is read.
pub const SCHEMA: u64 = 1;

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
    paths: Vec<PathDoc>,
    findings: Vec<FindingDoc>,
    #[serde(default)]
    taken: Option<String>,
}

#[derive(Deserialize)]
struct HostDoc {
    node_name: Option<String>,
    fqdn: Option<String>,
    addresses: Option<Vec<AddressDoc>>,
}

#[derive(Deserialize)]
struct AddressDoc {
    address: IpAddr,
}

#[derive(Deserialize)]
struct PathDoc {
    sending: Option<IpAddr>,
    helo: Option<String>,
    ptr: Option<Vec<String>>,
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

impl HostDoc {
    fn entry(self) -> HostEntry {
        let addresses = self.addresses.unwrap_or_default().into_iter().map(|one| one.address).collect();
        HostEntry { name: self.fqdn.or(self.node_name), addresses, ..HostEntry::default() }
    }
}

impl PathDoc {
    fn entry(self) -> PathEntry {
        PathEntry {
            sending: self.sending,
            helo: self.helo,
            ptr: self.ptr.unwrap_or_default(),
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

/// Gives each document of a text to `each`, as it is read.
///
/// # Errors
/// At the first that is none, or is not whole; what came before has been given.
pub fn read<'t>(text: &'t str, mut each: impl FnMut(Document<'t>)) -> Result<(), Unreadable> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Kind>();
    // The host whose lines are being read.
    let mut lines: Option<HostEntry> = None;
    let mut count = 0usize;
    loop {
        let from = values.byte_offset();
        let Some(kind) = values.next() else { break };
        let kind = kind.map_err(|error| unreadable(error.line(), &error))?;
        let part = &text[from..values.byte_offset()];
        let at = Part { text, from, part };
        count += 1;
        let line_type = kind.r#type.as_deref();
        if let Some(host) = lines.as_ref().filter(|_| matches!(line_type, None | Some("host"))) {
            return Err(at.is_wrong(&not_whole(host)));
        }
        if kind.facts.is_some() {
            each(Document::Snapshot(part));
            continue;
        }
        if let Some(other) = kind.schema.filter(|schema| *schema != SCHEMA) {
            return Err(at.is_wrong(&format!("it has format {other}, and this helolint reads format {SCHEMA}")));
        }
        match (line_type, lines.as_mut()) {
            (None, _) if kind.host.is_some() && kind.findings.is_some() => {
                let ReportDoc { host, paths, findings, taken } = at.read()?;
                each(Document::Report(HostEntry {
                    taken,
                    paths: paths.into_iter().map(PathDoc::entry).collect(),
                    findings: findings.into_iter().map(FindingDoc::entry).collect(),
                    ..host.entry()
                }));
            }
            (Some("host"), _) => lines = Some(at.read::<HostDoc>()?.entry()),
            (Some("path"), Some(host)) => host.paths.push(at.read::<PathDoc>()?.entry()),
            (Some("finding"), Some(host)) => host.findings.push(at.read::<FindingDoc>()?.entry()),
            (Some("summary"), Some(_)) => each(Document::Report(lines.take().unwrap_or_default())),
            // Lines of a kind that a newer helolint adds.
            (Some(_), Some(_)) => {}
            _ => return Err(at.is_wrong("neither a report of helolint check (--format json, ndjson) nor a snapshot")),
        }
    }
    match (lines, count) {
        (Some(host), _) => Err(Unreadable { line: text.lines().count(), problem: not_whole(&host) }),
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
        serde_json::from_str(self.part).map_err(|error| unreadable(self.before() + error.line(), &error))
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

fn short(text: &str) -> String {
    text.chars().take(TEXT_LIMIT).collect()
}
