//! Records that were asked for and hold an address from before a move.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Answers, Exchanger, SenderCheck};
use crate::addr::Family;
use crate::facts::moved::{Value, words};
use crate::name::DomainName;
use crate::observe::{Question, RecordData, RecordType, plan};
use crate::spf::is_spf;

/// A record that holds addresses from before the move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldRecord {
    /// What was asked.
    pub question: Question,
    /// Why.
    pub by: AskedBy,
    /// The old addresses in it, in the order of the command line.
    pub held: Vec<IpAddr>,
    /// All addresses that the name leads to in the family.
    pub addresses: Vec<IpAddr>,
    /// SPF records that stand at the name.
    pub texts: Vec<String>,
    /// The name that it is an alias of.
    pub alias: Option<DomainName>,
}

/// What brought a question about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AskedBy {
    /// It is about the domain itself.
    Domain,
    /// It is about one of its exchangers.
    Exchanger,
    /// An SPF record leads there.
    Spf,
}

/// Questions that SPF records led to.
pub(super) type Led = RefCell<BTreeSet<Question>>;

/// The records of a domain, of its exchangers, and those that its SPF record led to, which hold one of the `old` addresses. Who serves the zone is not looked at: name
/// servers need not be where the mail is.
pub(super) fn old_records(
    old: &[IpAddr],
    domain: &DomainName,
    (exchangers, helo): (&[Exchanger], &[SenderCheck]),
    led: BTreeSet<Question>,
    answers: &Answers,
    needs: &mut Vec<Question>,
) -> Vec<OldRecord> {
    let addresses = |name: &DomainName| Family::BOTH.map(|family| Question::new(name, RecordType::address(family)));
    let own = addresses(domain).into_iter().chain([Question::new(domain, RecordType::Txt)]);
    let mut asked: BTreeSet<(AskedBy, Question)> = own.map(|question| (AskedBy::Domain, question)).collect();
    let is_name = |name: &DomainName| !name.as_str().is_empty() && plan::is_representable(name);
    let others = exchangers.iter().filter(|one| one.name != *domain && !one.is_address() && is_name(&one.name));
    asked.extend(others.flat_map(|one| addresses(&one.name)).map(|question| (AskedBy::Exchanger, question)));
    let introduced = helo.iter().filter(|check| check.name.is_within(domain));
    let policies = introduced.map(|check| Question::new(&check.name, RecordType::Txt));
    for question in led.into_iter().chain(policies) {
        let is_known = [AskedBy::Domain, AskedBy::Exchanger].iter().any(|by| asked.contains(&(*by, question.clone())));
        if !is_known && [RecordType::A, RecordType::Aaaa, RecordType::Txt].contains(&question.rtype) {
            asked.insert((AskedBy::Spf, question));
        }
    }
    let mut all = Vec::new();
    for (by, question) in asked {
        let Some(known) = answers.get(&question) else {
            needs.push(question);
            continue;
        };
        let records = known.lookup.found();
        let addresses: Vec<IpAddr> = records.iter().filter_map(RecordData::address).collect();
        let texts = records.iter().filter_map(|data| match data {
            RecordData::Txt(text) if is_spf(text) => Some(text.as_str()),
            _ => None,
        });
        let texts: Vec<&str> = texts.collect();
        let mut named = BTreeSet::from_iter(addresses.iter().copied());
        named.extend(texts.iter().flat_map(|text| words(text)).filter_map(|(_, value)| match value {
            Value::Address(address) => Some(address),
            Value::Name(_) => None,
        }));
        let held: Vec<IpAddr> = old.iter().filter(|old| named.contains(old)).copied().collect();
        if !held.is_empty() {
            let texts = texts.into_iter().map(str::to_owned).collect();
            all.push(OldRecord { question, by, held, addresses, texts, alias: known.alias.clone() });
        }
    }
    all
}
