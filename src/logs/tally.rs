//! Events counted: alike ones together, by the day, so that the days that count can be chosen when the newest line is known.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use super::event::{Event, Then, What};
use super::taken::{Sender, Taken};
use crate::addr::{Family, is_public};
use crate::facts::{Departure, DepartureKind, Mta, Refused};
use crate::name::DomainName;
use crate::replies::{self, LoggedReply, Proof};

/// Days of which lines count: what a weekly run sees twice, and what logrotate(8) keeps almost everywhere.
pub(super) const DAYS: i64 = 14;
/// Kinds of events that are told apart; a server with 50,000 domains has some hundreds.
const KINDS: usize = 2000;
/// Kinds of replies of one receiving domain that are told apart: a receiver who makes up more does not take the place of others.
const KINDS_OF_ONE: usize = 50;
/// Names of receiving hosts that are told for one kind of reply.
const HOSTS: usize = 8;
/// Those that are kept, to see whether each took mail since.
const HOSTS_KEPT: usize = 256;
/// Messages of which it is remembered that they count already.
const REMEMBERED: usize = 200_000;
/// Refusals that wait for the line that says what became of them; each takes some hundred octets.
const PENDING: usize = 20_000;
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
    inside: bool,
    named: Option<IpAddr>,
    receiver: Option<&'static str>,
    reply: &'static str,
    code: Option<u16>,
    status: Option<String>,
    waits: bool,
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
    /// Adds an event, or one of a message that counts on that day already.
    fn add(&mut self, at: i64, counts: bool) {
        let (count, first, last) = self.0.entry(at.div_euclid(DAY)).or_insert((0, at, at));
        *count += u64::from(counts);
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

    /// How many there were.
    fn count(&self) -> u64 {
        self.0.values().map(|(count, _, _)| *count).sum()
    }

    /// Count, first and last of those from `since` on; `None` where there is none.
    fn from(&self, since: i64) -> Option<(u64, i64, i64)> {
        let counted = self.0.range(since.div_euclid(DAY)..).map(|(_, found)| *found);
        let all = counted.reduce(|one, other| (one.0 + other.0, one.1.min(other.1), one.2.max(other.2)));
        all.filter(|(count, _, _)| *count > 0)
    }
}

/// What is known of refusals that are alike.
#[derive(Debug, Clone)]
struct Known {
    days: Days,
    /// The hosts that said so, and when each did last.
    hosts: BTreeMap<String, i64>,
    /// Whether further hosts did.
    more_hosts: bool,
    words: String,
    /// Whose of the kinds this one is: the receiving domain of the first.
    domain: String,
}

impl Known {
    fn new(words: String, domain: String) -> Known {
        Known { days: Days::default(), hosts: BTreeMap::new(), more_hosts: false, words, domain }
    }

    fn host(&mut self, host: String, at: i64) {
        if self.hosts.len() >= HOSTS_KEPT && !self.hosts.contains_key(&host) {
            self.more_hosts = true;
            return;
        }
        let last = self.hosts.entry(host).or_insert(at);
        *last = (*last).max(at);
    }

    fn merge(&mut self, other: Known) {
        self.days.merge(other.days);
        self.more_hosts |= other.more_hosts;
        for (host, at) in other.hosts {
            self.host(host, at);
        }
    }
}

/// A refusal, as its line tells it.
#[derive(Debug, Clone)]
struct Told {
    kind: RefusedAs,
    host: String,
    words: String,
    at: i64,
}

/// Events that were counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    refused: BTreeMap<RefusedAs, Known>,
    left: BTreeMap<LeftAs, Days>,
    /// How many kinds of refusals each receiving domain has.
    kinds: BTreeMap<String, usize>,
    taken: Taken,
    /// Refusals after which the next host was tried, by message, host and day: another line may tell the same.
    pending: BTreeMap<u64, Told>,
    /// Events of further kinds than are told apart.
    pub further: u64,
}

/// Messages that count already, by message, host, reply and day, over all logs.
#[derive(Debug, Default)]
pub(super) struct Messages {
    counted: HashSet<u64>,
    /// Whether not all could be remembered.
    pub full: bool,
}

impl Messages {
    /// Whether this is the first that is seen of it.
    fn is_new(&mut self, message: u64) -> bool {
        if self.counted.contains(&message) {
            return false;
        }
        if self.counted.len() < REMEMBERED {
            self.counted.insert(message);
        } else {
            self.full = true;
        }
        true
    }
}

impl Tally {
    /// Counts an event, where it speaks of this host's identity.
    pub(super) fn add(&mut self, event: &Event<'_>, at: i64, messages: &mut Messages) {
        match event.what {
            What::Left(address, kind) => self.left(event, address, kind, at),
            What::Taken { host, address, local } => {
                let sender = Sender { mta: event.mta, service: event.service, family: family(address, local), local };
                self.taken.add(host, &sender, at);
                if let Some(local) = local {
                    self.left(event, local, DepartureKind::Delivered, at);
                }
            }
            What::Refused { local, reply, .. } => {
                if let Some(local) = local {
                    self.left(event, local, DepartureKind::Tried, at);
                }
                if let Some(logged) = replies::read_logged(&String::from_utf8_lossy(reply)) {
                    self.refused(event, &logged, at, messages);
                }
            }
        }
    }

    fn left(&mut self, event: &Event<'_>, address: IpAddr, kind: DepartureKind, at: i64) {
        let key = LeftAs { mta: event.mta, service: name(event.service), address, kind };
        if let Some(days) = kind_of(&mut self.left, key, &mut self.further, Days::default) {
            days.add(at, true);
        }
    }

    fn refused(&mut self, event: &Event<'_>, logged: &LoggedReply, at: i64, messages: &mut Messages) {
        let What::Refused { message, then, host, address, local, .. } = event.what else { return };
        let inside = address.is_some_and(|address| !is_public(address));
        let named = if inside { logged.any_address } else { logged.address };
        let receiver = replies::operator(logged.reply, &name(host));
        let kind = RefusedAs {
            mta: event.mta,
            service: name(event.service),
            family: family(address, local),
            local,
            inside,
            named: named.filter(|named| Some(*named) != address),
            receiver,
            reply: logged.reply.id,
            code: logged.code,
            status: logged.status().map(str::to_owned),
            waits: then != Then::GivenUp,
        };
        let told = Told { kind, host: name(host), words: logged.words(), at };
        if message.is_empty() {
            return self.count(told, true);
        }
        let mut hasher = DefaultHasher::new();
        (event.mta, message, host, logged.reply.id, at.div_euclid(DAY)).hash(&mut hasher);
        let message = hasher.finish();
        match then {
            Then::NextHost if self.pending.len() < PENDING => {
                let earlier = self.pending.entry(message).or_insert_with(|| told.clone());
                earlier.at = earlier.at.max(told.at);
            }
            _ => {
                let new = messages.is_new(message);
                self.count(told, new);
            }
        }
    }

    /// Counts those of which no other line tells what became of them.
    pub(super) fn settle(&mut self, messages: &mut Messages) {
        for (message, told) in std::mem::take(&mut self.pending) {
            if messages.is_new(message) {
                self.count(told, true);
            }
        }
    }

    fn count(&mut self, told: Told, counts: bool) {
        let Told { kind, host, words, at } = told;
        let Some(known) = self.known(kind, domain(&host), 1, || words) else { return };
        known.days.add(at, counts);
        if !host.is_empty() {
            known.host(host, at);
        }
    }

    /// What is known of refusals of a kind, of which there are `count` more; `None` where it would be one kind too many.
    fn known(
        &mut self,
        kind: RefusedAs,
        domain: String,
        count: u64,
        words: impl FnOnce() -> String,
    ) -> Option<&mut Known> {
        if !self.refused.contains_key(&kind) {
            let kinds = self.kinds.get(&domain).copied().unwrap_or_default();
            if self.refused.len() >= KINDS || kinds >= KINDS_OF_ONE {
                self.further += count;
                return None;
            }
            self.kinds.insert(domain.clone(), kinds + 1);
        }
        Some(self.refused.entry(kind).or_insert_with(|| Known::new(words(), domain)))
    }

    /// Adds what another counted.
    pub(super) fn merge(&mut self, other: Tally) {
        self.further += other.further;
        for (kind, found) in other.refused {
            let words = found.words.clone();
            if let Some(known) = self.known(kind, found.domain.clone(), found.days.count(), || words) {
                known.merge(found);
            }
        }
        for (key, days) in other.left {
            match kind_of(&mut self.left, key, &mut self.further, Days::default) {
                Some(known) => known.merge(days),
                None => self.further += days.count().saturating_sub(1),
            }
        }
        self.taken.merge(other.taken);
        for (message, told) in other.pending {
            let at = told.at;
            let known = self.pending.entry(message).or_insert(told);
            known.at = known.at.max(at);
        }
    }

    /// Lines that do not say which client or transport was refused stand beside those that do, where these are of one.
    fn with_their_service(&self) -> BTreeMap<RefusedAs, Known> {
        let mut all = self.refused.clone();
        let unsaid: Vec<RefusedAs> = all.keys().filter(|kind| !says_service(&kind.service)).cloned().collect();
        for kind in unsaid {
            let alike = |other: &&RefusedAs| {
                says_service(&other.service) && RefusedAs { service: kind.service.clone(), ..(*other).clone() } == kind
            };
            let mut services = all.keys().filter(alike);
            let (Some(one), None) = (services.next().cloned(), services.next()) else { continue };
            if let (Some(found), Some(known)) = (all.remove(&kind), all.get_mut(&one)) {
                known.merge(found);
            }
        }
        all
    }

    /// When the last event was.
    pub(super) fn newest(&self) -> Option<i64> {
        let all = self.refused.values().map(|known| &known.days).chain(self.left.values());
        all.filter_map(|days| days.0.values().map(|(_, _, last)| *last).max()).max()
    }

    /// The refusals from `since` on.
    pub(super) fn refusals(&self, since: i64) -> Vec<Refused> {
        let known = self.with_their_service().into_iter().filter_map(|(kind, known)| {
            let (count, first, last) = known.days.from(since)?;
            let reply = replies::all().find(|reply| reply.id == kind.reply)?;
            let taken = self.taken_since(&kind, &known, last);
            Some(Refused {
                mta: kind.mta,
                service: kind.service,
                family: kind.family,
                local: kind.local,
                inside: kind.inside,
                named: kind.named,
                reply: kind.reply.to_owned(),
                receiver: kind.receiver.map(str::to_owned),
                hosts: known.hosts.into_keys().take(HOSTS).collect(),
                meaning: reply.meaning.to_owned(),
                names_it: reply.proof == Proof::NamesIt,
                rules: reply.rules().into_iter().map(str::to_owned).collect(),
                code: kind.code,
                status: kind.status,
                words: known.words,
                waits: kind.waits,
                count,
                first,
                last,
                taken,
            })
        });
        known.collect()
    }

    /// When mail was taken again, after the last refusal: by any host of one operator, else by each host that refused.
    fn taken_since(&self, kind: &RefusedAs, known: &Known, last: i64) -> Option<i64> {
        let service = Some(kind.service.as_bytes()).filter(|service| says_service(&String::from_utf8_lossy(service)));
        let of = |host: &String| self.taken.last(host, kind.mta, service, kind.family, kind.local);
        if kind.receiver.is_some() {
            return known.hosts.keys().filter_map(of).max().filter(|taken| *taken > last);
        }
        if known.more_hosts {
            return None;
        }
        let each = known.hosts.iter().map(|(host, refused)| of(host).filter(|taken| taken > refused));
        each.collect::<Option<Vec<i64>>>()?.into_iter().max()
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

/// The domain that one who runs a host has registered; the host where there is none.
fn domain(host: &str) -> String {
    let name = DomainName::new(host);
    name.registrable().map_or_else(|| host.to_owned(), |domain| domain.to_string())
}

/// The start of the first day that counts where `until` is the end.
pub(super) fn since(until: i64) -> i64 {
    until.saturating_sub(DAYS * DAY).div_euclid(DAY) * DAY
}

/// Whether what delivered is known by this name: error(8) and lines without a transport speak for another.
fn says_service(service: &str) -> bool {
    !service.is_empty() && !service.ends_with("/error")
}

fn family(address: Option<IpAddr>, local: Option<IpAddr>) -> Option<Family> {
    address.or(local).map(Family::from)
}

/// Whether both ends are on this host: what a filter here says is not what receivers do.
pub(super) fn is_inside(event: &Event<'_>) -> bool {
    match event.what {
        What::Refused { address, .. } | What::Taken { address, .. } => {
            address.is_some_and(|address| address.is_loopback())
        }
        What::Left(address, _) => address.is_loopback(),
    }
}

/// A name out of a log: what names are made of, and as long as they may be.
fn name(octets: &[u8]) -> String {
    let known = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_./:+".contains(byte);
    octets.iter().filter(known).take(NAME).map(|byte| char::from(*byte)).collect()
}
