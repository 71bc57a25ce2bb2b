//! Which routes main.cf, master.cf and their tables name, as trivial-rewrite(8) chooses among them (transport(5)).

use super::by_sender::{self, BySender, Chosen, Said};
use super::compiled::Formats;
use super::defaults;
use super::expand::Expander;
use super::main_cf::MainCf;
use super::maps::{self, Key, Place, Tables};
use super::master_cf::MasterCf;
use super::process::{MANUAL, Process};
use super::routes::{Route, Routes};
use crate::collect::confidential::OwnFiles;
use crate::collect::root::Root;
use crate::facts::{Fact, ListedDomain, Mta, Problem, ProblemKind, SenderDomains};

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
            maps::Key::Every | maps::Key::Pattern(_) => None,
        });
        routes.listed_domains.extend(listed);
        has_any
    }

    /// The routes of this configuration.
    pub(crate) fn routes(&self) -> Routes {
        let mut routes = Routes::default();
        let transports = self.tables("transport_maps", &mut routes);
        let transport_tables = self.tables("sender_dependent_default_transport_maps", &mut routes);
        let relay_tables = self.tables("sender_dependent_relayhost_maps", &mut routes);
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
            let others = by_sender::others(&transport_tables, &relay_tables);
            let (by_sender, relays) = (BySender::new(&transport_tables), BySender::new(&relay_tables));
            let ways =
                Ways { default: default.as_ref(), transports: by_sender.rest(), relays: relays.rest(), relayhost };
            let mut takes_default = false;
            for chosen in by_sender::combine(&by_sender, &relays, others.clone()) {
                takes_default |= ways.add(&chosen, &mut routes);
            }
            for Transport { service, named, .. } in default.iter().filter(|_| !takes_default) {
                routes.pass_over(service, named, "sender_dependent_default_transport_maps");
            }
            if relay.is_some() {
                // Mail for relay_domains takes the relay of its sender alone.
                let none = Tables::default();
                let ways = Ways { default: relay.as_ref(), transports: Vec::new(), ..ways };
                for chosen in by_sender::combine(&BySender::new(&none), &relays, others) {
                    ways.add(&chosen, &mut routes);
                }
            }
        }
        if transports.answers_all() {
            let senders = transport_tables.rows.iter().filter_map(|row| Transport::parse(&row.value));
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

/// The ways of mail for which the recipient decides nothing.
struct Ways<'t> {
    /// The transport of senders of whom no other is said.
    default: Option<&'t Transport>,
    /// What is said of the transport of every sender without a row.
    transports: Vec<Said<'t>>,
    /// The same of the relay.
    relays: Vec<Said<'t>>,
    /// The relay of senders of whom nothing is said.
    relayhost: Option<Fact<String>>,
}

impl Ways<'_> {
    /// Adds the ways of some senders; whether the default transport is among them.
    fn add(&self, chosen: &Chosen<'_>, routes: &mut Routes) -> bool {
        let transports = by_sender::alternatives(chosen.transport, &self.transports);
        let everyone = by_sender::told(&chosen.senders(), transports.len());
        let mut takes_default = false;
        for said in &transports {
            let transport = match said {
                Said::Value(value) => Transport::parse(value),
                Said::Nothing | Said::Unsaid => {
                    takes_default = true;
                    self.default.cloned()
                }
            };
            let Some(Transport { service, hop, named }) = transport else { continue };
            let route = |hop, senders| Route { service: service.clone(), hop, senders, outside: true };
            if hop.is_some() {
                // No relay goes before it.
                routes.add(&named, route(hop, everyone.clone()));
                continue;
            }
            for (relay, senders) in &chosen.relays {
                // Of ways beyond the limit, one each is looked at.
                if routes.cut && transports.len() > 1 && !matches!(relay, Said::Unsaid) {
                    continue;
                }
                let hops = by_sender::alternatives(*relay, &self.relays);
                let senders = by_sender::told(senders, transports.len() * hops.len());
                for said in hops {
                    let hop = match said {
                        Said::Value(hop) => Some(hop.clone()),
                        // The recipient's domain, whatever relayhost says.
                        Said::Nothing => None,
                        Said::Unsaid => self.relayhost.clone(),
                    };
                    routes.add(&named, route(hop, senders.clone()));
                    if routes.cut {
                        break;
                    }
                }
            }
        }
        takes_default
    }
}

/// Service and next hop of `service:nexthop`; either may be missing.
fn split_transport(value: &Fact<String>) -> (Option<String>, Option<Fact<String>>) {
    let (service, hop) = value.value.split_once(':').unwrap_or((&value.value, ""));
    let service = Some(service.trim().to_owned()).filter(|service| !service.is_empty());
    (service, Some(hop.trim()).filter(|hop| !hop.is_empty()).map(|hop| value.with(hop.to_owned())))
}
