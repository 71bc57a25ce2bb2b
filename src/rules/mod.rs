//! The judges: pure functions from facts and observations to findings. One file per rule, one folder per family.

mod address;
pub mod advice;
mod config;
mod cpanel;
mod dns;
pub mod edit;
mod engine;
mod helo;
mod host;
pub mod names;
pub mod panel;
pub(crate) mod ptr;
pub mod remedy;
mod settle;
#[cfg(test)]
mod silence;
pub mod similar;
pub mod support;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use dns::stale_caches;
pub use engine::{Outcome, Selection, judge};
pub use settle::{Policy, Settled, settle};

use crate::facts::Facts;
use crate::findings::{Finding, Meta};
use crate::observe::Observations;

/// A rule: what it is, and the function that judges by it.
#[derive(Debug)]
pub struct Rule {
    /// What the rule is.
    pub meta: Meta,
    /// Judges. Pure: the same facts and observations give the same findings.
    pub check: fn(&Facts, &Observations) -> Vec<Finding>,
}

impl std::ops::Deref for Rule {
    type Target = Meta;
    fn deref(&self) -> &Meta {
        &self.meta
    }
}

/// Declares a rule. Its doc comment is kept as a string: the same words are rustdoc, `helolint explain` and the README's table.
macro_rules! rule {
    (
        $(#[doc = $doc:literal])*
        pub static RULE = {
            code: $code:literal,
            name: $name:literal,
            severity: $severity:ident,
            refs: [$($reference:literal),* $(,)?],
            needs_dns: $needs_dns:literal,
            check: $check:path $(,)?
        };
    ) => {
        $(#[doc = $doc])*
        pub static RULE: $crate::rules::Rule = $crate::rules::Rule {
            meta: $crate::findings::Meta {
                code: $code,
                name: $name,
                severity: $crate::findings::Severity::$severity,
                refs: &[$($reference),*],
                doc: concat!($($doc, "\n"),*),
                needs_dns: $needs_dns,
            },
            check: $check,
        };
    };
}
use rule;

/// Every rule, in the order of the catalogue.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [host::RULES, address::RULES, ptr::RULES, helo::RULES, config::RULES, dns::RULES, cpanel::RULES]
        .into_iter()
        .flatten()
        .copied()
}
