//! Answers from zone files, behind the same interface as the network: no packet leaves.

mod master;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::name::DomainName;
use crate::observe::plan::{FollowUps, Plan};
use crate::observe::{
    Answer, Observations, Outcome, Question, Record, RecordData, RecordType, Reply, Vantage, VantageKind, bounded,
};

pub use master::ZoneError;
pub(crate) use master::{Placed, placed};

/// Aliases followed through the zones; a longer chain is given as far as it went.
const ALIAS_LIMIT: usize = 32;
/// Questions answered in one run: far above what any host brings, a bound for zones that lead on and on.
const QUESTION_LIMIT: usize = 500_000;
/// Records of a name among which another one is looked for one by one.
const FEW: usize = 32;

/// Zones held in memory.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    zones: HashMap<DomainName, Zone>,
}

#[derive(Debug, Clone, Default)]
struct Zone {
    soa: Option<Arc<Record>>,
    records: HashMap<DomainName, Vec<Record>>,
    /// Every name that exists, those without records between apex and leaf (RFC 8020) included.
    names: HashSet<DomainName>,
}

impl Zones {
    /// Loads master files: pairs of path and text. A file `ORIGIN.zone` holds the zone ORIGIN, unless an SOA in it names another.
    ///
    /// # Errors
    /// Every entry of every file that cannot be read or stands outside its zone.
    pub fn load<P: AsRef<str>, T: AsRef<str>>(
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Result<Zones, Vec<ZoneError>> {
        let (mut zones, mut errors) = (Zones::default(), Vec::new());
        for (path, text) in files {
            let path = path.as_ref();
            let file_name = path.rsplit('/').next().unwrap_or(path);
            let origin = DomainName::new(file_name.strip_suffix(".zone").unwrap_or(file_name));
            if let Err(mut more) = zones.add(path, text.as_ref(), &origin, true) {
                errors.append(&mut more);
            }
        }
        if errors.is_empty() { Ok(zones) } else { Err(errors) }
    }

    /// Loads a file of planned records. Names without final dot are whole names unless `$ORIGIN` says otherwise.
    ///
    /// # Errors
    /// Every entry that cannot be read.
    pub fn planned(path: &str, text: &str) -> Result<Zones, Vec<ZoneError>> {
        let mut zones = Zones::default();
        zones.add(path, text, &DomainName::new(""), false)?;
        Ok(zones)
    }

    fn add(&mut self, path: &str, text: &str, origin: &DomainName, bounded: bool) -> Result<(), Vec<ZoneError>> {
        let records = master::parse(path, text, origin)?;
        let soa = records.iter().find(|(_, r)| r.data.rtype() == RecordType::Soa);
        let apex = soa.filter(|_| bounded).map_or_else(|| origin.clone(), |(_, r)| r.name.clone());
        let mut errors = Vec::new();
        let mut fail = |line, message: String| errors.push(ZoneError { file: path.to_owned(), line, message });
        // Of names with many records, which they have.
        let mut many: HashMap<DomainName, HashSet<Record>> = HashMap::new();
        let zone = self.zones.entry(apex.clone()).or_default();
        zone.names.insert(apex.clone());
        for (line, record) in records {
            if bounded && !record.name.is_within(&apex) {
                fail(line, format!("{} is outside the zone {apex}", record.name));
                continue;
            }
            if record.name == apex && record.data.rtype() == RecordType::Soa && zone.soa.is_none() {
                zone.soa = Some(Arc::new(record.clone()));
            }
            let mut name = Some(record.name.clone());
            while let Some(known) = name.filter(|n| n.is_within(&apex) && zone.names.insert(n.clone())) {
                name = known.parent();
            }
            let own = zone.records.entry(record.name.clone()).or_default();
            let is_new = match own.len() {
                0..FEW => !own.contains(&record),
                _ => many
                    .entry(record.name.clone())
                    .or_insert_with(|| own.iter().cloned().collect())
                    .insert(record.clone()),
            };
            if is_new {
                own.push(record);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The answer of a server that serves all these zones, and them alone; of a set, at most [`RECORDS`](crate::observe::RECORDS) are kept.
    pub fn answer(&self, question: &Question) -> Answer {
        let whole = self.whole(question);
        let (records, left_out) = bounded(whole.records, &question.name);
        Answer { records, left_out, ..whole }
    }

    fn whole(&self, question: &Question) -> Answer {
        let mut answer = Answer {
            nxdomain: false,
            authoritative: true,
            recursion_available: false,
            records: Vec::new(),
            negative_ttl: None,
            soa: None,
            rtt_micros: 0,
            left_out: 0,
        };
        let mut name = question.name.clone();
        let mut followed = HashSet::new();
        loop {
            let Some(zone) = self.zone_of(&name) else {
                answer.nxdomain = true;
                return answer;
            };
            let own = zone.lookup(&name);
            let records = own.as_deref().unwrap_or(&[]);
            let found = records.iter().filter(|r| r.data.rtype() == question.rtype);
            answer.records.extend(found.cloned());
            if records.iter().any(|r| r.data.rtype() == question.rtype) {
                return answer;
            }
            let alias = records.iter().find(|r| r.data.rtype() == RecordType::Cname);
            if let Some((alias, target)) = alias.and_then(|r| Some((r, r.data.target()?))) {
                answer.records.push(alias.clone());
                if !followed.insert(name) || followed.contains(target) || followed.len() > ALIAS_LIMIT {
                    return answer;
                }
                name = target.clone();
                continue;
            }
            answer.nxdomain = own.is_none();
            answer.soa = zone.soa.clone();
            answer.negative_ttl = zone.soa.as_ref().and_then(|soa| match soa.data {
                RecordData::Soa { minimum, .. } => Some(minimum.min(soa.ttl)),
                _ => None,
            });
            return answer;
        }
    }

    /// The zone with the longest apex that `name` is within.
    fn zone_of(&self, name: &DomainName) -> Option<&Zone> {
        let mut apex = Some(name.clone());
        while let Some(name) = apex {
            if let Some(zone) = self.zones.get(&name) {
                return Some(zone);
            }
            apex = name.parent();
        }
        None
    }

    /// Answers these questions as well, and those that their answers bring.
    pub fn answer_more(
        &self,
        questions: &BTreeSet<Question>,
        follow_ups: &FollowUps,
        mut dns: Observations,
    ) -> Observations {
        let zones = Vantage { name: "zones".into(), server: None, kind: VantageKind::Authoritative };
        let at = place(&mut dns.vantages, zones);
        let mut open: Vec<Question> = questions.iter().cloned().collect();
        while let Some(question) = open.pop().filter(|_| dns.replies.len() < QUESTION_LIMIT) {
            if dns.replies.contains_key(&question) {
                continue;
            }
            let answer = self.answer(&question);
            open.extend(follow_ups.after(&question, &answer));
            dns.replies.insert(question, vec![Reply { vantage: at, outcome: Outcome::Answer(answer) }]);
        }
        dns
    }

    /// Whether there is a record with this name that answers `question`: of its type, or an alias.
    fn plans(&self, question: &Question) -> bool {
        let fits = |r: &Record| r.data.rtype() == question.rtype || r.data.rtype() == RecordType::Cname;
        self.zone_of(&question.name).and_then(|z| z.records.get(&question.name)).is_some_and(|all| all.iter().any(fits))
    }

    /// Whether a planned record answers `question` so that the live DNS need not be asked.
    pub fn covers(&self, question: &Question) -> bool {
        self.plans(question) && !matches!(question.rtype, RecordType::A | RecordType::Aaaa)
    }

    /// The planned answer; the end of an alias that is not planned is left to the live DNS.
    fn planned_answer(&self, question: &Question) -> Option<Answer> {
        if !self.plans(question) {
            return None;
        }
        Some(Answer { nxdomain: false, soa: None, negative_ttl: None, ..self.answer(question) })
    }

    /// `dns` with the planned records in front: for each question that a planned record answers, a reply from the vantage point `name`
    /// (of kind [`VantageKind::Overlay`]). `more` asks the live DNS what is not yet in the observations it is given. For addresses it is
    /// asked even where a plan answers: how long the present record may be kept counts before a change (DNS006).
    pub fn overlay(
        &self,
        name: &str,
        plan: &Plan,
        dns: Observations,
        mut more: impl FnMut(&BTreeSet<Question>, Observations) -> Observations,
    ) -> Observations {
        let mut live = dns;
        loop {
            let (planned, wanted) = self.over(name, plan, live.clone());
            let before = live.replies.len();
            if wanted.is_empty() || live.offline {
                return planned;
            }
            live = more(&wanted, live);
            if live.replies.len() == before {
                return self.over(name, plan, live).0;
            }
        }
    }

    /// `dns` with the planned records in front, and what the live DNS has yet to be asked.
    fn over(&self, name: &str, plan: &Plan, mut dns: Observations) -> (Observations, BTreeSet<Question>) {
        let vantage = Vantage { name: name.to_owned(), server: None, kind: VantageKind::Overlay };
        let at = place(&mut dns.vantages, vantage);
        let mut wanted = BTreeSet::new();
        let mut open: Vec<Question> = dns.replies.keys().cloned().chain(plan.initial.iter().cloned()).collect();
        let mut seen = HashSet::new();
        while let Some(question) = open.pop().filter(|_| seen.len() < QUESTION_LIMIT) {
            if !seen.insert(question.clone()) {
                continue;
            }
            if !dns.replies.contains_key(&question) && !self.covers(&question) {
                wanted.insert(question.clone());
            }
            let Some(answer) = self.planned_answer(&question) else { continue };
            open.extend(plan.follow_ups.after(&question, &answer));
            if let super::truth::End::Elsewhere(target) = super::truth::chain(&question, &answer).end {
                open.push(Question::new(&target, question.rtype));
            }
            let own = dns.replies.entry(question).or_default();
            if !own.iter().any(|reply| reply.vantage == at) {
                own.push(Reply { vantage: at, outcome: Outcome::Answer(answer) });
                own.sort_by_key(|reply| reply.vantage);
            }
        }
        (dns, wanted)
    }
}

/// The index of `vantage`, put behind the others where it is not there. There is one of the kinds that stand for files.
fn place(vantages: &mut Vec<Vantage>, vantage: Vantage) -> usize {
    let same = |known: &Vantage| known.kind == vantage.kind && known.server.is_none();
    vantages.iter().position(same).unwrap_or_else(|| {
        vantages.push(vantage);
        vantages.len() - 1
    })
}

impl Zone {
    /// The records at `name`, by its wildcard where it does not exist (RFC 4592); `None` where neither is there.
    fn lookup(&self, name: &DomainName) -> Option<Vec<Record>> {
        if self.names.contains(name) {
            return Some(self.records.get(name).cloned().unwrap_or_default());
        }
        let mut encloser = name.parent();
        while let Some(above) = encloser {
            if self.names.contains(&above) {
                let dot = if above.as_str().is_empty() { "" } else { "." };
                let wildcard = DomainName::new(&format!("*{dot}{}", above.as_str()));
                let records = self.records.get(&wildcard)?;
                return Some(records.iter().map(|r| Record { name: name.clone(), ..r.clone() }).collect());
            }
            encloser = above.parent();
        }
        None
    }
}

#[cfg(test)]
mod tests;
