//! Hosts that are known already: by name and one of the addresses, or by name alone where there are no addresses to tell them apart.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use crate::name::DomainName;

/// Addresses by which a host is known again.
const IDENTIFYING: usize = 8;

/// The last row of each host. `K` parts what is not to be mixed.
#[derive(Debug)]
pub(super) struct Known<K> {
    /// Without address where the report has none.
    rows: HashMap<(K, DomainName, Option<IpAddr>), usize>,
    /// The last row of each name.
    names: HashMap<(K, DomainName), usize>,
}

impl<K> Default for Known<K> {
    fn default() -> Known<K> {
        Known { rows: HashMap::new(), names: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Known<K> {
    /// The row of an earlier report of the same host: one of that name that has one of the addresses, or none to tell it by.
    pub(super) fn find(&self, key: K, name: &DomainName, addresses: &[IpAddr]) -> Option<usize> {
        let at = |address| self.rows.get(&(key, name.clone(), address));
        let found = match addresses.is_empty() {
            true => self.names.get(&(key, name.clone())),
            false => identity(addresses).find_map(at).or_else(|| at(None)),
        };
        found.copied()
    }

    /// Has the host known by `row`.
    pub(super) fn put(&mut self, key: K, name: &DomainName, addresses: &[IpAddr], row: usize) {
        self.names.insert((key, name.clone()), row);
        for address in identity(addresses) {
            self.rows.insert((key, name.clone(), address), row);
        }
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// What a host of a name is known by.
fn identity(addresses: &[IpAddr]) -> impl Iterator<Item = Option<IpAddr>> {
    let none = addresses.is_empty().then_some(None);
    addresses.iter().copied().take(IDENTIFYING).map(Some).chain(none)
}
