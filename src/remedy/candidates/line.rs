//! A line of a file, and what becomes of it.

use std::ops::Range;

use super::State;
use crate::remedy::edit::{Edit, logical, split};
use crate::remedy::op::Op;
use crate::source::Span;

/// The line (from 1) at which a place begins, with its text.
pub(super) fn line_of(state: &State<'_>, span: &Span) -> Option<(usize, String)> {
    let line = span.position().line;
    Some((line, state.line(span.path(), line)?))
}

/// An entry of main.cf or master.cf: its logical line with all that stands in it.
#[derive(Clone)]
pub(super) struct Entry {
    /// The first line, from 1.
    pub(super) line: usize,
    /// The lines from the first to the last.
    lines: Vec<String>,
    /// The comments and empty lines among them.
    comments: Vec<String>,
}

impl Entry {
    /// The entry to which a line (from 1) belongs.
    pub(super) fn at(text: &str, line: usize) -> Option<Entry> {
        let (lines, _) = split(text);
        let all = logical(&lines);
        let entry = all.iter().find(|entry| entry.lines.contains(&(line - 1)))?;
        let (first, last) = (*entry.lines.first()?, *entry.lines.last()?);
        let comments = (first..=last).filter(|at| !entry.lines.contains(at));
        let owned = |at: usize| lines.get(at).map(|line| (*line).to_owned());
        Some(Entry {
            line: first + 1,
            lines: (first..=last).filter_map(owned).collect(),
            comments: comments.filter_map(owned).collect(),
        })
    }

    /// Its lines, by number.
    pub(super) fn range(&self) -> Range<usize> {
        self.line..self.line + self.lines.len()
    }

    /// The change by which it goes; the comments stay. It is one change: what is left of an entry would belong to the one before.
    pub(super) fn removed(self, file: &str) -> Op {
        let edit = Edit::Lines { line: self.line, old: self.lines, new: self.comments };
        Op::Edit { file: file.to_owned(), edit }
    }
}

/// The line becomes these.
pub(super) fn change(span: &Span, line: usize, old: &str, new: Vec<String>) -> Op {
    Op::Edit { file: span.path().to_owned(), edit: Edit::Lines { line, old: vec![old.to_owned()], new } }
}
