//! What `compare` says of a move: nothing of a host and itself; of each kind of drift, alone and beside each other, exactly that.

#[path = "compare/drifts.rs"]
mod drifts;
#[path = "compare/panels.rs"]
mod panels;
mod scenario;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drifts::{Drift, ON_CPANEL, ON_POSTFIX};
use helolint::collect::kernel;
use helolint::collect::root::Root;
use helolint::compare::{self, Verdict};
use helolint::domains::{self, MailDomains, MovedHost};
use helolint::facts::{Answers, Facts, Mapped, Moved, Overrides};
use helolint::observe::Observations;
use helolint::observe::plan::Plan;
use helolint::observe::recorded::Zones;
use helolint::observe::source::{Answers as Answering, Source};
use helolint::rules::{self, Selection};
use helolint::{collect, identity};
use panels::{ON_DIRECTADMIN, ON_HESTIA};

fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts")
}

/// What the files of a host and its kernel say, and the domains that it handles.
fn read(dir: &Path) -> (Facts, Root, MailDomains) {
    let root = Root::open(&dir.join("root")).unwrap();
    let recorded = fs::read_to_string(dir.join("kernel")).ok();
    let kernel = recorded.map(|text| kernel::from_file(&text).unwrap());
    let mut facts = collect::collect(&root, kernel);
    identity::apply(&mut facts, Overrides::default());
    let domains = collect::mail_domains(&root, &facts, &[]);
    (facts, root, domains)
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
    domains: MailDomains,
}

impl Before {
    fn new(dir: &Path) -> Before {
        let (facts, _, domains) = read(dir);
        let answers = compare::answers(&ask(dir, &facts));
        Before { facts, answers, domains }
    }

    /// What this says of a host that it became.
    fn moved(&self, facts: &Facts, here: &MailDomains, map: &[Mapped]) -> Moved {
        let was = MovedHost { facts: &self.facts, domains: &self.domains };
        let (domains, open) = domains::moved(was, MovedHost { facts, domains: here }, map);
        Moved {
            old: self.facts.clone(),
            taken: String::new(),
            answers: self.answers.clone(),
            map: map.to_vec(),
            sought: compare::sought(&self.facts, facts),
            domains,
            open,
        }
    }
}

/// What differs on the host in `dir`, a line each, expected changes apart; and the findings, by code.
fn differs(before: &Before, dir: &Path, map: &[Mapped]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut facts, root, domains) = read(dir);
    let moved = Arc::new(before.moved(&facts, &domains, map));
    facts.old_addresses = moved.sought.addresses.iter().copied().collect();
    facts.leftovers = collect::left_behind(&root, &moved.sought);
    facts.moved = Some(moved.clone());
    let dns = ask(dir, &facts);
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
        let (facts, _, domains) = read(&dir);
        let answers = compare::answers(&ask(&dir, &facts));
        let moved = before.moved(&facts, &domains, &[]);
        assert!(moved.sought.is_empty() && moved.domains.is_empty(), "{}: {moved:?}", dir.display());
        let changes = compare::changes(&moved, &facts, &answers);
        if !changes.is_empty() {
            wrong.push(format!("{}: {changes:#?}", dir.display()));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 100, "{seen}");
}

#[test]
fn a_list_that_cannot_be_read_here_tells_of_no_domain_and_says_so() {
    let Bench { before, moved } = postfix();
    sub(moved.path(), "root/etc/postfix/main.cf", "/etc/postfix/domains, other", "mysql:/etc/postfix/my.cf, other");
    let (facts, _, domains) = read(moved.path());
    let moved = before.moved(&facts, &domains, &[]);
    assert!(moved.domains.is_empty(), "{:#?}", moved.domains);
    let dns = Observations::offline();
    let told = compare::not_compared(&moved, &facts, &dns);
    assert!(told.iter().any(|one| one.why.contains("virtual_mailbox_domains")), "{told:#?}");
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
    append(dir, "root/etc/postfix/main.cf", "virtual_mailbox_domains = /etc/postfix/domains, other.example");
    append(dir, "root/etc/postfix/domains", "shop.example\nblog.example");
    append(
        dir,
        "root/etc/postfix/master.cf",
        "out1 unix - - n - - smtp\n  -o smtp_bind_address=203.0.113.11\n  -o smtp_bind_address6=2001:db8:25::26\n  -o smtp_helo_name=mail.shop.example",
    );
    // A chain as an administrator makes it: a key, which nobody else may read, stands in it.
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    append(dir, "root/etc/postfix/main.cf", "smtpd_tls_chain_files = /etc/postfix/chain.pem");
    fs::write(dir.join("root/etc/postfix/chain.pem"), format!("{key}{}", drifts::certificate("mail-smtp"))).unwrap();
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
    let old = tempfile::tempdir().unwrap();
    let from = old.path();
    scenario::copy(&hosts().join("cpanel-nat"), from);
    fs::create_dir_all(from.join("root/var/cpanel/ssl/exim")).unwrap();
    fs::write(from.join(drifts::CPANEL_CERTIFICATE), drifts::certificate("server-firm")).unwrap();
    append(from, "root/etc/remotedomains", "away.example");
    append(from, "root/etc/userdomains", "away.example: firm");
    let moved = tempfile::tempdir().unwrap();
    scenario::copy(from, moved.path());
    everywhere(
        moved.path(),
        &[("203.0.113.", "198.51.100."), ("10.0.0.", "172.16.9."), ("113.0.203.in-addr", "100.51.198.in-addr")],
    );
    let zones = moved.path().join("zones");
    fs::rename(zones.join("113.0.203.in-addr.arpa.zone"), zones.join("100.51.198.in-addr.arpa.zone")).unwrap();
    Bench { before: Before::new(from), moved }
}

/// A host that moved to another network as it was.
fn moved_as_it_was(from: &Path) -> Bench {
    let moved = tempfile::tempdir().unwrap();
    scenario::copy(from, moved.path());
    everywhere(moved.path(), &[("203.0.113.", "198.51.100."), ("113.0.203.in-addr", "100.51.198.in-addr")]);
    let zones = moved.path().join("zones");
    fs::rename(zones.join("113.0.203.in-addr.arpa.zone"), zones.join("100.51.198.in-addr.arpa.zone")).unwrap();
    Bench { before: Before::new(from), moved }
}

/// DirectAdmin, with an address and a name of its own for one domain.
fn directadmin() -> Bench {
    let old = tempfile::tempdir().unwrap();
    let dir = old.path();
    scenario::copy(&hosts().join("directadmin-two-addresses"), dir);
    append(dir, "root/etc/virtual/helo_data", "203.0.113.10: server.example.com");
    append(dir, "root/etc/virtual/domains", "wiki.example");
    fs::write(
        dir.join("root/etc/virtual/domainowners"),
        "shop.example: alice\nwiki.example: alice\nblog.example: bob\n",
    )
    .unwrap();
    moved_as_it_was(dir)
}

/// Hestia, with an address of its own for one domain and a relay for another.
fn hestia() -> Bench {
    let old = tempfile::tempdir().unwrap();
    let dir = old.path();
    scenario::copy(&hosts().join("hestia-two-addresses"), dir);
    let own = "/etc/exim4/domains/${lookup{$sender_address_domain}dsearch{/etc/exim4/domains/}}/smtp_relay.conf";
    let macros = format!(
        "SMTP_RELAY_FILE = ${{if exists{{{own}}}{{{own}}}{{/etc/exim4/smtp_relay.conf}}}}\n\
        SMTP_RELAY_HOST = ${{lookup{{host}}lsearch{{SMTP_RELAY_FILE}}}}\n\
        SMTP_RELAY_PORT = ${{lookup{{port}}lsearch{{SMTP_RELAY_FILE}}}}\ndisable_ipv6 = true\n"
    );
    sub(dir, "root/etc/exim4/exim4.conf", "disable_ipv6 = true\n", &macros);
    let router = "begin routers\nsend_via_smtp_relay:\n  driver = manualroute\n  \
        address_data = SMTP_RELAY_HOST:SMTP_RELAY_PORT\n  domains = !+local_domains\n  require_files = SMTP_RELAY_FILE\n  \
        transport = smtp_relay_smtp\n  route_list = * ${extract{1}{:}{$address_data}}::${extract{2}{:}{$address_data}}\n  no_more\n";
    sub(dir, "root/etc/exim4/exim4.conf", "begin routers\n", router);
    append(dir, "root/etc/exim4/exim4.conf", "smtp_relay_smtp:\n  driver = smtp");
    fs::create_dir_all(panels::relay(dir).parent().unwrap()).unwrap();
    fs::write(panels::relay(dir), "host: smtp.relay.example\nport: 587\nuser: u\npass: w\n").unwrap();
    moved_as_it_was(dir)
}

fn texts(all: &[&'static str]) -> BTreeSet<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

/// Makes each drift, then each pair of those that touch nothing in common, of which there are `at_least` so many.
fn each_alone_and_in_pairs(bench: &Bench, drifts: &[Drift], at_least: usize) {
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
    assert!(pairs >= at_least, "{pairs}");
}

#[test]
fn each_drift_of_a_postfix_host_is_told_and_nothing_else() {
    each_alone_and_in_pairs(&postfix(), ON_POSTFIX, 60);
}

#[test]
fn each_drift_of_a_cpanel_server_is_told_and_nothing_else() {
    each_alone_and_in_pairs(&cpanel(), ON_CPANEL, 40);
}

#[test]
fn each_drift_of_a_directadmin_server_is_told_and_nothing_else() {
    each_alone_and_in_pairs(&directadmin(), ON_DIRECTADMIN, 20);
}

#[test]
fn each_drift_of_a_hestia_server_is_told_and_nothing_else() {
    each_alone_and_in_pairs(&hestia(), ON_HESTIA, 10);
}

/// What changes on a host by itself: certificates are renewed, domains come.
#[test]
fn a_host_and_its_later_self_differ_in_nothing_that_is_told() {
    let bench = cpanel();
    let dir = bench.moved.path();
    let before = Before::new(dir);
    fs::write(dir.join(drifts::CPANEL_CERTIFICATE), drifts::certificate("server-firm-new")).unwrap();
    append(dir, "root/etc/userdomains", "new.example: fresh");
    append(dir, "root/etc/localdomains", "new.example");
    append(dir, "root/etc/mailips", "new.example: 172.16.9.5");
    append(dir, "root/etc/mailhelo", "new.example: mail.firm.example");
    let (told, codes) = differs(&before, dir, &[]);
    assert!(told.is_empty() && codes.is_empty(), "cPanel: {told:#?} {codes:?}");

    let bench = directadmin();
    let dir = bench.moved.path();
    let before = Before::new(dir);
    append(dir, "root/etc/virtual/domains", "new.example");
    append(dir, "root/etc/virtual/domainowners", "new.example: carol");
    append(dir, "root/etc/virtual/domainips", "new.example: 198.51.100.11");
    let (told, codes) = differs(&before, dir, &[]);
    assert!(told.is_empty() && codes.is_empty(), "DirectAdmin: {told:#?} {codes:?}");

    let bench = hestia();
    let dir = bench.moved.path();
    let before = Before::new(dir);
    let folder = dir.join("root/etc/exim4/domains/new.example");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("ip"), "198.51.100.11\n").unwrap();
    let (told, codes) = differs(&before, dir, &[]);
    assert!(told.is_empty() && codes.is_empty(), "Hestia: {told:#?} {codes:?}");
}

/// Each line of a map is one change, whatever the verdict.
#[test]
fn each_line_is_told_once() {
    let bench = directadmin();
    let dir = bench.moved.path();
    let lines = |dir: &Path| {
        let (facts, ..) = read(dir);
        let sought = compare::sought(&bench.before.facts, &facts);
        let (old, answers) = (bench.before.facts.clone(), bench.before.answers.clone());
        let moved = Moved {
            old,
            taken: String::new(),
            answers,
            map: Vec::new(),
            sought,
            domains: Vec::new(),
            open: Vec::new(),
        };
        let changes = compare::changes(&moved, &facts, &compare::answers(&ask(dir, &facts)));
        let lines = changes.iter().filter(|change| change.what == compare::What::MapLine);
        let told = |c: &compare::Change| format!("{} {}: {:?}, {:?}", c.verdict.as_str(), c.key, c.old, c.new);
        lines.map(told).collect::<Vec<_>>()
    };
    let both = ["expected /etc/virtual/domainips shop.example: Some(\"203.0.113.11\"), Some(\"198.51.100.11\")"];
    assert_eq!(lines(dir), both, "a move that went well");
    append(dir, "root/etc/virtual/domainips", "new.example: 198.51.100.10\nblog.example: 198.51.100.10");
    append(dir, "root/etc/virtual/domains", "new.example");
    sub(dir, "root/etc/virtual/helo_data", "198.51.100.10: server.example.com\n", "");
    assert_eq!(
        lines(dir),
        [
            "expected /etc/virtual/domainips blog.example: None, Some(\"198.51.100.10\")",
            "expected /etc/virtual/domainips new.example: None, Some(\"198.51.100.10\")",
            both[0],
            "expected /etc/virtual/domains new.example: None, Some(\"local\")",
            "drift /etc/virtual/helo_data 203.0.113.10: Some(\"server.example.com\"), None",
        ]
    );
}

#[test]
fn there_are_as_many_kinds_as_promised() {
    let all = [ON_POSTFIX, ON_CPANEL, ON_DIRECTADMIN, ON_HESTIA];
    assert!(all.iter().map(|drifts| drifts.len()).sum::<usize>() >= 50);
}

#[test]
fn what_is_mapped_is_expected() {
    let bench = postfix();
    let dir = bench.moved.path();
    everywhere(dir, &[("mail.example.com", "mx.example.net")]);
    sub(dir, "zones/example.com.zone", "mail IN A 198.51.100.10\nmail IN AAAA 2001:db8:77::25\n", "");
    let zone = "$ORIGIN example.net.\n$TTL 3600\n@ IN SOA ns1 h ( 1 7200 3600 1209600 300 )\nmx IN A 198.51.100.10\nmx IN AAAA 2001:db8:77::25\n";
    fs::write(dir.join("zones/example.net.zone"), zone).unwrap();
    fs::write(dir.join("root/etc/postfix/chain.pem"), drifts::certificate("mx-smtp")).unwrap();
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
fn what_is_mapped_and_did_not_become_so_is_told() {
    let name = helolint::name::DomainName::new;
    let bench = postfix();
    let map = [Mapped::Name { old: name("mail.example.com"), new: name("mx.example.net") }];
    let (told, codes) = differs(&bench.before, bench.moved.path(), &map);
    for line in ["drift host-name node name", "drift helo postfix smtp ipv4", "drift ptr postfix smtp ipv4"] {
        assert!(told.contains(line), "{line}: {told:#?}");
    }
    assert!(!told.iter().any(|line| line.contains("shop.example")), "{told:#?}");
    assert!(codes.contains("MIG003"), "{codes:?}");
    // Both addresses are on the new host; one was to become the other.
    let address = |text: &str| text.parse().unwrap();
    let same = Before::new(bench.moved.path());
    let map = [Mapped::Address { old: address("198.51.100.11"), new: address("198.51.100.10") }];
    let (told, codes) = differs(&same, bench.moved.path(), &map);
    for line in ["drift source postfix out1 ipv4 shop.example", "drift setting postfix out1 smtp_bind_address"] {
        assert!(told.contains(line), "{line}: {told:#?}");
    }
    assert!(codes.contains("MIG002"), "{codes:?}");
}

#[test]
fn an_old_address_that_is_bound_to_no_more_is_expected() {
    let bench = postfix();
    let before = tempfile::tempdir().unwrap();
    scenario::copy(&hosts().join("postfix-dual-stack"), before.path());
    append(before.path(), "root/etc/postfix/main.cf", "smtp_bind_address = 203.0.113.10");
    let after = tempfile::tempdir().unwrap();
    scenario::copy(bench.moved.path(), after.path());
    for file in ["root/etc/postfix/main.cf", "root/etc/postfix/master.cf", "root/etc/hosts", "kernel"] {
        let text = fs::read_to_string(hosts().join("postfix-dual-stack").join(file)).unwrap();
        let text = text.replace("203.0.113.", "198.51.100.").replace("2001:db8:25::", "2001:db8:77::");
        fs::write(after.path().join(file), text).unwrap();
    }
    let (told, codes) = differs(&Before::new(before.path()), after.path(), &[]);
    assert!(told.is_empty() && codes.is_empty(), "{told:#?} {codes:?}");
}

#[test]
fn what_a_panel_has_set_since_is_told_beside_what_it_changes() {
    let bench = cpanel();
    let dir = bench.moved.path();
    fs::write(dir.join("root/var/cpanel/custom_mailips"), "").unwrap();
    sub(dir, "root/etc/exim.conf.localopts", "custom_mailhelo=0", "custom_mailhelo=1");
    let account = fs::read_to_string(dir.join("root/etc/userips")).unwrap();
    let (told, _) = differs(&bench.before, dir, &[]);
    assert!(told.is_empty(), "no mail leaves otherwise: {told:#?}");
    sub(dir, "root/etc/wwwacct.conf", "HOST server.example.com", "HOST srv9.example.com");
    let (told, _) = differs(&bench.before, dir, &[]);
    for line in ["drift setting /var/cpanel/custom_mailips", "drift setting /etc/exim.conf.localopts custom_mailhelo"] {
        assert!(told.contains(line), "{line}: {told:#?}");
    }
    let first = account.lines().find(|line| line.contains("172.16.9.5")).unwrap();
    sub(dir, "root/etc/userips", first, &first.replace("172.16.9.5", "172.16.9.4"));
    let (told, _) = differs(&bench.before, dir, &[]);
    assert!(told.iter().any(|line| line.starts_with("drift map-line /etc/userips ")), "{told:#?}");
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

#[test]
fn what_the_outside_sees_behind_nat_may_be_what_it_saw_of_the_old_host() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&old, &new] {
        scenario::copy(&hosts().join("postfix-plain"), dir.path());
    }
    everywhere(new.path(), &[("203.0.113.10", "10.0.0.9")]);
    let (before, ..) = read(old.path());
    let (mut after, ..) = read(new.path());
    assert_eq!(compare::sought(&before, &after).addresses, BTreeSet::new());
    let image = |public: &str| helolint::facts::NatEntry {
        local: None,
        public: public.parse().unwrap(),
        origin: helolint::facts::Origin::flag("--public-ip"),
    };
    identity::apply(&mut after, Overrides { mta: None, nat: vec![image("198.51.100.9")] });
    assert_eq!(compare::sought(&before, &after).addresses, ["203.0.113.10".parse().unwrap()].into());
    let (mut same, ..) = read(new.path());
    identity::apply(&mut same, Overrides { mta: None, nat: vec![image("203.0.113.10")] });
    assert_eq!(compare::sought(&before, &same).addresses, BTreeSet::new());
}

#[test]
fn what_is_not_compared_is_said() {
    let host = hosts().join("moved-postfix");
    let run = |options: &[&str]| {
        let mut helolint = std::process::Command::new(env!("CARGO_BIN_EXE_helolint"));
        helolint.arg("compare").arg(host.join("old.json")).arg("--root").arg(host.join("root")).args(options);
        String::from_utf8(helolint.output().unwrap().stdout).unwrap()
    };
    let (kernel, zones) = (host.join("kernel"), host.join("zones"));
    let (kernel, zones) = (kernel.to_str().unwrap(), zones.to_str().unwrap());
    let whole = run(&["--kernel", kernel, "--zones", zones]);
    assert!(!whole.contains("Not compared"), "{whole}");
    let offline = run(&["--kernel", kernel, "--offline"]);
    assert!(offline.contains("Not compared\n  records: the DNS was not asked\n"), "{offline}");
    let unseen = run(&["--zones", zones, "--format", "markdown"]);
    assert!(unseen.contains("### Not compared") && unseen.contains("- hostname -f:"), "{unseen}");
    let json = run(&["--offline", "--format", "json"]);
    for what in ["\"records\"", "\"hostname -f\"", "\"addresses, and from which of them mail leaves\""] {
        assert!(json.contains(what), "{what}: {json}");
    }
}
