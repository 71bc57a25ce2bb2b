//! A line of a file, and what becomes of it.

use super::State;
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::source::Span;

/// The line (from 1) at which a place begins, with its text.
pub(super) fn line_of(state: &State<'_>, span: &Span) -> Option<(usize, String)> {
    let line = span.position().line;
    Some((line, state.text(span.path())?.split('\n').nth(line - 1)?.to_owned()))
}

/// The line becomes these.
pub(super) fn change(span: &Span, line: usize, old: &str, new: Vec<String>) -> Op {
    Op::Edit { file: span.path().to_owned(), edit: Edit::Lines { line, old: vec![old.to_owned()], new } }
}
