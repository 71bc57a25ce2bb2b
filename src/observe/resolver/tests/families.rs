//! Both families, hosts without resolvers, and the address that the outside sees.

use std::net::Ipv6Addr;

use hickory_proto::rr::rdata::TXT;

use super::discover::{self, Service};
use super::*;
use crate::facts::Fact;
use crate::facts::Origin;

#[test]
fn a_resolver_is_asked_by_its_ipv6_address() {
    let Ok(udp) = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return; // A machine without IPv6.
    };
    let address = udp.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            for packet in healthy(&query(&buffer[..length], Some(from))) {
                udp.send_to(&packet, from).unwrap();
            }
        }
    });
    let mut options = options(&[]);
    options.resolvers.push(resolver("six", address));
    assert_eq!(ask(&host(), &options).iprev(addr("192.0.2.10")), Iprev::Pass);
}

#[test]
fn a_host_with_ipv6_alone_asks_public_resolvers_over_it() {
    let mut facts = host();
    facts.host.source = crate::facts::KernelSource { known: true, ipv4: None, ipv6: "2001:db8::10".parse().ok() };
    let all = default_resolvers_of(&facts);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|spec| spec.server.is_ipv6()));
    // Without a kernel to ask, IPv4 is supposed.
    facts.host.source.known = false;
    assert!(default_resolvers_of(&facts).iter().all(|spec| spec.server.is_ipv4()));
}

#[test]
fn resolvers_of_resolv_conf_are_asked_each_for_itself_this_host_included() {
    let mut facts = host();
    let own = |text: &str| Fact::new(addr(text), Origin::kernel("test"));
    facts.host.nameservers = ["127.0.0.53", "::1", "127.0.0.53", "192.0.2.1", "192.0.2.2"].map(own).to_vec();
    let all = default_resolvers_of(&facts);
    let system: Vec<String> = all
        .iter()
        .filter(|spec| spec.kind == VantageKind::System)
        .map(|spec| format!("{} {}", spec.name, spec.server))
        .collect();
    assert_eq!(system, ["system 127.0.0.53:53", "system2 [::1]:53", "system3 192.0.2.1:53"]);
}

#[test]
fn a_world_of_private_resolvers_is_a_test_network() {
    let with = |servers: &[&str]| {
        let all = servers.iter().map(|server| resolver("r", SocketAddr::new(addr(server), PORT))).collect();
        Options { resolvers: all, ..options(&[]) }.sees_the_public_dns()
    };
    assert!(Options::new(&[], false).sees_the_public_dns());
    assert!(with(&["127.0.0.53", "9.9.9.9"]) && with(&["::1", "2620:fe::fe"]));
    assert!(!with(&["127.0.0.1"]) && !with(&["10.0.0.53", "fd00::53", "::1"]));
}

#[test]
fn nobody_to_ask_leaves_all_open() {
    let dns = ask(&host(), &options(&[]));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::TempError);
    assert_eq!(dns.summary().answered, 0);
}

/// A service that sees `seen` of everybody.
fn sees(host: u8, seen: &'static str) -> (TestServer, Service) {
    let server = serve(host, 0, move |q| {
        vec![q.reply(|m| {
            m.add_answer(match q.rtype {
                Type::TXT => record(&q.name, RData::TXT(TXT::new(vec![seen.to_owned()]))),
                _ => record(&q.name, RData::A(A(seen.parse().unwrap()))),
            });
        })]
    });
    let rtype = if host == 1 { RecordType::Txt } else { RecordType::A };
    let question = Question::new(&DomainName::new("whoami.example"), rtype);
    let service = Service { name: format!("s{host}"), server: server.address, question };
    (server, service)
}

#[test]
fn the_outside_address_is_what_two_services_see() {
    let seen = |all: &[(u8, &'static str)]| {
        let (servers, mut services): (Vec<_>, Vec<_>) = all.iter().map(|(host, seen)| sees(*host, seen)).unzip();
        let silent = serve(9, 0, |_| Vec::new());
        services.push(Service { name: "silent".into(), server: silent.address, ..services[0].clone() });
        let found = discover::public_address(addr("127.0.0.1"), &services, Duration::from_millis(800));
        drop(servers);
        found
    };
    assert_eq!(seen(&[(1, "203.0.113.5"), (2, "203.0.113.5")]).agreed(), Some(addr("203.0.113.5")));
    assert_eq!(seen(&[(1, "203.0.113.5"), (2, "203.0.113.6")]).agreed(), None);
    // Behind two NATs a service of the inner network may see a private address: it is none.
    let private = seen(&[(1, "10.0.0.1"), (2, "10.0.0.1")]);
    assert_eq!(private.agreed(), None);
    assert!(matches!(private.said[0].1, Err(Why::Malformed(_))));
    assert_eq!(private.said[2], ("silent".into(), Err(Why::Timeout)));
}

#[test]
fn an_address_that_is_not_this_hosts_is_not_asked_from() {
    let (_server, service) = sees(2, "203.0.113.5");
    let found = discover::public_address(addr("192.0.2.77"), &[service], Duration::from_secs(2));
    assert!(matches!(found.said[0].1, Err(Why::Unreachable(_))), "{found:?}");
}
