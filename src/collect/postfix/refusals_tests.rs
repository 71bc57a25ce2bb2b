//! What the master and single programs refuse when they start, as the programs of Postfix 3.7.11 do.

use super::tests::{MASTER, host, postfix, run_on};
use crate::collect::root::Root;

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
        ("smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/x\n", None),
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
        let dir = tempfile::tempdir().unwrap();
        for folder in ["etc/postfix", folder] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        std::fs::write(dir.path().join("etc/postfix/main.cf"), main).unwrap();
        std::fs::write(dir.path().join("etc/postfix/master.cf"), MASTER).unwrap();
        let found = super::collect(&Root::open(dir.path()).unwrap(), &host(None), &[]);
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
