//! What to ask whoever holds an address: the ticket for its PTR record, and the record as it should stand.

use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::Facts;
use crate::findings::{Fix, Who};
use crate::name::DomainName;
use crate::observe::Observations;
use crate::observe::iprev::confirms;
use crate::rules::ptr::generic::why_generic;
use crate::rules::remedy::{address_record, ptr_record};
use crate::rules::support::{Sending, list, names_for, ptr_names};

/// The name that the PTR record of an address should have: a HELO name whose forward record leads to the address already, else
/// the host name, else a HELO name. `None` where the host has no qualified name.
pub(super) fn wanted_name(facts: &Facts, dns: &Observations, sending: &Sending<'_>) -> Option<DomainName> {
    let fit = |name: &DomainName| name.is_qualified() && name.is_host_name() && !name.is_private();
    let helos: Vec<DomainName> = sending
        .paths
        .iter()
        .filter_map(|path| path.helo_name().filter(|helo| helo.value.literal().is_none()))
        .map(|helo| helo.value.domain())
        .filter(fit)
        .collect();
    let leads = |name: &&DomainName| confirms(dns, name, sending.address.value) == Some(true);
    if let Some(good) = helos.iter().find(leads) {
        return Some(good.clone());
    }
    let host = facts.host.fqdn.name().map(|name| name.value).filter(fit);
    host.or_else(|| helos.into_iter().next())
}

/// The request for the PTR record of an address, with what must be in place before.
pub(super) fn request(facts: &Facts, dns: &Observations, sending: &Sending<'_>) -> Fix {
    let addr = sending.address.value;
    let Some(name) = wanted_name(facts, dns, sending) else {
        let text = format!(
            "Choose a qualified name for this host and publish its address record with {addr}; then ask whoever holds the address to \
             set its PTR record to that name."
        );
        return Fix::new(Who::IpOwner, text);
    };
    let in_place = confirms(dns, &name, addr) == Some(true);
    let first = if in_place {
        format!("The forward record is in place: {name} resolves to {addr}.")
    } else {
        format!("Before that, publish the forward record, for many providers check it: {}", address_record(&name, addr))
    };
    let now = ptr_names(dns, addr);
    let now = if now.is_empty() { String::new() } else { format!(" The record at present: {}.", list(&now)) };
    let text = format!(
        "Ask whoever holds {addr}: \"Please set the PTR (reverse DNS) record of {addr} to {name}.\" {first}{now}"
    );
    Fix::new(Who::IpOwner, text).command(ptr_record(addr, &name))
}

/// What makes a PTR name lead back to the address: its address record, where the name is this host's own; else another PTR record.
pub(super) fn lead_back(facts: &Facts, dns: &Observations, sending: &Sending<'_>, names: &[DomainName]) -> Fix {
    let addr = sending.address.value;
    // Where another name of this host leads to the address already, the PTR record is what is wrong.
    if wanted_name(facts, dns, sending).is_some_and(|name| confirms(dns, &name, addr) == Some(true)) {
        return request(facts, dns, sending);
    }
    let own: Vec<DomainName> = names_for(facts, sending).iter().filter_map(DomainName::registrable).collect();
    let ours = |name: &&DomainName| {
        judged(name)
            && why_generic(name, addr).is_none()
            && name.registrable().is_some_and(|domain| own.contains(&domain))
    };
    let Some(name) = names.iter().find(ours) else { return request(facts, dns, sending) };
    let record = Family::of(addr).record();
    let text = format!(
        "Let the {record} record of `{name}` hold {addr}; where `{name}` belongs to another machine, ask whoever holds {addr} to set its \
         PTR record to this host's own name instead."
    );
    Fix::new(Who::DnsZone, text).command(address_record(name, addr))
}

/// Whether PTR004, PTR010 and PTR011 look at a PTR name: PTR009 leaves it alone.
pub(super) fn judged(name: &DomainName) -> bool {
    invalid(name).is_none()
}

/// Why a PTR name is no qualified host name (PTR009), in words that follow "it".
pub(super) fn invalid(name: &DomainName) -> Option<String> {
    let reverse = ["in-addr.arpa", "ip6.arpa"].iter().any(|zone| name.is_within(&DomainName::new(zone)));
    if reverse {
        return Some("lies below the reverse tree: the final dot was forgotten in the zone file".into());
    }
    if name.as_str() == "localhost" {
        return Some("is the name of whichever host reads it".into());
    }
    if name.as_str().parse::<IpAddr>().is_ok() || name.as_str().starts_with('[') {
        return Some("is an address, no name".into());
    }
    if let Some(fault) = name.host_fault() {
        return Some(format!("is no host name by RFC 1123: {fault}"));
    }
    (!name.is_qualified()).then(|| "has one label alone".into())
}
