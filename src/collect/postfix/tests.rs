//! Whole hosts: files in, senders and problems out, each told in one line.

use std::fs;

use super::*;
use crate::collect::testing::{folder, put};
use crate::facts::ProblemKind;
use crate::facts::{Bind, Helo, HostFqdn, InterfaceAddress, KernelSource, NextHop, SenderDomains};

pub(super) const MASTER: &str = "smtp inet n - n - - smtpd\nrewrite unix - - n - - trivial-rewrite\n\
                      smtp unix - - n - - smtp\nrelay unix - - n - - smtp\nlmtp unix - - n - - lmtp\n";

pub(super) fn host(addresses: Option<&[&str]>) -> Host {
    let address = |text: &&str| InterfaceAddress {
        interface: "eth0".into(),
        address: text.parse().unwrap(),
        prefix_length: None,
        flags: Vec::new(),
    };
    Host {
        node_name: Some(Fact::new("mail1.example.com".into(), Origin::kernel("uname(2)"))),
        fqdn: HostFqdn::Unknown("not asked".into()),
        etc_hostname: None,
        mailname: None,
        addresses: addresses.map(|all| all.iter().map(address).collect()),
        source: KernelSource { known: false, ipv4: None, ipv6: None },
        hosts: Vec::new(),
        nameservers: Vec::new(),
        nonlocal_bind_v4: false,
        nonlocal_bind_v6: false,
    }
}

fn run(files: &[(&str, &str)]) -> Collected {
    run_on(files, &host(Some(&["127.0.0.1", "::1", "192.0.2.25", "192.0.2.26", "2001:db8::25"])))
}

pub(super) fn run_on(files: &[(&str, &str)], host: &Host) -> Collected {
    let dir = folder(files);
    collect(&Root::open(dir.path()).unwrap(), host, &[])
}

/// main.cf and master.cf of the default instance.
pub(super) fn postfix(main: &str, master: &str) -> Collected {
    run(&[("etc/postfix/main.cf", main), ("etc/postfix/master.cf", master)])
}

fn told(sender: &Sender) -> String {
    let bind = match &sender.bind {
        Bind::Kernel => "kernel".into(),
        Bind::Address { parameter, address, on_failure } => format!("{parameter} {} {on_failure:?}", address.value),
        Bind::Unusable { parameter, value, then } => format!("{parameter} unusable {} {then:?}", value.value),
        Bind::Undecided(undecided) => format!("{} undecided", undecided.parameter),
    };
    let helo = match &sender.helo {
        Helo::Known(name) => name.value.as_str().to_owned(),
        other => format!("{other:?}"),
    };
    let hop = match &sender.next_hop {
        NextHop::Direct => "direct".into(),
        NextHop::Here => "here".into(),
        NextHop::Handed(hop) => format!("handed {}", hop.value),
        NextHop::Relay(hop) => hop.value.clone(),
    };
    let domains = match &sender.sender_domains {
        SenderDomains::Any => String::new(),
        SenderDomains::Undecided => " from ?".into(),
        SenderDomains::Only { domains, others } => format!(" from {domains:?} others {others}"),
    };
    format!(
        "{} {} | {bind} | {helo}{} | {hop}{domains}{}",
        sender.service,
        sender.family.title(),
        if sender.helo_is_global { "" } else { " (own)" },
        if sender.unused { " unused" } else { "" }
    )
}

pub(super) fn senders(collected: &Collected) -> Vec<String> {
    collected.senders.iter().map(told).collect()
}

fn codes(collected: &Collected) -> Vec<String> {
    let line = |p: &Problem| p.origin.as_ref().and_then(|o| Some(o.span()?.position().line)).unwrap_or(0);
    collected
        .problems
        .iter()
        .map(|p| {
            let kind = format!("{:?}", p.kind);
            let kind = kind.split([' ', '{']).next().unwrap_or_default();
            format!("{kind} {}:{}", p.file.rsplit('/').next().unwrap_or_default(), line(p))
        })
        .collect()
}

#[test]
fn a_host_without_postfix_yields_nothing() {
    let collected = run(&[("etc/hosts", "127.0.0.1 localhost\n")]);
    assert!(collected.instances.is_empty() && collected.senders.is_empty() && collected.problems.is_empty());
}

#[test]
fn the_stock_configuration_sends_directly() {
    let collected = postfix("inet_protocols = ipv4\n", MASTER);
    assert_eq!(
        senders(&collected),
        [
            "smtp IPv4 | kernel | mail1.example.com | direct",
            "relay IPv4 | kernel | mail1.example.com | direct",
            "lmtp IPv4 | kernel | mail1.example.com | here unused",
        ]
    );
    assert_eq!(codes(&collected), [""; 0]);
}

#[test]
fn values_remember_their_way() {
    let main = "mydomain = example.org\nmyhostname = mail.$mydomain\nsmtp_helo_name = ${myhostname}\n";
    let collected = postfix(main, MASTER);
    let parameters = &collected.instances[0].parameters;
    let helo = &parameters["smtp_helo_name"];
    assert_eq!(helo.value.as_deref(), Some("mail.example.org"));
    assert_eq!(helo.origin.describe(), "/etc/postfix/main.cf:2");
    assert_eq!(helo.origin.span().unwrap().text(), "mail.$mydomain");
    assert_eq!(helo.via.iter().map(Origin::describe).collect::<Vec<_>>(), ["/etc/postfix/main.cf:3"]);
    let lhlo = &parameters["lmtp_lhlo_name"];
    assert_eq!(lhlo.origin.describe(), "/etc/postfix/main.cf:2");
    assert_eq!(lhlo.via.iter().map(Origin::describe).collect::<Vec<_>>(), ["default (postconf(5))"]);
    let plain = postfix("", MASTER);
    let helo = &plain.instances[0].parameters["smtp_helo_name"];
    assert_eq!(
        (helo.value.as_deref(), helo.origin.describe()),
        (Some("mail1.example.com"), "kernel (uname(2))".into())
    );
}

#[test]
fn daemons_see_fewer_defaults_than_postconf() {
    let main = "smtpd_banner = $default_transport|$smtp_helo_name|$myorigin\nmyhostname = m.example.org\n";
    let collected = postfix(main, MASTER);
    let banner = &collected.instances[0].parameters["smtpd_banner"];
    assert_eq!(banner.value.as_deref(), Some("||m.example.org"));
    assert_eq!(banner.postconf.as_deref(), Some("smtp|m.example.org|m.example.org"));
    let master = "out unix - - n - - smtp -o smtp_helo_name=<$smtpd_banner|$relay_transport|$mail_name>\n";
    assert_eq!(
        senders(&postfix("inet_protocols = ipv4\n", master)),
        ["out IPv4 | kernel | <||Postfix> (own) | direct unused"]
    );
}

#[test]
fn a_daemon_sees_the_defaults_that_it_has_read() {
    let main = "myhostname = $soft_bounce.example.com\nsmtpd_banner = $soft_bounce|$smtp_helo_timeout|$reject_code\n";
    let out = "-o smtp_helo_name=<$soft_bounce|$smtp_helo_timeout|$reject_code>\n";
    let banner = |main: &str| postfix(main, MASTER).instances[0].parameters["smtpd_banner"].value.clone();
    assert_eq!(banner(&main[main.find("smtpd").unwrap()..]).as_deref(), Some("no||554"));
    let sent = postfix("relayhost =\n", &format!("out unix - - n - - smtp {out}"));
    assert!(senders(&sent)[0].contains("| <no|300s|> (own) |"), "{:?}", senders(&sent));
    // The host's name comes before all of these.
    let early = postfix(&main[..main.find("smtpd").unwrap()], MASTER);
    assert!(
        early.instances[0].error.as_ref().unwrap().message.contains("myhostname: bad parameter value: .example.com")
    );
}

#[test]
fn bind_rules() {
    for (main, bind) in [
        ("smtp_bind_address = [192.0.2.25]\n", "smtp_bind_address 192.0.2.25 KernelChoice"),
        (
            "smtp_bind_address = 192.0.2.99\nsmtp_bind_address_enforce = yes\n",
            "smtp_bind_address 192.0.2.99 NothingSent",
        ),
        ("smtp_bind_address = mail.example\n", "smtp_bind_address unusable mail.example NothingSent"),
        ("smtp_bind_address = 2001:db8::25\n", "smtp_bind_address unusable 2001:db8::25 KernelChoice"),
        ("smtp_bind_address = 0.0.0.0\ninet_interfaces = 192.0.2.25\n", "kernel"),
        ("inet_interfaces = 192.0.2.25\n", "inet_interfaces 192.0.2.25 KernelChoice"),
        ("inet_interfaces = 192.0.2.25, 127.0.0.1\n", "kernel"),
        ("inet_interfaces = loopback-only\n", "kernel"),
        ("inet_interfaces = mail1.example.net\n", "inet_interfaces undecided"),
    ] {
        let collected = postfix(&format!("inet_protocols = ipv4\n{main}"), "smtp unix - - n - - smtp\n");
        let expected = format!("smtp IPv4 | {bind} | mail1.example.com | direct");
        assert_eq!(senders(&collected), [expected], "{main}");
    }
}

#[test]
fn overrides_reach_main_cf_values() {
    let main = "inet_protocols = ipv4\nip = 192.0.2.25\nsmtp_bind_address = $ip\n";
    let master = "smtp unix - - n - - smtp\nrelay unix - - n - - smtp -o ip=192.0.2.26 -o myhostname=b.example.org\n";
    assert_eq!(
        senders(&postfix(main, master)),
        [
            "smtp IPv4 | smtp_bind_address 192.0.2.25 KernelChoice | mail1.example.com | direct",
            "relay IPv4 | smtp_bind_address 192.0.2.26 KernelChoice | b.example.org (own) | direct",
        ]
    );
}

#[test]
fn relays_filters_and_random_transports() {
    let main =
        "inet_protocols = ipv4\nrelayhost = [smtp.relay.example]:submission\ncontent_filter = scan:[127.0.0.1]:10024\n";
    let collected = postfix(main, &format!("{MASTER}scan unix - - n - - smtp\nidle unix - - n - - smtp\n"));
    assert_eq!(
        senders(&collected),
        [
            "smtp IPv4 | kernel | mail1.example.com | [smtp.relay.example]:587",
            "relay IPv4 | kernel | mail1.example.com | [smtp.relay.example]:587",
            "lmtp IPv4 | kernel | mail1.example.com | here unused",
            "scan IPv4 | kernel | mail1.example.com | here",
            "idle IPv4 | kernel | mail1.example.com | [smtp.relay.example]:587 unused",
        ]
    );
    assert_eq!(codes(&collected), ["Unused master.cf:7"]);
    let main = "inet_protocols = ipv4\nsender_dependent_default_transport_maps = randmap:{out1:,out2:}\n";
    let master = "smtp unix - - n - - smtp\nout1 unix - - n - - smtp\nout2 unix - - n - - smtp\n";
    let collected = postfix(main, master);
    assert_eq!(senders(&collected)[0], "smtp IPv4 | kernel | mail1.example.com | direct unused");
    assert_eq!(senders(&collected)[2], "out2 IPv4 | kernel | mail1.example.com | direct");
}

#[test]
fn a_filter_in_an_access_table_names_a_service() {
    let main = "inet_protocols = ipv4\nsmtpd_recipient_restrictions = check_sender_access regexp:/etc/postfix/from\n";
    let collected = run(&[
        ("etc/postfix/main.cf", main),
        ("etc/postfix/master.cf", "smtp unix - - n - - smtp\nslow unix - - n - - smtp\n"),
        ("etc/postfix/from", "/^news@/ FILTER slow:\n/./ OK\n"),
    ]);
    assert_eq!(senders(&collected)[1], "slow IPv4 | kernel | mail1.example.com | direct");
}

/// Where the recorded cases say that postconf is wrong, what the daemon does was seen on the wire.
#[test]
fn a_glued_option_and_a_duplicate_service_as_the_daemon_takes_them() {
    let main = "inet_protocols = ipv4\n";
    let master = "smtp unix - - n - - smtp -osmtp_helo_name=glued.example -v -vosmtp_bind_address=192.0.2.25\n";
    assert_eq!(
        senders(&postfix(main, master)),
        ["smtp IPv4 | smtp_bind_address 192.0.2.25 KernelChoice | glued.example (own) | direct"]
    );
    let master = "smtp unix - - n - - smtp -o smtp_helo_name=one.example\n\
                  smtp unix - - n - - smtp -o smtp_bind_address=192.0.2.25\n";
    assert_eq!(
        senders(&postfix(main, master)),
        ["smtp IPv4 | smtp_bind_address 192.0.2.25 KernelChoice | mail1.example.com | direct"]
    );
}

#[test]
fn an_explicit_next_hop_beats_relayhost() {
    let main = "inet_protocols = ipv4\nrelayhost = [ignored.example]\ndefault_transport = smtp:[203.0.113.5]:26\n";
    let collected = postfix(main, "smtp unix - - n - - smtp\n");
    assert_eq!(senders(&collected), ["smtp IPv4 | kernel | mail1.example.com | [203.0.113.5]:26"]);
    let both = postfix("relayhost = [203.0.113.5]\n", "smtp unix - - n - - smtp\n");
    assert_eq!(senders(&both).len(), 1, "an IPv4 relay is not reached over IPv6");
}

#[test]
fn senders_choose_their_relay() {
    let main = "inet_protocols = ipv4\nsender_dependent_relayhost_maps = inline:{ {@a.example = [x.example]:587} }\n";
    assert_eq!(
        senders(&postfix(main, "smtp unix - - n - - smtp\n")),
        [
            "smtp IPv4 | kernel | mail1.example.com | [x.example]:587 from [\"a.example\"] others false",
            "smtp IPv4 | kernel | mail1.example.com | direct from [] others true",
        ]
    );
}

#[test]
fn what_postfix_refuses_is_said_and_nothing_is_sent() {
    for (main, problem) in [
        ("a = b\nmyhostname\n", "Syntax main.cf:2"),
        ("inet_interfaces = 203.0.113.99\n", "Syntax main.cf:1"),
        ("inet_protocols = IPv4\n", "Syntax main.cf:1"),
        ("myhostname = mail.example.com # note\n", "Syntax main.cf:1"),
        ("relayhost = ${x\n", "Syntax main.cf:1"),
        ("\nmyhostname = mail.$mydomain\n", "Syntax main.cf:2"),
    ] {
        let collected = postfix(main, MASTER);
        assert!(collected.instances[0].error.is_some(), "{main}");
        assert_eq!(codes(&collected), [problem], "{main}");
        assert_eq!(senders(&collected), [""; 0], "{main}");
    }
    let collected = postfix("", "smtp unix - - n - -\n");
    assert_eq!(codes(&collected), ["Syntax master.cf:1"]);
    assert!(collected.instances[0].error.is_some());
}

#[test]
fn an_interface_is_not_called_foreign_where_interfaces_are_unknown() {
    let files = [("etc/postfix/main.cf", "inet_interfaces = 203.0.113.99\n"), ("etc/postfix/master.cf", MASTER)];
    let collected = run_on(&files, &host(None));
    assert!(collected.instances[0].error.is_none());
    assert_eq!(
        senders(&collected)[0],
        "smtp IPv4 | inet_interfaces 203.0.113.99 KernelChoice | mail1.example.com | direct"
    );
}

#[test]
fn one_daemon_refuses() {
    let main = "inet_protocols = ipv4\n";
    let master = "smtp unix - - n - - smtp\n  -o smtp_helo_name = x\nrelay unix - - n - - smtp # note\n\
                  out unix - - n - - smtp -o smtp_helo_name=\n25 inet n - n - - smtpd -o inet_protocols=ipv5\n";
    let collected = postfix(main, master);
    assert_eq!(
        codes(&collected),
        ["Syntax master.cf:2", "Syntax master.cf:3", "Syntax master.cf:4", "Syntax master.cf:5"]
    );
    assert_eq!(senders(&collected), [""; 0]);
    assert!(collected.instances[0].error.is_none());
}

#[test]
fn lints() {
    let main = "relayhost = a.example\nrelayhost = b.example\nproxy_interfaces = 203.0.113.7,\n  myhostname = x\n\
                smtp_helo_name = $nope.example\n";
    let master = "smtp unix - - n - - smtp\nsmtp unix - - n - - smtp\n";
    let collected = postfix(main, master);
    assert_eq!(
        codes(&collected),
        // The equals sign that was swallowed is no address of a proxy.
        [
            "Repeated main.cf:2",
            "Swallowed main.cf:4",
            "ServiceRepeated master.cf:1",
            "Undefined main.cf:5",
            "Syntax main.cf:3"
        ]
    );
    let proxies: Vec<_> = collected.proxy_interfaces.iter().map(|fact| fact.value.to_string()).collect();
    assert_eq!(proxies, ["203.0.113.7"]);
}

#[test]
fn myorigin_from_a_file() {
    let main = "myorigin = /etc/mailname\n";
    let debian = ("etc/debian_version", "12.5\n");
    let files = [debian, ("etc/postfix/main.cf", main), ("etc/postfix/master.cf", MASTER)];
    let collected = run(&files);
    assert_eq!(codes(&collected), ["Syntax main.cf:1"]);
    assert!(collected.instances[0].error.is_some());
    let collected = run(&[&files[..], &[("etc/mailname", "origin.example\n")]].concat());
    let origin = &collected.instances[0].parameters["myorigin"];
    assert_eq!(origin.value.as_deref(), Some("origin.example"));
    assert_eq!(origin.postconf.as_deref(), Some("/etc/mailname"));
    assert_eq!(origin.origin.describe(), "/etc/mailname:1");
}

#[test]
fn instances_that_the_default_one_names() {
    let one = "inet_protocols = ipv4\nsmtp_bind_address = 192.0.2.26\n";
    let collected = run(&[
        ("etc/postfix/main.cf", "inet_protocols = ipv4\nmulti_instance_directories = /etc/postfix-out\n"),
        ("etc/postfix/master.cf", "smtp unix - - n - - smtp\n"),
        ("etc/postfix-out/main.cf", &format!("{one}multi_instance_name = postfix-b\nmulti_instance_enable = yes\n")),
        ("etc/postfix-out/master.cf", "smtp unix - - n - - smtp\n"),
        ("etc/postfix-old/main.cf", one),
    ]);
    assert_eq!(collected.instances.len(), 2);
    assert_eq!(
        senders(&collected)[1],
        "postfix-b/smtp IPv4 | smtp_bind_address 192.0.2.26 KernelChoice | mail1.example.com | direct"
    );
}

#[test]
fn a_chroot_copy_that_differs() {
    let chrooted = "smtp unix - - y - - smtp\n";
    let files = [
        ("etc/postfix/main.cf", ""),
        ("etc/postfix/master.cf", chrooted),
        ("etc/hosts", "127.0.0.1 localhost\n192.0.2.25 mail1.example.com\n"),
        ("var/spool/postfix/etc/hosts", "127.0.0.1 localhost\n192.0.2.9 mail1.example.com\n"),
        ("etc/resolv.conf", "# by dhcp\nnameserver 192.0.2.53\n"),
        ("var/spool/postfix/etc/resolv.conf", "nameserver  192.0.2.53\n"),
    ];
    let collected = run(&files);
    assert_eq!(codes(&collected), ["ChrootCopy hosts:1"]);
    assert_eq!(collected.problems[0].file, "/var/spool/postfix/etc/hosts");
}

#[test]
fn hostile_files() {
    for text in ["", "\0", "\u{feff}", "{{{{", "a=$a", "=", " x", &"{".repeat(100_000), &"${".repeat(50_000)] {
        postfix(text, text);
        postfix(&format!("myhostname = {text}"), &format!("smtp unix - - n - - smtp -o a={text}"));
    }
}

#[test]
fn a_running_master_says_which_folder_counts() {
    use crate::collect::processes::Daemon;
    use crate::facts::Mta;

    let dir = tempfile::tempdir().unwrap();
    for folder in ["etc/postfix", "srv/out"] {
        put(dir.path(), &format!("{folder}/main.cf"), "myhostname = mail1.example.com\n");
        put(dir.path(), &format!("{folder}/master.cf"), "smtp unix - - n - - smtp\n");
    }
    let root = Root::open(dir.path()).unwrap();
    let read = |folders: &[Option<&str>]| {
        let daemon = |folder: &Option<&str>| Daemon {
            mta: Mta::Postfix,
            pid: 1,
            started: None,
            loaded: None,
            config_directory: folder.map(str::to_owned),
            config_files: None,
            macros: Vec::new(),
        };
        let running: Vec<Daemon> = folders.iter().map(daemon).collect();
        let collected = collect(&root, &host(Some(&["192.0.2.25"])), &running);
        collected.instances.into_iter().map(|instance| instance.config_directory).collect::<Vec<_>>()
    };
    assert_eq!(read(&[]), ["/etc/postfix"]);
    assert_eq!(read(&[None]), ["/etc/postfix"]);
    assert_eq!(read(&[Some("/etc/postfix/")]), ["/etc/postfix"]);
    assert_eq!(read(&[Some("/srv/out")]), ["/srv/out"]);
    assert_eq!(read(&[Some("/etc/postfix"), Some("/srv/out")]), ["/etc/postfix", "/srv/out"]);
    assert_eq!(read(&[Some("/none"), Some("relative")]), ["/etc/postfix"]);
}

/// What is in the file `data`, by its permissions, and whether it is told.
fn told_of(main: &str, data: &str, mode: u32) -> String {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let text = "a.example smtp:[hunter2.example.com]\n@a.example smtp:[hunter2.example.com]\n";
    for (path, text) in [("etc/postfix/main.cf", main), ("etc/postfix/master.cf", MASTER), (data, text)] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(dir.path().join("etc/debian_version"), "12\n").unwrap();
    fs::set_permissions(dir.path().join(data), fs::Permissions::from_mode(mode)).unwrap();
    format!("{:?}", collect(&Root::open(dir.path()).unwrap(), &host(Some(&["192.0.2.25"])), &[]))
}

#[test]
fn nothing_comes_out_of_a_file_that_not_everyone_may_read() {
    for main in [
        "transport_maps = texthash:/srv/map\n",
        "transport_maps = unionmap:{ texthash:/srv/map, proxy:texthash:/srv/map }\n",
        "transport_maps = regexp:/srv/map\n",
        "sender_dependent_relayhost_maps = texthash:/srv/map\n",
        "sender_dependent_default_transport_maps = texthash:/srv/map\n",
        "data_directory = /srv\ntransport_maps = texthash:$data_directory/map\n",
        "myorigin = /srv/map\n",
        "data_directory = /srv\nmyorigin = $data_directory/map\n",
    ] {
        let secret = told_of(main, "srv/map", 0o640);
        assert!(!secret.contains("hunter2"), "{main}");
        assert!(secret.contains("/srv/map") && secret.contains("not everyone may read it"), "{main}: {secret}");
        assert!(!told_of(main, "srv/map", 0o644).contains("not everyone may read it"), "{main}");
    }
    for (path, told) in [("etc/postfix/map", true), ("etc/postfix/sasl_passwd", false), ("etc/postfix/keys", false)] {
        let found = told_of(&format!("transport_maps = texthash:/{path}\n"), path, 0o640);
        assert_eq!(found.contains("hunter2"), told, "{path}");
    }
}

#[test]
fn services_are_bounded() {
    for (count, ends) in [(20, false), (6000, true)] {
        let more: String = (0..count).map(|number| format!("s{number} unix - - n - - pipe\n")).collect();
        let found = postfix("", &format!("{MASTER}{more}"));
        let bounded = found.problems.iter().any(|problem| problem.kind == ProblemKind::Bounded);
        assert_eq!(bounded, ends, "{count}");
    }
}
