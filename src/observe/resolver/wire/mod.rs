//! Between our types and the wire format, which is hickory-proto's.

mod plain;

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record as WireRecord, RecordType as WireType};

use crate::name::DomainName;
use crate::observe::answer::bounded;
use crate::observe::{Answer, Outcome, Question, Record, RecordData, RecordType, Why, plan};

/// Octets of a header (RFC 1035 section 4.1.1).
pub(crate) const HEADER: usize = 12;
/// UDP payload that replies may have: what passes everywhere without fragments (DNS flag day 2020).
pub(crate) const PAYLOAD: u16 = 1232;
/// TTLs above this are zero (RFC 2181 section 8).
const MAX_TTL: u32 = i32::MAX as u32;

/// A question ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The packet.
    pub bytes: Box<[u8]>,
    /// The name in our terms.
    name: DomainName,
    /// Where the question section ends.
    end: usize,
    /// Whether the name's text is what its labels spell: it may have other escapes.
    spelled: bool,
    /// Whether the letters' case was chosen at random, and must come back so (0x20).
    pub cased: bool,
    /// Whether it offers EDNS.
    pub edns: bool,
}

/// How a question is put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryOptions {
    /// Recursion desired.
    pub recurse: bool,
    /// Offer EDNS.
    pub edns: bool,
    /// Choose the letters' case at random.
    pub cased: bool,
}

/// Numbers that nobody else can guess: a count, hashed with keys that the system chose at random.
#[derive(Default)]
pub(crate) struct IdGenerator {
    keys: RandomState,
    generated: u64,
}

impl IdGenerator {
    /// The next number.
    pub(crate) fn generate(&mut self) -> u64 {
        self.generated += 1;
        self.keys.hash_one(self.generated)
    }
}

/// The packet that asks `question` under `id`; `None` where no message can carry the name.
pub(crate) fn ask(id: u16, question: &Question, query: QueryOptions, ids: &mut IdGenerator) -> Option<Asked> {
    /// The OPT record (RFC 6891 section 6.1.2): root, type 41, payload, and nothing else.
    const OPT: [u8; 11] = [0, 0, 41, PAYLOAD.to_be_bytes()[0], PAYLOAD.to_be_bytes()[1], 0, 0, 0, 0, 0, 0];
    let mut bytes = Vec::with_capacity(HEADER + question.name.as_str().len() + 6 + OPT.len());
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(&[u8::from(query.recurse), 0, 0, 1, 0, 0, 0, 0, 0, u8::from(query.edns)]);
    let (mut coins, mut left) = (0, 0);
    let mut case = |octet: u8| {
        if !query.cased {
            return octet;
        }
        if left == 0 {
            (coins, left) = (ids.generate(), u64::BITS);
        }
        // A letter is a small one by this bit. No branch depends on the coin: the processor would guess every second one wrong.
        let small = u8::from(octet.is_ascii_alphabetic()) << 5;
        let coin = u8::from(coins & 1 == 1) << 5;
        (coins, left) = (coins >> 1, left - 1);
        octet & !small | coin & small
    };
    if !question.name.as_str().is_empty() {
        plan::for_each_label(&question.name, |label| {
            bytes.push(u8::try_from(label.len()).unwrap_or(0));
            bytes.extend(label.iter().map(|octet| case(*octet)));
        })?;
    }
    bytes.push(0);
    bytes.extend_from_slice(&u16::from(wire_type(question.rtype)).to_be_bytes());
    bytes.extend_from_slice(&u16::from(DNSClass::IN).to_be_bytes());
    let end = bytes.len();
    if query.edns {
        bytes.extend_from_slice(&OPT);
    }
    let name = question.name.clone();
    let spelled = name.as_str().bytes().all(|octet| octet.is_ascii_graphic() && octet != b'\\');
    Some(Asked { bytes: bytes.into(), name, end, spelled, cased: query.cased, edns: query.edns })
}

/// The id of a reply; `None` for what is no reply to a query.
pub(crate) fn reply_id(bytes: &[u8]) -> Option<u16> {
    let header: &[u8; 3] = bytes.get(..HEADER)?.first_chunk()?;
    // QR set, OPCODE query.
    (header[2] & 0xf8 == 0x80).then(|| u16::from_be_bytes([header[0], header[1]]))
}

/// What a packet is, for the question that its id belongs to.
#[derive(Debug)]
pub(crate) enum Reading {
    /// The reply.
    Response(Response),
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
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// The reply in our terms.
    pub outcome: Outcome,
    /// Where it refers to other servers: the zone and their names.
    pub referral: Option<Box<Referral>>,
}

/// A delegation: zone and names of its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Referral {
    /// The zone.
    pub zone: DomainName,
    /// Its servers' names.
    pub servers: Vec<DomainName>,
    /// Addresses of such names that came along.
    pub glue: Vec<(DomainName, IpAddr)>,
}

impl From<Why> for Response {
    fn from(why: Why) -> Response {
        Response { outcome: Outcome::Unanswered(why), referral: None }
    }
}

/// Reads a packet as the reply to `asked`; `names`: those that earlier replies had.
pub(crate) fn read(bytes: &[u8], asked: &Asked, names: &mut Names) -> Reading {
    let own = asked.bytes.get(HEADER..asked.end).unwrap_or(&[]);
    let sent_back = bytes.get(HEADER..asked.end).filter(|_| bytes.get(4..6) == Some(&[0, 1]));
    let exact = sent_back == Some(own);
    // Lengths, types and classes are no letters: case means the name's alone.
    let same = exact || sent_back.is_some_and(|theirs| theirs.eq_ignore_ascii_case(own));
    if let Some(response) = exact.then(|| plain::read(bytes, asked, names)).flatten() {
        return Reading::Response(response);
    }
    let message = match Message::from_vec(bytes) {
        Ok(message) => message,
        Err(error) => return Reading::Malformed { how: error.to_string(), ours: exact || same && !asked.cased },
    };
    let rcode = message.metadata.response_code;
    let ignorant = matches!(rcode, ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS);
    match message.queries.len() {
        _ if exact || same && !asked.cased => {}
        _ if same => return Reading::CaseLost,
        // Servers from before EDNS may send back the header alone.
        0 if ignorant => {}
        _ => return Reading::Foreign,
    }
    if ignorant && asked.edns {
        return Reading::NoEdns;
    }
    if message.metadata.truncation {
        return Reading::Truncated;
    }
    Reading::Response(response(&message, &asked.name, names))
}

/// Names on their way from messages into our terms: those that were met lately share their text, as they mostly are the question's, the zone's
/// or its servers'.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: [Option<DomainName>; 7],
    next: usize,
    text: String,
    /// The SOA that came last: thousands of absences in one zone share it.
    soa: Option<Arc<Record>>,
}

impl Names {
    /// The name that these labels are, in presentation form. Not by hickory's Display, which turns punycode into Unicode.
    fn get<'a>(&mut self, asked: &DomainName, labels: impl Iterator<Item = &'a [u8]>) -> DomainName {
        self.text.clear();
        plan::spell(labels, &mut self.text);
        let known = std::iter::once(asked).chain(self.known.iter().flatten());
        if let Some(known) = known.into_iter().find(|known| known.as_str() == self.text) {
            return known.clone();
        }
        let fresh = DomainName::new(&self.text);
        self.next = (self.next + 1) % self.known.len();
        if let Some(place) = self.known.get_mut(self.next) {
            *place = Some(fresh.clone());
        }
        fresh
    }

    /// The SOA to be kept: the one before, where it is the same.
    fn soa(&mut self, fresh: Record) -> Arc<Record> {
        match &self.soa {
            Some(known) if **known == fresh => Arc::clone(known),
            _ => Arc::clone(self.soa.insert(Arc::new(fresh))),
        }
    }
}

fn response(message: &Message, asked: &DomainName, names: &mut Names) -> Response {
    let rcode = message.metadata.response_code;
    let nxdomain = match rcode {
        ResponseCode::NoError => false,
        ResponseCode::NXDomain => true,
        ResponseCode::ServFail => return Why::ServFail.into(),
        ResponseCode::Refused => return Why::Refused.into(),
        other => return Why::Rcode(other.into()).into(),
    };
    let records = message.answers.iter().filter_map(|r| record(r, asked, names)).collect();
    // Servers of the zone come with most answers, and count in a referral alone.
    let mut of_type = |rtype: WireType| {
        let of_type = message.authorities.iter().filter(move |r| r.record_type() == rtype);
        of_type.filter_map(|r| record(r, asked, names)).collect::<Vec<Record>>()
    };
    let soa = of_type(WireType::SOA).into_iter().next();
    let authoritative = message.metadata.authoritative;
    let silent_on_it = !nxdomain && !authoritative && message.answers.is_empty() && soa.is_none();
    let authority = if silent_on_it { of_type(WireType::NS) } else { Vec::new() };
    if let Some(first) = authority.first() {
        let same = authority.iter().filter(|r| r.name == first.name);
        let servers: Vec<DomainName> = same.filter_map(|r| r.data.target().cloned()).collect();
        let along =
            message.additionals.iter().filter_map(|r| record(r, asked, names)).filter(|r| servers.contains(&r.name));
        let glue = along.filter_map(|r| Some((r.name, r.data.address()?))).collect();
        let referral = Some(Box::new(Referral { zone: first.name.clone(), servers, glue }));
        return Response { outcome: Outcome::Unanswered(Why::Referral), referral };
    }
    let recursion_available = message.metadata.recursion_available;
    Told { nxdomain, authoritative, recursion_available, records, soa }.response(asked, names)
}

/// What an answer consists of, as far as helolint uses it.
struct Told {
    nxdomain: bool,
    authoritative: bool,
    recursion_available: bool,
    /// The answer section.
    records: Vec<Record>,
    /// The first of the authority section.
    soa: Option<Record>,
}

impl Told {
    /// The answer to a question about the name `asked`.
    fn response(self, asked: &DomainName, names: &mut Names) -> Response {
        let Told { nxdomain, authoritative, recursion_available, records, soa } = self;
        let (records, left_out) = bounded(records, asked);
        let negative_ttl = soa.as_ref().and_then(|soa| match soa.data {
            RecordData::Soa { minimum, .. } => Some(soa.ttl.min(minimum)),
            _ => None,
        });
        let answer = Answer {
            nxdomain,
            authoritative,
            recursion_available,
            records,
            negative_ttl,
            soa: soa.map(|soa| names.soa(soa)),
            rtt_micros: 0,
            left_out,
        };
        Response { outcome: Outcome::Answer(answer), referral: None }
    }
}

/// How long a record may be kept.
fn kept_ttl(ttl: u32) -> u32 {
    if ttl > MAX_TTL { 0 } else { ttl }
}

/// The name in hickory's terms, absolute; `None` where no message can carry it.
pub(crate) fn wire_name(name: &DomainName) -> Option<Name> {
    let labels = plan::labels(name)?;
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice)).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// A message that hickory received as the reply to `question`.
pub(crate) fn message(message: &Message, question: &Question) -> Response {
    response(message, &question.name, &mut Names::default())
}

/// What hickory says of a reply without records of the type asked for.
pub(crate) fn absence(
    rcode: ResponseCode,
    authorities: &[WireRecord],
    negative_ttl: Option<u32>,
    question: &Question,
) -> Response {
    let mut message = Message::query().into_response();
    message.metadata.response_code = rcode;
    message.metadata.recursion_available = true;
    message.authorities = authorities.iter().filter(|r| r.record_type() == WireType::SOA).cloned().collect();
    let mut response = response(&message, &question.name, &mut Names::default());
    if let Outcome::Answer(answer) = &mut response.outcome {
        answer.negative_ttl = answer.negative_ttl.or(negative_ttl);
    }
    response
}

/// A record in our terms; `None` for other classes than IN and types that helolint does not use.
fn record(record: &WireRecord, asked: &DomainName, names: &mut Names) -> Option<Record> {
    if record.dns_class != DNSClass::IN {
        return None;
    }
    let data = match &record.data {
        RData::A(a) => RecordData::A(a.0),
        RData::AAAA(a) => RecordData::Aaaa(a.0),
        RData::PTR(name) => RecordData::Ptr(names.get(asked, name.0.iter())),
        RData::CNAME(name) => RecordData::Cname(names.get(asked, name.0.iter())),
        RData::NS(name) => RecordData::Ns(names.get(asked, name.0.iter())),
        RData::MX(mx) => RecordData::Mx(mx.preference, names.get(asked, mx.exchange.iter())),
        RData::TXT(txt) => RecordData::Txt(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
        RData::SOA(soa) => RecordData::Soa {
            mname: names.get(asked, soa.mname.iter()),
            rname: names.get(asked, soa.rname.iter()),
            serial: soa.serial,
            minimum: soa.minimum,
        },
        _ => return None,
    };
    Some(Record { name: names.get(asked, record.name.iter()), ttl: kept_ttl(record.ttl), data })
}

/// The type in hickory's terms.
pub(crate) fn wire_type(rtype: RecordType) -> WireType {
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
