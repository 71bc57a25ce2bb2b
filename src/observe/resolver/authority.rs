//! Where zones are cut, and who serves them: found through the resolvers, corrected by the servers' own referrals.
//!
//! Pure bookkeeping: it is told what was heard and says what to do next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::run::server_name;
use super::wire::Referral;
use crate::addr::{Family, is_link_local};
use crate::name::DomainName;
use crate::observe::{Answer, Outcome, Question, RecordType, plan};

/// Zones in one phase.
const ZONES: usize = 512;
/// Names of servers taken of one zone: a packet of 512 octets holds thirteen.
const NAMES: usize = 13;
/// Servers asked of one zone.
const SERVERS: usize = 16;
/// Resolvers that are asked where a zone is, once some are known to answer.
const GUIDES: usize = 2;

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Job {
    /// Put a question about zones to these resolvers.
    Find {
        /// The question.
        question: Arc<Question>,
        /// The resolvers.
        of: Vec<usize>,
    },
    /// Put a question about zones to the resolvers that [`Cuts::choose`] names.
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
}

/// What is known of zones and their servers.
#[derive(Default)]
pub struct Cuts {
    zones: HashMap<DomainName, Zone>,
    /// Which zone a name is in, by the name from which the search began.
    searches: HashMap<DomainName, Search>,
    /// The zone of each question.
    homes: HashMap<Arc<Question>, DomainName>,
    finds: HashMap<Arc<Question>, Find>,
    hosts: HashMap<DomainName, Host>,
    /// Round trip times of resolvers that have answered, in microseconds.
    fast: BTreeMap<usize, u64>,
}

#[derive(Default)]
struct Zone {
    names: BTreeSet<DomainName>,
    servers: Vec<usize>,
    questions: Vec<Arc<Question>>,
}

enum Search {
    /// Under way; these questions wait.
    Running(Vec<Arc<Question>>),
    Found(DomainName),
    Failed,
}

/// A question about zones.
#[derive(Default)]
struct Find {
    asked: BTreeSet<usize>,
    waiting: usize,
    done: bool,
    /// Not waited for any longer: searches have gone on one label up.
    overdue: bool,
    purposes: Vec<Aim>,
}

/// What a question about zones is for.
#[derive(Debug, Clone)]
enum Aim {
    /// NS at a name: is it a zone? `key` is where the search began.
    Cut { key: DomainName },
    /// NS of a zone that is known.
    Servers { zone: DomainName },
    /// An address of a server's name.
    Address { name: DomainName },
}

impl Aim {
    /// Where the search began that looks for a cut.
    fn cut(&self) -> Option<&DomainName> {
        match self {
            Aim::Cut { key } => Some(key),
            _ => None,
        }
    }
}

/// A server's name.
#[derive(Default)]
struct Host {
    addresses: BTreeSet<IpAddr>,
    zones: Vec<DomainName>,
}

impl Cuts {
    /// A question whose zone's servers are wanted.
    pub fn want(&mut self, question: &Arc<Question>) -> Vec<Job> {
        let Some(key) = search_key(question) else { return Vec::new() };
        match self.searches.get_mut(&key) {
            Some(Search::Running(waiting)) => {
                waiting.push(Arc::clone(question));
                Vec::new()
            }
            Some(Search::Found(zone)) => {
                let zone = zone.clone();
                let home = self.deepest(question, zone);
                self.attach(question, &home)
            }
            Some(Search::Failed) => Vec::new(),
            None => {
                self.searches.insert(key.clone(), Search::Running(vec![Arc::clone(question)]));
                self.cut(&key.clone(), key)
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
    pub fn zone(&self, question: &Question) -> Option<DomainName> {
        self.homes.get(question).cloned()
    }

    fn attach(&mut self, question: &Arc<Question>, zone: &DomainName) -> Vec<Job> {
        self.homes.insert(Arc::clone(question), zone.clone());
        let Some(state) = self.zones.get_mut(zone) else { return Vec::new() };
        state.questions.push(Arc::clone(question));
        vec![Job::Ask { question: Arc::clone(question), servers: state.servers.clone() }]
    }

    fn find(&mut self, name: &DomainName, rtype: RecordType, aim: Aim) -> Vec<Job> {
        let question = Arc::new(Question::new(name, rtype));
        let find = self.finds.entry(Arc::clone(&question)).or_default();
        let fresh = find.purposes.is_empty();
        find.purposes.push(aim);
        // One question, one use: what was answered once is not needed again, for zones, searches and hosts are remembered.
        if fresh { vec![Job::FindByAny { question }] } else { Vec::new() }
    }

    /// The resolvers to put a question about zones to: the fastest that have answered something, else all.
    pub fn choose(&mut self, question: &Arc<Question>, resolvers: &[usize]) -> Vec<usize> {
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
            _ => fast.into_iter().take(GUIDES).map(|(_, number)| number).collect(),
        };
        find.asked.extend(&chosen);
        find.waiting += chosen.len();
        chosen
    }

    /// A resolver has answered something in this time.
    pub fn is_fast(&mut self, resolver: usize, rtt_micros: u64) {
        let known = self.fast.entry(resolver).or_insert(rtt_micros);
        *known = (*known).min(rtt_micros);
    }

    /// What a resolver said to a question about zones.
    pub fn found(
        &mut self,
        question: &Arc<Question>,
        resolver: usize,
        outcome: &Outcome,
        resolvers: &[usize],
    ) -> Vec<Job> {
        let Some(find) = self.finds.get_mut(question) else { return Vec::new() };
        find.waiting = find.waiting.saturating_sub(1);
        if find.done {
            return Vec::new();
        }
        match outcome {
            Outcome::Answer(answer) => {
                find.done = true;
                let purposes = find.purposes.clone();
                self.is_fast(resolver, answer.rtt_micros);
                purposes.into_iter().flat_map(|aim| self.use_answer(question, answer, aim)).collect()
            }
            Outcome::Unanswered(_) if find.waiting > 0 => Vec::new(),
            Outcome::Unanswered(_) if resolvers.iter().any(|number| !find.asked.contains(number)) => {
                vec![Job::FindByAny { question: Arc::clone(question) }]
            }
            Outcome::Unanswered(_) => {
                find.done = true;
                let purposes = find.purposes.clone();
                purposes.into_iter().flat_map(|aim| self.no_answer(question, aim)).collect()
            }
        }
    }

    /// A question about zones has taken long. The resolver may be waiting for servers that are dead, and a zone above will refer to
    /// the same: its search goes on there. An answer that comes later is still of use to searches that have not ended.
    pub fn overdue(&mut self, question: &Question) -> Vec<Job> {
        let Some(find) = self.finds.get_mut(question).filter(|find| !find.done && !find.overdue) else {
            return Vec::new();
        };
        find.overdue = true;
        let keys: Vec<DomainName> = find.purposes.iter().filter_map(Aim::cut).cloned().collect();
        keys.into_iter().flat_map(|key| self.climb(question, key)).collect()
    }

    fn use_answer(&mut self, question: &Question, answer: &Answer, aim: Aim) -> Vec<Job> {
        let own = answer.records.iter().filter(|r| r.name == question.name);
        match aim {
            Aim::Cut { key } if matches!(self.searches.get(&key), Some(Search::Found(_))) => Vec::new(),
            Aim::Cut { key } => {
                let names: Vec<DomainName> = own.clone().filter_map(|r| server_name(&r.data)).cloned().collect();
                let is_alias = own.clone().any(|r| r.data.rtype() == RecordType::Cname);
                if !names.is_empty() {
                    return self.settle(&key, &question.name, &names);
                }
                // The SOA of a negative answer names the zone, except behind an alias: then it is the target's.
                match answer.soa.as_ref().map(|soa| soa.name.clone()) {
                    Some(zone) if !is_alias && question.name.is_within(&zone) && !zone.as_str().is_empty() => {
                        self.settle(&key, &zone, &[])
                    }
                    _ => self.climb(question, key),
                }
            }
            Aim::Servers { zone } => {
                let names: Vec<DomainName> = own.filter_map(|r| server_name(&r.data)).cloned().collect();
                self.add_names(&zone, &names)
            }
            Aim::Address { name } => {
                // Aliases of server names are not allowed (RFC 2181 section 10.3), and followed by everybody.
                let found: Vec<IpAddr> = answer.records.iter().filter_map(|r| r.data.address()).collect();
                self.add_addresses(&name, &found)
            }
        }
    }

    fn no_answer(&mut self, question: &Question, aim: Aim) -> Vec<Job> {
        let overdue = self.finds.get(question).is_some_and(|find| find.overdue);
        match aim {
            Aim::Cut { .. } if overdue => Vec::new(),
            Aim::Cut { key } => self.climb(question, key),
            Aim::Servers { .. } | Aim::Address { .. } => Vec::new(),
        }
    }

    /// Looks for the cut one label up.
    fn climb(&mut self, question: &Question, key: DomainName) -> Vec<Job> {
        match question.name.parent().filter(|parent| !parent.as_str().is_empty()) {
            Some(parent) => self.cut(&parent, key),
            None => {
                let open = |find: &Find| !find.done && find.purposes.iter().filter_map(Aim::cut).any(|of| *of == key);
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
            return self.settle(&key, name, &[]);
        }
        if let Some(Search::Found(zone)) = self.searches.get(name) {
            let zone = zone.clone();
            return self.settle(&key, &zone, &[]);
        }
        let question = Question::new(name, RecordType::Ns);
        if self.finds.get(&question).is_some_and(|find| find.done || find.overdue) {
            // It was no zone, and what it led to is further up.
            return self.climb(&question, key);
        }
        self.find(name, RecordType::Ns, Aim::Cut { key })
    }

    /// A search has ended in `zone`, whose servers' names may be known.
    fn settle(&mut self, key: &DomainName, zone: &DomainName, names: &[DomainName]) -> Vec<Job> {
        let waiting = match self.searches.insert(key.clone(), Search::Found(zone.clone())) {
            Some(Search::Running(waiting)) => waiting,
            _ => Vec::new(),
        };
        let mut jobs = Vec::new();
        let known = self.zones.contains_key(zone);
        if !known && self.zones.len() >= ZONES {
            self.searches.insert(key.clone(), Search::Failed);
            return jobs;
        }
        self.zones.entry(zone.clone()).or_default();
        if !names.is_empty() {
            jobs.extend(self.add_names(zone, names));
        } else if !known {
            jobs.extend(self.find(zone, RecordType::Ns, Aim::Servers { zone: zone.clone() }));
        }
        for question in waiting {
            let home = self.deepest(&question, zone.clone());
            jobs.extend(self.attach(&question, &home));
        }
        jobs
    }

    fn add_names(&mut self, zone: &DomainName, names: &[DomainName]) -> Vec<Job> {
        let mut jobs = Vec::new();
        for name in names.iter().filter(|name| plan::is_representable(name) && !name.as_str().is_empty()) {
            let Some(state) = self.zones.get_mut(zone) else { return jobs };
            if state.names.len() >= NAMES || !state.names.insert(name.clone()) {
                continue;
            }
            let fresh = !self.hosts.contains_key(name);
            let host = self.hosts.entry(name.clone()).or_default();
            host.zones.push(zone.clone());
            jobs.extend(host.addresses.iter().map(|address| Job::Server {
                zone: zone.clone(),
                name: name.clone(),
                address: *address,
            }));
            if fresh {
                for family in Family::BOTH {
                    jobs.extend(self.find(name, RecordType::address(family), Aim::Address { name: name.clone() }));
                }
            }
        }
        jobs
    }

    fn add_addresses(&mut self, name: &DomainName, found: &[IpAddr]) -> Vec<Job> {
        let Some(host) = self.hosts.get_mut(name) else { return Vec::new() };
        let mut jobs = Vec::new();
        for &address in found.iter().filter(|a| is_unicast(**a)).take(SERVERS) {
            if host.addresses.insert(address) {
                jobs.extend(host.zones.iter().map(|zone| Job::Server {
                    zone: zone.clone(),
                    name: name.clone(),
                    address,
                }));
            }
        }
        jobs
    }

    /// Adds a server to a zone; returns what it is to be asked.
    pub fn add_server(&mut self, zone: &DomainName, number: usize) -> Vec<Arc<Question>> {
        let Some(state) = self.zones.get_mut(zone) else { return Vec::new() };
        if state.servers.contains(&number) || state.servers.len() >= SERVERS {
            return Vec::new();
        }
        state.servers.push(number);
        state.questions.clone()
    }

    /// A server that was asked as one of the question's zone refers to others. `None` where that leads no deeper: then the server does not
    /// serve the zone that it was asked for.
    pub fn refer(&mut self, question: &Arc<Question>, server: usize, referral: &Referral) -> Option<Vec<Job>> {
        let home = self.homes.get(question)?.clone();
        let zone = &referral.zone;
        if *zone != home && zone.is_within(&home) && question.name.is_within(zone) {
            if !self.zones.contains_key(zone) && self.zones.len() >= ZONES {
                return None;
            }
            let is_new = !self.zones.contains_key(zone);
            self.zones.entry(zone.clone()).or_default();
            let mut jobs = self.add_names(zone, &referral.servers);
            if is_new {
                // The zone itself may name other servers than the delegation does: both are asked.
                jobs.extend(self.find(zone, RecordType::Ns, Aim::Servers { zone: zone.clone() }));
            }
            // The delegating zone's own servers vouch for addresses below it, and for no others.
            for (name, address) in referral.glue.iter().filter(|(name, _)| name.is_within(&home)) {
                jobs.extend(self.add_addresses(name, &[*address]));
            }
            jobs.extend(self.attach(question, zone));
            return Some(jobs);
        }
        // Another of the parent's servers may have referred already: this one says the same, and is right.
        let serves = self.zones.get(&home).is_some_and(|state| state.servers.contains(&server));
        (!serves).then(Vec::new)
    }

    /// Whether a server was found to be one of the question's zone, in the end; true where no zone was looked for.
    pub fn serves(&self, question: &Question, server: usize) -> bool {
        let Some(home) = self.homes.get(question) else { return true };
        self.zones.get(home).is_some_and(|state| state.servers.contains(&server))
    }

    /// Keeps of a server's answer what its zone vouches for: behind an alias that leads out of the zone, others do.
    pub fn confine(&self, question: &Arc<Question>, answer: &mut Answer) {
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

/// Whether a packet can be sent there as to one server.
fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || broadcast || is_link_local(address))
}

#[cfg(test)]
mod tests;
