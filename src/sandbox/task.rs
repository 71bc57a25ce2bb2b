//! What a child is for.

use std::collections::BTreeSet;

/// What a child does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Asks the DNS on these ports by itself, judges and writes reports: it needs no file.
    Dns(BTreeSet<u16>),
    /// Asks the C library for a name, which reads its own settings and may load parts of itself.
    Names,
}
