//! Which service of master.cf carries mail, and to which next hop (transport(5), trivial-rewrite(8)).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::defaults;
use super::environment::{Environment, Resolved};
use super::expand::Expander;
use super::main_cf::MainCf;
use super::maps::{Key, Row, Tables, read_tables};
use super::master_cf::MasterCf;
use super::process::Process;
use crate::addr::Family;
use crate::collect::confidential::OwnFiles;
use crate::facts::{Fact, NextHop, Origin, Problem, SenderDomains};
use crate::name::DomainName;

/// Routes that are kept: tables with thousands of next hops say nothing new after these.
const ROUTE_LIMIT: usize = 256;
/// Parameters of main.cf that name a transport, beside those that trivial-rewrite(8) chooses by.
const NAMING: [&str; 8] = [
    "local_transport",
    "virtual_transport",
    "mailbox_transport",
    "fallback_transport",
    "content_filter",
    "address_verify_default_transport",
    "address_verify_relay_transport",
    "address_verify_local_transport",
];

/// A service with a next hop.
#[derive(Debug, Clone)]
pub struct Route {
    /// The service's name in master.cf.
    pub service: String,
    /// The next hop as the configuration has it; `None`: the recipient's domain.
    pub hop: Option<Fact<String>>,
    /// Which sender domains take it.
    pub senders: SenderDomains,
}

/// All routes that files name.
#[derive(Debug, Default)]
pub struct Routes {
    /// The routes.
    pub all: Vec<Route>,
    /// Whether a table may name more.
    pub undecided: bool,
    /// Tables that cannot be read.
    pub problems: Vec<Problem>,
}

/// What the routes are made from.
pub struct Sources<'a> {
    /// trivial-rewrite as it runs.
    pub rewrite: &'a Process<'a>,
    /// main.cf.
    pub main: Option<&'a MainCf>,
    /// master.cf.
    pub master: &'a MasterCf,
    /// The files.
    pub root: &'a OwnFiles<'a>,
    /// For values that no program loads here.
    pub expander: &'a Expander,
}

impl Sources<'_> {
    fn tables(&self, name: &str, routes: &mut Routes) -> Tables {
        let Some(parameter) = self.rewrite.fact(name) else {
            routes.undecided = true;
            return Tables::default();
        };
        let base = self.rewrite.value("queue_directory").map_or("/var/spool/postfix", |path| path);
        let mut tables = read_tables(&parameter, self.root, base);
        routes.undecided |= tables.undecided;
        routes.problems.append(&mut tables.problems);
        tables
    }

    fn transport(&self, name: &str, routes: &mut Routes) -> Option<(String, Option<Fact<String>>)> {
        let Some(value) = self.rewrite.fact(name) else {
            routes.undecided = true;
            return None;
        };
        let (service, hop) = split_transport(&value);
        service.map(|service| (service, hop))
    }

    /// The routes of this configuration.
    pub fn routes(&self) -> Routes {
        let mut routes = Routes::default();
        let transports = self.tables("transport_maps", &mut routes);
        let by_sender = self.tables("sender_dependent_default_transport_maps", &mut routes);
        let relays = self.tables("sender_dependent_relayhost_maps", &mut routes);
        let default = self.transport("default_transport", &mut routes);
        let relay = self.transport("relay_transport", &mut routes);
        let relayhost = self.rewrite.fact("relayhost").filter(|value| !value.value.is_empty());

        for row in &transports.rows {
            let (service, hop) = split_transport(&row.value);
            let named = service.is_some();
            let service = service.or_else(|| default.as_ref().map(|(service, _)| service.clone()));
            if let Some(service) = service.filter(|_| named || hop.is_some()) {
                routes.add(service, hop, SenderDomains::Any);
            }
        }
        if !transports.answers_all() {
            let listed = listed_senders(by_sender.rows.iter().chain(&relays.rows));
            let others = match (by_sender.undecided || relays.undecided, listed) {
                (true, _) => SenderDomains::Undecided,
                (false, None) => SenderDomains::Any,
                (false, Some(domains)) => SenderDomains::Only { domains, others: true },
            };
            for row in &by_sender.rows {
                let senders = if row.key == Key::Every { others.clone() } else { senders_of(row) };
                if row.value.value == "DUNNO" {
                    continue;
                }
                if let (Some(service), hop) = split_transport(&row.value) {
                    routes.add(service, hop.or_else(|| relayhost.clone()), senders);
                }
            }
            let all_chosen = by_sender.answers_all();
            for (service, explicit) in default.filter(|_| !all_chosen).into_iter().chain(relay) {
                if explicit.is_none() {
                    for row in relays.rows.iter().filter(|row| row.value.value != "DUNNO") {
                        let senders = if row.key == Key::Every { others.clone() } else { senders_of(row) };
                        routes.add(service.clone(), Some(row.value.clone()), senders);
                    }
                }
                if explicit.is_some() || !relays.answers_all() {
                    routes.add(service, explicit.or_else(|| relayhost.clone()), others.clone());
                }
            }
        }
        self.filters(&mut routes);
        for value in self.other_names() {
            if let (Some(service), hop) = split_transport(&value) {
                routes.add(service, hop, SenderDomains::Any);
            }
        }
        routes
    }

    /// Transports that `FILTER` names in access tables and header checks (access(5), header_checks(5)).
    fn filters(&self, routes: &mut Routes) {
        let base = self.rewrite.value("queue_directory").map_or("/var/spool/postfix", |path| path);
        let checks = |name: &str| name.ends_with("_restrictions") || name.ends_with("_checks");
        let set = self.main.iter().flat_map(|main| &main.settings).filter(|(name, _)| checks(name));
        let lists = set.map(|(_, setting)| (setting.value.as_str(), setting.span.clone().into()));
        let own = self.master.live().flat_map(|entry| &entry.overrides).filter(|(name, _)| checks(name));
        let own = own.map(|(_, value)| (value.value.as_str(), value.origin.clone()));
        for (list, origin) in lists.chain(own) {
            let Some(list) = self.rewrite.expand(self.expander, list, &origin).fact() else { continue };
            // What is wrong with these tables does not touch identity, so it is not reported.
            for row in read_tables(&list, self.root, base).rows {
                let Some(filter) = row.value.value.strip_prefix("FILTER ") else { continue };
                if let (Some(service), hop) = split_transport(&row.value.with(filter.trim().to_owned())) {
                    routes.add(service, hop, SenderDomains::Any);
                }
            }
        }
    }

    /// Transports that other parameters name, in main.cf or for one service.
    fn other_names(&self) -> Vec<Fact<String>> {
        let mut found = Vec::new();
        let mut expand = |text: &str, origin: &Origin| {
            found.extend(self.rewrite.expand(self.expander, text, origin).fact().filter(|fact| !fact.value.is_empty()));
        };
        for name in NAMING {
            match self.main.and_then(|main| Some((main.settings.get(name)?, main.origin(name)?))) {
                Some((setting, origin)) => expand(&setting.value, &origin),
                None if name.starts_with("address_verify") => {}
                None => expand(defaults::default_of(name).unwrap_or_default(), &super::process::MANUAL),
            }
        }
        for entry in self.master.live() {
            for (_, value) in entry.overrides.iter().filter(|(name, _)| NAMING.contains(&name.as_str())) {
                expand(&value.value, &value.origin);
            }
        }
        found
    }
}

impl Routes {
    fn add(&mut self, service: String, hop: Option<Fact<String>>, senders: SenderDomains) {
        let text = hop.as_ref().map(|hop| &hop.value);
        let same = |route: &Route| route.service == service && route.hop.as_ref().map(|hop| &hop.value) == text;
        if let Some(at) = self.all.iter().position(same) {
            let known = &mut self.all[at];
            known.senders = both(&known.senders, senders);
        } else if self.all.len() < ROUTE_LIMIT {
            self.all.push(Route { service, hop, senders });
        }
    }
}

/// Senders that take one of two routes to the same place.
fn both(one: &SenderDomains, other: SenderDomains) -> SenderDomains {
    match (one, other) {
        (SenderDomains::Any, _) | (_, SenderDomains::Any) => SenderDomains::Any,
        (SenderDomains::Undecided, _) | (_, SenderDomains::Undecided) => SenderDomains::Undecided,
        (SenderDomains::Only { domains, others }, SenderDomains::Only { domains: more, others: more_others }) => {
            let all: BTreeSet<DomainName> = domains.iter().cloned().chain(more).collect();
            SenderDomains::Only { domains: all.into_iter().collect(), others: *others || more_others }
        }
    }
}

/// Service and next hop of `service:nexthop`; either may be missing.
fn split_transport(value: &Fact<String>) -> (Option<String>, Option<Fact<String>>) {
    let (service, hop) = value.value.split_once(':').unwrap_or((&value.value, ""));
    let service = Some(service.trim().to_owned()).filter(|service| !service.is_empty());
    (service, Some(hop.trim()).filter(|hop| !hop.is_empty()).map(|hop| value.with(hop.to_owned())))
}

/// The domain of a sender that a row is found by.
fn sender_domain(row: &Row) -> Option<DomainName> {
    match &row.key {
        Key::Text(key) => Some(DomainName::new(key.rsplit_once('@').map_or(key, |(_, domain)| domain))),
        _ => None,
    }
}

fn senders_of(row: &Row) -> SenderDomains {
    match sender_domain(row) {
        Some(domain) => SenderDomains::Only { domains: vec![domain], others: false },
        None => SenderDomains::Undecided,
    }
}

/// Domains of which some senders have a row of their own and the others have not; `None` where no row is for one sender.
fn listed_senders<'r>(rows: impl Iterator<Item = &'r Row>) -> Option<Vec<DomainName>> {
    let mut any = false;
    let mut shared = BTreeSet::new();
    let mut whole = BTreeSet::new();
    for row in rows {
        let Key::Text(key) = &row.key else { continue };
        any = true;
        let domain = sender_domain(row);
        if key.starts_with('@') { whole.extend(domain) } else { shared.extend(domain) }
    }
    any.then(|| shared.difference(&whole).cloned().collect())
}

/// Where a next hop leads, and the family that it is reached by where it is an address.
pub fn next_hop(hop: Option<&Fact<String>>, lmtp: bool, env: &Environment<'_>) -> (NextHop, Option<Family>) {
    let Some(fact) = hop else { return (NextHop::Direct, None) };
    let items: Vec<&str> = super::check::words(&fact.value).collect();
    if !items.is_empty() && items.iter().all(|item| is_here(item, env)) {
        return (NextHop::Here, None);
    }
    let shown: Vec<String> = items.iter().map(|item| show(item, lmtp)).collect();
    let family = match &items[..] {
        [one] => split_port(one).0.parse().ok().map(Family::of),
        _ => None,
    };
    (NextHop::Relay(fact.with(shown.join(", ")).into()), family)
}

/// Host and port of `[host]:port`, `host:port`, `inet:host:port`; brackets removed, and whether there were any.
fn split_port(item: &str) -> (&str, Option<&str>, bool) {
    let item = item.strip_prefix("inet:").unwrap_or(item);
    if let Some((host, rest)) = item.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let host = host.strip_prefix("IPv6:").or_else(|| host.strip_prefix("ipv6:")).unwrap_or(host);
        return (host, rest.strip_prefix(':').filter(|port| !port.is_empty()), true);
    }
    match item.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port).filter(|port| !port.is_empty()), false),
        _ => (item, None, false),
    }
}

fn show(item: &str, lmtp: bool) -> String {
    let (host, port, bracketed) = split_port(item);
    let port = match port {
        None if lmtp => "24",
        None | Some("smtp") => "25",
        Some("submission") => "587",
        Some("smtps" | "submissions") => "465",
        Some("lmtp") => "24",
        Some(port) => port,
    };
    if bracketed || lmtp { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn is_here(item: &str, env: &Environment<'_>) -> bool {
    if item.starts_with("unix:") {
        return true;
    }
    let host = split_port(item).0;
    let local = |addr: &IpAddr| addr.is_loopback() || addr.is_unspecified() || env.is_local(*addr) == Some(true);
    match env.resolve(host) {
        Resolved::Addresses(found) => found.iter().all(local),
        _ => host.eq_ignore_ascii_case("localhost.localdomain"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(text: &str, lmtp: bool) -> String {
        let read = |_: &str| Err(crate::collect::root::ReadError::NotFound);
        let env = Environment {
            node_name: None,
            addresses: Some(vec!["192.0.2.25".parse().unwrap()]),
            hosts: vec![("filter.example".into(), "127.0.0.1".parse().unwrap())],
            hosts_are_all: false,
            users: None,
            debian: false,
            read: &read,
        };
        match next_hop(Some(&Fact::new(text.to_owned(), Origin::default_of("test"))), lmtp, &env) {
            (NextHop::Here, _) => "here".into(),
            (NextHop::Direct, _) => "direct".into(),
            (NextHop::Relay(fact), family) => format!("{}{}", fact.value, family.map_or("", Family::title)),
        }
    }

    #[test]
    fn next_hops() {
        for (text, lmtp, shown) in [
            ("[smtp.example]", false, "[smtp.example]:25"),
            ("smtp.example:submission", false, "smtp.example:587"),
            ("[203.0.113.5]:26", false, "[203.0.113.5]:26IPv4"),
            ("[IPv6:2001:db8::5]", false, "[2001:db8::5]:25IPv6"),
            ("127.0.0.1:10025", false, "here"),
            ("[127.0.0.1]:10025", false, "here"),
            ("[::1]", false, "here"),
            ("localhost", false, "here"),
            ("filter.example:10025", false, "here"),
            ("192.0.2.25", false, "here"),
            ("unix:private/lmtp", true, "here"),
            ("inet:[lmtp.example]", true, "[lmtp.example]:24"),
            ("inet:127.0.0.1:24", true, "here"),
        ] {
            assert_eq!(hop(text, lmtp), shown, "{text}");
        }
    }
}
