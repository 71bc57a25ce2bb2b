//! Lines of a table: for each key the line that has it, or a new one at the end.

use std::collections::HashMap;

use crate::remedy::edit::Edit;
use crate::remedy::world::Op;

/// Changes of one table.
pub(crate) struct Lines<'a> {
    table: &'a str,
    lines: Vec<&'a str>,
    /// The first line of each key.
    known: HashMap<&'a str, usize>,
    separator: &'static str,
    changed: Vec<(usize, String, String)>,
    new: Vec<String>,
}

impl<'a> Lines<'a> {
    /// Nothing is changed yet.
    pub(crate) fn new(table: &'a str, text: &'a str) -> Lines<'a> {
        let lines: Vec<&str> = text.split('\n').collect();
        let mut known = HashMap::new();
        for (at, line) in lines.iter().enumerate() {
            if let Some(key) = key(line) {
                known.entry(key).or_insert(at);
            }
        }
        let separator = match lines.iter().find(|line| !line.starts_with('#') && line.contains(':')) {
            Some(line) if line.split_once(':').is_some_and(|(_, rest)| !rest.starts_with([' ', '\t'])) => ":",
            _ => ": ",
        };
        Lines { table, lines, known, separator, changed: Vec::new(), new: Vec::new() }
    }

    /// Gives each key this value.
    pub(crate) fn set(&mut self, keys: &[String], value: &str) {
        for key in keys {
            let changed = self.known.get(key.as_str()).and_then(|at| self.with(*at, key, value));
            match changed {
                Some(change) if !self.changed.contains(&change) => self.changed.push(change),
                Some(_) => {}
                // An IPv6 address holds colons: in an lsearch table its key stands in quotes.
                None if key.contains(':') => self.add(format!("\"{key}\"{}{value}", self.separator)),
                None => self.add(format!("{key}{}{value}", self.separator)),
            }
        }
    }

    fn add(&mut self, line: String) {
        if self.new.last() != Some(&line) {
            self.new.push(line);
        }
    }

    fn with(&self, at: usize, key: &str, value: &str) -> Option<(usize, String, String)> {
        let old = self.lines.get(at)?;
        let start = old.find(key)? + key.len();
        let rest = old.get(start..)?;
        let begin = start + (rest.len() - rest.trim_start_matches(['"', ':', ' ', '\t']).len());
        Some((at + 1, (*old).to_owned(), format!("{}{value}", old.get(..begin)?)))
    }

    /// The changes.
    pub(crate) fn ops(self) -> Vec<Op> {
        let edit = match <[_; 1]>::try_from(self.changed) {
            Ok([(line, old, new)]) => Some(Edit::Lines { line, old: vec![old], new: vec![new] }),
            Err(lines) => (!lines.is_empty()).then_some(Edit::Each { lines }),
        };
        let more = (!self.new.is_empty()).then_some(Edit::Append { lines: self.new });
        edit.into_iter().chain(more).map(|edit| Op::Edit { file: self.table.to_owned(), edit }).collect()
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
        let mut lines = Lines::new("/t", text);
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
