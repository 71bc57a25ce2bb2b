//! A text together with the place that it was read from.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::facts::{Fact, Origin};
use crate::source::Span;

/// A text that was read from a file: what stands at its place, mostly, and then it costs no copy. Of files with many thousands of
/// entries that is what facts are made of; to a snapshot, which gets no secrets, it is a [`Fact`] like any other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Fact<String>", try_from = "Fact<String>")]
pub struct Text {
    span: Span,
    /// What is decoded, where that is not what stands there: escapes resolved, lines joined, letters folded.
    decoded: Option<Box<str>>,
}

impl Text {
    /// What stands at `span`.
    pub fn from_span(span: Span) -> Text {
        Text { span, decoded: None }
    }

    /// What is written at `span` and means `value`.
    pub fn new(span: Span, value: impl AsRef<str> + Into<Box<str>>) -> Text {
        let decoded = if value.as_ref() == span.text() { None } else { Some(value.into()) };
        Text { span, decoded }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.decoded.as_deref().unwrap_or_else(|| self.span.text())
    }

    /// Where it stands.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The same as the place that an administrator would edit.
    pub fn origin(&self) -> Origin {
        Origin::File(self.span.clone())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.as_str(), self.span)
    }
}

impl From<Text> for Fact<String> {
    fn from(text: Text) -> Fact<String> {
        Fact::new(crate::secret::mask(text.as_str()).into_owned(), text.span)
    }
}

impl TryFrom<Fact<String>> for Text {
    type Error = &'static str;

    fn try_from(fact: Fact<String>) -> Result<Text, &'static str> {
        match fact.origin {
            Origin::File(span) => Ok(Text::new(span, fact.value)),
            _ => Err("a text whose origin is no place in a file"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn a_text_is_what_stands_there_or_what_it_means() {
        let file = SourceFile::new("/etc/map", "key: Value\n");
        let (plain, folded) = (Text::new(file.span(5, 10), "Value"), Text::new(file.span(5, 10), "value"));
        assert_eq!((plain.as_str(), &*folded), ("Value", "value"));
        assert_eq!((&plain.decoded, plain.origin()), (&None, folded.origin()));
        assert_eq!(plain, Text::from_span(file.span(5, 10)));
        assert_ne!(plain, folded);
    }

    #[test]
    fn a_snapshot_has_it_as_a_fact() {
        let file = SourceFile::new("/etc/map", "key: Value\n");
        for text in [Text::from_span(file.span(5, 10)), Text::new(file.span(5, 10), "value")] {
            let fact = Fact::new(text.to_string(), text.span().clone());
            let json = serde_json::to_value(&text).unwrap();
            assert_eq!(json, serde_json::to_value(&fact).unwrap());
            assert_eq!(serde_json::from_value::<Text>(json).unwrap(), text);
        }
        let elsewhere = serde_json::to_value(Fact::new("value".to_owned(), Origin::flag("--public-ip"))).unwrap();
        assert!(serde_json::from_value::<Text>(elsewhere).is_err());
    }
}
