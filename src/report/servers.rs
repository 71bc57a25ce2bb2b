//! The zones whose servers were asked: who names these, and what is to be known of them and is no finding.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::name::DomainName;
use crate::observe::Observations;
use crate::observe::zones::Zone;

/// A zone and whom it is served by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ZoneView {
    /// Its name.
    pub zone: String,
    /// The zone above; null where it was not found.
    pub parent: Option<String>,
    /// The servers that the zone above delegates it to; null where none there told.
    pub delegation: Option<Vec<String>>,
    /// The servers that it names itself; null where none of its servers told.
    pub own: Option<Vec<String>>,
    /// Those that were asked.
    pub servers: Vec<ZoneServerView>,
}

/// A server of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ZoneServerView {
    /// As evidence names it.
    pub name: String,
    /// Who names it: `parent`, `zone`.
    pub named_by: Vec<&'static str>,
}

impl ZoneView {
    pub(super) fn each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(&mut self.zone);
        self.parent.iter_mut().for_each(&mut *change);
        self.delegation.iter_mut().chain(&mut self.own).flatten().for_each(&mut *change);
        self.servers.iter_mut().for_each(|server| change(&mut server.name));
    }
}

/// A zone as reports show it.
pub(super) fn view(dns: &Observations, zone: &Zone) -> ZoneView {
    let texts = |names: BTreeSet<DomainName>| names.iter().map(|name| name.as_str().to_owned()).collect();
    let servers = zone.servers.keys().filter_map(|number| {
        let by = dns.named_by(zone, *number);
        let sides = [(by.parent, "parent"), (by.child, "zone")];
        let named_by = sides.into_iter().filter(|(named, _)| *named == Some(true)).map(|(_, side)| side).collect();
        Some(ZoneServerView { name: dns.vantages.get(*number)?.name.clone(), named_by })
    });
    ZoneView {
        zone: zone.name.as_str().to_owned(),
        parent: zone.parent.as_ref().map(|parent| spelled(parent).to_owned()),
        delegation: dns.delegation(zone).map(texts),
        own: dns.apex(zone).map(texts),
        servers: servers.collect(),
    }
}

/// What is to be known of the servers asked, a sentence each.
pub(super) fn notes(dns: &Observations) -> Vec<String> {
    let mut notes = Vec::new();
    if dns.intercepted() {
        notes.push(
            "No authoritative server was heard: something on the way takes all questions to port 53 and answers as a recursive resolver (RA \
             without AA)."
                .to_owned(),
        );
    }
    for zone in &dns.zones {
        notes.extend(difference(dns, zone));
        if !zone.unasked.is_empty() {
            let servers: Vec<String> = zone.unasked.iter().map(|(name, addr)| format!("{name} ({addr})")).collect();
            let text = format!("Not asked as servers of {}, for receivers cannot reach them: ", zone.name);
            notes.push(format!("{text}{}.", servers.join(", ")));
        }
    }
    notes
}

/// In what the delegation of a zone and its own NS records differ.
fn difference(dns: &Observations, zone: &Zone) -> Option<String> {
    let (delegation, own) = (dns.delegation(zone)?, dns.apex(zone)?);
    let only = |a: &BTreeSet<DomainName>, b: &BTreeSet<DomainName>| {
        let names: Vec<&str> = a.difference(b).map(DomainName::as_str).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let parent = zone.parent.as_ref().map_or("the zone above", spelled);
    let above = only(&delegation, &own).map(|names| format!("{parent} delegates {} to {names} too", zone.name));
    let below = only(&own, &delegation).map(|names| format!("{} itself names {names} too", zone.name));
    match (above, below) {
        (Some(above), Some(below)) => {
            Some(format!("{above}, which {} itself does not name; {below}, which {parent} does not.", zone.name))
        }
        (Some(above), None) => Some(format!("{above}, which {} itself does not name.", zone.name)),
        (None, Some(below)) => Some(format!("{below}, which the delegation in {parent} does not.")),
        (None, None) => None,
    }
}

/// A zone's name; the root's in words.
fn spelled(zone: &DomainName) -> &str {
    if zone.as_str().is_empty() { "the root" } else { zone.as_str() }
}
