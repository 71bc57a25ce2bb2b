//! Whether a text can contain a known reply at all, at a fraction of what the whole set of patterns costs: each pattern has a text that it
//! cannot match without.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::{Proof, Reply, all};

/// Octets that such a text has at least.
const SHORTEST: usize = 3;

/// What none of the replies that count can do without; `None` where a pattern has no such text.
static NEEDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let needed: Vec<String> = counted().map(|reply| needed(reply.pattern)).collect::<Option<Vec<_>>>()?.concat();
    let pattern = needed.iter().map(|text| escaped(text)).collect::<Vec<_>>().join("|");
    RegexBuilder::new(&pattern).case_insensitive(true).unicode(false).build().ok()
});

/// Those that speak of identity: what others say beside them changes nothing.
fn counted() -> impl Iterator<Item = &'static Reply> {
    all().filter(|reply| reply.proof != Proof::NotIdentity)
}

/// Whether a joined text may contain a known reply that speaks of identity.
pub(super) fn may_be_known(joined: &str) -> bool {
    NEEDED.as_ref().is_none_or(|needed| needed.is_match(joined.as_bytes()))
}

/// For each alternative of a pattern the longest text that all of its matches contain, or such texts for the alternatives of its first
/// group; `None` where one has none.
fn needed(pattern: &str) -> Option<Vec<String>> {
    let each = alternatives(pattern).into_iter().map(|alternative| match longest(alternative) {
        Some(text) => Some(vec![text]),
        None => alternatives(first_group(alternative)?).into_iter().map(longest).collect(),
    });
    Some(each.collect::<Option<Vec<_>>>()?.concat())
}

/// What stands in the first group, where that has no group or class within it and must match once.
fn first_group(alternative: &str) -> Option<&str> {
    let (_, rest) = alternative.split_once("(?:")?;
    let (inside, behind) = rest.split_once(')')?;
    (!inside.contains(['(', '[', '\\']) && !behind.starts_with(['?', '*', '{'])).then_some(inside)
}

/// What stands between the bars that are in no group and no class.
fn alternatives(pattern: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut class, mut escaped) = (Vec::new(), 0, 0usize, false, false);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => class = false,
            _ if class => {}
            '[' => class = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                parts.push(pattern.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(pattern.get(start..).unwrap_or_default());
    parts
}

/// The longest run of plain characters outside of groups and classes.
fn longest(alternative: &str) -> Option<String> {
    let (mut best, mut run) = (String::new(), String::new());
    let (mut depth, mut class) = (0usize, false);
    let mut characters = alternative.chars();
    while let Some(c) = characters.next() {
        let literal = match c {
            '\\' => characters.next().filter(|escaped| !escaped.is_ascii_alphanumeric()),
            ']' if class => {
                class = false;
                None
            }
            _ if class => None,
            '[' => {
                class = true;
                None
            }
            '(' => {
                depth += 1;
                None
            }
            ')' => {
                depth = depth.saturating_sub(1);
                None
            }
            '{' => {
                // How often what stands before it comes.
                run.pop();
                characters.by_ref().find(|end| *end == '}');
                None
            }
            '?' | '*' => {
                run.pop();
                None
            }
            '.' | '+' | '^' | '$' => None,
            plain => Some(plain),
        };
        match literal.filter(|_| depth == 0 && !class) {
            Some(plain) => run.push(plain),
            None => {
                if run.len() > best.len() {
                    best.clone_from(&run);
                }
                run.clear();
            }
        }
    }
    let best = if run.len() > best.len() { run } else { best };
    (best.len() >= SHORTEST && best.is_ascii()).then_some(best)
}

fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| (!c.is_ascii_alphanumeric() && c != ' ').then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_cannot_do_without() {
        for (pattern, expected) in [
            ("plain text", Some(vec!["plain text"])),
            ("one alternative|another one", Some(vec!["one alternative", "another one"])),
            ("begins (?:a|b) goes on", Some(vec![" goes on"])),
            (r"pointer \(PTR\) record", Some(vec!["pointer (PTR) record"])),
            (r"\[C14\] (?:Missing|x)", Some(vec!["[C14] "])),
            ("colou?rful and more", Some(vec!["rful and more"])),
            ("words+ behind", Some(vec![" behind"])),
            ("abcdef{2,3}gh", Some(vec!["abcde"])),
            (r"\bDY-00[12]\b", Some(vec!["DY-00"])),
            (r"\b(?:OFR|LPN)[A-Z]*_(?:1|2)", Some(vec!["OFR", "LPN"])),
            ("(?:OFR|LPN)?_", None),
            ("[a-z|]{3}", None),
            ("ab", None),
            ("long enough|ab", None),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(needed(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn every_pattern_has_one() {
        for reply in counted() {
            assert!(needed(reply.pattern).is_some(), "{}: {}", reply.id, reply.pattern);
        }
        assert!(NEEDED.is_some());
        assert!(!may_be_known("250 2.0.0 Ok: queued as 4AB") && !may_be_known("550 5.1.1 user unknown"));
    }
}
