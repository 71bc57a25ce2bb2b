//! Operators: `${name:text}`.

use std::collections::HashMap;
use std::net::IpAddr;

use super::address::{self, Address};
use super::operator_names::UNDERSCORE;
use super::{Evaluator, Scope, Stop, digest, parse, undecided};
use crate::addr;
use crate::collect::exim::{arithmetic, lists};

/// Octets of a result that is followed further.
pub(crate) const RESULT_LIMIT: usize = 1 << 20;

/// What the operator `name` makes of `text`.
pub(crate) fn apply(of: &Evaluator, scope: &mut Scope, name: &str, text: String) -> Result<String, Stop> {
    let (word, arguments) = match UNDERSCORE.split(' ').any(|known| known == name) {
        true => (name, Vec::new()),
        false => {
            let mut parts = name.split('_');
            (parts.next().unwrap_or(name), parts.collect())
        }
    };
    let fails = |message: String| Err(Stop::fails(message));
    of.spend(text.len())?;
    Ok(match word {
        "lc" => text.to_ascii_lowercase(),
        "uc" => text.to_ascii_uppercase(),
        "strlen" => text.len().to_string(),
        "domain" => address::parse(&text)?.unwrap_or_default().domain,
        "local_part" => address::parse(&text)?.unwrap_or_default().local,
        "address" => match address::parse(&text)?.unwrap_or_default() {
            Address { local, domain } if domain.is_empty() => local,
            Address { local, domain } => format!("{local}@{domain}"),
        },
        "length" | "l" | "substr" | "s" | "hash" | "h" | "nhash" | "nh" => {
            let numbers: Vec<i64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
            if numbers.len() != arguments.len() {
                return fails(format!("non-digit after underscore in \"{word}\""));
            }
            return sized(word, &numbers, &text);
        }
        "mask" => return mask(&text),
        "reverse_ip" => match text.strip_prefix("::ffff:").map_or(text.trim(), |mapped| mapped).parse::<IpAddr>() {
            // Exim takes what is behind the prefix for an address of four octets.
            Ok(IpAddr::V6(_)) if text.starts_with("::ffff:") => {
                return undecided("`reverse_ip` of a mapped address in hexadecimal is not followed".to_owned());
            }
            Ok(address) => {
                let name = addr::reverse_name(address);
                let name = name.as_str();
                name.strip_suffix(".in-addr.arpa").or(name.strip_suffix(".ip6.arpa")).unwrap_or(name).to_owned()
            }
            Err(_) if text.starts_with("::ffff:") => {
                return undecided("`reverse_ip` of a mapped address in hexadecimal is not followed".to_owned());
            }
            Err(_) => return fails(format!("reverse_ip() not given an IP address [{text}]")),
        },
        "ipv6norm" | "ipv6denorm" => match text.split('%').next().unwrap_or_default().parse::<IpAddr>() {
            Ok(address) => {
                let v6 = match address {
                    IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                    IpAddr::V6(v6) => v6,
                };
                match word {
                    "ipv6norm" => shortened(v6.segments()),
                    _ => v6.segments().map(|part| format!("{part:04x}")).join(":"),
                }
            }
            Err(_) => return fails(format!("\"{text}\" is not an IP address")),
        },
        "quote" if arguments.is_empty() => quote(&text),
        "quote_local_part" if is_plain_local_part(&text) => text,
        "quote_local_part" => quoted(&text),
        "rxquote" => text.chars().fold(String::new(), |mut out, c| {
            if !c.is_ascii_alphanumeric() {
                out.push('\\');
            }
            out.push(c);
            out
        }),
        "escape" => escape(&text),
        // Control characters stay, and a backslash does not.
        "escape8bit" if text.is_ascii() => text.replace('\\', r"\134").replace('\x7f', r"\177"),
        "escape8bit" => return undecided("`escape8bit` of text beyond ASCII is not followed".to_owned()),
        "md5" => digest::md5(text.as_bytes()),
        "sha1" => digest::sha1(text.as_bytes()),
        "base64" | "str2b64" => digest::base64(text.as_bytes()),
        "eval" | "eval10" => match arithmetic::value(&text, word == "eval10") {
            Ok(number) => number.to_string(),
            Err(why) if why.starts_with(arithmetic::TOO_DEEP) => {
                return undecided("an expression nested so deeply is not followed".to_owned());
            }
            Err(why) => return fails(format!("error in expression evaluation: {why}")),
        },
        "time_interval" => match read_number(&text) {
            Some(seconds) => time_interval(seconds),
            None => return fails(format!("string \"{text}\" is not a positive number in \"{word}\" operator")),
        },
        "time_eval" => match time_eval(&text) {
            Some(seconds) => seconds.to_string(),
            None => return fails(format!("string \"{text}\" is not an Exim time interval in \"{word}\" operator")),
        },
        "expand" => {
            let inner = parse::parse(&text);
            return scope.deeper(|scope| of.expand(&inner, scope));
        }
        "listcount" => lists::items(&text).len().to_string(),
        "listnamed" => match of.named_list(&text, arguments.first().map(|kind| kind.get(..1).unwrap_or("?")), 0)? {
            Some(list) => list,
            None => return fails(format!("\"{text}\" is not a named list")),
        },
        "stat" => return of.stat(&text),
        "utf8clean" => text,
        _ => return undecided(format!("the operator `{word}` is not followed")),
    })
}

/// The operators and items that take one or two numbers.
pub(crate) fn sized(word: &str, numbers: &[i64], text: &str) -> Result<String, Stop> {
    if numbers.len() > 2 {
        return Err(Stop::fails(format!("non-digit after underscore in \"{word}\"")));
    }
    let first = numbers.first().copied();
    let second = numbers.get(1).copied();
    match word {
        "length" | "l" => Ok(substring(text, 0, Some(first.unwrap_or(1)))),
        "substr" | "s" => Ok(substring(text, first.unwrap_or(0), second)),
        "hash" | "h" => {
            let kinds = usize::try_from(second.unwrap_or(26)).unwrap_or(0);
            let Ok(length) = usize::try_from(first.unwrap_or(1)) else {
                return undecided(format!("`{word}` of less than nothing is not followed"));
            };
            let found = digest::hash(text.as_bytes(), length, kinds);
            found.ok_or_else(|| Stop::fails("hash count out of range"))
        }
        _ => {
            let Ok(first) = u64::try_from(first.unwrap_or(1)) else {
                return undecided(format!("`{word}` of less than nothing is not followed"));
            };
            let found = digest::nhash(text.as_bytes(), first, second.and_then(|n| u64::try_from(n).ok()));
            found.ok_or_else(|| Stop::fails("nhash count out of range"))
        }
    }
}

/// What `tr` makes of a text: the last of `to` stands for all that have no counterpart.
pub(crate) fn translated(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let Some(last) = to.last() else { return text.to_owned() };
    // Of a character that stands there twice the last one counts.
    let pairs: HashMap<char, char> = from.chars().enumerate().map(|(at, c)| (c, *to.get(at).unwrap_or(last))).collect();
    let change = |c: char| pairs.get(&c).copied().unwrap_or(c);
    text.chars().map(change).collect()
}

/// Exim's substring: from the left, or with a negative start from the right.
fn substring(text: &str, start: i64, length: Option<i64>) -> String {
    let chars: Vec<char> = text.chars().collect();
    let count = chars.len() as i64;
    let (mut start, mut length) = (start.clamp(-1 << 40, 1 << 40), length.map(|n| n.clamp(-1 << 40, 1 << 40)));
    if length.is_some_and(|n| n < 0) {
        length = None;
    }
    if start < 0 {
        start += count;
        if start < 0 {
            length = Some((length.unwrap_or(-1) + start).max(0));
            start = 0;
        } else if length.is_none() {
            (start, length) = (0, Some(start));
        }
    }
    let start = start.min(count);
    let length = length.unwrap_or(count).min(count - start);
    chars[start as usize..(start + length) as usize].iter().collect()
}

/// An IPv6 address as `ipv6norm` writes it: the first of the longest runs of zeros, of one even, becomes `::`. Behind such an
/// address Exim leaves a NUL, which ends the text that it stands in.
fn shortened(parts: [u16; 8]) -> String {
    let run = |from: usize| parts[from..].iter().take_while(|part| **part == 0).count();
    let longest = (0..parts.len()).rev().max_by_key(|from| run(*from)).unwrap_or(0);
    let text = |parts: &[u16]| parts.iter().map(|part| format!("{part:x}")).collect::<Vec<_>>().join(":");
    match run(longest) {
        0 => text(&parts),
        8 => ":\0".to_owned(),
        length => format!("{}::{}\0", text(&parts[..longest]), text(&parts[longest + length..])),
    }
}

fn mask(text: &str) -> Result<String, Stop> {
    let parsed = text.split_once('/').and_then(|(address, bits)| Some((address.parse().ok()?, bits.parse().ok()?)));
    match parsed {
        Some((IpAddr::V4(v4), bits @ 0..=32u32)) => {
            let kept = v4.to_bits() & u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            Ok(format!("{}/{bits}", std::net::Ipv4Addr::from_bits(kept)))
        }
        Some((IpAddr::V6(v6), bits @ 0..=128u32)) => {
            let kept = std::net::Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(128 - bits).unwrap_or(0));
            Ok(format!("{}/{bits}", kept.segments().map(|part| format!("{part:04x}")).join(".")))
        }
        _ => Err(Stop::fails(format!("\"{text}\" is not an IP address"))),
    }
}

fn quote(text: &str) -> String {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        return text.to_owned();
    }
    quoted(text)
}

/// Whether a local part needs no quotes: atoms, with dots that are neither first nor last.
fn is_plain_local_part(text: &str) -> bool {
    const ATOM: &str = "!#$%&'*+-/=?^_`{|}~.";
    let inside = text.chars().all(|c| c.is_ascii_alphanumeric() || ATOM.contains(c));
    inside && !text.is_empty() && !text.starts_with('.') && !text.ends_with('.')
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '"' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out + "\""
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\t' | ' '..='~' => out.push(c),
            c => c.to_string().bytes().for_each(|byte| out.push_str(&format!("\\{byte:03o}"))),
        }
    }
    out
}

/// Digits alone, added up as C's int does; no digit is 0.
fn read_number(text: &str) -> Option<i32> {
    text.bytes().try_fold(0_i32, |number, byte| {
        byte.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add(i32::from(byte - b'0')))
    })
}

/// Seconds in weeks, days, hours, minutes and seconds (`readconf_printtime`).
fn time_interval(seconds: i32) -> String {
    let mut left = seconds.unsigned_abs();
    let mut parts = String::new();
    for (unit, length) in [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60)] {
        let count = left / length;
        left %= length;
        if count > 0 {
            parts.push_str(&format!("{count}{unit}"));
        }
    }
    if left > 0 || parts.is_empty() && seconds >= 0 {
        parts.push_str(&format!("{left}s"));
    }
    if seconds < 0 { format!("-{parts}") } else { parts }
}

/// The seconds of an interval such as `1h30m` (`readconf_readtime`); `None`: it is none.
fn time_eval(text: &str) -> Option<i32> {
    let mut rest = text;
    let mut sum = 0_i32;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0)?;
        let (number, unit) = rest.split_at(end);
        let length: i32 = match unit.as_bytes().first()? {
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        sum = sum.wrapping_add(number.parse::<i32>().ok()?.wrapping_mul(length));
        rest = &unit[1..];
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translated() {
        for (text, from, to, expected) in [
            ("abcab", "ab", "xy", "xycxy"),
            ("abc", "abc", "x", "xxx"),
            ("aab", "aa", "xy", "yyb"),
            ("a", "a", "", "a"),
        ] {
            assert_eq!(super::translated(text, from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn intervals_are_written_and_read_as_exim_does() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (93_784, "1d2h3m4s"), (1_209_600, "2w")] {
            assert_eq!((time_interval(seconds).as_str(), time_eval(text)), (text, Some(seconds)));
        }
        assert_eq!(
            [read_number(""), read_number("12"), read_number("-1"), read_number("b")],
            [Some(0), Some(12), None, None]
        );
        assert!(["", "5", "h", "1x", "1h2", "1.5s"].iter().all(|text| time_eval(text).is_none()));
    }
}
