//! Whether a PTR name was given by a machine rather than chosen: it spells out the address or part of it, a serial of the
//! provider, a pool or a placeholder.
//!
//! Families are told apart, not listed: how an address can be spelled ([`ipv4`], [`ipv6`]), how serials, pools and placeholders
//! are worded ([`shape`]); the data in [`providers`] only adds domains below which every name is automatic, and those of large senders
//! whose outbound names hold an address on purpose. Time is linear in the length of the name.

mod ipv4;
mod ipv6;
mod providers;
mod shape;

use std::net::IpAddr;

use crate::name::DomainName;

/// Longest name that is looked at, in octets: no name of the DNS is longer (RFC 1035 section 3.1).
const NAME_LIMIT: usize = 255;

/// Why `name`, as a PTR name of `addr`, is generic, in words that follow "it"; `None` where it looks chosen.
pub fn why_generic(name: &DomainName, addr: IpAddr) -> Option<String> {
    let text = name.as_str();
    if text.is_empty() || text.len() > NAME_LIMIT || providers::is_sender(name) {
        return None;
    }
    if name.is_within(&DomainName::new("in-addr.arpa")) || name.is_within(&DomainName::new("ip6.arpa")) {
        return Some("is a name of the reverse tree itself".into());
    }
    let spelled = match addr {
        IpAddr::V4(v4) => ipv4::whole(text, v4).or_else(|| ipv4::other(text)),
        IpAddr::V6(v6) => ipv6::spelled(text, v6).or_else(|| ipv4::other(text)),
    };
    if let Some(how) = spelled {
        return Some(match providers::automatic(name).or_else(|| providers::serial(name)) {
            Some(who) => format!("{how} (the default at {who})"),
            None => how,
        });
    }
    let host = host_part(name);
    if let Some(why) = automatic(name, host) {
        return Some(why);
    }
    let part = match addr {
        IpAddr::V4(v4) => ipv4::part(if host.is_empty() { text } else { host }, v4),
        IpAddr::V6(_) => None,
    };
    part.or_else(|| if host.is_empty() { shape::bare_serial(text) } else { shape::serial(host) })
}

/// Why `name` is an automatic host name, whatever its address: a provider's or panel's default, or a placeholder; in words that follow "it".
pub fn why_automatic(name: &DomainName) -> Option<String> {
    let text = name.as_str();
    if text.is_empty() || text.len() > NAME_LIMIT || providers::is_sender(name) {
        return None;
    }
    automatic(name, host_part(name))
}

fn automatic(name: &DomainName, host: &str) -> Option<String> {
    if let Some(why) = shape::placeholder(name, host) {
        return Some(why);
    }
    if shape::is_role_alone(host) {
        return None;
    }
    if let Some(who) = providers::automatic(name) {
        return Some(format!("is an automatic name of {who}"));
    }
    let digits = host.split('.').next().unwrap_or("").bytes().filter(u8::is_ascii_digit).count();
    match providers::serial(name) {
        Some(who) if digits >= 2 && !shape::has_role(host.split('.').next().unwrap_or("")) => {
            Some(format!("is a serial of {who}"))
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
