//! One question over TCP (RFC 7766), for replies that do not fit into a packet.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, timeout_at};

/// Connections to one server at one time.
const CONNECTIONS: usize = 16;

/// Bounds the connections to one server.
pub(crate) type Slots = Arc<Semaphore>;

/// What came over TCP for the question with this id.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The question's id.
    pub id: u16,
    /// The message, or what failed.
    pub result: io::Result<Vec<u8>>,
}

/// Room for as many connections as one server gets.
pub(crate) fn slots() -> Slots {
    Arc::new(Semaphore::new(CONNECTIONS))
}

/// Asks `question` (a whole message) over a connection of its own; the reply, or the failure, comes before `deadline`.
pub(crate) fn start(
    server: SocketAddr,
    id: u16,
    question: Vec<u8>,
    deadline: Instant,
    slots: Slots,
    replies: UnboundedSender<Reply>,
) {
    tokio::spawn(async move {
        let result = match timeout_at(deadline, exchange(server, &question, &slots)).await {
            Ok(result) => result,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let _ = replies.send(Reply { id, result });
    });
}

async fn exchange(server: SocketAddr, question: &[u8], slots: &Semaphore) -> io::Result<Vec<u8>> {
    let _slot = slots.acquire().await.map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(question);
    stream.write_all(&message).await?;
    let length = stream.read_u16().await?;
    // The length field bounds it: 65,535 octets.
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}
