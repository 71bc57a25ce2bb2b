//! PTR: reverse DNS of a sending address.

pub mod generic;
mod ptr_missing;

use crate::rules::Rule;

/// The rules of the family.
pub const RULES: &[&Rule] = &[&ptr_missing::RULE];
