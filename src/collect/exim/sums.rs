//! What follows once all senders are known: names common to all, and what depends on the build.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Read;
use super::driver::Driver;
use super::faults::EXIM;
use crate::facts::{Bind, Helo, Origin, Sender, Undecided};

// A place's file has an index of its lines that is made when it is first wanted; no hash depends on it.
#[allow(clippy::mutable_key_type)]
/// Leaves undecided what differs where Exim was built otherwise.
pub(crate) fn mark_build_dependent(senders: &mut [Sender], other: &[Sender], build: &BTreeSet<String>) {
    let names: Vec<&str> = build.iter().map(String::as_str).collect();
    let why = format!("it depends on what Exim was built with (`{}`; see `exim -bP macros`)", names.join("`, `"));
    let all: HashSet<&Sender> = other.iter().collect();
    let mut by_way: HashMap<_, Vec<&Sender>> = HashMap::new();
    other.iter().for_each(|twin| by_way.entry((&*twin.service, twin.family)).or_default().push(twin));
    for sender in senders.iter_mut().filter(|sender| !all.contains(*sender)) {
        let undecided =
            |parameter: &str, origin: Origin| Undecided { parameter: parameter.to_owned(), why: why.clone(), origin };
        let twins = by_way.get(&(&*sender.service, sender.family)).map_or(&[][..], Vec::as_slice);
        if !twins.iter().any(|twin| twin.helo == sender.helo) {
            let origin = match &sender.helo {
                Helo::Known(name) => name.origin.clone(),
                _ => EXIM,
            };
            sender.helo = Helo::Undecided(undecided(&format!("helo_data of {}", sender.service), origin));
            sender.helo_is_global = false;
        }
        if !twins.iter().any(|twin| twin.bind == sender.bind) {
            let origin = match &sender.bind {
                Bind::Address { address, .. } => address.origin.clone(),
                _ => EXIM,
            };
            sender.bind = Bind::Undecided(undecided("interface", origin));
        }
    }
}

/// Marks HELO names that are set for the whole of Exim: unset everywhere, or one constant.
pub(crate) fn global(read: &Read, senders: &mut [Sender]) {
    let transports = read.config.transports.iter().filter(|driver| driver.driver == "smtp");
    let mut texts: Vec<&str> = transports
        .map(|driver| driver.get("helo_data").map_or("$primary_hostname", |fact| fact.value.trim()))
        .collect();
    texts.sort_unstable();
    texts.dedup();
    let same = matches!(texts[..], [one] if !one.contains('{') && one.matches('$').count() <= 1 && !["sender", "active"].iter().any(|word| one.contains(word)));
    let mut by_name: HashMap<&str, &Driver> = HashMap::with_capacity(read.config.transports.len());
    // The first of a name counts.
    for driver in &read.config.transports {
        by_name.entry(&driver.name).or_insert(driver);
    }
    for sender in senders {
        let set = by_name.get(&*sender.service);
        let text = set.and_then(|driver| driver.get("helo_data")).map(|fact| fact.value.trim());
        let primary = text.is_none_or(|text| matches!(text, "$primary_hostname" | "${primary_hostname}"));
        sender.helo_is_global = matches!(sender.helo, Helo::Known(_)) && (primary || same);
    }
}
