//! What the administrator's own word does to findings: severities, ignores, the baseline.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::findings::suppress::{self, Applied};
use crate::findings::{Because, Finding, Ignore, Known, KnownFindings, Meta, Need, Severity, Suppressed, Verdict};
use crate::rules::{Outcome, Rule, Selection, config};

/// What the administrator has settled.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Severities by code, in place of the rules' own.
    pub severity: BTreeMap<&'static str, Severity>,
    /// What is to be ignored.
    pub ignores: Vec<Ignore>,
    /// What was known before.
    pub baseline: Option<KnownFindings>,
    /// The day of the run, in UTC: some ignores end.
    pub today: Date,
}

/// Findings after the administrator's word.
#[derive(Debug)]
pub struct Filtered {
    /// Those that count, by code, then subject.
    pub findings: Vec<Finding>,
    /// Those that do not, in the same order.
    pub suppressed: Vec<Suppressed>,
    /// Rules that were not checked.
    pub not_checked: Vec<&'static Meta>,
    /// What the baseline knows and is there no longer, as far as its rule could look.
    pub gone: Vec<Known>,
}

impl Filtered {
    /// What a new baseline holds: all that counts, and what the baseline of this run knew.
    pub fn to_remember(&self) -> impl Iterator<Item = &Finding> {
        let known = self.suppressed.iter().filter(|suppressed| matches!(suppressed.by, Because::Known(_)));
        self.findings.iter().chain(known.map(|suppressed| &suppressed.finding))
    }
}

/// Applies `policy` to what judging by `selection` gave.
pub fn apply(mut outcome: Outcome, selection: &Selection, policy: &Policy) -> Filtered {
    for finding in &mut outcome.findings {
        if let Some(severity) = policy.severity.get(finding.meta.code) {
            finding.severity = *severity;
        }
    }
    // Rules whose answers are missing may yet find what an entry is for.
    let open: Vec<&str> =
        outcome.findings.iter().filter(|f| f.verdict == Verdict::Undetermined).map(|f| f.meta.code).collect();
    let unanswered = outcome.findings.iter().any(|f| f.verdict == Verdict::Undetermined && !f.open.is_empty());
    let not_checked = outcome.not_checked;
    let judged = |meta: &Meta| {
        let checked = selection.allows(meta) && !not_checked.iter().any(|other| other.code == meta.code);
        checked && !open.contains(&meta.code) && !(unanswered && meta.needs(Need::Dns))
    };
    let Applied { mut left, mut suppressed, expired, unused } =
        suppress::apply(outcome.findings, &policy.ignores, policy.today);
    let rule = |rule: &'static Rule, of: fn(&Ignore) -> Finding, entries: Vec<&Ignore>| {
        let wanted = selection.allows(rule);
        let findings = entries.into_iter().filter(|_| wanted).map(of);
        findings.collect::<Vec<_>>()
    };
    let was_judged = |ignore: &&Ignore| {
        let mut named = crate::rules::all().filter(|rule| ignore.names(rule)).peekable();
        named.peek().is_some() && named.all(|rule| judged(rule))
    };
    left.extend(rule(&config::ignore_expired::RULE, config::ignore_expired::finding, expired));
    let unused = unused.into_iter().filter(was_judged).collect();
    left.extend(rule(&config::ignore_unused::RULE, config::ignore_unused::finding, unused));
    for finding in &mut left {
        if let Some(severity) = policy.severity.get(finding.meta.code) {
            finding.severity = *severity;
        }
    }
    let gone = policy.baseline.as_ref().map(|known| {
        let found = left.iter().chain(suppressed.iter().map(|suppressed| &suppressed.finding));
        // A rule that there is no longer finds nothing any more.
        let has_looked =
            |known: &Known| crate::rules::all().find(|rule| rule.code == known.code).is_none_or(|rule| judged(rule));
        known.without(found).into_iter().filter(has_looked).collect::<Vec<_>>()
    });
    let findings = match &policy.baseline {
        Some(known) => {
            let (old, new): (Vec<Finding>, Vec<Finding>) = left.into_iter().partition(|finding| known.knows(finding));
            let by = || Because::Known(known.baseline.clone());
            suppressed.extend(old.into_iter().map(|finding| Suppressed { finding, by: by() }));
            new
        }
        None => left,
    };
    let order = |one: &Finding, other: &Finding| (one.meta.code, &one.subject).cmp(&(other.meta.code, &other.subject));
    let gone = gone.unwrap_or_default();
    let mut settled = Filtered { findings, suppressed, gone, not_checked };
    settled.findings.sort_by(order);
    settled.suppressed.sort_by(|one, other| order(&one.finding, &other.finding));
    settled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Origin;
    use crate::findings::baseline;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 20);

    fn policy() -> Policy {
        Policy { severity: BTreeMap::new(), ignores: Vec::new(), baseline: None, today: TODAY }
    }

    fn ignore(rule: &str, subject: &str, expires: Option<Date>) -> Ignore {
        let reason = "for the test".into();
        Ignore { rule: rule.into(), subject: subject.into(), reason, expires, origin: Origin::flag("test") }
    }

    fn meta(code: &str) -> &'static Meta {
        &crate::rules::all().find(|rule| rule.code == code).unwrap().meta
    }

    fn outcome(findings: Vec<Finding>) -> Outcome {
        Outcome { findings, not_checked: Vec::new() }
    }

    fn codes(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|f| format!("{} {} {}", f.severity, f.meta.code, f.subject)).collect()
    }

    #[test]
    fn severities_ignores_and_what_became_of_them() {
        let mut policy = policy();
        policy.severity.insert("PTR004", Severity::Info);
        policy.severity.insert("CFG015", Severity::Error);
        policy.ignores = vec![
            ignore("PTR001", "a", None),
            ignore("PTR001", "b", Some(date(2026, 11, 19))),
            ignore("helo-alias", "c", None),
        ];
        let found = || {
            vec![meta("PTR001").violated("a", ""), meta("PTR001").violated("b", ""), meta("PTR004").violated("a", "")]
        };
        let settled = apply(outcome(found()), &Selection::default(), &policy);
        assert_eq!(
            codes(&settled.findings),
            ["warning CFG014 PTR001 b", "error CFG015 helo-alias c", "error PTR001 b", "info PTR004 a",]
        );
        assert_eq!(settled.suppressed.len(), 1);
        // What was not selected is not reported.
        let selection = Selection { select: vec!["PTR".into()], ignore: Vec::new() };
        let settled = apply(outcome(found()), &selection, &policy);
        assert_eq!(codes(&settled.findings), ["error PTR001 b", "info PTR004 a"]);
    }

    #[test]
    fn an_entry_is_not_called_unused_while_its_rule_could_not_look() {
        let unused = |outcome: Outcome, selection: &Selection, rule: &str| {
            let policy = Policy { ignores: vec![ignore(rule, "a", None)], ..policy() };
            apply(outcome, selection, &policy).findings.iter().any(|f| f.meta.code == "CFG015")
        };
        let all = Selection::default();
        assert!(unused(outcome(vec![]), &all, "PTR001"));
        assert!(unused(outcome(vec![]), &all, "PTR"));
        let without = Selection { select: vec![], ignore: vec!["PTR001".into()] };
        assert!(!unused(outcome(vec![]), &without, "PTR001"));
        assert!(!unused(outcome(vec![]), &without, "PTR"), "not the whole family was judged");
        let offline = Outcome { findings: vec![], not_checked: vec![meta("PTR001")] };
        assert!(!unused(offline, &all, "PTR001"));
        // Another rule's question without answer: this one may depend on the same servers.
        let open = || outcome(vec![meta("HLO002").undetermined("b", "").open("b. A")]);
        assert!(!unused(open(), &all, "PTR001"));
        assert!(unused(open(), &all, "CFG002"), "it needs no DNS");
    }

    #[test]
    fn what_the_baseline_knows_does_not_count() {
        let found = || vec![meta("PTR001").violated("a", ""), meta("PTR004").violated("a", "")];
        let text = baseline::write(&found()[..1], "2026-11-01T00:00:00Z".parse().unwrap());
        let policy = Policy { baseline: Some(KnownFindings::read(&text).unwrap()), ..policy() };
        let settled = apply(outcome(found()), &Selection::default(), &policy);
        assert_eq!(codes(&settled.findings), ["warning PTR004 a"]);
        assert!(matches!(&settled.suppressed[..], [one] if matches!(one.by, Because::Known(_))));
        assert_eq!(settled.gone, []);
    }

    #[test]
    fn what_the_baseline_knows_and_is_no_longer_found_is_named() {
        let known =
            [meta("PTR001").violated("a", ""), meta("PTR001").violated("b", ""), meta("HLO001").violated("c", "")];
        let text = baseline::write(&known, "2026-11-01T00:00:00Z".parse().unwrap());
        let policy = Policy { baseline: Some(KnownFindings::read(&text).unwrap()), ..policy() };
        let gone = |outcome: Outcome, selection: &Selection| {
            let gone = apply(outcome, selection, &policy).gone.into_iter();
            gone.map(|known| format!("{} {}", known.code, known.subject)).collect::<Vec<_>>()
        };
        let all = Selection::default();
        let found = || vec![meta("PTR001").violated("a", "")];
        assert_eq!(gone(outcome(found()), &all), ["HLO001 c", "PTR001 b"]);
        // What was not looked at may still be there.
        let offline = Outcome { findings: vec![], not_checked: vec![meta("PTR001")] };
        assert_eq!(gone(offline, &all), ["HLO001 c"]);
        let selection = Selection { select: vec!["PTR".into()], ignore: vec![] };
        assert_eq!(gone(outcome(found()), &selection), ["PTR001 b"]);
        let open = outcome(vec![meta("HLO002").undetermined("x", "").open("x. A")]);
        assert_eq!(gone(open, &all), ["HLO001 c"], "a question without answer");
    }
}
