//! What receivers see of a private address.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Cpanel, CpanelNat, Fact, Host, NatEntry, NatMap};

/// The NAT images, the strongest first: the command line's, then cPanel's, then Postfix' `proxy_interfaces`
/// where that names exactly one public address of a family (rules.md, *sending address*), and only where these leave a private address of
/// that family without an image: what it says of none is not of this host.
pub(crate) fn nat_map(
    options: &[NatEntry],
    cpanel: Option<&Cpanel>,
    proxy_interfaces: &[Fact<IpAddr>],
    host: &Host,
) -> NatMap {
    let mut entries = options.to_vec();
    let image = |pair: &CpanelNat| {
        Some(NatEntry { local: Some(pair.local.value), public: pair.public?, origin: pair.local.origin.clone() })
    };
    entries.extend(cpanel.iter().flat_map(|cpanel| &cpanel.nat).filter_map(image));
    for family in Family::BOTH {
        let mut public: Vec<&Fact<IpAddr>> =
            proxy_interfaces.iter().filter(|f| Family::from(f.value) == family && addr::is_public(f.value)).collect();
        public.dedup_by_key(|fact| fact.value);
        if let [only] = public[..] {
            if !is_covered(family, &entries, host) {
                entries.push(NatEntry { local: None, public: only.value, origin: only.origin.clone() });
            }
        }
    }
    NatMap(entries)
}

/// Whether entries give every private address of the family an image.
fn is_covered(family: Family, entries: &[NatEntry], host: &Host) -> bool {
    if entries.iter().any(|entry| entry.local.is_none() && Family::from(entry.public) == family) {
        return true;
    }
    let named: HashSet<IpAddr> = entries.iter().filter_map(|entry| entry.local).collect();
    let source = host.source.for_family(family);
    let own = host.own_addresses().map(|own| own.address).filter(|own| Family::from(*own) == family);
    let mut private = own.chain(source).filter(|own| !addr::is_public(*own)).peekable();
    host.addresses.is_some() && private.peek().is_some() && private.all(|own| named.contains(&own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{InterfaceAddress, Origin};

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
