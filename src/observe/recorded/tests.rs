use super::*;
use crate::facts::Facts;
use crate::observe::samples::{facts, helo_path};
use crate::observe::truth::{End, chain};
use crate::observe::{Lookup, RECORDS, iprev::Iprev};

fn answer_all(zones: &Zones, facts: &Facts) -> Observations {
    let plan = Plan::new(facts);
    zones.answer_more(&plan.initial, &plan.follow_ups, Observations::default())
}

const FORWARD: &str = "\
$TTL 600
@ SOA ns1 hostmaster 7 7200 3600 1209600 300
@ NS ns1
mail A 192.0.2.10
mail AAAA 2001:db8::10
alias CNAME mail
out CNAME mail.example.net.
lost CNAME nowhere
loop1 CNAME loop2
loop2 CNAME loop1
self CNAME self
a.deep.tree TXT \"x\"
*.wild A 192.0.2.99
there.wild TXT \"here\"
";
const REVERSE: &str = "\
@ 3600 SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 60
10 PTR mail.example.com.
11 CNAME 11.0-127
11.0-127 PTR mail.example.com.
";
const OTHER: &str = "@ 60 SOA ns1 h 1 1 1 1 900\nmail A 198.51.100.5\n";

fn zones() -> Zones {
    Zones::load([
        ("zones/example.com.zone", FORWARD),
        ("zones/2.0.192.in-addr.arpa.zone", REVERSE),
        ("zones/example.net.zone", OTHER),
    ])
    .unwrap()
}

fn ends(name: &str, rtype: RecordType) -> (String, Option<u32>) {
    let question = Question::new(&DomainName::new(name), rtype);
    let answer = zones().answer(&question);
    let end = match chain(&question, &answer).end {
        End::Records(records) => records.iter().map(|r| r.data.to_string()).collect::<Vec<_>>().join(", "),
        other => format!("{other:?}"),
    };
    (end, answer.negative_ttl)
}

#[test]
fn answers_as_a_server_of_the_zones_gives_them() {
    for (name, rtype, end, negative) in [
        ("mail.example.com", RecordType::A, "192.0.2.10", None),
        ("MAIL.example.com", RecordType::Mx, "NoData", Some(300)),
        ("alias.example.com", RecordType::A, "192.0.2.10", None),
        ("alias.example.com", RecordType::Cname, "mail.example.com.", None),
        ("out.example.com", RecordType::A, "198.51.100.5", None),
        // Less than the SOA's minimum: RFC 2308 section 3.
        ("out.example.com", RecordType::Aaaa, "NoData", Some(60)),
        ("lost.example.com", RecordType::A, "NxDomain", Some(300)),
        ("loop1.example.com", RecordType::A, "Loop", None),
        ("self.example.com", RecordType::A, "Loop", None),
        ("nobody.example.com", RecordType::A, "NxDomain", Some(300)),
        // A name without records above one that exists (RFC 8020).
        ("deep.tree.example.com", RecordType::A, "NoData", Some(300)),
        ("x.y.wild.example.com", RecordType::A, "192.0.2.99", None),
        ("there.wild.example.com", RecordType::A, "NoData", Some(300)),
        ("wild.example.com", RecordType::A, "NoData", Some(300)),
        ("example.org", RecordType::A, "NxDomain", None),
        ("11.2.0.192.in-addr.arpa", RecordType::Ptr, "mail.example.com.", None),
    ] {
        assert_eq!(ends(name, rtype), (end.to_owned(), negative), "{name} {rtype}");
    }
}

#[test]
fn all_questions_of_a_host_are_answered_and_followed() {
    let mut facts = facts();
    facts.paths = vec![helo_path("192.0.2.10", "mail.example.com"), helo_path("192.0.2.11", "lost.example.com")];
    let dns = answer_all(&zones(), &facts);
    for addr in ["192.0.2.10", "192.0.2.11"] {
        assert_eq!(dns.ptr(addr.parse().unwrap()), Lookup::Found(vec![DomainName::new("mail.example.com")]), "{addr}");
    }
    assert_eq!(dns.iprev("192.0.2.10".parse().unwrap()), Iprev::Pass);
    assert_eq!(dns.iprev("192.0.2.11".parse().unwrap()), Iprev::Fail);
    assert_eq!(
        dns.alias(&DomainName::new("lost.example.com"), RecordType::A),
        Some(DomainName::new("nowhere.example.com"))
    );
    assert!(dns.replies.values().all(|replies| replies.len() == 1));
}

#[test]
fn a_record_outside_its_zone_is_an_error() {
    let errors = Zones::load([("example.com.zone", "@ A 192.0.2.1\nexample.net. A 192.0.2.2\n")]).unwrap_err();
    assert_eq!(errors[0].to_string(), "example.com.zone:2: example.net is outside the zone example.com");
}

#[test]
fn planned_records_come_before_what_is_live() {
    let mut facts = facts();
    facts.paths = vec![helo_path("192.0.2.12", "new.example.com")];
    let planned = "12.2.0.192.in-addr.arpa PTR new.example.com.\nnew.example.com CNAME mail.example.com.\n";
    let planned = Zones::planned("plan", planned).unwrap();
    let live = zones();
    let dns = planned.overlay("planned", &Plan::new(&facts), answer_all(&live, &facts), |wanted, dns| {
        let mut replies = dns.replies.clone();
        for question in wanted {
            let answer = live.answer(question);
            replies.insert(question.clone(), vec![Reply { vantage: 0, outcome: Outcome::Answer(answer) }]);
        }
        Observations::new(dns.vantages, replies)
    });
    let ptr = dns.truth(&Question::ptr("192.0.2.12".parse().unwrap()));
    assert_eq!(ptr.kind, Some(VantageKind::Overlay));
    // The alias is planned, its target is live.
    let a = dns.truth(&Question::new(&DomainName::new("new.example.com"), RecordType::A));
    assert_eq!(a.kind, Some(VantageKind::Overlay));
    assert!(!dns.addresses(&DomainName::new("new.example.com"), crate::addr::Family::Ipv4).is_missing());
    assert_eq!(dns.iprev("192.0.2.12".parse().unwrap()), Iprev::Fail, "mail.example.com leads to 192.0.2.10");
}

#[test]
fn what_a_plan_leads_to_is_asked_and_the_plan_is_not_forgotten() {
    let planned = "$TTL 300\n10.2.0.192.in-addr.arpa PTR new.example.com.\nmail.example.com A 192.0.2.99\n";
    let planned = Zones::planned("plan", planned).unwrap();
    let (mut facts, live) = (facts(), zones());
    facts.paths = vec![helo_path("192.0.2.10", "mail.example.com")];
    let mut asked = Vec::new();
    let dns = planned.overlay("planned", &Plan::new(&facts), Observations::default(), |wanted, dns| {
        asked.extend(wanted.iter().cloned());
        live.answer_more(wanted, &Plan::new(&facts).follow_ups, dns)
    });
    let kind = |text: &str, rtype| dns.truth(&Question::new(&DomainName::new(text), rtype)).kind;
    assert_eq!(kind("10.2.0.192.in-addr.arpa", RecordType::Ptr), Some(VantageKind::Overlay));
    // The name that the plan brings was not asked for before.
    assert_eq!(kind("new.example.com", RecordType::A), Some(VantageKind::Authoritative));
    assert!(asked.contains(&Question::new(&DomainName::new("new.example.com"), RecordType::A)), "{asked:?}");
    assert!(!asked.iter().any(|question| question.rtype == RecordType::Ptr), "planned: {asked:?}");
    // What the address record is at present is known beside what it will be.
    let address = Question::new(&DomainName::new("mail.example.com"), RecordType::A);
    assert_eq!(dns.truth(&address).kind, Some(VantageKind::Overlay));
    assert_eq!(dns.views(&address, VantageKind::Authoritative).len(), 1);
}

#[test]
fn of_a_name_with_many_records_so_many_are_kept_as_of_a_reply() {
    let records: String =
        (0..RECORDS + 10).map(|number| format!("mail A 192.0.2.{number}\nmail A 192.0.2.{number}\n")).collect();
    let text = format!("@ 60 IN SOA a. b. 1 2 3 4 60\n{records}");
    let zones = Zones::load([("zones/example.com.zone", text.as_str())]).unwrap();
    let answer = zones.answer(&Question::new(&DomainName::new("mail.example.com"), RecordType::A));
    assert_eq!((answer.records.len(), answer.left_out), (RECORDS, 10), "each counts once");
    // The policy of mail among many other texts, whatever they begin with.
    for (policies, decided) in [(1, true), (RECORDS + 1, false)] {
        let others: String = (0..RECORDS).map(|number| format!("mail TXT \"a-verification={number}\"\n")).collect();
        let policies: String =
            (0..policies).map(|number| format!("mail TXT \"v=spf1 ip4:192.0.2.{number} -all\"\n")).collect();
        let text = format!("@ 60 IN SOA a. b. 1 2 3 4 60\n{others}{policies}");
        let zones = Zones::load([("zones/example.com.zone", text.as_str())]).unwrap();
        let question = Question::new(&DomainName::new("mail.example.com"), RecordType::Txt);
        let answer = zones.answer(&question);
        assert!(
            answer.records.iter().any(|record| record.data.to_string().contains("v=spf1 ip4:192.0.2.0 ")),
            "{answer:?}"
        );
        assert_eq!(matches!(chain(&question, &answer).end, End::Records(_)), decided);
    }
}
