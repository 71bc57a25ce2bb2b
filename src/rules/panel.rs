//! What several rules about cPanel's maps need: which line counts for which domain, and which addresses it gives.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use crate::facts::{Cpanel, Facts, MapEntry};
use crate::identity::host_and_own_names;
use crate::name::{DomainName, lower_case};

/// What makes cPanel look up PTR names again and take HELO names from them; the button is there while "Use the reverse DNS entry for
/// the mail HELO/EHLO if available" is on.
pub(crate) const REBUILD_HELO: &str =
    "Press \"Rebuild Reverse DNS Cache and Update Mail HELO\" in WHM » Exim Configuration Manager.";

/// The key of a line as Exim's lsearch compares it: lower case; `*` stands for every other domain.
pub(crate) fn key(entry: &MapEntry) -> Cow<'_, str> {
    lower_case(entry.key.trim().trim_end_matches('.'))
}

/// The lines that count: the first of each key.
pub(crate) fn lines(entries: &[MapEntry]) -> impl Iterator<Item = (Cow<'_, str>, &MapEntry)> {
    let mut seen = HashSet::with_capacity(entries.len());
    entries.iter().map(|entry| (key(entry), entry)).filter(move |(key, _)| seen.insert(key.clone()))
}

/// Those of them that `fits` is true of. Where it is true of no line at all, as on most servers, nothing is compared.
pub(crate) fn lines_that<'m>(
    entries: &'m [MapEntry],
    fits: impl Fn(&MapEntry) -> bool,
) -> impl Iterator<Item = (Cow<'m, str>, &'m MapEntry)> {
    let entries = if entries.iter().any(&fits) { entries } else { &[] };
    lines(entries).filter(move |(_, entry)| fits(entry))
}

/// The lines that count by their keys.
pub(crate) fn lines_by_key(entries: &[MapEntry]) -> HashMap<Cow<'_, str>, &MapEntry> {
    let mut known = HashMap::with_capacity(entries.len());
    for entry in entries {
        known.entry(key(entry)).or_insert(entry);
    }
    known
}

/// The addresses of a line of mailips: several stand apart by semicolons. Text that is none is left out (CPL006 and NET008 judge it).
pub(crate) fn addresses(entry: &MapEntry) -> impl Iterator<Item = IpAddr> {
    entry.value.split(';').filter_map(|item| item.trim().parse().ok())
}

/// Whether a flag file exists.
pub(crate) fn has_flag(cpanel: &Cpanel, name: &str) -> bool {
    cpanel.flags.iter().any(|flag| flag.value == name)
}

/// The names that this host goes by: `hostname -f`, node name, WHM's.
pub(crate) fn host_names(facts: &Facts) -> BTreeSet<DomainName> {
    host_and_own_names(facts).into_iter().filter(|name| name.role.is_host()).map(|name| name.name).collect()
}
