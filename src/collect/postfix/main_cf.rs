//! main.cf: its settings, and what Postfix refuses or warns of while it reads them.

use std::collections::HashMap;
use std::sync::Arc;

use pest::Parser;

use super::by_name::ByName;
use super::grammar::{MainCfGrammar, Rule};
use super::lines::{LogicalLine, first_bytes, is_space, logical_lines, trim};
use crate::facts::{Origin, Refusal};
use crate::source::{SourceFile, Span};

/// Parameters that no file can set (postconf(5)): each program knows them itself.
pub const READ_ONLY: [&str; 3] = ["process_name", "service_name", "process_id"];
/// Bytes of a line that Postfix shows in its warning about white space.
const SHOWN_START: usize = 30;

/// One `name = value` of main.cf, as written.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The value, trimmed, unexpanded.
    pub value: String,
    /// Where the value stands; where it is empty, behind the equals sign.
    pub span: Span,
    /// Line that the logical line begins on.
    pub line: usize,
}

/// What was set more than once, with different values.
#[derive(Debug, Clone)]
pub struct Repetition {
    /// The parameter.
    pub name: String,
    /// The settings that are lost, those apart that have the value of the last one.
    pub earlier: Vec<Assignment>,
    /// The last one, which counts.
    pub last: Assignment,
}

/// An indented setting that became part of the value above it.
#[derive(Debug, Clone)]
pub struct Swallowed {
    /// The setting's name.
    pub name: String,
    /// The indented line, without its indentation.
    pub span: Span,
    /// The parameter whose value it became part of.
    pub into: String,
    /// Where that begins.
    pub head: Span,
}

/// main.cf as it was read.
#[derive(Debug, Clone)]
pub struct MainCf {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The winning setting of each name.
    pub settings: ByName<String, Assignment>,
    /// What makes every program refuse the whole file.
    pub error: Option<Refusal>,
    /// Lines that Postfix drops since they are indented and continue nothing, with its warnings.
    pub dropped: Vec<Refusal>,
    /// Other warnings, in Postfix's words.
    pub warnings: Vec<Refusal>,
    /// Names set again with another value, in the order of the settings that count.
    pub repeated: Vec<Repetition>,
    /// Indented lines that look like settings.
    pub swallowed: Vec<Swallowed>,
}

impl MainCf {
    /// Reads a main.cf. Only settings above the first fatal line are kept.
    pub fn parse(file: &Arc<SourceFile>) -> MainCf {
        let mut main = MainCf {
            file: Arc::clone(file),
            settings: ByName::default(),
            error: None,
            dropped: Vec::new(),
            warnings: Vec::new(),
            repeated: Vec::new(),
            swallowed: Vec::new(),
        };
        let mut replaced: HashMap<String, Vec<Assignment>> = HashMap::new();
        for line in logical_lines(file.text()) {
            if line.text.bytes().next().is_some_and(is_space) {
                main.dropped.push(indented_first(file, &line));
                continue;
            }
            match split_setting(&line.text) {
                Ok((name, value)) => {
                    if let Some(earlier) = main.assign(&line, name, value) {
                        replaced.entry(name.to_owned()).or_default().push(earlier);
                    }
                }
                Err(fault) => {
                    let message = format!("{}, line {}: {fault}: \"{}\"", file.path(), line.number, line.text);
                    let span = line.span(file, 0, trim(&line.text).len());
                    main.error = Some(Refusal { message, origin: Origin::File(span) });
                    break;
                }
            }
        }
        main.repeated = replaced.into_iter().filter_map(|(name, earlier)| main.repetition(name, earlier)).collect();
        main.repeated.sort_by_key(|repeated| repeated.last.line);
        main
    }

    /// A parameter with the settings that others replaced; `None` where all have one value.
    fn repetition(&self, name: String, mut earlier: Vec<Assignment>) -> Option<Repetition> {
        let last = self.settings.get(&name)?.clone();
        earlier.retain(|earlier| earlier.value != last.value);
        (!earlier.is_empty()).then_some(Repetition { name, earlier, last })
    }

    /// The place of the value of `name`, where main.cf sets it.
    pub fn origin(&self, name: &str) -> Option<Origin> {
        self.settings.get(name).map(|found| Origin::File(found.span.clone()))
    }

    /// Makes a setting: the one that it replaces.
    fn assign(&mut self, line: &LogicalLine<'_>, name: &str, value: &str) -> Option<Assignment> {
        let start = offset_in(&line.text, value);
        let span = line.span(&self.file, start, start + value.len());
        let path = self.file.path();
        if READ_ONLY.contains(&name) {
            let message = format!("{path}: read-only parameter assignment: {name}={value}");
            self.warnings.push(Refusal { message, origin: Origin::File(span) });
            return None;
        }
        for (at, text) in line.continuations() {
            // Most continuations hold no equals sign: the grammar need not be asked.
            let Some(Ok((inner, _))) = text.contains('=').then(|| split_setting(trim(text))) else { continue };
            let begin = at + (text.len() - text.trim_start().len());
            let inner_span = line.span(&self.file, begin, begin + trim(text).len());
            let head = line.span(&self.file, 0, name.len());
            let found = Swallowed { name: inner.to_owned(), span: inner_span, into: name.to_owned(), head };
            self.swallowed.push(found);
        }
        let later = Assignment { value: value.to_owned(), span: span.clone(), line: line.number };
        let earlier = self.settings.insert(name.to_owned(), later)?;
        if earlier.value != value {
            let message = format!("{path}, line {}: overriding earlier entry: {name}={}", line.number, earlier.value);
            self.warnings.push(Refusal { message, origin: Origin::File(span) });
        }
        Some(earlier)
    }
}

/// The warning about a first line that is indented: Postfix drops it and what continues it.
pub fn indented_first(file: &Arc<SourceFile>, line: &LogicalLine<'_>) -> Refusal {
    let shown = first_bytes(&line.text, SHOWN_START);
    let dots = if line.text.len() > SHOWN_START { "..." } else { "" };
    let message = format!("{}: logical line must not start with whitespace: \"{shown}{dots}\"", file.path());
    let span = line.span(file, 0, line.text.len());
    Refusal { message, origin: Origin::File(span) }
}

/// Name and value of `name = value`.
///
/// # Errors
/// In Postfix's words, where there is no name or no equals sign.
pub fn split_setting(text: &str) -> Result<(&str, &str), &'static str> {
    if let Some(found) = split_plain(text) {
        return Ok(found);
    }
    split_by_grammar(text)
}

/// The same where the name begins the text and is letters, digits and underscores, as nearly every one is: the grammar takes
/// ten times as long.
fn split_plain(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_').filter(|end| *end > 0)?;
    let (name, rest) = text.split_at(end);
    Some((name, trim(trim(rest).strip_prefix('=')?)))
}

fn split_by_grammar(text: &str) -> Result<(&str, &str), &'static str> {
    let Some(head) = MainCfGrammar::parse(Rule::setting, text).ok().and_then(|mut pairs| pairs.next()) else {
        let rest = trim(text);
        return Err(match rest.is_empty() || rest.starts_with('=') {
            true => "missing attribute name",
            false => "missing '=' after attribute name",
        });
    };
    let value = trim(&text[head.as_span().end()..]);
    let name = head.into_inner().next().map_or("", |name| name.as_str());
    Ok((name, value))
}

/// Where `part`, a piece of `whole`, begins in it.
pub fn offset_in(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> MainCf {
        MainCf::parse(&SourceFile::new("/etc/postfix/main.cf", text.as_bytes()))
    }

    #[test]
    fn the_last_setting_wins_and_spans_the_value() {
        let main = read("a = one\nb =\na=two \nb =\n");
        assert_eq!(main.settings["a"].value, "two");
        assert_eq!(main.settings["a"].span.text(), "two");
        assert_eq!(main.settings["b"].value, "");
        assert_eq!(main.repeated.len(), 1);
        assert_eq!(main.warnings[0].message, "/etc/postfix/main.cf, line 3: overriding earlier entry: a=one");
    }

    #[test]
    fn what_is_set_often_is_repeated_once() {
        let main = read("a = 1\na = 1\nb = 1\na = 2\nb = 2\na = 3\nb = 1\nc = 1\nc = 1\n");
        let lines = |all: &[Assignment]| all.iter().map(|one| one.line).collect::<Vec<_>>();
        let shown: Vec<_> =
            main.repeated.iter().map(|one| (one.name.as_str(), lines(&one.earlier), one.last.line)).collect();
        assert_eq!(shown, [("a", vec![1, 2, 4], 6), ("b", vec![5], 7)]);
        assert_eq!(main.warnings.len(), 4);
    }

    #[test]
    fn plain_names_are_split_as_the_grammar_has_it() {
        let spaces = ["", " ", "\t", "\u{b}\u{c}", "\r\n "];
        for (name, value) in [("a", "b"), ("_9", ""), ("A1", "= c ="), ("a", "\u{e9} \u{a0}"), ("x", "$y")] {
            for (before, behind) in spaces.iter().flat_map(|before| spaces.map(|behind| (before, behind))) {
                let text = format!("{name}{before}={behind}{value}{before}");
                assert_eq!(split_plain(&text), split_by_grammar(&text).ok(), "{text:?}");
                assert!(split_plain(&text).is_some(), "{text:?}");
            }
        }
        for text in ["", "=", "a", "a b = c", "a-b = c", " a = b", "\u{e9} = b"] {
            assert_eq!(split_plain(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_line_without_equals_sign_ends_it_all() {
        let main = read("a = one\nmy hostname = x\nb = two\n");
        let error = main.error.unwrap();
        assert_eq!(
            error.message,
            "/etc/postfix/main.cf, line 2: missing '=' after attribute name: \"my hostname = x\""
        );
        assert_eq!(error.origin.span().unwrap().position().line, 2);
        assert!(!main.settings.contains_key("b"));
    }

    #[test]
    fn an_indented_setting_is_seen() {
        let main = read("a = one\n# note\n  myhostname = x\n");
        assert_eq!(main.swallowed[0].name, "myhostname");
        assert_eq!(main.swallowed[0].span.text(), "myhostname = x");
        assert_eq!(main.swallowed[0].into, "a");
        assert_eq!(main.settings["a"].value, "one  myhostname = x");
    }
}
