//! The search for the zone that a name is in: questions about zones, put to resolvers, label by label upwards.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Find, Job, Search, Waiting, ZoneCuts, ZonePurpose};
use crate::name::DomainName;
use crate::observe::{Answer, Outcome, Question, RecordType, Why};

/// Resolvers that are asked where a zone is, once some are known to answer; one of them, where it is only about a zone above.
const GUIDES: usize = 2;

impl ZoneCuts {
    pub(super) fn find(
        &mut self,
        name: &DomainName,
        rtype: RecordType,
        purpose: ZonePurpose,
        central: bool,
    ) -> Vec<Job> {
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
    pub(super) fn cut(&mut self, name: &DomainName, key: DomainName) -> Vec<Job> {
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
    pub(super) fn end_search(&mut self, key: &DomainName, zone: &DomainName, names: &[DomainName]) -> Vec<Job> {
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
}

/// The name at which the search for a question's zone begins: above a host's name, for a host is seldom a zone of its own (if it
/// is, its parent's servers refer to it), but at a registrable domain itself.
pub(super) fn search_key(question: &Question) -> Option<DomainName> {
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
