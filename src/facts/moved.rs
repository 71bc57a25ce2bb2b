//! What is known of a host from before its move, and what the command line says of that move.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use crate::facts::{Facts, Origin};
use crate::name::DomainName;
use crate::source::Span;

/// A host before its move (`--moved-from`, `compare`).
#[derive(Debug, Clone)]
pub struct Moved {
    /// What it said about itself.
    pub old: Facts,
    /// When, as its snapshot writes it.
    pub taken: String,
    /// What the DNS answered then.
    pub answers: Answers,
    /// What is meant to become another (`--map`).
    pub map: Vec<Mapped>,
    /// Addresses and names that are to be gone from the new host's files.
    pub sought: Sought,
    /// Domains whose mail this host handles otherwise than the old one did, sorted by name.
    pub domains: Vec<MovedDomain>,
    /// Why some of their domains or keys cannot be compared: sentences without their ends.
    pub open: Vec<String>,
}

/// A domain of the old host whose mail is handled otherwise here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedDomain {
    /// Its name.
    pub name: DomainName,
    /// What is not as it was.
    pub what: MovedMail,
    /// Where that stands, as far as it stands in a list, and whether that is on the old host.
    pub at: Option<(Origin, bool)>,
}

/// What is not as it was with a domain's mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MovedMail {
    /// What is done with mail for it: `local`, `remote` or `secondary`.
    Handled {
        /// On the old host.
        was: &'static str,
        /// Here; `None`: nothing.
        is: Option<&'static str>,
    },
    /// A key that its mail was signed with.
    Signed {
        /// Where the public part is published.
        record: DomainName,
        /// The file of the private key on the old host.
        file: String,
        /// What signs it here.
        is: SignedHere,
    },
}

/// What a domain's mail is signed with on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignedHere {
    /// No key.
    Nothing,
    /// A key that is published under another name.
    AnotherName,
    /// Another key under the same name.
    AnotherKey,
}

/// An address or a name that is meant to become another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    /// An address.
    Address {
        /// Before.
        old: IpAddr,
        /// After.
        new: IpAddr,
    },
    /// A name.
    Name {
        /// Before.
        old: DomainName,
        /// After.
        new: DomainName,
    },
}

impl Mapped {
    /// Both sides as texts.
    pub fn texts(&self) -> (String, String) {
        match self {
            Mapped::Address { old, new } => (old.to_string(), new.to_string()),
            Mapped::Name { old, new } => (old.to_string(), new.to_string()),
        }
    }
}

impl fmt::Display for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = self.texts();
        write!(f, "{old}={new}")
    }
}

/// What the DNS answered: the data of the records, sorted, by question (`mail.example.com. A`). A question without answer is not in it.
pub type Answers = BTreeMap<String, BTreeSet<String>>;

/// Addresses and names of an old host that the new one does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sought {
    /// Addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Names, as the DNS compares them.
    pub names: BTreeSet<DomainName>,
}

impl Sought {
    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.names.is_empty()
    }

    /// Those of them that stand in a text, each with its place.
    pub fn in_text<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (std::ops::Range<usize>, Value)> + 't {
        words(text).filter_map(|(range, value)| {
            let is_sought = match &value {
                Value::Address(address) => self.addresses.contains(address),
                Value::Name(name) => self.names.contains(name),
            };
            is_sought.then_some((range, value))
        })
    }
}

/// An old address or name in a file of the new host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where.
    pub span: Span,
    /// What.
    pub value: Value,
    /// Whether it stands in a comment.
    pub in_comment: bool,
}

/// A record that a transfer took out of a zone, and left there as a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRecord {
    /// Its name and type, as questions are written: `mail.example.com. A`.
    pub question: String,
    /// What it said, as the zone writes it.
    pub data: String,
    /// When it went, as the comment says; may be empty.
    pub when: String,
    /// The comment.
    pub origin: Origin,
}

/// An address or a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// An address.
    Address(IpAddr),
    /// A name.
    Name(DomainName),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Address(address) => write!(f, "{address}"),
            Value::Name(name) => write!(f, "{name}"),
        }
    }
}

/// The addresses and names in a text, each with its place: what stands between characters that neither has. `ip4:192.0.2.1`,
/// `[192.0.2.1]:25`, `IPv6:2001:db8::1` and `mail.example.com:25` are taken apart; `::ffff:192.0.2.1` is the IPv4 address in it.
pub fn words(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, Value)> + '_ {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':') || !byte.is_ascii();
    let bytes = text.as_bytes();
    let mut at = 0;
    let runs = std::iter::from_fn(move || {
        let start = at + bytes.get(at..)?.iter().position(|byte| fits(*byte))?;
        let end = bytes[start..].iter().position(|byte| !fits(*byte)).map_or(bytes.len(), |length| start + length);
        at = end;
        Some(start..end)
    });
    runs.flat_map(move |run| in_run(&text[run.clone()], run.start))
}

/// Longest run that may be an address with a prefix such as `ip6:` before it.
const LONGEST_ADDRESS: usize = 64;

/// The words of a run of characters, which begins at `start`.
fn in_run(run: &str, start: usize) -> Vec<(std::ops::Range<usize>, Value)> {
    let trimmed = run.trim_start_matches(['.', '-']);
    let start = start + run.len() - trimmed.len();
    let run = trimmed.trim_end_matches(['.', '-']);
    if run.len() <= LONGEST_ADDRESS && run.contains(':') {
        let skip = ["ipv6:", "ip6:"]
            .into_iter()
            .find(|head| run.get(..head.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(head)));
        let from = skip.map_or(0, str::len);
        // `2001:db8::1:` is the key of a map.
        let text = match run[from..].strip_suffix(':') {
            Some(rest) if !rest.ends_with(':') => rest,
            _ => &run[from..],
        };
        if let Ok(address) = text.parse::<IpAddr>().map(|address| address.to_canonical()) {
            return vec![(start + from..start + from + text.len(), Value::Address(address))];
        }
    }
    let mut found = Vec::new();
    let mut at = start;
    for part in run.split(':') {
        let text = part.trim_matches(['.', '-']);
        let from = at + (part.len() - part.trim_start_matches(['.', '-']).len());
        if let Ok(address) = text.parse::<IpAddr>() {
            found.push((from..from + text.len(), Value::Address(address)));
        } else if text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            found.push((from..from + text.len(), Value::Name(DomainName::new(text))));
        }
        at += part.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_found_wherever_they_stand() {
        for (text, expected) in [
            ("smtp_bind_address = 198.51.100.7", &["smtp_bind_address", "198.51.100.7"][..]),
            ("[198.51.100.7]:25", &["198.51.100.7"]),
            ("v=spf1 ip4:198.51.100.7/32 -all", &["v", "spf1", "ip4", "198.51.100.7", "all"]),
            ("ip6:2001:db8::7/64", &["2001:db8::7"]),
            ("[IPv6:2001:DB8::7]", &["2001:db8::7"]),
            ("2001:db8::7: mail.example.com.", &["2001:db8::7", "mail.example.com"]),
            ("example.com: 198.51.100.7; 2001:db8::7", &["example.com", "198.51.100.7", "2001:db8::7"]),
            ("[::ffff:198.51.100.7]:25", &["198.51.100.7"]),
            ("root@Mail.example.com,", &["root", "mail.example.com"]),
            ("mail.example.com:587", &["mail.example.com"]),
            ("198.51.100.70 1198.51.100.7", &["198.51.100.70", "1198.51.100.7"]),
            ("::ffff", &["::ffff"]),
            ("a::b::c", &["a", "b", "c"]),
            ("", &[]),
            ("zwölf", &["zwölf"]),
        ] {
            let found: Vec<String> = words(text).map(|(_, value)| value.to_string()).collect();
            // What is all digits and dots and no address is nothing.
            let expected: Vec<&str> = expected.iter().copied().filter(|word| *word != "1198.51.100.7").collect();
            assert_eq!(found, expected, "{text}");
            for (range, value) in words(text) {
                let shown = text.get(range).unwrap().to_ascii_lowercase();
                assert_eq!(
                    shown.trim_start_matches("::ffff:"),
                    value.to_string().to_ascii_lowercase().trim_start_matches("::ffff:"),
                    "{text}"
                );
            }
        }
    }
}
