//! A host that sends from a list of addresses.

use std::net::IpAddr;

use helolint::addr::Family;
use helolint::facts::{Fact, Facts, Helo, Host, Origin, OutboundPath, SenderDomains};

/// The facts of such a host: a path for each address, without HELO name.
pub fn facts(addresses: &[IpAddr]) -> Facts {
    let path = |(n, addr): (usize, &IpAddr)| {
        let address = Fact::new(*addr, Origin::kernel("list"));
        OutboundPath {
            id: format!("list/{n}"),
            mta: None,
            services: Vec::new(),
            family: Family::from(*addr),
            source: Some(address.clone()),
            bound: false,
            source_undecided: None,
            sending: Some(address),
            helo: Helo::None,
            helo_is_global: true,
            sender_domains: SenderDomains::Any,
            relayed: None,
            unused: false,
            handed_over: false,
        }
    };
    Facts { paths: addresses.iter().enumerate().map(path).collect(), ..Facts::new(Host::unknown("a list")) }
}
