//! A server for measuring: it answers every PTR with one name, made of the question's, and every A with one address, AAAA never, after a
//! delay and with losses. One thread receives, another sends, so that it is not the limit itself.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A reply that waits: when it is due, to whom it goes, its bytes.
type Late = (Instant, SocketAddr, Vec<u8>);

/// What the server does with questions.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Time until the answer goes out.
    pub delay: Duration,
    /// Of a thousand packets, how many are lost on their way to it. 1000: it is silent.
    pub lost: u64,
    /// The RCODE of every answer.
    pub rcode: u8,
}

/// Starts the server; it ends with the process.
pub fn serve(listen: &str, manner: Manner) -> SocketAddr {
    let socket = Arc::new(UdpSocket::bind(listen).expect("a socket"));
    let address = socket.local_addr().expect("its address");
    let waiting: Arc<(Mutex<VecDeque<Late>>, Condvar)> = Arc::default();
    if manner.delay > Duration::ZERO {
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
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        // A generator of Marsaglia's (xorshift): the same packets are lost in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if state % 1000 < manner.lost {
                continue;
            }
            let reply = answer(&packet[..length], manner.rcode);
            if manner.delay == Duration::ZERO {
                let _ = socket.send_to(&reply, from);
                continue;
            }
            let (queue, filled) = &*waiting;
            queue.lock().expect("the queue").push_back((Instant::now() + manner.delay, from, reply));
            filled.notify_one();
        }
    });
    address
}

/// The answer to a packet with one question.
fn answer(packet: &[u8], rcode: u8) -> Vec<u8> {
    let mut end = 12;
    let mut labels = Vec::new();
    while packet[end] != 0 {
        let next = end + 1 + usize::from(packet[end]);
        labels.push(&packet[end + 1..next]);
        end = next;
    }
    let rtype = u16::from_be_bytes([packet[end + 1], packet[end + 2]]);
    let data: Option<Vec<u8>> = match rtype {
        _ if rcode != 0 => None,
        12 => {
            let own = [b"h", &labels[..4].join(&b'-')[..]].concat();
            let own = [&[u8::try_from(own.len()).expect("a label")], &own[..]].concat();
            Some([&own[..], b"\x04mail\x07example\0"].concat())
        }
        1 => Some(vec![198, 18, 0, 1]),
        _ => None,
    };
    let mut reply = packet[..end + 5].to_vec();
    reply[2..12].copy_from_slice(&[0x84 | packet[2] & 1, 0x80 | rcode, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
    if let Some(data) = data {
        reply.extend([0xc0, 12]);
        reply.extend(rtype.to_be_bytes());
        reply.extend([0, 1, 0, 0, 1, 44]);
        reply.extend(u16::try_from(data.len()).expect("a short one").to_be_bytes());
        reply.extend(data);
    }
    reply
}
