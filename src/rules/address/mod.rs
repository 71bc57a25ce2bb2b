//! NET: the addresses that mail leaves from.

use crate::rules::Rule;

/// The rules of the family.
pub const RULES: &[&Rule] = &[];
