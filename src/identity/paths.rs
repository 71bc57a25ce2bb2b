//! From what MTAs' files set to outbound paths: source addresses resolved, NAT applied, equal ways joined.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::binding::{Binding, ROUTE, Source};
use crate::addr::Family;
use crate::facts::{
    BindFault, Fact, HandedOver, Helo, Host, Mta, NatMap, NextHop, OutboundPath, Sender, SenderDomains, Undecided,
};
use crate::name::{DomainName, HeloName};

/// Programs on this host that senders in use are given to.
pub(crate) fn handed_over<'a>(senders: impl IntoIterator<Item = &'a Sender>) -> Vec<HandedOver> {
    let mut found: Vec<HandedOver> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for sender in senders.into_iter().filter(|sender| !sender.unused) {
        let NextHop::Handed(hop) = &sender.next_hop else { continue };
        if known.insert(&hop.value) {
            found.push(HandedOver { mta: sender.mta, next_hop: Fact::clone(hop) });
        }
    }
    found
}

/// Where no path is in use and programs on this host are given everything, the paths are those of the host itself: what the programs do is not
/// known. The programs, where that is so.
pub(crate) fn hand_over(
    programs: Vec<HandedOver>,
    paths: &mut Vec<OutboundPath>,
    host: &Host,
    nat: &NatMap,
) -> Vec<HandedOver> {
    if programs.is_empty() || paths.iter().any(|path| !path.unused) {
        return Vec::new();
    }
    paths.extend(of_host(host, nat).into_iter().map(|path| OutboundPath { handed_over: true, ..path }));
    number(paths);
    programs
}

/// The outbound paths of a host with MTAs, and the source addresses that these cannot use.
pub(crate) fn of_senders<'a>(
    senders: impl IntoIterator<Item = &'a Sender>,
    host: &Host,
    nat: &NatMap,
) -> (Vec<OutboundPath>, Vec<BindFault>) {
    let mut paths: Vec<OutboundPath> = Vec::new();
    // How many sender domains each path had when they were sorted last.
    let mut sorted: Vec<usize> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    // Services of each path.
    let mut services: HashSet<(usize, Arc<str>)> = HashSet::new();
    let mut bound = Binding { host, local: host.local_addresses(), faults: Vec::new(), known: HashMap::new() };
    for sender in senders {
        let relayed = match &sender.next_hop {
            NextHop::Here | NextHop::Handed(_) => continue,
            NextHop::Direct => None,
            NextHop::Relay(hop) => Some(Arc::clone(hop)),
        };
        if sender.next_hop.only_family().is_some_and(|only| only != sender.family) {
            continue;
        }
        let (source, is_bound, source_undecided) = match bound.resolve(sender) {
            Source::None => continue,
            Source::At(source, is_bound) => (Some(source), is_bound, None),
            Source::Unknown(undecided) => (None, false, undecided),
        };
        let key = Key {
            mta: sender.mta,
            family: sender.family,
            source: source.as_ref().map(|fact| fact.value),
            helo: HeloKey::new(&sender.helo),
            relayed: relayed.as_ref().map(|hop| hop.value.clone()),
        };
        let index = known.get(&key).copied();
        let is_new = services.insert((index.unwrap_or(paths.len()), Arc::clone(&sender.service)));
        match index {
            Some(index) => join(&mut paths[index], sender, is_new, &mut sorted[index]),
            None => {
                known.insert(key, paths.len());
                sorted.push(0);
                paths.push(OutboundPath {
                    id: String::new(),
                    mta: Some(sender.mta),
                    services: vec![Arc::clone(&sender.service)],
                    family: sender.family,
                    sending: source.as_ref().and_then(|fact| nat.sending(fact)),
                    source,
                    bound: is_bound,
                    source_undecided,
                    helo: sender.helo.clone(),
                    helo_is_global: sender.helo_is_global,
                    sender_domains: sender.sender_domains.clone(),
                    relayed,
                    unused: sender.unused,
                    handed_over: false,
                });
            }
        }
    }
    for path in &mut paths {
        if let SenderDomains::Only { domains, .. } = &mut path.sender_domains {
            sort(domains);
        }
    }
    // There may be one for each of many domains.
    paths.shrink_to_fit();
    number(&mut paths);
    (paths, bound.faults)
}

/// The paths of a host without MTA: one for each family that the kernel has a source for, without HELO name.
pub(crate) fn of_host(host: &Host, nat: &NatMap) -> Vec<OutboundPath> {
    let mut paths = Vec::new();
    for family in Family::BOTH {
        let Some(source) = host.source.for_family(family) else { continue };
        let source = Fact::new(source, ROUTE);
        paths.push(OutboundPath {
            id: String::new(),
            mta: None,
            services: Vec::new(),
            family,
            sending: nat.sending(&source),
            source: Some(source),
            bound: false,
            source_undecided: None,
            helo: Helo::None,
            helo_is_global: false,
            sender_domains: SenderDomains::Any,
            relayed: None,
            unused: false,
            handed_over: false,
        });
    }
    number(&mut paths);
    paths
}

/// What makes two ways of sending one path.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    mta: Mta,
    family: Family,
    source: Option<IpAddr>,
    helo: HeloKey,
    relayed: Option<String>,
}

/// What makes two HELO names one path's.
#[derive(PartialEq, Eq, Hash)]
enum HeloKey {
    None,
    Known(DomainName),
    FollowsPtr(Option<HeloName>, Option<String>),
    Undecided(String, String),
}

impl HeloKey {
    fn new(helo: &Helo) -> HeloKey {
        match helo {
            Helo::None => HeloKey::None,
            Helo::Known(name) => HeloKey::Known(name.value.domain()),
            Helo::FollowsPtr { default, joined, .. } => HeloKey::FollowsPtr(default.clone(), joined.clone()),
            Helo::Undecided(Undecided { parameter, why, .. }) => HeloKey::Undecided(parameter.clone(), why.clone()),
        }
    }
}

/// Domains in their order, each once.
fn sort(domains: &mut Vec<DomainName>) {
    if !domains.is_sorted_by(|one, next| one < next) {
        domains.sort_unstable();
        domains.dedup();
    }
}

/// Adds a way of sending to the path that it is one of; `is_new`: by a service that the path does not have yet. Sender domains are sorted when
/// there are twice as many as were last time.
fn join(path: &mut OutboundPath, other: &Sender, is_new: bool, sorted: &mut usize) {
    if is_new {
        path.services.push(Arc::clone(&other.service));
    }
    path.helo_is_global |= other.helo_is_global;
    let mine = std::mem::replace(&mut path.sender_domains, SenderDomains::Undecided);
    match (path.unused, other.unused) {
        // A service that no mail takes brings no sender domains along.
        (false, true) => {
            path.sender_domains = mine;
            return;
        }
        (true, false) => {
            path.unused = false;
            path.sender_domains = other.sender_domains.clone();
            return;
        }
        _ => {}
    }
    path.sender_domains = match (mine, &other.sender_domains) {
        (SenderDomains::Any, _) | (_, SenderDomains::Any) => SenderDomains::Any,
        (SenderDomains::Undecided, _) | (_, SenderDomains::Undecided) => SenderDomains::Undecided,
        (SenderDomains::Only { mut domains, others }, SenderDomains::Only { domains: more, others: more_others }) => {
            // Transports mostly share them.
            if domains != *more {
                domains.extend(more.iter().cloned());
                if domains.len() > 2 * *sorted {
                    sort(&mut domains);
                    *sorted = domains.len();
                }
            }
            SenderDomains::Only { domains, others: others || *more_others }
        }
    };
}

/// Gives paths their identifiers: MTA, family and number.
fn number(paths: &mut [OutboundPath]) {
    let mut counts: BTreeMap<(Option<Mta>, Family), (String, usize)> = BTreeMap::new();
    for path in paths {
        let start = || {
            let family = path.family.title().to_ascii_lowercase();
            (format!("{}/{family}/", path.mta.map_or("host", Mta::id)), 0)
        };
        let (start, count) = counts.entry((path.mta, path.family)).or_insert_with(start);
        *count += 1;
        path.id = [start, count.to_string().as_str()].concat();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{AfterBindFault, Bind, BindFaultKind, HostFqdn, InterfaceAddress, KernelSource};
    use crate::name::{DomainName, HeloName};

    fn host() -> Host {
        let on = |address: &str| InterfaceAddress {
            interface: "eth0".into(),
            address: address.parse().unwrap(),
            prefix_length: Some(24),
            flags: Vec::new(),
        };
        Host {
            node_name: None,
            fqdn: HostFqdn::Unknown(String::new()),
            etc_hostname: None,
            mailname: None,
            addresses: Some(vec![on("127.0.0.1"), on("192.0.2.10"), on("192.0.2.11"), on("10.0.0.5")]),
            source: KernelSource { known: true, ipv4: Some("192.0.2.10".parse().unwrap()), ipv6: None },
            hosts: Vec::new(),
            nameservers: Vec::new(),
            nonlocal_bind_v4: false,
            nonlocal_bind_v6: false,
        }
    }

    fn sender(service: &str, bind: Bind) -> Sender {
        Sender {
            mta: Mta::Postfix,
            service: service.into(),
            family: Family::Ipv4,
            bind,
            helo: Helo::Known(Fact::new(HeloName::new("mail.example.com"), ROUTE)),
            helo_is_global: true,
            sender_domains: SenderDomains::Any,
            next_hop: NextHop::Direct,
            unused: false,
        }
    }

    fn bind_to(address: &str, on_failure: AfterBindFault) -> Bind {
        Bind::Address {
            parameter: "smtp_bind_address".into(),
            address: Fact::new(address.parse().unwrap(), ROUTE),
            on_failure,
        }
    }

    fn sources((paths, _): &(Vec<OutboundPath>, Vec<BindFault>)) -> Vec<String> {
        paths.iter().map(|p| p.source.as_ref().map_or("?".into(), |s| s.value.to_string())).collect()
    }

    #[test]
    fn services_that_agree_are_one_path() {
        let senders =
            vec![sender("smtp", Bind::Kernel), sender("relay", bind_to("192.0.2.10", AfterBindFault::KernelChoice))];
        let found = of_senders(&senders, &host(), &NatMap::default());
        assert_eq!(found.0.len(), 1);
        assert_eq!(found.0[0].services.join(" "), "smtp relay");
        assert_eq!(found.0[0].id, "postfix/ipv4/1");
    }

    #[test]
    fn a_failed_bind_leaves_the_kernels_choice_or_nothing() {
        let senders = vec![
            sender("smtp", bind_to("198.51.100.7", AfterBindFault::KernelChoice)),
            sender("enforced", bind_to("198.51.100.7", AfterBindFault::NothingSent)),
        ];
        let found = of_senders(&senders, &host(), &NatMap::default());
        assert_eq!(sources(&found), ["192.0.2.10"]);
        assert_eq!(found.1.len(), 2, "what follows differs");
    }

    #[test]
    fn nonlocal_bind_lets_the_bind_succeed_and_is_noted() {
        let host = Host { nonlocal_bind_v4: true, ..host() };
        let senders = vec![sender("smtp", bind_to("198.51.100.7", AfterBindFault::NothingSent))];
        let found = of_senders(&senders, &host, &NatMap::default());
        assert_eq!(sources(&found), ["198.51.100.7"]);
        assert_eq!(found.1.len(), 1);
    }

    #[test]
    fn an_undecided_source_is_a_path_of_the_families_that_the_host_has() {
        let undecided = |family| Sender {
            family,
            bind: Bind::Undecided(Undecided { parameter: "interface".into(), why: "text".into(), origin: ROUTE }),
            ..sender("smtp", Bind::Kernel)
        };
        let senders = || vec![undecided(Family::Ipv4), undecided(Family::Ipv6)];
        let families = |host: &Host| -> Vec<Family> {
            of_senders(&senders(), host, &NatMap::default()).0.iter().map(|path| path.family).collect()
        };
        assert_eq!(families(&host()), [Family::Ipv4]);
        assert_eq!(families(&Host { addresses: None, ..host() }), Family::BOTH, "interfaces are not known");
    }

    #[test]
    fn loopback_and_unspecified_sources() {
        let senders = vec![
            sender("loop", bind_to("127.0.0.1", AfterBindFault::KernelChoice)),
            sender("any", bind_to("0.0.0.0", AfterBindFault::KernelChoice)),
        ];
        let found = of_senders(&senders, &host(), &NatMap::default());
        assert_eq!(sources(&found), ["192.0.2.10"]);
        assert_eq!(found.1[0].kind, BindFaultKind::Loopback("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn no_route_means_no_path_and_no_kernel_means_unknown() {
        let mut host = host();
        host.source.ipv4 = None;
        assert!(of_senders(&[sender("smtp", Bind::Kernel)], &host, &NatMap::default()).0.is_empty());
        host.source.known = false;
        assert_eq!(sources(&of_senders(&[sender("smtp", Bind::Kernel)], &host, &NatMap::default())), ["?"]);
    }

    #[test]
    fn a_relay_is_reached_by_its_own_family_and_on_its_own_link() {
        let relay = |hop: &str, family| Sender {
            family,
            next_hop: NextHop::Relay(Fact::new(hop.to_owned(), ROUTE).into()),
            ..sender("smtp", Bind::Kernel)
        };
        let unrouted = || {
            let mut host = host();
            host.source.ipv4 = None;
            host
        };
        for (hop, family, host, expected) in [
            ("[198.51.100.1]:25", Family::Ipv4, host(), &["192.0.2.10"][..]),
            ("[198.51.100.1]:25", Family::Ipv6, host(), &[]),
            ("[2001:db8::1]:25", Family::Ipv4, host(), &[]),
            ("[2001:db8::1]:25", Family::Ipv6, host(), &[]),
            // Without a route to all the world, a neighbour is reached all the same.
            ("[10.0.0.9]:25", Family::Ipv4, unrouted(), &["10.0.0.5"]),
            ("198.51.100.1:25", Family::Ipv4, unrouted(), &["?"]),
            ("[relay.example]:25", Family::Ipv4, unrouted(), &[]),
        ] {
            assert_eq!(sources(&of_senders(&[relay(hop, family)], &host, &NatMap::default())), expected, "{hop}");
        }
    }

    #[test]
    fn unknown_interfaces_never_make_an_address_foreign() {
        let host = Host { addresses: None, ..host() };
        let found = of_senders(
            &[sender("smtp", bind_to("198.51.100.7", AfterBindFault::NothingSent))],
            &host,
            &NatMap::default(),
        );
        assert_eq!(sources(&found), ["198.51.100.7"]);
        assert!(found.1.is_empty());
    }

    #[test]
    fn text_and_the_other_family_are_told_apart() {
        let unusable = |value: &str| Bind::Unusable {
            parameter: "smtp_bind_address".into(),
            value: Fact::new(value.into(), ROUTE),
            then: AfterBindFault::NothingSent,
        };
        let found = of_senders(
            &[sender("a", unusable("[2001:db8::1]")), sender("b", unusable("mail"))],
            &host(),
            &NatMap::default(),
        );
        let kinds: Vec<BindFaultKind> = found.1.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, [BindFaultKind::OtherFamily("2001:db8::1".parse().unwrap()), BindFaultKind::NotAnAddress]);
        assert!(found.0.is_empty());
    }

    #[test]
    fn sender_domains_of_equal_ways_are_joined() {
        let only = |domain: &str, others| SenderDomains::Only { domains: vec![DomainName::new(domain)], others };
        let senders = vec![
            Sender { sender_domains: only("b.example", false), ..sender("smtp", Bind::Kernel) },
            Sender { sender_domains: only("a.example", true), ..sender("dkim", Bind::Kernel) },
        ];
        let found = of_senders(&senders, &host(), &NatMap::default());
        let expected = SenderDomains::Only {
            domains: vec![DomainName::new("a.example"), DomainName::new("b.example")],
            others: true,
        };
        assert_eq!(found.0[0].sender_domains, expected);
    }
}
