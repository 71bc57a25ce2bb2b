//! What several rules about cPanel's maps need: which line counts for which domain, and which addresses it gives.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Cpanel, Facts, LocalAddresses, MapEntry};
use crate::name::{DomainName, lower_case};

/// What makes cPanel look up PTR names again and take HELO names from them; the button is there while "Use the reverse DNS entry for
/// the mail HELO/EHLO if available" is on.
pub const REBUILD_HELO: &str =
    "Press \"Rebuild Reverse DNS Cache and Update Mail HELO\" in WHM » Exim Configuration Manager.";

/// The key of a line as Exim's lsearch compares it: lower case; `*` stands for every other domain.
pub fn key(entry: &MapEntry) -> Cow<'_, str> {
    lower_case(entry.key.trim().trim_end_matches('.'))
}

/// The lines that count: the first of each key.
pub fn lines(entries: &[MapEntry]) -> impl Iterator<Item = (Cow<'_, str>, &MapEntry)> {
    let mut seen = HashSet::with_capacity(entries.len());
    entries.iter().map(|entry| (key(entry), entry)).filter(move |(key, _)| seen.insert(key.clone()))
}

/// The addresses of a line of mailips: several stand apart by semicolons. Text that is none is left out (CPL006 and NET008 judge it).
pub fn addresses(entry: &MapEntry) -> impl Iterator<Item = IpAddr> {
    entry.value.split(';').filter_map(|item| item.trim().parse().ok())
}

/// Whether a flag file exists.
pub fn has_flag(cpanel: &Cpanel, name: &str) -> bool {
    cpanel.flags.iter().any(|flag| flag.value == name)
}

/// This host's addresses and those behind its NAT, for the many lines of a map.
pub struct Local<'a> {
    /// All that is known of it.
    pub facts: &'a Facts,
    all: LocalAddresses,
}

impl<'a> Local<'a> {
    /// Those that the facts give.
    pub fn of(facts: &'a Facts) -> Local<'a> {
        Local { facts, all: facts.host.local_addresses() }
    }

    /// Whether `addr` is on an interface; `None` where interfaces are unknown.
    pub fn has(&self, addr: IpAddr) -> Option<bool> {
        self.all.has(addr)
    }

    /// The private address on this host's interfaces that `public` is the image of, where this host is behind NAT and does not
    /// hold `public` itself.
    pub fn private_side(&self, public: IpAddr) -> Option<IpAddr> {
        if !addr::is_public(public) || self.has(public)? {
            return None;
        }
        let reaches_out = |own: IpAddr| !own.is_loopback() && !addr::is_link_local(own);
        let fits = |own: &IpAddr| Family::of(*own) == Family::of(public) && !addr::is_public(*own) && reaches_out(*own);
        let mut images = self.facts.nat.0.iter().filter(|entry| entry.public == public);
        images.find_map(|entry| match entry.local {
            Some(local) => Some(local).filter(fits).filter(|local| self.has(*local) == Some(true)),
            None => self.facts.host.own_addresses().map(|own| own.address).find(fits),
        })
    }
}

/// The names that this host goes by: `hostname -f`, node name, WHM's.
pub fn host_names(facts: &Facts) -> BTreeSet<DomainName> {
    let whm = facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.as_ref());
    let texts = facts.host.node_name.iter().chain(whm).map(|fact| DomainName::new(&fact.value));
    texts.chain(facts.host.fqdn.name().map(|fact| fact.value)).collect()
}
