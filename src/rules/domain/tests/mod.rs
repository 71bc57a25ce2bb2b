//! One domain, its zone, and what is found: each kind of answer that the rules meet.

mod told;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::DomainContext;
use crate::compare::{Change, What};
use crate::dkim::KeyFile;
use crate::domains::{Answers, Handled, Host, MailDomain, Signing, SigningKey, Step, observe};
use crate::facts::Facts;
use crate::findings::{Finding, Verdict};
use crate::name::DomainName;
use crate::observe::samples::answer;
use crate::observe::{Answer, Observations, Outcome, Question, Record, RecordData, Reply, Vantage, VantageKind, Why};
use crate::rules::testing::{But, HERE, fact, healthy};
use crate::rules::{DomainRules, Selection};

/// The domain of the tests; the healthy host sends for it from 192.0.2.10 as mail.example.com.
const DOMAIN: &str = "shop.example";
/// Everything as it should be.
const GOOD: [&str; 5] = [
    "shop.example A 192.0.2.10",
    "shop.example MX 10 mail.example.com",
    "mail.example.com A 192.0.2.10",
    "shop.example TXT v=spf1 ip4:192.0.2.10 -all",
    "_dmarc.shop.example TXT v=DMARC1; p=none",
];

fn data(rtype: &str, text: &str) -> RecordData {
    match rtype {
        "A" => RecordData::A(text.parse().unwrap()),
        "MX" => {
            let (preference, name) = text.split_once(' ').unwrap();
            RecordData::Mx(preference.parse().unwrap(), DomainName::new(name))
        }
        "CNAME" => RecordData::Cname(DomainName::new(text)),
        "NS" => RecordData::Ns(DomainName::new(text)),
        _ => RecordData::Txt(text.to_owned()),
    }
}

/// Answers to these questions: records (`NAME TYPE DATA`; an alias stands for its target's addresses), `NAME TYPE TIMEOUT`, `NAME * NXDOMAIN`, else
/// nothing.
fn said(questions: &[&Question], zone: &[&str]) -> Observations {
    let mut replies = BTreeMap::new();
    for question in questions {
        let (mut owner, mut records, mut why, mut nxdomain) = (question.name.clone(), Vec::new(), None, false);
        for line in zone {
            let [name, rtype, text] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let is_asked = rtype == question.rtype.as_str() || rtype == "CNAME" || rtype == "*";
            if DomainName::new(name) != owner || !is_asked {
                continue;
            }
            if text == "NXDOMAIN" {
                nxdomain = true;
                continue;
            }
            if text == "TIMEOUT" {
                why = Some(Why::Timeout);
                continue;
            }
            let data = data(rtype, text);
            let name = owner.clone();
            if let RecordData::Cname(target) = &data {
                owner = target.clone();
            }
            records.push(Record { name, ttl: 300, data });
        }
        let outcome = why.map_or(Outcome::Answer(Answer { nxdomain, ..answer(records) }), Outcome::Unanswered);
        replies.insert((*question).clone(), vec![Reply { vantage: 0, outcome }]);
    }
    let vantage = Vantage { name: "zones".into(), server: None, kind: VantageKind::Authoritative };
    Observations::new(vec![vantage], replies)
}

fn findings(facts: &Facts, handled: Handled, keys: &[SigningKey], zone: &[&str]) -> Vec<Finding> {
    findings_after(facts, handled, keys, zone, &BTreeMap::new())
}

fn findings_after(
    facts: &Facts,
    handled: Handled,
    keys: &[SigningKey],
    zone: &[&str],
    became: &BTreeMap<IpAddr, IpAddr>,
) -> Vec<Finding> {
    let domain = MailDomain { name: DomainName::new(DOMAIN), handled, origin: HERE };
    let host = Host::new(facts);
    let mut answers = Answers::default();
    for _ in 0..30 {
        match observe(&host, &domain, Signing { keys, is_open: false }, &answers, false) {
            Step::Done(seen) => {
                let cx = DomainContext { host: &host, seen: &seen, handled: &BTreeMap::new(), changes: &[], became };
                return DomainRules::new(&Selection::default()).judge(&cx);
            }
            Step::Needs(questions) => {
                let questions: Vec<&Question> = questions.iter().collect();
                assert!(questions.iter().all(|question| !answers.has(question)), "asked twice");
                answers.take(questions.iter().copied(), &said(&questions, zone));
            }
        }
    }
    panic!("no end");
}

/// The findings with these records in place of the good ones of the same name and type.
fn found(handled: Handled, keys: &[SigningKey], changes: &[&str]) -> Vec<String> {
    let key = |line: &str| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
    let changed: Vec<String> = changes.iter().map(|line| key(line)).collect();
    let kept = GOOD.into_iter().filter(|line| !changed.contains(&key(line)));
    let zone: Vec<&str> = kept.chain(changes.iter().copied().filter(|line| !line.ends_with(" -"))).collect();
    let line = |finding: &Finding| {
        let mark = if finding.verdict == Verdict::Undetermined { "?" } else { "" };
        format!("{}{mark} {} {}", finding.meta.code, finding.severity, finding.subject)
    };
    findings(&healthy(), handled, keys, &zone).iter().map(line).collect()
}

fn key(selector: &str) -> SigningKey {
    let pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/dkim/rsa1024.pkcs1.pem")).to_vec();
    SigningKey {
        domain: DomainName::new(DOMAIN),
        selector: selector.into(),
        file: "/etc/key".into(),
        key: KeyFile::new(pem).public_part(),
    }
}

#[test]
fn a_domain_without_fault() {
    assert_eq!(found(Handled::Local, &[], &[]), [""; 0]);
    assert_eq!(found(Handled::Secondary, &[], &[]), [""; 0]);
    assert_eq!(found(Handled::Sender, &[], &[]), [""; 0]);
}

#[test]
fn where_mail_goes() {
    let elsewhere = ["shop.example MX 10 mx.old.example", "mx.old.example A 198.51.100.7"];
    assert_eq!(found(Handled::Local, &[], &elsewhere), ["DOM001 warning shop.example"]);
    assert_eq!(found(Handled::Remote, &[], &elsewhere), ["DOM001 info shop.example"]);
    assert_eq!(found(Handled::Secondary, &[], &elsewhere), ["DOM001 info shop.example"]);
    assert_eq!(found(Handled::Sender, &[], &elsewhere), [""; 0]);
    let one_here = ["shop.example MX 10 mx.old.example", "shop.example MX 20 mail.example.com"];
    assert_eq!(found(Handled::Local, &[], &one_here), [""; 0]);
    assert_eq!(found(Handled::Local, &[], &["shop.example MX -"]), [""; 0], "its own address is here");
    assert_eq!(found(Handled::Local, &[], &["shop.example MX 0 ."]), ["DOM001 warning shop.example"], "null MX");
    assert_eq!(found(Handled::Local, &[], &["shop.example MX TIMEOUT"]), ["DOM001? warning shop.example"]);
    assert_eq!(
        found(Handled::Local, &[], &["shop.example MX 10 mx.x.example", "mx.x.example A TIMEOUT"]),
        ["DOM001? warning shop.example"]
    );
    assert_eq!(found(Handled::Local, &[], &["shop.example A 198.51.100.7"]), ["DOM010 info shop.example"]);
    assert_eq!(found(Handled::Local, &[], &["shop.example A TIMEOUT"]), [""; 0]);
    let alias = [
        "shop.example MX 10 mx.shop.example",
        "mx.shop.example CNAME mail.example.com",
        "mail.example.com A 192.0.2.10",
    ];
    assert_eq!(found(Handled::Local, &[], &alias), ["DOM011 warning mx.shop.example"]);
    let address = ["shop.example MX 10 192.0.2.10"];
    assert_eq!(found(Handled::Local, &[], &address), ["DOM001 warning shop.example", "DOM011 warning 192.0.2.10"]);
}

#[test]
fn what_still_holds_an_old_address() {
    let old = ["198.51.100.7", "2001:db8:99::7"].map(|old| old.parse().unwrap());
    let facts = healthy().but(|f| f.old_addresses = old.to_vec());
    let lines = |changed: &[&str]| -> Vec<String> {
        let key = |line: &str| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
        let is_kept = |line: &&&str| !changed.iter().any(|new| key(new) == key(line));
        let zone: Vec<&str> = GOOD.iter().filter(is_kept).chain(changed).copied().collect();
        let all = findings(&facts, Handled::Local, &[], &zone).into_iter().filter(|one| one.meta.code == "DNS008");
        all.map(|one| {
            let command = one.fix.into_iter().flat_map(|fix| fix.commands).next().unwrap_or_default();
            format!("{} | {command}", one.subject)
        })
        .collect()
    };
    assert_eq!(lines(&[]), [""; 0]);
    assert_eq!(
        lines(&["shop.example TXT v=spf1 ip4:198.51.100.7 ip4:192.0.2.10 -all"]),
        ["shop.example. TXT | shop.example. IN TXT \"v=spf1 ip4:192.0.2.10 -all\""]
    );
    let excluded = lines(&["shop.example TXT v=spf1 ip4:198.51.100.7 -all"]);
    assert_eq!(excluded, ["shop.example. TXT | "], "DOM002 has the record that mends both");
    assert_eq!(lines(&["shop.example TXT v=spf1 ip4:198.51.100.70 ip4:192.0.2.10 -all"]), [""; 0]);
    assert_eq!(
        lines(&["shop.example TXT v=spf1 ip4:198.51.100.7/29 ip6:2001:db8:99::7/64 ip4:192.0.2.10 -all"]),
        ["shop.example. TXT | shop.example. IN TXT \"v=spf1 ip4:192.0.2.10 -all\""],
        "of two old addresses in one record, both go at once"
    );
    assert_eq!(
        lines(&["shop.example TXT v=spf1 ip4:198.51.100.7/24 ip4:192.0.2.10 -all"]),
        ["shop.example. TXT | "],
        "others may have an address in it"
    );
    let away = ["shop.example MX 10 mx.shop.example", "mx.shop.example A 198.51.100.7"];
    assert!(lines(&away)[0].starts_with("mx.shop.example. A | "), "{:?}", lines(&away));
    let half = ["shop.example MX 10 mx.shop.example", "mx.shop.example A 198.51.100.7", "mx.shop.example A 192.0.2.10"];
    assert_eq!(lines(&half), ["mx.shop.example. A | ; delete: mx.shop.example. IN A 198.51.100.7"], "half of the mail");
    let web = ["shop.example A 192.0.2.10", "shop.example A 198.51.100.7"];
    assert_eq!(lines(&web), ["shop.example. A | ; delete: shop.example. IN A 198.51.100.7"]);
    let alias =
        ["shop.example MX 10 mx.shop.example", "mx.shop.example CNAME old.example", "old.example A 198.51.100.7"];
    assert_eq!(lines(&alias), ["mx.shop.example. A | "], "the address is not in its own record");
    let two = ["shop.example TXT v=spf1 ip4:198.51.100.7 -all", "shop.example TXT v=spf1 ip4:192.0.2.10 -all"];
    assert_eq!(lines(&two), ["shop.example. TXT | "], "which of two is to stay is not known");
    assert_eq!(
        lines(&[
            "shop.example TXT v=spf1 include:_spf.shop.example -all",
            "_spf.shop.example TXT v=spf1 ip4:198.51.100.7 mx -all"
        ]),
        ["_spf.shop.example. TXT | _spf.shop.example. IN TXT \"v=spf1 mx -all\""]
    );
    for term in ["a:old.shop.example", "mx:old.shop.example"] {
        let spf = format!("shop.example TXT v=spf1 {term} ip4:192.0.2.10 -all");
        let led = lines(&[&spf, "old.shop.example A 198.51.100.7", "old.shop.example MX 10 old.shop.example"]);
        assert_eq!(led, ["old.shop.example. A | "], "it may be the old server's own name");
    }
    let hoster = ["shop.example TXT v=spf1 include:_spf.hoster.example a:old.hoster.example -all"];
    let zone = ["_spf.hoster.example TXT v=spf1 ip4:198.51.100.7 -all", "old.hoster.example A 198.51.100.7"];
    assert_eq!(lines(&[&hoster[..], &zone].concat()), [""; 0], "others' zones are theirs");
    let theirs = ["shop.example MX 10 mx.other.example", "mx.other.example A 198.51.100.7"];
    assert_eq!(lines(&theirs), ["mx.other.example. A | "], "a record of another zone is not this domain's to change");
    assert!(lines(&["shop.example A 198.51.100.7"])[0].starts_with("shop.example. A | "));
}

#[test]
fn what_spf_says() {
    let spf = |text: &str| found(Handled::Local, &[], &[&format!("shop.example TXT {text}")]);
    assert_eq!(spf("v=spf1 -all"), ["DOM002 error shop.example"]);
    assert_eq!(spf("v=spf1 ~all"), ["DOM002 error shop.example"]);
    assert_eq!(spf("v=spf1"), ["DOM002 error shop.example"]);
    assert_eq!(spf("v=spf1 moo ip4:192.0.2.10"), ["DOM003 error shop.example"]);
    assert_eq!(spf("v=spf1 include:none.example -all"), ["DOM003 error shop.example"]);
    assert_eq!(spf("text"), ["DOM004 warning shop.example"]);
    assert_eq!(spf("TIMEOUT"), ["DOM002? error shop.example"]);
    let late = ["shop.example TXT v=spf1 include:late.example -all", "late.example TXT TIMEOUT"];
    assert_eq!(found(Handled::Local, &[], &late), ["DOM002? error shop.example"], "never fail");
    let helo = |text: &str| found(Handled::Local, &[], &[&format!("mail.example.com TXT {text}")]);
    assert_eq!(helo("v=spf1 a -all"), [""; 0]);
    assert_eq!(helo("v=spf1 -all"), ["DOM005 warning mail.example.com"]);
    assert_eq!(helo("v=spf1 moo"), ["DOM005 warning mail.example.com"]);
    assert_eq!(helo("TIMEOUT"), ["DOM005? warning mail.example.com"]);
}

#[test]
fn receivers_see_the_relay_of_a_relayed_path() {
    let facts = healthy().but(|f| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into()));
    let zone = [
        "shop.example MX 10 mail.example.com",
        "mail.example.com A 192.0.2.10",
        "_dmarc.shop.example TXT v=DMARC1; p=none",
    ];
    let codes: Vec<&str> =
        findings(&facts, Handled::Local, &[], &zone).iter().map(|finding| finding.meta.code).collect();
    assert_eq!(codes, [""; 0]);
}

#[test]
fn the_record_to_publish_authorises_the_address_in_place_of_the_old_one() {
    let facts = healthy().but(|f| f.old_addresses = vec!["198.51.100.7".parse().unwrap()]);
    let zone = ["shop.example TXT v=spf1 ip4:198.51.100.7 include:b.example -all", "b.example TXT v=spf1 -all"];
    let found = findings(&facts, Handled::Sender, &[], &zone);
    let fix = found.iter().find(|finding| finding.meta.code == "DOM002").unwrap().fix.as_ref().unwrap();
    assert_eq!(fix.commands, ["shop.example. IN TXT \"v=spf1 ip4:192.0.2.10 include:b.example -all\""]);
    let long = format!("v=spf1 {}-all", "ip4:198.51.100.9 ".repeat(20));
    let record = crate::domains::fix::txt_record(&DomainName::new("a.example"), &long);
    let strings: Vec<&str> = record.split('"').skip(1).step_by(2).collect();
    assert!(strings.len() == 2 && strings.iter().all(|string| string.len() <= 255) && strings.concat() == long);
}

#[test]
fn the_record_to_publish_passes_and_costs_no_lookup_more() {
    let facts = healthy().but(|f| f.old_addresses = vec!["198.51.100.7".parse().unwrap()]);
    let includes: Vec<String> =
        (0..10).map(|at| format!("i{at}.example TXT v=spf1 ip4:198.51.100.{at} -all")).collect();
    let all = (0..10).map(|at| format!("include:i{at}.example")).collect::<Vec<_>>().join(" ");
    for record in [
        "v=spf1 a:x.example -all".to_owned(),
        "v=spf1 ?all ip4:198.51.100.9".to_owned(),
        "v=spf1 -ip4:192.0.2.0/24 mx ~all".to_owned(),
        "v=spf1 -ip4:192.0.2.10 -all".to_owned(),
        "v=spf1 ip4:198.51.100.7 redirect=i1.example".to_owned(),
        format!("v=spf1 {all} -all"),
    ] {
        let zone = |record: &str| -> Vec<String> {
            includes.iter().cloned().chain([format!("shop.example TXT {record}")]).collect()
        };
        let found = |record: &str| {
            let zone = zone(record);
            findings(&facts, Handled::Sender, &[], &zone.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let before = found(&record);
        let fix = before.iter().find(|one| one.meta.code == "DOM002").unwrap().fix.clone().unwrap();
        let wanted = fix.commands[0].split_once(" IN TXT ").unwrap().1.replace("\" \"", "").replace('"', "");
        let codes: Vec<&str> =
            found(&wanted).iter().map(|one| one.meta.code).filter(|code| code.contains("00")).collect();
        assert!(
            !codes.iter().any(|code| ["DOM002", "DOM003", "DNS008"].contains(code)),
            "{record}: {wanted}: {codes:?}"
        );
    }
}

#[test]
fn localhost_is_no_mail_domain() {
    let mut all = crate::domains::MailDomains::default();
    for name in ["localhost.example.com", "localhost", "shop.example"] {
        all.add(DomainName::new(name), Handled::Local, HERE);
    }
    assert_eq!(all.domains.keys().map(DomainName::as_str).collect::<Vec<_>>(), ["shop.example"]);
}

#[test]
fn a_drift_of_the_path_is_settled_before_the_record_follows_it() {
    let facts = healthy();
    let domain = MailDomain { name: DomainName::new(DOMAIN), handled: Handled::Local, origin: HERE };
    let host = Host::new(&facts);
    let mut answers = Answers::default();
    let zone = ["shop.example TXT v=spf1 ip4:198.51.100.7 -all"];
    let seen = loop {
        match observe(&host, &domain, Signing::default(), &answers, false) {
            Step::Done(seen) => break seen,
            Step::Needs(questions) => {
                let questions: Vec<&Question> = questions.iter().collect();
                answers.take(questions.iter().copied(), &said(&questions, &zone));
            }
        }
    };
    let fix = |domains: &[&str]| {
        let change = Change {
            what: What::Source,
            key: "exim remote_smtp ipv4 shop.example".into(),
            old: Some("198.51.100.7".into()),
            new: Some("192.0.2.10".into()),
            verdict: crate::compare::Verdict::Drift,
            because: "192.0.2.11 was to be expected".into(),
            origin: None,
            on_old_host: false,
            domains: domains.iter().map(|name| DomainName::new(name)).collect(),
            old_path: None,
            effect: crate::compare::Effect::Path,
        };
        let cx = DomainContext {
            host: &host,
            seen: &seen,
            handled: &BTreeMap::new(),
            changes: &[change],
            became: &BTreeMap::new(),
        };
        let found = DomainRules::new(&Selection::default()).judge(&cx);
        found.into_iter().find(|finding| finding.meta.code == "DOM002").unwrap().fix.unwrap()
    };
    let first = fix(&[DOMAIN]);
    assert!(first.commands.is_empty() && first.text.contains("Settle MIG002 first"), "{first:?}");
    assert!(first.text.contains("192.0.2.11 was to be expected"), "{first:?}");
    let other = fix(&["other.example"]);
    assert_eq!(other.commands, ["shop.example. IN TXT \"v=spf1 ip4:192.0.2.10 ip4:198.51.100.7 -all\""]);
}

#[test]
fn what_dmarc_says() {
    let dmarc = |texts: &[&str]| {
        let lines: Vec<String> = texts.iter().map(|text| format!("_dmarc.shop.example TXT {text}")).collect();
        found(Handled::Local, &[], &lines.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(dmarc(&["-"]), ["DOM006 warning shop.example"]);
    assert_eq!(dmarc(&["TIMEOUT"]), ["DOM006? warning shop.example"]);
    assert_eq!(dmarc(&["v=DMARC1; p=none", "v=DMARC1; p=reject"]), ["DOM007 error shop.example"]);
    assert_eq!(dmarc(&["p=none; v=DMARC1"]), ["DOM007 error shop.example"]);
    assert_eq!(dmarc(&["v=DMARC1; p=x"]), ["DOM007 error shop.example"]);
    assert_eq!(dmarc(&["v=DMARC1; p=reject; pct=100; rf=afrf"]), [""; 0]);
    assert_eq!(dmarc(&["v=DMARC1; p=reject; t=y"]), ["DOM012 info shop.example"]);
    assert_eq!(dmarc(&["v=DMARC1; p=reject; pct=50"]), ["DOM012 info shop.example"]);
    assert_eq!(dmarc(&["v=DMARC1; p=quarantine; pct=0; t=y"]), [""; 0]);
}

#[test]
fn what_selectors_publish() {
    let spki = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/dkim/rsa1024.spki"));
    let other = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/dkim/other1024.spki"));
    let dkim = |text: &str| found(Handled::Local, &[key("s")], &[&format!("s._domainkey.shop.example TXT {text}")]);
    assert_eq!(dkim(&format!("v=DKIM1; p={spki}")), [""; 0]);
    assert_eq!(dkim("text"), ["DOM008 warning shop.example s"]);
    assert_eq!(dkim("v=DKIM1; p="), ["DOM008 warning shop.example s"]);
    assert_eq!(dkim("TIMEOUT"), ["DOM008? warning shop.example s"]);
    assert_eq!(dkim(&format!("v=DKIM1; p={other}")), ["DOM009 error shop.example s"]);
    assert_eq!(dkim("v=DKIM1; p=!"), ["DOM009 error shop.example s"]);
    let unreadable = SigningKey { key: KeyFile::new(Vec::new()).public_part(), ..key("s") };
    let record = format!("s._domainkey.shop.example TXT v=DKIM1; p={other}");
    assert_eq!(found(Handled::Local, &[unreadable], &[&record]), [""; 0], "which key it is cannot be seen");
}

/// What DMARC makes of the mail of the domain: SPF, DKIM, both; with these records in place of the good ones.
fn aligned(keys: &[SigningKey], is_open: bool, changes: &[&str]) -> [&'static str; 3] {
    let key = |line: &str| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
    let changed: Vec<String> = changes.iter().map(|line| key(line)).collect();
    let kept = GOOD.into_iter().filter(|line| !changed.contains(&key(line)));
    let zone: Vec<&str> = kept.chain(changes.iter().copied()).collect();
    let domain = MailDomain { name: DomainName::new(DOMAIN), handled: Handled::Local, origin: HERE };
    let facts = healthy();
    let host = Host::new(&facts);
    let mut answers = Answers::default();
    loop {
        match observe(&host, &domain, Signing { keys, is_open }, &answers, false) {
            Step::Needs(questions) => {
                let questions: Vec<&Question> = questions.iter().collect();
                assert!(questions.iter().all(|question| !answers.has(question)), "asked twice");
                answers.take(questions.iter().copied(), &said(&questions, &zone));
            }
            Step::Done(seen) => match &seen.alignment[..] {
                [one] => return [one.spf.as_str(), one.dkim.as_str(), one.dmarc().as_str()],
                [] => return ["none"; 3],
                more => panic!("{more:?}"),
            },
        }
    }
}

#[test]
fn what_dmarc_makes_of_what_is_sent() {
    let spki = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/dkim/rsa1024.spki"));
    let published = |domain: &str| format!("s._domainkey.{domain} TXT v=DKIM1; p={spki}");
    let signs_as = |domain: &str| SigningKey { domain: DomainName::new(domain), ..key("s") };
    let no_spf = "shop.example TXT v=spf1 -all";
    assert_eq!(aligned(&[], false, &[]), ["pass", "fail", "pass"]);
    assert_eq!(aligned(&[], false, &[no_spf]), ["fail", "fail", "fail"]);
    assert_eq!(aligned(&[], true, &[no_spf]), ["fail", "undetermined", "undetermined"], "files leave keys open");
    assert_eq!(aligned(&[], false, &["shop.example TXT TIMEOUT"]), ["undetermined", "fail", "undetermined"]);
    assert_eq!(aligned(&[], false, &["_dmarc.shop.example TXT text"]), ["none"; 3], "no record holds");
    assert_eq!(aligned(&[key("s")], false, &[no_spf, &published(DOMAIN)]), ["fail", "pass", "pass"]);
    assert_eq!(aligned(&[key("s")], false, &[no_spf]), ["fail", "fail", "fail"], "it is not published");
    let late = "s._domainkey.shop.example TXT TIMEOUT";
    assert_eq!(aligned(&[key("s")], false, &[no_spf, late]), ["fail", "undetermined", "undetermined"]);
    // In the name of a domain above, below or beside.
    let above = [signs_as("example")];
    let strict = "_dmarc.shop.example TXT v=DMARC1; p=reject; adkim=s";
    let below = [signs_as("mail.shop.example")];
    let (at_above, at_below) = (published("example"), published("mail.shop.example"));
    assert_eq!(aligned(&below, false, &[no_spf, &at_below]), ["fail", "pass", "pass"]);
    assert_eq!(aligned(&below, false, &[no_spf, &at_below, strict]), ["fail", "fail", "fail"], "adkim=s");
    let own_organization = "_dmarc.mail.shop.example TXT v=DMARC1; p=none; psd=n";
    assert_eq!(aligned(&below, false, &[no_spf, &at_below, own_organization])[1], "fail", "another organization");
    assert_eq!(
        aligned(&above, false, &[no_spf, &at_above])[1],
        "fail",
        "example has no record: an organization of its own"
    );
    let suffix = "_dmarc.example TXT v=DMARC1; p=none";
    assert_eq!(aligned(&above, false, &[no_spf, &at_above, suffix])[1], "pass");
    let other = [signs_as("other.example")];
    assert_eq!(aligned(&other, false, &[no_spf, &published("other.example")]), ["fail", "fail", "fail"]);
    let late = "_dmarc.other.example TXT TIMEOUT";
    assert_eq!(aligned(&other, false, &[no_spf, &published("other.example"), late])[1], "undetermined");
}

#[test]
fn a_domain_of_which_nothing_was_answered_is_undetermined() {
    let silent = ["A", "AAAA", "MX", "TXT"].map(|rtype| format!("shop.example {rtype} TIMEOUT"));
    let mut lines: Vec<&str> = silent.iter().map(String::as_str).collect();
    lines.push("_dmarc.shop.example TXT TIMEOUT");
    lines.push("s._domainkey.shop.example TXT TIMEOUT");
    let found = found(Handled::Local, &[key("s")], &lines);
    assert!(found.len() >= 4 && found.iter().all(|line| line.contains("? ")), "{found:?}");
}
