//! What the master and single programs refuse when they start, as the programs of Postfix 3.7.11 do.

use super::tests::{MASTER, host, postfix, run_on};
use crate::collect::testing::root;

/// Messages of what is refused, with the place.
fn refused(main: &str, master: &str) -> Vec<String> {
    let collected = postfix(main, master);
    let short = |message: &str| {
        message.split(": in service ").next().unwrap_or_default().split(": every Postfix").next().map(str::to_owned)
    };
    let short = |message: &str| short(message)?.split(": the master refuses").next().map(str::to_owned);
    collected.problems.iter().filter_map(|problem| short(&problem.message)).collect()
}

#[test]
fn values_that_a_program_does_not_take() {
    for (main, words) in [
        ("message_size_limit = 50M\n", Some("bad numerical configuration: message_size_limit = 50M")),
        ("soft_bounce = true\n", Some("bad boolean configuration: soft_bounce = true")),
        ("smtp_connect_timeout = 30 s\n", Some("parameter smtp_connect_timeout: bad time value or unit: 30 s")),
        ("smtp_connect_timeout = 30seconds\n", None),
        ("smtp_tls_security_level = opportunistic\n", Some("Invalid TLS level \"opportunistic\"")),
        ("smtp_tls_security_level = May\n", None),
        ("smtp_host_lookup = hosts\n", Some("unknown smtp_host_lookup value \"hosts\" in \"hosts\"")),
        ("smtp_address_preference = v4\n", Some("bad smtp_address_preference value: v4")),
        ("smtp_dns_support_level = yes\n", Some("invalid smtp_dns_support_level: \"yes\"")),
        (
            "smtp_generic_maps = /etc/postfix/generic\n",
            Some("open dictionary: expecting \"type:name\" form instead of \"/etc/postfix/generic\""),
        ),
        (
            "smtp_sasl_auth_enable = yes\n",
            Some("specify a password table via the `smtp_sasl_password_maps' configuration parameter"),
        ),
        ("smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:a:b\n", None),
        ("mydestination = a, x:\n", Some("open dictionary: expecting \"type:name\" form instead of \"x:\"")),
        (
            "syslog_facility = log\n",
            Some("file /etc/postfix/main.cf: parameter syslog_facility: unrecognized value: log"),
        ),
        ("mynetworks_style = all\n", Some("unknown mynetworks mask style value \"all\" in \"all\"")),
        (
            "inet_protocols =\ninet_interfaces = 203.0.113.99\n",
            Some("all network protocols are disabled (inet_protocols = )"),
        ),
    ] {
        let found = refused(main, MASTER);
        let found: Vec<&str> =
            found.iter().map(|text| text.split(": the program that looks").next().unwrap()).collect();
        assert_eq!(found.first().copied(), words, "{main}: {found:?}");
        assert!(found.len() < 3, "{main}: {found:?}");
    }
    let qmgr = format!("{MASTER}qmgr unix n - n 300 1 qmgr\n");
    let found = refused("queue_run_delay = 5 minutes\n", &qmgr);
    assert_eq!(found.first().map(String::as_str), Some("parameter queue_run_delay: bad time value or unit: 5 minutes"));
}

#[test]
fn entries_that_the_master_does_not_take() {
    for (entry, words) in [
        ("x unix - -", Some("line 1: missing \"chroot\" field")),
        ("x unix - - n - smtp", Some("line 1: field \"max_proc\": bad value: \"smtp\"")),
        ("x UNIX - - n - - smtp", Some("line 1: bad transport type: UNIX")),
        ("x unix - Y n - - smtp", Some("line 1: field \"unprivileged\": bad value: \"Y\"")),
        ("x unix - - n x60 - smtp", Some("line 1: field \"wakeup_time\": bad value: \"x60\"")),
        // postconf(1) refuses these.
        ("x unix - - n 60x 1x smtp", None),
        ("2525 inet - - n - - smtpd", Some("line 1: inet service cannot be private")),
        ("25x inet n - n - - smtpd", Some("line 1: garbage after numerical service in \"25x\"")),
        ("192.0.2.25:25 inet n - n - - smtpd", None),
        ("[2001:db8::25]:25 inet n - n - - smtpd", None),
        ("0.0.0.0:25 inet n - n - - smtpd", None),
        ("127.0.0.9:10025 inet n - n - - smtpd", None),
        ("203.0.113.99:smtp inet n - n - - smtpd", Some("bind 203.0.113.99 port 25: Cannot assign requested address")),
        (
            "[2001:db8::99]:587 inet n - n - - smtpd",
            Some("bind 2001:db8::99 port 587: Cannot assign requested address"),
        ),
        ("x unix - - n - - smtp -o", Some("invalid option: o")),
        ("x unix - - n - - smtp flags=DQ", Some("unknown flags=Q value \"Q\" in \"Q\"")),
        (
            "x unix - - n - - /usr/lib/postfix/sbin/smtp",
            Some("master_spawn: exec $daemon_directory//usr/lib/postfix/sbin/smtp: No such file or directory"),
        ),
    ] {
        let found = refused("", &format!("{entry}\n{MASTER}"));
        // That nothing names the service is another matter.
        let first = found.first().filter(|message| !message.starts_with("no parameter"));
        assert!(
            first.is_some() == words.is_some() && first.is_none_or(|first| first.ends_with(words.unwrap_or_default())),
            "{entry}: {found:?}"
        );
    }
}

#[test]
fn an_address_that_is_not_there_may_be_bound_where_the_kernel_lets_it() {
    let files = [("etc/postfix/main.cf", ""), ("etc/postfix/master.cf", "203.0.113.99:25 inet n - n - - smtpd\n")];
    let mut host = host(Some(&["192.0.2.25"]));
    assert!(run_on(&files, &host).instances[0].error.is_some());
    host.nonlocal_bind_v4 = true;
    assert!(run_on(&files, &host).instances[0].error.is_none());
    host.addresses = None;
    host.nonlocal_bind_v4 = false;
    assert!(run_on(&files, &host).instances[0].error.is_none());
}

#[test]
fn programs_that_are_elsewhere() {
    let main = "daemon_directory = /usr/libexec/postfix\n";
    let missing = |folder: &str| {
        let (dir, root) = root(&[("etc/postfix/main.cf", main), ("etc/postfix/master.cf", MASTER)]);
        std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        let found = super::collect(&root, &host(None), &[]);
        found.problems.iter().any(|problem| problem.message.starts_with("master_spawn: exec /usr/libexec/postfix/"))
    };
    assert!(missing("usr/lib/postfix/sbin"));
    assert!(!missing("usr/libexec/postfix"));
    assert!(!missing("usr/bin"), "none are known");
}

/// Answered by Postfix 3.7.11.
#[test]
fn lists_of_addresses_that_hold_none() {
    for (main, words) in [
        ("proxy_interfaces = 203.0.113.40 # nat\n", "config variable proxy_interfaces: host not found: #"),
        ("proxy_interfaces = 203.0.113.0/24\n", "config variable proxy_interfaces: host not found: 203.0.113.0/24"),
        ("proxy_interfaces = \"203.0.113.40\"\n", "config variable proxy_interfaces: host not found: \"203.0.113.40\""),
        ("relayhost = [198.51.100.1]\nproxy_interfaces = #\n", "config variable proxy_interfaces: host not found: #"),
        (
            "inet_interfaces = nosuch.fir.example\nsmtp_bind_address = 192.0.2.1\n",
            "host not found: nosuch.fir.example, unless",
        ),
    ] {
        let found = refused(main, MASTER);
        assert!(found.iter().any(|text| text.contains(words)), "{main}: {found:?}");
    }
    for main in
        ["proxy_interfaces = 203.0.113.40, [2001:db8::1]\n", "relayhost = [198.51.100.1]:587\nproxy_interfaces = #\n"]
    {
        assert_eq!(refused(main, MASTER), [] as [String; 0], "{main}");
    }
    let found = refused("inet_interfaces =\n", MASTER);
    assert!(found.iter().any(|text| text.contains("no valid IP address found: smtp")), "{found:?}");
    assert_eq!(refused("inet_interfaces = all\n", MASTER), [] as [String; 0]);
}

/// What is said of next hops, without the end that says what then.
fn of_hops(main: &str, master: &str) -> Vec<String> {
    let found = refused(&format!("inet_protocols = all\n{main}"), master);
    found.into_iter().map(|text| text.split(": the client").next().unwrap().to_owned()).collect()
}

#[test]
fn next_hops_that_the_client_can_read_and_not_use() {
    let loops = |host: &str| format!("mail for {host} loops back to myself");
    let nowhere = |host: &str| format!("Name service error for {host}: invalid host or domain name");
    for (main, words) in [
        ("inet_protocols = ipv6\nrelayhost = [198.51.100.1]\n", Some(nowhere("198.51.100.1"))),
        ("inet_protocols = ipv4\nrelayhost = [2001:db8::99]:587\n", Some(nowhere("2001:db8::99"))),
        ("inet_protocols = ipv6\nrelayhost = [127.0.0.1]:10025\n", Some(nowhere("127.0.0.1"))),
        ("inet_protocols = ipv4\nrelayhost = [2001:db8::99], [198.51.100.1]\n", None),
        ("relayhost = [198.51.100.1], [192.0.2.25]\n", Some(loops("192.0.2.25"))),
        ("relayhost = [198.51.100.1], [192.0.2.25]:2525\n", None),
        ("relayhost = [0.0.0.0]:25\n", Some(loops("0.0.0.0"))),
        ("relayhost = [::]\n", Some(loops("::"))),
        ("relayhost = [0.0.0.0]:2525\n", None),
        ("smtp_fallback_relay = [192.0.2.25]\n", Some(loops("192.0.2.25"))),
        ("smtp_fallback_relay = [127.0.0.1]:2525\n", None),
    ] {
        let mut found = of_hops(main, MASTER);
        found.retain(|text| !text.contains("is set more than once"));
        assert_eq!(found, Vec::from_iter(words), "{main}");
    }
    // Where no server of Postfix's answers there, another may.
    let deaf = MASTER.replace("smtp inet", "submission inet");
    assert_eq!(of_hops("relayhost = [0.0.0.0]:25\n", &deaf), [""; 0]);
}

#[test]
fn a_service_that_a_table_names_in_vain() {
    let main = "transport_maps = inline:{{*=smtp:[smtp.example]}}\n\
                sender_dependent_default_transport_maps = inline:{{@a.example=out:}}\n";
    let found = refused(main, &format!("{MASTER}out unix - - n - - smtp\n"));
    assert!(found.len() == 1 && found[0].contains("`transport_maps` answers for all mail"), "{found:?}");
}

#[test]
fn a_row_of_a_table_that_is_not_compiled_is_read_by_nobody() {
    let files = [
        ("etc/postfix/main.cf", "transport_maps = hash:/etc/postfix/transport\n"),
        ("etc/postfix/master.cf", MASTER),
        ("etc/postfix/transport", "a.example smtp:[relay.example\n"),
    ];
    let found = super::tests::run_on(&files, &super::tests::host(Some(&["192.0.2.25"])));
    let [problem] = &found.problems[..] else { panic!("{:?}", found.problems) };
    assert!(problem.message.contains("has no compiled form"), "{}", problem.message);
    let compiled = [&files[..], &[("etc/postfix/transport.db", "x")]].concat();
    let found = super::tests::run_on(&compiled, &super::tests::host(Some(&["192.0.2.25"])));
    assert!(found.problems.iter().any(|problem| problem.message.contains("missing \"]\"")), "{:?}", found.problems);
}
