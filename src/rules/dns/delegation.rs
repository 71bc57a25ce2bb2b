//! What the rules about a zone's servers share: who names a server, and what shows it.

use crate::findings::Evidence;
use crate::name::DomainName;
use crate::observe::zones::{NamedBy, Zone};
use crate::observe::{Observations, Outcome, Question, VantageKind, Why};
use crate::rules::support::evidence;

/// The zone that a question is in, where a vantage point is one of its servers.
pub(super) fn served<'a>(dns: &'a Observations, question: &Question, vantage: usize) -> Option<&'a Zone> {
    dns.zone_of(question).filter(|zone| zone.servers.contains_key(&vantage))
}

/// The zone above, in words.
pub(super) fn parent(zone: &Zone) -> &str {
    match zone.parent.as_ref().map(DomainName::as_str) {
        Some("") => "the root",
        Some(name) => name,
        None => "the zone above",
    }
}

/// Who names a server, in words that follow "named"; `None` where neither side is known to.
pub(super) fn by(zone: &Zone, named: NamedBy) -> Option<String> {
    let (name, parent) = (&zone.name, parent(zone));
    let words = match (named.parent, named.child) {
        (Some(true), Some(true)) => format!("by the delegation in {parent} and by {name} itself"),
        (Some(true), Some(false)) => format!("by the delegation in {parent} alone, not by {name} itself"),
        (Some(true), None) => format!("by the delegation in {parent}"),
        (Some(false), Some(true)) => format!("by {name} itself alone, not by the delegation in {parent}"),
        (None, Some(true)) => format!("by {name} itself"),
        (_, _) => return None,
    };
    Some(words)
}

/// The delegation and the zone's own NS records, each as one server told it.
pub(super) fn shown(dns: &Observations, zone: &Zone) -> Vec<Evidence> {
    let question = zone.question();
    let said: Vec<Evidence> = evidence(dns, &question);
    let replies = dns.replies.get(&question).map_or(&[][..], Vec::as_slice);
    let authority = |at: usize| dns.vantages.get(at).is_some_and(|v| v.kind == VantageKind::Authoritative);
    let delegation = replies
        .iter()
        .position(|reply| matches!(&reply.outcome, Outcome::Unanswered(Why::Delegates(_))) && authority(reply.vantage));
    let own = replies.iter().position(|reply| {
        let authoritative = matches!(&reply.outcome, Outcome::Answer(answer) if answer.authoritative);
        authoritative && zone.servers.contains_key(&reply.vantage)
    });
    [delegation, own].into_iter().flatten().filter_map(|at| said.get(at).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn each_side_is_named_as_far_as_it_was_heard() {
        let zone = |parent: Option<&str>| Zone {
            name: DomainName::new("example.com"),
            parent: parent.map(DomainName::new),
            delegators: BTreeSet::new(),
            servers: BTreeMap::new(),
            unasked: BTreeSet::new(),
        };
        for (parent, child, expected) in [
            (Some(true), Some(true), Some("by the delegation in com and by example.com itself")),
            (Some(true), Some(false), Some("by the delegation in com alone, not by example.com itself")),
            (Some(true), None, Some("by the delegation in com")),
            (Some(false), Some(true), Some("by example.com itself alone, not by the delegation in com")),
            (None, Some(true), Some("by example.com itself")),
            (None, None, None),
            (None, Some(false), None),
        ] {
            let said = by(&zone(Some("com")), NamedBy { parent, child });
            assert_eq!(said.as_deref(), expected, "{parent:?} {child:?}");
        }
        let told = NamedBy { parent: Some(true), child: None };
        assert_eq!(by(&zone(Some("")), told).unwrap(), "by the delegation in the root");
        assert_eq!(by(&zone(None), told).unwrap(), "by the delegation in the zone above");
    }
}
