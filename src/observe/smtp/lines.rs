//! Replies, line by line, within bounds.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::facts::SmtpReply;

/// Octets of a line that are kept: a reply line has at most 512 (RFC 5321 section 4.5.3.1.5).
pub(crate) const LINE: usize = 2_048;
/// Lines of a reply: servers have a dozen extensions.
pub(crate) const LINES: usize = 128;
/// Octets that are read in one conversation, TLS records with their certificates among them.
pub(super) const OCTETS: usize = 64 << 10;
/// Characters that are told of what is no reply.
const TOLD: usize = 80;

/// Why there is no reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The other side ended the connection.
    Closed,
    /// More came than is read.
    TooMuch,
    /// What came is none; its beginning.
    NotSmtp(String),
}

/// A stream of which a bounded number of octets is read.
#[derive(Debug)]
pub(super) struct Counted<S> {
    stream: S,
    left: usize,
}

impl<S> Counted<S> {
    pub(super) fn new(stream: S) -> Counted<S> {
        Counted { stream, left: OCTETS }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = buffer.filled().len().saturating_sub(before);
        self.left = self.left.saturating_sub(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A stream on which lines are read.
pub(super) struct Lines<S> {
    stream: S,
    /// What has come and was not looked at.
    waiting: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    pub(super) fn new(stream: S) -> Lines<S> {
        Lines { stream, waiting: Vec::new() }
    }

    /// The stream, and how many octets came from it that belong to no line that was read.
    pub(super) fn into_inner(self) -> (S, usize) {
        (self.stream, self.waiting.len())
    }

    /// Sends a command.
    pub(super) async fn send(&mut self, command: &str) -> Result<(), Trouble> {
        let sent = async {
            self.stream.write_all(format!("{command}\r\n").as_bytes()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(trouble)
    }

    /// Ends the writing side.
    pub(super) async fn close(&mut self) {
        // Whoever has gone already need not be told.
        let _ = self.stream.shutdown().await;
    }

    /// A whole reply (RFC 5321 section 4.2).
    pub(super) async fn reply(&mut self) -> Result<SmtpReply, Trouble> {
        let mut reply: Option<SmtpReply> = None;
        loop {
            let line = self.line().await?;
            let text = String::from_utf8_lossy(&line).into_owned();
            let not_smtp = || Trouble::NotSmtp(text.chars().take(TOLD).collect());
            let code = line.get(..3).filter(|code| code.iter().all(u8::is_ascii_digit)).ok_or_else(not_smtp)?;
            let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
            let more = match line.get(3) {
                Some(b'-') => true,
                Some(b' ') | None => false,
                Some(_) => return Err(not_smtp()),
            };
            if !(200..600).contains(&code) || reply.as_ref().is_some_and(|known| known.code != code) {
                return Err(not_smtp());
            }
            let reply = reply.get_or_insert_with(|| SmtpReply { code, lines: Vec::new() });
            if reply.lines.len() == LINES {
                return Err(Trouble::TooMuch);
            }
            reply.lines.push(text.get(4..).unwrap_or_default().trim_end().to_owned());
            if !more {
                return Ok(std::mem::replace(reply, SmtpReply { code: 0, lines: Vec::new() }));
            }
        }
    }

    /// A line without its end; of one that is too long, the beginning.
    async fn line(&mut self) -> Result<Vec<u8>, Trouble> {
        let mut line = Vec::new();
        loop {
            let end = self.waiting.iter().position(|octet| *octet == b'\n');
            let part = end.unwrap_or(self.waiting.len());
            let room = LINE.saturating_sub(line.len());
            line.extend(self.waiting.iter().take(part.min(room)));
            self.waiting.drain(..end.map_or(part, |end| end + 1));
            if end.is_some() {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            let mut octets = [0; 4 << 10];
            let count = self.stream.read(&mut octets).await.map_err(trouble)?;
            if count == 0 {
                return Err(Trouble::Closed);
            }
            self.waiting.extend(octets.iter().take(count));
        }
    }
}

/// The replies in what a server sends, up to the first that is none.
#[cfg(any(test, fuzzing))]
pub(super) async fn replies(octets: &[u8]) -> Vec<SmtpReply> {
    let mut lines = Lines::new(Counted::new(io::Cursor::new(octets.to_vec())));
    let mut found = Vec::new();
    while let Ok(reply) = lines.reply().await {
        found.push(reply);
    }
    found
}

fn trouble(error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Trouble::TooMuch,
        _ => Trouble::Closed,
    }
}
