//! What was answered so far.

use std::collections::HashMap;

use crate::name::DomainName;
use crate::observe::{Lookup, Observations, Question, RecordData, RecordType};

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
pub struct Answers(HashMap<Question, Known>);

impl Answers {
    /// Takes over what servers said to `questions`.
    pub fn take<'q>(&mut self, questions: impl IntoIterator<Item = &'q Question>, dns: &Observations) {
        for question in questions {
            let lookup = dns.truth(question).lookup.filter_map(|record| Some(record.data));
            let alias = matches!(question.rtype, RecordType::A | RecordType::Aaaa)
                .then(|| dns.alias(&question.name, question.rtype))
                .flatten();
            self.0.insert(question.clone(), Known { lookup, alias });
        }
    }

    /// The answer to a question; `None` where nobody has asked it.
    pub fn get(&self, question: &Question) -> Option<&Known> {
        self.0.get(question)
    }

    /// The records.
    pub fn lookup(&self, question: &Question) -> Option<Lookup<RecordData>> {
        self.get(question).map(|known| known.lookup.clone())
    }

    /// Whether there is an answer, or a reason why there is none.
    pub fn has(&self, question: &Question) -> bool {
        self.0.contains_key(question)
    }

    /// Forgets what no other domain asks for: questions about `domain` and names below it.
    pub fn forget(&mut self, domain: &DomainName) {
        self.0.retain(|question, _| !question.name.is_within(domain));
    }

    /// As [`Answers::forget`] for many: what is kept is asked for by others as well.
    pub fn forget_all<'d>(&mut self, domains: impl IntoIterator<Item = &'d DomainName>) {
        let domains: std::collections::HashSet<&str> = domains.into_iter().map(DomainName::as_str).collect();
        self.0.retain(|question, _| {
            let mut rest = question.name.as_str();
            loop {
                if domains.contains(rest) {
                    return false;
                }
                match rest.split_once('.') {
                    Some((_, parent)) => rest = parent,
                    None => return true,
                }
            }
        });
    }
}
