use super::*;

#[test]
fn a_host_hears_no_more_than_it_was_meant_to() {
    let own = |addr: std::net::IpAddr| addr.to_string() == "203.0.113.40";
    let sources = ["203.0.113.40".to_owned()];
    for (value, expected) in [
        ("Loopback-Only", &["loopback-only"][..]),
        ("loopbackonly", &["loopback-only"]),
        ("IPv6:::1", &["::1"]),
        ("127.0.0.1/8", &["127.0.0.1"]),
        ("ALL", &["all"]),
        ("*", &["all"]),
        ("0.0.0.0", &["all"]),
        ("::", &["all"]),
        ("all, 203.0.113.40", &["all"]),
        ("203.0.113.40;127.0.0.1", &["203.0.113.40, 127.0.0.1"]),
        ("loopback-only, 203.0.113.40", &["203.0.113.40, 127.0.0.1"]),
        ("\"203.0.113.40\" # public", &["203.0.113.40"]),
        ("203.0.113.40/24", &["203.0.113.40"]),
        ("eth0", &["203.0.113.40"]),
        ("127.0.0.1, eth0", &["127.0.0.1", "203.0.113.40, 127.0.0.1", "127.0.0.1"]),
        ("", &[]),
    ] {
        assert_eq!(listened(value, own, &sources), expected, "{value}");
    }
}

#[test]
fn rows_of_tables_keep_their_service() {
    for (row, expected) in [
        ("a.example smtp:[relay.isp.example]587", "a.example smtp:[relay.isp.example]:587"),
        ("a.example\tsmtp:[relay.isp.example:587", "a.example\tsmtp:[relay.isp.example]:587"),
        ("@a.example [relay.isp.example", "@a.example [relay.isp.example]"),
        ("@a.example smtp:[relay.isp.example]:587", "@a.example [relay.isp.example]:587"),
    ] {
        assert!(rows(row).contains(&expected.to_owned()), "{row}: {:?}", rows(row));
    }
}

#[test]
fn what_restricts_is_not_edited_and_never_removed() {
    for name in [
        "smtpd_recipient_restrictions",
        "mynetworks",
        "relay_domains",
        "inet_interfaces",
        "acl_smtp_rcpt",
        "hostlist relay_from_hosts",
        "domainlist relay_to_domains",
        "local_interfaces",
        "host_reject_connection",
        "smtpd_client_message_rate_limit",
        "condition",
        "smtp_tls_security_level",
    ] {
        assert!(!is_removable(name), "{name}");
        assert!(restricts(name) || name == "host_reject_connection", "{name}");
        assert!(edits(&format!("{name} = a # b"), restricts(name)).is_empty() || !restricts(name), "{name}");
    }
    assert!(is_removable("smtp_helo_name") && is_removable("smtp_connect_timeout"));
}

#[test]
fn places_in_exims_configuration() {
    let text = "primary_hostname = a\nhostlist x = a : \\\n b\nbegin acl\nx:\n denny\nbegin routers\n";
    let at = |line, is_main| Place::find(text, line, is_main).map(|place| (place.section, place.name));
    assert_eq!(at(1, true), Some(("", "primary_hostname".into())));
    assert_eq!(at(3, true), Some(("", "hostlist x".into())));
    assert_eq!(at(6, true), Some(("acl", "denny".into())));
    assert_eq!(at(6, false), Some(("acl", "denny".into())));
    assert_eq!(at(1, false), None, "an included file may stand anywhere");
    assert_eq!(parameter("a = b\n# c\n d\n", 3).as_deref(), Some("a"));
}

#[test]
fn one_near_name_or_none() {
    for (section, line, expected) in [
        ("acl", "  denny ! domains = +local_domains", Some("  deny ! domains = +local_domains")),
        ("acl", "  deny ! domainss = +local_domains", Some("  deny ! domains = +local_domains")),
        ("acl", "  requre verify = recipient", Some("  require verify = recipient")),
        ("acl", "  !hossts = +relay", Some("  !hosts = +relay")),
        ("acl", "  deny frobnicate = x", None),
        ("acl", "  deny domains", None),
        ("acl", "  deny sendres = x", Some("  deny senders = x")),
        ("routers", "  conditionn = x", Some("  condition = x")),
        ("routers", "  driver = dnslokup", Some("  driver = dnslookup")),
        ("routers", "  frobnicate = x", None),
        ("routers", "  condition x", None),
        ("transports", "  helo_dta = x", Some("  helo_data = x")),
        ("authenticators", "  server_conditon = x", Some("  server_condition = x")),
        ("", "primary_hostnme = x", Some("primary_hostname = x")),
        ("", "hide acl_smtp_rctp = x", Some("hide acl_smtp_rcpt = x")),
        ("", "acl_smtp = x", None),
        ("", "begin routrs", Some("begin routers")),
        ("retry", "* * G,2h", None),
    ] {
        assert_eq!(exim::did_you_mean(section, line, edits_between).as_deref(), expected, "{section}: {line}");
    }
}
