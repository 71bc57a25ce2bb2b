//! What Postfix asks of the host while it starts.

use std::net::IpAddr;
use std::sync::Arc;

use crate::collect::root::ReadError;
use crate::facts::{Fact, Host};
use crate::source::SourceFile;

/// The host, as Postfix sees it at its start.
pub struct Environment<'a> {
    /// gethostname(2); `None` where it is unknown.
    pub node_name: Option<Fact<String>>,
    /// Addresses on the interfaces, loopback included; `None` where they are unknown.
    pub addresses: Option<Vec<IpAddr>>,
    /// Names of the hosts file with their addresses.
    pub hosts: Vec<(String, IpAddr)>,
    /// Whether a name that the hosts file does not hold is unknown for good, as on a host without DNS.
    pub hosts_are_all: bool,
    /// Users of the host; `None` where they are unknown.
    pub users: Option<Vec<String>>,
    /// Whether Postfix has Debian's rule for `myorigin`: a value that begins with `/` names a file.
    pub debian: bool,
    /// Reads a file by the path that the host knows it by.
    pub read: &'a dyn Fn(&str) -> Result<Arc<SourceFile>, ReadError>,
}

/// The addresses that a name or a numeric address stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// These.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NotFound,
    /// Files do not hold the name.
    Unknown,
}

impl<'a> Environment<'a> {
    /// The environment that the facts of a host make.
    pub fn of(
        host: &Host,
        users: Option<Vec<String>>,
        debian: bool,
        read: &'a dyn Fn(&str) -> Result<Arc<SourceFile>, ReadError>,
    ) -> Environment<'a> {
        let lines = host.hosts.iter();
        let hosts = lines.flat_map(|line| line.names.iter().map(|name| (name.value.clone(), line.address.value)));
        Environment {
            node_name: host.node_name.clone(),
            addresses: host.addresses.as_ref().map(|all| all.iter().map(|found| found.address).collect()),
            hosts: hosts.collect(),
            hosts_are_all: false,
            users,
            debian,
            read,
        }
    }

    /// What `name` stands for: an address, with or without brackets, or a name of the hosts file.
    pub fn resolve(&self, name: &str) -> Resolved {
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = bare.parse() {
            return Resolved::Addresses(vec![address]);
        }
        let found: Vec<IpAddr> =
            self.hosts.iter().filter(|(known, _)| known.eq_ignore_ascii_case(bare)).map(|(_, addr)| *addr).collect();
        if !found.is_empty() {
            return Resolved::Addresses(found);
        }
        // Where the hosts file lacks it, the C library still knows this one (RFC 6761 section 6.3).
        if bare.eq_ignore_ascii_case("localhost") {
            return Resolved::Addresses(vec![IpAddr::from([127, 0, 0, 1]), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)]);
        }
        if self.hosts_are_all { Resolved::NotFound } else { Resolved::Unknown }
    }

    /// Whether an address is on an interface, as far as that is known.
    pub fn is_local(&self, address: IpAddr) -> Option<bool> {
        self.addresses.as_ref().map(|all| all.contains(&address))
    }
}
