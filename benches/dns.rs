//! The DNS phase against its peers, measured in interleaved pairs; medians and ratios, never one run.
//!
//!     cargo bench --bench dns
//!
//! - *latency*: the whole program (`helolint check --from SNAPSHOT`) against four resolvers that answer after 30 ms; limit: a part of the
//!   critical path of 60 ms. Also with a fifth of the questions lost, with one resolver silent, and with one that says SERVFAIL or REFUSED.
//! - *authorities*: the phase with zones looked for and their servers asked, all after 30 ms; limit: the chain of rounds and 15%.
//! - *packets*: in both, packets sent for each question needed.
//! - *bulk*: 10,000 addresses, beside a plain loop over `hickory_resolver::Resolver` that asks for the same, and beside `dnsperf` where that
//!   is installed. The server is the one at `HELOLINT_BENCH_SERVER` (such as NSD with the addresses from 198.18.0.0 on), else one in this
//!   process.
//! - *memory*: the highest resident set of a process that does the bulk run and nothing else.
//!
//! Say the machine's load with each figure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use helolint::facts::Facts;
use helolint::observe::plan::Plan;
use helolint::observe::resolver::{self, Options, Progress, ResolverSpec, Transport, Trust};
use helolint::observe::{Observations, VantageKind};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

mod list;
mod responder;

use responder::{QueryOptions, Role, Server};

/// Time until an answer comes.
const DELAY: Duration = Duration::from_millis(30);
/// Rounds with authoritative servers, one after the other: PTR; NS one label above the name that it says; the address of that
/// zone's server; the question itself.
const CHAIN: f64 = 4.0;

/// Addresses of the bulk run.
const BULK: u32 = 10_000;
/// Pairs of which the median counts.
const PAIRS: usize = 7;
/// Addresses that the plain loop works on at one time.
const AT_ONCE: usize = 64;
/// The environment's word for a process that only does the bulk run.
const CHILD: &str = "HELOLINT_BENCH_CHILD";

fn main() {
    if let Ok(server) = std::env::var(CHILD) {
        let dns = ask(&list::facts(&addresses(BULK)), &options(server.parse().expect("an address")));
        println!("{} {}", dns.replies.len(), high_water());
        return;
    }
    // `cargo test --benches` is to build it, no more.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    latency();
    authorities();
    bulk();
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
}

fn addresses(count: u32) -> Vec<IpAddr> {
    (0..count).map(|n| Ipv4Addr::from(0xc612_0000 + n).into()).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The whole program against four resolvers.
fn latency() {
    let calm = QueryOptions::calm(DELAY);
    let four = |odd: QueryOptions, rest: QueryOptions| -> Vec<Server> {
        [odd, rest, rest, rest].into_iter().map(|query| responder::serve("127.0.0.1:0", query)).collect()
    };
    let lossy = QueryOptions { lost: 200, ..calm };
    let worlds = [
        ("30 ms", four(calm, calm), [1.15, 1.15, 1.3]),
        ("30 ms, a fifth lost", four(lossy, lossy), [6.5, 6.5, 6.5]),
        ("30 ms, one silent", four(QueryOptions { lost: 1000, ..calm }, calm), [35.0, 35.0, 35.0]),
        ("30 ms, one SERVFAIL", four(QueryOptions { rcode: 2, ..calm }, calm), [1.15, 1.15, 1.3]),
        ("30 ms, one REFUSED", four(QueryOptions { rcode: 5, ..calm }, calm), [1.15, 1.15, 1.3]),
    ];
    for (at, count) in [1, 8, 64].into_iter().enumerate() {
        let file = std::env::temp_dir().join(format!("helolint-bench-{}-{count}", std::process::id()));
        let facts = list::facts(&addresses(count));
        let text = helolint::snapshot::write(&facts, &Observations::offline(), jiff::Timestamp::UNIX_EPOCH);
        let text = text.expect("a snapshot").replace("\"offline\": true", "\"offline\": false");
        std::fs::write(&file, text).expect("a file");
        let mut times = vec![Vec::new(); worlds.len()];
        for _ in 0..PAIRS {
            for ((_, servers, _), times) in worlds.iter().zip(&mut times) {
                let mut program = Command::new(env!("CARGO_BIN_EXE_helolint"));
                program.args(["check", "--no-authoritative", "--fail-on", "never", "-q", "--from"]).arg(&file);
                servers.iter().for_each(|server| _ = program.arg("--resolver").arg(server.address.to_string()));
                let start = Instant::now();
                assert!(program.stdout(Stdio::null()).status().expect("the program").success());
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        for ((what, _, limits), times) in worlds.iter().zip(times) {
            let time = median(times);
            println!("{what}, {count} addresses: {time:.1} ms = {:.2} of 60 ms (limit {:.2})", time / 60.0, limits[at]);
        }
        let (_, servers, _) = &worlds[0];
        say_packets(servers);
        let _ = std::fs::remove_file(file);
    }
}

/// Packets for each question of each server, over all runs till now.
fn say_packets(servers: &[Server]) {
    let (packets, questions) =
        servers.iter().map(Server::take_seen).fold((0, 0), |(p, q), (packets, different)| (p + packets, q + different));
    let needed = questions * PAIRS;
    println!("  packets {packets}, questions {needed}: {:.3} (limit 1.05)", packets as f64 / needed as f64);
}

/// The phase with authoritative servers, which are found and asked.
fn authorities() {
    let resolver = responder::serve("127.0.0.1:0", QueryOptions::calm(DELAY));
    let port = resolver.address.port();
    let mut servers = vec![resolver.clone()];
    for (address, role) in [(responder::CHILD, Role::Child), (responder::PARENT, Role::Parent)] {
        servers
            .push(responder::serve(&format!("{address}:{port}"), QueryOptions { role, ..QueryOptions::calm(DELAY) }));
    }
    for count in [1, 8, 64] {
        let facts = list::facts(&addresses(count));
        let options = Options { authoritative: true, authoritative_port: port, ..options(resolver.address) };
        let times = (0..PAIRS).map(|_| {
            let start = Instant::now();
            let dns = ask(&facts, &options);
            let took = start.elapsed().as_secs_f64() * 1e3;
            let response = |vantage: usize| dns.vantages[vantage].kind == VantageKind::Authoritative;
            assert!(dns.replies.values().flatten().any(|reply| response(reply.vantage)), "no server was found");
            took
        });
        let time = median(times.collect());
        let chain = CHAIN * DELAY.as_secs_f64() * 1e3;
        println!("authorities, {count} addresses: {time:.1} ms = {:.2} of {CHAIN} rounds (limit 1.15)", time / chain);
        say_packets(&servers);
    }
}

fn bulk() {
    let given = std::env::var("HELOLINT_BENCH_SERVER").ok();
    let server = match &given {
        Some(text) => text.parse().expect("HELOLINT_BENCH_SERVER is an address with a port"),
        None => responder::serve("127.0.0.1:0", QueryOptions::calm(Duration::ZERO)).address,
    };
    let all = addresses(BULK);
    let facts = list::facts(&all);
    let queries = std::env::temp_dir().join(format!("helolint-bench-{}-queries", std::process::id()));
    let (mut ours, mut plain, mut peer, mut asked) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..PAIRS {
        let start = Instant::now();
        let dns = ask(&facts, &options(server));
        ours.push(start.elapsed().as_secs_f64());
        asked = dns.replies.len();
        if peer.is_empty() {
            let lines: String = dns.replies.keys().map(|question| format!("{question}\n")).collect();
            std::fs::write(&queries, lines).expect("a file");
        }
        drop(dns);
        let start = Instant::now();
        plain_loop(server, &all);
        plain.push(start.elapsed().as_secs_f64());
        peer.extend(dnsperf(server, &queries));
    }
    let _ = std::fs::remove_file(queries);
    let (ours, plain) = (median(ours), median(plain));
    let rate = asked as f64 / ours;
    println!("{BULK} addresses, {asked} questions: {ours:.3} s, {rate:.0} questions/s");
    println!("plain Resolver loop: {plain:.3} s, {:.1} times as long (limit: at least 3)", plain / ours);
    match peer.is_empty() {
        true => println!("dnsperf is not installed, or did not run"),
        false => {
            let peer = median(peer);
            println!("dnsperf: {peer:.0} questions/s; we reach {:.2} of it (limit 0.6)", rate / peer);
        }
    }
    let child = Command::new(std::env::current_exe().expect("this program")).env(CHILD, server.to_string()).output();
    let said = String::from_utf8_lossy(&child.expect("this program").stdout).into_owned();
    println!("memory of such a run (questions, KB): {} (limit 20000)", said.trim());
}

/// The rate of dnsperf over the same questions.
fn dnsperf(server: SocketAddr, queries: &std::path::Path) -> Option<f64> {
    let mut command = Command::new("dnsperf");
    command.args(["-s", &server.ip().to_string(), "-p", &server.port().to_string(), "-c", "4", "-T", "1", "-q", "200"]);
    let output = command.args(["-n", "1", "-d"]).arg(queries).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.trim().strip_prefix("Queries per second:")?.trim().parse().ok())
}

/// One resolver is asked, nobody else.
fn options(server: SocketAddr) -> Options {
    Options {
        resolvers: vec![ResolverSpec {
            name: "local".into(),
            server,
            kind: VantageKind::Public,
            transport: Transport::Plain,
        }],
        authoritative: false,
        authoritative_port: resolver::PORT,
        timeout: Duration::from_secs(60),
        progress: Progress::default(),
        trust: Trust::nobody(),
        only: None,
    }
}

fn ask(facts: &Facts, options: &Options) -> Observations {
    let plan = Plan::new(facts);
    resolver::ask(&plan.initial, &plan.follow_ups, options, Observations::default())
}

/// The highest resident set of this process, in KB.
fn high_water() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned()
}

/// What a program would do that takes hickory's resolver as it comes.
fn plain_loop(server: SocketAddr, addresses: &[IpAddr]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let name_server = NameServerConfig::new(server.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
        let mut options = ResolverOpts::default();
        options.cache_size = 0;
        let provider = TokioRuntimeProvider::default();
        let builder = hickory_resolver::Resolver::builder_with_config(config, provider).with_options(options);
        let resolver = Arc::new(builder.build().expect("a resolver"));
        let mut tasks = tokio::task::JoinSet::new();
        for addr in addresses.iter().copied() {
            if tasks.len() >= AT_ONCE {
                tasks.join_next().await;
            }
            let resolver = Arc::clone(&resolver);
            tasks.spawn(async move {
                use hickory_resolver::proto::rr::{RData, RecordType};
                let Ok(found) = resolver.reverse_lookup(addr).await else { return };
                for record in found.answers() {
                    if let RData::PTR(name) = &record.data {
                        let name = name.0.clone();
                        let _ = resolver.lookup(name.clone(), RecordType::A).await;
                        let _ = resolver.lookup(name, RecordType::AAAA).await;
                    }
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    });
}
