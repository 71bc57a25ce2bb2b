//! What the task of one server is given, and what it tells.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::window::{Pace, Window};
use super::wire::Response;
use crate::observe::Question;

/// A question to one server.
#[derive(Debug)]
pub(crate) struct Request<T> {
    /// What comes back with the reply.
    pub token: T,
    /// The question.
    pub question: Arc<Question>,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The reply is an observation of the question with this number.
    Observe(usize),
    /// The reply says where a zone and its servers are.
    Find,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Event<T> {
    /// The server's number.
    pub server: usize,
    /// The request's token.
    pub token: T,
    /// The question.
    pub question: Arc<Question>,
    /// The replies so far.
    pub response: Response,
    /// How long the question was on its way to the server; zero where it was not put.
    pub waited: Duration,
    /// Whether the server was given up.
    pub given_up: bool,
}

/// Time for one question to one server in a phase of some seconds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// How one server is treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    /// Its number, given back in events.
    pub number: usize,
    /// Its address.
    pub address: SocketAddr,
    /// The address of this host that it is asked from; `None`: the kernel's choice.
    pub local: Option<IpAddr>,
    /// Whether it is asked to recurse.
    pub recurse: bool,
    /// Questions on their way at one time.
    pub window: Window,
    /// How fast packets go to it; `None`: at once.
    pub pace: Option<Pace>,
    /// Whether it is asked again, now and then, when it was given up: in runs that may be long.
    pub comes_back: bool,
    /// Time for one question, TCP included; [`DEADLINE`] where a phase is short.
    pub patience: Duration,
    /// Packets that it gets, connections included.
    pub packets: usize,
    /// Of these, those that may be repetitions: a question that it never answers must not take what others need.
    pub repeats: usize,
}

/// Packets that all servers together get in a run; copies are the same count.
#[derive(Debug, Clone)]
pub(crate) struct Packets(Arc<AtomicUsize>);

impl Packets {
    /// So many.
    pub(crate) fn new(count: usize) -> Packets {
        Packets(Arc::new(AtomicUsize::new(count)))
    }

    /// Gives back one that was not sent after all.
    pub(crate) fn give_back(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one; false where none is left.
    pub(crate) fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}
