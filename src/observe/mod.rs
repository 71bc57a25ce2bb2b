//! What the DNS answered, server by server, and what follows from it.

pub mod change;
pub mod iprev;
mod own;
pub mod plan;
pub mod recorded;
pub mod resolver;
#[cfg(test)]
pub(crate) mod samples;
pub mod source;
pub mod stale;
pub mod truth;
pub mod zones;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::addr::{self, Family};
use crate::name::DomainName;

/// The record types that helolint asks for or meets on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Name of an address.
    Ptr,
    /// Mail exchanger.
    Mx,
    /// Text.
    Txt,
    /// Alias.
    Cname,
    /// Name server.
    Ns,
    /// Start of authority.
    Soa,
}

impl RecordType {
    /// As master files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordType::A => "A",
            RecordType::Aaaa => "AAAA",
            RecordType::Ptr => "PTR",
            RecordType::Mx => "MX",
            RecordType::Txt => "TXT",
            RecordType::Cname => "CNAME",
            RecordType::Ns => "NS",
            RecordType::Soa => "SOA",
        }
    }

    /// The type of a family's address records.
    pub fn address(family: Family) -> RecordType {
        match family {
            Family::Ipv4 => RecordType::A,
            Family::Ipv6 => RecordType::Aaaa,
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One question: a name and a type (class IN).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Question {
    /// The name asked for.
    pub name: DomainName,
    /// The type asked for.
    pub rtype: RecordType,
}

impl Question {
    /// The question for `rtype` at `name`.
    pub fn new(name: &DomainName, rtype: RecordType) -> Question {
        Question { name: name.clone(), rtype }
    }

    /// The question for the PTR records of `addr`.
    pub fn ptr(addr: IpAddr) -> Question {
        Question { name: addr::reverse_name(addr), rtype: RecordType::Ptr }
    }
}

impl fmt::Display for Question {
    /// As evidence and subjects write it: `mail1.example.com. A`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Absolute(&self.name), self.rtype)
    }
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// Its owner.
    pub name: DomainName,
    /// Seconds that it may be kept; values over 2^31-1 are zero (RFC 2181 section 8).
    pub ttl: u32,
    /// Type and content.
    pub data: RecordData,
}

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "UPPERCASE")]
pub enum RecordData {
    /// An address, A.
    A(std::net::Ipv4Addr),
    /// An address, AAAA.
    Aaaa(std::net::Ipv6Addr),
    /// Name of an address.
    Ptr(DomainName),
    /// Preference and exchanger.
    Mx(u16, DomainName),
    /// The strings of one TXT record, joined.
    Txt(String),
    /// The name aliased to.
    Cname(DomainName),
    /// A name server.
    Ns(DomainName),
    /// Primary server, contact, serial, and the negative TTL (the field `minimum`).
    Soa {
        /// Primary server.
        mname: DomainName,
        /// Contact, as a name.
        rname: DomainName,
        /// Serial.
        serial: u32,
        /// Field `minimum`: the negative TTL's bound (RFC 2308).
        minimum: u32,
    },
}

impl RecordData {
    /// Its type.
    pub fn rtype(&self) -> RecordType {
        match self {
            RecordData::A(_) => RecordType::A,
            RecordData::Aaaa(_) => RecordType::Aaaa,
            RecordData::Ptr(_) => RecordType::Ptr,
            RecordData::Mx(..) => RecordType::Mx,
            RecordData::Txt(_) => RecordType::Txt,
            RecordData::Cname(_) => RecordType::Cname,
            RecordData::Ns(_) => RecordType::Ns,
            RecordData::Soa { .. } => RecordType::Soa,
        }
    }

    /// The address of an address record.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            RecordData::A(a) => Some(IpAddr::V4(*a)),
            RecordData::Aaaa(a) => Some(IpAddr::V6(*a)),
            _ => None,
        }
    }

    /// The name that a PTR, MX, CNAME or NS record leads to.
    pub fn target(&self) -> Option<&DomainName> {
        match self {
            RecordData::Ptr(n) | RecordData::Mx(_, n) | RecordData::Cname(n) | RecordData::Ns(n) => Some(n),
            _ => None,
        }
    }
}

impl fmt::Display for RecordData {
    /// As a master file writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordData::A(a) => write!(f, "{a}"),
            RecordData::Aaaa(a) => write!(f, "{a}"),
            RecordData::Ptr(n) | RecordData::Cname(n) | RecordData::Ns(n) => write!(f, "{}", Absolute(n)),
            RecordData::Mx(preference, n) => write!(f, "{preference} {}", Absolute(n)),
            RecordData::Txt(text) => write!(f, "{text:?}"),
            RecordData::Soa { mname, rname, serial, minimum } => {
                write!(f, "{} {} {serial} {minimum}", Absolute(mname), Absolute(rname))
            }
        }
    }
}

/// A name with its final dot; the root, whose text is empty, is that dot alone.
struct Absolute<'a>(&'a DomainName);

impl fmt::Display for Absolute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Absolute(name) = self;
        write!(f, "{}.", name.as_str())
    }
}

/// Why there is no answer. None of these says anything about a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No reply within the time allowed.
    Timeout,
    /// RCODE 2.
    ServFail,
    /// RCODE 5.
    Refused,
    /// Another RCODE than 0, 2, 3, 5.
    Rcode(u16),
    /// A reply that cannot be read.
    Malformed(String),
    /// The network refused the packet: no route, closed port.
    Unreachable(Unreachable),
    /// The server referred to others: it does not serve the zone.
    Referral,
    /// As a server of the zone above, it referred to the zone's servers: the delegation, sorted.
    Delegates(Vec<DomainName>),
    /// An alias leads back to itself, or through more aliases than are followed.
    AliasLoop,
    /// The set has so many records that not all are kept, and one that is looked for may be among the rest.
    TooMany(usize),
    /// The packets that this server gets in a run are used up.
    PacketLimit,
    /// Nobody was asked (`--offline`, or no server known).
    NotAsked,
}

/// Why a server cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Unreachable {
    /// This host has no route to it.
    NoRoute,
    /// Its port is closed.
    PortClosed,
    /// Its network cannot deliver to it.
    Host,
    /// It closed the connection.
    Closed,
    /// Another error of the network, in words.
    Other(String),
}

impl Unreachable {
    fn words(&self) -> &str {
        match self {
            Unreachable::NoRoute => "no route",
            Unreachable::PortClosed => "the port is closed",
            Unreachable::Host => "the host cannot be reached",
            Unreachable::Closed => "the connection was closed",
            Unreachable::Other(words) => words,
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl From<String> for Unreachable {
    /// Of the words that snapshots hold.
    fn from(words: String) -> Unreachable {
        let known = [Unreachable::NoRoute, Unreachable::PortClosed, Unreachable::Host, Unreachable::Closed];
        known.into_iter().find(|known| known.words() == words).unwrap_or(Unreachable::Other(words))
    }
}

impl From<Unreachable> for String {
    fn from(why: Unreachable) -> String {
        why.words().to_owned()
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Timeout => f.write_str("timeout"),
            Why::ServFail => f.write_str("SERVFAIL"),
            Why::Refused => f.write_str("REFUSED"),
            Why::Rcode(code) => write!(f, "RCODE {code}"),
            Why::Malformed(how) => write!(f, "malformed reply ({how})"),
            Why::Unreachable(how) => write!(f, "unreachable ({how})"),
            Why::Referral => f.write_str("referral (the server does not serve the zone)"),
            Why::Delegates(names) => {
                let names: Vec<String> = names.iter().map(|name| Absolute(name).to_string()).collect();
                write!(f, "delegates to {}", names.join(", "))
            }
            Why::AliasLoop => f.write_str("alias loop"),
            Why::TooMany(count) => write!(f, "{count} records, more than the {RECORDS} that are looked at"),
            Why::PacketLimit => f.write_str("not asked: the packets for this server are used up"),
            Why::NotAsked => f.write_str("not asked"),
        }
    }
}

/// What one server said, or that it said nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// NOERROR or NXDOMAIN; nothing else is an answer (rules.md).
    Answer(Answer),
    /// Everything else.
    Unanswered(Why),
}

/// An answer as one server gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// RCODE 3: the name (or the end of its alias chain) does not exist.
    pub nxdomain: bool,
    /// The AA flag.
    pub authoritative: bool,
    /// The RA flag.
    pub recursion_available: bool,
    /// The answer section, aliases included, each with its own TTL.
    pub records: Vec<Record>,
    /// Seconds that the absence may be kept (RFC 2308), on negative answers with SOA.
    pub negative_ttl: Option<u32>,
    /// The SOA of the authority section: its owner is the zone, with its serial.
    pub soa: Option<Arc<Record>>,
    /// Round trip time in microseconds; 0 where nothing was sent.
    pub rtt_micros: u64,
    /// Records that came and are not among `records`: of a set, at most [`RECORDS`] are kept.
    #[serde(default)]
    pub left_out: usize,
}

/// Records of one set that are kept: no set of a mail host's has a tenth of it, and a reply may hold four thousand.
pub const RECORDS: usize = 64;

impl Answer {
    /// The records in words, as evidence quotes them.
    pub fn texts(&self) -> String {
        let mut texts: Vec<String> = self.records.iter().map(|record| record.data.to_string()).collect();
        if self.left_out > 0 {
            texts.push(format!("and {} more", self.left_out));
        }
        texts.join(", ")
    }
}

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
    /// When the last of it was heard; `None` where nobody has a clock: zone files, tests.
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
    pub fn supposing(&self, question: &Question, data: RecordData) -> Observations {
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

    /// What is true for `question`, and how that is known. Of large replies it is worked out once; of others each time anew: kept, it would
    /// take as much memory as the replies.
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

    /// Whether something on the way answers in place of all authoritative servers: none of them was heard then.
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
        let found = self.truth(&Question::ptr(addr)).lookup;
        found.filter_map(|record| match record.data {
            RecordData::Ptr(name) => Some(name),
            _ => None,
        })
    }

    /// The addresses of a name in one family, aliases followed.
    pub fn addresses(&self, name: &DomainName, family: Family) -> Lookup<IpAddr> {
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
        iprev::of(self, addr)
    }
}
