//! The sockets from which one server is asked. Each is connected, so that only the server's own packets come in, and a closed port is an error at
//! once; the kernel chooses its port at random. A port that has been used for long is left for another: who looks for it has little time.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::socket;

/// Questions that are asked from one port.
const QUESTIONS: usize = 1_000;
/// How long one port is asked from.
const AGE: Duration = Duration::from_secs(10);
/// Sockets that still wait for replies, for each that is asked from.
const LEFT: usize = 7;

/// One socket.
struct Port {
    socket: UdpSocket,
    opened: Instant,
    /// Questions asked from it.
    questions: usize,
    /// Questions that replies may still come for.
    waiting: usize,
}

impl Port {
    fn is_worn(&self, now: Instant) -> bool {
        self.questions >= QUESTIONS || now.duration_since(self.opened) >= AGE
    }
}

/// All sockets of one server.
pub(crate) struct Ports {
    server: SocketAddr,
    local: Option<IpAddr>,
    /// How many are asked from at one time.
    count: usize,
    /// By number. None is given twice: what came on a socket that is closed by now is no reply on another.
    ports: BTreeMap<usize, Port>,
    opened: usize,
    /// Those asked from.
    active: Vec<usize>,
    /// Whose turn it is.
    turn: usize,
}

impl Ports {
    /// None yet.
    pub(crate) fn new(server: SocketAddr, local: Option<IpAddr>, count: usize) -> Ports {
        Ports { server, local, count, ports: BTreeMap::new(), opened: 0, active: Vec::new(), turn: 0 }
    }

    /// The socket with this number.
    pub(crate) fn get(&self, number: usize) -> Option<&UdpSocket> {
        Some(&self.ports.get(&number)?.socket)
    }

    /// Every socket, with its number.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = (usize, &UdpSocket)> + Clone {
        self.ports.iter().map(|(number, port)| (*number, &port.socket))
    }

    /// The socket for the next question, which waits from now on.
    ///
    /// # Errors
    /// Where there is none yet and none can be opened.
    pub(crate) fn take(&mut self, now: Instant) -> io::Result<usize> {
        let number = match self.active.len() < self.count {
            true => {
                let number = self.open(now)?;
                self.active.push(number);
                number
            }
            false => self.in_turn(now),
        };
        if let Some(port) = self.ports.get_mut(&number) {
            port.questions += 1;
            port.waiting += 1;
        }
        Ok(number)
    }

    /// One more question from this socket waits.
    pub(crate) fn keep(&mut self, number: usize) {
        if let Some(port) = self.ports.get_mut(&number) {
            port.waiting += 1;
        }
    }

    /// A question from this socket waits no more.
    pub(crate) fn done(&mut self, number: usize) {
        let Some(port) = self.ports.get_mut(&number) else { return };
        port.waiting = port.waiting.saturating_sub(1);
        if port.waiting == 0 && !self.active.contains(&number) {
            self.ports.remove(&number);
        }
    }

    /// The next of those asked from, or another in its place where it is worn.
    fn in_turn(&mut self, now: Instant) -> usize {
        self.turn = (self.turn + 1) % self.active.len().max(1);
        let number = self.active.get(self.turn).copied().unwrap_or(0);
        let port = self.ports.get(&number);
        let worn = port.is_some_and(|port| port.is_worn(now));
        if !worn || self.ports.len() >= self.count * (1 + LEFT) {
            return number;
        }
        let idle = port.is_some_and(|port| port.waiting == 0);
        // Where there are no sockets left, the old one still works.
        let Ok(fresh) = self.open(now) else { return number };
        if let Some(place) = self.active.get_mut(self.turn) {
            *place = fresh;
        }
        if idle {
            self.ports.remove(&number);
        }
        fresh
    }

    fn open(&mut self, now: Instant) -> io::Result<usize> {
        let socket = socket::open(self.server, self.local)?;
        let number = self.opened;
        self.opened += 1;
        self.ports.insert(number, Port { socket, opened: now, questions: 0, waiting: 0 });
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn no_port_is_asked_from_for_long_and_those_that_wait_stay_open() {
        let server = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut ports = Ports::new(server, None, 2);
        let now = Instant::now();
        let first = ports.take(now).unwrap();
        let local = |ports: &Ports, number| ports.get(number).unwrap().local_addr().unwrap();
        let kept = local(&ports, first);
        let mut seen = HashSet::new();
        for _ in 0..8 * QUESTIONS {
            let number = ports.take(now).unwrap();
            seen.insert(local(&ports, number));
            ports.done(number);
        }
        assert!((8..=10).contains(&seen.len()), "{}", seen.len());
        assert_eq!(local(&ports, first), kept, "a question from it waits");
        assert_eq!(ports.sockets().count(), 3);
        ports.done(first);
        assert_eq!(ports.sockets().count(), 2);
        let young = ports.take(now).unwrap();
        let old = local(&ports, young);
        ports.done(young);
        let later: Vec<SocketAddr> = (0..2)
            .map(|_| {
                let number = ports.take(now + AGE).unwrap();
                local(&ports, number)
            })
            .collect();
        assert!(!later.contains(&old));
        // What is never answered does not take sockets without end.
        for _ in 0..100 * QUESTIONS {
            ports.take(now).unwrap();
        }
        assert!(ports.sockets().count() <= 2 * (1 + LEFT), "{}", ports.sockets().count());
    }
}
