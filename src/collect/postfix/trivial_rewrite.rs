//! Which routes main.cf, master.cf and their tables name, as trivial-rewrite(8) chooses among them (transport(5)).

use std::collections::BTreeSet;

use super::compiled::Formats;
use super::defaults;
use super::expand::Expander;
use super::main_cf::MainCf;
use super::maps::{self, Key, Place, Row, Tables};
use super::master_cf::MasterCf;
use super::process::{MANUAL, Process};
use super::routes::{Route, Routes};
use crate::collect::confidential::OwnFiles;
use crate::collect::root::Root;
use crate::facts::{Fact, ListedDomain, Mta, Problem, ProblemKind, SenderDomains};
use crate::name::DomainName;

/// Parameters of main.cf that name a transport, beside those that trivial-rewrite(8) chooses by.
const NAMING: [&str; 7] = [
    "local_transport",
    "mailbox_transport",
    "fallback_transport",
    "content_filter",
    "address_verify_default_transport",
    "address_verify_relay_transport",
    "address_verify_local_transport",
];
/// Lists that trivial-rewrite(8) looks each recipient up in, beside `relay_domains`: where one fails, all mail is deferred.
const DOMAIN_LISTS: [&str; 3] = ["mydestination", "virtual_alias_domains", "virtual_mailbox_domains"];

/// What the routes are made from.
pub(crate) struct Sources<'a> {
    /// trivial-rewrite as it runs.
    pub rewrite: &'a Process<'a>,
    /// main.cf.
    pub main: Option<&'a MainCf>,
    /// master.cf.
    pub master: &'a MasterCf,
    /// The files.
    pub root: &'a Root,
    /// Those whose text may be told.
    pub files: &'a OwnFiles<'a>,
    /// Where compiled forms stand.
    pub formats: &'a Formats,
    /// For values that no program loads here.
    pub expander: &'a Expander,
}

impl Sources<'_> {
    /// Where tables are read.
    pub(crate) fn place(&self) -> Place<'_> {
        let base = self.rewrite.value("queue_directory").map_or("/var/spool/postfix", |path| path);
        Place { root: self.root, files: self.files, base, formats: self.formats }
    }

    fn tables(&self, name: &str, routes: &mut Routes) -> Tables {
        let Some(parameter) = self.rewrite.fact(name) else {
            routes.undecided = true;
            return Tables::default();
        };
        let mut tables = maps::read_tables(&parameter, self.place());
        routes.undecided |= tables.undecided;
        routes.take(&mut tables);
        tables
    }

    /// A parameter that names a transport, with service and next hop.
    fn transport(&self, name: &str, routes: &mut Routes) -> Option<Transport> {
        let Some(value) = self.value(name) else {
            routes.undecided = true;
            return None;
        };
        let found = Transport::parse(&value);
        if found.is_none() && !value.value.is_empty() {
            let kind = ProblemKind::Syntax { mta: Mta::Postfix, whole: false };
            let words = format!("parameter {name}: null transport is not allowed: mail that would take it is deferred");
            routes.problems.push(Problem::at(kind, value.origin, words));
        }
        found
    }

    /// The value of a parameter that trivial-rewrite may not have loaded.
    fn value(&self, name: &str) -> Option<Fact<String>> {
        if let Some(fact) = self.rewrite.fact(name) {
            return Some(fact);
        }
        if self.rewrite.fault(name).is_some() {
            return None;
        }
        let set = self.main.and_then(|main| Some((main.settings.get(name)?, main.origin(name)?)));
        let (text, origin) = match &set {
            Some((set, origin)) => (set.value.as_str(), origin.clone()),
            None => (defaults::default_of(name).unwrap_or_default(), MANUAL),
        };
        self.rewrite.expand(self.expander, text, &origin).fact()
    }

    /// Whether a list of domains holds any, as far as files decide.
    fn has_domains(&self, name: &'static str, routes: &mut Routes) -> bool {
        let Some(list) = self.value(name) else {
            let place = self.main.and_then(|main| main.origin(name)).unwrap_or(MANUAL);
            routes.open_lists.push(Fact::new(name.to_owned(), place));
            return true;
        };
        let mut found = maps::read_patterns(&list, self.place());
        routes.take(&mut found);
        let has_any = found.undecided || !found.rows.is_empty();
        if found.undecided || found.rows.iter().any(|row| !matches!(row.key, maps::Key::Text(_))) {
            routes.open_lists.push(list.with(name.to_owned()));
        }
        let listed = found.rows.into_iter().filter_map(|row| match row.key {
            maps::Key::Text(domain) => Some(ListedDomain { list: name, name: domain, origin: row.value.origin }),
            maps::Key::Every | maps::Key::Pattern => None,
        });
        routes.listed_domains.extend(listed);
        has_any
    }

    /// The routes of this configuration.
    pub(crate) fn routes(&self) -> Routes {
        let mut routes = Routes::default();
        let transports = self.tables("transport_maps", &mut routes);
        let by_sender = self.tables("sender_dependent_default_transport_maps", &mut routes);
        let relays = self.tables("sender_dependent_relayhost_maps", &mut routes);
        let relays_domains = self.has_domains("relay_domains", &mut routes);
        let [_, _, has_virtual] = DOMAIN_LISTS.map(|name| self.has_domains(name, &mut routes));
        let default = self.transport("default_transport", &mut routes);
        let relay = if relays_domains { self.transport("relay_transport", &mut routes) } else { None };
        let relayhost = self.rewrite.fact("relayhost").filter(|value| !value.value.is_empty());

        for row in &transports.rows {
            let (service, hop) = split_transport(&row.value);
            let outside = row.key == Key::Every;
            match (service, hop, &default) {
                (Some(service), hop, _) => {
                    routes.add(&row.value, Route { service, hop, senders: SenderDomains::Any, outside });
                }
                (None, Some(hop), Some(default)) => {
                    let service = default.service.clone();
                    routes.add(&default.named, Route { service, hop: Some(hop), senders: SenderDomains::Any, outside });
                }
                _ => {}
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
                if is_dunno(row) {
                    continue;
                }
                if let (Some(service), hop) = split_transport(&row.value) {
                    let hop = hop.or_else(|| relayhost.clone());
                    routes.add(&row.value, Route { service, hop, senders, outside: true });
                }
            }
            let all_chosen = by_sender.answers_all();
            for Transport { service, named, .. } in default.iter().filter(|_| all_chosen) {
                routes.pass_over(service, named, "sender_dependent_default_transport_maps");
            }
            for Transport { service, hop, named } in
                default.clone().filter(|_| !all_chosen).into_iter().chain(relay.clone())
            {
                let mut add = |hop: Option<Fact<String>>, senders: SenderDomains| {
                    routes.add(&named, Route { service: service.clone(), hop, senders, outside: true });
                };
                if hop.is_none() {
                    for row in &relays.rows {
                        let senders = if row.key == Key::Every { others.clone() } else { senders_of(row) };
                        // DUNNO means no relay at all, not the next that would be.
                        add(Some(row.value.clone()).filter(|_| !is_dunno(row)), senders);
                    }
                }
                if hop.is_some() || !relays.answers_all() {
                    add(hop.or_else(|| relayhost.clone()), others.clone());
                }
            }
        }
        if transports.answers_all() {
            let senders = by_sender.rows.iter().filter_map(|row| Transport::parse(&row.value));
            let all: Vec<Transport> = senders.chain(default).chain(relay).collect();
            for Transport { service, named, .. } in &all {
                routes.pass_over(service, named, "transport_maps");
            }
        }
        self.filters(&mut routes);
        for value in self.other_names(has_virtual) {
            if let Some(Transport { service, hop, named }) = Transport::parse(&value) {
                routes.add(&named, Route { service, hop, senders: SenderDomains::Any, outside: false });
            }
        }
        routes.order();
        routes
    }

    /// Transports that `FILTER` names in access tables and header checks (access(5), header_checks(5)).
    fn filters(&self, routes: &mut Routes) {
        let checks = |name: &str| name.ends_with("_restrictions") || name.ends_with("_checks");
        let set = self.main.iter().flat_map(|main| &main.settings).filter(|(name, _)| checks(name));
        let lists = set.map(|(_, setting)| (setting.value.as_str(), setting.span.clone().into()));
        let own = self.master.live().flat_map(|entry| &entry.overrides).filter(|(name, _)| checks(name));
        let own = own.map(|(_, value)| (value.value.as_str(), value.origin.clone()));
        for (list, origin) in lists.chain(own) {
            let Some(list) = self.rewrite.expand(self.expander, list, &origin).fact() else { continue };
            // What is wrong with these tables does not touch identity, so it is not reported.
            let tables = maps::read_tables(&list, self.place());
            // What a table that cannot be read names would be used.
            routes.undecided |= tables.is_cut();
            for row in tables.rows {
                let Some(filter) = row.value.value.strip_prefix("FILTER ") else { continue };
                if let (Some(service), hop) = split_transport(&row.value.with(filter.trim().to_owned())) {
                    let senders = SenderDomains::Any;
                    routes.add(&row.value, Route { service, hop, senders, outside: false });
                }
            }
        }
    }

    /// Transports that other parameters name, in main.cf or for one service.
    fn other_names(&self, has_virtual: bool) -> Vec<Fact<String>> {
        let mut found = Vec::new();
        for name in NAMING.into_iter().chain(has_virtual.then_some("virtual_transport")) {
            let is_set = self.main.is_some_and(|main| main.settings.contains_key(name));
            if is_set || !name.starts_with("address_verify") {
                found.extend(self.value(name).filter(|fact| !fact.value.is_empty()));
            }
        }
        for entry in self.master.live() {
            for (_, value) in entry.overrides.iter().filter(|(name, _)| NAMING.contains(&name.as_str())) {
                let value = self.rewrite.expand(self.expander, &value.value, &value.origin).fact();
                found.extend(value.filter(|fact| !fact.value.is_empty()));
            }
        }
        found
    }
}

/// A transport that a parameter names.
#[derive(Clone)]
struct Transport {
    service: String,
    hop: Option<Fact<String>>,
    /// The whole value.
    named: Fact<String>,
}

impl Transport {
    /// `None` where the value names no service.
    fn parse(value: &Fact<String>) -> Option<Transport> {
        let (service, hop) = split_transport(value);
        Some(Transport { service: service?, hop, named: value.clone() })
    }
}

/// Service and next hop of `service:nexthop`; either may be missing.
fn split_transport(value: &Fact<String>) -> (Option<String>, Option<Fact<String>>) {
    let (service, hop) = value.value.split_once(':').unwrap_or((&value.value, ""));
    let service = Some(service.trim().to_owned()).filter(|service| !service.is_empty());
    (service, Some(hop.trim()).filter(|hop| !hop.is_empty()).map(|hop| value.with(hop.to_owned())))
}

/// Whether a row about senders says that there is nothing for them.
fn is_dunno(row: &Row) -> bool {
    row.value.value.is_empty() || row.value.value.eq_ignore_ascii_case("DUNNO")
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
