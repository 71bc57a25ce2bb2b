//! Which address of this host mail was meant to leave from, where the one that is bound is not here: whose name, as receivers see it, is of
//! the domain or the transport concerned.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{State, image};
use crate::addr::{self, Family};
use crate::facts::{BindFault, BindFaultKind, SenderDomains};
use crate::name::DomainName;
use crate::observe::iprev::confirms;
use crate::observe::{Observations, Question};
use crate::rules::names::own_names;
use crate::rules::support::ptr_names;
use crate::source::Span;

/// Addresses of one host that are looked at.
const ADDRESSES: usize = 64;
/// Addresses of one host whose names are asked for.
const ASKED: usize = 8;
/// What it costs to bind an address that fits less, for each degree: more than to set the HELO name that goes with one that fits.
const DEGREE: u32 = 8;

/// An address of this host, as receivers know it.
struct Own {
    addr: IpAddr,
    /// What receivers see.
    seen: IpAddr,
    /// The PTR names that lead back.
    names: Vec<DomainName>,
    /// Mail of some other path leaves from it.
    taken: bool,
}

/// The addresses of a host from which mail of one that is lost may have been meant to leave.
pub(super) struct Intended(Vec<Own>);

impl Intended {
    /// Of a state.
    pub(super) fn new(state: &State<'_>) -> Intended {
        let (facts, dns) = (state.facts(), state.dns());
        let taken: BTreeSet<IpAddr> =
            facts.paths.iter().filter_map(|path| path.source.as_ref()).map(|fact| fact.value).collect();
        let own = |addr: IpAddr| {
            let seen = image(facts, addr);
            let names = ptr_names(dns, seen).into_iter().filter(|name| confirms(dns, name, seen) == Some(true));
            Own { addr, seen, names: names.collect(), taken: taken.contains(&addr) }
        };
        Intended(
            facts.host.own_addresses().filter(|own| own.usable()).take(ADDRESSES).map(|o| own(o.address)).collect(),
        )
    }

    /// These addresses, those that fit best first, each with what it costs as the source of what a fault concerns beside the one that fits
    /// best; and what it costs to bind none, which is `unbound` at least.
    pub(super) fn priced(
        &self,
        state: &State<'_>,
        fault: &BindFault,
        addresses: Vec<IpAddr>,
        unbound: u32,
    ) -> (Vec<(IpAddr, u32)>, u32) {
        let hints = Hints::of(state, fault);
        let degree = |addr: IpAddr| (addr, self.degree(state.dns(), addr, &hints));
        let mut all: Vec<(IpAddr, u32)> = addresses.into_iter().map(degree).collect();
        all.sort_by_key(|(_, degree)| *degree);
        let best = all.first().map_or(0, |(_, degree)| *degree);
        let worth = |degree: u32| degree.saturating_sub(best) * DEGREE;
        let chosen = family_of(fault).and_then(|family| state.facts().host.source.for_family(family));
        let unbound = unbound + chosen.map_or(0, |addr| worth(degree(addr).1));
        (all.into_iter().map(|(addr, degree)| (addr, worth(degree))).collect(), unbound)
    }

    /// The addresses of a family that are known by a name of this domain.
    pub(super) fn of_domain<'m>(&'m self, domain: &'m DomainName, family: Family) -> impl Iterator<Item = IpAddr> + 'm {
        let of =
            move |own: &&Own| Family::from(own.addr) == family && own.names.iter().any(|name| name.is_within(domain));
        self.0.iter().filter(of).map(|own| own.addr)
    }

    fn degree(&self, dns: &Observations, addr: IpAddr, hints: &Hints) -> u32 {
        let Some(own) = self.0.iter().find(|own| own.addr == addr) else { return 3 };
        let family = Family::from(addr);
        if hints.helo.iter().any(|name| dns.addresses(name, family).found().contains(&own.seen)) {
            return 0;
        }
        if own.names.iter().any(|name| hints.domains.iter().any(|domain| name.is_within(domain))) {
            return 1;
        }
        if own.taken || own.names.is_empty() { 3 } else { 2 }
    }
}

/// The PTR records that say which address was meant; what they name is asked with them.
pub(super) fn questions(state: &State<'_>) -> BTreeSet<Question> {
    let facts = state.facts();
    let lost: Vec<Family> = facts.bind_faults.iter().filter_map(family_of).collect();
    let own = facts.host.own_addresses().filter(|own| own.usable() && lost.contains(&Family::from(own.address)));
    let seen = own.map(|own| image(facts, own.address)).filter(|addr| addr::is_public(*addr));
    seen.take(ASKED).map(Question::ptr).collect()
}

fn family_of(fault: &BindFault) -> Option<Family> {
    match fault.kind {
        BindFaultKind::NotLocal(addr) => Some(Family::from(addr)),
        _ => None,
    }
}

/// What says whose mail a fault concerns.
#[derive(Default)]
struct Hints {
    /// The HELO names of its transports, as far as they are written out.
    helo: Vec<DomainName>,
    /// Sender domains.
    domains: Vec<DomainName>,
}

impl Hints {
    fn of(state: &State<'_>, fault: &BindFault) -> Hints {
        let facts = state.facts();
        let mut hints = Hints::default();
        let named = |name: &str| fault.services.iter().any(|service| **service == *name);
        let drivers = facts.exim.iter().flat_map(|exim| exim.transports.iter()).filter(|driver| named(&driver.name));
        for driver in drivers {
            match driver.options.get("helo_data") {
                Some(set) => {
                    let text = set.value.as_deref().filter(|text| !text.contains('$'));
                    hints.helo.extend(text.map(|text| DomainName::new(text.trim())));
                }
                None => hints.helo.extend(own_names(facts).into_iter().map(|(_, name)| name.value)),
            }
        }
        for path in facts.paths.iter().filter(|path| path.services.iter().any(|service| named(service))) {
            if let SenderDomains::Only { domains, others: false } = &path.sender_domains {
                hints.domains.extend(domains.iter().take(ADDRESSES).cloned());
            }
        }
        if let Some(span) = fault.value.origin.span() {
            hints.domains.extend(of_place(state, span));
        }
        hints
    }
}

/// The domains that the place of a value is about: the key of its line in a table, a folder on the way to its file.
fn of_place(state: &State<'_>, span: &Span) -> Vec<DomainName> {
    if super::helo::is_configuration(state, span.path()) {
        return Vec::new();
    }
    let mut found: Vec<String> = span.path().split('/').map(str::to_owned).collect();
    if let Some((_, line)) = super::line::line_of(state, span) {
        found.extend(line.split([':', ' ', '\t']).next().map(|key| key.trim_matches('"').to_owned()));
    }
    let names = found.iter().map(|text| DomainName::new(text.trim_start_matches("*@").trim_start_matches('@')));
    names.filter(|name| name.is_qualified() && name.registrable().is_some()).collect()
}
