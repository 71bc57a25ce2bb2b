use hickory_proto::op::{Edns, Query};
use hickory_proto::rr::rdata::{A, CNAME, MX, NS, PTR, SOA, TXT};

use super::*;

fn read(bytes: &[u8], asked: &Asked) -> Reading {
    super::read(bytes, asked, &mut Names::default())
}

fn question(name: &str, rtype: RecordType) -> Question {
    Question::new(&DomainName::new(name), rtype)
}

fn asked(question: &Question) -> Asked {
    ask(7, question, QueryOptions { recurse: true, edns: true, cased: false }, &mut IdGenerator::default()).unwrap()
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// The reply to a packet, changed by `change`.
fn reply(asked: &Asked, change: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut message = Message::from_vec(&asked.bytes).unwrap().into_response();
    message.edns = None;
    change(&mut message);
    message.to_vec().unwrap()
}

fn outcome(reading: Reading) -> Outcome {
    match reading {
        Reading::Response(response) => response.outcome,
        other => panic!("{other:?}"),
    }
}

fn answer(reading: Reading) -> Answer {
    match outcome(reading) {
        Outcome::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_goes_out_as_it_should() {
    let q = question("Mail.Example.com.", RecordType::Mx);
    let message = Message::from_vec(&asked(&q).bytes).unwrap();
    assert_eq!((message.metadata.id, message.metadata.recursion_desired), (7, true));
    assert_eq!(message.queries[0].name.to_ascii(), "mail.example.com.");
    assert_eq!(message.queries[0].query_type, WireType::MX);
    assert_eq!(message.edns.as_ref().map(Edns::max_payload), Some(PAYLOAD));
    let plain =
        ask(7, &q, QueryOptions { recurse: false, edns: false, cased: false }, &mut IdGenerator::default()).unwrap();
    let message = Message::from_vec(&plain.bytes).unwrap();
    assert!(message.edns.is_none() && !message.metadata.recursion_desired);
    assert!(
        ask(
            7,
            &question("a..b", RecordType::A),
            QueryOptions { recurse: true, edns: true, cased: true },
            &mut IdGenerator::default()
        )
        .is_none()
    );
}

#[test]
fn every_type_that_is_used_comes_through() {
    let q = question("x.example", RecordType::A);
    let a = asked(&q);
    let soa = SOA::new(name("ns.example."), name("h.example."), 9, 1, 1, 1, 300);
    let data = [
        RData::A(A::new(192, 0, 2, 1)),
        RData::PTR(PTR(name("p.example."))),
        RData::CNAME(CNAME(name("c.example."))),
        RData::NS(NS(name("n.example."))),
        RData::MX(MX::new(5, name("m.example."))),
        RData::TXT(TXT::new(vec!["a b".into(), "c".into()])),
        RData::SOA(soa),
    ];
    let bytes = reply(&a, |m| {
        for data in data {
            m.add_answer(WireRecord::from_rdata(name("X.example."), 60, data));
        }
    });
    let found: Vec<String> =
        answer(read(&bytes, &a)).records.iter().map(|r| format!("{} {}", r.name, r.data)).collect();
    assert_eq!(
        found,
        [
            "x.example 192.0.2.1",
            "x.example p.example.",
            "x.example c.example.",
            "x.example n.example.",
            "x.example 5 m.example.",
            "x.example \"a bc\"",
            "x.example ns.example. h.example. 9 300",
        ]
    );
}

#[test]
fn names_stay_ascii_and_show_what_they_hide() {
    let q = question("x.example", RecordType::Ptr);
    let a = asked(&q);
    let strange = Name::from_labels([&b"xn--bcher-kva"[..], b"a.b\x1b[31m c\xff", b"example"]).unwrap();
    let bytes = reply(&a, |m| {
        m.add_answer(WireRecord::from_rdata(name("x.example."), 60, RData::PTR(PTR(strange))));
    });
    let records = answer(read(&bytes, &a)).records;
    assert_eq!(records[0].data.to_string(), "xn--bcher-kva.a\\.b\\027[31m\\032c\\255.example.");
}

#[test]
fn ttls_and_classes() {
    let q = question("x.example", RecordType::A);
    let a = asked(&q);
    let bytes = reply(&a, |m| {
        let mut record = WireRecord::from_rdata(name("x.example."), 0x8000_0001, RData::A(A::new(192, 0, 2, 1)));
        m.add_answer(record.clone());
        record.dns_class = DNSClass::CH;
        record.data = RData::A(A::new(192, 0, 2, 2));
        m.add_answer(record);
    });
    let records = answer(read(&bytes, &a)).records;
    assert_eq!((records.len(), records[0].ttl), (1, 0));
}

#[test]
fn absence_comes_with_its_time() {
    let q = question("x.example", RecordType::A);
    let a = asked(&q);
    for (rcode, nxdomain) in [(ResponseCode::NoError, false), (ResponseCode::NXDomain, true)] {
        let bytes = reply(&a, |m| {
            m.metadata.response_code = rcode;
            let soa = SOA::new(name("ns.example."), name("h.example."), 9, 1, 1, 1, 300);
            m.add_authority(WireRecord::from_rdata(name("example."), 900, RData::SOA(soa)));
        });
        let found = answer(read(&bytes, &a));
        assert_eq!((found.nxdomain, found.negative_ttl), (nxdomain, Some(300)));
        assert_eq!(found.soa.map(|r| r.name.to_string()).as_deref(), Some("example"));
    }
}

#[test]
fn failures_are_no_answers() {
    let q = question("x.example", RecordType::A);
    let a = asked(&q);
    for (rcode, why) in [
        (ResponseCode::ServFail, Why::ServFail),
        (ResponseCode::Refused, Why::Refused),
        (ResponseCode::NotAuth, Why::Rcode(9)),
    ] {
        let bytes = reply(&a, |m| m.metadata.response_code = rcode);
        assert_eq!(outcome(read(&bytes, &a)), Outcome::Unanswered(why));
    }
}

#[test]
fn a_referral_is_none_either() {
    let q = question("x.sub.example", RecordType::A);
    let a = asked(&q);
    let refer = |m: &mut Message| {
        m.add_authority(WireRecord::from_rdata(name("sub.example."), 60, RData::NS(NS(name("ns1.example.net.")))));
        m.add_authority(WireRecord::from_rdata(name("sub.example."), 60, RData::NS(NS(name("ns2.example.net.")))));
    };
    match read(&reply(&a, refer), &a) {
        Reading::Response(response) => {
            assert_eq!(response.outcome, Outcome::Unanswered(Why::Referral));
            let referral = response.referral.unwrap();
            assert_eq!((referral.zone.as_str(), referral.servers.len()), ("sub.example", 2));
        }
        other => panic!("{other:?}"),
    }
    // With AA it is the absence of the record, by a server that leaves the SOA out.
    let bytes = reply(&a, |m| {
        refer(m);
        m.metadata.authoritative = true;
    });
    assert!(matches!(outcome(read(&bytes, &a)), Outcome::Answer(_)));
}

#[test]
fn what_is_not_the_reply_is_not_believed() {
    let q = question("x.example", RecordType::A);
    let a = asked(&q);
    let other = |change: fn(&mut Query)| {
        reply(&a, |m| {
            change(&mut m.queries[0]);
            m.add_answer(WireRecord::from_rdata(name("x.example."), 60, RData::A(A::new(192, 0, 2, 66))));
        })
    };
    let foreign: [fn(&mut Query); 3] = [
        |q| q.name = Name::from_ascii("y.example.").unwrap(),
        |q| q.query_type = WireType::AAAA,
        |q| q.query_class = DNSClass::CH,
    ];
    for change in foreign {
        assert!(matches!(read(&other(change), &a), Reading::Foreign));
    }
    assert!(matches!(read(&reply(&a, |m| m.queries.clear()), &a), Reading::Foreign));
    assert_eq!(reply_id(&a.bytes), None, "a question is no reply");
    assert_eq!(reply_id(&[0, 7, 0x80]), None);
    assert_eq!(reply_id(&reply(&a, |_| {})), Some(7));
}

#[test]
fn letters_come_back_as_they_went() {
    let q = question("averyveryveryverylongname.example", RecordType::A);
    let a = ask(7, &q, QueryOptions { recurse: true, edns: true, cased: true }, &mut IdGenerator::default()).unwrap();
    assert!(matches!(read(&reply(&a, |_| {}), &a), Reading::Response(_)));
    let lower = reply(&a, |m| m.queries[0].name = m.queries[0].name.to_lowercase());
    assert!(matches!(read(&lower, &a), Reading::CaseLost));
}

#[test]
fn servers_without_edns() {
    let q = question("x.example", RecordType::A);
    let a = asked(&q);
    let formerr = |m: &mut Message| m.metadata.response_code = ResponseCode::FormErr;
    assert!(matches!(read(&reply(&a, formerr), &a), Reading::NoEdns));
    let bare = reply(&a, |m| {
        formerr(m);
        m.queries.clear();
    });
    assert!(matches!(read(&bare, &a), Reading::NoEdns));
    let plain =
        ask(7, &q, QueryOptions { recurse: true, edns: false, cased: false }, &mut IdGenerator::default()).unwrap();
    assert_eq!(outcome(read(&reply(&plain, formerr), &plain)), Outcome::Unanswered(Why::Rcode(1)));
}

#[test]
fn truncation_and_garbage() {
    let q = question("x.example", RecordType::A);
    let a = asked(&q);
    assert!(matches!(read(&reply(&a, |m| m.metadata.truncation = true), &a), Reading::Truncated));
    let mut cut = reply(&a, |m| {
        m.add_answer(WireRecord::from_rdata(name("x.example."), 60, RData::A(A::new(192, 0, 2, 1))));
    });
    cut.truncate(cut.len() - 2);
    assert!(matches!(read(&cut, &a), Reading::Malformed { ours: true, .. }));
    let noise: Vec<u8> =
        [0, 7, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0].into_iter().chain(b"\xc0\x0c\xff\xff".repeat(9)).collect();
    assert!(matches!(read(&noise, &a), Reading::Malformed { ours: false, .. }));
    // No prefix of a reply may end in a panic.
    for length in 0..cut.len() {
        let _ = (reply_id(&cut[..length]), read(&cut[..length], &a));
    }
}

proptest::proptest! {
    #[test]
    fn no_packet_ends_in_a_panic(flip in proptest::collection::vec((0usize..80, proptest::num::u8::ANY), 0..6), cut in 0usize..80) {
        let q = question("x.example", RecordType::A);
        let a = asked(&q);
        let mut bytes = reply(&a, |m| {
            m.add_answer(WireRecord::from_rdata(name("x.example."), 60, RData::PTR(PTR(name("p.example.")))));
            m.add_authority(WireRecord::from_rdata(name("example."), 60, RData::NS(NS(name("n.example.")))));
        });
        for (at, byte) in flip {
            if let Some(slot) = bytes.get_mut(at) {
                *slot = byte;
            }
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = (reply_id(&bytes), read(&bytes, &a));
    }
}
