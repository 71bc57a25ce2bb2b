//! Text files that lookups search: read once, indexed.

use std::collections::HashMap;

use crate::collect::exim::lines::is_space;
use crate::collect::lsearch::{quoted, unescaped};

/// A file of the lsearch family.
#[derive(Debug, Default)]
pub struct Table {
    /// Its entries, in file order.
    pub entries: Vec<Entry>,
    /// The first entry of each key in lower case.
    index: HashMap<String, usize>,
}

/// One entry.
#[derive(Debug)]
pub struct Entry {
    /// The key, quotes resolved.
    pub key: String,
    /// The data, continuation lines joined.
    pub data: String,
    /// Key and data for `ret=full`: the line with its continuation lines joined, and of a quoted key only what it means.
    pub full: String,
    /// Byte offset of the entry's line in the file.
    pub at: usize,
    /// Byte offset of the data's start in the file, and of its end on that line.
    pub data_at: (usize, usize),
}

impl Table {
    /// Indexes a file.
    pub fn parse(text: &str) -> Table {
        let mut table = Table::default();
        let mut at = 0;
        // An empty line or a comment ends a value: what is indented below it belongs to nothing.
        let mut open = false;
        for raw in text.split_inclusive('\n') {
            let start = at;
            at += raw.len();
            // Exim trims what a newline ends.
            let line = if raw.ends_with('\n') { raw.trim_end_matches(is_space) } else { raw };
            if line.is_empty() || line.starts_with('#') {
                open = false;
                continue;
            }
            if line.starts_with(is_space) {
                if let Some(entry) = table.entries.last_mut().filter(|_| open) {
                    let more = line.trim_start_matches(is_space);
                    entry.data.push(' ');
                    entry.data.push_str(more);
                    entry.full.push(' ');
                    entry.full.push_str(more);
                }
                continue;
            }
            let (key, after) = key(line);
            let full = format!("{key}{after}");
            let rest = after.trim_start_matches(is_space);
            let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start_matches(is_space);
            let data_at = (start + line.len() - rest.len(), start + line.len());
            let entry = Entry { key, data: rest.to_owned(), full, at: start, data_at };
            table.index.entry(entry.key.to_ascii_lowercase()).or_insert(table.entries.len());
            table.entries.push(entry);
            open = true;
        }
        table
    }

    /// The entry of a key, without regard to case.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        let index = match key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => self.index.get(&key.to_ascii_lowercase()),
            false => self.index.get(key),
        };
        index.and_then(|index| self.entries.get(*index))
    }
}

/// The key at the start of a line, and what follows it.
fn key(line: &str) -> (String, &str) {
    let Some(open) = line.strip_prefix('"') else {
        let end = line.find(|c| c == ':' || is_space(c)).unwrap_or(line.len());
        return (line[..end].to_owned(), &line[end..]);
    };
    let (inner, rest) = quoted(open);
    (unescaped(inner), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_key_loses_its_quotes_in_the_full_line() {
        let text = "\"*\": z\n\"q k\":  v  w \n  more\nplain : x\n\"e\\x41\\101\" one\n\"open\n";
        let table = Table::parse(text);
        for (key, full) in
            [("*", "*: z"), ("q k", "q k:  v  w more"), ("plain", "plain : x"), ("eAA", "eAA one"), ("open", "open")]
        {
            assert_eq!(table.get(key).map(|entry| entry.full.as_str()), Some(full), "{key}");
        }
    }
}
