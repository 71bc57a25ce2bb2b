//! What keeps a policy from being interpreted.

use std::fmt;

use super::{LOOKUP_LIMIT, MX_LIMIT, VOID_LOOKUP_LIMIT};
use crate::name::DomainName;
use crate::observe::{Question, Why};

/// A question that was not answered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TempError {
    /// What was asked.
    pub question: Question,
    /// Why there is no answer.
    pub why: Why,
}

impl fmt::Display for TempError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not answered ({})", self.question, self.why)
    }
}

/// Why a published policy is broken for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermError {
    /// Not what the grammar allows (section 4.6).
    Syntax {
        /// Whose record it is.
        domain: DomainName,
        /// The term.
        term: String,
        /// What is wrong with it.
        what: SyntaxError,
    },
    /// More than one record (section 4.5).
    SeveralRecords {
        /// Whose records they are.
        domain: DomainName,
        /// How many.
        count: usize,
    },
    /// Over [`LOOKUP_LIMIT`] (section 4.6.4).
    TooManyLookups,
    /// Over [`VOID_LOOKUP_LIMIT`] (section 4.6.4).
    TooManyVoidLookups {
        /// The question that went past it.
        question: Question,
    },
    /// Over [`MX_LIMIT`] (section 4.6.4).
    TooManyExchangers {
        /// The name that has so many.
        name: DomainName,
        /// How many.
        count: usize,
    },
    /// `include` or `redirect` leads to a domain without record, or to a name that cannot have one (sections 5.2, 6.1).
    NoRecordThere {
        /// Whose record the term is in.
        domain: DomainName,
        /// The term.
        term: String,
        /// Where it leads, as text: it need not be a name.
        target: String,
    },
}

impl fmt::Display for PermError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PermError::Syntax { domain, term, what } => write!(f, "`{term}` in the record of {domain}: {what}"),
            PermError::SeveralRecords { domain, count } => {
                write!(f, "{domain} has {count} SPF records; only one is allowed")
            }
            PermError::TooManyLookups => {
                write!(f, "it takes more than {LOOKUP_LIMIT} DNS lookups (include, a, mx, ptr, exists, redirect)")
            }
            PermError::TooManyVoidLookups { question } => {
                write!(f, "more than {VOID_LOOKUP_LIMIT} of its lookups find nothing; the last is {question}")
            }
            PermError::TooManyExchangers { name, count } => {
                write!(f, "{name} has {count} MX records; `mx` may find {MX_LIMIT}")
            }
            PermError::NoRecordThere { domain, term, target } => {
                write!(f, "`{term}` in the record of {domain}: {target} has no SPF record")
            }
        }
    }
}

/// What is wrong with a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntaxError {
    /// Neither a known mechanism nor a modifier.
    UnknownMechanism,
    /// The mechanism takes no argument (`all`), or not in this form.
    Argument,
    /// A domain is missing or has no last label that could be one of the DNS.
    Domain,
    /// A macro that RFC 7208 section 7 does not know.
    Macro,
    /// A character that is not printable ASCII.
    Character,
    /// Not an address of the mechanism's family.
    Address,
    /// A prefix length that is not a number, or too long.
    PrefixLength,
    /// `redirect` or `exp` stands twice (section 6).
    Repeated,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SyntaxError::UnknownMechanism => "there is no such mechanism",
            SyntaxError::Argument => "the mechanism does not take this argument",
            SyntaxError::Domain => "this is no fully qualified domain",
            SyntaxError::Macro => "this is no macro",
            SyntaxError::Character => "only printable ASCII characters are allowed",
            SyntaxError::Address => "this is no address of the family",
            SyntaxError::PrefixLength => "the prefix length is wrong",
            SyntaxError::Repeated => "it may stand only once",
        })
    }
}
