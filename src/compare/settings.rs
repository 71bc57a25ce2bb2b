//! Settings of the MTAs that bear on the identity, and the NAT map.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{Exim, EximDriver, Facts, Mta, NatEntry, Origin, Postfix, PostfixService, Setting, Sought};

use super::Side;
use super::change::{Change, Effect, Verdict, What};
use super::mapping::Mapping;
use crate::facts::moved::{Value, words};
use crate::identity::OwnAddresses;

/// Parameters of Postfix that bind, introduce, or choose by sender. What changes of their values is told by path; that one is not set any
/// more, here.
const POSTFIX: [&str; 5] = [
    "smtp_helo_name",
    "smtp_bind_address",
    "smtp_bind_address6",
    "sender_dependent_default_transport_maps",
    "sender_dependent_relayhost_maps",
];
/// Options of Exim's transports of that kind.
const EXIM: [&str; 2] = [EXIM_BINDING, "helo_data"];

/// Those of Postfix that bind.
const BINDING: [&str; 2] = ["smtp_bind_address", "smtp_bind_address6"];
/// That of Exim.
const EXIM_BINDING: &str = "interface";

/// What changed of them. `paths` says whose mail leaves otherwise than before.
pub(super) fn changes(
    old: Side<'_>,
    new: Side<'_>,
    mapping: &Mapping,
    sought: &Sought,
    paths: &[Change],
) -> Vec<Change> {
    let is_same = !paths.iter().any(|change| change.what != What::Helo && change.verdict == Verdict::Drift);
    let mut found = Found { all: Vec::new(), mapping, sought, unbound: is_same.then_some(new.facts) };
    let same_mta = |mta| old.facts.mtas.judges(mta) && new.facts.mtas.judges(mta);
    if same_mta(Mta::Postfix) {
        for was in &old.facts.postfix {
            let named = new.facts.postfix.iter().find(|is| is.config_directory == was.config_directory);
            if let Some(is) = named.or(new.facts.postfix.first()) {
                found.postfix(was, is);
            }
        }
    }
    if same_mta(Mta::Exim) {
        for (was, is) in old.facts.exim.iter().zip(&new.facts.exim) {
            let own = transports(is);
            for transport in was.transports.iter() {
                if let Some(own) = own.get(transport.name.as_str()) {
                    found.exim(transport, own);
                }
            }
        }
    }
    let mut all = nat(old.facts, new.facts, mapping);
    all.append(&mut found.all);
    all
}

/// A binding that is gone with its address, where the kernel has one address to choose and all mail leaves from where it should, is what the move
/// asked for.
fn without_old_address(change: Change, new: &Facts) -> Change {
    if change.verdict != Verdict::Drift || change.new.is_some() {
        return change;
    }
    let own = OwnAddresses::new(new);
    let interfaces = new.host.own_addresses().filter(|on| on.usable()).map(|on| on.address);
    let here: BTreeSet<IpAddr> = interfaces.collect();
    let is_alone = |family| here.iter().filter(|address| Family::from(**address) == family).count() <= 1;
    let is_gone = |(_, value)| match value {
        Value::Address(address) => own.has(address) == Some(false) && is_alone(Family::from(address)),
        Value::Name(_) => true,
    };
    let all_gone = words(change.old.as_deref().unwrap_or_default()).all(is_gone);
    if all_gone { change.expected("that address is not on this host, which has one to send from") } else { change }
}

/// What was found of the settings so far, and what they are compared by.
struct Found<'a> {
    all: Vec<Change>,
    mapping: &'a Mapping,
    sought: &'a Sought,
    /// The new host, where all its mail leaves from where it should: there a binding may go with its address.
    unbound: Option<&'a Facts>,
}

/// What a setting is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Binding,
    Other,
}

impl For {
    fn postfix(parameter: &str) -> For {
        if BINDING.contains(&parameter) { For::Binding } else { For::Other }
    }
}

impl Found<'_> {
    fn postfix(&mut self, was: &Postfix, is: &Postfix) {
        let directory = if was.config_directory == "/etc/postfix" { "" } else { was.config_directory.as_str() };
        let key = |rest: String| format!("postfix {directory} {rest}").split_whitespace().collect::<Vec<_>>().join(" ");
        for parameter in POSTFIX {
            let before = was.parameters.get(parameter).filter(|setting| is_set(setting, parameter));
            let now = is.parameters.get(parameter);
            let set = now.is_some_and(|now| is_set(now, parameter));
            self.compare(For::postfix(parameter), key(parameter.to_owned()), before, (now, set));
        }
        let services = services(is);
        for service in &was.services {
            let Some(own) = services.get(&key_of(service)) else { continue };
            for (name, setting) in service.overrides.iter().filter(|(name, _)| POSTFIX.contains(&name.as_str())) {
                // What the service would go by without its own option.
                let now = own.overrides.get(name).or(is.parameters.get(name));
                let set = own.overrides.contains_key(name) || now.is_some_and(|now| is_set(now, name));
                self.compare(For::postfix(name), key(format!("{} {name}", service.name)), Some(setting), (now, set));
            }
        }
    }

    fn exim(&mut self, was: &EximDriver, is: &EximDriver) {
        for option in EXIM {
            let in_file = |setting: &&Setting| setting.origin.span().is_some();
            let Some(before) = was.options.get(option).filter(in_file) else { continue };
            let key = format!("exim {} {option}", was.name);
            let now = is.options.get(option).filter(in_file);
            let texts = (before.value.as_deref(), now.and_then(|now| now.value.as_deref()));
            match (texts, now) {
                // Templates of panels differ from version to version; that domains are looked up no more does not.
                ((Some(old), Some(new)), Some(now)) if old.contains('$') || new.contains('$') => {
                    if old.contains("lookup") && !new.contains("lookup") {
                        let change = Change::new(What::Setting, key, Some("by a lookup"), Some(new)).at(&now.origin);
                        self.all.push(change.drift(Effect::Lost, "nothing is looked up by domain or address any more"));
                    }
                }
                _ => {
                    let what = if option == EXIM_BINDING { For::Binding } else { For::Other };
                    self.compare(what, key, Some(before), (now, now.is_some()));
                }
            }
        }
    }

    fn compare(&mut self, what: For, key: String, before: Option<&Setting>, now: (Option<&Setting>, bool)) {
        let found = before.and_then(|before| self.compared(key, before, now));
        let may_go = self.unbound.filter(|_| what == For::Binding);
        self.all.extend(found.map(|change| match may_go {
            Some(new) => without_old_address(change, new),
            None => change,
        }));
    }

    /// `now` comes with whether it is set here.
    fn compared(&self, key: String, before: &Setting, (now, is_set_here): (Option<&Setting>, bool)) -> Option<Change> {
        // What files do not decide is not compared.
        let old = before.value.as_deref().filter(|old| !old.is_empty())?;
        let new = now.and_then(|now| now.value.as_deref());
        if now.is_some_and(|now| now.undecided.is_some()) {
            return None;
        }
        let change = Change::new(What::Setting, key, Some(old), new.filter(|new| !new.is_empty()));
        let set = now.filter(|_| is_set_here);
        let Some(new) = new.filter(|new| !new.is_empty()) else {
            return Some(change.was_at(&before.origin).drift(Effect::Lost, "it is not set here"));
        };
        match (self.mapping.judge(old, new), set) {
            (_, Some(now)) if self.sought.in_text(new).next().is_some() => {
                Some(change.at(&now.origin).leftover("it belongs to the old host"))
            }
            (Ok(None), _) => None,
            (Ok(Some(because)), Some(now)) => Some(change.at(&now.origin).expected(because)),
            (Ok(Some(because)), None) => Some(change.expected(because)),
            // What comes of another value is told by path.
            (Err(because), Some(now)) => Some(change.at(&now.origin).drift(Effect::Part, because)),
            (Err(_), None) => Some(change.was_at(&before.origin).drift(Effect::Lost, "it is not set here")),
        }
    }
}

/// Whether a file sets this very parameter or option to something: a default may be made of what another line sets.
fn is_set(setting: &Setting, name: &str) -> bool {
    let sets = |origin: &Origin| {
        let Some(span) = origin.span() else { return false };
        let text = span.file().text();
        let start = text.get(..span.range().start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = text.get(start..).unwrap_or_default().trim_start().trim_start_matches("-o").trim_start();
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    setting.value.as_deref() != Some("") && [&setting.origin].into_iter().chain(setting.via.iter()).any(sets)
}

/// Transports by name, the first of equal ones.
fn transports(exim: &Exim) -> BTreeMap<&str, &EximDriver> {
    exim.transports.iter().rev().map(|transport| (transport.name.as_str(), transport)).collect()
}

/// Services by what tells one from another, the first of equal ones.
fn services(postfix: &Postfix) -> BTreeMap<(&str, &str), &PostfixService> {
    postfix.services.iter().rev().map(|service| (key_of(service), service)).collect()
}

fn key_of(service: &PostfixService) -> (&str, &str) {
    (&service.name, &service.kind)
}

/// Pairs of addresses that one setting of both hosts binds to.
pub(super) fn pairs(old: &Facts, new: &Facts) -> Vec<(IpAddr, IpAddr)> {
    let mut all = Vec::new();
    let mut pair = |was: Option<&Setting>, is: Option<&Setting>| {
        let address = |setting: Option<&Setting>| setting?.value.as_deref()?.trim().parse::<IpAddr>().ok();
        all.extend(address(was).zip(address(is)));
    };
    for (was, is) in old.postfix.iter().zip(&new.postfix) {
        let services = services(is);
        for parameter in BINDING {
            pair(was.parameters.get(parameter), is.parameters.get(parameter));
            for service in &was.services {
                let own = services.get(&key_of(service));
                pair(service.overrides.get(parameter), own.and_then(|own| own.overrides.get(parameter)));
            }
        }
    }
    for (was, is) in old.exim.iter().zip(&new.exim) {
        let own = transports(is);
        for transport in was.transports.iter() {
            let own = own.get(transport.name.as_str());
            pair(transport.options.get(EXIM_BINDING), own.and_then(|own| own.options.get(EXIM_BINDING)));
        }
    }
    all
}

/// The images of local addresses.
fn nat(old: &Facts, new: &Facts, mapping: &Mapping) -> Vec<Change> {
    let text =
        |entry: &NatEntry| entry.local.map_or_else(|| "every private address".to_owned(), |addr| addr.to_string());
    let mut all = Vec::new();
    let by_local: BTreeMap<Option<IpAddr>, &NatEntry> =
        new.nat.0.iter().rev().map(|entry| (entry.local, entry)).collect();
    let from_itself = |family| {
        new.paths.iter().filter(|path| path.family == family).all(|path| {
            path.sending.is_some() && path.source.as_ref().map(|f| f.value) == path.sending.as_ref().map(|f| f.value)
        })
    };
    let from_itself = [Family::Ipv4, Family::Ipv6].map(|family| (family, from_itself(family)));
    for was in &old.nat.0 {
        let local = was.local.map(|addr| mapping.address(addr));
        let key = format!("nat {}", text(was));
        let public = was.public.to_string();
        let found = by_local.get(&local).copied().or_else(|| {
            // One address on each side: however it is written.
            (old.nat.0.len() == 1)
                .then(|| new.nat.0.iter().find(|e| e.public.is_ipv4() == was.public.is_ipv4()))
                .flatten()
        });
        match found {
            Some(is) => {
                let now = is.public.to_string();
                let change = Change::new(What::Setting, key, Some(&public), Some(&now)).at(&is.origin);
                match mapping.judge(&public, &now) {
                    Ok(None) => {}
                    Ok(Some(because)) => all.push(change.expected(because)),
                    Err(because) => all.push(change.drift(Effect::Part, because)),
                }
            }
            None => {
                let change = Change::new(What::Setting, key, Some(&public), None).was_at(&was.origin);
                let holds = new.host.has_address(mapping.address(was.public)) == Some(true)
                    || from_itself.contains(&(Family::from(was.public), true));
                all.push(match holds {
                    true => change.expected("mail leaves from public addresses of this host itself"),
                    false => change.drift(Effect::Lost, "no image of that address is known here"),
                });
            }
        }
    }
    all
}
