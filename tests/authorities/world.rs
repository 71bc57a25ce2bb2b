#![allow(dead_code)] // Each test program uses a part of it.
//! A small world of name servers in this process: each serves zones of its own on a loopback address, and one resolver knows them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use helolint::name::DomainName;
use helolint::observe::recorded::Zones;
use helolint::observe::resolver::{Options, Progress, ResolverSpec, Transport, Trust};
use helolint::observe::{Answer, Question, Record, RecordData, RecordType, VantageKind};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SOA};
use hickory_proto::rr::{Name, RData, Record as WireRecord, RecordType as WireType};

/// How a server takes questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It serves its zones, and refuses all else.
    Serves,
    /// It refuses everything.
    Refuses,
    /// It says nothing.
    Silent,
    /// It refers everything to the root's servers.
    RefersUpwards,
    /// It refers everything to a zone somewhere above the name, another one each time, with a thousand servers, of which one is itself.
    RefersAnywhere,
    /// As a recursive resolver in the place of a zone's server: RA, no AA.
    Recurses,
}

/// A server: the last number of its address, its zones (origin and master file), its manner.
pub type Server<'a> = (u8, &'a [(&'a str, &'a str)], Manner);

/// The running world; it ends when it is dropped.
pub struct World {
    port: u16,
    stop: Arc<AtomicBool>,
    asked: Asked,
    /// The zones of servers that serve, and what the resolver answers from.
    served: HashMap<u8, Served>,
    all: Arc<Mutex<Zones>>,
}

type Served = Arc<Mutex<Vec<(DomainName, Zones)>>>;

/// What each server was asked.
type Asked = Arc<Mutex<HashMap<u8, Vec<String>>>>;

/// The number of the resolver's address.
pub const RESOLVER: u8 = 250;

impl World {
    /// Starts the servers, and a resolver that answers from `truth`; what stands in `hidden` it never answers.
    pub fn start(servers: &[Server<'_>], truth: &[(&str, &str)], hidden: &[&str]) -> World {
        World::start_with(servers, truth, hidden, false)
    }

    /// The same with a resolver that keeps answers, and the absence of such, for as long as they say.
    pub fn start_caching(servers: &[Server<'_>], truth: &[(&str, &str)]) -> World {
        World::start_with(servers, truth, &[], true)
    }

    fn start_with(servers: &[Server<'_>], truth: &[(&str, &str)], hidden: &[&str], caching: bool) -> World {
        let (sockets, port) = sockets(servers);
        let all = Arc::new(Mutex::new(load(truth)));
        let mut world =
            World { port, stop: Arc::default(), asked: Arc::default(), served: HashMap::new(), all: Arc::clone(&all) };
        for ((number, zones, manner), socket) in servers.iter().zip(sockets.iter()) {
            let zones: Served = Arc::new(Mutex::new(each(zones)));
            world.served.insert(*number, Arc::clone(&zones));
            let (all, manner, number, times) = (Arc::clone(&all), *manner, *number, AtomicUsize::new(0));
            world.run(number, socket.try_clone().unwrap(), move |question| match manner {
                Manner::Serves => Some(serve(&zones.lock().unwrap(), question)),
                Manner::Refuses => Some(Reply::rcode(ResponseCode::Refused)),
                Manner::Silent => None,
                Manner::RefersAnywhere => Some(anywhere(number, question, times.fetch_add(1, Ordering::Relaxed))),
                Manner::RefersUpwards => Some(Reply::referral("", &["a.root-servers.example"], Vec::new())),
                Manner::Recurses => {
                    Some(Reply { recursive: true, ..Reply::of(all.lock().unwrap().answer(question), false) })
                }
            });
        }
        let hidden: Vec<String> = hidden.iter().map(|text| (*text).to_owned()).collect();
        let socket = sockets.last().unwrap().try_clone().unwrap();
        let cache = Mutex::new(Cache::default());
        world.run(RESOLVER, socket, move |question| {
            if hidden.contains(&question.to_string()) {
                return Some(Reply::rcode(ResponseCode::ServFail));
            }
            let answer = || all.lock().unwrap().answer(question);
            let answer = if caching { cache.lock().unwrap().answer(question, answer) } else { answer() };
            Some(Reply { recursive: true, ..Reply::of(answer, false) })
        });
        world
    }

    /// From now on a server serves these zones, and the resolver answers from `truth` what it does not keep.
    pub fn publish(&self, number: u8, zones: &[(&str, &str)], truth: &[(&str, &str)]) {
        *self.served[&number].lock().unwrap() = each(zones);
        *self.all.lock().unwrap() = load(truth);
    }

    /// The port on which all listen.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How the phase asks this world.
    pub fn options(&self) -> Options {
        let server = SocketAddr::new(address(RESOLVER), self.port);
        Options {
            resolvers: vec![ResolverSpec {
                name: "resolver".into(),
                server,
                kind: VantageKind::Public,
                transport: Transport::Plain,
            }],
            authoritative: true,
            authoritative_port: self.port,
            timeout: Duration::from_secs(20),
            progress: Progress::default(),
            trust: Trust::nobody(),
            only: None,
        }
    }

    /// What a server was asked, each question once for each time that it was put.
    pub fn asked(&self, number: u8) -> Vec<String> {
        self.asked.lock().unwrap().get(&number).cloned().unwrap_or_default()
    }

    /// Questions put to servers, the resolver apart.
    pub fn asked_of_servers(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|(number, _)| **number != RESOLVER).map(|(_, all)| all.len()).sum()
    }

    fn run(&self, number: u8, socket: UdpSocket, respond: impl Fn(&Question) -> Option<Reply> + Send + 'static) {
        let (stop, asked) = (Arc::clone(&self.stop), Arc::clone(&self.asked));
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            let mut ids = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let message = Message::from_vec(&buffer[..length]).unwrap();
                let question = question(&message);
                // A packet sent again has the same id.
                let id = (message.metadata.id, question.to_string());
                if !ids.contains(&id) {
                    asked.lock().unwrap().entry(number).or_default().push(question.to_string());
                    ids.push(id);
                }
                if let Some(reply) = respond(&question) {
                    socket.send_to(&reply.to_message(&message), from).unwrap();
                }
            }
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What a resolver keeps.
#[derive(Default)]
struct Cache(HashMap<Question, (Answer, Instant, Duration)>);

impl Cache {
    /// What is kept, with the time that is left of it; else what is fetched now.
    fn answer(&mut self, question: &Question, fetch: impl FnOnce() -> Answer) -> Answer {
        if let Some((answer, since, time)) = self.0.get(question).filter(|(_, since, time)| since.elapsed() < *time) {
            let left = u32::try_from((*time - since.elapsed()).as_secs()).unwrap();
            let mut answer = answer.clone();
            answer.records.iter_mut().for_each(|record| record.ttl = left);
            return answer;
        }
        let answer = fetch();
        let negative = answer.soa.as_ref().map(|soa| match &soa.data {
            RecordData::Soa { minimum, .. } => *minimum,
            _ => soa.ttl,
        });
        let ttl = answer.records.iter().map(|record| record.ttl).min().or(negative).unwrap_or_default();
        self.0.insert(question.clone(), (answer.clone(), Instant::now(), Duration::from_secs(u64::from(ttl))));
        answer
    }
}

/// Zones by their origins.
fn each(zones: &[(&str, &str)]) -> Vec<(DomainName, Zones)> {
    zones.iter().map(|(origin, text)| (DomainName::new(origin), load(&[(origin, text)]))).collect()
}

fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 53, number).into()
}

/// A socket for each server and for the resolver, all with one port number.
fn sockets(servers: &[Server<'_>]) -> (Vec<UdpSocket>, u16) {
    for _ in 0..50 {
        let resolver = UdpSocket::bind((address(RESOLVER), 0)).unwrap();
        let port = resolver.local_addr().unwrap().port();
        let bound: Result<Vec<UdpSocket>, _> =
            servers.iter().map(|(number, ..)| UdpSocket::bind((address(*number), port))).collect();
        if let Ok(mut bound) = bound {
            bound.push(resolver);
            return (bound, port);
        }
    }
    panic!("no port is free on all addresses");
}

fn load(zones: &[(&str, &str)]) -> Zones {
    Zones::load(zones.iter().map(|(origin, text)| (format!("{origin}.zone"), *text))).unwrap()
}

/// What a server of these zones says.
fn serve(zones: &[(DomainName, Zones)], question: &Question) -> Reply {
    let within = zones.iter().filter(|(apex, _)| question.name.is_within(apex));
    let Some((apex, zone)) = within.max_by_key(|(apex, _)| apex.labels().count()) else {
        return Reply::rcode(ResponseCode::Refused);
    };
    let Some((at, answer)) = cut(apex, zone, &question.name) else {
        let mut answer = zone.answer(question);
        // An alias that leads out of the zone, or below a cut: others say what is there.
        let leads_out = |target: &DomainName| !target.is_within(apex) || cut(apex, zone, target).is_some();
        let alias = |record: &Record| record.data.rtype() == RecordType::Cname;
        let out = answer.records.iter().position(|r| alias(r) && r.data.target().is_some_and(&leads_out));
        if let Some(last) = out {
            answer.records.truncate(last + 1);
            (answer.nxdomain, answer.soa) = (false, None);
        }
        return Reply::of(answer, true);
    };
    let targets: Vec<DomainName> = answer.records.iter().filter_map(|record| record.data.target().cloned()).collect();
    let glue = targets.iter().filter(|name| name.is_within(apex)).flat_map(|name| {
        [RecordType::A, RecordType::Aaaa].map(|rtype| zone.answer(&Question::new(name, rtype)).records)
    });
    let glue = glue.flatten().collect();
    let targets: Vec<&str> = targets.iter().map(DomainName::as_str).collect();
    Reply::referral(at.as_str(), &targets, glue)
}

/// A referral to some zone above a name, or to the name itself, with glue for the server itself.
fn anywhere(number: u8, question: &Question, times: usize) -> Reply {
    let labels: Vec<&str> = question.name.labels().collect();
    let zone = labels[times % labels.len()..].join(".");
    let names: Vec<String> = (0..20).map(|n| format!("n{n}.{times}.{zone}")).collect();
    let IpAddr::V4(own) = address(number) else { unreachable!() };
    let glue = Record { name: DomainName::new(&names[0]), ttl: 300, data: RecordData::A(own) };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Reply::referral(&zone, &names, vec![glue])
}

/// The highest cut between the top of a zone and a name in it, with its NS records.
fn cut(apex: &DomainName, zone: &Zones, name: &DomainName) -> Option<(DomainName, Answer)> {
    let mut name = Some(name.clone());
    let mut found = None;
    while let Some(at) = name.filter(|name| name != apex) {
        let answer = zone.answer(&Question::new(&at, RecordType::Ns));
        if answer.records.iter().any(|record| record.name == at && record.data.rtype() == RecordType::Ns) {
            found = Some((at.clone(), answer));
        }
        name = at.parent();
    }
    found
}

/// A reply before it has an id.
struct Reply {
    rcode: ResponseCode,
    authoritative: bool,
    recursive: bool,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    glue: Vec<Record>,
}

impl Reply {
    fn rcode(rcode: ResponseCode) -> Reply {
        Reply { rcode, authoritative: false, recursive: false, answers: vec![], authorities: vec![], glue: vec![] }
    }

    fn of(answer: Answer, authoritative: bool) -> Reply {
        let rcode = if answer.nxdomain { ResponseCode::NXDomain } else { ResponseCode::NoError };
        let authorities = answer.soa.iter().map(|soa| (**soa).clone()).collect();
        Reply { authoritative, answers: answer.records, authorities, ..Reply::rcode(rcode) }
    }

    fn referral(zone: &str, servers: &[&str], glue: Vec<Record>) -> Reply {
        let record =
            |name: &&str| Record { name: DomainName::new(zone), ttl: 300, data: RecordData::Ns(DomainName::new(name)) };
        Reply { authorities: servers.iter().map(record).collect(), glue, ..Reply::rcode(ResponseCode::NoError) }
    }

    fn to_message(&self, query: &Message) -> Vec<u8> {
        let mut message = query.clone().into_response();
        message.edns = None;
        message.metadata.response_code = self.rcode;
        message.metadata.authoritative = self.authoritative;
        message.metadata.recursion_available = self.recursive;
        self.answers.iter().for_each(|record| _ = message.add_answer(wire(record)));
        self.authorities.iter().for_each(|record| _ = message.add_authority(wire(record)));
        self.glue.iter().for_each(|record| _ = message.add_additional(wire(record)));
        message.to_vec().unwrap()
    }
}

fn question(message: &Message) -> Question {
    let asked = &message.queries[0];
    let rtype = match asked.query_type {
        WireType::A => RecordType::A,
        WireType::AAAA => RecordType::Aaaa,
        WireType::PTR => RecordType::Ptr,
        WireType::MX => RecordType::Mx,
        WireType::TXT => RecordType::Txt,
        WireType::NS => RecordType::Ns,
        WireType::SOA => RecordType::Soa,
        other => panic!("{other}"),
    };
    Question::new(&DomainName::new(&asked.name.to_lowercase().to_ascii()), rtype)
}

fn name(name: &DomainName) -> Name {
    Name::from_ascii(format!("{}.", name.as_str())).unwrap()
}

fn wire(record: &Record) -> WireRecord {
    let data = match &record.data {
        RecordData::A(addr) => RData::A(A(*addr)),
        RecordData::Aaaa(addr) => RData::AAAA(AAAA(*addr)),
        RecordData::Ptr(target) => RData::PTR(PTR(name(target))),
        RecordData::Cname(target) => RData::CNAME(CNAME(name(target))),
        RecordData::Ns(target) => RData::NS(NS(name(target))),
        RecordData::Soa { mname, rname, serial, minimum } => {
            RData::SOA(SOA::new(name(mname), name(rname), *serial, 1, 1, 1, *minimum))
        }
        other => panic!("{other}"),
    };
    WireRecord::from_rdata(name(&record.name), record.ttl, data)
}
