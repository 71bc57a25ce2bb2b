//! Files that are items of lists, lists that nobody defines, and values that Exim refuses: each answered by Exim 4.96.

use super::{Fixture, lines};
use crate::facts::ProblemKind;

const TAIL: &str = "begin transports\nt:\n driver = smtp\nspecial:\n driver = smtp\n helo_data = vip.example.com\n";

fn collect(main: &str, router: &str, files: &[(&str, &str)]) -> super::Collected {
    let text = format!(
        "disable_ipv6\n{main}begin routers\n{router}outside:\n driver = dnslookup\n domains = !@\n transport = t\n no_more\n{TAIL}"
    );
    let files: Vec<(&str, &str)> = files.iter().copied().chain([("/etc/exim.conf", text.as_str())]).collect();
    Fixture::new(&files).collect(false)
}

#[test]
fn a_file_that_is_missing_from_a_list_stops_all_mail() {
    let special = |option: &str| format!("special:\n driver = dnslookup\n {option}\n transport = special\n");
    for (main, router) in [
        ("", special("domains = /etc/none")),
        ("domainlist ours = @ : /etc/none\n", special("domains = !+ours")),
        ("", special("local_parts = /etc/none")),
        ("", special("senders = /etc/none")),
        ("", special("domains = dsearch;/etc/none")),
        ("", special("domains = cdb;/etc/none")),
    ] {
        let found = collect(main, &router, &[]);
        let missing = ProblemKind::Unreadable { undecided: false };
        assert!(
            found.problems.iter().any(|problem| problem.kind == missing && problem.file == "/etc/none"),
            "{main}{router}: {:?}",
            found.problems
        );
        assert_eq!(collect(main, &router, &[("/etc/none", "x.example\n")]).problems, [], "{main}{router}");
    }
}

#[test]
fn a_file_in_a_list_of_senders_says_whose_mail_it_is() {
    let router = "special:\n driver = dnslookup\n senders = /etc/snd\n transport = special\n";
    let found = collect("", router, &[("/etc/snd", "a.example\n*@b.example\n")]);
    let special: Vec<String> = lines(&found).into_iter().filter(|line| line.starts_with("special")).collect();
    assert!(special.iter().all(|line| line.contains("a.example,b.example")), "{special:?}");
    assert_eq!(special.len(), 1);
}

#[test]
fn a_file_in_match_domain_is_read() {
    let text = "disable_ipv6\nbegin routers\nr:\n driver = dnslookup\n transport = t\nbegin transports\nt:\n driver = smtp\n \
                helo_data = ${if match_domain{$sender_address_domain}{/etc/vip}{vip.example.com}{mx.example.com}}\n";
    let found = Fixture::new(&[("/etc/exim.conf", text), ("/etc/vip", "a.example\nb.example\n")]).collect(false);
    let vip: Vec<String> = lines(&found).into_iter().filter(|line| line.contains("vip.example.com")).collect();
    assert!(vip.len() == 1 && vip[0].contains("a.example,b.example"), "{:?}", lines(&found));
}

#[test]
fn a_named_list_that_nobody_defines_stops_all_mail() {
    for (option, words) in [
        ("domains = ! +locl_domains", "unknown named domain list \"+locl_domains\""),
        ("local_parts = +none", "unknown named local part list \"+none\""),
        ("senders = +none", "unknown named address list \"+none\""),
    ] {
        let router = format!("special:\n driver = dnslookup\n {option}\n transport = special\n");
        let found = collect("", &router, &[]);
        assert!(found.problems.iter().any(|p| p.message.contains(words)), "{option}: {:?}", found.problems);
    }
}

#[test]
fn values_by_type() {
    for (main, transport, words) in [
        ("timeout_frozen_after = 7\n", "", "invalid time value for timeout_frozen_after"),
        ("callout_negative_expire = 2h30\n", "", "invalid time value for callout_negative_expire"),
        ("smtp_receive_timeout = 5z\n", "", "invalid time value for smtp_receive_timeout"),
        ("", " connect_timeout = 5\n", "invalid time value for connect_timeout"),
        ("", " command_timeout = 5z\n", "invalid time value for command_timeout"),
        ("", " hosts_max_try = x\n", "integer expected for hosts_max_try"),
        ("", " hosts_max_try = 3.5\n", "extra characters follow integer value for hosts_max_try"),
        ("", " connection_max_messages = 1e3\n", "extra characters follow integer value for connection_max_messages"),
        ("log_selector = +all +foo\n", "", "unknown log_selector setting: +foo"),
        ("log_selector = all\n", "", "malformed log_selector setting"),
        (
            "timeout_frozen_after = 7d\nlog_selector = +all -pid\nsmtp_receive_timeout = ${if eq{a}{a}{5m}{1m}}\n",
            "",
            "",
        ),
        ("", " command_timeout = 5m\n hosts_max_try = 3\n connection_max_messages = 100\n", ""),
    ] {
        let text = format!("{main}begin transports\nt:\n driver = smtp\n{transport}");
        let found = Fixture::new(&[("/etc/exim4/exim4.conf", &text)]).collect(false);
        let told: Vec<&str> = found.problems.iter().map(|problem| problem.message.as_str()).collect();
        let fits = if words.is_empty() { told.is_empty() } else { told.iter().any(|told| told.contains(words)) };
        assert!(fits, "{text}: {told:?}");
    }
}

#[test]
fn names_that_debians_packages_do_not_know_are_undetermined() {
    let database = |version: &str| format!("Package: exim4-base\nStatus: install ok installed\nVersion: {version}-1\n");
    for (text, version, open) in [
        ("allow_insecure_tainted_data = yes\n", "4.96", true),
        ("allow_insecure_tainted_data = yes\n", "4.94.2", false),
        ("limits_advertise_hosts = *\n", "4.96", true),
        ("limits_advertise_hosts = *\n", "4.98", false),
        ("redis_servers = localhost\n", "4.96", true),
        ("begin acl\na:\n accept dmarc_status = reject\n", "4.96", true),
        ("begin acl\na:\n accept\n  dcc = *\n", "4.96", true),
        ("begin acl\na:\n accept condition = ${if eq{dcc}{x}}\n", "4.96", false),
    ] {
        let files = [("/etc/exim4/exim4.conf", text), ("/var/lib/dpkg/status", &database(version))];
        let found = Fixture::new(&files).collect(false);
        let told = found.problems.iter().filter(|p| matches!(p.kind, ProblemKind::UnknownName { .. })).count();
        assert_eq!((told, found.problems.len()), (usize::from(open), usize::from(open)), "{text} {version}");
    }
}

/// What comes of a router with these options that leads to the transport `special`, with these options: problems, and its ways.
fn routed(router: &str, transport: &str) -> (Vec<String>, Vec<String>) {
    let text = format!(
        "disable_ipv6\nbegin routers\nspecial:\n {}\n transport = special\nbegin transports\nspecial:\n driver = smtp\n{transport}",
        router.replace("; ", "\n ")
    );
    let fixture = Fixture::new(&[("/etc/exim.conf", &text)]);
    let own = crate::facts::Host { addresses: crate::rules::testing::healthy().host.addresses, ..super::host() };
    let found = super::collect(&super::Root::open(fixture.path()).unwrap(), &own, None, &[]);
    (found.problems.iter().map(|problem| problem.message.clone()).collect(), lines(&found))
}

#[test]
fn routes_that_lead_nowhere_are_refused_in_exims_words() {
    for (list, words) in [
        ("* a.isp.example, b.isp.example", "unknown routing option or transport name \"b.isp.example\""),
        ("* 198.51.100.7 : smtp.isp.example", "unknown routing option or transport name \": smtp.isp.example\""),
        ("* 'a.isp.example : b.isp.example'", "unknown routing option or transport name \": b.isp.example'\""),
        ("* [198.51.100.7]:587", "lookup of host \"[198.51.100.7]\" failed"),
        ("*", "no host(s) specified"),
        ("* 127.0.0.1::2525", "remote host address is the local host"),
        ("* 127.0.0.1; self = fail", "remote host address is the local host"),
        ("* 0.0.0.0", "remote host address is the local host"),
        ("* <+2001:db8::25", "lookup of host \"2001:db8::25\" failed in special router"),
        ("* 198.51.100.7:2001::db8::::25", "lookup of host \"2001:db8::25\" failed in special router"),
        ("* 198.51.100.7:2001::db8::::25; host_find_failed = ignore", ""),
        ("* \"<", "lookup failed for all hosts in special router"),
        ("* \" \"", "lookup failed for all hosts in special router"),
        ("* \"\"", "error in special router: no host(s) specified"),
        ("* ${if eq{a}{b}{x}}", "condition name expected"),
        ("* \"${if eq{a}{b}{x}}\"", "error in special router: no host(s) specified"),
        ("* ${extract{1}{:}{x:y}}", ""),
        ("* 198.51.100.7; ignore_target_hosts = /none", "failed to open /none"),
        ("* 198.51.100.7; ignore_target_hosts = 192.0.2.1 : !lsearch;/none", "failed to open /none"),
        ("* 198.51.100.7; ignore_target_hosts = net24-lsearch;/none", "failed to open /none"),
        ("* 198.51.100.7; ignore_target_hosts = +none", ""),
        ("* 198.51.100.7; ignore_target_hosts = ${lookup{x}lsearch{/none}}", ""),
        ("* 198.51.100.7; ignore_target_hosts = <, 127.0.0.0/8 , ::1", ""),
        ("* 198.51.100.7; errors_to = ${lookup{x}lsearch{/none}}", "errors_to of the router special fails"),
        ("* 198.51.100.7; headers_add = X: ${lookup{x}lsearch{/none}}", "headers_add of the router special fails"),
        ("* 198.51.100.7; errors_to = ${if eq{a}{b}{x}fail}", ""),
        ("* a.isp.example", ""),
        ("* \"a.isp.example : b.isp.example\"", ""),
        ("* a.isp.example:b.isp.example", ""),
        ("* a.isp.example byname", ""),
        ("* a.isp.example randomize special", ""),
        ("* a.isp.example::587", ""),
        ("* 127.0.0.1::2525; self = send", ""),
    ] {
        let (problems, _) = routed(&format!("driver = manualroute; route_list = {list}"), "");
        let fits =
            if words.is_empty() { problems.is_empty() } else { problems.iter().any(|told| told.contains(words)) };
        assert!(fits, "{list}: {problems:?}");
    }
}

#[test]
fn a_transport_that_finds_itself_sends_nothing_unless_it_may() {
    let (problems, _) = routed("driver = accept", " hosts = 127.0.0.1\n port = 2525\n");
    assert!(problems[0].contains("special transport found host 127.0.0.1 to be local"), "{problems:?}");
    let (problems, ways) = routed("driver = accept", " hosts = 127.0.0.1\n port = 2525\n allow_localhost\n");
    assert_eq!(problems, [] as [String; 0]);
    assert!(ways.iter().all(|way| way.contains("handed [127.0.0.1]:2525")), "{ways:?}");
}

#[test]
fn a_tainted_name_of_a_file_defers_the_mail_of_its_domain_alone() {
    let text = "disable_ipv6\nprimary_hostname = mx.example.com\nbegin routers\nr:\n driver = dnslookup\n transport = t\n\
                begin transports\nt:\n driver = smtp\n helo_data = ${lookup{$sender_address_domain}lsearch\
                {${if exists{/etc/h-$sender_address_domain}{/etc/h-$sender_address_domain}{/etc/h}}}{$value}{$primary_hostname}}\n";
    let found = Fixture::new(&[
        ("/etc/exim.conf", text),
        ("/etc/h", "b.example: vip.example.com\n"),
        ("/etc/h-a.example", "a.example: a.example.com\n"),
    ])
    .collect(false);
    let [problem] = &found.problems[..] else { panic!("{:?}", found.problems) };
    assert!(problem.message.contains("Tainted filename") && problem.message.ends_with("of a.example"), "{problem:?}");
    let ways = lines(&found);
    assert!(ways.iter().any(|way| way.contains("vip.example.com") && way.ends_with("b.example")), "{ways:?}");
    assert!(ways.iter().any(|way| way.contains("mx.example.com") && way.ends_with("+others")), "{ways:?}");
    assert_eq!(ways.len(), 2, "{ways:?}");
}

#[test]
fn the_name_of_whichever_address_the_mail_came_in_at() {
    let text = "disable_ipv6\nprimary_hostname = mx.example.com\n\
                smtp_active_hostname = ${lookup{$interface_address}lsearch*{/etc/ah}{$value}{$primary_hostname}}\n\
                begin routers\nr:\n driver = dnslookup\n transport = t\nbegin transports\nt:\n driver = smtp\n \
                helo_data = $smtp_active_hostname\n";
    let found = Fixture::new(&[
        ("/etc/exim.conf", text),
        ("/etc/ah", "192.0.2.10: mx.example.com\n192.0.2.11: mx2.example.com\n192.0.2.12: mx3.example.com\n"),
    ])
    .collect(false);
    assert_eq!(found.problems, []);
    let ways = lines(&found);
    for name in ["mx.example.com", "mx2.example.com", "mx3.example.com"] {
        assert!(ways.iter().any(|way| way.contains(&format!(" {name} ")) && way.contains("undecided")), "{ways:?}");
    }
    assert_eq!(ways.len(), 3, "{ways:?}");
}

#[test]
fn a_smarthost_that_is_not_set_up_sends_nothing() {
    for (router, nothing) in [
        ("driver = manualroute; route_data = ${if exists{/etc/none}{x.example}}", true),
        ("driver = manualroute; route_data = x.example", false),
        ("driver = manualroute; route_list = * 127.0.0.1", false),
        ("driver = dnslookup; condition =", true),
    ] {
        let text = format!(
            "disable_ipv6\nbegin routers\nr:\n {}\n transport = t\n no_more\nbegin transports\nt:\n driver = smtp\n",
            router.replace("; ", "\n ")
        );
        let found = Fixture::new(&[("/etc/exim.conf", &text)]).collect(false);
        assert_eq!(found.configurations[0].sends_nothing, nothing, "{router}");
    }
}

#[test]
fn without_a_ptr_record_nothing_may_be_sent() {
    let follows = |tail: &str| {
        let text = format!(
            "disable_ipv6\nbegin routers\nr:\n driver = dnslookup\n transport = t\nbegin transports\nt:\n driver = smtp\n \
             helo_data = ${{lookup dnsdb{{ptr=$sending_ip_address}}{tail}}}\n"
        );
        Fixture::new(&[("/etc/exim.conf", &text)]).collect(false).senders.remove(0).helo
    };
    let default = |tail| match follows(tail) {
        crate::facts::Helo::FollowsPtr { default, .. } => default.map(|name| name.as_str().to_owned()),
        other => panic!("{tail}: {other:?}"),
    };
    assert_eq!(default("{$value}fail"), None);
    assert_eq!(default("{$value}{${lookup{x}lsearch{/none}}}"), None);
    assert_eq!(default("").as_deref(), Some(""));
    assert_eq!(default("{$value}{x.example}").as_deref(), Some("x.example"));
}

#[test]
fn what_may_not_be_read_is_no_fault_of_the_configuration() {
    let text = "disable_ipv6\nbegin routers\nr:\n driver = dnslookup\n transport = t\n.include /etc/more\nbegin transports\nt:\n \
                driver = smtp\n";
    let fixture = Fixture::new(&[("/etc/exim.conf", text), ("/etc/more", "no_more\n")]);
    for denied in ["/etc/exim.conf", "/etc/more"] {
        let root = super::Root::open(fixture.path()).unwrap();
        root.refuse(denied);
        let found = super::collect(&root, &super::host(), None, &[]);
        let [problem] = &found.problems[..] else { panic!("{denied}: {:?}", found.problems) };
        assert_eq!((&problem.kind, problem.file.as_str()), (&ProblemKind::Denied, denied));
        assert!(problem.message.contains("permission denied"), "{}", problem.message);
        // There is an Exim all the same, and nothing is said of its paths.
        assert_eq!((found.configurations.len(), found.senders.len()), (1, 0), "{denied}");
    }
    let all = super::collect(&super::Root::open(fixture.path()).unwrap(), &super::host(), None, &[]);
    assert_eq!((all.problems, all.senders.len()), (Vec::new(), 1));
}
