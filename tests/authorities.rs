//! Zones, their servers and the delegations that lead there, in worlds of name servers on loopback: whom helolint asks, and what it says of them.

#[path = "../benches/list/mod.rs"]
mod list;
#[path = "authorities/world.rs"]
mod world;

use helolint::addr::Family;
use helolint::facts::{Fact, Facts, Helo, Origin};
use helolint::name::{DomainName, HeloName};
use helolint::observe::plan::Plan;
use helolint::observe::resolver::{self, Options};
use helolint::observe::{Lookup, Observations, Question, RecordType};
use helolint::rules::{self, Selection};
use helolint::snapshot;
use world::{Manner, RESOLVER, Server, World};

use Manner::{Recurses, RefersAnywhere, RefersUpwards, Refuses, Serves, Silent};

fn ask(facts: &Facts, options: &Options) -> Observations {
    ask_more(facts, options, Observations::default())
}

fn ask_more(facts: &Facts, options: &Options, dns: Observations) -> Observations {
    let plan = Plan::new(facts);
    resolver::ask(&plan.initial, &plan.follow_ups, options, dns)
}

/// A host that sends from an address under a name.
fn host(address: &str, helo: &str) -> Facts {
    let mut facts = list::facts(&[address.parse().unwrap()]);
    facts.paths[0].helo = Helo::Known(Fact::new(HeloName::new(helo), Origin::kernel("test")));
    facts
}

/// What the rules about zones' servers say: code, subject, message. The same must come from the snapshot of the run.
fn said(facts: &Facts, dns: &Observations) -> Vec<String> {
    let selection =
        Selection { select: ["DNS003", "DNS009", "DNS014"].map(str::to_owned).to_vec(), ignore: Vec::new() };
    let judge = |facts: &Facts, dns: &Observations| -> Vec<String> {
        let judged = rules::judge(facts, dns, &selection);
        let text =
            |f: &helolint::findings::Finding| format!("{} {}: {} {:?}", f.meta.code, f.subject, f.message, f.evidence);
        judged.findings.iter().map(text).collect()
    };
    let text = snapshot::write(facts, dns, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let (facts_again, dns_again) = snapshot::read(&text).unwrap();
    let found = judge(facts, dns);
    assert_eq!(judge(&facts_again, &dns_again), found, "the snapshot says something else");
    assert_eq!(dns_again.zones, dns.zones);
    found
}

fn notes(facts: &Facts, dns: &Observations) -> Vec<String> {
    helolint::report::Report::new(facts, dns, Vec::new(), std::iter::empty(), &[]).dns.notes
}

fn servers_of(dns: &Observations, question: &Question) -> Vec<String> {
    dns.replies(question).map(|(vantage, outcome)| format!("{}: {outcome:?}", vantage.name)).collect()
}

fn has(all: &[String], parts: &[&str]) -> bool {
    all.iter().any(|text| parts.iter().all(|part| text.contains(part)))
}

const FORWARD: &str = "\
$TTL 300
@ SOA ns1 h 7 1 1 1 60
@ NS ns1
@ NS ns2.example.net.
ns1 A 127.0.53.11
mail A 192.0.2.10
";
/// The registry: it delegates to ns1, and to a server from before the move that the zone itself does not name any more.
const REGISTRY: &str = "\
$TTL 300
@ SOA ns.registry h 1 1 1 1 60
@ NS ns.registry
ns.registry A 127.0.53.2
example NS ns1.example
example NS old.provider
ns1.example A 127.0.53.11
old.provider A 127.0.53.13
";
/// The forward zone of tests that are about reverse zones.
const PLAIN: &str =
    "$TTL 300\n@ SOA ns1 h 7 1 1 1 60\n@ NS ns1\nns1 A 127.0.53.31\nmail A 192.0.2.10\nmail AAAA 2001:db8:100::10\n";
const OTHER: &str = "$TTL 300\n@ SOA ns2 h 1 1 1 1 60\n@ NS ns2\nns2 A 127.0.53.12\n";
const TRUTH: &[(&str, &str)] = &[("com", REGISTRY), ("example.com", FORWARD), ("example.net", OTHER)];

fn forward(old: Manner, second: Manner) -> (Facts, World) {
    let old_zone: &[(&str, &str)] =
        &[("example.com", "$TTL 300\n@ SOA ns1 h 3 1 1 1 60\n@ NS old.provider.com.\nmail A 198.51.100.9\n")];
    let servers: &[Server<'_>] = &[
        (2, &[("com", REGISTRY)], Serves),
        (11, &[("example.com", FORWARD)], Serves),
        (12, &[("example.com", FORWARD), ("example.net", OTHER)], second),
        (13, old_zone, old),
    ];
    (host("192.0.2.10", "mail.example.com"), World::start(servers, TRUTH, &[]))
}

#[test]
fn a_server_that_only_the_delegation_names_is_asked_and_found_lame() {
    let (facts, world) = forward(Refuses, Serves);
    let dns = ask(&facts, &world.options());
    let found = said(&facts, &dns);
    let parts = [
        "DNS009 old.provider.com (127.0.53.13)",
        "by the delegation in com alone, not by example.com itself",
        "(`mail.example.com. A`): REFUSED",
        "delegates to ns1.example.com., old.provider.com.",
        "ns1.example.com., ns2.example.net.",
    ];
    assert!(has(&found, &parts), "{found:#?}");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        notes(&facts, &dns),
        [
            "com delegates example.com to old.provider.com too, which example.com itself does not name; example.com itself names \
          ns2.example.net too, which com does not."
        ]
    );
    let zone = &dns.zones[0];
    assert_eq!((zone.name.as_str(), zone.parent.as_ref().map(DomainName::as_str)), ("example.com", Some("com")));
}

#[test]
fn a_server_that_only_the_zone_names_is_asked_and_found_lame() {
    let (facts, world) = forward(Serves, Refuses);
    let found = said(&facts, &ask(&facts, &world.options()));
    let parts = ["DNS009 ns2.example.net (127.0.53.12)", "by example.com itself alone, not by the delegation in com"];
    assert!(has(&found, &parts), "{found:#?}");
}

#[test]
fn servers_that_differ_are_named_with_serial_and_with_who_names_them() {
    let (facts, world) = forward(Serves, Serves);
    let dns = ask(&facts, &world.options());
    let found = said(&facts, &dns);
    let parts = [
        "DNS003 mail.example.com. A",
        "198.51.100.9 (old.provider.com (127.0.53.13), serial 3, named by the delegation in com ",
        "ns1.example.com (127.0.53.11), serial 7",
    ];
    assert!(has(&found, &parts), "{found:#?}");
    // The highest serial is the truth.
    let addresses = dns.addresses(&DomainName::new("mail.example.com"), Family::Ipv4);
    assert_eq!(addresses, Lookup::Found(vec!["192.0.2.10".parse().unwrap()]));
}

#[test]
fn a_second_phase_takes_over_what_the_first_found_out() {
    let (facts, world) = forward(Refuses, Serves);
    let first = ask(&facts, &world.options());
    let before = world.asked(RESOLVER).len();
    let mut facts = facts;
    facts.paths.extend(host("192.0.2.10", "ns1.example.com").paths);
    let dns = ask_more(&facts, &world.options(), first.clone());
    assert_eq!(dns.zones, first.zones);
    let later: Vec<String> = world.asked(RESOLVER).split_off(before);
    assert_eq!(later.len(), 4, "its addresses and MX, and nothing about zones: {later:?}");
    let question = Question::new(&DomainName::new("ns1.example.com"), RecordType::A);
    assert!(has(&servers_of(&dns, &question), &["old.provider.com", "Refused"]), "{:?}", servers_of(&dns, &question));
    assert_eq!(said(&facts, &dns).len(), 1);
}

#[test]
fn a_silent_server_is_not_lame() {
    let (facts, world) = forward(Silent, Serves);
    let dns = ask(&facts, &world.options());
    assert_eq!(said(&facts, &dns), [] as [&str; 0]);
    let question = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
    assert!(has(&servers_of(&dns, &question), &["old.provider.com", "Timeout"]), "it was asked");
}

#[test]
fn a_server_that_refers_upwards_is_lame() {
    let (facts, world) = forward(RefersUpwards, Serves);
    let found = said(&facts, &ask(&facts, &world.options()));
    assert!(has(&found, &["DNS009 old.provider.com", "referral"]), "{found:#?}");
}

#[test]
fn a_server_of_the_zone_above_that_should_serve_the_zone_too_and_only_refers_is_lame() {
    const ABOVE: &str = "$TTL 300\n@ SOA ns1 h 1 1 1 1 60\n@ NS ns1\n@ NS ns2\nns1 A 127.0.53.11\nns2 A 127.0.53.12\n\
                         sub NS ns1\nsub NS ns2\n";
    const BELOW: &str = "$TTL 300\n@ SOA ns2.example.com. h 1 1 1 1 60\n@ NS ns1.example.com.\n@ NS ns2.example.com.\nmail A 192.0.2.10\n";
    let both = [("example.com", ABOVE), ("sub.example.com", BELOW)];
    let servers: &[Server<'_>] = &[(11, &both[..1], Serves), (12, &both, Serves)];
    let world = World::start(servers, &both, &[]);
    let facts = host("192.0.2.10", "mail.sub.example.com");
    let dns = ask(&facts, &world.options());
    let found = said(&facts, &dns);
    assert!(
        has(
            &found,
            &[
                "DNS009 ns1.example.com (127.0.53.11)",
                "by the delegation in example.com and by sub.example.com itself",
                "(`mail.sub.example.com. A`)"
            ]
        ),
        "{found:#?}"
    );
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_server_that_only_a_cache_remembers_is_no_server_of_the_zone() {
    // The resolver still has the NS records from before the move; the registry and the zone have new ones.
    const CACHED: &str = "$TTL 300\n@ SOA ns1 h 3 1 1 1 60\n@ NS gone.provider.com.\nmail A 192.0.2.10\n";
    const NOW: &str = "$TTL 300\n@ SOA ns1 h 7 1 1 1 60\n@ NS ns1\nns1 A 127.0.53.11\nmail A 192.0.2.10\n";
    const ABOVE: &str = "$TTL 300\n@ SOA ns.registry h 1 1 1 1 60\n@ NS ns.registry\nns.registry A 127.0.53.2\nexample NS ns1.example\n\
                         ns1.example A 127.0.53.11\ngone.provider A 127.0.53.13\n";
    let servers: &[Server<'_>] = &[
        (2, &[("com", ABOVE)], Serves),
        (11, &[("example.com", NOW)], Serves),
        (13, &[("example.com", CACHED)], Refuses),
    ];
    let world = World::start(servers, &[("com", ABOVE), ("example.com", CACHED)], &[]);
    let facts = host("192.0.2.10", "mail.example.com");
    let dns = ask(&facts, &world.options());
    assert_eq!(said(&facts, &dns), [] as [&str; 0], "nobody delegates to it any more");
    // Its new server stands in the delegation alone, with glue: it is found by that.
    let question = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
    let replies = servers_of(&dns, &question);
    assert!(has(&replies, &["ns1.example.com (127.0.53.11)", "authoritative: true"]), "{replies:#?}");
    assert!(!has(&replies, &["gone.provider.com"]), "{replies:#?}");
}

/// A reverse zone, IPv4: the registry above at 2, the zone at 11.
#[test]
fn reverse_zones_below_in_addr_arpa() {
    const ABOVE: &str =
        "$TTL 300\n@ SOA ns h 1 1 1 1 60\n@ NS ns.rir.example.\n2.0 NS ns1.isp.example.\n2.0 NS ns2.isp.example.\n";
    const ZONE: &str =
        "$TTL 300\n@ SOA ns1.isp.example. h 5 1 1 1 60\n@ NS ns1.isp.example.\n10 PTR mail.example.com.\n";
    const NAMES: &str =
        "$TTL 300\n@ SOA ns h 1 1 1 1 60\nns.rir A 127.0.53.2\nns1.isp A 127.0.53.11\nns2.isp A 127.0.53.12\n";
    let servers: &[Server<'_>] = &[
        (2, &[("192.in-addr.arpa", ABOVE)], Serves),
        (11, &[("2.0.192.in-addr.arpa", ZONE)], Serves),
        (12, &[], Serves),
        (31, &[("example.com", PLAIN)], Serves),
    ];
    let truth =
        [("192.in-addr.arpa", ABOVE), ("2.0.192.in-addr.arpa", ZONE), ("example", NAMES), ("example.com", PLAIN)];
    let world = World::start(servers, &truth, &[]);
    let facts = host("192.0.2.10", "mail.example.com");
    let dns = ask(&facts, &world.options());
    let found = said(&facts, &dns);
    let parts = [
        "DNS009 ns2.isp.example (127.0.53.12)",
        "by the delegation in 192.in-addr.arpa alone",
        "2.0.192.in-addr.arpa itself",
    ];
    assert!(has(&found, &parts), "{found:#?}");
    assert_eq!(found.len(), 1, "{found:#?}");
}

/// RFC 2317: the PTR record stands in another zone, with one lame and one stale server.
#[test]
fn the_zone_that_a_reverse_name_is_an_alias_into_counts() {
    const ISP: &str = "$TTL 300\n@ SOA ns.isp.example. h 5 1 1 1 60\n@ NS ns.isp.example.\n10 CNAME 10.0-63\n\
                       0-63 NS ns1.customer.example.\n0-63 NS ns2.customer.example.\n0-63 NS ns3.customer.example.\n";
    const NEW: &str = "$TTL 300\n@ SOA ns1.customer.example. h 9 1 1 1 60\n@ NS ns1.customer.example.\n@ NS ns2.customer.example.\n\
                       @ NS ns3.customer.example.\n10 PTR mail.example.com.\n";
    const OLD: &str = "$TTL 300\n@ SOA ns1.customer.example. h 8 1 1 1 60\n@ NS ns1.customer.example.\n@ NS ns2.customer.example.\n\
                       @ NS ns3.customer.example.\n10 PTR old.example.com.\n";
    const NAMES: &str = "$TTL 300\n@ SOA ns h 1 1 1 1 60\nns.isp A 127.0.53.2\nns1.customer A 127.0.53.11\nns2.customer A 127.0.53.12\n\
                         ns3.customer A 127.0.53.13\n";
    let zone = "0-63.2.0.192.in-addr.arpa";
    let servers: &[Server<'_>] = &[
        (2, &[("2.0.192.in-addr.arpa", ISP)], Serves),
        (11, &[(zone, NEW)], Serves),
        (12, &[(zone, OLD)], Serves),
        (13, &[], Serves),
        (31, &[("example.com", PLAIN)], Serves),
    ];
    let truth = [("2.0.192.in-addr.arpa", ISP), (zone, NEW), ("example", NAMES), ("example.com", PLAIN)];
    let world = World::start(servers, &truth, &[]);
    let facts = host("192.0.2.10", "mail.example.com");
    let dns = ask(&facts, &world.options());
    let found = said(&facts, &dns);
    assert!(
        has(&found, &["DNS009 ns3.customer.example (127.0.53.13)", "by the delegation in 2.0.192.in-addr.arpa"]),
        "{found:#?}"
    );
    let differ =
        ["DNS003 10.0-63.2.0.192.in-addr.arpa. PTR", "old.example.com. (ns2.customer.example (127.0.53.12), serial 8)"];
    assert!(has(&found, &differ), "{found:#?}");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(dns.ptr("192.0.2.10".parse().unwrap()), Lookup::Found(vec![DomainName::new("mail.example.com")]));
}

/// ip6.arpa, cut at a nibble that is no multiple of four.
#[test]
fn reverse_zones_below_ip6_arpa() {
    const ABOVE: &str =
        "$TTL 300\n@ SOA ns h 1 1 1 1 60\n@ NS ns.rir.example.\n1.0 NS ns1.isp.example.\n1.0 NS ns2.isp.example.\n";
    const ZONE: &str = "$TTL 300\n@ SOA ns1.isp.example. h 5 1 1 1 60\n@ NS ns1.isp.example.\n@ NS ns2.isp.example.\n\
                        0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.example.com.\n";
    const NAMES: &str =
        "$TTL 300\n@ SOA ns h 1 1 1 1 60\nns.rir A 127.0.53.2\nns1.isp A 127.0.53.11\nns2.isp A 127.0.53.12\n";
    let (above, zone) = ("8.b.d.0.1.0.0.2.ip6.arpa", "1.0.8.b.d.0.1.0.0.2.ip6.arpa");
    let servers: &[Server<'_>] = &[
        (2, &[(above, ABOVE)], Serves),
        (11, &[(zone, ZONE)], Serves),
        (12, &[], Serves),
        (31, &[("example.com", PLAIN)], Serves),
    ];
    let truth = [(above, ABOVE), (zone, ZONE), ("example", NAMES), ("example.com", PLAIN)];
    let world = World::start(servers, &truth, &[]);
    let facts = host("2001:db8:100::10", "mail.example.com");
    let dns = ask(&facts, &world.options());
    assert_eq!(dns.ptr("2001:db8:100::10".parse().unwrap()), Lookup::Found(vec![DomainName::new("mail.example.com")]));
    let found = said(&facts, &dns);
    let by_both = format!("by the delegation in {above} and by {zone} itself");
    assert!(has(&found, &["DNS009 ns2.isp.example (127.0.53.12)", &by_both]), "{found:#?}");
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn an_intercepted_port_is_said_once_and_nobody_is_lame() {
    let servers: &[Server<'_>] = &[(2, &[], Recurses), (11, &[], Recurses), (12, &[], Recurses)];
    // One zone alone might be a mistake of its own.
    const REVERSE: &str =
        "$TTL 300\n@ SOA ns1.example.com. h 1 1 1 1 60\n@ NS ns1.example.com.\n10 PTR mail.example.com.\n";
    let truth = [TRUTH, &[("2.0.192.in-addr.arpa", REVERSE)]].concat();
    let world = World::start(servers, &truth, &[]);
    let facts = host("192.0.2.10", "mail.example.com");
    let dns = ask(&facts, &world.options());
    assert!(dns.intercepted());
    let found = said(&facts, &dns);
    assert!(has(&found, &["DNS014"]), "{found:#?}");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(notes(&facts, &dns), [] as [&str; 0]);
}

/// Two zones whose servers are in each other: nobody can look these up. The registry's glue is all there is.
#[test]
fn a_circle_of_delegations_ends() {
    const ABOVE: &str = "$TTL 300\n@ SOA ns.registry h 1 1 1 1 60\n@ NS ns.registry\nns.registry A 127.0.53.2\n\
                         a NS ns.b\nb NS ns.a\n";
    let servers: &[Server<'_>] = &[(2, &[("com", ABOVE)], Serves)];
    let hidden = ["A", "AAAA", "NS", "MX"]
        .map(|rtype| ["a.com", "b.com", "ns.a.com", "ns.b.com", "mail.a.com"].map(|name| format!("{name}. {rtype}")));
    let hidden: Vec<&str> = hidden.iter().flatten().map(String::as_str).collect();
    let world = World::start(servers, &[("com", ABOVE)], &hidden);
    let facts = host("192.0.2.10", "mail.a.com");
    let start = std::time::Instant::now();
    let dns = ask(&facts, &world.options());
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(said(&facts, &dns), [] as [&str; 0]);
    assert!(world.asked_of_servers() < 20, "{:?}", world.asked(2));
}

/// A stranger's zone with a thousand servers, all at one address.
#[test]
fn a_thousand_names_are_too_many() {
    let mut zone = "$TTL 300\n@ SOA ns1 h 7 1 1 1 60\nmail A 192.0.2.10\n".to_owned();
    for n in 0..1000 {
        zone += &format!("@ NS n{n}\nn{n} A 127.0.53.{}\n", 11 + n % 4);
    }
    let served = [("example.com", zone.as_str())];
    let servers: Vec<Server<'_>> = (11..15).map(|number| (number, &served[..], Serves)).collect();
    let world = World::start(&servers, &served, &[]);
    let facts = host("192.0.2.10", "mail.example.com");
    let dns = ask(&facts, &world.options());
    assert_eq!(said(&facts, &dns), [] as [&str; 0]);
    assert!(world.asked(RESOLVER).len() < 100, "{}", world.asked(RESOLVER).len());
    assert!(dns.zones.iter().all(|zone| zone.servers.values().flatten().count() <= 26));
}

/// Servers that refer to zones above and below at random, each with names and glue of its own making.
#[test]
fn referrals_without_end_end() {
    const ABOVE: &str = "$TTL 300\n@ SOA ns h 1 1 1 1 60\n@ NS ns\nns A 127.0.53.2\n@ NS ns2\nns2 A 127.0.53.3\n";
    let zones = [("ip6.arpa", ABOVE), ("com", ABOVE), ("example.com", ABOVE), ("8.b.d.0.1.0.0.2.ip6.arpa", ABOVE)];
    let servers: &[Server<'_>] = &[(2, &[], RefersAnywhere), (3, &[], RefersAnywhere)];
    let world = World::start(servers, &zones, &[]);
    let facts = host("2001:db8:100::10", "mail.example.com");
    let start = std::time::Instant::now();
    let dns = ask(&facts, &world.options());
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    said(&facts, &dns);
    assert!(world.asked_of_servers() < 200, "{}", world.asked_of_servers());
    assert!(world.asked(RESOLVER).len() < 1500, "{}", world.asked(RESOLVER).len());
}
