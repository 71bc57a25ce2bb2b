//! What states can still come to, by what was tried: a state is left where nothing that is better than the best can come of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::remedy::candidates::cost;
use crate::remedy::op::Op;
use crate::remedy::trial::{Key, Trial};

/// A finding's code and subject, whatever line it stands in: edits move lines.
type Kind<'k> = (&'static str, &'k str);

/// Changes that settle a finding together, and their cost.
type Way = (Vec<Op>, u32);

/// What the trials of one search came to.
#[derive(Debug, Default)]
pub(super) struct Tried {
    /// Changes that were tried together, and what they cost.
    changes: Vec<Way>,
    /// The places of those after which a finding was gone.
    settled: HashMap<Key, BTreeSet<usize>>,
    /// How many of each kind of finding there were at least in one trial, of those kinds that there are.
    least: BTreeMap<(&'static str, String), usize>,
    /// Pairs of a path and a receiver that refuses it, as few as there were in one trial.
    refusing: usize,
}

impl Tried {
    /// Of a host as it is.
    pub(super) fn new(first: &Trial) -> Tried {
        let least = kinds(first).into_iter().map(|((code, subject), count)| ((code, subject.to_owned()), count));
        Tried { least: least.collect(), refusing: first.score.refusing, ..Tried::default() }
    }

    /// Notes what a trial came to.
    pub(super) fn saw(&mut self, trial: &Trial) {
        let there = kinds(trial);
        for ((code, subject), least) in &mut self.least {
            *least = there.get(&(*code, subject.as_str())).copied().unwrap_or(0).min(*least);
        }
        self.refusing = self.refusing.min(trial.score.refusing);
    }

    /// Notes what these changes led to.
    pub(super) fn made(&mut self, ops: &[Op], price: u32, before: &Trial, after: &Trial) {
        let at = self.place(ops).unwrap_or(self.changes.len());
        match self.changes.get_mut(at) {
            Some((_, known)) => *known = price.min(*known),
            None => self.changes.push((ops.to_vec(), price)),
        }
        for key in before.keys().difference(after.keys()) {
            self.settled.entry(key.clone()).or_default().insert(at);
        }
    }

    fn place(&self, ops: &[Op]) -> Option<usize> {
        self.changes.iter().position(|(known, _)| known == ops)
    }

    /// Whether no trial had less of what is left in this one, nor fewer receivers that refuse.
    pub(super) fn is_least(&self, trial: &Trial) -> bool {
        let least = |((code, subject), count): (Kind<'_>, usize)| {
            self.least.get(&(code, subject.to_owned())).is_some_and(|least| count <= *least)
        };
        trial.score.refusing <= self.refusing && kinds(trial).into_iter().all(least)
    }

    /// What it costs at least to have nothing left but what is left in `best`, by what settled each finding so far, on the host of `trial` where
    /// these changes were made and one more set of them is. What several ways have in common is paid once.
    pub(super) fn needed(&self, trial: &Trial, best: &Trial, made: &[Op], more: &[Op]) -> u32 {
        let now = self.place(more);
        let by = trial.keys().difference(best.keys()).filter_map(|key| self.settled.get(key));
        let by = by.filter(|by| now.is_none_or(|now| !by.contains(&now)));
        let is_made = |op: &&Op| made.contains(op) || more.contains(op);
        let open = |(ops, price): &Way| price.saturating_sub(ops.iter().filter(is_made).map(cost).sum());
        let ways = |by: &BTreeSet<usize>| -> Vec<&Way> { by.iter().filter_map(|at| self.changes.get(*at)).collect() };
        let ways = by.map(ways).map(|ways| (ways.iter().map(|way| open(way)).min().unwrap_or(0), ways));
        let mut dear: Vec<(u32, Vec<&Way>)> = ways.collect();
        dear.sort_by_key(|(price, ways)| (Reverse(*price), ways.len()));
        let (mut paid, mut sum): (HashSet<&Op>, u32) = (HashSet::new(), 0);
        for (price, ways) in dear {
            let ops = || ways.iter().flat_map(|(ops, _)| ops);
            if !ops().any(|op| paid.contains(op)) {
                paid.extend(ops());
                sum += price;
            }
        }
        sum
    }
}

/// How many findings of each kind there are.
fn kinds(trial: &Trial) -> BTreeMap<Kind<'_>, usize> {
    let mut all = BTreeMap::new();
    for (code, subject) in trial.keys() {
        *all.entry((*code, without_line(subject))).or_default() += 1;
    }
    all
}

/// A subject without the number of its line: `/etc/hosts:3`.
fn without_line(subject: &str) -> &str {
    let is_line = |line: &str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    match subject.rsplit_once(':') {
        Some((file, line)) if file.starts_with('/') && is_line(line) => file,
        _ => subject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Meta, Severity};
    use crate::observe::Observations;

    static LEFT: Meta =
        Meta { code: "MIG001", name: "test", severity: Severity::Error, refs: &[], doc: "", needs: &[] };

    /// A host of which this is found.
    fn trial(subjects: &[&str]) -> Trial {
        let findings = subjects.iter().map(|subject| LEFT.violated(subject, "")).collect();
        Trial::new(crate::report::sample::facts(), Observations::default(), findings)
    }

    fn ops(file: &str) -> Vec<Op> {
        vec![Op::Remove { file: file.to_owned() }]
    }

    #[test]
    fn what_one_change_settles_is_paid_once() {
        let (all, best) = (trial(&["a", "b", "c", "x"]), trial(&["x"]));
        let mut tried = Tried::new(&all);
        let needed = |tried: &Tried, trial: &Trial, made: &[Op], more: &[Op]| tried.needed(trial, &best, made, more);
        assert_eq!(needed(&tried, &all, &[], &[]), 0, "nothing is known yet");
        tried.made(&ops("both"), 5, &all, &trial(&["c", "x"]));
        assert_eq!(needed(&tried, &all, &[], &[]), 5);
        // A cheaper way to one of them.
        tried.made(&ops("one"), 2, &all, &trial(&["b", "c", "x"]));
        assert_eq!(needed(&tried, &all, &[], &[]), 5);
        tried.made(&ops("other"), 30, &all, &trial(&["a", "b", "x"]));
        assert_eq!(needed(&tried, &all, &[], &[]), 35);
        assert_eq!(needed(&tried, &all, &[], &ops("both")), 30, "what is made is paid");
        assert_eq!(needed(&tried, &trial(&["a", "x"]), &[], &[]), 2);
        assert_eq!(needed(&tried, &best, &[], &[]), 0);
    }

    #[test]
    fn what_two_ways_have_in_common_is_paid_once() {
        let (all, best) = (trial(&["a", "b"]), trial(&[]));
        let mut tried = Tried::new(&all);
        let with = |file: &str| [ops("common"), ops(file)].concat();
        tried.made(&with("one"), 4, &all, &trial(&["b"]));
        tried.made(&with("other"), 4, &all, &trial(&["a"]));
        assert_eq!(tried.needed(&all, &best, &[], &[]), 4);
        assert_eq!(tried.needed(&trial(&["b"]), &best, &with("one"), &[]), 2, "half of it is there");
    }

    #[test]
    fn a_finding_is_the_same_in_another_line() {
        let first = trial(&["/etc/hosts:3", "/etc/hosts:5", "a"]);
        let mut tried = Tried::new(&first);
        let best = trial(&["/etc/hosts:2", "/etc/hosts:4"]);
        tried.saw(&best);
        assert!(tried.is_least(&best) && !tried.is_least(&first));
        assert!(!tried.is_least(&trial(&["/etc/hosts:2", "new"])));
        // Elsewhere one of them could be settled.
        tried.saw(&trial(&["/etc/hosts:3", "a"]));
        assert!(!tried.is_least(&best) && tried.is_least(&trial(&["/etc/hosts:3"])));
    }
}
