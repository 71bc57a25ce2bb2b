//! What is true for a question, over every server's own answer (rules.md, *truth*): pure functions.

use std::collections::BTreeMap;

use crate::name::DomainName;
use crate::observe::{Answer, Lookup, Outcome, Question, Record, RecordData, Reply, Vantage, VantageKind, Why};

/// Aliases followed before a chain counts as a loop.
const ALIAS_LIMIT: usize = 24;

/// What is true for a question, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The records of the type asked for, or their absence.
    pub lookup: Lookup<Record>,
    /// The aliases followed on the way, owner and target.
    pub aliases: Vec<(DomainName, DomainName)>,
    /// Who decided it; `None` where nobody answered.
    pub kind: Option<VantageKind>,
    /// Indices of the vantage points that gave this answer.
    pub by: Vec<usize>,
}

/// The truth of a question that was never asked.
pub static NOT_ASKED: Truth =
    Truth { lookup: Lookup::Unanswered(Why::NotAsked), aliases: Vec::new(), kind: None, by: Vec::new() };

/// The truth of every question that was asked.
pub fn all(vantages: &[Vantage], replies: &BTreeMap<Question, Vec<Reply>>) -> BTreeMap<Question, Truth> {
    let _ = (vantages, replies, ALIAS_LIMIT);
    let _: Option<(Answer, Outcome, RecordData)> = None;
    BTreeMap::new()
}
