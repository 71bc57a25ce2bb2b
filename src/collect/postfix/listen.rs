//! Where the master listens: it opens every socket of master.cf when it starts, and ends at the first that it cannot open.

use std::net::IpAddr;

use super::environment::Environment;
use super::master_cf::{Entry, MasterCf};
use super::ports;
use super::services::Services;
use crate::facts::Refusal;

/// What ends the master among the addresses and ports of its `inet` services, in its words. `deaf`: `inet_interfaces` is empty, so
/// that an entry without an address has none to listen on.
pub(crate) fn refusal(
    master: &MasterCf,
    offered: &Services<'_>,
    ports: &ports::Services,
    env: &Environment<'_>,
    deaf: bool,
) -> Option<Refusal> {
    let listening = master.live().filter(|entry| entry.kind() == "inet" && !offered.is_disabled(entry));
    listening.into_iter().find_map(|entry| {
        let message = of_entry(entry, ports, env).or_else(|| of_none(entry).filter(|_| deaf))?;
        Some(Refusal { message, origin: entry.span.clone().into() })
    })
}

/// Whether one of the `inet` services answers at a port, at whichever address.
pub(crate) fn answers(master: &MasterCf, offered: &Services<'_>, ports: &ports::Services, port: u16) -> bool {
    let mut listening = master.live().filter(|entry| entry.kind() == "inet" && !offered.is_disabled(entry));
    listening.any(|entry| {
        let name = entry.name().rsplit([':', ']']).next().unwrap_or_default();
        name.parse().ok().or_else(|| ports.port(name)) == Some(port)
    })
}

fn of_none(entry: &Entry) -> Option<String> {
    let name = entry.name();
    let at = || format!("{}: line {}", entry.span.path(), entry.span.position().line);
    (!name.trim_start_matches(':').contains(':')).then(|| format!("{}: no valid IP address found: {name}", at()))
}

fn of_entry(entry: &Entry, ports: &ports::Services, env: &Environment<'_>) -> Option<String> {
    let name = entry.name();
    let (host, port) = match name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')?),
        None => match name.rsplit_once(':') {
            // An address without brackets: which of its colons is meant is Postfix's affair.
            Some((host, _)) if host.contains(':') => return None,
            Some((host, port)) => (host, port),
            None => ("", name),
        },
    };
    let number = if port.starts_with(|c: char| c.is_ascii_digit()) {
        if port.bytes().any(|byte| !byte.is_ascii_digit()) {
            let at = format!("{}: line {}", entry.span.path(), entry.span.position().line);
            return Some(format!("{at}: garbage after numerical service in \"{name}\""));
        }
        port.to_owned()
    } else {
        match ports.port(port) {
            Some(known) => known.to_string(),
            None if ports.are_all() => {
                let shown = if host.is_empty() { "0.0.0.0" } else { host };
                return Some(format!("{shown}:{port}: Servname not supported for ai_socktype"));
            }
            None => port.to_owned(),
        }
    };
    let address: IpAddr = host.parse().ok()?;
    let [v4, v6] = env.nonlocal_bind;
    let anywhere = if address.is_ipv4() { v4 } else { v6 };
    // Every host has the loopback addresses, whether its list names them or not.
    let everywhere = address.is_unspecified() || address.is_loopback();
    let absent = !anywhere && !everywhere && env.is_local(address) == Some(false);
    absent.then(|| format!("bind {address} port {number}: Cannot assign requested address"))
}
