//! Networks in lists of hosts, and in tables of `iplsearch`.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// A network in CIDR notation; a plain address is a network of one.
pub(crate) fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let full = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() { full } else { bits.parse().ok()? };
    (bits <= full).then_some((address, bits))
}

/// Whether `address` lies in the network.
pub(crate) fn within(address: IpAddr, net: IpAddr, bits: u32) -> bool {
    first_of(address, bits) == first_of(net, bits)
}

/// The first address of the network of `bits` bits that `address` lies in.
fn first_of(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

/// The networks that are the keys of a table: which entry comes first for an address is found without a look at each.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    /// By the network's first address and its bits, the place of its first entry.
    places: HashMap<(IpAddr, u32), usize>,
    /// The numbers of bits that there are.
    bits: BTreeSet<u32>,
}

impl Networks {
    /// Of the keys of a table, in its order; those that are no network are passed over.
    pub(crate) fn of<'k>(keys: impl Iterator<Item = &'k str>) -> Networks {
        let mut networks = Networks::default();
        for (at, key) in keys.enumerate() {
            let Some((net, bits)) = network(key) else { continue };
            networks.places.entry((first_of(net, bits), bits)).or_insert(at);
            networks.bits.insert(bits);
        }
        networks
    }

    /// The place of the first entry whose network `address` lies in.
    pub(crate) fn place(&self, address: IpAddr) -> Option<usize> {
        let networks = self.bits.iter().map(|bits| (first_of(address, *bits), *bits));
        networks.filter_map(|network| self.places.get(&network)).min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_network_in_the_file_counts_as_when_each_is_tried() {
        let keys = [
            "10.0.0.0/8",
            "no network",
            "192.0.2.7",
            "192.0.2.0/24",
            "192.0.2.7/32",
            "10.1.0.0/16",
            "2001:db8::/32",
            "::/0",
            "0.0.0.0/0",
            "2001:db8::1",
        ];
        let networks = Networks::of(keys.into_iter());
        for address in
            ["10.1.2.3", "192.0.2.7", "192.0.2.8", "198.51.100.1", "2001:db8::1", "2001:db9::1", "::ffff:10.0.0.1"]
        {
            let address: IpAddr = address.parse().unwrap();
            let lies = |key: &&str| network(key).is_some_and(|(net, bits)| within(address, net, bits));
            assert_eq!(networks.place(address), keys.iter().position(lies), "{address}");
        }
        let short = Networks::of(["192.0.2.8/30"].into_iter());
        assert_eq!((short.place([192, 0, 2, 11].into()), short.place([192, 0, 2, 12].into())), (Some(0), None));
    }
}
