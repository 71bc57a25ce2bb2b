use super::*;
use crate::observe::samples::answer;
use crate::observe::{Observations, RecordType};

fn vantage(name: &str, kind: VantageKind) -> Vantage {
    let server = (kind != VantageKind::Overlay).then(|| "192.0.2.53:53".parse().unwrap());
    Vantage { name: name.into(), server, kind }
}

/// Two authoritative servers, three public resolvers, one of the system's, planned records.
fn vantages() -> Vec<Vantage> {
    use VantageKind::{Authoritative, Overlay, Public, System};
    [
        ("ns1", Authoritative),
        ("ns2", Authoritative),
        ("ns3", Authoritative),
        ("p1", Public),
        ("p2", Public),
        ("p3", Public),
    ]
    .into_iter()
    .chain([("system", System), ("planned", Overlay)])
    .map(|(name, kind)| vantage(name, kind))
    .collect()
}

fn question(text: &str) -> Question {
    Question::new(&DomainName::new(text), RecordType::A)
}

fn a(name: &str, ttl: u32, addr: &str) -> Record {
    Record { name: DomainName::new(name), ttl, data: RecordData::A(addr.parse().unwrap()) }
}

fn cname(name: &str, target: &str) -> Record {
    Record { name: DomainName::new(name), ttl: 60, data: RecordData::Cname(DomainName::new(target)) }
}

fn soa(zone: &str, serial: u32) -> Record {
    let name = DomainName::new(zone);
    let data = RecordData::Soa { mname: name.clone(), rname: name.clone(), serial, minimum: 60 };
    Record { name, ttl: 60, data }
}

fn gives(vantage: usize, records: Vec<Record>) -> Reply {
    Reply { vantage, outcome: Outcome::Answer(answer(records)) }
}

fn with_serial(vantage: usize, records: Vec<Record>, serial: u32) -> Reply {
    let answer = Answer { soa: Some(soa("example.com", serial).into()), ..answer(records) };
    Reply { vantage, outcome: Outcome::Answer(answer) }
}

fn fails(vantage: usize, why: Why) -> Reply {
    Reply { vantage, outcome: Outcome::Unanswered(why) }
}

fn observed(all: Vec<(Question, Vec<Reply>)>) -> Observations {
    Observations::new(vantages(), all.into_iter().collect())
}

fn truth(replies: Vec<Reply>) -> (String, Option<VantageKind>, Vec<usize>) {
    let q = question("m.example.com");
    let dns = observed(vec![(q.clone(), replies)]);
    let truth = dns.truth(&q);
    (words(&truth.lookup), truth.kind, truth.by.clone())
}

fn words(lookup: &Lookup<Record>) -> String {
    match lookup {
        Lookup::Found(records) => records.iter().map(|r| r.data.to_string()).collect::<Vec<_>>().join(" "),
        Lookup::NoData => "NODATA".into(),
        Lookup::NxDomain => "NXDOMAIN".into(),
        Lookup::Unanswered(why) => why.to_string(),
    }
}

fn old(vantage: usize, ttl: u32) -> Reply {
    gives(vantage, vec![a("m.example.com", ttl, "192.0.2.1")])
}

fn new(vantage: usize, ttl: u32) -> Reply {
    gives(vantage, vec![a("m.example.com", ttl, "192.0.2.2")])
}

#[test]
fn the_order_of_witnesses() {
    use VantageKind::{Authoritative, Overlay, Public, System};
    for (why, replies, expected) in [
        (
            "authoritative before resolvers",
            vec![new(0, 1), old(3, 9), old(4, 9)],
            ("192.0.2.2", Some(Authoritative), vec![0]),
        ),
        ("planned before all", vec![new(0, 1), old(7, 9)], ("192.0.2.1", Some(Overlay), vec![7])),
        ("most resolvers", vec![old(3, 9), new(4, 1), new(5, 1), old(6, 9)], ("192.0.2.2", Some(Public), vec![4, 5])),
        ("a tie: fetched last", vec![old(3, 5), new(4, 6)], ("192.0.2.2", Some(Public), vec![4])),
        ("the system's come last", vec![old(6, 9), fails(3, Why::Timeout)], ("192.0.2.1", Some(System), vec![6])),
        ("silence decides nothing", vec![fails(0, Why::ServFail), new(4, 1)], ("192.0.2.2", Some(Public), vec![4])),
        ("most authorities", vec![old(0, 9), new(1, 1), new(2, 1)], ("192.0.2.2", Some(Authoritative), vec![1, 2])),
    ] {
        let (found, kind, by) = truth(replies);
        assert_eq!((found.as_str(), kind, by), expected, "{why}");
    }
}

#[test]
fn the_highest_serial_decides_among_authorities() {
    let with = |v, addr, serial| with_serial(v, vec![a("m.example.com", 60, addr)], serial);
    let (found, _, by) = truth(vec![with(0, "192.0.2.1", 7), with(1, "192.0.2.1", 7), with(2, "192.0.2.2", 8)]);
    assert_eq!((found.as_str(), by), ("192.0.2.2", vec![2]));
    // Serials wrap (RFC 1982): 1 is newer than 4294967295.
    let (found, ..) = truth(vec![with(0, "192.0.2.1", 1), with(1, "192.0.2.2", u32::MAX)]);
    assert_eq!(found, "192.0.2.1");
}

#[test]
fn a_serial_may_come_with_the_zones_soa() {
    let q = question("m.example.com");
    let zone = Question::new(&DomainName::new("example.com"), RecordType::Soa);
    let serials = vec![gives(0, vec![soa("example.com", 3)]), gives(1, vec![soa("example.com", 2)])];
    let dns = observed(vec![(q.clone(), vec![old(0, 1), new(1, 1), new(2, 1)]), (zone, serials)]);
    assert_eq!(words(&dns.truth(&q).lookup), "192.0.2.1");
    assert_eq!(dns.serial(1, &q), Some(2));
}

#[test]
fn absence_is_an_answer_and_failure_is_none() {
    let absent = |nxdomain| {
        let answer = Answer { nxdomain, ..answer(vec![]) };
        Reply { vantage: 3, outcome: Outcome::Answer(answer) }
    };
    assert_eq!(truth(vec![absent(true)]).0, "NXDOMAIN");
    assert_eq!(truth(vec![absent(false)]).0, "NODATA");
    for why in [Why::Timeout, Why::ServFail, Why::Refused, Why::Malformed("x".into())] {
        let (found, kind, _) = truth(vec![fails(3, why.clone()), fails(4, why.clone())]);
        assert_eq!((found, kind), (why.to_string(), None));
    }
    assert_eq!(truth(vec![fails(3, Why::Timeout), fails(4, Why::ServFail), fails(5, Why::ServFail)]).0, "SERVFAIL");
}

#[test]
fn a_server_without_aa_is_no_authority() {
    let lame = |v| {
        let answer = Answer {
            authoritative: false,
            recursion_available: true,
            ..answer(vec![a("m.example.com", 9, "192.0.2.1")])
        };
        Reply { vantage: v, outcome: Outcome::Answer(answer) }
    };
    let (found, kind, _) = truth(vec![lame(0), new(3, 1)]);
    assert_eq!((found.as_str(), kind), ("192.0.2.2", Some(VantageKind::Public)));
    let q = question("m.example.com");
    assert!(observed(vec![(q.clone(), vec![lame(0), lame(1), new(3, 1)])]).intercepted());
    assert!(!observed(vec![(q.clone(), vec![lame(0), new(1, 1)])]).intercepted());
    assert!(!observed(vec![(q, vec![new(3, 1)])]).intercepted());
}

#[test]
fn aliases_are_followed_from_question_to_question() {
    let (q, t) = (question("m.example.com"), question("t.example.net"));
    let out = gives(0, vec![cname("m.example.com", "t.example.net")]);
    let dns = observed(vec![
        (q.clone(), vec![out.clone(), old(3, 9)]),
        (t.clone(), vec![gives(1, vec![a("t.example.net", 60, "192.0.2.9")])]),
    ]);
    assert_eq!(words(&dns.truth(&q).lookup), "192.0.2.9");
    assert_eq!(dns.truth(&q).aliases, [(q.name.clone(), t.name.clone())]);
    // Where the end of the alias got no answer, the resolvers' is left.
    let dns = observed(vec![(q.clone(), vec![out, old(3, 9)]), (t, vec![fails(1, Why::Timeout)])]);
    assert_eq!(dns.truth(&q).kind, Some(VantageKind::Public));
}

#[test]
fn alias_loops_end() {
    let (q, t) = (question("m.example.com"), question("t.example.net"));
    let dns = observed(vec![
        (q.clone(), vec![gives(0, vec![cname("m.example.com", "t.example.net")])]),
        (t, vec![gives(0, vec![cname("t.example.net", "m.example.com")])]),
    ]);
    assert_eq!(dns.truth(&q).lookup, Lookup::Unanswered(Why::AliasLoop));
    let inside = vec![cname("m.example.com", "x.example.com"), cname("x.example.com", "m.example.com")];
    assert_eq!(truth(vec![gives(3, inside)]).0, "alias loop");
}

#[test]
fn a_chain_of_twenty_is_followed() {
    let name = |i: usize| if i == 0 { "m.example.com".to_owned() } else { format!("c{i}.example.com") };
    let mut records: Vec<Record> = (0..20).map(|i| cname(&name(i), &name(i + 1))).collect();
    records.push(a(&name(20), 60, "192.0.2.20"));
    records.reverse();
    assert_eq!(truth(vec![gives(3, records)]).0, "192.0.2.20");
}

#[test]
fn views_compare_record_sets_without_ttl() {
    let q = question("m.example.com");
    let dns = observed(vec![(q.clone(), vec![old(3, 9), old(4, 70), new(5, 3), new(6, 1), fails(0, Why::Timeout)])]);
    let views = dns.views(&q, VantageKind::Public);
    assert_eq!(
        views.iter().map(|v| (v.by.clone(), v.ttl)).collect::<Vec<_>>(),
        [(vec![3, 4], Some(70)), (vec![5], Some(3))]
    );
    assert_eq!(dns.views(&q, VantageKind::Authoritative), []);
    assert_eq!(dns.summary().answered, 1);
}

#[test]
fn what_is_supposed_stands_in_place_of_what_is_planned() {
    let question = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
    let is = |last: u8| RecordData::A([192, 0, 2, last].into());
    let planned = crate::observe::Observations::default().with_record(&question, is(1));
    let supposed = planned.with_record(&question, is(2));
    assert_eq!(supposed.truth(&question).lookup.found()[0].data, is(2));
    assert_eq!(supposed.replies[&question].len(), 1);
}
