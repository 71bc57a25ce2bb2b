//! Which address and which name of the old host became which of the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::moved::{Value, words};
use crate::facts::{ExpectedHelo, Fact, Facts, HostFqdn, Mapped, Moved, OutboundPath};
use crate::identity::OwnAddresses;
use crate::name::DomainName;

/// What nobody said and the change of the addresses brings about.
const NOBODY: &str = "nothing says that it should";

/// What became what, and why that is known.
#[derive(Debug)]
pub struct Mapping {
    addresses: BTreeMap<IpAddr, (IpAddr, String)>,
    names: BTreeMap<DomainName, (DomainName, String)>,
    expected_hostname: Option<DomainName>,
    expected_helo: Vec<ExpectedHelo>,
}

impl Mapping {
    /// What `--map` says; then what the new host is meant to be called; then what follows from the hosts: the address that the kernel chooses
    /// for the one that it chose, and for every other address that is gone the new one in its place, by `pairs` of addresses that stand in
    /// one place on both hosts.
    pub(super) fn new(moved: &Moved, new: &Facts, pairs: impl Iterator<Item = (IpAddr, IpAddr)>) -> Mapping {
        let mut mapping = Mapping {
            addresses: BTreeMap::new(),
            names: BTreeMap::new(),
            expected_hostname: new.expected_hostname.clone(),
            expected_helo: new.expected_helo.clone(),
        };
        for mapped in &moved.map {
            let because = format!("--map {mapped}");
            match mapped {
                Mapped::Address { old, new } => drop(mapping.addresses.insert(*old, (*new, because))),
                Mapped::Name { old, new } => drop(mapping.names.insert(old.clone(), (new.clone(), because))),
            }
        }
        if let (Some(expected), HostFqdn::Name(old)) = (&new.expected_hostname, &moved.old.host.fqdn) {
            let because = || (expected.clone(), "--expect-hostname".to_owned());
            mapping.names.entry(DomainName::new(&old.value)).or_insert_with(because);
        }
        mapping.infer(&moved.old, new, pairs);
        mapping
    }

    /// Adds pairs of addresses that nobody named.
    fn infer(&mut self, old: &Facts, new: &Facts, pairs: impl Iterator<Item = (IpAddr, IpAddr)>) {
        let (before, now) = (OwnAddresses::new(old), OwnAddresses::new(new));
        // An address that is on both hosts became nothing else.
        let may_be = |from: IpAddr, to: IpAddr| {
            Family::from(from) == Family::from(to) && now.has(from) != Some(true) && before.has(to) != Some(true)
        };
        for family in Family::BOTH {
            let chosen = |facts: &Facts| facts.host.source.for_family(family);
            let (Some(from), Some(to)) = (chosen(old), chosen(new)) else { continue };
            let because = || format!("{to} is the {} address that the kernel chooses, as {from} was", family.title());
            if may_be(from, to) {
                self.addresses.entry(from).or_insert_with(|| (to, because()));
            }
            let seen = |facts: &Facts, addr| facts.nat.sending(&Fact::new(addr, crate::facts::Origin::kernel("route")));
            if let (Some(from), Some(to)) = (seen(old, from), seen(new, to))
                && may_be(from.value, to.value)
            {
                let (from, to) = (from.value, to.value);
                let because = || format!("{to} is what receivers see of this host, as {from} was");
                self.addresses.entry(from).or_insert_with(|| (to, because()));
            }
        }
        let mut taken: BTreeSet<IpAddr> = self.addresses.values().map(|(to, _)| *to).collect();
        let mut votes: BTreeMap<IpAddr, BTreeMap<IpAddr, usize>> = BTreeMap::new();
        let mut vote = |from: IpAddr, to: IpAddr| {
            if may_be(from, to) && !taken.contains(&to) {
                *votes.entry(from).or_default().entry(to).or_default() += 1;
            }
        };
        for (from, to) in pairs {
            vote(from, to);
        }
        // The clearest first, so that two old addresses do not become one by a chance line.
        let mut clear: Vec<(usize, IpAddr, IpAddr)> = Vec::new();
        for (from, all) in votes {
            let total: usize = all.values().sum();
            if let Some((to, most)) = all.iter().max_by_key(|(_, count)| **count)
                && most * 2 > total
            {
                clear.push((*most, from, *to));
            }
        }
        clear.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
        for (_, from, to) in clear {
            if !self.addresses.contains_key(&from) && taken.insert(to) {
                self.addresses.insert(from, (to, format!("mail that left from {from} leaves from {to}")));
            }
        }
        // The image of an address that became another became the other's image.
        for entry in &old.nat.0 {
            let local = entry.local.map(|local| self.address(local));
            let Some(now) = new.nat.0.iter().find(|now| now.local == local) else { continue };
            if may_be(entry.public, now.public) {
                let because = || format!("{} is the image of the same address as {} was", now.public, entry.public);
                self.addresses.entry(entry.public).or_insert_with(|| (now.public, because()));
            }
        }
    }

    /// The address that an address became; itself where it is not known to have become another.
    pub fn address(&self, addr: IpAddr) -> IpAddr {
        self.addresses.get(&addr).map_or(addr, |(to, _)| *to)
    }

    /// Every pair of addresses, the old one first.
    pub fn addresses(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> + '_ {
        self.addresses.iter().map(|(from, (to, _))| (*from, *to))
    }

    /// A text of the old host as it should be on the new one, and why, where that is another.
    pub fn translated(&self, text: &str) -> (String, Option<&str>) {
        let (mut out, mut because, mut from) = (String::with_capacity(text.len()), None, 0);
        for (range, value) in words(text) {
            let became = match &value {
                Value::Address(addr) => self.addresses.get(addr).map(|(to, why)| (to.to_string(), why)),
                Value::Name(name) => self.names.get(name).map(|(to, why)| (to.to_string(), why)),
            };
            let Some((to, why)) = became else { continue };
            out.push_str(text.get(from..range.start).unwrap_or_default());
            // `::ffff:192.0.2.1` is written as it was.
            let (word, is_v4) =
                (text.get(range.clone()).unwrap_or_default(), matches!(value, Value::Address(IpAddr::V4(_))));
            out.push_str(if is_v4 && word.contains(':') { "::ffff:" } else { "" });
            out.push_str(&to);
            from = range.end;
            because.get_or_insert(why.as_str());
        }
        out.push_str(text.get(from..).unwrap_or_default());
        (out, because)
    }

    /// Whether `new` is what `old` should have become: `Ok` with why, where it is another text; `Err` with why not. That nothing changed is
    /// wrong where it was to become another.
    pub fn judge(&self, old: &str, new: &str) -> Result<Option<String>, String> {
        let (meant, because) = self.translated(old);
        match because {
            _ if same(old, new) && (because.is_none() || same(&meant, new)) => Ok(None),
            Some(because) if same(&meant, new) => Ok(Some(because.to_owned())),
            Some(because) => Err(format!("{meant} was to be expected ({because})")),
            None => Err(NOBODY.to_owned()),
        }
    }

    /// As [`Mapping::judge`] of names of the host or an MTA: what the command line expects is right as well.
    pub fn judge_name(&self, old: &str, new: &str) -> Result<Option<String>, String> {
        match self.judge(old, new) {
            Err(_) if self.expected_hostname.as_ref().is_some_and(|expected| *expected == DomainName::new(new)) => {
                Ok((!same(old, new)).then(|| "--expect-hostname".to_owned()))
            }
            judged => judged,
        }
    }

    /// As [`Mapping::judge_name`] of a path's HELO name: what the settings expect of it is right as well.
    pub fn judge_helo(&self, path: &OutboundPath, old: &str, new: &str) -> Result<Option<String>, String> {
        let name = DomainName::new(new);
        match self.judge_name(old, new) {
            Err(_)
                if self.expected_helo.iter().any(|expected| expected.is_for(path) && expected.name.value == name) =>
            {
                Ok((!same(old, new)).then(|| "the settings expect it".to_owned()))
            }
            judged => judged,
        }
    }
}

/// Whether two values mean the same: blanks and, as in names, case and a final dot do not count; nor how an address is written.
pub(super) fn same(a: &str, b: &str) -> bool {
    fn plain(text: &str) -> String {
        let words: Vec<String> = text
            .split_whitespace()
            .map(|word| match word.parse::<IpAddr>() {
                Ok(addr) => addr.to_string(),
                Err(_) => DomainName::new(word).as_str().to_owned(),
            })
            .collect();
        words.join(" ")
    }
    a == b || plain(a) == plain(b)
}

/// Whether an address is worth looking for: others are on many hosts.
pub(super) fn is_telling(facts: &Facts, addr: IpAddr) -> bool {
    let is_source = |path: &OutboundPath| path.source.as_ref().is_some_and(|source| source.value == addr);
    addr::is_public(addr)
        || facts.paths.iter().any(is_source)
        || Family::BOTH.iter().any(|family| facts.host.source.for_family(*family) == Some(addr))
}
