//! What each program checks of its parameters when it starts, and refuses in its own words.

use std::collections::HashSet;
use std::net::IpAddr;

use super::environment::{Environment, Resolved};
use crate::addr::Family;

/// Octets of a host name that Postfix allows (valid_hostname(3)).
const NAME_LIMIT: usize = 255;
/// Names and addresses of `inet_interfaces` that are looked at: more than any host has.
const INTERFACES_LIMIT: usize = 4096;
/// Octets of a label.
const LABEL_LIMIT: usize = 63;

/// Whether Postfix takes the text as a host name (valid_hostname(3)): underscores pass, a final dot does not.
pub(crate) fn is_valid_hostname(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_LIMIT
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let numeric = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    !name.is_empty() && name.len() <= NAME_LIMIT && !numeric && name.split('.').all(is_label)
}

/// Words of a list: blanks and commas stand between them.
pub(crate) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty())
}

/// The families that `inet_protocols` allows.
///
/// # Errors
/// In Postfix's words, where a word of it is none.
pub(crate) fn families(value: &str) -> Result<Vec<Family>, String> {
    let mut found = Vec::new();
    for word in words(value) {
        match word {
            "all" => found.extend(Family::BOTH),
            "ipv4" => found.push(Family::Ipv4),
            "ipv6" => found.push(Family::Ipv6),
            _ => return Err(format!("unknown inet_protocols value \"{word}\" in \"{value}\"")),
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The addresses that Postfix counts as its own by `inet_interfaces`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnAddresses {
    /// Those of all interfaces, or of the loopback interface: never one alone that could be bound to.
    Interfaces,
    /// These.
    Only(Vec<IpAddr>),
    /// This name is in no file.
    Undecided(String),
    /// There are more names and addresses than helolint looks at.
    TooMany,
}

/// Reads `inet_interfaces`.
///
/// # Errors
/// In Postfix's words, where an address is on no interface or a name is unknown.
pub(crate) fn own_addresses(value: &str, protocols: &[Family], env: &Environment<'_>) -> Result<OwnAddresses, String> {
    if matches!(value, "all" | "loopback-only") {
        return Ok(OwnAddresses::Interfaces);
    }
    // Without networking nobody looks.
    if protocols.is_empty() {
        return Ok(OwnAddresses::Only(Vec::new()));
    }
    if words(value).nth(INTERFACES_LIMIT).is_some() {
        return Ok(OwnAddresses::TooMany);
    }
    let mut own: Vec<IpAddr> = Vec::new();
    let mut unknown = None;
    for word in words(value) {
        match env.resolve(word) {
            Resolved::Addresses(found) => {
                let usable: Vec<IpAddr> =
                    found.into_iter().filter(|addr| protocols.contains(&Family::from(*addr))).collect();
                if usable.is_empty() {
                    return Err(format!("config variable inet_interfaces: host not found: {word}"));
                }
                own.extend(usable);
            }
            Resolved::Unknown if env.never_resolves(word) => {
                return Err(format!("config variable inet_interfaces: host not found: {word}"));
            }
            Resolved::NotFound => return Err(format!("config variable inet_interfaces: host not found: {word}")),
            Resolved::Unknown => unknown = Some(word.to_owned()),
        }
    }
    let mut seen = HashSet::new();
    let unique: Vec<IpAddr> = own.into_iter().filter(|address| seen.insert(*address)).collect();
    if let Some(stale) = unique.iter().find(|address| env.is_local(**address) == Some(false)) {
        return Err(format!("parameter inet_interfaces: no local interface found for {stale}"));
    }
    Ok(unknown.map_or(OwnAddresses::Only(unique), OwnAddresses::Undecided))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_as_postfix_takes_them() {
        for (name, valid) in [
            ("mail.example.com", true),
            ("my_mail.example.com", true),
            ("vm", true),
            ("mail.example.com.", false),
            ("192.0.2.25", false),
            ("\"mail.example.com\"", false),
            ("-a.example", false),
            ("a..b", false),
            ("", false),
        ] {
            assert_eq!(is_valid_hostname(name), valid, "{name}");
        }
    }

    #[test]
    fn interfaces_are_bounded() {
        let read = |_: &str| Err(crate::collect::root::ReadError::NotFound);
        let host: crate::facts::Host = crate::rules::testing::healthy().host;
        let mut env = Environment::read(&host, None, false, &read);
        env.addresses = None;
        let list = |count: usize| (0..count).map(|n| format!("10.0.{}.{} ", n >> 8, n & 255)).collect::<String>();
        let own = |count| own_addresses(&list(count), &Family::BOTH, &env);
        assert!(matches!(own(INTERFACES_LIMIT), Ok(OwnAddresses::Only(all)) if all.len() == INTERFACES_LIMIT));
        assert_eq!(own(INTERFACES_LIMIT + 1), Ok(OwnAddresses::TooMany));
    }

    #[test]
    fn protocols() {
        assert_eq!(families("all"), Ok(vec![Family::Ipv4, Family::Ipv6]));
        assert_eq!(families("ipv4, ipv6"), Ok(vec![Family::Ipv4, Family::Ipv6]));
        assert_eq!(families(""), Ok(vec![]));
        assert_eq!(families("IPv4"), Err("unknown inet_protocols value \"IPv4\" in \"IPv4\"".into()));
    }
}
