//! Connected UDP sockets: only the server's own packets come in, and a closed port is an error at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;

use tokio::net::UdpSocket;

use crate::observe::{Unreachable, Why};

/// Packets read before others get their turn.
const BURST: usize = 64;

/// A reply over UDP: more than the payload offered, for servers that do not heed it.
const BUFFER: usize = 4096;

/// What was read from the sockets of one server.
pub(crate) struct Received {
    /// Room for one packet.
    room: Box<[u8; BUFFER]>,
    /// Packets, one behind the other.
    octets: Vec<u8>,
    /// Where each ends, and the number of the socket that it came on.
    ends: Vec<(usize, usize)>,
    /// What the network said of packets sent.
    failures: Vec<io::Error>,
}

impl Default for Received {
    fn default() -> Received {
        Received { room: Box::new([0; BUFFER]), octets: Vec::new(), ends: Vec::new(), failures: Vec::new() }
    }
}

impl Received {
    /// The packets from the server, each with the number of the socket that it came on.
    pub(crate) fn packets(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        starts.zip(&self.ends).filter_map(|(start, (end, socket))| Some((*socket, self.octets.get(start..*end)?)))
    }

    /// What the network said of packets sent.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &io::Error> {
        self.failures.iter()
    }

    /// Forgets all of it.
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.failures.clear();
    }

    fn count(&self) -> usize {
        self.ends.len() + self.failures.len()
    }
}

/// A socket connected to `server`, from a port that the kernel chooses at random; from `local` where that is given.
pub(crate) fn open(server: SocketAddr, local: Option<IpAddr>) -> io::Result<UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((local.unwrap_or(any), 0))?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// Waits until some socket has something, and reads it. Each comes with its number.
pub(crate) async fn receive<'s>(sockets: impl Iterator<Item = (usize, &'s UdpSocket)> + Clone, into: &mut Received) {
    std::future::poll_fn(|context| {
        for (number, socket) in sockets.clone() {
            while let Poll::Ready(ready) = socket.poll_recv_ready(context) {
                if ready.is_err() {
                    break;
                }
                match socket.try_recv(into.room.as_mut_slice()) {
                    Ok(length) => {
                        into.octets.extend_from_slice(into.room.get(..length).unwrap_or_default());
                        into.ends.push((into.octets.len(), number));
                    }
                    Err(error) if is_passing(&error) => {}
                    Err(error) => into.failures.push(error),
                }
                if into.count() >= BURST {
                    return Poll::Ready(());
                }
            }
        }
        if into.count() == 0 { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

/// Waits until some socket can be written to.
pub(crate) async fn writable<'s>(sockets: impl Iterator<Item = (usize, &'s UdpSocket)> + Clone) {
    std::future::poll_fn(|context| {
        let waiting = sockets.clone().filter(|(_, socket)| socket.poll_send_ready(context).is_pending()).count();
        // All of them: what waits may wait for any.
        if waiting == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whether a failure to send says nothing of the server.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    /// `ENOBUFS` of Linux: the interface's queue is full.
    const NO_BUFFERS: i32 = 105;
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || error.raw_os_error() == Some(NO_BUFFERS)
}

/// Why nothing is received, by an error of the network.
pub(crate) fn unreachable_because(error: &io::Error) -> Why {
    Why::Unreachable(match error.kind() {
        io::ErrorKind::TimedOut => return Why::Timeout,
        io::ErrorKind::ConnectionRefused => Unreachable::PortClosed,
        io::ErrorKind::NetworkUnreachable => Unreachable::NoRoute,
        io::ErrorKind::HostUnreachable => Unreachable::Host,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Unreachable::Closed,
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned().into()
        }
    })
}
