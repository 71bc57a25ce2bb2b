//! Maps of panels, line by line: cPanel's, DirectAdmin's, Hestia's.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::moved::{Value, words};
use crate::facts::{Facts, MapEntry, MapOf, PanelMap, Sought, Text};
use crate::identity::OwnAddresses;
use crate::name::DomainName;

use super::Side;
use super::change::{Change, Effect, Verdict, What};
use super::mapping::Mapping;
use super::panel;

/// Keys that stand for whoever has no line.
const EVERYBODY: [&str; 2] = ["*", "host"];

/// Entries by key as lookups compare them; of several with one key the first counts.
fn by_key(entries: &[MapEntry]) -> BTreeMap<String, &MapEntry> {
    let mut all = BTreeMap::new();
    for entry in entries {
        all.entry(folded(&entry.key)).or_insert(entry);
    }
    all
}

/// A key as it is compared: a domain, or an address however it is written.
fn folded(key: &str) -> String {
    key.parse::<IpAddr>().map_or_else(|_| DomainName::new(key).as_str().to_owned(), |addr| addr.to_string())
}

/// What changed of them. `paths` says which domains' mail leaves otherwise than before.
pub(super) fn changes(
    old: Side<'_>,
    new: Side<'_>,
    mapping: &Mapping,
    sought: &Sought,
    paths: &[Change],
) -> Vec<Change> {
    let mut lines = Lines {
        mapping,
        sought,
        before: panel::domains(old.facts),
        here: panel::domains(new.facts),
        own: OwnAddresses::new(new.facts),
        moved: Moved::new(paths),
        all: Vec::new(),
    };
    if let (Some(was), Some(is)) = (&old.facts.cpanel, &new.facts.cpanel) {
        lines.map("/etc/mailips", MapOf::Source, &was.mailips, &is.mailips);
        lines.map("/etc/mailhelo", MapOf::Helo, &was.mailhelo, &is.mailhelo);
        let (was, is) = (routing(was), routing(is));
        lines.routing(&was, &is);
    }
    if let (Some(was), Some(is)) = (&old.facts.panel_maps, &new.facts.panel_maps) {
        lines.maps(was, is);
    }
    lines.all
}

/// How cPanel handles mail for a domain, by the list that it stands in, with its place.
fn routing(cpanel: &crate::facts::Cpanel) -> BTreeMap<DomainName, (&'static str, &Text)> {
    let lists =
        [("secondary", &cpanel.secondarymx), ("remote", &cpanel.remotedomains), ("local", &cpanel.localdomains)];
    let all =
        lists.into_iter().flat_map(|(how, list)| list.iter().map(move |name| (DomainName::new(name), (how, name))));
    all.collect()
}

/// Pairs of addresses that the maps of both hosts give one domain or account.
pub(super) fn pairs<'a>(old: &'a Facts, new: &'a Facts) -> impl Iterator<Item = (IpAddr, IpAddr)> + 'a {
    let both = old.cpanel.as_ref().zip(new.cpanel.as_ref());
    let cpanel = both.into_iter().flat_map(|(old, new)| {
        [(&old.mailips[..], &new.mailips[..]), (&old.userips[..], &new.userips[..])].into_iter()
    });
    let others = old.panel_maps.iter().zip(&new.panel_maps).flat_map(|(old, new)| {
        let sources = old.iter().filter(|map| map.of == MapOf::Source);
        sources.filter_map(|was| Some((&was.entries[..], &new.iter().find(|is| is.file == was.file)?.entries[..])))
    });
    let named = old.panel_maps.iter().zip(&new.panel_maps).flat_map(|(old, new)| {
        let names = old.iter().filter(|map| map.of == MapOf::Helo);
        names.filter_map(|was| Some(named_alike(was, new.iter().find(|is| is.file == was.file)?))).flatten()
    });
    let sources = cpanel.chain(others).flat_map(|(was, is)| {
        let now = by_key(is);
        let paired = by_key(was).into_iter().filter_map(move |(key, was)| Some((was, *now.get(&key)?)));
        paired.flat_map(|(was, is)| {
            let addresses = |entry: &MapEntry| -> Vec<IpAddr> {
                let all = words(&entry.value).filter_map(|(_, value)| match value {
                    Value::Address(addr) => Some(addr),
                    Value::Name(_) => None,
                });
                all.collect()
            };
            let (was, is) = (addresses(was), addresses(is));
            let of = |all: &[IpAddr], family| all.iter().copied().find(|addr| Family::from(*addr) == family);
            Family::BOTH.into_iter().filter_map(move |family| Some((of(&was, family)?, of(&is, family)?)))
        })
    });
    sources.chain(named)
}

/// Addresses that two maps from address to HELO name give one name, where no other of its family has it.
fn named_alike(was: &PanelMap, is: &PanelMap) -> Vec<(IpAddr, IpAddr)> {
    let by_name = |map: &PanelMap| {
        let mut all: BTreeMap<(DomainName, Family), Vec<IpAddr>> = BTreeMap::new();
        for entry in &map.entries {
            let Ok(addr) = entry.key.parse::<IpAddr>() else { continue };
            all.entry((DomainName::new(&entry.value), addr.into())).or_default().push(addr);
        }
        all
    };
    let now = by_name(is);
    let paired = by_name(was).into_iter().filter_map(|(name, was)| Some((was, now.get(&name)?.clone())));
    let alone = paired.filter_map(|(was, is)| match (was.as_slice(), is.as_slice()) {
        ([was], [is]) => Some((*was, *is)),
        _ => None,
    });
    alone.collect()
}

/// Whose mail leaves otherwise than before.
struct Moved {
    /// By what changed: domains, and values before and now.
    by: HashMap<What, (HashSet<DomainName>, HashSet<String>)>,
    /// That of everybody whom no list names.
    rest: HashSet<What>,
}

impl Moved {
    fn new(paths: &[Change]) -> Moved {
        let mut moved = Moved { by: HashMap::new(), rest: HashSet::new() };
        for change in paths.iter().filter(|change| change.verdict == Verdict::Drift) {
            // Mail that has no way left has no other source either.
            let kinds: &[What] = match change.what {
                What::Helo => &[What::Helo],
                What::Source => &[What::Source],
                _ => &[What::Source, What::Path],
            };
            for what in kinds {
                let (domains, values) = moved.by.entry(*what).or_default();
                domains.extend(change.domains.iter().cloned());
                values.extend([&change.old, &change.new].into_iter().flatten().map(|value| folded(value)));
                if change.domains.is_empty() || change.key.ends_with("all others") {
                    moved.rest.insert(*what);
                }
            }
        }
        moved
    }

    /// Whether a line bears on it.
    fn concerns(&self, of: MapOf, key: &str, values: &[Option<&str>]) -> bool {
        let what = match of {
            MapOf::Source => What::Source,
            MapOf::Helo => What::Helo,
            MapOf::Relay => What::Path,
            MapOf::Local | MapOf::Owned => return false,
        };
        if EVERYBODY.contains(&key) {
            return self.rest.contains(&what);
        }
        let Some((domains, known)) = self.by.get(&what) else { return false };
        match key.parse::<IpAddr>() {
            // Whose mail leaves from it is not said here; the name that it is given is.
            Ok(_) => values.iter().flatten().any(|value| known.contains(&folded(value))),
            Err(_) => domains.contains(&DomainName::new(key)),
        }
    }
}

struct Lines<'a> {
    mapping: &'a Mapping,
    sought: &'a Sought,
    /// Domains of the old host, and of this one.
    before: BTreeSet<DomainName>,
    here: BTreeSet<DomainName>,
    own: OwnAddresses<'a>,
    moved: Moved,
    all: Vec<Change>,
}

impl Lines<'_> {
    fn maps(&mut self, was: &[PanelMap], is: &[PanelMap]) {
        let files: BTreeSet<&str> = was.iter().chain(is).map(|map| map.file.as_str()).collect();
        let owned = |maps: &[PanelMap]| -> BTreeSet<DomainName> {
            let all = maps.iter().filter(|map| map.of == MapOf::Owned).flat_map(|map| &map.entries);
            all.map(|entry| DomainName::new(&entry.key)).collect()
        };
        let (owned_before, owned_now) = (owned(was), owned(is));
        for file in files {
            let [before, now] = [was, is].map(|maps| maps.iter().find(|map| map.file == file));
            let Some(kind) = before.or(now).map(|map| map.of) else { continue };
            match kind {
                MapOf::Owned => {}
                // Without a panel here, the mail servers' own lists say which domains are taken.
                MapOf::Local if is.is_empty() => {}
                MapOf::Local => self.local(file, entries(before), entries(now), &owned_before, &owned_now),
                MapOf::Source | MapOf::Helo | MapOf::Relay => self.map(file, kind, entries(before), entries(now)),
            }
        }
    }

    /// The lines of a map of one key and one value.
    fn map(&mut self, file: &str, of: MapOf, was: &[MapEntry], is: &[MapEntry]) {
        let (before, now) = (by_key(was), by_key(is));
        let mut seen: HashSet<String> = HashSet::new();
        for (key, entry) in &before {
            let (meant, _) = self.mapping.translated(key);
            // A key as it was is one that is compared: what ends with two dots would lose another.
            let meant = if meant == *key { key.clone() } else { folded(&meant) };
            // Where the key itself became another, what still stands under it is left.
            match now.get_key_value(&meant).or_else(|| now.get_key_value(key)) {
                Some((found, own)) => {
                    seen.insert(found.clone());
                    self.changed(file, of, found, entry, own);
                }
                None => self.gone(file, of, key, &meant, entry),
            }
        }
        for (key, entry) in now.iter().filter(|(key, _)| !seen.contains(*key)) {
            self.added(file, of, key, entry);
        }
    }

    fn changed(&mut self, file: &str, of: MapOf, key: &str, was: &MapEntry, is: &MapEntry) {
        let change = Change::new(What::MapLine, shown(file, key), Some(&was.value), Some(&is.value));
        let change = change.at(&place(is));
        if self.is_left(is) {
            self.all.push(change.leftover("it belongs to the old host"));
            return;
        }
        match self.mapping.judge(&was.value, &is.value) {
            Ok(None) => {}
            Ok(Some(because)) => self.all.push(change.expected(because)),
            Err(because) => self.differs(of, key, [Some(&was.value), Some(&is.value)], change, because),
        }
    }

    fn gone(&mut self, file: &str, of: MapOf, key: &str, meant: &str, was: &MapEntry) {
        let change = Change::new(What::MapLine, shown(file, key), Some(&was.value), None).was_at(&place(was));
        let gone = match meant.parse::<IpAddr>() {
            Ok(addr) => (self.own.has(addr) == Some(false)).then_some("that address is not on this host"),
            Err(_) if EVERYBODY.contains(&key) || self.here.is_empty() => None,
            Err(_) => (!self.here.contains(&DomainName::new(key))).then_some("that domain is not on this host"),
        };
        let lost = if of == MapOf::Relay { "no relay is set here" } else { "the line is not here" };
        self.all.push(match gone {
            Some(because) => change.expected(because),
            None => change.drift(Effect::Lost, lost),
        });
    }

    fn added(&mut self, file: &str, of: MapOf, key: &str, is: &MapEntry) {
        let change = Change::new(What::MapLine, shown(file, key), None, Some(&is.value)).at(&place(is));
        if self.is_left(is) {
            self.all.push(change.leftover("it belongs to the old host"));
            return;
        }
        let is_domain = key.parse::<IpAddr>().is_err() && !EVERYBODY.contains(&key);
        if is_domain && !self.before.is_empty() && !self.before.contains(&DomainName::new(key)) {
            self.all.push(change.expected("that domain is new here"));
            return;
        }
        self.differs(of, key, [None, Some(&is.value)], change, "the old host had no such line".to_owned());
    }

    /// A line that says another thing than it should: it counts where mail leaves otherwise.
    fn differs(&mut self, of: MapOf, key: &str, values: [Option<&str>; 2], change: Change, because: String) {
        let told = self.moved.concerns(of, key, &values);
        self.all.push(match (told, of) {
            (true, _) => change.drift(Effect::Part, because),
            // Files do not always decide who takes a relay.
            (false, MapOf::Relay) => {
                let domains = if EVERYBODY.contains(&key) { Vec::new() } else { vec![DomainName::new(key)] };
                Change { domains, ..change.drift(Effect::Path, because) }
            }
            (false, _) => change.expected("no mail leaves otherwise by it"),
        });
    }

    /// Whether an address or a name of the old host stands in the line.
    fn is_left(&self, line: &MapEntry) -> bool {
        [&line.key, &line.value].into_iter().any(|text| self.sought.in_text(text).next().is_some())
    }

    /// Domains whose mail is delivered on the host.
    fn local(
        &mut self,
        file: &str,
        was: &[MapEntry],
        is: &[MapEntry],
        owned_before: &BTreeSet<DomainName>,
        owned_now: &BTreeSet<DomainName>,
    ) {
        let (before, now) = (by_key(was), by_key(is));
        if let (Some(first), true) = (was.first(), is.is_empty()) {
            let count = format!("{} domains", before.len());
            let change = Change::new(What::MapLine, file, Some(&count), None).was_at(&place(first));
            self.all.push(change.drift(Effect::Lost, "it names no domain here"));
            return;
        }
        for (key, entry) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
            let change = Change::new(What::MapLine, shown(file, key), Some("local"), None).was_at(&place(entry));
            let unknown = owned_now.is_empty() && !owned_before.is_empty();
            self.all.push(match owned_now.contains(&DomainName::new(key)) {
                true => change.drift(Effect::Lost, "the domain is on this host, and its mail is not delivered here"),
                false if unknown => change.drift(Effect::Lost, "no list of this host says whose the domain is"),
                false => change.expected("that domain is not on this host"),
            });
        }
        for (key, entry) in now.iter().filter(|(key, _)| !before.contains_key(*key)) {
            let change = Change::new(What::MapLine, shown(file, key), None, Some("local")).at(&place(entry));
            self.all.push(match owned_before.contains(&DomainName::new(key)) {
                true => change.drift(Effect::Routing, "the old host had that domain, and did not deliver its mail"),
                false => change.expected("that domain is new here"),
            });
        }
    }

    /// Domains that both hosts have: whether their mail is delivered, goes elsewhere, or is kept for another.
    fn routing(
        &mut self,
        was: &BTreeMap<DomainName, (&'static str, &Text)>,
        is: &BTreeMap<DomainName, (&'static str, &Text)>,
    ) {
        for (domain, (before, _)) in was {
            let Some((now, place)) = is.get(domain).filter(|(now, _)| now != before) else { continue };
            let key = format!("mail routing {domain}");
            let change = Change::new(What::MapLine, key, Some(before), Some(now)).at(&place.origin());
            let because = match *now {
                "local" => "its mail is delivered here, and was not on the old host",
                _ => "its mail was handled otherwise on the old host",
            };
            self.all.push(change.drift(Effect::Routing, because));
        }
    }
}

/// The entries of a map; none where it is not there.
fn entries(map: Option<&PanelMap>) -> &[MapEntry] {
    map.map_or(&[], |map| &map.entries)
}

/// A line's key: the file, and the key in it.
fn shown(file: &str, key: &str) -> String {
    match file.contains('*') {
        true => file.replacen('*', key, 1),
        false => format!("{file} {key}"),
    }
}

/// Where a line stands: its value, else its key.
fn place(entry: &MapEntry) -> crate::facts::Origin {
    if entry.value.is_empty() { entry.key.origin() } else { entry.value.origin() }
}
