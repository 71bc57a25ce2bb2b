//! What mail servers say: a client of SMTP that greets, looks at TLS, and takes its leave.
//!
//! Connections are made by [`connect()`], which reads nothing; they are spoken on by [`hold`], which makes none. So who may connect need not
//! read what strangers say, and who reads it need not be allowed to connect. The client waits for the greeting to its end (postscreen(8)
//! takes its time with it), sends nothing before the reply to what it sent last is whole, and ends with QUIT.

mod connect;
mod lines;
mod session;
#[cfg(test)]
mod tests;

use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::facts::{Conversation, Fault, Stage};
use crate::tls::Roots;
pub use connect::{Wanted, connect};
use session::Speaker;

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// The name with which it introduces itself.
    pub own_name: String,
    /// How long it waits for a greeting: postscreen(8) keeps a client waiting for 6 s, and longer where it was told to.
    pub greeting: Duration,
    /// How long a conversation may take.
    pub whole: Duration,
    /// Issuers that the system trusts.
    pub roots: Roots,
    /// The time, in seconds since 1970.
    pub now: i64,
}

impl Manners {
    /// As servers are used to.
    pub fn new(own_name: String, roots: Roots, now: i64) -> Manners {
        Manners { own_name, greeting: Duration::from_secs(15), whole: Duration::from_secs(20), roots, now }
    }
}

/// How far a conversation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The greeting, and QUIT.
    Greeting,
    /// EHLO, STARTTLS where it is offered, EHLO again.
    Whole,
    /// The same, TLS from the beginning.
    Wrapped,
}

/// A connection, and what is to be said on it.
#[derive(Debug)]
pub struct Call {
    /// The connection, or why there is none.
    pub connection: Result<OwnedFd, Fault>,
    /// How far it goes.
    pub depth: Depth,
    /// The server name for TLS.
    pub name: Option<String>,
}

/// Bounds of a reply.
#[cfg(any(test, fuzzing))]
pub(crate) use lines::{LINE, LINES};

/// The replies in what a server sends, up to the first that is none.
///
/// # Panics
/// Where there is no event loop.
#[cfg(any(test, fuzzing))]
pub(crate) fn replies(octets: &[u8]) -> Vec<crate::facts::SmtpReply> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("an event loop");
    runtime.block_on(lines::replies(octets))
}

/// Connections to one server. Only where the first brings TLS about, the others, for other names, are more than a greeting.
pub type Calls = Vec<Call>;

/// Holds all conversations at once; those with one server after its first. They come back in their order.
pub fn hold(all: Vec<Calls>, manners: &Manners) -> Vec<Vec<Conversation>> {
    let counts: Vec<usize> = all.iter().map(Vec::len).collect();
    let nobody = |why: &str| {
        let failed = |count: &usize| vec![Conversation::failed(Fault::NotMade(why.to_owned())); *count];
        counts.iter().map(failed).collect()
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return nobody(&error.to_string()),
    };
    runtime.block_on(async {
        let speaker = Speaker::new(manners);
        let tasks: Vec<_> = all.into_iter().map(|calls| tokio::spawn(with_one(calls, speaker.clone()))).collect();
        let mut heard = Vec::new();
        for (task, count) in tasks.into_iter().zip(&counts) {
            let lost = || vec![Conversation::failed(Fault::Closed(Stage::Greeting)); *count];
            heard.push(task.await.unwrap_or_else(|_| lost()));
        }
        heard
    })
}

async fn with_one(calls: Calls, speaker: Speaker) -> Vec<Conversation> {
    let mut calls = calls.into_iter();
    let Some(first) = calls.next() else { return Vec::new() };
    let first = one(first, speaker.clone()).await;
    let brings_tls = first.tls.is_some();
    let others: Vec<_> = calls
        .map(|mut call| {
            if !brings_tls && call.depth == Depth::Whole {
                call.depth = Depth::Greeting;
            }
            tokio::spawn(one(call, speaker.clone()))
        })
        .collect();
    let mut heard = vec![first];
    for task in others {
        heard.push(task.await.unwrap_or_else(|_| Conversation::failed(Fault::Closed(Stage::Greeting))));
    }
    heard
}

async fn one(call: Call, speaker: Speaker) -> Conversation {
    let Call { connection, depth, name } = call;
    let stream = connection.and_then(|descriptor| {
        let stream = TcpStream::from(descriptor);
        let ready = stream.set_nonblocking(true).and_then(|()| tokio::net::TcpStream::from_std(stream));
        ready.map_err(|error| Fault::NotMade(error.to_string()))
    });
    match stream {
        Ok(stream) => speaker.speak(stream, depth, name).await,
        Err(fault) => Conversation { name, ..Conversation::failed(fault) },
    }
}
