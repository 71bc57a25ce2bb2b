//! Where zones are cut, and who serves them: found through the resolvers, corrected by the servers' own referrals, by the delegation in the
//! zone above (`parents.rs`) and by what the zone's servers themselves say of it.
//!
//! Pure bookkeeping: it is told what was answered and says what to do next.

mod parents;
mod servers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::wire::Referral;
use crate::name::DomainName;
use crate::observe::{Answer, Outcome, Question, RecordType, Why};
use parents::Survey;
pub(crate) use parents::delegation;

/// Zones in one phase.
const ZONES: usize = 512;
/// Names of servers taken from one answer: a packet of 512 octets holds thirteen.
const NAMES: usize = 13;
/// Resolvers that are asked where a zone is, once some are known to answer; one of them, where it is only about a zone above.
const GUIDES: usize = 2;

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Put a question about zones to these resolvers.
    Find {
        /// The question.
        question: Arc<Question>,
        /// The resolvers.
        of: Vec<usize>,
    },
    /// Put a question about zones to the resolvers that [`ZoneCuts::choose`] names.
    FindByAny {
        /// The question.
        question: Arc<Question>,
    },
    /// A server of a zone was found.
    Server {
        /// The zone.
        zone: DomainName,
        /// The server's name.
        name: DomainName,
        /// Its address.
        address: IpAddr,
    },
    /// Put a question to these servers.
    Ask {
        /// The question.
        question: Arc<Question>,
        /// The servers' vantage points.
        servers: Vec<usize>,
    },
    /// What these servers have not replied yet to a question is not waited for.
    Enough {
        /// The question.
        question: Arc<Question>,
        /// The servers' vantage points.
        servers: Vec<usize>,
    },
}

/// What is known of zones and their servers.
#[derive(Default)]
pub(crate) struct ZoneCuts {
    zones: HashMap<DomainName, Zone>,
    /// Which zone a name is in, by the name from which the search began.
    searches: HashMap<DomainName, Search>,
    /// The zone of each question.
    homes: HashMap<Arc<Question>, DomainName>,
    finds: HashMap<Arc<Question>, Find>,
    hosts: HashMap<DomainName, Host>,
    /// Round trip times of resolvers that have answered, in microseconds.
    fast: BTreeMap<usize, u64>,
    /// Whether servers at addresses that nobody outside can reach are left alone.
    pub public_only: bool,
}

#[derive(Default)]
struct Zone {
    /// Names of its servers, whoever told them.
    names: BTreeSet<DomainName>,
    /// Its servers, each with the names that led to it.
    servers: BTreeMap<usize, BTreeSet<DomainName>>,
    questions: Vec<Arc<Question>>,
    /// Questions are in it: all its servers are wanted. Of a zone that only delegates, a few will do.
    concerned: bool,
    /// The zone above.
    parent: Option<DomainName>,
    /// The question for its delegation.
    survey: Survey,
    /// Zones below whose delegation its servers are asked for.
    children: Vec<DomainName>,
}

enum Search {
    /// Under way.
    Running(Waiting),
    /// The root, where there is no zone below it.
    Found(DomainName),
    Failed,
}

/// What waits for the end of a search: nothing, where it was begun on the chance that it will be wanted.
#[derive(Default)]
struct Waiting {
    /// Questions that want the zone's servers.
    questions: Vec<Arc<Question>>,
    /// Zones of which it is the zone above.
    children: Vec<DomainName>,
}

/// A question about zones.
#[derive(Default)]
struct Find {
    asked: BTreeSet<usize>,
    /// Of these, those that have not replied.
    open: BTreeSet<usize>,
    done: bool,
    /// Not waited for any longer: searches have gone on one label up.
    overdue: bool,
    /// It is not only about a zone above.
    central: bool,
    purposes: Vec<ZonePurpose>,
}

/// What a question about zones is for.
#[derive(Debug, Clone)]
enum ZonePurpose {
    /// NS at a name: is it a zone? `key` is where the search began.
    Cut { key: DomainName },
    /// NS of a zone that is known.
    Servers { zone: DomainName },
    /// An address of a server's name.
    Address { name: DomainName },
}

impl ZonePurpose {
    /// Where the search began that looks for a cut.
    fn cut(&self) -> Option<&DomainName> {
        match self {
            ZonePurpose::Cut { key } => Some(key),
            _ => None,
        }
    }
}

/// A server's name.
#[derive(Default)]
struct Host {
    addresses: BTreeSet<IpAddr>,
    /// Addresses that are not asked.
    unasked: BTreeSet<IpAddr>,
    zones: Vec<DomainName>,
    /// Its addresses were asked for.
    sought: bool,
}

impl ZoneCuts {
    /// A question whose zone's servers are wanted.
    pub(crate) fn want(&mut self, question: &Arc<Question>) -> Vec<Job> {
        let Some(key) = search_key(question) else { return Vec::new() };
        match self.searches.get_mut(&key) {
            Some(Search::Running(waiting)) => {
                waiting.questions.push(Arc::clone(question));
                Vec::new()
            }
            Some(Search::Found(zone)) if zone.as_str().is_empty() => Vec::new(),
            Some(Search::Found(zone)) => {
                let zone = zone.clone();
                let home = self.deepest(question, zone);
                self.attach(question, &home)
            }
            Some(Search::Failed) => Vec::new(),
            None => {
                let waiting = Waiting { questions: vec![Arc::clone(question)], children: Vec::new() };
                self.searches.insert(key.clone(), Search::Running(waiting));
                let mut jobs = self.guess_parent(&key);
                jobs.extend(self.cut(&key.clone(), key));
                jobs
            }
        }
    }

    /// The deepest zone known by referral that the question is in.
    fn deepest(&self, question: &Question, known: DomainName) -> DomainName {
        let mut name = Some(question.name.clone());
        while let Some(candidate) = name.filter(|n| n.is_within(&known)) {
            if self.zones.contains_key(&candidate) {
                return candidate;
            }
            name = candidate.parent();
        }
        known
    }

    /// The zone that a question was found to be in.
    pub(crate) fn zone(&self, question: &Question) -> Option<DomainName> {
        self.homes.get(question).cloned()
    }

    fn attach(&mut self, question: &Arc<Question>, zone: &DomainName) -> Vec<Job> {
        let mut jobs = self.concern(zone);
        self.homes.insert(Arc::clone(question), zone.clone());
        let Some(state) = self.zones.get_mut(zone) else { return jobs };
        state.questions.push(Arc::clone(question));
        jobs.push(Job::Ask { question: Arc::clone(question), servers: state.servers.keys().copied().collect() });
        jobs
    }

    /// A question is in the zone: all its servers are wanted, also those that only they or the zone above name.
    fn concern(&mut self, zone: &DomainName) -> Vec<Job> {
        let Some(state) = self.zones.get_mut(zone).filter(|state| !state.concerned) else { return Vec::new() };
        state.concerned = true;
        let mut jobs = self.look_up(zone);
        if is_delegated(zone) {
            let question = Arc::new(Question::new(zone, RecordType::Ns));
            jobs.extend(self.attach(&question, zone));
            jobs.extend(self.seek_parent(zone));
        }
        jobs
    }

    fn find(&mut self, name: &DomainName, rtype: RecordType, purpose: ZonePurpose, central: bool) -> Vec<Job> {
        let question = Arc::new(Question::new(name, rtype));
        let find = self.finds.entry(Arc::clone(&question)).or_default();
        let fresh = find.purposes.is_empty();
        find.central |= central;
        find.purposes.push(purpose);
        // One question, one use: what was answered once is not needed again, for zones, searches and hosts are remembered.
        if fresh { vec![Job::FindByAny { question }] } else { Vec::new() }
    }

    /// The resolvers to put a question about zones to: the fastest that have answered something, else all.
    pub(crate) fn choose(&mut self, question: &Arc<Question>, resolvers: &[usize]) -> Vec<usize> {
        let find = self.finds.entry(Arc::clone(question)).or_default();
        let mut fast: Vec<(u64, usize)> = self
            .fast
            .iter()
            .filter(|(number, _)| resolvers.contains(number) && !find.asked.contains(number))
            .map(|(number, rtt)| (*rtt, *number))
            .collect();
        fast.sort_unstable();
        let chosen: Vec<usize> = match fast.len() {
            0 => resolvers.iter().copied().filter(|number| !find.asked.contains(number)).collect(),
            _ => fast.into_iter().take(if find.central { GUIDES } else { 1 }).map(|(_, number)| number).collect(),
        };
        find.asked.extend(&chosen);
        find.open.extend(&chosen);
        chosen
    }

    /// A resolver has answered something in this time.
    pub(crate) fn is_fast(&mut self, resolver: usize, rtt_micros: u64) {
        let known = self.fast.entry(resolver).or_insert(rtt_micros);
        *known = (*known).min(rtt_micros);
    }

    /// What a resolver said to a question about zones.
    pub(crate) fn found(
        &mut self,
        question: &Arc<Question>,
        resolver: usize,
        outcome: &Outcome,
        resolvers: &[usize],
    ) -> Vec<Job> {
        let Some(find) = self.finds.get_mut(question) else { return Vec::new() };
        find.open.remove(&resolver);
        if find.done {
            return Vec::new();
        }
        match outcome {
            Outcome::Answer(answer) => {
                find.done = true;
                let purposes = find.purposes.clone();
                self.is_fast(resolver, answer.rtt_micros);
                purposes.into_iter().flat_map(|purpose| self.use_answer(question, answer, purpose)).collect()
            }
            Outcome::Unanswered(_) if !find.open.is_empty() => Vec::new(),
            // Of a zone above it would be as long again until another has said so.
            Outcome::Unanswered(why)
                if (find.central || *why != Why::Timeout)
                    && resolvers.iter().any(|number| !find.asked.contains(number)) =>
            {
                vec![Job::FindByAny { question: Arc::clone(question) }]
            }
            Outcome::Unanswered(_) => {
                find.done = true;
                let purposes = find.purposes.clone();
                purposes.into_iter().flat_map(|purpose| self.no_answer(question, purpose)).collect()
            }
        }
    }

    /// A question about zones has taken long. The resolver may be waiting for servers that are dead, and a zone above will refer to
    /// the same: its search goes on there. An answer that comes later is still of use to searches that have not ended. What is only about
    /// a zone above is not waited for any longer.
    pub(crate) fn overdue(&mut self, question: &Question) -> Vec<Job> {
        let Some(find) = self.finds.get_mut(question).filter(|find| !find.done && !find.overdue) else {
            return Vec::new();
        };
        find.overdue = true;
        let mut jobs = Vec::new();
        if !find.central {
            let servers = find.open.iter().copied().collect();
            jobs.push(Job::Enough { question: Arc::new(question.clone()), servers });
        }
        let keys: Vec<DomainName> = find.purposes.iter().filter_map(ZonePurpose::cut).cloned().collect();
        jobs.extend(keys.into_iter().flat_map(|key| self.climb(question, key)).collect::<Vec<_>>());
        jobs
    }

    fn use_answer(&mut self, question: &Question, answer: &Answer, purpose: ZonePurpose) -> Vec<Job> {
        let own = answer.records.iter().filter(|r| r.name == question.name);
        match purpose {
            ZonePurpose::Cut { key } if matches!(self.searches.get(&key), Some(Search::Found(_))) => Vec::new(),
            ZonePurpose::Cut { key } => {
                let names: Vec<DomainName> = own.clone().filter_map(|r| r.data.name_server()).cloned().collect();
                let is_alias = own.clone().any(|r| r.data.rtype() == RecordType::Cname);
                if !names.is_empty() {
                    return self.end_search(&key, &question.name, &names);
                }
                // The SOA of a negative answer names the zone, except behind an alias: then it is the target's.
                match answer.soa.as_ref().map(|soa| soa.name.clone()) {
                    Some(zone) if !is_alias && question.name.is_within(&zone) => self.end_search(&key, &zone, &[]),
                    _ => self.climb(question, key),
                }
            }
            ZonePurpose::Servers { zone } => {
                let names: Vec<DomainName> = own.filter_map(|r| r.data.name_server()).cloned().collect();
                self.add_names(&zone, &names)
            }
            ZonePurpose::Address { name } => {
                // Aliases of server names are not allowed (RFC 2181 section 10.3), and followed by everybody.
                let found: Vec<IpAddr> = answer.records.iter().filter_map(|r| r.data.address()).collect();
                self.add_addresses(&name, &found)
            }
        }
    }

    fn no_answer(&mut self, question: &Question, purpose: ZonePurpose) -> Vec<Job> {
        let overdue = self.finds.get(question).is_some_and(|find| find.overdue);
        match purpose {
            ZonePurpose::Cut { .. } if overdue => Vec::new(),
            ZonePurpose::Cut { key } => self.climb(question, key),
            ZonePurpose::Servers { .. } | ZonePurpose::Address { .. } => Vec::new(),
        }
    }

    /// Looks for the cut one label up.
    fn climb(&mut self, question: &Question, key: DomainName) -> Vec<Job> {
        match question.name.parent().filter(|parent| !parent.as_str().is_empty()) {
            Some(parent) => self.cut(&parent, key),
            None => {
                let open =
                    |find: &Find| !find.done && find.purposes.iter().filter_map(ZonePurpose::cut).any(|of| *of == key);
                if !self.finds.values().any(open) {
                    self.searches.insert(key, Search::Failed);
                }
                Vec::new()
            }
        }
    }

    /// Looks for the cut at `name`, for the search that began at `key`: by what is known, else by a question.
    fn cut(&mut self, name: &DomainName, key: DomainName) -> Vec<Job> {
        if self.zones.contains_key(name) {
            return self.end_search(&key, name, &[]);
        }
        if let Some(Search::Found(zone)) = self.searches.get(name) {
            let zone = zone.clone();
            return self.end_search(&key, &zone, &[]);
        }
        let question = Question::new(name, RecordType::Ns);
        if let Some(find) = self.finds.get_mut(&question).filter(|find| find.done || find.overdue) {
            if !find.done {
                find.purposes.push(ZonePurpose::Cut { key: key.clone() });
            }
            // It was no zone, and what it led to is further up.
            return self.climb(&question, key);
        }
        let idle = matches!(self.searches.get(&key), Some(Search::Running(waiting)) if waiting.questions.is_empty());
        self.find(name, RecordType::Ns, ZonePurpose::Cut { key }, !idle)
    }

    /// A search has ended in `zone`, whose servers' names may be known.
    fn end_search(&mut self, key: &DomainName, zone: &DomainName, names: &[DomainName]) -> Vec<Job> {
        let Waiting { questions, children } = match self.searches.insert(key.clone(), Search::Found(zone.clone())) {
            Some(Search::Running(waiting)) => waiting,
            _ => Waiting::default(),
        };
        let mut jobs = Vec::new();
        if !names.is_empty() || !zone.as_str().is_empty() && !questions.is_empty() {
            if !self.learn(zone) {
                self.searches.insert(key.clone(), Search::Failed);
                return jobs;
            }
            jobs.extend(self.add_names(zone, names));
            for question in questions {
                let home = self.deepest(&question, zone.clone());
                jobs.extend(self.attach(&question, &home));
            }
            if names.is_empty() {
                jobs.extend(self.find_names(zone));
            }
        }
        jobs.extend(children.iter().flat_map(|child| self.adopt(child, zone)).collect::<Vec<_>>());
        jobs
    }

    /// Makes a zone known; false where there are too many.
    fn learn(&mut self, zone: &DomainName) -> bool {
        let fits = self.zones.contains_key(zone) || self.zones.len() < ZONES;
        if fits {
            self.zones.entry(zone.clone()).or_default();
        }
        fits
    }

    /// Asks the resolvers for the names of a zone's servers, where none is known.
    fn find_names(&mut self, zone: &DomainName) -> Vec<Job> {
        match self.zones.get(zone) {
            Some(state) if state.names.is_empty() => {
                let central = state.concerned;
                self.find(zone, RecordType::Ns, ZonePurpose::Servers { zone: zone.clone() }, central)
            }
            _ => Vec::new(),
        }
    }

    /// A server that was asked as one of the question's zone refers to others. `None` where that leads no deeper: then the server does not
    /// serve the zone that it was asked for.
    pub(crate) fn refer(&mut self, question: &Arc<Question>, server: usize, referral: &Referral) -> Option<Vec<Job>> {
        let home = self.homes.get(question)?.clone();
        let zone = &referral.zone;
        if *zone != home && zone.is_within(&home) && question.name.is_within(zone) {
            if !self.learn(zone) {
                return None;
            }
            let mut jobs = self.add_names(zone, &referral.servers);
            jobs.extend(self.adopt(zone, &home));
            jobs.extend(self.attach(question, zone));
            // The delegating zone's own servers vouch for addresses below it, and for no others.
            for (name, address) in referral.glue.iter().filter(|(name, _)| name.is_within(&home)) {
                jobs.extend(self.add_addresses(name, &[*address]));
            }
            return Some(jobs);
        }
        // Another of the parent's servers may have referred already: this one says the same, and is right.
        let serves = self.zones.get(&home).is_some_and(|state| state.servers.contains_key(&server));
        (!serves).then(Vec::new)
    }

    /// Keeps of a server's answer what its zone vouches for: behind an alias that leads out of the zone, others do.
    pub(crate) fn confine(&self, question: &Arc<Question>, answer: &mut Answer) {
        let Some(zone) = self.homes.get(question) else { return };
        if answer.records.iter().all(|r| r.name.is_within(zone)) {
            let leads_out = |r: &crate::observe::Record| {
                r.data.rtype() == RecordType::Cname && r.data.target().is_some_and(|t| !t.is_within(zone))
            };
            if answer.nxdomain && answer.records.iter().any(leads_out) {
                answer.nxdomain = false;
                (answer.soa, answer.negative_ttl) = (None, None);
            }
            return;
        }
        answer.records.retain(|r| r.name.is_within(zone));
        answer.nxdomain = false;
        (answer.soa, answer.negative_ttl) = (None, None);
    }
}

/// The name at which the search for a question's zone begins: above a host's name, for a host is seldom a zone of its own (if it
/// is, its parent's servers refer to it), but at a registrable domain itself.
fn search_key(question: &Question) -> Option<DomainName> {
    let name = &question.name;
    if question.rtype == RecordType::Soa {
        return Some(name.clone());
    }
    match name.labels().count() {
        0 | 1 => None,
        2 => Some(name.clone()),
        _ if name.registrable().as_ref() == Some(name) => Some(name.clone()),
        _ => name.parent(),
    }
}

/// Whether a zone is delegated by somebody whose delegations are looked at: the root and the registries' zones are well kept, and nobody reads
/// about them here.
fn is_delegated(zone: &DomainName) -> bool {
    zone.is_qualified() && !["in-addr.arpa", "ip6.arpa"].contains(&zone.as_str())
}

#[cfg(test)]
mod tests;
