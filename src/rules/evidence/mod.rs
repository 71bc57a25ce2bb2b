//! RBL: what others say of this host, only where it is asked for.

mod listed;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[&listed::RULE];
