//! A host that sends from a list of addresses.

use std::net::IpAddr;

use helolint::addr::Family;
use helolint::facts::{
    Fact, Facts, Helo, Host, HostFqdn, KernelSource, MtaChoice, NatMap, Origin, OutboundPath, SenderDomains,
};

/// The facts of such a host: a path for each address, without HELO name.
pub fn facts(addresses: &[IpAddr]) -> Facts {
    let path = |(n, addr): (usize, &IpAddr)| {
        let address = Fact::new(*addr, Origin::kernel("list"));
        OutboundPath {
            id: format!("list/{n}"),
            mta: None,
            services: Vec::new(),
            family: Family::of(*addr),
            source: Some(address.clone()),
            bound: false,
            source_undecided: None,
            sending: Some(address),
            helo: Helo::None,
            helo_is_global: true,
            sender_domains: SenderDomains::Any,
            relayed: None,
            unused: false,
        }
    };
    Facts {
        host: Host {
            node_name: None,
            fqdn: HostFqdn::Unknown("a list".into()),
            etc_hostname: None,
            mailname: None,
            addresses: None,
            source: KernelSource { known: false, ipv4: None, ipv6: None },
            hosts: Vec::new(),
            nameservers: Vec::new(),
            nonlocal_bind_v4: false,
            nonlocal_bind_v6: false,
        },
        postfix: Vec::new(),
        exim: Vec::new(),
        cpanel: None,
        mtas: MtaChoice::default(),
        paths: addresses.iter().enumerate().map(path).collect(),
        bind_faults: Vec::new(),
        nat: NatMap::default(),
        problems: Vec::new(),
        machine: Default::default(),
        expected_hostname: None,
        expected_helo: Vec::new(),
        daemons: Vec::new(),
        old_addresses: Vec::new(),
    }
}
