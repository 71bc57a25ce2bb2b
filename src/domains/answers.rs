//! What was answered so far.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::name::DomainName;
use crate::observe::{Lookup, Observations, Question, RecordData, RecordType, Reply, Vantage, Why, truth};

/// Answers that are kept. What is asked for again and again stays; of the rest, the oldest goes first.
const KEPT: usize = 100_000;
/// Octets of them. Domains that are looked at side by side have a dozen answers each: of the longest that are kept, they take no more.
const OCTETS: usize = 512 << 20;
/// Octets of text that are kept of one answer: the policies, keys and tokens of the largest names come to less, and a reply may have 64 KiB.
const TEXT: usize = 16 << 10;
/// What an answer takes beside its texts and names, about.
const ENTRY: usize = 512;

/// The answer to one question, aliases followed.
#[derive(Debug, Clone)]
pub struct Known {
    /// The records.
    pub lookup: Lookup<RecordData>,
    /// Whether the name is an alias.
    pub alias: Option<DomainName>,
}

/// Chances of an answer that came, since whoever asked for it has yet to look, and of one that was read.
const FRESH: u8 = 1;
const READ: u8 = 2;

/// Answers by question.
#[derive(Debug)]
pub struct Answers {
    /// Where each answer is in `places`.
    known: HashMap<Question, usize, RandomState>,
    places: Vec<Option<Entry>>,
    free: Vec<usize>,
    /// The place that is looked at next where an answer has to go.
    hand: usize,
    /// Octets of all, and how many there may be.
    octets: usize,
    most: usize,
}

impl Default for Answers {
    fn default() -> Answers {
        let (known, places, free) = Default::default();
        Answers { known, places, free, hand: 0, octets: 0, most: OCTETS }
    }
}

#[derive(Debug)]
struct Entry {
    question: Question,
    known: Known,
    /// How often the hand passes it before it goes.
    chances: Cell<u8>,
    octets: usize,
}

impl Answers {
    /// Takes over what servers said to `questions`.
    pub fn take<'q>(&mut self, questions: impl IntoIterator<Item = &'q Question>, dns: &Observations) {
        for question in questions {
            // Asked for once: not kept there as well.
            let truth = truth::decide(&dns.vantages, &dns.replies, question);
            let alias = truth.aliases.into_iter().next().map(|(_, target)| target);
            self.keep(question, truth.lookup.filter_map(|record| Some(record.data)), alias);
        }
    }

    /// Takes over what one of these servers, which alone was asked, said to a question.
    pub fn take_reply(&mut self, question: &Question, reply: Reply, servers: &[Vantage]) {
        let (lookup, alias) = truth::alone(servers, reply, question);
        self.keep(question, lookup, alias);
    }

    fn keep(&mut self, question: &Question, lookup: Lookup<RecordData>, alias: Option<DomainName>) {
        let alias = alias.filter(|_| matches!(question.rtype, RecordType::A | RecordType::Aaaa));
        let lookup = bounded(question, lookup);
        let octets = ENTRY + octets(&lookup);
        self.forget(question);
        self.octets += octets;
        self.forget_old();
        let entry =
            Entry { question: question.clone(), known: Known { lookup, alias }, chances: Cell::new(FRESH), octets };
        let place = self.free.pop().unwrap_or(self.places.len());
        self.known.insert(question.clone(), place);
        match self.places.get_mut(place) {
            Some(free) => *free = Some(entry),
            None => self.places.push(Some(entry)),
        }
    }

    fn entry(&self, question: &Question) -> Option<&Entry> {
        self.places.get(*self.known.get(question)?)?.as_ref()
    }

    /// The answer to a question; `None` where nobody has asked it, or so long ago that it is not known any more.
    pub fn get(&self, question: &Question) -> Option<&Known> {
        let entry = self.entry(question)?;
        entry.chances.set(READ);
        Some(&entry.known)
    }

    /// The records.
    pub fn lookup(&self, question: &Question) -> Option<Cow<'_, Lookup<RecordData>>> {
        self.get(question).map(|known| Cow::Borrowed(&known.lookup))
    }

    /// Whether there is an answer, or a reason why there is none.
    pub fn has(&self, question: &Question) -> bool {
        self.known.contains_key(question)
    }

    /// Forgets an answer that nobody will ask for any more.
    pub fn forget(&mut self, question: &Question) {
        if let Some(place) = self.known.remove(question) {
            self.empty(place);
        }
    }

    fn empty(&mut self, place: usize) {
        if let Some(entry) = self.places.get_mut(place).and_then(Option::take) {
            self.octets -= entry.octets;
            self.free.push(place);
        }
    }

    /// One chance less for each that the hand passes, until one has none left (the clock algorithm).
    fn forget_old(&mut self) {
        while !self.known.is_empty() && (self.known.len() >= KEPT || self.octets > self.most) {
            let place = self.hand;
            self.hand = if place + 1 < self.places.len() { place + 1 } else { 0 };
            let Some(Some(entry)) = self.places.get(place) else { continue };
            let chances = entry.chances.get();
            entry.chances.set(chances.saturating_sub(1));
            if chances == 0 {
                self.known.remove(&entry.question);
                self.empty(place);
            }
        }
    }
}

fn octets(lookup: &Lookup<RecordData>) -> usize {
    match lookup {
        Lookup::Found(records) => records.iter().map(|data| size_of::<RecordData>() + data.octets()).sum(),
        Lookup::NoData | Lookup::NxDomain | Lookup::Unanswered(_) => 0,
    }
}

/// An answer with no more text than is kept: where there is more, what is no policy goes; where that is not enough, there is no answer.
fn bounded(question: &Question, lookup: Lookup<RecordData>) -> Lookup<RecordData> {
    let Lookup::Found(mut records) = lookup else { return lookup };
    let texts = |records: &[RecordData]| records.iter().map(RecordData::octets).sum::<usize>();
    if texts(&records) > TEXT {
        // A key need not begin with a version (RFC 6376 section 3.6.1).
        let is_key = question.name.as_str().contains("._domainkey.");
        records.retain(|data| !matches!(data, RecordData::Txt(_)) || is_key || data.is_policy_text());
    }
    match texts(&records) {
        _ if records.is_empty() => Lookup::NoData,
        octets if octets > TEXT => {
            Lookup::Unanswered(Why::Malformed(format!("{octets} octets of text, which no mail policy has")))
        }
        _ => Lookup::Found(records),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::observe::samples::answer;
    use crate::observe::{Outcome, Record, Reply, VantageKind};

    fn texts(texts: &[String]) -> Lookup<RecordData> {
        Lookup::Found(texts.iter().map(|text| RecordData::Txt(text.clone())).collect())
    }

    #[test]
    fn of_an_answer_no_more_text_is_kept_than_policies_have() {
        let txt = |name: &str| Question::new(&DomainName::new(name), RecordType::Txt);
        let (own, key) = (txt("a.example"), txt("s._domainkey.a.example"));
        let (policy, filler) = ("V=spf1 -all".to_owned(), "x".repeat(TEXT));
        let both = texts(&[filler.clone(), policy.clone()]);
        assert_eq!(bounded(&own, both.clone()), texts(std::slice::from_ref(&policy)));
        assert!(matches!(bounded(&key, both), Lookup::Unanswered(Why::Malformed(_))), "any of them may be the key");
        assert_eq!(bounded(&own, texts(std::slice::from_ref(&filler))), texts(std::slice::from_ref(&filler)));
        assert_eq!(bounded(&own, texts(&[filler.clone(), filler.clone()])), Lookup::NoData);
        let long = texts(&[format!("v=spf1 {filler}")]);
        assert!(
            matches!(bounded(&own, long), Lookup::Unanswered(Why::Malformed(_))),
            "cut, it would say something else"
        );
        let address = Lookup::Found(vec![RecordData::A(Ipv4Addr::LOCALHOST)]);
        assert_eq!(bounded(&own, address.clone()), address);
    }

    #[test]
    fn memory_is_bounded_in_octets() {
        let question = |n: usize| Question::new(&DomainName::new(&format!("n{n}.example")), RecordType::Txt);
        let vantage = crate::observe::Vantage { name: "r".into(), server: None, kind: VantageKind::Public };
        let mut answers = Answers { most: 100 * (TEXT + 2 * ENTRY), ..Answers::default() };
        for n in 0..1_000 {
            let question = question(n);
            let (name, data) = (question.name.clone(), RecordData::Txt("x".repeat(TEXT)));
            let outcome = Outcome::Answer(answer(vec![Record { name, ttl: 60, data }]));
            let replies = [(question.clone(), vec![Reply { vantage: 0, outcome }])].into();
            answers.take([&question], &Observations::new(vec![vantage.clone()], replies));
            assert!(answers.octets <= answers.most && answers.known.len() <= 110, "{}", answers.known.len());
            assert!(answers.get(&question).is_some_and(|known| matches!(known.lookup, Lookup::Found(_))));
        }
        for n in 0..1_000 {
            answers.forget(&question(n));
        }
        assert_eq!(answers.octets, 0);
    }

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
        assert!(answers.places.len() <= KEPT, "{}", answers.places.len());
    }
}
