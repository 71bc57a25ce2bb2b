//! Lines of files that reports quote.

use crate::escape::{Sanitize, sanitize_fields};
use crate::source::{Excerpt, Span};

/// A line that can be quoted. There may be one for each of a hundred thousand findings, of which a report shows a few: the words are made where
/// they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedLine {
    place: Span,
    /// Whether what a terminal would act upon is made harmless.
    harmless: bool,
}

impl QuotedLine {
    /// The line in which a place of a file begins; `None` where it is blank.
    pub fn of(place: &Span) -> Option<QuotedLine> {
        let is_blank = place.excerpt().text.trim().is_empty();
        (!is_blank).then(|| QuotedLine { place: place.clone(), harmless: false })
    }

    /// The line in words.
    pub fn quote(&self) -> Quote {
        let mut quote = Quote::of(&self.place.excerpt());
        if self.harmless {
            quote.sanitize();
        }
        quote
    }
}

impl Sanitize for QuotedLine {
    fn sanitize(&mut self) {
        self.harmless = true;
    }
}

/// A line of a file in three parts: before the place, the place, behind it. Cut around the place where it is long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Characters of the line that are cut off at its start.
    pub cut: usize,
    /// Before the place.
    pub before: String,
    /// The place; empty where it has no width.
    pub marked: String,
    /// Behind it.
    pub after: String,
}

impl Quote {
    fn of(excerpt: &Excerpt) -> Quote {
        let before = excerpt.column.saturating_sub(excerpt.text_column);
        let width = excerpt.end_column.saturating_sub(excerpt.column);
        let part = |skip: usize, take: usize| excerpt.text.chars().skip(skip).take(take).collect::<String>();
        Quote {
            cut: excerpt.text_column.saturating_sub(1),
            before: part(0, before),
            marked: part(before, width),
            after: part(before + width, usize::MAX),
        }
    }
}

sanitize_fields! {
    Quote { cut, before, marked, after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn words_are_made_where_they_are_shown_and_harmless_where_they_have_to_be() {
        let file = SourceFile::new("/etc/a", "a = \u{1b}[2Jb # c\n\n");
        let mut line = QuotedLine::of(&file.span(4, 9)).unwrap();
        assert_eq!(line.quote().marked, "\u{1b}[2Jb");
        line.sanitize();
        let quote = line.quote();
        assert_eq!((quote.before.as_str(), quote.after.as_str()), ("a = ", " # c"));
        assert!(!quote.marked.chars().any(char::is_control), "{quote:?}");
        assert_eq!(QuotedLine::of(&file.span(14, 14)), None, "there is nothing to be seen in a blank line");
        // What a report of a hundred thousand places holds of each.
        assert!(size_of::<QuotedLine>() <= 24);
    }
}
