//! What belongs to the old host alone: its addresses and names, less those that the new host has.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Facts, NatEntry, SenderDomains, Sought};
use crate::identity::{OwnAddresses, host_and_own_names};
use crate::name::DomainName;

use super::mapping::is_telling;
use super::panel;

/// The addresses and names that nothing on the new host should hold.
pub fn sought(old: &Facts, new: &Facts) -> Sought {
    let now = OwnAddresses::new(new);
    let interfaces = old.host.own_addresses().filter(|on| !on.flags.contains(&crate::facts::AddressFlag::Temporary));
    let sending = old.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value);
    // A map that came from elsewhere names addresses that never were the old host's.
    let on_old = |entry: &&NatEntry| entry.local.is_none_or(|local| old.host.has_address(local) != Some(false));
    let images = old.nat.0.iter().filter(on_old).map(|entry| entry.public);
    let all = interfaces.map(|on| on.address).chain(sending).chain(images);
    let is_gone =
        |addr: &IpAddr| is_telling(old, *addr) && now.has(*addr) == Some(false) && !may_be_seen(old, new, *addr);
    let here: BTreeSet<DomainName> = host_and_own_names(new).into_iter().map(|name| name.name).collect();
    let domains = domains(old, new);
    let mut names: BTreeSet<DomainName> = host_and_own_names(old).into_iter().map(|name| name.name).collect();
    // A name of one label is a word of every language; a domain whose mail is handled stands in many files.
    names.retain(|name| name.is_qualified() && !name.is_private() && !here.contains(name) && !domains.contains(name));
    Sought { addresses: all.filter(is_gone).collect(), names }
}

/// Whether the outside may see an old public address of the new host: where it is not known what it sees instead of a private one, that may be
/// what it saw of the old host.
fn may_be_seen(old: &Facts, new: &Facts, addr: IpAddr) -> bool {
    let of_family = || new.paths.iter().filter(|path| path.family == Family::from(addr));
    let unseen: BTreeSet<IpAddr> = of_family()
        .filter(|path| path.sending.is_none())
        .filter_map(|path| path.source.as_ref())
        .map(|fact| fact.value)
        .collect();
    let all_unseen = of_family().all(|path| path.sending.is_none());
    let was_image =
        old.nat.0.iter().any(|entry| entry.public == addr && entry.local.is_none_or(|local| unseen.contains(&local)));
    addr::is_public(addr) && !unseen.is_empty() && (all_unseen || was_image)
}

/// Domains whose mail either host handles, as far as files name them.
fn domains(old: &Facts, new: &Facts) -> BTreeSet<DomainName> {
    let mut all = BTreeSet::new();
    for facts in [old, new] {
        all.extend(panel::domains(facts));
        for path in &facts.paths {
            if let SenderDomains::Only { domains, .. } = &path.sender_domains {
                all.extend(domains.iter().cloned());
            }
        }
    }
    all
}
