//! All formats over one sample: nothing harmful comes through, and other people's parsers read them.

use proptest::prelude::*;

use super::*;
use crate::escape;
use crate::findings::StaleCaches;
use crate::observe::VantageKind;

fn style(width: usize, unicode: bool, color: bool, verbosity: Verbosity) -> Style {
    Style { width, unicode, color, verbosity }
}

/// Every format, the human one in every style without colour.
fn all(report: &Report) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for format in Format::ALL {
        all.push((format.id().to_owned(), render(*format, report, &Style::plain())));
    }
    for width in [40, 80, 160] {
        for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
            let style = style(width, true, false, verbosity);
            all.push((format!("{style:?}"), render(Format::Human, report, &style)));
        }
    }
    all
}

fn harmful(text: &str) -> Option<char> {
    text.chars().find(|c| *c != '\n' && escape::is_harmful(*c))
}

#[test]
fn no_format_lets_harmful_characters_through() {
    let everything: String = (0..=0x10ffff).filter_map(char::from_u32).filter(|c| escape::is_harmful(*c)).collect();
    for (name, text) in all(&sample::report(&everything)) {
        assert_eq!(harmful(&text), None, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_format(stranger in "(?s).{0,40}|[\\x00-\\x9f|%:,`<>\"'&\\]\\\\\u{202e}\u{2066}]{0,40}") {
        let report = sample::report(&stranger);
        for (name, text) in all(&report) {
            prop_assert_eq!(harmful(&text), None, "{}", name);
            prop_assert!(text.ends_with('\n') && !text.contains("\r"), "{}", name);
        }
        let human = style(100, true, true, Verbosity::Verbose);
        let plain = anstream::adapter::strip_str(&render(Format::Human, &report, &human)).to_string();
        prop_assert_eq!(harmful(&plain), None, "colour hides nothing");
        for format in [Format::Nagios, Format::Checkmk] {
            let text = render(format, &report, &human);
            prop_assert_eq!(text.lines().count(), 1, "{:?}", format);
        }
        prop_assert_eq!(render(Format::Nagios, &report, &human).matches('|').count(), 1);
        // A line of a workflow command for each finding: nobody else can begin one.
        let github = render(Format::Github, &report, &human);
        prop_assert_eq!(github.lines().count(), report.findings.len());
        for format in [Format::Json, Format::Sarif] {
            let text = render(format, &report, &human);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}

#[test]
fn json_says_what_the_contract_says() {
    let text = render(Format::Json, sample::report(""), &Style::plain());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let at = |path: &str| value.pointer(path).unwrap_or_else(|| panic!("{path} in {text}")).clone();
    assert_eq!(at("/schema"), 1);
    assert_eq!(at("/tool/name"), "helolint");
    assert_eq!(at("/paths/0/source_origin"), serde_json::json!({"kernel": "route"}));
    assert_eq!(
        at("/paths/0/helo_origin"),
        serde_json::json!({"file": "/etc/postfix/main.cf", "line": 12, "column": 18})
    );
    assert_eq!(at("/paths/0/sender_domains"), serde_json::Value::Null);
    assert_eq!(at("/paths/1/sender_domains"), serde_json::json!(["example.com", "example.net"]));
    assert_eq!(at("/paths/0/ptr"), serde_json::json!([]));
    assert_eq!(at("/paths/0/receivers"), serde_json::json!([]));
    assert_eq!(
        at("/findings/0/origins/0"),
        serde_json::json!({"file": "/etc/postfix/main.cf", "line": 3, "column": 14, "end_column": 18, "label": "one label"})
    );
    assert_eq!(at("/findings/1/verdict"), "undetermined");
    assert_eq!(at("/findings/2/evidence/0/answer"), "NXDOMAIN");
    assert_eq!(at("/findings/2/fix/who"), "ip-owner");
    assert_eq!(at("/summary"), serde_json::json!({"error": 2, "warning": 0, "info": 0, "undetermined": 1}));
    assert_eq!(at("/dns/questions"), 5);
    assert_eq!(render(Format::Json, sample::report(""), &Style::plain()), text, "two runs, one text");
}

#[test]
fn the_human_report_tells_all_in_order() {
    let text = render(Format::Human, sample::report(""), &Style::plain());
    let mut rest = text.as_str();
    for part in [
        "mail1.example.com: 2 errors, 1 undetermined on 2 outbound paths\n\npath ",
        "X no PTR record",
        "What to do, in this order\n",
        "\nWhoever holds the address",
        "\n         10.113.0.203.in-addr.arpa. 3600 IN PTR mail.example.com.\n",
        "On this host, as root\n",
        "[HLO001]\n         sed -i '3s/^myhostname = mail$/myhostname = mail.example.com/' /etc/postfix/main.cf\n",
        "\n         postfix reload\n",
        "error[HLO001]: HELO name `mail` is not fully qualified\n  --> /etc/postfix/main.cf:3:14\n",
        " 3 | myhostname = mail\n   |              ^^^^ one label\n...\n12 | smtp_helo_name = $myhostname\n",
        "helolint explain HLO001\n",
        "error[PTR001]",
        "10.113.0.203.in-addr.arpa. PTR: NXDOMAIN (system, google, TTL 300 s)\n",
        "undetermined[HLO004]",
        "Not checked\n",
    ] {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => panic!("{part:?} is missing or out of order in:\n{text}"),
        }
    }
    assert!(!text.contains('\u{1b}') && text.is_ascii());
}

#[test]
fn no_line_is_wider_than_the_terminal_but_for_commands_and_quotes() {
    for width in [60, 80, 100, 140] {
        let text = render(Format::Human, sample::report(""), &style(width, true, false, Verbosity::Normal));
        let kept = |line: &&str| line.starts_with("         ") || line.contains('│');
        // The verdict is one line, whatever its length.
        for line in text.lines().skip(1).filter(|line| !kept(line)) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn quiet_is_a_line_each() {
    let text = render(Format::Human, sample::report(""), &style(40, false, false, Verbosity::Quiet));
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("error[PTR001]: 203.0.113.10 has no PTR record\n"));
}

/// The sample with many paths, each with a finding of its own.
fn crowd(number: usize) -> Report {
    let mut report = sample::report("");
    let (path, finding) = (report.paths[0].clone(), report.findings[2].clone());
    for at in 0..number {
        let id = format!("postfix/ipv4/{}", at + 3);
        report.paths.push(PathView { id: id.clone(), ..path.clone() });
        report.findings.push(FindingView { subject: format!("198.51.100.{at}"), paths: vec![id], ..finding.clone() });
    }
    report
}

#[test]
fn many_paths_stay_readable_and_verbose_shows_all() {
    let report = crowd(200);
    let normal = render(Format::Human, &report, &Style::plain());
    let verbose = render(Format::Human, &report, &style(100, false, false, Verbosity::Verbose));
    assert!(normal.lines().count() < 160, "{} lines", normal.lines().count());
    assert!(normal.contains("198 more paths like postfix/ipv4/3 (-v shows all)"), "{normal}");
    assert!(normal.contains("198.51.100.0 to 198.51.100.199"), "{normal}");
    assert!((0..200).all(|at| verbose.contains(&format!("postfix/ipv4/{}\n", at + 3))));
}

#[test]
fn a_healthy_host_is_called_healthy_and_offline_is_said() {
    let mut report = sample::report("");
    report.findings.clear();
    report.plan = None;
    report.summary = Summary::default();
    report.dns.answered = report.dns.questions;
    let text = render(Format::Human, &report, &Style::plain());
    assert!(text.starts_with("mail1.example.com: healthy: 2 outbound paths, nothing wrong\n"), "{text}");
    assert!(!text.contains("What to do") && !text.contains("Not checked"), "{text}");
    report.not_checked = vec![NotChecked { code: "PTR001", name: "ptr-missing", why: "nothing was asked".into() }];
    let text = render(Format::Human, &report, &Style::plain());
    assert!(
        text.starts_with("mail1.example.com: nothing wrong in the files, 2 outbound paths, DNS not asked\n"),
        "{text}"
    );
    assert!(text.contains("1 rule, since nothing was asked: PTR001."), "{text}");
}

#[test]
fn a_place_in_a_very_long_line_keeps_its_column() {
    let text = format!("x = {}\"mail\" tail", "a ".repeat(1000));
    let file = crate::source::SourceFile::new("/etc/long", text.as_bytes());
    let start = text.find("mail").unwrap();
    let place = crate::facts::Origin::from(file.span(start, start + 4));
    let found = sample::HLO001.violated("mail", "m").place(&place, "here");
    let report = Report::new(&sample::facts(), &sample::observations(), vec![found], [], &[]);
    let text = render(Format::Human, &report, &Style::plain());
    assert!(text.contains("/etc/long:1:2006\n"), "{text}");
    assert!(text.contains("^^^^ here"), "{text}");
}

#[test]
fn a_long_place_fits_the_terminal_and_its_label_stands_below() {
    let text = format!("helo_data = {}", "${if exists{/etc/mailhelo}}".repeat(9));
    let file = crate::source::SourceFile::new("/etc/long", text.as_bytes());
    let place = crate::facts::Origin::from(file.span(12, text.len()));
    let found = sample::HLO001.violated("mail", "m").place(&place, "presented as HELO by `remote_smtp`");
    let report = Report::new(&sample::facts(), &sample::observations(), vec![found], [], &[]);
    for width in [60, 80, 120] {
        let text = render(Format::Human, &report, &style(width, true, false, Verbosity::Normal));
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
        assert!(text.contains("/etc/long:1:13\n") && text.contains("note: /etc/long:1: presented as HELO"), "{text}");
    }
}

#[test]
fn monitoring_formats() {
    let report = sample::report("");
    let nagios = render(Format::Nagios, &report, &Style::plain());
    assert!(
        nagios.starts_with("HELOLINT CRITICAL - 2 errors, 0 warnings, 1 undetermined on 2 outbound paths; HLO001 ")
    );
    assert!(nagios.ends_with(" | errors=2;;0;0; warnings=0;0;;0; undetermined=1;;;0; paths=2;;;0;\n"), "{nagios}");
    assert!(
        render(Format::Checkmk, &report, &Style::plain())
            .starts_with("2 \"Mail identity\" errors=2|warnings=0|undetermined=1 2 errors")
    );
    assert_eq!(could_not_run(Format::Nagios, "a | b\nc").as_deref(), Some("HELOLINT UNKNOWN - a / b\n"));
    let prometheus = render(Format::Prometheus, &report, &Style::plain());
    for line in [
        "helolint_findings{code=\"PTR001\",name=\"ptr-missing\",verdict=\"fail\"} 1",
        "helolint_findings{code=\"PTR004\",name=\"ptr-generic\",verdict=\"fail\"} 0",
        "helolint_findings{code=\"HLO004\",name=\"helo-unlike-ptr\",verdict=\"undetermined\"} 1",
        "helolint_findings_by_severity{severity=\"error\"} 2",
        "helolint_path_confirmed{path=\"postfix/ipv4/1\",sending=\"203.0.113.10\",helo=\"mail\"} 0",
    ] {
        assert!(prometheus.lines().any(|l| l == line), "{line} in {prometheus}");
    }
}

#[test]
fn only_paths_whose_address_receivers_see_are_said_to_be_unconfirmed() {
    let mut report = sample::report("");
    let samples = |report: &Report| {
        let text = render(Format::Prometheus, report, &Style::plain());
        let samples =
            text.lines().filter_map(|line| line.strip_prefix("helolint_path_confirmed{path=\"")?.split('"').next());
        samples.map(str::to_owned).collect::<Vec<_>>()
    };
    let (first, second) = (report.paths[0].id.to_string(), report.paths[1].id.to_string());
    assert!(report.paths[1].relayed.is_some());
    assert_eq!(samples(&report), [first.as_str()], "a relayed path");
    report.paths[1].relayed = None;
    assert_eq!(samples(&report), [first.as_str(), second.as_str()]);
    report.paths[0].unused = true;
    assert_eq!(samples(&report), [second.as_str()], "an unused path");
    report.mta.outgoing = Outgoing::HandedOver;
    assert_eq!(samples(&report), [""; 0], "a program is given everything");
}

/// What each format says of planned records, and of caches that are behind.
const NOTES: [(Format, &str, &str); 11] = [
    (
        Format::Human,
        "; judged by planned records",
        "; right at the source, still stale in caches until 2026-11-20 14:37 UTC",
    ),
    (Format::Json, "\"planned\": true", "\"right_at_source\": true"),
    (Format::Ndjson, "\"type\":\"summary\",\"schema\":1,\"planned\":true,", "\"stale\":{\"right_at_source\":true,"),
    (
        Format::Sarif,
        "\"planned\": \"judged by planned records\"",
        "\"stale\": \"right at the source, still stale in caches until",
    ),
    (
        Format::Junit,
        "<property name=\"helolint.planned\" value=\"judged by planned records\"/>",
        "<property name=\"helolint.stale\" value=\"right at the source, still stale in caches until 2026-11-20 14:37 UTC\"/>",
    ),
    (
        Format::Nagios,
        ", judged by planned records",
        ", right at the source, still stale in caches until 2026-11-20 14:37 UTC",
    ),
    (
        Format::Checkmk,
        ", judged by planned records",
        ", right at the source, still stale in caches until 2026-11-20 14:37 UTC",
    ),
    (
        Format::Prometheus,
        "\nhelolint_dns_questions_planned 2\n",
        "\nhelolint_dns_questions_stale{right_at_source=\"true\"} 1\n",
    ),
    (
        Format::Github,
        "::notice title=Mail identity of mail1.example.com::judged by planned records\n",
        "::notice title=Mail identity of mail1.example.com::right at the source, still stale in caches until 2026-11-20 14:37 UTC\n",
    ),
    (
        Format::Markdown,
        "; judged by planned records.**",
        "; right at the source, still stale in caches until 2026-11-20 14:37 UTC",
    ),
    (
        Format::Html,
        "judged by planned records</span>",
        ">right at the source, still stale in caches until 2026-11-20 14:37 UTC</span>",
    ),
];

#[test]
fn every_format_says_that_records_are_planned_and_that_caches_are_behind() {
    let overlay = |answered| VantageView {
        name: "planned".into(),
        server: None,
        kind: VantageKind::Overlay,
        answered,
        asked: answered,
    };
    let stale = |right_at_source| StaleCaches {
        right_at_source,
        questions: vec!["mail.example.com. A".into()],
        seconds: Some(2220),
        until: Some("2026-11-20T14:37:00Z".into()),
    };
    for with_findings in [true, false] {
        let mut plain = sample::report("");
        if !with_findings {
            plain.findings.clear();
            plain.summary = Summary::default();
        }
        let mut planned = plain.clone();
        (planned.planned, planned.dns.vantage) = (true, vec![overlay(2)]);
        let mut behind = plain.clone();
        behind.dns.stale = Some(stale(true));
        let mut wrong = plain.clone();
        wrong.dns.stale = Some(stale(false));
        for (format, of_plan, of_caches) in NOTES {
            let says = |report: &Report, what: &str| {
                render(format, report, &Style { width: 400, ..Style::plain() }).contains(what)
            };
            for (report, what, expected) in [
                (&plain, of_plan, false),
                (&planned, of_plan, true),
                (&behind, of_plan, false),
                (&plain, of_caches, false),
                (&behind, of_caches, true),
                (&wrong, of_caches, false),
            ] {
                assert_eq!(says(report, what), expected, "{format:?}, findings: {with_findings}: {what}");
            }
        }
        let quiet = render(Format::Human, &planned, &style(100, false, false, Verbosity::Quiet));
        assert!(quiet.contains("; judged by planned records"), "{quiet}");
        for format in [Format::Markdown, Format::Html] {
            let text = render(format, &planned, &Style::plain());
            assert!(text.contains("Checklist, by planned records"), "what is planned is not done: {text}");
        }
    }
    assert_eq!(NOTES.map(|(format, ..)| format), Format::ALL);
}

#[test]
fn a_plan_that_answers_nothing_is_not_passed_over() {
    let mut report = sample::report("");
    report.dns.vantage.push(VantageView {
        name: "planned".into(),
        server: None,
        kind: VantageKind::Overlay,
        answered: 0,
        asked: 0,
    });
    for (format, text) in all(&report) {
        let said = match format.as_str() {
            "json" | "ndjson" | "prometheus" => continue,
            _ => "planned records (--overlay) answered nothing",
        };
        assert!(text.contains(said) && !text.contains("judged by planned"), "{format}: {text}");
    }
}

#[test]
fn results_by_planned_records_close_none_of_the_live_ones() {
    let category = |planned| {
        let report = Report { planned, ..sample::report("") };
        let log: serde_json::Value = serde_json::from_str(&render(Format::Sarif, &report, &Style::plain())).unwrap();
        log.pointer("/runs/0/automationDetails/id").unwrap().as_str().unwrap().to_owned()
    };
    assert_eq!(category(false), "helolint/mail1.example.com/");
    assert_eq!(category(true), "helolint/mail1.example.com/planned/");
}

#[test]
fn sarif_has_rules_results_and_relative_paths() {
    let text = render(Format::Sarif, sample::report(""), &Style::plain());
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let at = |path: &str| log.pointer(path).unwrap_or_else(|| panic!("{path} in {text}")).clone();
    assert_eq!(at("/runs/0/tool/driver/rules").as_array().unwrap().len(), 4);
    let first = "/runs/0/results/0";
    assert_eq!(at(&format!("{first}/locations/0/physicalLocation/artifactLocation/uri")), "etc/postfix/main.cf");
    assert_eq!(at(&format!("{first}/locations/0/physicalLocation/region/startLine")), 3);
    assert_eq!(at(&format!("{first}/relatedLocations/0/physicalLocation/region/startLine")), 12);
    assert_eq!((at("/runs/0/results/1/kind"), at("/runs/0/results/1/level")), ("open".into(), "none".into()));
    assert_eq!(at("/runs/0/results/2/partialFingerprints/helolint~11"), "PTR001:203.0.113.10");
}

#[test]
fn junit_counts_passes_failures_and_skips() {
    let text = render(Format::Junit, sample::report("<&>"), &Style::plain());
    assert!(
        text.contains("<testsuites name=\"helolint\" tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\">"),
        "{text}"
    );
    assert!(text.contains("<testcase classname=\"helolint.PTR\" name=\"PTR004 ptr-generic\"/>"), "{text}");
    assert!(!text.contains("<&>"), "{text}");
}

#[test]
fn github_and_markdown() {
    let report = sample::report("");
    let github = render(Format::Github, &report, &Style::plain());
    assert!(github.starts_with(
        "::error file=etc/postfix/main.cf,line=3,col=14,endColumn=18,title=HLO001 helo-not-qualified::HELO name"
    ));
    let markdown = render(Format::Markdown, &report, &Style::plain());
    for part in [
        "**2 errors, 1 undetermined on 2 outbound paths.**",
        "| `postfix/ipv4/1` |",
        "- [ ] **holder of the address**",
        "- [x] The sending address is known",
        "- [ ] It has a PTR record",
        "- [ ] The PTR name is one's own",
    ] {
        assert!(markdown.contains(part), "{part} in {markdown}");
    }
}
