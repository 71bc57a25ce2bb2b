//! What receivers see of a private address.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Cpanel, CpanelNat, Fact, Host, NatEntry, NatMap, Origin};

/// The NAT images, the strongest first: the command line's, then the settings', then cPanel's, then Postfix' `proxy_interfaces`
/// where that names exactly one public address of a family (rules.md, *sending address*). What a file says of addresses that all have a
/// stronger image is left out: it is no address of this host.
pub(crate) fn nat_map(
    options: &[NatEntry],
    cpanel: Option<&Cpanel>,
    proxy_interfaces: &[Fact<IpAddr>],
    host: &Host,
) -> NatMap {
    let mut entries: Vec<NatEntry> = Vec::new();
    for entry in options {
        if !gives_way(entry, &entries, host) {
            entries.push(entry.clone());
        }
    }
    let named: HashSet<IpAddr> = entries.iter().filter_map(|entry| entry.local).collect();
    let pairs = cpanel.iter().flat_map(|cpanel| &cpanel.nat).filter(|pair| !named.contains(&pair.local.value));
    let image = |pair: &CpanelNat| {
        Some(NatEntry { local: Some(pair.local.value), public: pair.public?, origin: pair.local.origin.clone() })
    };
    entries.extend(pairs.filter_map(image));
    for family in Family::BOTH {
        let mut public: Vec<&Fact<IpAddr>> =
            proxy_interfaces.iter().filter(|f| Family::from(f.value) == family && addr::is_public(f.value)).collect();
        public.dedup_by_key(|fact| fact.value);
        let [only] = public[..] else { continue };
        if !is_covered(family, entries.iter(), host) {
            entries.push(NatEntry { local: None, public: only.value, origin: only.origin.clone() });
        }
    }
    NatMap(entries)
}

/// Whether a file says this of addresses of which the command line, among `stronger`, says another image. What options say is always said of
/// this host.
pub(crate) fn gives_way(entry: &NatEntry, stronger: &[NatEntry], host: &Host) -> bool {
    let is_flag = |entry: &NatEntry| matches!(entry.origin, Origin::Flag { .. });
    let mut flags = stronger.iter().filter(|entry| is_flag(entry));
    !is_flag(entry)
        && match entry.local {
            Some(local) => flags.any(|flag| flag.local == Some(local)),
            None => is_covered(Family::from(entry.public), flags, host),
        }
}

/// Whether entries give every private address of the family an image.
fn is_covered<'e>(family: Family, entries: impl Iterator<Item = &'e NatEntry> + Clone, host: &Host) -> bool {
    if entries.clone().any(|entry| entry.local.is_none() && Family::from(entry.public) == family) {
        return true;
    }
    let named: HashSet<IpAddr> = entries.filter_map(|entry| entry.local).collect();
    let source = host.source.for_family(family);
    let own = host.own_addresses().map(|own| own.address).filter(|own| Family::from(*own) == family);
    let mut private = own.chain(source).filter(|own| !addr::is_public(*own)).peekable();
    host.addresses.is_some() && private.peek().is_some() && private.all(|own| named.contains(&own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::InterfaceAddress;

    const ROUTE: Origin = Origin::kernel("route");

    #[test]
    fn nat_images_by_strength() {
        let entry = |local: Option<&str>, public: &str| NatEntry {
            local: local.map(|l| l.parse().unwrap()),
            public: public.parse().unwrap(),
            origin: Origin::flag("--public-ip"),
        };
        let proxy = [Fact::new("198.51.100.9".parse().unwrap(), ROUTE)];
        let host = Host::unknown("test");
        let nat = nat_map(
            &[entry(Some("10.0.0.5"), "203.0.113.5"), entry(Some("10.0.0.5"), "203.0.113.6")],
            None,
            &proxy,
            &host,
        );
        let sending = |text: &str| nat.sending(&Fact::new(text.parse().unwrap(), ROUTE)).map(|f| f.value.to_string());
        assert_eq!(sending("10.0.0.5").as_deref(), Some("203.0.113.5"), "the command line goes first");
        assert_eq!(
            sending("10.0.0.9").as_deref(),
            Some("198.51.100.9"),
            "proxy_interfaces stands for every private source"
        );
        assert_eq!(sending("192.0.2.10").as_deref(), Some("192.0.2.10"), "a public source is its own image");
        assert_eq!(sending("fd00::1"), None);
        let two = [proxy[0].clone(), Fact::new("198.51.100.10".parse().unwrap(), ROUTE)];
        assert_eq!(nat_map(&[], None, &two, &host).0, []);
    }

    #[test]
    fn proxy_interfaces_speaks_for_what_is_left() {
        let flag = |local: Option<&str>, public: &str| NatEntry {
            local: local.map(|local| local.parse().unwrap()),
            public: public.parse().unwrap(),
            origin: Origin::flag("--public-ip"),
        };
        let on = |address: &&str| InterfaceAddress {
            interface: "eth0".into(),
            address: address.parse().unwrap(),
            prefix_length: None,
            flags: Vec::new(),
        };
        let proxies =
            ["198.51.100.10", "2001:db8:99::10"].map(|proxy| Fact::new(proxy.parse::<IpAddr>().unwrap(), ROUTE));
        let own: &[&str] = &["127.0.0.1", "10.0.0.5", "10.0.0.6", "203.0.113.99", "fe80::5", "fd00::5"];
        for (options, own, left) in [
            (vec![], Some(own), &["198.51.100.10", "2001:db8:99::10"][..]),
            (vec![flag(None, "203.0.113.10")], Some(own), &["2001:db8:99::10"]),
            (vec![flag(None, "203.0.113.10")], None, &["2001:db8:99::10"]),
            (vec![flag(None, "2001:db8::10")], Some(own), &["198.51.100.10"]),
            (vec![flag(None, "203.0.113.10"), flag(None, "2001:db8::10")], Some(own), &[]),
            // An image for one leaves the other.
            (vec![flag(Some("10.0.0.5"), "203.0.113.10")], Some(own), &["198.51.100.10", "2001:db8:99::10"]),
            (
                vec![flag(Some("10.0.0.5"), "203.0.113.10"), flag(Some("10.0.0.6"), "203.0.113.11")],
                Some(own),
                &["2001:db8:99::10"],
            ),
            (vec![flag(Some("fd00::5"), "2001:db8::10")], Some(own), &["198.51.100.10"]),
            // There may be more than are known.
            (vec![flag(Some("fd00::5"), "2001:db8::10")], None, &["198.51.100.10", "2001:db8:99::10"]),
        ] {
            let host = Host { addresses: own.map(|own| own.iter().map(on).collect()), ..Host::unknown("test") };
            let nat = nat_map(&options, None, &proxies, &host);
            let found: Vec<String> = nat.0[options.len()..].iter().map(|entry| entry.public.to_string()).collect();
            assert_eq!(found, left, "{options:?}");
        }
    }

    #[test]
    fn what_files_say_of_an_address_gives_way_to_the_command_line() {
        let entry = |local: Option<&str>, public: &str, origin: Origin| NatEntry {
            local: local.map(|local| local.parse().unwrap()),
            public: public.parse().unwrap(),
            origin,
        };
        let flag = |local, public| entry(local, public, Origin::flag("--public-ip"));
        // As the settings file has it, or the file of an earlier run.
        let file = |local, public| entry(local, public, Origin::default_of("settings"));
        let cpanel = Cpanel {
            nat: [("10.0.0.5", "198.51.100.5"), ("10.0.0.6", "198.51.100.6")]
                .map(|(local, public)| CpanelNat {
                    local: Fact::new(local.parse().unwrap(), ROUTE),
                    public: public.parse().ok(),
                })
                .into(),
            ..crate::rules::testing::cpanel()
        };
        for (options, left) in [
            (vec![], &["198.51.100.5", "198.51.100.6"][..]),
            (vec![flag(Some("10.0.0.5"), "203.0.113.5")], &["203.0.113.5", "198.51.100.6"]),
            (vec![file(Some("10.0.0.6"), "203.0.113.6")], &["203.0.113.6", "198.51.100.5"]),
            (
                vec![flag(Some("10.0.0.5"), "203.0.113.5"), file(Some("10.0.0.5"), "192.0.2.5")],
                &["203.0.113.5", "198.51.100.6"],
            ),
            (
                vec![flag(None, "203.0.113.5"), file(None, "192.0.2.5"), file(None, "2001:db8::5")],
                &["203.0.113.5", "2001:db8::5", "198.51.100.5", "198.51.100.6"],
            ),
            // All that the command line says is said of this host.
            (
                vec![flag(None, "203.0.113.5"), flag(None, "203.0.113.6")],
                &["203.0.113.5", "203.0.113.6", "198.51.100.5", "198.51.100.6"],
            ),
        ] {
            let nat = nat_map(&options, Some(&cpanel), &[], &Host::unknown("test"));
            let found: Vec<String> = nat.0.iter().map(|entry| entry.public.to_string()).collect();
            assert_eq!(found, left, "{options:?}");
        }
    }

    #[test]
    fn several_local_addresses_may_share_a_public_one() {
        let pair = |local: &str, public: Option<&str>| CpanelNat {
            local: Fact::new(local.parse().unwrap(), ROUTE),
            public: public.map(|addr| addr.parse().unwrap()),
        };
        let cpanel = Cpanel {
            nat: vec![pair("10.0.0.4", Some("192.0.2.4")), pair("10.0.0.5", Some("192.0.2.4")), pair("10.0.0.6", None)],
            ..crate::rules::testing::cpanel()
        };
        let nat = nat_map(&[], Some(&cpanel), &[], &Host::unknown("test"));
        for (local, public) in [("10.0.0.4", Some("192.0.2.4")), ("10.0.0.5", Some("192.0.2.4")), ("10.0.0.6", None)] {
            let local = Fact::new(local.parse().unwrap(), ROUTE);
            assert_eq!(nat.sending(&local).map(|image| image.value.to_string()).as_deref(), public);
        }
    }
}
