//! HLO: how the host introduces itself.

use crate::rules::Rule;

/// The rules of the family.
pub const RULES: &[&Rule] = &[];
