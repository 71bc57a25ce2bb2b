//! What is true for a question, over every server's own answer (rules.md, *truth*): pure functions.

mod alone;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

pub use alone::alone;

use crate::name::DomainName;
use crate::observe::{
    Answer, Lookup, Outcome, Question, Record, RecordData, RecordType, Reply, Vantage, VantageKind, Why,
};

/// Aliases followed before a chain counts as a loop.
const ALIAS_LIMIT: usize = 24;

/// What is true for a question, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The records of the type asked for, or their absence.
    pub lookup: Lookup<Record>,
    /// The aliases followed on the way, owner and target.
    pub aliases: Vec<(DomainName, DomainName)>,
    /// Who decided it; `None` where nobody answered.
    pub kind: Option<VantageKind>,
    /// Indices of the vantage points that gave this answer.
    pub by: Vec<usize>,
}

/// The truth of a question that was never asked.
pub static NOT_ASKED: Truth =
    Truth { lookup: Lookup::Unanswered(Why::NotAsked), aliases: Vec::new(), kind: None, by: Vec::new() };

/// The truth of a question.
pub fn decide(vantages: &[Vantage], replies: &BTreeMap<Question, Vec<Reply>>, question: &Question) -> Truth {
    Judge { vantages, replies }.truth(question, 0)
}

/// Records in all replies to a question from which on its truth is kept.
const LARGE: usize = 24;
/// Questions up to which every truth is kept: rules ask for each many times.
const FEW: usize = 5_000;

/// What was worked out of large replies, and of all where there are few; each once. A copy has nothing yet: its replies may become others.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<Question, (Size, Truth)>>);

/// How much there was when a truth was worked out: where that has changed, it is worked out anew.
type Size = (usize, usize, usize);

impl Known {
    /// The truth of a question.
    pub fn get(&self, vantages: &[Vantage], replies: &BTreeMap<Question, Vec<Reply>>, question: &Question) -> Truth {
        let own = replies.get(question).map_or(&[][..], Vec::as_slice);
        let records = own.iter().map(|reply| match &reply.outcome {
            Outcome::Answer(answer) => answer.records.len(),
            Outcome::Unanswered(_) => 0,
        });
        let records: usize = records.sum();
        if records < LARGE && replies.len() > FEW {
            return decide(vantages, replies, question);
        }
        let size = (vantages.len(), replies.len(), records);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(question) {
            Some((then, truth)) if *then == size => truth.clone(),
            _ => {
                let truth = decide(vantages, replies, question);
                known.insert(question.clone(), (size, truth.clone()));
                truth
            }
        }
    }
}

impl Clone for Known {
    fn clone(&self) -> Known {
        Known::default()
    }
}

/// What is kept follows from the replies.
impl PartialEq for Known {
    fn eq(&self, _: &Known) -> bool {
        true
    }
}

impl Eq for Known {}

/// An answer read along its aliases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The aliases on the way, owner and target.
    pub aliases: Vec<(DomainName, DomainName)>,
    /// Where they end.
    pub end: End,
    /// Seconds for which the whole may be kept: the smallest TTL on the way, or the negative TTL; `None` where the answer does not say.
    pub ttl: Option<u32>,
}

/// Where an answer ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// In these records of the type asked for, sorted.
    Records(Vec<Record>),
    /// The name exists and has no such record.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// In an alias whose target is not in the answer.
    Elsewhere(DomainName),
    /// In an alias that leads back, or in more aliases than are followed.
    Loop,
    /// In so many addresses that not all are known.
    TooMany(usize),
}

/// Reads `answer` from the question's name along its aliases.
pub fn chain(question: &Question, answer: &Answer) -> Chain {
    let mut aliases: Vec<(DomainName, DomainName)> = Vec::new();
    let mut name = question.name.clone();
    let mut ttl: Option<u32> = None;
    let shorter = |known: Option<u32>, ttl: u32| Some(known.map_or(ttl, |k| k.min(ttl)));
    loop {
        let own = answer.records.iter().filter(|r| r.name == name);
        let wanted = own.clone().filter(|r| r.data.rtype() == question.rtype);
        // No more room than that: whoever keeps answers keeps it too.
        let mut found = Vec::with_capacity(wanted.clone().count());
        found.extend(wanted.cloned());
        if !found.is_empty() {
            let ttl = found.iter().fold(ttl, |known, r| shorter(known, r.ttl));
            return Chain { aliases, end: end_in(found, question, answer.left_out), ttl };
        }
        let alias = own.clone().find_map(|r| match &r.data {
            RecordData::Cname(target) => Some((r.ttl, target.clone())),
            _ => None,
        });
        let Some((alias_ttl, target)) = alias else { break };
        ttl = shorter(ttl, alias_ttl);
        let leads_back = target == name || aliases.iter().any(|(owner, _)| *owner == target);
        aliases.push((name, target.clone()));
        if leads_back || aliases.len() > ALIAS_LIMIT {
            return Chain { aliases, end: End::Loop, ttl };
        }
        name = target;
    }
    let seen_by_soa = answer.soa.as_ref().is_some_and(|soa| name.is_within(&soa.name));
    let end = match () {
        () if answer.nxdomain => End::NxDomain,
        () if aliases.is_empty() || seen_by_soa => End::NoData,
        () => End::Elsewhere(name),
    };
    let ttl = if matches!(end, End::Elsewhere(_)) {
        ttl
    } else {
        answer.negative_ttl.map_or(ttl, |negative| shorter(ttl, negative))
    };
    Chain { aliases, end, ttl }
}

/// Where an answer ends that has these records of the name and type asked for, at least one, and `left_out` more.
fn end_in(mut found: Vec<Record>, question: &Question, left_out: usize) -> End {
    if found.len() > 1 {
        found.sort();
        found.dedup_by(|a, b| a.data == b.data);
    }
    // Whether one address is among them decides, and so may any text where all that are known are policies of mail; of names, those that are known
    // stand for themselves.
    let decides = match question.rtype {
        RecordType::A | RecordType::Aaaa => true,
        RecordType::Txt => found.iter().all(|record| record.data.is_policy_text()),
        _ => false,
    };
    match left_out > 0 && decides {
        true => End::TooMany(found.len() + left_out),
        false => End::Records(found),
    }
}

impl End {
    /// The records without their TTLs, as rules compare them: both kinds of absence are the empty set, an alias that leads out of the
    /// answer stands for itself; `None` for a loop, and for what is not known whole.
    pub fn record_set(&self) -> Option<BTreeSet<RecordData>> {
        match self {
            End::Records(records) => Some(records.iter().map(|r| r.data.clone()).collect()),
            End::NoData | End::NxDomain => Some(BTreeSet::new()),
            End::Elsewhere(target) => Some(BTreeSet::from([RecordData::Cname(target.clone())])),
            End::Loop | End::TooMany(_) => None,
        }
    }

    /// What makes two answers the same: TTLs and owner names apart.
    fn key(&self) -> (u8, BTreeSet<RecordData>) {
        let rank = match self {
            End::Records(_) => 0,
            End::NoData => 1,
            End::NxDomain => 2,
            End::Elsewhere(_) => 3,
            End::Loop => 4,
            End::TooMany(_) => 5,
        };
        (rank, self.record_set().unwrap_or_default())
    }
}

/// Whether what a vantage point of this kind said counts as an answer of that kind: of a zone's server only with the AA flag,
/// for others may sit in its place (an intercepted port 53, a server that was never told of the zone).
pub fn counts(vantage: &Vantage, answer: &Answer) -> bool {
    vantage.kind != VantageKind::Authoritative || vantage.server.is_none() || answer.authoritative
}

/// Whether every authoritative server that replied did so as a recursive resolver would, with RA and without AA: then something
/// on the way takes all of port 53 for itself, and no authoritative server answered.
pub fn intercepted(vantages: &[Vantage], replies: &BTreeMap<Question, Vec<Reply>>) -> bool {
    let mut answered = false;
    for reply in replies.values().flatten() {
        let Some(vantage) = vantages.get(reply.vantage) else { continue };
        if vantage.kind != VantageKind::Authoritative || vantage.server.is_none() {
            continue;
        }
        match &reply.outcome {
            Outcome::Answer(answer) if answer.recursion_available && !answer.authoritative => answered = true,
            Outcome::Answer(_) | Outcome::Unanswered(Why::Referral | Why::Delegates(_)) => return false,
            Outcome::Unanswered(_) => {}
        }
    }
    answered
}

/// Whether `a` is newer than `b` in the arithmetic of serials (RFC 1982).
pub fn is_newer(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 0x8000_0000
}

/// The SOA serial with which a vantage point speaks of `name`: that of the closest zone it named in any answer.
pub fn serial(replies: &BTreeMap<Question, Vec<Reply>>, vantage: usize, question: &Question) -> Option<u32> {
    let told = |asked: &Question| {
        let reply = replies.get(asked)?.iter().find(|reply| reply.vantage == vantage)?;
        let Outcome::Answer(answer) = &reply.outcome else { return None };
        let soa = answer.records.iter().chain(answer.soa.as_deref());
        soa.filter(|r| question.name.is_within(&r.name)).find_map(|r| match r.data {
            RecordData::Soa { serial, .. } => Some(serial),
            _ => None,
        })
    };
    let mut zone = Some(question.name.clone());
    if let Some(found) = told(question) {
        return Some(found);
    }
    while let Some(name) = zone {
        if let Some(found) = told(&Question::new(&name, RecordType::Soa)) {
            return Some(found);
        }
        zone = name.parent();
    }
    None
}

struct Judge<'a> {
    vantages: &'a [Vantage],
    replies: &'a BTreeMap<Question, Vec<Reply>>,
}

/// One vantage point's answer, read.
struct Voice {
    vantage: usize,
    chain: Chain,
}

impl Judge<'_> {
    fn truth(&self, question: &Question, depth: usize) -> Truth {
        let Some(replies) = self.replies.get(question) else { return NOT_ASKED.clone() };
        let kinds = [VantageKind::Overlay, VantageKind::Authoritative, VantageKind::Public, VantageKind::System];
        for kind in kinds {
            let voices = self.voices(question, replies, kind);
            let Some((chosen, by)) = self.chosen(question, kind, voices) else { continue };
            let Chain { mut aliases, end, .. } = chosen;
            let lookup = match end {
                End::Records(records) => Lookup::Found(records),
                End::NoData => Lookup::NoData,
                End::NxDomain => Lookup::NxDomain,
                End::Loop => Lookup::Unanswered(Why::AliasLoop),
                End::TooMany(count) => Lookup::Unanswered(Why::TooMany(count)),
                // A recursive resolver has followed the alias: there is nothing behind it.
                End::Elsewhere(_) if matches!(kind, VantageKind::Public | VantageKind::System) => Lookup::NoData,
                End::Elsewhere(_) if depth + aliases.len() > ALIAS_LIMIT => Lookup::Unanswered(Why::AliasLoop),
                End::Elsewhere(target) => {
                    let next = self.truth(&Question::new(&target, question.rtype), depth + aliases.len());
                    if matches!(&next.lookup, Lookup::Unanswered(why) if *why != Why::AliasLoop) {
                        continue;
                    }
                    aliases.extend(next.aliases);
                    next.lookup
                }
            };
            return Truth { lookup, aliases, kind: Some(kind), by };
        }
        let lookup = Lookup::Unanswered(reason(replies));
        Truth { lookup, aliases: Vec::new(), kind: None, by: Vec::new() }
    }

    fn voices(&self, question: &Question, replies: &[Reply], kind: VantageKind) -> Vec<Voice> {
        let mut voices = Vec::new();
        for reply in replies {
            let Some(vantage) = self.vantages.get(reply.vantage).filter(|v| v.kind == kind) else { continue };
            match &reply.outcome {
                Outcome::Answer(answer) if counts(vantage, answer) => {
                    voices.push(Voice { vantage: reply.vantage, chain: chain(question, answer) });
                }
                _ => {}
            }
        }
        voices
    }

    /// The answer that decides among those of one kind, and who gave it.
    fn chosen(&self, question: &Question, kind: VantageKind, mut voices: Vec<Voice>) -> Option<(Chain, Vec<usize>)> {
        if voices.len() < 2 {
            // Nothing to weigh, as with the one resolver of a stream.
            return voices.pop().map(|voice| (voice.chain, vec![voice.vantage]));
        }
        let mut counted: Vec<&Voice> = voices.iter().collect();
        if kind == VantageKind::Authoritative && counted.iter().any(|v| v.chain.end.key() != counted[0].chain.end.key())
        {
            let serial_of = |voice: &Voice| serial(self.replies, voice.vantage, question);
            let newest = counted.iter().filter_map(|v| serial_of(v)).reduce(|a, b| if is_newer(b, a) { b } else { a });
            if newest.is_some() {
                counted.retain(|voice| serial_of(voice) == newest);
            }
        }
        let mut groups: BTreeMap<(u8, BTreeSet<RecordData>), Vec<&Voice>> = BTreeMap::new();
        for voice in counted {
            groups.entry(voice.chain.end.key()).or_default().push(voice);
        }
        let longest = |group: &[&Voice]| group.iter().map(|v| v.chain.ttl).max().flatten();
        // On a tie, the group that stands first in the order of keys, so that a run can be repeated.
        let best = groups.into_values().reduce(|a, b| match (a.len(), longest(&a)).cmp(&(b.len(), longest(&b))) {
            Ordering::Less => b,
            _ => a,
        })?;
        let first = best.first()?;
        Some((first.chain.clone(), best.iter().map(|v| v.vantage).collect()))
    }
}

/// Why a question is open: the reason given most often, the first on a tie.
fn reason(replies: &[Reply]) -> Why {
    let whys: Vec<Why> = replies
        .iter()
        .map(|reply| match &reply.outcome {
            Outcome::Unanswered(why) => why.clone(),
            // A zone's server without AA: it does not serve the zone.
            Outcome::Answer(_) => Why::Referral,
        })
        .collect();
    let count = |why: &Why| whys.iter().filter(|w| *w == why).count();
    let mut best: Option<&Why> = None;
    for why in &whys {
        if best.is_none_or(|known| count(why) > count(known)) {
            best = Some(why);
        }
    }
    best.cloned().unwrap_or(Why::NotAsked)
}

/// Those of one question's vantage points that gave one record set (TTLs apart).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The set; empty for both kinds of absence.
    pub records: BTreeSet<RecordData>,
    /// Who gave it, indices into [`crate::observe::Observations::vantages`].
    pub by: Vec<usize>,
    /// Seconds for which the longest-lived of these answers may still be kept; `None` where none says.
    pub ttl: Option<u32>,
}

/// The different record sets that vantage points of one kind gave, in the order of vantage points: two or more are a disagreement.
/// Loops and what is no answer do not take part.
pub fn views(
    vantages: &[Vantage],
    replies: &BTreeMap<Question, Vec<Reply>>,
    question: &Question,
    kind: VantageKind,
) -> Vec<View> {
    let judge = Judge { vantages, replies };
    let mut views: Vec<View> = Vec::new();
    for Voice { vantage, chain } in judge.voices(question, replies.get(question).map_or(&[], Vec::as_slice), kind) {
        let recursive = matches!(kind, VantageKind::Public | VantageKind::System);
        let end = if recursive && matches!(chain.end, End::Elsewhere(_)) { End::NoData } else { chain.end };
        let Some(records) = end.record_set() else { continue };
        match views.iter_mut().find(|view| view.records == records) {
            Some(view) => {
                view.by.push(vantage);
                view.ttl = view.ttl.max(chain.ttl);
            }
            None => views.push(View { records, by: vec![vantage], ttl: chain.ttl }),
        }
    }
    views
}

#[cfg(test)]
mod tests;
