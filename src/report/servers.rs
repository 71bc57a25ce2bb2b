//! The zones whose servers were asked: who names these, and what is to be known of them and is no finding.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::name::DomainName;
use crate::observe::Observations;
use crate::observe::zones::Zone;

/// Servers that a note lists.
const LISTED: usize = 12;

/// A zone and its servers.
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
    for zone in &dns.zones {
        notes.extend(difference(dns, zone));
        if !zone.unasked.is_empty() {
            let servers = zone.unasked.iter().map(|(name, addr)| format!("{name} ({addr})"));
            let mut servers: Vec<String> = servers.take(LISTED).collect();
            if zone.unasked.len() > LISTED {
                servers.push(format!("and {} more", zone.unasked.len() - LISTED));
            }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::observe::{Answer, Outcome, Record, RecordData, Reply, Vantage, VantageKind, Why};

    fn names(all: &[&str]) -> BTreeSet<DomainName> {
        all.iter().map(|name| DomainName::new(name)).collect()
    }

    /// A zone with one server, what the delegation says and what the server says.
    fn world(delegation: &[&str], own: &[&str], unasked: &[(&str, &str)]) -> Observations {
        let zone = Zone {
            name: DomainName::new("example.com"),
            parent: Some(DomainName::new("com")),
            delegators: BTreeSet::from([0]),
            servers: BTreeMap::from([(1, names(&["ns1.x"]))]),
            unasked: unasked.iter().map(|(name, at)| (DomainName::new(name), at.parse().unwrap())).collect(),
        };
        let vantage = |name: &str| Vantage {
            name: name.into(),
            server: "192.0.2.53:53".parse().ok(),
            kind: VantageKind::Authoritative,
        };
        let record = |name| Record { name: zone.name.clone(), ttl: 60, data: RecordData::Ns(name) };
        let answer = Answer {
            nxdomain: false,
            authoritative: true,
            recursion_available: false,
            records: names(own).into_iter().map(record).collect(),
            negative_ttl: None,
            soa: None,
            rtt_micros: 0,
            left_out: 0,
        };
        let told = Outcome::Unanswered(Why::Delegates(names(delegation).into_iter().collect()));
        let replies = vec![Reply { vantage: 0, outcome: told }, Reply { vantage: 1, outcome: Outcome::Answer(answer) }];
        let replies = BTreeMap::from([(zone.question(), replies)]);
        Observations { zones: vec![zone], ..Observations::new(vec![vantage("a.nic"), vantage("ns1.x")], replies) }
    }

    #[test]
    fn a_note_says_in_what_delegation_and_zone_differ() {
        for (delegation, own, expected) in [
            (&["ns1.x", "ns2.x"][..], &["ns2.x", "ns1.x"][..], None),
            (
                &["ns1.x", "old.x"],
                &["ns1.x"],
                Some("com delegates example.com to old.x too, which example.com itself does not name."),
            ),
            (
                &["ns1.x"],
                &["ns1.x", "new.x"],
                Some("example.com itself names new.x too, which the delegation in com does not."),
            ),
            (
                &["ns1.x", "old.x"],
                &["ns1.x", "new.x"],
                Some(
                    "com delegates example.com to old.x too, which example.com itself does not name; example.com itself names new.x too, \
                      which com does not.",
                ),
            ),
        ] {
            let found = notes(&world(delegation, own, &[]));
            assert_eq!(found.first().map(String::as_str), expected);
            assert!(found.len() < 2);
        }
    }

    #[test]
    fn who_names_a_server_is_shown_and_who_was_not_asked_is_said() {
        let dns = world(&["ns1.x"], &["ns2.x"], &[("ns2.x", "10.0.0.5")]);
        let shown = view(&dns, &dns.zones[0]);
        assert_eq!(shown.servers, [ZoneServerView { name: "ns1.x".into(), named_by: vec!["parent"] }]);
        assert_eq!((shown.parent.as_deref(), shown.own), (Some("com"), Some(vec!["ns2.x".to_owned()])));
        let last = notes(&dns).pop().unwrap();
        assert_eq!(last, "Not asked as servers of example.com, for receivers cannot reach them: ns2.x (10.0.0.5).");
        let many: Vec<String> = (0..30).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|at| ("ns1.x", at.as_str())).collect();
        assert!(notes(&world(&["ns1.x"], &["ns1.x"], &many)).pop().unwrap().ends_with("and 18 more."));
    }
}
