//! Whole configurations: from files to ways of sending.

mod bounded;
mod confidential;
mod files;
mod possible;
mod routing;
mod undecided;

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::addr::Family;
use crate::collect::testing::folder;
use crate::facts::{Bind, Helo, HostFqdn, KernelSource, NextHop, SenderDomains};

/// A host with these files.
pub(super) struct Fixture {
    pub(super) dir: tempfile::TempDir,
}

impl Fixture {
    pub(super) fn new(files: &[(&str, &str)]) -> Fixture {
        let dir = folder(files);
        Fixture { dir }
    }

    pub(super) fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(super) fn collect(&self, cpanel: bool) -> Collected {
        let root = Root::open(self.dir.path()).unwrap();
        let host = host();
        let cpanel = cpanel.then(empty_cpanel);
        collect(&root, &host, cpanel.as_ref(), &[])
    }
}

pub(super) fn host() -> Host {
    Host {
        node_name: Some(Fact::new("mail1.example.com".into(), Origin::kernel("uname(2)"))),
        fqdn: HostFqdn::Unknown("not asked".into()),
        etc_hostname: None,
        mailname: None,
        addresses: None,
        source: KernelSource {
            known: true,
            ipv4: Some("192.0.2.1".parse().unwrap()),
            ipv6: Some("2001:db8::1".parse().unwrap()),
        },
        hosts: Vec::new(),
        nameservers: Vec::new(),
        nonlocal_bind_v4: false,
        nonlocal_bind_v6: false,
    }
}

fn empty_cpanel() -> Cpanel {
    serde_json::from_value(serde_json::json!({
        "version": null, "host": null, "shared_ip": null, "main_ip": null, "nat": [], "mailips": [], "mailhelo": [],
        "reverse": [], "userdomains": [], "userips": [], "localdomains": [], "remotedomains": [], "secondarymx": [],
        "flags": [], "localopts": {}, "files": []
    }))
    .unwrap()
}

/// One line for each sender: transport, family, source, HELO, domains, hop.
pub(super) fn lines(collected: &Collected) -> Vec<String> {
    let mut lines = Vec::new();
    for sender in &collected.senders {
        let family = if sender.family == Family::Ipv4 { "4" } else { "6" };
        let bind = match &sender.bind {
            Bind::Kernel => "kernel".to_owned(),
            Bind::Address { address, .. } => format!("{} ({})", address.value, address.origin.describe()),
            Bind::Unusable { value, .. } => format!("unusable {:?}", value.value),
            Bind::Undecided(undecided) => format!("undecided {}", undecided.why),
        };
        let helo = match &sender.helo {
            Helo::Known(name) => format!("{} ({})", name.value, name.origin.describe()),
            Helo::FollowsPtr { default, joined, .. } => {
                format!(
                    "ptr{} else {}",
                    joined.as_ref().map_or_else(String::new, |by| format!("s by {by:?}")),
                    default.as_ref().unwrap()
                )
            }
            Helo::Undecided(undecided) => format!("undecided {}", undecided.why),
            Helo::None => "none".into(),
        };
        let domains = match &sender.sender_domains {
            SenderDomains::Any => "any".to_owned(),
            SenderDomains::Only { domains, others } => {
                let names: Vec<&str> = domains.iter().map(|name| name.as_str()).collect();
                format!("{}{}", names.join(","), if *others { "+others" } else { "" })
            }
            SenderDomains::Undecided => "undecided".into(),
        };
        let hop = match &sender.next_hop {
            NextHop::Direct => String::new(),
            NextHop::Relay(hop) => format!(" via {}", hop.value),
            NextHop::Here => " here".into(),
            NextHop::Handed(hop) => format!("handed {}", hop.value),
        };
        let unused = if sender.unused { " unused" } else { "" };
        let global = if sender.helo_is_global { " global" } else { "" };
        lines.push(format!("{}/{family} {bind} | {helo}{global} | {domains}{hop}{unused}", sender.service));
    }
    lines
}

pub(super) fn exim(text: &str) -> Collected {
    Fixture::new(&[("/etc/exim.conf", text)]).collect(false)
}

pub(super) const SMTP: &str =
    "begin routers\nr:\n driver = dnslookup\n transport = t\nbegin transports\nt:\n driver = smtp\n";

#[test]
fn a_plain_configuration_uses_both_families_and_the_node_name() {
    let found = exim(SMTP);
    assert_eq!(
        lines(&found),
        [
            "t/4 kernel | mail1.example.com (kernel (uname(2))) global | any",
            "t/6 kernel | mail1.example.com (kernel (uname(2))) global | any",
        ]
    );
    assert!(found.problems.is_empty());
    assert_eq!(lines(&exim(&format!("disable_ipv6\n{SMTP}"))).len(), 1);
    assert_eq!(lines(&exim(&format!("dns_ipv4_lookup = *\n{SMTP}"))).len(), 1);
    assert_eq!(lines(&exim(&format!("dns_ipv4_lookup = *.example\n{SMTP}"))).len(), 2);
}

#[test]
fn an_address_of_one_family_leaves_the_other_to_the_kernel() {
    let found = exim(&format!(
        "{SMTP} interface = <; 192.0.2.9\n helo_data = ${{lookup{{$sending_ip_address}}lsearch{{/etc/exim.conf}}{{x}}{{$sending_ip_address}}}}\n"
    ));
    assert_eq!(
        lines(&found),
        [
            "t/4 192.0.2.9 (/etc/exim.conf:8) | 192.0.2.9 (/etc/exim.conf:9) | any",
            "t/6 kernel | 2001:db8::1 (/etc/exim.conf:9) | any",
        ]
    );
}

#[test]
fn text_that_is_no_address_stops_the_mail() {
    let found = exim(&format!("disable_ipv6\n{SMTP} interface = 192.0.2.1, 192.0.2.2\n"));
    assert_eq!(lines(&found)[0].split(" | ").next().unwrap(), "t/4 unusable \"192.0.2.1, 192.0.2.2\"");
}

/// cPanel's present shape, in our own words: size test, sender's key, recipient's key, then the user's.
fn present(file: &str, default: &str) -> String {
    let last = format!("${{lookup{{${{perl{{get_sender_from_uid}}}}}}lsearch*{{{file}}}{{$value}}{{{default}}}}}");
    format!(
        "${{if ={{0}}{{${{extract{{size}}{{${{stat:{file}}}}}}}}}{{{default}}}{{${{lookup{{${{lc:${{perl{{get_message_sender_domain}}}}}}}}\
         lsearch{{{file}}}{{$value}}{{${{if match_domain{{$original_domain}}{{+relay_domains}}\
         {{${{lookup{{${{lc:$original_domain}}}}lsearch{{{file}}}{{$value}}{{{last}}}}}}}{{{last}}}}}}}}}}}}}"
    )
}

fn cpanel(mailips: Option<&str>, mailhelo: Option<&str>) -> Collected {
    let config = format!(
        "disable_ipv6\ndomainlist relay_domains = lsearch;/etc/localdomains\n{SMTP} interface = <; {}\n helo_data = {}\n",
        present("/etc/mailips", ""),
        present("/etc/mailhelo", "$primary_hostname"),
    );
    let mut files = vec![("/etc/exim.conf", config.as_str()), ("/etc/localdomains", "a.example\n")];
    files.extend(mailips.map(|text| ("/etc/mailips", text)));
    files.extend(mailhelo.map(|text| ("/etc/mailhelo", text)));
    Fixture::new(&files).collect(true)
}

#[test]
fn cpanel_pairs_are_those_of_the_two_maps() {
    let found = cpanel(
        Some("a.example: 192.0.2.11\nb.example: 192.0.2.12\n*: 192.0.2.10\n"),
        Some("a.example: mx.a.example\nc.example: mx.c.example\n*: host.example.com\n"),
    );
    assert_eq!(
        lines(&found),
        [
            "t/4 192.0.2.11 (/etc/mailips:1) | mx.a.example (/etc/mailhelo:1) | a.example",
            "t/4 192.0.2.12 (/etc/mailips:2) | host.example.com (/etc/mailhelo:3) | b.example",
            "t/4 192.0.2.10 (/etc/mailips:3) | mx.c.example (/etc/mailhelo:2) | c.example",
            "t/4 192.0.2.10 (/etc/mailips:3) | host.example.com (/etc/mailhelo:3) | +others",
        ]
    );
}

#[test]
fn empty_cpanel_maps_mean_the_defaults() {
    let found = cpanel(Some(""), Some(""));
    assert_eq!(lines(&found), ["t/4 kernel | mail1.example.com (kernel (uname(2))) | any"]);
}

#[test]
fn a_missing_cpanel_map_stops_all_mail() {
    let found = cpanel(Some("*: 192.0.2.10\n"), None);
    assert!(found.senders.is_empty());
    let [problem] = &found.problems[..] else { panic!("{:?}", found.problems) };
    assert_eq!((&problem.kind, problem.file.as_str()), (&ProblemKind::MapMissing, "/etc/mailhelo"));
}

/// Hestia's way: a folder for each domain, and in some of them a file with the address that its mail leaves from.
#[test]
fn an_address_in_a_folder_of_the_sender_domain() {
    let path = "/etc/exim4/domains/${lookup{$sender_address_domain}dsearch{/etc/exim4/domains/}}/ip";
    let folder = |path: &str| {
        let interface = format!(" interface = ${{if exists{{{path}}}{{${{readfile{{{path}}}}}}}}}\n");
        let text = format!(
            "disable_ipv6 = true\n{SMTP} helo_data = ${{lookup dnsdb{{ptr=$sending_ip_address}}{{$value}}{{$primary_hostname}}}}\n{interface}"
        );
        Fixture::new(&[
            ("/etc/exim.conf", &text),
            ("/etc/exim4/domains/a.example/ip", "192.0.2.10\n"),
            ("/etc/exim4/domains/b.example/accounts", "x:y\n"),
            ("/etc/exim4/domains/c.example/ip", "192.0.2.10\n"),
            ("/etc/exim4/domains/odd name/ip", "192.0.2.11\n"),
        ])
    };
    let ptr = "ptrs by \"\\n\" else mail1.example.com";
    assert_eq!(
        lines(&folder(path).collect(false)),
        [
            format!("t/4 192.0.2.10 (/etc/exim4/domains/a.example/ip:1) | {ptr} | a.example,c.example"),
            format!("t/4 kernel | {ptr} | b.example+others"),
        ]
    );
    // Before 4.94 the domain itself stood in the path: Exim refuses to open that since, and only where the file is there.
    let found = folder("/etc/exim4/domains/$sender_address_domain/ip").collect(false);
    assert_eq!(lines(&found), [format!("t/4 kernel | {ptr} | b.example+others")]);
    assert!(found.problems[0].message.contains("Tainted filename"), "{:?}", found.problems);
    // A file that everyone shares, and folders that cannot be listed by name.
    let shared = folder("/etc/exim4/domains/a.example/ip").collect(false);
    assert_eq!(lines(&shared), [format!("t/4 192.0.2.10 (/etc/exim4/domains/a.example/ip:1) | {ptr} | any")]);
    for path in [
        "/etc/exim4/domains/${uc:$sender_address_domain}/ip",
        "/etc/exim4/domains/${if match{$sender_address}{^a}{$sender_address_domain}}/ip",
    ] {
        let found = lines(&folder(path).collect(false));
        assert!(found.iter().all(|line| line.contains("undecided")), "{path}: {found:?}");
    }
}

#[test]
fn smarthosts_and_local_hops() {
    for (route, hop) in [
        ("route_list = * smtp.relay.example::587 byname", " via [smtp.relay.example]:587"),
        ("route_list = * \"a.relay.example : b.relay.example\"", " via [a.relay.example]:25"),
        ("route_list = * relay.example/MX", " via relay.example:25"),
        ("route_list = a.test [2001::db8::::5]::26 ; b.test h.example", " via [2001:db8::5]:26"),
        ("route_data = 192.0.2.77", " via [192.0.2.77]:25"),
    ] {
        let text = SMTP.replace("driver = dnslookup", &format!("driver = manualroute\n {route}"));
        let families = if route.contains("2001") { "" } else { "disable_ipv6\n" };
        let found = exim(&format!("{families}{text}"));
        assert!(lines(&found)[0].ends_with(hop), "{route}: {:?}", lines(&found));
    }
    for route in ["route_list = * 127.0.0.1::10025", "route_data = localhost"] {
        let text = SMTP.replace("driver = dnslookup", &format!("driver = manualroute\n self = send\n {route}"));
        assert!(exim(&text).senders.is_empty(), "{route}");
    }
}

#[test]
fn a_router_behind_the_smarthost_sees_no_mail() {
    let text = "disable_ipv6\nbegin routers\nsmart:\n driver = manualroute\n domains = ! +local_domains\n transport = t\n \
                route_list = * relay.example byname\n no_more\ndns:\n driver = dnslookup\n transport = t\nbegin transports\nt:\n driver = smtp\n";
    let found = exim(&format!("domainlist local_domains = @\n{text}"));
    assert_eq!(lines(&found).len(), 1);
    assert!(lines(&found)[0].ends_with(" via [relay.example]:25"));
}

/// Three transports, each with a name of its own, behind routers with these `senders`; the last has none.
fn by_senders(lists: &str, first: &str, second: &str) -> Vec<String> {
    let router = |name: &str, senders: &str| {
        let senders = if senders.is_empty() { String::new() } else { format!(" senders = {senders}\n") };
        format!("r_{name}:\n driver = dnslookup\n domains = ! +local_domains\n transport = {name}\n{senders}")
    };
    let transports =
        ["one", "two", "rest"].map(|name| format!("{name}:\n driver = smtp\n helo_data = {name}.example.com\n"));
    let text = format!(
        "disable_ipv6\ndomainlist local_domains = @\n{lists}\nbegin routers\n{}{}{}begin transports\n{}",
        router("one", first),
        router("two", second),
        router("rest", ""),
        transports.concat()
    );
    let files = [("/etc/exim.conf", text.as_str()), ("/etc/keys", "k.example: x\nl.example: y\n")];
    let found = lines(&Fixture::new(&files).collect(false));
    let short = |line: &String| {
        let (transport, domains) = (line.split('/').next().unwrap(), line.rsplit(" | ").next().unwrap());
        format!("{transport}: {domains}")
    };
    found.iter().map(short).collect()
}

#[test]
fn routers_select_by_the_senders_domain() {
    for (lists, first, second, expected) in [
        ("", "*@a.example : b.example", "*@c.example", ["one: a.example,b.example", "two: c.example", "rest: +others"]),
        // The first router that takes it counts.
        ("", "*@a.example", "*@a.example : *@b.example", ["one: a.example", "two: b.example", "rest: +others"]),
        ("", "!*@a.example : *", "*@a.example", ["one: +others", "two: a.example", "rest: undecided"]),
        ("", "*@*.a.example", "*@x.a.example", ["one: *.a.example,x.a.example", "two: any unused", "rest: +others"]),
        (
            "addresslist own = *@a.example : *@+more\ndomainlist more = b.example : c.example",
            "+own",
            "*@d.example",
            ["one: a.example,b.example,c.example", "two: d.example", "rest: +others"],
        ),
        ("", "*@lsearch;/etc/keys", "*@b.example", ["one: k.example,l.example", "two: b.example", "rest: +others"]),
        // A local part, an expression, or a key of whole addresses is no domain.
        ("", "info@a.example", "*@b.example", ["one: undecided", "two: b.example", "rest: a.example+others"]),
        ("", "^.*@a", "*@b.example", ["one: undecided", "two: b.example", "rest: +others"]),
        ("", "lsearch*@;/etc/keys", "*@b.example", ["one: undecided", "two: b.example", "rest: +others"]),
        ("", "${lookup mysql{select x}}", "*@b.example", ["one: undecided", "two: b.example", "rest: +others"]),
        ("", ":", "*@b.example", ["one: undecided", "two: b.example", "rest: +others"]),
    ] {
        assert_eq!(by_senders(lists, first, second), expected, "{first} | {second}");
    }
}

/// A router's selection and that of its transport's own expansion meet.
#[test]
fn a_router_and_its_transport_select_together() {
    let text = "disable_ipv6\nbegin routers\nown:\n driver = dnslookup\n transport = own\n senders = *@a.example : *@b.example\n no_more\n\
        rest:\n driver = manualroute\n transport = rest\n route_list = * relay.example\nbegin transports\nown:\n driver = smtp\n \
        helo_data = ${if eq{$sender_address_domain}{b.example}{b.example}{x.example}}\nrest:\n driver = smtp\n \
        helo_data = ${lookup{$sender_address_domain}lsearch{/etc/names}{$value}{$primary_hostname}}\n";
    let files = [("/etc/exim.conf", text), ("/etc/names", "a.example: a.example\nc.example: c.example\n")];
    assert_eq!(
        lines(&Fixture::new(&files).collect(false)),
        [
            "own/4 kernel | b.example (/etc/exim.conf:15) | b.example",
            "own/4 kernel | x.example (/etc/exim.conf:15) | a.example",
            "rest/4 kernel | c.example (/etc/names:2) | c.example via [relay.example]:25",
            "rest/4 kernel | mail1.example.com (kernel (uname(2))) | +others via [relay.example]:25",
        ]
    );
}

#[test]
fn a_transport_that_nothing_names_is_unused() {
    let found = exim(&format!("disable_ipv6\n{SMTP}spare:\n driver = smtp\n"));
    assert!(lines(&found)[1].ends_with(" unused"), "{:?}", lines(&found));
}

/// Every construct that files cannot decide leaves the setting undecided.
#[test]
fn a_refusal_ends_the_judgement_and_names_its_place() {
    let text = format!("no_such = 1\n{SMTP}");
    let version = ("/usr/sbin/exim", "Exim version %s #%s built %s\n4.96\n");
    let found = Fixture::new(&[("/etc/exim.conf", &text), version]).collect(false);
    assert!(found.senders.is_empty());
    assert_eq!(found.problems[0].message, "main option \"no_such\" unknown");
    assert_eq!(found.problems[0].origin.as_ref().unwrap().describe(), "/etc/exim.conf:1");
    assert_eq!(found.configurations[0].error.as_ref().unwrap().message, "main option \"no_such\" unknown");
}

#[test]
fn a_list_whose_name_is_glued_to_its_word_is_refused() {
    for kind in ["domainlist", "hostlist", "addresslist", "localpartlist"] {
        let found = exim(&format!("{kind}named = x\n{SMTP}"));
        assert_eq!(found.problems[0].message, "unrecognized configuration line", "{kind}");
    }
}

#[test]
fn what_depends_on_the_build_is_undecided_where_it_matters() {
    let asked = |inside: &str| {
        let found = exim(&format!("disable_ipv6\n{SMTP}.ifdef _HAVE_NEWER_THING\n{inside}\n.endif\n"));
        lines(&found).join("\n")
    };
    assert!(asked(" helo_data = other.example").contains("| undecided it depends on what Exim was built with"));
    assert!(asked(" interface = 192.0.2.7").contains("t/4 undecided it depends on what Exim was built with"));
    assert!(!asked(" hosts_try_fastopen = *").contains("undecided"));
    assert!(!asked(" some_newer_option = *").contains("undecided"));
}

#[test]
fn files_that_include_each_other_are_reported() {
    let found = exim(".include /etc/exim.conf\n");
    assert!(found.problems[0].message.starts_with("failed to open included configuration file"));
}

#[test]
fn a_newer_source_of_a_generated_file_is_reported() {
    let fixture = Fixture::new(&[
        ("/var/lib/exim4/config.autogenerated", SMTP),
        ("/etc/exim4/update-exim4.conf.conf", "dc_use_split_config='true'\n"),
        ("/etc/exim4/conf.d/main/01_x", "x"),
        ("/etc/exim4/conf.d/main/02_x.dpkg-old", "x"),
        ("/etc/exim4/exim4.conf.template", "x"),
    ]);
    assert_eq!(fixture.collect(false).problems, []);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    for path in ["conf.d/main/01_x", "conf.d/main/02_x.dpkg-old", "exim4.conf.template"] {
        let file = fs::File::options().write(true).open(fixture.dir.path().join("etc/exim4").join(path)).unwrap();
        file.set_modified(later).unwrap();
    }
    let found = fixture.collect(false);
    let files: Vec<&str> = found.problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["/etc/exim4/conf.d/main/01_x"]);
}

/// Pieces that configurations are made of, and some that they are not.
const PIECES: &[&str] = &[
    "A",
    "AB = A",
    "A == AA",
    " = ",
    "\n",
    "\\\n",
    "\\",
    "#",
    ".ifdef A\n",
    ".else\n",
    ".endif\n",
    ".include /etc/exim.conf\n",
    "begin transports\n",
    "begin routers\n",
    "t:\n",
    "driver = smtp\n",
    "driver = manualroute\n",
    "transport = t\n",
    "route_list = * ",
    "helo_data = ",
    "interface = ",
    "${lookup{$sender_address_domain}",
    "lsearch*{/etc/map}",
    "{$value}",
    "${if ",
    "eq{",
    "}",
    "{",
    "${lc:",
    "$",
    "\"",
    "\\N",
    "${expand:",
    "${sg{a}{",
    "forany{a:b}{",
    "\u{f8ff}",
    "\0",
    "ä",
    "\t",
    "${eval:((((",
    "9999999999999999999",
    "${substr{-9}{",
    "<; ",
    "::",
    "192.0.2.1",
    "${stat:/etc/map}",
    "\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    /// No text makes the reader or the evaluator panic, and both end.
    #[test]
    fn any_text_is_read_to_an_end(parts in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = parts.iter().map(|part| PIECES[*part]).collect();
        let fixture = Fixture::new(&[("/etc/exim.conf", &text), ("/etc/map", &text)]);
        fixture.collect(false);
        fixture.collect(true);
    }

    /// The same within one setting, where it always reaches the evaluator.
    #[test]
    fn any_expansion_is_evaluated_to_an_end(parts in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = parts.iter().map(|part| PIECES[*part].replace('\n', " ")).collect();
        let config = format!("{SMTP} helo_data = {text}\n");
        Fixture::new(&[("/etc/exim.conf", &config), ("/etc/map", &text)]).collect(false);
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in
        [("${lc:", "}"), ("${if !", "}"), ("${if and{{", "}}}"), ("${expand:", "}"), ("${eval:(", ")}"), ("{", "}")]
    {
        let text = format!("{}x{}", open.repeat(20_000), close.repeat(20_000));
        exim(&format!("{SMTP} helo_data = {text}\n"));
    }
    let doubled: String = (0..60).map(|n| format!("M{n}Z = {}\n", format!("M{}Z", n - 1).repeat(2))).collect();
    let found = exim(&format!("M-1Z = 0123456789\nMZ = 1\n{doubled}"));
    assert!(found.configurations[0].error.is_some());
}
