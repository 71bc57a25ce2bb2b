//! What goes out: packets of one turn together, as many as a socket takes.

use std::io;

use tokio::time::Instant;

use super::Task;
use crate::observe::Why;
use crate::observe::resolver::socket;

/// Retransmissions before the time between them grows: lost packets are the rule then, not congestion.
const STEADY: u32 = 3;
/// Growth of the retransmission time from packet to packet.
const RETRY_GROWTH: f64 = 1.5;

impl<T: Copy + Send + 'static> Task<T> {
    /// Whether the server may get one packet more.
    pub(super) fn may_send(&mut self, repeat: bool) -> bool {
        let server = &mut self.server;
        if server.packets == 0 || (repeat && server.repeats == 0) || !self.packets.take() {
            return false;
        }
        server.packets -= 1;
        server.repeats -= usize::from(repeat);
        true
    }

    /// Has the packet of a pending question go out: with the others of this turn, or now, where there is a pace.
    pub(super) fn send(&mut self, id: u16) {
        let Some(pending) = self.pending.get(&id) else { return };
        let (repeat, deadline) = (pending.packets > 0, pending.deadline);
        if repeat && !self.is_time() {
            self.overdue.push_back(id);
            return self.arm(id, deadline);
        }
        if !self.may_send(repeat) {
            return self.out_of_packets(id);
        }
        self.outgoing.push(id);
        if self.server.pace.is_some() {
            self.flush();
        }
    }

    /// Sends what is to go out, and arms the timers. Whether the network refused any of it.
    pub(super) fn flush(&mut self) -> bool {
        let mut refused = false;
        let socket_of = |id: u16| Some((self.pending.get(&id)?.socket, id));
        let mut outgoing: Vec<(usize, u16)> = self.outgoing.drain(..).filter_map(socket_of).collect();
        outgoing.sort_by_key(|(socket, _)| *socket);
        for of_one in outgoing.chunk_by(|(one, _), (other, _)| one == other) {
            let mut rest = of_one;
            while let Some((_, left)) = rest.split_first() {
                match self.send_together(rest) {
                    Ok(count) => {
                        let now = Instant::now();
                        rest.iter().take(count).for_each(|(_, id)| self.went(*id, now));
                        rest = rest.get(count.max(1)..).unwrap_or_default();
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        rest.iter().for_each(|(_, id)| self.keep_back(*id));
                        break;
                    }
                    Err(error) => {
                        rest.iter().take(1).for_each(|(_, id)| self.went(*id, Instant::now()));
                        // A full queue is a lost packet: the timer sends it again.
                        self.refused(&error);
                        refused = true;
                        rest = left;
                    }
                }
            }
        }
        refused
    }

    /// Sends the packets of these questions, which go by one socket; gives how many of them the socket took, the first ones, or why not even one.
    /// Questions that are over by now count as sent.
    fn send_together(&self, questions: &[(usize, u16)]) -> io::Result<usize> {
        let pending = |(_, id): &(usize, u16)| self.pending.get(id);
        let over = questions.iter().take_while(|question| pending(question).is_none()).count();
        let socket = questions.first().and_then(|(number, _)| self.ports.get(*number));
        let Some(socket) = socket.filter(|_| over == 0) else { return Ok(over.max(1)) };
        let packets: Vec<&[u8]> = questions.iter().map_while(pending).map(|pending| &*pending.asked.bytes).collect();
        socket::send(socket, &packets)
    }

    /// A packet of a pending question went out.
    fn went(&mut self, id: u16, now: Instant) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.packets += 1;
        pending.last_sent = now;
        let at = (now + pending.retry).min(pending.deadline);
        if pending.packets >= STEADY {
            pending.retry = pending.retry.mul_f64(RETRY_GROWTH);
        }
        if let Some(pace) = &mut self.server.pace {
            pace.went(now);
        }
        self.arm(id, at);
    }

    /// The packet is still to go: a socket's room is used up, or it is new, and not known to be writable until the event loop has looked.
    fn keep_back(&mut self, id: u16) {
        let Some(pending) = self.pending.get(&id) else { return };
        let (repeat, deadline) = (pending.packets > 0, pending.deadline);
        self.packets.give_back();
        self.server.packets += 1;
        self.server.repeats += usize::from(repeat);
        self.unsent.push(id);
        self.arm(id, deadline);
    }

    /// No packet is left for a question: one that was put waits for the answer, another has none.
    fn out_of_packets(&mut self, id: u16) {
        let Some(pending) = self.pending.get(&id) else { return };
        let deadline = pending.deadline;
        match pending.packets {
            0 => self.finish(id, Why::PacketLimit.into()),
            _ => self.arm(id, deadline),
        }
    }

    /// Sends what waited for a socket.
    pub(super) fn send_waiting(&mut self) {
        for id in std::mem::take(&mut self.unsent) {
            self.send(id);
        }
    }

    /// Has the question's timer act at this time, and at no other.
    pub(super) fn arm(&mut self, id: u16, at: Instant) {
        self.armed += 1;
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.timer = Some((at, self.armed));
            self.next_timer = Some(self.next_timer.map_or(at, |next| next.min(at)));
        }
    }
}
