//! What receivers see of a private address.

use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Cpanel, CpanelNat, Fact, NatEntry, NatMap};

/// The NAT images, the strongest first: the command line's, then cPanel's, then Postfix' `proxy_interfaces`
/// where that names exactly one public address of a family (rules.md, *sending address*).
pub(crate) fn nat_map(options: &[NatEntry], cpanel: Option<&Cpanel>, proxy_interfaces: &[Fact<IpAddr>]) -> NatMap {
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
            entries.push(NatEntry { local: None, public: only.value, origin: only.origin.clone() });
        }
    }
    NatMap(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Origin;

    const ROUTE: Origin = Origin::kernel("route");

    #[test]
    fn nat_images_by_strength() {
        let entry = |local: Option<&str>, public: &str| NatEntry {
            local: local.map(|l| l.parse().unwrap()),
            public: public.parse().unwrap(),
            origin: Origin::flag("--public-ip"),
        };
        let proxy = [Fact::new("198.51.100.9".parse().unwrap(), ROUTE)];
        let nat =
            nat_map(&[entry(Some("10.0.0.5"), "203.0.113.5"), entry(Some("10.0.0.5"), "203.0.113.6")], None, &proxy);
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
        assert_eq!(nat_map(&[], None, &two).0, []);
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
        let nat = nat_map(&[], Some(&cpanel), &[]);
        for (local, public) in [("10.0.0.4", Some("192.0.2.4")), ("10.0.0.5", Some("192.0.2.4")), ("10.0.0.6", None)] {
            let local = Fact::new(local.parse().unwrap(), ROUTE);
            assert_eq!(nat.sending(&local).map(|image| image.value.to_string()).as_deref(), public);
        }
    }
}
