//! Sockets and timers: one task for each server, which puts questions (`sending`) and gives back the replies (`replies`).

mod dialect;
mod replies;
mod sending;

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use dialect::{Course, Dialect};

use super::ids::IdHasher;
use super::life::{self, Late, Life, Standing};
use super::ports::Ports;
use super::round_trip::RoundTrip;
use super::server::{Event, Packets, Request, Server};
use super::socket::{self, Received, unreachable_because};
use super::tcp;
use super::wire::{self, Asked, IdGenerator, Names};
use crate::observe::{Question, Why};

/// Sockets, hence random ports, that a server is asked from at one time.
const SOCKETS: usize = 2;
/// Starts the task of one server: requests go in, events come out on `events`. It ends when the sender is dropped.
pub(crate) fn start<T: Copy + Send + 'static>(
    server: Server,
    packets: Packets,
    events: UnboundedSender<Event<T>>,
) -> UnboundedSender<Request<T>> {
    let (requests, inbox) = unbounded_channel();
    let (tcp_replies, tcp_inbox) = unbounded_channel();
    let task = Task {
        life: Life::new(&server),
        late: Late::default(),
        server,
        packets,
        events,
        tcp_replies,
        tcp_slots: tcp::slots(),
        ports: Ports::new(server.address, server.local, SOCKETS),
        queue: VecDeque::new(),
        pending: HashMap::default(),
        outgoing: Vec::new(),
        unsent: Vec::new(),
        overdue: VecDeque::new(),
        next_timer: None,
        armed: 0,
        round_trip: RoundTrip::default(),
        ids: IdGenerator::default(),
        answers: None,
        dialect: Dialect::default(),
        names: Names::default(),
        now: Instant::now(),
    };
    tokio::spawn(task.run(inbox, tcp_inbox));
    requests
}

/// The way on which a reply came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// On the socket with this number.
    Udp(usize),
    /// Over the connection that was made for this question.
    Tcp,
}

/// A question on its way.
struct Pending<T> {
    request: Request<T>,
    asked: Asked,
    course: Course,
    /// The one socket on which a reply to it counts.
    socket: usize,
    first_sent: Instant,
    last_sent: Instant,
    /// Packets sent.
    packets: u32,
    retry: Duration,
    deadline: Instant,
    /// When its timer acts, and which of all that were armed it is; `None` where it has acted.
    timer: Option<(Instant, u64)>,
    /// Whether TCP has taken over.
    tcp: bool,
    /// A reply that could not be read, and may have been meant for this question.
    garbage: Option<String>,
}

struct Task<T> {
    server: Server,
    packets: Packets,
    events: UnboundedSender<Event<T>>,
    tcp_replies: UnboundedSender<tcp::Reply>,
    tcp_slots: tcp::Slots,
    ports: Ports,
    queue: VecDeque<Request<T>>,
    pending: HashMap<u16, Pending<T>, BuildHasherDefault<IdHasher>>,
    /// Questions whose packet goes out with the others of this turn.
    outgoing: Vec<u16>,
    /// Questions whose packet waits until a socket can be written to.
    unsent: Vec<u16>,
    /// Questions to be put again as soon as the pace allows it; they go before new ones.
    overdue: VecDeque<u16>,
    /// No timer of a pending question acts before. Hardly any ever does, as replies come first: so there is no queue of them, and the pending
    /// questions are looked through when this time comes.
    next_timer: Option<Instant>,
    armed: u64,
    round_trip: RoundTrip,
    ids: IdGenerator,
    life: Life,
    late: Late,
    /// A question that a server of zones has answered.
    answers: Option<Arc<Question>>,
    dialect: Dialect,
    /// Names in its replies.
    names: Names,
    /// When this turn began: what came in together came in then.
    now: Instant,
}

impl<T: Copy + Send + 'static> Task<T> {
    async fn run(mut self, mut inbox: UnboundedReceiver<Request<T>>, mut tcp_inbox: UnboundedReceiver<tcp::Reply>) {
        let mut received = Received::default();
        let mut sleep = pin!(tokio::time::sleep_until(self.now));
        let mut set: Option<Instant> = None;
        loop {
            self.fill();
            let wake = self.wake();
            // Where it is set too early, nothing is found to be done then: that costs less than to set it in each turn.
            if let Some(at) = wake.filter(|at| set.is_none_or(|set| *at < set)) {
                sleep.as_mut().reset(at);
                set = Some(at);
            }
            tokio::select! {
                () = socket::receive(self.ports.sockets(), &mut received) => {
                    self.now = Instant::now();
                    received.packets().for_each(|(socket, bytes)| self.packet(bytes, Way::Udp(socket)));
                    received.failures().for_each(|error| self.refused(error));
                    received.clear();
                }
                Some(reply) = tcp_inbox.recv() => {
                    self.now = Instant::now();
                    self.tcp_reply(reply);
                }
                request = inbox.recv() => {
                    let Some(request) = request else { return };
                    self.queue.push_back(request);
                    while let Ok(request) = inbox.try_recv() {
                        self.queue.push_back(request);
                    }
                }
                () = socket::writable(self.ports.sockets()), if !self.unsent.is_empty() => self.send_waiting(),
                () = &mut sleep, if wake.is_some() => {
                    set = None;
                    self.fire();
                }
            }
        }
    }

    /// When something is to be done though nothing comes in.
    fn wake(&self) -> Option<Instant> {
        let has_room = self.pending.len() < self.server.window.size();
        let rests = *self.life.standing() == Standing::Resting;
        let waits = !self.overdue.is_empty() || (has_room && !rests && !self.queue.is_empty());
        let pace = self.server.pace.filter(|_| waits).map(|pace| pace.ready(Instant::now()));
        let probe = self.life.next_probe().filter(|_| !self.pending.is_empty() || !self.queue.is_empty());
        self.next_timer.into_iter().chain(pace).chain(probe).chain(self.late.ends()).min()
    }

    /// Whether a packet may go now, by the pace.
    fn is_time(&self) -> bool {
        self.server.pace.is_none_or(|pace| {
            let now = Instant::now();
            pace.ready(now) <= now
        })
    }

    /// Sends what the window and the pace let out.
    fn fill(&mut self) {
        loop {
            self.now = Instant::now();
            self.let_out();
            // Where the network refused it, what waits may have to end.
            if !self.flush() {
                return;
            }
        }
    }

    fn let_out(&mut self) {
        while !self.overdue.is_empty() && self.is_time() {
            self.overdue.pop_front().into_iter().for_each(|id| self.send(id));
        }
        while self.pending.len() < self.server.window.size() {
            match self.life.standing() {
                Standing::Resting => return,
                Standing::GivenUp(why) if !self.life.may_try(self.now) => {
                    let why = why.clone();
                    let Some(request) = self.queue.pop_front() else { return };
                    self.tell(request, why.into(), Duration::ZERO);
                    continue;
                }
                Standing::Fine | Standing::GivenUp(_) => {}
            }
            if !self.overdue.is_empty() || !self.is_time() {
                return;
            }
            let Some(request) = self.queue.pop_front() else { return };
            self.put(request, self.now, self.now + self.life.patience(), Course::default());
        }
    }

    /// Sends a question under a fresh id.
    fn put(&mut self, request: Request<T>, first_sent: Instant, deadline: Instant, course: Course) {
        let Some((id, asked)) = self.write(&request.question, course) else {
            let how = "no DNS message can carry the name".to_owned();
            return self.tell(request, Why::Malformed(how).into(), Duration::ZERO);
        };
        let now = self.now;
        self.life.put(now);
        let socket = match self.ports.take(now) {
            Ok(socket) => socket,
            Err(error) => {
                self.queue.push_front(request);
                return self.give_up(unreachable_because(&error));
            }
        };
        let pending = Pending {
            request,
            asked,
            course,
            socket,
            first_sent,
            last_sent: now,
            packets: 0,
            retry: self.round_trip.retry(),
            deadline,
            timer: None,
            tcp: false,
            garbage: None,
        };
        self.pending.insert(id, pending);
        self.send(id);
    }

    /// A question under a fresh id.
    fn write(&mut self, question: &Question, course: Course) -> Option<(u16, Asked)> {
        let id = loop {
            // The lowest sixteen bits of what nobody can guess.
            let id = (self.ids.generate() & 0xffff) as u16;
            if !self.pending.contains_key(&id) && !self.late.contains(id) {
                break id;
            }
        };
        let query = self.dialect.query(course, self.server.recurse, self.now);
        Some((id, wire::ask(id, question, query, &mut self.ids)?))
    }

    /// Asks for a sign of life: a resolver for what each of them has, a server of zones for what it has answered, or else the next question.
    fn probe(&mut self, now: Instant) {
        self.life.probe(now);
        let question = match self.server.recurse {
            true => Some(Arc::new(life::question())),
            false => self.answers.clone(),
        };
        let Some(question) = question else {
            if let Some(request) = self.queue.pop_front() {
                self.put(request, now, now + self.life.patience(), Course::default());
            }
            return;
        };
        let Some((id, asked)) = self.write(&question, Course::default()) else { return };
        let Ok(socket) = self.ports.take(now) else { return };
        if let Some(pace) = &mut self.server.pace {
            pace.went(now);
        }
        // Where it is lost, the next one goes soon.
        let _ = self.ports.get(socket).map(|socket| socket.try_send(&asked.bytes));
        self.late.add(now, id, socket);
    }

    /// Does not look for the replies any more that are later than they may be.
    fn forget_late(&mut self, now: Instant) {
        while let Some(socket) = self.late.expire(now) {
            self.ports.done(socket);
        }
    }

    /// The timers of pending questions that are due, the first to act first.
    fn due(&mut self, now: Instant) -> Vec<((Instant, u64), u16)> {
        if self.next_timer.is_none_or(|next| next > now) {
            return Vec::new();
        }
        let timers = self.pending.iter().filter_map(|(id, pending)| Some((pending.timer?, *id)));
        let (mut due, later): (Vec<_>, Vec<_>) = timers.partition(|((at, _), _)| *at <= now);
        self.next_timer = later.into_iter().map(|((at, _), _)| at).min();
        due.sort_unstable();
        due
    }

    /// Lets every timer act that is due.
    fn fire(&mut self) {
        let now = Instant::now();
        self.now = now;
        self.forget_late(now);
        if self.life.next_probe().is_some_and(|at| at <= now) {
            self.probe(now);
        }
        for (timer, id) in self.due(now) {
            let Some(pending) = self.pending.get_mut(&id).filter(|p| p.timer == Some(timer)) else { continue };
            pending.timer = None;
            if now < pending.deadline {
                self.send(id);
                continue;
            }
            let why = pending.garbage.clone().map_or(Why::Timeout, Why::Malformed);
            if self.life.miss(now, &why) {
                // Silent from the first to the last: what waits would wait in vain.
                return self.give_up(why);
            }
            let may_be_late = self.server.comes_back;
            if let Some(pending) = self.pending.get(&id).filter(|pending| may_be_late && !pending.tcp) {
                self.late.add(now, id, pending.socket);
                self.ports.keep(pending.socket);
            }
            self.finish(id, why.into());
        }
    }
}
