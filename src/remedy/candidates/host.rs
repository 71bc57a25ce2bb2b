//! The host's own name: node name, hosts file, and the records of that name.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::records::lead_to;
use super::way::{OF_HOST, Way};
use super::{Candidate, State, once};
use crate::addr::Family;
use crate::name::DomainName;
use crate::observe::iprev::confirms;
use crate::observe::{Question, RecordType};
use crate::remedy::edit::Edit;
use crate::remedy::loopback;
use crate::remedy::op::Op;
use crate::rules::names::{Introduction, introduction, judged_host_name, own_names};
use crate::rules::support::{ptr_names, sending_addresses};

const HOSTS: &str = "/etc/hosts";
/// Names tried.
const NAMES: usize = 4;

/// Rules that are about the host name.
const CODES: [&str; 10] =
    ["HST001", "HST002", "HST003", "HST004", "HST005", "HST007", "HST008", "HST009", "HST010", "CPL012"];

/// The addresses of the names that would be tried.
pub(super) fn questions(state: &State<'_>) -> BTreeSet<Question> {
    if !state.has(&CODES) {
        return BTreeSet::new();
    }
    let addresses = addresses(state);
    let of = |name: DomainName| {
        addresses.iter().map(move |addr| Question::new(&name, RecordType::address(Family::from(*addr))))
    };
    names(state).into_iter().take(NAMES).flat_map(of).collect()
}

/// Adds candidates for what is wrong with the host name.
pub(crate) fn add(state: &State<'_>, all: &mut Vec<Candidate>) {
    if !state.has(&CODES) {
        return;
    }
    for name in names(state).into_iter().take(NAMES) {
        for way in renames(state, &name) {
            all.push(Candidate::new(format!("this host is named `{name}`"), way.ops).blast(way.blast));
        }
        if state.has(&["HST010", "HST003", "HST009"]) {
            all.extend(one_name(state, &name));
        }
    }
    if let Some(name) = judged_host_name(state.facts()).map(|name| name.value) {
        let mut ops = Vec::new();
        for addr in addresses(state) {
            ops.extend(lead_to(state, &name, addr).unwrap_or_default());
        }
        if !ops.is_empty() {
            all.push(Candidate::new(format!("`{name}` leads to this host"), ops));
        }
    }
    hosts_lines(state, all);
}

/// One name for all: host, MTAs, the records of the addresses that mail leaves from by that name.
fn one_name(state: &State<'_>, name: &DomainName) -> Option<Candidate> {
    let (facts, dns) = (state.facts(), state.dns());
    let rename = renames(state, name).into_iter().max_by_key(|way| way.ops.len());
    let mut ops = rename.map(|way| way.ops).unwrap_or_default();
    for instance in &facts.postfix {
        let own = instance.parameters.get("myhostname").filter(|set| set.origin.span().is_some());
        if own.and_then(|set| set.value.as_deref()).is_some_and(|value| DomainName::new(value) != *name) {
            ops.push(super::postfix::main_cf(instance, "myhostname", Some(name.as_str())));
        }
        if super::postfix::is_set(instance, "smtp_helo_name") {
            ops.push(super::postfix::main_cf(instance, "smtp_helo_name", None));
        }
    }
    for exim in &facts.exim {
        let own = exim.main.get("primary_hostname").filter(|set| set.origin.span().is_some());
        if own.and_then(|set| set.value.as_deref()).is_some_and(|value| DomainName::new(value) != *name) {
            ops.extend(super::exim::set_main(state, exim, "primary_hostname", Some(name.as_str())));
        }
    }
    for path in facts.paths.iter().filter(|path| path.helo_is_global) {
        let Some(sending) = path.sending.as_ref().map(|fact| fact.value) else { continue };
        let forward = lead_to(state, name, sending)?;
        let pointer = match dns.ptr(sending).found().contains(name) {
            true => Vec::new(),
            false => super::records::point_back(state, sending, name)?,
        };
        ops.extend(forward.into_iter().chain(pointer));
    }
    let ops = once(ops);
    (!ops.is_empty()).then(|| Candidate::new(format!("this host is named `{name}`"), ops).blast(OF_HOST))
}

/// The addresses that the host name should have: the first sending one of each family, else a public one of an interface.
fn addresses(state: &State<'_>) -> Vec<IpAddr> {
    crate::rules::advice::addresses_to_publish(state.facts())
}

/// Names that this host might have, the best first.
pub(crate) fn names(state: &State<'_>) -> Vec<DomainName> {
    let (facts, dns) = (state.facts(), state.dns());
    let mut all: Vec<DomainName> = Vec::new();
    let mut add = |name: DomainName| all.push(name);
    facts.expected_hostname.iter().for_each(|name| add(name.clone()));
    facts.paths.iter().for_each(|path| {
        if let Introduction::Name(helo) = introduction(path, dns)
            && helo.value.literal().is_none()
        {
            add(helo.value.domain());
        }
    });
    own_names(facts).into_iter().for_each(|(_, name)| add(name.value));
    facts.host.etc_hostname.iter().for_each(|name| add(DomainName::new(&name.value)));
    facts.host.node_name.iter().for_each(|name| add(DomainName::new(&name.value)));
    facts.cpanel.iter().filter_map(|cpanel| cpanel.host.as_ref()).for_each(|name| add(DomainName::new(&name.value)));
    let node = facts.host.node_name.as_ref().map(|name| name.value.to_ascii_lowercase()).unwrap_or_default();
    let entries = facts.host.hosts.iter().flat_map(|entry| &entry.names);
    entries
        .map(|name| DomainName::new(&name.value))
        .filter(|name| name.labels().next() == Some(&node))
        .for_each(&mut add);
    let sending: Vec<IpAddr> = sending_addresses(facts).iter().map(|sending| sending.address.value).collect();
    for addr in sending.iter().copied() {
        ptr_names(dns, addr).into_iter().filter(|name| confirms(dns, name, addr) == Some(true)).for_each(&mut add);
    }
    let mut all = once(all);
    let here = |name: &DomainName| sending.iter().any(|addr| confirms(dns, name, *addr) == Some(true));
    all.retain(|name| name.is_qualified() && name.is_host_name() && !name.is_private());
    all.sort_by_cached_key(|name| !here(name));
    all
}

/// Whether WHM's host name is this.
fn whm_is(facts: &crate::facts::Facts, name: &DomainName) -> bool {
    let whm = facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.as_ref());
    whm.is_none_or(|host| DomainName::new(&host.value) == *name)
}

/// Ways to give this host a name: with the hosts file as it is, and with its line changed.
pub(crate) fn renames(state: &State<'_>, name: &DomainName) -> Vec<Way> {
    let facts = state.facts();
    let node = facts.host.node_name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
    let etc = facts.host.etc_hostname.as_ref().map(|name| name.value.clone());
    let is_named = node == name.as_str() && etc.as_deref().is_none_or(|etc| etc == name.as_str());
    let rename = Op::HostName(name.to_string());
    let mut ways = Vec::new();
    let lines = name_first(state, name);
    if let (Some(cpanel), false) = (&facts.cpanel, is_named && whm_is(facts, name)) {
        ways.extend(
            super::cpanel::rename(state, cpanel, name, lines.first()).map(|op| Way::new(vec![op]).blast(OF_HOST)),
        );
    }
    if !is_named && facts.cpanel.is_none() {
        ways.push(Way::new(vec![rename.clone()]).blast(OF_HOST));
        ways.extend(lines.iter().map(|line| Way::new(vec![line.clone(), rename.clone()]).blast(OF_HOST)));
    }
    ways.extend(lines.into_iter().map(|line| Way::new(vec![line]).blast(2)));
    ways
}

/// Edits of the hosts file after which a line of this host has `name` first; the line of `localhost` keeps that.
fn name_first(state: &State<'_>, name: &DomainName) -> Vec<Op> {
    let Some(text) = state.text(HOSTS) else { return Vec::new() };
    let facts = state.facts();
    let node = facts.host.node_name.as_ref().map(|name| name.value.to_ascii_lowercase()).unwrap_or_default();
    let short = name.labels().next().unwrap_or_default().to_owned();
    let mut ops = Vec::new();
    for entry in &facts.host.hosts {
        let Some(span) = entry.address.origin.span() else { continue };
        let loopback = entry.address.value.is_loopback();
        if !loopback && state.is_own(entry.address.value) != Some(true) {
            continue;
        }
        let is_localhost = entry.names.iter().any(|known| known.value.eq_ignore_ascii_case("localhost"));
        let names: Vec<&str> = entry.names.iter().map(|known| known.value.as_str()).collect();
        let concerns = names.iter().any(|known| {
            let known = known.to_ascii_lowercase();
            known == node || known == name.as_str() || known == short
        });
        if is_localhost || !concerns || names.first().is_some_and(|first| first.eq_ignore_ascii_case(name.as_str())) {
            continue;
        }
        let line = span.position().line;
        let Some(old) = text.split('\n').nth(line - 1) else { continue };
        let others = names.iter().filter(|known| !known.eq_ignore_ascii_case(name.as_str()));
        let mut new: Vec<&str> = vec![name.as_str()];
        new.extend(others);
        let comment = old.find('#').and_then(|at| old.get(at..)).map_or(String::new(), |c| format!(" {c}"));
        let changed = format!("{} {}{comment}", entry.address.value, new.join(" "));
        let edit = Edit::Lines { line, old: vec![old.to_owned()], new: vec![changed] };
        ops.push(Op::Edit { file: HOSTS.to_owned(), edit });
    }
    let named = |entry: &crate::facts::HostsEntry| {
        entry.names.iter().any(|known| known.value.eq_ignore_ascii_case(name.as_str()))
    };
    if !facts.host.hosts.iter().any(named) {
        let addr = facts.host.own_addresses().find(|own| crate::addr::is_public(own.address)).map(|own| own.address);
        let addr = addr.or_else(|| facts.host.own_addresses().next().map(|own| own.address));
        if let Some(addr) = addr {
            let names = if short == name.as_str() { short } else { format!("{name} {short}") };
            let edit = Edit::Append { lines: vec![format!("{addr} {names}")] };
            ops.push(Op::Edit { file: HOSTS.to_owned(), edit });
        }
    }
    ops
}

/// Lines of the hosts file that are looked at, of those that name this host wrongly.
const HOSTS_LINES: usize = 50;

/// Lines of the hosts file that give a name of this host an address that is not its own, or a loopback one.
fn hosts_lines(state: &State<'_>, all: &mut Vec<Candidate>) {
    let (facts, Some(text)) = (state.facts(), state.text(HOSTS)) else { return };
    let wanted: Vec<&str> = state.subjects("HST008").chain(state.subjects("HST007")).collect();
    if wanted.is_empty() {
        return;
    }
    let own = |family| {
        let sources = facts.paths.iter().filter(|path| path.family == family).filter_map(|path| path.source.as_ref());
        let first = sources.map(|fact| fact.value).next();
        first.or_else(|| facts.host.source.for_family(family))
    };
    let names_of = |entry: &crate::facts::HostsEntry| -> Vec<String> {
        entry.names.iter().map(|name| DomainName::new(&name.value).to_string()).collect()
    };
    let named = facts.host.hosts.iter().map(|entry| (entry, names_of(entry)));
    let named = named.filter(|(_, names)| names.iter().any(|name| wanted.contains(&name.as_str())));
    for (entry, names) in named.take(HOSTS_LINES) {
        let Some(span) = entry.address.origin.span() else { continue };
        let line = span.position().line;
        let Some(old) = text.split('\n').nth(line - 1).map(str::to_owned) else { continue };
        let edit = |new: Vec<String>| Op::Edit {
            file: HOSTS.to_owned(),
            edit: Edit::Lines { line, old: vec![old.clone()], new },
        };
        let end = format!("the hosts file leads to this host, line {line}");
        // What the DNS says of the name before what mail leaves from.
        let family = Family::from(entry.address.value);
        let published = names.iter().map(|name| state.dns().addresses(&DomainName::new(name), family));
        let published: Vec<_> = published.flat_map(|found| found.found().to_vec()).collect();
        let here = published.into_iter().map(|addr| super::local(facts, addr));
        let here = here.filter(|addr| facts.host.has_address(*addr) == Some(true)).chain(own(family)).next();
        let own = |name: &&str| loopback::is_own(name);
        let (own, others): (Vec<&str>, Vec<&str>) = entry.names.iter().map(|name| name.value.as_str()).partition(own);
        // Another line gives this host's address all of the names already.
        let stands = facts.host.hosts.iter().any(|line| {
            let known = names_of(line);
            state.is_own(line.address.value) == Some(true)
                && !line.address.value.is_loopback()
                && others.iter().all(|name| known.contains(&DomainName::new(name).to_string()))
        });
        if own.is_empty() {
            if let Some(addr) = here {
                let changed = old.replacen(span.text(), &addr.to_string(), 1);
                all.push(Candidate::new(end.clone(), vec![edit(vec![changed])]).blast(if stands { 2 } else { 0 }));
            }
            all.push(Candidate::new(end, vec![edit(Vec::new())]).blast(if stands { 0 } else { 2 }));
        } else if !others.is_empty() {
            // The loopback keeps its own names, and the others get a line.
            let comment = old.find('#').and_then(|at| old.get(at..)).map_or(String::new(), |c| format!(" {c}"));
            let addr = match (entry.address.value.is_loopback(), family) {
                (true, _) => span.text(),
                (false, Family::Ipv4) => "127.0.0.1",
                (false, Family::Ipv6) => "::1",
            };
            let kept = format!("{addr} {}{comment}", own.join(" "));
            if let Some(here) = here.filter(|_| !stands) {
                let new = vec![kept.clone(), format!("{here} {}", others.join(" "))];
                all.push(Candidate::new(end.clone(), vec![edit(new)]));
            }
            all.push(Candidate::new(end, vec![edit(vec![kept])]).blast(if stands { 0 } else { 2 }));
        }
    }
}
