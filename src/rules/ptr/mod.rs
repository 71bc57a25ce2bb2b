//! PTR: reverse DNS of a sending address.

mod each;
mod ptr_bare_domain;
mod ptr_foreign;
mod ptr_generic;
mod ptr_invalid;
mod ptr_missing;
mod ptr_multiple;
mod ptr_shared;
mod ptr_target_alias;
mod ptr_target_elsewhere;
mod ptr_target_many_addresses;
mod ptr_target_missing;
pub(crate) mod ticket;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[
    &ptr_missing::RULE,
    &ptr_target_missing::RULE,
    &ptr_target_elsewhere::RULE,
    &ptr_generic::RULE,
    &ptr_multiple::RULE,
    &ptr_target_many_addresses::RULE,
    &ptr_target_alias::RULE,
    &ptr_shared::RULE,
    &ptr_invalid::RULE,
    &ptr_foreign::RULE,
    &ptr_bare_domain::RULE,
];
