//! Questions without end, each on its way by itself: who puts them hears every answer as it arrives, and may put more at once.
//!
//! One event loop, without rounds: a question that is slow holds up nothing but what waits for it. Each server has its own window and pace
//! (`exchange`). The loop has a thread of its own, so that packets are sent and read while whoever puts questions works with the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::answered::{Answered, AnsweredQuestions};
use super::client::{Client, GivenUp, Manners, Put};
use super::server::{Event, Packets, Request};
use super::{Options, Transport, closing, encrypted, exchange, resolvers, zoned};
use crate::observe::{Observations, Outcome, Question, Reply, Vantage, Why};

/// Questions that are open at one time, where resolvers alone are asked: some wait behind the window, so that it is always full.
const OPEN: usize = 1_024;
/// The same, where servers of zones are asked: those that wait for slow ones hold up nobody else.
const OPEN_IN_ZONES: usize = 4_000;
/// Replies that are heard before servers get their turn.
const BURST: usize = 32;
/// Open questions from which on there is always more to come.
const MANY: usize = 128;
/// From one look at what came in to the next, where so many are open. A server nearby answers one by one, and each wake-up for a packet or two takes
/// longer than what is done with them: what comes in meanwhile is read, told and followed by new questions together.
const APART: Duration = Duration::from_micros(800);
/// Whoever puts questions gets a turn in this time, where nothing comes in.
const TURN: Duration = Duration::from_millis(200);
/// How often a question is put again over TLS or HTTPS; over UDP the exchange sees to it.
const REPEATS: u32 = 2;

/// Puts the questions of `client` to every resolver of `options`, until it has none and all are answered or given up. With
/// [`Options::authoritative`], servers of the questions' zones are looked for, and asked as well. [`Options::timeout`] is not heeded: the run
/// has no end of its own.
pub fn stream(options: &Options, manners: &Manners, client: &mut dyn Client) {
    let most = if options.authoritative { OPEN_IN_ZONES } else { OPEN };
    let (put, questions) = unbounded_channel();
    let (said, heard) = channel();
    let (emptied, spare) = channel();
    thread::scope(|scope| {
        let asking = thread::Builder::new().name("dns".to_owned());
        match asking.spawn_scoped(scope, move || ask(options, manners, questions, (&said, spare))) {
            Ok(_) => hear(options, most, put, (&heard, &emptied), client),
            Err(error) => {
                while let Some(question) = client.next() {
                    let dns = nothing_said(options, &question, &error);
                    client.answered(&question, &dns);
                }
            }
        }
    });
}

fn nothing_said(options: &Options, question: &Question, error: &std::io::Error) -> Observations {
    closing::nothing_answered(&BTreeSet::from([question.clone()]), options, Observations::default(), error)
}

/// Gives questions to the thread that asks, all together that there are, and its answers to the client; lists of them go back when they are
/// `emptied`. That thread ends with `put`.
fn hear(
    options: &Options,
    most: usize,
    put: UnboundedSender<Vec<Put>>,
    (heard, emptied): (&Receiver<AnsweredQuestions>, &Sender<AnsweredQuestions>),
    client: &mut dyn Client,
) {
    let mut open = 0;
    let resolvers = resolvers(options);
    loop {
        let mut together = Vec::new();
        while open + together.len() < most
            && let Some(question) = client.next()
        {
            let sake = options.authoritative.then(|| client.sake(&question));
            together.push(Put { question, sake });
        }
        let count = together.len();
        // Where the thread has ended early, nothing is heard either.
        if count > 0 && put.send(together).is_ok() {
            open += count;
        }
        if open == 0 {
            return;
        }
        let said = heard.try_recv().or_else(|_| {
            client.pause();
            heard.recv_timeout(TURN)
        });
        match said {
            Ok(mut said) => {
                for (question, heard) in said.drain(..) {
                    open -= 1;
                    match heard {
                        Answered::All(dns) => client.answered(&question, &dns),
                        Answered::Reply(reply) => client.replied(&question, reply, &resolvers),
                        Answered::Replies(replies) => {
                            let replies = BTreeMap::from([(question.clone(), replies)]);
                            client.answered(&question, &Observations::new(resolvers.clone(), replies));
                        }
                    }
                }
                // Nobody wants it where servers of zones are asked.
                let _ = emptied.send(said);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Asks until no more questions can come. Lists come back empty by `spare`, so that none of their size is made anew for each turn.
fn ask(
    options: &Options,
    manners: &Manners,
    mut questions: UnboundedReceiver<Vec<Put>>,
    (said, spare): (&Sender<AnsweredQuestions>, Receiver<AnsweredQuestions>),
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    match runtime {
        Ok(runtime) => {
            let local = tokio::task::LocalSet::new();
            match options.authoritative {
                true => {
                    drop(spare);
                    local.block_on(&runtime, zoned::run(options, manners, questions, said));
                }
                false => local.block_on(&runtime, run(options, manners, questions, (said, &spare))),
            }
            // Connections under way are not waited for.
            runtime.shutdown_background();
        }
        Err(error) => {
            while let Some(together) = questions.blocking_recv() {
                let unheard = together.into_iter().map(|Put { question, .. }| {
                    let dns = nothing_said(options, &question, &error);
                    (question, Answered::All(Box::new(dns)))
                });
                // Nobody listens any more where the run is over.
                let _ = said.send(unheard.collect());
            }
        }
    }
}

/// A question on its way.
struct Open {
    question: Arc<Question>,
    replies: Vec<Reply>,
    /// Resolvers that have not replied.
    waiting: usize,
    /// How often it was put again.
    repeats: u32,
}

/// The resolvers.
struct Resolvers {
    vantages: Vec<Vantage>,
    requests: Vec<UnboundedSender<Request<usize>>>,
    encrypted: Vec<bool>,
    given_up: GivenUp,
    /// By token.
    open: Vec<Option<Open>>,
    free: Vec<usize>,
}

async fn run(
    options: &Options,
    manners: &Manners,
    mut questions: UnboundedReceiver<Vec<Put>>,
    (said, spare): (&Sender<AnsweredQuestions>, &Receiver<AnsweredQuestions>),
) {
    let (events, mut inbox) = unbounded_channel();
    let all = Packets::new(usize::MAX);
    let start = |(number, spec): (usize, &super::ResolverSpec)| {
        let server = manners.server(number, spec.server, true);
        match &spec.transport {
            Transport::Plain => exchange::start(server, all.clone(), events.clone()),
            other => encrypted::start(server, other, &options.trust, all.clone(), events.clone()),
        }
    };
    let mut resolvers = Resolvers {
        vantages: resolvers(options),
        requests: options.resolvers.iter().enumerate().map(start).collect(),
        encrypted: options.resolvers.iter().map(|spec| spec.transport != Transport::Plain).collect(),
        given_up: manners.given_up.clone(),
        open: Vec::new(),
        free: Vec::new(),
    };
    let mut done = AnsweredQuestions::new();
    let mut looked = Instant::now();
    loop {
        tokio::select! {
            together = questions.recv() => {
                let Some(together) = together else { return };
                done.extend(together.into_iter().filter_map(|put| resolvers.put(put.question)));
            }
            event = inbox.recv() => done.extend(event.and_then(|event| resolvers.hear(event))),
        }
        for _ in 0..BURST {
            let Ok(event) = inbox.try_recv() else { break };
            done.extend(resolvers.hear(event));
        }
        while let Ok(together) = questions.try_recv() {
            done.extend(together.into_iter().filter_map(|put| resolvers.put(put.question)));
        }
        if !done.is_empty() {
            let next = spare.try_recv().unwrap_or_default();
            if said.send(std::mem::replace(&mut done, next)).is_err() {
                return;
            }
        }
        // What was put goes out, and what came in is read, before more is heard.
        tokio::task::yield_now().await;
        if inbox.is_empty() && questions.is_empty() {
            // The whole thread: all that runs here would be woken by the next packet.
            thread::sleep(rest(resolvers.count(), looked.elapsed()));
            looked = Instant::now();
        }
    }
}

/// How long nothing need be looked at, with so many questions open and the last look so long ago.
fn rest(open: usize, since: Duration) -> Duration {
    if open < MANY { Duration::ZERO } else { APART.saturating_sub(since) }
}

impl Resolvers {
    /// Questions that are open.
    fn count(&self) -> usize {
        self.open.len() - self.free.len()
    }

    /// Puts a question to all; gives it back where there is nobody.
    fn put(&mut self, question: Question) -> Option<(Question, Answered)> {
        let token = self.free.pop().unwrap_or_else(|| {
            self.open.push(None);
            self.open.len() - 1
        });
        let question = Arc::new(question);
        let put = |requests: &&UnboundedSender<Request<usize>>| {
            requests.send(Request { token, question: Arc::clone(&question) }).is_ok()
        };
        let waiting = self.requests.iter().filter(put).count();
        if waiting == 0 {
            self.free.push(token);
            return Some((Arc::unwrap_or_clone(question), Answered::All(Box::default())));
        }
        if let Some(slot) = self.open.get_mut(token) {
            *slot = Some(Open { question, replies: Vec::new(), waiting, repeats: 0 });
        }
        None
    }

    /// Takes a reply; the question and all that was said to it, where it was the last.
    fn hear(&mut self, event: Event<usize>) -> Option<(Question, Answered)> {
        let Event { server, token, question, response, given_up, .. } = event;
        let slot = self.open.get_mut(token)?;
        let open = slot.as_mut()?;
        if given_up && let Some(address) = self.vantages.get(server).and_then(|vantage| vantage.server) {
            self.given_up.add(address);
        }
        let lost = response.outcome == Outcome::Unanswered(Why::Timeout) && !given_up;
        if lost && open.repeats < REPEATS && self.encrypted.get(server).is_some_and(|encrypted| *encrypted) {
            open.repeats += 1;
            let again = Request { token, question: Arc::clone(&question) };
            if self.requests.get(server).is_some_and(|requests| requests.send(again).is_ok()) {
                return None;
            }
        }
        let reply = Reply { vantage: server, outcome: response.outcome };
        open.waiting = open.waiting.saturating_sub(1);
        let heard = match (open.waiting, open.replies.is_empty()) {
            (0, true) => Answered::Reply(reply),
            (waiting, _) => {
                open.replies.push(reply);
                if waiting > 0 {
                    return None;
                }
                Answered::Replies(std::mem::take(&mut open.replies))
            }
        };
        // The server's copy goes first: nobody else has the question then.
        drop(question);
        let Open { question, .. } = slot.take()?;
        self.free.push(token);
        Some((Arc::unwrap_or_clone(question), heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_between_looks_where_many_questions_are_open_and_never_where_a_server_takes_its_time() {
        assert_eq!(rest(MANY, Duration::ZERO), APART);
        assert_eq!(rest(OPEN, APART / 3), APART - APART / 3);
        assert_eq!(rest(OPEN, Duration::from_millis(1)), Duration::ZERO);
        assert_eq!(rest(MANY - 1, Duration::ZERO), Duration::ZERO, "the last ones are waited for");
    }
}
