//! What a phase leaves behind: the same whoever was found first.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;

use super::{Options, resolvers};
use crate::observe::zones::Zone;
use crate::observe::{Observations, Outcome, Question, Reply, Unreachable, Vantage, VantageKind, Why};

/// Leaves out authoritative vantage points that never answered, and puts the rest in an order that does not depend on who was found first.
pub(crate) fn in_use(
    vantages: Vec<Vantage>,
    mut replies: BTreeMap<Question, Vec<Reply>>,
    mut zones: Vec<Zone>,
) -> Observations {
    let used: HashSet<usize> = replies.values().flatten().map(|reply| reply.vantage).collect();
    let mut order: Vec<usize> = (0..vantages.len())
        .filter(|n| used.contains(n) || vantages.get(*n).is_some_and(|v| v.kind != VantageKind::Authoritative))
        .collect();
    order.sort_by_key(|n| {
        let vantage = vantages.get(*n);
        let found = vantage.filter(|v| v.kind == VantageKind::Authoritative).map(|v| (v.name.clone(), v.server));
        // Resolvers keep the order in which they were given.
        (found.is_some(), found, *n)
    });
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    for reply in replies.values_mut().flatten() {
        if let Some(new) = place.get(&reply.vantage) {
            reply.vantage = *new;
        }
    }
    for zone in &mut zones {
        let servers = std::mem::take(&mut zone.servers);
        zone.servers = servers.into_iter().filter_map(|(old, names)| Some((*place.get(&old)?, names))).collect();
        zone.delegators = zone.delegators.iter().filter_map(|old| place.get(old).copied()).collect();
    }
    let vantages = order.iter().filter_map(|n| vantages.get(*n).cloned()).collect();
    Observations { zones, ..Observations::new(vantages, replies) }
}

/// Vantage points to which this host has no route, so that they are no witnesses: of no reply can be said anything else.
pub(crate) fn unreached<'a>(replies: impl Iterator<Item = &'a Reply>) -> HashSet<usize> {
    let (mut all, mut reached) = (HashSet::new(), HashSet::new());
    for reply in replies {
        all.insert(reply.vantage);
        if !matches!(&reply.outcome, Outcome::Unanswered(Why::Unreachable(Unreachable::NoRoute))) {
            reached.insert(reply.vantage);
        }
    }
    all.difference(&reached).copied().collect()
}

/// The observations of a phase that could not begin.
pub(crate) fn nothing_answered(
    questions: &BTreeSet<Question>,
    options: &Options,
    dns: Observations,
    error: &io::Error,
) -> Observations {
    let mut vantages = dns.vantages;
    let first = vantages.len();
    vantages.extend(resolvers(options));
    let mut replies = dns.replies;
    let outcome = Outcome::Unanswered(Why::Unreachable(Unreachable::Other(error.to_string())));
    for question in questions {
        let all = (first..vantages.len()).map(|vantage| Reply { vantage, outcome: outcome.clone() });
        replies.entry(question.clone()).or_insert_with(|| all.collect());
    }
    Observations::new(vantages, replies)
}
