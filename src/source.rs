//! Text with positions: the files that were read, and the byte ranges in them that facts come from.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use crate::secret::{self, Scan, Syntax};

/// Longest piece of a line that an [`Excerpt`] holds, in characters. Longer lines are cut around the span.
const EXCERPT_LIMIT: usize = 400;
/// Characters kept before the span where a line has to be cut.
const EXCERPT_LEAD: usize = 80;
/// Longest text, in bytes, so that places in it are 32 bits wide: no reader takes files of a hundredth of it.
const TEXT_LIMIT: usize = u32::MAX as usize;
/// Octets of a block of which is known how many characters stand before it.
const BLOCK: usize = 1024;

/// One text file as it was read. Bytes that are not UTF-8 have become U+FFFD.
pub struct SourceFile {
    path: Arc<str>,
    text: Box<str>,
    /// Number of the text's first line, 1 unless the text is an excerpt.
    first_line: usize,
    /// Column of the text's first character, 1 unless the text is an excerpt.
    first_column: usize,
    line_starts: OnceLock<Box<[u32]>>,
    /// How many characters stand before each block of the text.
    counted: OnceLock<Box<[u32]>>,
    /// What its reader knows of secrets in it.
    reading: OnceLock<Box<Reading>>,
    /// Secrets that its form shows to a reader of this syntax who knows no further names of settings.
    formed: OnceLock<(Syntax, Box<[Range<u32>]>)>,
    /// Secrets that its form shows to its reader, where that is another one.
    secrets: OnceLock<Box<[Range<u32>]>>,
}

/// What the reader of a file knows of secrets in it.
struct Reading {
    syntax: Syntax,
    /// Names of settings that are secret beyond those that everybody knows.
    names: BTreeSet<String>,
    /// Further secrets: byte ranges.
    marks: Mutex<Vec<Range<usize>>>,
}

/// The secrets that were found, as they are kept. All fit: a text is no longer than `TEXT_LIMIT`.
fn kept(found: &Scan) -> Box<[Range<u32>]> {
    found.ranges.iter().map(|range| range.start as u32..range.end as u32).collect()
}

impl SourceFile {
    /// A file under the path that the host knows it by (also below `--root`).
    pub fn new(path: impl Into<Arc<str>>, bytes: impl Into<Vec<u8>>) -> Arc<SourceFile> {
        let text = String::from_utf8(bytes.into());
        let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        SourceFile::excerpt(path, text, 1, 1)
    }

    fn excerpt(path: impl Into<Arc<str>>, mut text: String, line: usize, column: usize) -> Arc<SourceFile> {
        text.truncate(text.floor_char_boundary(TEXT_LIMIT));
        Arc::new(SourceFile {
            path: path.into(),
            text: text.into(),
            first_line: line,
            first_column: column,
            line_starts: OnceLock::new(),
            counted: OnceLock::new(),
            reading: OnceLock::new(),
            formed: OnceLock::new(),
            secrets: OnceLock::new(),
        })
    }

    /// The path that the host knows the file by.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same to be kept.
    pub fn shared_path(&self) -> &Arc<str> {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Says how the file is written, and which settings in it are secret beyond those that everybody knows. Counts once, and before the
    /// first excerpt.
    pub fn read_as(&self, syntax: Syntax, names: BTreeSet<String>) {
        let reading = Reading { syntax, names, marks: Mutex::default() };
        // Of a file that two programs read, the first one's view counts.
        let _ = self.reading.set(Box::new(reading));
    }

    /// Hides bytes `range` of a file that was [`read_as`](Self::read_as) something.
    pub fn hide(&self, range: Range<usize>) {
        if let Some(reading) = self.reading.get() {
            let mut marks = reading.marks.lock().unwrap_or_else(PoisonError::into_inner);
            secret::join(&mut marks, range);
        }
    }

    /// The secrets of a file that was [`read_as`](Self::read_as) something.
    pub fn secret_texts(&self) -> Vec<String> {
        let Some(reading) = self.reading.get() else { return Vec::new() };
        let marks = reading.marks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let formed = self.secrets().iter().map(|range| range.start as usize..range.end as usize);
        formed.chain(marks).filter_map(|range| self.text.get(range)).map(str::to_owned).collect()
    }

    fn has_secrets(&self) -> bool {
        let marked = |reading: &Reading| !reading.marks.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        !self.secrets().is_empty() || self.reading.get().is_some_and(|reading| marked(reading))
    }

    /// What the text's form shows of secrets to a reader of this syntax who knows no further names of settings.
    pub(crate) fn scan(&self, syntax: Syntax) -> Scan {
        let found = secret::scan(&self.path, &self.text, syntax, &BTreeSet::new());
        let _ = self.formed.set((syntax, kept(&found)));
        found
    }

    /// The secrets that the text's form shows.
    fn secrets(&self) -> &[Range<u32>] {
        let (syntax, names) = match self.reading.get() {
            Some(reading) => (reading.syntax, Some(&reading.names).filter(|names| !names.is_empty())),
            None => (Syntax::of_path(&self.path), None),
        };
        if let (Some((known, formed)), None) = (self.formed.get(), names)
            && *known == syntax
        {
            return formed;
        }
        let none = BTreeSet::new();
        self.secrets.get_or_init(|| kept(&secret::scan(&self.path, &self.text, syntax, names.unwrap_or(&none))))
    }

    /// The secrets within `part` of one line, relative to its start; blanks at their ends left out.
    fn secrets_in(&self, part: Range<usize>) -> Vec<Range<usize>> {
        let formed = self.secrets();
        let first = formed.partition_point(|range| range.end as usize <= part.start);
        let formed = formed[first..].iter().map(|range| range.start as usize..range.end as usize);
        let mut found: Vec<Range<usize>> = formed.take_while(|range| range.start < part.end).collect();
        if let Some(reading) = self.reading.get() {
            let marks = reading.marks.lock().unwrap_or_else(PoisonError::into_inner);
            let first = marks.partition_point(|range| range.end <= part.start);
            found.extend(marks[first..].iter().take_while(|range| range.start < part.end).cloned());
        }
        let text = &self.text[part.clone()];
        let within = found.into_iter().filter_map(|range| {
            let (start, end) = (range.start.max(part.start) - part.start, range.end.min(part.end) - part.start);
            let hidden = text.get(start..end)?;
            let start = end - hidden.trim_start().len();
            (start < end).then(|| start..start + hidden.trim().len())
        });
        secret::joined(within.collect())
    }

    /// The span from byte `start` up to byte `end`. Both are moved to the nearest character boundary within the text.
    pub fn span(self: &Arc<SourceFile>, start: usize, end: usize) -> Span {
        let start = self.text.floor_char_boundary(start.min(self.text.len()));
        let end = self.text.floor_char_boundary(end.clamp(start, self.text.len()));
        // Both fit: the text is no longer than `TEXT_LIMIT`.
        Span { file: Arc::clone(self), start: start as u32, end: end as u32 }
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let newlines = self.text.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n');
            std::iter::once(0).chain(newlines.map(|(_, next)| next)).collect()
        })
    }

    /// The bytes of the line with this index, its end apart.
    fn line(&self, index: usize) -> Range<usize> {
        let starts = self.line_starts();
        let end = starts.get(index + 1).map_or(self.text.len(), |next| *next as usize - 1);
        starts[index] as usize..end
    }

    /// Index into `line_starts` of the line that holds byte `at`.
    fn line_index(&self, at: usize) -> usize {
        self.line_starts().partition_point(|start| *start as usize <= at).saturating_sub(1)
    }

    fn position(&self, at: usize) -> Position {
        let index = self.line_index(at);
        let first = if index == 0 { self.first_column } else { 1 };
        Position { line: self.first_line + index, column: first + self.characters(self.line(index).start..at) }
    }

    /// How many characters stand in a part of the text. Where it is long, there may be a hundred thousand places in its one line.
    fn characters(&self, part: Range<usize>) -> usize {
        if part.len() <= 2 * BLOCK {
            return self.text[part].chars().count();
        }
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| !(0x80..0xc0).contains(*byte)).count();
        let counted = self.counted.get_or_init(|| {
            let blocks = self.text.as_bytes().chunks(BLOCK).map(count);
            let sum = |sum: &mut usize, block: usize| Some(std::mem::replace(sum, *sum + block) as u32);
            blocks.scan(0, sum).collect()
        });
        let before = |at: usize| {
            let block = (at / BLOCK).min(counted.len() - 1);
            counted[block] as usize + count(&self.text.as_bytes()[block * BLOCK..at])
        };
        before(part.end) - before(part.start)
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({:?}, {} bytes)", self.path, self.text.len())
    }
}

/// A place in a file, as people count: from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, the first is 1.
    pub line: usize,
    /// Column, the first is 1.
    pub column: usize,
}

/// A byte range of a file. Two spans are equal when they stand at the same place of the same path.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Excerpt", into = "Excerpt")]
pub struct Span {
    file: Arc<SourceFile>,
    start: u32,
    end: u32,
}

impl Span {
    /// The file that the span is in.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// The path of its file.
    pub fn path(&self) -> &str {
        self.file.path()
    }

    /// The text that it covers.
    pub fn text(&self) -> &str {
        &self.file.text[self.range()]
    }

    /// Byte offsets of its start and end in the file's text.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Where it begins.
    pub fn position(&self) -> Position {
        self.file.position(self.start as usize)
    }

    /// The text that it covers, as it may be shown.
    pub fn shown(&self) -> Cow<'_, str> {
        let secrets = self.file.secrets_in(self.range());
        if secrets.is_empty() { Cow::Borrowed(self.text()) } else { Cow::Owned(secret::replace(self.text(), &secrets)) }
    }

    /// Whether all that it covers is secret.
    pub fn is_hidden(&self) -> bool {
        if !self.file.has_secrets() {
            return false;
        }
        let text = self.text();
        let trimmed = text.len() - text.trim_start().len()..text.trim_end().len();
        let covers = |range: &Range<usize>| range.start <= trimmed.start && trimmed.end <= range.end;
        !trimmed.is_empty() && self.file.secrets_in(self.range()).iter().any(covers)
    }

    /// The column behind its last character in its first line, as its [`excerpt`](Self::excerpt) says.
    pub fn end_column(&self) -> usize {
        if self.file.has_secrets() {
            return self.excerpt().end_column;
        }
        let line = self.file.line(self.file.line_index(self.start as usize));
        let line_end = line.start + self.file.text[line].trim_end_matches('\r').len();
        let start = self.range().start.min(line_end);
        self.position().column + self.file.characters(start..self.range().end.clamp(start, line_end))
    }

    /// Its first line and where in it the span stands: all that reports and snapshots need of it. Secrets are left out.
    pub fn excerpt(&self) -> Excerpt {
        let (file, place) = (&self.file, self.range());
        let whole = file.line(file.line_index(place.start));
        let line = file.text[whole.clone()].trim_end_matches('\r');
        let mut start = (place.start - whole.start).min(line.len());
        let mut end = (place.end - whole.start).clamp(start, line.len());
        let Position { line: number, mut column } = self.position();
        let secrets = file.secrets_in(whole.start..whole.start + line.len());
        if let Some(around) = secrets.iter().find(|range| range.start < start && start < range.end) {
            column -= line[around.start..start].chars().count();
            start = around.start;
        }
        if let Some(around) = secrets.iter().find(|range| range.start < end && end < range.end) {
            end = around.end;
        }
        let (line, width, lead, at) = if secrets.is_empty() {
            let characters = |from: usize, to: usize| file.characters(whole.start + from..whole.start + to);
            (Cow::Borrowed(line), characters(start, end), characters(0, start), start)
        } else {
            // What stands behind a secret keeps its column: the line begins there.
            let from = secrets.iter().map(|range| range.end).filter(|end| *end <= start).max().unwrap_or(0);
            let part = |from: usize, to: usize| {
                let within = secrets.iter().filter(|range| from <= range.start && range.end <= to);
                let within: Vec<_> = within.map(|range| range.start - from..range.end - from).collect();
                secret::replace(&line[from..to], &within)
            };
            let (before, marked, behind) = (&line[from..start], part(start, end), part(end, line.len()));
            let line = [before, &marked, &behind].concat();
            (Cow::Owned(line), marked.chars().count(), before.chars().count(), before.len())
        };
        let skip = if line.chars().nth(EXCERPT_LIMIT).is_some() { lead.saturating_sub(EXCERPT_LEAD) } else { 0 };
        // The quoted part begins so many characters before the place.
        let cut = line[..at].char_indices().rev().nth(EXCERPT_LEAD - 1).filter(|_| skip > 0);
        let from = cut.map_or(0, |(cut, _)| cut);
        Excerpt {
            file: file.path.to_string(),
            line: number,
            column,
            end_column: column + width,
            text: line[from..].chars().take(EXCERPT_LIMIT).collect(),
            text_column: column - lead + skip,
        }
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Span) -> bool {
        let ends_alike = || self.end_column() == other.end_column();
        if Arc::ptr_eq(&self.file, &other.file) {
            return self.start == other.start && (self.end == other.end || ends_alike());
        }
        self.path() == other.path() && self.position() == other.position() && ends_alike()
    }
}

impl Eq for Span {}

impl std::hash::Hash for Span {
    /// Of what equal spans agree in; where they end is left out.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Position { line, column } = self.position();
        (self.path(), line, column).hash(state);
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position();
        write!(f, "{}:{line}:{column} {:?}", self.path(), self.shown())
    }
}

/// The line a span begins on, with the span's place in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Excerpt {
    /// Path of the file as the host sees it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column of the span's first character, from 1.
    pub column: usize,
    /// Column behind the span's last character on this line.
    pub end_column: usize,
    /// The line, without its end; cut around the span where it is very long.
    pub text: String,
    /// Column of the first character of `text`.
    pub text_column: usize,
}

impl From<Span> for Excerpt {
    fn from(span: Span) -> Excerpt {
        span.excerpt()
    }
}

impl From<Excerpt> for Span {
    fn from(excerpt: Excerpt) -> Span {
        let byte_of = |column: usize| {
            let skip = column.saturating_sub(excerpt.text_column);
            excerpt.text.char_indices().nth(skip).map_or(excerpt.text.len(), |(at, _)| at)
        };
        let (start, end) = (byte_of(excerpt.column), byte_of(excerpt.end_column));
        SourceFile::excerpt(excerpt.file, excerpt.text, excerpt.line, excerpt.text_column).span(start, end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let file = SourceFile::new("/etc/x", "ä = b\nzwei\n".as_bytes());
        assert_eq!(file.span(5, 6).position(), Position { line: 1, column: 5 });
        assert_eq!(file.span(7, 11).position(), Position { line: 2, column: 1 });
        assert_eq!(file.span(7, 11).text(), "zwei");
    }

    #[test]
    fn a_span_survives_a_snapshot() {
        let text = format!("one\n{}myhostname = mail\nlast", "\u{e9}".repeat(500));
        let file = SourceFile::new("/etc/x", text.as_bytes());
        let at = text.find("mail").unwrap();
        for span in
            [file.span(at, at + 4), file.span(0, 3), file.span(0, text.len()), file.span(text.len(), text.len())]
        {
            let json = serde_json::to_string(&span).unwrap();
            let back: Span = serde_json::from_str(&json).unwrap();
            assert_eq!(back.excerpt(), span.excerpt());
            assert_eq!(back, span);
        }
    }

    #[test]
    fn an_excerpt_leaves_secrets_out() {
        let text = "relayhost = [user:S3cret@mx.example]:587 # x\nsmtp_sasl_password_maps = static:u:S3cret\n";
        let file = SourceFile::new("/etc/postfix/main.cf", text);
        for (part, shown, marked) in [
            ("relayhost", "relayhost = [<hidden>@mx.example]:587 # x", "relayhost"),
            ("[user:S3cret@mx.example]", "relayhost = [<hidden>@mx.example]:587 # x", "[<hidden>@mx.example]"),
            ("S3cret", "relayhost = [<hidden>@mx.example]:587 # x", "<hidden>"),
            ("[user:S3", "relayhost = [<hidden>@mx.example]:587 # x", "[<hidden>"),
            (":587", "@mx.example]:587 # x", ":587"),
            ("static:u:S3cret", "smtp_sasl_password_maps = <hidden>", "<hidden>"),
            ("smtp_sasl", "smtp_sasl_password_maps = <hidden>", "smtp_sasl"),
        ] {
            let at = text.find(part).unwrap();
            let span = file.span(at, at + part.len());
            let excerpt = span.excerpt();
            assert_eq!(excerpt.text, shown, "{part}");
            let skip = excerpt.column - excerpt.text_column;
            let width = excerpt.end_column - excerpt.column;
            assert_eq!(excerpt.text.chars().skip(skip).take(width).collect::<String>(), marked, "{part}");
            let back = Span::from(excerpt.clone());
            assert_eq!(back.excerpt(), excerpt, "{part}");
        }
        assert!(file.span(text.len() - 7, text.len()).is_hidden());
        assert!(!file.span(0, 40).is_hidden());
        assert_eq!(file.span(0, 40).shown(), "relayhost = [<hidden>@mx.example]:587");
    }

    #[test]
    fn places_in_a_long_line() {
        let words: Vec<String> = (0..3_000).map(|number| format!("wörd{number}")).collect();
        let text = format!("first\n{}\n", words.join(" "));
        let file = SourceFile::new("/etc/main.cf", text.as_str());
        for number in [0, 7, 8, 300, 2_000, 2_999] {
            let start = text.find(&format!("{} ", words[number])).unwrap_or(text.len() - words[number].len() - 1);
            let place = file.span(start, start + words[number].len());
            let lead = text["first\n".len()..start].chars().count();
            let excerpt = place.excerpt();
            assert_eq!((place.position().column, excerpt.column), (lead + 1, lead + 1), "{number}");
            assert_eq!(excerpt.end_column - excerpt.column, words[number].chars().count());
            assert_eq!(excerpt.text_column, lead.saturating_sub(EXCERPT_LEAD) + 1);
            let line: Vec<char> = text.lines().nth(1).unwrap().chars().skip(excerpt.text_column - 1).collect();
            assert_eq!(excerpt.text, line.into_iter().take(EXCERPT_LIMIT).collect::<String>());
        }
    }

    proptest! {
        #[test]
        fn a_span_ends_where_its_excerpt_does(text in "([aé\r]{0,4}\n){0,3}[aé]{0,3}(p = s)?", start in 0..20usize, length in 0..20usize) {
            let span = SourceFile::new("/etc/a", text.as_str()).span(start, start + length);
            prop_assert_eq!(span.end_column(), span.excerpt().end_column);
        }
    }

    #[test]
    fn what_a_reader_hides_is_hidden() {
        let file = SourceFile::new("/etc/exim.conf", "WORD = abc\nx = WORD\n");
        file.read_as(Syntax::Exim, BTreeSet::new());
        file.hide(7..10);
        assert_eq!(file.span(0, 4).excerpt().text, "WORD = <hidden>");
        assert_eq!(file.span(11, 12).excerpt().text, "x = WORD");
        assert_eq!(file.secret_texts(), ["abc"]);
    }

    #[test]
    fn offsets_outside_the_text_or_inside_a_character_are_moved() {
        let file = SourceFile::new("/etc/x", "ä".as_bytes());
        assert_eq!(file.span(1, 99).text(), "ä");
    }
}
