//! The value of an option, by its type.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Refused;
use super::lines::Logical;
use super::lists;
use super::macros::Macros;
use super::space::is_space;
use super::syntax::{Rule, extra, find, parse, range};
use super::tables::{self, Groups, Kind};
use super::users::Users;
use crate::facts::{Fact, Origin};

/// Options that are set, with what Exim holds of them.
pub(crate) type Options = BTreeMap<String, Fact<String>>;

/// A line that sets an option, with what is needed to judge it.
pub(crate) struct Line<'a> {
    /// The line.
    pub line: &'a Logical,
    /// Macros, for the place of a value.
    pub macros: &'a Macros,
    /// Users that it may name.
    pub users: &'a Users,
    /// What Exim says of an unknown name, `%s` for the name.
    pub unknown: &'static str,
}

/// The text at `value` in a line, with its origin: the line; where the text is what a macro holds, the macro.
pub(crate) fn origin(line: &Logical, macros: &Macros, value: Range<usize>) -> Fact<String> {
    let text = line.text[value.clone()].to_owned();
    let here = line.span(value.start, value.end);
    if let Some(found) = line.only_macro(value.start).and_then(|index| macros.get(index))
        && found.value == text
        && let Some(at) = &found.at
    {
        return Fact { value: text, origin: Origin::File(at.clone()), via: Origin::File(here).into() };
    }
    Fact::new(text, here)
}

/// Sets the option that the line names.
///
/// # Errors
/// What makes Exim refuse it.
pub(crate) fn set(how: &Line, known: &[Groups], options: &mut Options) -> Result<(), Refused> {
    let text = how.line.text.as_str();
    let refused = |message: String| Refused::at(how.line, message);
    let Some(pairs) = parse(Rule::option, text) else {
        return Err(refused(match text {
            "hide" => how.unknown.replace("%s", ""),
            _ => format!("option setting expected: {text}"),
        }));
    };
    let full = find(&pairs, Rule::name).map_or("", |pair| pair.as_str());
    let rest = range(&pairs);
    let lookup = |name: &str| known.iter().find_map(|groups| tables::kind(groups, name));
    let negated = full.strip_prefix("no_").or_else(|| full.strip_prefix("not_"));
    let name = negated.unwrap_or(full);
    let Some(kind) = lookup(name) else {
        return Err(Refused { unknown: true, ..refused(how.unknown.replace("%s", full)) });
    };
    if kind != Kind::Repeatable && options.contains_key(name) {
        return Err(refused(format!("\"{full}\" option set for the second time")));
    }
    let tail = &text[rest.clone()];
    let assigned = tail.strip_prefix('=');
    if kind == Kind::Boolean || (kind == Kind::Other && (negated.is_some() || tail.is_empty())) {
        if !tail.is_empty() && (negated.is_some() || assigned.is_none()) {
            return Err(refused(extra(tail, &format!("boolean option {full}"))));
        }
        let value = match assigned {
            None => negated.is_none().to_string(),
            Some(value) => boolean(value.trim_matches(is_space), full).map_err(refused)?,
        };
        options.insert(name.to_owned(), Fact::new(value, how.line.span(0, text.len())));
        return Ok(());
    }
    if negated.is_some() {
        return Err(refused("negation prefix applied to a non-boolean option".into()));
    }
    if tail.is_empty() {
        return Err(refused(format!("unexpected end of line (data missing) after {full}")));
    }
    let Some(value) = assigned else {
        return Err(refused(format!("missing \"=\" after {full}")));
    };
    let start = rest.end - value.trim_start_matches(is_space).len();
    let mut fact = origin(how.line, how.macros, start..rest.end);
    match kind {
        Kind::Text | Kind::Repeatable | Kind::User | Kind::Users | Kind::Group | Kind::Other => {
            if fact.value.starts_with('"') {
                fact.value = dequote(&fact.value, full).map_err(refused)?;
            }
        }
        Kind::Integer | Kind::Octal | Kind::Time if may_be_expanded(how, name, &fact.value) => {}
        Kind::Integer | Kind::Octal => integer(&fact.value, full, kind == Kind::Octal).map_err(refused)?,
        Kind::Time => time(&fact.value, full).map_err(refused)?,
        Kind::Boolean => {}
    }
    if name == "log_selector" && how.unknown.starts_with("main") {
        log_selector(&fact.value).map_err(|(message, unknown)| Refused { unknown, ..refused(message) })?;
    }
    let named = match kind {
        Kind::User => vec![fact.value.clone()],
        Kind::Users => lists::items(&fact.value),
        _ => Vec::new(),
    };
    if let Some(unknown) = named.iter().find(|name| how.users.lacks(name)) {
        return Err(refused(format!("user {unknown} was not found")));
    }
    if kind == Kind::Group && how.users.lacks_group(&fact.value) {
        return Err(refused(format!("group {} was not found", fact.value)));
    }
    match options.get_mut(name) {
        Some(earlier) => join(name, earlier, fact).map_err(refused)?,
        None => {
            options.insert(name.to_owned(), fact);
        }
    }
    Ok(())
}

/// Whether a number may be the outcome of an expansion: many are for drivers, and of the main ones `recipients_max` since 4.98.
fn may_be_expanded(how: &Line, name: &str, value: &str) -> bool {
    value.contains('$')
        && (matches!(name, "recipients_max" | "smtp_receive_timeout") || !how.unknown.starts_with("main"))
}

/// Longest text that several conditions may come to, in octets: the buffer of 32,768 that Exim puts them together in has no room for more, the
/// four brackets at the end apart (tried with 4.96).
pub(in crate::collect) const CONDITIONS_LIMIT: usize = 32_771;

/// Adds another value of an option that may be set several times.
fn join(name: &str, earlier: &mut Fact<String>, fact: Fact<String>) -> Result<(), String> {
    let all = &mut earlier.value;
    let between = match name {
        "condition" => {
            let both = format!("${{if and{{{{bool_lax{{{all}}}}}{{bool_lax{{{}}}}}}}}}", fact.value);
            if both.len() > CONDITIONS_LIMIT {
                return Err("string_sprintf expansion was longer than 32768".to_owned());
            }
            *all = both;
            None
        }
        "headers_remove" => Some(" : "),
        "set" => Some(";"),
        _ => Some("\n"),
    };
    if let Some(between) = between {
        all.push_str(between);
        all.push_str(&fact.value);
    }
    earlier.via.add_farthest(fact.origin);
    Ok(())
}

fn boolean(value: &str, name: &str) -> Result<String, String> {
    // Several options of this type are expanded when they are used.
    if value.contains('$') {
        return Ok(value.to_owned());
    }
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(value.len());
    let word = if value.starts_with(|c: char| c.is_ascii_alphabetic()) { &value[..end] } else { "" };
    let truth = match word.to_ascii_lowercase().as_str() {
        "true" | "yes" => true,
        "false" | "no" => false,
        _ => return Err(format!("\"{word}\" is not a valid value for the \"{name}\" option")),
    };
    match value[end..].trim_start_matches(is_space) {
        "" => Ok(truth.to_string()),
        rest => Err(extra(rest, &format!("\"{word}\" for boolean option {name}"))),
    }
}

/// The text of a quoted string: escapes resolved.
fn dequote(value: &str, name: &str) -> Result<String, String> {
    let Some(pairs) = parse(Rule::quoted, value) else {
        return Err(format!("missing quote at end of string value for {name}"));
    };
    let rest = &value[range(&pairs)];
    if !rest.trim_matches(is_space).is_empty() {
        return Err(extra(rest, &format!("string value for {name}")));
    }
    let mut text = String::new();
    for pair in pairs {
        match pair.as_rule() {
            Rule::plain => text.push_str(pair.as_str()),
            Rule::escape => {
                let Some(inner) = pair.into_inner().next() else { continue };
                text.push(match inner.as_rule() {
                    Rule::octal => numbered(inner.as_str(), 8),
                    Rule::hexadecimal => numbered(&inner.as_str()[1..], 16),
                    _ => escaped(inner.as_str().chars().next().unwrap_or('\\')),
                });
            }
            _ => {}
        }
    }
    Ok(text)
}

/// The character with this number, which is one octet.
pub(crate) fn numbered(digits: &str, radix: u32) -> char {
    char::from((u32::from_str_radix(digits, radix).unwrap_or(0) & 0xff) as u8)
}

/// The character that a backslash before `c` stands for.
pub(crate) fn escaped(c: char) -> char {
    match c {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        other => other,
    }
}

fn integer(value: &str, name: &str, octal: bool) -> Result<(), String> {
    let word = if octal { "octal " } else { "" };
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let (digits, valid): (&str, fn(char) -> bool) = match digits.get(..2) {
        Some("0x" | "0X") if !octal => (&digits[2..], |c| c.is_ascii_hexdigit()),
        _ if octal => (digits, |c| ('0'..='7').contains(&c)),
        _ => (digits, |c| c.is_ascii_digit()),
    };
    let end = digits.find(|c| !valid(c)).unwrap_or(digits.len());
    if end == 0 {
        return Err(format!("{word}integer expected for {name}"));
    }
    let rest = digits[end..].trim_start_matches(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T']);
    match rest.trim_start_matches(is_space) {
        "" => Ok(()),
        rest => Err(extra(rest, &format!("{word}integer value for {name}"))),
    }
}

/// What may be logged, of 4.92 to 4.99 (`log_options` in `globals.c`).
const LOGGED: &str = "8bitmime acl_warn_skipped address_rewrite all all_parents arguments connection_id connection_identify \
    connection_reject delay_delivery deliver_time delivery_size dkim dkim_verbose dnslist_defer dnssec etrn host_lookup_failed \
    ident_timeout incoming_interface incoming_port lost_incoming_connection millisec msg_id msg_id_created outgoing_interface \
    outgoing_port pid pipelining protocol_detail proxy queue_run queue_time queue_time_exclusive queue_time_overall receive_time \
    received_recipients received_sender rejected_header rejected_headers retry_defer return_path_on_delivery sender_on_delivery \
    sender_verify_fail size_reject skip_delivery smtp_confirmation smtp_connection smtp_incomplete_transaction smtp_mailauth \
    smtp_no_mail smtp_protocol_error smtp_syntax_error subject tls_certificate_verified tls_cipher tls_on_connect tls_peerdn \
    tls_resumption tls_sni unknown_in_list";

/// What Exim refuses in `log_selector`, and whether a release that is not listed here may know it.
fn log_selector(value: &str) -> Result<(), (String, bool)> {
    let mut rest = value.trim_matches(is_space);
    // A number is for the debugger.
    if rest.starts_with('=') || rest.contains('$') {
        return Ok(());
    }
    while !rest.is_empty() {
        let Some(name) = rest.strip_prefix(['+', '-']) else {
            return Err((
                format!("malformed log_selector setting: \"+\" or \"-\" expected but found \"{rest}\""),
                false,
            ));
        };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        if !LOGGED.split(' ').any(|known| known == &name[..end]) {
            let sign = &rest[..1];
            return Err((format!("unknown log_selector setting: {sign}{}", &name[..end]), true));
        }
        rest = name[end..].trim_start_matches(is_space);
    }
    Ok(())
}

fn time(value: &str, name: &str) -> Result<(), String> {
    let mut digits = 0;
    let mut valid = !value.is_empty();
    for c in value.chars() {
        match c {
            '0'..='9' => digits += 1,
            'w' | 'd' | 'h' | 'm' | 's' if digits > 0 => digits = 0,
            _ => valid = false,
        }
    }
    // Each number has its unit.
    if valid && digits == 0 { Ok(()) } else { Err(format!("invalid time value for {name}")) }
}
