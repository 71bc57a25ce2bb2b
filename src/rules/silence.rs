//! Properties over all rules: a question that nobody answered is evidence of nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::engine::{Selection, judge};
use super::testing::{ADDR, But, HERE, NAME, cpanel, entry, healthy, ip, listed, on, path};
use crate::addr::Family;
use crate::facts::{Facts, Helo, SenderDomains};
use crate::findings::{Finding, Verdict};
use crate::name::{DomainName, HeloName};
use crate::observe::{
    Answer, Observations, Outcome, Question, Record, RecordData, RecordType, Reply, Unreachable, Vantage, VantageKind,
    Why,
};

const V6: &str = "2001:db8::10";
const OTHER: &str = "mail.example.net";

/// Rules that speak of servers and not of records: a server that refuses is seen to do so.
const OF_SERVERS: [&str; 3] = ["DNS009", "DNS010", "DNS013"];

/// Hosts that are healthy where the DNS is [`right`].
fn hosts() -> Vec<Facts> {
    let dual = || {
        healthy().but(|f| {
            f.host.addresses = Some(vec![on("lo", "127.0.0.1", &[]), on("eth0", ADDR, &[]), on("eth0", V6, &[])]);
            f.host.source.ipv6 = Some(ip(V6));
            f.paths.push(path(V6, NAME));
        })
    };
    let panel = || {
        dual().but(|f| {
            f.cpanel = Some(
                cpanel()
                    .but(|panel| {
                        panel.mailips = vec![entry("*", ADDR)];
                        panel.mailhelo = vec![entry("*", NAME)];
                        panel.reverse = vec![entry(ADDR, NAME)];
                        panel.localdomains = vec![listed(NAME)];
                    })
                    .into(),
            );
        })
    };
    let follows = |default: Option<&str>| {
        dual().but(|f| {
            let helo = |_: &str| Helo::FollowsPtr { default: default.map(HeloName::new), joined: None, origin: HERE };
            f.paths.iter_mut().for_each(|path| path.helo = helo(&path.id));
        })
    };
    let selected = dual().but(|f| {
        f.paths[0].sender_domains = SenderDomains::Only { domains: vec![DomainName::new("example.com")], others: false }
    });
    vec![dual(), panel(), follows(Some(NAME)), follows(None), selected, dual().but(|f| f.paths.truncate(1))]
}

/// Every question that matters here.
fn questions() -> Vec<Question> {
    let types = [RecordType::A, RecordType::Aaaa, RecordType::Mx];
    let names = [NAME, OTHER].map(DomainName::new);
    let of_names = names.iter().flat_map(|name| types.map(|rtype| Question::new(name, rtype)));
    of_names.chain([Question::ptr(ip(ADDR)), Question::ptr(ip(V6))]).collect()
}

/// The records with which the hosts are healthy.
fn right(question: &Question) -> Vec<RecordData> {
    let own = question.name == DomainName::new(NAME);
    match question.rtype {
        RecordType::A if own => vec![RecordData::A(ADDR.parse().unwrap())],
        RecordType::Aaaa if own => vec![RecordData::Aaaa(V6.parse().unwrap())],
        RecordType::Ptr => vec![RecordData::Ptr(DomainName::new(NAME))],
        _ => Vec::new(),
    }
}

/// Records that lead elsewhere.
fn wrong(question: &Question) -> Vec<RecordData> {
    match question.rtype {
        RecordType::A => vec![RecordData::A("198.51.100.7".parse().unwrap())],
        RecordType::Aaaa => vec![RecordData::Aaaa("2001:db8:ffff::7".parse().unwrap())],
        RecordType::Ptr => vec![RecordData::Ptr(DomainName::new(OTHER))],
        _ => vec![RecordData::Mx(10, DomainName::new(OTHER))],
    }
}

fn answer(question: &Question, records: Vec<RecordData>, nxdomain: bool) -> Outcome {
    let record = |data| Record { name: question.name.clone(), ttl: 300, data };
    Outcome::Answer(Answer {
        nxdomain,
        authoritative: true,
        recursion_available: false,
        records: records.into_iter().map(record).collect(),
        negative_ttl: None,
        soa: None,
        rtt_micros: 0,
        left_out: 0,
    })
}

fn is_negative(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answer(answer) if answer.records.is_empty())
}

fn vantages() -> Vec<Vantage> {
    let kinds = [
        ("ns1", VantageKind::Authoritative),
        ("ns2", VantageKind::Authoritative),
        ("google", VantageKind::Public),
        ("quad9", VantageKind::Public),
        ("system", VantageKind::System),
    ];
    let server = Some("192.0.2.53:53".parse().unwrap());
    kinds.map(|(name, kind)| Vantage { name: name.into(), server, kind }).to_vec()
}

/// Every way in which a reply is none.
fn silence() -> impl Strategy<Value = Why> {
    prop_oneof![
        Just(Why::Timeout),
        Just(Why::ServFail),
        Just(Why::Refused),
        Just(Why::Rcode(4)),
        Just(Why::Malformed("two questions".into())),
        Just(Why::Unreachable(Unreachable::NoRoute)),
        Just(Why::Referral),
        Just(Why::Delegates(vec![DomainName::new("ns.example.net")])),
        Just(Why::AliasLoop),
        Just(Why::NotAsked),
    ]
}

/// What one server does with one question.
#[derive(Debug, Clone)]
enum Says {
    Right,
    Wrong,
    NoData,
    NxDomain,
    Nothing(Why),
}

fn observe(said: &[Says]) -> Observations {
    let vantages = vantages();
    let mut said = said.iter().cycle();
    let mut replies: BTreeMap<Question, Vec<Reply>> = BTreeMap::new();
    for question in questions() {
        for vantage in 0..vantages.len() {
            let outcome = match said.next() {
                Some(Says::Wrong) => answer(&question, wrong(&question), false),
                Some(Says::NoData) => answer(&question, Vec::new(), false),
                Some(Says::NxDomain) => answer(&question, Vec::new(), true),
                Some(Says::Nothing(why)) => Outcome::Unanswered(why.clone()),
                Some(Says::Right) | None => answer(&question, right(&question), false),
            };
            replies.entry(question.clone()).or_default().push(Reply { vantage, outcome });
        }
    }
    Observations::new(vantages, replies)
}

fn failed(facts: &Facts, dns: &Observations) -> Vec<Finding> {
    let findings = judge(facts, dns, &Selection::default()).findings.into_iter();
    findings.filter(|f| f.verdict == Verdict::Fail && !OF_SERVERS.contains(&f.meta.code)).collect()
}

/// Whether some server said of the question that there is no such record.
fn denied(dns: &Observations, question: &Question) -> bool {
    dns.replies(question).any(|(_, outcome)| is_negative(outcome))
}

/// Whether the answers bear out that a record is missing, for the rules that say so.
fn borne_out(dns: &Observations, finding: &Finding) -> bool {
    let all =
        |name: &DomainName, types: &[RecordType]| types.iter().all(|rtype| denied(dns, &Question::new(name, *rtype)));
    match finding.meta.code {
        "PTR001" => denied(dns, &Question::ptr(ip(&finding.subject))),
        "PTR002" => {
            let addr = ip(&finding.subject);
            let names = dns.ptr(addr).found().to_vec();
            !names.is_empty() && names.iter().all(|name| all(name, &[RecordType::address(Family::from(addr))]))
        }
        "HST004" => all(&DomainName::new(&finding.subject), &[RecordType::A, RecordType::Aaaa]),
        "HLO002" => all(&DomainName::new(&finding.subject), &[RecordType::A, RecordType::Aaaa, RecordType::Mx]),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn silence_alone_fails_no_rule(said in prop::collection::vec(
        prop_oneof![1 => Just(Says::Right), 3 => silence().prop_map(Says::Nothing)], 40)) {
        let dns = observe(&said);
        for (at, facts) in hosts().iter().enumerate() {
            for finding in failed(facts, &dns) {
                prop_assert!(false, "host {}: {} {}: {}", at, finding.meta.code, finding.subject, finding.message);
            }
        }
    }

    #[test]
    fn missing_is_said_where_some_server_denied_it(said in prop::collection::vec(
        prop_oneof![
            2 => Just(Says::Right), 1 => Just(Says::Wrong), 1 => Just(Says::NoData), 1 => Just(Says::NxDomain),
            5 => silence().prop_map(Says::Nothing),
        ], 40)) {
        let dns = observe(&said);
        for facts in hosts() {
            for finding in failed(&facts, &dns) {
                prop_assert!(borne_out(&dns, &finding), "{} {}: {}", finding.meta.code, finding.subject, finding.message);
            }
        }
    }
}

/// The properties above would hold of rules that never speak: with every question answered they do.
#[test]
fn denials_are_heard() {
    let nothing = observe(&[Says::NxDomain]);
    let elsewhere = observe(&[Says::Wrong]);
    let codes = |dns| -> Vec<&str> { failed(&hosts()[0], dns).iter().map(|f| f.meta.code).collect() };
    for code in ["HST004", "PTR001", "HLO002"] {
        assert!(codes(&nothing).contains(&code), "{code}: {:?}", codes(&nothing));
    }
    assert!(codes(&elsewhere).contains(&"PTR003"), "{:?}", codes(&elsewhere));
    for (at, facts) in hosts().iter().enumerate() {
        let found = failed(facts, &observe(&[Says::Right]));
        assert!(
            found.is_empty(),
            "host {at}: {:?}",
            found.iter().map(|f| (f.meta.code, &f.message)).collect::<Vec<_>>()
        );
    }
}
