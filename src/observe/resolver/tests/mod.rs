//! The phase against servers in this process, on loopback addresses of their own.

mod authorities;
mod bounds;
mod encrypted;
mod families;
mod faults;
mod forged;
mod strangers;
mod streams;

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS, PTR, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType as Type};

use super::*;
use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::samples::{facts, helo_path};
use crate::observe::{Lookup, Outcome, RecordType, Why, iprev::Iprev, plan};

/// A question, as a server of a test sees it.
struct Query {
    message: Message,
    name: String,
    rtype: Type,
    recurse: bool,
    tcp: bool,
    /// Where it came from, over UDP.
    from: Option<SocketAddr>,
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
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), port)).unwrap();
        let tcp = TcpListener::bind(udp.local_addr().unwrap());
        // Another test may have the same number for TCP.
        if tcp.is_ok() || port != 0 {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let (asked, stop) = (Arc::new(Mutex::new(HashSet::new())), Arc::new(AtomicBool::new(false)));
    let respond = Arc::new(respond);
    udp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    {
        let (asked, stop, respond) = (Arc::clone(&asked), Arc::clone(&stop), Arc::clone(&respond));
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = udp.recv_from(&mut buffer) else { continue };
                let query = query(&buffer[..length], Some(from));
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
                for packet in respond(&query(&bytes, None)) {
                    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
                    let _ = stream.write_all(&[&length[..], &packet].concat());
                }
            }
        });
    }
    TestServer { address, asked, stop }
}

fn query(bytes: &[u8], from: Option<SocketAddr>) -> Query {
    let message = Message::from_vec(bytes).unwrap();
    let asked = &message.queries[0];
    let name = asked.name.to_lowercase().to_ascii();
    let (rtype, recurse) = (asked.query_type, message.metadata.recursion_desired);
    Query { name, rtype, recurse, tcp: from.is_none(), from, message }
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
    ResolverSpec { name: name.into(), server, kind: VantageKind::Public, transport: Transport::Plain }
}

fn options(servers: &[&TestServer]) -> Options {
    let resolvers = servers.iter().enumerate().map(|(n, s)| resolver(&format!("r{n}"), s.address)).collect();
    Options {
        resolvers,
        authoritative: false,
        authoritative_port: 53,
        timeout: Duration::from_secs(20),
        progress: Progress::default(),
        trust: Trust::nobody(),
        only: None,
    }
}

fn default_resolvers_of(facts: &Facts) -> Vec<ResolverSpec> {
    let nameservers: Vec<IpAddr> = facts.host.nameservers.iter().map(|fact| fact.value).collect();
    let source = &facts.host.source;
    default_resolvers(&nameservers, source.known && source.ipv4.is_none() && source.ipv6.is_some())
}

fn ask(facts: &Facts, options: &Options) -> Observations {
    ask_more(facts, options, Observations::default())
}

fn ask_more(facts: &Facts, options: &Options, dns: Observations) -> Observations {
    let plan = plan::Plan::new(facts);
    super::ask(&plan.initial, &plan.follow_ups, options, dns)
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

/// A question as it comes over TCP.
fn tcp_question() -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(hickory_proto::op::Query::query(name("10.2.0.192.in-addr.arpa."), Type::PTR));
    message.to_vec().unwrap()
}

/// What the only resolver said to the PTR question.
fn response(respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Outcome {
    let server = serve(1, 0, respond);
    let dns = ask(&host(), &options(&[&server]));
    dns.replies[&ptr()][0].outcome.clone()
}

fn why(respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Why {
    match response(respond) {
        Outcome::Unanswered(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Whether the right answer never arrives. The time is short: under any load the result is the same.
fn stays_unanswered(respond: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) {
    let server = serve(1, 0, respond);
    let dns = ask(&host(), &Options { timeout: Duration::from_millis(300), ..options(&[&server]) });
    assert_eq!(dns.replies[&ptr()][0].outcome, Outcome::Unanswered(Why::Timeout));
}

fn is_answer(outcome: &Outcome, records: usize) {
    match outcome {
        Outcome::Answer(answer) => {
            assert_eq!(answer.records.len() + answer.left_out, records);
            assert!(answer.records.len() <= crate::observe::RECORDS);
        }
        other => panic!("{other:?}"),
    }
}
