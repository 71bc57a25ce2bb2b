//! RBL and LOG: what others say of this host, only where it is asked for.

mod listed;
pub(crate) mod log;
mod rejected_for_identity;
mod sends_from_unknown_address;
mod state;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[&listed::RULE, &rejected_for_identity::RULE, &sends_from_unknown_address::RULE];
