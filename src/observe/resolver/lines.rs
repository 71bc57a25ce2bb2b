//! The ways from a phase to its servers: tasks of its own, or, where it is one question of a stream, the servers that all of them share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::limits::{WINDOW, part};
use super::server::{DEADLINE, Event, Packets, Purpose, Request, Server};
use super::shared::Guest;
use super::window::Window;
use super::{Transport, Trust, encrypted, exchange};
use crate::observe::{Question, Vantage, VantageKind, Why};

/// The way to one server.
enum Line {
    /// Its task, which nobody else asks.
    Own(UnboundedSender<Request<Purpose>>),
    /// One of the servers of a stream: where it is, whether it recurses, and how many questions it got from here.
    Shared(SocketAddr, bool, usize),
}

/// The ways to all servers, by vantage point.
pub(super) struct Lines {
    /// `None` for those that are not asked in this phase.
    lines: Vec<Option<Line>>,
    /// How resolvers are asked that are not asked plainly.
    pub transports: HashMap<usize, Transport>,
    shared: Option<Guest>,
    events: UnboundedSender<Event<Purpose>>,
    /// What each server may get, and the part of it that is not for the questions that facts bring.
    packets: usize,
    beyond: usize,
    /// What all of them may get.
    all: Packets,
}

impl Lines {
    /// None yet. Each server gets `packets`, of which `beyond` are not for the questions that facts bring, all of them together `all`; what they
    /// say comes on `events`.
    pub(super) fn new(
        shared: Option<Guest>,
        events: UnboundedSender<Event<Purpose>>,
        (packets, beyond): (usize, usize),
        all: Packets,
    ) -> Lines {
        Lines { lines: Vec::new(), transports: HashMap::new(), shared, events, packets, beyond, all }
    }

    /// Whether there is a way to a vantage point.
    pub(super) fn lead_to(&self, number: usize) -> bool {
        matches!(self.lines.get(number), Some(Some(_)))
    }

    /// Makes the way to a vantage point, unless there is one.
    pub(super) fn start(&mut self, number: usize, vantage: &Vantage, trust: &Trust) {
        let Some(address) = vantage.server else { return };
        let recurse = vantage.kind != VantageKind::Authoritative;
        if self.lines.len() <= number {
            self.lines.resize_with(number + 1, || None);
        }
        let Some(slot @ None) = self.lines.get_mut(number) else { return };
        let transport = self.transports.get(&number).unwrap_or(&Transport::Plain);
        if self.shared.is_some() {
            *slot = Some(Line::Shared(address, recurse, 0));
            return;
        }
        let (packets, repeats) = (self.packets, part(self.beyond));
        let (window, pace, patience) = (Window::of(WINDOW), None, DEADLINE);
        let (local, comes_back) = (None, false);
        let server = Server { number, address, local, recurse, window, pace, comes_back, patience, packets, repeats };
        let (all, events) = (self.all.clone(), self.events.clone());
        *slot = Some(Line::Own(match transport {
            Transport::Plain => exchange::start(server, all, events),
            encrypted => encrypted::start(server, encrypted, trust, all, events),
        }));
    }

    /// Puts a question to a vantage point; false where there is no way to it.
    pub(super) fn send(&mut self, number: usize, token: Purpose, question: &Arc<Question>) -> bool {
        match (self.lines.get_mut(number), &self.shared) {
            (Some(Some(Line::Own(requests))), _) => {
                requests.send(Request { token, question: Arc::clone(question) }).is_ok()
            }
            (Some(Some(Line::Shared(address, recurse, asked))), Some(guest)) => {
                *asked += 1;
                if *asked <= self.packets && self.all.take() {
                    let transport = self.transports.get(&number).unwrap_or(&Transport::Plain);
                    guest.ask((*address, *recurse, transport), question, (number, token), &self.events);
                    return true;
                }
                let (question, response, waited) = (Arc::clone(question), Why::PacketLimit.into(), Duration::ZERO);
                self.events.send(Event { server: number, token, question, response, waited, given_up: false }).is_ok()
            }
            _ => false,
        }
    }
}
