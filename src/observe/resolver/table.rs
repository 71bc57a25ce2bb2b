//! The questions of a phase and what was said to each, by number: events find their question without a search.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::observe::{Outcome, Question, Reply, Vantage, VantageKind, Why, truth};

/// Every question of a phase.
#[derive(Default)]
pub(crate) struct Table {
    places: HashMap<Arc<Question>, usize>,
    entries: Vec<Entry>,
}

/// A question and its replies. Who was asked and has not replied stands among them with a time-out.
pub(crate) struct Entry {
    /// The question.
    pub question: Arc<Question>,
    /// What was said to it.
    pub replies: Vec<Reply>,
}

impl Table {
    /// Whether the question is there.
    pub(crate) fn contains(&self, question: &Question) -> bool {
        self.places.contains_key(question)
    }

    /// How many questions there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of a question.
    pub(crate) fn place(&self, question: &Question) -> Option<usize> {
        self.places.get(question).copied()
    }

    /// Adds a question that is not there yet, with the replies it has; returns its number.
    pub(crate) fn add(&mut self, question: Arc<Question>, replies: Vec<Reply>) -> usize {
        let number = self.entries.len();
        self.places.insert(Arc::clone(&question), number);
        self.entries.push(Entry { question, replies });
        number
    }

    /// The entry with this number.
    pub(crate) fn get(&self, number: usize) -> Option<&Entry> {
        self.entries.get(number)
    }

    /// Notes that a vantage point is asked; false where it was before.
    pub(crate) fn ask(&mut self, number: usize, vantage: usize) -> bool {
        let Some(entry) = self.entries.get_mut(number) else { return false };
        if entry.replies.iter().any(|reply| reply.vantage == vantage) {
            return false;
        }
        entry.replies.push(Reply { vantage, outcome: Outcome::Unanswered(Why::Timeout) });
        true
    }

    /// Forgets that a vantage point was asked.
    pub(crate) fn forget(&mut self, number: usize, vantage: usize) {
        if let Some(entry) = self.entries.get_mut(number) {
            entry.replies.retain(|reply| reply.vantage != vantage);
        }
    }

    /// Puts a vantage point's reply in the place kept for it.
    pub(crate) fn reply(&mut self, number: usize, vantage: usize, outcome: Outcome) {
        let Some(entry) = self.entries.get_mut(number) else { return };
        match entry.replies.iter_mut().find(|reply| reply.vantage == vantage) {
            Some(reply) => reply.outcome = outcome,
            None => entry.replies.push(Reply { vantage, outcome }),
        }
    }

    /// Whether everything that these vantage points were asked has its answer elsewhere.
    pub(crate) fn has_answers_without(&self, silent: &HashSet<usize>) -> bool {
        let answered = |replies: &[Reply]| {
            replies.iter().any(|reply| matches!(reply.outcome, Outcome::Answer(_)) && !silent.contains(&reply.vantage))
        };
        let asked = |replies: &[Reply]| replies.iter().any(|reply| silent.contains(&reply.vantage));
        self.entries.iter().all(|entry| !asked(&entry.replies) || answered(&entry.replies))
    }

    /// The question with this number, where two servers of its zone differ.
    pub(crate) fn disputed(&self, number: usize, vantages: &[Vantage]) -> Option<Arc<Question>> {
        let Entry { question, replies } = self.get(number)?;
        let mut sets = replies.iter().filter_map(|reply| {
            let vantage = vantages.get(reply.vantage)?;
            match &reply.outcome {
                Outcome::Answer(answer) if vantage.kind == VantageKind::Authoritative && answer.authoritative => {
                    truth::chain(question, answer).end.record_set()
                }
                _ => None,
            }
        });
        let first = sets.next()?;
        sets.any(|set| set != first).then(|| Arc::clone(question))
    }

    /// Every reply.
    pub(crate) fn replies(&self) -> impl Iterator<Item = &Reply> {
        self.entries.iter().flat_map(|entry| &entry.replies)
    }

    /// The replies by question, those alone for which `keep` holds; questions without any are left out.
    pub(crate) fn into_replies(self, keep: impl Fn(&Question, &Reply) -> bool) -> BTreeMap<Question, Vec<Reply>> {
        let Table { places, mut entries } = self;
        drop(places);
        entries.sort_unstable_by(|a, b| a.question.cmp(&b.question));
        let kept = entries.into_iter().filter_map(|Entry { question, mut replies }| {
            replies.retain(|reply| keep(&question, reply));
            replies.shrink_to_fit();
            (!replies.is_empty()).then(|| (Arc::unwrap_or_clone(question), replies))
        });
        kept.collect()
    }
}
