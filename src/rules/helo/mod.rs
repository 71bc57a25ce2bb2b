//! HLO: how the host introduces itself.

mod helo_address_literal;
mod helo_alias;
mod helo_elsewhere;
mod helo_inconsistent;
mod helo_not_in_dns;
mod helo_not_qualified;
mod helo_undecided;
mod helo_unlike_ptr;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[
    &helo_not_qualified::RULE,
    &helo_not_in_dns::RULE,
    &helo_elsewhere::RULE,
    &helo_unlike_ptr::RULE,
    &helo_alias::RULE,
    &helo_address_literal::RULE,
    &helo_inconsistent::RULE,
    &helo_undecided::RULE,
];
