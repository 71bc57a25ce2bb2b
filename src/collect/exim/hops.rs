//! Where a router sends the mail that it hands to a transport.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::config::{Config, Driver};
use super::depend::{ITEM_COST, Walk};
use super::expand::{Evaluator, Failure, PARSING, Scope, Stop, lookups::Type};
use super::lists;
use crate::facts::{Fact, Host, NextHop};

/// Next hops of one transport that are followed.
pub(crate) const HOP_LIMIT: usize = 50;

/// Options of a router that Exim expands for what it passes on: where one fails, it defers the mail.
const PASSED_ON: [&str; 3] = ["errors_to", "headers_add", "headers_remove"];

/// Notes that next hops were left out.
pub(crate) fn too_many(evaluator: &Evaluator) {
    evaluator.note("a transport has more next hops than helolint follows");
}

/// Why a router does not route.
#[derive(Debug, Clone)]
pub(crate) enum Declined {
    /// It leaves the mail to the next one.
    Quietly,
    /// A setting fails: the mail is deferred.
    Fails(&'static str, Failure),
}

/// Where mail goes that a router hands to transports.
pub(crate) struct Route<'a> {
    router: &'a Driver,
    config: &'a Config,
    host: &'a Host,
    evaluator: &'a Evaluator<'a>,
    scope: &'a Scope,
    /// Whether the sender has a say.
    by_sender: bool,
    /// The next hops of transports, and whether it routes whatever recipient, where that is the same for every sender.
    known: RefCell<HashMap<String, Rc<Hops>>>,
    is_decided: OnceCell<bool>,
}

/// Next hops, or why there are none.
pub(crate) type Hops = Result<Vec<NextHop>, Declined>;

impl<'a> Route<'a> {
    /// Of a router.
    pub(crate) fn new(
        router: &'a Driver,
        config: &'a Config,
        host: &'a Host,
        evaluator: &'a Evaluator<'a>,
        scope: &'a Scope,
    ) -> Route<'a> {
        let mut walk = Walk::new(&config.lists);
        let texts = ["address_data", "route_list", "route_data"];
        let texts = texts.iter().chain(&PASSED_ON).filter_map(|name| router.text(name));
        texts.for_each(|text| walk.add(&evaluator.parsed(text)));
        // Where the work is at its end, no sender is asked for.
        let _ = evaluator.spend(walk.octets);
        let by_sender = walk.uses.sender && !walk.uses.opaque;
        let (known, is_decided) = (RefCell::default(), OnceCell::new());
        Route { router, config, host, evaluator, scope, by_sender, known, is_decided }
    }

    /// Whether it routes whatever recipient: a table of recipients' domains in `route_data` may lack most of them.
    pub(crate) fn is_decided(&self, scope: impl FnOnce() -> Scope) -> bool {
        let Some(text) = self.router.text("route_data").filter(|text| text.contains('$')) else { return true };
        if let Some(known) = self.is_decided.get() {
            return *known;
        }
        let mut scope = if self.by_sender { scope() } else { self.scope.clone() };
        let value = || self.evaluator.value(&self.evaluator.parsed(text), &mut scope).is_ok();
        let (decided, asks) = self.evaluator.by_sender(value);
        if asks && self.by_sender { decided } else { *self.is_decided.get_or_init(|| decided) }
    }

    /// The next hops of a sender's mail.
    pub(crate) fn hops(&self, transport: &Driver, scope: impl FnOnce() -> Scope) -> Rc<Hops> {
        if let Some(known) = self.known.borrow().get(&transport.name) {
            return Rc::clone(known);
        }
        let scope = if self.by_sender { scope() } else { self.scope.clone() };
        let (hops, asks) = self.evaluator.by_sender(|| self.hops_in(transport, scope));
        let hops = Rc::new(hops);
        if !asks || !self.by_sender {
            self.known.borrow_mut().insert(transport.name.clone(), Rc::clone(&hops));
        }
        hops
    }

    fn hops_in(&self, transport: &Driver, mut scope: Scope) -> Hops {
        if let Some(text) = self.router.text("address_data") {
            match self.evaluator.value(&self.evaluator.parsed(text), &mut scope) {
                Ok(data) => drop(scope.values.insert("address_data".into(), data)),
                Err(Stop::Forced(_)) => return Err(Declined::Quietly),
                Err(Stop::Fails(why)) => return Err(Declined::Fails("address_data", why)),
                Err(Stop::Undecided { .. }) => {}
            }
        }
        for option in PASSED_ON {
            let Some(text) = self.router.text(option).filter(|text| text.contains('$')) else { continue };
            // A forced failure leaves the option out.
            if let Err(Stop::Fails(why)) = self.evaluator.value(&self.evaluator.parsed(text), &mut scope) {
                return Err(Declined::Fails(option, why));
            }
        }
        if matches!(self.router.driver.as_str(), "manualroute" | "dnslookup")
            && let Some(why) = self.ignored(&scope)
        {
            return Err(Declined::Fails("ignore_target_hosts", why));
        }
        if self.router.driver == "manualroute" {
            for option in ["route_list", "route_data"] {
                let Some(text) = self.router.text(option).filter(|text| text.contains('$')) else { continue };
                match self.evaluator.value(&self.evaluator.parsed(text), &mut scope) {
                    Err(Stop::Fails(why)) => return Err(Declined::Fails(option, why)),
                    Err(Stop::Forced(_)) => return Err(Declined::Quietly),
                    Ok(data) if option == "route_data" && data.trim().is_empty() => return Err(Declined::Quietly),
                    _ => {}
                }
            }
        }
        self.places(transport, &scope)
    }

    /// What ends Exim where it looks whether a host is to be ignored: a file that is not there. A list that cannot be expanded, and one that
    /// nobody defines, are logged and passed over.
    fn ignored(&self, scope: &Scope) -> Option<Failure> {
        let text = self.router.text("ignore_target_hosts")?;
        let list = self.evaluator.value(&self.evaluator.parsed(text), &mut scope.clone()).ok()?;
        lists::each(&list).find_map(|item| {
            self.evaluator.spend(ITEM_COST).ok()?;
            let item = item.trim_start_matches('!').trim_start();
            let named = item.strip_prefix('+').and_then(|name| {
                let list = self.config.lists.get(&("hostlist".to_owned(), name.to_owned()))?;
                self.evaluator.spend(list.value.len().saturating_mul(PARSING)).ok()?;
                Some(lists::items(&list.value))
            });
            let items = named.unwrap_or_else(|| vec![item.to_owned()]);
            items.iter().find_map(|item| self.absent(item.trim_start_matches('!').trim_start()))
        })
    }

    /// The file of a host list's item, where it is not there.
    fn absent(&self, item: &str) -> Option<Failure> {
        let read = if item.starts_with('/') && !item.contains(';') {
            self.evaluator.list_file(item)
        } else {
            let (kind, file) = item.split_once(';')?;
            // `net24-lsearch` looks a network up.
            let kind = kind.trim();
            let kind = kind.strip_prefix("net").and_then(|rest| rest.split_once('-')).map_or(kind, |(_, kind)| kind);
            let is_text = matches!(Type::parse(kind).name, "lsearch" | "wildlsearch" | "nwildlsearch" | "iplsearch");
            self.evaluator.table(Some(file.trim()).filter(|_| is_text)?)
        };
        match read {
            Err(Stop::Fails(why)) if why.is_of_absent_file() => Some(why),
            _ => None,
        }
    }

    /// Where mail goes that the router hands to a transport.
    fn places(&self, transport: &Driver, scope: &Scope) -> Result<Vec<NextHop>, Declined> {
        let own = |text| Text { option: "hosts", list: true, ..Text::of(text) };
        let hosts = transport.get("hosts").filter(|fact| !fact.value.trim().is_empty());
        if transport.is("hosts_override", false)
            && let Some(hosts) = hosts
        {
            return self.hosts_of(&own(hosts), transport, scope);
        }
        match self.router.driver.as_str() {
            "manualroute" => {
                if let Some(list) = self.router.get("route_list") {
                    let separated = if list.value.trim_start().starts_with('<') {
                        list.value.clone()
                    } else {
                        format!("<;{}", list.value)
                    };
                    let mut all = Vec::new();
                    for rule in lists::items(&separated) {
                        match (rule.trim().split_once([' ', '\t']), hosts) {
                            (Some((_, rest)), _) => {
                                let text = Text { option: "route_list", text: rest.trim(), ..Text::of(list) };
                                all.extend(self.hosts_of(&text, transport, scope)?);
                            }
                            (None, Some(hosts)) => all.extend(self.hosts_of(&own(hosts), transport, scope)?),
                            (None, None) if rule.trim() == "*" => {
                                return Err(Declined::Fails("route_list", Failure::new(no_hosts(&self.router.name))));
                            }
                            (None, None) => {}
                        }
                    }
                    return Ok(all);
                }
                let Some(data) = self.router.get("route_data") else { return Ok(Vec::new()) };
                self.hosts_of(&Text { option: "route_data", ..Text::of(data) }, transport, scope)
            }
            "accept" | "redirect" | "queryprogram" => match hosts {
                Some(hosts) => self.hosts_of(&own(hosts), transport, scope),
                None => Ok(vec![NextHop::Direct]),
            },
            _ => Ok(vec![NextHop::Direct]),
        }
    }

    /// The first host of a list, as a next hop.
    fn hosts_of(&self, from: &Text, transport: &Driver, scope: &Scope) -> Result<Vec<NextHop>, Declined> {
        let mut scope = scope.clone();
        // A rule's parts are told apart before they are expanded.
        let parts = (from.option == "route_list" && from.text.contains('$')).then(|| parted(from.text));
        let (text, list, options) = match parts {
            Some((hosts, options)) => (hosts, true, options),
            None => (from.text, from.list, ""),
        };
        let expr = self.evaluator.parsed(text);
        let (values, decided) = match self.evaluator.value(&expr, &mut scope) {
            Ok(value) => (BTreeSet::from([value]), true),
            Err(Stop::Fails(why)) if super::depend::table_of(&expr).is_none() => {
                return Err(Declined::Fails(from.option, why));
            }
            Err(_) => {
                let table = super::depend::table_of(&expr).and_then(|file| self.evaluator.table(&file).ok());
                (table.iter().flat_map(|table| &table.entries).map(|entry| entry.value.to_string()).collect(), false)
            }
        };
        self.known_options(options).map_err(|why| Declined::Fails(from.option, why))?;
        if values.len() > HOP_LIMIT {
            too_many(self.evaluator);
        }
        let mut found: BTreeMap<String, NextHop> = BTreeMap::new();
        for value in values.iter().take(HOP_LIMIT) {
            match self.hop(from, value.trim(), list, transport, &mut scope) {
                Ok(Some((hop, next))) => drop(found.insert(hop, next)),
                Ok(None) => {}
                // Of a table some recipients' mail is affected.
                Err(_) if !decided => {}
                Err(declined) => return Err(declined),
            }
        }
        Ok(found.into_values().collect())
    }

    fn hop(
        &self,
        from: &Text,
        value: &str,
        list: bool,
        transport: &Driver,
        scope: &mut Scope,
    ) -> Result<Option<(String, NextHop)>, Declined> {
        let fails = |message: String| Declined::Fails(from.option, Failure::new(message));
        let quoted = value.strip_prefix('"').map(|rest| rest.split_once('"').unwrap_or((rest, "")));
        let (hosts, options) = match (quoted, list) {
            (Some((inner, rest)), false) => (inner, rest),
            (Some((inner, _)), true) => (inner, ""),
            (None, true) => (value, ""),
            // A list that chooses its separator has a blank behind it.
            (None, false) if value.starts_with('<') => (value, ""),
            (None, false) => value.split_once([' ', '\t']).unwrap_or((value, "")),
        };
        self.known_options(options).map_err(|why| Declined::Fails(from.option, why))?;
        let by_router = from.option != "hosts";
        // Exim takes what follows the sign for the separator, and here the list ends.
        let named = if hosts.trim() == "<" { Vec::new() } else { lists::items(hosts) };
        let named: Vec<String> = named.into_iter().filter(|item| !item.is_empty() && item != "+").collect();
        let is_lost = |item: &&String| by_router && self.is_lost(item);
        if let Some(lost) = named.iter().find(is_lost) {
            match self.router.text("host_find_failed").unwrap_or("freeze") {
                "ignore" => {}
                "pass" | "decline" => return Err(Declined::Quietly),
                _ => {
                    let host = if is_ipv6(lost) { split(lost).0 } else { lost.clone() };
                    return Err(fails(format!("lookup of host \"{host}\" failed in {} router", self.router.name)));
                }
            }
        }
        let Some(first) = named.iter().find(|item| !is_lost(item)).cloned() else {
            let name = &self.router.name;
            return match from.option {
                // Not even where the transport has hosts of its own.
                "route_list" if hosts.is_empty() => Err(fails(no_hosts(name))),
                "route_list" => {
                    let then = "host_find_failed=ignore host_all_ignored=defer";
                    Err(fails(format!("lookup failed for all hosts in {name} router: {then}")))
                }
                _ => Ok(None),
            };
        };
        let port = port(transport, self.evaluator, scope);
        let (host, own_port, mx) = split(&first);
        let own = host.parse::<std::net::IpAddr>().is_ok_and(|addr| self.host.has_address(addr) == Some(true));
        let local = here(&host) || own;
        if local && by_router {
            match self.router.text("self").unwrap_or("freeze") {
                "send" => {}
                "freeze" | "defer" | "fail" => return Err(fails("remote host address is the local host".into())),
                _ => return Err(Declined::Quietly),
            }
        }
        if local && !transport.is("allow_localhost", false) && !by_router {
            let name = &transport.name;
            return Err(fails(format!("{name} transport found host {host} to be local")));
        }
        let name = if mx { host } else { format!("[{host}]") };
        let hop = own_port.or(port).map_or(name.clone(), |port| format!("{name}:{port}"));
        let fact = from.fact.with(hop.clone()).into();
        Ok(Some((hop, if local { NextHop::Handed(fact) } else { NextHop::Relay(fact) })))
    }

    /// Whether no lookup finds a host of the router: brackets without a port belong to the name, and an IPv6 address is none where Exim does
    /// without.
    fn is_lost(&self, item: &str) -> bool {
        let ipv4_only = self.config.main.get("disable_ipv6").is_some_and(|set| set.value == "true");
        (item.starts_with('[') && item.ends_with(']')) || item.chars().all(|c| c == ':') || (ipv4_only && is_ipv6(item))
    }

    /// Looks at what stands behind the hosts of a rule: how to look them up, or a transport.
    fn known_options(&self, options: &str) -> Result<(), Failure> {
        const KNOWN: [&str; 6] = ["bydns", "byname", "ipv4_only", "ipv4_prefer", "no_randomize", "randomize"];
        let mut rest = options.trim();
        // Where the work is at its end, the rest is taken for known.
        while !rest.is_empty() && self.evaluator.spend(self.config.transports.len()).is_ok() {
            let (word, after) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
            // Exim compares as many letters as it is given.
            let named = self.config.transports.iter().any(|driver| driver.name.starts_with(word));
            if !named && !KNOWN.iter().any(|known| known.starts_with(word)) && !word.contains('$') {
                return Err(Failure::new(format!("unknown routing option or transport name \"{rest}\"")));
            }
            rest = after.trim_start();
        }
        Ok(())
    }
}

/// A setting that names hosts.
struct Text<'t> {
    fact: &'t Fact<String>,
    option: &'static str,
    text: &'t str,
    /// Whether it is a list and nothing else.
    list: bool,
}

impl<'t> Text<'t> {
    fn of(fact: &'t Fact<String>) -> Text<'t> {
        Text { fact, option: "route_data", text: &fact.value, list: false }
    }
}

/// The hosts of a rule and its options. A blank ends the hosts, and be it within an expansion.
fn parted(text: &str) -> (&str, &str) {
    match text.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some(parts) => parts,
        None => text.split_once([' ', '\t']).unwrap_or((text, "")),
    }
}

fn no_hosts(router: &str) -> String {
    format!("error in {router} router: no host(s) specified for domain")
}

/// Host, port and whether MX records are asked, of an item such as `host:587`, `[2001:db8::1]:25` or `host/MX`.
fn split(item: &str) -> (String, Option<String>, bool) {
    if let Some((inner, rest)) = item.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (inner.to_owned(), rest.strip_prefix(':').map(str::to_owned), false);
    }
    let (name, port) = match item.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            (name, Some(port.to_owned()))
        }
        _ => (item, None),
    };
    match name.len().checked_sub(3).and_then(|at| name.split_at_checked(at)) {
        Some((host, mx)) if mx.eq_ignore_ascii_case("/mx") => (host.to_owned(), port, true),
        _ => (name.to_owned(), port, false),
    }
}

/// Whether an item of a list of hosts is an IPv6 address, with a port or without.
fn is_ipv6(item: &str) -> bool {
    let (host, ..) = split(item);
    host.parse::<std::net::Ipv6Addr>().is_ok()
}

fn here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

/// The transport's own port, by number.
fn port(transport: &Driver, evaluator: &Evaluator, scope: &mut Scope) -> Option<String> {
    let named = match transport.text("port") {
        Some(port) => evaluator.value(&evaluator.parsed(port), scope).ok()?,
        None => transport.text("protocol").unwrap_or("smtp").to_owned(),
    };
    Some(match named.trim() {
        "smtp" => "25".into(),
        "smtps" | "ssmtp" | "submissions" => "465".into(),
        "submission" => "587".into(),
        "lmtp" => "2003".into(),
        other => other.to_owned(),
    })
}
