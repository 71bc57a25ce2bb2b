use super::*;
use crate::merge::{self, HostEntry, Merger, PathEntry};
use crate::report::Verbosity;

#[test]
fn the_format_that_is_read_is_the_one_that_is_written() {
    assert_eq!(merge::SCHEMA, u64::from(SCHEMA));
}

/// Three hosts, of which the first two share what they can; their texts hold what they should not.
fn report() -> MergedReport {
    let path = |sending: &str, name: &str| PathEntry {
        sending: sending.parse().ok(),
        helo: Some(name.into()),
        ptr: vec![name.into()],
        asked: true,
        ..PathEntry::default()
    };
    let finding = |severity, message: &str| FindingEntry {
        code: "PTR003".into(),
        name: "ptr-target-elsewhere".into(),
        severity,
        verdict: Verdict::Fail,
        message: message.into(),
    };
    let host =
        |name: &str, paths, findings| HostEntry { name: Some(name.into()), paths, findings, ..HostEntry::default() };
    let mut merger = Merger::default();
    let (one, two) = ("203.0.113.10", "203.0.113.11");
    let bad = finding(
        Severity::Error,
        "leads \u{1b}[31m elsewhere | =1+1, and much further than any line of a terminal is wide",
    );
    merger.add("a.json", host("a.example", vec![path(one, "mail.example"), path(two, "mail.example")], vec![bad]));
    merger
        .add("b.json", host("b\u{202e}.example", vec![path(one, "mail.example")], vec![finding(Severity::Info, "x")]));
    merger.add(
        "=c.json",
        host("c.example", vec![path("203.0.113.9", "c.example"), path("203.0.113.8", "c.example")], vec![]),
    );
    let unread = vec![Unread { file: "d\u{7}.json".into(), line: Some(3), problem: "no | report".into() }];
    MergedReport { merged: merger.finish(), unread }
}

fn rendered(format: MergedFormat, verbosity: Verbosity) -> String {
    report().render(format, &Style { verbosity, ..Style::plain() })
}

#[test]
fn people_see_what_is_shared_then_hosts_then_findings() {
    assert_eq!(
        rendered(MergedFormat::Human, Verbosity::Normal),
        "3 hosts: 1 with errors, 2 healthy; 3 names or addresses claimed by more than one host; 1 name or\n  \
         address shared by several addresses of one host; 1 file not read\n\
         \n\
         Claimed more than once\n  \
         address 203.0.113.10: a.example (sends from it), b\\u{202e}.example (sends from it)\n  \
         HELO name mail.example: a.example, b\\u{202e}.example\n  \
         PTR name mail.example: a.example (203.0.113.10, 203.0.113.11), b\\u{202e}.example (203.0.113.10)\n  \
         PTR name of several addresses c.example: c.example (203.0.113.8, 203.0.113.9)\n\
         \n\
         host       verdict  errors  worst\n\
         a.example  error    1       PTR003 leads \\x1b[31m elsewhere | =1+1, and much further than any lin...\n\
         \n\
         Findings\n  \
         error[PTR003] ptr-target-elsewhere on 1 host: a.example\n\
         \n\
         Not read\n  \
         d\\x07.json:3: no | report\n"
    );
    let quiet = rendered(MergedFormat::Human, Verbosity::Quiet);
    assert!(!quiet.contains("verdict  ") && quiet.contains("error[PTR003]"), "{quiet}");
    let verbose = rendered(MergedFormat::Human, Verbosity::Verbose);
    assert!(verbose.contains("\nc.example  ") && verbose.contains("info[PTR003]"), "{verbose}");
}

#[test]
fn programs_get_everything() {
    let text = rendered(MergedFormat::Json, Verbosity::Normal);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "harmful characters are escapes");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["summary"]["hosts"], 3);
    assert_eq!(json["hosts"][0]["verdict"], "error");
    assert_eq!(json["hosts"][1]["name"], "b\u{202e}.example");
    assert_eq!(json["shared"][0]["hosts"][0]["as"][0], "sending");
    assert_eq!(json["shared"][3]["what"], "pool");
    assert_eq!(json["shared"][3]["hosts"][0]["addresses"][1], "203.0.113.9");
    assert_eq!(json["findings"][1]["hosts"][0], "b\u{202e}.example");
    assert_eq!(json["unread"][0]["line"], 3);
}

#[test]
fn a_spreadsheet_gets_a_line_for_each_host_and_no_formula() {
    let text = rendered(MergedFormat::Csv, Verbosity::Normal);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines[1].starts_with("a.example,error,1,0,0,PTR003,\"leads \\x1b[31m elsewhere | =1+1, and"),
        "{}",
        lines[1]
    );
    assert_eq!(lines[3], "c.example,healthy,0,0,0,,,,'=c.json");
}

#[test]
fn a_ticket_gets_tables_that_hold() {
    let text = rendered(MergedFormat::Markdown, Verbosity::Normal);
    assert!(
        text.contains("| `a.example` | error | 1 | 0 | 0 | PTR003 leads \\\\x1b\\[31m elsewhere \\| =1+1"),
        "{text}"
    );
    assert!(text.contains("- error\\[PTR003\\] ptr-target-elsewhere on 1 host: a.example\n"), "{text}");
    assert!(text.contains("- `d\\x07.json` line 3: no \\| report\n"), "{text}");
    assert!(!text.contains("c.example` | healthy"));
}

/// Two reports that say they are one host, and one place with a newer and an older report.
fn twins() -> MergedReport {
    let entry = |name: &str, taken: &str| HostEntry {
        name: Some(name.into()),
        taken: taken.parse().ok(),
        addresses: vec!["203.0.113.10".parse().unwrap()],
        findings: vec![FindingEntry {
            code: "PTR003".into(),
            name: "ptr-target-elsewhere".into(),
            severity: Severity::Error,
            verdict: Verdict::Fail,
            message: "m".into(),
        }],
        paths: vec![PathEntry { helo: Some("mx8.example".into()), asked: true, ..PathEntry::default() }],
    };
    let mut merger = Merger::default();
    merger.add("a.json", entry("mx8.example", "2026-11-02T00:00:00Z"));
    merger.add("evil.json", entry("mx8.example", "2026-11-03T00:00:00Z"));
    merger.add("a.json", entry("mx8.example", ""));
    merger.add("a.json", entry("mx8.example", ""));
    merger.add("a.ndjson", entry("mx8.example", "2026-11-01T00:00:00Z"));
    MergedReport { merged: merger.finish(), unread: Vec::new() }
}

#[test]
fn hosts_of_one_name_are_told_apart_by_their_files() {
    let human = twins().render(MergedFormat::Human, &Style::plain());
    for line in [
        "2 hosts: 2 with errors; 2 names or addresses claimed by more than one host; 1 host in several",
        "  several reports say they are mx8.example: a.json, evil.json",
        "  address 203.0.113.10: a.json (on an interface), evil.json (on an interface)",
        "  HELO name mx8.example: a.json, evil.json",
        "  error[PTR003] ptr-target-elsewhere on 2 hosts: a.json, evil.json",
    ] {
        assert!(human.lines().any(|one| one == line), "{line}: {human}");
    }
}

#[test]
fn no_two_rows_look_the_same() {
    let entry = |address: &str| HostEntry {
        name: Some("mx.example".into()),
        addresses: vec!["127.0.0.1".parse().unwrap(), address.parse().unwrap()],
        findings: vec![FindingEntry {
            code: "PTR003".into(),
            name: "ptr-target-elsewhere".into(),
            severity: Severity::Error,
            verdict: Verdict::Fail,
            message: "m".into(),
        }],
        ..HostEntry::default()
    };
    let mut merger = Merger::default();
    for (file, address) in [("a.json", "203.0.113.1"), ("b.ndjson", "203.0.113.2"), ("b.ndjson", "203.0.113.3")] {
        merger.add(file, entry(address));
    }
    let other = HostEntry { name: Some("other.example".into()), ..entry("203.0.113.4") };
    merger.add("b.ndjson", other);
    let report = MergedReport { merged: merger.finish(), unread: Vec::new() };
    let rows = ["mx.example (a.json)", "mx.example (b.ndjson, 203.0.113.2)", "mx.example (b.ndjson, 203.0.113.3)"];
    let human = report.clone().render(MergedFormat::Human, &Style::plain());
    for row in rows {
        assert!(human.lines().any(|line| line == format!("{row:<34}  error    1       PTR003 m")), "{row}: {human}");
    }
    assert!(human.lines().any(|line| line.starts_with("other.example   ")), "{human}");
    for line in [
        "  host name mx.example: a.json, b.ndjson: 203.0.113.2, b.ndjson: 203.0.113.3",
        "  error[PTR003] ptr-target-elsewhere on 4 hosts: a.json, b.ndjson: 203.0.113.2, b.ndjson:",
    ] {
        assert!(human.lines().any(|one| one == line), "{line}: {human}");
    }
    let markdown = report.clone().render(MergedFormat::Markdown, &Style::plain());
    rows.iter().for_each(|row| assert!(markdown.contains(&format!("| `{row}` | error |")), "{markdown}"));
    let json: serde_json::Value = serde_json::from_str(&report.render(MergedFormat::Json, &Style::plain())).unwrap();
    assert_eq!(json["hosts"][1]["address"], "203.0.113.2");
}

#[test]
fn what_does_not_count_is_named_with_its_reason() {
    let expected = "\nLeft out for another report of the same host\n  \
                    a.json (2 reports): it does not say when it was taken, and another report in it does\n  \
                    a.ndjson: a.json is newer\n";
    for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
        let human = twins().render(MergedFormat::Human, &Style { verbosity, ..Style::plain() });
        assert!(human.ends_with(expected), "{human}");
    }
    let markdown = twins().render(MergedFormat::Markdown, &Style::plain());
    assert!(markdown.contains("same host\n\n- a.json (2 reports): it does not say"), "{markdown}");
    let json: serde_json::Value = serde_json::from_str(&twins().render(MergedFormat::Json, &Style::plain())).unwrap();
    assert_eq!((&json["replaced"][2]["by"], &json["replaced"][2]["why"]), (&"a.json".into(), &"older".into()));
    assert_eq!(
        (&json["shared"][0]["what"], &json["hosts"][0]["taken"]),
        (&"reports".into(), &"2026-11-02T00:00:00Z".into())
    );
}
