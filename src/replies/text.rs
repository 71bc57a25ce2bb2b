//! A reply as one line of text: as a server said it, whatever bounces, logs and mail programs made of it.

/// Octets of a text that are read.
const LIMIT: usize = 256 << 10;

/// A text, joined.
pub(super) struct Joined {
    /// In one line.
    pub joined: String,
    /// Lines about mail that came in, which are left out.
    pub incoming: usize,
    /// Whether its end was not read.
    pub cut: bool,
}

/// Joins the lines of a text: white space runs are one blank, the codes that begin each further line of a reply are gone.
pub(super) fn join(text: &str) -> Joined {
    let end = (0..=LIMIT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (read, cut) = (text.get(..end).unwrap_or_default(), end < text.len());
    let mut incoming = 0;
    let mut whole = String::with_capacity(read.len());
    // Exim logs a reply's line breaks as two characters; RFC 2045 breaks lines behind an equals sign.
    for line in read.replace("=\r\n", "").replace("=\n", "").replace("\\n", " ").lines() {
        if is_incoming(line) {
            incoming += 1;
            continue;
        }
        whole.push_str(line.trim_start_matches(['>', ' ', '|']));
        whole.push('\n');
    }
    let plain: String = whole.chars().map(plain).collect();
    Joined { joined: without_repeated_codes(&plain), incoming, cut }
}

/// Typographic apostrophes and quotation marks as ASCII has them; control characters as blanks.
fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        c if c.is_control() || c.is_whitespace() => ' ',
        c => c,
    }
}

/// Whether a line of a log tells how this host refused somebody else: Postfix' smtpd and postscreen, Exim's ACLs and callouts.
fn is_incoming(line: &str) -> bool {
    const POSTFIX: [&str; 2] = ["/smtpd[", "/postscreen["];
    const EXIM: [&str; 9] = [
        " rejected RCPT ",
        " rejected MAIL ",
        " rejected EHLO ",
        " rejected HELO ",
        " rejected connection ",
        " rejected after DATA",
        " rejected DATA",
        "sender verify fail",
        "sender verify defer",
    ];
    POSTFIX.iter().any(|daemon| line.contains(daemon)) || EXIM.iter().any(|words| line.contains(words))
}

/// Words with one blank between them; of a reply's codes (`550-5.7.25` before each line) the first alone stays.
fn without_repeated_codes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut first: Option<&str> = None;
    // Behind a repeated code an enhanced one is repeated too.
    let mut repeated = false;
    for word in text.split_ascii_whitespace() {
        let (code, rest) = split_code(word);
        let word = match (code, first) {
            (Some(code), Some(known)) if code == known => {
                repeated = true;
                rest
            }
            (Some(code), _) => {
                first = Some(code);
                repeated = false;
                put(&mut out, code);
                rest
            }
            (None, _) => word,
        };
        if word.is_empty() || (repeated && is_enhanced(word)) {
            continue;
        }
        repeated &= code.is_some() && word.is_empty();
        put(&mut out, word);
    }
    out
}

fn put(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}

/// The code of a reply (RFC 5321 section 4.2) that a word begins with, and what stands behind its hyphen.
fn split_code(word: &str) -> (Option<&str>, &str) {
    let Some((code, rest)) = word.split_at_checked(3) else { return (None, word) };
    let is_code = code.starts_with(['4', '5']) && code.bytes().all(|byte| byte.is_ascii_digit());
    match rest.strip_prefix('-') {
        Some(rest) if is_code => (Some(code), rest),
        None if is_code && rest.is_empty() => (Some(code), rest),
        _ => (None, word),
    }
}

/// Whether a word is an enhanced status code (RFC 3463).
pub(super) fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    let class = parts.next().is_some_and(|class| matches!(class, "4" | "5"));
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let rest: Vec<&str> = parts.collect();
    class && rest.len() == 2 && rest.into_iter().all(is_number)
}

/// The first code of a reply in a joined text.
pub(super) fn code(joined: &str) -> Option<u16> {
    joined.split(' ').find_map(|word| split_code(word).0).and_then(|code| code.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_one() {
        for (text, expected) in [
            ("550 5.7.25 no PTR", "550 5.7.25 no PTR"),
            ("550-5.7.25 The sending\n550 5.7.25 address", "550 5.7.25 The sending address"),
            ("550-5.7.25 a 550-5.7.25 b 550 5.7.25 c", "550 5.7.25 a b c"),
            ("550-5.7.25 a\\n550 5.7.25 b", "550 5.7.25 a b"),
            ("554-gmx.net Nemesis 554-No SMTP 554 For", "554 gmx.net Nemesis No SMTP For"),
            ("> 550 a\n> b", "550 a b"),
            ("550 the sending=\n address doesn\u{2019}t", "550 the sending address doesn't"),
            ("550 a\u{1b}[2J\tb", "550 a [2J b"),
            ("5.7.25 without code 5.7.25", "5.7.25 without code 5.7.25"),
            ("421 a 550 b", "421 a 550 b"),
            ("550", "550"),
            ("", ""),
        ] {
            assert_eq!(join(text).joined, expected, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let long = "é".repeat(LIMIT);
        let joined = join(&long);
        assert!(joined.cut && joined.joined.len() <= LIMIT);
        assert!(!join("short").cut);
    }
}
