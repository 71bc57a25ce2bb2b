use super::*;
use crate::observe::samples::answer;
use crate::observe::{Record, RecordData, Why};

const RESOLVERS: &[usize] = &[0, 1, 2, 3];

fn domain(text: &str) -> DomainName {
    DomainName::new(text)
}

fn question(name: &str, rtype: RecordType) -> Arc<Question> {
    Arc::new(Question::new(&domain(name), rtype))
}

fn ns(zone: &str, servers: &[&str]) -> Outcome {
    let record = |s: &&str| Record { name: domain(zone), ttl: 60, data: RecordData::Ns(domain(s)) };
    Outcome::Answer(answer(servers.iter().map(record).collect()))
}

/// The absence of a record, by the SOA of `zone`.
fn absent(zone: &str) -> Outcome {
    let name = domain(zone);
    let data = RecordData::Soa { mname: name.clone(), rname: name.clone(), serial: 1, minimum: 60 };
    Outcome::Answer(Answer { soa: Some(Record { name, ttl: 60, data }.into()), ..answer(Vec::new()) })
}

fn asks(jobs: &[Job]) -> Vec<String> {
    let text = |job: &Job| match job {
        Job::FindByAny { question } | Job::Find { question, .. } => Some(question.to_string()),
        _ => None,
    };
    jobs.iter().filter_map(text).collect()
}

/// Answers a question about zones as the first resolver asked.
fn found(cuts: &mut Cuts, name: &str, rtype: RecordType, outcome: &Outcome) -> Vec<Job> {
    let question = question(name, rtype);
    cuts.choose(&question, RESOLVERS);
    cuts.found(&question, 0, outcome, RESOLVERS)
}

#[test]
fn the_search_begins_above_a_host_and_at_a_registrable_domain() {
    for (name, rtype, key) in [
        ("mail.example.com", RecordType::A, Some("example.com")),
        ("example.com", RecordType::A, Some("example.com")),
        ("example.co.uk", RecordType::A, Some("example.co.uk")),
        ("10.2.0.192.in-addr.arpa", RecordType::Ptr, Some("2.0.192.in-addr.arpa")),
        ("a.example.com", RecordType::Soa, Some("a.example.com")),
        ("localhost", RecordType::A, None),
        ("", RecordType::A, None),
    ] {
        assert_eq!(search_key(&question(name, rtype)), key.map(domain), "{name}");
    }
}

#[test]
fn a_negative_answer_shortens_the_way_and_questions_share_it() {
    let mut cuts = Cuts::default();
    let (a, aaaa) = (question("h.a.b.example.com", RecordType::A), question("h.a.b.example.com", RecordType::Aaaa));
    assert_eq!(asks(&cuts.want(&a)), ["a.b.example.com. NS"]);
    assert_eq!(asks(&cuts.want(&aaaa)), [] as [&str; 0]);
    let jobs = found(&mut cuts, "a.b.example.com", RecordType::Ns, &absent("example.com"));
    assert_eq!(asks(&jobs), ["example.com. NS"]);
    let jobs = found(&mut cuts, "example.com", RecordType::Ns, &ns("example.com", &["ns1.example.net"]));
    assert_eq!(asks(&jobs), ["ns1.example.net. A", "ns1.example.net. AAAA"]);
    assert_eq!(cuts.zone(&a), Some(domain("example.com")));
    let waiting = cuts.add_server(&domain("example.com"), 7);
    assert_eq!(waiting, [Arc::clone(&a), aaaa]);
    // The zone's own SOA, wanted where its servers differ: nothing has to be found out for it.
    let soa = question("example.com", RecordType::Soa);
    let jobs = cuts.want(&soa);
    assert_eq!(jobs, [Job::Ask { question: soa, servers: vec![7] }]);
}

#[test]
fn the_soa_behind_an_alias_is_anothers() {
    let mut cuts = Cuts::default();
    cuts.want(&question("x.alias.example.com", RecordType::A));
    let Outcome::Answer(mut behind) = absent("example.net") else { unreachable!() };
    let data = RecordData::Cname(domain("t.example.net"));
    behind.records.push(Record { name: domain("alias.example.com"), ttl: 60, data });
    let jobs = found(&mut cuts, "alias.example.com", RecordType::Ns, &Outcome::Answer(behind));
    assert_eq!(asks(&jobs), ["example.com. NS"]);
}

#[test]
fn who_cannot_say_is_replaced_by_the_others() {
    let mut cuts = Cuts::default();
    cuts.is_fast(2, 10);
    cuts.want(&question("h.example.com", RecordType::A));
    let asked = question("example.com", RecordType::Ns);
    assert_eq!(cuts.choose(&asked, RESOLVERS), [2]);
    let failed = Outcome::Unanswered(Why::ServFail);
    let jobs = cuts.found(&asked, 2, &failed, RESOLVERS);
    assert_eq!(jobs, [Job::FindByAny { question: Arc::clone(&asked) }]);
    assert_eq!(cuts.choose(&asked, RESOLVERS), [0, 1, 3]);
    assert!(cuts.found(&asked, 0, &failed, RESOLVERS).is_empty());
    assert!(cuts.found(&asked, 1, &failed, RESOLVERS).is_empty());
    // Nobody can: one label up.
    assert_eq!(asks(&cuts.found(&asked, 3, &failed, RESOLVERS)), ["com. NS"]);
}

#[test]
fn referrals_lead_down_and_never_up_or_aside() {
    let mut cuts = Cuts::default();
    let asked = question("h.sub.example.com", RecordType::A);
    cuts.want(&asked);
    found(&mut cuts, "sub.example.com", RecordType::Ns, &absent("example.com"));
    found(&mut cuts, "example.com", RecordType::Ns, &ns("example.com", &["ns.example.com"]));
    cuts.add_server(&domain("example.com"), 7);
    let to = |zone: &str| Referral {
        zone: domain(zone),
        servers: vec![domain("ns.sub.example.com"), domain("ns.evil.example")],
        glue: vec![
            (domain("ns.sub.example.com"), "192.0.2.53".parse().unwrap()),
            (domain("ns.evil.example"), "192.0.2.66".parse().unwrap()),
        ],
    };
    for zone in ["com", "", "other.example.com", "example.com"] {
        assert!(cuts.refer(&asked, 7, &to(zone)).is_none(), "{zone}");
    }
    let jobs = cuts.refer(&asked, 7, &to("sub.example.com")).unwrap();
    let servers: Vec<&IpAddr> = jobs
        .iter()
        .filter_map(|job| match job {
            Job::Server { address, .. } => Some(address),
            _ => None,
        })
        .collect();
    assert_eq!(
        servers,
        [&"192.0.2.53".parse::<IpAddr>().unwrap()],
        "glue from outside the delegating zone is not taken"
    );
    assert!(!cuts.serves(&asked, 7));
    // Another server of the parent says the same; then one of the zone itself does, and is lame.
    assert_eq!(cuts.refer(&asked, 7, &to("sub.example.com")), Some(Vec::new()));
    cuts.add_server(&domain("sub.example.com"), 8);
    assert!(cuts.refer(&asked, 8, &to("sub.example.com")).is_none());
}
