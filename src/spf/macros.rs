//! Macro strings (RFC 7208 section 7): read once, expanded for each check.

use super::error::SyntaxError;

/// Octets of a name that is asked for; of a longer one, labels on the left go (section 7.3).
const NAME_LIMIT: usize = 253;
/// Octets of a label.
const LABEL_LIMIT: usize = 63;

/// A macro string, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroString(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Expand(Expand),
}

/// `%{d2r-}`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expand {
    letter: Letter,
    /// An upper-case letter: what comes of it is percent-encoded.
    encoded: bool,
    /// How many parts are kept, of those on the right.
    kept: Option<usize>,
    reversed: bool,
    delimiters: String,
}

/// What a macro stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// `s`
    Sender,
    /// `l`
    LocalPart,
    /// `o`
    SenderDomain,
    /// `d`
    Domain,
    /// `i`
    Address,
    /// `p`
    ValidatedName,
    /// `v`
    Family,
    /// `h`
    Helo,
    /// `c`, `r`, `t`: in explanations only.
    Explanation,
}

impl Letter {
    fn from(byte: u8) -> Option<Letter> {
        Some(match byte.to_ascii_lowercase() {
            b's' => Letter::Sender,
            b'l' => Letter::LocalPart,
            b'o' => Letter::SenderDomain,
            b'd' => Letter::Domain,
            b'i' => Letter::Address,
            b'p' => Letter::ValidatedName,
            b'v' => Letter::Family,
            b'h' => Letter::Helo,
            b'c' | b'r' | b't' => Letter::Explanation,
            _ => return None,
        })
    }
}

impl MacroString {
    /// Any macro string, as unknown modifiers have one.
    pub fn read(text: &str) -> Result<MacroString, SyntaxError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        loop {
            let (plain, expanded) = rest.split_once('%').map_or((rest, None), |(plain, behind)| (plain, Some(behind)));
            if !plain.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(SyntaxError::Character);
            }
            literal.push_str(plain);
            let Some(expanded) = expanded else { break };
            let (part, behind) = expansion(expanded)?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = behind;
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(MacroString(parts))
    }

    /// A `domain-spec`: it ends in a label that can be the last of a name, or in a macro, and has none of the explanation's letters.
    pub fn read_domain(text: &str) -> Result<MacroString, SyntaxError> {
        let string = MacroString::read(text)?;
        let has_end = match string.0.last() {
            None => false,
            Some(Part::Expand(_)) => true,
            Some(Part::Literal(end)) if text.ends_with("%%") || text.ends_with("%_") || text.ends_with("%-") => {
                !end.is_empty()
            }
            Some(Part::Literal(end)) => {
                let end = end.strip_suffix('.').unwrap_or(end);
                end.rsplit_once('.').is_some_and(|(_, last)| is_top_label(last))
            }
        };
        if !has_end {
            return Err(SyntaxError::Domain);
        }
        let explains = |part: &Part| matches!(part, Part::Expand(expand) if expand.letter == Letter::Explanation);
        if string.0.iter().any(explains) { Err(SyntaxError::Macro) } else { Ok(string) }
    }

    /// Whether the letter stands in it.
    pub fn uses(&self, letter: Letter) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Expand(expand) if expand.letter == letter))
    }

    /// The text, each letter replaced by what `value` gives for it.
    pub fn expand(&self, value: impl Fn(Letter) -> String) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Expand(expand) => text.push_str(&expand.of(&value(expand.letter))),
            }
        }
        text
    }
}

/// What stands behind a percent sign, and the rest.
fn expansion(text: &str) -> Result<(Part, &str), SyntaxError> {
    let literal = |text: &str| Part::Literal(text.to_owned());
    let simple = [("%", "%"), ("_", " "), ("-", "%20")];
    if let Some((sign, stands_for)) = simple.iter().find(|(sign, _)| text.starts_with(sign)) {
        return Ok((literal(stands_for), &text[sign.len()..]));
    }
    let (inner, behind) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or(SyntaxError::Macro)?;
    let first = inner.bytes().next().ok_or(SyntaxError::Macro)?;
    let letter = Letter::from(first).ok_or(SyntaxError::Macro)?;
    let inner = &inner[1..];
    let digits = inner.len() - inner.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (digits, inner) = inner.split_at(digits);
    let kept = match digits {
        "" => None,
        // What is no number here has more digits than any name has labels.
        digits => Some(digits.parse().unwrap_or(usize::MAX)),
    };
    let (reversed, delimiters) = match inner.strip_prefix(['r', 'R']) {
        Some(rest) => (true, rest),
        None => (false, inner),
    };
    if kept == Some(0) || delimiters.chars().any(|c| !".-+,/_=".contains(c)) {
        return Err(SyntaxError::Macro);
    }
    let encoded = first.is_ascii_uppercase();
    Ok((Part::Expand(Expand { letter, encoded, kept, reversed, delimiters: delimiters.to_owned() }), behind))
}

impl Expand {
    fn of(&self, value: &str) -> String {
        let delimiters = if self.delimiters.is_empty() { "." } else { &self.delimiters };
        let plain = self.delimiters.is_empty() && self.kept.is_none() && !self.reversed;
        let text = if plain {
            value.to_owned()
        } else {
            let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
            if self.reversed {
                parts.reverse();
            }
            let dropped = parts.len().saturating_sub(self.kept.unwrap_or(usize::MAX));
            parts[dropped..].join(".")
        };
        if self.encoded { percent_encoded(&text) } else { text }
    }
}

/// All but the unreserved characters of RFC 3986 as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// `toplabel` of section 7.1: letters and digits with at least one letter, or with a hyphen inside.
fn is_top_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let [first, .., last] = bytes else {
        return bytes.first().is_some_and(u8::is_ascii_alphabetic);
    };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && bytes.iter().any(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
}

/// The labels of the name that an expanded text is: at most 253 octets, labels on the left gone where there are more. `None` where it cannot
/// be asked for.
pub(super) fn name_labels(text: &str) -> Option<Vec<&str>> {
    let mut text = text.strip_suffix('.').unwrap_or(text);
    while text.len() > NAME_LIMIT {
        text = text.split_once('.')?.1;
    }
    let labels: Vec<&str> = text.split('.').collect();
    labels.iter().all(|label| (1..=LABEL_LIMIT).contains(&label.len())).then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(letter: Letter) -> String {
        match letter {
            Letter::Sender => "strong-bad@email.example.com",
            Letter::LocalPart => "strong-bad",
            Letter::SenderDomain | Letter::Domain => "email.example.com",
            Letter::Address => "192.0.2.3",
            Letter::ValidatedName => "mx.example.org",
            Letter::Family => "in-addr",
            Letter::Helo => "a b/c",
            Letter::Explanation => "?",
        }
        .to_owned()
    }

    /// The examples of RFC 7208 section 7.4, and what lies at the edges.
    #[test]
    fn macros_expand() {
        for (text, expected) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{p2}.trusted-domains.example.net", "example.org.trusted-domains.example.net"),
            ("%%%_%-", "% %20"),
            ("%{H}", "a%20b%2Fc"),
            ("%{d99999999999999999999999}", "email.example.com"),
        ] {
            assert_eq!(MacroString::read(text).unwrap().expand(value), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_macro() {
        for text in ["%", "%(d)", "%{", "%{}", "%{d", "%{q}", "%{d0}", "%{dr2}", "%{d|}", "%d", "%{d}%"] {
            assert_eq!(MacroString::read(text), Err(SyntaxError::Macro), "{text}");
        }
        assert_eq!(MacroString::read("a\tb"), Err(SyntaxError::Character));
        assert_eq!(MacroString::read("é"), Err(SyntaxError::Character));
        assert!(MacroString::read("%{c}").is_ok());
        assert_eq!(MacroString::read_domain("%{c}.example.com"), Err(SyntaxError::Macro));
    }

    #[test]
    fn how_a_domain_ends() {
        for text in ["example.com", "example.com.", "a.b-c", "a.1b", "%{d}", "x%{d}", "a.%%", ".com", "a/b.example.com"]
        {
            assert!(MacroString::read_domain(text).is_ok(), "{text}");
        }
        for text in ["", "example", "%{d}com", "a.1", "a.-b", "a.b-", "a..", "example.com/24", "a.b_c", "."] {
            assert_eq!(MacroString::read_domain(text), Err(SyntaxError::Domain), "{text}");
        }
    }

    #[test]
    fn long_names_lose_labels_on_the_left() {
        let tail = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(tail.len(), NAME_LIMIT);
        assert_eq!(name_labels(&tail).unwrap().len(), 4);
        assert_eq!(name_labels(&format!("x.y.{tail}.")).unwrap().len(), 4);
        assert_eq!(name_labels(&"a".repeat(300)), None);
        assert_eq!(name_labels(&format!("{}.example", "a".repeat(64))), None);
        assert_eq!(name_labels("a..example"), None);
        assert_eq!(name_labels(""), None);
    }
}
