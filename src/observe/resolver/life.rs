//! What the silence of a server comes to: it is given up, or asked now and then until it says something.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::time::Duration;

use tokio::time::Instant;

use super::ids::IdHasher;
use super::server::Server;
use crate::name::DomainName;
use crate::observe::{Question, RecordType, Why};

/// After so many times the patience with one question, a server that has said nothing in it is silent; it may have been started anew.
const SILENT: u32 = 3;
/// The same at least.
const SILENCE: Duration = Duration::from_secs(30);
/// Between two signs of life that a server is asked for.
pub(crate) const APART: Duration = Duration::from_secs(3);
/// Time for one question to a server of zones that never said anything: it asks nobody else, and packets are put again seven times until then.
pub(crate) const UNHEARD: Duration = Duration::from_secs(3);
/// The patience with one question has room for so many at least.
const IN_PATIENCE: u32 = 4;
/// How long questions wait for a resolver that has fallen silent: machines are started anew, lines break.
const RESOLVER_RESTS: Duration = Duration::from_secs(600);
/// Questions that may still be answered after their time, as signs of life; a socket stays open for them.
const LATE: usize = 512;
/// How long they may be.
const LATE_FOR: Duration = Duration::from_secs(10);

/// What every resolver has an answer to, whatever others do: it cannot resolve anything without.
pub(crate) fn question() -> Question {
    Question::new(&DomainName::new("."), RecordType::Ns)
}

/// How a server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is asked.
    Fine,
    /// It has fallen silent; questions wait until it says something.
    Resting,
    /// Questions end for this reason, and no more than one now and then is put.
    GivenUp(Why),
}

/// The life of a server, by what is heard of it.
#[derive(Debug)]
pub(crate) struct Life {
    patience: Duration,
    /// Whether it is asked for signs of life, and put questions again when it gives one.
    comes_back: bool,
    recurse: bool,
    /// Whether it ever said anything.
    heard: bool,
    /// When the first question was put after the last sign of life.
    since: Option<Instant>,
    /// When a question was put last.
    put: Option<Instant>,
    /// When a sign of life was asked for last.
    probed: Option<Instant>,
    standing: Standing,
}

impl Life {
    /// Nothing was put yet.
    pub(crate) fn new(server: &Server) -> Life {
        Life {
            patience: server.patience,
            comes_back: server.comes_back,
            recurse: server.recurse,
            heard: false,
            since: None,
            put: None,
            probed: None,
            standing: Standing::Fine,
        }
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether it ever said anything.
    pub(crate) fn has_spoken(&self) -> bool {
        self.heard
    }

    /// Whether it was given up.
    pub(crate) fn is_given_up(&self) -> bool {
        matches!(self.standing, Standing::GivenUp(_))
    }

    /// Time for a question that is put now.
    pub(crate) fn patience(&self) -> Duration {
        match self.standing {
            // Who was given up is not waited for as long as others.
            Standing::GivenUp(_) => self.apart(),
            _ if !self.heard && !self.recurse && self.comes_back => self.patience.min(UNHEARD),
            _ => self.patience,
        }
    }

    /// A question is put.
    pub(crate) fn put(&mut self, now: Instant) {
        self.since.get_or_insert(now);
        self.put = Some(now);
    }

    /// It said something.
    pub(crate) fn hear(&mut self) {
        (self.heard, self.since) = (true, None);
        if self.standing != Standing::Fine && self.comes_back {
            self.standing = Standing::Fine;
        }
    }

    /// A question was not answered in its time; whether that ends them all.
    pub(crate) fn miss(&mut self, now: Instant, why: &Why) -> bool {
        let silent = self.since.is_some_and(|since| !self.heard || now.duration_since(since) > self.silence());
        if self.standing == Standing::Fine && silent {
            // A resolver was asked what each has an answer to; a server may know nothing of the one zone that it was asked for.
            let may_rest = self.comes_back && (self.heard || !self.recurse);
            self.standing = if may_rest { Standing::Resting } else { Standing::GivenUp(why.clone()) };
        }
        !self.comes_back && self.is_given_up()
    }

    /// It is of no use to ask it.
    pub(crate) fn give_up(&mut self, why: Why) {
        self.standing = Standing::GivenUp(why);
    }

    /// Whether a question may be put to a server that was given up.
    pub(crate) fn may_try(&self, now: Instant) -> bool {
        self.comes_back && self.put.is_none_or(|put| now.duration_since(put) >= self.apart())
    }

    /// When a sign of life is to be asked for, if nothing is heard before.
    pub(crate) fn next_probe(&self) -> Option<Instant> {
        let since = self.since.filter(|_| self.comes_back)?;
        Some(self.probed.map_or(since, |probed| probed.max(since)) + self.apart())
    }

    /// A sign of life is asked for. Who has rested for long enough is given up.
    pub(crate) fn probe(&mut self, now: Instant) {
        self.probed = Some(now);
        let silent = self.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let rests = if self.recurse { RESOLVER_RESTS } else { self.silence().min(self.patience) };
        if self.standing == Standing::Resting && silent > self.silence() + rests {
            self.standing = Standing::GivenUp(Why::Timeout);
        }
    }

    fn silence(&self) -> Duration {
        match (self.heard, self.recurse) {
            (true, _) => (self.patience * SILENT).max(SILENCE),
            (false, false) => self.patience.min(UNHEARD),
            (false, true) => self.patience,
        }
    }

    /// The time between two signs of life that are asked for.
    pub(crate) fn apart(&self) -> Duration {
        APART.min(self.patience / IN_PATIENCE)
    }
}

/// Questions that nobody waits for any more. What is said to them is a sign of life, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Late {
    /// The sockets that they came from.
    sockets: HashMap<u16, usize, BuildHasherDefault<IdHasher>>,
    order: VecDeque<(Instant, u16)>,
}

impl Late {
    /// Whether a question with this id is among them.
    pub(crate) fn contains(&self, id: u16) -> bool {
        self.sockets.contains_key(&id)
    }

    /// One more.
    pub(crate) fn add(&mut self, now: Instant, id: u16, socket: usize) {
        self.sockets.insert(id, socket);
        self.order.push_back((now + LATE_FOR, id));
    }

    /// A reply has come on this socket; whether one of them waited for it there.
    pub(crate) fn take(&mut self, id: u16, socket: usize) -> bool {
        let waits = self.sockets.get(&id) == Some(&socket);
        waits && self.sockets.remove(&id).is_some()
    }

    /// The socket of one that is not looked for any more; `None`: there is none by now.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<usize> {
        while self.order.len() > LATE || self.ends().is_some_and(|end| end <= now) {
            let (_, id) = self.order.pop_front()?;
            if let Some(socket) = self.sockets.remove(&id) {
                return Some(socket);
            }
        }
        None
    }

    /// When the first of them is not looked for any more.
    pub(crate) fn ends(&self) -> Option<Instant> {
        self.order.front().map(|(end, _)| *end)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::client::Manners;
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn life(recurse: bool, comes_back: bool) -> Life {
        let manners = Manners::new(None, BTreeSet::new(), PATIENCE);
        let server = manners.server(0, "127.0.0.1:53".parse().unwrap(), recurse);
        Life::new(&Server { comes_back, ..server })
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silence_counts_from_the_first_question_without_an_answer() {
        let start = Instant::now();
        for comes_back in [false, true] {
            let mut life = life(true, comes_back);
            life.put(start);
            life.hear();
            // Nothing to do for an hour, then one question that is not answered.
            life.put(after(start, 3_600));
            assert!(!life.miss(after(start, 3_610), &Why::Timeout));
            assert_eq!(*life.standing(), Standing::Fine);
            let ends = life.miss(after(start, 3_631), &Why::Timeout);
            assert_eq!((ends, life.is_given_up()), (!comes_back, !comes_back));
        }
    }

    #[test]
    fn who_falls_silent_rests_for_a_while_and_is_asked_again_when_it_speaks() {
        let start = Instant::now();
        let mut life = life(true, true);
        life.put(start);
        assert_eq!(life.next_probe(), Some(start + PATIENCE / 4));
        life.hear();
        assert_eq!(life.next_probe(), None);
        life.put(start);
        life.miss(after(start, 31), &Why::Timeout);
        assert_eq!(*life.standing(), Standing::Resting);
        life.probe(after(start, 300));
        assert_eq!(life.next_probe(), Some(after(start, 300) + PATIENCE / 4));
        assert_eq!(*life.standing(), Standing::Resting);
        life.hear();
        assert_eq!(*life.standing(), Standing::Fine);
        life.put(start);
        life.miss(after(start, 31), &Why::Timeout);
        life.probe(after(start, 631));
        assert!(life.is_given_up() && life.may_try(after(start, 631)));
        life.put(after(start, 631));
        assert!(!life.may_try(after(start, 632)) && life.may_try(after(start, 635)));
        life.hear();
        assert_eq!(*life.standing(), Standing::Fine);
    }

    #[test]
    fn who_never_spoke_is_given_up_sooner_and_a_server_of_zones_rests_first() {
        let start = Instant::now();
        let mut resolver = life(true, true);
        resolver.put(start);
        assert!(!resolver.miss(after(start, 10), &Why::Timeout) && resolver.is_given_up());
        let mut check = life(true, false);
        check.put(start);
        assert!(check.miss(after(start, 10), &Why::Timeout));
        assert!(!check.may_try(after(start, 100)) && check.next_probe().is_none());
        let mut server = life(false, true);
        assert_eq!((server.patience(), resolver.patience()), (UNHEARD, PATIENCE / 4));
        server.put(start);
        server.miss(after(start, 3), &Why::Timeout);
        assert_eq!(*server.standing(), Standing::Resting);
        server.probe(after(start, 5));
        assert_eq!(*server.standing(), Standing::Resting);
        server.probe(after(start, 7));
        assert!(server.is_given_up());
    }

    #[test]
    fn late_questions_are_bounded_and_each_socket_comes_back_once() {
        let start = Instant::now();
        let mut late = Late::default();
        for id in 0..1_000 {
            late.add(start, id, usize::from(id));
        }
        assert!(!late.take(999, 998) && late.contains(999), "another socket");
        assert!(late.take(999, 999));
        let mut sockets: Vec<usize> = std::iter::from_fn(|| late.expire(start)).collect();
        assert_eq!(sockets.len(), 1_000 - LATE);
        assert_eq!(late.ends(), Some(start + LATE_FOR));
        sockets.extend(std::iter::from_fn(|| late.expire(start + LATE_FOR)));
        assert_eq!(sockets, (0..999).collect::<Vec<_>>());
        assert!(late.ends().is_none() && !late.contains(1) && !late.take(1, 1));
    }
}
