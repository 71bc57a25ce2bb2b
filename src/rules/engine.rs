//! Which rules run, in what order, and how findings with one code and subject become one.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::Facts;
use crate::findings::{Finding, Meta, Verdict};
use crate::observe::Observations;
use crate::rules;

/// Which rules the user wants: codes, names or families such as `PTR`.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these; empty: all.
    pub select: Vec<String>,
    /// Not these.
    pub ignore: Vec<String>,
}

impl Selection {
    /// Whether the selection lets `meta` run. `ignore` wins over `select`.
    pub fn allows(&self, meta: &Meta) -> bool {
        let named = |list: &[String]| list.iter().any(|word| meta.is_called(word));
        (self.select.is_empty() || named(&self.select)) && !named(&self.ignore)
    }
}

/// What judging gave.
#[derive(Debug)]
pub struct Outcome {
    /// Merged and sorted: by code, then subject.
    pub findings: Vec<Finding>,
    /// Rules that were not checked since they need the DNS and nothing was asked.
    pub not_checked: Vec<&'static Meta>,
}

/// Judges by every rule that the selection lets run.
pub fn judge(facts: &Facts, dns: &Observations, selection: &Selection) -> Outcome {
    let mut merged: BTreeMap<(&str, String), Finding> = BTreeMap::new();
    let mut not_checked = Vec::new();
    for rule in rules::all().filter(|rule| selection.allows(rule)) {
        if dns.offline && rule.needs_dns {
            not_checked.push(&rule.meta);
            continue;
        }
        for finding in (rule.check)(facts, dns) {
            let key = (rule.code, finding.subject.clone());
            match merged.get_mut(&key) {
                None => {
                    merged.insert(key, finding);
                }
                Some(known) => merge(known, finding),
            }
        }
    }
    Outcome { findings: first_of_each_question(merged.into_values()), not_checked }
}

/// Of one family's undetermined findings that the same unanswered question leaves open on the same subject, the first alone
/// (rules.md, *verdict*). `findings` come in the order of codes.
fn first_of_each_question(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut open: BTreeSet<(&str, String, String)> = BTreeSet::new();
    let mut kept = Vec::new();
    for finding in findings {
        if finding.verdict == Verdict::Undetermined {
            let key = |question: &String| (finding.meta.family(), finding.subject.clone(), question.clone());
            let questions: Vec<_> = finding.open.iter().map(key).collect();
            if questions.iter().any(|question| open.contains(question)) {
                continue;
            }
            open.extend(questions);
        }
        kept.push(finding);
    }
    kept
}

/// Joins `other` into `known`: the worse verdict and severity, every place, path and piece of evidence.
fn merge(known: &mut Finding, mut other: Finding) {
    if (other.verdict, other.severity) > (known.verdict, known.severity) {
        std::mem::swap(known, &mut other);
    }
    known.severity = known.severity.max(other.severity);
    add(&mut known.places, other.places);
    add(&mut known.paths, other.paths);
    add(&mut known.evidence, other.evidence);
    add(&mut known.open, other.open);
    known.fix = known.fix.take().or(other.fix);
}

/// Adds what is not there yet.
fn add<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !known.contains(&item) {
            known.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;

    const fn meta(code: &'static str) -> Meta {
        Meta { code, name: "test", severity: Severity::Error, refs: &[], doc: "", needs_dns: true }
    }
    static HLO002: Meta = meta("HLO002");
    static HLO003: Meta = meta("HLO003");
    static PTR002: Meta = meta("PTR002");

    #[test]
    fn merging_keeps_the_worse_and_all_that_leads_there() {
        let at = |label: &str| (crate::facts::Origin::kernel("test"), label.to_owned());
        let finding = |finding: Finding, label: &str, path: &str| {
            let (origin, label) = at(label);
            finding.place(&origin, label).path(path)
        };
        let mut known = finding(HLO002.violated("a", "weak").severity(Severity::Warning), "one", "p1");
        merge(&mut known, finding(HLO002.violated("a", "strong"), "two", "p2"));
        merge(&mut known, finding(HLO002.undetermined("a", "unseen"), "one", "p1"));
        assert_eq!((known.message.as_str(), known.severity, known.verdict), ("strong", Severity::Error, Verdict::Fail));
        let labels: Vec<&str> = known.places.iter().map(|place| place.label.as_str()).collect();
        assert_eq!((labels, known.paths), (vec!["two", "one"], vec!["p2".to_owned(), "p1".to_owned()]));
    }

    #[test]
    fn one_question_left_open_is_reported_once_for_a_family_and_subject() {
        let open = |meta: &'static Meta, subject: &str, question: &str| meta.undetermined(subject, "").open(question);
        let all = [
            open(&HLO002, "a", "a. A"),
            // The first's question again: dropped.
            open(&HLO003, "a", "a. A"),
            // Another subject, another question, another family, another verdict: all stay.
            open(&HLO003, "b", "a. A"),
            open(&HLO003, "a", "a. AAAA"),
            open(&PTR002, "a", "a. A"),
            HLO003.violated("a", "").open("a. A"),
        ];
        let kept = first_of_each_question(all.into_iter());
        let kept: Vec<(&str, &str)> = kept.iter().map(|f| (f.meta.code, f.subject.as_str())).collect();
        assert_eq!(kept, [("HLO002", "a"), ("HLO003", "b"), ("HLO003", "a"), ("PTR002", "a"), ("HLO003", "a")]);
    }
}
