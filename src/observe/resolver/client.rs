//! Who puts questions without end, and how servers are treated then.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::server::Server;
use super::window::{Pace, Window};
use crate::name::DomainName;
use crate::observe::{Observations, Question, Reply, Vantage};

/// Time for one question to a server of zones at most: it has what it is asked for, or it has not.
const ZONES: Duration = Duration::from_secs(5);

/// Who puts questions, and hears the answers.
pub trait Client {
    /// The next question; `None`: none before another answer has come. None is put again before it is answered.
    fn next(&mut self) -> Option<Question>;

    /// The domain for the sake of which a question is asked that was given last: servers of zones that keep its questions waiting cost it, and
    /// no other.
    fn sake(&self, question: &Question) -> DomainName {
        question.name.clone()
    }

    /// What was said to a question.
    fn answered(&mut self, question: &Question, dns: &Observations);

    /// The same where one resolver alone is asked, the only one of `resolvers`.
    fn replied(&mut self, question: &Question, reply: Reply, resolvers: &[Vantage]) {
        let replies = BTreeMap::from([(question.clone(), vec![reply])]);
        self.answered(question, &Observations::new(resolvers.to_vec(), replies));
    }

    /// Nothing is to be done but to wait. Comes five times a second at least, as long as nothing else does.
    fn pause(&mut self);
}

/// A question on its way to the thread that asks.
pub(super) struct Put {
    pub question: Question,
    /// The domain for the sake of which it is asked, where servers of zones are.
    pub sake: Option<DomainName>,
}

/// How servers are treated in a run that may be long.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Packets a second to each server; `None`: no limit.
    pub pace: Option<NonZeroU32>,
    /// Addresses of this host: servers there are not paced, nor are those on loopback.
    pub own: BTreeSet<IpAddr>,
    /// Time for one question to one server, from when it is first sent.
    pub patience: Duration,
    /// Where it is noted that resolvers are given up.
    pub given_up: GivenUp,
}

/// Resolvers that were given up in a run; copies are the same list.
#[derive(Debug, Clone, Default)]
pub struct GivenUp(Arc<Mutex<BTreeMap<SocketAddr, usize>>>);

impl GivenUp {
    /// A question had no answer for that reason.
    pub(super) fn add(&self, resolver: SocketAddr) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(resolver).or_default() += 1;
    }

    /// Whether nobody was given up.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The resolvers, and how many questions each left without an answer for that reason.
    pub fn all(&self) -> BTreeMap<SocketAddr, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Manners {
    /// These, and nobody given up yet.
    pub fn new(pace: Option<NonZeroU32>, own: BTreeSet<IpAddr>, patience: Duration) -> Manners {
        Manners { pace, own, patience, given_up: GivenUp::default() }
    }

    /// A server treated so.
    pub(super) fn server(&self, number: usize, address: SocketAddr, recurse: bool) -> Server {
        let here = address.ip().is_loopback() || self.own.contains(&address.ip());
        let pace = self.pace.filter(|_| !here).map(Pace::new);
        // The window and the patience with each question bound what it gets.
        let (packets, repeats) = (usize::MAX, usize::MAX);
        let patience = if recurse { self.patience } else { self.patience.min(ZONES) };
        let window = Window::adapting();
        Server { number, address, local: None, recurse, window, pace, comes_back: true, patience, packets, repeats }
    }
}
