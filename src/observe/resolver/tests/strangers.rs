//! Domains whose servers mean harm, among others.

use std::collections::HashMap;
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket, sockopt::ReuseAddr};

use super::*;
use crate::observe::Observations;

/// A socket that others may have their own of on single addresses.
fn shared_socket(host: Ipv4Addr, port: u16) -> UdpSocket {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::empty(), None).unwrap();
    setsockopt(&socket, ReuseAddr, &true).unwrap();
    bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(host, port))).unwrap();
    UdpSocket::from(socket)
}

/// Answers what is asked there, until the end of the test.
fn answer(socket: UdpSocket, respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + 'static) {
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            for packet in respond(&query(&buffer[..length], Some(from))) {
                let _ = socket.send_to(&packet, from);
            }
        }
    });
}

#[derive(Default)]
struct Asks {
    next: Vec<Question>,
    said: HashMap<Question, Observations>,
    order: Vec<Question>,
}

impl Client for Asks {
    fn next(&mut self) -> Option<Question> {
        self.next.pop()
    }

    fn answered(&mut self, question: &Question, dns: &Observations) {
        self.order.push(question.clone());
        self.said.insert(question.clone(), dns.clone());
    }

    fn pause(&mut self) {}
}

/// Domains with silent servers, and how many each has.
const BAD: u8 = 60;
const SERVERS: u8 = 20;
/// Domains with two servers of their own each.
const GOOD: u8 = 20;

/// The number in `bad7.example`, `ns3.bad7.example` and the like.
fn number(name: &str, before: &str) -> Option<u8> {
    name.trim_end_matches(".example.").rsplit('.').next()?.strip_prefix(before)?.parse().ok()
}

#[test]
fn domains_with_silent_servers_keep_nobody_else_waiting() {
    let silent = shared_socket(Ipv4Addr::UNSPECIFIED, 0);
    let port = silent.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(HashSet::new()));
    for n in 0..GOOD {
        for server in [1, 2] {
            let says = |query: &Query| {
                vec![query.reply(|m| {
                    m.metadata.authoritative = true;
                    match query.rtype {
                        Type::TXT => drop(m.add_answer(record(&query.name, RData::TXT(TXT::new(vec!["own".into()]))))),
                        _ => drop(m.add_authority(soa(&query.name, 1))),
                    }
                })]
            };
            answer(shared_socket(Ipv4Addr::new(127, 2, n, server), port), says);
        }
    }
    // What none of these has gets here, and no further.
    let kept = Arc::clone(&asked);
    answer(silent, move |query| {
        kept.lock().unwrap().insert((query.name.clone(), query.message.metadata.id));
        Vec::new()
    });
    let resolver = serve(1, 0, |query| {
        let (bad, good) = (number(&query.name, "bad"), number(&query.name, "good"));
        let is_zone = query.name.matches('.').count() == 2;
        let server = query.name.split('.').next().and_then(|label| label.strip_prefix("ns")?.parse::<u8>().ok());
        vec![query.reply(|m| match (query.rtype, server) {
            (Type::NS, None) if is_zone && (bad.is_some() || good.is_some()) => {
                for n in 1..=if bad.is_some() { 10 } else { 2 } {
                    m.add_answer(record(&query.name, RData::NS(NS(name(&format!("ns{n}.{}", query.name))))));
                }
            }
            // Each name of a bad domain's servers has two addresses.
            (Type::A, Some(n)) => match (bad, good) {
                (Some(bad), _) => [n, n + 10].into_iter().for_each(|n| {
                    m.add_answer(record(&query.name, RData::A(A::new(127, 1, bad, n))));
                }),
                (None, Some(good)) => drop(m.add_answer(record(&query.name, RData::A(A::new(127, 2, good, n))))),
                _ => {}
            },
            (Type::TXT, _) => drop(m.add_answer(record(&query.name, RData::TXT(TXT::new(vec!["cached".into()]))))),
            _ => drop(m.add_authority(soa("example.", 1))),
        })]
    });
    let mut options = options(&[&resolver]);
    (options.authoritative, options.authoritative_port) = (true, port);
    let txt = |text: String| Question::new(&DomainName::new(&text), RecordType::Txt);
    let mut asks = Asks::default();
    // Popped from the end: the bad ones first, two questions of each.
    asks.next.extend((0..GOOD).map(|n| txt(format!("good{n}.example"))));
    asks.next.extend((0..BAD).map(|n| txt(format!("_dmarc.bad{n}.example"))));
    asks.next.extend((0..BAD).map(|n| txt(format!("bad{n}.example"))));
    let began = std::time::Instant::now();
    let patience = Duration::from_secs(1);
    stream(&options, &Manners::new(None, BTreeSet::new(), patience), &mut asks);
    // Twelve hundred silent servers, 128 at one time, would take ten times the patience; so would they again for what had to wait.
    assert!(began.elapsed() < 10 * patience, "{:?}", began.elapsed());
    let (mut last_good, mut refused) = (0, 0);
    for (question, dns) in &asks.said {
        let replies = &dns.replies[question];
        if number(&format!("{}.", question.name), "good").is_some() {
            assert_eq!(dns.truth(question).kind, Some(VantageKind::Authoritative), "{question} {replies:?}");
            last_good = last_good.max(asks.order.iter().position(|other| other == question).unwrap());
        } else {
            assert!(replies.iter().any(|reply| matches!(reply.outcome, Outcome::Answer(_))), "the resolver's");
            refused += replies.iter().filter(|r| r.outcome == Outcome::Unanswered(Why::PacketLimit)).count();
        }
    }
    assert_eq!(asks.said.len(), usize::from(GOOD) + 2 * usize::from(BAD));
    assert!(refused > 5 * usize::from(BAD), "what was not asked is said to be that: {refused}");
    assert!(last_good < asks.order.len() / 2, "no good domain waited for the bad ones: {last_good}");
    // Of the twenty servers of each, a few were asked each of its questions (TXT of two names, NS), again and again.
    let asked = asked.lock().unwrap().len();
    assert!(asked < usize::from(BAD) * usize::from(SERVERS) * 2, "{asked}");
}
