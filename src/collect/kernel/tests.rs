use super::*;
use proptest::prelude::*;

const RECORDING: &str = r#"{
  "node_name": "mail1.example.com",
  "fqdn": "Mail1.example.com",
  "addresses": [
    {"interface": "lo", "address": "127.0.0.1", "prefix_length": 8},
    {"interface": "eth0", "address": "2001:db8::10", "prefix_length": 64, "flags": ["temporary", "deprecated", "dadfailed", "tentative", "down"]}
  ],
  "source": {"ipv4": "203.0.113.10", "ipv6": null}
}"#;

#[test]
fn a_recording_is_read_whole() {
    let facts = from_file(RECORDING).unwrap();
    assert_eq!(facts.node_name.unwrap().value, "mail1.example.com");
    assert_eq!(facts.fqdn, HostFqdn::Name(Fact::new("Mail1.example.com".into(), CANONICAL_NAME)));
    let addresses = facts.addresses.unwrap();
    assert_eq!(addresses[0].prefix_length, Some(8));
    assert_eq!(addresses[1].flags.len(), 5);
    assert_eq!(facts.source.ipv4, Some("203.0.113.10".parse().unwrap()));
    assert_eq!(facts.source.ipv6, None);
    assert!(facts.source.known);
    assert!(!facts.nonlocal_bind_v4);
}

#[test]
fn what_a_recording_leaves_out_is_unknown_and_null_is_an_answer() {
    let facts = from_file("{}").unwrap();
    assert!(matches!(facts.fqdn, HostFqdn::Unknown(_)));
    assert!(facts.node_name.is_none() && facts.addresses.is_none() && !facts.source.known);
    let facts = from_file(r#"{"fqdn": null, "source": {}, "ip_nonlocal_bind": {"ipv6": true}}"#).unwrap();
    assert!(matches!(facts.fqdn, HostFqdn::Fails(_)));
    assert!(facts.source.known && facts.source.ipv4.is_none());
    assert!(facts.nonlocal_bind_v6 && !facts.nonlocal_bind_v4);
}

#[test]
fn a_broken_recording_says_what_and_where() {
    for (text, line, word) in [
        ("", 1, "EOF"),
        ("{\"node_name\": \"a\",\n\"fdqn\": \"b\"}", 2, "`fdqn`"),
        ("{\n\"addresses\": [{\"interface\": \"eth0\", \"address\": \"2001:db8::\", \"prefix\": 64}]}", 2, "`prefix`"),
        ("{\n\n\"source\": {\"ipv4\": \"2001:db8::1\"}}", 3, "IPv4"),
        ("{\"addresses\": [{\"interface\": \"e\", \"address\": \"192.0.2.1\", \"flags\": [\"up\"]}]}", 1, "`up`"),
        ("{\"fqdn\": 7}", 1, "string"),
        ("{\"node_name\": \"a\",\n\"node_name\": \"b\"}", 2, "duplicate"),
    ] {
        let error = from_file(text).unwrap_err();
        assert!(error.starts_with(&format!("line {line}, ")), "{error}");
        assert!(error.contains(word), "{error}");
    }
    let error = from_file(r#"{"addresses": [{"interface": "e", "address": "192.0.2.1", "prefix_length": 33}]}"#);
    assert_eq!(error.unwrap_err(), "prefix_length 33 of 192.0.2.1 is over 32");
}

#[test]
fn flags_of_ipv6_addresses() {
    let text = "20010db8000000000000000000000010 02 40 00 01     eth0\n\
                20010db8000000000000000000000011 02 40 00 20     eth0\n\
                20010db8000000000000000000000012 02 40 00 48     eth0\n\
                20010db8000000000000000000000013 02 40 00 44     eth0\n\
                20010db8000000000000000000000014 02 40 00 80     eth0\n\
                broken\n";
    let flags: Vec<_> = if_inet6(text).into_iter().map(|(_, flags)| flags).collect();
    use AddressFlag::*;
    assert_eq!(flags, [vec![Temporary], vec![Deprecated], vec![Tentative, DadFailed], vec![], vec![]]);
    assert_eq!(if_inet6(text)[0].0, "2001:db8::10".parse::<Ipv6Addr>().unwrap());
}

#[test]
fn prefix_lengths() {
    assert_eq!(ones("255.255.255.0".parse().unwrap()), 24);
    assert_eq!(ones("ffff:ffff:ffff:ffff::".parse().unwrap()), 64);
    assert_eq!(ones("0.0.0.0".parse().unwrap()), 0);
}

#[test]
fn the_live_kernel_knows_its_node_name() {
    let (facts, pending) = live();
    let node_name = facts.node_name.unwrap().value;
    assert_eq!(node_name, nix::unistd::gethostname().unwrap().to_string_lossy());
    assert_eq!(pending.node_name, node_name);
    assert!(matches!(facts.fqdn, HostFqdn::Unknown(_)));
    let all = facts.addresses.unwrap();
    for source in [facts.source.ipv4, facts.source.ipv6].into_iter().flatten() {
        assert!(all.iter().any(|a| a.address == source), "{source} is on an interface");
    }
}

#[test]
fn an_address_literal_is_its_own_canonical_name_without_any_question() {
    let mut pending = PendingFqdn { node_name: "192.0.2.1".into(), state: FqdnState::NotAsked };
    let answer = pending.wait(Duration::from_secs(60)).unwrap();
    assert_eq!(answer, HostFqdn::Name(Fact::new("192.0.2.1".into(), CANONICAL_NAME)));
    assert_eq!(pending.wait(Duration::ZERO), Some(answer));
}

#[test]
fn a_name_with_a_nul_byte_is_no_answer_and_no_panic() {
    assert!(matches!(canonical_name("a\0b"), HostFqdn::Unknown(_)));
}

#[test]
fn no_answer_yet_is_none_and_a_lost_one_is_unknown() {
    let (sender, receiver) = mpsc::channel();
    let mut pending = PendingFqdn { node_name: "host".into(), state: FqdnState::Asked(receiver) };
    assert_eq!(pending.wait(Duration::ZERO), None);
    drop(sender);
    assert!(matches!(pending.wait(Duration::ZERO), Some(HostFqdn::Unknown(_))));
}

#[test]
fn only_a_denied_name_makes_it_fail() {
    for (code, fails) in [
        (libc::EAI_NONAME, true),
        (libc::EAI_NODATA, true),
        (libc::EAI_AGAIN, false),
        (libc::EAI_FAIL, false),
        (libc::EAI_MEMORY, false),
    ] {
        let answer = failure(&LookupError::new(code));
        assert_eq!(matches!(answer, HostFqdn::Fails(_)), fails, "{answer:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = from_file(&text);
        let _ = if_inet6(&text);
    }
}

#[test]
fn what_is_recorded_is_read_back() {
    for text in [
        r#"{"node_name": "mail", "fqdn": null, "addresses": [{"interface": "eth0", "address": "2001:db8::1", "prefix_length": 64, "flags": ["deprecated"]}], "source": {"ipv4": "192.0.2.1", "ipv6": null}, "ip_nonlocal_bind": {"ipv4": true, "ipv6": false}}"#,
        r#"{"node_name": null, "fqdn": "mail.example.com", "addresses": [], "source": {"ipv4": null, "ipv6": null}}"#,
        r#"{"node_name": "mail", "addresses": null, "source": null}"#,
    ] {
        let recorded = recording(&from_file(text).unwrap());
        let again: serde_json::Value = serde_json::to_value(&recorded).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap(), "{text}");
    }
}
