//! Servers of this process, good and bad, and what is made of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use super::*;
use crate::facts::{Stage, Trusted};
use crate::tls::made::{self, DAYS, Issuer, Made};
use crate::tls::{Certificate, Roots};

const NOW: i64 = DAYS.0 + 86_400;
/// Long enough for whatever is meant to come.
const PATIENT: Duration = Duration::from_secs(20);
/// For what is never to come.
const SHORT: Duration = Duration::from_millis(250);

/// What a client said, line by line, as the server heard it.
type Heard = Receiver<String>;

/// A server for `connections` of them, one after the other; each is greeted and served by `serve`.
fn server(
    connections: usize,
    serve: impl Fn(TcpStream, &mpsc::Sender<String>) + Send + 'static,
) -> (std::net::SocketAddr, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, heard) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..connections {
            let Ok((stream, _)) = listener.accept() else { return };
            serve(stream, &tell);
        }
    });
    (address, heard)
}

/// Writes `greeting`, then for each line of the client the next of `replies`, each as it stands; then waits for the client to go.
fn script(
    greeting: &'static [u8],
    replies: &'static [&'static [u8]],
) -> impl Fn(TcpStream, &mpsc::Sender<String>) + Send {
    move |mut stream, tell| {
        let _ = stream.write_all(greeting);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut replies = replies.iter();
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap_or(0) > 0 {
            let _ = tell.send(line.trim_end_matches("\r\n").to_owned());
            line.clear();
            let Some(reply) = replies.next() else { break };
            if stream.write_all(reply).is_err() {
                break;
            }
        }
    }
}

fn manners(patience: Duration, roots: Roots) -> Manners {
    let own_name = "client.example.com".to_owned();
    Manners { own_name, greeting: patience, whole: patience * 2, roots, now: NOW }
}

fn call(address: std::net::SocketAddr, depth: Depth, name: Option<&str>) -> Call {
    let connection = connect(&[Wanted { from: None, to: address }], PATIENT).remove(0);
    Call { connection, depth, name: name.map(str::to_owned) }
}

/// One conversation with one server.
fn talk(address: std::net::SocketAddr, depth: Depth, patience: Duration) -> Conversation {
    hold(vec![vec![call(address, depth, None)]], &manners(patience, Roots::new([]))).remove(0).remove(0)
}

#[test]
fn a_healthy_server_without_tls() {
    let (address, heard) = server(
        1,
        script(
            b"220-mx.example.com ESMTP\r\n220-wait\r\n220 go\r\n",
            &[b"250-mx.example.com\r\n250-SIZE 1000\r\n250 HELP\r\n", b"221 2.0.0 Bye\r\n"],
        ),
    );
    let said = talk(address, Depth::Whole, PATIENT);
    assert_eq!(said.fault, None);
    assert_eq!(said.greeting.unwrap().lines, ["mx.example.com ESMTP", "wait", "go"]);
    assert_eq!(
        (said.ehlo.as_ref().unwrap().name(), said.ehlo.as_ref().unwrap().offers("size")),
        (Some("mx.example.com"), true)
    );
    assert_eq!((said.tls, said.starttls), (None, None));
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["EHLO client.example.com", "QUIT"]);
}

#[test]
fn nothing_is_said_before_the_greeting_is_whole() {
    let (address, heard) = server(1, |mut stream, tell| {
        stream.write_all(b"220-teaser\r\n").unwrap();
        stream.set_read_timeout(Some(SHORT)).unwrap();
        let early = stream.read(&mut [0; 64]);
        tell.send(format!("early: {}", early.is_ok())).unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        script(b"220 mx.example.com\r\n", &[b"250 mx.example.com\r\n", b"221 bye\r\n"])(stream, tell);
    });
    assert_eq!(talk(address, Depth::Whole, PATIENT).fault, None);
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["early: false", "EHLO client.example.com", "QUIT"]);
}

/// A server that does what it should not, and what is told of it.
#[test]
fn servers_with_faults() {
    type Serve = Box<dyn Fn(TcpStream, &mpsc::Sender<String>) + Send>;
    const EHLO: &[u8] = b"250-mx.example.com\r\n250 STARTTLS\r\n";
    const HELLO: &[u8] = b"220 mx.example.com\r\n";
    let wait = |stream: &mut TcpStream| {
        // Until the client has gone.
        while stream.read(&mut [0; 512]).unwrap_or(0) > 0 {}
    };
    let late = |stage| Some(Fault::Late(stage));
    let not_smtp = |stage, text: &str| Some(Fault::NotSmtp(stage, text.to_owned()));
    let cases: Vec<(&str, Serve, Duration, Option<Fault>)> = vec![
        ("silence", Box::new(move |mut s, _| wait(&mut s)), SHORT, late(Stage::Greeting)),
        ("554", Box::new(script(b"554 no\r\n", &[b"221 bye\r\n"])), PATIENT, None),
        (
            "a drip, one octet at a time",
            Box::new(|mut s, _| {
                while s.write_all(b"2").is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            }),
            SHORT,
            late(Stage::Greeting),
        ),
        (
            "an endless banner",
            Box::new(|mut s, _| while s.write_all(b"220-more and more\r\n").is_ok() {}),
            PATIENT,
            Some(Fault::TooMuch(Stage::Greeting)),
        ),
        (
            "plain text behind STARTTLS",
            Box::new(script(HELLO, &[EHLO, b"220 go\r\n250 injected\r\n"])),
            PATIENT,
            Some(Fault::Injected(14)),
        ),
        (
            "a line without end",
            Box::new(|mut s, _| while s.write_all(&[b'x'; 4096]).is_ok() {}),
            PATIENT,
            Some(Fault::TooMuch(Stage::Greeting)),
        ),
        ("the end at once", Box::new(|s, _| drop(s)), PATIENT, Some(Fault::Closed(Stage::Greeting))),
        (
            "no reply to EHLO",
            Box::new(move |mut s, _| {
                s.write_all(HELLO).unwrap();
                wait(&mut s);
            }),
            SHORT,
            late(Stage::Ehlo),
        ),
        ("421", Box::new(script(b"421 busy\r\n", &[])), PATIENT, None),
        (
            "binary",
            Box::new(script(b"\x00\x01\xff\xfe\x16\x03\x01\n", &[])),
            PATIENT,
            not_smtp(Stage::Greeting, "\0\u{1}\u{fffd}\u{fffd}\u{16}\u{3}\u{1}"),
        ),
        (
            "bare line feeds",
            Box::new(script(b"220 mx.example.com\n", &[b"250 mx.example.com\n", b"221 bye\n"])),
            PATIENT,
            None,
        ),
        ("HELP in place of 250", Box::new(script(HELLO, &[b"214 see RFC 5321\r\n", b"221 bye\r\n"])), PATIENT, None),
        (
            "another code within a reply",
            Box::new(script(HELLO, &[b"250-mx.example.com\r\n550 no\r\n"])),
            PATIENT,
            not_smtp(Stage::Ehlo, "550 no"),
        ),
        ("454 to STARTTLS", Box::new(script(HELLO, &[EHLO, b"454 not now\r\n", b"221 bye\r\n"])), PATIENT, None),
        (
            "half closed",
            Box::new(move |mut s, _| {
                s.write_all(b"220-mx").unwrap();
                s.shutdown(std::net::Shutdown::Write).unwrap();
                wait(&mut s);
            }),
            PATIENT,
            Some(Fault::Closed(Stage::Greeting)),
        ),
        (
            "a greeting of another protocol",
            Box::new(script(b"+OK POP3 ready\r\n", &[])),
            PATIENT,
            not_smtp(Stage::Greeting, "+OK POP3 ready"),
        ),
    ];
    for (what, serve, patience, fault) in cases {
        let (address, _heard) = server(1, serve);
        let said = talk(address, Depth::Whole, patience);
        assert_eq!(said.fault, fault, "{what}: {said:?}");
        assert!(said.tls.is_none() && said.ehlo_in_tls.is_none(), "{what}");
    }
}

#[test]
fn handshakes_with_faults() {
    let starttls: &[&[u8]] = &[b"250-mx.example.com\r\n250 STARTTLS\r\n", b"220 go\r\n", b"this is no TLS at all\r\n"];
    let (address, _) = server(1, script(b"220 mx.example.com\r\n", starttls));
    let said = talk(address, Depth::Whole, PATIENT);
    assert!(matches!(&said.fault, Some(Fault::NoTls(_))), "{said:?}");
    assert_eq!((said.starttls.unwrap().code, said.tls), (220, None));
    // handshake_failure(40), fatal.
    let (address, _) = server(1, |mut stream, _| {
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).unwrap();
    });
    let said = talk(address, Depth::Wrapped, PATIENT);
    assert!(matches!(&said.fault, Some(Fault::NoTls(words)) if words.contains("HandshakeFailure")), "{said:?}");
    let (address, _) = server(1, |mut stream, _| while stream.read(&mut [0; 512]).unwrap_or(0) > 0 {});
    assert_eq!(talk(address, Depth::Wrapped, SHORT).fault, Some(Fault::Late(Stage::Handshake)));
}

#[test]
fn a_whole_conversation_has_an_end() {
    // Each part is in time, all of them are not.
    let (address, _) = server(1, |mut stream, _| {
        stream.write_all(b"220 mx.example.com\r\n").unwrap();
        while stream.write_all(b"250-mx.example.com\r\n").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let began = Instant::now();
    assert_eq!(talk(address, Depth::Whole, SHORT).fault, Some(Fault::Late(Stage::Ehlo)));
    assert!(began.elapsed() < PATIENT);
}

#[test]
fn a_greeting_alone() {
    let (address, heard) = server(1, script(b"220 mx.example.net ESMTP\r\n", &[b"221 bye\r\n"]));
    let said = talk(address, Depth::Greeting, PATIENT);
    assert_eq!((said.fault, said.greeting.unwrap().name()), (None, Some("mx.example.net")));
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["QUIT"]);
    let none = Call { connection: Err(Fault::Refused), depth: Depth::Whole, name: None };
    let said = hold(vec![vec![none], Vec::new()], &manners(PATIENT, Roots::new([])));
    assert_eq!(said, [vec![Conversation::failed(Fault::Refused)], vec![]]);
}

/// Certificates by the name that is asked for; the first where none is.
#[derive(Debug)]
struct ByName(Vec<(&'static str, Arc<CertifiedKey>)>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default();
        let found = self.0.iter().find(|(own, _)| *own == name).or(self.0.first());
        found.map(|(_, key)| Arc::clone(key))
    }
}

fn certified(chain: &[&Made]) -> Arc<CertifiedKey> {
    let key = PrivateKeyDer::try_from(chain[0].key.clone()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    Arc::new(CertifiedKey::new(chain.iter().map(|one| CertificateDer::from(one.der.clone())).collect(), key))
}

/// A server that speaks TLS after STARTTLS, or from the beginning.
fn tls_server(
    connections: usize,
    wrapped: bool,
    certificates: Vec<(&'static str, Arc<CertifiedKey>)>,
) -> (std::net::SocketAddr, Heard) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(ByName(certificates))));
    server(connections, move |mut plain, tell| {
        if !wrapped {
            plain.write_all(b"220 mx.example.com\r\n").unwrap();
            let mut reader = BufReader::new(plain.try_clone().unwrap());
            let mut replies = [&b"250-mx.example.com\r\n250 STARTTLS\r\n"[..], b"220 go\r\n"].into_iter();
            let mut line = String::new();
            while !line.starts_with("STARTTLS") {
                line.clear();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line.starts_with("QUIT") {
                    return;
                }
                plain.write_all(replies.next().unwrap()).unwrap();
            }
        }
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut tls = rustls::Stream::new(&mut connection, &mut plain);
        if wrapped {
            let _ = tls.write_all(b"220 mx.example.com\r\n");
        }
        let mut line = Vec::new();
        let mut octet = [0];
        while tls.read(&mut octet).unwrap_or(0) == 1 {
            line.push(octet[0]);
            if octet[0] == b'\n' {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                let reply: &[u8] = if text == "QUIT" { b"221 bye\r\n" } else { b"250 mx.example.com within\r\n" };
                let _ = tls.write_all(reply);
                let _ = tell.send(text);
                line.clear();
            }
        }
    })
}

fn root() -> (Issuer, Roots) {
    let root = made::issuer("Test Root");
    let trusted = Roots::new([CertificateDer::from(root.made().der)]);
    (root, trusted)
}

#[test]
fn certificates_are_kept_and_judged_whatever_is_wrong_with_them() {
    let (root, trusted) = root();
    let between = made::issuer_below(&root, "Test Between");
    let (top, middle) = (root.made(), between.made());
    let expired = (DAYS.0, DAYS.0 + 3_600);
    let future = (NOW + 3_600, DAYS.1);
    let good = made::signed(&between, &["mx.example.com"], DAYS);
    let cases: Vec<(&str, Vec<Made>, Option<&str>)> = vec![
        ("as it should be", vec![good.clone(), middle.clone()], None),
        ("expired", vec![made::signed(&root, &["mx.example.com"], expired)], None),
        ("not yet valid", vec![made::signed(&root, &["mx.example.com"], future)], None),
        ("another name", vec![made::signed(&root, &["www.example.com"], DAYS)], None),
        ("an issuer missing", vec![good.clone()], Some("is missing")),
        ("the wrong order", vec![good, top, middle], Some("wrong order")),
        ("signed by itself", vec![made::alone(&["mx.example.com"], DAYS)], Some("nobody but itself")),
    ];
    for (what, chain, untrusted) in cases {
        for wrapped in [false, true] {
            let certificate = certified(&chain.iter().collect::<Vec<_>>());
            let (address, heard) = tls_server(1, wrapped, vec![("", certificate)]);
            let depth = if wrapped { Depth::Wrapped } else { Depth::Whole };
            let calls = vec![vec![call(address, depth, None)]];
            let said = hold(calls, &manners(PATIENT, trusted.clone())).remove(0).remove(0);
            assert_eq!(said.fault, None, "{what}");
            let tls = said.tls.unwrap();
            assert_eq!(tls.version.as_deref(), Some("TLS 1.3"));
            let sent: Vec<&[u8]> = tls.chain.iter().map(|der| der.0.as_slice()).collect();
            assert_eq!(sent, chain.iter().map(|made| made.der.as_slice()).collect::<Vec<_>>(), "{what}");
            match (&tls.trust, untrusted) {
                (Trusted::Yes, None) => {}
                (Trusted::No(why), Some(words)) => assert!(why.contains(words), "{what}: {why}"),
                (other, _) => panic!("{what}: {other:?}"),
            }
            assert_eq!(said.ehlo_in_tls.unwrap().lines, ["mx.example.com within"]);
            assert_eq!(heard.iter().collect::<Vec<_>>(), ["EHLO client.example.com", "QUIT"]);
        }
    }
}

#[test]
fn each_name_is_asked_for_by_itself() {
    let (root, trusted) = root();
    let one = certified(&[&made::signed(&root, &["default.example.com"], DAYS)]);
    let other = certified(&[&made::signed(&root, &["mx.example.com"], DAYS)]);
    let (address, _) = tls_server(3, false, vec![("default.example.com", one), ("mx.example.com", other)]);
    let calls = [None, Some("mx.example.com"), Some("unknown.example.com")];
    let calls = calls.map(|name| call(address, Depth::Whole, name)).into();
    let said = hold(vec![calls], &manners(PATIENT, trusted)).remove(0);
    let told: Vec<_> = said
        .iter()
        .map(|one| (one.name.as_deref(), Certificate::read(&one.tls.as_ref().unwrap().chain[0].0).unwrap().title()))
        .collect();
    let default = || "default.example.com".to_owned();
    assert_eq!(
        told,
        [
            (None, default()),
            (Some("mx.example.com"), "mx.example.com".to_owned()),
            (Some("unknown.example.com"), default())
        ]
    );
}

#[test]
fn without_tls_other_names_are_not_asked_for() {
    let replies: &[&[u8]] = &[b"250 mx.example.com\r\n", b"221 bye\r\n"];
    let (address, heard) = server(2, script(b"220 mx.example.com\r\n", replies));
    let calls = [None, Some("mx.example.com")].map(|name| call(address, Depth::Whole, name)).into();
    let said = hold(vec![calls], &manners(PATIENT, Roots::new([]))).remove(0);
    assert_eq!((said[0].fault.clone(), said[1].ehlo.clone()), (None, None));
    assert_eq!(heard.iter().take(3).collect::<Vec<_>>(), ["EHLO client.example.com", "QUIT", "QUIT"]);
}
