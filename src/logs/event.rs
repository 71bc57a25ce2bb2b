//! What a line of a log says, whoever wrote it.

use std::net::IpAddr;

use crate::facts::{DepartureKind, Mta};

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event<'l> {
    /// Who wrote it.
    pub mta: Mta,
    /// What delivered: the name that Postfix' client logs under, Exim's transport; may be empty.
    pub service: &'l [u8],
    /// What happened.
    pub what: What<'l>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What<'l> {
    /// A receiver refused a delivery, for good or for now.
    Refused {
        /// The message's number in the queue; empty where the line does not say.
        message: &'l [u8],
        /// What became of the delivery.
        then: Then,
        /// The receiver's name; may be empty.
        host: &'l [u8],
        /// Its address.
        address: Option<IpAddr>,
        /// The local address of the connection.
        local: Option<IpAddr>,
        /// What it said.
        reply: &'l [u8],
    },
    /// A receiver took a delivery.
    Taken {
        /// The receiver's name.
        host: &'l [u8],
        /// Its address.
        address: Option<IpAddr>,
        /// The local address of the connection.
        local: Option<IpAddr>,
    },
    /// A local address was used, or was to be.
    Left(IpAddr, DepartureKind),
}

/// What became of a delivery that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It failed for good.
    GivenUp,
    /// It is tried again.
    Waits,
    /// The next host was tried: another line tells what became of it.
    NextHost,
}

/// The address that `text` spells.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    let address: IpAddr = text.parse().ok()?;
    Some(address.to_canonical())
}
