//! Connections to this host's own mail servers, made while there is the right to, and what is said on them later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::addr::{self, Family};
use crate::collect::root::Root;
use crate::collect::{kernel, key_pairs, listeners};
use crate::facts::{Conversation, Facts, Fault, Host, Listener, Served, Server};
use crate::identity;
use crate::name::DomainName;
use crate::observe::Observations;
use crate::observe::smtp::{self, Call, Calls, Depth, Manners, Wanted};
use crate::process;
use crate::tls::Roots;

/// Servers that are connected to.
const SERVERS: usize = 16;
/// Names of this host that certificates are asked for, beside the one that its address has in the DNS. A conversation is held for each.
const NAMES: usize = 3;
/// How long connections to this host itself may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long all conversations take at the most, those for names that the DNS tells among them.
pub(super) const TIME: Duration = Duration::from_secs(60);

/// What is ready to be said.
pub(super) struct Prepared {
    servers: Vec<Ready>,
    served: Served,
    names: Vec<DomainName>,
    manners: Manners,
}

/// Connections to one server.
struct Ready {
    calls: Calls,
    /// For a name that only the DNS tells: made already, since later nobody may.
    spare: Option<Call>,
}

/// Connections for names that the DNS tells.
pub(super) struct Spares {
    /// With the place of the server.
    calls: Vec<(usize, Call)>,
    names: Vec<DomainName>,
    manners: Manners,
}

/// Connects to the servers that the configuration tells of, as far as they are on this host. Reads nothing from them. `asks`: whether
/// the DNS is asked afterwards.
pub(super) fn prepare(root: &Root, facts: &Facts, asks: bool) -> Prepared {
    let (targets, left_out) = targets(&facts.host, listeners::listeners(root, facts));
    let pairs = key_pairs::key_pairs(root, facts);
    let mut prepared = connected(targets, names(facts), asks, Roots::of_the_system());
    (prepared.served.left_out, prepared.served.pairs) = (left_out, pairs);
    prepared
}

/// Connects to `targets`, for these names of the host.
fn connected(targets: Vec<(Listener, SocketAddr)>, names: Vec<DomainName>, asks: bool, roots: Roots) -> Prepared {
    let now = process::now().as_second();
    let own_name = names.first().map_or_else(|| "[127.0.0.1]".to_owned(), ToString::to_string);
    let listening = kernel::listening();
    let plans: Vec<Vec<(Depth, Option<String>)>> =
        (0..targets.len()).map(|at| plan(&targets, at, &names, asks)).collect();
    let to = |(target, plan): (&(Listener, SocketAddr), &Vec<_>)| vec![Wanted { from: None, to: target.1 }; plan.len()];
    let wanted: Vec<Wanted> = targets.iter().zip(&plans).flat_map(to).collect();
    let mut made = smtp::connect(&wanted, PATIENCE).into_iter();
    let mut servers = Vec::new();
    for ((listener, _), plan) in targets.iter().zip(plans) {
        let is_one = plan.len() == 1;
        let mut calls: Calls = plan
            .into_iter()
            .map(|(depth, name)| Call { connection: made.next().unwrap_or(Err(Fault::LeftOut)), depth, name })
            .collect();
        if listener.proxied {
            calls = vec![Call { connection: Err(Fault::Proxied), depth: Depth::Greeting, name: None }];
        }
        let spare = if asks && !is_one && !listener.proxied { calls.pop() } else { None };
        servers.push(Ready { calls, spare });
    }
    let said = targets.into_iter().map(|(listener, asked)| {
        let listening = listening.as_ref().map(|all| kernel::is_open(all, asked));
        Server { listener, asked, listening, conversations: Vec::new() }
    });
    let served = Served { at: now, servers: said.collect(), ..Served::default() };
    Prepared { servers, served, names, manners: Manners::new(own_name, roots, now) }
}

/// The connections to one of `targets`: without a name, and, where it is the first of its service that others reach, one for each name and one
/// to spare.
fn plan(
    targets: &[(Listener, SocketAddr)],
    at: usize,
    names: &[DomainName],
    asks: bool,
) -> Vec<(Depth, Option<String>)> {
    let Some((listener, _)) = targets.get(at) else { return Vec::new() };
    let depth = if listener.wrapped { Depth::Wrapped } else { Depth::Whole };
    let mut plan = vec![(depth, None)];
    if listener.proxied {
        return Vec::new();
    }
    let same = |(other, _): &(Listener, SocketAddr)| {
        (other.mta, &other.service, other.port) == (listener.mta, &listener.service, listener.port)
            && !other.is_for_this_host()
    };
    if !listener.is_for_this_host() && targets.iter().position(same) == Some(at) {
        plan.extend(names.iter().map(|name| (depth, Some(name.to_string()))));
        if asks {
            plan.push((depth, None));
        }
    }
    plan
}

/// The names of this host that do not come from the DNS, that of its first HELO first.
fn names(facts: &Facts) -> Vec<DomainName> {
    let helo = facts.paths.iter().filter_map(identity::helo_name).map(|name| name.name);
    let own = identity::own_names(facts).into_iter().map(|(_, name)| name.value);
    let host = identity::host_or_node_name(facts).map(|name| name.value);
    let mut names: Vec<DomainName> = Vec::new();
    for name in helo.chain(own).chain(host).filter(|name| name.is_host_name() && name.is_qualified()) {
        if names.len() < NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Where each socket is connected to, each place once, and how many more there are. An address that is not on this host is nobody's.
fn targets(host: &Host, listeners: Vec<Listener>) -> (Vec<(Listener, SocketAddr)>, usize) {
    let mut targets: Vec<(Listener, SocketAddr)> = Vec::new();
    let mut left_out = 0;
    for listener in listeners {
        let address = match listener.address.is_unspecified() {
            true => main_address(host, Family::from(listener.address)),
            false => Some(listener.address),
        };
        let is_ours = |address: &IpAddr| {
            (address.is_loopback() || host.has_address(*address) == Some(true)) && !addr::is_link_local(*address)
        };
        let Some(address) = address.filter(is_ours) else { continue };
        let asked = SocketAddr::new(address, listener.port);
        if targets.iter().any(|(_, known)| *known == asked) {
            continue;
        }
        if targets.len() == SERVERS {
            left_out += 1;
        } else {
            targets.push((listener, asked));
        }
    }
    (targets, left_out)
}

/// The address that stands for all of a family: the one that mail comes from, else any, else loopback; `None` where the host does not have the
/// family.
fn main_address(host: &Host, family: Family) -> Option<IpAddr> {
    let own = |address: &IpAddr| host.has_address(*address) == Some(true);
    let source = host.source.for_family(family).filter(own);
    let other = || {
        let usable = host.own_addresses().filter(|one| one.usable() && Family::from(one.address) == family);
        usable.map(|one| one.address).next()
    };
    let loopback: IpAddr = match family {
        Family::Ipv4 => Ipv4Addr::LOCALHOST.into(),
        Family::Ipv6 => Ipv6Addr::LOCALHOST.into(),
    };
    source.or_else(other).or_else(|| Some(loopback).filter(|address| family == Family::Ipv4 || own(address)))
}

impl Prepared {
    /// Holds the conversations; what is left are those for names that the DNS tells.
    pub(super) fn talk(self) -> (Served, Spares) {
        let Prepared { servers, mut served, names, manners } = self;
        let (calls, spares): (Vec<Calls>, Vec<Option<Call>>) =
            servers.into_iter().map(|ready| (ready.calls, ready.spare)).unzip();
        for (server, said) in served.servers.iter_mut().zip(smtp::hold(calls, &manners)) {
            server.conversations = said.into_iter().filter(is_worth_keeping).collect();
        }
        let spares = spares.into_iter().enumerate().filter_map(|(at, spare)| Some((at, spare?)));
        (served, Spares { calls: spares.collect(), names, manners })
    }
}

/// What was said without a server name, and with one where that led to anything.
fn is_worth_keeping(said: &Conversation) -> bool {
    said.name.is_none() || said.tls.is_some() || said.fault.is_some()
}

impl Spares {
    /// Asks for the certificate of the first name that nobody was asked for yet: the host name that the C library told since, or one that
    /// an address of this host has in the DNS. Where there is none, or no TLS, it takes its leave.
    pub(super) fn talk(self, facts: &mut Facts, dns: &Observations) {
        let Spares { calls, names, manners } = self;
        let Some(served) = &facts.served else { return };
        let sending = facts.paths.iter().filter_map(|path| path.sending.as_ref());
        let ptr = sending.flat_map(|address| dns.ptr(address.value).found().to_vec());
        let host = identity::host_or_node_name(facts).map(|name| name.value);
        let mut found = host.into_iter().chain(ptr);
        let name = found.find(|name| name.is_host_name() && name.is_qualified() && !names.contains(name));
        let mut served = Served::clone(served);
        let mut places = Vec::new();
        let all: Vec<Calls> = calls
            .into_iter()
            .map(|(at, mut call)| {
                let plain = served.servers.get(at).and_then(Server::plain);
                let has_tls = plain.is_some_and(|said| said.tls.is_some());
                call.name = name.as_ref().filter(|_| has_tls).map(ToString::to_string);
                if call.name.is_none() && call.depth == Depth::Whole {
                    call.depth = Depth::Greeting;
                }
                places.push(at);
                vec![call]
            })
            .collect();
        for (at, said) in places.into_iter().zip(smtp::hold(all, &manners)) {
            let named = said.into_iter().filter(|said| said.name.is_some() && is_worth_keeping(said));
            if let Some(server) = served.servers.get_mut(at) {
                server.conversations.extend(named);
            }
        }
        facts.served = Some(Arc::new(served));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{InterfaceAddress, Mta, Origin};

    fn host(addresses: &[&str]) -> Host {
        let on = |address: &&str| InterfaceAddress {
            interface: "eth0".into(),
            address: address.parse().unwrap(),
            prefix_length: None,
            flags: Vec::new(),
        };
        Host { addresses: Some(addresses.iter().map(on).collect()), ..Host::unknown("test") }
    }

    fn listener(address: &str, port: u16) -> Listener {
        Listener {
            mta: Mta::Postfix,
            service: port.to_string(),
            address: address.parse().unwrap(),
            port,
            wrapped: port == 465,
            proxied: false,
            name: None,
            origin: Origin::kernel("test"),
        }
    }

    #[test]
    fn only_addresses_of_this_host_are_connected_to() {
        let host = host(&["127.0.0.1", "203.0.113.10", "fe80::1"]);
        let all = ["0.0.0.0", "127.0.0.1", "203.0.113.10", "198.51.100.7", "::", "::1", "fe80::1", "127.0.0.9"];
        let (targets, left_out) = targets(&host, all.map(|address| listener(address, 25)).into());
        let asked: Vec<String> = targets.iter().map(|(_, asked)| asked.to_string()).collect();
        assert_eq!(asked, ["203.0.113.10:25", "127.0.0.1:25", "[::1]:25", "127.0.0.9:25"]);
        assert_eq!(left_out, 0);
        let unknown = Host::unknown("test");
        assert_eq!(super::targets(&unknown, vec![listener("203.0.113.10", 25)]).0, []);
        assert_eq!(super::targets(&unknown, vec![listener("0.0.0.0", 25)]).0.len(), 1, "loopback is always there");
    }

    #[test]
    fn the_number_of_connections_is_bounded() {
        let host = host(&["203.0.113.10"]);
        let many = (1..=40).map(|port| listener("0.0.0.0", port)).collect();
        let (targets, left_out) = targets(&host, many);
        assert_eq!((targets.len(), left_out), (SERVERS, 40 - SERVERS));
        let names = ["a.example.com", "b.example.com", "c.example.com"].map(DomainName::new);
        assert_eq!(names.len(), NAMES);
        let all: usize = (0..targets.len()).map(|at| plan(&targets, at, &names, true).len()).sum();
        assert_eq!(all, SERVERS * (NAMES + 2));
    }

    #[test]
    fn names_are_asked_for_where_others_connect_and_once_for_a_service() {
        let place = |listener: Listener| (listener.clone(), SocketAddr::new(listener.address, listener.port));
        let proxied = Listener { proxied: true, ..listener("203.0.113.10", 26) };
        let targets = [
            listener("127.0.0.1", 25),
            listener("203.0.113.10", 25),
            listener("2001:db8::1", 25),
            listener("203.0.113.10", 465),
            proxied,
        ]
        .map(place);
        let name = [DomainName::new("mail.example.com")];
        let counts = |asks| (0..5).map(|at| plan(&targets, at, &name, asks).len()).collect::<Vec<_>>();
        assert_eq!((counts(true), counts(false)), (vec![1, 3, 1, 3, 0], vec![1, 2, 1, 2, 0]));
        let wrapped = plan(&targets, 3, &name, true);
        assert!(wrapped.iter().all(|(depth, _)| *depth == Depth::Wrapped));
    }

    /// A server in plain text that takes so many connections; what clients said to it.
    fn server(connections: usize) -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
        use std::io::{BufRead, BufReader, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(connections) {
                let (mut stream, tell) = (stream.unwrap(), tell.clone());
                std::thread::spawn(move || {
                    stream.write_all(b"220 mail.example.com ESMTP\r\n").unwrap();
                    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                        let line = line.unwrap();
                        let reply: &[u8] = if line == "QUIT" { b"221 bye\r\n" } else { b"250 mail.example.com\r\n" };
                        stream.write_all(reply).unwrap();
                        tell.send(line).unwrap();
                    }
                });
            }
        });
        (address, heard)
    }

    #[test]
    fn what_a_server_says_and_a_spare_connection_that_takes_its_leave() {
        let (address, heard) = server(3);
        // Nobody else reaches loopback: as if it were another address.
        let mut reached = listener("192.0.2.10", address.port());
        reached.address = Ipv4Addr::UNSPECIFIED.into();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let targets = vec![(reached, address), (listener("127.0.0.1", closed.port()), closed)];
        let name = DomainName::new("mail.example.com");
        let prepared = connected(targets, vec![name], true, Roots::new([]));
        let (served, spares) = prepared.talk();
        assert_eq!(spares.calls.len(), 1);
        let mut facts = Facts::new(Host::unknown("test"));
        facts.served = Some(Arc::new(served));
        spares.talk(&mut facts, &Observations::offline());
        let served = facts.served.unwrap();
        let [open, shut] = served.servers.as_slice() else { panic!("{served:?}") };
        assert_eq!(open.conversations.len(), 1, "without TLS no other name is told of");
        let said = open.plain().unwrap();
        assert_eq!((said.ehlo.as_ref().unwrap().name(), &said.fault), (Some("mail.example.com"), &None));
        assert_eq!(shut.plain().unwrap().fault, Some(Fault::Refused));
        if let (Some(one), Some(other)) = (open.listening, shut.listening) {
            assert!(one && !other);
        }
        let mut lines: Vec<String> = heard.iter().collect();
        lines.sort();
        assert_eq!(lines, ["EHLO mail.example.com", "QUIT", "QUIT", "QUIT"]);
    }
}
