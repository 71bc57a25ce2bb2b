//! Every entry of the tables, exercised.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::addr::Family;
use crate::facts::Fact;
use crate::observe::{Answer, Outcome, Question, Record, RecordData, Reply, Vantage, VantageKind};
use crate::rules::testing::{But, HERE, dns, fact, healthy, ip};

const WANTED: &str = "mail.example.com";

fn wanted() -> DomainName {
    DomainName::new(WANTED)
}

fn with_dmi(fields: &[(&str, &str)]) -> Facts {
    let dmi = fields.iter().map(|(field, value)| ((*field).to_owned(), fact((*value).to_owned())));
    healthy().but(|f| f.machine.dmi = dmi.collect())
}

fn in_cloud(id: &str) -> Facts {
    healthy().but(|f| f.machine.cloud_id = Some(Fact::new(id.to_owned(), HERE)))
}

fn ids(found: Option<&Recognised>) -> Vec<&'static str> {
    found.map(|found| found.providers.iter().map(|provider| provider.id).collect()).unwrap_or_default()
}

/// What the DNS says where `server` is the SOA record's of the zone that denies the PTR record of `addr`.
fn served_by(server: &str, addr: &str) -> Observations {
    let question = Question::ptr(ip(addr));
    let zone = question.name.parent().unwrap();
    let data = RecordData::Soa {
        mname: DomainName::new(server),
        rname: DomainName::new("hostmaster.isp.example"),
        serial: 1,
        minimum: 60,
    };
    let answer = Answer {
        nxdomain: true,
        authoritative: true,
        recursion_available: false,
        records: Vec::new(),
        negative_ttl: None,
        soa: Some(Record { name: zone, ttl: 60, data }.into()),
        rtt_micros: 0,
        left_out: 0,
    };
    let vantage = Vantage { name: "zones".into(), server: None, kind: VantageKind::Authoritative };
    let reply = Reply { vantage: 0, outcome: Outcome::Answer(answer) };
    Observations::new(vec![vantage], BTreeMap::from([(question, vec![reply])]))
}

#[test]
fn each_entry_can_be_recognised_and_has_a_name_of_its_own() {
    let mut seen = BTreeSet::new();
    for provider in all() {
        assert!(seen.insert(provider.id) && !provider.name.is_empty(), "{}", provider.id);
        let sources = provider.dmi.len()
            + provider.cloud_ids.len()
            + provider.default_names.len()
            + provider.reverse_servers.len();
        assert!(sources > 0, "{}: nothing recognises it", provider.id);
        assert!(provider.ways.iter().all(|way| !way.source.is_empty()), "{}", provider.id);
    }
    assert!(seen.len() >= 51, "{}", seen.len());
}

#[test]
fn each_dmi_value_and_each_cloud_name() {
    for provider in all() {
        for dmi in provider.dmi {
            let found = recognise(&with_dmi(&[(dmi.field, dmi.value)]), &dns(&[]), ip("192.0.2.10"));
            assert_eq!(ids(found.as_ref()), [provider.id], "{}", dmi.value);
            assert!(found.unwrap().sentence().contains(&format!("DMI: {} is `{}`", dmi.field, dmi.value)));
            let longer = with_dmi(&[(dmi.field, &format!("{} x", dmi.value))]);
            let found = recognise(&longer, &dns(&[]), ip("192.0.2.10"));
            assert_eq!(found.is_some(), dmi.op == Op::Prefix, "{}", dmi.value);
        }
        for id in provider.cloud_ids {
            let found = recognise(&in_cloud(id), &dns(&[]), ip("192.0.2.10"));
            assert_eq!(ids(found.as_ref()), [provider.id], "{id}");
            assert_eq!(found.map(|found| found.by), Some(By::CloudInit((*id).to_owned())));
        }
    }
    for (field, value) in [
        ("sys_vendor", "Oracle Corporation"),
        ("sys_vendor", "Microsoft Corporation"),
        ("sys_vendor", "QEMU"),
        ("sys_vendor", "OpenStack Foundation"),
        ("product_name", "OpenStack Nova"),
    ] {
        assert!(recognise(&with_dmi(&[(field, value)]), &dns(&[]), ip("192.0.2.10")).is_none(), "{value} names nobody");
    }
    for id in ["openstack", "nocloud", "configdrive", "none", "ec2"] {
        assert!(recognise(&in_cloud(id), &dns(&[]), ip("192.0.2.10")).is_none(), "{id} names nobody");
    }
}

#[test]
fn each_default_name() {
    for provider in all() {
        for default in provider.default_names {
            let addr = default.address.unwrap_or("192.0.2.10");
            let fits = |name: &str| default.patterns.iter().any(|p| pattern::matches(p, name, ip(addr)));
            assert!(fits(default.example), "{}: {}", provider.id, default.example);
            assert!(!fits(&format!("x.{}", default.example)), "{}: {}", provider.id, default.example);
            let question = format!("{addr} PTR");
            let world = dns(&[(question.as_str(), &[default.example])]);
            let found = recognise(&healthy(), &world, ip(addr));
            assert!(ids(found.as_ref()).contains(&provider.id), "{}: {found:?}", default.example);
            assert!(found.unwrap().sentence().contains("most likely"));
            if default.address.is_some() {
                let other = dns(&[("198.51.100.99 PTR", &[default.example])]);
                let found = recognise(&healthy(), &other, ip("198.51.100.99"));
                assert!(!ids(found.as_ref()).contains(&provider.id), "{} is another address'", default.example);
            }
        }
    }
}

#[test]
fn each_pattern_fits_what_it_describes() {
    let addr = ip("192.0.2.10");
    for pattern in all().flat_map(|provider| provider.default_names).flat_map(|default| default.patterns) {
        let mut name = (*pattern).to_owned();
        for (hole, text) in
            [("{a}", "192"), ("{b}", "0"), ("{c}", "2"), ("{d}", "10"), ("{n}", "7"), ("{h}", "1f"), ("{l}", "eu-1")]
        {
            name = name.replace(hole, text);
        }
        assert!(!name.contains('{') && pattern::matches(pattern, &name, addr), "{pattern} {name}");
    }
}

#[test]
fn each_server_of_reverse_zones() {
    for provider in all() {
        for domain in provider.reverse_servers {
            let server = if domain.contains('.') { format!("ns1.{domain}") } else { format!("ns1.{domain}7.example") };
            let found = recognise(&healthy(), &served_by(&server, "192.0.2.10"), ip("192.0.2.10"));
            assert!(ids(found.as_ref()).contains(&provider.id), "{server}");
            assert!(found.unwrap().sentence().contains("apparently"), "a reseller may stand between");
        }
    }
    let found = recognise(&healthy(), &served_by("ns1.isp.example", "192.0.2.10"), ip("192.0.2.10"));
    assert!(found.is_none());
}

#[test]
fn each_way_is_filled_in_and_hedged_as_it_must_be() {
    for provider in all() {
        let recognised = Recognised { providers: vec![provider], by: By::CloudInit("test".into()) };
        for (family, addr) in [(Family::Ipv4, "192.0.2.10"), (Family::Ipv6, "2001:db8::10")] {
            let advice = advice(&recognised, ip(addr), &wanted());
            let everything = format!("{} {}", advice.text, advice.commands.join(" "));
            let left = everything.replace(r#"{"reverseLookup": "mail.example.com"}"#, "");
            assert!(!left.contains('{') && !left.contains('}'), "{}: {left}", provider.id);
            if provider.retired || matches!(provider.means(family), Some((Means::Unsupported, _))) {
                assert!(advice.ticket && advice.commands.is_empty(), "{}", provider.id);
                continue;
            }
            let here = |way: &&Way| way.family.is_none_or(|of| of == family);
            let certain = provider.ways.iter().filter(here).any(|way| way.basis.is_certain());
            let by_command = provider.ways.iter().filter(here).any(|way| way.how == How::Cli);
            for way in provider.ways.iter().filter(here).filter(|way| !(by_command && way.how == How::Api)) {
                let text =
                    way.text.replace("{ip}", addr).replace("{name.}", "mail.example.com.").replace("{name}", WANTED);
                // A shell must not take what is to be filled in for redirections.
                let text = if way.how == How::Cli { text.replace('<', "'<").replace('>', ">'") } else { text };
                assert_eq!(everything.contains(&text), way.basis.is_certain() || !certain, "{}: {text}", provider.id);
                let flat = advice.commands.contains(&text);
                assert_eq!(flat, way.how == How::Cli && way.basis.is_certain(), "{}: {text}", provider.id);
                if !way.basis.is_certain() && !certain {
                    assert!(advice.text.to_lowercase().contains("usually"), "{}: {}", provider.id, advice.text);
                }
            }
            for other in provider.ways.iter().filter(|way| way.family.is_some_and(|of| of != family)) {
                let text =
                    other.text.replace("{ip}", addr).replace("{name.}", "mail.example.com.").replace("{name}", WANTED);
                let text = if other.how == How::Cli { text.replace('<', "'<").replace('>', ">'") } else { text };
                let shared = provider.ways.iter().filter(here).any(|way| way.text == other.text);
                assert!(shared || !everything.contains(&text), "{}: {text} is for the other family", provider.id);
            }
            assert!(advice.text.len() > recognised.sentence().len() + 10, "{}: it says what to do", provider.id);
        }
        let advice = advice(&recognised, ip("192.0.2.10"), &wanted());
        match provider.forward {
            Some((Forward::Enforced, _)) => {
                assert!(advice.forward.contains("refuses the PTR record until"), "{}", provider.id)
            }
            Some((Forward::Ownership, _)) => assert!(advice.forward.contains("proof"), "{}", provider.id),
            Some((Forward::Advised, _)) | None => assert_eq!(advice.forward, "", "{}", provider.id),
        }
        match provider.port_25 {
            Some(port) if port.basis.is_certain() => {
                assert!(
                    advice.notes.contains("blocks outgoing port 25") && !advice.notes.contains("usually"),
                    "{}",
                    provider.id
                )
            }
            Some(_) => assert!(advice.notes.contains("usually blocks outgoing port 25"), "{}", provider.id),
            None => assert!(!advice.notes.contains("port 25"), "{}", provider.id),
        }
        for (note, _) in provider.notes {
            assert!(advice.notes.contains(note), "{}: {note}", provider.id);
        }
    }
}

#[test]
fn the_machine_is_believed_before_the_dns() {
    let addr = ip("192.0.2.10");
    let contabo = dns(&[("192.0.2.10 PTR", &["vmi1.contaboserver.net"])]);
    assert_eq!(ids(recognise(&healthy(), &contabo, addr).as_ref()), ["contabo"]);
    assert_eq!(ids(recognise(&in_cloud("hetzner"), &contabo, addr).as_ref()), ["hetzner-cloud"]);
    let both = in_cloud("hetzner").but(|f| {
        f.machine.dmi.insert("sys_vendor".into(), fact("Vultr".into()));
    });
    assert_eq!(ids(recognise(&both, &contabo, addr).as_ref()), ["vultr"]);
    assert!(recognise(&healthy(), &dns(&[]), addr).is_none());
}

#[test]
fn what_two_providers_share_names_both_until_the_machine_tells() {
    let addr = ip("192.0.2.10");
    let world = dns(&[("192.0.2.10 PTR", &["static.10.2.0.192.clients.your-server.de"])]);
    let found = recognise(&healthy(), &world, addr).unwrap();
    assert_eq!(ids(Some(&found)), ["hetzner-cloud", "hetzner-robot"]);
    let advice = advice(&found, addr, &wanted());
    assert!(advice.text.contains("At Hetzner Cloud: ") && advice.text.contains("At Hetzner Robot"), "{}", advice.text);
    let board = with_dmi(&[("sys_vendor", "FUJITSU")]);
    assert_eq!(ids(recognise(&board, &world, addr).as_ref()), ["hetzner-robot"], "a cloud server would say Hetzner");
    let cloud = with_dmi(&[("sys_vendor", "Hetzner")]);
    assert_eq!(ids(recognise(&cloud, &world, addr).as_ref()), ["hetzner-cloud"]);
}

#[test]
fn whom_to_ask_by_the_soa_record() {
    let zone = ReverseZone::find(&served_by("ns1.isp.example", "192.0.2.10"), ip("192.0.2.10"));
    assert_eq!(zone.zone, Some(DomainName::new("2.0.192.in-addr.arpa")));
    assert_eq!(
        zone.holder(ip("192.0.2.10")),
        "the holder of 192.0.2.10, whose reverse zone is 2.0.192.in-addr.arpa (contact hostmaster@isp.example by its SOA \
         record, served by ns1.isp.example)"
    );
    assert_eq!(ReverseZone::find(&dns(&[]), ip("192.0.2.10")).holder(ip("192.0.2.10")), "whoever holds 192.0.2.10");
}

#[test]
fn what_providers_changed_or_guides_have_wrong() {
    let of = |id: &str| all().find(|provider| provider.id == id).unwrap();
    let six = |id: &str| of(id).ptr6.map(|(means, _)| means);
    for id in ["azure", "leaseweb", "alibaba-cloud"] {
        assert_eq!(six(id), Some(Means::Unsupported), "{id} sets no PTR record of IPv6 addresses");
    }
    for id in ["ovhcloud", "hetzner-robot", "contabo", "transip", "gridscale", "wedos"] {
        assert_eq!(six(id), Some(Means::SelfService), "{id}");
    }
    for (id, means) in [
        ("godaddy", Means::Ticket),
        ("oracle-cloud", Means::Ticket),
        ("contabo", Means::SelfService),
        ("leaseweb", Means::SelfService),
        ("liquidweb", Means::SelfService),
        ("scaleway-dedibox", Means::SelfService),
        ("huawei-cloud", Means::SelfService),
        ("digitalocean", Means::FromName),
    ] {
        assert_eq!(of(id).ptr4.map(|(means, _)| means), Some(means), "{id}");
    }
    for (id, forward) in [
        ("aws-ec2", Some(Forward::Enforced)),
        ("ovhcloud", Some(Forward::Enforced)),
        ("google-cloud", Some(Forward::Ownership)),
        ("scaleway", Some(Forward::Advised)),
        ("hetzner-cloud", None),
    ] {
        assert_eq!(of(id).forward.map(|(forward, _)| forward), forward, "{id}");
    }
    for (name, addr, id) in [
        ("vps-103973c9.vps.ovh.ca", "192.0.2.10", "ovhcloud"),
        ("vps103973.vps.ovh.net", "192.0.2.10", "ovhcloud"),
        ("ip10.ip-192-0-2.eu", "192.0.2.10", "ovhcloud"),
        ("10.ip-192-0-2.net", "192.0.2.10", "ovhcloud"),
        ("ns31.ip-192-0-2.us", "192.0.2.10", "ovhcloud"),
        ("v2202503255565320322.yourvserver.net", "192.0.2.10", "netcup"),
        ("v220250325556532.ultrasrv.de", "192.0.2.10", "netcup"),
        ("v220250325556532.bestsrv.de", "192.0.2.10", "netcup"),
        ("10.2.0.192.host.secureserver.net", "192.0.2.10", "godaddy"),
        ("10-2-0-192.host.secureserver.net", "192.0.2.10", "godaddy"),
        ("li1080-10.members.linode.com", "192.0.2.10", "linode"),
        ("vmd12.contaboserver.net", "192.0.2.10", "contabo"),
        ("192-0-2-10.rev.poneytelecom.eu", "192.0.2.10", "scaleway-dedibox"),
    ] {
        let world = dns(&[(format!("{addr} PTR").as_str(), &[name])]);
        assert!(ids(recognise(&healthy(), &world, ip(addr)).as_ref()).contains(&id), "{name}");
    }
    let azure = Recognised { providers: vec![of("azure")], by: By::CloudInit("azure".into()) };
    let six = advice(&azure, ip("2001:db8::10"), &wanted());
    assert!(six.text.contains("sets no PTR record of IPv6 addresses") && six.commands.is_empty(), "{}", six.text);
    assert_eq!(advice(&azure, ip("192.0.2.10"), &wanted()).commands.len(), 2);
}
