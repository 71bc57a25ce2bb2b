//! Between our types and the wire format, which is hickory-proto's.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record as WireRecord, RecordType as WireType};

use crate::name::DomainName;
use crate::observe::{Answer, Outcome, Question, Record, RecordData, RecordType, Why, plan};

/// Octets of a header (RFC 1035 section 4.1.1).
pub const HEADER: usize = 12;
/// UDP payload that replies may have: what passes everywhere without fragments (DNS flag day 2020).
pub const PAYLOAD: u16 = 1232;
/// TTLs above this are zero (RFC 2181 section 8).
const MAX_TTL: u32 = i32::MAX as u32;

/// A question ready to be sent.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The packet.
    pub bytes: Vec<u8>,
    query: Query,
    /// Whether the letters' case was chosen at random, and must come back so (0x20).
    pub cased: bool,
    /// Whether it offers EDNS.
    pub edns: bool,
}

/// How a question is put.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Recursion desired.
    pub recurse: bool,
    /// Offer EDNS.
    pub edns: bool,
    /// Choose the letters' case at random.
    pub cased: bool,
}

/// A random message id, from hickory's generator.
pub fn random_id() -> u16 {
    Message::query().metadata.id
}

/// The packet that asks `question` under `id`; `None` where no message can carry the name.
pub fn ask(id: u16, question: &Question, manner: Manner) -> Option<Asked> {
    let labels = plan::labels(&question.name)?;
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice)).ok()?;
    if manner.cased {
        name.randomize_label_case();
    }
    let query = Query::query(name, wire_type(question.rtype));
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = manner.recurse;
    message.add_query(query.clone());
    if manner.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD).set_version(0);
        message.set_edns(edns);
    }
    Some(Asked { bytes: message.to_vec().ok()?, query, cased: manner.cased, edns: manner.edns })
}

/// The id of a reply; `None` for what is no reply to a query.
pub fn reply_id(bytes: &[u8]) -> Option<u16> {
    let header: &[u8; 3] = bytes.get(..HEADER)?.first_chunk()?;
    // QR set, OPCODE query.
    (header[2] & 0xf8 == 0x80).then(|| u16::from_be_bytes([header[0], header[1]]))
}

/// What a packet is, for the question that its id belongs to.
#[derive(Debug)]
pub enum Reading {
    /// The reply.
    Heard(Heard),
    /// The reply did not fit: ask over TCP.
    Truncated,
    /// The server does not understand EDNS.
    NoEdns,
    /// The reply, but the letters' case is not as it was sent.
    CaseLost,
    /// A reply to another question: not to be believed.
    Foreign,
    /// It cannot be read; `ours`: its question is the one asked, so the server meant it.
    Malformed {
        /// What is wrong.
        how: String,
        /// Whether the question section can be seen to be ours.
        ours: bool,
    },
}

/// A server's reply, and what it says of a delegation.
#[derive(Debug)]
pub struct Heard {
    /// The reply in our terms.
    pub outcome: Outcome,
    /// Where it refers to other servers: the zone and their names.
    pub referral: Option<Referral>,
}

/// A delegation: zone and names of its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// The zone.
    pub zone: DomainName,
    /// Its servers' names.
    pub servers: Vec<DomainName>,
    /// Addresses of such names that came along.
    pub glue: Vec<(DomainName, IpAddr)>,
}

impl From<Why> for Heard {
    fn from(why: Why) -> Heard {
        Heard { outcome: Outcome::Unanswered(why), referral: None }
    }
}

/// Reads a packet as the reply to `asked`.
pub fn read(bytes: &[u8], asked: &Asked) -> Reading {
    let message = match Message::from_vec(bytes) {
        Ok(message) => message,
        Err(error) => {
            let ours = question_octets(bytes)
                .zip(question_octets(&asked.bytes))
                .is_some_and(|(a, b)| if asked.cased { a == b } else { a.eq_ignore_ascii_case(b) });
            return Reading::Malformed { how: error.to_string(), ours };
        }
    };
    let rcode = message.metadata.response_code;
    let ignorant = matches!(rcode, ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS);
    match message.queries.as_slice() {
        [query] => {
            let same = &asked.query;
            if query.query_type != same.query_type || query.query_class != DNSClass::IN || query.name != same.name {
                return Reading::Foreign;
            }
            if asked.cased && !query.name.eq_case(&same.name) {
                return Reading::CaseLost;
            }
        }
        // Servers from before EDNS may send back the header alone.
        [] if ignorant => {}
        _ => return Reading::Foreign,
    }
    if ignorant && asked.edns {
        return Reading::NoEdns;
    }
    if message.metadata.truncation {
        return Reading::Truncated;
    }
    Reading::Heard(heard(&message))
}

/// The octets of the question section of a packet with one question.
fn question_octets(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.get(4..6)? != [0, 1] {
        return None;
    }
    let mut at = HEADER;
    loop {
        match *bytes.get(at)? {
            0 => break,
            length @ 1..=63 => at += usize::from(length) + 1,
            _ => return None,
        }
    }
    bytes.get(HEADER..at + 5)
}

fn heard(message: &Message) -> Heard {
    let rcode = message.metadata.response_code;
    let nxdomain = match rcode {
        ResponseCode::NoError => false,
        ResponseCode::NXDomain => true,
        ResponseCode::ServFail => return Why::ServFail.into(),
        ResponseCode::Refused => return Why::Refused.into(),
        other => return Why::Rcode(other.into()).into(),
    };
    let records: Vec<Record> = message.answers.iter().filter_map(record).collect();
    let authority: Vec<Record> = message.authorities.iter().filter_map(record).collect();
    let soa = authority.iter().find(|r| r.data.rtype() == RecordType::Soa).cloned();
    let servers = || authority.iter().filter(|r| r.data.rtype() == RecordType::Ns);
    let authoritative = message.metadata.authoritative;
    let silent_on_it = !nxdomain && !authoritative && message.answers.is_empty() && soa.is_none();
    if let Some(first) = servers().next().filter(|_| silent_on_it) {
        let same = servers().filter(|r| r.name == first.name);
        let servers: Vec<DomainName> = same.filter_map(|r| r.data.target().cloned()).collect();
        let along = message.additionals.iter().filter_map(record).filter(|r| servers.contains(&r.name));
        let glue = along.filter_map(|r| Some((r.name, r.data.address()?))).collect();
        let referral = Some(Referral { zone: first.name.clone(), servers, glue });
        return Heard { outcome: Outcome::Unanswered(Why::Referral), referral };
    }
    let negative_ttl = soa.as_ref().and_then(|soa| match soa.data {
        RecordData::Soa { minimum, .. } => Some(soa.ttl.min(minimum)),
        _ => None,
    });
    let answer = Answer {
        nxdomain,
        authoritative,
        recursion_available: message.metadata.recursion_available,
        records,
        negative_ttl,
        soa,
        rtt_micros: 0,
    };
    Heard { outcome: Outcome::Answer(answer), referral: None }
}

/// A record in our terms; `None` for other classes than IN and types that helolint does not use.
fn record(record: &WireRecord) -> Option<Record> {
    if record.dns_class != DNSClass::IN {
        return None;
    }
    let data = match &record.data {
        RData::A(a) => RecordData::A(a.0),
        RData::AAAA(a) => RecordData::Aaaa(a.0),
        RData::PTR(name) => RecordData::Ptr(domain(&name.0)),
        RData::CNAME(name) => RecordData::Cname(domain(&name.0)),
        RData::NS(name) => RecordData::Ns(domain(&name.0)),
        RData::MX(mx) => RecordData::Mx(mx.preference, domain(&mx.exchange)),
        RData::TXT(txt) => RecordData::Txt(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
        RData::SOA(soa) => RecordData::Soa {
            mname: domain(&soa.mname),
            rname: domain(&soa.rname),
            serial: soa.serial,
            minimum: soa.minimum,
        },
        _ => return None,
    };
    let ttl = if record.ttl > MAX_TTL { 0 } else { record.ttl };
    Some(Record { name: domain(&record.name), ttl, data })
}

/// A name in presentation form. Not by hickory's Display, which turns punycode into Unicode.
fn domain(name: &Name) -> DomainName {
    plan::spelled(name.iter())
}

fn wire_type(rtype: RecordType) -> WireType {
    match rtype {
        RecordType::A => WireType::A,
        RecordType::Aaaa => WireType::AAAA,
        RecordType::Ptr => WireType::PTR,
        RecordType::Mx => WireType::MX,
        RecordType::Txt => WireType::TXT,
        RecordType::Cname => WireType::CNAME,
        RecordType::Ns => WireType::NS,
        RecordType::Soa => WireType::SOA,
    }
}

#[cfg(test)]
mod tests;
