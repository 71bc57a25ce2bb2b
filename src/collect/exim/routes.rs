//! Which transports routers use, and where their mail goes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::Read;
use super::config::Driver;
use super::expand::{Evaluator, Scope, parse::parse};
use super::lists;
use super::selection::{Selection, Whose};
use crate::facts::{Fact, NextHop};

/// Next hops of one transport that are followed.
const HOP_LIMIT: usize = 50;

/// How one transport is used.
#[derive(Debug, Default)]
pub struct Use {
    /// Whether anything names it, as far as files decide.
    pub named: bool,
    /// Where its mail goes, and whose; several where routers differ.
    pub hops: Vec<(NextHop, Whose)>,
}

/// How each smtp transport is used, by name.
pub fn uses(read: &Read, evaluator: &Evaluator, scope: &Scope) -> HashMap<String, Use> {
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
    let selection = Selection::of(&read.config, evaluator, scope);
    // Whose mail no later router sees that asks the DNS, and whose no later one at all.
    let mut shadowed = vec![false; selection.count()];
    let mut ended = shadowed.clone();
    // Whose mail comes to each transport's hops.
    let mut found: HashMap<String, Vec<Found>> = HashMap::new();
    for router in &read.config.routers {
        let Some(transport) = router.text("transport") else { continue };
        let names: Vec<&Driver> = match transport.contains('$') {
            true => smtp.iter().copied().filter(|driver| mentions(transport, &driver.name)).collect(),
            false => smtp.iter().copied().filter(|driver| driver.name == transport.trim()).collect(),
        };
        let names = if names.is_empty() && transport.contains('$') { smtp.clone() } else { names };
        let takes: Vec<Option<bool>> = (0..selection.count()).map(|sender| selection.takes(router, sender)).collect();
        for driver in names {
            for hop in hops(router, driver, evaluator, scope) {
                let direct = matches!(hop, NextHop::Direct);
                let comes =
                    |sender: &usize| takes[*sender] != Some(false) && !ended[*sender] && !(direct && shadowed[*sender]);
                let senders = (0..takes.len()).filter(comes).collect();
                let certain = takes.iter().all(Option::is_some);
                add(found.entry(driver.name.clone()).or_default(), Found { hop, senders, certain });
            }
        }
        if takes_everything(router) {
            let last = router.text("senders").is_some() && !router.is("more", true);
            for sender in (0..takes.len()).filter(|sender| takes[*sender] == Some(true)) {
                shadowed[sender] = true;
                ended[sender] |= last;
            }
        }
    }
    for (name, found) in found {
        let Some(used) = uses.get_mut(&name) else { continue };
        used.named &= found.is_empty() || found.iter().any(|found| !found.senders.is_empty());
        let reached = found.into_iter().filter(|found| !found.senders.is_empty());
        used.hops = reached
            .map(|found| (found.hop, Whose::new(&selection, &found.senders, found.certain)))
            .take(HOP_LIMIT)
            .collect();
    }
    uses
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

fn add(found: &mut Vec<Found>, new: Found) {
    let same = |known: &&mut Found| match (&known.hop, &new.hop) {
        (NextHop::Direct, NextHop::Direct) | (NextHop::Here, NextHop::Here) => true,
        (NextHop::Relay(a), NextHop::Relay(b)) => a.value == b.value,
        _ => false,
    };
    match found.iter_mut().find(same) {
        Some(known) => {
            known.senders.extend(new.senders);
            known.certain &= new.certain;
        }
        None => found.push(new),
    }
}

/// Whether a router takes all remote mail of its senders, so that routers behind it see none: a smarthost's, or one that asks
/// the DNS and is for some senders alone.
fn takes_everything(router: &Driver) -> bool {
    const CONDITIONS: [&str; 7] = [
        "condition",
        "local_parts",
        "local_part_prefix",
        "local_part_suffix",
        "require_files",
        "check_local_user",
        "verify_only",
    ];
    let domains = router.text("domains").map_or("*", str::trim).replace(' ', "");
    let kind = match router.driver.as_str() {
        "manualroute" => router.text("route_list").is_some_and(|list| list.trim_start().starts_with("* ")),
        // What it cannot route no other of its kind can.
        "dnslookup" => router.text("senders").is_some(),
        _ => false,
    };
    kind && matches!(domains.as_str(), "*" | "!+local_domains")
        && CONDITIONS.iter().all(|name| router.get(name).is_none())
        && !router.is("unseen", false)
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
        Ok(value) => vec![value],
        Err(_) => super::depend::table_of(&expr)
            .and_then(|file| evaluator.table(&file).ok())
            .map_or_else(Vec::new, |table| table.entries.iter().map(|entry| entry.value.to_string()).collect()),
    };
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
        if here(&host) {
            found.insert(String::new(), NextHop::Here);
            continue;
        }
        let name = if mx { host } else { format!("[{host}]") };
        let hop = port.map_or(name.clone(), |port| format!("{name}:{port}"));
        found.insert(hop.clone(), NextHop::Relay(from.with(hop).into()));
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
