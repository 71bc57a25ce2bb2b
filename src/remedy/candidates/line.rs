//! A line of a file, and what becomes of it.

use std::ops::Range;

use super::State;
use crate::remedy::edit::{Edit, logical, main_cf_name, split};
use crate::remedy::op::Op;
use crate::source::Span;

/// The line (from 1) at which a place begins, with its text.
pub(super) fn line_of(state: &State<'_>, span: &Span) -> Option<(usize, String)> {
    let line = span.position().line;
    Some((line, state.line(span.path(), line)?))
}

/// An entry of main.cf or master.cf: its logical line with all that stands in it.
pub(super) struct Entry {
    /// The first line, from 1.
    pub(super) line: usize,
    /// The lines from the first to the last, with the comments and empty lines among them.
    lines: Vec<String>,
}

impl Entry {
    /// The entry to which a line (from 1) belongs.
    pub(super) fn at(text: &str, line: usize) -> Option<Entry> {
        let (lines, _) = split(text);
        let all = logical(&lines);
        let entry = all.iter().find(|entry| entry.lines.contains(&(line - 1)))?;
        let (first, last) = (*entry.lines.first()?, *entry.lines.last()?);
        let owned = lines.get(first..=last)?.iter().map(|line| (*line).to_owned());
        Some(Entry { line: first + 1, lines: owned.collect() })
    }

    /// Its lines, by number.
    pub(super) fn range(&self) -> Range<usize> {
        self.line..self.line + self.lines.len()
    }

    /// Its lines that continue the first, by number, comments apart.
    pub(super) fn continuations(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.lines.iter().enumerate().skip(1).map(|(at, line)| (self.line + at, line.as_str()));
        numbered.filter(|(_, line)| !is_comment(line))
    }

    /// The changes by which it goes. The comments stay, and so does what the lines `own` begin: each is an entry of its own without its
    /// indentation. The rest goes by one change: what is left of an entry would belong to the one before.
    pub(super) fn removed(&self, file: &str, own: &[usize]) -> Vec<Op> {
        let lines = |line: usize, old: Vec<String>, new: Vec<String>| {
            let edit = Edit::Lines { line, old, new };
            Op::Edit { file: file.to_owned(), edit }
        };
        let kept = self.continuations().filter(|(number, _)| own.contains(number));
        let mut ops: Vec<Op> = kept
            .map(|(number, line)| lines(number, vec![line.to_owned()], vec![line.trim_start().to_owned()]))
            .collect();
        let end = own.iter().min().map_or(self.lines.len(), |first| first - self.line);
        let old: Vec<String> = self.lines.iter().take(end).cloned().collect();
        let comments = old.iter().filter(|line| is_comment(line)).cloned().collect();
        ops.push(lines(self.line, old, comments));
        ops
    }
}

fn is_comment(line: &str) -> bool {
    let text = line.trim_start();
    text.is_empty() || text.starts_with('#')
}

/// Whether an indented line of a file, main.cf or master.cf, reads as an entry of its own.
pub(super) fn is_entry(file: &str, line: &str) -> bool {
    if !file.ends_with("/master.cf") {
        return main_cf_name(line).is_some();
    }
    // Name, type, five columns, and a command (master(5)).
    let mut fields = line.split_whitespace();
    matches!(fields.nth(1), Some("inet" | "unix" | "unix-dgram" | "fifo" | "pass")) && fields.nth(5).is_some()
}

/// Whether a line of main.cf that is not indented sets `name`.
pub(super) fn is_set(text: &str, name: &str) -> bool {
    text.split('\n').any(|line| !line.starts_with(char::is_whitespace) && main_cf_name(line) == Some(name))
}

/// The line becomes these.
pub(super) fn change(span: &Span, line: usize, old: &str, new: Vec<String>) -> Op {
    Op::Edit { file: span.path().to_owned(), edit: Edit::Lines { line, old: vec![old.to_owned()], new } }
}
