//! Resolvers over TLS: a server of this process with a certificate of its own.

use std::sync::atomic::AtomicUsize;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A resolver over TLS that knows one healthy host, and its certificate for `dns.example`.
fn serve_tls(respond: fn(&Query) -> Vec<Vec<u8>>) -> (SocketAddr, CertificateDer<'static>, Arc<AtomicUsize>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["dns.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let certificate = certificate.der().clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], private).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&connections);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                seen.fetch_add(1, Ordering::Relaxed);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    while let Ok(length) = stream.read_u16().await {
                        let mut message = vec![0; usize::from(length)];
                        if stream.read_exact(&mut message).await.is_err() {
                            return;
                        }
                        for reply in respond(&query(&message, None)) {
                            let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                            stream.write_all(&[&length[..], &reply].concat()).await.unwrap();
                        }
                    }
                });
            }
        });
    });
    (address, certificate, connections)
}

fn over_tls(server: SocketAddr, name: &str, trust: Trust) -> Options {
    let transport = Transport::Tls { name: Some(name.to_owned()) };
    let resolver = ResolverSpec { transport, ..resolver("t", server) };
    Options { resolvers: vec![resolver], trust, timeout: Duration::from_secs(20), ..options(&[]) }
}

#[test]
fn answers_over_tls_are_those_of_any_resolver() {
    let (server, certificate, connections) = serve_tls(healthy);
    let dns = ask(&host(), &over_tls(server, "dns.example", Trust::new([certificate])));
    assert_eq!(dns.iprev(addr("192.0.2.10")), Iprev::Pass, "{:?}", dns.replies);
    let mail = DomainName::new("mail.example.com");
    let absent = &dns.replies[&Question::new(&mail, RecordType::Mx)][0].outcome;
    let Outcome::Answer(answer) = absent else { panic!("{absent:?}") };
    assert!(!answer.nxdomain && answer.records.is_empty() && !answer.authoritative, "{answer:?}");
    assert_eq!(
        (answer.negative_ttl, answer.soa.as_ref().map(|soa| soa.name.to_string())),
        (Some(60), Some("example.com".into()))
    );
    assert_eq!(dns.summary().questions, 5);
    assert_eq!(connections.load(Ordering::Relaxed), 1, "one connection for all");
}

#[test]
fn refusals_over_tls_are_no_answers() {
    let (server, certificate, _) = serve_tls(|query| query.rcode(ResponseCode::Refused));
    let dns = ask(&host(), &over_tls(server, "dns.example", Trust::new([certificate])));
    assert_eq!(dns.replies[&ptr()][0].outcome, Outcome::Unanswered(Why::Refused));
    let (server, certificate, _) = serve_tls(|query| query.rcode(ResponseCode::NXDomain));
    let dns = ask(&host(), &over_tls(server, "dns.example", Trust::new([certificate])));
    assert_eq!(dns.ptr(addr("192.0.2.10")), Lookup::NxDomain);
}

#[test]
fn a_certificate_that_is_not_the_servers_is_the_reason() {
    let reason = |name: &str, other: bool, none: bool| {
        let (server, certificate, _) = serve_tls(healthy);
        let (_, strange, _) = serve_tls(healthy);
        let trust = match (none, other) {
            (true, _) => Trust::nobody(),
            (_, true) => Trust::new([strange]),
            _ => Trust::new([certificate]),
        };
        match &ask(&host(), &over_tls(server, name, trust)).replies[&ptr()][0].outcome {
            Outcome::Unanswered(why) => why.to_string(),
            answer => panic!("{answer:?}"),
        }
    };
    let wrong_name = reason("other.example", false, false);
    assert!(wrong_name.contains("certificate"), "{wrong_name}");
    let unknown = reason("dns.example", true, false);
    assert!(unknown.contains("certificate"), "{unknown}");
    let no_roots = reason("dns.example", false, true);
    assert!(no_roots.contains("no trust roots"), "{no_roots}");
}
