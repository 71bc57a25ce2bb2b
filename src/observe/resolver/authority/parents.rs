//! The delegation of a zone: asked for at servers of the zone above.
//!
//! It is found out beside the questions themselves: the zone above is looked for as soon as a search begins, two of its servers are asked,
//! at all their addresses, for one family may not work here; the first that tells the delegation is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Job, NAMES, Search, Waiting, Zone, ZoneCuts, is_delegated};
use crate::name::DomainName;
use crate::observe::resolver::wire::Referral;
use crate::observe::{Outcome, Question, RecordType, Why};

/// Servers of the zone above that are asked at one time.
const ASKED: usize = 2;
/// Servers of the zone above that are looked up at most, where some of them cannot tell.
const TRIES: usize = 4;
/// Addresses at which they are asked at most.
const ADDRESSES: usize = 8;

/// The question for one zone's delegation.
#[derive(Debug, Default)]
pub(super) struct Survey {
    asked: BTreeMap<usize, State>,
    /// A server has told the delegation.
    told: bool,
}

/// How a server of the zone above stands to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its reply is waited for.
    Open,
    /// It told the delegation, or said nothing: then another would cost as much time again.
    Done,
    /// It cannot tell.
    Failed,
}

impl Survey {
    /// A survey of an earlier phase.
    pub(super) fn ended(delegators: &BTreeSet<usize>) -> Survey {
        Survey { asked: delegators.iter().map(|number| (*number, State::Done)).collect(), told: true }
    }

    /// Who was asked.
    pub(super) fn asked(&self) -> BTreeSet<usize> {
        self.asked.keys().copied().collect()
    }

    fn failed(&self) -> usize {
        self.asked.values().filter(|state| **state == State::Failed).count()
    }
}

impl ZoneCuts {
    /// Begins to look for the zone above `key` on the chance that `key` is a zone, so that it need not be waited for. Below in-addr.arpa that
    /// may be the zone of an address block of either size. Not in ip6.arpa, where zones end many labels above an address.
    pub(super) fn guess_parent(&mut self, key: &DomainName) -> Vec<Job> {
        let (ipv4, ipv6) = (DomainName::new("in-addr.arpa"), DomainName::new("ip6.arpa"));
        if !is_delegated(key) || self.zones.contains_key(key) || key.is_within(&ipv6) {
            return Vec::new();
        }
        let above = key.parent();
        let further = above.as_ref().and_then(DomainName::parent).filter(|name| name.is_within(&ipv4) && *name != ipv4);
        let mut jobs = Vec::new();
        for name in above.into_iter().chain(further) {
            if !self.searches.contains_key(&name) {
                jobs.extend(self.search_above(&name, None));
            }
        }
        jobs
    }

    /// Looks for the zone above a zone.
    pub(super) fn seek_parent(&mut self, zone: &DomainName) -> Vec<Job> {
        if self.zones.get(zone).is_none_or(|state| state.parent.is_some()) {
            return Vec::new();
        }
        let Some(above) = zone.parent() else { return Vec::new() };
        match self.searches.get_mut(&above) {
            Some(Search::Running(waiting)) => {
                waiting.children.push(zone.clone());
                Vec::new()
            }
            Some(Search::Found(parent)) => {
                let parent = parent.clone();
                self.adopt(zone, &parent)
            }
            Some(Search::Failed) => Vec::new(),
            None => self.search_above(&above, Some(zone)),
        }
    }

    fn search_above(&mut self, above: &DomainName, child: Option<&DomainName>) -> Vec<Job> {
        let waiting = Waiting { questions: Vec::new(), children: child.cloned().into_iter().collect() };
        self.searches.insert(above.clone(), Search::Running(waiting));
        self.cut(above, above.clone())
    }

    /// The zone above a zone is known.
    pub(super) fn adopt(&mut self, zone: &DomainName, parent: &DomainName) -> Vec<Job> {
        let above = zone != parent && zone.is_within(parent);
        if !above || !is_delegated(zone) || !self.zones.contains_key(zone) || !self.learn(parent) {
            return Vec::new();
        }
        if let Some(state) = self.zones.get_mut(zone) {
            if state.parent.as_ref() == Some(parent) {
                return Vec::new();
            }
            state.parent = Some(parent.clone());
        }
        if let Some(state) = self.zones.get_mut(parent) {
            state.children.push(zone.clone());
        }
        let mut jobs = self.find_names(parent);
        jobs.extend(self.look_up(parent));
        jobs.extend(self.survey(zone));
        jobs
    }

    /// How many names of a zone's servers are looked up for the delegations that they are to tell.
    pub(super) fn servers_needed(&self, zone: &Zone) -> usize {
        let failed = zone.children.iter().filter_map(|child| self.zones.get(child)).map(|child| child.survey.failed());
        failed.max().map_or(0, |failed| (ASKED + failed).min(TRIES))
    }

    /// Asks servers of the zone above for the delegation, those that are known and still wanted. One that serves the zone itself has no more to
    /// tell than the zone's others.
    pub(super) fn survey(&mut self, zone: &DomainName) -> Vec<Job> {
        let Some(state) = self.zones.get(zone) else { return Vec::new() };
        let Some(above) = state.parent.as_ref().and_then(|parent| self.zones.get(parent)) else { return Vec::new() };
        // A server is known by the first of its names.
        let server = |number: &usize| above.servers.get(number).and_then(BTreeSet::first);
        let asked = &state.survey.asked;
        let in_play = asked.iter().filter(|(_, how)| **how != State::Failed);
        let mut in_play: BTreeSet<&DomainName> = in_play.filter_map(|(number, _)| server(number)).collect();
        let mut chosen: Vec<usize> = Vec::new();
        for number in above.servers.keys() {
            let known = asked.contains_key(number) || state.servers.contains_key(number);
            if known || state.survey.told || asked.len() + chosen.len() >= ADDRESSES {
                continue;
            }
            if let Some(name) = server(number).filter(|name| in_play.contains(name) || in_play.len() < ASKED) {
                in_play.insert(name);
                chosen.push(*number);
            }
        }
        if chosen.is_empty() {
            return Vec::new();
        }
        if let Some(state) = self.zones.get_mut(zone) {
            state.survey.asked.extend(chosen.iter().map(|number| (*number, State::Open)));
        }
        vec![Job::Ask { question: Arc::new(Question::new(zone, RecordType::Ns)), servers: chosen }]
    }

    /// Whether a server was asked the question for the delegation that it is to tell.
    pub(crate) fn is_surveyed(&self, question: &Question, server: usize) -> bool {
        let zone = self.zones.get(&question.name).filter(|_| question.rtype == RecordType::Ns);
        zone.is_some_and(|zone| zone.survey.asked.contains_key(&server))
    }

    /// Whether a server is one of the zone that the question's name is.
    pub(crate) fn is_server(&self, zone: &DomainName, server: usize) -> bool {
        self.zones.get(zone).is_some_and(|zone| zone.servers.contains_key(&server))
    }

    /// What a server of the zone above replied to the question for the delegation.
    pub(crate) fn surveyed(
        &mut self,
        question: &Arc<Question>,
        server: usize,
        outcome: &Outcome,
        referral: Option<&Referral>,
    ) -> Vec<Job> {
        let zone = &question.name;
        let parent = self.zones.get(zone).and_then(|state| state.parent.clone()).unwrap_or_else(|| DomainName::new(""));
        let told = referral.is_some_and(|referral| referral.zone == *zone);
        let silent = matches!(outcome, Outcome::Unanswered(Why::Timeout));
        let Some(state) = self.zones.get_mut(zone) else { return Vec::new() };
        state.survey.told |= told;
        state.survey.asked.insert(server, if told || silent { State::Done } else { State::Failed });
        let mut jobs = Vec::new();
        let Some(referral) = referral.filter(|referral| zone.is_within(&referral.zone) && referral.zone != parent)
        else {
            jobs.extend(self.look_up(&parent));
            jobs.extend(self.survey(zone));
            return jobs;
        };
        if !referral.zone.is_within(&parent) || !self.learn(&referral.zone) {
            return jobs;
        }
        jobs.extend(self.add_names(&referral.zone, &referral.servers));
        // A zone between the two: that is the zone above, and its servers are asked.
        if !told {
            jobs.extend(self.adopt(zone, &referral.zone));
        }
        for (name, address) in referral.glue.iter().filter(|(name, _)| name.is_within(&parent)) {
            jobs.extend(self.add_addresses(name, &[*address]));
        }
        if !told {
            return jobs;
        }
        let state = self.zones.get(zone);
        let open = state.into_iter().flat_map(|state| {
            let open = state.survey.asked.iter().filter(|(_, how)| **how == State::Open).map(|(number, _)| *number);
            open.filter(|number| !state.servers.contains_key(number))
        });
        jobs.push(Job::Enough { question: Arc::clone(question), servers: open.collect() });
        jobs
    }
}

/// The delegation of the zone that is asked for, where a referral tells it: its servers' names, sorted.
pub(crate) fn delegation(question: &Question, referral: &Referral) -> Option<Vec<DomainName>> {
    if question.rtype != RecordType::Ns || question.name != referral.zone {
        return None;
    }
    let mut names: Vec<DomainName> = referral.servers.iter().take(2 * NAMES).cloned().collect();
    names.sort_unstable();
    names.dedup();
    Some(names)
}
