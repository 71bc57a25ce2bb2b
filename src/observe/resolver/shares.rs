//! What one registrable domain may take of the servers of zones that all domains share. Whoever runs a domain says which servers its zones have,
//! and may name twenty that never answer: it may keep its own answers waiting by that, and nobody else's.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::life::UNHEARD;
use crate::name::DomainName;
use crate::observe::{Question, Why};

/// Servers that are asked at one time of which nothing was ever heard.
const TRIALS: usize = 4;
/// Servers that wait until they may be.
const HELD: usize = 40;
/// How often the patience with a silent server may be spent. Zones whose servers cannot be reached over one family have four to eight of them.
const SILENT: u32 = 6;
/// An answer that takes no longer keeps nobody waiting.
const PROMPT: Duration = Duration::from_secs(1);
/// How long it counts that somebody was kept waiting, and how long a silent server is not asked again.
pub(super) const COUNTS_FOR: Duration = Duration::from_secs(60);
/// Shares above which those are forgotten that nothing counts in any more.
const MANY: usize = 1_000;

/// Whether a question may be put.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// At once.
    Now,
    /// When others of the domain have been heard, or have had their time.
    Later,
    /// Not at all, for this reason.
    No(Why),
}

/// A server that has questions of a domain.
#[derive(Debug)]
struct Open {
    questions: usize,
    /// Nothing was ever heard of it.
    trial: bool,
    /// When it was put the first of them, or said something last: what several of them wait for at one time counts once.
    since: Instant,
}

/// What one domain takes.
#[derive(Debug, Default)]
struct Share {
    open: HashMap<usize, Open>,
    held: VecDeque<(usize, Vec<Arc<Question>>)>,
    /// How long servers have kept it waiting, and when that was last added to.
    waited: Duration,
    last: Option<Instant>,
    /// Those that did.
    tardy: BTreeSet<usize>,
    /// Those that said nothing.
    silent: BTreeMap<usize, (Why, Instant)>,
}

impl Share {
    fn trials(&self) -> usize {
        self.open.values().filter(|open| open.trial).count()
    }

    fn is_idle(&self, now: Instant) -> bool {
        let counts = |at: &Instant| now.duration_since(*at) < COUNTS_FOR;
        let silent = self.silent.values().any(|(_, at)| counts(at));
        self.open.is_empty() && self.held.is_empty() && !self.last.as_ref().is_some_and(counts) && !silent
    }

    /// Forgets what does not count any more.
    fn forgive(&mut self, now: Instant) {
        let counts = |at: &Instant| now.duration_since(*at) < COUNTS_FOR;
        if !self.last.as_ref().is_some_and(counts) {
            self.waited = Duration::ZERO;
            self.tardy.clear();
        }
        self.silent.retain(|_, (_, at)| counts(at));
    }
}

/// The shares of all domains.
#[derive(Debug)]
pub(super) struct Shares {
    of: HashMap<DomainName, Share>,
    /// How long servers may keep one domain waiting, all together.
    most: Duration,
    /// How many there may be before they are looked through.
    many: usize,
}

/// Whose share a question is put for: its registrable domain, or what stands above the name where there is none.
pub(super) fn owner(question: &Question) -> DomainName {
    let name = &question.name;
    let reverse = name.as_str().ends_with(".arpa");
    let registrable = if reverse { name.parent() } else { name.registrable() };
    registrable.unwrap_or_else(|| name.clone())
}

impl Shares {
    /// None yet, of servers that have this time for one question.
    pub(super) fn new(patience: Duration) -> Shares {
        Shares { of: HashMap::new(), most: patience.min(UNHEARD) * SILENT, many: MANY }
    }

    /// Whether a question of `domain` may be put to a server. `heard`: whether it ever said anything, to whomever; `runs`: whether it is asked at
    /// present.
    pub(super) fn may(
        &mut self,
        domain: &DomainName,
        server: usize,
        (heard, runs): (bool, bool),
        now: Instant,
    ) -> Verdict {
        let Some(share) = self.of.get_mut(domain) else { return Verdict::Now };
        share.forgive(now);
        if let Some((why, _)) = share.silent.get(&server).filter(|_| !heard && !runs) {
            return Verdict::No(why.clone());
        }
        if share.waited >= self.most && (!heard || share.tardy.contains(&server)) {
            return Verdict::No(Why::PacketLimit);
        }
        if heard || share.open.contains_key(&server) || share.trials() < TRIALS {
            return Verdict::Now;
        }
        let room = share.held.len() < HELD || share.held.iter().any(|(held, _)| *held == server);
        if room { Verdict::Later } else { Verdict::No(Why::PacketLimit) }
    }

    /// Keeps a question until it may be put.
    pub(super) fn hold(&mut self, domain: &DomainName, server: usize, question: Arc<Question>) {
        let held = &mut self.of.entry(domain.clone()).or_default().held;
        match held.iter_mut().find(|(held, _)| *held == server) {
            Some((_, questions)) => questions.push(question),
            None => held.push_back((server, vec![question])),
        }
    }

    /// What waits until it may be put, where something may be by now.
    pub(super) fn held(&mut self, domain: &DomainName) -> VecDeque<(usize, Vec<Arc<Question>>)> {
        let share = self.of.get_mut(domain).filter(|share| share.trials() < TRIALS || share.waited >= self.most);
        share.map(|share| std::mem::take(&mut share.held)).unwrap_or_default()
    }

    /// A question is put. Gives how urgent it is: the less a domain has on its way, and the less it was kept waiting, the lower.
    pub(super) fn put(&mut self, domain: &DomainName, server: usize, heard: bool, now: Instant) -> usize {
        if self.of.len() >= self.many && !self.of.contains_key(domain) {
            self.of.retain(|_, share| !share.is_idle(now));
            self.many = (2 * self.of.len()).max(MANY);
        }
        let share = self.of.entry(domain.clone()).or_default();
        let others = share.open.keys().filter(|other| **other != server).count();
        let open = share.open.entry(server).or_insert(Open { questions: 0, trial: !heard, since: now });
        open.questions += 1;
        if heard { 0 } else { others + share.tardy.len() }
    }

    /// A question has ended after it was on its way for `waited`, without an answer for the reason `silent`, where that is silence. Whether other
    /// questions of the domain may be put by now.
    pub(super) fn done(
        &mut self,
        domain: &DomainName,
        server: usize,
        (waited, silent, heard): (Duration, Option<&Why>, bool),
        now: Instant,
    ) -> bool {
        let Some(share) = self.of.get_mut(domain) else { return false };
        let Some(open) = share.open.get_mut(&server) else { return false };
        let alone = waited.min(now.saturating_duration_since(open.since));
        let kept = if silent.is_some() { alone } else { alone.saturating_sub(PROMPT) };
        let trial = open.trial;
        (open.questions, open.trial, open.since) = (open.questions.saturating_sub(1), trial && !heard, now);
        let over = trial && (heard || open.questions == 0);
        if open.questions == 0 {
            share.open.remove(&server);
        }
        if kept > Duration::ZERO {
            share.waited += kept;
            share.last = Some(now);
            share.tardy.insert(server);
        }
        match silent {
            Some(why) if !heard => drop(share.silent.insert(server, (why.clone(), now))),
            _ => drop(share.silent.remove(&server)),
        }
        if share.open.is_empty() && share.is_idle(now) {
            self.of.remove(domain);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::RecordType;

    fn name(text: &str) -> DomainName {
        DomainName::new(text)
    }

    const NEW: (bool, bool) = (false, false);
    const HEARD: (bool, bool) = (true, false);

    #[test]
    fn whose_share_a_question_is_put_for() {
        let of = |text: &str| owner(&Question::new(&name(text), RecordType::Txt)).to_string();
        assert_eq!(of("s._domainkey.a.example.co.uk"), "example.co.uk");
        assert_eq!(of("example.co.uk"), "example.co.uk");
        assert_eq!(of("co.uk"), "co.uk");
        assert_eq!(of("10.2.0.192.in-addr.arpa"), "2.0.192.in-addr.arpa");
    }

    #[test]
    fn silent_servers_are_tried_a_few_at_a_time_and_no_more_than_a_few_of_them() {
        let mut shares = Shares::new(Duration::from_secs(10));
        let (bad, good) = (name("bad.example"), name("good.example"));
        let mut now = Instant::now();
        let mut asked = 0;
        let mut refused = 0;
        for server in 0..20 {
            match shares.may(&bad, server, NEW, now) {
                Verdict::Now => {
                    assert_eq!(
                        shares.put(&bad, server, false, now),
                        asked,
                        "the fewer it has, the sooner it is its turn"
                    );
                    asked += 1;
                }
                Verdict::Later => shares.hold(&bad, server, Arc::new(Question::new(&bad, RecordType::Txt))),
                no => panic!("{no:?}"),
            }
        }
        assert_eq!(asked, TRIALS);
        let mut open: VecDeque<usize> = (0..TRIALS).collect();
        while let Some(server) = open.pop_front() {
            now += UNHEARD / 4;
            assert!(shares.done(&bad, server, (UNHEARD, Some(&Why::Timeout), false), now));
            for (server, _) in shares.held(&bad) {
                match shares.may(&bad, server, NEW, now) {
                    Verdict::Now => {
                        shares.put(&bad, server, false, now);
                        asked += 1;
                        open.push_back(server);
                    }
                    Verdict::Later => shares.hold(&bad, server, Arc::new(Question::new(&bad, RecordType::Txt))),
                    no => refused += usize::from(no == Verdict::No(Why::PacketLimit)),
                }
            }
        }
        assert_eq!(asked + refused, 20);
        assert!((6..=12).contains(&asked), "{asked}");
        // What is known to be silent is said at once; what answers others still counts, and nobody else's share is less.
        assert_eq!(shares.may(&bad, 0, NEW, now), Verdict::No(Why::Timeout));
        assert_eq!(shares.may(&bad, 30, HEARD, now), Verdict::Now);
        assert_eq!(shares.may(&good, 0, NEW, now), Verdict::Now);
        assert_eq!(shares.may(&bad, 0, NEW, now + COUNTS_FOR), Verdict::Now);
    }

    #[test]
    fn who_answers_late_has_a_share_as_well_and_who_answers_in_time_needs_none() {
        let mut shares = Shares::new(Duration::from_secs(10));
        let (slow, busy) = (name("slow.example"), name("busy.example"));
        let mut now = Instant::now();
        for server in 0..20 {
            shares.put(&slow, server, true, now);
        }
        for server in 0..20 {
            shares.done(&slow, server, (Duration::from_secs(4), None, true), now + Duration::from_secs(4));
        }
        now += Duration::from_secs(4);
        assert_eq!(shares.may(&slow, 3, HEARD, now), Verdict::No(Why::PacketLimit));
        // Ten questions that wait at one server at one time keep a domain waiting once.
        for _ in 0..10 {
            shares.put(&busy, 50, true, now);
        }
        for _ in 0..10 {
            shares.done(&busy, 50, (Duration::from_secs(5), Some(&Why::Timeout), true), now + Duration::from_secs(5));
        }
        assert_eq!(shares.may(&busy, 50, HEARD, now + Duration::from_secs(5)), Verdict::Now);
        // What came in time leaves nothing behind.
        for n in 0..10 * MANY {
            let domain = name(&format!("d{n}.example"));
            shares.put(&domain, n, false, now);
            assert!(shares.done(&domain, n, (PROMPT, None, true), now + PROMPT));
        }
        assert!(shares.of.len() <= 2, "{}", shares.of.len());
    }
}
