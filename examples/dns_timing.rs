//! Asks the DNS for a list of sending addresses and says how long it took: for measuring, with servers of one's own.
//!
//!     cargo run --release --example dns_timing -- ADDRESSES.txt COUNT TIMEOUT_SECONDS AUTH_PORT|- RESOLVER...

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use helolint::addr::Family;
use helolint::facts::{
    Fact, Facts, Helo, Host, HostFqdn, KernelSource, MtaChoice, NatMap, Origin, OutboundPath, SenderDomains,
};
use helolint::observe::resolver::{self, Options, ResolverSpec};
use helolint::observe::{Outcome, VantageKind};

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
        })
        .collect();
    let addresses: Vec<IpAddr> = list.lines().take(count).map(|line| line.parse().expect("an address")).collect();
    let facts = facts(&addresses);
    let options = Options { resolvers, authoritative: port.is_some(), authoritative_port: port.unwrap_or(53), timeout };
    let start = Instant::now();
    let dns = resolver::ask(&facts, &options);
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

fn facts(addresses: &[IpAddr]) -> Facts {
    let path = |(n, addr): (usize, &IpAddr)| {
        let address = Fact::new(*addr, Origin::kernel("list"));
        OutboundPath {
            id: format!("list/{n}"),
            mta: None,
            services: Vec::new(),
            family: Family::of(*addr),
            source: Some(address.clone()),
            bound: false,
            source_undecided: None,
            sending: Some(address),
            helo: Helo::None,
            helo_is_global: true,
            sender_domains: SenderDomains::Any,
            relayed: None,
            unused: false,
        }
    };
    Facts {
        host: Host {
            node_name: None,
            fqdn: HostFqdn::Unknown("a list".into()),
            etc_hostname: None,
            mailname: None,
            addresses: None,
            source: KernelSource { known: false, ipv4: None, ipv6: None },
            hosts: Vec::new(),
            nameservers: Vec::new(),
            nonlocal_bind_v4: false,
            nonlocal_bind_v6: false,
        },
        postfix: Vec::new(),
        exim: Vec::new(),
        cpanel: None,
        mtas: MtaChoice::default(),
        paths: addresses.iter().enumerate().map(path).collect(),
        bind_faults: Vec::new(),
        nat: NatMap::default(),
        problems: Vec::new(),
        expected_hostname: None,
        old_addresses: Vec::new(),
    }
}
