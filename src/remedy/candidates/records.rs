//! Records that would have to stand otherwise.

use std::net::IpAddr;

use super::State;
use crate::addr::Family;
use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::change::RecordChange;
use crate::observe::{Lookup, RecordData, RecordType};
use crate::remedy::op::Op;
use crate::rules::dns::address_proxied::is_proxy;

pub(crate) fn address_data(addr: IpAddr) -> RecordData {
    match addr {
        IpAddr::V4(addr) => RecordData::A(addr),
        IpAddr::V6(addr) => RecordData::Aaaa(addr),
    }
}

/// The registrable domains of names that are this host's, as far as they are public; sorted.
pub(crate) fn own_domains<'s>(state: &'s State<'_>) -> &'s [DomainName] {
    state.own_domains.get_or_init(|| domains_of(state.facts()))
}

fn domains_of(facts: &Facts) -> Vec<DomainName> {
    let mut names: Vec<DomainName> = Vec::new();
    names.extend(facts.host.node_name.iter().map(|fact| DomainName::new(&fact.value)));
    names.extend(facts.host.etc_hostname.iter().map(|fact| DomainName::new(&fact.value)));
    names.extend(facts.host.fqdn.name().map(|fact| fact.value));
    names.extend(crate::rules::names::own_names(facts).into_iter().map(|(_, fact)| fact.value));
    names.extend(facts.cpanel.iter().filter_map(|cpanel| cpanel.host.as_ref()).map(|f| DomainName::new(&f.value)));
    names.extend(facts.host.mailname.iter().map(|fact| DomainName::new(&fact.value)));
    names.extend(facts.expected_hostname.clone());
    let helos = facts.paths.iter().filter_map(|path| path.helo_name());
    names.extend(helos.filter(|helo| helo.value.literal().is_none()).map(|helo| helo.value.domain()));
    let mut domains: Vec<DomainName> =
        names.iter().filter(|name| !name.is_private()).filter_map(DomainName::registrable).collect();
    domains.sort();
    domains.dedup();
    domains
}

/// Whether a name's records are this administrator's to change: in a domain of this host, and neither the website's nor a proxy's.
pub(crate) fn is_ours_to_publish(state: &State<'_>, name: &DomainName) -> bool {
    let Some(domain) = name.registrable() else { return false };
    let domains = own_domains(state);
    if domains.binary_search(&domain).is_err() || name.as_str().starts_with("www.") {
        return false;
    }
    let elsewhere = |family| {
        let found = state.dns().addresses(name, family);
        found.found().iter().any(|addr| state.is_own(*addr) == Some(false))
    };
    if *name == domain && Family::BOTH.into_iter().any(elsewhere) {
        return false;
    }
    let foreign_alias = Family::BOTH.into_iter().any(|family| {
        let alias = state.dns().alias(name, RecordType::address(family));
        alias.and_then(|target| target.registrable()).is_some_and(|target| domains.binary_search(&target).is_err())
    });
    let proxied = Family::BOTH
        .into_iter()
        .any(|family| state.dns().addresses(name, family).found().iter().any(|addr| is_proxy(*addr)));
    !foreign_alias && !proxied
}

/// The changes after which `name` leads to `addr`: nothing where it does; `None` where it must not be made to.
pub(crate) fn lead_to(state: &State<'_>, name: &DomainName, addr: IpAddr) -> Option<Vec<Op>> {
    let family = Family::from(addr);
    let rtype = RecordType::address(family);
    let found = state.dns().addresses(name, family);
    let alias = state.dns().alias(name, rtype);
    if found.found().contains(&addr) && alias.is_none() {
        return Some(Vec::new());
    }
    if matches!(found, Lookup::Unanswered(_)) || !is_ours_to_publish(state, name) {
        return None;
    }
    let mut ops = Vec::new();
    if let Some(target) = alias {
        ops.push(Op::Record(RecordChange::Withdraw(name.clone(), RecordData::Cname(target))));
        // What the alias led to in the other family stays reachable, as far as that is this host's.
        for kept in state.dns().addresses(name, super::other(family)).found() {
            if state.is_own(*kept) == Some(true) {
                ops.push(Op::Record(RecordChange::Publish(name.clone(), address_data(*kept))));
            }
        }
    } else if let [old] = found.found()
        && state.is_own(*old) == Some(false)
    {
        ops.push(Op::Record(RecordChange::Withdraw(name.clone(), address_data(*old))));
    }
    ops.push(Op::Record(RecordChange::Publish(name.clone(), address_data(addr))));
    Some(ops)
}

/// Whether a name leads to another address of this host, which a second record would stand beside.
pub(crate) fn has_other(state: &State<'_>, name: &DomainName, addr: IpAddr) -> bool {
    let found = state.dns().addresses(name, Family::from(addr));
    found.found().iter().any(|known| *known != addr && state.is_own(*known) == Some(true))
}

/// The changes after which `name` leads to no other host.
pub(super) fn lead_nowhere_else(state: &State<'_>, name: &DomainName, addr: IpAddr) -> Vec<Op> {
    let found = state.dns().addresses(name, Family::from(addr));
    let alias = state.dns().alias(name, RecordType::address(Family::from(addr)));
    if !found.found().contains(&addr) || alias.is_some() || !is_ours_to_publish(state, name) {
        return Vec::new();
    }
    let others = found.found().iter().filter(|known| state.is_own(**known) == Some(false));
    others.map(|other| Op::Record(RecordChange::Withdraw(name.clone(), address_data(*other)))).collect()
}

/// Adds candidates that take records away which lead to no address of this host, where another one does.
pub(crate) fn add(state: &State<'_>, all: &mut Vec<super::Candidate>) {
    const CODES: [&str; 6] = ["NET004", "DNS008", "DNS012", "PTR006", "HLO003", "HST005"];
    for finding in state.trial.findings.iter().filter(|finding| CODES.contains(&finding.meta.code)) {
        let subject = finding.subject.split(' ').next().unwrap_or_default();
        let name = DomainName::new(subject.trim_end_matches('.'));
        if !is_ours_to_publish(state, &name) {
            continue;
        }
        let found: Vec<IpAddr> =
            Family::BOTH.into_iter().flat_map(|family| state.dns().addresses(&name, family).found().to_vec()).collect();
        let own = |addr: &&IpAddr| state.is_own(**addr) == Some(true);
        let stale: Vec<IpAddr> = found
            .iter()
            .copied()
            .filter(|addr| state.is_own(*addr) == Some(false) || state.facts().old_addresses.contains(addr))
            .collect();
        let has_alias = Family::BOTH.into_iter().any(|f| state.dns().alias(&name, RecordType::address(f)).is_some());
        if stale.is_empty() || has_alias || !found.iter().any(|addr| own(&addr)) {
            continue;
        }
        let end = format!("`{name}` is the name of this host alone");
        let mut ops: Vec<Op> =
            stale.iter().map(|addr| Op::Record(RecordChange::Withdraw(name.clone(), address_data(*addr)))).collect();
        all.push(super::Candidate::new(end.clone(), ops.clone()));
        // In its place, the address of the family that mail leaves from.
        for path in &state.facts().paths {
            let Some(sending) = path.sending.as_ref().map(|fact| fact.value) else { continue };
            let lost = stale.iter().any(|addr| Family::from(*addr) == path.family) && !found.contains(&sending);
            let op = Op::Record(RecordChange::Publish(name.clone(), address_data(sending)));
            if lost && !ops.contains(&op) {
                ops.push(op);
                all.push(super::Candidate::new(end.clone(), ops.clone()));
            }
        }
    }
}

/// The change after which the PTR record set of `addr` is `name` alone: nothing where it is; `None` where nobody knows what it is.
pub(crate) fn point_back(state: &State<'_>, addr: IpAddr, name: &DomainName) -> Option<Vec<Op>> {
    let present = state.dns().ptr(addr);
    match &present {
        Lookup::Unanswered(_) => None,
        Lookup::Found(names) if names.iter().all(|known| known == name) => Some(Vec::new()),
        _ => Some(vec![Op::Record(RecordChange::SetPtr(addr, name.clone()))]),
    }
}
