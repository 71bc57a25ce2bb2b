//! Policies that domains publish.

use std::borrow::Cow;

use crate::dkim::{self, PublicKey};
use crate::dmarc;
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordData, RecordType, Why};
use crate::spf::{self, Check, LOOKUP_LIMIT, Outcome, VOID_LOOKUP_LIMIT};

use super::world::text;

/// SPF records, one a line: the first is the domain's, names that it leads to have the others.
///
/// # Panics
/// Where a limit of RFC 7208 section 4.6.4 does not hold.
pub fn spf(data: &[u8]) {
    let text = text(data);
    let records: Vec<&str> = text.lines().collect();
    let domain = DomainName::new("example.com");
    let answer = |question: &Question| {
        let sum =
            question.name.as_str().bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let record = match question.name == domain {
            true => records.first(),
            false => records.get(sum % records.len().max(1)),
        };
        let name = || DomainName::new(&format!("m{}.example.com", sum % 7));
        let data = match (question.rtype, record, sum % 5) {
            (RecordType::Txt, Some(record), _) => RecordData::Txt((*record).to_owned()),
            (_, _, 0) => return Lookup::NxDomain,
            (_, _, 1) => return Lookup::Unanswered(Why::Timeout),
            (RecordType::A, ..) => RecordData::A([192, 0, 2, 1].into()),
            (RecordType::Mx, ..) => RecordData::Mx(10, name()),
            (RecordType::Ptr, ..) => RecordData::Ptr(name()),
            _ => return Lookup::NoData,
        };
        Lookup::Found(vec![data])
    };
    for address in ["192.0.2.1", "2001:db8::1"] {
        let check = Check::new(address.parse().expect("an address"), &domain, "mail.example.com");
        match spf::evaluate(&check, &|question| Some(Cow::Owned(answer(question)))) {
            Outcome::Done(found) => {
                assert!(found.lookups <= LOOKUP_LIMIT + 1 && found.void_lookups <= VOID_LOOKUP_LIMIT + 1, "{found:?}");
            }
            Outcome::Needs(questions) => panic!("answered already: {questions:?}"),
        }
    }
}

/// DKIM key records.
pub fn dkim_record(data: &[u8]) {
    let record = Lookup::Found(vec![RecordData::Txt(text(data).into_owned())]);
    let _ = dkim::compare(&record, &PublicKey::Ed25519([7; 32]));
}

/// DMARC records, one a line: the first is the domain's, the others are those of the domains above it.
///
/// # Panics
/// Where more names are asked for than may be.
pub fn dmarc_record(data: &[u8]) {
    let text = text(data);
    let records: Vec<&str> = text.lines().collect();
    let domain = DomainName::new("a.b.c.d.e.f.g.example.com");
    let targets: Vec<DomainName> = dmarc::targets(&domain).collect();
    assert!(targets.len() <= dmarc::QUESTION_LIMIT);
    let answer = |question: &Question| {
        let place = targets.iter().position(|target| dmarc::record_name(target) == question.name);
        match place.and_then(|place| records.get(place)) {
            Some(record) => Lookup::Found(vec![RecordData::Txt((*record).to_owned())]),
            None => Lookup::NxDomain,
        }
    };
    let _ = dmarc::discover(&domain, &|question| Some(Cow::Owned(answer(question))));
    let _ = dmarc::read_as_former(&domain, &|question| Some(Cow::Owned(answer(question))));
}
