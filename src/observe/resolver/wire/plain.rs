//! Replies as servers mostly give them, read where they lie: one question, records of the types that helolint uses, EDNS without options. They
//! come to what hickory's `Message` gives of them, without its copies; whatever is not just so is left to that.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::{DNSClass, RecordType as WireType};

use super::{Asked, HEADER, Names, Response, Told, kept_ttl};
use crate::name::DomainName;
use crate::observe::{Record, RecordData};

/// Records of an answer that memory is set aside for before they are read.
const FORESEEN: usize = 8;
/// Octets of a name, its length octets among them: a longer one is left to hickory, which knows the exact bound.
const NAME: usize = 250;

/// The reply to a question that it repeats letter by letter; `None` where it is to be read by `Message`, which may find that it is none.
pub(super) fn read(bytes: &[u8], asked: &Asked, names: &mut Names) -> Option<Response> {
    let header: &[u8; HEADER] = bytes.first_chunk()?;
    // A whole reply (QR, not TC) to a query.
    if header[2] & 0b1111_1010 != 0b1000_0000 {
        return None;
    }
    let nxdomain = match header[3] & 0x0f {
        0 => false,
        3 => true,
        _ => return None,
    };
    let (authoritative, recursion_available) = (header[2] & 0b100 != 0, header[3] & 0b1000_0000 != 0);
    let [answers, authorities, additionals] = [6, 8, 10]
        .map(|at| header.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |count| u16::from_be_bytes(*count)));
    let mut reader = Reader { bytes, at: asked.end, asked };
    let mut records = Vec::with_capacity(usize::from(answers).min(FORESEEN));
    for _ in 0..answers {
        records.push(reader.record(names)?);
    }
    let mut soa = None;
    for _ in 0..authorities {
        soa = reader.soa(names, soa)?;
    }
    if !nxdomain && !authoritative && answers == 0 && soa.is_none() {
        // It may refer to other servers.
        return None;
    }
    let mut has_edns = false;
    for _ in 0..additionals {
        if reader.is_edns()? && std::mem::replace(&mut has_edns, true) {
            return None;
        }
    }
    let told = Told { nxdomain, authoritative, recursion_available, records, soa };
    (reader.at == bytes.len()).then(|| told.response(&asked.name, names))
}

/// What stands before the content of a record.
struct Head {
    rtype: WireType,
    class: u16,
    ttl: u32,
    /// Where the content ends.
    end: usize,
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    asked: &'b Asked,
}

impl<'b> Reader<'b> {
    fn octets<const N: usize>(&mut self) -> Option<[u8; N]> {
        let octets = self.bytes.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(*octets)
    }

    fn u16(&mut self) -> Option<u16> {
        self.octets().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.octets().map(u32::from_be_bytes)
    }

    /// The labels of a name, which is whole: pointers lead to what stands before, and no further than where the one before began.
    fn labels(&mut self) -> Option<Labels<'b>> {
        let first = self.at;
        let (mut at, mut start, mut limit) = (first, first, self.bytes.len());
        let (mut octets, mut behind) = (1, None);
        while at < limit {
            let length = *self.bytes.get(at)?;
            match length {
                0 => {
                    self.at = behind.unwrap_or(at + 1);
                    return Some(Labels { bytes: self.bytes, at: first });
                }
                1..=63 => {
                    let label = 1 + usize::from(length);
                    (at, octets) = (at + label, octets + label);
                    if octets > NAME {
                        return None;
                    }
                }
                192.. => {
                    let target = pointer(length, *self.bytes.get(at + 1)?);
                    if target >= start {
                        return None;
                    }
                    behind.get_or_insert(at + 2);
                    (at, start, limit) = (target, target, start);
                }
                _ => return None,
            }
        }
        None
    }

    fn name(&mut self, names: &mut Names) -> Option<DomainName> {
        let labels = self.labels()?;
        Some(self.named(labels, names))
    }

    /// The name that these labels are.
    fn named(&self, labels: Labels<'b>, names: &mut Names) -> DomainName {
        match self.asked.spelled && labels.leads_to_question() {
            true => self.asked.name.clone(),
            false => names.get(&self.asked.name, labels),
        }
    }

    /// What stands before the content, which is there: none is empty.
    fn head(&mut self) -> Option<Head> {
        let (rtype, class, ttl) = (WireType::from(self.u16()?), self.u16()?, self.u32()?);
        let length = usize::from(self.u16()?);
        let end = self.at + length;
        (end <= self.bytes.len()).then_some(Head { rtype, class, ttl, end })
    }

    /// A record of a type that helolint uses.
    fn record(&mut self, names: &mut Names) -> Option<Record> {
        let owner = self.labels()?;
        let head = self.head()?;
        self.content(owner, &head, names)
    }

    fn content(&mut self, owner: Labels<'b>, head: &Head, names: &mut Names) -> Option<Record> {
        if head.class != u16::from(DNSClass::IN) || head.end == self.at {
            return None;
        }
        let data = match head.rtype {
            WireType::A => RecordData::A(Ipv4Addr::from(self.octets::<4>()?)),
            WireType::AAAA => RecordData::Aaaa(Ipv6Addr::from(self.octets::<16>()?)),
            WireType::PTR => RecordData::Ptr(self.name(names)?),
            WireType::CNAME => RecordData::Cname(self.name(names)?),
            WireType::NS => RecordData::Ns(self.name(names)?),
            WireType::MX => RecordData::Mx(self.u16()?, self.name(names)?),
            WireType::TXT => RecordData::Txt(self.text(head.end)?),
            WireType::SOA => {
                let (mname, rname) = (self.name(names)?, self.name(names)?);
                let [serial, _refresh, _retry, _expire, minimum] =
                    [self.u32()?, self.u32()?, self.u32()?, self.u32()?, self.u32()?];
                RecordData::Soa { mname, rname, serial, minimum }
            }
            _ => return None,
        };
        (self.at == head.end).then(|| Record { name: self.named(owner, names), ttl: kept_ttl(head.ttl), data })
    }

    /// The strings of a TXT record, joined.
    fn text(&mut self, end: usize) -> Option<String> {
        let mut text = Vec::with_capacity(end.saturating_sub(self.at));
        while self.at < end {
            let [length] = self.octets()?;
            let next = self.at + usize::from(length);
            text.extend_from_slice(self.bytes.get(self.at..next)?);
            self.at = next;
        }
        Some(String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// The SOA, where this record of the authority section is the first one; else the one before. Servers stand there too, for nothing.
    fn soa(&mut self, names: &mut Names, before: Option<Record>) -> Option<Option<Record>> {
        let owner = self.labels()?;
        let head = self.head()?;
        match head.rtype {
            WireType::SOA => {
                let soa = self.content(owner, &head, names)?;
                Some(before.or(Some(soa)))
            }
            WireType::NS if head.class == u16::from(DNSClass::IN) => {
                self.labels()?;
                (self.at == head.end).then_some(before)
            }
            _ => None,
        }
    }

    /// Whether this record of the additional section is EDNS, without options and with nothing to add to the reply's code (RFC 6891 section
    /// 6.1.3); addresses may stand there, for nothing.
    fn is_edns(&mut self) -> Option<bool> {
        let mut owner = self.labels()?;
        let head = self.head()?;
        let length = head.end - self.at;
        let is_edns = match (head.rtype, length) {
            (WireType::OPT, 0) => owner.next().is_none() && head.ttl >> 24 == 0,
            (WireType::A, 4) | (WireType::AAAA, 16) if head.class == u16::from(DNSClass::IN) => false,
            _ => return None,
        };
        self.at = head.end;
        (is_edns || length > 0).then_some(is_edns)
    }
}

/// Where a pointer leads (RFC 1035 section 4.1.4).
fn pointer(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high & 0x3f, low]))
}

/// The labels of a name that was found to be whole.
#[derive(Clone)]
struct Labels<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Labels<'_> {
    /// Whether they are a pointer to the question's name, and nothing else.
    fn leads_to_question(&self) -> bool {
        let begin = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        begin.is_some_and(|[high, low]| *high >= 192 && pointer(*high, *low) == HEADER)
    }
}

impl<'b> Iterator for Labels<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        loop {
            match *self.bytes.get(self.at)? {
                0 => return None,
                high @ 192.. => self.at = pointer(high, *self.bytes.get(self.at + 1)?),
                length => {
                    let start = self.at + 1;
                    self.at = start + usize::from(length);
                    return self.bytes.get(start..self.at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Edns, Message, ResponseCode};
    use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, TXT};
    use hickory_proto::rr::{Name, RData, Record as WireRecord};

    use super::*;
    use crate::observe::resolver::wire::{IdGenerator, QueryOptions, ask, response};
    use crate::observe::{Question, RecordType};

    fn asked() -> Asked {
        let question = Question::new(&DomainName::new("www.x.example"), RecordType::Txt);
        ask(7, &question, QueryOptions { recurse: true, edns: true, cased: true }, &mut IdGenerator::default()).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// Replies of each kind that servers give.
    fn replies(asked: &Asked) -> Vec<Vec<u8>> {
        let record = |owner: &str, data| WireRecord::from_rdata(name(owner), 0x8000_0000, data);
        let short = |owner: &str, data| WireRecord::from_rdata(name(owner), 60, data);
        let soa = || RData::SOA(SOA::new(name("ns.x.example."), name("h.X.example."), 9, 1, 2, 3, 300));
        let ns = || short("x.example.", RData::NS(NS(name("ns.x.example."))));
        let new = |change: &dyn Fn(&mut Message)| {
            let mut message = Message::from_vec(&asked.bytes).unwrap().into_response();
            message.edns = None;
            change(&mut message);
            message.to_vec().unwrap()
        };
        let edns = |message: &mut Message| {
            let mut edns = Edns::new();
            edns.set_max_payload(1232);
            message.edns = Some(edns);
        };
        vec![
            new(&|m| {
                m.metadata.authoritative = true;
                let strange = Name::from_labels([&b"a.b\\ \xff"[..], b"X", b"example"]).unwrap();
                m.add_answer(short("www.X.example.", RData::CNAME(CNAME(name("w.x.example.")))));
                m.add_answer(record("w.x.example.", RData::TXT(TXT::new(vec!["v=spf1 ".into(), "-all".into()]))));
                m.add_answer(record("w.x.example.", RData::TXT(TXT::from_bytes(vec![b"\xff\xfe", b""]))));
                m.add_answer(short("w.x.example.", RData::A(A::new(192, 0, 2, 1))));
                m.add_answer(short("w.x.example.", RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))));
                m.add_answer(short("w.x.example.", RData::MX(MX::new(5, name("mail.x.example.")))));
                m.add_answer(short("w.x.example.", RData::PTR(PTR(strange))));
                m.add_answer(short("w.x.example.", soa()));
                m.add_authority(ns());
                m.add_additional(short("ns.x.example.", RData::A(A::new(192, 0, 2, 53))));
                edns(m);
            }),
            new(&|m| {
                m.metadata.response_code = ResponseCode::NXDomain;
                m.metadata.recursion_available = true;
                m.add_authority(short("x.example.", soa()));
                edns(m);
            }),
            new(&|m| {
                m.add_authority(short("x.example.", soa()));
                m.add_authority(short("example.", soa()));
            }),
            new(&|m| m.metadata.authoritative = true),
        ]
    }

    /// What hickory makes of a packet; `None` where it cannot be read.
    fn by_message(bytes: &[u8], asked: &Asked) -> Option<Response> {
        Message::from_vec(bytes).ok().map(|message| response(&message, &asked.name, &mut Names::default()))
    }

    #[test]
    fn usual_replies_are_read_in_place_and_nothing_is_read_in_another_way_than_hickory_reads_it() {
        let asked = asked();
        let mut read_in_place = 0;
        let mut compare = |bytes: &[u8]| {
            let Some(plain) = read(bytes, &asked, &mut Names::default()) else { return false };
            let full = by_message(bytes, &asked).unwrap_or_else(|| panic!("hickory refuses {bytes:x?}"));
            assert_eq!((plain.outcome, plain.referral), (full.outcome, full.referral), "{bytes:x?}");
            assert!(!Message::from_vec(bytes).unwrap().metadata.truncation, "{bytes:x?}");
            read_in_place += 1;
            true
        };
        for packet in replies(&asked) {
            assert!(compare(&packet), "left to hickory: {packet:x?}");
            for end in 0..packet.len() {
                compare(packet.get(..end).unwrap());
            }
            compare(&[&packet[..], &[0]].concat());
            let places: Vec<usize> = (2..4).chain(6..HEADER).chain(asked.end..packet.len()).collect();
            for at in places {
                for octet in 0..=255 {
                    let mut changed = packet.clone();
                    changed[at] = octet;
                    compare(&changed);
                }
            }
        }
        assert!(read_in_place > 10_000, "{read_in_place}");
    }

    #[test]
    fn what_is_not_usual_is_left_to_hickory() {
        let asked = asked();
        let [with_all, ..] = replies(&asked).try_into().map(|all: [Vec<u8>; 4]| all).unwrap();
        let changed = |at: usize, octet: u8| {
            let mut packet = with_all.clone();
            packet[at] = octet;
            read(&packet, &asked, &mut Names::default())
        };
        assert!(changed(2, with_all[2]).is_some());
        assert!(changed(2, with_all[2] | 0b10).is_none(), "truncated");
        assert!(changed(3, 2).is_none(), "SERVFAIL");
        assert!(changed(11, with_all[11] + 1).is_none(), "a record is missing");
        let end = with_all.len();
        assert!(changed(end - 6, 1).is_none(), "EDNS has more of the code");
    }
}
