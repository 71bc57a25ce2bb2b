//! What comes back: which question a packet answers, what is learned of the server from it, and what is told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::dialect::Course;
use super::{Pending, Task, Way};
use crate::observe::resolver::server::{Event, Request};
use crate::observe::resolver::socket::{is_passing, unreachable_because};
use crate::observe::resolver::tcp;
use crate::observe::resolver::wire::{self, Reading, Response};
use crate::observe::{Outcome, Unreachable, Why};

impl<T: Copy + Send + 'static> Task<T> {
    /// Takes a packet from the server, or a message from its TCP connection.
    pub(super) fn packet(&mut self, bytes: &[u8], way: Way) {
        let over_tcp = way == Way::Tcp;
        let Some(id) = wire::reply_id(bytes) else { return };
        if let Way::Udp(socket) = way
            && self.late.take(id, socket)
        {
            self.ports.done(socket);
            return self.life.hear();
        }
        // An id that nobody waits for there: a duplicate, or a guess of somebody else's.
        let awaited = |pending: &&mut Pending<T>| match way {
            Way::Udp(socket) => !pending.tcp && pending.socket == socket,
            Way::Tcp => pending.tcp,
        };
        let Some(pending) = self.pending.get_mut(&id).filter(awaited) else { return };
        let (course, asked) = (pending.course, (pending.asked.edns, pending.asked.cased));
        let reading = wire::read(bytes, &pending.asked, &mut self.names);
        if !matches!(reading, Reading::Foreign | Reading::Malformed { ours: false, .. }) {
            self.measure(id);
        }
        match reading {
            Reading::Response(response) => {
                self.dialect.understood(course, asked, self.now);
                self.finish(id, response);
            }
            Reading::Truncated if over_tcp => self.finish(id, Why::Malformed("truncated over TCP".into()).into()),
            Reading::Truncated => self.over_tcp(id),
            Reading::NoEdns => self.again(id, self.dialect.no_edns(course)),
            Reading::CaseLost => self.again(id, self.dialect.case_lost(course)),
            Reading::Foreign if over_tcp => {
                self.finish(id, Why::Malformed("a reply to another question".into()).into())
            }
            Reading::Foreign => {}
            Reading::Malformed { how, ours } if ours || over_tcp => self.finish(id, Why::Malformed(how).into()),
            Reading::Malformed { how, .. } => {
                if let Some(pending) = self.pending.get_mut(&id) {
                    pending.garbage = Some(how);
                }
            }
        }
    }

    /// Asks again, under another id.
    fn again(&mut self, id: u16, course: Course) {
        let Some(pending) = self.pending.remove(&id) else { return };
        self.ports.done(pending.socket);
        self.put(pending.request, pending.first_sent, pending.deadline, course);
    }

    /// Learns from a reply how long the server takes, and how much it copes with.
    fn measure(&mut self, id: u16) {
        let now = self.now;
        self.life.hear();
        let Some(pending) = self.pending.get(&id).filter(|p| !p.tcp) else { return };
        let sample = now.duration_since(pending.last_sent).as_secs_f64();
        let once = pending.packets == 1;
        let lost = !once && self.round_trip.is_prompt(sample);
        match lost {
            true => self.server.window.lost(),
            false => self.server.window.answered(),
        }
        let (sample, once) = match !once && !lost && self.server.window.adapts() {
            // The first packet's reply, late: of thousands that are put again too soon, none would be learned from.
            true => (now.duration_since(pending.first_sent).as_secs_f64(), true),
            false => (sample, once),
        };
        if self.round_trip.learn(sample, once) {
            self.rearm();
        }
    }

    /// Moves the pending timers to what is now known of the round trip time.
    fn rearm(&mut self) {
        let retry = self.round_trip.retry();
        let waiting: Vec<u16> = self.pending.iter().filter(|(_, p)| !p.tcp).map(|(id, _)| *id).collect();
        for id in waiting {
            let Some(pending) = self.pending.get_mut(&id) else { continue };
            pending.retry = retry;
            let at = (pending.last_sent + retry).min(pending.deadline);
            self.arm(id, at);
        }
    }

    fn over_tcp(&mut self, id: u16) {
        if !self.may_send(false) {
            return self.finish(id, Why::PacketLimit.into());
        }
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.tcp = true;
        if let Some(pace) = &mut self.server.pace {
            pace.went(self.now);
        }
        let deadline = pending.deadline;
        let question = pending.asked.bytes.to_vec();
        tcp::start(self.server.address, id, question, deadline, self.tcp_slots.clone(), self.tcp_replies.clone());
        self.arm(id, deadline);
    }

    pub(super) fn tcp_reply(&mut self, reply: tcp::Reply) {
        match reply.result {
            Ok(bytes) if wire::reply_id(&bytes) == Some(reply.id) => self.packet(&bytes, Way::Tcp),
            Ok(_) => self.finish(reply.id, Why::Malformed("a TCP reply with another id".into()).into()),
            Err(error) => {
                let why = match unreachable_because(&error) {
                    Why::Unreachable(how) => Why::Unreachable(Unreachable::Other(format!("over TCP: {how}"))),
                    other => other,
                };
                self.finish(reply.id, why.into());
            }
        }
    }

    /// The network refused a packet. From a server that never replied that is all there will be.
    pub(super) fn refused(&mut self, error: &io::Error) {
        if !self.life.has_spoken() && !is_passing(error) {
            self.give_up(unreachable_because(error));
        }
    }

    /// Ends every question, and those to come; those that wait end where the next would be put.
    pub(super) fn give_up(&mut self, why: Why) {
        self.life.give_up(why.clone());
        let waiting: Vec<u16> = self.pending.keys().copied().collect();
        for id in waiting {
            self.finish(id, why.clone().into());
        }
        self.next_timer = None;
        self.outgoing.clear();
    }

    pub(super) fn finish(&mut self, id: u16, mut response: Response) {
        let Some(pending) = self.pending.remove(&id) else { return };
        self.ports.done(pending.socket);
        if let Outcome::Answer(answer) = &mut response.outcome {
            if !self.server.recurse {
                self.answers = Some(Arc::clone(&pending.request.question));
            }
            let sent = if pending.tcp { pending.first_sent } else { pending.last_sent };
            let took = self.now.saturating_duration_since(sent);
            answer.rtt_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        }
        self.tell(pending.request, response, self.now.saturating_duration_since(pending.first_sent));
    }

    pub(super) fn tell(&self, request: Request<T>, response: Response, waited: Duration) {
        let Request { token, question } = request;
        // Nobody listens any more once the whole phase is over.
        let (server, given_up) = (self.server.number, self.life.is_given_up());
        let _ = self.events.send(Event { server, token, question, response, waited, given_up });
    }
}
