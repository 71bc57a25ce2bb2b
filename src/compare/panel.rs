//! Which domains a panel has; cPanel's flags and addresses. Its maps: `maps`.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{Cpanel, Facts, MapEntry, MapOf, Sought};
use crate::name::DomainName;

use super::Side;
use super::change::{Change, Effect, What};
use super::mapping::{Mapping, same};

/// The domains that a panel lists as handled here; none where there is no such list.
pub(super) fn domains(facts: &Facts) -> BTreeSet<DomainName> {
    let cpanel = facts.cpanel.iter().flat_map(|cpanel| {
        let accounts = cpanel.userdomains.iter().map(|entry| DomainName::new(&entry.key));
        let lists = cpanel.localdomains.iter().chain(&cpanel.remotedomains).map(|domain| DomainName::new(domain));
        accounts.chain(lists)
    });
    let lists = facts.panel_maps.iter().flatten().filter(|map| [MapOf::Local, MapOf::Owned].contains(&map.of));
    let others = lists.flat_map(|map| &map.entries).map(|entry| DomainName::new(&entry.key));
    cpanel.chain(others).collect()
}

/// What changed of cPanel's flags and addresses.
pub(super) fn changes(old: Side<'_>, new: Side<'_>, mapping: &Mapping, sought: &Sought) -> Vec<Change> {
    let (Some(was), Some(is)) = (&old.facts.cpanel, &new.facts.cpanel) else { return Vec::new() };
    let mut settings = Settings { mapping, sought, all: Vec::new() };
    settings.flags(was, is);
    settings.addresses(was, is);
    settings.accounts(was, is);
    settings.all
}

struct Settings<'a> {
    mapping: &'a Mapping,
    sought: &'a Sought,
    all: Vec<Change>,
}

impl Settings<'_> {
    fn flags(&mut self, was: &Cpanel, is: &Cpanel) {
        for flag in &was.flags {
            if !is.flags.iter().any(|own| own.value == flag.value) {
                let change = Change::new(What::Setting, format!("/var/cpanel/{}", flag.value), Some("there"), None);
                let because = "the flag file is not here";
                self.all.push(change.was_at(&flag.origin).drift(Effect::Lost, because));
            }
        }
        for flag in &is.flags {
            if !was.flags.iter().any(|own| own.value == flag.value) {
                let change = Change::new(What::Setting, format!("/var/cpanel/{}", flag.value), None, Some("there"));
                self.all.push(change.at(&flag.origin).drift(Effect::Part, "the old host had no such flag file"));
            }
        }
        for (key, value) in is.localopts.iter().filter(|(_, value)| !is_off(&value.value)) {
            let before = was.localopts.get(key);
            let told = is.flags.iter().any(|flag| flag.value == *key);
            if before.is_none_or(|before| is_off(&before.value)) && !told {
                let shown = format!("/etc/exim.conf.localopts {key}");
                let before = before.map(|before| before.value.as_str());
                let change = Change::new(What::Setting, shown, before, Some(&value.value)).at(&value.origin);
                self.all.push(change.drift(Effect::Part, "it was off on the old host"));
            }
        }
        for (key, value) in &was.localopts {
            // A flag file says it as well: that it is gone was told.
            let told =
                was.flags.iter().any(|flag| flag.value == *key) && !is.flags.iter().any(|flag| flag.value == *key);
            if told || is_off(&value.value) {
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

    /// The address of each account that both have: whether mail leaves by it is told by path.
    fn accounts(&mut self, was: &Cpanel, is: &Cpanel) {
        let now: HashMap<&str, &MapEntry> = is.userips.iter().map(|entry| (&*entry.key, entry)).collect();
        for before in &was.userips {
            let Some(now) = now.get(&*before.key) else { continue };
            let change = Change::new(
                What::MapLine,
                format!("/etc/userips {}", &*before.key),
                Some(&before.value),
                Some(&now.value),
            );
            let change = change.at(&now.value.origin());
            if self.sought.in_text(&now.value).next().is_some() {
                self.all.push(change.leftover("it belongs to the old host"));
                continue;
            }
            match self.mapping.judge(&before.value, &now.value) {
                Ok(because) => self.all.extend(because.map(|because| change.expected(because))),
                Err(because) => self.all.push(change.drift(Effect::Part, because)),
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
            } else {
                match self.mapping.judge(&old, &new) {
                    Ok(None) => {}
                    Ok(Some(because)) => self.all.push(change.expected(because)),
                    Err(_) if self.sought.addresses.contains(&before.value) => {
                        self.all.push(change.expected("the addresses changed"));
                    }
                    Err(because) => self.all.push(change.drift(Effect::Lost, because)),
                }
            }
        }
    }
}

/// Whether a value of localopts switches off.
fn is_off(value: &str) -> bool {
    matches!(value.trim(), "" | "0")
}
