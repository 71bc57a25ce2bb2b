//! Questions without end, each on its way by itself: who puts them hears every answer as it arrives, and may put more at once.
//!
//! One event loop, without rounds: a question that is slow holds up nothing but what waits for it. Each server has its own window and pace
//! (`exchange`).

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::client::{Client, Manners, wait};
use super::server::{Event, Packets, Request};
use super::{Options, Transport, closing, encrypted, exchange, resolvers, zoned};
use crate::observe::{Observations, Outcome, Question, Reply, Vantage, Why};

/// Questions that are open at one time, where resolvers alone are asked: some wait behind the window, so that it is always full.
const OPEN: usize = 512;
/// Answers that are heard before servers get their turn.
const BURST: usize = 32;
/// How often a question is put again over TLS or HTTPS; over UDP the exchange sees to it.
const REPEATS: u32 = 2;

/// Puts the questions of `client` to every resolver of `options`, until it has none and all are answered or given up. With
/// [`Options::authoritative`], servers of the questions' zones are looked for, and asked as well. [`Options::timeout`] is not heeded: the run
/// has no end of its own.
pub fn stream(options: &Options, manners: &Manners, client: &mut dyn Client) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    match runtime {
        Ok(runtime) => {
            let local = tokio::task::LocalSet::new();
            match options.authoritative {
                true => local.block_on(&runtime, zoned::run(options, manners, client)),
                false => local.block_on(&runtime, run(options, manners, client)),
            }
            // Connections under way are not waited for.
            runtime.shutdown_background();
        }
        Err(error) => {
            while let Some(question) = client.next() {
                let questions = BTreeSet::from([question.clone()]);
                let dns = closing::nothing_answered(&questions, options, Observations::default(), &error);
                client.answered(&question, &dns);
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
    /// By token.
    open: Vec<Option<Open>>,
    free: Vec<usize>,
}

async fn run(options: &Options, manners: &Manners, client: &mut dyn Client) {
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
        open: Vec::new(),
        free: Vec::new(),
    };
    loop {
        while resolvers.count() < OPEN
            && let Some(question) = client.next()
        {
            if let Some(unheard) = resolvers.put(question) {
                client.answered(&unheard, &Observations::default());
            }
        }
        options.progress.set(0, resolvers.count());
        if resolvers.count() == 0 {
            return;
        }
        let Some(event) = wait(&mut inbox, client).await else { continue };
        resolvers.hear(event, client);
        for _ in 0..BURST {
            let Ok(event) = inbox.try_recv() else { break };
            resolvers.hear(event, client);
        }
        // What was put goes out, and what came in is read, before more is heard.
        tokio::task::yield_now().await;
    }
}

impl Resolvers {
    fn count(&self) -> usize {
        self.open.len() - self.free.len()
    }

    /// Puts a question to all; gives it back where there is nobody.
    fn put(&mut self, question: Question) -> Option<Question> {
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
            return Some(Arc::unwrap_or_clone(question));
        }
        if let Some(slot) = self.open.get_mut(token) {
            *slot = Some(Open { question, replies: Vec::with_capacity(waiting), waiting, repeats: 0 });
        }
        None
    }

    fn hear(&mut self, event: Event<usize>, client: &mut dyn Client) {
        let Event { server, token, question, response } = event;
        let Some(slot) = self.open.get_mut(token) else { return };
        let Some(open) = slot else { return };
        let lost = response.outcome == Outcome::Unanswered(Why::Timeout);
        if lost && open.repeats < REPEATS && self.encrypted.get(server).is_some_and(|encrypted| *encrypted) {
            open.repeats += 1;
            let again = Request { token, question };
            if self.requests.get(server).is_some_and(|requests| requests.send(again).is_ok()) {
                return;
            }
        }
        open.replies.push(Reply { vantage: server, outcome: response.outcome });
        open.waiting = open.waiting.saturating_sub(1);
        if open.waiting > 0 {
            return;
        }
        let Some(Open { question, replies, .. }) = slot.take() else { return };
        self.free.push(token);
        let question = Arc::unwrap_or_clone(question);
        let dns = Observations::new(self.vantages.clone(), [(question.clone(), replies)].into());
        client.answered(&question, &dns);
    }
}
