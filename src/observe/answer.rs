//! What one server said to one question, and why it said nothing.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::record::{Absolute, Record, RecordData, RecordType};
use crate::name::DomainName;

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
    /// The packets that this server gets in a run are used up, or the time that servers may keep one domain waiting.
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

/// Characters that are kept of words that say why a server cannot be reached: they may repeat what the server sent, such as all names of
/// its certificate or a page of HTML.
const WORDS: usize = 200;

impl From<String> for Unreachable {
    /// Of the words that snapshots hold, and of those of a library.
    fn from(mut words: String) -> Unreachable {
        if let Some((end, _)) = words.char_indices().nth(WORDS) {
            words.truncate(end);
            words.push_str("...");
        }
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
            Why::PacketLimit => f.write_str("not asked: what may be spent on it is used up"),
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
    /// The records in words, as evidence quotes them: aliases as they lead on, then the others in one order, however the server turned them.
    pub fn texts(&self) -> String {
        let is_alias = |record: &&Record| matches!(record.data, RecordData::Cname(_));
        let mut others: Vec<&Record> = self.records.iter().filter(|record| !is_alias(record)).collect();
        others.sort_by(|a, b| a.data.cmp(&b.data));
        let all = self.records.iter().filter(is_alias).chain(others);
        let mut texts: Vec<String> = all.map(|record| record.data.to_string()).collect();
        if self.left_out > 0 {
            texts.push(format!("and {} more", self.left_out));
        }
        texts.join(", ")
    }
}

/// The records of an answer, of each set at most [`RECORDS`], and how many are left out. Of a set the first in order are kept, whatever order
/// the server gives them in, so that servers with the same set still agree. What the question leads to by aliases goes before the rest.
pub(crate) fn bounded(records: Vec<Record>, asked: &DomainName) -> (Vec<Record>, usize) {
    if records.len() <= RECORDS {
        return (records, 0);
    }
    let targets: HashMap<&DomainName, &DomainName> = records
        .iter()
        .filter_map(|record| {
            Some((&record.name, record.data.target().filter(|_| record.data.rtype() == RecordType::Cname)?))
        })
        .collect();
    let mut on_the_way = HashSet::from([asked]);
    let mut name = asked;
    while let Some(target) = targets.get(name).filter(|_| on_the_way.len() < RECORDS) {
        name = target;
        if !on_the_way.insert(name) {
            break;
        }
    }
    let mut order: Vec<usize> = (0..records.len()).collect();
    let key = |at: &usize| {
        let record = &records[*at];
        // Of the texts of a domain, those that are left out are no policies of mail.
        (
            !on_the_way.contains(&record.name),
            &record.name,
            record.data.rtype(),
            !record.data.is_policy_text(),
            &record.data,
        )
    };
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    // Sets follow upon each other now. What lies beside the way has room for one set in all.
    let mut keep = vec![false; records.len()];
    let (mut in_set, mut aside, mut left_out) = (0, 0, 0);
    let mut set = None;
    for at in order {
        let record = &records[at];
        let own = Some((&record.name, record.data.rtype()));
        in_set = if set == own { in_set + 1 } else { 1 };
        set = own;
        let beside = !on_the_way.contains(&record.name);
        aside += usize::from(beside);
        keep[at] = in_set <= RECORDS && aside <= RECORDS;
        left_out += usize::from(!keep[at] && !beside);
    }
    let mut kept = keep.into_iter();
    let records = records.into_iter().filter(|_| kept.next() == Some(true)).collect();
    (records, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::samples::answer;

    #[test]
    fn equal_sets_read_alike_in_whichever_order_they_came() {
        let record = |data| Record { name: crate::name::DomainName::new("10.2.0.192.in-addr.arpa"), ttl: 60, data };
        let ptr = |name: &str| record(RecordData::Ptr(crate::name::DomainName::new(name)));
        let alias = || record(RecordData::Cname(crate::name::DomainName::new("10.reverse.test")));
        let one = answer(vec![alias(), ptr("b.example"), ptr("a.example")]).texts();
        assert_eq!(one, answer(vec![alias(), ptr("a.example"), ptr("b.example")]).texts());
        let at = |name: &str| one.find(name).unwrap();
        assert!(at("10.reverse.test") < at("a.example") && at("a.example") < at("b.example"), "{one}");
    }

    #[test]
    fn what_a_server_sends_in_place_of_an_answer_is_not_repeated_at_length() {
        let page = |length: usize| Unreachable::from("ä".repeat(length)).to_string();
        assert_eq!(page(WORDS), "ä".repeat(WORDS));
        assert_eq!(page(WORDS + 1), format!("{}...", "ä".repeat(WORDS)));
        assert_eq!(Unreachable::from("no route".to_owned()), Unreachable::NoRoute);
    }
}
