//! Comparisons within references, compatibility levels, and the words in which Postfix refuses a reference.

use std::cmp::Ordering;

use super::fault::Fault;
use super::lines::first_bytes;

/// Bytes of what follows the fault that Postfix shows.
const SHOWN: usize = 20;

/// Whether `left operator right` holds: as numbers where both are all digits, else byte by byte; with the suffix `level`
/// as compatibility levels.
pub(crate) fn compare(left: &str, operator: &str, suffix: &str, right: &str) -> Result<bool, Fault> {
    let order = match suffix {
        "" if is_number(left) && is_number(right) => number(left)?.cmp(&number(right)?),
        "" => left.as_bytes().cmp(right.as_bytes()),
        // `level`: check_suffix lets no other pass.
        _ => level(left).and_then(|l| Ok(l.cmp(&level(right)?))).map_err(Fault::Syntax)?,
    };
    Ok(match operator {
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">=" => order != Ordering::Less,
        _ => order == Ordering::Greater,
    })
}

/// Whether the suffix of an operator is one that Postfix knows.
///
/// # Errors
/// In Postfix's words, where it is not.
pub(crate) fn check_suffix(operator: &str, suffix: &str) -> Result<(), Fault> {
    if matches!(suffix, "" | "level") {
        return Ok(());
    }
    Err(Fault::Syntax(format!("bad operator suffix at: \"...{operator}>>>{suffix}\"")))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> Result<i64, Fault> {
    text.parse().map_err(|_| Fault::Fatal(format!("mac_exp_eval: bad conversion: {text}")))
}

/// A compatibility level: `major[.minor[.patch]]`.
///
/// # Errors
/// In Postfix's words, where it is none.
pub(crate) fn level(text: &str) -> Result<[u32; 3], String> {
    let fault = || format!("malformed compatibility level syntax: \"{text}\"");
    let mut level = [0; 3];
    let mut parts = text.split('.');
    for (index, slot) in level.iter_mut().enumerate() {
        let Some(part) = parts.next() else {
            if index == 0 {
                return Err(fault());
            }
            break;
        };
        if !is_number(part) {
            return Err(fault());
        }
        *slot = part.parse().map_err(|_| fault())?;
    }
    if parts.next().is_some() { Err(fault()) } else { Ok(level) }
}

/// What is wrong with the inside of a reference that the grammar does not take, in Postfix's words.
pub(crate) fn diagnose(body: &str) -> String {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let rest = body.trim_start_matches(blank);
    let after_subject = if rest.starts_with('{') {
        let (left, rest) = match braced(rest) {
            Ok(split) => split,
            Err(fault) => return fault,
        };
        let rest = rest.trim_start_matches(blank);
        let Some(operator) = ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|op| rest.starts_with(op)) else {
            let expected = "\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected";
            return at(expected, left, rest);
        };
        let rest = &rest[operator.len()..];
        let suffix = &rest[..rest.bytes().take_while(u8::is_ascii_alphanumeric).count()];
        if !matches!(suffix, "" | "level") {
            return at("bad operator suffix", operator, suffix);
        }
        let after = &rest[suffix.len()..];
        let rest = after.trim_start_matches(blank);
        if !rest.starts_with('{') {
            return at("\"{expression}\" expected", &format!("{{{left} {operator}"), after);
        }
        match braced(rest) {
            Ok((_, rest)) => rest.trim_start_matches(blank),
            Err(fault) => return fault,
        }
    } else {
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let after = rest[length..].trim_start_matches(blank);
        if !(after.is_empty() || after.starts_with(['?', ':'])) {
            return at("attribute name syntax error", &rest[..length], after);
        }
        after
    };
    let mut rest = after_subject;
    for mark in ['?', ':'] {
        let Some(text) = rest.strip_prefix(mark) else { continue };
        let text = text.trim_start_matches(blank);
        let (text, after) = match braced(text) {
            Ok(split) => split,
            Err(fault) => return fault,
        };
        let after = after.trim_start_matches(blank);
        if mark == '?' && !after.is_empty() && !after.starts_with(':') {
            return at("\":\" expected", text, after);
        }
        if mark == ':' && !after.is_empty() {
            return at("unexpected input", text, after);
        }
        rest = after;
    }
    at("attribute name syntax error", "", rest)
}

/// `{text}` at the start of `rest`: what stands in it, its end included, and what follows.
fn braced(rest: &str) -> Result<(&str, &str), String> {
    let mut depth = 0usize;
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Ok((rest.get(1..=index).unwrap_or(""), &rest[index + 1..]));
        }
    }
    Err(format!("unbalanced {{}} in attribute expression: \"{rest}\""))
}

fn at(what: &str, before: &str, after: &str) -> String {
    let shown = first_bytes(after, SHOWN);
    format!("{what} at: \"...{before}>>>{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        assert_eq!(level("3.6"), Ok([3, 6, 0]));
        assert_eq!(level("9999"), Ok([9999, 0, 0]));
        for bad in ["", "3.x", "3.6.1.2", "-1", " 3"] {
            assert!(level(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_compare_as_numbers_only_where_both_are() {
        for (left, operator, right, truth) in [
            ("007", "==", "7", true),
            ("9", "<", "10", true),
            ("9x", "<", "10x", false),
            ("", "==", "", true),
            ("-1", "<", "0", true),
        ] {
            assert_eq!(compare(left, operator, "", right), Ok(truth), "{left}{operator}{right}");
        }
    }
}
