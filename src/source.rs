//! Text with positions: the files that were read, and the byte ranges in them that facts come from.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

/// Longest piece of a line that an [`Excerpt`] holds, in characters. Longer lines are cut around the span.
const EXCERPT_LIMIT: usize = 400;
/// Characters kept before the span where a line has to be cut.
const EXCERPT_LEAD: usize = 80;
/// Longest text, in bytes, so that places in it are 32 bits wide: no reader takes files of a hundredth of it.
const TEXT_LIMIT: usize = u32::MAX as usize;

/// One text file as it was read. Bytes that are not UTF-8 have become U+FFFD.
pub struct SourceFile {
    path: Arc<str>,
    text: Box<str>,
    /// Number of the text's first line, 1 unless the text is an excerpt.
    first_line: usize,
    /// Column of the text's first character, 1 unless the text is an excerpt.
    first_column: usize,
    line_starts: OnceLock<Box<[u32]>>,
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
    fn line(&self, index: usize) -> std::ops::Range<usize> {
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
        let before = &self.text[self.line(index).start..at];
        let first = if index == 0 { self.first_column } else { 1 };
        Position { line: self.first_line + index, column: first + before.chars().count() }
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
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Where it begins.
    pub fn position(&self) -> Position {
        self.file.position(self.start as usize)
    }

    /// Its first line and where in it the span stands: all that reports and snapshots need of it.
    pub fn excerpt(&self) -> Excerpt {
        let (file, place) = (&self.file, self.range());
        let whole = file.line(file.line_index(place.start));
        let line = file.text[whole.clone()].trim_end_matches('\r');
        let start = (place.start - whole.start).min(line.len());
        let end = (place.end - whole.start).clamp(start, line.len());
        let Position { line: number, column } = self.position();
        let lead = line[..start].chars().count();
        let skip = if line.chars().nth(EXCERPT_LIMIT).is_some() { lead.saturating_sub(EXCERPT_LEAD) } else { 0 };
        Excerpt {
            file: file.path.to_string(),
            line: number,
            column,
            end_column: column + line[start..end].chars().count(),
            text: line.chars().skip(skip).take(EXCERPT_LIMIT).collect(),
            text_column: column - lead + skip,
        }
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Span) -> bool {
        let ends_alike = || self.excerpt().end_column == other.excerpt().end_column;
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
        write!(f, "{}:{line}:{column} {:?}", self.path(), self.text())
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
    fn offsets_outside_the_text_or_inside_a_character_are_moved() {
        let file = SourceFile::new("/etc/x", "ä".as_bytes());
        assert_eq!(file.span(1, 99).text(), "ä");
    }
}
