//! Conditions of `${if`: their syntax.

use super::parse::{Expr, HALF_LITERAL, Parser, is_literal, literal};
use super::variables;

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
const SERVICES: &[&str] =
    &["acl", "pwcheck", "saslauthd", "forall_json", "forall_jsons", "forany_json", "forany_jsons"];

/// Parses a condition.
pub fn parse(parser: &mut Parser) -> Result<Condition, String> {
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
            if !matches!(name.as_str(), "=" | "==" | "<" | "<=" | ">" | ">=") {
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
        let arguments = braced(parser, &name, 1)?;
        if name == "bool" {
            arguments.iter().try_for_each(is_boolean)?;
        }
        return Ok(Test::Plain(name.clone(), arguments));
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
        "forall" | "forany" => {
            let list = braced(parser, &name, 1)?.pop().unwrap_or_default();
            if !parser.take('{') {
                return Err(format!("missing {{ after \"{name}\""));
            }
            let condition = parse(parser)?;
            parser.blanks();
            if !parser.take('}') {
                return Err(format!("missing }} at end of condition inside \"{name}\""));
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

/// Whether an argument may be a truth value. Exim looks at it even in a branch that it passes over.
fn is_boolean(argument: &Expr) -> Result<(), String> {
    let text = literal(argument);
    let word = text.trim().to_ascii_lowercase();
    let digits = word.strip_prefix('-').unwrap_or(&word);
    let numeric = digits.bytes().all(|byte| byte.is_ascii_digit());
    if numeric || matches!(word.as_str(), "true" | "yes" | "false" | "no") {
        return Ok(());
    }
    let lettered = word.contains(|c: char| c.is_ascii_alphabetic());
    Err(match lettered && is_literal(argument) {
        true => format!("unrecognised boolean value \"{text}\""),
        false => HALF_LITERAL.to_owned(),
    })
}
