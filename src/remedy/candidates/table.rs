//! Lines of a table: for each key the line that has it, or a new one at the end.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::remedy::edit::Edit;
use crate::remedy::op::Op;

/// A table as it stands: read once for all candidates of a state.
pub(crate) struct Table {
    file: String,
    text: Arc<str>,
    lines: Vec<Range<usize>>,
    /// The first line of each key.
    known: HashMap<String, usize>,
    separator: &'static str,
}

impl Table {
    /// The lines of a text.
    pub(crate) fn new(file: &str, text: Arc<str>) -> Table {
        let (mut lines, mut known, mut start) = (Vec::new(), HashMap::new(), 0);
        for (at, line) in text.split('\n').enumerate() {
            if let Some(key) = key(line) {
                known.entry(key.to_owned()).or_insert(at);
            }
            lines.push(start..start + line.len());
            start += line.len() + 1;
        }
        // As the first line has it that has a colon behind its key.
        let behind = |line: &str| {
            let key = key(line)?;
            let rest = line.get(line.find(key)? + key.len()..)?.trim_start_matches('"').strip_prefix(':')?;
            Some(if rest.starts_with([' ', '\t']) { ": " } else { ":" })
        };
        let separator = text.lines().find_map(behind).unwrap_or(": ");
        Table { file: file.to_owned(), text, lines, known, separator }
    }

    pub(super) fn line(&self, at: usize) -> Option<&str> {
        self.text.get(self.lines.get(at)?.clone())
    }
}

/// Changes of one table.
pub(crate) struct Lines<'a> {
    table: &'a Table,
    changed: Vec<(usize, String, String)>,
    changed_at: HashSet<usize>,
    new: Vec<String>,
}

impl<'a> Lines<'a> {
    /// Nothing is changed yet.
    pub(crate) fn new(table: &'a Table) -> Lines<'a> {
        Lines { table, changed: Vec::new(), changed_at: HashSet::new(), new: Vec::new() }
    }

    /// Gives each key this value.
    pub(crate) fn set(&mut self, keys: &[String], value: &str) {
        for key in keys {
            let changed = self.table.known.get(key.as_str()).and_then(|at| self.with(*at, key, value));
            match changed {
                Some(change) if self.changed_at.insert(change.0) => self.changed.push(change),
                Some(_) => {}
                // An IPv6 address holds colons: in an lsearch table its key stands in quotes.
                None if key.contains(':') => self.add(format!("\"{key}\"{}{value}", self.table.separator)),
                None => self.add(format!("{key}{}{value}", self.table.separator)),
            }
        }
    }

    fn add(&mut self, line: String) {
        if self.new.last() != Some(&line) {
            self.new.push(line);
        }
    }

    fn with(&self, at: usize, key: &str, value: &str) -> Option<(usize, String, String)> {
        let old = self.table.line(at)?;
        let start = old.find(key)? + key.len();
        let rest = old.get(start..)?;
        let begin = start + (rest.len() - rest.trim_start_matches(['"', ':', ' ', '\t']).len());
        Some((at + 1, old.to_owned(), format!("{}{value}", old.get(..begin)?)))
    }

    /// The changes.
    pub(crate) fn ops(self) -> Vec<Op> {
        let edit = match <[_; 1]>::try_from(self.changed) {
            Ok([(line, old, new)]) => Some(Edit::Lines { line, old: vec![old], new: vec![new] }),
            Err(lines) => (!lines.is_empty()).then_some(Edit::Each { lines }),
        };
        let more = (!self.new.is_empty()).then_some(Edit::Append { lines: self.new });
        edit.into_iter().chain(more).map(|edit| Op::Edit { file: self.table.file.clone(), edit }).collect()
    }
}

/// The key of a line, in quotes or up to a colon or blank.
fn key(line: &str) -> Option<&str> {
    let key = match line.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => line.split([':', ' ', '\t']).next()?,
    };
    (!key.is_empty() && !key.starts_with('#')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, keys: &[&str]) -> String {
        let table = Table::new("/t", text.into());
        let mut lines = Lines::new(&table);
        lines.set(&keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>(), "new");
        lines.ops().iter().fold(text.to_owned(), |text, op| match op {
            Op::Edit { edit, .. } => edit.apply(&text).unwrap(),
            _ => text,
        })
    }

    #[test]
    fn keys_have_their_lines_changed_or_get_one() {
        for (text, keys, expected) in [
            ("a: old\nb: old\n", &["a"][..], "a: new\nb: old\n"),
            ("a: old\nb: old\nc: old\n", &["a", "c", "d"], "a: new\nb: old\nc: new\nd: new\n"),
            ("a:old\n", &["b"], "a:old\nb:new\n"),
            ("\"2001:db8::1\": old\n", &["2001:db8::1", "2001:db8::2"], "\"2001:db8::1\": new\n\"2001:db8::2\": new\n"),
            ("", &["*"], "*: new\n"),
        ] {
            assert_eq!(set(text, keys), expected, "{text:?}");
        }
    }
}
