//! Which transports routers use, and where their mail goes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Read;
use super::config::{Config, Driver};
use super::depend::Walk;
use super::expand::{Evaluator, Failure, Scope, Stop, parse::parse};
use super::faults::{DEFERS, Fault, Faults};
use super::lists;
use super::preconditions::Asked;
use super::selection::{RoutedSenders, Selection, Takes};
use crate::facts::{Fact, NextHop, SenderDomains};
use crate::name::DomainName;

/// Next hops of one transport that are followed.
pub(crate) const HOP_LIMIT: usize = 50;

/// How one transport is used.
#[derive(Debug, Default)]
pub(crate) struct Use {
    /// Whether anything names it, as far as files decide.
    pub named: bool,
    /// Where its mail goes, and whose; several where routers differ.
    pub hops: Vec<(NextHop, RoutedSenders)>,
}

/// How transports are used.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Each smtp transport, by name.
    pub transports: HashMap<String, Use>,
    /// Programs on this host that are handed whatever is for others: next hops on it, and transports that run a program.
    pub handed: Vec<Fact<String>>,
}

/// How the transports are used.
pub(crate) fn uses(read: &Read, evaluator: &Evaluator, scope: &Scope, faults: &mut Faults) -> Uses {
    let smtp: Vec<&Driver> = read.config.transports.iter().filter(|driver| driver.driver == "smtp").collect();
    let mut uses: HashMap<String, Use> = smtp.iter().map(|driver| (driver.name.clone(), Use::default())).collect();
    // Options whose text may name a transport.
    let mut computed = false;
    let mut words: HashSet<&str> = HashSet::new();
    let everyone = read.config.routers.iter().chain(&read.config.transports);
    for driver in everyone {
        for (name, value) in &driver.options {
            if name.ends_with("transport") {
                computed |= value.value.contains('$');
                words.insert(value.value.trim());
            } else if name.starts_with("route_") {
                words.extend(value.value.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
            }
        }
    }
    for (name, value) in &read.config.main {
        if name.ends_with("_transport") {
            words.insert(value.value.trim());
        }
    }
    for (name, used) in &mut uses {
        used.named = computed || words.contains(name.as_str());
    }
    let selection = Selection::new(&read.config, evaluator, scope);
    // Whose mail no later router sees that asks the DNS, and whose no later one at all.
    let mut shadowed = vec![false; selection.count()];
    let mut ended = shadowed.clone();
    // Whose mail comes to each transport's hops.
    let mut found: HashMap<String, Vec<Found>> = HashMap::new();
    // Transports that routers name, and those that some mail reaches.
    let (mut led, mut reached): (HashSet<&str>, HashSet<&str>) = Default::default();
    let mut handed: Vec<Fact<String>> = Vec::new();
    let mut hand = |program: Fact<String>| match handed.iter().any(|known| known.value == program.value) {
        true => {}
        false if handed.len() < HOP_LIMIT => handed.push(program),
        false => too_many(evaluator),
    };
    for router in &read.config.routers {
        let Some(transport) = router.text("transport") else { continue };
        let names: Vec<&Driver> = match transport.contains('$') {
            true => smtp.iter().copied().filter(|driver| mentions(transport, &driver.name)).collect(),
            false => smtp.iter().copied().filter(|driver| driver.name == transport.trim()).collect(),
        };
        let names = if names.is_empty() && transport.contains('$') { smtp.clone() } else { names };
        led.extend(names.iter().map(|driver| driver.name.as_str()));
        let other =
            read.config.transports.iter().find(|driver| driver.name == transport.trim() && driver.driver != "smtp");
        let asked = Asked::new(router, &selection, &read.config, evaluator, scope);
        let route = Route::new(router, &read.config, evaluator, scope);
        for sender in 0..selection.count() {
            if ended[sender] {
                continue;
            }
            let answer = asked.sender(sender);
            if let Some((option, why)) = answer.skipped {
                add_fault(faults, &selection, sender, Failed { router, option, why, then: "Exim skips the router" });
            }
            let certain = answer.takes != Takes::Unknown;
            match answer.takes {
                Takes::No => continue,
                Takes::Fails(option, why) => {
                    add_fault(faults, &selection, sender, Failed { router, option, why, then: DEFERS });
                    reached.extend(names.iter().map(|driver| driver.name.as_str()));
                    ended[sender] = true;
                    continue;
                }
                Takes::Yes | Takes::Perhaps | Takes::Unknown => {}
            }
            if let Some(other) = other.filter(|_| answer.takes == Takes::Yes && answer.sure && keeps(router)) {
                // Whatever it is for others ends here.
                ended[sender] = true;
                if let Some(named) =
                    router.get("transport").filter(|_| matches!(other.driver.as_str(), "pipe" | "lmtp"))
                {
                    hand(named.with(other.name.clone()));
                }
                continue;
            }
            let mut whole = answer.takes == Takes::Yes && takes_everything(router);
            for driver in &names {
                match route.hops(driver, || selection.scope_of(sender)) {
                    Ok(hops) => {
                        let seen = |hop: &&NextHop| !(matches!(hop, NextHop::Direct) && shadowed[sender]);
                        if hops.is_empty() || hops.iter().any(|hop| seen(&hop)) {
                            reached.insert(&driver.name);
                        }
                        for hop in hops.iter().filter(seen) {
                            if let NextHop::Handed(program) = hop
                                && whole
                            {
                                hand(Fact::clone(program));
                            }
                            add(found.entry(driver.name.clone()).or_default(), hop, sender, certain, evaluator);
                        }
                    }
                    Err(Declined::Quietly) => whole = false,
                    Err(Declined::Fails(option, why)) => {
                        reached.insert(&driver.name);
                        if answer.sure {
                            add_fault(faults, &selection, sender, Failed { router, option, why, then: DEFERS });
                        }
                        ended[sender] |= whole;
                    }
                }
            }
            if whole && route.is_decided(|| selection.scope_of(sender)) {
                shadowed[sender] = true;
                ended[sender] |= selects(router) && !router.is("more", true);
            }
        }
    }
    for (name, used) in &mut uses {
        used.named &= !led.contains(name.as_str()) || reached.contains(name.as_str());
    }
    for (name, found) in found {
        let Some(used) = uses.get_mut(&name) else { continue };
        used.hops = found
            .into_iter()
            .map(|found| (found.hop, RoutedSenders::new(&selection, &found.senders, found.certain)))
            .collect();
    }
    Uses { transports: uses, handed }
}

/// Whether a router keeps all mail that its preconditions let through: what it accepts goes to its transport and to no other.
fn keeps(router: &Driver) -> bool {
    let routes = match router.driver.as_str() {
        "accept" => true,
        "manualroute" => router.text("route_list").is_some_and(|list| list.trim_start().starts_with('*')),
        _ => false,
    };
    routes && !router.is("unseen", false)
}

/// A next hop that routers lead to.
struct Found {
    hop: NextHop,
    /// Whose mail, by the numbers of a [`Selection`].
    senders: BTreeSet<usize>,
    /// Whether files decide whose.
    certain: bool,
}

/// Whether the text of an expansion holds the name as a word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

/// Notes that next hops were left out.
fn too_many(evaluator: &Evaluator) {
    evaluator.note("a transport has more next hops than helolint follows");
}

fn add(found: &mut Vec<Found>, hop: &NextHop, sender: usize, certain: bool, evaluator: &Evaluator) {
    let same = |known: &Found| match (&known.hop, hop) {
        (NextHop::Direct, NextHop::Direct) => true,
        (NextHop::Handed(a), NextHop::Handed(b)) | (NextHop::Relay(a), NextHop::Relay(b)) => a.value == b.value,
        _ => false,
    };
    if let Some(known) = found.iter().position(same).and_then(|at| found.get_mut(at)) {
        known.senders.insert(sender);
        known.certain &= certain;
    } else if found.len() < HOP_LIMIT {
        found.push(Found { hop: hop.clone(), senders: BTreeSet::from([sender]), certain });
    } else {
        too_many(evaluator);
    }
}

/// A setting of a router that fails.
struct Failed<'a> {
    router: &'a Driver,
    option: &'static str,
    why: Failure,
    then: &'static str,
}

fn add_fault(faults: &mut Faults, selection: &Selection, sender: usize, failed: Failed) {
    let Some(fact) = failed.router.get(failed.option) else { return };
    let key = (format!("{} of the router {}", failed.option, failed.router.name), failed.why);
    let fault = faults.entry(key).or_insert_with(|| Fault {
        fact: fact.clone(),
        affected: SenderDomains::Only { domains: Vec::new(), others: false },
        then: failed.then,
    });
    if let SenderDomains::Only { domains, others } = &mut fault.affected {
        match selection.names.get(sender) {
            Some(name) => domains.push(DomainName::new(name)),
            None => *others |= sender == selection.names.len(),
        }
        // Everyone's: that need not be said.
        if *others && domains.len() == selection.names.len() {
            fault.affected = SenderDomains::Any;
        }
    }
}

/// Whether a router is for some mail alone, by its sender.
fn selects(router: &Driver) -> bool {
    ["senders", "condition", "require_files"].iter().any(|name| router.text(name).is_some())
}

/// Whether a router takes all remote mail that its preconditions let through, so that routers behind it see none: a smarthost's, or
/// one that asks the DNS and is for some senders alone.
fn takes_everything(router: &Driver) -> bool {
    let domains = router.text("domains").map_or("*", str::trim).replace(' ', "");
    let kind = match router.driver.as_str() {
        "manualroute" => {
            let everywhere = |list: &str| list.trim_start().starts_with("* ");
            router.text("route_list").is_some_and(everywhere) || router.text("route_data").is_some()
        }
        // What it cannot route no other of its kind can.
        "dnslookup" => selects(router),
        _ => false,
    };
    kind && matches!(domains.as_str(), "*" | "!+local_domains") && !router.is("unseen", false)
}

/// Why a router does not route.
enum Declined {
    /// It leaves the mail to the next one.
    Quietly,
    /// A setting fails: the mail is deferred.
    Fails(&'static str, Failure),
}

/// Where mail goes that a router hands to transports.
struct Route<'a> {
    router: &'a Driver,
    evaluator: &'a Evaluator<'a>,
    scope: &'a Scope,
    /// Whether the sender has a say.
    by_sender: bool,
}

impl<'a> Route<'a> {
    fn new(router: &'a Driver, config: &'a Config, evaluator: &'a Evaluator<'a>, scope: &'a Scope) -> Route<'a> {
        let mut walk = Walk::new(&config.lists);
        let texts = ["address_data", "route_list", "route_data"];
        texts.iter().filter_map(|name| router.text(name)).for_each(|text| walk.add(&parse(text)));
        Route { router, evaluator, scope, by_sender: walk.uses.sender && !walk.uses.opaque }
    }

    /// Whether it routes whatever recipient: a table of recipients' domains in `route_data` may lack most of them.
    fn is_decided(&self, scope: impl FnOnce() -> Scope) -> bool {
        let Some(text) = self.router.text("route_data").filter(|text| text.contains('$')) else { return true };
        let mut scope = if self.by_sender { scope() } else { self.scope.clone() };
        self.evaluator.value(&parse(text), &mut scope).is_ok()
    }

    /// The next hops of a sender's mail.
    fn hops(&self, transport: &Driver, scope: impl FnOnce() -> Scope) -> Result<Vec<NextHop>, Declined> {
        let mut scope = if self.by_sender { scope() } else { self.scope.clone() };
        if let Some(text) = self.router.text("address_data") {
            match self.evaluator.value(&parse(text), &mut scope) {
                Ok(data) => drop(scope.values.insert("address_data".into(), data)),
                Err(Stop::Forced(_)) => return Err(Declined::Quietly),
                Err(Stop::Fails(why)) => return Err(Declined::Fails("address_data", why)),
                Err(Stop::Undecided { .. }) => {}
            }
        }
        if self.router.driver == "manualroute" {
            for option in ["route_list", "route_data"] {
                let Some(text) = self.router.text(option).filter(|text| text.contains('$')) else { continue };
                match self.evaluator.value(&parse(text), &mut scope) {
                    Err(Stop::Fails(why)) => return Err(Declined::Fails(option, why)),
                    Err(Stop::Forced(_)) => return Err(Declined::Quietly),
                    Ok(data) if option == "route_data" && data.trim().is_empty() => return Err(Declined::Quietly),
                    Ok(list) if list.trim() == "*" && transport.text("hosts").is_none() => {
                        return Err(Declined::Quietly);
                    }
                    _ => {}
                }
            }
        }
        Ok(hops(self.router, transport, self.evaluator, &scope))
    }
}

/// Where mail goes that a router hands to a transport.
fn hops(router: &Driver, transport: &Driver, evaluator: &Evaluator, scope: &Scope) -> Vec<NextHop> {
    let own = |name: &str| transport.get(name).filter(|fact| !fact.value.trim().is_empty());
    if transport.is("hosts_override", false)
        && let Some(hosts) = own("hosts")
    {
        return hosts_of(hosts, &hosts.value, true, transport, evaluator, scope);
    }
    match router.driver.as_str() {
        "manualroute" => {
            if let Some(list) = router.get("route_list") {
                let separated = if list.value.trim_start().starts_with('<') {
                    list.value.clone()
                } else {
                    format!("<;{}", list.value)
                };
                let rules = lists::items(&separated);
                return rules.iter().flat_map(|rule| routed(list, rule, transport, evaluator, scope)).collect();
            }
            let Some(data) = router.get("route_data") else { return Vec::new() };
            let rule = format!("* {}", data.value);
            routed(data, &rule, transport, evaluator, scope)
        }
        "accept" | "redirect" | "queryprogram" => match own("hosts") {
            Some(hosts) => hosts_of(hosts, &hosts.value, true, transport, evaluator, scope),
            None => vec![NextHop::Direct],
        },
        _ => vec![NextHop::Direct],
    }
}

/// The hop of one rule: pattern, hosts, options.
fn routed(from: &Fact<String>, rule: &str, transport: &Driver, evaluator: &Evaluator, scope: &Scope) -> Vec<NextHop> {
    let Some((_, rest)) = rule.trim().split_once([' ', '\t']) else {
        // No host: the transport's own.
        return transport
            .get("hosts")
            .map_or_else(Vec::new, |hosts| hosts_of(hosts, &hosts.value, true, transport, evaluator, scope));
    };
    hosts_of(from, rest.trim(), false, transport, evaluator, scope)
}

/// The first host of a list, as a next hop. `list`: the text is a list and nothing else.
fn hosts_of(
    from: &Fact<String>,
    text: &str,
    list: bool,
    transport: &Driver,
    evaluator: &Evaluator,
    scope: &Scope,
) -> Vec<NextHop> {
    let mut scope = scope.clone();
    let expr = parse(text);
    let values = match evaluator.value(&expr, &mut scope) {
        Ok(value) => BTreeSet::from([value]),
        Err(_) => super::depend::table_of(&expr)
            .and_then(|file| evaluator.table(&file).ok())
            .map_or_else(BTreeSet::new, |table| table.entries.iter().map(|entry| entry.value.to_string()).collect()),
    };
    if values.len() > HOP_LIMIT {
        too_many(evaluator);
    }
    let mut found: BTreeMap<String, NextHop> = BTreeMap::new();
    for value in values.iter().take(HOP_LIMIT) {
        let value = value.trim();
        let hosts = match (value.strip_prefix('"').and_then(|rest| rest.split_once('"')), list) {
            (Some((inner, _)), _) => inner.to_owned(),
            (None, true) => value.to_owned(),
            (None, false) => bare_list(value),
        };
        let Some(first) = lists::items(&hosts).into_iter().find(|item| !item.is_empty() && item != "+") else {
            continue;
        };
        let port = port(transport, evaluator, &mut scope);
        let (host, own_port, mx) = split(&first);
        let port = own_port.or(port);
        let is_here = here(&host);
        let name = if mx { host } else { format!("[{host}]") };
        let hop = port.map_or(name.clone(), |port| format!("{name}:{port}"));
        let fact = from.with(hop.clone()).into();
        found.insert(hop, if is_here { NextHop::Handed(fact) } else { NextHop::Relay(fact) });
    }
    found.into_values().collect()
}

/// The hosts at the start of a rule: up to a blank that no separator surrounds.
fn bare_list(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        let joined = out.is_empty()
            || out.ends_with([':', ';', '<'])
            || word.starts_with([':', ';'])
            || out.starts_with('<') && out.len() < 3;
        if !joined {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
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

fn here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The transport's own port, by number.
fn port(transport: &Driver, evaluator: &Evaluator, scope: &mut Scope) -> Option<String> {
    let named = match transport.text("port") {
        Some(port) => evaluator.value(&parse(port), scope).ok()?,
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
