//! Files that Exim's `lsearch` searches: keys and data as Exim reads them, with their places.
//!
//! The order is that of the file, and nothing is dropped: of several entries with one key, Exim takes the first.
//!
//! They may have a hundred thousand lines, so they are read by hand; `grammar/lsearch.pest` is what the tests hold that against.

use std::sync::Arc;

use crate::collect::reading::{LINE_LIMIT, lines};
use crate::facts::{MapEntry, Text};
use crate::source::{SourceFile, Span};

/// Entries that are kept: five times the domains of the largest cPanel servers. A million would take a hundred megabytes.
pub const ENTRY_LIMIT: usize = 250_000;

/// What such a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its entries, in file order. A key has quotes and escapes resolved, its case kept; its place has the quotes too. A value is
    /// what follows on the line, without blanks at its ends, then each glued line behind one blank; its place is that on the
    /// entry's own line. Either may be empty.
    pub entries: Vec<MapEntry>,
    /// Lines that begin with a blank, below an entry. Those before the first entry are void, as they are for Exim.
    pub indented: Vec<Indented>,
    /// Whether there is more than is kept, or a line is longer: nothing can be said of a key that is not here.
    pub cut: bool,
}

/// A line that begins with a blank.
#[derive(Debug)]
pub struct Indented {
    /// The entry above, by its place among all.
    pub entry: usize,
    /// The line, without the blanks before it and those that Exim takes off its end.
    pub span: Span,
    /// Whether Exim makes it a part of the entry's value. Behind a comment or an empty line it does not, and the line is nobody's.
    /// (The documentation has it that such lines are passed over; the program does otherwise.)
    pub glued: bool,
}

/// What `file` holds.
pub fn read(file: &Arc<SourceFile>) -> Contents {
    let mut found = Contents::default();
    // Whether a line that begins with a blank still belongs to the last entry, and what such lines have added to its value.
    let (mut open, mut more) = (false, String::new());
    for (at, line) in lines(file.text()) {
        if found.entries.len() >= ENTRY_LIMIT || found.indented.len() >= ENTRY_LIMIT || line.len() > LINE_LIMIT {
            found.cut = true;
            break;
        }
        // Exim takes the blanks off the end of a line that a newline ends, and of no other.
        let ended = at + line.len() < file.text().len();
        let line = if ended { line.trim_end_matches(is_blank) } else { line };
        if line.is_empty() || line.starts_with('#') {
            open = false;
        } else if line.starts_with(is_blank) {
            let Some(entry) = found.entries.len().checked_sub(1) else { continue };
            let text = line.trim_start_matches(is_blank);
            if open {
                more.push(' ');
                more.push_str(text);
            }
            let span = file.span(at + line.len() - text.len(), at + line.len());
            found.indented.push(Indented { entry, span, glued: open });
        } else {
            lengthen(found.entries.last_mut(), &mut more);
            found.entries.push(entry(file, at, line));
            open = true;
        }
    }
    lengthen(found.entries.last_mut(), &mut more);
    found.entries.shrink_to_fit();
    found
}

/// The entry on a line that begins at `at`.
fn entry(file: &Arc<SourceFile>, at: usize, line: &str) -> MapEntry {
    let (key, after) = match line.strip_prefix('"') {
        Some(open) => {
            let (inner, after) = quoted(open);
            (Some(unescaped(inner)), after)
        }
        None => (None, &line[line.find(|c| c == ':' || is_blank(c)).unwrap_or(line.len())..]),
    };
    let value = after.trim_start_matches(is_blank);
    let value = value.strip_prefix(':').unwrap_or(value).trim_start_matches(is_blank);
    let end = at + line.len();
    let key_span = file.span(at, end - after.len());
    MapEntry {
        key: match key {
            Some(key) => Text::new(key_span, key),
            None => Text::from_span(key_span),
        },
        value: Text::from_span(file.span(end - value.len(), end)),
    }
}

/// Adds the text of glued lines to an entry's value.
fn lengthen(entry: Option<&mut MapEntry>, more: &mut String) {
    if let (Some(entry), false) = (entry, more.is_empty()) {
        entry.value = Text::new(entry.value.span().clone(), format!("{}{more}", entry.value.as_str()));
        more.clear();
    }
}

/// isspace(3) in the C locale.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// What stands behind an opening quote, up to the quote that closes it, and what follows that; all of it where none does.
pub(super) fn quoted(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// The text with the escapes of Exim's quoted strings resolved: `\n`, `\t` and their like, octal, hexadecimal, else the
/// character itself. Bytes above 127 made by an escape stand for the Latin-1 character.
pub(super) fn unescaped(text: &str) -> String {
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
    use pest::Parser;
    use proptest::prelude::*;

    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/lsearch.pest"]
    struct Grammar;

    /// Random files are made of these.
    const PIECES: &[&str] =
        &["a", "x41", "é", ":", ": ", "\"", "\\", "#", "\n", "\n", "\na: ", "\n ", " ", "\t", "\r", "\u{b}", "\u{c}"];

    fn file(text: &str) -> Arc<SourceFile> {
        SourceFile::new("/etc/map", text)
    }

    fn pairs(text: &str) -> Vec<(String, String)> {
        read(&file(text)).entries.iter().map(|e| (e.key.to_string(), e.value.to_string())).collect()
    }

    /// Key and value on their own line, as the grammar has them: Exim takes the blanks off the end of each line but a last one without
    /// newline before it looks at it.
    fn by_grammar(text: &str) -> Vec<(String, String)> {
        let trimmed =
            |line: &'_ str| line.strip_suffix('\n').map_or(line.len(), |line| line.trim_end_matches(is_blank).len());
        let lines: Vec<&str> = text.split_inclusive('\n').map(|line| &line[..trimmed(line)]).collect();
        let text = lines.join("\n");
        let mut found: Vec<(String, String)> = Vec::new();
        let mut key = None;
        let mut open = false;
        for part in Grammar::parse(Rule::lines, &text).unwrap().flat_map(|lines| lines.into_inner()) {
            match part.as_rule() {
                Rule::plain => key = Some((part.as_str().to_owned(), part.as_span().start())),
                Rule::quoted => {
                    let start = part.as_span().start();
                    key = Some((part.into_inner().map(|text| unescaped(text.as_str())).collect(), start));
                }
                Rule::data => {
                    let Some((key, start)) = key.take() else { continue };
                    open = part.as_span().end() > start;
                    if open {
                        found.push((key, part.as_str().to_owned()));
                    }
                }
                Rule::glued if open => {
                    let (_, value) = found.last_mut().unwrap();
                    value.push(' ');
                    value.push_str(part.as_str().trim_start_matches(is_blank));
                }
                Rule::comment => open = false,
                _ => {}
            }
        }
        found
    }

    #[test]
    fn keys_and_data_as_exim_reads_them() {
        for (line, key, value, why) in [
            ("a.example: one", "a.example", "one", "the documented form"),
            ("a.example:one", "a.example", "one", "no blank"),
            ("a.example one", "a.example", "one", "no colon"),
            ("a.example  :  one", "a.example", "one", "blanks before the colon"),
            ("a.example: :one", "a.example", ":one", "one colon is the separator"),
            ("Mixed.Example:\tone \t\n", "Mixed.Example", "one", "tabs; blanks at the end go"),
            ("a.example: one \t", "a.example", "one \t", "where no newline ends the line, they stay"),
            ("a.example: one # why", "a.example", "one # why", "no comment behind data"),
            ("a.example:", "a.example", "", "no data"),
            ("a.example", "a.example", "", "nothing but a key"),
            ("\"q: k\": one", "q: k", "one", "quoted"),
            ("\"q\\\"\\x41\\101\\t\\z\" one", "q\"AA\tz", "one", "escapes"),
            ("\"open \t\n", "open", "", "the closing quote may be missing; blanks at the end go all the same"),
            ("2001:db8::4: x", "2001", "db8::4: x", "an unquoted IPv6 key ends at its first colon"),
            (": x", "", "x", "an empty key"),
            ("a.example: one\r\n", "a.example", "one", "CR is a blank"),
        ] {
            assert_eq!(pairs(line), [(key.to_owned(), value.to_owned())], "{why}");
        }
    }

    #[test]
    fn lines_that_begin_with_a_blank_are_glued() {
        let found = read(&file("# head\n lost: 1\na: 1\n\tb: 2 \n  c: 3\nd: 4\n   \n"));
        let [first, last] = &found.entries[..] else { panic!("{found:?}") };
        assert_eq!((&*first.value, first.value.span().text()), ("1 b: 2 c: 3", "1"));
        let glued: Vec<_> = found.indented.iter().map(|line| (line.entry, line.span.text(), line.glued)).collect();
        assert_eq!(glued, [(0, "b: 2", true), (0, "c: 3", true)]);
        assert_eq!(found.indented[1].span.position().line, 5);
        assert_eq!((&*last.key, &*last.value), ("d", "4"));
    }

    #[test]
    fn comments_and_empty_lines_end_the_data() {
        for (line, why) in [("# c", "comment"), ("", "empty"), (" \t", "blanks alone")] {
            let found = read(&file(&format!("a: 1\n two\n{line}\n three\n four\nb: 5\n six\n")));
            let values: Vec<&str> = found.entries.iter().map(|entry| &*entry.value).collect();
            assert_eq!(values, ["1 two", "5 six"], "{why}");
            let lost: Vec<_> = found.indented.iter().filter(|line| !line.glued).collect();
            assert_eq!(lost.iter().map(|line| line.span.text()).collect::<Vec<_>>(), ["three", "four"], "{why}");
            assert!(lost.iter().all(|line| line.entry == 0), "{why}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        for (entries, cut) in [(ENTRY_LIMIT - 1, false), (ENTRY_LIMIT, false), (ENTRY_LIMIT + 1, true)] {
            let found = read(&file(&"a\n".repeat(entries)));
            assert_eq!((found.entries.len(), found.cut), (entries.min(ENTRY_LIMIT), cut), "{entries}");
        }
    }

    #[test]
    fn spans_are_where_the_parts_stand() {
        let entries = read(&file("x: 1\n\"k\" :  v w  \ny :  \n")).entries;
        assert_eq!(entries[1].key.span().range(), 5..8);
        assert_eq!(entries[1].separator(), " :  ");
        assert_eq!(entries[1].value.span().text(), "v w");
        assert_eq!(entries[1].value.span().position().column, 8);
        assert_eq!((entries[2].separator(), entries[2].value.span().range()), (" :", 21..21), "no value");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let file = SourceFile::new("/etc/map", bytes);
            for entry in read(&file).entries {
                prop_assert!(entry.is_quoted() || entry.key.span().text() == &*entry.key);
                prop_assert!(entry.value.starts_with(entry.value.span().text()));
            }
        }

        #[test]
        fn what_the_grammar_says_is_read(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)
        ) {
            let text = pieces.concat();
            prop_assert_eq!(pairs(&text), by_grammar(&text), "{:?}", text);
        }

        #[test]
        fn what_is_written_in_the_documented_form_is_read_back(
            written in proptest::collection::vec(("[a-z0-9.*-]{1,20}", "[!-~]([ -~]{0,20}[!-~])?"), 0..20)
        ) {
            let text: String = written.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
            prop_assert_eq!(pairs(&text), written);
        }
    }
}
