use std::process::Command;

use super::*;

const ZONE: &str = "\
$TTL 1h
@   IN SOA ns1 hostmaster ( 2026112001 ; serial
        7200 3600 2w 300 )
    NS  ns1
    TXT \"v=spf1 mx \" \"-all\" ; who sends
    TXT \"other=1\"
www A 192.0.2.1
_dmarc 300 IN TXT ( \"v=DMARC1;\" ; policy
        \" p=none\" )
    TXT v=x
shop NS ns1.elsewhere.example.
news CNAME www
";

/// A name, what stands there, what is to.
type Edit<'e> = (&'e str, Option<&'e str>, &'e str);

fn to_text((name, is, wanted): &Edit<'_>) -> ZoneEdit {
    let change = ZoneChange::Text { is: is.map(str::to_owned), wanted: (*wanted).to_owned() };
    ZoneEdit { name: DomainName::new(name), change }
}

fn to_address(name: &str, is: &str, wanted: &str) -> ZoneEdit {
    let change = ZoneChange::Address { is: is.parse().unwrap(), wanted: wanted.parse().unwrap() };
    ZoneEdit { name: DomainName::new(name), change }
}

fn edited(text: &str, edits: &[Edit<'_>]) -> Option<Edited> {
    let edits: Vec<ZoneEdit> = edits.iter().map(to_text).collect();
    ZoneFile::new("/etc/bind/db.a".into(), text).edited(&DomainName::new("a.example"), &edits)
}

fn text(text: &str, edits: &[Edit<'_>]) -> Option<String> {
    edited(text, edits).map(|edited| edited.text)
}

const SPF: Edit<'static> = ("a.example", Some("v=spf1 mx -all"), "v=spf1 ip4:192.0.2.9 mx -all");

#[test]
fn records_in_place_of_others_and_behind_those_of_their_name() {
    let new = text(
        ZONE,
        &[
            SPF,
            ("_dmarc.a.example", Some("v=DMARC1; p=none"), "v=DMARC1; p=reject"),
            ("www.a.example", None, "v=spf1 -all"),
            ("x._domainkey.a.example", None, "v=DKIM1; p=QUJD"),
        ],
    );
    let expected = ZONE
        .replace("2026112001", "2026112002")
        .replace("\"v=spf1 mx \" \"-all\"", "\"v=spf1 ip4:192.0.2.9 mx -all\"")
        .replace("( \"v=DMARC1;\" ; policy\n        \" p=none\" )", "( \"v=DMARC1; p=reject\" )")
        .replace("192.0.2.1\n", "192.0.2.1\nwww.a.example. 3600 IN TXT \"v=spf1 -all\"\n")
        + "x._domainkey.a.example. 3600 IN TXT \"v=DKIM1; p=QUJD\"\n";
    assert_eq!(new.unwrap(), expected);
    let bare = text(ZONE.trim_end(), &[("x._domainkey.a.example", None, "p=QUJD")]).unwrap();
    assert!(bare.ends_with("news CNAME www\nx._domainkey.a.example. 3600 IN TXT \"p=QUJD\""), "{bare}");
}

#[test]
fn the_command_does_the_same_and_nothing_where_the_file_is_another_or_bind_refuses_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.a");
    let run = |old: &str, now: &str, check: &str| {
        std::fs::write(&path, now).unwrap();
        let edits = [SPF, ("_dmarc.a.example", Some("v=DMARC1; p=none"), "v=DMARC1; p=reject")];
        let mut edits: Vec<ZoneEdit> = edits.iter().map(to_text).collect();
        edits.push(to_text(&("k._domainkey.a.example", None, "v=DKIM1; p=a/b\\c&d'e")));
        edits.push(to_address("www.a.example", "192.0.2.1", "192.0.2.10"));
        let file = ZoneFile::new(path.to_str().unwrap().to_owned(), old);
        let edited = file.edited(&DomainName::new("a.example"), &edits).unwrap();
        let script = format!("named-checkzone() {{ {check}; }}; rndc() {{ echo \"$@\"; }}\n{}", edited.command);
        let done = Command::new("bash").args(["-c", &script]).output().unwrap();
        (std::fs::read_to_string(&path).unwrap(), edited.text, String::from_utf8(done.stdout).unwrap())
    };
    for old in [ZONE, ZONE.trim_end()] {
        let (found, expected, said) = run(old, old, "true");
        assert_eq!((found, said.as_str()), (expected, "reload a.example\n"));
    }
    let other = ZONE.replace("192.0.2.1", "192.0.2.2");
    let (found, _, said) = run(ZONE, &other, "true");
    assert_eq!(found, other);
    assert!(!said.contains("reload"), "{said}");
    let (found, _, said) = run(ZONE, ZONE, "false");
    assert_eq!((found.as_str(), said.as_str()), (ZONE, ""));
}

#[test]
fn nothing_where_it_is_not_sure() {
    let with = |line: &str| text(&format!("{ZONE}{line}\n"), &[SPF]);
    assert!(with("more A 192.0.2.2").is_some());
    for line in [
        "$INCLUDE more.db",
        "$GENERATE 1-9 h$ A 192.0.2.$",
        "@ RRSIG A 8 2 3600 20270101000000 20260101000000 1 a.example. AAAA",
        "@ TYPE47 \\# 0",
        "@ TXT \"v=spf1 a -all\"",
        "@ SOA ns1 hostmaster 1 2 3 4 5",
        "broken (",
        "x TXT \"\u{fffd}\"",
    ] {
        assert_eq!(with(line), None, "{line}");
    }
    for edit in [
        ("a.example", Some("v=spf1 a -all"), "v=spf1 -all"), // the DNS has another
        ("a.example", None, "v=spf1 -all"),
        ("_dmarc.www.a.example", Some("v=DMARC1; p=none"), "v=DMARC1; p=reject"), // the file has none
        ("shop.a.example", None, "v=spf1 -all"),
        ("_dmarc.shop.a.example", None, "v=DMARC1; p=none"),
        ("news.a.example", None, "v=spf1 -all"),
        ("b.example", None, "v=spf1 -all"),
        ("www.a.example", None, "v=spf1 exists:\u{7f}"),
    ] {
        assert_eq!(text(ZONE, &[edit]), None, "{edit:?}");
    }
    assert_eq!(text("@ A 192.0.2.1\n", &[("a.example", None, "v=spf1 -all")]), None);
    assert_eq!(text(&ZONE.replace('\n', "\r\n"), &[SPF]), None);
    let odd = ZONE.replace("; who sends", "; qui envoie \u{e0} qui");
    assert_eq!(text(&odd, &[SPF]), None, "what a terminal may show otherwise");
}

#[test]
fn others_are_edited_where_one_is_not_sure() {
    let edited = edited(ZONE, &[SPF, ("news.a.example", None, "v=spf1 -all")]).unwrap();
    assert_eq!(edited.done, BTreeSet::from([(DomainName::new("a.example"), None)]));
}

#[test]
fn addresses_in_place_of_others() {
    let zone = format!("{ZONE}mx A 192.0.2.5\n   A 192.0.2.6\n   AAAA 2001:db8::5 ; v6\n* A 192.0.2.7\n");
    let of = |edits: &[ZoneEdit]| ZoneFile::new("/f".into(), &zone).edited(&DomainName::new("a.example"), edits);
    let all = of(&[
        to_text(&("www.a.example", None, "v=spf1 -all")),
        to_address("www.a.example", "192.0.2.1", "192.0.2.10"),
        to_address("mx.a.example", "192.0.2.5", "192.0.2.10"),
        to_address("mx.a.example", "2001:db8::5", "2001:db8::10"),
    ])
    .unwrap();
    let expected = zone
        .replace("2026112001", "2026112002")
        .replace("www A 192.0.2.1\n", "www A 192.0.2.10\nwww.a.example. 3600 IN TXT \"v=spf1 -all\"\n")
        .replace("192.0.2.5", "192.0.2.10")
        .replace("db8::5", "db8::10");
    assert_eq!((all.text, all.done.len()), (expected, 4));
    for (edit, why) in [
        (to_address("www.a.example", "192.0.2.9", "192.0.2.10"), "the file has another"),
        (to_address("mx.a.example", "192.0.2.5", "192.0.2.6"), "it stands there already"),
        (to_address("x.a.example", "192.0.2.7", "192.0.2.10"), "a wildcard answers"),
        (to_address("news.a.example", "192.0.2.1", "192.0.2.10"), "an alias"),
    ] {
        assert_eq!(of(&[edit]), None, "{why}");
    }
}

#[test]
fn no_name_is_made_that_a_wildcard_answers_for() {
    let zone = format!("{ZONE}* MX 10 www\n*.deep A 192.0.2.3\n");
    for (name, is_put) in [
        ("host.a.example", false),
        ("www.a.example", true),
        ("_dmarc.www.a.example", true),
        ("_dmarc.host.a.example", false),
        ("k._domainkey.host.a.example", false),
        ("k._domainkey.a.example", true),
        ("_dmarc.x.deep.a.example", false),
        ("_dmarc.deep.a.example", true),
    ] {
        assert_eq!(text(&zone, &[(name, None, "v=spf1 -all")]).is_some(), is_put, "{name}");
    }
    assert!(text(ZONE, &[("host.a.example", None, "v=spf1 -all")]).is_some());
}

#[test]
fn a_key_takes_the_place_of_the_one_at_its_name() {
    let with_key = format!("{ZONE}k._domainkey TXT \"v=DKIM1; p=T0xE\"\n");
    let new = text(&with_key, &[("k._domainkey.a.example", None, "v=DKIM1; p=TkVX")]).unwrap();
    assert!(new.ends_with("k._domainkey TXT \"v=DKIM1; p=TkVX\"\n"), "{new}");
}

#[test]
fn the_last_serial_number_is_followed_by_one() {
    let last = ZONE.replace("2026112001", "4294967295");
    let new = text(&last, &[SPF]).unwrap();
    assert!(new.contains("( 1 ; serial"), "{new}");
    let serial = |text: &str| ZoneFile::new(String::new(), text).serial(&DomainName::new("a.example"));
    assert_eq!((serial(&last), serial("")), (Some(u32::MAX), None));
}
