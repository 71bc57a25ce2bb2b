//! A family given up on purpose, and why.

use std::net::{IpAddr, Ipv6Addr};

use super::{Candidate, State, exim, postfix};
use crate::addr::{self, Family};
use crate::facts::{AddressFlag, Facts, Mta, OutboundPath};
use crate::observe::{Lookup, Observations};
use crate::remedy::op::Op;
use crate::rules::names::{Introduction, introduction};

/// What a family is worth: more than one record, less than two.
const OF_FAMILY: u32 = 40;

/// Why a path by IPv6 is not worth keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hopeless {
    SixToFour(IpAddr),
    /// An address that goes before long, or changes.
    Passing(IpAddr, AddressFlag),
    /// No AAAA record of the HELO name, no PTR record.
    Unnamed,
    NoRoute,
}

/// Why a path by IPv6 is not worth keeping, where it is not.
fn hopeless(facts: &Facts, dns: &Observations, path: &OutboundPath) -> Option<Hopeless> {
    let source = path.source.as_ref().map(|fact| fact.value)?;
    let sending = path.sending.as_ref().map_or(source, |fact| fact.value);
    let unnamed = match introduction(path, dns) {
        Introduction::Name(helo) => !dns.addresses(&helo.value.domain(), Family::Ipv6).found().contains(&sending),
        _ => false,
    };
    let no_ptr = matches!(dns.ptr(sending), Lookup::NoData | Lookup::NxDomain);
    if is_6to4(source) {
        return Some(Hopeless::SixToFour(source));
    }
    if let Some(flag) = passing(facts, source) {
        return Some(Hopeless::Passing(source, flag));
    }
    if unnamed && no_ptr {
        return Some(Hopeless::Unnamed);
    }
    has_no_route(facts).then_some(Hopeless::NoRoute)
}

fn has_no_route(facts: &Facts) -> bool {
    facts.host.source.known && facts.host.source.ipv6.is_none()
}

/// The flag by which an address of this host will not stay.
fn passing(facts: &Facts, addr: IpAddr) -> Option<AddressFlag> {
    let own = facts.host.own_addresses().find(|own| own.address == addr)?;
    own.flags.iter().copied().find(|flag| matches!(flag, AddressFlag::Temporary | AddressFlag::Deprecated))
}

/// Why mail may leave by IPv4 alone, and what would keep IPv6; `None` where nothing here says so.
pub(crate) fn given_up(facts: &Facts, dns: &Observations) -> Option<String> {
    let by_v6 = facts.paths.iter().filter(|path| path.family == Family::Ipv6);
    let why = by_v6.filter_map(|path| hopeless(facts, dns, path)).next();
    let text = match why.or_else(|| has_no_route(facts).then_some(Hopeless::NoRoute))? {
        Hopeless::SixToFour(addr) => format!(
            "{addr} is a 6to4 address (RFC 3056), and RFC 7526 has done away with these. The other way keeps IPv6: an address of the \
             network itself, with an AAAA record and a PTR record."
        ),
        Hopeless::Passing(addr, flag) => {
            let what = match flag {
                AddressFlag::Temporary => "temporary, and another one soon",
                _ => "deprecated, and goes before long",
            };
            let stays = |other: IpAddr| {
                other != addr && !other.is_ipv4() && addr::is_public(other) && passing(facts, other).is_none()
            };
            let others = match facts.host.own_addresses().any(|own| stays(own.address)) {
                true => "and with the others of this host more would be wrong",
                false => "and this host has no other that stays",
            };
            format!(
                "The address that mail leaves from by IPv6, {addr}, is {what}, {others}. The other way keeps IPv6: an address that \
                 stays, with an AAAA record and a PTR record."
            )
        }
        Hopeless::Unnamed => "IPv6 has no name that leads to this host and back, and this needs nobody else. The other way keeps IPv6: an \
                              AAAA record and a PTR record for an address that stays."
            .to_owned(),
        Hopeless::NoRoute => "This host has no route for IPv6, and this needs nobody else. The other way keeps IPv6: a route, and an \
                              address with an AAAA record and a PTR record."
            .to_owned(),
    };
    Some(text)
}

/// IPv4 alone, where IPv6 never worked for mail: it has neither AAAA nor PTR record, will not stay, or has no route.
pub(super) fn without(state: &State<'_>, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    let has_v4 = facts.paths.iter().any(|path| path.family == Family::Ipv4 && path.source.is_some());
    if !has_v4 {
        return;
    }
    let by_v6: Vec<&OutboundPath> = facts.paths.iter().filter(|path| path.family == Family::Ipv6).collect();
    let hopeless: Vec<&OutboundPath> =
        by_v6.iter().copied().filter(|path| hopeless(facts, state.dns(), path).is_some()).collect();
    let no_route = state.subjects("NET009").any(|family| family == "ipv6");
    if hopeless.is_empty() && !no_route {
        return;
    }
    let of_all = hopeless.len() == by_v6.len() || no_route;
    let end = "mail leaves by IPv4 alone";
    let give_up = |ops: Vec<Op>| Candidate { gives_up: true, ..Candidate::new(end, ops).blast(OF_FAMILY) };
    for instance in &facts.postfix {
        if of_all {
            all.push(give_up(vec![postfix::main_cf(instance, "inet_protocols", Some("ipv4"))]));
        }
    }
    for path in hopeless.iter().filter(|path| path.mta == Some(Mta::Postfix)) {
        let ops = path.services.iter().filter_map(|label| {
            let (instance, _, service) = postfix::service(state, label)?;
            Some(postfix::master_cf(instance, &service, "inet_protocols", Some("ipv4")))
        });
        all.push(give_up(ops.collect()).blast(OF_FAMILY + 1));
    }
    if let (true, Some(config)) = (of_all, facts.exim.first()) {
        all.push(give_up(exim::set_main(state, config, "disable_ipv6", Some("true"))));
        all.push(give_up(exim::set_main(state, config, "dns_ipv4_lookup", Some("*"))).blast(OF_FAMILY + 1));
    }
}

/// Whether an address is a 6to4 one (RFC 3056), which RFC 7526 has done away with.
fn is_6to4(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V6(v6) if v6.segments().first() == Some(&0x2002))
        || addr == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, dns, healthy, on, path};

    #[test]
    fn the_reason_is_that_of_the_address() {
        let by = |addr: &'static str, flags: &'static [AddressFlag], other: Option<&'static str>| {
            healthy().but(move |f| {
                f.paths = vec![path(addr, "mail.example.com")];
                let mut all = vec![on("eth0", addr, flags)];
                all.extend(other.map(|other| on("eth0", other, &[])));
                f.host.addresses = Some(all);
                f.host.source.known = true;
                f.host.source.ipv6 = Some(addr.parse().unwrap());
            })
        };
        let named: (&str, &[&str]) = ("mail.example.com AAAA", &["2001:db8::1"]);
        let nothing: [(&str, &[&str]); 2] =
            [("mail.example.com AAAA", &["NODATA"]), ("2001:db8::1 PTR", &["NXDOMAIN"])];
        for (facts, records, expected) in [
            (
                by("2001:db8::1", &[AddressFlag::Deprecated], None),
                &[named][..],
                Some("is deprecated, and goes before long, and this host has no other"),
            ),
            (
                by("2001:db8::1", &[AddressFlag::Temporary], None),
                &[named][..],
                Some("is temporary, and another one soon, and this host has no other"),
            ),
            (by("2001:db8::1", &[], None), &nothing[..], Some("IPv6 has no name that leads to this host and back")),
            (by("2002:c000:20a::1", &[], None), &[][..], Some("2002:c000:20a::1 is a 6to4 address")),
            (by("2001:db8::1", &[], None).but(|f| f.host.source.ipv6 = None), &[named][..], Some("no route for IPv6")),
            (by("2001:db8::1", &[], None), &[named][..], None),
        ] {
            let text = given_up(&facts, &dns(records));
            match expected {
                Some(expected) => assert!(text.as_deref().is_some_and(|text| text.contains(expected)), "{text:?}"),
                None => assert_eq!(text, None),
            }
        }
    }
}
