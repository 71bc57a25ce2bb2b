//! The words of a known reply without what any text may stand for in its pattern.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use super::{Reply, all};

/// What stands for what is left out.
const LEFT_OUT: &str = "...";

/// A pattern, once it was wanted; `None` in it where it cannot be built.
type Built = OnceLock<Option<Regex>>;

/// Each reply's pattern with its wildcards in groups, built when it is wanted.
static PATTERNS: LazyLock<Vec<(&'static Reply, Built)>> =
    LazyLock::new(|| all().map(|reply| (reply, OnceLock::new())).collect());

/// The words of a joined text by which it is known, without what a wildcard stands for.
pub(super) fn words(reply: &Reply, joined: &str) -> String {
    let Some((whole, wild)) = found(reply, joined) else { return String::new() };
    let (mut words, mut from) = (String::new(), whole.start);
    for range in wild {
        words.push_str(joined.get(from..range.start).unwrap_or_default());
        words.push_str(LEFT_OUT);
        from = range.end;
    }
    words.push_str(joined.get(from..whole.end).unwrap_or_default());
    words
}

/// What wildcards stand for in a joined text.
#[cfg(test)]
pub(super) fn anything(reply: &Reply, joined: &str) -> Vec<Range<usize>> {
    found(reply, joined).map(|(_, wild)| wild).unwrap_or_default()
}

/// Where a text matches, and what wildcards stand for in it, in order.
fn found(reply: &Reply, joined: &str) -> Option<(Range<usize>, Vec<Range<usize>>)> {
    let (_, pattern) = PATTERNS.iter().find(|(known, _)| known.id == reply.id)?;
    let build = || RegexBuilder::new(&grouped(reply.pattern)).case_insensitive(true).unicode(false).build().ok();
    let found = pattern.get_or_init(build).as_ref()?.captures(joined.as_bytes())?;
    let mut all = found.iter().flatten().map(|part| part.range());
    let whole = all.next()?;
    let mut wild: Vec<Range<usize>> =
        all.map(|range| without_blanks(range, joined)).filter(|range| !range.is_empty()).collect();
    wild.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    // Of one within another the outer one stands.
    let mut end = 0;
    wild.retain(|range| {
        range.start >= end && {
            end = range.end;
            true
        }
    });
    Some((whole, wild))
}

/// A part of a text without the blanks around it.
fn without_blanks(range: Range<usize>, text: &str) -> Range<usize> {
    let Some(part) = text.get(range.clone()) else { return range };
    let end = range.start + part.trim_end_matches(' ').len();
    let start = range.start + part.len() - part.trim_start_matches(' ').len();
    start.min(end)..end
}

/// A pattern with a group around each part that any text fits: `.`, a class or an escape for one, more than once.
fn grouped(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut rest = pattern;
    while let Some((part, behind)) = part(rest) {
        let quantifier = quantifier(behind);
        let (repeats, behind) = behind.split_at_checked(quantifier).unwrap_or((behind, ""));
        if is_wild(part) && !repeats.is_empty() {
            out.extend(["(", part, repeats, ")"]);
        } else {
            out.extend([part, repeats]);
        }
        rest = behind;
    }
    out
}

/// The first part of a pattern, an escape, a class or a character, and what stands behind it.
fn part(pattern: &str) -> Option<(&str, &str)> {
    let mut chars = pattern.char_indices();
    let (_, first) = chars.next()?;
    let mut escaped = false;
    let end = match first {
        '\\' => chars.nth(1).map(|(at, _)| at),
        '[' => chars.find_map(|(at, c)| match c {
            _ if escaped => {
                escaped = false;
                None
            }
            '\\' => {
                escaped = true;
                None
            }
            ']' => Some(at + 1),
            _ => None,
        }),
        _ => chars.next().map(|(at, _)| at),
    };
    pattern.split_at_checked(end.unwrap_or(pattern.len()))
}

/// Octets of a quantifier for more than one that `pattern` begins with.
fn quantifier(pattern: &str) -> usize {
    let count = match pattern.chars().next() {
        Some('*' | '+') => 1,
        Some('{') => pattern.find('}').map_or(0, |at| at + 1),
        _ => return 0,
    };
    let lazy = pattern.get(count..).is_some_and(|rest| rest.starts_with('?'));
    count + usize::from(lazy)
}

/// Whether any text fits a part: blanks alone do not tell anything.
fn is_wild(part: &str) -> bool {
    matches!(part.as_bytes(), [b'.'] | [b'[', ..] | [b'\\', b'S' | b'w' | b'W' | b'd' | b'D'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_any_text_fits_are_groups() {
        for (pattern, expected) in [
            ("plain (?:text|x)?", "plain (?:text|x)?"),
            (r"a .*\bb", r"a (.*)\bb"),
            (r"a .{0,60}?b", r"a (.{0,60}?)b"),
            (r"<(?P<helo>[^>]*)>: \S+ \S* ?x\.?", r"<(?P<helo>([^>]*))>: (\S+) (\S*) ?x\.?"),
            (
                r"\[TSS\d{2}\]|doesn.t\s*[- ]x[A-Z0-9_]* \[[^\]]*y\]",
                r"\[TSS(\d{2})\]|doesn.t\s*[- ]x([A-Z0-9_]*) \[([^\]]*)y\]",
            ),
        ] {
            assert_eq!(grouped(pattern), expected);
        }
    }

    #[test]
    fn every_known_reply_has_its_words() {
        for reply in all() {
            let joined = super::super::text::join(reply.example).joined;
            assert!(!words(reply, &joined).is_empty(), "{}", reply.id);
        }
    }
}
