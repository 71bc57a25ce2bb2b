//! Words on lines: colour, signs, wrapping that never cuts a word.

use crate::findings::{Severity, Verdict};
use crate::report::Style;
pub(crate) use crate::report::plural::count;

/// Colours by meaning. Bold alone for what must stand out on light and dark grounds alike.
pub(crate) const STRONG: anstyle::Style = anstyle::Style::new().bold();
/// What is broken.
pub(crate) const BAD: anstyle::Style =
    anstyle::Style::new().bold().fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Red)));
/// What is risky or open.
pub(crate) const DOUBTFUL: anstyle::Style =
    anstyle::Style::new().bold().fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Yellow)));
/// What is right.
pub(crate) const GOOD: anstyle::Style =
    anstyle::Style::new().bold().fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Green)));
/// What is worth knowing.
pub(crate) const NOTE: anstyle::Style =
    anstyle::Style::new().bold().fg_color(Some(anstyle::Color::Ansi(anstyle::AnsiColor::Cyan)));

/// The signs used, in Unicode or ASCII.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs {
    /// Leads from one address or name to the next.
    pub arrow: &'static str,
    /// In front of what is broken.
    pub broken: &'static str,
    /// In front of what is not known.
    pub unknown: &'static str,
    /// Fills the line below a table's head.
    pub rule: char,
}

impl Style {
    /// The signs of this style.
    pub(super) fn signs(&self) -> Signs {
        if self.unicode {
            Signs { arrow: "→", broken: "✗", unknown: "?", rule: '─' }
        } else {
            Signs { arrow: "->", broken: "X", unknown: "?", rule: '-' }
        }
    }

    /// `text` in a colour, where colour is wanted.
    pub(super) fn paint(&self, color: anstyle::Style, text: &str) -> String {
        if self.color { format!("{color}{text}{color:#}") } else { text.to_owned() }
    }

    /// `text` filled to `width`, its first line behind `first` and the others behind `rest`.
    pub(crate) fn filled(&self, first: &str, rest: &str, text: &str, width: usize) -> String {
        let mut out = String::new();
        put(&mut out, first, rest, text, width);
        out
    }

    pub(crate) fn heading(&self, text: &str) -> String {
        self.paint(STRONG, text)
    }
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// The word that findings of this kind begin with, and its colour.
pub(crate) fn kind(severity: Severity, verdict: Verdict) -> (&'static str, anstyle::Style) {
    match (verdict, severity) {
        (Verdict::Undetermined, _) => ("undetermined", DOUBTFUL),
        (Verdict::Fail, Severity::Error) => ("error", BAD),
        (Verdict::Fail, Severity::Warning) => ("warning", DOUBTFUL),
        (Verdict::Fail, Severity::Info) => ("info", NOTE),
    }
}

/// A blank at which no line is broken; printed as a blank.
pub(crate) const GLUE: char = '\u{a0}';

/// `text` with all its blanks glued.
pub(crate) fn glued(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// `text` broken into lines of at most `width` characters, at blanks alone: a word longer than that has a line of its own.
/// Text between backticks or quotes (a command, a setting) stays together where it fits on a line at all.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words(text, width) {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(&word);
        used += length;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines.iter().map(|line| line.replace(GLUE, " ")).collect()
}

/// Words, with quoted pieces of up to `width` characters kept whole.
fn words(text: &str, width: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let ticks = word.matches('`').count() % 2 == 1;
        match words.last_mut() {
            Some(last) if open && last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        open ^= ticks;
    }
    words
}

/// Adds `text` wrapped, its first line behind `first` and the others behind `rest`.
pub(crate) fn put(out: &mut String, first: &str, rest: &str, text: &str, width: usize) {
    let room = width.saturating_sub(first.chars().count().max(rest.chars().count())).max(20);
    let mut lead = first;
    for paragraph in text.split('\n') {
        for line in wrap(paragraph, room) {
            out.push_str(format!("{lead}{line}").trim_end());
            out.push('\n');
            lead = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quoted_commands_stay_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a-name-longer-than-the-line x", 5), ["a-name-longer-than-the-line", "x"]);
        assert_eq!(wrap("now run `postfix reload` please", 16), ["now run", "`postfix reload`", "please"]);
        assert_eq!(wrap("an unclosed ` tick does no harm", 12), ["an unclosed", "` tick does", "no harm"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
