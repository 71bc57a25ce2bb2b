//! Connected UDP sockets: only the server's own packets come in, and a closed port is an error at once.

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::task::Poll;

use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg, sendmmsg};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::observe::{Unreachable, Why};

/// Packets read before others get their turn.
const BURST: usize = 64;

/// Packets that one call of the system sends or reads.
const TOGETHER: usize = 32;

/// A reply over UDP: more than the payload offered, for servers that do not heed it.
const BUFFER: usize = 4096;

thread_local! {
    /// Where the system puts packets; all sockets of a thread share it.
    static ROOM: RefCell<Vec<[u8; BUFFER]>> = RefCell::new(vec![[0; BUFFER]; TOGETHER]);
    /// What the system is told of packets that go out or come in together.
    static HEADERS: RefCell<MultiHeaders<()>> = RefCell::new(MultiHeaders::preallocate(TOGETHER, None));
}

/// What was read from the sockets of one server.
#[derive(Default)]
pub(crate) struct Received {
    /// Packets, one behind the other.
    octets: Vec<u8>,
    /// Where each ends, and the number of the socket that it came on.
    ends: Vec<(usize, usize)>,
    /// What the network said of packets sent.
    failures: Vec<io::Error>,
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

    fn add(&mut self, packet: &[u8], socket: usize) {
        self.octets.extend_from_slice(packet);
        self.ends.push((self.octets.len(), socket));
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
                match read(socket, |packet| into.add(packet, number)) {
                    // All there was; whether more has come is looked at in the next turn.
                    Ok(count) if count < TOGETHER => break,
                    Ok(_) => {}
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

/// Reads the packets that wait at a socket, [`TOGETHER`] at most; how many there were.
fn read(socket: &UdpSocket, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
    ROOM.with_borrow_mut(|room| {
        let lengths: Vec<usize> = socket.try_io(Interest::READABLE, || {
            HEADERS.with_borrow_mut(|headers| {
                let mut parts: Vec<[IoSliceMut<'_>; 1]> = room.iter_mut().map(|room| [IoSliceMut::new(room)]).collect();
                let packets = recvmmsg(socket.as_raw_fd(), headers, &mut parts, MsgFlags::MSG_DONTWAIT, None)?;
                Ok(packets.map(|packet| packet.bytes).collect())
            })
        })?;
        room.iter().zip(&lengths).for_each(|(room, length)| take(room.get(..*length).unwrap_or_default()));
        Ok(lengths.len())
    })
}

/// Sends packets, at least one; how many the socket took: the first ones, and not always all.
///
/// # Errors
/// Where it took none.
pub(crate) fn send(socket: &UdpSocket, packets: &[&[u8]]) -> io::Result<usize> {
    if let [packet] = packets {
        return socket.try_send(packet).map(|_| 1);
    }
    socket.try_io(Interest::WRITABLE, || {
        HEADERS.with_borrow_mut(|headers| {
            let parts: Vec<[IoSlice<'_>; 1]> =
                packets.iter().take(TOGETHER).map(|packet| [IoSlice::new(packet)]).collect();
            let connected: Vec<Option<()>> = vec![None; parts.len()];
            let sent = sendmmsg(socket.as_raw_fd(), headers, &parts, connected, [], MsgFlags::MSG_DONTWAIT)?;
            Ok(sent.count())
        })
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn packets_that_go_together_go_once_each_and_all_replies_are_read() {
        const COUNT: usize = 3 * TOGETHER + 4;
        let server = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        server.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let socket = open(server.local_addr().unwrap(), None).unwrap();
        let packets: Vec<Vec<u8>> = (0..COUNT).map(|n| vec![n as u8; n + 1]).collect();
        let slices: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
        // The event loop has not looked at it yet: nothing goes, and nothing is lost.
        assert_eq!(send(&socket, &slices).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        socket.writable().await.unwrap();
        let mut rest = slices.as_slice();
        while !rest.is_empty() {
            let count = send(&socket, rest).unwrap();
            assert!((1..=TOGETHER).contains(&count), "{count}");
            rest = &rest[count..];
        }
        let mut room = [0; BUFFER];
        for packet in &packets {
            let (length, from) = server.recv_from(&mut room).unwrap();
            assert_eq!(&room[..length], packet);
            server.send_to(&room[..length], from).unwrap();
        }
        let (mut received, mut replies) = (Received::default(), Vec::new());
        while replies.len() < COUNT {
            receive(std::iter::once((7, &socket)), &mut received).await;
            assert!(received.failures().next().is_none());
            replies.extend(received.packets().map(|(number, packet)| (number, packet.to_vec())));
            received.clear();
        }
        assert_eq!(replies, packets.into_iter().map(|packet| (7, packet)).collect::<Vec<_>>());
        server.set_nonblocking(true).unwrap();
        assert!(server.recv_from(&mut room).is_err(), "one more than was sent");
    }
}
