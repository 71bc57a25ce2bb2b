//! Whether a PTR name was given by a machine rather than chosen: it spells out the address or part of it, a serial of the
//! provider, a pool or a placeholder.
//!
//! Families are told apart, not listed: how an address can be spelled (`ipv4`, `ipv6`), how serials, pools and placeholders
//! are worded (`shape`); the data in `providers` only adds domains below which every name is automatic, and those of large senders
//! whose outbound names hold an address on purpose. Time is linear in the length of the name.

mod ipv4;
mod ipv6;
mod providers;
mod shape;
mod spelling;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

pub use spelling::{Order, Separator, Spelling};

use crate::name::DomainName;

/// Longest name that is looked at, in octets: no name of the DNS is longer (RFC 1035 section 3.1).
const NAME_LIMIT: usize = 255;

/// What shows that nobody chose a name. In text: words that follow "it".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Generic {
    /// It lies in the reverse tree itself.
    ReverseTree,
    /// It spells the address.
    Spells {
        /// How.
        spelling: Spelling,
        /// The provider that gives such names by default.
        default_at: Option<&'static str>,
    },
    /// Every name below that domain of a provider or panel is automatic.
    Automatic(&'static str),
    /// It is numbered below the domain of a provider.
    ProviderSerial(&'static str),
    /// The public DNS holds no such name.
    Private,
    /// A placeholder that denies what it stands for, such as `no-ptr`.
    SaysUnset,
    /// The name that images of machines have.
    Image,
    /// Another placeholder: this label.
    Placeholder(String),
    /// It opens with words such as `hosted-by`.
    NamesProvider,
    /// It tells processors and memory.
    MachineSize,
    /// What an installer calls a machine.
    Installed,
    /// This part describes a range of addresses.
    Range(String),
    /// A UUID.
    Uuid,
    /// A number and this word for an access line.
    AccessLine(String),
    /// A number in an access network, by this word.
    AccessSerial(String),
    /// A number in a pool, by this word.
    PoolSerial(String),
    /// A long number.
    SerialNumber,
    /// A long hexadecimal number.
    HexadecimalSerial,
    /// Digits and nothing else.
    NumberAlone,
    /// A word for any machine and a number.
    MachineSerial,
}

impl Generic {
    /// Whether the name holds the whole address for all to read.
    pub fn spells_address(&self) -> bool {
        matches!(self, Generic::Spells { spelling, .. } if spelling.is_whole())
    }
}

impl From<Spelling> for Generic {
    fn from(spelling: Spelling) -> Generic {
        Generic::Spells { spelling, default_at: None }
    }
}

impl fmt::Display for Generic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Generic::ReverseTree => f.write_str("is a name of the reverse tree itself"),
            Generic::Spells { spelling, default_at: None } => spelling.fmt(f),
            Generic::Spells { spelling, default_at: Some(who) } => write!(f, "{spelling} (the default at {who})"),
            Generic::Automatic(who) => write!(f, "is an automatic name of {who}"),
            Generic::ProviderSerial(who) => write!(f, "is a serial of {who}"),
            Generic::Private => f.write_str("is a placeholder: the public DNS holds no such name"),
            Generic::SaysUnset => f.write_str("is a placeholder that says that nobody set a name"),
            Generic::Image => f.write_str("is the name of an image"),
            Generic::Placeholder(label) => write!(f, "is a placeholder (`{label}`)"),
            Generic::NamesProvider => f.write_str("names the provider instead of the machine"),
            Generic::MachineSize => f.write_str("is the name that a cloud gives a machine by its size"),
            Generic::Installed => f.write_str("is what an installer calls a machine"),
            Generic::Range(part) => write!(f, "describes a range of addresses (`{part}`), no machine"),
            Generic::Uuid => f.write_str("is the identifier of a machine (a UUID)"),
            Generic::AccessLine(word) => write!(f, "numbers an access line (`{word}`)"),
            Generic::AccessSerial(word) => write!(f, "is a serial in an access network (`{word}`)"),
            Generic::PoolSerial(word) => write!(f, "is a serial in a pool (`{word}`)"),
            Generic::SerialNumber => f.write_str("is a serial number"),
            Generic::HexadecimalSerial => f.write_str("is a serial in hexadecimal"),
            Generic::NumberAlone => f.write_str("is a number alone"),
            Generic::MachineSerial => f.write_str("is a word for any machine and a serial"),
        }
    }
}

/// Names whose kinds are kept: those of one host's addresses. Rules, receivers and each trial of a plan ask for the same few.
const KEPT: usize = 256;

thread_local! {
    /// What was found of the last names.
    static KNOWN: RefCell<HashMap<(DomainName, IpAddr), Option<Generic>>> = RefCell::default();
}

/// Why `name`, as a PTR name of `addr`, is generic; `None` where it looks chosen.
pub fn why_generic(name: &DomainName, addr: IpAddr) -> Option<Generic> {
    let key = (name.clone(), addr);
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&key).cloned()) {
        return known;
    }
    let why = classified(name, addr);
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, why.clone());
    });
    why
}

fn classified(name: &DomainName, addr: IpAddr) -> Option<Generic> {
    let text = name.as_str();
    if text.is_empty() || text.len() > NAME_LIMIT || providers::is_sender(name) {
        return None;
    }
    if name.is_within(&DomainName::new("in-addr.arpa")) || name.is_within(&DomainName::new("ip6.arpa")) {
        return Some(Generic::ReverseTree);
    }
    let spelled = match addr {
        IpAddr::V4(v4) => ipv4::whole(text, v4).or_else(|| ipv4::other(text)),
        IpAddr::V6(v6) => ipv6::spelled(text, v6).or_else(|| ipv4::other(text)),
    };
    if let Some(spelling) = spelled {
        let default_at = providers::automatic(name).or_else(|| providers::serial(name));
        return Some(Generic::Spells { spelling, default_at });
    }
    let host = host_part(name);
    if let Some(why) = automatic(name, host) {
        return Some(why);
    }
    let part = match addr {
        IpAddr::V4(v4) => ipv4::part(if host.is_empty() { text } else { host }, v4),
        IpAddr::V6(_) => None,
    };
    part.map(Generic::from).or_else(|| if host.is_empty() { shape::bare_serial(text) } else { shape::serial(host) })
}

/// Why `name` is an automatic host name, whatever its address: a provider's or panel's default, or a placeholder.
pub fn why_automatic(name: &DomainName) -> Option<Generic> {
    let text = name.as_str();
    if text.is_empty() || text.len() > NAME_LIMIT || providers::is_sender(name) {
        return None;
    }
    automatic(name, host_part(name))
}

fn automatic(name: &DomainName, host: &str) -> Option<Generic> {
    if let Some(why) = shape::placeholder(name, host) {
        return Some(why);
    }
    if shape::is_role_alone(host) {
        return None;
    }
    if let Some(who) = providers::automatic(name) {
        return Some(Generic::Automatic(who));
    }
    let digits = host.split('.').next().unwrap_or("").bytes().filter(u8::is_ascii_digit).count();
    match providers::serial(name) {
        Some(who) if digits >= 2 && !shape::has_role(host.split('.').next().unwrap_or("")) => {
            Some(Generic::ProviderSerial(who))
        }
        _ => None,
    }
}

/// The labels left of the domain that somebody registered; the whole name where nothing was registered (one label, a public suffix).
/// Domains below which customers of a provider register (the private part of the public suffix list) are not counted as registered.
fn host_part(name: &DomainName) -> &str {
    let text = name.as_str();
    let registered = match psl::suffix(text.as_bytes()) {
        Some(suffix) if suffix.typ() == Some(psl::Type::Private) => {
            let mut dots = text.rmatch_indices('.').map(|(at, _)| at + 1);
            let _ = dots.next();
            dots.next().map(|at| text.len() - at)
        }
        _ => psl::domain_str(text).map(str::len),
    };
    match registered {
        Some(length) if length < text.len() => text.get(..text.len() - length - 1).unwrap_or(text),
        Some(_) => "",
        None => text,
    }
}

#[cfg(test)]
mod tests;
