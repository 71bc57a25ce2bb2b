//! The DNS phase against a server in this process: PTR, then A and AAAA, for a thousand addresses; beside it a plain loop over
//! `hickory_resolver::Resolver` that asks for the same (64 at a time), for comparison.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helolint::observe::VantageKind;
use helolint::observe::resolver::{self, Options, ResolverSpec};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

mod list;

/// Sending addresses in one run.
const ADDRESSES: u32 = 1000;
/// Addresses that the plain loop works on at one time.
const AT_ONCE: usize = 64;

/// A server that answers every PTR with one name, made of the question's, and every A with one address; AAAA never.
fn serve() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let address = socket.local_addr().expect("its address");
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let _ = socket.send_to(&answer(&packet[..length]), from);
        }
    });
    address
}

/// The answer to a packet with one question.
fn answer(packet: &[u8]) -> Vec<u8> {
    let mut end = 12;
    let mut labels = Vec::new();
    while packet[end] != 0 {
        let next = end + 1 + usize::from(packet[end]);
        labels.push(&packet[end + 1..next]);
        end = next;
    }
    let rtype = u16::from_be_bytes([packet[end + 1], packet[end + 2]]);
    let data: Option<Vec<u8>> = match rtype {
        12 => {
            let own = [b"h", &labels[..4].join(&b'-')[..]].concat();
            let own = [&[u8::try_from(own.len()).expect("a label")], &own[..]].concat();
            Some([&own[..], b"\x04mail\x07example\0"].concat())
        }
        1 => Some(vec![198, 18, 0, 1]),
        _ => None,
    };
    let mut reply = packet[..end + 5].to_vec();
    reply[2..12].copy_from_slice(&[0x84 | packet[2] & 1, 0x80, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
    if let Some(data) = data {
        reply.extend([0xc0, 12]);
        reply.extend(rtype.to_be_bytes());
        reply.extend([0, 1, 0, 0, 1, 44]);
        reply.extend(u16::try_from(data.len()).expect("a short one").to_be_bytes());
        reply.extend(data);
    }
    reply
}

fn phase(c: &mut Criterion) {
    let server = serve();
    let addresses: Vec<IpAddr> = (0..ADDRESSES).map(|n| Ipv4Addr::from(0xc612_0000 + n).into()).collect();
    let facts = list::facts(&addresses);
    let options = Options {
        resolvers: vec![ResolverSpec { name: "local".into(), server, kind: VantageKind::Public }],
        authoritative: false,
        authoritative_port: resolver::PORT,
        timeout: Duration::from_secs(30),
    };
    let mut group = c.benchmark_group("dns");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(ADDRESSES) * 3));
    group.bench_function("phase", |b| {
        b.iter(|| {
            let dns = resolver::ask(&facts, &options);
            assert_eq!(dns.summary().answered, addresses.len() * 3);
        });
    });
    group.bench_function("plain Resolver loop", |b| b.iter(|| plain_loop(server, &addresses)));
    group.finish();
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
                let found = resolver.reverse_lookup(addr).await.expect("a PTR name");
                for record in found.answers() {
                    if let RData::PTR(name) = &record.data {
                        let name = name.0.clone();
                        resolver.lookup(name.clone(), RecordType::A).await.expect("an address");
                        let _ = resolver.lookup(name, RecordType::AAAA).await;
                    }
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    });
}

criterion_group!(benches, phase);
criterion_main!(benches);
