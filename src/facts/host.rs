//! What every host has: names, addresses, resolver configuration.

use std::collections::HashSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::addr::{self, Family};
use crate::facts::Fact;
use crate::name::DomainName;

/// What the kernel and the files that every host has say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// uname(2)'s node name, as the kernel holds it (case kept).
    pub node_name: Option<Fact<String>>,
    /// What `hostname -f` prints.
    pub fqdn: HostFqdn,
    /// `/etc/hostname`, first name in it (case kept).
    pub etc_hostname: Option<Fact<String>>,
    /// `/etc/mailname`, first line.
    pub mailname: Option<Fact<String>>,
    /// Addresses on the interfaces; `None` where they could not be asked for (`--root` without `--kernel`).
    pub addresses: Option<Vec<InterfaceAddress>>,
    /// What the kernel would choose as source for a public destination.
    pub source: KernelSource,
    /// The hosts file, line by line.
    pub hosts: Vec<HostsEntry>,
    /// Servers of resolv.conf, in order.
    pub nameservers: Vec<Fact<IpAddr>>,
    /// Whether `net.ipv4.ip_nonlocal_bind` is on.
    pub nonlocal_bind_v4: bool,
    /// Whether `net.ipv6.ip_nonlocal_bind` is on.
    pub nonlocal_bind_v6: bool,
}

/// What `hostname -f` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostFqdn {
    /// The name printed (case kept).
    Name(Fact<String>),
    /// It fails, with the C library's words.
    Fails(String),
    /// It could not be seen: no kernel to ask, or no answer in time.
    Unknown(String),
}

impl HostFqdn {
    /// The name as the DNS compares it, where there is one.
    pub fn name(&self) -> Option<Fact<DomainName>> {
        match self {
            HostFqdn::Name(fact) => Some(fact.with(DomainName::new(&fact.value))),
            _ => None,
        }
    }
}

/// The kernel's source addresses for a public destination; inner `None`: it has no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelSource {
    /// Whether the kernel could be asked at all.
    pub known: bool,
    /// For IPv4.
    pub ipv4: Option<IpAddr>,
    /// For IPv6.
    pub ipv6: Option<IpAddr>,
}

impl KernelSource {
    /// The source for a family; `None` without a route, or unknown.
    pub fn for_family(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::Ipv4 => self.ipv4,
            Family::Ipv6 => self.ipv6,
        }
    }
}

/// One address of one interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InterfaceAddress {
    /// Name of the interface, such as `eth0`.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Length of the on-link prefix in bits.
    #[serde(default)]
    pub prefix_length: Option<u8>,
    /// What the kernel says of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<AddressFlag>,
}

impl InterfaceAddress {
    /// Whether the kernel lets a program bind to it: neither on an interface that is down, nor tentative, nor a failed duplicate.
    pub fn usable(&self) -> bool {
        !self.flags.iter().any(|f| matches!(f, AddressFlag::Down | AddressFlag::Tentative | AddressFlag::DadFailed))
    }
}

/// A flag of an interface address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AddressFlag {
    /// RFC 8981.
    Temporary,
    /// RFC 4862 section 5.5.4: not to be used for new connections.
    Deprecated,
    /// Duplicate address detection has not ended.
    Tentative,
    /// Duplicate address detection failed.
    DadFailed,
    /// The interface is down.
    Down,
}

/// The addresses on a host's interfaces, for as many questions as a file has lines.
#[derive(Debug)]
pub struct LocalAddresses(Option<HashSet<IpAddr>>);

impl LocalAddresses {
    /// As [`Host::has_address`] has it.
    pub fn has(&self, addr: IpAddr) -> Option<bool> {
        self.0.as_ref().map(|all| all.contains(&addr))
    }
}

/// A line of the hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsEntry {
    /// The address at its start.
    pub address: Fact<IpAddr>,
    /// The names behind it, the canonical one first (case kept).
    pub names: Vec<Fact<String>>,
}

impl Host {
    /// A host of which nothing is known; `why` says so for `hostname -f`.
    pub fn unknown(why: &str) -> Host {
        Host {
            node_name: None,
            fqdn: HostFqdn::Unknown(why.to_owned()),
            etc_hostname: None,
            mailname: None,
            addresses: None,
            source: KernelSource { known: false, ipv4: None, ipv6: None },
            hosts: Vec::new(),
            nameservers: Vec::new(),
            nonlocal_bind_v4: false,
            nonlocal_bind_v6: false,
        }
    }

    /// Whether `addr` is on an interface of this host, loopback included; `None` where interfaces are unknown. For many questions
    /// see [`Host::local_addresses`].
    pub fn has_address(&self, addr: IpAddr) -> Option<bool> {
        let all = self.addresses.as_ref()?;
        Some(all.iter().any(|a| a.address == addr))
    }

    /// The addresses on the interfaces as a set.
    pub fn local_addresses(&self) -> LocalAddresses {
        LocalAddresses(self.addresses.as_ref().map(|all| all.iter().map(|own| own.address).collect()))
    }

    /// The addresses of this host as rules.md has them: loopback and link-local apart.
    pub fn own_addresses(&self) -> impl Iterator<Item = &InterfaceAddress> {
        let all = self.addresses.iter().flatten();
        all.filter(|a| !a.address.is_loopback() && !addr::is_link_local(a.address))
    }

    /// Whether it is known to have neither an address nor a route of this family.
    pub fn lacks(&self, family: Family) -> bool {
        let known = self.addresses.is_some() && self.source.known && self.source.for_family(family).is_none();
        known && !self.own_addresses().any(|own| Family::from(own.address) == family)
    }

    /// The address on the link that a destination is on too.
    pub fn on_link(&self, to: IpAddr) -> Option<IpAddr> {
        let same = |own: &&InterfaceAddress| {
            own.prefix_length.is_some_and(|length| own.usable() && addr::shares_prefix(own.address, to, length))
        };
        self.own_addresses().find(same).map(|own| own.address)
    }

    /// Lines of the hosts file that name `name`.
    pub fn hosts_entries<'a>(
        &'a self,
        name: &'a DomainName,
    ) -> impl Iterator<Item = (&'a HostsEntry, &'a Fact<String>)> {
        self.hosts.iter().filter_map(move |entry| {
            let named = entry.names.iter().find(|n| DomainName::new(&n.value) == *name)?;
            Some((entry, named))
        })
    }
}
