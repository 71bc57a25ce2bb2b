//! Asks the DNS for a list of sending addresses and says how long it took: for measuring, with servers of one's own.
//!
//!     cargo run --release --example dns_timing -- ADDRESSES.txt COUNT TIMEOUT_SECONDS AUTH_PORT|- RESOLVER...

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use helolint::observe::plan::Plan;
use helolint::observe::resolver::{self, Options, Progress, ResolverSpec, Transport, Trust};
use helolint::observe::{Observations, Outcome, VantageKind};

#[path = "../list/mod.rs"]
mod list;

fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().expect("see the head of this file");
    let list = std::fs::read_to_string(next()).expect("the list of addresses");
    let count: usize = next().parse().expect("a number");
    let timeout = Duration::from_secs_f64(next().parse().expect("seconds"));
    let port = next().parse::<u16>().ok();
    let resolvers: Vec<ResolverSpec> = args
        .enumerate()
        .map(|(n, text)| ResolverSpec {
            name: format!("r{n}"),
            server: text.parse::<SocketAddr>().expect("address:port"),
            kind: VantageKind::Public,
            transport: Transport::Plain,
        })
        .collect();
    let addresses: Vec<IpAddr> = list.lines().take(count).map(|line| line.parse().expect("an address")).collect();
    let facts = list::facts(&addresses);
    let progress = Progress::default();
    let (authoritative, authoritative_port, trust) = (port.is_some(), port.unwrap_or(53), Trust::nobody());
    let options = Options { resolvers, authoritative, authoritative_port, timeout, progress, trust, only: None };
    let plan = Plan::new(&facts);
    let start = Instant::now();
    let dns = resolver::ask(&plan.initial, &plan.follow_ups, &options, Observations::default());
    let took = start.elapsed();
    for addr in &addresses {
        if addresses.len() <= 64 || std::env::var_os("SHOW").is_some() {
            println!("{addr}\t{:?}", dns.iprev(*addr));
        }
    }
    let summary = dns.summary();
    let mut why = std::collections::BTreeMap::new();
    for reply in dns.replies.values().flatten() {
        let key = match &reply.outcome {
            Outcome::Answer(_) => "answer".to_owned(),
            Outcome::Unanswered(other) => other.to_string(),
        };
        *why.entry((dns.vantages[reply.vantage].name.clone(), key)).or_insert(0) += 1;
    }
    eprintln!("{:.1} ms, {} questions, {} answered", took.as_secs_f64() * 1e3, summary.questions, summary.answered);
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{why:#?}");
    }
}
