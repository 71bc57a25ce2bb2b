use super::*;

fn finding(code: &str, severity: Severity, verdict: Verdict) -> FindingEntry {
    FindingEntry { code: code.into(), name: "a-rule".into(), severity, verdict, message: format!("{code} is so") }
}

fn path(sending: &str, helo: &str, ptr: &[&str]) -> PathEntry {
    PathEntry {
        sending: sending.parse().ok(),
        helo: Some(helo.into()),
        ptr: ptr.iter().map(|name| (*name).to_owned()).collect(),
        asked: true,
        ..PathEntry::default()
    }
}

fn host(name: &str, address: &str, paths: Vec<PathEntry>) -> HostEntry {
    HostEntry {
        name: Some(name.into()),
        addresses: address.parse().into_iter().collect(),
        paths,
        ..HostEntry::default()
    }
}

fn merged(hosts: Vec<HostEntry>) -> Merged {
    let mut merger = Merger::default();
    hosts.into_iter().enumerate().for_each(|(at, host)| merger.add(&format!("{at}.json"), host));
    merger.finish()
}

/// What is shared, as `what value: host host`.
fn shared(merged: &Merged) -> Vec<String> {
    let names = |one: &Shared| {
        let names = one.hosts.iter().map(|claimant| merged.hosts[claimant.host].name.as_str());
        names.collect::<Vec<_>>().join(" ")
    };
    merged.shared.iter().map(|one| format!("{} {}: {}", one.what.as_str(), one.value, names(one))).collect()
}

#[test]
fn what_two_hosts_claim_is_found() {
    let all = merged(vec![
        host("a.example", "203.0.113.10", vec![path("203.0.113.10", "Mail.example.com", &["mail.example.com"])]),
        host("b.example", "203.0.113.11", vec![path("203.0.113.11", "mail.example.com.", &["mail.example.com"])]),
        host("c.example", "203.0.113.12", vec![path("203.0.113.11", "c.example", &["c.example"])]),
        host("d.example", "203.0.113.13", vec![path("203.0.113.13", "d.example", &["d.example"])]),
    ]);
    assert_eq!(
        shared(&all),
        [
            "address 203.0.113.11: b.example c.example",
            "helo mail.example.com: a.example b.example",
            "ptr mail.example.com: a.example b.example",
        ]
    );
    let address = &all.shared[0].hosts;
    assert_eq!((address[0].own, address[0].sends, address[1].own, address[1].sends), (true, true, false, true));
    assert_eq!(all.shared[2].hosts[1].addresses, ["203.0.113.11".parse::<IpAddr>().unwrap()]);
}

#[test]
fn what_every_host_may_have_is_no_claim() {
    let relayed = PathEntry { relayed: true, ..path("203.0.113.99", "a.example", &["gate.example"]) };
    let unused = PathEntry { unused: true, ..path("203.0.113.99", "x.example", &[]) };
    let literal = path("203.0.113.2", "[203.0.113.2]", &["b.example"]);
    let all = merged(vec![
        host("a.example", "10.0.0.1", vec![relayed.clone(), unused.clone()]),
        host(
            "b.example",
            "10.0.0.1",
            vec![PathEntry { helo: Some("b.example".into()), ..relayed }, unused, literal.clone()],
        ),
        host("c.example", "10.0.0.1", vec![PathEntry { sending: None, ptr: Vec::new(), ..literal }]),
    ]);
    assert_eq!(shared(&all), [""; 0], "private, relayed, unused, literals");
}

#[test]
fn a_pool_without_distinct_names_is_one_family_with_one_name() {
    let pool = |second: &str| {
        merged(vec![host(
            "a.example",
            "203.0.113.10",
            vec![
                path("203.0.113.10", "mail.example.com", &["mail.example.com"]),
                path(second, "mail.example.com", &["mail.example.com"]),
            ],
        )])
    };
    assert_eq!(shared(&pool("203.0.113.11")), ["pool mail.example.com: a.example"]);
    assert_eq!(shared(&pool("203.0.113.10")), [""; 0]);
    assert_eq!(shared(&pool("2001:db8::1")), [""; 0], "both families under one name are as they should be");
}

/// Hosts by the files that their reports come from.
fn merged_from(reports: Vec<(&str, HostEntry)>) -> Merged {
    let mut merger = Merger::default();
    reports.into_iter().for_each(|(file, host)| merger.add(file, host));
    merger.finish()
}

fn at(taken: &str, address: &str, code: &str) -> HostEntry {
    HostEntry {
        taken: taken.parse().ok(),
        findings: vec![finding(code, Severity::Error, Verdict::Fail)],
        ..host("a.example", address, vec![path(address, "a.example", &[])])
    }
}

const FIRST: &str = "2026-11-01T02:00:00Z";
/// Later, though it sorts before.
const SECOND: &str = "2026-11-01T01:30:00-02:00";

#[test]
fn of_two_reports_from_one_place_the_newer_counts() {
    for (first, second, kept, why) in [
        (FIRST, SECOND, "a.ndjson", Why::Older),
        (SECOND, FIRST, "a.json", Why::Older),
        (FIRST, FIRST, "a.ndjson", Why::Earlier),
        ("", "", "a.ndjson", Why::Earlier),
        (FIRST, "", "a.json", Why::Undated),
        ("", FIRST, "a.ndjson", Why::Undated),
    ] {
        let (one, two) = (at(first, "203.0.113.10", "ONE"), at(second, "203.0.113.10", "TWO"));
        let all = merged_from(vec![("a.json", one), ("a.ndjson", two)]);
        assert_eq!(all.hosts.len(), 1);
        assert_eq!((all.hosts[0].file.as_str(), all.findings.len()), (kept, 1), "findings of the other do not count");
        let replaced: Vec<(&str, Why)> = all.replaced.iter().map(|one| (one.by.as_str(), one.why)).collect();
        assert_eq!((replaced, shared(&all)), (vec![(kept, why)], Vec::new()));
    }
    // No address, no way to tell them apart.
    let nowhere = HostEntry { name: Some("a.example".into()), ..HostEntry::default() };
    let somewhere = at(FIRST, "203.0.113.10", "X");
    for (one, two) in [(nowhere.clone(), somewhere.clone()), (somewhere, nowhere)] {
        let all = merged_from(vec![("a.json", one), ("a.json", two)]);
        assert_eq!((all.hosts.len(), all.replaced.len()), (1, 1), "{all:?}");
    }
    // Two machines of one name.
    let two = merged(vec![at(FIRST, "203.0.113.10", "ONE"), at(FIRST, "203.0.113.11", "TWO")]);
    assert_eq!(shared(&two), ["host-name", "helo"].map(|what| format!("{what} a.example: a.example a.example")));
    // Nobody knows whether those without name are one.
    assert_eq!(merged(vec![HostEntry::default(), HostEntry::default()]).hosts.len(), 2);
}

#[test]
fn no_host_hides_what_another_one_reports() {
    let victim = at(FIRST, "203.0.113.10", "BAD");
    let forged = HostEntry { findings: Vec::new(), ..at(SECOND, "203.0.113.10", "") };
    for (one, other) in [
        ("hosts/a.json", "hosts/evil.json"),
        ("1/a.json", "2/a.json"),
        ("mail.example.com", "mail.example.org"),
        ("a.json", "a.json.json"),
    ] {
        for reports in [vec![(one, &victim), (other, &forged)], vec![(other, &forged), (one, &victim)]] {
            let reports = reports.into_iter().map(|(file, host)| (file, host.clone())).collect();
            let all = merged_from(reports);
            let told: Vec<(&str, State)> = all.hosts.iter().map(|host| (host.file.as_str(), host.state)).collect();
            assert_eq!(told, [(one, State::Error), (other, State::Healthy)]);
            assert!(all.replaced.is_empty());
            assert_eq!(
                shared(&all),
                [
                    "reports a.example: a.example a.example",
                    "address 203.0.113.10: a.example a.example",
                    "helo a.example: a.example a.example",
                ],
                "and not that two hosts have one name"
            );
        }
    }
}

#[test]
fn what_counts_in_the_end_is_what_reports_from_several_places_lead_to() {
    let of = |taken: &str| at(taken, "203.0.113.10", "X");
    // The first of each place does not count; both are known by it.
    let all = merged_from(vec![("a.json", of("")), ("b.json", of("")), ("b.json", of(FIRST)), ("a.json", of(FIRST))]);
    assert_eq!((all.hosts.len(), all.replaced.len()), (2, 2));
    assert_eq!(shared(&all)[0], "reports a.example: a.example a.example");
    let row = |by| Row { host: row_of("a.json", &of("")), place: 0, by };
    let rows = [row(Some((2, Why::Older))), row(None), row(Some((3, Why::Older))), row(Some((1, Why::Older)))];
    assert_eq!(counting(&rows), [1; 4]);
}

#[test]
fn the_worst_come_first_with_their_worst_finding() {
    use Severity::{Error, Info, Warning};
    use Verdict::{Fail, Undetermined};
    let with = |name: &str, kinds: &[(Severity, Verdict)]| HostEntry {
        findings: kinds.iter().map(|(severity, verdict)| finding("X", *severity, *verdict)).collect(),
        ..host(name, "", vec![path("203.0.113.1", "", &[])])
    };
    let unasked = HostEntry {
        paths: vec![PathEntry { asked: false, ..path("203.0.113.1", "", &[]) }],
        ..with("unasked", &[(Info, Fail)])
    };
    let all = merged(vec![
        with("healthy", &[(Info, Fail)]),
        unasked,
        with("open", &[(Warning, Undetermined), (Info, Fail)]),
        with("warning", &[(Error, Undetermined), (Warning, Fail)]),
        with("error", &[(Warning, Fail), (Error, Fail)]),
        with("errors", &[(Error, Fail), (Error, Fail)]),
    ]);
    let told: Vec<(&str, &str)> = all.hosts.iter().map(|host| (host.name.as_str(), host.state.as_str())).collect();
    assert_eq!(
        told,
        [
            ("errors", "error"),
            ("error", "error"),
            ("warning", "warning"),
            ("open", "undetermined"),
            ("unasked", "not-asked"),
            ("healthy", "healthy"),
        ]
    );
    assert_eq!(all.hosts[1].worst.as_ref().map(|worst| worst.severity), Some(Error));
    assert_eq!((all.hosts[0].failed(Error), all.hosts[2].undetermined()), (2, 1));
    let groups: Vec<(Severity, Verdict, usize)> =
        all.findings.iter().map(|group| (group.severity, group.verdict, group.hosts.len())).collect();
    assert_eq!(
        groups,
        [(Error, Fail, 2), (Warning, Fail, 2), (Error, Undetermined, 1), (Warning, Undetermined, 1), (Info, Fail, 3)]
    );
}

#[test]
fn what_is_kept_of_a_host_does_not_grow_with_the_others() {
    let of = |count: usize| {
        let mut merger = Merger::default();
        for number in 0..count {
            let address = format!("203.0.{}.{}", number / 250, number % 250);
            let mut entry =
                host(&format!("h{number}.example"), &address, vec![path(&address, "same.example", &["same.example"])]);
            entry.findings = vec![finding("PTR001", Severity::Error, Verdict::Fail); 3];
            merger.add("one.json", entry);
        }
        let kept =
            (merger.claims.len(), merger.known.len(), merger.groups.values().map(|group| group.hosts.len()).sum());
        (kept, merger.finish())
    };
    let (few, more) = (of(500), of(1000));
    assert_eq!(few.0, (500 * 5, 500, 500));
    assert_eq!(more.0, (1000 * 5, 1000, 1000));
    assert_eq!(more.1.hosts.len(), 1000);
    assert_eq!(more.1.shared.iter().map(|one| one.hosts.len()).collect::<Vec<_>>(), [1000, 1000]);
}

#[test]
fn more_than_is_kept_is_said() {
    let mut merger = Merger::default();
    let paths = |from: usize| {
        (from..from + 1000).map(|number| path("203.0.113.1", &format!("h{number}.example"), &[])).collect()
    };
    for number in 0..=MOST_CLAIMS / 1000 {
        merger.add("one.json", host("a.example", "", paths(number * 1000)));
    }
    assert!(merger.claims.len() <= MOST_CLAIMS);
    assert!(merger.finish().bounded);
    let mut merger = Merger::default();
    let codes = (0..=MOST_GROUPS).map(|code| finding(&code.to_string(), Severity::Info, Verdict::Fail));
    merger.add("one.json", HostEntry { findings: codes.collect(), ..HostEntry::default() });
    assert_eq!(merger.groups.len(), MOST_GROUPS);
    assert!(merger.finish().bounded);
    assert_eq!(cut(&"ä".repeat(TEXT_LIMIT + 1)).chars().count(), TEXT_LIMIT);
}

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

/// The documents of a text, and where it ends to be readable.
fn read_all(text: &str) -> (Vec<String>, Option<(usize, String)>) {
    let mut told = Vec::new();
    let read = read(text, now(), |document| match document {
        Document::Report(host) => {
            told.push(format!("{} {} {}", host.name.unwrap_or_default(), host.paths.len(), host.findings.len()));
        }
        Document::Snapshot(text) => told.push(format!("snapshot {}", text.trim())),
    });
    (told, read.err().map(|error| (error.line, error.problem)))
}

#[test]
fn reports_lines_and_snapshots_are_told_apart() {
    let one = r#"{"schema": 1, "host": {"node_name": "a", "fqdn": "a.example", "addresses": [{"address": "192.0.2.1"}]},
        "paths": [{"sending": null, "helo": null, "ptr": null, "iprev": null, "relayed": null}], "findings": []}"#;
    let lines = concat!(
        r#"{"type":"host","schema":1,"node_name":"b","fqdn":null,"addresses":null}"#,
        "\n",
        r#"{"type":"path","schema":1,"sending":"192.0.2.1","helo":"b","ptr":["b"],"iprev":"pass","relayed":"c","unused":true}"#,
        "\n",
        r#"{"type":"news","schema":1}"#,
        "\n",
        r#"{"type":"finding","schema":1,"code":"A","name":"a","severity":"info","verdict":"fail","subject":"s","message":"m","paths":["x"]}"#,
        "\n",
        r#"{"type":"summary","schema":1,"error":0}"#,
        "\n",
    );
    assert_eq!(read_all(one), (vec!["a.example 1 0".into()], None));
    assert_eq!(read_all(lines), (vec!["b 1 1".into()], None));
    assert_eq!(read_all(&format!("{one}\n{lines}{lines}")).0.len(), 3);
    assert_eq!(
        read_all(r#" {"facts": {}, "schema": 1}"#),
        (vec![r#"snapshot {"facts": {}, "schema": 1}"#.into()], None)
    );
}

#[test]
fn what_is_no_report_is_told_with_its_line() {
    let whole =
        r#"{"schema": 1, "host": {"node_name": null, "fqdn": null, "addresses": null}, "paths": [], "findings": []}"#;
    let host = r#"{"type":"host","schema":1,"node_name":"b","fqdn":null,"addresses":null}"#;
    for (text, documents, line, problem) in [
        ("".to_owned(), 0, 1, "empty"),
        ("\n\nno JSON".to_owned(), 0, 3, "expected"),
        (format!("{whole}\n{{\"schema\":"), 1, 2, "EOF"),
        ("\n{\"domains\": []}".to_owned(), 0, 2, "neither a report"),
        ("[1]".to_owned(), 0, 1, "invalid type"),
        (whole.replace("\"schema\": 1", "\"schema\": 2"), 0, 1, "format 2"),
        (whole.replace("[]}", "[\n{}]}"), 0, 2, "missing field"),
        (host.to_owned(), 0, 1, "not whole"),
        (format!("{host}\n{host}\n"), 0, 2, "report of b is not whole"),
        (format!("{host}\n{whole}\n"), 0, 2, "not whole"),
        ("{\"type\":\"finding\"}".to_owned(), 0, 1, "neither a report"),
        (whole.replace("null, \"addresses\": null", "null, \"addresses\": [{\"address\": \"x\"}]"), 0, 1, "IP address"),
    ] {
        let (told, fault) = read_all(&text);
        let (at, said) = fault.unwrap_or_else(|| panic!("{text} is read"));
        assert_eq!((told.len(), at), (documents, line), "{text}: {said}");
        assert!(said.contains(problem), "{text}: {said}");
    }
    let long = format!("{{\"schema\": 1, \"type\": {}}}", "[".repeat(100_000));
    assert!(read_all(&long).1.is_some());
}

#[test]
fn a_report_has_a_time_that_was() {
    let whole = |taken: &str| {
        format!(
            r#"{{"schema": 1, "taken": "{taken}", "paths": [], "findings": [],
                "host": {{"node_name": "a", "fqdn": null, "addresses": null}}}}"#
        )
    };
    for taken in ["2026-11-29T12:00:00Z", "2026-11-29T12:04:59Z", "2020-01-01T00:00:00+01:00"] {
        assert_eq!(read_all(&whole(taken)).0.len(), 1, "{taken}");
    }
    for (taken, said) in [
        ("zzz", "which is no time"),
        ("", "which is no time"),
        ("9999", "which is no time"),
        ("2026-11-29T12:06:00Z", "yet to come"),
        ("9999-01-01T00:00:00Z", "yet to come"),
    ] {
        let (told, fault) = read_all(&format!("\n{}", whole(taken)));
        let (line, problem) = fault.unwrap();
        assert!(told.is_empty() && line == 2 && problem.contains(said), "{taken}: {problem}");
    }
}

#[test]
fn no_list_of_a_report_is_longer_than_is_read() {
    let list = |entry: &str, count: usize| format!("[{}]", vec![entry; count].join(","));
    let path = |names: usize| format!(r#"{{"ptr": {}}}"#, list("\"\"", names));
    let finding = r#"{"code":"A","name":"a","severity":"info","verdict":"fail","message":"m"}"#;
    let report = |addresses: String, paths: String, findings: String| {
        format!(
            r#"{{"schema":1,"host":{{"node_name":"a","fqdn":null,"addresses":{addresses}}},"paths":{paths},"findings":{findings}}}"#
        )
    };
    let none = || "[]".to_owned();
    let address = r#"{"address":"192.0.2.1"}"#;
    let half = path(MOST_ENTRIES / 2);
    let of = |count: usize| {
        [
            (report(list(address, count), none(), none()), "addresses"),
            (report(none(), list("{}", count), none()), "paths"),
            (report(none(), list(&path(count), 1), none()), "PTR names"),
            (report(none(), list(&half, 2 + count - MOST_ENTRIES), none()), "PTR names"),
            (report(none(), none(), list(finding, count)), "findings"),
        ]
    };
    for (text, what) in of(MOST_ENTRIES) {
        assert_eq!(read_all(&text).1, None, "{what}");
    }
    let refused = |text: &str, what: &str| {
        let (told, fault) = read_all(text);
        let problem = fault.unwrap().1;
        let words = format!("it has more than the {MOST_ENTRIES} {what} that are read of a report");
        assert_eq!((told.len(), problem), (0, words));
    };
    for (text, what) in of(MOST_ENTRIES + 1) {
        refused(&text, what);
    }
    // However many lines they stand in.
    let host = r#"{"type":"host","schema":1,"node_name":"b","fqdn":null,"addresses":null}"#;
    let lines = |line: &str, count: usize| format!("{host}\n{}", format!("{line}\n").repeat(count));
    let path_of = |names: usize| path(names).replacen('{', r#"{"type":"path","#, 1);
    refused(&lines(&path_of(0), MOST_ENTRIES + 1), "paths");
    refused(&lines(&path_of(MOST_ENTRIES / 2), 3), "PTR names");
    refused(&lines(&finding.replacen('{', r#"{"type":"finding","#, 1), MOST_ENTRIES + 1), "findings");
    let snapshot = format!(r#"{{"schema": 1, "facts": {{}}, "observations": {}}}"#, list("0", 50_000 + 1));
    let (told, fault) = read_all(&snapshot);
    assert!(told.is_empty() && fault.unwrap().1.contains("values that are read of one list"));
}
