//! Servers that many runs ask together, each run one question of a stream: what one of them was told by a server is told to all, so that a server
//! gets no question twice, and each server has one window and one pace whoever asks. What one domain may take of them is bounded (`shares`).

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::client::Manners;
use super::server::{Event, Packets, Purpose, Request};
use super::shares::{Shares, Standing, Verdict, owner};
use super::wire::Response;
use super::{Options, Transport, Trust, encrypted, exchange};
use crate::name::DomainName;
use crate::observe::{Outcome, Question, Record, Why};

/// Servers that are asked at one time: each has two sockets, and others that still wait.
const AT_ONE_TIME: usize = 128;
/// Servers that are known at one time; those that nobody asks make room for others.
const SERVERS: usize = 100_000;
/// Of these, how many are looked at for one that nobody asks.
const LOOKED_AT: usize = 64;
/// Replies that are kept for others: what zones have in common is read again long before so many others came.
const REPLIES: usize = 50_000;
/// Questions in a row that a server leaves without an answer before it counts like one that never said anything.
pub(super) const MISSES: u32 = 3;
/// Octets of their texts and names, about.
const OCTETS: usize = 256 << 20;
/// The servers of a stream.
pub(super) struct Servers(RefCell<Inner>);

/// One question of a stream, and what it brings, at the servers that all of them share.
pub(super) struct Guest {
    servers: Rc<Servers>,
    /// Whose share it is put for.
    domain: DomainName,
}

impl Guest {
    /// Puts a question to a server, unless somebody did: the reply goes to `events`, as that of the server `number`.
    pub(super) fn ask(
        &self,
        server: (SocketAddr, bool, &Transport),
        question: &Arc<Question>,
        (number, token): (usize, Purpose),
        events: &UnboundedSender<Event<Purpose>>,
    ) {
        let waiter = Waiter { domain: self.domain.clone(), number, token, events: events.clone() };
        self.servers.0.borrow_mut().ask(server, question, waiter);
    }
}

/// Who waits for a reply.
struct Waiter {
    domain: DomainName,
    /// The number that the server has there.
    number: usize,
    token: Purpose,
    events: UnboundedSender<Event<Purpose>>,
}

impl Waiter {
    fn tell(self, question: &Arc<Question>, response: Response) {
        let (server, token, question) = (self.number, self.token, Arc::clone(question));
        let event = Event { server, token, question, response, waited: Duration::ZERO, given_up: false };
        // A run that has ended waits for nothing.
        let _ = self.events.send(event);
    }
}

/// A question to a server.
enum Asked {
    Waiting {
        waiting: Vec<Waiter>,
        /// For whose share it is on its way; `None`: it waits until it may be.
        put: Option<DomainName>,
    },
    Said {
        response: Box<Response>,
        /// Whether anybody asked for it again since the last look.
        used: bool,
        octets: usize,
    },
}

/// One server.
struct Known {
    address: SocketAddr,
    recurse: bool,
    transport: Transport,
    /// Its task, where it has one.
    requests: Option<UnboundedSender<Request<()>>>,
    /// Questions that it has.
    open: usize,
    /// Questions for it that wait for anything.
    claims: usize,
    /// Questions that wait until it may have a task, and its place among those that wait for one.
    queue: Vec<Arc<Question>>,
    turn: Option<(usize, u64)>,
    /// Whether it ever said anything.
    heard: bool,
    /// Questions in a row that it left without an answer.
    misses: u32,
}

impl Known {
    fn standing(&self) -> Standing {
        let answers = self.heard && self.misses < MISSES;
        Standing { answers, runs: self.requests.is_some(), v6: self.address.is_ipv6() }
    }
}

struct Inner {
    manners: Manners,
    trust: Trust,
    packets: Packets,
    events: UnboundedSender<Event<()>>,
    /// By number; none is given twice.
    known: HashMap<usize, Known>,
    places: HashMap<(SocketAddr, bool), usize>,
    /// In the order in which they were met, or found to be of use.
    met: VecDeque<usize>,
    numbers: usize,
    shares: Shares,
    /// Those that have a task.
    running: Vec<usize>,
    /// Those that wait for one: how urgent it is, since when, and who.
    next: BTreeSet<(usize, u64, usize)>,
    turns: u64,
    asked: HashMap<(usize, Arc<Question>), Asked>,
    /// Those that were replied to, in that order.
    order: VecDeque<(usize, Arc<Question>)>,
    /// What the replies take that are kept.
    octets: usize,
}

impl Servers {
    /// None yet; what they say comes out on `events`, and is to be given to [`Servers::hear`].
    pub(super) fn new(options: &Options, manners: &Manners, events: UnboundedSender<Event<()>>) -> Servers {
        Servers(RefCell::new(Inner::new(options, manners, events)))
    }

    /// Tells whoever waits for it what a server said.
    pub(super) fn hear(&self, event: Event<()>) {
        self.0.borrow_mut().hear(event);
    }

    /// For what a question brings that is asked for the sake of `domain`.
    pub(super) fn guest(self: &Rc<Servers>, domain: &DomainName) -> Guest {
        Guest { servers: Rc::clone(self), domain: owner(domain) }
    }
}

impl Inner {
    fn new(options: &Options, manners: &Manners, events: UnboundedSender<Event<()>>) -> Inner {
        Inner {
            manners: manners.clone(),
            trust: options.trust.clone(),
            packets: Packets::new(usize::MAX),
            events,
            known: HashMap::new(),
            places: HashMap::new(),
            met: VecDeque::new(),
            numbers: 0,
            shares: Shares::new(manners.patience),
            running: Vec::new(),
            next: BTreeSet::new(),
            turns: 0,
            asked: HashMap::new(),
            order: VecDeque::new(),
            octets: 0,
        }
    }

    /// The number of a server; `None` where there are too many.
    fn place(&mut self, (address, recurse, transport): (SocketAddr, bool, &Transport)) -> Option<usize> {
        if let Some(place) = self.places.get(&(address, recurse)) {
            return Some(*place);
        }
        if self.known.len() >= SERVERS {
            self.forget_server()?;
        }
        let place = self.numbers;
        self.numbers += 1;
        self.places.insert((address, recurse), place);
        self.met.push_back(place);
        let (transport, requests, queue) = (transport.clone(), None, Vec::new());
        let (open, claims, turn, heard, misses) = (0, 0, None, false, 0);
        let known = Known { address, recurse, transport, requests, open, claims, queue, turn, heard, misses };
        self.known.insert(place, known);
        Some(place)
    }

    /// Forgets a server that nobody asks; `None` where there is none at hand.
    fn forget_server(&mut self) -> Option<()> {
        for _ in 0..LOOKED_AT {
            let place = self.met.pop_front()?;
            let known = self.known.get(&place)?;
            if known.claims == 0 && known.requests.is_none() && !known.recurse {
                self.places.remove(&(known.address, known.recurse));
                self.known.remove(&place);
                return Some(());
            }
            self.met.push_back(place);
        }
        None
    }

    fn ask(&mut self, server: (SocketAddr, bool, &Transport), question: &Arc<Question>, waiter: Waiter) {
        let Some(place) = self.place(server) else { return waiter.tell(question, Why::PacketLimit.into()) };
        let domain = waiter.domain.clone();
        let key = (place, Arc::clone(question));
        match self.asked.get_mut(&key) {
            Some(Asked::Waiting { waiting, put }) => {
                let held = put.is_none() && waiting.iter().all(|other| other.domain != domain);
                waiting.push(waiter);
                if !held {
                    return;
                }
                // Another domain's share has no room: this one's may have.
            }
            Some(Asked::Said { response, used, .. }) => {
                *used = true;
                return waiter.tell(question, Response::clone(response));
            }
            None => {
                self.asked.insert(key, Asked::Waiting { waiting: vec![waiter], put: None });
                if let Some(known) = self.known.get_mut(&place) {
                    known.claims += 1;
                }
            }
        }
        self.put(place, question, &domain);
    }

    /// Puts a question that somebody waits for, where the share of the domain has room.
    fn put(&mut self, place: usize, question: &Arc<Question>, domain: &DomainName) {
        let (Some(known), now) = (self.known.get(&place), Instant::now()) else { return };
        let (recurse, stands) = (known.recurse, known.standing());
        let key = (place, Arc::clone(question));
        let Some(Asked::Waiting { waiting, put: put @ None }) = self.asked.get_mut(&key) else { return };
        let verdict = if recurse { Verdict::Now } else { self.shares.may(domain, place, stands, now) };
        match verdict {
            Verdict::Now => {}
            Verdict::Later => return self.shares.hold(domain, (place, stands.v6), Arc::clone(question)),
            Verdict::No(why) => {
                let own = waiting.extract_if(.., |waiter| waiter.domain == *domain);
                own.for_each(|waiter| waiter.tell(question, why.clone().into()));
                if waiting.is_empty() {
                    self.unclaim(place);
                    self.asked.remove(&key);
                }
                return;
            }
        }
        *put = Some(domain.clone());
        let urgency = if recurse { 0 } else { self.shares.put(domain, place, stands, now) };
        if stands.runs || self.start(place) {
            return self.send(place, Arc::clone(question));
        }
        let Some(known) = self.known.get_mut(&place) else { return };
        known.queue.push(Arc::clone(question));
        if known.turn.is_none_or(|(before, _)| urgency < before) {
            if let Some((before, turn)) = known.turn {
                self.next.remove(&(before, turn, place));
            }
            self.turns += 1;
            known.turn = Some((urgency, self.turns));
            self.next.insert((urgency, self.turns, place));
        }
    }

    fn unclaim(&mut self, place: usize) {
        if let Some(known) = self.known.get_mut(&place) {
            known.claims = known.claims.saturating_sub(1);
        }
    }

    fn send(&mut self, place: usize, question: Arc<Question>) {
        let Some(known) = self.known.get_mut(&place) else { return };
        let Some(requests) = &known.requests else { return };
        known.open += 1;
        // Its task ends with the sender alone.
        let _ = requests.send(Request { token: (), question });
    }

    /// Starts the task of a server, where there may be one more, or one has nothing to do; false: it has to wait.
    fn start(&mut self, place: usize) -> bool {
        if self.running.len() >= AT_ONE_TIME {
            let idle = |place: &usize| self.known.get(place).is_some_and(|known| known.open == 0);
            let Some(at) = self.running.iter().position(idle) else { return false };
            let ended = self.running.swap_remove(at);
            if let Some(known) = self.known.get_mut(&ended) {
                known.requests = None;
            }
        }
        let Some(known) = self.known.get_mut(&place) else { return false };
        let server = self.manners.server(place, known.address, known.recurse);
        let (packets, events) = (self.packets.clone(), self.events.clone());
        known.requests = Some(match &known.transport {
            Transport::Plain => exchange::start(server, packets, events),
            other => encrypted::start(server, other, &self.trust, packets, events),
        });
        self.running.push(place);
        true
    }

    fn hear(&mut self, event: Event<()>) {
        let Event { server: place, question, response, waited, given_up, .. } = event;
        let Some(known) = self.known.get_mut(&place) else { return };
        known.open = known.open.saturating_sub(1);
        let silent = match &response.outcome {
            Outcome::Unanswered(why @ (Why::Timeout | Why::Unreachable(_))) => Some(why.clone()),
            _ => None,
        };
        known.heard |= silent.is_none();
        known.misses = if silent.is_some() { known.misses.saturating_add(1) } else { 0 };
        let (recurse, answers, rests) = (known.recurse, known.standing().answers, known.open == 0);
        if given_up && recurse {
            self.manners.given_up.add(known.address);
        }
        let mut waits = None;
        let key = (place, Arc::clone(&question));
        if let Some(asked) = self.asked.get_mut(&key) {
            let octets = octets(&response);
            let said = Asked::Said { response: Box::new(response.clone()), used: false, octets };
            self.octets += octets;
            if let Asked::Waiting { waiting, put } = std::mem::replace(asked, said) {
                waiting.into_iter().for_each(|waiter| waiter.tell(&question, response.clone()));
                waits = put.filter(|_| !recurse);
                self.unclaim(place);
            }
        }
        if given_up && matches!(response.outcome, Outcome::Unanswered(_)) {
            // Nothing that the server said: who asks next may find it back.
            self.drop_reply(&key);
        } else {
            self.order.push_back(key);
            self.forget();
        }
        if let Some(domain) = waits {
            self.shares.done(&domain, place, (waited, silent.as_ref(), answers), Instant::now());
            self.put_held(&domain);
        }
        if rests {
            self.start_next();
        }
    }

    /// Puts what has waited until the share of a domain has room.
    fn put_held(&mut self, domain: &DomainName) {
        loop {
            let held = self.shares.held(domain);
            if held.is_empty() {
                return;
            }
            for (place, questions) in held {
                questions.iter().for_each(|question| self.put(place, question, domain));
            }
        }
    }

    /// Starts the task of the server whose turn it is, where one more may have one.
    fn start_next(&mut self) {
        let Some((urgency, turn, next)) = self.next.first().copied() else { return };
        if !self.start(next) {
            return;
        }
        self.next.remove(&(urgency, turn, next));
        let Some(known) = self.known.get_mut(&next) else { return };
        known.turn = None;
        let queue = std::mem::take(&mut known.queue);
        queue.into_iter().for_each(|question| self.send(next, question));
    }

    fn drop_reply(&mut self, key: &(usize, Arc<Question>)) {
        if let Some(Asked::Said { octets, .. }) = self.asked.remove(key) {
            self.octets = self.octets.saturating_sub(octets);
        }
    }

    /// Forgets the oldest replies that nobody asked for again, where there are many.
    fn forget(&mut self) {
        while self.order.len() > REPLIES || self.octets > OCTETS {
            let Some(key) = self.order.pop_front() else { return };
            match self.asked.get_mut(&key) {
                // It was dropped, and asked again: it comes back when it is said.
                Some(Asked::Waiting { .. }) => {}
                Some(Asked::Said { used: used @ true, .. }) => {
                    *used = false;
                    self.order.push_back(key);
                }
                _ => self.drop_reply(&key),
            }
        }
    }
}

fn octets(response: &Response) -> usize {
    match &response.outcome {
        Outcome::Answer(answer) => answer.records.iter().map(|record| size_of::<Record>() + record.data.octets()).sum(),
        Outcome::Unanswered(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::name::DomainName;
    use crate::observe::samples::answer;
    use crate::observe::{RecordData, RecordType};

    #[test]
    fn memory_of_replies_is_bounded_in_octets_and_what_a_server_did_not_say_is_not_kept() {
        const WAITING: usize = 10_000;
        let (events, _inbox) = unbounded_channel();
        let options = Options::new(&[], false);
        let manners = Manners::new(None, BTreeSet::new(), Duration::from_secs(1));
        let servers = Servers::new(&options, &manners, events);
        let mut inner = servers.0.borrow_mut();
        let server = ("127.0.0.1:53".parse().unwrap(), true, &Transport::Plain);
        let resolver = inner.place(server).unwrap();
        // Its task does not run here.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        // Questions that were asked before all others, by somebody who still waits: they stand in nobody's way.
        for n in 0..WAITING {
            let (events, _) = unbounded_channel();
            let domain = DomainName::new(&format!("w{n}.example"));
            let question = Arc::new(Question::new(&domain, RecordType::Txt));
            let waiter = Waiter { domain, number: 0, token: Purpose::Find, events };
            inner.ask(server, &question, waiter);
        }
        let mut say = |n: usize, response: Response, given_up: bool| {
            let question = Arc::new(Question::new(&DomainName::new(&format!("n{n}.example")), RecordType::Txt));
            let key = (resolver, Arc::clone(&question));
            inner.asked.insert(key.clone(), Asked::Waiting { waiting: Vec::new(), put: None });
            let waited = Duration::ZERO;
            inner.hear(Event { server: resolver, token: (), question, response, waited, given_up });
            (inner.octets, inner.asked.len() - WAITING, inner.asked.contains_key(&key))
        };
        assert_eq!(say(0, Why::Timeout.into(), true), (0, 0, false));
        assert_eq!(say(1, Why::Timeout.into(), false), (0, 1, true));
        assert_eq!(manners.given_up.all().into_values().collect::<Vec<_>>(), [1]);
        let text = "x".repeat(16 << 20);
        for n in 2..40 {
            let data = RecordData::Txt(text.clone());
            let record = Record { name: DomainName::new("a.example"), ttl: 60, data };
            let response = Response { outcome: Outcome::Answer(answer(vec![record])), referral: None };
            let (octets, kept, there) = say(n, response, false);
            assert!(octets <= OCTETS && kept <= 17 && there, "{octets} {kept}");
        }
    }
}
