//! The loopback's own names in the hosts file: programs reach this very host by them, so no change takes them away.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::Family;

/// Names that stand for the loopback addresses themselves, as distributions write them (hosts(5)).
const NAMES: [&str; 8] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
];

/// Whether a name is the loopback's own.
pub(super) fn is_own(name: &str) -> bool {
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether `localhost` has a loopback address of each family after a change that it had before.
pub(super) fn stays(old: &str, new: &str) -> bool {
    families(old).is_subset(&families(new))
}

/// The families in which a hosts file gives `localhost` a loopback address.
fn families(text: &str) -> BTreeSet<Family> {
    let of_line = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let addr: IpAddr = words.next()?.parse().ok()?;
        let named = words.any(|name| name.eq_ignore_ascii_case("localhost"));
        (addr.is_loopback() && named).then(|| Family::from(addr))
    };
    text.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_stays() {
        let both = "127.0.0.1 server.example.com localhost # x\n::1 LOCALHOST\n";
        for (new, expected) in [
            ("::1 localhost\n", false),
            ("127.0.0.1 server.example.com\n::1 localhost\n", false),
            ("127.0.0.1 # localhost\n::1 localhost\n", false),
            ("127.0.0.1 localhost\n", false),
            ("192.0.2.1 localhost\n::1 localhost\n", false),
            ("127.0.0.1 localhost\n::1 localhost\n192.0.2.1 server.example.com\n", true),
        ] {
            assert_eq!(stays(both, new), expected, "{new:?}");
        }
        assert!(stays("192.0.2.1 server.example.com\n", ""), "what was not there need not stay");
        assert!(is_own("Localhost.LocalDomain") && !is_own("localhost.example.com"));
    }
}
