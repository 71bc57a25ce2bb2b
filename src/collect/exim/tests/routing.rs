//! Which routers run, for which senders, and where they send.

use super::{Fixture, exim, lines};
use crate::facts::ProblemKind;

const TRANSPORTS: &str = "begin transports\nt:\n driver = smtp\ns:\n driver = smtp\n";
const DIRECT: &str = "outside:\n driver = dnslookup\n domains = !+local_domains\n transport = t\n no_more\n";
const LISTS: &str =
    "disable_ipv6\ndomainlist local_domains = @\ndomainlist none = ${if exists{/etc/none}{lsearch;/etc/none}fail}\n";

/// Where mail goes that a smarthost's router with these options and the direct one behind it see, and problems.
fn behind(files: &[(&str, &str)], options: &str) -> (Vec<String>, Vec<String>) {
    let router = format!("smart:\n driver = manualroute\n domains = !+local_domains\n transport = s\n{options}");
    let route = if options.contains("route_") { "" } else { " route_list = * smart.example\n" };
    let config = format!("{LISTS}begin routers\n{router}{route}{DIRECT}{TRANSPORTS}");
    let files: Vec<(&str, &str)> = files.iter().copied().chain([("/etc/exim.conf", config.as_str())]).collect();
    let found = Fixture::new(&files).collect(false);
    let problems = found.problems.iter().map(|problem| problem.message.clone()).collect();
    let short = |line: String| {
        let (name, rest) = line.split_once("/4").unwrap_or_default();
        format!("{name} {}", rest.rsplit("| ").next().unwrap_or_default())
    };
    (lines(&found).into_iter().map(short).collect(), problems)
}

const NEVER: &[&str] = &["t any", "s any unused"];
const ALWAYS: &[&str] = &["t any unused", "s any via [smart.example]:25"];
/// Of some mail, by the recipient, say.
const PERHAPS: &[&str] = &["t any", "s any via [smart.example]:25"];
/// Of some senders, and files do not say of which.
const SOMEONES: &[&str] = &["t any", "s undecided via [smart.example]:25"];
const ALL_BUT_ONE: &[&str] = &["t b.example", "s a.example+others via [smart.example]:25"];
const ONE: &[&str] = &["t +others", "s a.example via [smart.example]:25"];

#[test]
fn a_router_runs_where_its_preconditions_can_hold() {
    let files = [
        ("/etc/there", ""),
        ("/etc/empty", ""),
        ("/etc/some", "x.example\n"),
        ("/etc/senders", "a.example: smart.example\n"),
        ("/etc/d/a.example/relay", "host: smart.example\n"),
    ];
    for (options, expected) in [
        ("", ALWAYS),
        (" condition = no\n", NEVER),
        (" condition = ${if exists{/etc/none}}\n", NEVER),
        (" condition = ${if exists{/etc/there}}\n", ALWAYS),
        (" condition = ${if eq{a}{b}{yes}fail}\n", NEVER),
        (" condition = ${if eq{$domain}{x.example}}\n", PERHAPS),
        (" condition = ${if def:h_x:}\n", PERHAPS),
        (" condition = ${if match{$sender_address}{^a}}\n", SOMEONES),
        (" condition = ${if match{$sender_address_domain}{^a}}\n", SOMEONES),
        (" condition = ${if forany{a.example:b.example}{eq{$item}{$sender_address_domain}}}\n", SOMEONES),
        (" condition = ${if match_address{$sender_address}{x@a.example}}\n", SOMEONES),
        (" condition = ${if match_address{$sender_address}{*@a.example}}\n", ONE),
        (" condition = ${if match_address{$sender_address}{a.example : !*@b.example}}\n", ALL_BUT_ONE),
        (
            " condition = ${if and{{eq{$sender_address_domain}{a.example}}{eq{$sender_address_local_part}{x}}}}\n",
            SOMEONES,
        ),
        (" condition =\n", NEVER),
        (" condition = \"\"\n", NEVER),
        (" condition = \"  \"\n", ALWAYS),
        (" condition =\n condition = yes\n", NEVER),
        (" condition = ${if eq{a}{a}{}{x}}\n", NEVER),
        (" senders =\n", NEVER),
        (" senders = :\n", &["t +others", "s undecided via [smart.example]:25"]),
        (" local_parts =\n", NEVER),
        (" require_files =\n", ALWAYS),
        (" condition = yes\n condition = ${if eq{a}{b}}\n", NEVER),
        (" require_files = /etc/there\n", ALWAYS),
        (" require_files = /etc/none\n", NEVER),
        (" require_files = !/etc/there\n", NEVER),
        (" require_files = mail : +/etc/there : !/etc/none\n", ALWAYS),
        (" require_files = /etc/$local_part\n", PERHAPS),
        (" verify_only\n", NEVER),
        (" senders = *@a.example, *@b.example\n", NEVER),
        (" senders = a.example, b.example\n", NEVER),
        (" senders = *@a.example : *@none\n", ONE),
        (" condition = ${if eq{$sender_address_domain}{a.example}}\n", ONE),
        (" condition = ${if eqi{${lc:$sender_address_domain}}{A.example}{true}{false}}\n", ONE),
        (" condition = ${if match_domain{$sender_address_domain}{a.example}}\n", ONE),
        (" condition = ${lookup{$sender_address_domain}lsearch{/etc/senders}{yes}{no}}\n", ONE),
        (" require_files = /etc/d/${lookup{$sender_address_domain}dsearch{/etc/d}}/relay\n", ONE),
        (" local_parts = postmaster\n", PERHAPS),
        (" check_local_user\n", PERHAPS),
    ] {
        let (mut ways, problems) = behind(&files, options);
        ways.sort();
        let mut expected: Vec<&str> = expected.to_vec();
        // A sender that a named list holds beside.
        expected.sort_unstable();
        if options.contains("@none") {
            ways.iter_mut().for_each(|way| *way = way.replace("a.example,none", "a.example"));
        }
        assert_eq!((ways, problems), (expected.iter().map(|way| (*way).to_owned()).collect(), Vec::new()), "{options}");
    }
}

#[test]
fn domains_that_match_nothing_never_run() {
    let files = [("/etc/empty", ""), ("/etc/some", "x.example\n")];
    for (domains, runs) in [
        ("lsearch;/etc/empty", false),
        ("a.example, b.example", false),
        ("${if exists{/etc/none}{lsearch;/etc/none}fail}", false),
        ("+none", false),
        ("! +none", true),
        ("lsearch;/etc/some", true),
        ("a.example : b.example", true),
        ("!a.example", true),
        ("*", true),
    ] {
        let router =
            format!("hub:\n driver = manualroute\n domains = {domains}\n transport = s\n route_list = * hub.example\n");
        let config = format!("{LISTS}begin routers\n{router}{DIRECT}{TRANSPORTS}");
        let found = Fixture::new(&[files[0], files[1], ("/etc/exim.conf", &config)]).collect(false);
        let relayed = lines(&found).iter().any(|line| line.contains("via [hub.example]"));
        assert_eq!((relayed, found.problems.len()), (runs, 0), "{domains}");
    }
}

#[test]
fn a_file_that_is_missing_skips_or_defers() {
    let missing = "failed to open /etc/none for linear search: No such file or directory";
    for (options, ways, message) in [
        (
            " condition = ${lookup{$sender_address_domain}lsearch{/etc/none}{yes}}\n",
            NEVER,
            format!("condition of the router smart fails: {missing}; Exim skips the router"),
        ),
        (
            " condition = ${lookup{$domain}lsearch{/etc/none}{yes}}\n",
            NEVER,
            format!("condition of the router smart fails: {missing}; Exim skips the router"),
        ),
        (
            " senders = *@a.example : lsearch;/etc/none\n",
            &["t any unused", "s a.example via [smart.example]:25"][..],
            format!("senders of the router smart fails: {missing}; Exim defers the mail of domains that no file names"),
        ),
        (
            " route_data = ${lookup{$domain}lsearch{/etc/none}}\n",
            &["t any unused", "s any"][..],
            format!("route_data of the router smart fails: {missing}; Exim defers the mail"),
        ),
        (
            " address_data = ${lookup{x}lsearch{/etc/none}}\n",
            &["t any unused", "s any"][..],
            format!("address_data of the router smart fails: {missing}; Exim defers the mail"),
        ),
    ] {
        let (found, problems) = behind(&[], options);
        assert_eq!(problems, [message], "{options}");
        let mut expected: Vec<String> = ways.iter().map(|way| (*way).to_owned()).collect();
        expected.sort();
        let mut found = found;
        found.sort();
        assert_eq!(found, expected, "{options}");
    }
    let (ways, problems) = behind(&[], " domains = lsearch;/etc/none\n".replace("domains", "local_parts").as_str());
    assert_eq!(problems, [format!("local_parts of the router smart fails: {missing}; Exim defers the mail")]);
    assert!(ways.iter().all(|way| !way.contains("via")), "{ways:?}");
    let found = exim(&format!(
        "{LISTS}begin routers\nx:\n driver = dnslookup\n domains = lsearch;/etc/none\n transport = t\n{DIRECT}{TRANSPORTS}"
    ));
    assert_eq!(found.problems[0].kind, ProblemKind::Unreadable { undecided: false });
    assert_eq!(found.problems[0].file, "/etc/none");
}

#[test]
fn a_relay_by_the_senders_domain() {
    let files = [("/etc/relays", "a.example: one.example::587\nb.example: two.example\n")];
    for route in [
        " route_data = ${lookup{$sender_address_domain}lsearch{/etc/relays}}\n",
        " route_list = * ${lookup{$sender_address_domain}lsearch{/etc/relays}{$value}fail}\n",
        " condition = ${lookup{$sender_address_domain}lsearch{/etc/relays}{yes}{no}}\n \
          route_list = * ${lookup{$sender_address_domain}lsearch{/etc/relays}{$value}}\n",
    ] {
        let (mut ways, problems) = behind(&files, route);
        ways.sort();
        let expected = ["s a.example via [one.example]:587", "s b.example via [two.example]:25", "t +others"];
        assert_eq!((ways, problems), (expected.map(str::to_owned).to_vec(), Vec::new()), "{route}");
    }
}

/// Hosts that come to nothing are no reason for Exim to go on to the next router.
#[test]
fn a_relay_for_some_senders_that_holds_up_the_others() {
    let files = [("/etc/relays", "a.example: one.example::587\n")];
    let (ways, problems) = behind(&files, " route_list = * ${lookup{$sender_address_domain}lsearch{/etc/relays}}\n");
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(
        problem,
        "route_list of the router smart fails: error in smart router: no host(s) specified for domain; Exim defers the mail of domains that \
         no file names"
    );
    assert!(ways.contains(&"s a.example via [one.example]:587".to_owned()), "{ways:?}");
    assert!(ways.iter().all(|way| !way.starts_with("t ") || way.ends_with("unused")), "{ways:?}");
}

/// The router by which Hestia sends through another server, for one domain or for all; and the same where neither is set up.
#[test]
fn a_relay_whose_file_only_one_domain_has() {
    const FILE: &str = "RELAY = ${if exists{/etc/d/${sender_address_domain}/relay.conf}\
        {/etc/d/${lookup{$sender_address_domain}dsearch{/etc/d}}/relay.conf}{/etc/relay.conf}}\n";
    let router = "relay:\n driver = manualroute\n address_data = ${lookup{host}lsearch{RELAY}}:${lookup{port}lsearch{RELAY}}\n \
        domains = !+local_domains\n require_files = RELAY\n transport = s\n \
        route_list = * ${extract{1}{:}{$address_data}}::${extract{2}{:}{$address_data}}\n no_more\n";
    let config = format!("{FILE}{LISTS}begin routers\n{router}{DIRECT}{TRANSPORTS}");
    let folder = [("/etc/d/a.example/x", ""), ("/etc/d/b.example/x", ""), ("/etc/exim.conf", config.as_str())];
    let ways = |files: &[(&str, &str)]| {
        let found = Fixture::new(files).collect(false);
        assert_eq!(found.problems, []);
        let mut ways: Vec<String> =
            lines(&found).iter().map(|line| line.rsplit("| ").next().unwrap_or_default().to_owned()).collect();
        ways.sort();
        ways
    };
    assert_eq!(ways(&folder), ["any", "any unused"]);
    let one = [&folder[..], &[("/etc/d/a.example/relay.conf", "host: r.example\nport: 587\n")]].concat();
    assert_eq!(ways(&one), ["a.example via [r.example]:587", "b.example+others"]);
    let all = [&folder[..], &[("/etc/relay.conf", "host: r.example\nport: 587\n")]].concat();
    assert_eq!(ways(&all), ["any unused", "any via [r.example]:587"]);
}

/// The programs of this host that are handed whatever is for others, and the ways that are in use.
fn handed(routers: &str) -> (Vec<String>, Vec<String>) {
    let programs = "p:\n driver = pipe\n command = /usr/bin/out\nl:\n driver = lmtp\n command = /usr/bin/out\n\
        f:\n driver = appendfile\n file = /var/mail/all\n";
    let found = exim(&format!("{LISTS}begin routers\n{routers}{TRANSPORTS}{programs}"));
    let ways = lines(&found).into_iter().filter(|line| !line.contains("unused")).collect();
    (found.configurations[0].handed.iter().map(|program| program.value.clone()).collect(), ways)
}

#[test]
fn what_is_handed_to_a_program_of_this_host() {
    const OUTSIDE: &str = "domains = !+local_domains";
    for (router, expected) in [
        // Nothing is left for the DNS's router behind it.
        (format!(" driver = accept\n {OUTSIDE}\n transport = p\n"), Some("p")),
        (format!(" driver = accept\n {OUTSIDE}\n transport = l\n"), Some("l")),
        (format!(" driver = manualroute\n {OUTSIDE}\n route_list = * x\n transport = p\n"), Some("p")),
        (
            format!(
                " driver = manualroute\n {OUTSIDE}\n route_list = * 127.0.0.1::2525\n self = send\n transport = t\n"
            ),
            Some("[127.0.0.1]"),
        ),
        (
            format!(
                " driver = manualroute\n {OUTSIDE}\n route_list = * [127.0.0.1]::2525\n self = send\n transport = t\n"
            ),
            Some("[127.0.0.1]"),
        ),
        // It is kept, not sent.
        (format!(" driver = accept\n {OUTSIDE}\n transport = f\n"), None),
        (" driver = accept\n domains = +local_domains\n transport = p\n".to_owned(), None),
        (format!(" driver = accept\n {OUTSIDE}\n condition = no\n transport = p\n"), None),
        (format!(" driver = accept\n {OUTSIDE}\n condition = ${{if def:h_x:}}\n transport = p\n"), None),
        (format!(" driver = accept\n {OUTSIDE}\n unseen\n transport = p\n"), None),
        (format!(" driver = accept\n {OUTSIDE}\n check_local_user\n transport = p\n"), None),
    ] {
        let (programs, ways) = handed(&format!("a:\n{router}{DIRECT}"));
        let (first, count) = (programs.first().map(String::as_str), programs.len());
        assert!(
            first.is_some_and(|first| expected.is_some_and(|name| first.starts_with(name))) == expected.is_some(),
            "{router} {programs:?}"
        );
        assert_eq!(count, usize::from(expected.is_some()), "{router} {programs:?}");
        let kept = expected.is_some() || router.contains("transport = f");
        assert_eq!(ways.is_empty(), kept, "{router} {ways:?}");
    }
}
