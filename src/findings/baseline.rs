//! The baseline: findings known at a time, which do not count from then on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::findings::{Finding, Severity, Verdict};

/// The number of the format: keys may be added under it, never changed or removed.
const SCHEMA: u32 = 1;

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no JSON, or not of this shape.
    #[error("it is no baseline of helolint: {0}; write one with --write-baseline")]
    Shape(#[from] serde_json::Error),
    /// A newer helolint wrote it.
    #[error("it has format {0}, and this helolint reads format {SCHEMA}: write it again with --write-baseline")]
    Schema(u32),
}

/// The document.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Document {
    /// Number of this format.
    schema: u32,
    /// When it was written, in UTC.
    taken: String,
    /// Every finding of that run that counted, by code and subject.
    findings: Vec<Entry>,
}

/// A finding that is known.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Entry {
    /// The rule's code.
    code: String,
    /// What it is about.
    subject: String,
    /// How bad it was; for people.
    severity: Severity,
    /// Whether it was seen to be wrong: one that was merely undetermined is news once it is.
    verdict: Verdict,
}

/// A finding by what a baseline keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Known {
    /// The rule's code.
    pub code: String,
    /// What it was about.
    pub subject: String,
}

/// When a baseline was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// When, in UTC, as it stands in the file.
    pub taken: String,
}

/// Findings known at the time of a baseline.
#[derive(Debug, Clone)]
pub struct KnownFindings {
    /// When.
    pub baseline: Baseline,
    known: BTreeMap<(String, String), Verdict>,
}

impl KnownFindings {
    /// Reads a baseline.
    ///
    /// # Errors
    /// Where the text is none, or of a newer format.
    pub fn read(text: &str) -> Result<KnownFindings, BaselineError> {
        let document: Document = serde_json::from_str(text)?;
        if document.schema != SCHEMA {
            return Err(BaselineError::Schema(document.schema));
        }
        let entries = document.findings.into_iter().map(|entry| ((entry.code, entry.subject), entry.verdict));
        Ok(KnownFindings { baseline: Baseline { taken: document.taken }, known: entries.collect() })
    }

    /// The entries that none of these findings is, by code and subject.
    pub fn without<'a>(&self, found: impl Iterator<Item = &'a Finding>) -> Vec<Known> {
        let found: BTreeSet<(&str, &str)> =
            found.map(|finding| (finding.meta.code, finding.subject.as_str())).collect();
        let left = self.known.keys().filter(|(code, subject)| !found.contains(&(code, subject)));
        left.map(|(code, subject)| Known { code: code.clone(), subject: subject.clone() }).collect()
    }

    /// Whether the finding was known: the same code and subject, and then seen to be wrong if it is now.
    pub fn knows(&self, finding: &Finding) -> bool {
        let key = (finding.meta.code.to_owned(), finding.subject.clone());
        self.known.get(&key).is_some_and(|verdict| *verdict >= finding.verdict)
    }
}

/// The baseline of these findings, as text.
pub fn write<'a>(findings: impl IntoIterator<Item = &'a Finding>, taken: Timestamp) -> String {
    let mut findings: Vec<Entry> = findings
        .into_iter()
        .map(|finding| Entry {
            code: finding.meta.code.to_owned(),
            subject: finding.subject.clone(),
            severity: finding.severity,
            verdict: finding.verdict,
        })
        .collect();
    findings.sort_by(|a, b| (&a.code, &a.subject).cmp(&(&b.code, &b.subject)));
    let taken = taken.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let document = Document { schema: SCHEMA, taken, findings };
    // Text and numbers alone: this cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Meta;

    static META: Meta =
        Meta { code: "PTR001", name: "ptr-missing", severity: Severity::Error, refs: &[], doc: "", needs: &[] };

    #[test]
    fn what_was_written_is_known() {
        let all = [META.violated("203.0.113.9", ""), META.undetermined("203.0.113.10", "")];
        let text = write(&all, "2026-11-20T13:00:00.5Z".parse().unwrap());
        let known = KnownFindings::read(&text).unwrap();
        assert_eq!(known.baseline.taken, "2026-11-20T13:00:00Z");
        assert!(all.iter().all(|finding| known.knows(finding)));
        // Another subject is news; so is what could not be seen then and is wrong now, but not the reverse.
        assert!(!known.knows(&META.violated("203.0.113.1", "")));
        assert!(!known.knows(&META.violated("203.0.113.10", "")));
        assert!(known.knows(&META.undetermined("203.0.113.9", "")));
        // The order of findings makes no difference to the file.
        let turned = write(all.iter().rev(), "2026-11-20T13:00:00Z".parse().unwrap());
        assert_eq!(text, turned);
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for (text, word) in [
            ("", "no baseline"),
            ("[]", "no baseline"),
            (r#"{"schema": 1}"#, "taken"),
            (r#"{"schema": 2, "taken": "", "findings": []}"#, "format 2"),
        ] {
            assert!(KnownFindings::read(text).unwrap_err().to_string().contains(word), "{text}");
        }
    }
}
