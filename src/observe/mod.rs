//! What the DNS answered, server by server, and what follows from it.

mod answer;
mod askable;
pub mod block_lists;
pub(crate) mod change;
pub(crate) mod helo_policies;
pub mod iprev;
mod own;
pub mod plan;
mod record;
pub mod recorded;
pub mod resolver;
#[cfg(test)]
pub(crate) mod samples;
pub mod smtp;
pub mod source;
pub(crate) mod stale;
pub mod truth;
pub mod zones;

pub(crate) use answer::bounded;
pub use answer::{Answer, Outcome, RECORDS, Unreachable, Why};
pub use record::{Question, Record, RecordData, RecordType};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::addr::Family;
use crate::name::DomainName;

/// Who was asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Vantage {
    /// As reports name it: `system`, `google`, `ns1.example.net (192.0.2.53)`, `zones`.
    pub name: String,
    /// Where the questions went; `None` for zone files and planned records.
    pub server: Option<SocketAddr>,
    /// What kind of server it is.
    pub kind: VantageKind,
}

/// Kinds of vantage points, in the order of their weight for truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VantageKind {
    /// Planned records (`--overlay`).
    Overlay,
    /// A server of the zone. Zone files (`--zones`) count as one.
    Authoritative,
    /// A recursive resolver given or built in.
    Public,
    /// A recursive resolver of resolv.conf.
    System,
}

impl VantageKind {
    /// All of them.
    pub const ALL: [VantageKind; 4] =
        [VantageKind::Overlay, VantageKind::Authoritative, VantageKind::Public, VantageKind::System];

    /// As reports and snapshots write it.
    pub fn as_str(self) -> &'static str {
        match self {
            VantageKind::Overlay => "overlay",
            VantageKind::Authoritative => "authoritative",
            VantageKind::Public => "public",
            VantageKind::System => "system",
        }
    }
}

/// One server's reply to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Index into [`Observations::vantages`].
    pub vantage: usize,
    /// What it said.
    pub outcome: Outcome,
}

/// What is known about records: a time-out is not a missing record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// At least one record of the type asked for.
    Found(Vec<T>),
    /// The name exists and has no such record (NOERROR, empty answer).
    NoData,
    /// The name does not exist (RCODE 3).
    NxDomain,
    /// The question stays open.
    Unanswered(Why),
}

impl<T> Lookup<T> {
    /// Each value changed by `change`; those for which it gives nothing are dropped.
    pub fn filter_map<U>(self, change: impl FnMut(T) -> Option<U>) -> Lookup<U> {
        match self {
            Lookup::Found(values) => {
                let kept: Vec<U> = values.into_iter().filter_map(change).collect();
                if kept.is_empty() { Lookup::NoData } else { Lookup::Found(kept) }
            }
            Lookup::NoData => Lookup::NoData,
            Lookup::NxDomain => Lookup::NxDomain,
            Lookup::Unanswered(why) => Lookup::Unanswered(why),
        }
    }

    /// The values found; none where there are none or the question is open.
    pub fn found(&self) -> &[T] {
        match self {
            Lookup::Found(values) => values,
            _ => &[],
        }
    }

    /// Whether it was answered that no such record exists.
    pub fn is_missing(&self) -> bool {
        matches!(self, Lookup::NoData | Lookup::NxDomain)
    }

    /// Why the question is open, where it is.
    pub fn open(&self) -> Option<&Why> {
        match self {
            Lookup::Unanswered(why) => Some(why),
            _ => None,
        }
    }
}

/// Who knows answers: what is known of a question, lent or made for it; `None`: nobody has asked it yet.
pub type Lookups<'l> = dyn Fn(&Question) -> Option<Cow<'l, Lookup<RecordData>>> + 'l;

/// How many questions there were, each counted once whoever was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Asked.
    pub questions: usize,
    /// Answered by at least one vantage point (rules.md, *answer*).
    pub answered: usize,
}

/// Everything that the DNS said in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observations {
    /// Who was asked.
    pub vantages: Vec<Vantage>,
    /// What each said to each question, in the order of `vantages`.
    pub replies: BTreeMap<Question, Vec<Reply>>,
    /// The zones whose servers were looked for, by name.
    pub zones: Vec<zones::Zone>,
    /// Nothing was to be asked (`--offline`).
    pub offline: bool,
    /// When the last answer arrived; `None` where nobody has a clock: zone files, tests.
    pub taken: Option<jiff::Timestamp>,
    /// What was worked out of large replies.
    pub(crate) truths: truth::Known,
}

impl Observations {
    /// Observations of these servers, the replies to each question put in their order.
    pub fn new(vantages: Vec<Vantage>, mut replies: BTreeMap<Question, Vec<Reply>>) -> Observations {
        replies.values_mut().for_each(|all| all.sort_by_key(|reply| reply.vantage));
        Observations { vantages, replies, ..Observations::default() }
    }

    /// The observations of a run that asks nothing.
    pub fn offline() -> Observations {
        Observations { offline: true, ..Observations::default() }
    }

    /// The same as if `question` had `data` for its only record: that stands as a planned record, which goes before what servers say, and
    /// in place of what was planned for it.
    pub fn with_record(&self, question: &Question, data: RecordData) -> Observations {
        let mut supposed = self.clone();
        let vantage = supposed.vantages.len();
        supposed.vantages.push(Vantage { name: "supposed".into(), server: None, kind: VantageKind::Overlay });
        let record = Record { name: question.name.clone(), ttl: 0, data };
        let answer = Answer {
            nxdomain: false,
            authoritative: true,
            recursion_available: false,
            records: vec![record],
            negative_ttl: None,
            soa: None,
            rtt_micros: 0,
            left_out: 0,
        };
        let reply = Reply { vantage, outcome: Outcome::Answer(answer) };
        let own = supposed.replies.entry(question.clone()).or_default();
        own.retain(|known| supposed.vantages.get(known.vantage).is_none_or(|v| v.kind != VantageKind::Overlay));
        own.push(reply);
        supposed
    }

    /// What each server said to `question`, with who it was.
    pub fn replies<'a>(&'a self, question: &Question) -> impl Iterator<Item = (&'a Vantage, &'a Outcome)> + use<'a> {
        let all = self.replies.get(question).map_or(&[][..], Vec::as_slice);
        all.iter().filter_map(|reply| Some((self.vantages.get(reply.vantage)?, &reply.outcome)))
    }

    /// What is true for `question`, and how that is known. Of large replies, and where there are few, it is worked out once; of others each
    /// time anew: kept, it would take as much memory as the replies.
    pub fn truth(&self, question: &Question) -> truth::Truth {
        self.truths.get(&self.vantages, &self.replies, question)
    }

    /// How many records a question has by the largest answer, those that are not kept included.
    pub fn record_count(&self, question: &Question) -> usize {
        let answers = self.replies(question).filter_map(|(_, outcome)| match outcome {
            Outcome::Answer(answer) => Some(answer),
            Outcome::Unanswered(_) => None,
        });
        let own = |answer: &Answer| answer.records.iter().filter(|r| r.data.rtype() == question.rtype).count();
        answers.map(|answer| own(answer) + answer.left_out).max().unwrap_or(0)
    }

    /// The different record sets that vantage points of one kind gave for `question`: two or more are a disagreement.
    pub fn views(&self, question: &Question, kind: VantageKind) -> Vec<truth::View> {
        truth::views(&self.vantages, &self.replies, question, kind)
    }

    /// The SOA serial with which a vantage point (an index) speaks of the question's name, where it told one.
    pub fn serial(&self, vantage: usize, question: &Question) -> Option<u32> {
        truth::serial(&self.replies, vantage, question)
    }

    /// Whether something on the way answers in place of all authoritative servers: none of them answered then.
    pub fn intercepted(&self) -> bool {
        truth::intercepted(&self.vantages, &self.replies)
    }

    /// How many questions were asked, and to how many of them some vantage point gave an answer.
    pub fn summary(&self) -> Summary {
        let answered = |replies: &&Vec<Reply>| replies.iter().any(|r| matches!(r.outcome, Outcome::Answer(_)));
        Summary { questions: self.replies.len(), answered: self.replies.values().filter(answered).count() }
    }

    /// The PTR names of an address.
    pub fn ptr(&self, addr: IpAddr) -> Lookup<DomainName> {
        // Of many addresses, questions cost more than there is to look up.
        if self.replies.is_empty() {
            return Lookup::Unanswered(Why::NotAsked);
        }
        let found = self.truth(&Question::ptr(addr)).lookup;
        found.filter_map(|record| match record.data {
            RecordData::Ptr(name) => Some(name),
            _ => None,
        })
    }

    /// The addresses of a name in one family, aliases followed.
    pub fn addresses(&self, name: &DomainName, family: Family) -> Lookup<IpAddr> {
        if self.replies.is_empty() {
            return Lookup::Unanswered(Why::NotAsked);
        }
        let found = self.truth(&Question::new(name, RecordType::address(family))).lookup;
        found.filter_map(|record| record.data.address())
    }

    /// The name that `name` is an alias of, by the answer to its question for `rtype`.
    pub fn alias(&self, name: &DomainName, rtype: RecordType) -> Option<DomainName> {
        let truth = self.truth(&Question::new(name, rtype));
        truth.aliases.first().map(|(_, target)| target.clone())
    }

    /// The iprev result of an address (RFC 8601 section 2.7.3).
    pub fn iprev(&self, addr: IpAddr) -> iprev::Iprev {
        iprev::evaluate(self, addr)
    }
}
