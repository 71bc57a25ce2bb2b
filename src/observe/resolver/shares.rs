//! What one domain may take of the servers of zones that all domains share. Whoever runs a domain says which servers its zones have, and which
//! other zones have to be asked for it, and may name many that never answer: it may keep its own answers waiting by that, and nobody else's.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::life::UNHEARD;
use crate::name::DomainName;
use crate::observe::{Question, Why};

/// Servers of one address family that are asked at one time of which it is not known that they answer.
const TRIALS: usize = 3;
/// Servers that wait until they may be. A record may include ten others, each with the servers of its zone.
const HELD: usize = 128;
/// Answers in a row after which a server is no longer on trial though some of its questions are still open.
const PROVEN: u32 = 8;
/// How often the patience with a silent server may be spent, in each address family: where one of them leads nowhere, the other still counts.
const SILENT: u32 = 5;
/// An answer that takes no longer keeps nobody waiting.
const PROMPT: Duration = Duration::from_secs(1);
/// How long it counts that somebody was kept waiting, and how long a silent server is not asked again.
pub(super) const COUNTS_FOR: Duration = Duration::from_secs(60);
/// How long a server that answers others is not asked after it kept a domain waiting that has waited enough.
const AGAIN: Duration = Duration::from_secs(5);
/// Shares above which those are forgotten that nothing counts in any more.
const MANY: usize = 1_000;
/// Labels of the names below in-addr.arpa and ip6.arpa that have a share: of blocks as they are given to one customer (/24, /48).
const REVERSE: [(&str, usize); 2] = [(".in-addr.arpa", 5), (".ip6.arpa", 14)];

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

/// What is known of a server, whoever asked it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// It has answered, and of its last questions not all were left without an answer.
    pub answers: bool,
    /// It is asked at present.
    pub runs: bool,
    /// Its address is an IPv6 address.
    pub v6: bool,
}

/// A server that has questions of a domain.
#[derive(Debug)]
struct Open {
    questions: usize,
    /// It is not known to answer.
    trial: bool,
    v6: bool,
    /// Answers in a row.
    answered: u32,
    /// When it was put the first of them, or said something last: what several of them wait for at one time counts once.
    since: Instant,
}

/// Questions that wait until a server may be asked.
#[derive(Debug)]
struct Held {
    server: usize,
    v6: bool,
    questions: Vec<Arc<Question>>,
}

/// What one domain takes.
#[derive(Debug, Default)]
struct Share {
    open: HashMap<usize, Open>,
    held: VecDeque<Held>,
    /// How long servers have kept it waiting, over IPv4 and over IPv6, and when that was last added to.
    waited: [Duration; 2],
    last: Option<Instant>,
    /// Those that did, and did not answer in time since; with when that was.
    tardy: BTreeMap<usize, Instant>,
    /// Those that said nothing.
    silent: BTreeMap<usize, (Why, Instant)>,
}

impl Share {
    fn trials(&self, v6: bool) -> usize {
        self.open.values().filter(|open| open.trial && open.v6 == v6).count()
    }

    fn has_waited(&self, v6: bool, most: Duration) -> bool {
        self.waited[usize::from(v6)] >= most
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
            self.waited = [Duration::ZERO; 2];
            self.tardy.clear();
        }
        self.silent.retain(|_, (_, at)| counts(at));
    }
}

/// The shares of all domains.
#[derive(Debug)]
pub(super) struct Shares {
    of: HashMap<DomainName, Share>,
    /// How long servers of one address family may keep one domain waiting, all together.
    most: Duration,
    /// How many there may be before they are looked through.
    many: usize,
}

/// Whose share it is that is taken from for the sake of a domain: its registrable domain's, for whoever has that makes as many names below it as
/// he likes; the domain's own where there is none. Customers below a suffix that is not in the public suffix list have one share together.
pub(super) fn owner(domain: &DomainName) -> DomainName {
    let reverse = REVERSE.iter().find(|(suffix, _)| domain.as_str().ends_with(suffix));
    let Some((_, labels)) = reverse else { return domain.registrable().unwrap_or_else(|| domain.clone()) };
    match domain.as_str().rmatch_indices('.').nth(labels - 1).and_then(|(dot, _)| domain.as_str().get(dot + 1..)) {
        Some(block) => DomainName::new(block),
        None => domain.clone(),
    }
}

impl Shares {
    /// None yet, of servers that have this time for one question.
    pub(super) fn new(patience: Duration) -> Shares {
        Shares { of: HashMap::new(), most: patience.min(UNHEARD) * SILENT, many: MANY }
    }

    /// Whether a question for the sake of `domain` may be put to a server.
    pub(super) fn may(&mut self, domain: &DomainName, server: usize, stands: Standing, now: Instant) -> Verdict {
        let Some(share) = self.of.get_mut(domain) else { return Verdict::Now };
        share.forgive(now);
        if let Some((why, _)) = share.silent.get(&server).filter(|_| !stands.answers && !stands.runs) {
            return Verdict::No(why.clone());
        }
        let tardy = share.tardy.get(&server);
        if stands.answers && tardy.is_none() {
            return Verdict::Now;
        }
        if share.has_waited(stands.v6, self.most) {
            // Whom others hear may have been asked for what it does not know: one question shows whether it answers this one again.
            let rested = tardy.is_none_or(|at| now.duration_since(*at) >= AGAIN);
            return match stands.answers && rested && !share.open.contains_key(&server) {
                true => Verdict::Now,
                false => Verdict::No(Why::PacketLimit),
            };
        }
        if share.open.contains_key(&server) || share.trials(stands.v6) < TRIALS {
            return Verdict::Now;
        }
        let room = share.held.len() < HELD || share.held.iter().any(|held| held.server == server);
        if room { Verdict::Later } else { Verdict::No(Why::PacketLimit) }
    }

    /// Keeps a question until it may be put. Somebody waits for each: there are no more of them than a stream has open, times its servers.
    pub(super) fn hold(&mut self, domain: &DomainName, (server, v6): (usize, bool), question: Arc<Question>) {
        let held = &mut self.of.entry(domain.clone()).or_default().held;
        match held.iter_mut().find(|held| held.server == server) {
            Some(held) => held.questions.push(question),
            None => held.push_back(Held { server, v6, questions: vec![question] }),
        }
    }

    /// Servers with what waited until it may be put, where it may be by now, or not at all. To be called until there are none: some may be
    /// put without taking from the share.
    pub(super) fn held(&mut self, domain: &DomainName) -> Vec<(usize, Vec<Arc<Question>>)> {
        let Some(share) = self.of.get_mut(domain).filter(|share| !share.held.is_empty()) else { return Vec::new() };
        let mut room = [false, true].map(|v6| match share.has_waited(v6, self.most) {
            true => usize::MAX,
            false => TRIALS.saturating_sub(share.trials(v6)),
        });
        let mut freed = Vec::new();
        let mut kept = VecDeque::new();
        for held in share.held.drain(..) {
            let room = &mut room[usize::from(held.v6)];
            match *room {
                0 => kept.push_back(held),
                _ => freed.push((held.server, held.questions)),
            }
            *room = room.saturating_sub(1);
        }
        share.held = kept;
        freed
    }

    /// A question is put. Gives how urgent it is: the fewer servers a domain tries, and the fewer kept it waiting, the lower.
    pub(super) fn put(&mut self, domain: &DomainName, server: usize, stands: Standing, now: Instant) -> usize {
        if self.of.len() >= self.many && !self.of.contains_key(domain) {
            self.of.retain(|_, share| !share.is_idle(now));
            self.many = (2 * self.of.len()).max(MANY);
        }
        let share = self.of.entry(domain.clone()).or_default();
        let trial = !stands.answers || share.tardy.contains_key(&server);
        let others = share.open.iter().filter(|(other, open)| **other != server && open.trial).count();
        let new = Open { questions: 0, trial, v6: stands.v6, answered: 0, since: now };
        share.open.entry(server).or_insert(new).questions += 1;
        share.tardy.len() + if trial { others } else { 0 }
    }

    /// A question has ended after it was on its way for `waited`, without an answer for the reason `silent`, where that is silence. `answers`: as
    /// of a [`Standing`], by now.
    pub(super) fn done(
        &mut self,
        domain: &DomainName,
        server: usize,
        (waited, silent, answers): (Duration, Option<&Why>, bool),
        now: Instant,
    ) {
        let Some(share) = self.of.get_mut(domain) else { return };
        let Some(open) = share.open.get_mut(&server) else { return };
        let alone = waited.min(now.saturating_duration_since(open.since));
        let kept = if silent.is_some() { alone } else { alone.saturating_sub(PROMPT) };
        (open.questions, open.since) = (open.questions.saturating_sub(1), now);
        // One that answers something and leaves the rest is on trial until all have ended: it may be meant to.
        open.answered = if silent.is_some() { 0 } else { open.answered + 1 };
        open.trial &= open.answered < PROVEN;
        let v6 = open.v6;
        if open.questions == 0 {
            share.open.remove(&server);
        }
        if kept > Duration::ZERO {
            share.waited[usize::from(v6)] += kept;
            share.last = Some(now);
            share.tardy.insert(server, now);
        } else if silent.is_none() && waited <= PROMPT {
            share.tardy.remove(&server);
        }
        match silent {
            Some(why) if !answers => drop(share.silent.insert(server, (why.clone(), now))),
            _ => drop(share.silent.remove(&server)),
        }
        if share.open.is_empty() && share.is_idle(now) {
            self.of.remove(domain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::RecordType;

    fn name(text: &str) -> DomainName {
        DomainName::new(text)
    }

    const NEW: Standing = Standing { answers: false, runs: false, v6: false };
    const HEARD: Standing = Standing { answers: true, ..NEW };
    const SECOND: Duration = Duration::from_secs(1);

    fn question(domain: &DomainName) -> Arc<Question> {
        Arc::new(Question::new(domain, RecordType::Txt))
    }

    #[test]
    fn whose_share_it_is() {
        let of = |text: &str| owner(&name(text)).to_string();
        assert_eq!(of("a.example.co.uk"), "example.co.uk");
        assert_eq!(of("example.co.uk"), "example.co.uk");
        assert_eq!(of("co.uk"), "co.uk");
        assert_eq!(of("10.2.0.192.in-addr.arpa"), "2.0.192.in-addr.arpa");
        assert_eq!(of("2.0.192.in-addr.arpa"), "2.0.192.in-addr.arpa");
        assert_eq!(of("192.in-addr.arpa"), "192.in-addr.arpa");
        let block = "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(of(&format!("a.b.c.{block}")), block);
        assert_eq!(
            of(&format!("1.2.3.4.5.{block}")),
            block,
            "whoever has a block makes as many zones below it as he likes"
        );
    }

    /// Puts what may be put of a domain's questions, one to each of these servers; counts those that are, and those that may not be.
    struct Trying<'s> {
        shares: &'s mut Shares,
        domain: DomainName,
        open: VecDeque<usize>,
        asked: usize,
        refused: usize,
        most: usize,
    }

    impl Trying<'_> {
        fn put(&mut self, server: usize, stands: Standing, now: Instant) {
            match self.shares.may(&self.domain, server, stands, now) {
                Verdict::Now => {
                    self.shares.put(&self.domain, server, stands, now);
                    self.open.push_back(server);
                    self.asked += 1;
                    self.most = self.most.max(self.open.len());
                }
                Verdict::Later => self.shares.hold(&self.domain, (server, stands.v6), question(&self.domain)),
                no => self.refused += usize::from(no == Verdict::No(Why::PacketLimit)),
            }
        }

        fn put_held(&mut self, stands: Standing, now: Instant) {
            loop {
                let held = self.shares.held(&self.domain);
                if held.is_empty() {
                    return;
                }
                held.into_iter().for_each(|(server, _)| self.put(server, stands, now));
            }
        }
    }

    fn trying<'s>(shares: &'s mut Shares, domain: &DomainName) -> Trying<'s> {
        Trying { shares, domain: domain.clone(), open: VecDeque::new(), asked: 0, refused: 0, most: 0 }
    }

    #[test]
    fn silent_servers_are_tried_a_few_at_a_time_and_no_more_than_a_few_of_them() {
        let mut shares = Shares::new(Duration::from_secs(10));
        let (bad, good) = (name("bad.example"), name("good.example"));
        let mut now = Instant::now();
        let mut tries = trying(&mut shares, &bad);
        (0..20).for_each(|server| tries.put(server, NEW, now));
        assert_eq!(tries.asked, TRIALS);
        while let Some(server) = tries.open.pop_front() {
            now += UNHEARD / 4;
            tries.shares.done(&bad, server, (UNHEARD, Some(&Why::Timeout), false), now);
            tries.put_held(NEW, now);
        }
        let (asked, refused) = (tries.asked, tries.refused);
        assert_eq!(asked + refused, 20);
        assert!((5..=12).contains(&asked), "{asked}");
        assert!(shares.of.values().all(|share| share.held.is_empty()));
        // What is known to be silent is said at once; what answers others still counts, and nobody else's share is less.
        assert_eq!(shares.may(&bad, 0, NEW, now), Verdict::No(Why::Timeout));
        assert_eq!(shares.may(&bad, 30, HEARD, now), Verdict::Now);
        assert_eq!(shares.may(&good, 0, NEW, now), Verdict::Now);
        // Nor is there less for the other address family.
        assert_eq!(shares.may(&bad, 31, NEW, now), Verdict::No(Why::PacketLimit));
        assert_eq!(shares.may(&bad, 31, Standing { v6: true, ..NEW }, now), Verdict::Now);
        assert_eq!(shares.may(&bad, 0, NEW, now + COUNTS_FOR), Verdict::Now);
    }

    #[test]
    fn whoever_fails_at_once_lets_the_others_be_tried() {
        let mut shares = Shares::new(Duration::from_secs(10));
        let (bad, now) = (name("bad.example"), Instant::now());
        let mut tries = trying(&mut shares, &bad);
        (0..40).for_each(|server| tries.put(server, NEW, now));
        while let Some(server) = tries.open.pop_front() {
            tries.shares.done(&bad, server, (Duration::ZERO, Some(&Why::Timeout), false), now);
            tries.put_held(NEW, now);
        }
        assert_eq!((tries.asked, tries.refused, tries.most), (40, 0, TRIALS));
    }

    #[test]
    fn who_answers_one_question_and_leaves_the_rest_is_on_trial_until_they_have_ended() {
        let mut shares = Shares::new(Duration::from_secs(10));
        let (bad, now) = (name("bad.example"), Instant::now());
        for server in 0..TRIALS {
            shares.put(&bad, server, NEW, now);
            shares.put(&bad, server, HEARD, now);
            shares.done(&bad, server, (SECOND / 10, None, true), now + SECOND / 10);
        }
        assert_eq!(shares.may(&bad, 10, NEW, now + SECOND), Verdict::Later);
        shares.hold(&bad, (10, false), question(&bad));
        assert!(shares.held(&bad).is_empty());
        // What it leaves without an answer keeps the domain waiting, though it was heard.
        shares.done(&bad, 0, (UNHEARD, Some(&Why::Timeout), true), now + UNHEARD);
        assert_eq!(shares.held(&bad).len(), 1);
        assert_eq!(shares.put(&bad, 0, HEARD, now + UNHEARD), 1 + (TRIALS - 1), "it is less urgent than others'");
        // Many answers in a row end it sooner.
        for _ in 0..=PROVEN {
            shares.put(&bad, 1, HEARD, now);
        }
        for _ in 0..PROVEN {
            shares.done(&bad, 1, (SECOND / 10, None, true), now + SECOND / 10);
        }
        assert_eq!(shares.may(&bad, 11, NEW, now + UNHEARD), Verdict::Now);
    }

    #[test]
    fn who_answers_late_has_a_share_as_well_and_who_answers_in_time_needs_none() {
        let mut shares = Shares::new(Duration::from_secs(10));
        let (slow, busy) = (name("slow.example"), name("busy.example"));
        let mut now = Instant::now();
        for server in 0..20 {
            shares.put(&slow, server, HEARD, now);
        }
        now += 4 * SECOND;
        for server in 0..20 {
            shares.done(&slow, server, (4 * SECOND, None, true), now);
        }
        assert_eq!(shares.may(&slow, 3, HEARD, now), Verdict::No(Why::PacketLimit));
        // Who answers others gets one question after a while, and all of them where that is answered.
        now += AGAIN;
        assert_eq!(shares.may(&slow, 3, HEARD, now), Verdict::Now);
        shares.put(&slow, 3, HEARD, now);
        assert_eq!(shares.may(&slow, 3, HEARD, now), Verdict::No(Why::PacketLimit));
        shares.done(&slow, 3, (SECOND / 10, None, true), now + SECOND / 10);
        shares.put(&slow, 3, HEARD, now + SECOND);
        assert_eq!(shares.may(&slow, 3, HEARD, now + SECOND), Verdict::Now);
        // Ten questions that wait at one server at one time keep a domain waiting once.
        for _ in 0..10 {
            shares.put(&busy, 50, HEARD, now);
        }
        for _ in 0..10 {
            shares.done(&busy, 50, (5 * SECOND, Some(&Why::Timeout), true), now + 5 * SECOND);
        }
        assert_eq!(shares.may(&busy, 50, HEARD, now + 5 * SECOND), Verdict::Now);
        // What came in time leaves nothing behind.
        for n in 0..10 * MANY {
            let domain = name(&format!("d{n}.example"));
            shares.put(&domain, n, NEW, now);
            shares.done(&domain, n, (PROMPT, None, true), now + PROMPT);
        }
        assert!(shares.of.len() <= 2, "{}", shares.of.len());
    }
}
