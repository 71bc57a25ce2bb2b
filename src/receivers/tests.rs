//! Every receiver of the table with every verdict that it can give.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::facts::{Facts, Helo, Undecided};
use crate::name::HeloName;
use crate::rules::testing::*;

const V6: &str = "2001:db8::10";

/// What every receiver says of the first path, by identifier.
fn said(facts: &Facts, dns: &Observations) -> BTreeMap<String, Opinion> {
    let all = opinions(&facts.paths[0], dns);
    let refuse = all.iter().filter(|opinion| matches!(opinion.verdict, Verdict::Reject | Verdict::Defer)).count();
    assert_eq!(refusing(&facts.paths[0], dns), refuse, "{all:#?}");
    all.into_iter().map(|opinion| (opinion.receiver.clone(), opinion)).collect()
}

/// `gmail reject documented`, for those that do not accept.
fn troubles(facts: &Facts, dns: &Observations) -> BTreeSet<String> {
    let all = said(facts, dns);
    let bad = all.values().filter(|opinion| opinion.verdict != Verdict::Accept);
    bad.map(|opinion| format!("{} {} {}", opinion.receiver, opinion.verdict, opinion.basis)).collect()
}

fn check(why: &str, facts: &Facts, dns: &Observations, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(troubles(facts, dns), expected, "{why}");
}

fn helo(name: &str) -> Facts {
    healthy().but(|f| f.paths[0].helo = Helo::Known(fact(HeloName::new(name))))
}

#[test]
fn a_healthy_path_is_accepted_by_all() {
    let all = said(&healthy(), &dns(&[]));
    assert_eq!(all.len(), count());
    assert!(all.values().all(|opinion| opinion.verdict == Verdict::Accept && opinion.reply.is_none()), "{all:#?}");
    let ids: BTreeSet<&str> = all.keys().map(String::as_str).collect();
    let expected = [
        "gmail",
        "microsoft",
        "yahoo",
        "gmx",
        "t-online",
        "orange",
        "comcast",
        "apple",
        "spectrum",
        "godaddy",
        "virgin-media",
        "freenet",
        "linkedin",
        "magicmail",
        "forpsi",
        "postfix-client",
        "postfix-reverse",
        "postfix-helo",
        "postfix-helo-fqdn",
        "exim-reverse",
        "exim-helo",
        "cpanel",
        "directadmin",
        "hestia",
        "mailcow",
        "docker-mailserver",
        "iredmail",
        "froxlor",
        "rspamd",
        "spamassassin",
    ];
    assert_eq!(ids, expected.into());
}

#[test]
fn without_ptr_record() {
    check(
        "IPv4",
        &healthy(),
        &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]),
        &[
            "gmail reject documented",
            "microsoft penalise documented",
            "yahoo penalise documented",
            "gmx reject documented",
            "t-online reject reported",
            "orange reject documented",
            "comcast reject reported",
            "apple reject documented",
            "spectrum reject reported",
            "godaddy defer reported",
            "magicmail reject documented",
            "forpsi reject documented",
            "postfix-client defer source code",
            "postfix-reverse defer source code",
            "exim-reverse reject source code",
            // A missing PTR record alone means the junk folder.
            "mailcow penalise source code",
            "docker-mailserver penalise source code",
            "froxlor defer source code",
            "rspamd penalise source code",
            "spamassassin penalise source code",
        ],
    );
    let six = healthy().but(|f| f.paths = vec![path(V6, NAME)]);
    let world = [("2001:db8::10 PTR", &["NXDOMAIN"][..]), ("mail.example.com AAAA", &[V6])];
    let microsoft = &said(&six, &dns(&world))["microsoft"];
    assert_eq!(
        (microsoft.verdict, microsoft.basis),
        (Verdict::Reject, Basis::Documented),
        "IPv6 has a rule of its own"
    );
    assert!(microsoft.reply.as_ref().is_some_and(|reply| reply.text.contains("IPv6")));
    for id in ["freenet", "linkedin"] {
        assert_eq!(said(&six, &dns(&world))[id].verdict, Verdict::Reject, "{id} has a rule for IPv6 alone");
    }
}

#[test]
fn a_ptr_name_that_does_not_lead_back() {
    check(
        "elsewhere",
        &helo("web.example.com"),
        &dns(&[
            ("mail.example.com A", &["192.0.2.99"]),
            ("web.example.com A", &[ADDR]),
            ("web.example.com AAAA", &["NODATA"]),
            ("web.example.com MX", &["NODATA"]),
        ]),
        &[
            "gmail reject documented",
            "yahoo penalise documented",
            "t-online reject reported",
            "orange reject documented",
            "spectrum reject reported",
            "postfix-client defer source code",
            "exim-reverse reject source code",
            "froxlor defer source code",
            // rspamd takes over the PTR name without looking back.
            "spamassassin penalise source code",
        ],
    );
}

#[test]
fn a_generic_ptr_name() {
    let generic = "static.10.2.0.192.clients.your-server.de";
    let question = format!("{generic} A");
    check(
        "confirmed",
        &healthy(),
        &dns(&[("192.0.2.10 PTR", &[generic]), (&question, &[ADDR])]),
        &[
            "yahoo penalise documented",
            "gmx reject documented",
            "t-online reject reported",
            "virgin-media reject reported",
            "rspamd penalise source code",
            "spamassassin penalise source code",
        ],
    );
    let gmx = &said(&healthy(), &dns(&[("192.0.2.10 PTR", &[generic]), (&question, &[ADDR])]))["gmx"];
    assert_eq!(gmx.reply.as_ref().map(|reply| reply.basis), Some(Basis::Reported), "its reply is from logs");
}

#[test]
fn postfix_looks_at_the_first_ptr_name_alone() {
    let because = |names: &[&str], lost: &[&str]| {
        let questions: Vec<String> = lost.iter().map(|name| format!("{name} A")).collect();
        let mut world: Vec<(&str, &[&str])> = vec![("192.0.2.10 PTR", names)];
        world.extend(questions.iter().map(|question| (question.as_str(), &["NXDOMAIN"][..])));
        let all = said(&healthy(), &dns(&world));
        assert_eq!(all["exim-reverse"].verdict, Verdict::Accept, "Exim looks at all of them");
        assert_eq!(all["postfix-client"].verdict, Verdict::Defer);
        all["postfix-client"].because.clone()
    };
    let half = because(&[NAME, "old.example.com"], &["old.example.com"]);
    assert!(half.contains("1 of 2 PTR names leads back, so that about half of the connections"), "{half}");
    let most = because(&["x.example.com", NAME, "old.example.com"], &["x.example.com", "old.example.com"]);
    assert!(most.contains("1 of 3 PTR names leads back, so that about 2 in 3 of the connections"), "{most}");
    let twice = said(&healthy(), &dns(&[("192.0.2.10 PTR", &[NAME, "Mail.Example.com."])]));
    assert_eq!(twice["postfix-client"].verdict, Verdict::Accept, "the same name twice is one");
}

#[test]
fn helo_names() {
    let lost: &[(&str, &[&str])] = &[
        ("srv.example.com A", &["NXDOMAIN"]),
        ("srv.example.com AAAA", &["NXDOMAIN"]),
        ("srv.example.com MX", &["NXDOMAIN"]),
    ];
    let without_address = ["exim-helo reject source code", "rspamd penalise source code", "orange reject documented"];
    let without_mx = ["postfix-helo defer source code", "froxlor defer source code"];
    let unknown = [&without_address[..], &without_mx].concat();
    let lost_name = [&unknown[..], &["iredmail defer source code"]].concat();
    check("not in the DNS", &helo("srv.example.com"), &dns(lost), &lost_name);
    let with_mx: &[(&str, &[&str])] = &[lost[0], lost[1], ("srv.example.com MX", &["mail.example.com"])];
    check("an MX record is enough for Postfix", &helo("srv.example.com"), &dns(with_mx), &without_address);
    let panels =
        ["cpanel", "directadmin", "docker-mailserver", "iredmail"].map(|id| format!("{id} reject source code"));
    let panels: Vec<&str> = panels.iter().map(String::as_str).collect();
    let one_label = [&unknown[..], &panels, &["postfix-helo-fqdn reject source code"]].concat();
    check("one label", &helo("srv"), &dns(&[]), &one_label);
    let localhost = [&one_label[..], &["spamassassin penalise source code"]].concat();
    check("localhost", &helo("localhost"), &dns(&[]), &localhost);
    let malformed = ["gmail reject documented", "mailcow reject source code"];
    check("empty", &helo(""), &dns(&[]), &[&one_label[..], &malformed].concat());
    check("an underscore", &helo("my_host"), &dns(&[]), &[&one_label[..], &malformed].concat());
    let bare = ["spamassassin penalise source code", "hestia reject source code"];
    check("a bare address", &helo(ADDR), &dns(&[]), &[&unknown[..], &panels, &malformed, &bare].concat());
    for (name, ptr, id, verdict) in [
        ("mail.example.com.", NAME, "cpanel", Verdict::Reject),
        ("mail..example.com", NAME, "directadmin", Verdict::Reject),
        ("srv.local", NAME, "iredmail", Verdict::Reject),
        ("vps-192-0-2-10.example.com", NAME, "hestia", Verdict::Reject),
        ("vps-192-0-2-10.example.com", "vps-192-0-2-10.example.com", "hestia", Verdict::Accept),
        ("a1b2c3d4.example.com", NAME, "hestia", Verdict::Reject),
        ("a1b2c3.example.com", NAME, "hestia", Verdict::Accept),
        ("mail.example.com", NAME, "hestia", Verdict::Accept),
    ] {
        let all = said(&helo(name), &dns(&[("192.0.2.10 PTR", &[ptr])]));
        assert_eq!(all[id].verdict, verdict, "{name} at {id}");
    }
    check("a literal of the client", &helo("[192.0.2.10]"), &dns(&[]), &[]);
    check("another's literal", &helo("[192.0.2.11]"), &dns(&[]), &["exim-helo reject source code"]);
    let none = healthy().but(|f| f.paths[0].helo = Helo::None);
    check("no MTA, no HELO", &none, &dns(&[]), &[]);
}

#[test]
fn scores_add_up() {
    let score = |facts: &Facts, dns: &Observations, id: &str| {
        said(facts, dns)[id].reply.as_ref().map(|reply| reply.text.clone()).unwrap_or_default()
    };
    let none = dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]);
    assert_eq!(score(&healthy(), &none, "rspamd"), "+4.50 (RDNS_NONE, HFILTER_HOSTNAME_UNKNOWN)");
    let unconfirmed = dns(&[("mail.example.com A", &["192.0.2.99"])]);
    assert!(!score(&healthy(), &unconfirmed, "rspamd").contains("HOSTNAME_UNKNOWN"), "there is a PTR record");
    assert_eq!(score(&helo("srv"), &dns(&[]), "rspamd"), "+3.00 (HFILTER_HELO_5)");
    for (ptr, expected) in [
        ("static.10.2.0.192.clients.your-server.de", "+7.00 (HFILTER_HOSTNAME_5, ONCE_RECEIVED_STRICT)"),
        ("static7.example.com", "+4.00 (ONCE_RECEIVED_STRICT)"),
        ("static.mail.example.com", ""),
        ("192-0-2-10-host.colocrossing.com", "+1.00 (HFILTER_HOSTNAME_2)"),
    ] {
        let question = format!("{ptr} A");
        let world = dns(&[("192.0.2.10 PTR", &[ptr]), (question.as_str(), &[ADDR])]);
        let rspamd = &said(&healthy(), &world)["rspamd"];
        assert_eq!(rspamd.reply.as_ref().map_or("", |reply| reply.text.as_str()), expected, "{ptr}");
        assert_ne!(rspamd.verdict, Verdict::Accept, "{ptr}: what its shape weighs is not known");
    }
    assert_eq!(score(&helo("srv.lan"), &dns(&[]), "rspamd"), "+3.00 (HFILTER_HELO_5)");
    assert_eq!(score(&healthy(), &none, "spamassassin"), "+0.79 (RDNS_NONE)");
    assert_eq!(score(&helo(ADDR), &dns(&[]), "rspamd"), "+3.00 (HFILTER_HELO_BAREIP)");
    assert_eq!(score(&helo("localhost"), &dns(&[]), "spamassassin"), "+3.83 (HELO_LOCALHOST)");
    let generic = "192-0-2-10.isp.example";
    let spelled = dns(&[
        ("192.0.2.10 PTR", &[generic]),
        ("192-0-2-10.isp.example A", &[ADDR]),
        ("192-0-2-10.isp.example AAAA", &["NODATA"]),
    ]);
    assert_eq!(score(&helo(generic), &spelled, "spamassassin"), "+2.93 (RDNS_DYNAMIC, HELO_DYNAMIC_IPADDR)");
    let srv = dns(&[
        ("srv.example.com A", &["192.0.2.99"]),
        ("srv.example.com AAAA", &["NODATA"]),
        ("srv.example.com MX", &["NODATA"]),
    ]);
    assert_eq!(score(&helo("srv.example.com"), &srv, "rspamd"), "+1.00 (HFILTER_HELO_IP_A)");
}

#[test]
fn a_failing_lookup_delays_and_never_refuses() {
    let all = said(&healthy(), &dns(&[("192.0.2.10 PTR", &["SERVFAIL"])]));
    assert!(all.values().all(|opinion| opinion.verdict != Verdict::Reject), "{all:#?}");
    for id in ["gmail", "microsoft", "yahoo", "gmx", "t-online", "orange", "apple"] {
        assert_eq!((all[id].verdict, all[id].basis), (Verdict::Defer, Basis::Reported), "{id}");
        assert!(all[id].because.contains("SERVFAIL") && all[id].reply.is_none(), "{id}");
    }
    assert_eq!((all["comcast"].verdict, all["comcast"].basis), (Verdict::Defer, Basis::Documented));
    assert!(all["comcast"].reply.as_ref().is_some_and(|reply| reply.text.starts_with("421")));
    for id in ["postfix-client", "postfix-reverse", "exim-reverse"] {
        assert_eq!((all[id].verdict, all[id].basis), (Verdict::Defer, Basis::SourceCode), "{id}");
    }
    assert_eq!(all["postfix-helo"].verdict, Verdict::Accept, "it does not look at the PTR record");
    assert_eq!(all["rspamd"].verdict, Verdict::Unknown);
    assert_eq!(all["spamassassin"].verdict, Verdict::Unknown);

    let forward = said(&healthy(), &dns(&[("mail.example.com A", &["timeout"])]));
    assert_eq!(forward["gmail"].verdict, Verdict::Defer, "the PTR name's own lookup");
    assert_eq!(forward["gmx"].verdict, Verdict::Accept, "there is a PTR record, and it is not generic");
    assert_eq!(forward["exim-helo"].verdict, Verdict::Defer);
    let helo_open = dns(&[
        ("x.example.com A", &["SERVFAIL"]),
        ("x.example.com AAAA", &["SERVFAIL"]),
        ("x.example.com MX", &["SERVFAIL"]),
    ]);
    let open = said(&helo("x.example.com"), &helo_open);
    assert_eq!(open["postfix-helo"].verdict, Verdict::Defer);
}

#[test]
fn what_could_not_be_seen_here_is_unknown() {
    let silent = dns(&[
        ("192.0.2.10 PTR", &["timeout"]),
        ("mail.example.com A", &["timeout"]),
        ("mail.example.com AAAA", &["timeout"]),
        ("mail.example.com MX", &["timeout"]),
    ]);
    let all = said(&healthy(), &silent);
    // These look at the HELO name's spelling alone, or at IPv6 alone.
    let need_nothing = ["postfix-helo-fqdn", "cpanel", "directadmin", "hestia", "freenet", "linkedin"];
    let asking = |id: &String| !need_nothing.contains(&id.as_str());
    let open = all.iter().filter(|(id, _)| asking(id)).all(|(_, opinion)| opinion.verdict == Verdict::Unknown);
    assert!(open, "no server at all answers: {all:#?}");
    let undecided = Undecided { parameter: "helo_data".into(), why: "a lookup".into(), origin: HERE };
    let facts = healthy().but(|f| f.paths[0].helo = Helo::Undecided(undecided));
    let all = said(&facts, &dns(&[]));
    assert_eq!(all["exim-helo"].verdict, Verdict::Unknown);
    assert_eq!(all["exim-helo"].because, "cannot be told: the HELO name is not known");
    assert_eq!(all["microsoft"].verdict, Verdict::Accept, "it has no rule about the HELO name");
}

#[test]
fn paths_that_receivers_do_not_judge() {
    let relayed = healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
    assert!(said(&relayed, &dns(&[])).is_empty());
    let no_address = healthy().but(|f| f.paths[0].sending = None);
    assert!(said(&no_address, &dns(&[])).is_empty());
    assert!(said(&healthy(), &Observations::offline()).is_empty());
}

#[test]
fn a_helo_name_that_follows_the_ptr_record() {
    let follows = |default: Option<&str>| {
        healthy().but(|f| {
            f.paths[0].helo = Helo::FollowsPtr { default: default.map(HeloName::new), joined: None, origin: HERE };
        })
    };
    check("the PTR name", &follows(None), &dns(&[]), &[]);
    let none = said(&follows(Some("localhost")), &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]));
    assert_eq!(none["postfix-helo"].verdict, Verdict::Defer, "the default is sent where there is no PTR record");
}

#[test]
fn who_accepts_is_counted_by_path_and_receiver() {
    let dns = dns(&[]);
    assert_eq!(accepting(&healthy(), &dns), count(), "one healthy path");
    let twice = healthy().but(|f| f.paths.push(path(ADDR, NAME)));
    assert_eq!(accepting(&twice, &dns), 2 * count());
    let unused = twice.but(|f| f.paths[1].unused = true);
    assert_eq!(accepting(&unused, &dns), count(), "a path that carries no mail does not count");
    let silent = crate::rules::testing::dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]);
    assert!(accepting(&healthy(), &silent) < count() / 2, "most want a PTR record");
}
