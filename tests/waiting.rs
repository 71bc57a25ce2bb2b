//! `helolint wait` against a change that happens meanwhile: whom it asks what, how often, and when it ends.

#[path = "authorities/world.rs"]
mod world;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use world::{Manner, RESOLVER, Server, World};

/// The absence may be kept for half an hour: who asks too early waits that long.
const FORWARD: &str = "$TTL 300\n@ SOA ns1 h 1 1 1 1 1800\n@ NS ns1\nns1 A 127.0.53.11\n@ A 203.0.113.10\n";
const REVERSE: &str =
    "$TTL 300\n@ SOA ns1.example.com. h 1 1 1 1 1800\n@ NS ns1.example.com.\n10 PTR mail.example.com.\n";

fn zones(forward: &str) -> [(&'static str, String); 2] {
    [("example.com", forward.to_owned()), ("113.0.203.in-addr.arpa", REVERSE.to_owned())]
}

fn pairs<'z>(zones: &'z [(&'static str, String)]) -> Vec<(&'z str, &'z str)> {
    zones.iter().map(|(origin, text)| (*origin, text.as_str())).collect()
}

/// Starts the program on the plain Postfix host.
fn start(world: &World, more: &[&str]) -> std::process::Child {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let port = world.port().to_string();
    let resolver = format!("cache=127.0.53.{RESOLVER}:{port}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").current_dir(host);
    command.args(["wait", "--root", "root", "--kernel", "kernel", "--resolver", &resolver]);
    command.args(["--authoritative-port", &port, "--timeout", "3", "--format", "ndjson"]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// What it told, and its exit status.
fn end(child: &mut std::process::Child) -> (Vec<Value>, Option<i32>) {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    (events.collect(), child.wait().unwrap().code())
}

fn is_about(question: &str) -> bool {
    question.starts_with("mail.example.com. ")
}

#[test]
fn nobody_is_made_to_keep_an_absence_and_all_is_over_soon_after_the_change() {
    let before = zones(FORWARD);
    let truth = pairs(&before);
    let servers: &[Server<'_>] = &[(11, &truth, Manner::Serves)];
    let world = World::start_caching(servers, &truth);
    let began = Instant::now();
    let mut child = start(&world, &["--for", "5m"]);
    std::thread::sleep(Duration::from_secs(4));
    let early: Vec<String> = world.asked(RESOLVER).into_iter().filter(|question| is_about(question)).collect();
    assert!(early.is_empty(), "the resolver was asked for an awaited name: {early:?}");
    let after = zones(&format!("{FORWARD}mail A 203.0.113.10\n"));
    world.publish(11, &pairs(&after), &pairs(&after));
    let (events, status) = end(&mut child);
    let took = began.elapsed();
    // The change was seen at the next look at the source: 15 s and a tenth of jitter after the first, and 5 s for the rest.
    assert!(took < Duration::from_secs(4 + 17 + 5), "{took:?}: {events:#?}");
    assert_eq!(status, Some(0), "{events:#?}");
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((of("state"), of("done"), of("gave-up")), (1, 1, 0), "{events:#?}");
    let wrong = &events.iter().find(|event| event["event"] == "state").unwrap()["wrong"];
    assert!(wrong.as_array().is_some_and(|all| !all.is_empty()), "{events:#?}");
    // Each question once at the resolver, and at the source once for each look.
    let resolver: Vec<String> = world.asked(RESOLVER).into_iter().filter(|question| is_about(question)).collect();
    let mut once = resolver.clone();
    once.sort();
    once.dedup();
    assert_eq!(resolver.len(), once.len(), "{resolver:?}");
    let source = world.asked(11).iter().filter(|question| *question == "mail.example.com. A").count();
    assert!((2..=3).contains(&source), "{:?}", world.asked(11));
}

#[test]
fn what_is_right_takes_no_time() {
    let right = zones(&format!("{FORWARD}mail A 203.0.113.10\n"));
    let truth = pairs(&right);
    let servers: &[Server<'_>] = &[(11, &truth, Manner::Serves)];
    let world = World::start_caching(servers, &truth);
    let began = Instant::now();
    let (events, status) = end(&mut start(&world, &["--for", "5m"]));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}: {events:#?}", began.elapsed());
    assert_eq!((status, events.last().unwrap()["event"].as_str()), (Some(0), Some("done")), "{events:#?}");
}

#[test]
fn the_time_is_up_and_the_status_says_what_is_left() {
    let wrong = zones(FORWARD);
    let truth = pairs(&wrong);
    let servers: &[Server<'_>] = &[(11, &truth, Manner::Serves)];
    let world = World::start_caching(servers, &truth);
    let (events, status) = end(&mut start(&world, &["--for", "4s"]));
    assert_eq!((status, events.last().unwrap()["event"].as_str()), (Some(1), Some("gave-up")), "{events:#?}");
    assert!(!world.asked(RESOLVER).iter().any(|question| is_about(question)), "{:?}", world.asked(RESOLVER));
}

#[test]
fn a_zone_whose_servers_refuse_it_is_not_waited_for() {
    let wrong = zones(FORWARD);
    let truth = pairs(&wrong);
    let servers: &[Server<'_>] = &[(11, &truth, Manner::Refuses)];
    let world = World::start_caching(servers, &truth);
    let began = Instant::now();
    let (events, _) = end(&mut start(&world, &["--for", "5m"]));
    let last = events.last().unwrap();
    assert_eq!(last["event"].as_str(), Some("gave-up"), "{events:#?}");
    assert!(last["because"].as_str().unwrap().contains("refuse"), "{last}");
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}

#[test]
fn it_ends_when_nobody_reads_what_it_says() {
    let wrong = zones(FORWARD);
    let truth = pairs(&wrong);
    let servers: &[Server<'_>] = &[(11, &truth, Manner::Serves)];
    let world = World::start_caching(servers, &truth);
    let mut child = start(&world, &["--for", "5m"]);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"state\"") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "it says what is wrong");
    }
    let began = Instant::now();
    drop(out);
    // Long before the next look at the source has anything to tell.
    let status = child.wait().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(3));
}
