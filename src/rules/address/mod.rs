//! NET: the addresses that mail leaves from.

mod aaaa_not_local;
mod bind_address_not_local;
mod family_mismatch;
mod family_without_route;
mod loopback_source;
mod nat_map_stale;
mod sending_address_unknown;
mod sends_from_other_address;
mod source_address_temporary;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[
    &bind_address_not_local::RULE,
    &sending_address_unknown::RULE,
    &nat_map_stale::RULE,
    &aaaa_not_local::RULE,
    &source_address_temporary::RULE,
    &sends_from_other_address::RULE,
    &loopback_source::RULE,
    &family_mismatch::RULE,
    &family_without_route::RULE,
];
