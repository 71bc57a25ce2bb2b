//! The tree walk, and what it selects (RFC 9989 section 4.10).

use super::record::{Psd, Record};
use super::{Discovery, Found, Outcome, Source, Void};
use crate::name::DomainName;
use crate::observe::{Lookup, Lookups, Question, RecordData, RecordType, plan};

/// Names that one walk asks for.
pub const QUESTION_LIMIT: usize = 8;
/// Labels to which a longer name is cut after the first question.
const SHORTENED: usize = 7;

/// The domains at which a record is looked for, in order: at most [`QUESTION_LIMIT`], the last has one label.
pub fn targets(domain: &DomainName) -> impl Iterator<Item = DomainName> + use<> {
    let next = |target: &DomainName| {
        let count = target.labels().count();
        let above = match count {
            0..=SHORTENED => target.parent(),
            _ => {
                let kept: Vec<&str> = target.labels().skip(count - SHORTENED).collect();
                Some(DomainName::new(&kept.join(".")))
            }
        };
        above.filter(|above| !above.as_str().is_empty())
    };
    std::iter::successors(Some(domain.clone()), next).take(QUESTION_LIMIT)
}

/// Where a domain's record is.
pub fn record_name(domain: &DomainName) -> DomainName {
    DomainName::new(&["_dmarc.", domain.as_str()].concat())
}

pub(super) fn question(domain: &DomainName) -> Question {
    Question::new(&record_name(domain), RecordType::Txt)
}

/// What one name has.
pub(super) enum At<'t> {
    Nothing,
    One(&'t str, Box<Record>),
    Several,
}

/// What stands at a domain; what is of no use there goes to `void`.
pub(super) fn at<'t>(domain: &DomainName, found: &'t [RecordData], void: &mut Vec<Void>) -> At<'t> {
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
        Some((text, record)) if count == 1 => At::One(text, Box::new(record)),
        Some(_) => {
            void.push(Void::Several { at: record_name(domain), count });
            At::Several
        }
    }
}

/// The targets that have a record to ask for, with the question for it: a name that no message can carry has none.
fn askable_targets(domain: &DomainName) -> impl Iterator<Item = (Question, DomainName)> + use<> {
    let with_question = |target: DomainName| (question(&target), target);
    let all = targets(domain).map(with_question);
    all.filter(|(question, _)| plan::is_representable(&question.name))
}

/// Finds the policy for mail from `domain` (section 4.10.1). `answers` follows aliases; `None` is a question that nobody has asked yet.
pub fn discover(domain: &DomainName, answers: &Lookups<'_>) -> Outcome<Discovery> {
    let mut void = Vec::new();
    let mut targets = askable_targets(domain).enumerate();
    let mut walked: Vec<(DomainName, String, Box<Record>)> = Vec::new();
    while let Some((place, (question, target))) = targets.next() {
        let Some(found) = answers(&question) else {
            // The domain itself is asked for alone: mostly that is all. All that is above it goes out at once.
            let above = targets.take(if place == 0 { 0 } else { QUESTION_LIMIT }).map(|(_, (question, _))| question);
            let open = std::iter::once(question).chain(above.filter(|one| answers(one).is_none()));
            return Outcome::Needs(open.collect());
        };
        if let Some(why) = found.open() {
            return Outcome::Open(question, why.clone());
        }
        let At::One(text, record) = at(&target, found.found(), &mut void) else { continue };
        let text = text.to_owned();
        if place == 0 {
            let policy = record.own_policy();
            let organizational = (record.psd == Psd::No).then(|| domain.clone());
            let found = Found { domain: domain.clone(), source: Source::Author, text, record: *record, policy };
            return Outcome::Done(Discovery { found: Some(found), organizational, void });
        }
        let stops = record.psd != Psd::Unknown;
        walked.push((target, text, record));
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
        Some(_) => {
            let question = Question::new(domain, RecordType::Txt);
            let Some(found) = answers(&question) else { return Outcome::Needs([question].into()) };
            if let Some(why) = found.open() {
                return Outcome::Open(question, why.clone());
            }
            !matches!(*found, Lookup::NxDomain)
        }
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
pub fn organization(domain: &DomainName, answers: &Lookups<'_>) -> Outcome<DomainName> {
    let mut targets = askable_targets(domain).enumerate();
    let mut walked: Vec<(DomainName, String, Box<Record>)> = Vec::new();
    while let Some((place, (question, target))) = targets.next() {
        let Some(found) = answers(&question) else {
            let above = targets.map(|(_, (question, _))| question).filter(|one| answers(one).is_none());
            return Outcome::Needs(std::iter::once(question).chain(above).collect());
        };
        if let Some(why) = found.open() {
            return Outcome::Open(question, why.clone());
        }
        let At::One(text, mut record) = at(&target, found.found(), &mut Vec::new()) else { continue };
        // A public suffix domain is its own organization.
        if place == 0 && record.psd == Psd::Yes {
            record.psd = Psd::Unknown;
        }
        let stops = record.psd != Psd::Unknown;
        walked.push((target, text.to_owned(), record));
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
