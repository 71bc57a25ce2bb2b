//! Files that Exim's `lsearch` searches: keys and data as Exim reads them, with their places.
//!
//! The order is that of the file, and nothing is dropped: of several entries with one key, Exim takes the first.

use std::sync::Arc;

use pest::Parser;

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
    /// The lines right below that begin with a blank: Exim makes them part of the data. Without the blanks at their ends.
    pub glued: Vec<Span>,
    /// Further lines that begin with a blank, behind a comment or an empty line: for Exim that line has ended the data, and
    /// these are nobody's. (The documentation has it that such lines are passed over; the program does otherwise.)
    pub lost: Vec<Span>,
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
    // Whether a line that begins with a blank still belongs to the last entry.
    let mut open = false;
    for (at, block) in blocks(file.text()) {
        // The grammar takes any text; were it to refuse one, its lines would be void.
        let parts = LineGrammar::parse(Rule::lines, block).into_iter().flatten().flat_map(|lines| lines.into_inner());
        let mut key = None;
        for part in parts {
            let place = part.as_span();
            let (start, end) = (at + place.start(), at + place.end());
            match part.as_rule() {
                Rule::plain => key = Some((part.as_str().to_owned(), false, start, end)),
                Rule::quoted => {
                    let text = part.into_inner().map(|text| unescaped(text.as_str())).collect();
                    key = Some((text, true, start, end));
                }
                Rule::data => {
                    let Some((key, quoted, key_start, key_end)) = key.take() else { continue };
                    let value = part.as_str().trim_end_matches(is_blank);
                    // Where there are no data, they stand behind what is left of the line.
                    let separator = file.text().get(key_end..start).unwrap_or_default();
                    let before = separator.trim_end_matches(is_blank).len();
                    let start = if value.is_empty() { key_end + before } else { start };
                    // An empty line is neither key nor data.
                    open = start > key_start;
                    if open {
                        entries.push(Entry {
                            key,
                            key_span: file.span(key_start, key_end),
                            quoted,
                            value: value.to_owned(),
                            value_span: file.span(start, start + value.len()),
                            glued: Vec::new(),
                            lost: Vec::new(),
                        });
                    }
                }
                Rule::glued => open = glue(entries.last_mut(), open, file, start, part.as_str()),
                Rule::comment => open = false,
                _ => {}
            }
        }
    }
    entries
}

/// Makes a line that begins with a blank a part of the entry above, where that is still `open`; says whether it stays so.
fn glue(entry: Option<&mut Entry>, open: bool, file: &Arc<SourceFile>, at: usize, line: &str) -> bool {
    let text = line.trim_matches(is_blank);
    let Some(entry) = entry.filter(|_| !text.is_empty()) else { return false };
    let start = at + line.len() - line.trim_start_matches(is_blank).len();
    let span = file.span(start, start + text.len());
    if open {
        entry.value.push(' ');
        entry.value.push_str(text);
        entry.glued.push(span);
    } else {
        entry.lost.push(span);
    }
    open
}

/// Bytes of whole lines that are parsed at a time; a longer line is parsed alone.
const BLOCK: usize = 16 << 10;

/// The text in pieces of whole lines, without the end of each piece's last line, and where each begins.
fn blocks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.as_bytes();
        let end = match bytes.get(..BLOCK).and_then(|head| head.iter().rposition(|byte| *byte == b'\n')) {
            Some(newline) => newline,
            None => bytes.iter().skip(BLOCK).position(|byte| *byte == b'\n').map_or(bytes.len(), |more| BLOCK + more),
        };
        let block = (at, &rest[..end]);
        at += end + 1;
        Some(block)
    })
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
        let text = "# head\n lost: 1\na: 1\n\tb: 2 \n  c: 3\nd: 4\n   \n";
        let file = SourceFile::new("/etc/map", text.as_bytes());
        let entries = entries(&file);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].value, "1 b: 2 c: 3");
        assert_eq!(entries[0].value_span.text(), "1");
        assert_eq!(entries[0].glued.iter().map(Span::text).collect::<Vec<_>>(), ["b: 2", "c: 3"]);
        assert_eq!(entries[0].glued[1].position().line, 5);
        assert_eq!((entries[1].key.as_str(), entries[1].value.as_str()), ("d", "4"));
    }

    #[test]
    fn comments_and_empty_lines_end_the_data() {
        for (line, why) in [("# c", "comment"), ("", "empty"), (" \t", "blanks alone")] {
            let text = format!("a: 1\n two\n{line}\n three\n four\nb: 5\n six\n");
            let file = SourceFile::new("/etc/map", text.as_bytes());
            let entries = entries(&file);
            assert_eq!(entries[0].value, "1 two", "{why}");
            assert_eq!(entries[0].lost.iter().map(Span::text).collect::<Vec<_>>(), ["three", "four"], "{why}");
            assert_eq!((entries[1].value.as_str(), entries[1].lost.len()), ("5 six", 0), "{why}");
        }
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
