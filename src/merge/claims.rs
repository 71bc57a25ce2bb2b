//! What hosts claim for themselves, and what more than one of them does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::is_public;
use crate::name::DomainName;

/// What is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A host that reports from several places say they are.
    Reports,
    /// A public address, by two hosts.
    Address,
    /// A host name, by two hosts.
    HostName,
    /// A HELO name, by two hosts.
    Helo,
    /// A PTR name of sending addresses of two hosts.
    Ptr,
    /// A PTR name of several sending addresses of one host and one family: a pool without distinct names.
    Pool,
}

impl What {
    /// As formats for programs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Reports => "reports",
            What::Address => "address",
            What::HostName => "host-name",
            What::Helo => "helo",
            What::Ptr => "ptr",
            What::Pool => "pool",
        }
    }
}

/// Something that is claimed more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// What it is.
    pub what: What,
    /// The address or name.
    pub value: String,
    /// By whom, in the order of [`super::Merged::hosts`].
    pub hosts: Vec<Claimant>,
}

/// A host that claims something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimant {
    /// Its place in [`super::Merged::hosts`].
    pub host: usize,
    /// The sending addresses that have the PTR name.
    pub addresses: Vec<IpAddr>,
    /// The address is on one of its interfaces.
    pub own: bool,
    /// Receivers see its mail come from the address.
    pub sends: bool,
}

/// All claims, as they came: sorted once, at the end. Hosts are rows of the merger.
#[derive(Debug, Default)]
pub(super) struct Claims {
    same: Vec<(DomainName, usize)>,
    addresses: Vec<(IpAddr, usize, bool)>,
    host_names: Vec<(DomainName, usize)>,
    helo: Vec<(DomainName, usize)>,
    ptr: Vec<(DomainName, usize, IpAddr)>,
}

impl Claims {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.same.len() + self.addresses.len() + self.host_names.len() + self.helo.len() + self.ptr.len()
    }

    /// Two reports say that they are of this host.
    pub(super) fn same_host(&mut self, name: &DomainName, one: usize, other: usize) {
        put(&mut self.same, (name.clone(), one));
        put(&mut self.same, (name.clone(), other));
    }

    /// The host has the address on an interface, or sends from it.
    pub(super) fn address(&mut self, row: usize, address: IpAddr, sends: bool) {
        if is_public(address) {
            put(&mut self.addresses, (address, row, sends));
        }
    }

    /// The host is called so.
    pub(super) fn host_name(&mut self, row: usize, name: DomainName) {
        put(&mut self.host_names, (name, row));
    }

    /// The host introduces itself so.
    pub(super) fn helo(&mut self, row: usize, name: DomainName) {
        put(&mut self.helo, (name, row));
    }

    /// The PTR record of one of its sending addresses says so.
    pub(super) fn ptr(&mut self, row: usize, name: DomainName, address: IpAddr) {
        put(&mut self.ptr, (name, row, address));
    }

    /// What is claimed more than once. `places` has the place of each row that counts, `counting` for each row the one that counts in its
    /// place.
    pub(super) fn shared(mut self, places: &[Option<usize>], counting: &[usize]) -> Vec<Shared> {
        let place = |row: usize| places.get(row).copied().flatten();
        let by_place = |host| (host, Claimant { host, ..Claimant::default() });
        let mut shared = Vec::new();
        let mut same: BTreeMap<&DomainName, BTreeSet<usize>> = BTreeMap::new();
        for (name, row) in &self.same {
            same.entry(name).or_default().extend(counting.get(*row).and_then(|row| place(*row)));
        }
        for (name, hosts) in &same {
            add(&mut shared, What::Reports, name, hosts.iter().copied().map(by_place).collect());
        }
        self.addresses.sort_unstable();
        for group in self.addresses.chunk_by(|a, b| a.0 == b.0) {
            let mut hosts: BTreeMap<usize, Claimant> = BTreeMap::new();
            for (_, row, sends) in group {
                let Some(host) = place(*row) else { continue };
                let claimant = hosts.entry(host).or_insert_with(|| Claimant { host, ..Claimant::default() });
                claimant.own |= !*sends;
                claimant.sends |= *sends;
            }
            add(&mut shared, What::Address, &group[0].0, hosts);
        }
        for (what, names) in [(What::HostName, &mut self.host_names), (What::Helo, &mut self.helo)] {
            names.sort_unstable();
            for group in names.chunk_by(|a, b| a.0 == b.0) {
                let hosts: BTreeMap<usize, Claimant> =
                    group.iter().filter_map(|(_, row)| place(*row)).map(by_place).collect();
                let said = same.get(&group[0].0).filter(|_| what == What::HostName);
                if !said.is_some_and(|said| hosts.keys().all(|host| said.contains(host))) {
                    add(&mut shared, what, &group[0].0, hosts);
                }
            }
        }
        self.ptr.sort_unstable();
        for group in self.ptr.chunk_by(|a, b| a.0 == b.0) {
            let mut hosts: BTreeMap<usize, Claimant> = BTreeMap::new();
            for (_, row, address) in group {
                let Some(host) = place(*row) else { continue };
                let claimant = hosts.entry(host).or_insert_with(|| Claimant { host, ..Claimant::default() });
                put(&mut claimant.addresses, *address);
            }
            for claimant in hosts.values_mut() {
                claimant.addresses.sort_unstable();
                claimant.addresses.dedup();
            }
            let is_pool = |claimant: &Claimant| {
                let of = |ipv4: bool| claimant.addresses.iter().filter(|addr| addr.is_ipv4() == ipv4).count();
                of(true) > 1 || of(false) > 1
            };
            match hosts.len() {
                1 if hosts.values().any(is_pool) => push(&mut shared, What::Pool, &group[0].0, hosts),
                _ => add(&mut shared, What::Ptr, &group[0].0, hosts),
            }
        }
        shared.sort_by(|a, b| (a.what, &a.value).cmp(&(b.what, &b.value)));
        shared
    }
}

/// Adds a claim unless it is the last one again: services of one host claim the same.
fn put<T: PartialEq>(all: &mut Vec<T>, claim: T) {
    if all.last() != Some(&claim) {
        all.push(claim);
    }
}

/// Adds what at least two hosts claim.
fn add(shared: &mut Vec<Shared>, what: What, value: &impl ToString, hosts: BTreeMap<usize, Claimant>) {
    if hosts.len() > 1 {
        push(shared, what, value, hosts);
    }
}

fn push(shared: &mut Vec<Shared>, what: What, value: &impl ToString, hosts: BTreeMap<usize, Claimant>) {
    shared.push(Shared { what, value: value.to_string(), hosts: hosts.into_values().collect() });
}
