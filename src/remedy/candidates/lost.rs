//! An address that this host had and lost.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Candidate, State, image, once};
use crate::addr::{self, Family};
use crate::facts::{Cpanel, InterfaceAddress, OutboundPath};
use crate::name::DomainName;
use crate::observe::iprev::confirms;
use crate::observe::{Question, RecordType};
use crate::remedy::op::Op;
use crate::rules::names::{Introduction, introduction};
use crate::rules::panel::{addresses, key};
use crate::rules::support::ptr_names;

/// Addresses that are in cPanel's map of source addresses and not on this host whose records are asked for.
const ASKED: usize = 8;
/// Names of its map of HELO names that are asked for with them.
const NAMES: usize = 8;

/// The records by which an address that cPanel's map has may be brought up again; what a PTR record names is asked with it.
pub(super) fn questions(state: &State<'_>) -> BTreeSet<Question> {
    let facts = state.facts();
    let Some(cpanel) = &facts.cpanel else { return BTreeSet::new() };
    let lost = cpanel.mailips.iter().flat_map(addresses).filter(|addr| facts.host.has_address(*addr) == Some(false));
    let lost = once(lost.filter(|addr| interface_of(state, *addr).is_some()).take(ASKED));
    let seen: Vec<IpAddr> = lost.into_iter().map(|addr| image(facts, addr)).filter(|a| addr::is_public(*a)).collect();
    let families: BTreeSet<RecordType> = seen.iter().map(|addr| RecordType::address(Family::from(*addr))).collect();
    let names = helo_names(cpanel).filter(|name| name.is_qualified() && name.is_host_name() && !name.is_private());
    let names: Vec<DomainName> = once(names.take(NAMES));
    let forward = names.iter().flat_map(|name| families.iter().map(|rtype| Question::new(name, *rtype)));
    seen.iter().map(|addr| Question::ptr(*addr)).chain(forward).collect()
}

/// The interface with an address in whose prefix this one is.
fn interface_of<'s>(state: &'s State<'_>, addr: IpAddr) -> Option<&'s InterfaceAddress> {
    state.facts().host.own_addresses().find(|own| own.usable() && in_prefix(own.address, addr, own.prefix_length))
}

/// The names in cPanel's map of HELO names.
fn helo_names(cpanel: &Cpanel) -> impl Iterator<Item = DomainName> {
    cpanel.mailhelo.iter().map(|entry| DomainName::new(entry.value.trim()))
}

/// The address itself, on the interface whose prefix it is in, where HELO name and PTR record say that it was meant, or the PTR record that it
/// was a domain's whose mail the map has leave from it.
pub(super) fn bring_up(state: &State<'_>, addr: IpAddr, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    if facts.old_addresses.contains(&addr) {
        return;
    }
    let Some(interface) = interface_of(state, addr) else { return };
    let seen = image(facts, addr);
    let named = |path: &OutboundPath| match introduction(path, state.dns()) {
        Introduction::Name(helo) => confirms(state.dns(), &helo.value.domain(), seen) == Some(true),
        _ => false,
    };
    // A path that cannot be taken has no name yet: what the map would give it, the trial asks for and judges.
    let by_map = || {
        let mut names = facts.cpanel.iter().flat_map(|cpanel| helo_names(cpanel));
        names.any(|name| confirms(state.dns(), &name, seen) != Some(false))
    };
    let by_domain = || {
        let mut names = ptr_names(state.dns(), seen);
        names.retain(|name| confirms(state.dns(), name, seen) == Some(true));
        let entries = facts.cpanel.iter().flat_map(|cpanel| &cpanel.mailips);
        let mut entries =
            entries.filter(|_| !names.is_empty()).filter(|entry| addresses(entry).any(|known| known == addr));
        entries.any(|entry| {
            let domain = DomainName::new(&key(entry));
            names.iter().any(|name| name.is_within(&domain))
        })
    };
    if facts.paths.iter().any(named) || by_map() || by_domain() {
        let op = Op::Address { address: addr, interface: interface.interface.clone() };
        all.push(Candidate::new(format!("{addr} is on this host"), vec![op]).blast(1));
    }
}

/// Whether two addresses lie in one prefix of this length.
fn in_prefix(own: IpAddr, other: IpAddr, length: Option<u8>) -> bool {
    match (own, other, length) {
        (IpAddr::V4(own), IpAddr::V4(other), Some(length @ 1..=31)) => {
            (own.to_bits() ^ other.to_bits()) >> (32 - u32::from(length)) == 0
        }
        (IpAddr::V6(own), IpAddr::V6(other), Some(length @ 1..=127)) => {
            (own.to_bits() ^ other.to_bits()) >> (128 - u32::from(length)) == 0
        }
        _ => false,
    }
}
