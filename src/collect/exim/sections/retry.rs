//! The section `retry` (Exim specification, chapter 32).

use super::{Checked, Fault, skip, string};
use crate::collect::exim::words;

/// One rule: pattern, error, senders, and what is done.
pub(crate) fn rule(text: &str) -> Checked {
    let (_, rest) = string(text);
    let end = rest.find(|c: char| !c.is_ascii_graphic()).unwrap_or(rest.len());
    if end == 0 {
        return Err(Fault::new("missing error type in retry rule"));
    }
    error(&rest[..end])?;
    let mut rest = skip(&rest[end..]);
    if let Some(senders) = rest.strip_prefix("senders") {
        let Some(list) = skip(senders).strip_prefix('=') else {
            return Err(Fault::new("\"=\" expected after \"senders\" in retry rule"));
        };
        rest = string(skip(list)).1;
    }
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        let timeout = time(argument(&mut rest, false)?);
        let interval = time(argument(&mut rest, false)?);
        let factor = match letter.to_ascii_uppercase() {
            'F' => true,
            'G' | 'H' => factor(argument(&mut rest, true)?),
            _ => return Err(Fault::new("unknown retry rule letter")),
        };
        if !timeout || !interval || !factor {
            return Err(Fault::new("bad parameters for retry rule"));
        }
        rest = skip(rest);
        match rest.strip_prefix(';') {
            Some(more) => rest = skip(more),
            None if rest.is_empty() => {}
            None => return Err(Fault::new("semicolon expected")),
        }
    }
    Ok(())
}

/// The next argument behind a comma; `point`: it may hold one.
fn argument<'t>(rest: &mut &'t str, point: bool) -> Result<&'t str, Fault> {
    let Some(after) = rest.strip_prefix(',') else { return Err(Fault::new("comma expected")) };
    let after = skip(after);
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || point && c == '.')).unwrap_or(after.len());
    *rest = &after[end..];
    if !rest.is_empty() && !rest.starts_with(|c: char| super::is_space(c) || matches!(c, ',' | ';')) {
        return Err(Fault::new("comma or semicolon expected"));
    }
    Ok(&after[..end])
}

/// Whether a text is a time above zero.
fn time(text: &str) -> bool {
    is_time(text) && text.contains(|c: char| matches!(c, '1'..='9'))
}

/// Whether a text is a time such as `1d12h`: each number with its unit.
fn is_time(text: &str) -> bool {
    let mut digits = false;
    let mut valid = !text.is_empty();
    for c in text.chars() {
        match c {
            '0'..='9' => digits = true,
            'w' | 'd' | 'h' | 'm' | 's' if digits => digits = false,
            _ => valid = false,
        }
    }
    valid && !digits
}

/// Whether a text is a number of at least one, with three places behind the point at most.
fn factor(text: &str) -> bool {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let large = whole.bytes().any(|byte| byte != b'0');
    !whole.is_empty() && digits(whole) && digits(places) && large
}

/// The error that a rule is for, in any case.
fn error(text: &str) -> Checked {
    let lower = text.to_ascii_lowercase();
    let part = |name: &str| lower.strip_prefix(name).and_then(|rest| rest.strip_prefix('_'));
    let among = |which: &str, known: &[&str]| known.iter().any(|name| name.starts_with(which));
    if words::RETRY_ERRORS.contains(&lower.as_str()) {
        return Ok(());
    }
    if let Some(age) = part("quota") {
        return if is_time(age) { Ok(()) } else { Err(Fault::new("bad time value")) };
    }
    if let Some(which) = part("refused") {
        return match among(which, &["a", "mx"]) {
            true => Ok(()),
            false => Err(Fault::new("A or MX expected after \"refused\"")),
        };
    }
    if let Some(which) = part("timeout") {
        let known = match which.strip_prefix("connect") {
            Some("") => true,
            Some(rest) => rest.strip_prefix('_').is_some_and(|which| among(which, &["a", "mx"])),
            None => among(which, &["a", "mx", "dns"]),
        };
        let refused = "\"A\", \"MX\", or \"connect\" expected after \"timeout\"";
        return if known { Ok(()) } else { Err(Fault::new(refused)) };
    }
    for command in ["mail", "rcpt", "data"] {
        let Some(code) = part(command).and_then(|code| code.strip_prefix('4')) else { continue };
        let valid = match code.as_bytes() {
            [b'x', b'x'] => true,
            [first, b'x'] => first.is_ascii_digit(),
            [first, last] => first.is_ascii_digit() && last.is_ascii_digit(),
            _ => false,
        };
        if !valid {
            let message = "must be followed by xx, dx, or dd, where x is literal and d is any digit";
            return Err(Fault::new(format!("{command}_4 {message}")));
        }
        return Ok(());
    }
    Err(Fault::unknown(format!("unknown or malformed retry error \"{text}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each answered by Exim 4.96.
    #[test]
    fn what_exim_refuses_and_takes() {
        const TIMEOUT: &str = "\"A\", \"MX\", or \"connect\" expected after \"timeout\"";
        for (text, expected) in [
            ("* * F,2h,15m; G,16h,1h,1.5; F,4d,6h", None),
            ("* * X,2h,15m", Some("unknown retry rule letter")),
            ("*", Some("missing error type in retry rule")),
            ("* *", None),
            ("* * F,2h", Some("comma expected")),
            ("* * F,2h,15m G,1h,1h,1.5", Some("semicolon expected")),
            ("* * F 2h,15m", Some("comma expected")),
            ("* * F,2x,15m", Some("bad parameters for retry rule")),
            ("* * F,2h,15m,", Some("semicolon expected")),
            ("* * G,2h,15m,0.5", Some("bad parameters for retry rule")),
            ("* * G,2h,15m", Some("comma expected")),
            ("* * G,2h,15m,1.5x", Some("bad parameters for retry rule")),
            ("* * f,2h,15m", None),
            ("* foo F,2h,15m", Some("unknown or malformed retry error \"foo\"")),
            ("* timeout_foo F,2h,15m", Some(TIMEOUT)),
            ("* timeout_connect_X F,2h,15m", Some(TIMEOUT)),
            ("* timeout_connect_A F,2h,15m", None),
            ("* timeout_DNS F,2h,15m", None),
            ("* timeout_connect_DNS F,2h,15m", Some(TIMEOUT)),
            ("* timeout_connectA F,2h,15m", Some(TIMEOUT)),
            ("* timeout_connect F,2h,15m", None),
            ("* timeout_ F,2h,15m", None),
            ("* Timeout F,2h,15m", None),
            ("* refused_ F,2h,15m", None),
            ("* lookup_x F,2h,15m", Some("unknown or malformed retry error \"lookup_x\"")),
            ("* * XY", Some("comma expected")),
            ("* * F,1h-2,2h", Some("comma or semicolon expected")),
            ("* * F,1h.,2h", Some("comma or semicolon expected")),
            ("* * F,2,15m", Some("bad parameters for retry rule")),
            ("* * F, 1h,  2h  ;  G,1h,2h,2.", None),
            ("* refused_MX F,2h,15m", None),
            ("* refused_X F,2h,15m", Some("A or MX expected after \"refused\"")),
            ("* rcpt_4xx F,2h,15m", None),
            ("* rcpt_452 F,2h,15m", None),
            ("* rcpt_5xx F,2h,15m", Some("unknown or malformed retry error \"rcpt_5xx\"")),
            (
                "* rcpt_45 F,2h,15m",
                Some("rcpt_4 must be followed by xx, dx, or dd, where x is literal and d is any digit"),
            ),
            ("* quota_7d F,2h,15m", None),
            ("* quota_x F,2h,15m", Some("bad time value")),
            ("* auth_failed F,2h,15m", None),
            ("* * senders = : F,2h,15m", None),
            ("* * senders= \"x y\" F,2h,15m", None),
            ("* * senders x F,2h,15m", Some("\"=\" expected after \"senders\" in retry rule")),
            ("* * F,0s,15m", Some("bad parameters for retry rule")),
            ("* * F,,", Some("bad parameters for retry rule")),
            ("* * ;", Some("comma expected")),
            ("\"a b\" * F,2h,15m", None),
            ("\"a b * F,2h,15m", Some("missing error type in retry rule")),
            ("* * F,2h,15m;", None),
            ("* * F,2h ,15m", Some("comma expected")),
            ("* * F,2h,15m ; x", Some("comma expected")),
            ("A = 3", Some("unknown or malformed retry error \"=\"")),
        ] {
            assert_eq!(rule(text).err().map(|fault| fault.message).as_deref(), expected, "{text}");
        }
    }
}
