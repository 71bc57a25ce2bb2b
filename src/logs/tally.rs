//! Events counted: alike ones together, by the day, so that the days that count can be chosen when the newest line is known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::event::{Event, What};
use crate::addr::Family;
use crate::facts::{Departure, DepartureKind, Mta, Refused};
use crate::replies::{self, Heard, Proof};

/// Days of which lines count: what a weekly run sees twice, and what logrotate(8) keeps almost everywhere.
pub(super) const DAYS: i64 = 14;
/// Kinds of events that are told apart; a server with 50,000 domains has some hundreds.
const KINDS: usize = 2000;
/// Names of receiving hosts that are kept for one kind of reply.
const HOSTS: usize = 8;
/// Days of events of one kind that are kept while the newest line is not known.
const DAYS_KEPT: usize = 64;
/// Octets of names taken out of a log.
const NAME: usize = 255;

const DAY: i64 = 86_400;

/// What refusals have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RefusedAs {
    mta: Mta,
    service: String,
    family: Option<Family>,
    local: Option<IpAddr>,
    named: Option<IpAddr>,
    reply: &'static str,
    code: Option<u16>,
    status: Option<String>,
}

/// What departures have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LeftAs {
    mta: Mta,
    service: String,
    address: IpAddr,
    kind: DepartureKind,
}

/// How many events there were on each day, and when.
#[derive(Debug, Clone, Default)]
struct Days(BTreeMap<i64, (u64, i64, i64)>);

impl Days {
    fn add(&mut self, at: i64) {
        let (count, first, last) = self.0.entry(at.div_euclid(DAY)).or_insert((0, at, at));
        *count += 1;
        (*first, *last) = ((*first).min(at), (*last).max(at));
        if self.0.len() > DAYS_KEPT {
            // Those that could count are among the newest.
            self.0.pop_first();
        }
    }

    fn merge(&mut self, other: Days) {
        for (day, (count, first, last)) in other.0 {
            let known = self.0.entry(day).or_insert((0, first, last));
            *known = (known.0 + count, known.1.min(first), known.2.max(last));
        }
        while self.0.len() > DAYS_KEPT {
            self.0.pop_first();
        }
    }

    /// Count, first and last of those from `since` on; `None` where there is none.
    fn from(&self, since: i64) -> Option<(u64, i64, i64)> {
        let counted = self.0.range(since.div_euclid(DAY)..).map(|(_, found)| *found);
        counted.reduce(|one, other| (one.0 + other.0, one.1.min(other.1), one.2.max(other.2)))
    }
}

/// What is known of refusals that are alike.
#[derive(Debug, Clone)]
struct Known {
    days: Days,
    hosts: BTreeSet<String>,
    words: String,
}

/// Events that were counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    refused: BTreeMap<RefusedAs, Known>,
    left: BTreeMap<LeftAs, Days>,
    /// Events of further kinds than are told apart.
    pub further: u64,
}

impl Tally {
    /// Counts an event, where it speaks of this host's identity.
    pub(super) fn add(&mut self, event: &Event<'_>, at: i64) {
        match event.what {
            What::Left(address, kind) => {
                let key = LeftAs { mta: event.mta, service: name(event.service), address, kind };
                if let Some(days) = kind_of(&mut self.left, key, &mut self.further, Days::default) {
                    days.add(at);
                }
            }
            What::Refused { host, address, local, reply, status } => {
                let Some(heard) = replies::heard(&String::from_utf8_lossy(reply)) else { return };
                self.refused(event, (host, address, local), &heard, status, at);
            }
        }
    }

    fn refused(
        &mut self,
        event: &Event<'_>,
        (host, address, local): (&[u8], Option<IpAddr>, Option<IpAddr>),
        heard: &Heard,
        status: &[u8],
        at: i64,
    ) {
        let apart = || Some(name(status)).filter(|status| !status.is_empty());
        let key = RefusedAs {
            mta: event.mta,
            service: name(event.service),
            family: address.or(local).map(Family::from),
            local,
            named: heard.address,
            reply: heard.reply.id,
            code: heard.code,
            status: heard.status().map(str::to_owned).or_else(apart),
        };
        let new = || Known { days: Days::default(), hosts: BTreeSet::new(), words: heard.words() };
        let Some(known) = kind_of(&mut self.refused, key, &mut self.further, new) else { return };
        known.days.add(at);
        if known.hosts.len() < HOSTS && !host.is_empty() {
            known.hosts.insert(name(host));
        }
    }

    /// Adds what another counted.
    pub(super) fn merge(&mut self, other: Tally) {
        self.further += other.further;
        for (key, found) in other.refused {
            let new = || Known { days: Days::default(), hosts: BTreeSet::new(), words: found.words.clone() };
            let Some(known) = kind_of(&mut self.refused, key, &mut self.further, new) else { continue };
            known.days.merge(found.days);
            known.hosts.extend(found.hosts);
            while known.hosts.len() > HOSTS {
                known.hosts.pop_last();
            }
        }
        for (key, days) in other.left {
            if let Some(known) = kind_of(&mut self.left, key, &mut self.further, Days::default) {
                known.merge(days);
            }
        }
    }

    /// When the last event was.
    pub(super) fn newest(&self) -> Option<i64> {
        let all = self.refused.values().map(|known| &known.days).chain(self.left.values());
        all.filter_map(|days| days.0.values().map(|(_, _, last)| *last).max()).max()
    }

    /// The refusals from `since` on.
    pub(super) fn refusals(&self, since: i64) -> Vec<Refused> {
        let known = self.refused.iter().filter_map(|(key, known)| {
            let (count, first, last) = known.days.from(since)?;
            let reply = replies::all().find(|reply| reply.id == key.reply)?;
            let key = key.clone();
            Some(Refused {
                mta: key.mta,
                service: key.service,
                family: key.family,
                local: key.local,
                named: key.named,
                reply: key.reply.to_owned(),
                receiver: reply.receiver.map(str::to_owned),
                hosts: known.hosts.iter().cloned().collect(),
                meaning: reply.meaning.to_owned(),
                names_it: reply.proof == Proof::NamesIt,
                rules: reply.rules().into_iter().map(str::to_owned).collect(),
                code: key.code,
                status: key.status,
                words: known.words.clone(),
                count,
                first,
                last,
            })
        });
        known.collect()
    }

    /// The departures from `since` on.
    pub(super) fn departures(&self, since: i64) -> Vec<Departure> {
        let known = self.left.iter().filter_map(|(key, days)| {
            let (count, first, last) = days.from(since)?;
            let LeftAs { mta, service, address, kind } = key.clone();
            Some(Departure { mta, service, address, kind, count, first, last })
        });
        known.collect()
    }
}

/// What is known of a kind of events; `None` where it would be one too many, which is counted.
fn kind_of<'t, K: Ord, T>(
    all: &'t mut BTreeMap<K, T>,
    kind: K,
    further: &mut u64,
    new: impl FnOnce() -> T,
) -> Option<&'t mut T> {
    if all.len() >= KINDS && !all.contains_key(&kind) {
        *further += 1;
        return None;
    }
    Some(all.entry(kind).or_insert_with(new))
}

/// The start of the first day that counts where `until` is the end.
pub(super) fn since(until: i64) -> i64 {
    until.saturating_sub(DAYS * DAY).div_euclid(DAY) * DAY
}

/// Whether both ends are on this host: what a filter here says is not what receivers do.
pub(super) fn is_inside(event: &Event<'_>) -> bool {
    match event.what {
        What::Refused { address, .. } => address.is_some_and(|address| address.is_loopback()),
        What::Left(address, _) => address.is_loopback(),
    }
}

/// A name out of a log: what names are made of, and as long as they may be.
fn name(octets: &[u8]) -> String {
    let known = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_./:+".contains(byte);
    octets.iter().filter(known).take(NAME).map(|byte| char::from(*byte)).collect()
}
