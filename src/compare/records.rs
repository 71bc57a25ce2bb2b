//! PTR and other records: what was answered then, and what is answered now.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::{Family, reverse_name};
use crate::facts::{Answers, Facts, OutboundPath, SenderDomains, Sought};
use crate::identity::{OwnAddresses, helo_name, host_and_own_names};
use crate::name::DomainName;
use crate::observe::Question;

use super::Side;
use super::change::{Change, Effect, What};
use super::mapping::{Mapping, same};

/// Domains of a path that its key names.
const NAMED: usize = 3;
/// Types of records that are compared: who serves a zone, and its serial, are no part of a host's identity.
const TYPES: [&str; 5] = ["A", "AAAA", "MX", "TXT", "CNAME"];

/// What changed of them.
pub(super) fn changes(old: Side<'_>, new: Side<'_>, mapping: &Mapping, sought: &Sought) -> Vec<Change> {
    let mut all = ptr(old, new, mapping);
    all.extend(left_ptr(new, sought));
    all.extend(others(old, new, mapping, sought));
    for change in &mut all {
        // The last one that the transfer took out.
        let Some(removed) = new.facts.removed.iter().rfind(|removed| removed.question == change.key) else { continue };
        let when = if removed.when.is_empty() { String::new() } else { format!(" ({})", removed.when) };
        change.because += &format!("; cPanel's transfer took `{}` out of the zone{when}", removed.data);
        change.origin.get_or_insert_with(|| removed.origin.clone());
    }
    all
}

/// What changed of records that are no PTR records of sending addresses.
fn others(old: Side<'_>, new: Side<'_>, mapping: &Mapping, sought: &Sought) -> Vec<Change> {
    let mut all = Vec::new();
    let own = OwnAddresses::new(new.facts);
    // The records of a name that became another are those of the other.
    let asked = old.answers.iter().map(|(question, data)| (mapping.translated(question).0, (question, data)));
    let asked: BTreeMap<String, (&String, &BTreeSet<String>)> = asked.collect();
    // Then nobody can say that a name leads elsewhere.
    let unknown = new.facts.paths.iter().any(|path| path.sending.is_none());
    for (question, now) in new.answers {
        let Some((_, rtype)) = question.rsplit_once(' ').filter(|(_, rtype)| TYPES.contains(rtype)) else { continue };
        let text = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(", ");
        let shown = |all: &BTreeSet<String>| (!all.is_empty()).then(|| text(all));
        let (was_asked, before) = asked.get(question).copied().unzip();
        let change =
            Change::new(What::Record, question.as_str(), before.and_then(shown).as_deref(), shown(now).as_deref());
        if now
            .iter()
            .any(|data| sought.in_text(data).any(|(_, value)| matches!(value, crate::facts::moved::Value::Address(_))))
        {
            all.push(change.leftover("it still holds an address of the old host"));
            continue;
        }
        let Some(before) = before else { continue };
        let translated: Vec<(String, Option<&str>)> = before.iter().map(|data| mapping.translated(data)).collect();
        if before == now && translated.iter().all(|(meant, because)| because.is_none() || before.contains(meant)) {
            continue;
        }
        let is_kept = |data: &String| now.iter().any(|own| same(own, data));
        let lost = translated.iter().any(|(data, _)| !is_kept(data));
        let is_own = |data: &String| data.parse::<IpAddr>().is_ok_and(|addr| own.has(addr) == Some(true));
        let added = now.iter().any(|data| !translated.iter().any(|(meant, _)| same(meant, data)) && !is_own(data));
        let because = translated.iter().find_map(|(_, because)| *because);
        // An address record may lead to more addresses of this host, and to fewer of those that the old host had, as long as it leads here.
        let is_address = ["A", "AAAA"].contains(&rtype);
        let here = is_address && !now.is_empty() && now.iter().all(is_own);
        if unknown && is_address && (lost || added) {
            continue;
        }
        let mut change = match (lost || added, because) {
            (false, because) => change.expected(because.unwrap_or("it leads to this host")),
            (true, _) if here => change.expected("it leads to this host"),
            (true, Some(because)) => change.drift(Effect::Identity, format!("another was to be expected ({because})")),
            (true, None) => change.drift(Effect::Identity, "nothing says that it should"),
        };
        if let Some(was_asked) = was_asked.filter(|was_asked| *was_asked != question) {
            change.because += &format!("; before, of {was_asked}");
        }
        all.push(change);
    }
    all
}

/// The PTR records of sending addresses, by path.
fn ptr(old: Side<'_>, new: Side<'_>, mapping: &Mapping) -> Vec<Change> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for path in old.facts.paths.iter().filter(|path| !path.unused && path.relayed.is_none()) {
        let Some(was) = path.sending.as_ref().map(|fact| fact.value).filter(|addr| seen.insert(*addr)) else {
            continue;
        };
        let is = mapping.address(was);
        if !new.facts.paths.iter().any(|path| sends(path, is)) {
            continue;
        }
        let answer = |answers: &Answers, addr| answers.get(&Question::ptr(addr).to_string()).cloned();
        let (Some(before), Some(after)) = (answer(old.answers, was), answer(new.answers, is)) else { continue };
        let text = |all: &BTreeSet<String>| -> Option<String> {
            let all: Vec<&str> = all.iter().map(|name| name.trim_end_matches('.')).collect();
            (!all.is_empty()).then(|| all.join(", "))
        };
        let meant: BTreeSet<DomainName> =
            before.iter().map(|name| DomainName::new(&mapping.translated(name).0)).collect();
        let found: BTreeSet<DomainName> = after.iter().map(|name| DomainName::new(name)).collect();
        if before == after && meant == found {
            continue;
        }
        let mta = path.mta.map_or("host", |mta| mta.id());
        let service = path.services.first().map(|service| format!("{service} ")).unwrap_or_default();
        let mut key = format!("{mta} {service}{}", Family::from(was).title().to_lowercase());
        // Paths of single domains share service and family with that of all others.
        if let SenderDomains::Only { domains, others: false } = &path.sender_domains {
            domains.iter().take(NAMED).for_each(|domain| key += &format!(" {domain}"));
        }
        let change = Change::new(What::Ptr, key, text(&before).as_deref(), text(&after).as_deref());
        let because = before.iter().find_map(|name| mapping.translated(name).1);
        let before: BTreeSet<DomainName> = before.iter().map(|name| DomainName::new(name)).collect();
        let (named, names) = (Named::by(&before, was, old.facts), Named::by(&found, is, new.facts));
        all.push(match (because, named, names) {
            (Some(because), ..) if before == found => {
                change.drift(Effect::Identity, format!("another was to be expected ({because})"))
            }
            (because, _, Named::Helo) => change.expected(because.unwrap_or("it is the HELO name of its mail")),
            (Some(because), ..) if meant == found => change.expected(because),
            (Some(because), ..) => change.drift(Effect::Identity, format!("another was to be expected ({because})")),
            (None, Named::Other, Named::Other) if was != is => {
                change.expected("the address is another, and neither PTR record names its host")
            }
            (None, Named::Host | Named::Other, Named::Host) => change.expected("it names this host"),
            (None, Named::Helo, Named::Host) => change.drift(
                Effect::Identity,
                format!("the PTR record of {was} was the HELO name of its mail; that of {is} is not"),
            ),
            (None, Named::Helo | Named::Host, Named::Other) => change.drift(
                Effect::Identity,
                format!("the PTR record of {is} does not name this host as that of {was} did"),
            ),
            (None, Named::Other, Named::Other) => change.drift(Effect::Identity, "nothing says that it should"),
        });
    }
    all
}

fn sends(path: &OutboundPath, address: IpAddr) -> bool {
    path.sending.as_ref().is_some_and(|fact| fact.value == address)
}

/// What the PTR records of a sending address name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// The HELO name of mail from it.
    Helo,
    /// The host, or its MTA.
    Host,
    /// Neither.
    Other,
}

impl Named {
    fn by(ptr: &BTreeSet<DomainName>, address: IpAddr, facts: &Facts) -> Named {
        let paths = facts.paths.iter().filter(|path| !path.unused && sends(path, address));
        let mut introduced = paths.filter_map(helo_name).map(|name| name.name);
        if introduced.any(|name| ptr.contains(&name)) {
            Named::Helo
        } else if host_and_own_names(facts).iter().any(|name| ptr.contains(&name.name)) {
            Named::Host
        } else {
            Named::Other
        }
    }
}

/// PTR records of the old host's addresses that still name this one (DNS011).
fn left_ptr(new: Side<'_>, sought: &Sought) -> Vec<Change> {
    let own: BTreeSet<DomainName> = host_and_own_names(new.facts)
        .into_iter()
        .map(|name| name.name)
        .chain(new.facts.paths.iter().filter_map(helo_name).map(|name| name.name))
        .collect();
    let mut all = Vec::new();
    for &addr in &sought.addresses {
        let Some(names) = new.answers.get(&Question::ptr(addr).to_string()) else { continue };
        if let Some(name) = names.iter().find(|name| own.contains(&DomainName::new(name))) {
            let name = name.trim_end_matches('.');
            let change = Change::new(What::Ptr, format!("{}.", reverse_name(addr)), Some(name), Some(name));
            all.push(change.leftover("the PTR record of an old address still names this host"));
        }
    }
    all
}
