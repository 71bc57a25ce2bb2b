//! Physical lines to logical lines, as main.cf, master.cf and indexed tables share them (postconf(5), "DESCRIPTION").

use std::borrow::Cow;
use std::sync::Arc;

use crate::source::{SourceFile, Span};

/// White space as Postfix sees it: isspace(3) in the C locale.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Text without white space at either end, as Postfix sees white space.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| u8::try_from(c).is_ok_and(is_space))
}

/// The first bytes of a text, at most `limit`, up to the end of a character.
pub(crate) fn first_bytes(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// A logical line: physical lines put together, comments and empty lines between them left out.
#[derive(Debug, Clone)]
pub struct LogicalLine<'a> {
    /// The text, up to a NUL if it holds one: for Postfix it ends there.
    pub text: Cow<'a, str>,
    /// For each physical line in it: where it begins in `text`, and where in the file.
    pieces: Vec<(usize, usize)>,
    /// Number of its first physical line, from 1.
    pub number: usize,
}

impl LogicalLine<'_> {
    /// The place in the file of bytes `start..end` of the text, on the line where they begin and those that follow.
    pub fn span(&self, file: &Arc<SourceFile>, start: usize, end: usize) -> Span {
        let from = self.file_offset(start);
        // The end belongs to the piece of the last byte, not to the piece that begins there.
        let to = if end > start { self.file_offset(end - 1) + 1 } else { from };
        file.span(from, to.max(from))
    }

    /// The physical lines behind the first, as text with their place in `text`.
    pub fn continuations(&self) -> impl Iterator<Item = (usize, &str)> {
        let starts = self.pieces.iter().map(|(start, _)| *start);
        let ends = starts.clone().skip(1).chain([self.text.len()]);
        starts.zip(ends).skip(1).filter_map(|(start, end)| Some((start, self.text.get(start..end)?)))
    }

    fn file_offset(&self, at: usize) -> usize {
        let index = self.pieces.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        self.pieces.get(index).map_or(0, |(start, file)| file + at.saturating_sub(*start))
    }
}

/// The logical lines of a text. The first may begin with white space: Postfix drops it with a warning.
pub(crate) fn logical_lines(text: &str) -> Vec<LogicalLine<'_>> {
    let mut lines: Vec<LogicalLine<'_>> = Vec::new();
    let mut open = false;
    let mut start = 0;
    for (index, physical) in text.split('\n').enumerate() {
        let begin = start;
        start += physical.len() + 1;
        let Some(first) = physical.bytes().find(|byte| !is_space(*byte)) else { continue };
        if first == b'#' {
            continue;
        }
        let continues = open && physical.bytes().next().is_some_and(is_space);
        match lines.last_mut() {
            Some(line) if continues => {
                line.pieces.push((line.text.len(), begin));
                line.text.to_mut().push_str(physical);
            }
            _ => lines.push(LogicalLine { text: Cow::Borrowed(physical), pieces: vec![(0, begin)], number: index + 1 }),
        }
        open = true;
    }
    for line in &mut lines {
        if let Some(nul) = line.text.find('\0') {
            line.pieces.retain(|(start, _)| *start <= nul);
            match &mut line.text {
                Cow::Borrowed(text) => *text = &text[..nul],
                Cow::Owned(text) => text.truncate(nul),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        logical_lines(text).iter().map(|line| line.text.to_string()).collect()
    }

    #[test]
    fn comments_and_empty_lines_do_not_end_a_value() {
        assert_eq!(texts("a = 1\n# note\n \t\n  2\nb = 3"), ["a = 1  2", "b = 3"]);
        assert_eq!(texts("a = 1\n#b = 2\n  c"), ["a = 1  c"]);
        assert_eq!(texts("a = [mx\n .example]\r\n\r\nb"), ["a = [mx .example]\r", "b"]);
    }

    #[test]
    fn the_first_line_may_be_indented() {
        assert_eq!(texts("#x\n  a = 1\n# y\n  b\nc = 2"), ["  a = 1  b", "c = 2"]);
    }

    #[test]
    fn a_nul_ends_the_text() {
        assert_eq!(texts("a = b\0c\n  d\ne = f"), ["a = b", "e = f"]);
    }

    #[test]
    fn positions_lead_back_to_the_file() {
        let text = "a = 1\n# note\n  two\n";
        let file = SourceFile::new("/etc/x", text.as_bytes());
        let lines = logical_lines(file.text());
        let at = lines[0].text.find("two").unwrap();
        assert_eq!(lines[0].span(&file, at, at + 3).text(), "two");
        assert_eq!(lines[0].span(&file, at, at + 3).position().line, 3);
        assert_eq!(lines[0].span(&file, 4, 5).text(), "1");
        assert_eq!(lines[0].continuations().map(|(_, t)| t).collect::<Vec<_>>(), ["  two"]);
    }
}
