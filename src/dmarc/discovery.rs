//! The tree walk, and what it selects (RFC 9989 section 4.10).

use std::collections::BTreeSet;

use super::record::{Psd, Record};
use super::{Discovery, Found, Outcome, Source, Void};
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordData, RecordType, plan};

/// Names that one walk asks for.
pub const QUESTION_LIMIT: usize = 8;
/// Labels to which a longer name is cut after the first question.
const SHORTENED: usize = 7;

/// The domains at which a record is looked for, in order: at most [`QUESTION_LIMIT`], the last has one label.
pub fn targets(domain: &DomainName) -> Vec<DomainName> {
    let mut targets = vec![domain.clone()];
    let count = domain.labels().count();
    let mut next = match count {
        0..=SHORTENED => domain.parent(),
        _ => {
            let kept: Vec<&str> = domain.labels().skip(count - SHORTENED).collect();
            Some(DomainName::new(&kept.join(".")))
        }
    };
    while let Some(target) = next.filter(|target| !target.as_str().is_empty()) {
        next = target.parent();
        targets.push(target);
    }
    targets.truncate(QUESTION_LIMIT);
    targets
}

/// Where a domain's record is.
pub fn record_name(domain: &DomainName) -> DomainName {
    DomainName::new(&format!("_dmarc.{}", domain.as_str()))
}

pub(super) fn question(domain: &DomainName) -> Question {
    Question::new(&record_name(domain), RecordType::Txt)
}

/// What one name has.
pub(super) enum At {
    Nothing,
    One(String, Box<Record>),
    Several,
}

/// What stands at a domain; what is of no use there goes to `void`.
pub(super) fn at(domain: &DomainName, found: &[RecordData], void: &mut Vec<Void>) -> At {
    let mut records = Vec::new();
    for data in found {
        let RecordData::Txt(text) = data else { continue };
        match Record::read(text) {
            Some(record) => records.push((text, record)),
            None if Record::is_meant(text) => {
                void.push(Void::Unrecognised { at: record_name(domain), text: text.clone() });
            }
            None => {}
        }
    }
    let count = records.len();
    match records.pop() {
        None => At::Nothing,
        Some((text, record)) if count == 1 => At::One(text.clone(), Box::new(record)),
        Some(_) => {
            void.push(Void::Several { at: record_name(domain), count });
            At::Several
        }
    }
}

/// The targets that have a record to ask for: a name that no message can carry has none.
fn askable_targets(domain: &DomainName) -> Vec<DomainName> {
    targets(domain).into_iter().filter(|target| plan::is_representable(&record_name(target))).collect()
}

/// Finds the policy for mail from `domain` (section 4.10.1). `answers` follows aliases; `None` is a question that nobody has asked yet.
pub fn discover(domain: &DomainName, answers: &dyn Fn(&Question) -> Option<Lookup<RecordData>>) -> Outcome<Discovery> {
    let mut void = Vec::new();
    let targets = askable_targets(domain);
    let mut walked: Vec<(DomainName, String, Box<Record>)> = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        let found = match answers(&question(target)) {
            None => {
                // The domain itself is asked for alone: mostly that is all. All that is above it goes out at once.
                let open = targets.iter().skip(place).take(if place == 0 { 1 } else { QUESTION_LIMIT });
                let open: BTreeSet<Question> = open.map(question).filter(|one| answers(one).is_none()).collect();
                return Outcome::Needs(open);
            }
            Some(Lookup::Unanswered(why)) => return Outcome::Open(question(target), why),
            Some(lookup) => lookup,
        };
        let At::One(text, record) = at(target, found.found(), &mut void) else { continue };
        if place == 0 {
            let policy = record.own_policy();
            let organizational = (record.psd == Psd::No).then(|| domain.clone());
            let found = Found { domain: domain.clone(), source: Source::Author, text, record: *record, policy };
            return Outcome::Done(Discovery { found: Some(found), organizational, void });
        }
        let stops = record.psd != Psd::Unknown;
        walked.push((target.clone(), text, record));
        if stops {
            break;
        }
    }
    let organizational = organizational(domain, &walked);
    let place = |wanted: &DomainName| walked.iter().position(|(target, ..)| target == wanted);
    let source = match place(&organizational) {
        Some(place) => Some((place, Source::Organizational)),
        None => {
            walked.iter().position(|(.., record)| record.psd == Psd::Yes).map(|place| (place, Source::PublicSuffix))
        }
    };
    let Some((place, source)) = source else {
        return Outcome::Done(Discovery { found: None, organizational: Some(organizational), void });
    };
    let (from, text, record) = walked.swap_remove(place);
    let exists = match record.missing_subdomains {
        // It makes no difference.
        None => true,
        // A name exists unless the answer is NXDOMAIN (section 3.2.12, RFC 8020).
        Some(_) => match answers(&Question::new(domain, RecordType::Txt)) {
            None => return Outcome::Needs([Question::new(domain, RecordType::Txt)].into()),
            Some(Lookup::Unanswered(why)) => return Outcome::Open(Question::new(domain, RecordType::Txt), why),
            Some(lookup) => !matches!(lookup, Lookup::NxDomain),
        },
    };
    let policy = record.subdomain_policy(exists);
    let found = Found { domain: from, source, text, record: *record, policy };
    Outcome::Done(Discovery { found: Some(found), organizational: Some(organizational), void })
}

/// The organizational domain by the records above `domain`, the nearest first (section 4.10.2).
fn organizational(domain: &DomainName, walked: &[(DomainName, String, Box<Record>)]) -> DomainName {
    for (target, _, record) in walked {
        match record.psd {
            Psd::No => return target.clone(),
            Psd::Yes => {
                let count = target.labels().count() + 1;
                let all = domain.labels().count();
                let kept: Vec<&str> = domain.labels().skip(all.saturating_sub(count)).collect();
                return DomainName::new(&kept.join("."));
            }
            Psd::Unknown => {}
        }
    }
    walked.last().map_or_else(|| domain.clone(), |(target, ..)| target.clone())
}

/// The organizational domain of any domain, for alignment (section 4.10.2): unlike [`discover`], which may end at the domain's own record, it asks
/// for all that is above. `answers` as there.
pub fn organization(
    domain: &DomainName,
    answers: &dyn Fn(&Question) -> Option<Lookup<RecordData>>,
) -> Outcome<DomainName> {
    let targets = askable_targets(domain);
    let mut walked: Vec<(DomainName, String, Box<Record>)> = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        let found = match answers(&question(target)) {
            None => {
                let open = targets.iter().skip(place).map(question).filter(|one| answers(one).is_none());
                return Outcome::Needs(open.collect());
            }
            Some(Lookup::Unanswered(why)) => return Outcome::Open(question(target), why),
            Some(lookup) => lookup,
        };
        let At::One(text, mut record) = at(target, found.found(), &mut Vec::new()) else { continue };
        // A public suffix domain is its own organization.
        if place == 0 && record.psd == Psd::Yes {
            record.psd = Psd::Unknown;
        }
        let stops = record.psd != Psd::Unknown;
        walked.push((target.clone(), text, record));
        if stops {
            break;
        }
    }
    Outcome::Done(organizational(domain, &walked))
}

/// Whether a domain that SPF or DKIM authenticates is aligned with the author's (section 4.4): the same, or, where that is enough, of the same
/// organizational domain.
pub fn are_aligned(
    strict: bool,
    (author, author_organization): (&DomainName, &DomainName),
    (other, other_organization): (&DomainName, &DomainName),
) -> bool {
    author == other || (!strict && author_organization == other_organization)
}
