//! Connected UDP sockets: only the server's own packets come in, and a closed port is an error at once.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;

use tokio::net::UdpSocket;

use crate::observe::Why;

/// Packets read before others get their turn.
const BURST: usize = 64;

/// What was read from a socket.
pub enum Received {
    /// A packet from the server.
    Packet(Vec<u8>),
    /// What the network said of packets sent.
    Failure(io::Error),
}

/// A socket connected to `server`, from a port that the kernel chooses at random.
pub fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// Waits until some socket has something, and reads it.
pub async fn receive(sockets: &[UdpSocket], buffer: &mut [u8], into: &mut Vec<Received>) {
    std::future::poll_fn(|context| {
        for socket in sockets {
            while let Poll::Ready(ready) = socket.poll_recv_ready(context) {
                if ready.is_err() {
                    break;
                }
                match socket.try_recv(buffer) {
                    Ok(length) => into.push(Received::Packet(buffer.get(..length).unwrap_or(&[]).to_vec())),
                    Err(error) if is_passing(&error) => {}
                    Err(error) => into.push(Received::Failure(error)),
                }
                if into.len() >= BURST {
                    return Poll::Ready(());
                }
            }
        }
        if into.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

/// Waits until some socket can be written to.
pub async fn writable(sockets: &[UdpSocket]) {
    std::future::poll_fn(|context| {
        let ready = sockets.iter().filter(|socket| socket.poll_send_ready(context).is_ready()).count();
        // All of them: what waits may wait for any.
        if ready == sockets.len() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whether a failure to send says nothing of the server.
pub fn is_passing(error: &io::Error) -> bool {
    /// `ENOBUFS` of Linux: the interface's queue is full.
    const NO_BUFFERS: i32 = 105;
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || error.raw_os_error() == Some(NO_BUFFERS)
}

/// Why nothing is heard, by an error of the network.
pub fn unreachable_because(error: &io::Error) -> Why {
    Why::Unreachable(match error.kind() {
        io::ErrorKind::TimedOut => return Why::Timeout,
        io::ErrorKind::ConnectionRefused => "the port is closed".to_owned(),
        io::ErrorKind::NetworkUnreachable => "no route".to_owned(),
        io::ErrorKind::HostUnreachable => "the host cannot be reached".to_owned(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => "the connection was closed".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    })
}
