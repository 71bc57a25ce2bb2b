//! Records as they should stand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use crate::addr::Family;
use crate::identity::OwnAddresses;
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordData, RecordType};
use crate::spf::{self, Check, Directive, Mechanism, Network, SpfResult, Term, is_spf};

/// Prefix length of an IPv4 network that is taken for one server's own: eight addresses. In what is larger, others may have theirs.
const OWN_IPV4_NETWORK: u8 = 29;
/// The same of IPv6: one link (RFC 4291 section 2.5.1).
const OWN_IPV6_NETWORK: u8 = 64;

/// What a record is to authorise no longer.
#[derive(Clone, Copy)]
pub struct Retired<'a> {
    /// Addresses from before a move.
    pub old: &'a [IpAddr],
    /// Those that this host has now.
    pub own: &'a OwnAddresses<'a>,
}

impl Retired<'_> {
    /// Whether a network is written with an old address and holds no other server's: it is the old server's alone.
    fn has(&self, network: &Network) -> bool {
        let own_network = if network.address.is_ipv4() { OWN_IPV4_NETWORK } else { OWN_IPV6_NETWORK };
        self.old.contains(&network.address)
            && network.length >= own_network
            && (is_single(network) || self.own.known().is_some_and(|mut own| !own.any(|own| network.contains(own))))
    }

    /// The terms of a record that are written with an old address: those that go, and those that authorise others than the old server, and stay.
    pub fn terms<'t>(&self, record: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
        let networks = record.split(' ').skip(1).filter_map(|term| Some((term, network(&Term::read(term).ok()?)?)));
        let all: Vec<_> = networks.filter(|(_, network)| self.old.contains(&network.address)).collect();
        let (gone, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, network)| self.has(network));
        let texts = |all: Vec<(&'t str, Network)>| all.into_iter().map(|(term, _)| term).collect();
        (texts(gone), texts(kept))
    }
}

/// The network that a term names.
fn network(term: &Term<'_>) -> Option<Network> {
    match term {
        Term::Directive(Directive { mechanism: Mechanism::Ip(network), .. }) => Some(*network),
        _ => None,
    }
}

/// `record` with `add` authorised and without what is retired. Addresses go to the front: there they cost no lookup, and no other term decides
/// before them, so that whatever else names just them goes. Without a record, one that authorises them and leaves all others open. `None` where the
/// record cannot be mended this way: what is broken in it has to be mended first.
pub fn authorising(record: Option<&str>, add: &[IpAddr], retired: &Retired<'_>) -> Option<String> {
    let Some(record) = record else {
        let terms: Vec<String> = add.iter().map(|address| term(*address)).collect();
        return Some(format!("v=spf1 {} ~all", terms.join(" ")));
    };
    if !is_spf(record) {
        return None;
    }
    let added: Vec<String> = add.iter().map(|address| term(*address)).collect();
    let mut terms: Vec<&str> = added.iter().map(String::as_str).collect();
    let mut known: HashSet<&str> = terms.iter().copied().collect();
    for text in record.split(' ').skip(1).filter(|text| !text.is_empty()) {
        let goes = network(&Term::read(text).ok()?)
            .is_some_and(|network| retired.has(&network) || (is_single(&network) && add.contains(&network.address)));
        if !goes && known.insert(text) {
            terms.push(text);
        }
    }
    Some(["v=spf1"].into_iter().chain(terms).collect::<Vec<_>>().join(" "))
}

/// Whether a record says that nobody sends mail from its domain: `v=spf1 -all`, and nothing else.
pub fn says_that_nobody_sends(record: &str) -> bool {
    let mut terms = record.split(' ').skip(1).filter(|term| !term.is_empty());
    is_spf(record) && terms.next().is_some_and(|term| term.eq_ignore_ascii_case("-all")) && terms.next().is_none()
}

/// Whether mail of `name` passes from all of these addresses by `record`, whatever the DNS says of other names.
pub fn passes_alone(record: &str, name: &DomainName, addresses: &[IpAddr]) -> bool {
    let own = Question::new(name, RecordType::Txt);
    let answer = Lookup::Found(vec![RecordData::Txt(record.to_owned())]);
    let answers = |question: &Question| (*question == own).then_some(Cow::Borrowed(&answer));
    addresses.iter().all(|address| {
        let outcome = spf::evaluate(&Check::new(*address, name, "unknown"), &answers);
        matches!(outcome, spf::Outcome::Done(found) if found.result == SpfResult::Pass)
    })
}

/// Whether a network is one address.
fn is_single(network: &Network) -> bool {
    network.length == if network.address.is_ipv4() { 32 } else { 128 }
}

fn term(address: IpAddr) -> String {
    format!("{}:{address}", if address.is_ipv4() { "ip4" } else { "ip6" })
}

/// The TTL of records proposed, in seconds: the one that DNS006 still calls low enough for a migration.
pub(crate) const TTL: u32 = 3600;

/// The address record of `name`, as a master file writes it.
pub(crate) fn address_record(name: &DomainName, address: IpAddr) -> String {
    format!("{name}. {TTL} IN {} {address}", RecordType::address(Family::from(address)))
}

/// A record to be deleted, as a comment of a master file: whoever pastes it into a zone changes nothing by mistake.
pub(crate) fn delete_record(name: &DomainName, address: IpAddr) -> String {
    format!("; delete: {name}. IN {} {address}", RecordType::address(Family::from(address)))
}

/// A TXT record as a master file has it.
pub(crate) fn txt_record(name: &DomainName, text: &str) -> String {
    format!("{}. IN TXT {}", name.as_str(), txt_strings(text))
}

/// The text of a TXT record as a master file has it, in strings of at most 255 octets.
pub(crate) fn txt_strings(text: &str) -> String {
    let mut strings = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = (0..=rest.len().min(255)).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (string, behind) = rest.split_at(end);
        let mut quoted = String::with_capacity(string.len() + 2);
        for c in string.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                // What a shell acts upon within quotes, should the line be taken for a command.
                '$' | '`' | '!' => quoted.push_str(&format!("\\{:03}", u32::from(c))),
                c => quoted.push(c),
            }
        }
        strings.push(format!("\"{quoted}\""));
        rest = behind;
    }
    strings.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But as _, healthy, on};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_go_in_front_and_old_ones_go() {
        let facts = healthy();
        let own = OwnAddresses::new(&facts);
        let (new, old) = ([ip("203.0.113.10")], [ip("198.51.100.7")]);
        let retired = Retired { old: &old, own: &own };
        for (record, expected) in [
            (Some("v=spf1 mx ip4:198.51.100.7 -all"), Some("v=spf1 ip4:203.0.113.10 mx -all")),
            (
                Some("v=spf1 +ip4:198.51.100.7/32 ip4:198.51.100.0/24 ~all"),
                Some("v=spf1 ip4:203.0.113.10 ip4:198.51.100.0/24 ~all"),
            ),
            (
                Some("v=spf1 include:a.example  redirect=b.example"),
                Some("v=spf1 ip4:203.0.113.10 include:a.example redirect=b.example"),
            ),
            (Some("v=spf1 ip4:203.0.113.10 -all"), Some("v=spf1 ip4:203.0.113.10 -all")),
            (Some("v=spf1 -ip4:203.0.113.10 a mx all"), Some("v=spf1 ip4:203.0.113.10 a mx all")),
            (Some("v=spf1 ~IP4:203.0.113.10/32 ?ip4:203.0.113.10 a"), Some("v=spf1 ip4:203.0.113.10 a")),
            (
                Some("v=spf1 -ip4:203.0.113.0/24 -ip4:203.0.113.9 ~all"),
                Some("v=spf1 ip4:203.0.113.10 -ip4:203.0.113.0/24 -ip4:203.0.113.9 ~all"),
            ),
            (Some("v=spf1 moo -all"), None),
            (Some("text"), None),
            (None, Some("v=spf1 ip4:203.0.113.10 ~all")),
        ] {
            assert_eq!(authorising(record, &new, &retired).as_deref(), expected, "{record:?}");
        }
        let none = Retired { old: &[], own: &own };
        assert_eq!(authorising(Some("v=spf1"), &[ip("2001:db8::1")], &none).as_deref(), Some("v=spf1 ip6:2001:db8::1"));
        assert_eq!(authorising(Some("v=spf1 ip4:198.51.100.7"), &[], &retired).as_deref(), Some("v=spf1"));
    }

    #[test]
    fn a_network_that_is_the_old_servers_alone_goes() {
        // 192.0.2.10 is this host's, too.
        let more = on("eth0", "2001:db8::10", &[]);
        let facts = healthy().but(|facts| facts.host.addresses.iter_mut().for_each(|all| all.push(more.clone())));
        let unknown = healthy().but(|facts| facts.host.addresses = None);
        let (own, not_known) = (OwnAddresses::new(&facts), OwnAddresses::new(&unknown));
        let old = ["2001:db8:99::25", "2001:db8::99", "198.51.100.7", "192.0.2.9"].map(ip);
        for (term, goes) in [
            ("ip6:2001:db8:99::25/64", true),
            ("IP6:2001:DB8:99:0::25/127", true),
            ("ip6:2001:db8:99::25/63", false),
            ("ip6:2001:db8:99::/64", false),
            ("ip6:2001:db8::99/64", false),
            ("ip6:2001:db8::99/128", true),
            ("ip4:198.51.100.7/29", true),
            ("?ip4:198.51.100.7/30", true),
            ("ip4:198.51.100.7/28", false),
            ("ip4:192.0.2.9/29", false),
            ("ip4:192.0.2.9/31", true),
        ] {
            let record = format!("v=spf1 mx {term} -all");
            let (gone, retired) = ("v=spf1 mx -all", Retired { old: &old, own: &own });
            let expected = if goes { gone } else { &record };
            assert_eq!(authorising(Some(&record), &[], &retired).as_deref(), Some(expected), "{term}");
            let is_written = !goes && !term.contains("99::/64");
            let told = (Vec::from_iter(goes.then_some(term)), Vec::from_iter(is_written.then_some(term)));
            assert_eq!(retired.terms(&record), told, "{term}");
            // Where this host's addresses are not known, any may be in it.
            let single = term.ends_with("/128");
            let mended = authorising(Some(&record), &[], &Retired { old: &old, own: &not_known });
            assert_eq!(mended.as_deref(), Some(if single { gone } else { &record }), "{term}");
        }
    }

    #[test]
    fn what_a_record_says_by_itself() {
        for (record, nobody, passes) in [
            ("v=spf1 -all", true, false),
            ("V=SPF1  -ALL ", true, false),
            ("v=spf1 ~all", false, false),
            ("v=spf1 -all exp=x.example", false, false),
            ("-all", false, false),
            ("v=spf1 ip4:203.0.113.10 include:gone.example -all", false, true),
            ("v=spf1 include:gone.example ip4:203.0.113.10 -all", false, false),
            ("v=spf1 ip4:203.0.113.10 redirect=a.example redirect=b.example", false, false),
        ] {
            let name = DomainName::new("a.example");
            let address = ["203.0.113.10".parse().unwrap()];
            assert_eq!(
                (says_that_nobody_sends(record), passes_alone(record, &name, &address)),
                (nobody, passes),
                "{record}"
            );
        }
    }
}
