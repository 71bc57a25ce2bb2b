use std::net::IpAddr;

use super::{Generic, NAME_LIMIT, why_automatic, why_generic};
use crate::name::DomainName;

/// Names with labels, one a line: address, name, `generic` or `custom`, provider.
const CORPUS: &str = include_str!("../../../testdata/rdns_labels.tsv");

/// Precision and recall that the corpus must reach.
const PRECISION: f64 = 0.98;
const RECALL: f64 = 0.95;

fn why(addr: &str, name: &str) -> Option<Generic> {
    why_generic(&DomainName::new(name), addr.parse::<IpAddr>().unwrap())
}

#[test]
fn corpus_figures() {
    let (mut hit, mut missed, mut wrong, mut right) = (0u32, 0u32, 0u32, 0u32);
    for line in CORPUS.lines() {
        let [addr, name, label, _] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        match (label, why(addr, name)) {
            ("generic", Some(_)) => hit += 1,
            ("generic", None) => {
                missed += 1;
                println!("missed: {addr} {name}");
            }
            ("custom", None) => right += 1,
            ("custom", Some(reason)) => {
                wrong += 1;
                println!("wrong: {addr} {name}: {reason}");
            }
            _ => panic!("{line:?}"),
        }
    }
    let precision = f64::from(hit) / f64::from(hit + wrong);
    let recall = f64::from(hit) / f64::from(hit + missed);
    println!("precision {precision:.3}, recall {recall:.3} ({} names)", hit + missed + wrong + right);
    assert!(hit + missed > 100 && wrong + right > 80, "the corpus is there");
    assert!(precision >= PRECISION, "precision {precision}");
    assert!(recall >= RECALL, "recall {recall}");
}
/// One name for each family of spelling and wording, and names of people's own that come near: address, name, label.
const FAMILIES: &str = include_str!("../../../testdata/rdns_families.tsv");

#[test]
fn families() {
    let mut wrong = Vec::new();
    for line in FAMILIES.lines() {
        let [addr, name, label] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let reason = why(addr, name);
        if reason.is_some() != (label == "generic") {
            wrong.push(format!("{label}: {addr} {name}: {reason:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reason_is_told() {
    for (addr, name, words) in [
        ("192.0.2.10", "192-0-2-10.isp.example", "spells the address with dashes"),
        ("192.0.2.10", "10-2-0-192.isp.example", "spells the address backwards with dashes"),
        ("192.0.2.10", "ip192000002010.isp.example", "padded with zeros"),
        ("192.0.2.10", "host.c000020a.isp.example", "in hexadecimal"),
        ("192.0.2.10", "3221225994.isp.example", "one decimal number"),
        ("192.0.2.10", "static.10.2.0.192.clients.your-server.de", "the default at Hetzner"),
        ("192.0.2.10", "vps-1a2b3c4d.vps.ovh.net", "OVHcloud"),
        ("192.0.2.10", "unassigned.isp.example", "placeholder"),
        ("192.0.2.10", "hosted-by.isp.example", "names the provider"),
        ("192.0.2.10", "10.2.0.192.in-addr.arpa", "reverse tree"),
        ("192.0.2.10", "static-198-51-100-7.isp.example", "another"),
        ("2001:db8::25", "2001-db8--25.isp.example", "short form"),
    ] {
        let reason = why(addr, name).unwrap_or_else(|| panic!("{name}")).to_string();
        assert!(reason.contains(words), "{name}: {reason}");
    }
}

#[test]
fn whole_addresses_are_told_from_parts_and_numbers() {
    for (name, spells) in [
        ("192-0-2-10.isp.example", true),
        ("c000020a.isp.example", true),
        ("host-2-10.isp.example", false),
        ("3221225994.isp.example", false),
        ("static-198-51-100-7.isp.example", false),
        ("unassigned.isp.example", false),
    ] {
        assert_eq!(why("192.0.2.10", name).is_some_and(|generic| generic.spells_address()), spells, "{name}");
    }
}

#[test]
fn automatic_host_names_need_no_address() {
    for (name, automatic) in [
        ("192-0-2-10.cprapid.com", true),
        ("vmi123456.contaboserver.net", true),
        ("localhost.localdomain", true),
        ("ubuntu-s-1vcpu-1gb-fra1-01", true),
        ("mail.example.com", false),
        ("server.example.com", false),
    ] {
        assert_eq!(why_automatic(&DomainName::new(name)).is_some(), automatic, "{name}");
    }
}

#[test]
fn no_text_panics_and_none_is_looked_at_beyond_what_the_dns_can_carry() {
    for unit in ["1-", "a.", "0", "é-", "--", "192-0-2-1.", "x1", "f00d-", ".", "\\046", "un-no-not-"] {
        for length in [1, 8, 60, 5000] {
            let name = DomainName::new(&unit.repeat(length));
            for addr in ["192.0.2.10", "2001:db8::1"] {
                let said = [why_generic(&name, addr.parse().unwrap()), why_automatic(&name)];
                // Time is linear in what is looked at, and that has an end.
                assert!(name.as_str().len() <= NAME_LIMIT || said == [None, None], "{unit} {length} {addr}");
            }
        }
    }
    // The last octet that counts.
    let padded = |length: usize| {
        let (start, end) = ("192-0-2-10.", ".example");
        format!("{start}{}{end}", "a".repeat(length - start.len() - end.len()))
    };
    let (longest, longer) = (padded(NAME_LIMIT), padded(NAME_LIMIT + 1));
    assert_eq!((longest.len(), longer.len()), (NAME_LIMIT, NAME_LIMIT + 1));
    assert!(why("192.0.2.10", &longest).is_some() && why("192.0.2.10", &longer).is_none());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(name in ".{0,80}", dashes in "[0-9a-fx.\\-_]{0,120}", bits: u128) {
        for addr in [IpAddr::from(bits.to_be_bytes()), IpAddr::from((bits as u32).to_be_bytes())] {
            let _ = why_generic(&DomainName::new(&name), addr);
            let _ = why_generic(&DomainName::new(&dashes), addr);
        }
    }

    #[test]
    fn every_spelling_of_any_address_is_told(bits: u32, order in 0..2usize, separator in 0..4usize) {
        let mut octets = bits.to_be_bytes();
        if order == 1 {
            octets.reverse();
        }
        let texts: Vec<String> = octets.iter().map(u8::to_string).collect();
        let name = format!("h{}.isp.example", texts.join(["-", ".", "_", "x"][separator]));
        proptest::prop_assert!(why_generic(&DomainName::new(&name), IpAddr::from(bits.to_be_bytes())).is_some(), "{name}");
    }
}

#[test]
fn words_of_a_role_and_a_count_are_chosen() {
    let words = "mail smtp mx relay out mta mailer www web db app gw ns cp cpanel whm exchange server host srv vps box node cloud mars zeus";
    for word in words.split(' ') {
        for count in ["", "1", "01", "12", "-1", "-01", "-12", "-a", "1a", "-eu-1", "1-2"] {
            for domain in ["example.com", "fra1.example.com"] {
                let name = format!("{word}{count}.{domain}");
                assert_eq!(why("203.0.113.77", &name), None, "{name}");
            }
        }
    }
}
