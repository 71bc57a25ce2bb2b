//! One way to another name, and what else rests on it.

use crate::remedy::op::Op;

/// What rests on the name of the whole host: services, certificates, logs.
pub(crate) const OF_HOST: u32 = 12;
/// What rests on an MTA's own name: banner, bounces, origin of local mail.
pub(crate) const OF_MTA: u32 = 4;

/// Changes that lead to another name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Way {
    /// The changes.
    pub ops: Vec<Op>,
    /// What else rests on what they change.
    pub blast: u32,
}

impl Way {
    /// Changes that touch nothing else.
    pub(crate) fn new(ops: Vec<Op>) -> Way {
        Way { ops, blast: 0 }
    }

    /// With so much that rests on it.
    pub(crate) fn blast(self, blast: u32) -> Way {
        Way { blast, ..self }
    }
}
