use super::*;
use crate::collect::testing::{put, root};
use crate::facts::ProblemKind;
use proptest::prelude::*;

fn cpanel(files: &[(&str, &str)]) -> (Cpanel, Vec<Problem>) {
    let version = ("usr/local/cpanel/version", "11.116.0.5\n");
    let (_dir, root) = root(&[&[version], files].concat());
    collect(&root).unwrap()
}

/// Line and message of each problem.
fn complaints(problems: &[Problem]) -> Vec<(usize, &str)> {
    let line = |problem: &Problem| problem.origin.as_ref().unwrap().span().unwrap().position().line;
    problems.iter().map(|problem| (line(problem), problem.message.as_str())).collect()
}

fn pairs(entries: &[crate::facts::MapEntry]) -> Vec<(&str, &str)> {
    entries.iter().map(|entry| (&*entry.key, &*entry.value)).collect()
}

#[test]
fn a_healthy_server_is_read_without_complaint() {
    let (cpanel, problems) = cpanel(&[
        ("etc/wwwacct.conf", "ADDR 192.0.2.4\nCONTACTEMAIL \nHOST Host.example.com\nNS ns1.example.com\n"),
        (
            "etc/exim.conf.localopts",
            "acl_deny_spam=0\nper_domain_mailips=1\nsmarthost_routelist=\nuse_rdns_for_helo=1\n",
        ),
        ("etc/mailips", "a.example: 192.0.2.10\nb.example: 192.0.2.4;2001:db8::4\n*: 192.0.2.4\n"),
        ("etc/mailhelo", "a.example: mx.a.example\n*: host.example.com"),
        ("etc/mail_reverse_dns", "192.0.2.4: host.example.com\n2001:db8::4: host.example.com\n192.0.2.10: \n"),
        ("etc/userdomains", "a.example: auser\n*.b.example: buser\n*: nobody\n"),
        ("etc/userips", "#userips v1\nauser: 192.0.2.10\n"),
        ("etc/localdomains", "a.example\nhost.example.com\n"),
        ("etc/remotedomains", ""),
        ("var/cpanel/mainip", "192.0.2.4"),
        ("var/cpanel/cpnat", "10.0.0.4 192.0.2.4\n10.0.0.5\n"),
        ("var/cpanel/per_domain_mailips", ""),
        ("usr/local/cpanel/scripts/postupdateuserdomains", "#!/bin/sh\n"),
    ]);
    assert_eq!(problems, []);
    assert_eq!(cpanel.version.unwrap().value, "11.116.0.5");
    let host = cpanel.host.unwrap();
    assert_eq!((host.value.as_str(), host.origin.describe().as_str()), ("Host.example.com", "/etc/wwwacct.conf:3"));
    assert_eq!(cpanel.shared_ip.unwrap().value.to_string(), "192.0.2.4");
    assert_eq!(cpanel.main_ip.unwrap().value.to_string(), "192.0.2.4");
    assert_eq!(pairs(&cpanel.mailips)[1], ("b.example", "192.0.2.4;2001:db8::4"));
    assert_eq!(pairs(&cpanel.mailhelo), [("a.example", "mx.a.example"), ("*", "host.example.com")]);
    assert_eq!(pairs(&cpanel.reverse)[1..], [("2001:db8::4", "host.example.com"), ("192.0.2.10", "")]);
    assert_eq!(pairs(&cpanel.userdomains), [("a.example", "auser"), ("*.b.example", "buser")]);
    assert_eq!(pairs(&cpanel.userips), [("auser", "192.0.2.10")]);
    assert_eq!(
        cpanel.localdomains.iter().map(|domain| domain.as_str()).collect::<Vec<_>>(),
        ["a.example", "host.example.com"]
    );
    assert_eq!(cpanel.flags.iter().map(|f| f.value.as_str()).collect::<Vec<_>>(), ["per_domain_mailips"]);
    assert_eq!(cpanel.flags[0].origin.describe(), "/var/cpanel/per_domain_mailips:1");
    let localopts: Vec<_> = cpanel.localopts.iter().map(|(key, value)| (key.as_str(), value.value.as_str())).collect();
    assert_eq!(localopts, [("per_domain_mailips", "1"), ("use_rdns_for_helo", "1")]);
    assert!(cpanel.files.contains(&"/etc/remotedomains".to_owned()), "empty files count");
    assert!(cpanel.files.contains(&HOOK.to_owned()));
    assert!(!cpanel.files.contains(&"/etc/secondarymx".to_owned()));
}

#[test]
fn only_the_panels_own_files_make_a_cpanel_server() {
    for (path, expected) in [
        ("etc/wwwacct.conf", true),
        ("usr/local/cpanel/version", true),
        ("var/cpanel/mainip", true),
        ("var/cpanel/cpanel.config", true),
        ("etc/mailips", false),
        ("etc/userdomains", false),
        ("var/cpanel/custom_mailips", false),
        ("usr/local/cpanel/3rdparty/x", false),
    ] {
        let (_dir, root) = root(&[(path, "")]);
        assert_eq!(collect(&root).is_some(), expected, "{path}");
    }
}

#[test]
fn nat_pairs_with_and_without_an_image() {
    let (cpanel, problems) =
        cpanel(&[("var/cpanel/cpnat", "10.0.0.4  192.0.2.4\n\n10.0.0.5\n10.0.0.6\t192.0.2.6\r\n")]);
    assert_eq!(problems, []);
    assert_eq!(cpanel.nat.len(), 3);
    let pairs: Vec<_> = cpanel
        .nat
        .iter()
        .map(|pair| (pair.local.value.to_string(), pair.public.map(|addr| addr.to_string())))
        .collect();
    let with = |local: &str, public: Option<&str>| (local.to_owned(), public.map(str::to_owned));
    assert_eq!(
        pairs,
        [with("10.0.0.4", Some("192.0.2.4")), with("10.0.0.5", None), with("10.0.0.6", Some("192.0.2.6"))]
    );
}

#[test]
fn broken_addresses_are_told_and_the_rest_goes_on() {
    let (cpanel, problems) = cpanel(&[
        ("etc/wwwacct.conf", "HOST h.example.com\nADDR 192.0.2\n"),
        ("var/cpanel/mainip", "none\n"),
        ("var/cpanel/cpnat", "10.0.0.4 x\ny 192.0.2.5\n10.0.0.6 192.0.2.6 z\n"),
        ("etc/mailips", "a.example: 192.0.2.1,192.0.2.2\nb.example: 192.0.2.300\nc.example: 192.0.2.3\n"),
    ]);
    assert!(cpanel.shared_ip.is_none() && cpanel.main_ip.is_none());
    assert_eq!(cpanel.nat.len(), 1);
    assert_eq!(cpanel.mailips.len(), 3);
    let files: Vec<_> = problems.iter().map(|p| (p.file.as_str(), complaints(std::slice::from_ref(p))[0].0)).collect();
    assert_eq!(
        files,
        [
            ("/etc/wwwacct.conf", 2),
            ("/var/cpanel/mainip", 1),
            ("/var/cpanel/cpnat", 1),
            ("/var/cpanel/cpnat", 2),
            ("/var/cpanel/cpnat", 3),
            ("/etc/mailips", 1),
            ("/etc/mailips", 2),
        ]
    );
    assert!(problems[5].message.contains("semicolons"));
    assert!(!problems[6].message.contains("semicolons"));
    assert!(problems.iter().all(|p| p.kind == ProblemKind::MapLine));
}

#[test]
fn lines_that_exim_and_whm_do_not_read_alike() {
    for (text, line, words, why) in [
        ("a.example:mx.example", 1, "no blank follows the colon", "no blank"),
        ("a.example:\tmx.example", 1, "another white space follows", "tab"),
        ("a.example mx.example", 1, "no colon", "no colon"),
        ("a.example : mx.example", 1, "before the colon", "blank before it"),
        ("A.example: mx.example", 1, "Write `a.example`", "upper case"),
        ("a.example: mx.example # why", 1, "begins no comment", "in-line comment"),
        ("\"a.example\": mx.example", 1, "quotes", "quotes"),
        (": mx.example", 1, "no key", "no key"),
        ("a.example:", 1, "sends `EHLO` without a name", "no value"),
        ("x: 1\n  a.example: mx.example", 2, "whose value for `x` becomes `1 a.example: mx.example`", "glued"),
        (
            "x: 1\n\n  a.example: mx.example",
            3,
            "parts it from the entry above: Exim passes over",
            "behind an empty line",
        ),
        (
            "x: 1\n# c\n  a.example: mx.example",
            3,
            "parts it from the entry above: Exim passes over",
            "behind a comment",
        ),
        ("# c\n a.example: mx.example\nb: c", 2, "no entry stands above it", "nothing above"),
        ("a: 1\nA.example: 1\na: 2", 2, "upper-case", "one complaint for each line"),
        ("a: 1\nb: 1\na: 2", 3, "line 1 already", "repeated"),
        ("a: 1\nb: 1\r\n", 2, "CR and LF", "line ends"),
        ("a: 1\nb\u{1}: 1\n", 2, "no text", "control characters"),
    ] {
        let (_, problems) = cpanel(&[("etc/mailhelo", text)]);
        let found = complaints(&problems);
        assert!(found.iter().any(|(at, message)| *at == line && message.contains(words)), "{why}: {found:?}");
    }
    for fine in ["a: 1\nb: 1\na: 1\n", "a: 1", "", "# a\n\n", "a:  1\n", "*: 1 \n"] {
        let (_, problems) = cpanel(&[("etc/mailhelo", fine)]);
        assert_eq!(problems, [], "{fine:?}");
    }
}

#[test]
fn the_sloppy_files_of_a_real_server() {
    let (cpanel, problems) = cpanel(&[(
        "etc/mailips",
        "# by hand\n\na.example:192.0.2.11   \nB.EXAMPLE 192.0.2.12\n sub.b.example: 192.0.2.13\n*:\t192.0.2.10\na.example: 192.0.2.66\n",
    )]);
    assert_eq!(
        pairs(&cpanel.mailips),
        [
            ("a.example", "192.0.2.11"),
            ("B.EXAMPLE", "192.0.2.12 sub.b.example: 192.0.2.13"),
            ("*", "192.0.2.10"),
            ("a.example", "192.0.2.66"),
        ]
    );
    let found = complaints(&problems);
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4, 5, 6, 7], "{found:?}");
    assert_eq!(problems[2].related[0].0.describe(), "/etc/mailips:4");
}

#[test]
fn lists_have_one_domain_on_each_line() {
    let (cpanel, problems) =
        cpanel(&[("etc/localdomains", "a.example\nB.example\nc.example: x\nd.example # y\n e.example\n")]);
    let domains: Vec<_> = cpanel.localdomains.iter().map(|domain| domain.as_str()).collect();
    assert_eq!(domains, ["a.example", "b.example", "c.example", "d.example"]);
    assert_eq!(complaints(&problems).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5]);
}

#[test]
fn the_cache_of_ptr_names_is_read_as_cpanel_reads_it() {
    let (cpanel, problems) =
        cpanel(&[("etc/mail_reverse_dns", "192.0.2.1:  a.example \n2001:db8::1: b.example\nx: y\n192.0.2.2\n")]);
    assert_eq!(pairs(&cpanel.reverse), [("192.0.2.1", "a.example"), ("2001:db8::1", "b.example")]);
    assert_eq!(cpanel.reverse[0].value.span().position().column, 13);
    assert_eq!(complaints(&problems).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn many_bad_lines_are_counted_not_listed() {
    let text: String = (0..1000).map(|n| format!("d{n}.example:192.0.2.1\n")).collect();
    let (cpanel, problems) = cpanel(&[("etc/mailips", &text)]);
    assert_eq!(cpanel.mailips.len(), 1000);
    assert_eq!(problems.len(), 20);
    assert!(problems[19].message.ends_with("Further faulty lines in this file: 980"), "{}", problems[19].message);
}

#[test]
fn a_map_that_cannot_be_read_is_told_and_the_rest_goes_on() {
    let (_dir, root) = root(&[
        ("etc/wwwacct.conf", "HOST h.example.com\n"),
        ("etc/mailips/x", ""),
        ("etc/mailhelo", "*: h.example.com\n"),
    ]);
    let (cpanel, problems) = collect(&root).unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, ProblemKind::Unreadable { undecided: false });
    assert_eq!(problems[0].file, "/etc/mailips");
    assert_eq!(cpanel.mailhelo.len(), 1);
}

#[test]
fn a_file_that_is_text_has_no_line_that_is_none() {
    let cases = [
        ("a.example: 1\n\tb\n", true),
        ("é.example: 1\n", true),
        ("a.example: 1\r\n", false),
        ("a.example: \u{7}\n", false),
        ("a\u{0}.example: 1\n", false),
        ("a.example: \u{fffd}\n", false),
    ];
    for (text, expected) in cases {
        let file = SourceFile::new("/etc/mailips", text.as_bytes());
        assert_eq!(check::is_all_text(file.text()), expected, "{text:?}");
        let odd =
            crate::collect::lsearch::read(&file).entries.iter().any(|entry| check::not_text(entry, false).is_some());
        assert!(!(odd && expected), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let dir = tempfile::tempdir().unwrap();
        for path in FILES.iter().chain(&[VERSION]) {
            put(dir.path(), path, &bytes);
        }
        let (_, problems) = collect(&Root::open(dir.path()).unwrap()).unwrap();
        prop_assert!(problems.iter().all(|p| p.kind == ProblemKind::MapLine && p.origin.is_some()));
    }

    #[test]
    fn map_lines_of_any_shape_are_read(text in "([ a:\"#;\\\\\r\n\t.1]|a\\.example: 1\n){0,60}") {
        let file = SourceFile::new("/etc/mailips", text.as_bytes());
        let mut problems = Vec::new();
        for kind in [Kind::Addresses, Kind::HeloName, Kind::Account] {
            let entries = entries(&file, kind, &mut problems);
            prop_assert!(entries.len() <= text.lines().count());
        }
        let _ = (domains(&file, &mut problems), reverse(&file, &mut problems));
    }
}
