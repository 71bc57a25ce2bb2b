//! Who holds an address, and how its PTR record is set there.
//!
//! A provider is recognised by what the machine says (DMI, cloud-init), then by what the DNS says (a default PTR name, the servers of
//! the reverse zone), in that order; how sure that is goes with it.

mod advice;
mod clouds;
mod data;
mod europe;
mod hosting;
mod pattern;
mod reverse;
mod servers;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::facts::{Facts, Machine};
use crate::name::DomainName;
use crate::observe::Observations;

pub use advice::{Advice, advice};
pub use data::{Basis, DefaultName, Dmi, Forward, How, Means, Op, Port25, Provider, Way};
pub use reverse::ReverseZone;

/// Every provider.
pub fn all() -> impl Iterator<Item = &'static Provider> {
    [clouds::CLOUDS, europe::EUROPE, servers::SERVERS, hosting::HOSTING].into_iter().flatten()
}

/// By what a provider was recognised, the surest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A file of `/sys/class/dmi/id`, with its value.
    Dmi {
        /// The file.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// The cloud that cloud-init names.
    CloudInit(String),
    /// A PTR name such as the provider gives by itself.
    DefaultName(DomainName),
    /// A server of the reverse zone. It names the holder of the block, which may sell to a provider that sells to you.
    ReverseServer(DomainName),
}

/// The provider of an address: more than one where nothing tells them apart.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// At least one.
    pub providers: Vec<&'static Provider>,
    /// By what.
    pub by: By,
}

impl Recognised {
    /// Where the address is, and how sure that is, as a sentence without its full stop.
    pub fn sentence(&self) -> String {
        let names: Vec<&str> = self.providers.iter().map(|provider| provider.name).collect();
        let names = names.join(" or ");
        match &self.by {
            By::Dmi { field, value } => format!("This server is at {names} (DMI: {field} is `{value}`)"),
            By::CloudInit(id) => format!("This server is at {names} (cloud-init: `{id}`)"),
            By::DefaultName(name) => {
                format!("The address most likely is held by {names}: `{name}` is a default name there")
            }
            By::ReverseServer(server) => {
                format!(
                    "The address apparently is held by {names}, or by whoever it is let to: `{server}` serves its reverse zone"
                )
            }
        }
    }
}

/// The provider of a sending address; `None` where nothing names one.
pub fn recognise(facts: &Facts, dns: &Observations, addr: IpAddr) -> Option<Recognised> {
    let machine = &facts.machine;
    by_dmi(machine)
        .or_else(|| by_cloud_init(machine))
        .or_else(|| by_default_name(machine, dns, addr))
        .or_else(|| by_reverse_servers(machine, dns, addr))
}

fn by_dmi(machine: &Machine) -> Option<Recognised> {
    all().find_map(|provider| {
        let (dmi, value) = provider.dmi.iter().find_map(|dmi| {
            let value = &machine.dmi.get(dmi.field)?.value;
            dmi.matches(value).then_some((dmi, value))
        })?;
        Some(Recognised { providers: vec![provider], by: By::Dmi { field: dmi.field, value: value.clone() } })
    })
}

fn by_cloud_init(machine: &Machine) -> Option<Recognised> {
    let id = machine.cloud_id.as_ref()?.value.to_ascii_lowercase();
    let provider = all().find(|provider| provider.cloud_ids.contains(&id.as_str()))?;
    Some(Recognised { providers: vec![provider], by: By::CloudInit(id) })
}

fn by_default_name(machine: &Machine, dns: &Observations, addr: IpAddr) -> Option<Recognised> {
    let names = dns.ptr(addr);
    names.found().iter().find_map(|name| {
        let gives = |provider: &&Provider| {
            let patterns = provider.default_names.iter().flat_map(|default| default.patterns);
            patterns.into_iter().any(|pattern| pattern::matches(pattern, name.as_str(), addr))
        };
        recognised(machine, all().filter(gives).collect(), By::DefaultName(name.clone()))
    })
}

fn by_reverse_servers(machine: &Machine, dns: &Observations, addr: IpAddr) -> Option<Recognised> {
    ReverseZone::find(dns, addr).servers.into_iter().find_map(|server| {
        let serves = |provider: &&Provider| provider.reverse_servers.iter().any(|domain| is_below(&server, domain));
        recognised(machine, all().filter(serves).collect(), By::ReverseServer(server.clone()))
    })
}

/// Of several candidates, those whose machines would say so themselves go where this machine says something else.
fn recognised(machine: &Machine, mut providers: Vec<&'static Provider>, by: By) -> Option<Recognised> {
    if providers.len() > 1 && machine.dmi.contains_key("sys_vendor") {
        providers.retain(|provider| provider.dmi.is_empty());
    }
    (!providers.is_empty()).then_some(Recognised { providers, by })
}

fn is_below(server: &DomainName, domain: &str) -> bool {
    match domain.contains('.') {
        true => server.is_within(&DomainName::new(domain)),
        false => server.labels().any(|label| label.starts_with(domain)),
    }
}
