//! cPanel's maps, flags and NAT pairs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::moved::{Value, words};
use crate::facts::{Cpanel, Facts, MapEntry, Sought};
use crate::name::DomainName;

use super::Side;
use super::change::{Change, Effect, Verdict, What};
use super::mapping::{Mapping, same};

/// The domains that a panel lists as handled here; none where there is no such list.
pub(super) fn domains(facts: &Facts) -> BTreeSet<DomainName> {
    let Some(cpanel) = &facts.cpanel else { return BTreeSet::new() };
    let accounts = cpanel.userdomains.iter().map(|entry| DomainName::new(&entry.key));
    let lists = cpanel.localdomains.iter().chain(&cpanel.remotedomains).map(|domain| DomainName::new(domain));
    accounts.chain(lists).collect()
}

/// Pairs of addresses that the maps of both hosts give one domain or account.
pub(super) fn pairs<'a>(old: &'a Facts, new: &'a Facts) -> impl Iterator<Item = (IpAddr, IpAddr)> + 'a {
    let both = old.cpanel.as_ref().zip(new.cpanel.as_ref());
    both.into_iter().flat_map(|(old, new)| {
        let maps: [fn(&Cpanel) -> &[MapEntry]; 2] = [|cpanel| &cpanel.mailips, |cpanel| &cpanel.userips];
        maps.into_iter().flat_map(move |map| {
            let now = by_key(map(new));
            let was = by_key(map(old));
            let paired = was.into_iter().filter_map(move |(key, was)| Some((was, *now.get(&key)?)));
            paired.flat_map(|(was, is)| {
                let addresses = |entry: &MapEntry| -> Vec<IpAddr> {
                    let all = words(&entry.value).filter_map(|(_, value)| match value {
                        Value::Address(addr) => Some(addr),
                        Value::Name(_) => None,
                    });
                    all.collect()
                };
                let (was, is) = (addresses(was), addresses(is));
                let of = |all: &[IpAddr], family| all.iter().copied().find(|addr| Family::from(*addr) == family);
                Family::BOTH.into_iter().filter_map(move |family| Some((of(&was, family)?, of(&is, family)?)))
            })
        })
    })
}

/// Entries by key as lookups compare them; of several with one key the first counts.
fn by_key(entries: &[MapEntry]) -> BTreeMap<String, &MapEntry> {
    let mut all = BTreeMap::new();
    for entry in entries {
        all.entry(DomainName::new(&entry.key).as_str().to_owned()).or_insert(entry);
    }
    all
}

/// What changed of them. `paths` says which domains' mail leaves otherwise than before.
pub(super) fn changes(
    old: Side<'_>,
    new: Side<'_>,
    mapping: &Mapping,
    sought: &Sought,
    paths: &[Change],
) -> Vec<Change> {
    let (Some(was), Some(is)) = (&old.facts.cpanel, &new.facts.cpanel) else { return Vec::new() };
    let drifted = paths.iter().filter(|change| change.verdict == Verdict::Drift && change.what != What::Helo);
    let mut maps = Maps {
        mapping,
        sought,
        here: domains(new.facts),
        moved: [
            Vec::from_iter(drifted),
            paths.iter().filter(|c| c.verdict == Verdict::Drift && c.what == What::Helo).collect(),
        ],
        all: Vec::new(),
    };
    maps.lines("/etc/mailips", &was.mailips, &is.mailips, 0);
    maps.lines("/etc/mailhelo", &was.mailhelo, &is.mailhelo, 1);
    maps.flags(was, is);
    maps.addresses(was, is);
    maps.all
}

struct Maps<'a> {
    mapping: &'a Mapping,
    sought: &'a Sought,
    here: BTreeSet<DomainName>,
    /// Drifts of sources and of HELO names.
    moved: [Vec<&'a Change>; 2],
    all: Vec<Change>,
}

impl Maps<'_> {
    fn lines(&mut self, file: &str, was: &[MapEntry], is: &[MapEntry], of: usize) {
        let now: HashMap<String, &MapEntry> = by_key(is).into_iter().collect();
        for (key, before) in by_key(was) {
            let (meant, _) = self.mapping.translated(&key);
            let found = now.get(DomainName::new(&meant).as_str()).or_else(|| now.get(&key));
            let shown = format!("{file} {key}");
            let Some(entry) = found else {
                let change = Change::new(What::MapLine, shown, Some(&before.value), None).was_at(&before.key.origin());
                let name = DomainName::new(&key);
                let gone = key != "*" && !self.here.is_empty() && !self.here.contains(&name);
                self.all.push(match gone {
                    true => change.expected("that domain is not on this host"),
                    false => change.drift(Effect::Lost, "the line is not here"),
                });
                continue;
            };
            let change =
                Change::new(What::MapLine, shown, Some(&before.value), Some(&entry.value)).at(&entry.value.origin());
            if self.sought.in_text(&entry.value).next().is_some() {
                self.all.push(change.leftover("it belongs to the old host"));
                continue;
            }
            match self.mapping.judge(&before.value, &entry.value) {
                Ok(None) => {}
                Ok(Some(because)) => self.all.push(change.expected(because)),
                Err(because) => {
                    let domain = DomainName::new(&key);
                    let concerns =
                        |path: &&&Change| path.domains.contains(&domain) || key == "*" && path.domains.is_empty();
                    let moved = self.moved.get(of).is_some_and(|all| all.iter().any(|path| concerns(&path)));
                    self.all.push(match moved {
                        true => change.drift(Effect::Part, because),
                        false => change.expected("no mail leaves otherwise by it"),
                    });
                }
            }
        }
    }

    fn flags(&mut self, was: &Cpanel, is: &Cpanel) {
        for flag in &was.flags {
            if !is.flags.iter().any(|own| own.value == flag.value) {
                let change = Change::new(What::Setting, format!("/var/cpanel/{}", flag.value), Some("there"), None);
                let because = "the flag file is not here";
                self.all.push(change.was_at(&flag.origin).drift(Effect::Lost, because));
            }
        }
        for (key, value) in &was.localopts {
            // The flag files say it as well, where there is one.
            if was.flags.iter().any(|flag| flag.value == *key) || is_off(&value.value) {
                continue;
            }
            let shown = format!("/etc/exim.conf.localopts {key}");
            let now = is.localopts.get(key);
            let change = Change::new(What::Setting, shown, Some(&value.value), now.map(|fact| fact.value.as_str()));
            match now {
                Some(now) if same(&now.value, &value.value) => {}
                Some(now) if !is_off(&now.value) => match self.mapping.judge(&value.value, &now.value) {
                    Ok(None) => {}
                    Ok(Some(because)) => self.all.push(change.at(&now.origin).expected(because)),
                    // A smarthost: the paths say what comes of it.
                    Err(because) => self.all.push(change.at(&now.origin).drift(Effect::Part, because)),
                },
                Some(now) => self.all.push(change.at(&now.origin).drift(Effect::Lost, "it is off here")),
                None => self.all.push(change.was_at(&value.origin).drift(Effect::Lost, "it is not set here")),
            }
        }
    }

    /// The addresses that the panel takes for the server's: what they are to be is CPL005's.
    fn addresses(&mut self, was: &Cpanel, is: &Cpanel) {
        let both =
            [("/var/cpanel/mainip", &was.main_ip, &is.main_ip), ("wwwacct.conf ADDR", &was.shared_ip, &is.shared_ip)];
        for (key, before, now) in both {
            let (Some(before), Some(now)) = (before, now) else { continue };
            let (old, new) = (before.value.to_string(), now.value.to_string());
            let change = Change::new(What::Setting, key, Some(&old), Some(&new)).at(&now.origin);
            if self.sought.addresses.contains(&now.value) {
                self.all.push(change.leftover("it belongs to the old host"));
            } else if old != new {
                let (_, because) = self.mapping.translated(&old);
                self.all.push(change.expected(because.unwrap_or("the addresses changed")));
            }
        }
    }
}

/// Whether a value of localopts switches off.
fn is_off(value: &str) -> bool {
    matches!(value.trim(), "" | "0")
}
