//! MIG: after a move, by the old host's snapshot.

mod identity_changed;
mod mta_changed;
mod old_value_left;
mod path_lost;
mod setting_lost;

use crate::compare::{Change, Effect, Verdict};
use crate::findings::Finding;
use crate::rules::{Context, Rule};

/// The rules of the family.
pub(crate) const RULES: &[&Rule] =
    &[&old_value_left::RULE, &path_lost::RULE, &identity_changed::RULE, &setting_lost::RULE, &mta_changed::RULE];

/// What nobody asked for, of one kind.
fn drifts<'c>(cx: &'c Context<'_>, effect: Effect) -> impl Iterator<Item = &'c Change> {
    cx.changes().iter().filter(move |change| change.verdict == Verdict::Drift && change.effect == effect)
}

/// The finding with the place of a change.
fn mark(finding: Finding, change: &Change) -> Finding {
    match &change.origin {
        Some(origin) if change.on_old_host => finding.place(origin, "on the old host"),
        Some(origin) => finding.place(origin, "on this host"),
        None => finding,
    }
}

/// A value of a change in a sentence.
fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"))
}
