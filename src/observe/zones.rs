//! Who serves a zone: by the delegation in the zone above, and by what its own servers say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Observations, Outcome, Question, RecordData, RecordType, Reply, VantageKind, Why};
use crate::name::DomainName;

/// A zone that questions led to, and the servers found for it. Numbers are indices into [`Observations::vantages`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name.
    pub name: DomainName,
    /// The zone above, where it was found.
    pub parent: Option<DomainName>,
    /// Servers of the zone above that were asked for the delegation; they may be servers of the zone too.
    pub delegators: BTreeSet<usize>,
    /// The zone's servers, each with the names that led to it.
    pub servers: BTreeMap<usize, BTreeSet<DomainName>>,
    /// Addresses of its servers that nobody outside can ask, and that were not asked either.
    pub unasked: BTreeSet<(DomainName, IpAddr)>,
}

/// Who names a server of a zone; `None` where that side did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedBy {
    /// The delegation in the zone above.
    pub parent: Option<bool>,
    /// The zone's own servers.
    pub child: Option<bool>,
}

impl Zone {
    /// The question whose answers are the delegation and the zone's own NS records.
    pub fn question(&self) -> Question {
        Question::new(&self.name, RecordType::Ns)
    }
}

impl Observations {
    /// The zone that a question is in, where its servers were looked for.
    pub fn zone_of(&self, question: &Question) -> Option<&Zone> {
        self.zones
            .iter()
            .filter(|zone| question.name.is_within(&zone.name))
            .max_by_key(|zone| zone.name.labels().count())
    }

    /// The servers of a zone by the delegation in the zone above; `None` where no server there told it.
    pub fn delegation(&self, zone: &Zone) -> Option<BTreeSet<DomainName>> {
        delegated(zone, self.replies.get(&zone.question())?)
    }

    /// The servers of a zone by its own servers, of which those with the newest state count (rules.md, *truth*); `None` where none of them told.
    pub fn apex(&self, zone: &Zone) -> Option<BTreeSet<DomainName>> {
        let truth = self.truth(&zone.question());
        let names = truth.lookup.found().iter().filter_map(|record| record.data.target().cloned());
        let names: BTreeSet<DomainName> = names.collect();
        (truth.kind == Some(VantageKind::Authoritative) && !names.is_empty()).then_some(names)
    }

    /// Who names one of a zone's servers.
    pub fn named_by(&self, zone: &Zone, vantage: usize) -> NamedBy {
        let none = BTreeSet::new();
        let names = zone.servers.get(&vantage).unwrap_or(&none);
        let among = |all: Option<BTreeSet<DomainName>>| all.map(|all| !all.is_disjoint(names));
        NamedBy { parent: among(self.delegation(zone)), child: among(self.apex(zone)) }
    }

    /// Whether a vantage point was asked the question as a server of the zone above, and is none of the zone itself.
    pub fn is_delegator(&self, question: &Question, vantage: usize) -> bool {
        let zone = self.zones.iter().find(|zone| zone.question() == *question);
        zone.is_some_and(|zone| zone.delegators.contains(&vantage) && !zone.servers.contains_key(&vantage))
    }
}

/// Those of a zone's servers that it is served by, from what was said to [`Zone::question`]: those that the zone above names, and those that
/// these name themselves, and so on. A server that neither does is remembered by some cache alone. Where nobody told the delegation, all.
pub fn witnesses(zone: &Zone, replies: &[Reply]) -> BTreeSet<usize> {
    let Some(mut names) = delegated(zone, replies) else { return zone.servers.keys().copied().collect() };
    loop {
        let known = names.len();
        let serves = |number: usize| zone.servers.get(&number).is_some_and(|own| !own.is_disjoint(&names));
        let told: Vec<_> = replies
            .iter()
            .filter(|reply| serves(reply.vantage))
            .filter_map(|reply| own_servers(&zone.name, reply))
            .flatten()
            .cloned()
            .collect();
        names.extend(told);
        if names.len() == known {
            let serving = zone.servers.iter().filter(|(_, own)| !own.is_disjoint(&names));
            return serving.map(|(number, _)| *number).collect();
        }
    }
}

/// The delegation. Others than servers of the zone above may refer to the zone as well, by what some cache holds.
fn delegated(zone: &Zone, replies: &[Reply]) -> Option<BTreeSet<DomainName>> {
    let told: Vec<_> = replies
        .iter()
        .filter(|reply| zone.delegators.contains(&reply.vantage))
        .filter_map(|reply| match &reply.outcome {
            Outcome::Unanswered(Why::Delegates(names)) => Some(names),
            _ => None,
        })
        .collect();
    (!told.is_empty()).then(|| told.into_iter().flatten().cloned().collect())
}

/// The NS records at a zone's top, where a server gave them with authority.
fn own_servers<'a>(zone: &DomainName, reply: &'a Reply) -> Option<Vec<&'a DomainName>> {
    let Outcome::Answer(answer) = &reply.outcome else { return None };
    let own = answer.records.iter().filter(|record| record.name == *zone);
    let names: Vec<_> = own
        .filter_map(|record| match &record.data {
            RecordData::Ns(name) => Some(name),
            _ => None,
        })
        .collect();
    (answer.authoritative && !names.is_empty()).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Record;
    use crate::observe::samples::answer;

    fn names(all: &[&str]) -> BTreeSet<DomainName> {
        all.iter().map(|name| DomainName::new(name)).collect()
    }

    fn apex(vantage: usize, all: &[&str]) -> Reply {
        let record = |name| Record { name: DomainName::new("example.com"), ttl: 60, data: RecordData::Ns(name) };
        Reply { vantage, outcome: Outcome::Answer(answer(names(all).into_iter().map(record).collect())) }
    }

    fn delegates(vantage: usize, all: &[&str]) -> Reply {
        Reply { vantage, outcome: Outcome::Unanswered(Why::Delegates(names(all).into_iter().collect())) }
    }

    fn zone(servers: &[(usize, &[&str])]) -> Zone {
        Zone {
            name: DomainName::new("example.com"),
            parent: Some(DomainName::new("com")),
            delegators: BTreeSet::from([9]),
            servers: servers.iter().map(|(number, all)| (*number, names(all))).collect(),
            unasked: BTreeSet::new(),
        }
    }

    #[test]
    fn a_zone_is_served_by_whom_the_zone_above_names_and_by_whom_these_name() {
        let zone = zone(&[(1, &["ns1.x"]), (2, &["ns2.x"]), (3, &["ns3.x"]), (4, &["old.x"])]);
        // The parent names ns1 alone, ns1 names ns2 too, ns2 names ns3; the old server names itself, and nobody else does.
        let replies =
            [delegates(9, &["ns1.x"]), apex(1, &["ns1.x", "ns2.x"]), apex(2, &["ns3.x"]), apex(4, &["old.x"])];
        assert_eq!(witnesses(&zone, &replies), BTreeSet::from([1, 2, 3]));
        assert_eq!(witnesses(&zone, &replies[1..]), BTreeSet::from([1, 2, 3, 4]), "nobody told the delegation");
        let replies = [delegates(4, &["ns1.x"]), apex(1, &["ns1.x"])];
        assert_eq!(witnesses(&zone, &replies).len(), 4, "no server of the zone above");
    }

    #[test]
    fn each_side_names_its_own() {
        let zone = zone(&[(1, &["ns1.x"]), (2, &["ns2.x"])]);
        let question = zone.question();
        let vantage = |n: usize| crate::observe::Vantage {
            name: format!("ns{n}"),
            server: format!("192.0.2.{n}:53").parse().ok(),
            kind: VantageKind::Authoritative,
        };
        let vantages = (0..10).map(vantage).collect();
        let mut dns = Observations { vantages, zones: vec![zone.clone()], ..Observations::default() };
        let by = |parent, child| NamedBy { parent, child };
        assert_eq!(dns.named_by(&zone, 1), by(None, None));
        dns.replies.insert(question.clone(), vec![apex(1, &["ns1.x"])]);
        assert_eq!(dns.named_by(&zone, 2), by(None, Some(false)));
        dns.replies.insert(question.clone(), vec![apex(1, &["ns1.x"]), delegates(9, &["ns1.x", "ns2.x"])]);
        assert_eq!(dns.named_by(&zone, 1), by(Some(true), Some(true)));
        assert_eq!(dns.named_by(&zone, 2), by(Some(true), Some(false)));
        assert!(dns.is_delegator(&question, 9) && !dns.is_delegator(&question, 1));
    }

    #[test]
    fn a_question_is_in_the_deepest_zone_above_it() {
        let mut below = zone(&[]);
        below.name = DomainName::new("sub.example.com");
        let dns = Observations { zones: vec![below, zone(&[])], ..Observations::default() };
        let at = |name: &str| {
            let question = Question::new(&DomainName::new(name), RecordType::A);
            dns.zone_of(&question).map(|zone| zone.name.as_str().to_owned())
        };
        assert_eq!(at("mail.sub.example.com").as_deref(), Some("sub.example.com"));
        assert_eq!(at("mail.example.com").as_deref(), Some("example.com"));
        assert_eq!(at("mail.example.net"), None);
    }
}
