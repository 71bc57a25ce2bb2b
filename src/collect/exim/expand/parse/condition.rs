//! Conditions of `${if`: their syntax.

use super::{Expr, Parser};
use crate::collect::exim::expand::variables;
use crate::collect::exim::space::is_space;

/// A condition.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Whether `!` stands before it.
    pub negated: bool,
    /// What is asked.
    pub test: Test,
}

/// What a condition asks.
#[derive(Debug, Clone)]
pub enum Test {
    /// `def:name`.
    Defined(String),
    /// `def:h_name:`.
    HeaderDefined,
    /// Every one.
    And(Vec<Condition>),
    /// Any one.
    Or(Vec<Condition>),
    /// `forany` and `forall`: whether all must hold.
    Each(bool, Expr, Box<Condition>),
    /// A list match, whose list is not expanded: `match_domain` and its kin.
    ListMatch(String, Expr, String),
    /// One with expanded arguments.
    Plain(String, Vec<Expr>),
}

/// Conditions with one argument, with two, and with none.
const ONE: &[&str] = &["exists", "isip", "isip4", "isip6", "bool", "bool_lax", "ldapauth", "pam", "radius"];
const TWO: &[&str] = &[
    "eq",
    "eqi",
    "ge",
    "gei",
    "gt",
    "gti",
    "le",
    "lei",
    "lt",
    "lti",
    "match",
    "inlist",
    "inlisti",
    "crypteq",
    "inbound_srs",
];
const LISTS: &[&str] = &["match_address", "match_domain", "match_ip", "match_local_part"];
const NONE: &[&str] = &["first_delivery", "queue_running"];
/// Conditions that ask a service.
const SERVICES: &[&str] = &["acl", "pwcheck", "saslauthd"];
/// Conditions on the items of a JSON array, which is not followed.
const JSON: &[&str] = &["forall_json", "forall_jsons", "forany_json", "forany_jsons"];

/// Conditions that compare numbers.
pub(crate) const COMPARATORS: [&str; 6] = ["=", "==", "<", "<=", ">", ">="];

/// Whether Exim has a condition of this name.
pub(crate) fn is_name(name: &str) -> bool {
    let others = ["and", "or", "def", "forall", "forany"];
    [ONE, TWO, LISTS, NONE, SERVICES, JSON, &others, &COMPARATORS].iter().any(|names| names.contains(&name))
}

/// Parses a condition.
pub(crate) fn parse(parser: &mut Parser) -> Result<Condition, String> {
    parser.deeper(|parser| {
        let mut negated = false;
        parser.blanks();
        while parser.take('!') {
            negated = !negated;
            parser.blanks();
        }
        Ok(Condition { negated, test: test(parser)? })
    })
}

fn test(parser: &mut Parser) -> Result<Test, String> {
    let found: String = parser.rest().chars().take(16).collect();
    let name = match found.chars().next() {
        Some('=' | '<' | '>') => {
            let name = parser.run(|c| matches!(c, '=' | '<' | '>')).to_owned();
            if !COMPARATORS.contains(&name.as_str()) {
                return Err(format!("unknown condition \"{name}\""));
            }
            let arguments = braced(parser, &name, 2)?;
            return Ok(Test::Plain(name, arguments));
        }
        Some(c) if c.is_ascii_alphabetic() => parser.run(|c| c.is_ascii_alphanumeric() || c == '_').to_owned(),
        _ => return Err(format!("condition name expected, but found \"{found}\"")),
    };
    let word = name.as_str();
    if word == "def" {
        return defined(parser);
    }
    if ONE.contains(&word) {
        return Ok(Test::Plain(name.clone(), braced(parser, &name, 1)?));
    }
    if TWO.contains(&word) {
        return Ok(Test::Plain(name.clone(), braced(parser, &name, 2)?));
    }
    if NONE.contains(&word) {
        return Ok(Test::Plain(name, Vec::new()));
    }
    if LISTS.contains(&word) {
        let subject = braced(parser, &name, 1)?.pop().unwrap_or_default();
        if !parser.take('{') {
            return Err(format!("missing 2nd string in {{}} after \"{name}\""));
        }
        return Ok(Test::ListMatch(name, subject, parser.plain_argument()?));
    }
    match word {
        "and" | "or" => {
            let group = group(parser, &name)?;
            Ok(if word == "and" { Test::And(group) } else { Test::Or(group) })
        }
        "forall" | "forany" | "forall_json" | "forall_jsons" | "forany_json" | "forany_jsons" => {
            let list = braced(parser, &name, 1)?.pop().unwrap_or_default();
            if !parser.take('{') {
                return Err(format!("missing {{ after \"{name}\""));
            }
            let condition = parse(parser)?;
            parser.blanks();
            if !parser.take('}') {
                return Err(format!("missing }} at end of condition inside \"{name}\""));
            }
            if JSON.contains(&word) {
                return Ok(Test::Plain(name, vec![list]));
            }
            Ok(Test::Each(word == "forall", list, Box::new(condition)))
        }
        _ if SERVICES.contains(&word) => {
            parser.blanks();
            // Arguments in one more pair of braces.
            if !parser.take('{') {
                return Err(format!("missing {{ after \"{name}\""));
            }
            let mut arguments = Vec::new();
            parser.blanks();
            while parser.take('{') {
                arguments.push(parser.argument()?);
                parser.blanks();
            }
            if !parser.take('}') {
                return Err(format!("missing }} at end of \"{name}\""));
            }
            Ok(Test::Plain(name, arguments))
        }
        _ => Err(format!("unknown condition \"{name}\"")),
    }
}

fn defined(parser: &mut Parser) -> Result<Test, String> {
    if !parser.take(':') {
        return Err("\":\" expected after \"def\"".into());
    }
    let name = parser.run(|c| c.is_ascii_alphanumeric() || c == '_');
    let header = ["h_", "rh_", "bh_", "lh_", "header_", "rheader_", "bheader_", "lheader_"];
    if header.iter().any(|prefix| name.starts_with(prefix)) {
        parser.run(|c| !matches!(c, ':' | ' ' | '{' | '}'));
        parser.take(':');
        return Ok(Test::HeaderDefined);
    }
    if !variables::is_known(name) {
        return Err(format!("unknown variable \"{name}\" after \"def:\""));
    }
    Ok(Test::Defined(name.to_owned()))
}

fn braced(parser: &mut Parser, name: &str, count: usize) -> Result<Vec<Expr>, String> {
    let mut arguments = Vec::new();
    for index in 0..count {
        parser.blanks();
        if !parser.take('{') {
            return Err(match index {
                0 => format!("missing {{ after \"{name}\""),
                _ => format!("missing 2nd string in {{}} after \"{name}\""),
            });
        }
        arguments.push(parser.argument()?);
    }
    parser.blanks();
    Ok(arguments)
}

fn group(parser: &mut Parser, name: &str) -> Result<Vec<Condition>, String> {
    parser.blanks();
    if !parser.take('{') {
        return Err(format!("missing {{ after \"{name}\""));
    }
    let mut conditions = Vec::new();
    loop {
        parser.blanks();
        if parser.take('}') {
            return Ok(conditions);
        }
        if !parser.take('{') {
            return Err(format!("each subcondition inside an \"{name}{{...}}\" condition must be in its own {{}}"));
        }
        conditions.push(parse(parser).map_err(|error| format!("{error} inside \"{name}{{...}}\" condition"))?);
        parser.blanks();
        if !parser.take('}') {
            return Err(format!("missing }} at end of condition inside \"{name}\" group"));
        }
    }
}

/// The name of a condition on every item, or on any.
pub(crate) fn each(every: bool) -> &'static str {
    if every { "forall" } else { "forany" }
}

/// The truth value that `bool` takes a text for, if it takes it.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim_matches(is_space).to_ascii_lowercase().as_str() {
        "" | "no" | "false" => Some(false),
        "yes" | "true" => Some(true),
        // Read as atoi(3) does: what does not fit keeps its lowest bits.
        number if is_number(number) => {
            let (sign, digits) = number.strip_prefix('-').map_or((1, number), |digits| (-1, digits));
            let value = digits.bytes().fold(0i64, |value, byte| {
                value.saturating_mul(10).saturating_add(i64::from(byte.saturating_sub(b'0')))
            });
            Some((value.saturating_mul(sign)) as i32 != 0)
        }
        _ => None,
    }
}

/// Whether a text is digits, with a minus before them or not.
pub(crate) fn is_number(text: &str) -> bool {
    let text = text.trim_matches(is_space);
    !text.is_empty() && text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit())
}
