//! Names: domain names as the DNS compares them, and HELO names as they go over the wire.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Suffixes below which no name is seen by the public DNS, as rule HST001 lists them.
const PRIVATE_SUFFIXES: [&str; 5] = ["local", "localdomain", "internal", "lan", "home.arpa"];
/// Octets of a name in presentation form (RFC 1123 section 2.1 by way of RFC 1035 section 2.3.4).
const NAME_LIMIT: usize = 253;
/// Octets of a label (RFC 1035 section 2.3.4).
const LABEL_LIMIT: usize = 63;

/// A domain name in lower case and without final dot: two that the DNS holds equal are equal.
///
/// The text may be any (a PTR record can hold what it likes); [`DomainName::host_fault`] says whether it is a host name.
/// The empty text is the root.
///
/// Copies share the text: answers hold the same names over and over.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, schemars::JsonSchema)]
#[serde(from = "String")]
pub struct DomainName(Arc<str>);

impl DomainName {
    /// The name that `text` spells: ASCII letters become lower case, one final dot goes.
    pub fn new(text: &str) -> DomainName {
        DomainName(DomainName::folded(text).into())
    }

    /// The text of the name that `text` spells, copied only where it differs.
    pub fn folded(text: &str) -> Cow<'_, str> {
        let text = match text.strip_suffix('.') {
            // In presentation form `\.` is a dot inside a label, and `\\` a backslash.
            Some(rest) if (rest.len() - rest.trim_end_matches('\\').len()).is_multiple_of(2) => rest,
            _ => text,
        };
        lower_case(text)
    }

    /// The name, without final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is printed, to be kept.
    pub fn shared(&self) -> Arc<str> {
        if self.0.is_empty() { ".".into() } else { Arc::clone(&self.0) }
    }

    /// Its labels, leftmost first; none for the root.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.').filter(|_| !self.0.is_empty())
    }

    /// The name without its leftmost label; `None` for the root.
    pub fn parent(&self) -> Option<DomainName> {
        if self.0.is_empty() {
            return None;
        }
        Some(DomainName(self.0.split_once('.').map_or("", |(_, rest)| rest).into()))
    }

    /// The name itself and each one above it, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = DomainName> + use<> {
        std::iter::successors(Some(self.clone()), DomainName::parent)
    }

    /// Whether the name is `zone` or below it.
    pub fn is_within(&self, zone: &DomainName) -> bool {
        self.ends_with(&zone.0)
    }

    /// Whether the name is the one that this lower-case text spells, or below it.
    fn ends_with(&self, zone: &str) -> bool {
        zone.is_empty() || self.0.strip_suffix(zone).is_some_and(|head| head.is_empty() || head.ends_with('.'))
    }

    /// Whether it has at least two labels.
    pub fn is_qualified(&self) -> bool {
        self.labels().count() >= 2
    }

    /// Whether it is `localhost`, `localhost.localdomain` or below one of the suffixes that the public DNS does not serve.
    pub fn is_private(&self) -> bool {
        &*self.0 == "localhost" || PRIVATE_SUFFIXES.iter().any(|suffix| self.ends_with(suffix))
    }

    /// What keeps the text from being a host name by RFC 1123 section 2.1; `None` where it is one.
    pub fn host_fault(&self) -> Option<String> {
        self.fault(false)
    }

    /// Whether the text is a host name by RFC 1123 section 2.1, or differs from one by nothing but underscores: such names are
    /// in use, and the DNS holds them.
    pub fn is_host_name_but_for_underscores(&self) -> bool {
        self.fault(true).is_none()
    }

    fn fault(&self, underscores: bool) -> Option<String> {
        let text = &*self.0;
        if text.is_empty() {
            return Some("it is empty".into());
        }
        if text.len() > NAME_LIMIT {
            return Some(format!("it has {} octets, over {NAME_LIMIT}", text.len()));
        }
        for label in text.split('.') {
            if label.is_empty() {
                return Some("it has an empty label".into());
            }
            if label.len() > LABEL_LIMIT {
                return Some(format!("label `{label}` has {} octets, over {LABEL_LIMIT}", label.len()));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Some(format!("label `{label}` begins or ends with a hyphen"));
            }
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || (underscores && byte == b'_');
            let bad = label.bytes().position(|byte| !fits(byte));
            if let Some(bad) = bad.and_then(|at| label.get(at..)?.chars().next()) {
                return Some(match bad {
                    '_' => format!("label `{label}` has an underscore"),
                    bad if bad.is_ascii_graphic() => format!("label `{label}` has the character `{bad}`"),
                    bad => format!("label `{label}` has the character `{}`", bad.escape_default()),
                });
            }
        }
        let last = text.rsplit('.').next().unwrap_or(text);
        last.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("its last label `{last}` is all digits"))
    }

    /// Whether the text is a host name by RFC 1123 section 2.1.
    pub fn is_host_name(&self) -> bool {
        self.host_fault().is_none()
    }

    /// The registrable domain that the name belongs to, by the public suffix list; `None` for a public suffix itself.
    pub fn registrable(&self) -> Option<DomainName> {
        psl::domain_str(&self.0).map(DomainName::new)
    }
}

impl Serialize for DomainName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<String> for DomainName {
    fn from(text: String) -> DomainName {
        DomainName::new(&text)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// ASCII letters in lower case, as names are compared; copied only where there are others.
pub fn lower_case(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// The argument of HELO or EHLO (RFC 5321 section 4.1.1.1), byte for byte as the MTA sends it: nothing is checked or folded.
/// Copies share the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HeloName(Arc<str>);

impl HeloName {
    /// The name that the MTA sends.
    pub fn new(text: impl Into<Arc<str>>) -> HeloName {
        HeloName(text.into())
    }

    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same to be kept.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The name as the DNS would be asked for it.
    pub fn domain(&self) -> DomainName {
        match DomainName::folded(&self.0) {
            Cow::Borrowed(same) if same.len() == self.0.len() => DomainName(Arc::clone(&self.0)),
            folded => DomainName(folded.into()),
        }
    }

    /// The address, where the text is an address literal (RFC 5321 section 4.1.3): `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    pub fn literal(&self) -> Option<IpAddr> {
        let inner = self.0.strip_prefix('[')?.strip_suffix(']')?;
        match inner.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner[5..].parse().ok().map(IpAddr::V6),
            _ => inner.parse().ok().map(IpAddr::V4),
        }
    }
}

impl fmt::Display for HeloName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_as_the_dns_does() {
        assert_eq!(DomainName::new("Mail.Example.COM."), DomainName::new("mail.example.com"));
        assert!(DomainName::new("a.example.com").is_within(&DomainName::new("example.com")));
        assert!(!DomainName::new("badexample.com").is_within(&DomainName::new("example.com")));
        assert_eq!(DomainName::new("com").parent(), Some(DomainName::new("")));
        assert_eq!(DomainName::new(".").parent(), None);
    }

    #[test]
    fn private_names() {
        for (name, private) in [
            ("localhost", true),
            ("localhost.localdomain", true),
            ("mx.corp.local", true),
            ("ip-10-0-0-1.ec2.internal", true),
            ("host.home.arpa", true),
            ("home.arpa.example.com", false),
            ("localhost.example.com", false),
            ("locale", false),
        ] {
            assert_eq!(DomainName::new(name).is_private(), private, "{name}");
        }
    }

    #[test]
    fn host_names_follow_rfc_1123() {
        let long = format!("{}.example", "a".repeat(64));
        for (name, fault) in [
            ("mail.example.com", None),
            ("3com.example", None),
            ("mail_1.example.com", Some("underscore")),
            ("mail..example.com", Some("empty label")),
            ("-a.example", Some("hyphen")),
            ("192.0.2.1", Some("all digits")),
            (&long, Some("over 63")),
            ("", Some("empty")),
            ("a b.example", Some("character")),
        ] {
            let found = DomainName::new(name).host_fault();
            match fault {
                None => assert_eq!(found, None, "{name}"),
                Some(words) => assert!(found.as_deref().is_some_and(|f| f.contains(words)), "{name}: {found:?}"),
            }
        }
    }

    #[test]
    fn underscores_are_the_only_thing_that_may_be_forgiven() {
        for (name, fits) in [
            ("mail.example.com", true),
            ("mail_1.example.com", true),
            ("_x._y.example.com", true),
            ("-a_b.example.com", false),
            ("a_.example.1", false),
            ("root:x:0.example", false),
            ("a b.example", false),
            ("ä.example", false),
            ("a+b/c=.example", false),
            ("a..example", false),
        ] {
            assert_eq!(DomainName::new(name).is_host_name_but_for_underscores(), fits, "{name}");
        }
    }

    #[test]
    fn address_literals() {
        assert_eq!(HeloName::new("[192.0.2.1]").literal(), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(HeloName::new("[IPv6:2001:db8::1]").literal(), Some("2001:db8::1".parse().unwrap()));
        for no in ["192.0.2.1", "[mail]", "[2001:db8::1]", "[ipv6:]", "[", ""] {
            assert_eq!(HeloName::new(no).literal(), None, "{no}");
        }
    }
}
