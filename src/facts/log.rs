//! What mail logs show: replies that speak of this host's identity, and local addresses that mail left from.
//!
//! No text of a log stands here as it was written: neither addresses of people nor numbers of messages, and of a reply only what is known of
//! it and the words by which it is known.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::addr::Family;
use crate::facts::{ConfigFile, Mta};

/// What logs show of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailLog {
    /// The logs that were read, the oldest first.
    pub files: Vec<ReadLog>,
    /// Earlier lines do not count, seconds since 1970.
    pub since: i64,
    /// Up to when ages are counted, seconds since 1970.
    pub until: i64,
    /// Whether that is the time of the run, and not the end of the logs.
    pub until_now: bool,
    /// Whether all times here are those of the host's clock, whose zone is not known. Where some stamps name their zone, `unread` says how the others
    /// were read.
    #[serde(default)]
    pub own_time: bool,
    /// Replies that are known to speak of identity, alike ones together.
    pub refusals: Vec<Refused>,
    /// Local addresses that mail left from, or was meant to.
    pub departures: Vec<Departure>,
    /// What was not read, or not counted, a sentence each.
    pub unread: Vec<String>,
    /// When files were last changed that set names or addresses of outbound paths.
    pub changed: Vec<ConfigFile>,
}

/// A log that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLog {
    /// Its path as the host sees it or as the command line names it, or `-`.
    pub name: String,
    /// What it is packed with; `None`: nothing.
    pub packed: Option<Packing>,
    /// Lines, or entries of a journal.
    pub lines: u64,
    /// Octets, unpacked.
    pub octets: u64,
    /// When its first line was written, seconds since 1970.
    pub first: Option<i64>,
    /// When its last line was written.
    pub last: Option<i64>,
}

/// What a log is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Packing {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }
}

/// Deliveries that were refused, for good or for now, by replies that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Whose log says so.
    pub mta: Mta,
    /// What delivered: the name that Postfix' client logs under, such as `postfix/smtp`; Exim's transport. Empty where the line does not say.
    pub service: String,
    /// The family of the receiver's address; `None` where the line does not name it.
    pub family: Option<Family>,
    /// The local address of the connection, where the line names it.
    pub local: Option<IpAddr>,
    /// Whether the receiver's own address is none of the public Internet.
    #[serde(default)]
    pub inside: bool,
    /// An address that the reply names, the receiver's apart: a public one, or whichever where the receiver is inside.
    pub named: Option<IpAddr>,
    /// Identifier of the known reply, such as `gmail-ptr-missing`.
    pub reply: String,
    /// Who says so; `None`: whoever runs such software (see `hosts`).
    pub receiver: Option<String>,
    /// Names of the hosts that said it, the first few, sorted.
    pub hosts: Vec<String>,
    /// What it means, in sentences.
    pub meaning: String,
    /// Whether the text itself names the fault; else it is used for this one among others.
    pub names_it: bool,
    /// Rules that look into what it says, the nearest first.
    pub rules: Vec<String>,
    /// The reply's code.
    pub code: Option<u16>,
    /// The enhanced status code (RFC 3463), such as `5.7.25`.
    pub status: Option<String>,
    /// The words by which it is known.
    pub words: String,
    /// Whether they are tried again.
    #[serde(default)]
    pub waits: bool,
    /// How many deliveries: a message counts once for each host and day.
    pub count: u64,
    /// The first of them, seconds since 1970.
    pub first: i64,
    /// The last of them.
    pub last: i64,
    /// When the same hosts took mail from the same sender again, after the last of them; `None`: not by these logs.
    #[serde(default)]
    pub taken: Option<i64>,
}

/// What a log says of a local address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DepartureKind {
    /// Mail was delivered from it.
    Delivered,
    /// Mail was to be delivered from it, and was not.
    Tried,
    /// The MTA bound to it.
    Bound,
    /// The MTA wanted to bind to it and could not.
    NotBound,
}

/// A local address that mail left from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Whose log says so.
    pub mta: Mta,
    /// As in [`Refused`].
    pub service: String,
    /// The address.
    pub address: IpAddr,
    /// What was seen of it.
    pub kind: DepartureKind,
    /// How often.
    pub count: u64,
    /// First, seconds since 1970.
    pub first: i64,
    /// Last.
    pub last: i64,
}
