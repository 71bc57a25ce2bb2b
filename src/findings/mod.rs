//! What the rules found: plain values that every report is made from.

pub mod baseline;
pub mod suppress;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::facts::Origin;
pub use baseline::{Baseline, Known, KnownFindings};
pub use suppress::{Because, Ignore, Suppressed};

/// How bad a finding is (rules.md, *severity*), the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Mail is penalised, or the setup is one change away from an error.
    Warning,
    /// Mail is refused or lost by some published receiver policy or by this host itself.
    Error,
}

impl Severity {
    /// One step weaker; info stays.
    pub fn lower(self) -> Severity {
        match self {
            Severity::Error => Severity::Warning,
            Severity::Warning | Severity::Info => Severity::Info,
        }
    }

    /// `error`, `warning` or `info`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether something was seen to be wrong, or could not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It could not be seen.
    Undetermined,
    /// Seen to be wrong.
    Fail,
}

/// What a rule judges by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What the host says about itself: always there.
    Facts,
    /// Answers of the DNS: not there under `--offline`.
    Dns,
    /// What the SMTP servers of this host say: only where they are talked to.
    Smtp,
    /// The mail log.
    Log,
    /// The domains whose mail this host sends.
    Domains,
    /// The snapshot of an earlier run.
    OldSnapshot,
    /// DNS block lists that are to be asked.
    BlockLists,
}

/// What a rule is: one value for `explain`, `rules`, the README's table and every report's catalogue.
#[derive(Debug)]
pub struct Meta {
    /// Stable code, such as `PTR001`.
    pub code: &'static str,
    /// Stable name, such as `ptr-missing`; it states the defect.
    pub name: &'static str,
    /// The severity that it has unless its circumstances say otherwise.
    pub severity: Severity,
    /// Standards and documents it stands on.
    pub refs: &'static [&'static str],
    /// The doc comment: first line the summary, then `## Condition`, `## Why it matters`, `## Fix`, `## When to ignore`.
    pub doc: &'static str,
    /// What it judges by. It is not checked where something of that is not there; empty where only policy judges by it.
    pub needs: &'static [Need],
}

impl Meta {
    /// The first line of the doc comment.
    pub fn summary(&self) -> &'static str {
        self.doc.trim_start().lines().next().unwrap_or("").trim()
    }

    /// Family, such as `PTR`.
    pub fn family(&self) -> &'static str {
        &self.code[..3]
    }

    /// Whether it judges by `need`.
    pub fn needs(&self, need: Need) -> bool {
        self.needs.contains(&need)
    }

    /// Whether `word` is its code, its name or its family, in any case.
    pub fn is_called(&self, word: &str) -> bool {
        [self.code, self.name, self.family()].iter().any(|known| known.eq_ignore_ascii_case(word))
    }

    /// The text below a `## ` heading of the doc comment.
    pub fn section(&self, heading: &str) -> Option<String> {
        let mut lines = self.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
        lines.by_ref().find(|line| line.strip_prefix("## ").is_some_and(|title| title.trim() == heading))?;
        let body: Vec<&str> = lines.take_while(|line| !line.starts_with("## ")).collect();
        Some(body.join("\n").trim().to_owned())
    }

    /// A finding of this rule: seen to be wrong.
    pub fn violated(&'static self, subject: impl fmt::Display, message: impl Into<String>) -> Finding {
        Finding {
            meta: self,
            severity: self.severity,
            verdict: Verdict::Fail,
            subject: subject.to_string(),
            message: message.into(),
            places: Vec::new(),
            evidence: Vec::new(),
            fix: None,
            paths: Vec::new(),
            open: Vec::new(),
        }
    }

    /// A finding of this rule: it could not be seen whether it holds.
    pub fn undetermined(&'static self, subject: impl fmt::Display, message: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Undetermined, ..self.violated(subject, message) }
    }
}

/// One thing found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub meta: &'static Meta,
    /// How bad it is here.
    pub severity: Severity,
    /// Seen, or not to be seen.
    pub verdict: Verdict,
    /// What it is about, as the catalogue says.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// The places that lead there, the one to edit first.
    pub places: Vec<Place>,
    /// What servers said.
    pub evidence: Vec<Evidence>,
    /// Who must do what.
    pub fix: Option<Fix>,
    /// Identifiers of the outbound paths concerned.
    pub paths: Vec<String>,
    /// The questions without answer that leave an undetermined finding open.
    pub open: Vec<String>,
}

impl Finding {
    /// With another severity than the rule's own.
    pub fn severity(mut self, severity: Severity) -> Finding {
        self.severity = severity;
        self
    }

    /// With a place and what is to be seen there; those beyond `ITEMS` are left out.
    pub fn place(mut self, origin: &Origin, label: impl Into<String>) -> Finding {
        let place = Place { origin: origin.clone(), label: label.into() };
        if self.places.len() < ITEMS && !self.places.contains(&place) {
            put(&mut self.places, place);
        }
        self
    }

    /// With the places that a value passed through.
    pub fn via(mut self, via: &[Origin], label: &str) -> Finding {
        for origin in via {
            self = self.place(origin, label);
        }
        self
    }

    /// With evidence; what is beyond `ITEMS` is left out.
    pub fn evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Finding {
        for item in evidence {
            // That a record is planned is told whatever else there is.
            if (self.evidence.len() < ITEMS || item.planned) && !self.evidence.contains(&item) {
                put(&mut self.evidence, item);
            }
        }
        self
    }

    /// With what is to be done.
    pub fn fix(mut self, fix: Fix) -> Finding {
        self.fix = Some(fix);
        self
    }

    /// With a question whose missing answer leaves the rule open: a DNS question, or what else was asked in vain.
    pub fn open(mut self, question: impl fmt::Display) -> Finding {
        let question = question.to_string();
        if !self.open.contains(&question) {
            put(&mut self.open, question);
        }
        self
    }

    /// With an outbound path that it concerns.
    pub fn path(mut self, id: &str) -> Finding {
        if !self.paths.iter().any(|p| p == id) {
            put(&mut self.paths, id.to_owned());
        }
        self
    }
}

/// Places, and pieces of evidence, that a rule gives one finding: nobody reads more, and each is looked for among the others.
const ITEMS: usize = 1_000;

/// Adds an item. Most findings have one of each, and there may be one finding for each of many domains.
fn put<T>(items: &mut Vec<T>, item: T) {
    if items.is_empty() {
        items.reserve_exact(1);
    }
    items.push(item);
}

/// A place that a finding points at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where.
    pub origin: Origin,
    /// What is to be seen there, in a few words; may be empty.
    pub label: String,
}

/// What one server said to one question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Evidence {
    /// The question, such as `10.113.0.203.in-addr.arpa. PTR`.
    pub question: String,
    /// Who was asked.
    pub from: String,
    /// The records, `NXDOMAIN`, `NODATA`, or why there is no answer.
    pub answer: String,
    /// Seconds that the answer may be kept, where it says so.
    pub ttl: Option<u32>,
    /// The records are planned (`--overlay`): nobody publishes them yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub planned: bool,
}

/// For keys that are left out unless they are true.
pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Whoever runs the DNS zone of a name.
    DnsZone,
    /// Whoever holds the address: provider or data centre.
    IpOwner,
    /// The administrator of this host.
    Host,
}

/// What is to be done about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Fix {
    /// Who must act.
    pub who: Who,
    /// What to do, in a sentence or two; or the text of a ticket.
    pub text: String,
    /// Exact commands or records, one a line; may be empty.
    pub commands: Vec<String>,
}

impl Fix {
    /// A fix in words alone.
    pub fn new(who: Who, text: impl Into<String>) -> Fix {
        Fix { who, text: text.into(), commands: Vec::new() }
    }

    /// With an exact command or record.
    pub fn command(mut self, command: impl Into<String>) -> Fix {
        put(&mut self.commands, command.into());
        self
    }
}

/// The one edit that settles most findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FirstStep {
    /// How many errors and warnings about names and addresses are gone after it.
    pub settles: usize,
    /// How many there are.
    pub of: usize,
    /// The edit.
    pub fix: Fix,
}

/// Caches that are behind their zones (DNS002), as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StaleCaches {
    /// Every such question is right at its source: there is nothing to do but wait.
    pub right_at_source: bool,
    /// The questions.
    pub questions: Vec<String>,
    /// Seconds until all asked agree with the source; null where an answer does not say.
    pub seconds: Option<u32>,
    /// The same as a time, `2026-11-20T14:37:00Z`; null where the run has no clock.
    pub until: Option<String>,
}
