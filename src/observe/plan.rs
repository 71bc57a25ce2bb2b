//! Every question helolint ever asks, derived from facts.

use std::collections::BTreeSet;

use crate::addr::Family;
use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::{Answer, Question, RecordData, RecordType};

/// The questions whose input the facts give: all of them can go out at once.
pub fn initial(facts: &Facts) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for path in &facts.paths {
        if let Some(sending) = &path.sending {
            questions.insert(Question::ptr(sending.value));
        }
        if let Some(helo) = path.helo_name() {
            host_name(&mut questions, &helo.value.domain());
        }
    }
    questions
}

/// The questions that an answer brings: a PTR name's addresses.
pub fn follow(question: &Question, answer: &Answer) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    if question.rtype == RecordType::Ptr {
        for record in &answer.records {
            if let RecordData::Ptr(name) = &record.data {
                addresses(&mut questions, name);
            }
        }
    }
    questions
}

fn host_name(questions: &mut BTreeSet<Question>, name: &DomainName) {
    addresses(questions, name);
    questions.insert(Question::new(name, RecordType::Mx));
}

fn addresses(questions: &mut BTreeSet<Question>, name: &DomainName) {
    for family in Family::BOTH {
        questions.insert(Question::new(name, RecordType::address(family)));
    }
}
