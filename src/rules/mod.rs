//! The judges: pure functions from facts and observations to findings. One file per rule, one folder per family.

mod address;
pub(crate) mod advice;
mod config;
mod context;
mod cpanel;
pub mod dns;
pub(crate) mod domain;
mod engine;
mod evidence;
mod helo;
mod host;
mod live;
mod migration;
pub mod names;
pub mod panel;
pub mod policy;
pub mod ptr;
#[cfg(test)]
mod silence;
pub(crate) mod similar;
pub(crate) mod support;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use context::{Context, Judged};
pub use dns::{stale_caches, ttl_advice};
pub use domain::DomainContext;
pub use engine::{DomainRules, Outcome, Selection, is_applicable, judge, judge_until};
pub use policy::Policy;

use crate::findings::{Finding, Meta};

/// A rule: what it is, and the function that judges by it.
#[derive(Debug)]
pub struct Rule {
    /// What the rule is.
    pub meta: Meta,
    /// What judges by it.
    pub check: Check,
}

/// What judges by a rule.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// A pure function: the same context gives the same findings.
    Context(fn(&Context<'_>) -> Vec<Finding>),
    /// A pure function of the context and of what all other rules found: it says what that means in the light of evidence.
    After(fn(&Context<'_>, &Judged<'_>) -> Vec<Finding>),
    /// A pure function of one domain that the host handles ([`DomainRules`]).
    Domain(fn(&DomainContext<'_>) -> Vec<Finding>),
    /// Both: of the host, and of one domain.
    Both(fn(&Context<'_>) -> Vec<Finding>, fn(&DomainContext<'_>) -> Vec<Finding>),
    /// The policy alone, once all findings are there ([`policy::apply`]): it knows the day and which ignore entries were used.
    Policy,
}

impl Rule {
    /// What the rule finds; nothing where only policy can judge by it.
    pub fn findings(&self, cx: &Context<'_>) -> Vec<Finding> {
        match self.check {
            Check::Context(check) | Check::Both(check, _) => check(cx),
            Check::After(check) => check(cx, &Judged::default()),
            Check::Domain(_) | Check::Policy => Vec::new(),
        }
    }
}

impl std::ops::Deref for Rule {
    type Target = Meta;
    fn deref(&self) -> &Meta {
        &self.meta
    }
}

/// Declares a rule. Its doc comment is kept as a string: the same words are rustdoc, `helolint explain` and the README's table.
/// `check` is the name of a function, `(domain NAME)` for one that judges a domain, `(both NAME NAME)` for one of each, `(after NAME)` for one
/// that is told what all others found, or `policy`.
macro_rules! rule {
    (
        $(#[doc = $doc:literal])*
        pub static RULE = {
            code: $code:literal,
            name: $name:literal,
            severity: $severity:ident,
            refs: [$($reference:literal),* $(,)?],
            needs: [$($need:ident),* $(,)?],
            check: $check:tt $(,)?
        };
    ) => {
        $(#[doc = $doc])*
        pub(crate) static RULE: $crate::rules::Rule = $crate::rules::Rule {
            meta: $crate::findings::Meta {
                code: $code,
                name: $name,
                severity: $crate::findings::Severity::$severity,
                refs: &[$($reference),*],
                doc: concat!($($doc, "\n"),*),
                needs: &[$($crate::findings::Need::$need),*],
            },
            check: rule!(@check $check),
        };
    };
    (@check (domain $check:ident)) => {
        $crate::rules::Check::Domain($check)
    };
    (@check (both $check:ident $domain:ident)) => {
        $crate::rules::Check::Both($check, $domain)
    };
    (@check (after $check:ident)) => {
        $crate::rules::Check::After($check)
    };
    (@check policy) => {
        $crate::rules::Check::Policy
    };
    (@check $check:ident) => {
        $crate::rules::Check::Context($check)
    };
}
use rule;

/// Every rule, in the order of the catalogue.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        host::RULES,
        address::RULES,
        ptr::RULES,
        helo::RULES,
        config::RULES,
        dns::RULES,
        migration::RULES,
        live::RULES,
        domain::RULES,
        cpanel::RULES,
        evidence::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
