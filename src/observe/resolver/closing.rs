//! What a phase leaves behind: the same whoever was found first.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;

use super::authority::ZoneCuts;
use super::table::Table;
use super::{Options, resolvers};
use crate::name::DomainName;
use crate::observe::zones::{Zone, witnesses};
use crate::observe::{Observations, Outcome, Question, RecordType, Reply, Unreachable, Vantage, VantageKind, Why};

/// What was answered; what is still open is a time-out. Nobody waited for what is `released`.
pub(crate) fn finished(
    mut table: Table,
    vantages: Vec<Vantage>,
    cuts: &ZoneCuts,
    released: HashSet<(Arc<Question>, usize)>,
) -> Observations {
    // Resolvers among them were asked about zones, and have no place in the table for that.
    for (question, server) in released {
        if let Some(number) = table.place(&question).filter(|_| question.rtype == RecordType::Ns) {
            table.forget(number, server);
        }
    }
    let mut zones = cuts.concerned();
    for zone in &mut zones {
        let entry = table.place(&zone.question()).and_then(|number| table.get(number));
        let serving = witnesses(zone, entry.map_or(&[], |entry| entry.replies.as_slice()));
        zone.servers.retain(|number, _| serving.contains(number));
    }
    let authority = |number: usize| {
        vantages.get(number).is_some_and(|v| v.kind == VantageKind::Authoritative && v.server.is_some())
    };
    let unreached = unreached(table.replies().filter(|reply| authority(reply.vantage)));
    // Servers of the parent, asked before the cut was known, are no witnesses, and neither are servers that only caches remember.
    let by_name: HashMap<&DomainName, &Zone> = zones.iter().map(|zone| (&zone.name, zone)).collect();
    let serves = |question: &Question, reply: &Reply| {
        let Some(home) = cuts.zone(question) else { return true };
        let told = |zone: &Zone| {
            let authoritative = matches!(&reply.outcome, Outcome::Answer(answer) if answer.authoritative);
            !authoritative && zone.delegators.contains(&reply.vantage) && *question == zone.question()
        };
        match by_name.get(&home) {
            Some(zone) => zone.servers.contains_key(&reply.vantage) || told(zone),
            None => cuts.is_server(&home, reply.vantage),
        }
    };
    let replies = table.into_replies(|question, reply| {
        !authority(reply.vantage) || !unreached.contains(&reply.vantage) && serves(question, reply)
    });
    in_use(vantages, replies, zones)
}

/// Leaves out authoritative vantage points that never answered, and puts the rest in an order that does not depend on who was found first.
fn in_use(vantages: Vec<Vantage>, mut replies: BTreeMap<Question, Vec<Reply>>, mut zones: Vec<Zone>) -> Observations {
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
fn unreached<'a>(replies: impl Iterator<Item = &'a Reply>) -> HashSet<usize> {
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
