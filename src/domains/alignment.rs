//! Whether what leaves this host passes DMARC: by SPF of the domain itself, or by a signature in the name of a domain that is aligned with it
//! (RFC 9989 section 4.4).

use std::net::IpAddr;

use super::{Answers, DmarcState, SenderCheck, SigningKey};
use crate::dkim::Comparison;
use crate::dmarc::{self, Outcome, are_aligned};
use crate::name::DomainName;
use crate::observe::Question;
use crate::spf::SpfResult;

/// Whether something passes and is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aligned {
    /// It does.
    Pass,
    /// It does not.
    Fail,
    /// It could not be seen.
    Open,
}

impl Aligned {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Aligned::Pass => "pass",
            Aligned::Fail => "fail",
            Aligned::Open => "undetermined",
        }
    }

    /// Either of two.
    fn or(self, other: Aligned) -> Aligned {
        match (self, other) {
            (Aligned::Pass, _) | (_, Aligned::Pass) => Aligned::Pass,
            (Aligned::Open, _) | (_, Aligned::Open) => Aligned::Open,
            (Aligned::Fail, Aligned::Fail) => Aligned::Fail,
        }
    }
}

/// What DMARC makes of a domain's mail that leaves from one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// What receivers see.
    pub address: IpAddr,
    /// The paths that send from it.
    pub paths: Vec<String>,
    /// SPF, with the domain itself as sender: it is aligned wherever it passes.
    pub spf: Aligned,
    /// A signature that can be verified, in the name of a domain that is aligned.
    pub dkim: Aligned,
}

impl Alignment {
    /// What DMARC comes to.
    pub fn dmarc(&self) -> Aligned {
        self.spf.or(self.dkim)
    }
}

/// What DMARC makes of each address that is checked; nothing where no record holds for the domain. Open questions go to `needs`.
pub(super) fn alignments(
    author: &DomainName,
    dmarc: &DmarcState,
    spf: &[SenderCheck],
    (dkim, is_open): (&[(&SigningKey, Comparison)], bool),
    answers: &Answers,
    needs: &mut Vec<Question>,
) -> Vec<Alignment> {
    let DmarcState::Known(discovery, _) = dmarc else { return Vec::new() };
    let Some(found) = &discovery.found else { return Vec::new() };
    let signed = dkim.iter().map(|(key, compared)| match compared {
        Comparison::Match => aligned(author, &key.domain, found.record.strict_dkim, answers, needs),
        Comparison::Unanswered(_) => Aligned::Open,
        Comparison::Mismatch { .. } | Comparison::Missing | Comparison::Revoked | Comparison::Invalid(_) => {
            Aligned::Fail
        }
    });
    let others = if is_open { Aligned::Open } else { Aligned::Fail };
    let dkim = signed.fold(others, Aligned::or);
    let one = |check: &SenderCheck| Alignment {
        address: check.address,
        paths: check.paths.clone(),
        spf: match check.evaluation.result {
            SpfResult::Pass => Aligned::Pass,
            SpfResult::TempError => Aligned::Open,
            SpfResult::Fail | SpfResult::SoftFail | SpfResult::Neutral | SpfResult::None | SpfResult::PermError => {
                Aligned::Fail
            }
        },
        dkim,
    };
    spf.iter().map(one).collect()
}

/// Whether a signature in the name of `signing` is aligned with the author's domain.
fn aligned(
    author: &DomainName,
    signing: &DomainName,
    strict: bool,
    answers: &Answers,
    needs: &mut Vec<Question>,
) -> Aligned {
    if author == signing {
        return Aligned::Pass;
    }
    if strict {
        return Aligned::Fail;
    }
    let mut organization = |domain: &DomainName| match dmarc::organization(domain, &|question| answers.lookup(question))
    {
        Outcome::Done(organization) => Some(organization),
        Outcome::Open(..) => None,
        Outcome::Needs(questions) => {
            needs.extend(questions);
            None
        }
    };
    match (organization(author), organization(signing)) {
        (Some(own), Some(other)) if are_aligned(strict, (author, &own), (signing, &other)) => Aligned::Pass,
        (Some(_), Some(_)) => Aligned::Fail,
        _ => Aligned::Open,
    }
}
