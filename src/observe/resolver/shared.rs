//! Servers that many runs ask together, each run one question of a stream: what one of them was told by a server is told to all, so that a server
//! gets no question twice, and each server has one window and one pace whoever asks.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::client::Manners;
use super::server::{Event, Packets, Purpose, Request};
use super::wire::Response;
use super::{Options, Transport, Trust, encrypted, exchange};
use crate::observe::{Outcome, Question, Record, Why};

/// Servers that are asked at one time: each has two sockets, and others that still wait.
const AT_ONE_TIME: usize = 128;
/// Servers that are told apart in one run.
const SERVERS: usize = 100_000;
/// Replies that are kept for others: what zones have in common is read again long before so many others came.
const REPLIES: usize = 50_000;
/// Octets of their texts and names, about.
const OCTETS: usize = 256 << 20;
/// How long a server without a task is not asked that never said anything.
const SILENT_FOR: Duration = Duration::from_secs(60);
/// The servers of a stream.
pub(super) struct Servers(RefCell<Inner>);

/// Who waits for a reply.
struct Waiter {
    /// The number that the server has there.
    number: usize,
    token: Purpose,
    events: UnboundedSender<Event<Purpose>>,
}

impl Waiter {
    fn tell(self, question: &Arc<Question>, response: Response) {
        let (server, token, question) = (self.number, self.token, Arc::clone(question));
        let event = Event { server, token, question, response, given_up: false };
        // A run that has ended waits for nothing.
        let _ = self.events.send(event);
    }
}

/// A question to a server.
enum Asked {
    Waiting(Vec<Waiter>),
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
    /// Questions that wait until it may have a task.
    queue: Vec<Arc<Question>>,
    /// Why it has never said anything, though it was asked, and when that was last seen.
    silent: Option<(Why, Instant)>,
    heard: bool,
}

struct Inner {
    manners: Manners,
    trust: Trust,
    packets: Packets,
    events: UnboundedSender<Event<()>>,
    known: Vec<Known>,
    places: HashMap<(SocketAddr, bool), usize>,
    /// Those that have a task.
    running: Vec<usize>,
    /// Those that wait for one.
    next: VecDeque<usize>,
    asked: HashMap<(usize, Arc<Question>), Asked>,
    /// In the order in which they were asked.
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

    /// The place of a server; `None` where there are too many.
    pub(super) fn place(&self, address: SocketAddr, recurse: bool, transport: &Transport) -> Option<usize> {
        let inner = &mut *self.0.borrow_mut();
        if let Some(place) = inner.places.get(&(address, recurse)) {
            return Some(*place);
        }
        if inner.known.len() >= SERVERS {
            return None;
        }
        let place = inner.known.len();
        inner.places.insert((address, recurse), place);
        inner.known.push(Known {
            address,
            recurse,
            transport: transport.clone(),
            requests: None,
            open: 0,
            queue: Vec::new(),
            silent: None,
            heard: false,
        });
        Some(place)
    }

    /// Puts a question to the server at `place`, unless somebody did: the reply goes to `events`, as that of the server `number`.
    pub(super) fn ask(
        &self,
        place: usize,
        question: &Arc<Question>,
        (number, token): (usize, Purpose),
        events: &UnboundedSender<Event<Purpose>>,
    ) {
        let waiter = Waiter { number, token, events: events.clone() };
        self.0.borrow_mut().ask(place, question, waiter);
    }
}

impl Inner {
    fn new(options: &Options, manners: &Manners, events: UnboundedSender<Event<()>>) -> Inner {
        Inner {
            manners: manners.clone(),
            trust: options.trust.clone(),
            packets: Packets::new(usize::MAX),
            events,
            known: Vec::new(),
            places: HashMap::new(),
            running: Vec::new(),
            next: VecDeque::new(),
            asked: HashMap::new(),
            order: VecDeque::new(),
            octets: 0,
        }
    }

    fn ask(&mut self, place: usize, question: &Arc<Question>, waiter: Waiter) {
        match self.asked.get_mut(&(place, Arc::clone(question))) {
            Some(Asked::Waiting(waiting)) => return waiting.push(waiter),
            Some(Asked::Said { response, used, .. }) => {
                *used = true;
                return waiter.tell(question, Response::clone(response));
            }
            None => {}
        }
        let Some(known) = self.known.get_mut(place) else { return waiter.tell(question, Why::NotAsked.into()) };
        let runs = known.requests.is_some();
        if let Some((why, _)) = known.silent.as_ref().filter(|(_, at)| !runs && at.elapsed() < SILENT_FOR) {
            return waiter.tell(question, why.clone().into());
        }
        let key = (place, Arc::clone(question));
        self.asked.insert(key.clone(), Asked::Waiting(vec![waiter]));
        self.order.push_back(key);
        self.forget();
        if runs || self.start(place) {
            return self.send(place, Arc::clone(question));
        }
        if let Some(known) = self.known.get_mut(place) {
            if known.queue.is_empty() {
                self.next.push_back(place);
            }
            known.queue.push(Arc::clone(question));
        }
    }

    fn send(&mut self, place: usize, question: Arc<Question>) {
        let Some(known) = self.known.get_mut(place) else { return };
        let Some(requests) = &known.requests else { return };
        known.open += 1;
        // Its task ends with the sender alone.
        let _ = requests.send(Request { token: (), question });
    }

    /// Starts the task of a server, where there may be one more, or one has nothing to do; false: it has to wait.
    fn start(&mut self, place: usize) -> bool {
        if self.running.len() >= AT_ONE_TIME {
            let idle = |place: &usize| self.known.get(*place).is_some_and(|known| known.open == 0);
            let Some(at) = self.running.iter().position(idle) else { return false };
            let ended = self.running.swap_remove(at);
            if let Some(known) = self.known.get_mut(ended) {
                known.requests = None;
            }
        }
        let Some(known) = self.known.get_mut(place) else { return false };
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
        let Event { server: place, question, response, given_up, .. } = event;
        let Some(known) = self.known.get_mut(place) else { return };
        known.open = known.open.saturating_sub(1);
        match &response.outcome {
            Outcome::Unanswered(why @ (Why::Timeout | Why::Unreachable(_))) if !known.heard => {
                known.silent = Some((why.clone(), Instant::now()));
            }
            _ => (known.heard, known.silent) = (true, None),
        }
        if given_up && known.recurse {
            self.manners.given_up.add(known.address);
        }
        let rests = known.open == 0;
        if let Some(asked) = self.asked.get_mut(&(place, Arc::clone(&question))) {
            let octets = octets(&response);
            let said = Asked::Said { response: Box::new(response.clone()), used: false, octets };
            self.octets += octets;
            if let Asked::Waiting(waiting) = std::mem::replace(asked, said) {
                waiting.into_iter().for_each(|waiter| waiter.tell(&question, response.clone()));
            }
        }
        if given_up && matches!(response.outcome, Outcome::Unanswered(_)) {
            // Nothing that the server said: who asks next may find it back.
            self.drop_reply(&(place, question));
        }
        self.forget();
        if rests
            && let Some(next) = self.next.front().copied()
            && self.start(next)
        {
            self.next.pop_front();
            let queue = self.known.get_mut(next).map(|known| std::mem::take(&mut known.queue)).unwrap_or_default();
            queue.into_iter().for_each(|question| self.send(next, question));
        }
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
                Some(Asked::Waiting(_)) => return self.order.push_back(key),
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
        let (events, _inbox) = unbounded_channel();
        let options = Options::new(&[], false);
        let manners = Manners::new(None, BTreeSet::new(), Duration::from_secs(1));
        let servers = Servers::new(&options, &manners, events);
        let resolver = servers.place("127.0.0.1:53".parse().unwrap(), true, &Transport::Plain).unwrap();
        let mut inner = servers.0.borrow_mut();
        let mut say = |n: usize, response: Response, given_up: bool| {
            let question = Arc::new(Question::new(&DomainName::new(&format!("n{n}.example")), RecordType::Txt));
            let key = (resolver, Arc::clone(&question));
            inner.asked.insert(key.clone(), Asked::Waiting(Vec::new()));
            inner.order.push_back(key.clone());
            inner.hear(Event { server: resolver, token: (), question, response, given_up });
            (inner.octets, inner.asked.len(), inner.asked.contains_key(&key))
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
