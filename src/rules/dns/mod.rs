//! DNS: the answers themselves.

pub(crate) mod address_proxied;
mod authorities_disagree;
mod cache_stale;
mod delegation;
mod host_cannot_resolve;
mod lame_server;
mod lookup_unanswered;
#[cfg(test)]
pub(crate) mod observed;
mod old_address_published;
mod old_ptr_left_behind;
mod port_53_intercepted;
mod private_address_published;
mod questions;
mod resolver_unreachable;
mod resolvers_disagree;
mod split_horizon;
mod ttl_high;

pub use cache_stale::stale_caches;
pub use ttl_high::advice as ttl_advice;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[
    &resolvers_disagree::RULE,
    &cache_stale::RULE,
    &authorities_disagree::RULE,
    &lookup_unanswered::RULE,
    &split_horizon::RULE,
    &ttl_high::RULE,
    &address_proxied::RULE,
    &old_address_published::RULE,
    &lame_server::RULE,
    &resolver_unreachable::RULE,
    &old_ptr_left_behind::RULE,
    &private_address_published::RULE,
    &host_cannot_resolve::RULE,
    &port_53_intercepted::RULE,
];
