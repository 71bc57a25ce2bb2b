//! Files that Exim's `lsearch` searches: keys and data as Exim reads them, with their places.
//!
//! The order is that of the file, and nothing is dropped: of several entries with one key, Exim takes the first.

use std::sync::Arc;

use pest::Parser;

use crate::collect::reading::lines;
use crate::source::{SourceFile, Span};

#[derive(pest_derive::Parser)]
#[grammar = "grammar/lsearch.pest"]
struct LineGrammar;

/// One entry of such a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, quotes and escapes resolved, case kept. Exim compares it whole and without case. May be empty.
    pub key: String,
    /// Where the key stands, quotes included.
    pub key_span: Span,
    /// Whether it stands in double quotes.
    pub quoted: bool,
    /// The data: what follows on the line, without blanks at its ends, then each glued line behind one blank. May be empty.
    pub value: String,
    /// Where the data stands on the entry's own line.
    pub value_span: Span,
    /// The lines below that begin with a blank: Exim makes them part of the data. Without the blanks at their ends.
    pub glued: Vec<Span>,
}

impl Entry {
    /// What stands between key and data: blanks, a colon, or both.
    pub fn separator(&self) -> &str {
        let (start, end) = (self.key_span.range().end, self.value_span.range().start);
        self.key_span.file().text().get(start..end).unwrap_or_default()
    }
}

/// Every entry of `file`, in file order. Lines that begin with a blank before the first entry are void, as they are for Exim.
pub fn entries(file: &Arc<SourceFile>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (at, line) in lines(file.text()) {
        let line = line.trim_end_matches(is_blank);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(is_blank) {
            entries.push(entry(file, at, line));
        } else if let Some(last) = entries.last_mut() {
            let text = line.trim_start_matches(is_blank);
            let start = at + line.len() - text.len();
            last.value.push(' ');
            last.value.push_str(text);
            last.glued.push(file.span(start, start + text.len()));
        }
    }
    entries
}

/// isspace(3) in the C locale.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// The entry on `line`, which begins at byte `at`, has no blank at either end and is not empty.
fn entry(file: &Arc<SourceFile>, at: usize, line: &str) -> Entry {
    let (mut key, mut quoted, mut key_end, mut value_start) = (String::new(), false, 0, 0);
    // The grammar takes any line; were it to refuse one, all of it would be data without a key.
    let parts = LineGrammar::parse(Rule::entry, line).into_iter().flatten().flat_map(|entry| entry.into_inner());
    for part in parts {
        let end = part.as_span().end();
        match part.as_rule() {
            Rule::plain => (key, key_end) = (part.as_str().to_owned(), end),
            Rule::quoted => {
                quoted = true;
                (key, key_end) = (part.into_inner().map(|text| unescaped(text.as_str())).collect(), end);
            }
            Rule::separator => value_start = end,
            _ => {}
        }
    }
    Entry {
        key,
        key_span: file.span(at, at + key_end),
        quoted,
        value: line[value_start..].to_owned(),
        value_span: file.span(at + value_start, at + line.len()),
        glued: Vec::new(),
    }
}

/// The text with the escapes of Exim's quoted strings resolved: `\n`, `\t` and their like, octal, hexadecimal, else the
/// character itself. Bytes above 127 made by an escape stand for the Latin-1 character.
fn unescaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        let Some(escape) = rest.next() else {
            result.push('\\');
            break;
        };
        let mut digits = |radix: u32, limit: usize, mut code: u32| {
            for _ in 0..limit {
                let Some(digit) = rest.peek().and_then(|c| c.to_digit(radix)) else { break };
                code = code * radix + digit;
                rest.next();
            }
            char::from((code & 0xff) as u8)
        };
        result.push(match escape {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => digits(16, 2, 0),
            '0'..='7' => digits(8, 2, escape.to_digit(8).unwrap_or(0)),
            other => other,
        });
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, String)> {
        entries(&SourceFile::new("/etc/map", text.as_bytes())).into_iter().map(|e| (e.key, e.value)).collect()
    }

    #[test]
    fn keys_and_data_as_exim_reads_them() {
        for (line, key, value, why) in [
            ("a.example: one", "a.example", "one", "the documented form"),
            ("a.example:one", "a.example", "one", "no blank"),
            ("a.example one", "a.example", "one", "no colon"),
            ("a.example  :  one", "a.example", "one", "blanks before the colon"),
            ("a.example: :one", "a.example", ":one", "one colon is the separator"),
            ("Mixed.Example:\tone \t", "Mixed.Example", "one", "tabs; blanks at the end go"),
            ("a.example: one # why", "a.example", "one # why", "no comment behind data"),
            ("a.example:", "a.example", "", "no data"),
            ("a.example", "a.example", "", "nothing but a key"),
            ("\"q: k\": one", "q: k", "one", "quoted"),
            ("\"q\\\"\\x41\\101\\t\\z\" one", "q\"AA\tz", "one", "escapes"),
            ("\"open", "open", "", "the closing quote may be missing"),
            ("2001:db8::4: x", "2001", "db8::4: x", "an unquoted IPv6 key ends at its first colon"),
            (": x", "", "x", "an empty key"),
            ("a.example: one\r", "a.example", "one", "CR is a blank"),
        ] {
            assert_eq!(read(line), [(key.to_owned(), value.to_owned())], "{why}");
        }
    }

    #[test]
    fn lines_that_begin_with_a_blank_are_glued() {
        let text = "# head\n lost: 1\na: 1\n\tb: 2 \n#\n\n  c: 3\nd: 4\n   \n";
        let file = SourceFile::new("/etc/map", text.as_bytes());
        let entries = entries(&file);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].value, "1 b: 2 c: 3");
        assert_eq!(entries[0].value_span.text(), "1");
        assert_eq!(entries[0].glued.iter().map(Span::text).collect::<Vec<_>>(), ["b: 2", "c: 3"]);
        assert_eq!(entries[0].glued[1].position().line, 7);
        assert_eq!((entries[1].key.as_str(), entries[1].value.as_str()), ("d", "4"));
    }

    #[test]
    fn spans_are_where_the_parts_stand() {
        let file = SourceFile::new("/etc/map", b"x: 1\n\"k\" :  v w  \n");
        let entries = entries(&file);
        assert_eq!(entries[1].key_span.range(), 5..8);
        assert_eq!(entries[1].separator(), " :  ");
        assert_eq!(entries[1].value_span.text(), "v w");
        assert_eq!(entries[1].value_span.position().column, 8);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let file = SourceFile::new("/etc/map", &bytes);
            for entry in entries(&file) {
                prop_assert!(entry.quoted || entry.key_span.text() == entry.key);
                prop_assert!(entry.value.starts_with(entry.value_span.text()));
            }
        }

        #[test]
        fn what_is_written_in_the_documented_form_is_read_back(
            pairs in proptest::collection::vec(("[a-z0-9.*-]{1,20}", "[!-~]([ -~]{0,20}[!-~])?"), 0..20)
        ) {
            let text: String = pairs.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
            prop_assert_eq!(read(&text), pairs);
        }
    }
}
