//! What Postfix asks of the host while it starts.

use std::net::IpAddr;
use std::sync::Arc;

use crate::collect::root::ReadError;
use crate::facts::{Fact, Host};
use crate::source::SourceFile;

/// The host, as Postfix sees it at its start.
pub struct Environment<'a> {
    /// gethostname(2); `None` where it is unknown.
    pub node_name: Option<Fact<String>>,
    /// Addresses on the interfaces, loopback included; `None` where they are unknown.
    pub addresses: Option<Vec<IpAddr>>,
    /// Names of the hosts file with their addresses.
    pub hosts: Vec<(String, IpAddr)>,
    /// Whether a name that the hosts file does not hold is unknown for good, as on a host without DNS.
    pub hosts_are_all: bool,
    /// Names of the interfaces, as far as they are known.
    pub interfaces: Vec<String>,
    /// Whether programs may bind to addresses that are on no interface, for IPv4 and for IPv6.
    pub nonlocal_bind: [bool; 2],
    /// Users of the host; `None` where they are unknown.
    pub users: Option<Vec<String>>,
    /// Whether Postfix has Debian's rule for `myorigin`: a value that begins with `/` names a file.
    pub debian: bool,
    /// The installed version; `None`: not known.
    pub version: Option<Fact<String>>,
    /// Reads a file by the path that the host knows it by.
    pub read: &'a dyn Fn(&str) -> Result<Arc<SourceFile>, ReadError>,
}

/// The addresses that a name or a numeric address stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// These.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NotFound,
    /// Files do not hold the name.
    Unknown,
}

impl<'a> Environment<'a> {
    /// The environment that the facts of a host make.
    pub fn read(
        host: &Host,
        users: Option<Vec<String>>,
        debian: bool,
        read: &'a dyn Fn(&str) -> Result<Arc<SourceFile>, ReadError>,
    ) -> Environment<'a> {
        let lines = host.hosts.iter();
        let hosts = lines.flat_map(|line| line.names.iter().map(|name| (name.value.clone(), line.address.value)));
        Environment {
            node_name: host.node_name.clone(),
            addresses: host.addresses.as_ref().map(|all| all.iter().map(|found| found.address).collect()),
            hosts: hosts.collect(),
            hosts_are_all: false,
            interfaces: host.addresses.iter().flatten().map(|on| on.interface.clone()).collect(),
            nonlocal_bind: [host.nonlocal_bind_v4, host.nonlocal_bind_v6],
            users,
            debian,
            version: None,
            read,
        }
    }

    /// What `name` stands for: an address, with or without brackets, or a name of the hosts file.
    pub fn resolve(&self, name: &str) -> Resolved {
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = bare.parse() {
            return Resolved::Addresses(vec![address]);
        }
        // The C library takes `127.1` and `0x7f000001` for addresses too (inet_aton(3)).
        if let Some(address) = inet_aton(bare) {
            return Resolved::Addresses(vec![address.into()]);
        }
        let found: Vec<IpAddr> =
            self.hosts.iter().filter(|(known, _)| known.eq_ignore_ascii_case(bare)).map(|(_, addr)| *addr).collect();
        if !found.is_empty() {
            return Resolved::Addresses(found);
        }
        // Where the hosts file lacks it, the C library still knows this one (RFC 6761 section 6.3).
        if bare.eq_ignore_ascii_case("localhost") {
            return Resolved::Addresses(vec![IpAddr::from([127, 0, 0, 1]), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)]);
        }
        if self.hosts_are_all { Resolved::NotFound } else { Resolved::Unknown }
    }

    /// Whether a name that no file holds can be no host's: other bytes than names have, a number as last label, a word that Postfix
    /// knows by itself but not in a list, or the name of one of this host's interfaces.
    pub fn never_resolves(&self, name: &str) -> bool {
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        let bare = bare.strip_suffix('.').unwrap_or(bare);
        let is_label = |label: &str| {
            let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            letters && !label.is_empty() && label.len() <= 63
        };
        let last = bare.rsplit('.').next().unwrap_or_default();
        !bare.split('.').all(is_label)
            || last.bytes().all(|byte| byte.is_ascii_digit())
            || ["all", "loopback-only"].iter().any(|word| bare.eq_ignore_ascii_case(word))
            || self.interfaces.iter().any(|interface| interface == bare)
    }

    /// Whether an address is on an interface, as far as that is known.
    pub fn is_local(&self, address: IpAddr) -> Option<bool> {
        self.addresses.as_ref().map(|all| all.contains(&address))
    }
}

/// The address that inet_aton(3) reads: one to four numbers, the last of which fills what is left.
fn inet_aton(text: &str) -> Option<std::net::Ipv4Addr> {
    let parts: Vec<&str> = text.split('.').collect();
    let (last, first) = parts.split_last().filter(|(_, first)| first.len() < 4)?;
    let number = |part: &str| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None if !part.starts_with(|c: char| c.is_ascii_digit()) => None,
        None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
        None => part.parse::<u32>().ok(),
    };
    let mut all: u32 = 0;
    for (at, part) in first.iter().enumerate() {
        let value = number(part).filter(|value| *value < 256)?;
        all |= value << (24 - 8 * at);
    }
    let left = 8 * (4 - first.len());
    let value = number(last)?;
    (left == 32 || value >> left == 0).then(|| std::net::Ipv4Addr::from(all | value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_the_c_library_reads_them() {
        for (text, expected) in [
            ("127.1", Some("127.0.0.1")),
            ("0x7f.1", Some("127.0.0.1")),
            ("2130706433", Some("127.0.0.1")),
            ("192.168.010", Some("192.168.0.8")),
            ("10.1.300", Some("10.1.1.44")),
            ("198.51.100.490", None),
            ("1.2.3.4.5", None),
            ("mail", None),
            ("", None),
            ("127.", None),
        ] {
            assert_eq!(inet_aton(text), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }
}
