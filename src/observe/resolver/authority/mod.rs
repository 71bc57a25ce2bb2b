//! Where zones are cut, and who serves them: found through the resolvers, corrected by the servers' own referrals, by the delegation in the
//! zone above (`parents.rs`) and by what the zone's servers themselves say of it.
//!
//! Pure bookkeeping: it is told what was answered and says what to do next.

mod parents;
mod search;
mod servers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::wire::Referral;
use crate::name::DomainName;
use crate::observe::{Answer, Question, RecordType};
use parents::Survey;
pub(crate) use parents::delegation;
use search::search_key;

/// Zones in one phase.
const ZONES: usize = 512;
/// Names of servers taken from one answer: a packet of 512 octets holds thirteen.
const NAMES: usize = 13;

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

/// Whether a zone is delegated by somebody whose delegations are looked at: the root and the registries' zones are well kept, and nobody reads
/// about them here.
fn is_delegated(zone: &DomainName) -> bool {
    zone.is_qualified() && !["in-addr.arpa", "ip6.arpa"].contains(&zone.as_str())
}

#[cfg(test)]
mod tests;
