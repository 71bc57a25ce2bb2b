//! What a setting may come to where files leave open which: every possible value, and names that no release knows.

use super::{Fixture, SMTP, host, lines};
use crate::collect::exim::*;

/// Source, HELO name and who has them, of IPv4 alone.
fn ways(files: &[(&str, &str)], options: &str) -> Vec<String> {
    let config = format!("disable_ipv6\n{SMTP}{options}");
    let files: Vec<(&str, &str)> = files.iter().copied().chain([("/etc/exim.conf", config.as_str())]).collect();
    let found = Fixture::new(&files).collect(false);
    assert_eq!(found.problems, [], "{options}");
    lines(&found).into_iter().map(|line| line.trim_start_matches("t/4 ").to_owned()).collect()
}

#[test]
fn a_key_that_files_do_not_decide_may_find_every_entry() {
    let helos = ("/etc/helos", "a.example: one.example\nb.example: two.example\n*: star.example\n");
    let keys = [
        "$authenticated_id",
        "$h_x-domain:",
        "${perl{whoever}}",
        "$sender_address",
        "${if match{$h_x:}{y}{a.example}{${lc:$sender_address_local_part}}}",
        "x${if eq{$acl_m_x}{y}{$sender_address_domain}{c}}",
    ];
    for key in keys {
        let named = |text: &str, line: usize| format!("kernel | {text} (/etc/helos:{line}) | undecided");
        let found = ways(
            &[helos],
            &format!(" helo_data = ${{lookup{{{key}}}lsearch{{/etc/helos}}{{$value}}{{none.example}}}}\n"),
        );
        let expected = [
            "kernel | none.example (/etc/exim.conf:9) | undecided".to_owned(),
            named("one.example", 1),
            named("two.example", 2),
        ];
        assert_eq!(found, expected, "{key}");
        let found = ways(
            &[helos],
            &format!(" helo_data = ${{lookup{{{key}}}lsearch*{{/etc/helos}}{{$value}}{{none.example}}}}\n"),
        );
        assert_eq!(found, [named("star.example", 3), named("one.example", 1), named("two.example", 2)], "{key}");
    }
}

#[test]
fn source_and_name_come_from_the_same_key() {
    let files = [
        ("/etc/ips", "a.example: 192.0.2.7\nb.example: 192.0.2.8\n"),
        ("/etc/helos", "A.example: one.example\nb.example: two.example\n"),
    ];
    let options = " interface = ${lookup{$authenticated_id}lsearch{/etc/ips}}\n \
        helo_data = ${lookup{$authenticated_id}lsearch{/etc/helos}{$value}{$primary_hostname}}\n";
    assert_eq!(
        ways(&files, options),
        [
            "kernel | mail1.example.com (kernel (uname(2))) | undecided",
            "192.0.2.7 (/etc/ips:1) | one.example (/etc/helos:1) | undecided",
            "192.0.2.8 (/etc/ips:2) | two.example (/etc/helos:2) | undecided",
        ]
    );
}

/// cPanel's key: the sender's domain, or the recipient's where that is one of ours.
#[test]
fn a_choice_between_domains_of_the_message_is_found_by_domain() {
    let files = [("/etc/helos", "a.example: one.example\n"), ("/etc/ours", "ours.example\n")];
    let key = "${if match_domain{$original_domain}{lsearch;/etc/ours}{${lc:$original_domain}}{}}";
    let options = format!(
        " helo_data = ${{lookup{{${{perl{{get_message_sender_domain}}}}}}lsearch{{/etc/helos}}{{$value}}\
         {{${{lookup{{{key}}}lsearch{{/etc/helos}}{{$value}}{{$primary_hostname}}}}}}}}\n"
    );
    assert_eq!(
        ways(&files, &options),
        ["kernel | one.example (/etc/helos:1) | a.example", "kernel | mail1.example.com (kernel (uname(2))) | +others",]
    );
}

#[test]
fn a_condition_that_is_undecided_does_not_matter_where_both_ways_agree() {
    for (text, expected) in [
        ("${if match{$h_subject:}{news}{a.example}{a.example}}", Some("a.example")),
        ("${if def:authenticated_id{a.example}{${lc:A.example}}}", Some("a.example")),
        ("${if eq{$h_x:}{y}{${if eq{$acl_m_x}{}{a.example}{a.example}}}{a.example}}", Some("a.example")),
        ("${if match{$h_x:}{^(a)}{$1.example}{a.example}}", None),
        ("${if eq{$h_x:}{y}{a.example}{b.example}}", None),
        ("${if eq{$h_x:}{y}{a.example}fail}", None),
    ] {
        let found = ways(&[], &format!(" helo_data = {text}\n"));
        match expected {
            Some(name) => assert_eq!(found, [format!("kernel | {name} (/etc/exim.conf:9) | any")], "{text}"),
            None => assert!(found[0].contains("undecided"), "{text}: {found:?}"),
        }
    }
}

#[test]
fn what_came_by_smtp_has_the_active_name() {
    let both = |active: &str| {
        let config =
            format!("smtp_active_hostname = {active}\ndisable_ipv6\n{SMTP} helo_data = $smtp_active_hostname\n");
        lines(&Fixture::new(&[("/etc/exim.conf", &config)]).collect(false))
    };
    let primary = "t/4 kernel | mail1.example.com (/etc/exim.conf:10) | ";
    assert_eq!(
        both("gate.example.com"),
        [format!("{primary}undecided"), "t/4 kernel | gate.example.com (/etc/exim.conf:10) | undecided".to_owned()]
    );
    for same in ["mail1.example.com", "$primary_hostname", "${if eq{a}{b}{x}fail}"] {
        assert_eq!(both(same), [format!("{primary}any")], "{same}");
    }
    let open = both("${if eq{$received_ip_address}{192.0.2.1}{a.example}{b.example}}");
    assert!(open[0].starts_with(primary) && open[1].contains("undecided"), "{open:?}");
}

#[test]
fn a_value_that_equals_the_host_name_keeps_its_line() {
    let helos = ("/etc/helos", "a.example: mail1.example.com\n*: mail1.example.com\n");
    let options = " helo_data = ${lookup{$sender_address_domain}lsearch*{/etc/helos}{$value}{$primary_hostname}}\n";
    let found = ways(&[helos], options);
    assert_eq!(found, ["kernel | mail1.example.com (/etc/helos:1) | any"]);
}

#[test]
fn several_ptr_names_are_sent_as_the_setting_joins_them() {
    for (text, expected) in [
        (
            "${lookup dnsdb{ptr=$sending_ip_address}{$value}{$primary_hostname}}",
            "ptrs by \"\\n\" else mail1.example.com",
        ),
        ("${lookup dnsdb{>: defer_never,ptr=$sending_ip_address}{$value}{x.example}}", "ptrs by \":\" else x.example"),
        (
            "${lookup dnsdb{>: defer_never,ptr=$sending_ip_address}{${listextract{1}{$value}}}{$primary_hostname}}",
            "ptr else mail1.example.com",
        ),
        ("${lookup dnsdb{>: ptr=$sending_ip_address}{${extract{1}{:}{$value}}}{x.example}}", "ptr else x.example"),
        ("${lookup dnsdb{>: ptr=$sending_ip_address}{${listextract{-1}{$value}}}{x.example}}", "ptr else x.example"),
    ] {
        let found = ways(&[], &format!(" helo_data = {text}\n"));
        assert_eq!(found, [format!("kernel | {expected} | any")], "{text}");
    }
}

#[test]
fn a_file_name_from_the_message_names_the_domains_whose_mail_is_deferred() {
    let options = " helo_data = ${if match_domain{$sender_address_domain}{a.example : b.example}\
        {${lookup{x}lsearch{/etc/helos/$sender_address_domain}}}{$primary_hostname}}\n";
    let found = Fixture::new(&[("/etc/exim.conf", &format!("disable_ipv6\n{SMTP}{options}"))]).collect(false);
    assert_eq!(
        found.problems[0].message,
        "helo_data of t fails: Tainted filename: it comes from the message; Exim defers the mail of a.example, b.example"
    );
    assert_eq!(lines(&found), ["t/4 kernel | mail1.example.com (kernel (uname(2))) | +others"]);
}

#[test]
fn older_releases_take_file_names_from_the_message() {
    let program = |version: &str| format!("\0Exim version %s #%s built %s\0x\0{version}\0");
    let text = format!(
        "disable_ipv6\n{SMTP} helo_data = ${{lookup{{x}}lsearch{{/etc/helos/$sender_address_domain}}{{$value}}}}\n"
    );
    let collect = |text: &str, version: &str| {
        let files = [
            ("/etc/exim.conf", text),
            ("/usr/sbin/exim", &program(version)),
            ("/etc/mailname", "a.example\n"),
            ("/etc/helos/a.example", "x: helo.a.example\n"),
        ];
        Fixture::new(&files).collect(false)
    };
    let refuses = |text: &str, version: &str| {
        collect(text, version).problems.iter().any(|problem| problem.message.contains("Tainted filename"))
    };
    assert!(refuses(&text, "4.94.2"));
    assert!(refuses(&text, "4.96"));
    assert!(!refuses(&text, "4.92.3"));
    assert!(!refuses(&text, "4.93"), "undecided");
    assert!(!refuses(&format!("allow_insecure_tainted_data = true\n{text}"), "4.96"));
}

#[test]
fn a_name_that_no_listed_release_knows_refuses_where_the_installed_one_is_listed() {
    let text = format!("begin acl\nr:\n accept hosst = x\n{SMTP}begin authenticators\nc:\n driver = krb\n x = y\n");
    let collect = |place: &str, program: &str, running: &[Daemon]| {
        let files = [(place, text.as_str()), ("/usr/sbin/exim", program)];
        let fixture = Fixture::new(&files);
        collect(&Root::open(fixture.dir.path()).unwrap(), &host(), None, running)
    };
    let known = "Exim version %s #%s built %s\x004.97\0";
    for (place, program, kind) in [
        ("/etc/exim.conf", known, Some(ProblemKind::Syntax { mta: Mta::Exim, whole: true })),
        ("/etc/exim.conf", "", Some(ProblemKind::UnknownName { mta: Mta::Exim })),
        ("/etc/exim4/exim4.conf", "", Some(ProblemKind::Syntax { mta: Mta::Exim, whole: true })),
        (
            "/etc/exim.conf",
            "Exim version %s #%s built %s\x005.01\x004.01\0",
            Some(ProblemKind::UnknownName { mta: Mta::Exim }),
        ),
    ] {
        let found = collect(place, program, &[]);
        let refused = matches!(kind, Some(ProblemKind::Syntax { .. }));
        assert_eq!(found.problems.first().map(|problem| problem.kind.clone()), kind, "{place} {program:?}");
        assert_eq!(found.problems[0].origin.as_ref().unwrap().describe(), format!("{place}:3"));
        assert_eq!(found.senders.is_empty(), refused, "{place} {program:?}");
    }
    // The daemon was started with it, so it knows the name, whatever its version.
    let daemon = Daemon {
        mta: Mta::Exim,
        pid: 1,
        started: None,
        loaded: Some(i64::MAX),
        config_directory: None,
        config_files: None,
        macros: Vec::new(),
    };
    let found = collect("/etc/exim.conf", known, &[daemon]);
    assert_eq!((found.problems.as_slice(), found.senders.len()), (&[][..], 2));
}
