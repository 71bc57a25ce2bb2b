//! The addresses that are this host's: on its interfaces, the NAT images of such, and what mail is sent from.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::{Facts, LocalAddresses, NatEntry};

/// The addresses of this host: on its interfaces (loopback and link-local apart), the NAT images of such, and what mail is sent from.
#[derive(Debug)]
pub struct OwnAddresses<'a> {
    facts: &'a Facts,
    all: BTreeSet<IpAddr>,
    interfaces: LocalAddresses,
    private_sides: OnceCell<BTreeMap<IpAddr, IpAddr>>,
}

impl<'a> OwnAddresses<'a> {
    /// Those that the facts give.
    pub fn new(facts: &'a Facts) -> OwnAddresses<'a> {
        let sending = facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value);
        let own = facts.host.own_addresses().map(|own| own.address);
        let images = facts.nat.0.iter().filter(|entry| image_counts(facts, entry)).map(|entry| entry.public);
        let all = sending.chain(own).chain(images).collect();
        OwnAddresses { facts, all, interfaces: facts.host.local_addresses(), private_sides: OnceCell::new() }
    }

    /// Whether `addr` is one of them. `None` where the interfaces are not known and nothing else says that it is.
    pub fn has(&self, addr: IpAddr) -> Option<bool> {
        if self.all.contains(&addr) { Some(true) } else { self.facts.host.addresses.as_ref().map(|_| false) }
    }

    /// All of them; `None` where the interfaces are not known.
    pub fn known(&self) -> Option<impl Iterator<Item = IpAddr> + '_> {
        self.facts.host.addresses.as_ref().map(|_| self.all.iter().copied())
    }

    /// The public address of the family, where there is one and no other.
    pub fn only_public(&self, family: Family) -> Option<IpAddr> {
        let mut all = self.all.iter().filter(|own| Family::from(**own) == family && addr::is_public(**own));
        let first = all.next()?;
        all.next().is_none().then_some(*first)
    }

    /// Whether `addr` is on an interface, loopback included; `None` where interfaces are unknown.
    pub fn on_interface(&self, addr: IpAddr) -> Option<bool> {
        self.interfaces.has(addr)
    }

    /// The private address on this host's interfaces that `public` is the image of, where this host is behind NAT and does not
    /// hold `public` itself.
    pub fn private_side(&self, public: IpAddr) -> Option<IpAddr> {
        if !addr::is_public(public) || self.on_interface(public)? {
            return None;
        }
        self.private_sides().get(&public).copied()
    }

    /// By each public address of the NAT map, the first private one on this host's interfaces that it is the image of.
    fn private_sides(&self) -> &BTreeMap<IpAddr, IpAddr> {
        self.private_sides.get_or_init(|| {
            let may_be = |own: &IpAddr| !addr::is_public(*own) && !own.is_loopback() && !addr::is_link_local(*own);
            let own = |family| {
                let mut own = self.facts.host.own_addresses().map(|own| own.address);
                own.find(|own| Family::from(*own) == family && may_be(own))
            };
            let own = Family::BOTH.map(|family| (family, own(family)));
            let mut all = BTreeMap::new();
            for entry in &self.facts.nat.0 {
                let family = Family::from(entry.public);
                let fits = |local: &IpAddr| Family::from(*local) == family && may_be(local);
                let local = match entry.local {
                    Some(local) => Some(local).filter(fits).filter(|local| self.on_interface(*local) == Some(true)),
                    None => own.iter().find(|(of, _)| *of == family).and_then(|(_, own)| *own),
                };
                if let Some(local) = local {
                    all.entry(entry.public).or_insert(local);
                }
            }
            all
        })
    }
}

/// Whether `addr` is this host's (see [`OwnAddresses`], which is for more than one question).
pub fn is_own(facts: &Facts, addr: IpAddr) -> Option<bool> {
    OwnAddresses::new(facts).has(addr)
}

/// Whether the local side of a NAT entry is on this host, as far as that is known.
fn image_counts(facts: &Facts, entry: &NatEntry) -> bool {
    let private = |family| {
        facts.host.own_addresses().any(|own| Family::from(own.address) == family && !addr::is_public(own.address))
    };
    match entry.local {
        Some(local) => facts.host.has_address(local) != Some(false),
        None => facts.host.addresses.is_none() || private(Family::from(entry.public)),
    }
}
