//! Outbound paths: which of the old host's ways of sending has which counterpart, and what differs.
//!
//! A path's identifier counts paths of one run, and so says nothing on another host. Here a way of sending is MTA, service, family and, where
//! the configuration selects by it, sender domain.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::addr::Family;
use crate::facts::{Answers, Fact, Facts, Helo, OutboundPath, SenderDomains};
use crate::name::DomainName;

use super::Side;
use super::change::{Change, Effect, What};
use super::mapping::Mapping;
use super::panel;

/// Domains that a key names before it counts the rest.
const NAMED: usize = 3;

/// The paths of one host in one family, by what takes them.
struct Ways<'a> {
    paths: Vec<&'a OutboundPath>,
    /// Paths that name a domain.
    named: HashMap<&'a DomainName, Vec<usize>>,
    /// Paths that all take whom no list names.
    rest: Vec<usize>,
    /// Domains that the configuration names for a way of sending that is none: its source address cannot be used, and nothing is sent.
    blocked: HashSet<&'a DomainName>,
}

impl<'a> Ways<'a> {
    /// Those that mail takes: a path that nothing names has no part in what the host does.
    fn new(facts: &'a Facts, family: Family) -> Ways<'a> {
        let paths: Vec<&OutboundPath> =
            facts.paths.iter().filter(|path| path.family == family && !path.unused).collect();
        let (mut named, mut rest): (HashMap<_, Vec<usize>>, _) = (HashMap::new(), Vec::new());
        for (at, path) in paths.iter().enumerate() {
            match &path.sender_domains {
                SenderDomains::Any => rest.push(at),
                SenderDomains::Undecided => {}
                SenderDomains::Only { domains, others } => {
                    domains.iter().for_each(|domain| named.entry(domain).or_default().push(at));
                    if *others {
                        rest.push(at);
                    }
                }
            }
        }
        let senders = facts.senders.iter().flatten().filter(|sender| sender.family == family && !sender.unused);
        let listed =
            senders.filter(|sender| facts.mtas.judges(sender.mta)).flat_map(|sender| match &sender.sender_domains {
                SenderDomains::Only { domains, .. } => domains.as_slice(),
                SenderDomains::Any | SenderDomains::Undecided => &[],
            });
        let blocked = listed.filter(|domain| !named.contains_key(domain)).collect();
        Ways { paths, named, rest, blocked }
    }

    /// The paths that mail of a domain takes; `None`: of every domain that no list names.
    fn takers(&self, domain: Option<&DomainName>) -> &[usize] {
        match domain {
            Some(domain) if self.blocked.contains(domain) => &[],
            Some(domain) => self.named.get(domain).unwrap_or(&self.rest),
            None => &self.rest,
        }
    }

    fn path(&self, at: usize) -> Option<&'a OutboundPath> {
        self.paths.get(at).copied()
    }

    /// Whether files decide for every path which domains take it.
    fn is_decided(&self) -> bool {
        self.paths.iter().all(|path| path.sender_domains != SenderDomains::Undecided)
    }
}

/// Two paths that correspond (`None`: nothing does), the services that both have, and the domains that take them.
struct Pair<'a> {
    old: &'a OutboundPath,
    new: Option<&'a OutboundPath>,
    services: BTreeSet<&'a str>,
    domains: BTreeSet<&'a DomainName>,
    /// Whether all that no list names are among them.
    rest: bool,
}

/// What changed of them.
pub(super) fn changes(old: Side<'_>, new: Side<'_>, mapping: &Mapping) -> Vec<Change> {
    let mut all = Vec::new();
    for family in Family::BOTH {
        let (before, now) = (Ways::new(old.facts, family), Ways::new(new.facts, family));
        if !now.is_decided() {
            continue;
        }
        let judged = |was: &OutboundPath, is: &OutboundPath| fits(was, is, old.answers, new.answers, mapping);
        for pair in counterparts(&before, &now, old.facts, new.facts, &judged) {
            all.extend(of_pair(&pair, family, old, new, mapping));
        }
    }
    all
}

/// Pairs of addresses that mail of one path and domain leaves from: on the old host, on the new one.
pub(super) fn pairs<'a>(old: &'a Facts, new: &'a Facts) -> impl Iterator<Item = (IpAddr, IpAddr)> + 'a {
    Family::BOTH.into_iter().flat_map(move |family| {
        let (before, now) = (Ways::new(old, family), Ways::new(new, family));
        let paired = counterparts(&before, &now, old, new, &|_, _| false);
        let addresses = paired.into_iter().flat_map(|pair| {
            let weight = pair.domains.len().max(1);
            let both = |of: fn(&OutboundPath) -> Option<IpAddr>| Some((of(pair.old)?, of(pair.new?)?));
            let local = both(|path| path.source.as_ref().map(|fact| fact.value));
            let seen = both(|path| path.sending.as_ref().map(|fact| fact.value)).filter(|seen| Some(*seen) != local);
            local.into_iter().chain(seen).flat_map(move |pair| std::iter::repeat_n(pair, weight))
        });
        addresses.collect::<Vec<_>>()
    })
}

/// Every path of the old host with its counterpart, by domain: the same service, of its paths one that `fits` or has the same next
/// hop, else one that `fits`, else the first that takes the domain.
fn counterparts<'a>(
    before: &Ways<'a>,
    now: &Ways<'a>,
    old: &'a Facts,
    new: &'a Facts,
    fits: &dyn Fn(&OutboundPath, &OutboundPath) -> bool,
) -> Vec<Pair<'a>> {
    let handled_before = panel::domains(old);
    let handled_now = panel::domains(new);
    let mut domains: BTreeSet<&DomainName> = before.named.keys().copied().collect();
    // A domain that has come since had no way before.
    domains.extend(now.named.keys().copied().filter(|domain| handled_before.contains(*domain)));
    // One that is not here sends nothing from here.
    domains.retain(|domain| handled_now.is_empty() || now.named.contains_key(domain) || handled_now.contains(*domain));
    let mut found: BTreeMap<(usize, Option<usize>), Pair<'a>> = BTreeMap::new();
    let mut fitting: HashMap<(usize, usize), bool> = HashMap::new();
    for domain in domains.into_iter().map(Some).chain([None]) {
        for &from in before.takers(domain) {
            let Some(was) = before.path(from) else { continue };
            for service in &was.services {
                let takers = now.takers(domain);
                let has = |at: &&usize| {
                    now.path(**at).is_some_and(|path| path.mta == was.mta && path.services.contains(service))
                };
                let mut fits = |at: &&usize| {
                    *fitting.entry((from, **at)).or_insert_with(|| now.path(**at).is_some_and(|path| fits(was, path)))
                };
                // One service may have several next hops, and so several paths.
                let as_before = |at: &&usize| now.path(**at).is_some_and(|path| relay(was) == relay(path));
                let same = takers.iter().find(|at| has(at) && fits(at));
                let same = same
                    .or_else(|| takers.iter().find(|at| has(at) && as_before(at)))
                    .or_else(|| takers.iter().find(has));
                let to = same.or_else(|| takers.iter().find(&mut fits)).or(takers.first()).copied();
                let pair = found.entry((from, to)).or_insert_with(|| Pair {
                    old: was,
                    new: to.and_then(|to| now.path(to)),
                    services: BTreeSet::new(),
                    domains: BTreeSet::new(),
                    rest: false,
                });
                pair.services.insert(service);
                match domain {
                    Some(domain) => {
                        pair.domains.insert(domain);
                    }
                    None => pair.rest = true,
                }
            }
            if was.services.is_empty() && domain.is_none() {
                let to = now.takers(None).first().copied();
                let new = to.and_then(|to| now.path(to));
                found.entry((from, to)).or_insert(Pair {
                    old: was,
                    new,
                    services: BTreeSet::new(),
                    domains: BTreeSet::new(),
                    rest: true,
                });
            }
        }
    }
    found.into_values().collect()
}

/// Whether mail that took one path can take the other and look as it should.
fn fits(was: &OutboundPath, is: &OutboundPath, before: &Answers, now: &Answers, mapping: &Mapping) -> bool {
    let source = seen(was, is).is_none_or(|(was, is)| mapping.address(was) == is);
    let helo = match (helo(was, before), helo(is, now)) {
        (Some(was), Some(name)) => mapping.judge_helo(is, &was, &name).is_ok(),
        _ => true,
    };
    source && helo && relay(was) == relay(is)
}

/// What differs of two paths that correspond.
fn of_pair(pair: &Pair<'_>, family: Family, old: Side<'_>, new: Side<'_>, mapping: &Mapping) -> Vec<Change> {
    let was = pair.old;
    let key = key(pair, family);
    let domains: Vec<DomainName> = pair.domains.iter().map(|domain| (*domain).clone()).collect();
    let make = |what: What, old: Option<&str>, new: Option<&str>| Change {
        domains: domains.clone(),
        old_path: Some(was.id.clone()),
        ..Change::new(what, key.clone(), old, new)
    };
    let helo_was = helo(was, old.answers);
    let Some(is) = pair.new else {
        let shown = described(was, helo_was.as_deref());
        let because = match new.facts.paths.iter().any(|path| path.family == family) {
            _ if new.facts.paths.is_empty() => "no mail leaves from this host, as far as its files say".to_owned(),
            true => format!("no {} path of this host takes that mail", family.title()),
            false => format!("this host sends nothing over {}", family.title()),
        };
        let mut change = make(What::Path, Some(&shown), None).drift(Effect::Path, because);
        if let Some(source) = &was.source {
            change = change.was_at(&source.origin);
        }
        return vec![change];
    };
    let mut all = Vec::new();
    let how = |path: &OutboundPath| relay(path).map_or_else(|| "direct".to_owned(), |hop| format!("by way of {hop}"));
    let (before, now) = (how(was), how(is));
    let change = make(What::Path, Some(&before), Some(&now));
    match mapping.judge(&before, &now) {
        Ok(because) => all.extend(because.map(|because| change.expected(because))),
        Err(because) => all.push(change.drift(Effect::Path, because).at_fact(is.relayed.as_deref())),
    }
    if let Some((before, now)) = seen(was, is) {
        let (old, new) = (before.to_string(), now.to_string());
        let change = make(What::Source, Some(&old), Some(&new)).at_fact(is.source.as_ref());
        match mapping.judge(&old, &new) {
            Ok(because) => all.extend(because.map(|because| change.expected(because))),
            Err(because) => all.push(change.drift(Effect::Path, because)),
        }
    }
    if let (Some(before), Some(now)) = (helo_was, helo(is, new.answers)) {
        let change = make(What::Helo, Some(&before), Some(&now));
        let change = match helo_origin(is) {
            Some(origin) => change.at(origin),
            None => change,
        };
        let effect = if pair.domains.is_empty() { Effect::Identity } else { Effect::Path };
        match mapping.judge_helo(is, &before, &now) {
            Ok(because) => all.extend(because.map(|because| change.expected(because))),
            Err(because) => all.push(change.drift(effect, because)),
        }
    }
    all
}

/// The key of a pair: MTA, service, family, domains.
fn key(pair: &Pair<'_>, family: Family) -> String {
    let mta = pair.old.mta.map_or("host", |mta| mta.id());
    // Services of one path agree in all that is compared: the first stands for them.
    let service = pair.old.services.iter().find(|service| pair.services.contains(&***service));
    let family = family.title().to_lowercase();
    let mut key = match service {
        Some(service) => format!("{mta} {service} {family}"),
        None => format!("{mta} {family}"),
    };
    if !pair.domains.is_empty() {
        let named: Vec<&str> = pair.domains.iter().take(NAMED).map(|domain| domain.as_str()).collect();
        key += &format!(" {}", named.join(", "));
        match (pair.domains.len().saturating_sub(NAMED), pair.rest) {
            (0, false) => {}
            (0, true) => key += " and all others",
            (more, false) => key += &format!(" and {more} more"),
            (more, true) => key += &format!(", {more} more and all others"),
        }
    }
    key
}

/// What receivers see of two paths; where that is unknown of one, the local addresses.
fn seen(was: &OutboundPath, is: &OutboundPath) -> Option<(IpAddr, IpAddr)> {
    let value = |fact: &Option<Fact<IpAddr>>| fact.as_ref().map(|fact| fact.value);
    let both = |of: &dyn Fn(&OutboundPath) -> Option<IpAddr>| Some((of(was)?, of(is)?));
    both(&|path| value(&path.sending)).or_else(|| both(&|path| value(&path.source)))
}

fn relay(path: &OutboundPath) -> Option<&str> {
    path.relayed.as_ref().map(|hop: &Arc<Fact<String>>| hop.value.as_str())
}

/// How a path is introduced, as far as files and answers decide it.
pub(super) fn helo(path: &OutboundPath, answers: &Answers) -> Option<String> {
    match &path.helo {
        Helo::Known(name) => Some(name.value.as_str().to_owned()),
        Helo::None | Helo::Undecided(_) => None,
        Helo::FollowsPtr { default, .. } => {
            let source = path.source.as_ref()?.value;
            let names = answers.get(&crate::observe::Question::ptr(source).to_string())?;
            // Of several, any may be sent.
            match (names.len(), names.first()) {
                (1, Some(name)) => Some(name.trim_end_matches('.').to_owned()),
                (0, _) => default.as_ref().map(|name| name.as_str().to_owned()),
                _ => None,
            }
        }
    }
}

fn helo_origin(path: &OutboundPath) -> Option<&crate::facts::Origin> {
    match &path.helo {
        Helo::Known(name) => Some(&name.origin),
        Helo::FollowsPtr { origin, .. } => Some(origin),
        Helo::None | Helo::Undecided(_) => None,
    }
}

fn described(path: &OutboundPath, helo: Option<&str>) -> String {
    let from = path.sending.as_ref().or(path.source.as_ref());
    let from = from.map_or_else(String::new, |addr| format!("from {}", addr.value));
    match helo {
        Some(helo) => format!("{from} as {helo}").trim_start().to_owned(),
        None => from,
    }
}
