//! What was answered so far.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};

use crate::name::DomainName;
use crate::observe::{Lookup, Observations, Question, RecordData, RecordType, truth};

/// Answers that are kept. What is asked for again and again stays; of the rest, the oldest goes first.
const KEPT: usize = 100_000;

/// The answer to one question, aliases followed.
#[derive(Debug, Clone)]
pub struct Known {
    /// The records.
    pub lookup: Lookup<RecordData>,
    /// Whether the name is an alias.
    pub alias: Option<DomainName>,
}

/// Answers by question.
#[derive(Debug, Default)]
pub struct Answers {
    known: HashMap<Question, Entry>,
    /// The questions, in the order in which it is decided which answers go; some have gone already.
    order: VecDeque<Question>,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    /// Whether it was read since that was last decided.
    read: Cell<bool>,
}

impl Answers {
    /// Takes over what servers said to `questions`.
    pub fn take<'q>(&mut self, questions: impl IntoIterator<Item = &'q Question>, dns: &Observations) {
        for question in questions {
            // Asked for once: not kept there as well.
            let truth = truth::decide(&dns.vantages, &dns.replies, question);
            let alias = matches!(question.rtype, RecordType::A | RecordType::Aaaa)
                .then(|| truth.aliases.into_iter().next().map(|(_, target)| target))
                .flatten();
            let lookup = truth.lookup.filter_map(|record| Some(record.data));
            let entry = Entry { known: Known { lookup, alias }, read: Cell::new(false) };
            if self.known.insert(question.clone(), entry).is_none() {
                self.order.push_back(question.clone());
            }
        }
        self.forget_old();
    }

    /// The answer to a question; `None` where nobody has asked it, or so long ago that it is not known any more.
    pub fn get(&self, question: &Question) -> Option<&Known> {
        let entry = self.known.get(question)?;
        entry.read.set(true);
        Some(&entry.known)
    }

    /// The records.
    pub fn lookup(&self, question: &Question) -> Option<Lookup<RecordData>> {
        self.get(question).map(|known| known.lookup.clone())
    }

    /// Whether there is an answer, or a reason why there is none.
    pub fn has(&self, question: &Question) -> bool {
        self.known.contains_key(question)
    }

    /// Forgets an answer that nobody will ask for any more.
    pub fn forget(&mut self, question: &Question) {
        self.known.remove(question);
    }

    /// A second chance for each that was read since its last one (the clock algorithm).
    fn forget_old(&mut self) {
        while self.known.len() > KEPT || self.order.len() > 2 * KEPT {
            let Some(question) = self.order.pop_front() else { return };
            let Some(entry) = self.known.get(&question) else { continue };
            if entry.read.replace(false) {
                self.order.push_back(question);
            } else {
                self.known.remove(&question);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_again_and_again_is_kept_and_memory_is_bounded() {
        let question = |n: usize| Question::new(&DomainName::new(&format!("n{n}.example")), RecordType::Txt);
        let mut answers = Answers::default();
        let shared = question(usize::MAX);
        answers.take([&shared], &Observations::default());
        for n in 0..3 * KEPT {
            answers.take([&question(n)], &Observations::default());
            assert!(n % 1000 != 0 || answers.get(&shared).is_some());
        }
        assert!(answers.has(&shared) && !answers.has(&question(0)) && answers.has(&question(3 * KEPT - 1)));
        assert!(answers.known.len() <= KEPT);
        for n in 0..3 * KEPT {
            answers.take([&question(n)], &Observations::default());
            answers.forget(&question(n));
        }
        assert!(answers.order.len() <= 2 * KEPT, "{}", answers.order.len());
    }
}
