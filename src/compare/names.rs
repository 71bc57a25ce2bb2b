//! Names: of the host, of its MTAs, of the mail that is made here; and which MTA there is.

use crate::facts::{Fact, Facts, HostFqdn, Mta, Origin};
use crate::identity::{own_name_setting, own_names};
use crate::name::DomainName;

use super::Side;
use super::change::{Change, Effect, What};
use super::mapping::Mapping;

/// What changed of them.
pub(super) fn changes(old: Side<'_>, new: Side<'_>, mapping: &Mapping) -> Vec<Change> {
    let mut all = Vec::new();
    for ((what, key, was), (_, _, is)) in names(old.facts).into_iter().zip(names(new.facts)) {
        let (Some(was), Some(is)) = (was, is) else { continue };
        let change = Change::new(what, key, Some(&was.value), Some(&is.value)).at(&is.origin);
        match mapping.judge_name(&was.value, &is.value) {
            Ok(None) => {}
            Ok(Some(because)) => all.push(change.expected(because)),
            Err(because) => all.push(change.drift(Effect::Identity, because)),
        }
    }
    if let (HostFqdn::Name(was), HostFqdn::Fails(why)) = (&old.facts.host.fqdn, &new.facts.host.fqdn) {
        let change = Change::new(What::HostName, "hostname -f", Some(&was.value), None).was_at(&was.origin);
        all.push(change.drift(Effect::Identity, format!("it fails here: {why}")));
    }
    all.extend(mta(old.facts, new.facts));
    all
}

/// The names by which a host goes, each with the key that it has on every host.
fn names(facts: &Facts) -> Vec<(What, String, Option<Fact<String>>)> {
    let host = &facts.host;
    let fqdn = match &host.fqdn {
        HostFqdn::Name(name) => Some(name.clone()),
        HostFqdn::Fails(_) | HostFqdn::Unknown(_) => None,
    };
    let whm = facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.clone());
    let text = |fact: &Fact<DomainName>| fact.clone().map(|name| name.as_str().to_owned());
    let of = |mta: Mta, names: &[(Mta, Fact<DomainName>)]| {
        names.iter().find(|(of, _)| *of == mta).map(|(_, fact)| text(fact))
    };
    let (own, origins) = (own_names(facts), facts.mail_origins());
    let mut all = vec![
        (What::HostName, "node name".to_owned(), host.node_name.clone()),
        (What::HostName, "hostname -f".to_owned(), fqdn),
        (What::HostName, "/etc/hostname".to_owned(), host.etc_hostname.clone()),
        (What::HostName, "wwwacct.conf HOST".to_owned(), whm),
    ];
    for mta in [Mta::Postfix, Mta::Exim] {
        let origin = match mta {
            Mta::Postfix => "myorigin",
            Mta::Exim => "qualify_domain",
        };
        all.push((What::Setting, format!("{} {}", mta.id(), own_name_setting(mta)), of(mta, &own)));
        all.push((What::Setting, format!("{} {origin}", mta.id()), of(mta, &origins)));
    }
    all
}

/// Another MTA, or another major version of it.
fn mta(old: &Facts, new: &Facts) -> Option<Change> {
    let live = |facts: &Facts| facts.mtas.live.iter().map(|mta| mta.id()).collect::<Vec<_>>().join(", ");
    let (was, is) = (live(old), live(new));
    if was.is_empty() || is.is_empty() {
        return None;
    }
    if was != is {
        let change = Change::new(What::Mta, "mta", Some(&was), Some(&is));
        return Some(change.drift(Effect::Mta, "another MTA: its settings have other names and places"));
    }
    let (was, is) = (version(old)?, version(new)?);
    let major = |text: &str| text.split('.').next().and_then(|number| number.parse::<u32>().ok());
    if major(&was.1) == major(&is.1) {
        return None;
    }
    let name = |(mta, text, _): &(Mta, String, Option<Origin>)| format!("{} {text}", mta.id());
    let mut change = Change::new(What::Mta, "version", Some(&name(&was)), Some(&name(&is)));
    change.origin.clone_from(&is.2);
    Some(change.drift(Effect::Mta, "another major version: defaults may differ"))
}

/// The version of the MTA that is judged.
fn version(facts: &Facts) -> Option<(Mta, String, Option<Origin>)> {
    match facts.mtas.live.first()? {
        Mta::Postfix => {
            let version = facts.postfix.iter().find_map(|postfix| postfix.version.clone())?;
            Some((Mta::Postfix, version.value, Some(version.origin)))
        }
        Mta::Exim => {
            let exim = facts.exim.first()?;
            Some((Mta::Exim, exim.version_hint.clone()?, None))
        }
    }
}
