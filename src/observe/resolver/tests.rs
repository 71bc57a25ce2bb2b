//! The phase against servers in this process, on loopback addresses of their own.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS, PTR, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType as Type};

use super::*;
use crate::name::DomainName;
use crate::observe::samples::{facts, helo_path};
use crate::observe::{Lookup, Outcome, RecordType, Why, iprev::Iprev};

/// A question, as a server of a test sees it.
struct Query {
    message: Message,
    name: String,
    rtype: Type,
    recurse: bool,
    tcp: bool,
}

impl Query {
    fn reply(&self, change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = self.message.clone().into_response();
        message.metadata.recursion_available = self.recurse;
        message.edns = None;
        change(&mut message);
        message.to_vec().unwrap()
    }

    fn rcode(&self, rcode: ResponseCode) -> Vec<Vec<u8>> {
        vec![self.reply(|m| m.metadata.response_code = rcode)]
    }
}

/// A server on `127.0.0.x`, until it is dropped.
struct TestServer {
    address: SocketAddr,
    /// Questions that came over UDP; a packet sent again has the same id.
    asked: Arc<Mutex<HashSet<(u16, String, Type)>>>,
    stop: Arc<AtomicBool>,
}

impl TestServer {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Starts a server that sends what `respond` returns. `port` 0: any.
fn serve(host: u8, port: u16, respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) -> TestServer {
    let udp = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), port)).unwrap();
    let address = udp.local_addr().unwrap();
    let tcp = TcpListener::bind(address);
    let (asked, stop) = (Arc::new(Mutex::new(HashSet::new())), Arc::new(AtomicBool::new(false)));
    let respond = Arc::new(respond);
    udp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    {
        let (asked, stop, respond) = (Arc::clone(&asked), Arc::clone(&stop), Arc::clone(&respond));
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = udp.recv_from(&mut buffer) else { continue };
                let query = query(&buffer[..length], false);
                asked.lock().unwrap().insert((query.message.metadata.id, query.name.clone(), query.rtype));
                for packet in respond(&query) {
                    udp.send_to(&packet, from).unwrap();
                }
            }
        });
    }
    if let Ok(tcp) = tcp {
        let stop = Arc::clone(&stop);
        tcp.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let Ok((mut stream, _)) = tcp.accept() else {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                };
                stream.set_nonblocking(false).unwrap();
                let mut length = [0; 2];
                if stream.read_exact(&mut length).is_err() {
                    continue;
                }
                let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut bytes).unwrap();
                for packet in respond(&query(&bytes, true)) {
                    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
                    let _ = stream.write_all(&[&length[..], &packet].concat());
                }
            }
        });
    }
    TestServer { address, asked, stop }
}

fn query(bytes: &[u8], tcp: bool) -> Query {
    let message = Message::from_vec(bytes).unwrap();
    let asked = &message.queries[0];
    let name = asked.name.to_lowercase().to_ascii();
    Query { name, rtype: asked.query_type, recurse: message.metadata.recursion_desired, tcp, message }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), 300, data)
}

fn soa(zone: &str, serial: u32) -> Record {
    record(zone, RData::SOA(SOA::new(name("ns."), name("h."), serial, 1, 1, 1, 60)))
}

/// A resolver that knows one healthy host: 192.0.2.10 is mail.example.com and back.
fn healthy(query: &Query) -> Vec<Vec<u8>> {
    let found = match (query.name.as_str(), query.rtype) {
        ("10.2.0.192.in-addr.arpa.", Type::PTR) => Some(RData::PTR(PTR(name("mail.example.com.")))),
        ("mail.example.com.", Type::A) => Some(RData::A(A::new(192, 0, 2, 10))),
        _ => None,
    };
    vec![query.reply(|m| match found {
        Some(data) => {
            m.add_answer(record(&query.name, data));
        }
        None => {
            m.add_authority(soa("example.com.", 1));
        }
    })]
}

fn resolver(name: &str, server: SocketAddr) -> ResolverSpec {
    ResolverSpec { name: name.into(), server, kind: VantageKind::Public }
}

fn options(servers: &[&TestServer]) -> Options {
    let resolvers = servers.iter().enumerate().map(|(n, s)| resolver(&format!("r{n}"), s.address)).collect();
    Options { resolvers, authoritative: false, authoritative_port: 53, timeout: Duration::from_secs(20) }
}

fn host() -> Facts {
    let mut facts = facts();
    facts.paths = vec![helo_path("192.0.2.10", "mail.example.com")];
    facts
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ptr() -> Question {
    Question::ptr(addr("192.0.2.10"))
}

/// What the only resolver said to the PTR question.
fn heard(respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Outcome {
    let server = serve(1, 0, respond);
    let dns = ask(&host(), &options(&[&server]));
    dns.replies[&ptr()][0].outcome.clone()
}

fn why(respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Why {
    match heard(respond) {
        Outcome::Unanswered(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Whether the right answer is never heard. The time is short: under any load the result is the same.
fn stays_unheard(respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) {
    let server = serve(1, 0, respond);
    let dns = ask(&host(), &Options { timeout: Duration::from_millis(300), ..options(&[&server]) });
    assert_eq!(dns.replies[&ptr()][0].outcome, Outcome::Unanswered(Why::Timeout));
}

fn is_answer(outcome: &Outcome, records: usize) {
    match outcome {
        Outcome::Answer(answer) => assert_eq!(answer.records.len(), records, "{answer:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_healthy_host_and_no_packet_too_many() {
    let server = serve(1, 0, healthy);
    let dns = ask(&host(), &options(&[&server]));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::Pass);
    assert_eq!(dns.summary().questions, 4, "PTR, A, AAAA, MX");
    assert_eq!(server.asked(), 4);
    assert_eq!(dns.vantages[0].name, "r0");
}

#[test]
fn each_fault_has_its_own_name() {
    assert_eq!(why(|q| q.rcode(ResponseCode::ServFail)), Why::ServFail);
    assert_eq!(why(|q| q.rcode(ResponseCode::Refused)), Why::Refused);
    stays_unheard(|_| Vec::new());
    // Another id.
    stays_unheard(|q| vec![q.reply(|m| m.metadata.id ^= 1)]);
    let other_question = |q: &Query| {
        vec![q.reply(|m| {
            m.queries[0].name = name("x.example.");
            m.add_answer(record("10.2.0.192.in-addr.arpa.", RData::PTR(PTR(name("evil.example.")))));
        })]
    };
    stays_unheard(other_question);
    let cut = |q: &Query| {
        let mut bytes = healthy(q).remove(0);
        bytes.truncate(bytes.len() - 1);
        vec![bytes]
    };
    assert!(matches!(why(cut), Why::Malformed(_)));
    let noise = |q: &Query| {
        let id = q.message.metadata.id.to_be_bytes();
        vec![[&id[..], &[0x80; 40]].concat()]
    };
    assert!(matches!(why(noise), Why::Malformed(_)));
    let referral = |q: &Query| {
        vec![q.reply(|m| {
            m.add_authority(record("arpa.", RData::NS(NS(name("ns.example.")))));
        })]
    };
    assert_eq!(why(referral), Why::Referral);
}

#[test]
fn a_closed_port_is_an_error_at_once() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut options = options(&[]);
    options.resolvers.push(resolver("closed", closed));
    let dns = ask(&host(), &options);
    let found = &dns.replies[&ptr()][0].outcome;
    assert!(matches!(found, Outcome::Unanswered(Why::Unreachable(_))), "{found:?}");
}

#[test]
fn what_is_wrong_does_not_hide_what_is_right() {
    // A guess, noise and a copy around the true reply.
    is_answer(
        &heard(|q| {
            let right = healthy(q).remove(0);
            let guess = q.reply(|m| {
                m.metadata.id = m.metadata.id.wrapping_add(1);
                m.add_answer(record(&q.name, RData::PTR(PTR(name("evil.example.")))));
            });
            vec![guess, vec![1, 2, 3], right.clone(), right]
        }),
        1,
    );
}

#[test]
fn lost_packets_are_sent_again() {
    let seen = Mutex::new(HashSet::new());
    let lossy = move |q: &Query| {
        let first = seen.lock().unwrap().insert((q.name.clone(), q.rtype));
        if first { Vec::new() } else { healthy(q) }
    };
    is_answer(&heard(lossy), 1);
}

#[test]
fn truncated_replies_are_fetched_over_tcp() {
    let large = |q: &Query| {
        vec![q.reply(|m| {
            m.metadata.truncation = !q.tcp;
            for n in 0..if q.tcp { 1000 } else { 0 } {
                m.add_answer(record(&q.name, RData::PTR(PTR(name(&format!("h{n}.example."))))));
            }
        })]
    };
    is_answer(&heard(large), 1000);
    assert!(matches!(why(|q| vec![q.reply(|m| m.metadata.truncation = true)]), Why::Malformed(_)));
}

#[test]
fn servers_from_before_edns_and_those_that_fold_case() {
    let old = |q: &Query| {
        if q.message.edns.is_some() {
            return vec![q.reply(|m| {
                m.metadata.response_code = ResponseCode::FormErr;
                m.queries.clear();
            })];
        }
        healthy(q)
    };
    is_answer(&heard(old), 1);
    let folding = |q: &Query| {
        let mut message = Message::from_vec(&healthy(q)[0]).unwrap();
        message.queries[0].name = message.queries[0].name.to_lowercase();
        vec![message.to_vec().unwrap()]
    };
    is_answer(&heard(folding), 1);
}

#[test]
fn a_silent_resolver_takes_nothing_from_the_others() {
    let (good, silent) = (serve(1, 0, healthy), serve(1, 0, |_| Vec::new()));
    let dns = ask(&host(), &options(&[&silent, &good]));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::Pass);
    for replies in dns.replies.values() {
        assert_eq!(replies[0].outcome, Outcome::Unanswered(Why::Timeout));
        assert!(matches!(replies[1].outcome, Outcome::Answer(_)));
    }
}

#[test]
fn the_whole_phase_ends_with_its_time() {
    let silent = serve(1, 0, |_| Vec::new());
    let options = Options { timeout: Duration::from_millis(50), ..options(&[&silent]) };
    let dns = ask(&host(), &options);
    assert_eq!(dns.replies[&ptr()][0].outcome, Outcome::Unanswered(Why::Timeout));
}

#[test]
fn alias_loops_and_long_chains() {
    let chained = |last: usize, back: bool| {
        move |q: &Query| {
            vec![q.reply(|m| {
                if q.rtype != Type::PTR {
                    return;
                }
                let link = |n: usize| if n == 0 { q.name.clone() } else { format!("c{n}.example.") };
                for n in 0..last {
                    m.add_answer(record(&link(n), RData::CNAME(CNAME(name(&link(n + 1))))));
                }
                let end =
                    if back { RData::CNAME(CNAME(name(&q.name))) } else { RData::PTR(PTR(name("mail.example.com."))) };
                m.add_answer(record(&link(last), end));
            })]
        }
    };
    let server = serve(1, 0, chained(20, false));
    assert!(matches!(ask(&host(), &options(&[&server])).ptr(addr("192.0.2.10")), Lookup::Found(_)));
    let server = serve(1, 0, chained(1, true));
    let dns = ask(&host(), &options(&[&server]));
    assert_eq!(dns.ptr(addr("192.0.2.10")), Lookup::Unanswered(Why::AliasLoop));
}

#[test]
fn what_is_known_already_is_not_asked_again() {
    let server = serve(1, 0, healthy);
    let options = options(&[&server]);
    let first = ask(&host(), &options);
    let before = server.asked();
    let mut later = host();
    later.paths.push(helo_path("192.0.2.10", "late.example.com"));
    let dns = ask_more(&later, &options, first);
    assert_eq!(server.asked() - before, 3);
    assert_eq!((dns.vantages.len(), dns.summary().questions), (1, 7));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::Pass);
}

/// Resolver and authority in one: a world in which `2.0.192.in-addr.arpa` has 10 as an alias into `rev.example.net` (RFC 2317), and both zones
/// have servers of their own on 127.0.0.x.
fn world(query: &Query, authorities: &[(&str, &str, u8)]) -> Option<Vec<Vec<u8>>> {
    let alias = || record("10.2.0.192.in-addr.arpa.", RData::CNAME(CNAME(name("10.rev.example.net."))));
    let end = || record("10.rev.example.net.", RData::PTR(PTR(name("mail.example.com."))));
    if !query.recurse {
        return None;
    }
    let reply = query.reply(|m| {
        let zone = authorities.iter().find(|(zone, ..)| *zone == query.name);
        let server = authorities.iter().find(|(_, server, _)| *server == query.name);
        match (query.rtype, zone, server) {
            (Type::NS, Some(_), _) => {
                for (zone, server, _) in authorities.iter().filter(|(zone, ..)| *zone == query.name) {
                    m.add_answer(record(zone, RData::NS(NS(name(server)))));
                }
            }
            (Type::A, _, Some((_, server, host))) => {
                m.add_answer(record(server, RData::A(A::new(127, 0, 0, *host))));
            }
            (Type::PTR, ..) if query.name.starts_with("10.2.") => {
                m.add_answer(alias());
                m.add_answer(end());
            }
            _ => {
                m.metadata.response_code = ResponseCode::NXDomain;
                let zone = authorities.iter().find(|(zone, ..)| query.name.ends_with(zone)).map_or("example.", |z| z.0);
                m.add_authority(soa(zone, 1));
            }
        }
    });
    Some(vec![reply])
}

fn authoritative(query: &Query, change: impl FnOnce(&mut Message)) -> Vec<Vec<u8>> {
    vec![query.reply(|m| {
        m.metadata.authoritative = true;
        m.metadata.recursion_available = false;
        change(m);
    })]
}

#[test]
fn authoritative_servers_are_found_and_aliases_lead_to_theirs() {
    const WORLD: &[(&str, &str, u8)] =
        &[("2.0.192.in-addr.arpa.", "ns.isp.example.", 1), ("rev.example.net.", "ns.example.net.", 2)];
    let parent = serve(1, 0, |q| {
        world(q, WORLD).unwrap_or_else(|| {
            authoritative(q, |m| {
                m.add_answer(record(&q.name, RData::CNAME(CNAME(name("10.rev.example.net.")))));
                // Left behind from when this server had that zone too: not its to say any more.
                m.add_answer(record("10.rev.example.net.", RData::PTR(PTR(name("old.example.com.")))));
            })
        })
    });
    let child = serve(2, parent.address.port(), |q| {
        authoritative(q, |m| {
            m.add_answer(record(&q.name, RData::PTR(PTR(name("mail.example.com.")))));
        })
    });
    let mut options = options(&[&parent]);
    (options.authoritative, options.authoritative_port) = (true, parent.address.port());
    let dns = ask(&host(), &options);
    let truth = dns.truth(&ptr());
    assert_eq!(truth.kind, Some(VantageKind::Authoritative), "{:#?}", dns.replies);
    assert_eq!(dns.ptr(addr("192.0.2.10")), Lookup::Found(vec![DomainName::new("mail.example.com")]));
    assert_eq!(truth.aliases.len(), 1);
    let names: Vec<&str> = dns.vantages.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["r0", "ns.example.net (127.0.0.2)", "ns.isp.example (127.0.0.1)"]);
    assert!(child.asked() > 0);
}

#[test]
fn servers_of_one_zone_that_differ_are_asked_for_their_serials() {
    const WORLD: &[(&str, &str, u8)] =
        &[("2.0.192.in-addr.arpa.", "ns1.example.", 1), ("2.0.192.in-addr.arpa.", "ns2.example.", 2)];
    let says = |target: &'static str, serial: u32| {
        move |q: &Query| {
            world(q, WORLD).unwrap_or_else(|| {
                authoritative(q, |m| {
                    m.add_answer(match q.rtype {
                        Type::SOA => soa(&q.name, serial),
                        _ => record(&q.name, RData::PTR(PTR(name(target)))),
                    });
                })
            })
        }
    };
    let stale = serve(1, 0, says("old.example.com.", 4));
    let _fresh = serve(2, stale.address.port(), says("new.example.com.", 5));
    let mut options = options(&[&stale]);
    (options.authoritative, options.authoritative_port) = (true, stale.address.port());
    let dns = ask(&host(), &options);
    assert_eq!(dns.views(&ptr(), VantageKind::Authoritative).len(), 2, "{:#?}", dns.replies);
    assert_eq!(dns.ptr(addr("192.0.2.10")), Lookup::Found(vec![DomainName::new("new.example.com")]));
    assert_eq!(dns.serial(1, &ptr()), Some(4));
}

#[test]
fn a_referral_leads_to_the_zone_below() {
    // 10.2.0.192.in-addr.arpa is a zone of its own: the search began above it.
    const WORLD: &[(&str, &str, u8)] = &[("2.0.192.in-addr.arpa.", "ns1.example.", 1), ("none.", "ns2.example.", 2)];
    let parent = serve(1, 0, |q| {
        world(q, WORLD).unwrap_or_else(|| {
            vec![q.reply(|m| {
                m.add_authority(record("10.2.0.192.in-addr.arpa.", RData::NS(NS(name("ns2.example.")))));
            })]
        })
    });
    let _child = serve(2, parent.address.port(), |q| {
        authoritative(q, |m| {
            m.add_answer(record(&q.name, RData::PTR(PTR(name("own.example.com.")))));
        })
    });
    let mut options = options(&[&parent]);
    (options.authoritative, options.authoritative_port) = (true, parent.address.port());
    let dns = ask(&host(), &options);
    assert_eq!(
        dns.ptr(addr("192.0.2.10")),
        Lookup::Found(vec![DomainName::new("own.example.com")]),
        "{:#?}",
        dns.replies
    );
    assert_eq!(dns.replies[&ptr()].len(), 2, "the parent's server is no witness");
}

#[test]
fn an_intercepted_port_is_seen() {
    const WORLD: &[(&str, &str, u8)] = &[("2.0.192.in-addr.arpa.", "ns1.example.", 1)];
    let middle = serve(1, 0, |q| {
        world(q, WORLD).unwrap_or_else(|| {
            vec![q.reply(|m| {
                m.metadata.recursion_available = true;
                m.add_answer(record(&q.name, RData::PTR(PTR(name("mail.example.com.")))));
            })]
        })
    });
    let mut options = options(&[&middle]);
    (options.authoritative, options.authoritative_port) = (true, middle.address.port());
    let dns = ask(&host(), &options);
    assert!(dns.intercepted());
    assert_eq!(dns.truth(&ptr()).kind, Some(VantageKind::Public));
}

#[test]
fn defaults_follow_the_host() {
    let mut facts = facts();
    let from_file = |text: &str| crate::facts::Fact::new(addr(text), crate::facts::Origin::kernel("test"));
    facts.host.nameservers = vec![from_file("192.0.2.53"), from_file("192.0.2.53"), from_file("192.0.2.54")];
    let said = |facts: &Facts| -> Vec<String> {
        default_resolvers(facts).iter().map(|r| format!("{} {}", r.name, r.server)).collect()
    };
    assert_eq!(
        said(&facts),
        [
            "system 192.0.2.53:53",
            "system2 192.0.2.54:53",
            "cloudflare 1.1.1.1:53",
            "google 8.8.8.8:53",
            "quad9 9.9.9.9:53"
        ]
    );
    facts.host.nameservers.clear();
    facts.host.source = crate::facts::KernelSource { known: true, ipv4: None, ipv6: Some(addr("2001:db8::1")) };
    assert_eq!(
        said(&facts),
        ["cloudflare [2606:4700:4700::1111]:53", "google [2001:4860:4860::8888]:53", "quad9 [2620:fe::fe]:53"]
    );
}

#[test]
fn nothing_is_asked_offline() {
    let server = serve(1, 0, healthy);
    let dns = ask_more(&host(), &options(&[&server]), Observations::offline());
    assert!(dns.offline && dns.replies.is_empty());
    assert_eq!(server.asked(), 0);
    let question = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
    assert_eq!(dns.truth(&question).lookup, Lookup::Unanswered(Why::NotAsked));
}
