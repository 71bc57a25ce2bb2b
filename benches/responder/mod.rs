//! A server for measuring: it answers every PTR with one name, made of the question's, and every A with one address, AAAA never, after a
//! delay and with losses. One thread receives, another sends, so that it is not the limit itself.
//!
//! Its little world has zones as well, for those who look for them: [`ZONES`], below zones that `parent.servers.example` serves.

use std::collections::{HashSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A reply that waits: when it is due, to whom it goes, its bytes.
type Late = (Instant, SocketAddr, Vec<u8>);

/// Zones at the end of the way down, each with its server's name.
const ZONES: [(&[u8], &[u8]); 3] = [
    (b"18.198.in-addr.arpa", b"ns.servers.example"),
    (b"mail.example", b"ns.mail.example"),
    (b"servers.example", b"ns.servers.example"),
];
/// Where these servers listen.
pub const CHILD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Where `parent.servers.example` listens.
pub const PARENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A recursive resolver.
    Resolver,
    /// A server of [`ZONES`].
    Child,
    /// A server of the zones above, which refers to [`Role::Child`].
    Parent,
}

/// What the server does with questions.
#[derive(Debug, Clone, Copy)]
pub struct QueryOptions {
    /// What it is.
    pub role: Role,
    /// Time until the answer goes out.
    pub delay: Duration,
    /// Of a thousand packets, how many are lost on their way to it. 1000: it is silent.
    pub lost: u64,
    /// The RCODE of every answer.
    pub rcode: u8,
}

impl QueryOptions {
    /// A resolver that answers after `delay`, and loses nothing.
    pub fn calm(delay: Duration) -> QueryOptions {
        QueryOptions { role: Role::Resolver, delay, lost: 0, rcode: 0 }
    }
}

/// A server that runs.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What came in.
#[derive(Debug, Default)]
struct Seen {
    packets: usize,
    /// Question sections in lower case.
    questions: HashSet<Vec<u8>>,
}

impl Server {
    /// The packets that came in since this was last asked, and the different questions among them.
    pub fn take_seen(&self) -> (usize, usize) {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        (seen.packets, seen.questions.len())
    }
}

/// Starts the server; it ends with the process.
pub fn serve(listen: &str, query: QueryOptions) -> Server {
    let socket = Arc::new(UdpSocket::bind(listen).expect("a socket"));
    let address = socket.local_addr().expect("its address");
    let waiting: Arc<(Mutex<VecDeque<Late>>, Condvar)> = Arc::default();
    if query.delay > Duration::ZERO {
        let (socket, waiting) = (Arc::clone(&socket), Arc::clone(&waiting));
        std::thread::spawn(move || {
            let (queue, filled) = &*waiting;
            loop {
                let mut queue = queue.lock().expect("the queue");
                let (due, to, reply) = loop {
                    match queue.pop_front() {
                        Some(first) => break first,
                        None => queue = filled.wait(queue).expect("the queue"),
                    }
                };
                drop(queue);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let _ = socket.send_to(&reply, to);
            }
        });
    }
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let server = Server { address, seen: Arc::clone(&seen) };
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        // A generator of Marsaglia's (xorshift): the same packets are lost in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.packets += 1;
                // EDNS's eleven octets are no part of the question, nor is the letters' case.
                let end = length - if packet[11] == 1 { 11 } else { 0 };
                seen.questions.insert(packet[12..end].to_ascii_lowercase());
            }
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if state % 1000 < query.lost {
                continue;
            }
            let reply = answer(&packet[..length], query);
            if query.delay == Duration::ZERO {
                let _ = socket.send_to(&reply, from);
                continue;
            }
            let (queue, filled) = &*waiting;
            queue.lock().expect("the queue").push_back((Instant::now() + query.delay, from, reply));
            filled.notify_one();
        }
    });
    server
}

/// The answer to a packet with one question.
fn answer(packet: &[u8], query: QueryOptions) -> Vec<u8> {
    let mut end = 12;
    let mut labels = Vec::new();
    while packet[end] != 0 {
        let next = end + 1 + usize::from(packet[end]);
        labels.push(packet[end + 1..next].to_ascii_lowercase());
        end = next;
    }
    let name = labels.join(&b'.');
    let rtype = u16::from_be_bytes([packet[end + 1], packet[end + 2]]);
    let zone = ZONES.into_iter().find(|(zone, _)| is_within(&name, zone));
    let refers = query.role == Role::Parent && zone.is_some();
    let data = if query.rcode == 0 && !refers { data(&labels, &name, rtype) } else { None };
    // A referral, or the SOA of what is not there; behind a plain resolver's absence nobody looks for a zone.
    let authority = match (&data, zone) {
        _ if query.rcode != 0 => None,
        (_, Some((zone, server))) if refers => Some((2, zone, wire(server))),
        (None, _) => {
            let numbers = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 60];
            Some((6, zone.map_or(above(&name), |(zone, _)| zone), [&[0, 0], &numbers[..]].concat()))
        }
        (Some(_), _) => None,
    };
    let aa = if refers || query.role == Role::Resolver { 0x80 } else { 0x84 };
    let mut reply = packet[..end + 5].to_vec();
    let counts = [0, 1, 0, u8::from(data.is_some()), 0, u8::from(authority.is_some()), 0, 0];
    reply[2] = aa | packet[2] & 1;
    // RA is the resolver's alone.
    reply[3] = if query.role == Role::Resolver { 0x80 } else { 0 } | query.rcode;
    reply[4..12].copy_from_slice(&counts);
    let mut record = |owner: &[u8], rtype: u16, data: &[u8]| {
        reply.extend(owner);
        reply.extend(rtype.to_be_bytes());
        reply.extend([0, 1, 0, 0, 1, 44]);
        reply.extend(u16::try_from(data.len()).expect("a short one").to_be_bytes());
        reply.extend(data);
    };
    if let Some(data) = data {
        record(&[0xc0, 12], rtype, &data);
    }
    if let Some((rtype, zone, data)) = authority {
        record(&wire(zone), rtype, &data);
    }
    reply
}

/// The one record there is of a type at a name.
fn data(labels: &[Vec<u8>], name: &[u8], rtype: u16) -> Option<Vec<u8>> {
    match rtype {
        12 => Some(wire(&[b"h", &labels[..4].join(&b'-')[..], b".mail.example"].concat())),
        1 if ZONES.iter().any(|(_, server)| *server == name) => Some(CHILD.octets().to_vec()),
        1 if name == b"parent.servers.example" => Some(PARENT.octets().to_vec()),
        1 => Some(vec![198, 18, 0, 1]),
        2 if above(name) == name => Some(wire(b"parent.servers.example")),
        2 => ZONES.iter().find(|(zone, _)| *zone == name).map(|(_, server)| wire(server)),
        _ => None,
    }
}

/// The zone above [`ZONES`] that a name is in.
fn above(name: &[u8]) -> &'static [u8] {
    let zones: [&[u8]; 4] = [b"in-addr.arpa", b"arpa", b"example", b""];
    zones.into_iter().find(|zone| is_within(name, zone)).unwrap_or_default()
}

fn is_within(name: &[u8], zone: &[u8]) -> bool {
    let above = name.strip_suffix(zone);
    above.is_some_and(|rest| zone.is_empty() || rest.is_empty() || rest.ends_with(b"."))
}

/// A name as a message has it.
fn wire(name: &[u8]) -> Vec<u8> {
    let labels = name.split(|octet| *octet == b'.').filter(|label| !label.is_empty());
    let mut octets: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).expect("a label")], label].concat()).collect();
    octets.push(0);
    octets
}
