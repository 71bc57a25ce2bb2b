//! CPL: cPanel & WHM's own files.

use crate::rules::Rule;

/// The rules of the family.
pub const RULES: &[&Rule] = &[];
