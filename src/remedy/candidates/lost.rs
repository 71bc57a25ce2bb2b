//! An address that this host had and lost.

use std::net::IpAddr;

use super::{Candidate, State, image};
use crate::facts::OutboundPath;
use crate::name::DomainName;
use crate::observe::iprev::confirms;
use crate::remedy::op::Op;
use crate::rules::names::{Introduction, introduction};

/// The address itself, on the interface whose prefix it is in, where HELO name and PTR record say that it was meant.
pub(super) fn bring_up(state: &State<'_>, addr: IpAddr, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    if facts.old_addresses.contains(&addr) {
        return;
    }
    let interface =
        facts.host.own_addresses().find(|own| own.usable() && in_prefix(own.address, addr, own.prefix_length));
    let Some(interface) = interface else { return };
    let seen = image(facts, addr);
    let named = |path: &OutboundPath| match introduction(path, state.dns()) {
        Introduction::Name(helo) => confirms(state.dns(), &helo.value.domain(), seen) == Some(true),
        _ => false,
    };
    // A path that cannot be taken has no name yet: what the map would give it, the trial asks for and judges.
    let by_map = || {
        let values =
            facts.cpanel.iter().flat_map(|cpanel| &cpanel.mailhelo).map(|entry| DomainName::new(entry.value.trim()));
        values.into_iter().any(|name| confirms(state.dns(), &name, seen) != Some(false))
    };
    if facts.paths.iter().any(named) || by_map() {
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
