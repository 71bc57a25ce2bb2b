//! What a child is for.

use std::collections::BTreeSet;

/// What a child does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Asks the DNS on these ports by itself, judges and writes reports: it needs no file.
    Dns(BTreeSet<u16>),
    /// Asks the C library for a name, which reads its own settings and may load parts of itself.
    Names,
    /// Reads what it is handed, judges and writes a report: it needs neither files nor the network.
    Reports,
}

impl Task {
    /// Who does it, in the words of an error.
    pub(super) fn doer(&self) -> &'static str {
        match self {
            Task::Dns(_) => "the process that asks the DNS and judges",
            Task::Names => "the process that asks for this host's name",
            Task::Reports => "the process that reads reports",
        }
    }
}
