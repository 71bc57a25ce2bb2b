//! Regular expressions, as far as PCRE2 and the `regex` crate mean the same by them; what else there is stays undecided.

use regex::bytes::{Regex, RegexBuilder};

use super::{Stop, undecided};

/// Memory for one compiled regular expression, in octets.
pub(crate) const SIZE_LIMIT: usize = 1 << 17;
/// Octets of an expression for which a text is gone through once more.
const WEIGHT: usize = 16;
/// Octets of text at which it is tried whether anything but nothing matches there.
const RETRY_LIMIT: usize = 1000;
/// Flags that both read alike.
const FLAGS: &str = "ims-";

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
    /// The same with nothing before and behind it; none where it looks at what is beside the match.
    alone: Option<Regex>,
    /// Whether it asks for the end of the text, before which PCRE2 allows a newline.
    asks_end: bool,
    /// How much more than its own octets a text costs that it is held against.
    pub weight: usize,
}

/// What matched: the whole and its groups, by the octets where they stand.
pub(crate) struct Match {
    /// Where the match begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The text of `$0`, `$1` and so on.
    pub groups: Vec<String>,
}

impl Pattern {
    /// Compiles an expression; none where PCRE2 may mean something else by it.
    ///
    /// # Errors
    /// Where PCRE2 refuses it, too.
    pub(crate) fn new(text: &str, caseless: bool) -> Result<Option<Pattern>, String> {
        match judged(text) {
            Judged::Common => Ok(Pattern::compiled(text, caseless)),
            Judged::Other => Ok(None),
            Judged::Open(what, at) => Err(format!("regular expression error in \"{text}\": {what} at offset {at}")),
        }
    }

    fn compiled(text: &str, caseless: bool) -> Option<Pattern> {
        let build = |text: &str| {
            let mut builder = RegexBuilder::new(text);
            let builder = builder.unicode(false).case_insensitive(caseless);
            builder.size_limit(SIZE_LIMIT).dfa_size_limit(SIZE_LIMIT).build().ok()
        };
        let beside = text.contains("\\b") || text.contains("\\B");
        let alone = if beside { None } else { build(&format!(r"\A(?:{text})\z")) };
        Some(Pattern { regex: build(text)?, alone, asks_end: text.contains('$'), weight: 1 + text.len() / WEIGHT })
    }

    /// The first match at or behind octet `from`.
    ///
    /// # Errors
    /// Where the text is one that PCRE2 may see otherwise.
    pub(crate) fn find(&self, text: &str, from: usize) -> Result<Option<Match>, Stop> {
        if !text.is_ascii() || (self.asks_end && text.ends_with('\n')) {
            return undecided("a regular expression on text beyond ASCII, or before a newline, is not followed".into());
        }
        let Some(found) = self.regex.captures_at(text.as_bytes(), from) else { return Ok(None) };
        let Some(whole) = found.get(0) else { return Ok(None) };
        let text_of = |group: Option<regex::bytes::Match>| {
            group.map_or_else(String::new, |found| String::from_utf8_lossy(found.as_bytes()).into_owned())
        };
        Ok(Some(Match { start: whole.start(), end: whole.end(), groups: found.iter().map(text_of).collect() }))
    }

    /// Whether something longer than nothing matches right at octet `at`; only a no is certain.
    pub(crate) fn may_match_more(&self, text: &str, at: usize) -> bool {
        let rest = &text.as_bytes()[at..];
        match &self.alone {
            Some(alone) if rest.len() <= RETRY_LIMIT => (1..=rest.len()).any(|end| alone.is_match(&rest[..end])),
            _ => true,
        }
    }
}

/// What an expression is for both.
enum Judged {
    /// The same.
    Common,
    /// Perhaps not the same: repeated repetitions, which PCRE2 takes for possessive ones, classes within classes, flags and
    /// escapes that only one of them has.
    Other,
    /// Refused by both: something is open, or closed that was not open; and where that shows.
    Open(&'static str, usize),
}

fn judged(text: &str) -> Judged {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut repeated = false;
    let mut depth = 0;
    let mut class_from: Option<usize> = None;
    while let Some(byte) = bytes.get(at).copied() {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let mut step = 1;
        let mut repeats = false;
        match (byte, class_from) {
            (b'\\', _) => {
                let braced = bytes.get(at + 2) == Some(&b'{');
                if matches!(next, b'<' | b'>' | b'u' | b'U' | b'0'..=b'9') || (next == b'b' && braced) {
                    return Judged::Other;
                }
                step = 2;
            }
            (b'[', None) => {
                let negated = usize::from(next == b'^');
                // A bracket that comes first closes nothing.
                step = 1 + negated + usize::from(bytes.get(at + 1 + negated) == Some(&b']'));
                class_from = Some(at);
            }
            (b'[', Some(_)) => {
                let Some(named) = text[at..].strip_prefix("[:").and_then(|rest| rest.find(":]")) else {
                    return Judged::Other;
                };
                step = named + 4;
            }
            (b']', Some(_)) => class_from = None,
            (b'&' | b'~' | b'-', Some(_)) if next == byte => return Judged::Other,
            (_, Some(_)) => {}
            (b')', None) if depth == 0 => return Judged::Open("unmatched closing parenthesis", at),
            (b')', None) => depth -= 1,
            (b'(', None) if next == b'?' => {
                let Some(rest) = text.get(at + 2..) else { return Judged::Other };
                let flags = rest.trim_start_matches(|c| FLAGS.contains(c));
                let group = flags.starts_with([':', ')']);
                let named = rest.starts_with("P<") || (rest.starts_with('<') && !rest.starts_with(['=', '!']));
                if !group && !named {
                    return Judged::Other;
                }
                depth += 1;
                step = 2;
            }
            (b'(', None) => depth += 1,
            (b'*' | b'+' | b'{', None) if repeated => return Judged::Other,
            (b'?', None) if repeated => {
                // The lazy form; what follows may not repeat it once more.
                repeats = true;
            }
            (b'*' | b'+' | b'?', None) => repeats = true,
            (b'{', None) => {
                let Some(end) = text[at..].find('}') else { return Judged::Other };
                let counts = &text[at + 1..at + end];
                if !counts.starts_with(|c: char| c.is_ascii_digit())
                    || !counts.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
                {
                    return Judged::Other;
                }
                step = end + 1;
                repeats = true;
            }
            _ => {}
        }
        if repeated && byte == b'?' && matches!(next, b'?' | b'*' | b'+' | b'{') {
            return Judged::Other;
        }
        repeated = repeats;
        at += step;
    }
    match class_from {
        _ if !text.is_ascii() => Judged::Other,
        Some(_) => Judged::Open("missing terminating ] for character class", text.len()),
        None if depth > 0 => Judged::Open("missing closing parenthesis", text.len()),
        None => Judged::Common,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_of_the_two_has_is_not_followed() {
        for text in [
            "a++b",
            "a*+",
            "a?+",
            "a{2}+",
            "a**",
            "a{2}{3}",
            "a+?+",
            r"\<a",
            r"\bx{",
            r"a\b{start}",
            "[a[b]c]",
            "[a&&b]",
            "[a--b]",
            "[a~~b]",
            "(?R)",
            "(?U)a+",
            "(?x) a",
            "(?u)a",
            "(?=a)",
            "(?<!b)a",
            "(?>a)",
            r"(a)\1",
            r"\u0041",
            "a{",
            "a{,3}",
            "é",
            r"\K",
            r"\Qa\E",
        ] {
            assert!(matches!(Pattern::new(text, false), Ok(None)), "{text}");
        }
        for text in ["(", "a)", "[a", "[]", "(a[)]"] {
            assert!(Pattern::new(text, false).is_err(), "{text}");
        }
        for text in [
            "^a",
            "a|b",
            "(a)(?:b)",
            "(?i)A",
            "(?P<n>a)",
            "(?<n>a)",
            "[]a]",
            "[^]a]",
            "[[:alpha:]_-]+",
            "a{2}",
            "a{2,}?b",
            r"\d+\.\w",
            r"\\+",
            r"\++",
            "x*?",
            "a-+b",
            "[*+]+",
            "",
            "$",
            r"\bx",
        ] {
            assert!(matches!(Pattern::new(text, false), Ok(Some(_))), "{text}");
        }
    }

    #[test]
    fn a_newline_at_the_end_is_undecided_where_the_end_is_asked_for() {
        let found = |pattern: &str, text: &str| {
            Pattern::new(pattern, false).ok().flatten().map(|p| p.find(text, 0).ok().map(|hit| hit.is_some()))
        };
        assert_eq!(found("b$", "ab"), Some(Some(true)));
        assert_eq!(found("b$", "ab\n"), Some(None));
        assert_eq!(found("b", "ab\n"), Some(Some(true)));
        assert_eq!(found("b", "é"), Some(None));
    }
}
