//! Which rules run, in what order, and how findings with one code and subject become one.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::findings::{Finding, Meta};
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
        let named = |list: &[String]| list.iter().any(|word| matches(word, meta));
        (self.select.is_empty() || named(&self.select)) && !named(&self.ignore)
    }
}

fn matches(word: &str, meta: &Meta) -> bool {
    [meta.code, meta.name, meta.family()].iter().any(|known| known.eq_ignore_ascii_case(word))
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
    Outcome { findings: merged.into_values().collect(), not_checked }
}

/// Joins `other` into `known`: the worse verdict and severity, every place, path and piece of evidence.
fn merge(known: &mut Finding, other: Finding) {
    let worse = (other.verdict, other.severity) > (known.verdict, known.severity);
    let (mut first, second) = if worse { (other, known.clone()) } else { (known.clone(), other) };
    first.severity = first.severity.max(second.severity);
    first.verdict = first.verdict.max(second.verdict);
    for place in second.places {
        first = first.place(&place.origin, place.label);
    }
    for path in &second.paths {
        first = first.path(path);
    }
    first = first.evidence(second.evidence);
    first.fix = first.fix.or(second.fix);
    *known = first;
}
