//! DMARC (RFC 9989): which policy holds for mail from a domain, and what receivers that still go by RFC 7489 and the public suffix list read.
//!
//! Pure, like [`crate::spf`]: it is handed answers, and says which questions are open.

mod discovery;
mod former;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

pub use discovery::{QUESTION_LIMIT, are_aligned, discover, organization, record_name, targets};
pub use former::{FormerReading, read_as_former};
pub use record::{Psd, Record, RecordFault};

use crate::name::DomainName;
use crate::observe::{Question, Why};

/// What is asked of receivers with mail that does not pass (RFC 9989 section 4.7, `p`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nothing.
    None,
    /// Suspicion.
    Quarantine,
    /// Refusal.
    Reject,
}

impl Policy {
    /// As records write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }

    /// The next weaker one: what `t=y` asks for (RFC 9989 section 4.7), and what RFC 7489 section 6.6.4 does with messages beyond `pct`.
    pub fn weakened(self) -> Policy {
        match self {
            Policy::Reject => Policy::Quarantine,
            Policy::Quarantine | Policy::None => Policy::None,
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// At which of the three places the policy was found (RFC 9989 section 4.10.1), the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The domain itself.
    Author,
    /// Its organizational domain.
    Organizational,
    /// The public suffix domain above it.
    PublicSuffix,
}

/// The record that holds for a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The domain that publishes it; the record is at `_dmarc` below it.
    pub domain: DomainName,
    /// At which place.
    pub source: Source,
    /// The record as it is published.
    pub text: String,
    /// The record, read.
    pub record: Record,
    /// The policy for the domain that was asked for; `None` where the record is of no use (see [`Record::faults`]).
    pub policy: Option<Policy>,
}

impl Found {
    /// What receivers are asked to do: with `t=y` the next weaker policy.
    pub fn applied(&self) -> Option<Policy> {
        self.policy.map(|policy| if self.record.testing { policy.weakened() } else { policy })
    }
}

/// A name whose records are of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Void {
    /// Several records: all are discarded (RFC 9989 section 4.10).
    Several {
        /// The name that was asked for.
        at: DomainName,
        /// How many.
        count: usize,
    },
    /// A text that is meant as a record and does not begin as one must.
    Unrecognised {
        /// The name that was asked for.
        at: DomainName,
        /// The text.
        text: String,
    },
}

/// What the walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The record that holds.
    pub found: Option<Found>,
    /// The organizational domain, for alignment; `None` where the domain's own record decides and nothing above it was asked for.
    pub organizational: Option<DomainName>,
    /// Records met on the way that are of no use.
    pub void: Vec<Void>,
}

/// What can be said with the answers that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Decided.
    Done(T),
    /// A question that decides was not answered.
    Open(Question, Why),
    /// These questions have to be asked first; never empty.
    Needs(BTreeSet<Question>),
}
