//! Addresses: families, classes with the documents that define them, and names in the reverse tree.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::name::DomainName;

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl From<IpAddr> for Family {
    fn from(addr: IpAddr) -> Family {
        if addr.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
    }
}

impl Family {
    /// Both families, IPv4 first.
    pub const BOTH: [Family; 2] = [Family::Ipv4, Family::Ipv6];

    /// `IPv4` or `IPv6`.
    pub fn title(self) -> &'static str {
        match self {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        }
    }

    /// The type of its address records: `A` or `AAAA`.
    pub fn record(self) -> &'static str {
        match self {
            Family::Ipv4 => "A",
            Family::Ipv6 => "AAAA",
        }
    }
}

/// Ranges that are not public, each with the document that sets it apart. The documentation and benchmarking
/// ranges (RFC 5737, RFC 3849, RFC 2544) are missing on purpose: they count as public, so that examples and test networks behave as
/// the real thing does.
const SPECIAL_V4: &[(Ipv4Addr, u8, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network (RFC 791)"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private (RFC 1918)"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared, carrier-grade NAT (RFC 6598)"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback (RFC 1122)"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local (RFC 3927)"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private (RFC 1918)"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "IETF protocol assignments (RFC 6890)"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private (RFC 1918)"),
    (Ipv4Addr::new(224, 0, 0, 0), 3, "multicast or reserved (RFC 1112)"),
];

const SPECIAL_V6: &[(Ipv6Addr, u8, &str)] = &[
    (Ipv6Addr::LOCALHOST, 128, "loopback (RFC 4291)"),
    (Ipv6Addr::UNSPECIFIED, 127, "unspecified (RFC 4291)"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "IPv4-mapped (RFC 4291)"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "local-use translation (RFC 8215)"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "discard-only (RFC 6666)"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique local (RFC 4193)"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local (RFC 4291)"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local, deprecated (RFC 3879)"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast (RFC 4291)"),
];

/// Why `addr` is not public, with the document that says so; `None` where it is public.
pub fn special_purpose(addr: IpAddr) -> Option<&'static str> {
    match addr {
        IpAddr::V4(v4) => {
            let inside =
                |(net, bits, _): &&(Ipv4Addr, u8, &str)| v4.to_bits() >> (32 - bits) == net.to_bits() >> (32 - bits);
            SPECIAL_V4.iter().find(inside).map(|(_, _, why)| *why)
        }
        IpAddr::V6(v6) => {
            let inside =
                |(net, bits, _): &&(Ipv6Addr, u8, &str)| v6.to_bits() >> (128 - bits) == net.to_bits() >> (128 - bits);
            SPECIAL_V6.iter().find(inside).map(|(_, _, why)| *why)
        }
    }
}

/// Whether `addr` can be reached from the public Internet. The documentation ranges
/// (RFC 5737, RFC 3849) count as public, so that examples behave like real hosts.
pub fn is_public(addr: IpAddr) -> bool {
    special_purpose(addr).is_none()
}

/// The IPv4 address that an IPv6 address stands for or leads to: IPv4-compatible (RFC 4291 section 2.5.5.1), IPv4-mapped, translated (RFC
/// 6052), 6to4 (RFC 3056), Teredo's client (RFC 4380 section 4).
pub fn embedded_ipv4(addr: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = addr.segments();
    let of = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0] if g != 0 => of(g, h),
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => of(g, h),
        [0x2002, ..] => of(b, c),
        [0x2001, 0, ..] => of(!g, !h),
        _ => None,
    }
}

/// Whether packets to `addr` can only end in the public Internet: it is public, and so is the IPv4 address that it embeds.
pub fn leads_to_the_public(addr: IpAddr) -> bool {
    let embedded = match addr {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => embedded_ipv4(v6),
    };
    is_public(addr) && embedded.is_none_or(|v4| is_public(v4.into()))
}

/// Whether two addresses of one family share a prefix of this length; one that is longer than the family's addresses is as long as these.
pub fn shares_prefix(one: IpAddr, other: IpAddr, length: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (one.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(length).min(u32::BITS)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            (one.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(length).min(u128::BITS)
        }
        _ => false,
    }
}

/// Whether `addr` is link-local (RFC 3927, RFC 4291 section 2.5.6).
pub fn is_link_local(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// The name that `addr` has in the reverse tree: below `in-addr.arpa` (RFC 1035 section 3.5) or `ip6.arpa` (RFC 3596 section 2.5).
pub fn reverse_name(addr: IpAddr) -> DomainName {
    let text = match addr {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let mut text = String::with_capacity(72);
            for byte in v6.octets().iter().rev() {
                text.push_str(&format!("{:x}.{:x}.", byte & 15, byte >> 4));
            }
            text + "ip6.arpa"
        }
    };
    DomainName::new(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let addr = |text: &str| text.parse::<IpAddr>().unwrap();
        for (one, other, length, shared) in [
            ("192.0.2.10", "192.0.2.200", 24, true),
            ("192.0.2.10", "192.0.3.10", 24, false),
            ("192.0.2.10", "203.0.113.1", 0, true),
            ("192.0.2.10", "192.0.2.11", 32, false),
            ("192.0.2.10", "192.0.2.10", 200, true),
            ("2001:db8::1", "2001:db8::2", 64, true),
            ("2001:db8::1", "2001:db8:0:1::1", 64, false),
            ("2001:db8::1", "192.0.2.10", 0, false),
        ] {
            assert_eq!(shares_prefix(addr(one), addr(other), length), shared, "{one} {other}/{length}");
        }
    }

    #[test]
    fn an_embedded_address_decides() {
        for (text, public) in [
            ("192.0.2.1", true),
            ("127.0.0.1", false),
            ("2001:db8::1", true),
            ("::127.0.0.1", false),
            ("::10.0.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::192.0.2.1", true),
            ("2002:c0a8:101::1", false),
            ("2002:c000:201::1", true),
            ("2001:0:c000:201::80ff:fffe", false),
            ("2001:0:c000:201::3fff:fdfe", true),
            ("::ffff:192.0.2.1", false),
        ] {
            assert_eq!(leads_to_the_public(text.parse().unwrap()), public, "{text}");
        }
    }

    #[test]
    fn public_is_what_the_catalogue_says() {
        for (text, public) in [
            ("192.0.2.1", true),
            ("198.18.0.1", true),
            ("203.0.113.9", true),
            ("2001:db8::1", true),
            ("64:ff9b::1", true),
            ("8.8.8.8", true),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("172.31.255.255", false),
            ("172.32.0.1", true),
            ("192.0.0.9", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:192.0.2.1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            let addr: IpAddr = text.parse().unwrap();
            assert_eq!(is_public(addr), public, "{text}");
        }
    }

    #[test]
    fn reverse_names() {
        assert_eq!(reverse_name("192.0.2.10".parse().unwrap()).as_str(), "10.2.0.192.in-addr.arpa");
        assert_eq!(
            reverse_name("2001:db8::25".parse().unwrap()).as_str(),
            "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }
}
