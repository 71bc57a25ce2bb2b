use super::*;
use crate::observe::samples::answer;
use crate::observe::{Outcome, Record, RecordData, Why};

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
fn found(cuts: &mut ZoneCuts, name: &str, rtype: RecordType, outcome: &Outcome) -> Vec<Job> {
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
    let mut cuts = ZoneCuts::default();
    let (a, aaaa) = (question("h.a.b.example.com", RecordType::A), question("h.a.b.example.com", RecordType::Aaaa));
    // The zone above is looked for at the same time, should a.b.example.com be one.
    assert_eq!(asks(&cuts.want(&a)), ["b.example.com. NS", "a.b.example.com. NS"]);
    assert_eq!(asks(&cuts.want(&aaaa)), [] as [&str; 0]);
    let jobs = found(&mut cuts, "a.b.example.com", RecordType::Ns, &absent("example.com"));
    assert_eq!(asks(&jobs), ["com. NS", "example.com. NS"]);
    let jobs = found(&mut cuts, "example.com", RecordType::Ns, &ns("example.com", &["ns1.example.net"]));
    assert_eq!(asks(&jobs), ["ns1.example.net. A", "ns1.example.net. AAAA"]);
    assert_eq!(cuts.zone(&a), Some(domain("example.com")));
    let ask = |question: &Arc<Question>| Job::Ask { question: Arc::clone(question), servers: vec![7] };
    let jobs = cuts.add_server(&domain("example.com"), &domain("ns1.example.net"), 7);
    assert_eq!(jobs, [ask(&question("example.com", RecordType::Ns)), ask(&a), ask(&aaaa)]);
    // The zone's own SOA, wanted where its servers differ: nothing has to be found out for it.
    let soa = question("example.com", RecordType::Soa);
    assert_eq!(cuts.want(&soa), [ask(&soa)]);
}

#[test]
fn the_soa_behind_an_alias_is_anothers() {
    let mut cuts = ZoneCuts::default();
    cuts.want(&question("x.alias.example.com", RecordType::A));
    let Outcome::Answer(mut behind) = absent("example.net") else { unreachable!() };
    let data = RecordData::Cname(domain("t.example.net"));
    behind.records.push(Record { name: domain("alias.example.com"), ttl: 60, data });
    let first = found(&mut cuts, "alias.example.com", RecordType::Ns, &Outcome::Answer(behind));
    // The question one label up was asked at once, for the zone above.
    assert_eq!(asks(&first), [] as [&str; 0]);
    let jobs = found(&mut cuts, "example.com", RecordType::Ns, &ns("example.com", &["ns1.example.net"]));
    assert_eq!(asks(&jobs), ["ns1.example.net. A", "ns1.example.net. AAAA", "com. NS"]);
    assert_eq!(cuts.zone(&question("x.alias.example.com", RecordType::A)), Some(domain("example.com")));
}

#[test]
fn who_cannot_say_is_replaced_by_the_others() {
    let mut cuts = ZoneCuts::default();
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
    // Nobody can: one label up, where the question is on its way already.
    assert_eq!(asks(&cuts.found(&asked, 3, &failed, RESOLVERS)), [] as [&str; 0]);
    let jobs = found(&mut cuts, "com", RecordType::Ns, &ns("com", &["ns.registry.example"]));
    assert_eq!(asks(&jobs), ["ns.registry.example. A", "ns.registry.example. AAAA"]);
}

#[test]
fn referrals_lead_down_and_never_up_or_aside() {
    let mut cuts = ZoneCuts::default();
    let asked = question("h.sub.example.com", RecordType::A);
    cuts.want(&asked);
    found(&mut cuts, "sub.example.com", RecordType::Ns, &absent("example.com"));
    found(&mut cuts, "example.com", RecordType::Ns, &ns("example.com", &["ns.example.com"]));
    cuts.add_server(&domain("example.com"), &domain("ns.example.com"), 7);
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
    assert_eq!(cuts.zone(&asked), Some(domain("sub.example.com")));
    assert!(!cuts.is_server(&domain("sub.example.com"), 7));
    // Another server of the parent says the same; then one of the zone itself does, and is lame.
    assert_eq!(cuts.refer(&asked, 7, &to("sub.example.com")), Some(Vec::new()));
    cuts.add_server(&domain("sub.example.com"), &domain("ns.sub.example.com"), 8);
    assert!(cuts.refer(&asked, 8, &to("sub.example.com")).is_none());
}

/// What servers are asked, and which are no longer waited for.
fn puts(jobs: &[Job]) -> Vec<String> {
    let text = |job: &Job| match job {
        Job::Ask { question, servers } if !servers.is_empty() => Some(format!("{question} of {servers:?}")),
        Job::Enough { question, servers } => Some(format!("{question} no longer of {servers:?}")),
        _ => None,
    };
    jobs.iter().filter_map(text).collect()
}

/// The addresses of servers found.
fn found_at(jobs: &[Job]) -> Vec<String> {
    let text = |job: &Job| match job {
        Job::Server { zone, name, address } => Some(format!("{zone} {name} {address}")),
        _ => None,
    };
    jobs.iter().filter_map(text).collect()
}

/// example.com with one server (7), and com with five names.
fn delegated() -> ZoneCuts {
    let mut cuts = ZoneCuts::default();
    let jobs = cuts.want(&question("mail.example.com", RecordType::A));
    assert_eq!(asks(&jobs), ["com. NS", "example.com. NS"], "both at once");
    found(&mut cuts, "example.com", RecordType::Ns, &ns("example.com", &["ns.example.com"]));
    let jobs = found(&mut cuts, "com", RecordType::Ns, &ns("com", &["e.nic", "d.nic", "c.nic", "b.nic", "a.nic"]));
    assert_eq!(asks(&jobs), ["a.nic. A", "a.nic. AAAA", "b.nic. A", "b.nic. AAAA"], "two are plenty");
    cuts.add_server(&domain("example.com"), &domain("ns.example.com"), 7);
    cuts
}

fn com(cuts: &mut ZoneCuts, name: &str, number: usize) -> Vec<String> {
    puts(&cuts.add_server(&domain("com"), &domain(name), number))
}

fn refers(servers: &[&str], glue: &[(&str, &str)]) -> Referral {
    Referral {
        zone: domain("example.com"),
        servers: servers.iter().map(|name| domain(name)).collect(),
        glue: glue.iter().map(|(name, address)| (domain(name), address.parse().unwrap())).collect(),
    }
}

const REFERRED: Outcome = Outcome::Unanswered(Why::Referral);

#[test]
fn the_first_of_two_servers_that_tells_the_delegation_is_enough() {
    let mut cuts = delegated();
    assert_eq!(com(&mut cuts, "b.nic", 20), ["example.com. NS of [20]"]);
    assert_eq!(com(&mut cuts, "b.nic", 21), ["example.com. NS of [21]"], "the other address of the same server");
    assert_eq!(com(&mut cuts, "a.nic", 22), ["example.com. NS of [22]"]);
    assert_eq!(com(&mut cuts, "c.nic", 23), [""; 0], "a third server");
    let asked = question("example.com", RecordType::Ns);
    assert!(cuts.is_surveyed(&asked, 20) && !cuts.is_surveyed(&asked, 7) && !cuts.is_surveyed(&asked, 23));
    // Glue in both families is taken, that from outside the zone above is not.
    let glue = [("ns.example.com", "192.0.2.53"), ("ns.example.com", "2001:db8::53"), ("ns.example.net", "192.0.2.66")];
    let told = refers(&["ns.example.net", "ns.example.com"], &glue);
    assert_eq!(delegation(&asked, &told), Some(vec![domain("ns.example.com"), domain("ns.example.net")]));
    assert_eq!(delegation(&question("sub.example.com", RecordType::Ns), &told), None);
    assert_eq!(delegation(&question("example.com", RecordType::A), &told), None);
    let jobs = cuts.surveyed(&asked, 22, &REFERRED, Some(&told));
    assert_eq!(puts(&jobs), ["example.com. NS no longer of [20, 21]"]);
    assert_eq!(asks(&jobs), ["ns.example.net. A", "ns.example.net. AAAA"], "a server that only the delegation names");
    assert_eq!(found_at(&jobs), ["example.com ns.example.com 192.0.2.53", "example.com ns.example.com 2001:db8::53"]);
}

#[test]
fn a_server_that_cannot_tell_is_replaced_and_a_silent_one_is_not() {
    let asked = question("example.com", RecordType::Ns);
    let mut cuts = delegated();
    com(&mut cuts, "a.nic", 20);
    com(&mut cuts, "b.nic", 21);
    let refused = Outcome::Unanswered(Why::Refused);
    let jobs = cuts.surveyed(&asked, 20, &refused, None);
    assert_eq!(puts(&jobs), [""; 0]);
    assert_eq!(asks(&jobs), ["c.nic. A", "c.nic. AAAA"]);
    let jobs = cuts.surveyed(&asked, 21, &Outcome::Unanswered(Why::Timeout), None);
    assert_eq!((puts(&jobs), asks(&jobs)), (Vec::new(), Vec::new()), "another would cost as much time again");
    assert_eq!(com(&mut cuts, "c.nic", 22), ["example.com. NS of [22]"]);
    // Whatever they say, not all are asked.
    assert_eq!(asks(&cuts.surveyed(&asked, 22, &refused, None)), ["d.nic. A", "d.nic. AAAA"]);
    assert_eq!(com(&mut cuts, "d.nic", 23), ["example.com. NS of [23]"]);
    assert_eq!(asks(&cuts.surveyed(&asked, 23, &refused, None)), [""; 0]);
    let many: Vec<String> = (30..50).flat_map(|number| com(&mut cuts, "b.nic", number)).collect();
    assert_eq!(many.len(), 4, "{many:?}");
}

#[test]
fn a_server_of_the_zone_itself_has_no_delegation_to_tell() {
    let mut cuts = delegated();
    cuts.add_server(&domain("example.com"), &domain("ns.example.com"), 20);
    assert_eq!(com(&mut cuts, "a.nic", 20), [""; 0]);
    assert_eq!(com(&mut cuts, "b.nic", 21), ["example.com. NS of [21]"]);
}

#[test]
fn a_zone_between_is_the_zone_above() {
    let mut cuts = ZoneCuts::default();
    cuts.want(&question("10.2.0.192.in-addr.arpa", RecordType::Ptr));
    let zone = "2.0.192.in-addr.arpa";
    found(&mut cuts, zone, RecordType::Ns, &ns(zone, &["ns.isp"]));
    found(&mut cuts, "0.192.in-addr.arpa", RecordType::Ns, &absent("in-addr.arpa"));
    found(&mut cuts, "in-addr.arpa", RecordType::Ns, &ns("in-addr.arpa", &["a.arpa"]));
    let asked = question(zone, RecordType::Ns);
    let jobs = cuts.add_server(&domain("in-addr.arpa"), &domain("a.arpa"), 20);
    assert_eq!(puts(&jobs), ["2.0.192.in-addr.arpa. NS of [20]"]);
    let between = Referral {
        zone: domain("192.in-addr.arpa"),
        servers: vec![domain("ns.rir.192.in-addr.arpa")],
        glue: vec![(domain("ns.rir.192.in-addr.arpa"), "192.0.2.1".parse().unwrap())],
    };
    let jobs = cuts.surveyed(&asked, 20, &REFERRED, Some(&between));
    assert_eq!(found_at(&jobs), ["192.in-addr.arpa ns.rir.192.in-addr.arpa 192.0.2.1"]);
    let jobs = cuts.add_server(&domain("192.in-addr.arpa"), &domain("ns.rir.192.in-addr.arpa"), 21);
    assert_eq!(puts(&jobs), ["2.0.192.in-addr.arpa. NS of [21]"]);
    assert_eq!(cuts.concerned()[0].parent, Some(domain("192.in-addr.arpa")));
    // Upwards and aside lead nowhere.
    for zone in ["", "arpa", "in-addr.arpa", "192.in-addr.arpa", "example.com"] {
        let aside = Referral { zone: domain(zone), ..between.clone() };
        assert_eq!(found_at(&cuts.surveyed(&asked, 21, &REFERRED, Some(&aside))), [""; 0], "{zone}");
    }
    assert_eq!(cuts.concerned()[0].parent, Some(domain("192.in-addr.arpa")));
}

#[test]
fn the_root_is_a_zone_above_too_and_registries_are_let_alone() {
    let mut cuts = ZoneCuts::default();
    cuts.want(&question("mail.example.com", RecordType::A));
    found(&mut cuts, "example.com", RecordType::Ns, &ns("example.com", &["ns.example.com"]));
    // A test network: the root delegates example.com itself.
    let jobs = found(&mut cuts, "com", RecordType::Ns, &absent(""));
    assert_eq!(asks(&jobs), [". NS"]);
    found(&mut cuts, "", RecordType::Ns, &ns("", &["a.root"]));
    assert_eq!(puts(&cuts.add_server(&domain(""), &domain("a.root"), 20)), ["example.com. NS of [20]"]);
    // A question that nothing below the root is the zone of has no servers, and com's own delegation is nobody's business here.
    assert_eq!(cuts.want(&question("com", RecordType::Soa)), []);
    assert_eq!(cuts.concerned().len(), 1);
}

#[test]
fn addresses_that_nobody_outside_can_reach_are_not_asked() {
    let addresses = ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1", "224.0.0.1", "203.0.113.53"];
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let mut cuts = ZoneCuts { public_only: true, ..delegated() };
    let jobs = cuts.add_addresses(&domain("ns.example.com"), &addresses);
    assert_eq!(found_at(&jobs), ["example.com ns.example.com 203.0.113.53"]);
    assert_eq!(cuts.concerned()[0].unasked.len(), 6);
    // Where the resolvers are at such addresses too, that is the world.
    let jobs = delegated().add_addresses(&domain("ns.example.com"), &addresses);
    assert_eq!(found_at(&jobs).len(), 5, "{jobs:?}");
}

#[test]
fn what_was_found_out_is_not_asked_again() {
    let mut cuts = delegated();
    com(&mut cuts, "a.nic", 20);
    let zones = cuts.concerned();
    let mut again = ZoneCuts::default();
    again.remember(&zones[0], |_| "192.0.2.53".parse().ok());
    let later = question("mx.example.com", RecordType::A);
    let jobs = again.want(&later);
    assert_eq!(puts(&jobs), ["mx.example.com. A of [7]"]);
    assert_eq!(asks(&jobs), [""; 0]);
    assert_eq!(again.concerned(), zones);
}

#[test]
fn the_zone_above_is_not_waited_for_when_a_resolver_is_slow() {
    let mut cuts = ZoneCuts::default();
    cuts.is_fast(0, 100);
    cuts.is_fast(1, 200);
    cuts.want(&question("mail.example.com", RecordType::A));
    let (above, own) = (question("com", RecordType::Ns), question("example.com", RecordType::Ns));
    assert_eq!(cuts.choose(&above, RESOLVERS), [0], "one is enough for what is beside the matter");
    assert_eq!(cuts.choose(&own, RESOLVERS), [0, 1]);
    assert_eq!(puts(&cuts.overdue(&above)), ["com. NS no longer of [0]"]);
    assert_eq!(puts(&cuts.overdue(&own)), [""; 0]);
    let silent = Outcome::Unanswered(Why::Timeout);
    assert_eq!(cuts.found(&above, 0, &silent, RESOLVERS), [], "no other is asked after a time-out");
    // The search for the zone itself has gone up to com by now, and is waited for.
    assert_eq!(cuts.found(&own, 0, &silent, RESOLVERS), []);
    let jobs = cuts.found(&own, 1, &silent, RESOLVERS);
    assert_eq!(jobs, [Job::FindByAny { question: own }]);
}
