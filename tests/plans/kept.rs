//! What a plan does not give up: an address, a name, a next hop or a record that was right; and where what it writes lasts. Each is a healthy
//! host with one or two faults of the kind that a move leaves behind.

use std::fs;
use std::path::Path;

use crate::host::{Host, is_loud, keys};
use crate::loud_steps;

/// A fault, and what its plan does and does not hold.
struct Case {
    what: &'static str,
    base: &'static str,
    change: fn(&mut Host),
    /// Parts of the steps, as words and commands.
    has: &'static [&'static str],
    /// What no step has.
    lacks: &'static [&'static str],
}

const HELO_DATA: &str = "/etc/virtual/helo_data";
const MAILIPS: &str = "/etc/mailips";
const REVERSE: &str = "113.0.203.in-addr.arpa.zone";

const CASES: &[Case] = &[
    Case {
        what: "a public address in mailips, and a PTR name misspelt",
        base: "cpanel-nat",
        change: |host| {
            host.replace(MAILIPS, "firm.example: 10.0.0.5", "firm.example: 203.0.113.11");
            host.replace_in_zone(REVERSE, "mail.firm.example", "mail.firm.exmaple");
        },
        has: &["scripts/updateuserdomains", "11.113.0.203.in-addr.arpa. 3600 IN PTR mail.firm.example."],
        lacks: &[" IN A "],
    },
    Case {
        what: "the table of HELO names is not there",
        base: "directadmin-two-addresses",
        change: |host| fs::remove_file(host.file(HELO_DATA)).unwrap(),
        has: &["203.0.113.11: mail.shop.example"],
        lacks: &[" IN "],
    },
    Case {
        what: "it is empty",
        base: "directadmin-two-addresses",
        change: |host| host.write(HELO_DATA, ""),
        has: &["203.0.113.11: mail.shop.example"],
        lacks: &[" IN "],
    },
    Case {
        what: "it has no line of the address",
        base: "directadmin-two-addresses",
        change: |host| host.write(HELO_DATA, "203.0.113.10: server.example.com\n"),
        has: &["203.0.113.11: mail.shop.example"],
        lacks: &[" IN ", "server.example.com"],
    },
    Case {
        what: "a table by sender domain is not there",
        base: "directadmin-two-addresses",
        change: |host| host.helo_by_domain(None),
        has: &["shop.example: mail.shop.example"],
        lacks: &[" IN "],
    },
    Case {
        what: "it has no line of the domain",
        base: "directadmin-two-addresses",
        change: |host| host.helo_by_domain(Some("firm.example: mail.firm.example\n")),
        has: &["shop.example: mail.shop.example"],
        lacks: &[" IN "],
    },
    Case {
        what: "the interface of a domain is of the old host, and the table of HELO names is not there",
        base: "directadmin-two-addresses",
        change: |host| {
            host.replace("/etc/virtual/domainips", "203.0.113.11", "198.51.100.7");
            fs::remove_file(host.file(HELO_DATA)).unwrap();
        },
        has: &["shop.example: 203.0.113.11", "203.0.113.11: mail.shop.example"],
        lacks: &[" IN ", "203.0.113.10"],
    },
    Case {
        what: "a domain's address of the old host, by table",
        base: "directadmin-two-addresses",
        change: |host| host.replace("/etc/virtual/domainips", "203.0.113.11", "198.51.100.7"),
        has: &["shop.example: 203.0.113.11"],
        lacks: &["203.0.113.10"],
    },
    Case {
        what: "the same, by a file of the domain",
        base: "hestia-two-addresses",
        change: |host| host.replace("/etc/exim4/domains/news.example.com/ip", "203.0.113.11", "203.0.113.99"),
        has: &["write `203.0.113.11`"],
        lacks: &["203.0.113.10"],
    },
    Case {
        what: "the same, by a transport, whose HELO name is the old host's too",
        base: "exim-by-sender-domain",
        change: |host| {
            host.replace("/etc/exim.conf", "interface = 203.0.113.12", "interface = 198.51.100.7");
            host.replace("/etc/exim.conf", "helo_data = news.example.com", "helo_data = old.example.com");
        },
        has: &["write `interface = 203.0.113.12`, `helo_data = news.example.com`"],
        lacks: &["mail.example.com", " IN "],
    },
    Case {
        what: "the NAT map is of another machine",
        base: "cpanel-nat",
        change: |host| host.replace("/var/cpanel/cpnat", "203.0.113.11", "203.0.113.99"),
        has: &["scripts/build_cpnat", "`mail.firm.example` leads to 203.0.113.11 and back"],
        lacks: &[" IN "],
    },
    Case {
        what: "IPv6 without a name, on a host whose configuration is built",
        base: "transfer-07-ipv6",
        change: |_| {},
        has: &["/etc/exim.conf.local", "@CONFIG@", "disable_ipv6 = true", "scripts/buildeximconf"],
        lacks: &["sed -i", " IN "],
    },
    Case {
        what: "the same where the file of its own settings has some",
        base: "transfer-07-ipv6",
        change: |host| host.write("/etc/exim.conf.local", "@AUTH@\n@CONFIG@\nsmtp_accept_max = 100\n"),
        has: &["@CONFIG@", "disable_ipv6 = true", "scripts/buildeximconf"],
        lacks: &[" IN ", "/etc/exim.conf\n"],
    },
    Case {
        what: "a next hop below an empty one, which the old host did not have",
        base: "postfix-plain",
        change: |host| {
            host.move_from_itself();
            host.append("/etc/postfix/main.cf", "relayhost = [smtp.isp.example]:587\n");
        },
        has: &["22{/^relayhost = $/d}"],
        lacks: &["smtp.isp.example"],
    },
    Case {
        what: "a service that stands twice, which the old host did not have",
        base: "postfix-plain",
        change: |host| {
            host.move_from_itself();
            host.append("/etc/postfix/master.cf", "smtp unix - - y - - smtp\n  -o relayhost=[smtp.isp.example]:587\n");
        },
        has: &["master.cf"],
        lacks: &["smtp.isp.example"],
    },
    Case {
        what: "a setting that stands four times, once over several lines",
        base: "postfix-plain",
        change: |host| {
            let again =
                "message_size_limit = 1\nmessage_size_limit =\n  2\n# the one that counts\nmessage_size_limit = 3\n";
            host.append("/etc/postfix/main.cf", &format!("message_size_limit = 1\n{again}"));
        },
        has: &[
            "28{/^message_size_limit = 1$/d}",
            "29{/^message_size_limit = 1$/d}",
            "30{/^message_size_limit =$/d}",
            "31{/^  2$/d}",
        ],
        lacks: &["size_limit = 3", "the one that counts"],
    },
    Case {
        what: "a setting that stands twice and took the indented ones below it in",
        base: "postfix-plain",
        change: |host| {
            let first = "message_size_limit =\n  1\n  bounce_size_limit = 5\n# more\n  header_size_limit = 9\n";
            host.append("/etc/postfix/main.cf", &format!("{first}message_size_limit = 2\n"));
        },
        has: &["/^  1$/d}", "write `bounce_size_limit = 5`, `header_size_limit = 9`, remove"],
        lacks: &["message_size_limit = 2"],
    },
    Case {
        what: "a service that stands three times, with a comment among its settings",
        base: "postfix-plain",
        change: |host| {
            let entry = "extra unix - - y - - smtp\n";
            let first = format!("{entry}  -o smtp_x=1\n# more\n  -o smtp_y=2\n");
            host.append("/etc/postfix/master.cf", &format!("{first}{entry}  -o smtp_z=3\n{entry}"));
        },
        has: &["/^  -o smtp_x=1$/d}", "/^  -o smtp_y=2$/d}", "/^  -o smtp_z=3$/d}"],
        lacks: &["# more"],
    },
];

/// Nothing is left but what differs from the old host, which is a person's to judge.
#[test]
fn what_works_stays_and_what_fits_is_taken() {
    let mut wrong = Vec::new();
    for case in CASES {
        let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts");
        let mut host = Host::copy(&hosts.join(case.base));
        (case.change)(&mut host);
        let before = host.check();
        let plan = &before["plan"];
        let text = loud_steps(plan);
        let lost: Vec<_> = case.has.iter().filter(|part| !text.contains(*part)).collect();
        let bad: Vec<_> = case.lacks.iter().filter(|part| text.contains(*part)).collect();
        host.carry_out_plan(plan);
        let mut left = keys(&host.check(), is_loud);
        left.retain(|(code, _)| !code.starts_with("MIG"));
        if !lost.is_empty() || !bad.is_empty() || !left.is_empty() {
            wrong.push(format!("{}: without {lost:?}, with {bad:?}; {left:?} is left:\n{text}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an entry that stands twice took in is a person's to judge where it cannot be made without more: no command takes it away.
#[test]
fn what_an_entry_took_in_is_not_lost_with_it() {
    let service = "extra unix - - y - - smtp\n";
    for (file, text) in [
        // Set elsewhere in this file.
        ("main.cf", "message_size_limit = 1\n  mailbox_size_limit = 5\nmessage_size_limit = 2\n".to_owned()),
        // It lets in.
        ("main.cf", "message_size_limit = 1\n  smtpd_helo_required = no\nmessage_size_limit = 2\n".to_owned()),
        // No parameter of Postfix's: a setting that others may refer to, or a part of the value.
        ("main.cf", "message_size_limit = 1\n  my_own = 5\nmessage_size_limit = 2\n".to_owned()),
        ("master.cf", format!("{service}  other unix - - y - - smtp\n{service}")),
    ] {
        let mut host = Host::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain"));
        let path = format!("/etc/postfix/{file}");
        host.append(&path, &text);
        let before = fs::read_to_string(host.file(&path)).unwrap();
        let report = host.check();
        let twice = |(code, _): &(String, String)| ["CFG002", "CFG013"].contains(&code.as_str());
        assert!(keys(&report, is_loud).iter().any(twice), "{text}");
        host.carry_out_plan(&report["plan"]);
        assert_eq!(fs::read_to_string(host.file(&path)).unwrap(), before, "{}", loud_steps(&report["plan"]));
    }
}
