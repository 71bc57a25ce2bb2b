//! The address that mail leaves from: bound, brought up, or no longer bound; a family given up; a route.

use std::net::IpAddr;

use super::{Candidate, State, exim, family, local, lost, once, postfix};
use crate::addr::{self, Family};
use crate::facts::{AddressFlag, BindFault, BindFaultKind, Fact, Facts, Mapped, Mta, Origin, OutboundPath};
use crate::remedy::op::Op;
use crate::rules::names::{Introduction, introduction};
use crate::source::Span;

/// Paths of one host for which sources are tried.
const PATHS: usize = 128;
/// What an address is worth that somebody chose for a path, and that can be used.
const OF_ADDRESS: u32 = 45;

/// Adds candidates for source addresses.
pub(crate) fn add(state: &State<'_>, all: &mut Vec<Candidate>) {
    let faulty = |path: &&OutboundPath| !state.found_of(&path.id).is_empty();
    for path in state.facts().paths.iter().filter(faulty).take(PATHS) {
        other_source(state, path, all);
    }
    for fault in &state.facts().bind_faults {
        unusable(state, fault, all);
    }
    family::without(state, all);
    routes(state, all);
    interfaces(state, all);
}

/// Another address of this host, which the path's HELO name leads to.
fn other_source(state: &State<'_>, path: &OutboundPath, all: &mut Vec<Candidate>) {
    let Introduction::Name(helo) = introduction(path, state.dns()) else { return };
    let (facts, name) = (state.facts(), helo.value.domain());
    let sending = path.sending.as_ref().map(|fact| fact.value);
    let expected = state.dns().addresses(&name, path.family);
    for addr in expected.found().iter().copied().filter(|addr| Some(*addr) != sending) {
        let here = local(facts, addr);
        if facts.host.has_address(here) == Some(true) {
            bind(state, path, here, if path.bound { OF_ADDRESS } else { 0 }, all);
        }
    }
    // Of a source that will not stay, any other address of the family is better.
    let temporary = |addr: IpAddr| {
        let own = facts.host.own_addresses().find(|own| own.address == addr);
        own.is_some_and(|own| own.flags.iter().any(|f| matches!(f, AddressFlag::Temporary | AddressFlag::Deprecated)))
    };
    if path.source.as_ref().is_some_and(|source| temporary(source.value)) {
        let others = facts.host.own_addresses().map(|own| own.address);
        for other in
            others.filter(|other| Family::from(*other) == path.family && addr::is_public(*other) && !temporary(*other))
        {
            bind(state, path, other, 1, all);
        }
    }
}

/// The ways to send from an address: by service or transport, or for all.
fn bind(state: &State<'_>, path: &OutboundPath, here: IpAddr, blast: u32, all: &mut Vec<Candidate>) {
    let end = format!("mail leaves from {here}");
    // What was bound on the old host is bound here too, where that is as good.
    let unbound = u32::from(state.facts().moved.is_some());
    match path.mta {
        Some(Mta::Postfix) => {
            let ending = match path.family {
                Family::Ipv4 => "bind_address",
                Family::Ipv6 => "bind_address6",
            };
            let mut by_service = Vec::new();
            for label in &path.services {
                let Some((instance, entry, service)) = postfix::service(state, label) else { continue };
                let parameter = postfix::parameter(entry, ending);
                by_service.push(postfix::master_cf(instance, &service, &parameter, Some(&here.to_string())));
            }
            all.push(Candidate::new(end.clone(), by_service).blast(blast + 1));
            if let Some((instance, entry, _)) = path.services.first().and_then(|label| postfix::service(state, label)) {
                let parameter = postfix::parameter(entry, ending);
                let set = postfix::main_cf(instance, &parameter, Some(&here.to_string()));
                all.push(Candidate::new(end.clone(), vec![set]).blast(blast));
                if postfix::is_set(instance, &parameter) {
                    let gone = postfix::main_cf(instance, &parameter, None);
                    all.push(Candidate::new(end, vec![gone]).blast(blast + unbound));
                }
            }
        }
        Some(Mta::Exim) => {
            let Some(config) = state.facts().exim.first() else { return };
            for driver in exim::transports(config, &[path]) {
                let same = || state.facts().paths.iter().filter(|other| other.services == path.services);
                let mut sources: Vec<IpAddr> = same()
                    .filter(|other| other.family != path.family && other.bound)
                    .filter_map(|other| other.source.as_ref())
                    .map(|fact| fact.value)
                    .collect();
                // What is looked up for several paths is mended where it is looked up.
                let interface_of = driver.options.get("interface").and_then(|set| set.value.as_ref());
                let is_shared = same().any(|other| other.family == path.family && other.id != path.id);
                if interface_of.is_some_and(|text| text.contains('$')) && is_shared {
                    continue;
                }
                sources.push(here);
                sources.sort_by_key(IpAddr::is_ipv6);
                let ops = exim::set(state, config, driver, "interface", Some(&interface(&sources)));
                if !ops.is_empty() {
                    all.push(Candidate::new(end.clone(), ops).blast(blast));
                }
                if driver.options.contains_key("interface") {
                    let ops = exim::set(state, config, driver, "interface", None);
                    if !ops.is_empty() {
                        all.push(Candidate::new(end.clone(), ops).blast(blast + unbound));
                    }
                }
            }
        }
        None => {}
    }
}

/// Addresses as Exim's `interface` takes them: colons separate items of its lists, unless another separator is chosen.
fn interface(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let prefix = if addresses.iter().any(IpAddr::is_ipv6) { "<; " } else { "" };
    format!("{prefix}{}", texts.join(if prefix.is_empty() { " : " } else { " ; " }))
}

/// A source address that cannot be bound: it is brought up, set right, or no longer set.
fn unusable(state: &State<'_>, fault: &BindFault, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    if let BindFaultKind::NotLocal(addr) = fault.kind {
        lost::bring_up(state, addr, all);
    }
    // A list has others beside it, which stay.
    let whole = fault.value.origin.span().map(Span::text).filter(|text| text.contains(&fault.value.value));
    let parsed: Vec<IpAddr> = whole
        .unwrap_or(&fault.value.value)
        .split(|c: char| c.is_whitespace() || ",;[]<".contains(c))
        .filter_map(|part| part.trim_matches([':', '.']).parse().ok())
        .collect();
    let span = fault.value.origin.span();
    let end = format!("`{}` holds an address of this host", fault.parameter);
    // In place: another address of this host, by its family.
    let families: Vec<Family> = match fault.kind {
        BindFaultKind::NotLocal(addr) | BindFaultKind::Loopback(addr) => vec![Family::from(addr)],
        BindFaultKind::OtherFamily(_) | BindFaultKind::NotAnAddress => Family::BOTH.to_vec(),
    };
    let mut sources: Vec<IpAddr> =
        parsed.iter().copied().filter(|addr| facts.host.has_address(*addr) == Some(true)).collect();
    for family in families.iter().copied() {
        sources.extend(facts.host.source.for_family(family));
        // An address that nobody outside sees, such as a container bridge's, is none to send from.
        let seen = |own: &IpAddr| facts.nat.sending(&Fact::new(*own, Origin::kernel("getifaddrs(3)"))).is_some();
        let own = facts.host.own_addresses().map(|own| own.address);
        sources.extend(own.filter(|own| Family::from(*own) == family).filter(seen));
    }
    let is_of_family = |addr: &IpAddr| families.contains(&Family::from(*addr));
    if sources.iter().any(is_of_family) {
        sources.retain(is_of_family);
    }
    // What the administrator says that an address is to become is no matter of choice.
    let image = match fault.kind {
        BindFaultKind::NotLocal(addr) => mapped(facts, addr),
        _ => None,
    };
    let is_mapped = image.is_some();
    // What was bound on the old host is bound here too, where that is as good.
    let unbound = u32::from(facts.moved.is_some());
    if let Some(new) = image {
        sources = vec![new];
    }
    let mut tried: Vec<IpAddr> = Vec::new();
    sources.retain(|addr| {
        !tried.contains(addr) && {
            tried.push(*addr);
            true
        }
    });
    let (sources, unbound) = match fault.mta {
        // A service's HELO name says enough of its address.
        Mta::Postfix => (sources.into_iter().map(|source| (source, 0)).collect(), unbound),
        Mta::Exim => state.intended().priced(state, fault, sources, unbound),
    };
    match fault.mta {
        Mta::Postfix => {
            for label in &fault.services {
                let Some((instance, entry, service)) = postfix::service(state, label) else { continue };
                let overridden = entry.is_some_and(|entry| entry.overrides.contains_key(&fault.parameter));
                let set = |parameter: &str, value: Option<&str>| match overridden {
                    true => postfix::master_cf(instance, &service, parameter, value),
                    false => postfix::main_cf(instance, parameter, value),
                };
                if !is_mapped {
                    all.push(Candidate::new(end.clone(), vec![set(&fault.parameter, None)]).blast(unbound));
                }
                for (source, _) in sources.iter().take(8) {
                    all.push(Candidate::new(end.clone(), vec![set(&fault.parameter, Some(&source.to_string()))]));
                }
                if let BindFaultKind::OtherFamily(addr) = fault.kind {
                    let other = match fault.parameter.strip_suffix('6') {
                        Some(bare) => bare.to_owned(),
                        None => format!("{}6", fault.parameter),
                    };
                    if facts.host.has_address(addr) == Some(true) {
                        let ops = vec![set(&fault.parameter, None), set(&other, Some(&addr.to_string()))];
                        all.push(Candidate::new(end.clone(), ops));
                    }
                }
            }
        }
        Mta::Exim => {
            let Some(config) = facts.exim.first() else { return };
            let list = |source| list_with(facts, &parsed, fault.kind, source);
            let named = |name: &str| fault.services.iter().any(|service| **service == *name);
            let drivers: Vec<_> = config.transports.iter().filter(|driver| named(&driver.name)).collect();
            let is_whole = |driver: &&crate::facts::EximDriver| {
                driver
                    .options
                    .get("interface")
                    .and_then(|set| set.value.as_ref())
                    .is_none_or(|text| !text.contains('$'))
            };
            if drivers.iter().all(is_whole) {
                let mut values: Vec<(Option<String>, u32)> = if is_mapped { Vec::new() } else { vec![(None, unbound)] };
                let here: Vec<IpAddr> =
                    parsed.iter().copied().filter(|addr| facts.host.has_address(*addr) == Some(true)).collect();
                if here.len() > 1 {
                    values.insert(0, (Some(interface(&here)), 0));
                }
                let by_source = sources.iter().take(8);
                values.extend(by_source.map(|(source, worth)| (Some(list(*source)), *worth)));
                for (value, blast) in values {
                    let set = |driver| exim::set(state, config, driver, "interface", value.as_deref());
                    let ops = once(drivers.iter().flat_map(|driver| set(driver)));
                    if !ops.is_empty() {
                        all.push(Candidate::new(end.clone(), ops).blast(blast));
                    }
                }
            }
            let Some(span) = span else { return };
            let Some(text) = state.text(span.path()) else { return };
            if let Some(name) = exim::macro_at(&text, span.position().line) {
                for (source, worth) in sources.iter().take(8) {
                    let ops = exim::set_macro(state, span.path(), name.clone(), list(*source));
                    if !ops.is_empty() {
                        all.push(Candidate::new(end.clone(), ops).blast(*worth));
                    }
                }
            } else if !super::helo::is_configuration(state, span.path()) {
                for (source, worth) in sources.iter().take(8) {
                    let op = super::helo::replace(state, span, &fault.value.value, &source.to_string());
                    all.extend(op.map(|op| Candidate::new(end.clone(), vec![op]).blast(*worth)));
                }
            }
        }
    }
}

/// The list for `interface` with a source in the place of an address that cannot be used; what else can be used stays, as another family may need
/// it.
fn list_with(facts: &Facts, parsed: &[IpAddr], kind: BindFaultKind, source: IpAddr) -> String {
    let lost = match kind {
        BindFaultKind::NotLocal(addr) | BindFaultKind::Loopback(addr) => Some(addr),
        BindFaultKind::OtherFamily(_) | BindFaultKind::NotAnAddress => None,
    };
    let mut all: Vec<IpAddr> = Vec::new();
    for addr in parsed {
        let put = if Some(*addr) == lost { source } else { *addr };
        if facts.host.has_address(put) == Some(true) && !all.contains(&put) {
            all.push(put);
        }
    }
    if !all.contains(&source) {
        all.push(source);
    }
    interface(&all)
}

/// What an address of the old host is to become by `--map`, where this host has that.
fn mapped(facts: &Facts, addr: IpAddr) -> Option<IpAddr> {
    let map = facts.moved.iter().flat_map(|moved| &moved.map);
    let mut new = map.filter_map(|mapped| match mapped {
        Mapped::Address { old, new } if *old == addr => Some(*new),
        _ => None,
    });
    new.find(|new| facts.host.has_address(*new) == Some(true))
}

/// A route by an address of the family that this host has.
fn routes(state: &State<'_>, all: &mut Vec<Candidate>) {
    for family in Family::BOTH {
        if !state.subjects("NET009").any(|subject| subject == if family == Family::Ipv4 { "ipv4" } else { "ipv6" }) {
            continue;
        }
        let bound = state.facts().paths.iter().filter(|path| path.family == family && path.bound);
        let bound = bound.filter_map(|path| path.source.as_ref()).map(|fact| fact.value);
        let own = state.facts().host.own_addresses().map(|own| own.address).filter(|own| addr::is_public(*own));
        if let Some(source) = bound.chain(own).find(|own| Family::from(*own) == family) {
            let op = Op::Route { family, source };
            all.push(Candidate::new(format!("{} has a route", family.title()), vec![op]).blast(8));
        }
    }
}

/// `inet_interfaces` without addresses that this host does not have.
fn interfaces(state: &State<'_>, all: &mut Vec<Candidate>) {
    for instance in &state.facts().postfix {
        let Some(set) = instance.parameters.get("inet_interfaces").filter(|set| set.origin.span().is_some()) else {
            continue;
        };
        let Some(value) = set.value.clone().or_else(|| set.origin.span().map(|span| span.text().to_owned())) else {
            continue;
        };
        let items: Vec<&str> = value.split([',', ' ', '\t', '\n']).filter(|item| !item.is_empty()).collect();
        let lost = |item: &&str| {
            let addr = item.trim_matches(['[', ']']).parse::<IpAddr>();
            addr.is_ok_and(|addr| state.facts().host.has_address(addr) == Some(false))
        };
        if !items.iter().any(lost) {
            continue;
        }
        let kept: Vec<&str> = items.iter().copied().filter(|item| !lost(item)).collect();
        let end = "`inet_interfaces` names addresses of this host";
        if !kept.is_empty() {
            let set = postfix::main_cf(instance, "inet_interfaces", Some(&kept.join(", ")));
            all.push(Candidate::new(end, vec![set]));
        }
        if kept.iter().all(|item| item.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|a| a.is_loopback())) {
            for family in Family::BOTH {
                if let Some(source) = state.facts().host.source.for_family(family) {
                    let mut items: Vec<String> = vec![source.to_string()];
                    items.extend(kept.iter().map(|item| (*item).to_owned()));
                    let set = postfix::main_cf(instance, "inet_interfaces", Some(&items.join(", ")));
                    all.push(Candidate::new(end, vec![set]));
                }
            }
        }
    }
}
