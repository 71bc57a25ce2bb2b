//! What receivers read that still go by RFC 7489 and the public suffix list.

use super::discovery::{At, at, question};
use super::record::Record;
use super::{Outcome, Policy};
use crate::name::DomainName;
use crate::observe::Lookups;

/// What such a receiver applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerReading {
    /// The domain that publishes the record; `None` where none is found.
    pub domain: Option<DomainName>,
    /// The policy; `None` where DMARC is not applied.
    pub policy: Option<Policy>,
    /// To how many messages in a hundred; the others get the next weaker policy (section 6.6.4).
    pub percent: u8,
}

impl FormerReading {
    /// Whether all messages get `policy`.
    pub fn is(&self, policy: Option<Policy>) -> bool {
        match (self.policy, self.percent) {
            (None, _) | (Some(Policy::None), _) | (_, 100) => self.policy == policy,
            (Some(own), 0) => Some(own.weakened()) == policy,
            _ => false,
        }
    }
}

/// The policy by RFC 7489 section 6.6.3: the domain's own record, else that of its organizational domain by the public suffix list.
pub fn read_as_former(domain: &DomainName, answers: &Lookups<'_>) -> Outcome<FormerReading> {
    let nothing = FormerReading { domain: None, policy: None, percent: 100 };
    let organization = domain.registrable().filter(|organization| organization != domain);
    for (target, is_own) in [(Some(domain.clone()), true), (organization, false)] {
        let Some(target) = target else { continue };
        let question = question(&target);
        let Some(found) = answers(&question) else { return Outcome::Needs([question].into()) };
        if let Some(why) = found.open() {
            return Outcome::Open(question, why.clone());
        }
        match at(&target, found.found(), &mut Vec::new()) {
            At::Nothing => {}
            // Several end the discovery.
            At::Several => return Outcome::Done(nothing),
            At::One(_, record) => {
                let policy = former_policy(&record, is_own);
                return Outcome::Done(FormerReading { domain: Some(target), policy, percent: record.percent });
            }
        }
    }
    Outcome::Done(nothing)
}

/// `np` and `t` are not known there, `p` has to be there, and a broken `np` is no fault.
fn former_policy(record: &Record, is_own: bool) -> Option<Policy> {
    let is_broken = record.policy.is_none() || record.faults.iter().any(|fault| fault.tag != "np");
    if is_broken {
        return record.reports.then_some(Policy::None);
    }
    if is_own { record.policy } else { record.subdomains.or(record.policy) }
}
