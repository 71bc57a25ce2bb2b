//! Which rules run, in what order, and how findings with one code and subject become one.

use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;
use std::time::Instant;

use crate::facts::Facts;
use crate::findings::{Finding, Meta, Need, Verdict};
use crate::observe::Observations;
use crate::rules::{self, Check, Context, DomainContext, Judged, Rule, config};

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
    /// Rules that were not checked: since they need the DNS and nothing was asked, or since the time was up.
    pub not_checked: Vec<&'static Meta>,
}

/// Whether there is what the rule is about: a move, for those that judge one; block lists; servers that were talked to. [`DomainRules`] has those
/// that judge a domain.
pub fn is_applicable(meta: &Meta, facts: &Facts) -> bool {
    (facts.moved.is_some() || !meta.needs(Need::OldSnapshot))
        && (!facts.block_lists.is_empty() || !meta.needs(Need::BlockLists))
        && (facts.log.is_some() || !meta.needs(Need::Log))
        && (facts.served.is_some() || !meta.needs(Need::Smtp))
        && !meta.needs(Need::Domains)
}

/// Judges by every rule that the selection lets run.
pub fn judge(facts: &Facts, dns: &Observations, selection: &Selection) -> Outcome {
    judge_until(facts, dns, selection, None)
}

/// The rules that judge a domain, of those that a selection lets run: looked up once for all domains.
pub struct DomainRules(Vec<fn(&DomainContext<'_>) -> Vec<Finding>>);

impl DomainRules {
    /// Those that the selection lets run.
    pub fn new(selection: &Selection) -> DomainRules {
        let check = |rule: &Rule| match rule.check {
            Check::Domain(check) | Check::Both(_, check) => Some(check),
            Check::Context(_) | Check::After(_) | Check::Policy => None,
        };
        DomainRules(rules::all().filter(|rule| selection.allows(rule)).filter_map(check).collect())
    }

    /// Judges one domain.
    pub fn judge(&self, cx: &DomainContext<'_>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.0.iter().flat_map(|check| check(cx)).collect();
        findings.sort_by(|one, other| (one.meta.code, &one.subject).cmp(&(other.meta.code, &other.subject)));
        findings
    }
}

/// As [`judge`]. Once `end` is over, no further rule is begun: those that are left are not checked, and one finding says so.
pub fn judge_until(facts: &Facts, dns: &Observations, selection: &Selection, end: Option<Instant>) -> Outcome {
    let mut merged: Vec<Finding> = Vec::new();
    let (mut not_checked, mut late) = (Vec::new(), Vec::new());
    let (mut checked, mut after) = (BTreeSet::new(), Vec::new());
    let cx = Context::new(facts, dns);
    for rule in rules::all().filter(|rule| selection.allows(rule)) {
        if !is_applicable(rule, facts) {
            continue;
        }
        if dns.offline && rule.needs(Need::Dns) {
            not_checked.push(&rule.meta);
            continue;
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            late.push(&rule.meta);
            continue;
        }
        checked.insert(rule.code);
        if let Check::After(check) = rule.check {
            after.push(check);
            continue;
        }
        // Rule by rule: there may be a finding for each of many domains.
        merge_alike(rule.findings(&cx), &mut merged);
    }
    merged.sort_by(|one, other| (one.meta.code, &one.subject).cmp(&(other.meta.code, &other.subject)));
    let judged = Judged { findings: merged.iter().collect(), checked };
    let last: Vec<Finding> = after.into_iter().flat_map(|check| check(&cx, &judged)).collect();
    merged.extend(last);
    merged.sort_by(|one, other| (one.meta.code, &one.subject).cmp(&(other.meta.code, &other.subject)));
    merged.extend(config::reading_bounded::late(&late));
    not_checked.extend(late);
    keep_first_of_each_question(&mut merged);
    merged.shrink_to_fit();
    Outcome { findings: merged, not_checked }
}

/// Of one family's undetermined findings that the same unanswered question leaves open on the same subject, the first alone
/// (rules.md, *verdict*). `findings` come in the order of codes.
fn keep_first_of_each_question(findings: &mut Vec<Finding>) {
    let mut open: BTreeSet<(&str, String, String)> = BTreeSet::new();
    findings.retain(|finding| {
        if finding.verdict != Verdict::Undetermined {
            return true;
        }
        let key = |question: &String| (finding.meta.family(), finding.subject.clone(), question.clone());
        let questions: Vec<_> = finding.open.iter().map(key).collect();
        let is_first = !questions.iter().any(|question| open.contains(question));
        if is_first {
            open.extend(questions);
        }
        is_first
    });
}

/// Adds the findings of one rule, those with one subject as one.
fn merge_alike(mut findings: Vec<Finding>, all: &mut Vec<Finding>) {
    findings.sort_by(|one, other| one.subject.cmp(&other.subject));
    let mut rest = findings.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut alike = vec![first];
        while let Some(next) = rest.next_if(|next| alike.first().is_some_and(|first| first.subject == next.subject)) {
            alike.push(next);
        }
        all.extend(merge(alike));
    }
}

/// One finding of those with one code and subject: the worst one's words, the highest severity, every place, path and piece of
/// evidence. Linear in what they hold: a hosts file may name this host in a hundred thousand lines.
fn merge(findings: Vec<Finding>) -> Option<Finding> {
    let rank = |finding: &Finding| (finding.verdict, finding.severity);
    let mut worst: Option<usize> = None;
    for (at, finding) in findings.iter().enumerate() {
        if worst.and_then(|worst| findings.get(worst)).is_none_or(|worst| rank(finding) > rank(worst)) {
            worst = Some(at);
        }
    }
    let mut others = findings;
    let mut known = others.remove(worst?);
    if others.is_empty() {
        return Some(known);
    }
    let (mut places, mut paths, mut evidence, mut open) =
        (Unique::default(), Unique::default(), Unique::default(), Unique::default());
    places.add(std::mem::take(&mut known.places));
    paths.add(std::mem::take(&mut known.paths));
    evidence.add(std::mem::take(&mut known.evidence));
    open.add(std::mem::take(&mut known.open));
    for other in others {
        known.severity = known.severity.max(other.severity);
        places.add(other.places);
        paths.add(other.paths);
        evidence.add(other.evidence);
        open.add(other.open);
        known.fix = known.fix.take().or(other.fix);
    }
    (known.places, known.paths, known.evidence, known.open) = (places.items, paths.items, evidence.items, open.items);
    Some(known)
}

/// Items in the order in which they came, each once.
struct Unique<T> {
    items: Vec<T>,
    seen: HashSet<T>,
}

impl<T> Default for Unique<T> {
    fn default() -> Unique<T> {
        Unique { items: Vec::new(), seen: HashSet::new() }
    }
}

impl<T: Clone + Eq + Hash> Unique<T> {
    fn add(&mut self, more: Vec<T>) {
        for item in more {
            if self.seen.insert(item.clone()) {
                self.items.push(item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;

    const fn meta(code: &'static str) -> Meta {
        Meta { code, name: "test", severity: Severity::Error, refs: &[], doc: "", needs: &[] }
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
        let all = vec![
            finding(HLO002.violated("a", "weak").severity(Severity::Warning), "one", "p1"),
            finding(HLO002.violated("a", "strong"), "two", "p2"),
            finding(HLO002.undetermined("a", "unseen"), "one", "p1"),
        ];
        let known = merge(all).unwrap();
        assert_eq!((known.message.as_str(), known.severity, known.verdict), ("strong", Severity::Error, Verdict::Fail));
        let labels: Vec<&str> = known.places.iter().map(|place| place.label.as_str()).collect();
        assert_eq!((labels, known.paths), (vec!["two", "one"], vec!["p2".to_owned(), "p1".to_owned()]));
    }

    #[test]
    fn when_the_time_is_up_no_rule_is_begun_and_that_is_said() {
        let (facts, dns) = (crate::report::sample::facts(), Observations::default());
        let selection = Selection::default();
        let ends = |end| judge_until(&facts, &dns, &selection, end);
        let soon = Instant::now() + std::time::Duration::from_secs(3600);
        assert_eq!(ends(Some(soon)).not_checked.len(), 0);
        assert_eq!(ends(Some(soon)).findings.len(), ends(None).findings.len());
        let late = ends(Some(Instant::now()));
        let applicable = rules::all().filter(|rule| is_applicable(rule, &facts)).count();
        assert_eq!(late.not_checked.len(), applicable);
        let [finding] = late.findings.as_slice() else { panic!("{:?}", late.findings) };
        assert_eq!((finding.meta.code, finding.verdict), ("CFG021", Verdict::Undetermined));
        assert!(finding.message.contains("PTR001"), "{}", finding.message);
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
        let mut kept = Vec::from(all);
        keep_first_of_each_question(&mut kept);
        let kept: Vec<(&str, &str)> = kept.iter().map(|f| (f.meta.code, f.subject.as_str())).collect();
        assert_eq!(kept, [("HLO002", "a"), ("HLO003", "b"), ("HLO003", "a"), ("PTR002", "a"), ("HLO003", "a")]);
    }
}
