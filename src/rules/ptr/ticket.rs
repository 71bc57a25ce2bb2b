//! What to ask whoever holds an address: the ticket for its PTR record, and the record as it should stand.

use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::Facts;
use crate::findings::{Fix, Who};
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::iprev::confirms;
use crate::observe::{Observations, Question, RecordType, VantageKind};
use crate::providers::{ReverseZone, advice, recognise};
use crate::rules::advice::{address_record, ptr_record};
use crate::rules::names::own_names;
use crate::rules::support::{Sending, list, names_for, ptr_names};

/// The names that the PTR record of an address could have, the best first: those whose forward record leads to the address already, and
/// among them HELO names, then the host name, the MTAs' own names and WHM's. None is generic.
fn candidates(facts: &Facts, dns: &Observations, sending: &Sending<'_>) -> Vec<DomainName> {
    let addr = sending.address.value;
    let fit = |name: &DomainName| {
        name.is_qualified() && name.is_host_name() && !name.is_private() && why_generic(name, addr).is_none()
    };
    let helos = sending.paths.iter().filter_map(|path| path.helo_name()).filter(|helo| helo.value.literal().is_none());
    let whm = facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.as_ref()).map(|host| DomainName::new(&host.value));
    let mut all: Vec<DomainName> = Vec::new();
    let named = helos
        .map(|helo| helo.value.domain())
        .chain(facts.expected_hostname.clone())
        .chain(facts.host.fqdn.name().map(|name| name.value))
        .chain(own_names(facts).into_iter().map(|(_, name)| name.value))
        .chain(whm);
    for name in named.filter(fit) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all.sort_by_key(|name| confirms(dns, name, addr) != Some(true));
    all
}

/// The name that the PTR record of an address should have. `None` where the host has no name that would do.
pub(super) fn wanted_name(facts: &Facts, dns: &Observations, sending: &Sending<'_>) -> Option<DomainName> {
    candidates(facts, dns, sending).into_iter().next()
}

/// The request for the PTR record of an address, with what must be in place before: never for a name that it has already.
pub(super) fn request(facts: &Facts, dns: &Observations, sending: &Sending<'_>) -> Fix {
    let addr = sending.address.value;
    let present = ptr_names(dns, addr);
    let all = candidates(facts, dns, sending);
    let right = |name: &&DomainName| present.contains(name) && confirms(dns, name, addr) == Some(true);
    if let (Some(keep), true) = (all.iter().find(right), present.len() > 1) {
        return leave_one(dns, addr, keep);
    }
    let Some(name) = all.iter().find(|name| !present.contains(name)) else {
        let fit = |name: &&DomainName| {
            judged(name) && why_generic(name, addr).is_none() && confirms(dns, name, addr) == Some(true)
        };
        let taken = present.iter().find(fit).map(|name| {
            format!("`{name}` leads back to {addr}: where it is meant for this host, have the host and its MTA go by it. Else: ")
        });
        let text = format!(
            "{}Choose a qualified name for this host that is not generic. Its forward record comes first: publish an {} record with {addr}; \
             then ask {} to set the PTR record of {addr} to that name.",
            taken.unwrap_or_default(),
            Family::from(addr).record(),
            ReverseZone::find(dns, addr).holder(addr)
        );
        return Fix::new(Who::IpOwner, text);
    };
    ask_for(facts, dns, addr, name)
}

/// The request to leave one PTR record of several.
pub(super) fn leave_one(dns: &Observations, addr: IpAddr, keep: &DomainName) -> Fix {
    let holder = ReverseZone::find(dns, addr).holder(addr);
    let text = format!("Ask {holder} to leave one PTR record, `{keep}`, and to remove the others.");
    Fix::new(Who::IpOwner, text).command(ptr_record(addr, keep))
}

/// How the PTR record of `addr` comes to be `name`: at the provider, where it is recognised, else by a ticket to the holder of the reverse
/// zone, or in that zone where it is one's own. The commands begin with the record as it should stand.
pub(crate) fn ask_for(facts: &Facts, dns: &Observations, addr: IpAddr, name: &DomainName) -> Fix {
    // What is merely planned is still to be published.
    let planned = is_planned(dns, &Question::new(name, RecordType::address(Family::from(addr))));
    let in_place = !planned && confirms(dns, name, addr) == Some(true);
    let zone = ReverseZone::find(dns, addr);
    let at_provider = recognise(facts, dns, addr).map(|found| advice(&found, addr, name)).unwrap_or_default();
    let needs_ticket = at_provider.text.is_empty() || at_provider.ticket;
    let mut text = match (in_place, needs_ticket) {
        // The ticket says so.
        (true, true) => String::new(),
        (true, false) => format!("The forward record is in place: {name} resolves to {addr}. "),
        (false, _) => {
            let why = match at_provider.forward.trim() {
                "" => "Many providers check it.",
                wants => wants,
            };
            format!("First publish the forward record: {}. {why} ", address_record(name, addr))
        }
    };
    let reverse = Question::ptr(addr);
    if let Some(target) = dns.alias(&reverse.name, reverse.rtype) {
        text += &format!(
            "The reverse name is an alias (RFC 2317), so that the PTR record belongs into the zone of {target}: whoever runs that sets it."
        );
        let record = ptr_record(addr, name).replacen(reverse.name.as_str(), target.as_str(), 1);
        return Fix::new(Who::IpOwner, text).command(record);
    }
    if let Some(server) = own_server(&zone, name) {
        text += &format!("The reverse zone is served by {server}, a server of your own: put the PTR record into it.");
        return Fix::new(Who::DnsZone, text).command(ptr_record(addr, name));
    }
    if !at_provider.text.is_empty() {
        text += &format!("{} ", at_provider.text);
    }
    if !at_provider.notes.is_empty() {
        text += &format!("{} ", at_provider.notes.trim());
    }
    if needs_ticket {
        text += &format!("Ask {}:\n{}", zone.holder(addr), ticket(dns, addr, name, in_place));
    }
    let fix = Fix::new(Who::IpOwner, text.trim_end()).command(ptr_record(addr, name));
    at_provider.commands.into_iter().fold(fix, Fix::command)
}

/// Pointers up to which each has a ticket of its own.
const EACH: usize = 4;

/// The same for several addresses of one holder: of many, in one ticket.
pub(crate) fn ask_for_all(facts: &Facts, dns: &Observations, pointers: &[(IpAddr, &DomainName)]) -> Fix {
    let mut fixes: Vec<Fix> = pointers.iter().map(|(addr, name)| ask_for(facts, dns, *addr, name)).collect();
    let mut commands: Vec<String> = Vec::new();
    for command in fixes.iter_mut().flat_map(|fix| std::mem::take(&mut fix.commands)) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let who = fixes.first().map_or(Who::IpOwner, |fix| fix.who);
    let text = match (fixes.first(), pointers.first()) {
        (Some(first), Some((addr, _))) if fixes.len() > EACH => match first.text.contains("\nSubject: ") {
            true => {
                let wanted = pointers.iter().map(|(addr, name)| format!("{addr} {name}"));
                let holder = ReverseZone::find(dns, *addr).holder(*addr);
                format!(
                    "Ask {holder}:\nSubject: PTR (reverse DNS) records of {} addresses\nPlease set the PTR (reverse DNS) record of each of \
                     these addresses to the name beside it.\n{}",
                    pointers.len(),
                    wanted.collect::<Vec<_>>().join("\n")
                )
            }
            false => format!("{} And likewise the other records below.", first.text),
        },
        _ => {
            let mut texts: Vec<&str> = fixes.iter().map(|fix| fix.text.as_str()).collect();
            texts.dedup();
            texts.join("\n\n")
        }
    };
    commands.into_iter().fold(Fix::new(who, text), Fix::command)
}

/// Whether a planned record (`--overlay`) answers the question.
fn is_planned(dns: &Observations, question: &Question) -> bool {
    dns.truth(question).kind == Some(VantageKind::Overlay)
}

/// A server of the reverse zone below the domain of the wished name: the zone was handed down to its owner.
fn own_server<'a>(zone: &'a ReverseZone, name: &DomainName) -> Option<&'a DomainName> {
    let domain = name.registrable()?;
    zone.servers.iter().find(|server| server.is_within(&domain))
}

/// What to write to the holder of an address, ready to be sent.
fn ticket(dns: &Observations, addr: IpAddr, name: &DomainName, in_place: bool) -> String {
    let mut lines = vec![
        format!("Subject: PTR (reverse DNS) record of {addr}"),
        format!("Please set the PTR (reverse DNS) record of {addr} to {name}."),
    ];
    lines.push(match in_place {
        true => format!("The forward record is in place: {name} resolves to {addr}."),
        false => format!("The forward record will be in place: {}", address_record(name, addr)),
    });
    let now = ptr_names(dns, addr);
    match now.is_empty() {
        // What is there is not known where another record is planned.
        _ if is_planned(dns, &Question::ptr(addr)) => {}
        true => lines.push("There is no PTR record at present.".to_owned()),
        false => lines.push(format!("The record at present: {}", list(&now))),
    }
    lines.join("\n")
}

/// What makes a PTR name lead back to the address: its address record, where the name is this host's own; else another PTR record.
pub(super) fn lead_back(facts: &Facts, dns: &Observations, sending: &Sending<'_>, names: &[DomainName]) -> Fix {
    let addr = sending.address.value;
    // Where another name of this host leads to the address already, the PTR record is what is wrong.
    if wanted_name(facts, dns, sending).is_some_and(|name| confirms(dns, &name, addr) == Some(true)) {
        return request(facts, dns, sending);
    }
    let own: Vec<DomainName> = names_for(facts, sending).iter().filter_map(DomainName::registrable).collect();
    let ours = |name: &&DomainName| {
        judged(name)
            && why_generic(name, addr).is_none()
            && name.registrable().is_some_and(|domain| own.contains(&domain))
    };
    let Some(name) = names.iter().find(ours) else { return request(facts, dns, sending) };
    let record = Family::from(addr).record();
    let text = format!(
        "Let the {record} record of `{name}` hold {addr}; where `{name}` belongs to another machine, ask whoever holds {addr} to set its \
         PTR record to this host's own name instead."
    );
    Fix::new(Who::DnsZone, text).command(address_record(name, addr))
}

/// Whether PTR004, PTR010 and PTR011 look at a PTR name: PTR009 leaves it alone.
pub(super) fn judged(name: &DomainName) -> bool {
    invalid(name).is_none()
}

/// Why a PTR name is no qualified host name (PTR009), in words that follow "it".
pub(super) fn invalid(name: &DomainName) -> Option<String> {
    let reverse = ["in-addr.arpa", "ip6.arpa"].iter().any(|zone| name.is_within(&DomainName::new(zone)));
    if reverse {
        return Some("lies below the reverse tree: the final dot was forgotten in the zone file".into());
    }
    if name.as_str() == "localhost" {
        return Some("is the name of whichever host reads it".into());
    }
    if name.as_str().parse::<IpAddr>().is_ok() || name.as_str().starts_with('[') {
        return Some("is an address, no name".into());
    }
    if let Some(fault) = name.host_fault() {
        return Some(format!("is no host name by RFC 1123: {fault}"));
    }
    (!name.is_qualified()).then(|| "has one label alone".into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::facts::HostFqdn;
    use crate::observe::RecordData;
    use crate::rules::support::sending_addresses;
    use crate::rules::testing::*;

    const GENERIC: &str = "static-192-0-2-10.isp.example";

    fn asked(facts: &Facts, dns: &Observations) -> Fix {
        request(facts, dns, &sending_addresses(facts)[0])
    }

    #[test]
    fn the_wished_name_is_neither_generic_nor_there_already() {
        // The HELO name follows a generic PTR name, and leads here; the host has a better one.
        let facts = named(GENERIC).but(|f| f.host.fqdn = HostFqdn::Name(fact("server.example.com".into())));
        let world: &[(&str, &[&str])] = &[("192.0.2.10 PTR", &[GENERIC]), ("static-192-0-2-10.isp.example A", &[ADDR])];
        let here = [world, &[("server.example.com A", &[ADDR])]].concat();
        let fix = asked(&facts, &dns(&here));
        assert_eq!(fix.commands, ["10.2.0.192.in-addr.arpa. 3600 IN PTR server.example.com."]);
        assert!(fix.text.contains("\nThe forward record is in place: server.example.com"), "{}", fix.text);
        assert!(fix.text.contains("The record at present: static-192-0-2-10.isp.example"), "{}", fix.text);
        let elsewhere = [world, &[("server.example.com A", &["192.0.2.99"])]].concat();
        let fix = asked(&facts, &dns(&elsewhere));
        assert!(fix.text.starts_with("First publish the forward record: server.example.com. 3600 IN A 192.0.2.10"));
        // Nothing else is known: no name is made up.
        let fix = asked(&named(GENERIC), &dns(world));
        assert!(fix.commands.is_empty() && fix.text.contains("Its forward record comes first"), "{}", fix.text);
    }

    #[test]
    fn a_good_ptr_name_of_a_host_without_name_may_become_its_name() {
        let fix = asked(&named("localhost"), &dns(&[]));
        assert!(fix.text.starts_with("`mail.example.com` leads back to 192.0.2.10"), "{}", fix.text);
        assert!(fix.commands.is_empty());
    }

    #[test]
    fn a_name_that_leads_here_goes_before_one_that_does_not() {
        let facts =
            healthy().but(|f| f.cpanel = Some(cpanel().but(|c| c.host = Some(fact("whm.example.com".into()))).into()));
        let world = dns(&[
            ("192.0.2.10 PTR", &["NXDOMAIN"]),
            ("mail.example.com A", &["NXDOMAIN"]),
            ("whm.example.com A", &[ADDR]),
        ]);
        assert_eq!(asked(&facts, &world).commands, ["10.2.0.192.in-addr.arpa. 3600 IN PTR whm.example.com."]);
    }

    #[test]
    fn of_several_ptr_names_the_right_one_stays() {
        let world = dns(&[("192.0.2.10 PTR", &["localhost", NAME])]);
        let fix = asked(&healthy(), &world);
        assert!(fix.text.contains("leave one PTR record, `mail.example.com`"), "{}", fix.text);
    }

    #[test]
    fn a_provider_that_is_known_is_told_by_its_own_means() {
        let none = dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]);
        let at = |vendor: &str| {
            healthy().but(|f| {
                f.machine.dmi.insert("sys_vendor".into(), fact(vendor.to_owned()));
            })
        };
        let fix = asked(&at("Hetzner"), &none);
        assert_eq!(fix.who, Who::IpOwner);
        assert_eq!(fix.commands[1], "hcloud server set-rdns --ip 192.0.2.10 --hostname mail.example.com '<SERVER>'");
        assert!(!fix.text.contains("Subject:"), "no ticket is needed: {}", fix.text);
        let lost = dns(&[("192.0.2.10 PTR", &["NXDOMAIN"]), ("mail.example.com A", &["NXDOMAIN"])]);
        let fix = asked(&at("Linode"), &lost);
        let wants = "Linode (Akamai Cloud) refuses the PTR record until mail.example.com resolves to 192.0.2.10";
        assert!(fix.text.contains(wants), "{}", fix.text);
        let fix = asked(&at("Tencent Cloud"), &none);
        assert!(fix.text.contains("\nPlease set the PTR (reverse DNS) record of 192.0.2.10"), "{}", fix.text);
    }

    #[test]
    fn without_provider_there_is_a_ticket() {
        let fix = asked(&healthy(), &dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]));
        let expected = "Ask whoever holds 192.0.2.10:\n\
                        Subject: PTR (reverse DNS) record of 192.0.2.10\n\
                        Please set the PTR (reverse DNS) record of 192.0.2.10 to mail.example.com.\n\
                        The forward record is in place: mail.example.com resolves to 192.0.2.10.\n\
                        There is no PTR record at present.";
        assert_eq!(fix.text, expected);
    }

    #[test]
    fn a_forward_record_that_is_merely_planned_is_not_in_place() {
        let world = dns(&[("192.0.2.10 PTR", &["NXDOMAIN"]), ("mail.example.com A", &["NXDOMAIN"])]);
        let planned = world.with_record(
            &Question::new(&DomainName::new(NAME), RecordType::A),
            RecordData::A(Ipv4Addr::new(192, 0, 2, 10)),
        );
        let fix = asked(&healthy(), &planned);
        assert!(
            fix.text.starts_with("First publish the forward record: mail.example.com. 3600 IN A 192.0.2.10"),
            "{}",
            fix.text
        );
        assert!(fix.text.contains("will be in place"), "{}", fix.text);
        // The record that is there is not known either, where another is planned.
        let reverse = Question::ptr("192.0.2.10".parse().unwrap());
        let planned = planned.with_record(&reverse, RecordData::Ptr(DomainName::new("mx1.example.com")));
        assert!(!asked(&healthy(), &planned).text.contains("at present"));
    }

    #[test]
    fn an_alias_in_the_reverse_tree_leads_to_the_zone_to_edit() {
        let world: &[(&str, &[&str])] =
            &[("192.0.2.10 PTR", &["CNAME 10.0-127.2.0.192.in-addr.arpa", "old.example.com"])];
        let fix = asked(&healthy(), &dns(world));
        assert_eq!(fix.commands, ["10.0-127.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.com."]);
        assert!(fix.text.contains("RFC 2317"), "{}", fix.text);
    }

    #[test]
    fn a_reverse_zone_of_ones_own_is_a_zone_to_edit() {
        let zone = |server: &str| ReverseZone { servers: vec![DomainName::new(server)], ..ReverseZone::default() };
        let name = DomainName::new(NAME);
        assert!(own_server(&zone("ns1.example.com"), &name).is_some());
        assert!(own_server(&zone("ns1.example.net"), &name).is_none());
    }
}
