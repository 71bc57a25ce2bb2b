//! Questions and records.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::addr::{self, Family};
use crate::name::DomainName;

/// The record types that helolint asks for or meets on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Name of an address.
    Ptr,
    /// Mail exchanger.
    Mx,
    /// Text.
    Txt,
    /// Alias.
    Cname,
    /// Name server.
    Ns,
    /// Start of authority.
    Soa,
}

impl RecordType {
    /// As master files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordType::A => "A",
            RecordType::Aaaa => "AAAA",
            RecordType::Ptr => "PTR",
            RecordType::Mx => "MX",
            RecordType::Txt => "TXT",
            RecordType::Cname => "CNAME",
            RecordType::Ns => "NS",
            RecordType::Soa => "SOA",
        }
    }

    /// The type of a family's address records.
    pub fn address(family: Family) -> RecordType {
        match family {
            Family::Ipv4 => RecordType::A,
            Family::Ipv6 => RecordType::Aaaa,
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One question: a name and a type (class IN).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Question {
    /// The name asked for.
    pub name: DomainName,
    /// The type asked for.
    pub rtype: RecordType,
}

impl Question {
    /// The question for `rtype` at `name`.
    pub fn new(name: &DomainName, rtype: RecordType) -> Question {
        Question { name: name.clone(), rtype }
    }

    /// The question for the PTR records of `addr`.
    pub fn ptr(addr: IpAddr) -> Question {
        Question { name: addr::reverse_name(addr), rtype: RecordType::Ptr }
    }
}

impl fmt::Display for Question {
    /// As evidence and subjects write it: `mail1.example.com. A`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Absolute(&self.name), self.rtype)
    }
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Its owner.
    pub name: DomainName,
    /// Seconds that it may be kept; values over 2^31-1 are zero (RFC 2181 section 8).
    pub ttl: u32,
    /// Type and content.
    pub data: RecordData,
}

impl RecordData {
    /// Whether it is a text that begins as policies of mail do (`v=spf1`, `v=DMARC1`), and most other texts do not.
    pub(crate) fn is_policy_text(&self) -> bool {
        let begins = |text: &String| text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("v="));
        matches!(self, RecordData::Txt(text) if begins(text))
    }

    /// Octets of its text or name: what it takes beside its own size.
    pub(crate) fn octets(&self) -> usize {
        match self {
            RecordData::Txt(text) => text.len(),
            RecordData::Ptr(name) | RecordData::Mx(_, name) | RecordData::Cname(name) | RecordData::Ns(name) => {
                name.as_str().len()
            }
            RecordData::Soa { mname, rname, .. } => mname.as_str().len() + rname.as_str().len(),
            _ => 0,
        }
    }
}

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "UPPERCASE")]
pub enum RecordData {
    /// An address, A.
    A(std::net::Ipv4Addr),
    /// An address, AAAA.
    Aaaa(std::net::Ipv6Addr),
    /// Name of an address.
    Ptr(DomainName),
    /// Preference and exchanger.
    Mx(u16, DomainName),
    /// The strings of one TXT record, joined.
    Txt(String),
    /// The name aliased to.
    Cname(DomainName),
    /// A name server.
    Ns(DomainName),
    /// Primary server, contact, serial, and the negative TTL (the field `minimum`).
    Soa {
        /// Primary server.
        mname: DomainName,
        /// Contact, as a name.
        rname: DomainName,
        /// Serial.
        serial: u32,
        /// Field `minimum`: the negative TTL's bound (RFC 2308).
        minimum: u32,
    },
}

impl RecordData {
    /// Its type.
    pub fn rtype(&self) -> RecordType {
        match self {
            RecordData::A(_) => RecordType::A,
            RecordData::Aaaa(_) => RecordType::Aaaa,
            RecordData::Ptr(_) => RecordType::Ptr,
            RecordData::Mx(..) => RecordType::Mx,
            RecordData::Txt(_) => RecordType::Txt,
            RecordData::Cname(_) => RecordType::Cname,
            RecordData::Ns(_) => RecordType::Ns,
            RecordData::Soa { .. } => RecordType::Soa,
        }
    }

    /// The address of an address record.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            RecordData::A(a) => Some(IpAddr::V4(*a)),
            RecordData::Aaaa(a) => Some(IpAddr::V6(*a)),
            _ => None,
        }
    }

    /// The server that an NS record names.
    pub fn name_server(&self) -> Option<&DomainName> {
        match self {
            RecordData::Ns(name) => Some(name),
            _ => None,
        }
    }

    /// The name that a PTR, MX, CNAME or NS record leads to.
    pub fn target(&self) -> Option<&DomainName> {
        match self {
            RecordData::Ptr(n) | RecordData::Mx(_, n) | RecordData::Cname(n) | RecordData::Ns(n) => Some(n),
            _ => None,
        }
    }
}

impl fmt::Display for RecordData {
    /// As a master file writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordData::A(a) => write!(f, "{a}"),
            RecordData::Aaaa(a) => write!(f, "{a}"),
            RecordData::Ptr(n) | RecordData::Cname(n) | RecordData::Ns(n) => write!(f, "{}", Absolute(n)),
            RecordData::Mx(preference, n) => write!(f, "{preference} {}", Absolute(n)),
            RecordData::Txt(text) => write!(f, "{text:?}"),
            RecordData::Soa { mname, rname, serial, minimum } => {
                write!(f, "{} {} {serial} {minimum}", Absolute(mname), Absolute(rname))
            }
        }
    }
}

/// A name with its final dot; the root, whose text is empty, is that dot alone.
pub(super) struct Absolute<'a>(pub(super) &'a DomainName);

impl fmt::Display for Absolute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Absolute(name) = self;
        write!(f, "{}.", name.as_str())
    }
}
