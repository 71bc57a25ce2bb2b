//! One name for one sending address: HELO name, address record and PTR record agree. For each name that would do, all that is missing.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use super::records::{has_other, lead_to, own_domains, point_back};
use super::{Candidate, State, end_of, helo, once};
use crate::addr::Family;
use crate::facts::SenderDomains;
use crate::findings::Finding;
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::iprev::confirms;
use crate::observe::{Lookup, Question, RecordType, VantageKind};
use crate::rules::names::{Introduction, introduction, own_names};
use crate::rules::support::{Sending, ptr_names};

/// Names tried for one address.
const NAMES: usize = 5;
/// Addresses of one host for which names are tried.
const ADDRESSES: usize = 128;
/// Names of one address that count only where they lead to it already.
const HINTED: usize = 4;
/// Other addresses of this host whose names are tried: with many, each has its own.
const OTHERS: usize = 8;
/// What a second address of a name costs besides its record.
const BESIDE: u32 = 60;
/// What it costs to take away a record that leads to another host, which may have its reasons.
const OF_OTHER_HOST: u32 = 10;
/// Families that judge names and addresses.
const CODES: [&str; 5] = ["PTR", "HLO", "NET", "DNS", "CPL"];

/// The addresses of the names that would be tried.
pub(super) fn questions(state: &State<'_>) -> BTreeSet<Question> {
    let of = |sending: &Sending<'_>| {
        let family = Family::from(sending.address.value);
        let mut names = names(state, sending);
        names.truncate(NAMES);
        if !names.iter().any(|name| confirms(state.dns(), name, sending.address.value) == Some(true)) {
            names.extend(hinted(state, sending));
        }
        names.iter().map(|name| Question::new(name, RecordType::address(family))).collect::<Vec<_>>()
    };
    faulty(state).into_iter().flat_map(of).collect()
}

/// The sending addresses of faulty paths.
fn faulty<'s, 'a>(state: &'s State<'a>) -> Vec<&'s Sending<'a>> {
    let judged = |finding: &Finding| CODES.contains(&finding.meta.family());
    let subjects =
        state.trial.findings.iter().filter(|finding| judged(finding)).map(|finding| finding.subject.as_str());
    let subjects: HashSet<&str> = subjects.collect();
    let wrong = |sending: &Sending<'_>| {
        subjects.contains(sending.address.value.to_string().as_str())
            || sending.paths.iter().any(|path| state.found_of(&path.id).iter().any(|finding| judged(finding)))
    };
    state.sending().iter().filter(|sending| wrong(sending)).take(ADDRESSES).collect()
}

/// Adds a candidate for each address of a faulty path and each name that it could have.
pub(crate) fn add(state: &State<'_>, all: &mut Vec<Candidate>) {
    for sending in faulty(state) {
        let addr = sending.address.value;
        for name in names(state, sending).into_iter().take(NAMES) {
            of_name(state, sending, addr, &name, all);
        }
    }
}

fn of_name(state: &State<'_>, sending: &Sending<'_>, addr: IpAddr, name: &DomainName, all: &mut Vec<Candidate>) {
    let Some(mut forward) = lead_to(state, name, addr) else { return };
    // The same name's address in the other family, where mail goes by that too.
    for path in state.introduced_as(name) {
        let Some(other) = path.sending.as_ref().filter(|other| Family::from(other.value) != Family::from(addr)) else {
            continue;
        };
        if !forward.is_empty() && state.dns().addresses(name, path.family).is_missing() {
            forward.extend(
                lead_to(state, name, other.value)
                    .unwrap_or_default()
                    .into_iter()
                    .filter(|op| !forward.contains(op))
                    .collect::<Vec<_>>(),
            );
        }
    }
    let Some(pointer) = point_back(state, addr, name) else { return };
    let has_it = state.dns().ptr(addr).found().contains(name);
    let wrong: Vec<_> = sending
        .paths
        .iter()
        .copied()
        .filter(|path| match introduction(path, state.dns()) {
            Introduction::Name(helo) => helo.value.domain() != *name || helo.value.literal().is_some(),
            Introduction::None => false,
            Introduction::Undecided | Introduction::Open(_) => true,
        })
        .collect();
    let ways = match wrong.is_empty() {
        true => vec![helo::Way::default()],
        false => helo::ways(state, &wrong, addr, name),
    };
    let end = end_of(name, addr);
    let elsewhere = super::records::lead_nowhere_else(state, name, addr);
    // A second address of a name that has one of this host's already is seldom what is meant.
    let beside = if forward.is_empty() || !has_other(state, name, addr) { 0 } else { BESIDE };
    for way in ways {
        let with = |parts: [&[crate::remedy::op::Op]; 3]| {
            let ops: Vec<_> = parts.into_iter().flatten().cloned().collect();
            (!ops.is_empty()).then(|| Candidate::new(end.clone(), ops).blast(way.blast + beside))
        };
        all.extend(with([&forward, &pointer, &way.ops]));
        if !elsewhere.is_empty() {
            all.extend(with([&elsewhere, &pointer, &way.ops]).map(|candidate| candidate.blast(OF_OTHER_HOST)));
        }
        // Other names of the same PTR record set may have their reasons.
        if has_it && !pointer.is_empty() {
            all.extend(with([&forward, &[], &way.ops]));
        }
    }
}

/// Whether a name is in a domain whose mail leaves by an address.
fn is_of_senders(sending: &Sending<'_>, name: &DomainName) -> bool {
    let only = |domain: DomainName| {
        sending.paths.iter().any(|path| match &path.sender_domains {
            SenderDomains::Only { domains, .. } => domains.binary_search(&domain).is_ok(),
            _ => false,
        })
    };
    name.ancestors().any(only)
}

/// The names that would do for an address, the best first.
fn names(state: &State<'_>, sending: &Sending<'_>) -> Vec<DomainName> {
    let (facts, dns, addr) = (state.facts(), state.dns(), sending.address.value);
    let domains = own_domains(state);
    let present = ptr_names(dns, addr);
    let mut all: Vec<DomainName> = Vec::new();
    let mut add = |name: DomainName| all.push(name);
    let ours = |name: &DomainName| {
        domains.is_empty()
            || name.registrable().is_some_and(|own| domains.binary_search(&own).is_ok())
            || is_of_senders(sending, name)
    };
    let confirmed = |name: &DomainName| confirms(dns, name, addr) == Some(true);
    for path in &sending.paths {
        if let Introduction::Name(helo) = introduction(path, dns)
            && helo.value.literal().is_none()
        {
            let name = helo.value.domain();
            // What an alias leads to is a name of its own.
            if let Some(target) = dns.alias(&name, RecordType::address(Family::from(addr))) {
                add(target);
            }
            add(name);
        }
    }
    let planned = dns.truth(&Question::ptr(addr)).kind == Some(VantageKind::Overlay);
    present.iter().filter(|name| (confirmed(name) || planned) && ours(name)).for_each(|name| add(name.clone()));
    facts.expected_hostname.iter().for_each(|name| add(name.clone()));
    for expected in facts.expected_helo.iter().filter(|e| sending.paths.iter().any(|path| e.is_for(path))) {
        add(expected.name.value.clone());
    }
    facts.host.fqdn.name().into_iter().for_each(|name| add(name.value));
    facts.host.node_name.iter().for_each(|name| add(DomainName::new(&name.value)));
    own_names(facts).into_iter().for_each(|(_, name)| add(name.value));
    facts.cpanel.iter().filter_map(|cpanel| cpanel.host.as_ref()).for_each(|name| add(DomainName::new(&name.value)));
    // What else this host goes by: in the hosts file, in mailname, to receivers of another of its addresses.
    let here = facts.host.hosts.iter().filter(|entry| state.is_own(entry.address.value) == Some(true));
    here.flat_map(|entry| &entry.names).for_each(|name| add(DomainName::new(&name.value)));
    // A bare domain is the website's name.
    let mailname = facts.host.mailname.iter().map(|name| DomainName::new(&name.value));
    mailname.filter(|name| name.registrable().as_ref() != Some(name)).for_each(&mut add);
    let others = state.sending().iter().map(|other| other.address.value).filter(|other| *other != addr);
    others.take(OTHERS).flat_map(|other| ptr_names(dns, other)).filter(|name| ours(name)).for_each(&mut add);
    let mut all = once(all);
    all.retain(|name| {
        fits(name, addr)
            && !matches!(dns.addresses(name, Family::from(addr)), Lookup::Unanswered(_) if name.registrable().is_none())
    });
    if !all.iter().any(confirmed) {
        all.extend(hinted(state, sending).into_iter().filter(confirmed));
    }
    all.sort_by_cached_key(|name| (!confirmed(name), !present.contains(name)));
    all
}

/// Whether receivers would take a name for that of a mail host at this address.
fn fits(name: &DomainName, addr: IpAddr) -> bool {
    name.is_qualified()
        && name.is_host_name()
        && !name.is_private()
        && !name.as_str().starts_with("www.")
        && why_generic(name, addr).is_none()
}

/// Names that may be those of an address where none is known: of the domains whose mail leaves by it alone, and what the hosts file has for any
/// other host, which this one may have been.
fn hinted(state: &State<'_>, sending: &Sending<'_>) -> Vec<DomainName> {
    let facts = state.facts();
    let only = |domains: &SenderDomains| match domains {
        SenderDomains::Only { domains, others: false } => domains.iter().take(HINTED / 2).cloned().collect(),
        _ => Vec::new(),
    };
    let domains = sending.paths.iter().flat_map(|path| only(&path.sender_domains));
    let of_domain = |domain: DomainName| [DomainName::new(&format!("mail.{domain}")), domain];
    let hosts = facts.host.hosts.iter().filter(|entry| !entry.address.value.is_loopback());
    let hosts = hosts.flat_map(|entry| &entry.names).map(|name| DomainName::new(&name.value));
    let all = domains.take(HINTED / 2).flat_map(of_domain).chain(hosts);
    once(all.filter(|name| fits(name, sending.address.value)).take(HINTED))
}
