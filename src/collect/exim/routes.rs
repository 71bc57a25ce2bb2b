//! Which transports routers use, and where their mail goes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Read;
use super::config::Driver;
use super::expand::{Evaluator, Failure, Scope};
use super::faults::{DEFERS, Fault, Faults};
pub(crate) use super::hops::HOP_LIMIT;
use super::hops::{Declined, Route, too_many};
use super::preconditions::Asked;
use super::routed::RoutedSenders;
use super::selection::{Selection, Takes};
use crate::facts::{Fact, Host, NextHop, SenderDomains};

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
pub(crate) fn uses(read: &Read, host: &Host, evaluator: &Evaluator, scope: &Scope, faults: &mut Faults) -> Uses {
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
                words.extend(words_of(&value.value));
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
    let scope = &scope.to_be_shared();
    let selection = Selection::new(&read.config, evaluator, scope);
    let by_name = ByName::new(read, &smtp);
    // Whose mail is not at its end, and whether each of them was asked for: else what is found may be others' mail too.
    let mut open: Vec<usize> = (0..selection.count()).collect();
    let mut asked_for_all = selection.is_complete;
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
            true => by_name.smtp(words_of(transport)),
            false => by_name.smtp([transport.trim()]),
        };
        let names = if names.is_empty() && transport.contains('$') { smtp.clone() } else { names };
        led.extend(names.iter().map(|driver| driver.name.as_str()));
        let other = by_name.others.get(transport.trim()).copied();
        let asked = Asked::new(router, &selection, &read.config, evaluator, scope);
        let route = Route::new(router, &read.config, host, evaluator, scope);
        open.retain(|sender| !ended[*sender]);
        for &sender in &open {
            if !asked_for_all || !evaluator.spend_on_sender() {
                asked_for_all = false;
                break;
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
            let kept = answer.takes == Takes::Yes && answer.sure && keeps(router);
            for driver in &names {
                match &*route.hops(driver, || selection.scope_of(sender)) {
                    Ok(hops) => {
                        let seen = |hop: &&NextHop| !(matches!(hop, NextHop::Direct) && shadowed[sender]);
                        if hops.is_empty() || hops.iter().any(|hop| seen(&hop)) {
                            reached.insert(&driver.name);
                        }
                        for hop in hops.iter().filter(seen) {
                            if let NextHop::Handed(program) = hop
                                && (whole || kept)
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
                            let router = if *option == "hosts" { driver } else { router };
                            let (option, why) = (*option, why.clone());
                            add_fault(faults, &selection, sender, Failed { router, option, why, then: DEFERS });
                        }
                        ended[sender] |= whole || kept;
                    }
                }
            }
            if whole && route.is_decided(|| selection.scope_of(sender)) {
                shadowed[sender] = true;
                ended[sender] |= selects(router) && !router.is("more", true);
            }
        }
        if asked_for_all {
            continue;
        }
        // One sender stands for all that are left.
        open.retain(|sender| !ended[*sender]);
        let others = open.iter().position(|sender| *sender == selection.others()).unwrap_or(0);
        let Some(sender) = open.get(others).copied() else { continue };
        let asks_dns = open.iter().any(|sender| !shadowed[*sender]);
        for driver in &names {
            reached.insert(&driver.name);
            if let Ok(hops) = &*route.hops(driver, || selection.scope_of(sender)) {
                for hop in hops.iter().filter(|hop| asks_dns || !matches!(hop, NextHop::Direct)) {
                    add(found.entry(driver.name.clone()).or_default(), hop, sender, false, evaluator);
                }
            }
        }
    }
    if !asked_for_all {
        evaluator.note("routers tell apart more senders than helolint asks for");
    }
    for (name, used) in &mut uses {
        used.named &= !led.contains(name.as_str()) || reached.contains(name.as_str());
    }
    for (name, found) in found {
        let Some(used) = uses.get_mut(&name) else { continue };
        used.hops = found
            .into_iter()
            .map(|found| {
                let certain = found.certain && asked_for_all;
                (found.hop, RoutedSenders::new(&selection.names, selection.count(), found.senders, certain))
            })
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
    senders: Vec<u32>,
    /// Whether files decide whose.
    certain: bool,
}

/// Transports by their names.
struct ByName<'r> {
    smtp: &'r [&'r Driver],
    /// Their places among those, in order.
    places: HashMap<&'r str, Vec<usize>>,
    /// The first of each name that is no smtp transport.
    others: HashMap<&'r str, &'r Driver>,
}

impl<'r> ByName<'r> {
    fn new(read: &'r Read, smtp: &'r [&'r Driver]) -> ByName<'r> {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, driver) in smtp.iter().enumerate() {
            places.entry(&driver.name).or_default().push(at);
        }
        let mut others: HashMap<&str, &Driver> = HashMap::new();
        for driver in read.config.transports.iter().filter(|driver| driver.driver != "smtp") {
            others.entry(&driver.name).or_insert(driver);
        }
        ByName { smtp, places, others }
    }

    /// The smtp transports with one of these names, in file order.
    fn smtp<'t>(&self, names: impl IntoIterator<Item = &'t str>) -> Vec<&'r Driver> {
        let places: BTreeSet<usize> =
            names.into_iter().filter_map(|name| self.places.get(name)).flatten().copied().collect();
        places.into_iter().filter_map(|at| self.smtp.get(at).copied()).collect()
    }
}

/// The words of an expansion's text.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

fn add(found: &mut Vec<Found>, hop: &NextHop, sender: usize, certain: bool, evaluator: &Evaluator) {
    // Where the work is at its end, no further sender is asked for.
    let _ = evaluator.spend_on_sender();
    let sender = u32::try_from(sender).unwrap_or(u32::MAX);
    let same = |known: &Found| match (&known.hop, hop) {
        (NextHop::Direct, NextHop::Direct) => true,
        (NextHop::Handed(a), NextHop::Handed(b)) | (NextHop::Relay(a), NextHop::Relay(b)) => a.value == b.value,
        _ => false,
    };
    if let Some(known) = found.iter().position(same).and_then(|at| found.get_mut(at)) {
        known.senders.push(sender);
        known.certain &= certain;
    } else if found.len() < HOP_LIMIT {
        found.push(Found { hop: hop.clone(), senders: vec![sender], certain });
    } else {
        too_many(evaluator);
    }
}

/// A setting of a router, or `hosts` of a transport, that fails.
struct Failed<'a> {
    router: &'a Driver,
    option: &'static str,
    why: Failure,
    then: &'static str,
}

fn add_fault(faults: &mut Faults, selection: &Selection, sender: usize, failed: Failed) {
    let Some(fact) = failed.router.get(failed.option) else { return };
    let class = if failed.option == "hosts" { "transport" } else { "router" };
    let key = (format!("{} of the {class} {}", failed.option, failed.router.name), failed.why);
    let fault = faults.entry(key).or_insert_with(|| Fault {
        fact: fact.clone(),
        affected: SenderDomains::Only { domains: Vec::new(), others: false },
        then: failed.then,
    });
    if let SenderDomains::Only { domains, others } = &mut fault.affected {
        match selection.names.domains.get(sender) {
            Some(name) => domains.push(name.clone()),
            None => *others |= sender == selection.others(),
        }
        // Everyone's: that need not be said.
        if *others && domains.len() == selection.others() {
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
