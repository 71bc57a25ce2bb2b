//! What `compare` says of a move: nothing of a host and itself; of each kind of drift, alone and beside each other, exactly that.

#[path = "compare/drifts.rs"]
mod drifts;
mod scenario;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drifts::{Drift, ON_CPANEL, ON_POSTFIX};
use helolint::collect::kernel;
use helolint::collect::root::Root;
use helolint::compare::{self, Verdict};
use helolint::facts::{Answers, Facts, Mapped, Moved, Overrides};
use helolint::observe::Observations;
use helolint::observe::plan::Plan;
use helolint::observe::recorded::Zones;
use helolint::observe::source::{Answers as Answering, Source};
use helolint::rules::{self, Selection};
use helolint::{collect, identity};

fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts")
}

/// What the files of a host and its kernel say.
fn read(dir: &Path) -> (Facts, Root) {
    let root = Root::open(&dir.join("root")).unwrap();
    let recorded = fs::read_to_string(dir.join("kernel")).ok();
    let kernel = recorded.map(|text| kernel::from_file(&text).unwrap());
    let mut facts = collect::collect(&root, kernel);
    identity::apply(&mut facts, Overrides::default());
    (facts, root)
}

/// What the zones of a host say to its questions.
fn ask(dir: &Path, facts: &Facts) -> Observations {
    let Ok(entries) = fs::read_dir(dir.join("zones")) else { return Observations::offline() };
    let files = entries.map(|entry| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    });
    let files: Vec<(String, String)> = files.collect();
    let zones = Zones::load(files.iter().map(|(name, text)| (name.clone(), text.as_str()))).unwrap();
    Source::new(Answering::Zones(zones)).answer(&Plan::new(facts), Observations::default())
}

/// The host before its move.
struct Before {
    facts: Facts,
    answers: Answers,
}

impl Before {
    fn new(dir: &Path) -> Before {
        let (facts, _) = read(dir);
        let answers = compare::answers(&ask(dir, &facts));
        Before { facts, answers }
    }
}

/// What differs on the host in `dir`, a line each, expected changes apart; and the findings, by code.
fn differs(before: &Before, dir: &Path, map: &[Mapped]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut facts, root) = read(dir);
    let sought = compare::sought(&before.facts, &facts);
    facts.old_addresses = sought.addresses.iter().copied().collect();
    facts.leftovers = collect::left_behind(&root, &sought);
    facts.moved = Some(Arc::new(Moved {
        old: before.facts.clone(),
        taken: String::new(),
        answers: before.answers.clone(),
        map: map.to_vec(),
        sought,
    }));
    let dns = ask(dir, &facts);
    let moved = facts.moved.clone().unwrap();
    let changes = compare::changes(&moved, &facts, &compare::answers(&dns));
    let unexpected = changes.iter().filter(|change| change.verdict != Verdict::Expected);
    let mut told: BTreeSet<String> = unexpected
        .map(|change| format!("{} {} {}", change.verdict.as_str(), change.what.as_str(), change.key))
        .collect();
    for left in facts.leftovers.iter().filter(|left| !left.in_comment) {
        told.insert(format!("leftover {}:{}", left.span.path(), left.span.position().line));
    }
    let select = ["MIG", "DNS008", "DNS011"].map(str::to_owned).to_vec();
    let found = rules::judge(&facts, &dns, &Selection { select, ignore: Vec::new() }).findings;
    let codes: BTreeSet<String> = found.iter().map(|finding| finding.meta.code.to_owned()).collect();
    // What is shown is found, and the reverse.
    let own_names = codes.iter().any(|code| code.starts_with("MIG") || code == "DNS011");
    let old_names = codes.contains("DNS008");
    assert_eq!(told.is_empty(), !own_names && !old_names, "{told:#?} {codes:?}");
    (told, codes)
}

#[test]
fn a_service_with_several_next_hops_and_itself_differ_in_nothing() {
    let host = tempfile::tempdir().unwrap();
    scenario::copy(&hosts().join("table-outdated"), host.path());
    let table = host.path().join("root/etc/postfix/transport");
    scenario::set_time(&table.with_extension("db"), scenario::LAST_CHANGE + 7200);
    let before = Before::new(host.path());
    assert_eq!(
        before.facts.paths.iter().filter(|path| &*path.services[0] == "smtp").count(),
        2,
        "{:#?}",
        before.facts.paths
    );
    let (told, _) = differs(&before, host.path(), &[]);
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn a_host_and_itself_differ_in_nothing() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for dir in fs::read_dir(hosts()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        // Replays of snapshots have no files.
        if !dir.join("root").exists() {
            continue;
        }
        let before = Before::new(&dir);
        let (facts, _) = read(&dir);
        let answers = compare::answers(&ask(&dir, &facts));
        let sought = compare::sought(&before.facts, &facts);
        assert!(sought.is_empty(), "{}: {sought:?}", dir.display());
        let moved = Moved {
            old: before.facts.clone(),
            taken: String::new(),
            answers: before.answers.clone(),
            map: Vec::new(),
            sought,
        };
        let changes = compare::changes(&moved, &facts, &answers);
        if !changes.is_empty() {
            wrong.push(format!("{}: {changes:#?}", dir.display()));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 100, "{seen}");
}

/// A move, and how hosts are changed after it.
struct Bench {
    before: Before,
    /// The host after a move that went well.
    moved: tempfile::TempDir,
}

/// Replaces a text in a file below a host's folder; it must be there.
fn sub(dir: &Path, file: &str, from: &str, to: &str) {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(text.contains(from), "{file} has no {from:?}:\n{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn append(dir: &Path, file: &str, line: &str) {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, format!("{text}{line}\n")).unwrap();
}

/// Each text in each file of a host.
fn everywhere(dir: &Path, pairs: &[(&str, &str)]) {
    for entry in walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file())
    {
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        let new = pairs.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
        if new != text {
            fs::write(entry.path(), new).unwrap();
        }
    }
}

/// A dual-stack Postfix whose `shop.example` has a service with addresses and a HELO name of its own.
fn postfix() -> Bench {
    let old = tempfile::tempdir().unwrap();
    scenario::copy(&hosts().join("postfix-dual-stack"), old.path());
    let dir = old.path();
    append(
        dir,
        "root/etc/postfix/main.cf",
        "sender_dependent_default_transport_maps = texthash:/etc/postfix/by_sender",
    );
    append(dir, "root/etc/postfix/by_sender", "@shop.example out1:");
    append(
        dir,
        "root/etc/postfix/master.cf",
        "out1 unix - - n - - smtp\n  -o smtp_bind_address=203.0.113.11\n  -o smtp_bind_address6=2001:db8:25::26\n  -o smtp_helo_name=mail.shop.example",
    );
    let more = r#"{"interface": "eth0", "address": "203.0.113.11", "prefix_length": 24, "flags": []}, {"interface": "eth0", "address": "2001:db8:25::26", "prefix_length": 64, "flags": []},
    {"interface": "eth0", "address": "fe80"#;
    sub(dir, "kernel", r#"{"interface": "eth0", "address": "fe80"#, more);
    append(dir, "zones/113.0.203.in-addr.arpa.zone", "11 IN PTR mail.shop.example.");
    fs::write(
        dir.join("zones/shop.example.zone"),
        "$ORIGIN shop.example.\n$TTL 3600\n@ IN SOA ns1 h ( 1 7200 3600 1209600 300 )\n@ IN NS ns1\nns1 IN A 192.0.2.53\nmail IN A 203.0.113.11\n",
    )
    .unwrap();
    let moved = tempfile::tempdir().unwrap();
    scenario::copy(dir, moved.path());
    everywhere(
        moved.path(),
        &[
            ("203.0.113.", "198.51.100."),
            ("2001:db8:25::", "2001:db8:77::"),
            ("113.0.203.in-addr", "100.51.198.in-addr"),
            // The reverse zone's names of 2001:db8:25::25.
            ("5.2.0.0 IN PTR", "7.7.0.0 IN PTR"),
        ],
    );
    let zones = moved.path().join("zones");
    fs::rename(zones.join("113.0.203.in-addr.arpa.zone"), zones.join("100.51.198.in-addr.arpa.zone")).unwrap();
    Bench { before: Before::new(dir), moved }
}

/// cPanel behind NAT, with an address of its own for one account.
fn cpanel() -> Bench {
    let from = hosts().join("cpanel-nat");
    let moved = tempfile::tempdir().unwrap();
    scenario::copy(&from, moved.path());
    everywhere(
        moved.path(),
        &[("203.0.113.", "198.51.100."), ("10.0.0.", "172.16.9."), ("113.0.203.in-addr", "100.51.198.in-addr")],
    );
    let zones = moved.path().join("zones");
    fs::rename(zones.join("113.0.203.in-addr.arpa.zone"), zones.join("100.51.198.in-addr.arpa.zone")).unwrap();
    Bench { before: Before::new(&from), moved }
}

fn texts(all: &[&'static str]) -> BTreeSet<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn each_alone_and_in_pairs(bench: &Bench, drifts: &[Drift]) {
    let (told, codes) = differs(&bench.before, bench.moved.path(), &[]);
    assert!(told.is_empty() && codes.is_empty(), "a move that went well: {told:#?} {codes:?}");
    let with = |makes: &[&Drift]| {
        let dir = tempfile::tempdir().unwrap();
        scenario::copy(bench.moved.path(), dir.path());
        makes.iter().for_each(|drift| (drift.make)(dir.path()));
        differs(&bench.before, dir.path(), &[])
    };
    let mut wrong = Vec::new();
    for drift in drifts {
        let (told, codes) = with(&[drift]);
        if told != texts(drift.told) || codes != texts(drift.codes) {
            wrong.push(format!("{}: {told:#?} {codes:?}", drift.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut pairs = 0;
    for (at, one) in drifts.iter().enumerate() {
        for other in &drifts[at + 1..] {
            if one.touches.iter().any(|part| other.touches.contains(part)) {
                continue;
            }
            pairs += 1;
            let (told, codes) = with(&[one, other]);
            let expected: BTreeSet<String> = texts(one.told).union(&texts(other.told)).cloned().collect();
            let expected_codes: BTreeSet<String> = texts(one.codes).union(&texts(other.codes)).cloned().collect();
            if told != expected || codes != expected_codes {
                wrong.push(format!("{} and {}: {told:#?} {codes:?}", one.name, other.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(pairs > 20, "{pairs}");
}

#[test]
fn each_drift_of_a_postfix_host_is_told_and_nothing_else() {
    each_alone_and_in_pairs(&postfix(), ON_POSTFIX);
}

#[test]
fn each_drift_of_a_cpanel_server_is_told_and_nothing_else() {
    each_alone_and_in_pairs(&cpanel(), ON_CPANEL);
}

#[test]
fn there_are_as_many_kinds_as_promised() {
    assert!(ON_POSTFIX.len() + ON_CPANEL.len() >= 25);
}

#[test]
fn what_is_mapped_is_expected() {
    let bench = postfix();
    let dir = bench.moved.path();
    everywhere(dir, &[("mail.example.com", "mx.example.net")]);
    sub(dir, "zones/example.com.zone", "mail IN A 198.51.100.10\nmail IN AAAA 2001:db8:77::25\n", "");
    let zone = "$ORIGIN example.net.\n$TTL 3600\n@ IN SOA ns1 h ( 1 7200 3600 1209600 300 )\nmx IN A 198.51.100.10\nmx IN AAAA 2001:db8:77::25\n";
    fs::write(dir.join("zones/example.net.zone"), zone).unwrap();
    let (told, _) = differs(&bench.before, dir, &[]);
    assert!(told.contains("drift host-name node name") && told.contains("drift helo postfix smtp ipv4"), "{told:#?}");
    let map = [Mapped::Name {
        old: helolint::name::DomainName::new("mail.example.com"),
        new: helolint::name::DomainName::new("mx.example.net"),
    }];
    let (told, _) = differs(&bench.before, dir, &map);
    assert_eq!(told, BTreeSet::new());
}

#[test]
fn a_domain_that_did_not_come_along_is_no_drift() {
    let bench = cpanel();
    let dir = bench.moved.path();
    for file in ["mailips", "mailhelo", "userdomains", "localdomains"] {
        let path = dir.join("root/etc").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let kept: String = text.split_inclusive('\n').filter(|line| !line.starts_with("firm.example")).collect();
        fs::write(path, kept).unwrap();
    }
    let (told, codes) = differs(&bench.before, dir, &[]);
    assert!(told.is_empty() && codes.is_empty(), "{told:#?} {codes:?}");
}
