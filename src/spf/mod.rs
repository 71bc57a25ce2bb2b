//! SPF (RFC 7208): what a domain's published policy says of one client address.
//!
//! The evaluator is pure. It is handed answers, and where one that it needs is not there yet, it says which questions are open
//! ([`Outcome::Needs`]): whoever can ask puts them, and evaluates again. So it works in rounds over any source of answers.
//!
//! What bounds it: each `include` and `redirect` counts towards [`LOOKUP_LIMIT`], so that no evaluation is nested or follows further than that;
//! records are read in one pass, and a record is at most what one DNS message holds.

mod error;
mod evaluate;
mod macros;
mod record;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

pub use error::{PermError, SyntaxError, TempError};
pub use evaluate::evaluate;
pub use record::{Directive, Mechanism, Modifier, Network, Record, Term, is_spf};

use crate::name::DomainName;
use crate::observe::Question;

/// Terms that bring DNS questions and that one evaluation may have (RFC 7208 section 4.6.4).
pub const LOOKUP_LIMIT: usize = 10;
/// Lookups without any record that one evaluation may have (RFC 7208 section 4.6.4).
pub const VOID_LOOKUP_LIMIT: usize = 2;
/// Exchangers that an `mx` mechanism may find; more are a permanent error (RFC 7208 section 4.6.4).
pub const MX_LIMIT: usize = 10;
/// PTR names of a client that are looked at; what lies beyond is ignored (RFC 7208 section 4.6.4).
pub const PTR_LIMIT: usize = 10;

/// What is checked: `check_host()` of RFC 7208 section 4.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// The client's address. An IPv4-mapped one counts as IPv4 (section 5).
    pub address: IpAddr,
    /// The domain whose policy is asked for: of MAIL FROM, or the HELO name.
    pub domain: DomainName,
    /// The local part of the sender; `postmaster` where there is none (section 4.3).
    pub local_part: Cow<'static, str>,
    /// The HELO name of the client, for the macro `h`.
    pub helo: Arc<str>,
}

impl Check {
    /// The check of a client that sends mail from any mailbox of `domain`. Only macros tell mailboxes apart.
    pub fn new(address: IpAddr, domain: &DomainName, helo: impl Into<Arc<str>>) -> Check {
        Check { address, domain: domain.clone(), local_part: "postmaster".into(), helo: helo.into() }
    }
}

/// Results of RFC 7208 section 2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpfResult {
    /// No policy is published, or the name cannot have one.
    None,
    /// The policy says nothing of the address.
    Neutral,
    /// The address may send.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    SoftFail,
    /// A question was not answered.
    TempError,
    /// The policy cannot be interpreted.
    PermError,
}

impl SpfResult {
    /// As RFC 7208 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            SpfResult::None => "none",
            SpfResult::Neutral => "neutral",
            SpfResult::Pass => "pass",
            SpfResult::Fail => "fail",
            SpfResult::SoftFail => "softfail",
            SpfResult::TempError => "temperror",
            SpfResult::PermError => "permerror",
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A term of some domain's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whose record it is in.
    pub domain: DomainName,
    /// The term as the record writes it.
    pub term: String,
}

/// Why an evaluation gave no policy's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The domain has no SPF record (section 4.5).
    NoRecord,
    /// The name cannot be asked for: it has one label, an empty one or one of over 63 octets (section 4.3).
    MalformedDomain,
    /// A question was not answered (section 2.6.6).
    Temp(TempError),
    /// The published policy is broken (section 2.6.7).
    Perm(PermError),
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The result.
    pub result: SpfResult,
    /// The domain's own record, where it has exactly one.
    pub record: Option<String>,
    /// What decided: the term of the domain's own record, then, where that is an `include` or `redirect`, the one that decided there, and so on.
    /// Empty where no term matched and where there was no decision.
    pub decided: Vec<Step>,
    /// Terms evaluated that count towards [`LOOKUP_LIMIT`]; the one that went past it included.
    pub lookups: usize,
    /// Lookups that found nothing, as [`VOID_LOOKUP_LIMIT`] counts them; the one that went past it included.
    pub void_lookups: usize,
    /// Why the result is `none`, `temperror` or `permerror`.
    pub because: Option<Because>,
    /// With `permerror` and `temperror`: the term of the domain's own record that names the address as such (`ip4`, `ip6`), and what it would
    /// have given. It is what the publisher meant, whatever receivers make of the record.
    pub beside: Option<(SpfResult, Step)>,
}

/// What [`evaluate()`] comes to with the answers that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Decided.
    Done(Box<Evaluation>),
    /// These questions have to be answered first; never empty.
    Needs(BTreeSet<Question>),
}
