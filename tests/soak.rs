//! What a check holds when it is over: nothing. Ten thousand in one process, and memory and descriptors stay what they were.
//!
//!     cargo test --test soak -- --ignored --nocapture

use std::borrow::Cow;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use helolint::collect::{self, kernel, root::Root};
use helolint::facts::{Facts, Overrides};
use helolint::identity;
use helolint::observe::plan::Plan;
use helolint::observe::recorded::Zones;
use helolint::observe::resolver::{self, Options, ResolverSpec, Transport};
use helolint::observe::source::{Answers, Source};
use helolint::observe::{Observations, VantageKind};
use helolint::report::{self, Format, Report, Style};
use helolint::rules::{self, Selection};

const CHECKS: usize = 10_000;
/// Phases in which a server on the loopback is asked.
const PHASES: usize = 1_000;
/// Runs before the first look: what is made once is there then.
const FIRST: usize = 200;
/// What may come to the resident set, in KiB: less than half a KiB for each check, of which a report alone has ten times as much.
const GROWTH: usize = 4096;

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain")
}

/// The host, read anew.
fn facts() -> Facts {
    let root = Root::open(&host().join("root")).unwrap();
    let recorded = fs::read_to_string(host().join("kernel")).unwrap();
    let mut facts = collect::collect(&root, Some(kernel::from_file(&recorded).unwrap()));
    identity::apply(&mut facts, Overrides { mta: None, nat: Vec::new() });
    facts
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Does `work` so often, and says what stayed of it.
fn stays(what: &str, times: usize, mut work: impl FnMut()) {
    (0..FIRST).for_each(|_| work());
    let before = (resident(), descriptors());
    (0..times).for_each(|_| work());
    let after = (resident(), descriptors());
    println!(
        "{what}, {times} times: {} KiB, then {} KiB; {} descriptors, then {}",
        before.0, after.0, before.1, after.1
    );
    assert_eq!(before.1, after.1, "{what}: descriptors");
    assert!(after.0 <= before.0 + GROWTH, "{what}: {} KiB, then {} KiB", before.0, after.0);
}

#[test]
#[ignore = "takes minutes"]
fn nothing_stays_of_ten_thousand_checks() {
    let zones = fs::read_dir(host().join("zones")).unwrap().map(|entry| entry.unwrap().path());
    let zones: Vec<(String, String)> =
        zones.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect();
    stays("a check with zone files", CHECKS, || {
        let facts = facts();
        let zones = Zones::load(zones.iter().map(|(path, text)| (path, text))).unwrap();
        let dns = Source::new(Answers::Zones(zones)).answer(&Plan::new(&facts), Observations::default());
        let outcome = rules::judge(&facts, &dns, &Selection::default());
        let metas = rules::all().map(|rule| &rule.meta);
        let report = Report::new(&facts, &dns, outcome.findings, metas, &outcome.not_checked);
        for format in [Format::Human, Format::Json, Format::Html] {
            assert!(!report::render(format, Cow::Borrowed(&report), &Style::plain()).is_empty());
        }
    });

    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    server.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let ended = Arc::clone(&over);
    let answering = std::thread::spawn(move || {
        let mut packet = [0; 512];
        while !ended.load(Ordering::Relaxed) {
            let Ok((length, client)) = server.recv_from(&mut packet) else { continue };
            // NXDOMAIN to everything.
            packet[2..4].copy_from_slice(&[0x81, 0x83]);
            server.send_to(&packet[..length], client).unwrap();
        }
    });
    let facts = facts();
    let plan = Plan::new(&facts);
    let options = Options {
        resolvers: vec![ResolverSpec {
            name: "one".into(),
            server: address,
            kind: VantageKind::Public,
            transport: Transport::Plain,
        }],
        authoritative: false,
        timeout: Duration::from_secs(2),
        ..Options::new(&[], false)
    };
    stays("asking a server", PHASES, || {
        assert!(!resolver::ask(&plan.initial, &plan.follow_ups, &options, Observations::default()).replies.is_empty());
    });
    over.store(true, Ordering::Relaxed);
    answering.join().unwrap();
}
