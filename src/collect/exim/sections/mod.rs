//! The sections that do not decide identity: acl, retry, rewrite. Exim reads them when it starts, and what it refuses in them
//! keeps all mail from leaving.

mod acl;
mod retry;
mod rewrite;

use super::Refused;
use super::lines::Logical;
use super::space::is_space;

pub(crate) use acl::Acls;

/// What Exim says of a line.
pub(super) type Checked = Result<(), Fault>;

/// What Exim refuses in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its message.
    pub message: String,
    /// Whether it is a name that Exim does not know: another release or build might.
    pub unknown: bool,
}

impl Fault {
    fn new(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), unknown: false }
    }

    fn unknown(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), unknown: true }
    }

    /// As a refusal of the whole configuration.
    pub(crate) fn at(self, line: &Logical) -> Refused {
        Refused { unknown: self.unknown, ..Refused::at(line, self.message) }
    }
}

/// A line of the section `retry`.
///
/// # Errors
/// What Exim refuses in it.
pub(crate) fn retry(text: &str) -> Checked {
    retry::rule(text)
}

/// A line of the section `rewrite`.
///
/// # Errors
/// What Exim refuses in it.
pub(crate) fn rewrite(text: &str) -> Checked {
    rewrite::rule(text)
}

/// The name at the start of a text, and what follows it and its blanks.
fn name(text: &str) -> (&str, &str) {
    let end = match text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len()),
        false => 0,
    };
    (&text[..end], skip(&text[end..]))
}

fn skip(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// The text at the start, up to a blank or in quotes, and what follows it and its blanks.
fn string(text: &str) -> (String, &str) {
    match text.strip_prefix('"') {
        Some(rest) => {
            let mut escaped = false;
            let end = rest.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let (inner, after) = end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
            (unescaped(inner), skip(after))
        }
        None => {
            let end = text.find(is_space).unwrap_or(text.len());
            (text[..end].to_owned(), skip(&text[end..]))
        }
    }
}

/// Text in quotes, each backslash gone; that `\n` is a line feed does not matter here.
fn unescaped(text: &str) -> String {
    let mut escaped = false;
    let kept = text.chars().filter(|c| {
        escaped = *c == '\\' && !escaped;
        !escaped
    });
    kept.collect()
}
