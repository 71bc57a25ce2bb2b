//! Records that were asked for and hold an address from before a move.

use std::cell::RefCell;
use std::net::IpAddr;

use super::{Answers, Exchanger, Known, SenderCheck};
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

/// Questions that SPF records led to, some of them more than once.
pub(super) type Led = RefCell<Vec<Question>>;

/// The records of a domain, of its exchangers, and those that its SPF record led to, which hold one of the `old` addresses. Who serves the zone is not
/// looked at: name servers need not be where the mail is.
pub(super) fn old_records(
    old: &[IpAddr],
    domain: &DomainName,
    (exchangers, helo): (&[Exchanger], &[SenderCheck]),
    mut led: Vec<Question>,
    answers: &Answers,
    needs: &mut Vec<Question>,
) -> Vec<OldRecord> {
    let mut all = Vec::new();
    let mut look = |by, question: Question| match answers.get(&question) {
        Some(known) => all.extend(old_record(old, by, question, known)),
        None => needs.push(question),
    };
    let addresses = |name: &DomainName| Family::BOTH.map(|family| Question::new(name, RecordType::address(family)));
    look(AskedBy::Domain, Question::new(domain, RecordType::Txt));
    addresses(domain).into_iter().for_each(|question| look(AskedBy::Domain, question));
    let is_name = |name: &DomainName| !name.as_str().is_empty() && plan::is_representable(name);
    let others = exchangers.iter().filter(|one| one.name != *domain && !one.is_address() && is_name(&one.name));
    for (at, one) in others.clone().enumerate() {
        // One name may stand there twice.
        if !others.clone().take(at).any(|before| before.name == one.name) {
            addresses(&one.name).into_iter().for_each(|question| look(AskedBy::Exchanger, question));
        }
    }
    let introduced = helo.iter().filter(|check| check.name.is_within(domain));
    led.extend(introduced.map(|check| Question::new(&check.name, RecordType::Txt)));
    led.retain(|question| match question.rtype {
        RecordType::Txt => question.name != *domain,
        RecordType::A | RecordType::Aaaa => {
            question.name != *domain && !exchangers.iter().any(|one| one.name == question.name)
        }
        _ => false,
    });
    led.sort_unstable();
    led.dedup();
    led.into_iter().for_each(|question| look(AskedBy::Spf, question));
    all
}

/// What an answer holds of the old addresses, if anything.
fn old_record(old: &[IpAddr], by: AskedBy, question: Question, known: &Known) -> Option<OldRecord> {
    let records = known.lookup.found();
    let holds = |data: &RecordData| match spf(data) {
        Some(text) => named(text).any(|address| old.contains(&address)),
        None => data.address().is_some_and(|address| old.contains(&address)),
    };
    if !records.iter().any(holds) {
        return None;
    }
    let texts: Vec<String> = records.iter().filter_map(spf).map(str::to_owned).collect();
    let addresses: Vec<IpAddr> = records.iter().filter_map(RecordData::address).collect();
    let is_held =
        |old: &&IpAddr| addresses.contains(old) || texts.iter().any(|text| named(text).any(|one| one == **old));
    let held = old.iter().filter(is_held).copied().collect();
    Some(OldRecord { question, by, held, addresses, texts, alias: known.alias.clone() })
}

fn spf(data: &RecordData) -> Option<&str> {
    match data {
        RecordData::Txt(text) if is_spf(text) => Some(text),
        _ => None,
    }
}

/// The addresses that a record is written with, in whatever terms.
fn named(record: &str) -> impl Iterator<Item = IpAddr> + '_ {
    let may_name = |term: &&str| term.bytes().any(|byte| byte.is_ascii_digit());
    record.split(' ').skip(1).filter(may_name).flat_map(words).filter_map(|(_, value)| match value {
        Value::Address(address) => Some(address),
        Value::Name(_) => None,
    })
}
