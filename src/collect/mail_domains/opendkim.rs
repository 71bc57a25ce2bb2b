//! What OpenDKIM signs with (opendkim.conf(5), opendkim(8) under DATA SETS): `SigningTable` and `KeyTable` together, or `Domain`, `Selector` and
//! `KeyFile` for one key.

use std::collections::HashMap;
use std::sync::Arc;

use super::keys::Keys;
use crate::collect::root::Root;
use crate::domains::GapOf;
use crate::facts::Origin;
use crate::name::DomainName;
use crate::source::SourceFile;

/// Its configuration, as packages have it.
const FILE: &str = "/etc/opendkim.conf";
/// Configurations within configurations: what OpenDKIM itself allows.
const INCLUDES: usize = 5;
/// Entries of a table that are kept: as of Exim's, five times the domains of the largest servers.
const ENTRIES: usize = 250_000;
/// What one domain's mail costs in entries of patterns that it is held against, all domains together.
const MATCHES: usize = 50_000_000;
/// Kinds of data sets that no text holds.
const DATABASES: [&str; 11] =
    ["db", "bdb", "dsn", "ldap", "ldaps", "ldapi", "lua", "memcache", "erlang", "mdb", "socket"];
/// A sender who is named nowhere.
const ANYBODY: &str = "\u{f8ff}any";

/// A setting.
struct Setting {
    name: String,
    value: String,
    origin: Origin,
}

/// The settings, in file order.
fn settings(root: &Root, path: &str, depth: usize, found: &mut Vec<Setting>) -> Result<(), String> {
    let file = root.read(path).map_err(|error| format!("{path} cannot be read ({error})"))?;
    for (at, line) in crate::collect::reading::lines(file.text()) {
        let text = line.split('#').next().unwrap_or_default().trim();
        let Some((name, value)) = text.split_once(char::is_whitespace) else { continue };
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if name == "include" {
            if depth >= INCLUDES {
                return Err(format!("{path} includes more than {INCLUDES} levels"));
            }
            settings(root, value, depth + 1, found)?;
        } else {
            let origin = file.span(at, at + line.trim_end().len()).into();
            found.push(Setting { name, value: value.to_owned(), origin });
        }
    }
    Ok(())
}

/// One entry of a data set.
struct Entry {
    key: String,
    value: String,
    origin: Origin,
}

/// A data set, as far as texts hold it.
struct Set {
    entries: Vec<Entry>,
    /// Places of keys in lower case, the first of each; of patterns those without `*`.
    places: HashMap<String, usize>,
    /// Places of patterns with `*`, in order.
    patterns: Vec<usize>,
    /// Whether keys are patterns.
    has_patterns: bool,
}

impl Set {
    fn read(root: &Root, setting: &Setting) -> Result<Set, String> {
        let spec = setting.value.as_str();
        let (kind, rest) = spec.split_once(':').unwrap_or(("", spec));
        let words = |what: &str| format!("{} is {what}, which is not read", setting.name_shown());
        match kind {
            "file" => Set::of_file(root, rest, false),
            "refile" => Set::of_file(root, rest, true),
            "csl" => Ok(Set::of_list(rest, &setting.origin)),
            // What stands behind it may hold a password.
            kind if DATABASES.contains(&kind) => Err(words(&format!("a `{kind}` data base"))),
            _ if spec.ends_with(".db") => Err(words("a data base")),
            _ if spec.starts_with('/') => Set::of_file(root, spec, false),
            _ => Ok(Set::of_list(spec, &setting.origin)),
        }
    }

    fn of_file(root: &Root, path: &str, has_patterns: bool) -> Result<Set, String> {
        let file = root.read(path).map_err(|error| format!("{path} cannot be read ({error})"))?;
        let entries = entries(&file);
        match entries.len() > ENTRIES {
            true => Err(format!("{path} has more than {ENTRIES} entries")),
            false => Ok(Set::new(entries, has_patterns)),
        }
    }

    fn of_list(list: &str, origin: &Origin) -> Set {
        let entry = |item: &str| {
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            Entry { key: key.trim().to_ascii_lowercase(), value: value.trim().to_owned(), origin: origin.clone() }
        };
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        Set::new(items.map(entry).collect(), false)
    }

    fn new(entries: Vec<Entry>, has_patterns: bool) -> Set {
        let (mut places, mut patterns) = (HashMap::new(), Vec::new());
        for (place, entry) in entries.iter().enumerate() {
            match has_patterns && entry.key.contains('*') {
                true => patterns.push(place),
                false => drop(places.entry(entry.key.clone()).or_insert(place)),
            }
        }
        Set { entries, places, patterns, has_patterns }
    }

    /// The first entry that a key in lower case fits.
    fn get(&self, key: &str) -> Option<&Entry> {
        let exact = self.places.get(key).copied();
        let wild = self.patterns.iter().copied().find(|place| fits(&self.entries[*place].key, key));
        exact.into_iter().chain(wild).min().map(|place| &self.entries[place])
    }
}

/// The entries of a file, one more than are kept where there are more.
fn entries(file: &Arc<SourceFile>) -> Vec<Entry> {
    let lines = crate::collect::reading::lines(file.text());
    lines.filter_map(|(at, line)| entry(file, at, line)).take(ENTRIES + 1).collect()
}

fn entry(file: &Arc<SourceFile>, at: usize, line: &str) -> Option<Entry> {
    let text = line.split('#').next().unwrap_or_default().trim();
    let (key, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let origin = || file.span(at, at + line.trim_end().len()).into();
    (!key.is_empty()).then(|| Entry { key: key.to_ascii_lowercase(), value: value.trim().to_owned(), origin: origin() })
}

impl Setting {
    /// As its page spells it.
    fn name_shown(&self) -> &str {
        NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(&self.name)).unwrap_or(&self.name)
    }
}

/// Settings that are gone by.
const NAMES: [&str; 8] =
    ["Mode", "Domain", "SubDomains", "Selector", "KeyFile", "KeyTable", "SigningTable", "MultipleSignatures"];

/// Whether a text fits a pattern, in which `*` stands for anything; both in lower case.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Adds the keys that OpenDKIM signs with, where it is there.
pub(super) fn keys(keys: &mut Keys<'_>) {
    let root = keys.root;
    if root.is_missing(FILE) {
        return;
    }
    let mut all = Vec::new();
    let whole: Origin = SourceFile::new(FILE, b"").span(0, 0).into();
    if let Err(words) = settings(root, FILE, 0, &mut all) {
        return keys.gap(GapOf::Keys, &whole, format!("OpenDKIM: {words}"));
    }
    all.retain(|setting| NAMES.iter().any(|name| name.eq_ignore_ascii_case(&setting.name)));
    for name in NAMES {
        let mut same = all.iter().filter(|setting| setting.name.eq_ignore_ascii_case(name));
        if let Some(first) = same.next()
            && let Some(other) = same.find(|other| other.value != first.value)
        {
            let words = format!("OpenDKIM: {name} is set twice, which of the two counts is not known");
            return keys.gap(GapOf::Keys, &other.origin, words);
        }
    }
    let get = |name: &str| all.iter().find(|setting| setting.name.eq_ignore_ascii_case(name));
    let is_on = |name: &str| get(name).is_some_and(|set| set.value.starts_with(['y', 'Y', 't', 'T', '1']));
    if get("Mode").is_some_and(|mode| !mode.value.contains('s')) {
        return;
    }
    match (get("SigningTable"), get("KeyTable")) {
        (Some(signing), Some(table)) => by_tables(keys, signing, table, is_on("MultipleSignatures")),
        (None, None) => {
            if let (Some(domains), Some(selector), Some(file)) = (get("Domain"), get("Selector"), get("KeyFile")) {
                single(keys, domains, selector, file, is_on("SubDomains"));
            }
        }
        (Some(one), None) | (None, Some(one)) => {
            let words = "OpenDKIM: SigningTable and KeyTable only count together, and one of them is not set";
            keys.gap(GapOf::Keys, &one.origin, words.to_owned());
        }
    }
}

/// One key for the domains of a list; with `SubDomains` for those below them too, in the name of the one that is listed.
fn single(keys: &mut Keys<'_>, domains: &Setting, selector: &Setting, file: &Setting, below: bool) {
    let set = match Set::read(keys.root, domains) {
        Ok(set) => set,
        Err(words) => return keys.gap(GapOf::Keys, &domains.origin, format!("OpenDKIM: {words}")),
    };
    for author in keys.domains() {
        let listed = |name: &DomainName| set.get(name.as_str()).is_some();
        let above = || std::iter::successors(author.parent(), DomainName::parent).find(|name| below && listed(name));
        let signing = match listed(&author) || set.get("*").is_some() {
            true => Some(author.clone()),
            false => above(),
        };
        if let Some(signing) = signing {
            keys.add_named(&author, &signing, &selector.value, (&file.value, &file.origin));
        }
    }
}

/// The keys that the tables give for each domain's mail.
fn by_tables(keys: &mut Keys<'_>, signing: &Setting, table: &Setting, several: bool) {
    let read = |setting: &Setting| Set::read(keys.root, setting).map_err(|words| (setting.origin.clone(), words));
    let (signing, table) = match (read(signing), read(table)) {
        (Ok(signing), Ok(table)) => (signing, table),
        (Err((origin, words)), _) | (_, Err((origin, words))) => {
            return keys.gap(GapOf::Keys, &origin, format!("OpenDKIM: {words}"));
        }
    };
    let signing = Signing::new(signing);
    let authors = keys.domains();
    if let Some(entry) = signing.others.first().map(|place| &signing.set.entries[*place])
        && authors.len().saturating_mul(signing.others.len()) > MATCHES
    {
        let words = "OpenDKIM: SigningTable has more patterns than are held against so many domains";
        return keys.gap(GapOf::Keys, &entry.origin.clone(), words.to_owned());
    }
    for author in &authors {
        for entry in signing.of(author, several) {
            by_entry(keys, author, entry, &table);
        }
    }
}

/// The signing table, with what is the same for all senders of a domain found at once.
struct Signing {
    set: Set,
    /// By domain: patterns that are all of its senders (`*@domain`).
    all_of: HashMap<String, Vec<usize>>,
    /// By domain: entries of one of its senders.
    one_of: HashMap<String, Vec<usize>>,
    /// Patterns of another form, in order.
    others: Vec<usize>,
}

impl Signing {
    fn new(set: Set) -> Signing {
        let (mut all_of, mut one_of, mut others) = (HashMap::new(), HashMap::new(), Vec::new());
        let add = |to: &mut HashMap<String, Vec<usize>>, domain: &str, place| {
            to.entry(domain.to_owned()).or_default().push(place);
        };
        for (place, entry) in set.entries.iter().enumerate() {
            match entry.key.split_once('@') {
                Some((user, domain)) if !domain.contains('*') && !user.contains('*') => {
                    add(&mut one_of, domain, place);
                }
                Some(("*", domain)) if set.has_patterns && !domain.contains('*') => {
                    add(&mut all_of, domain, place);
                }
                _ if set.has_patterns && entry.key.contains('*') => others.push(place),
                _ => {}
            }
        }
        Signing { set, all_of, one_of, others }
    }

    /// The entries by which mail of a domain is signed: those of single senders of it, and that of everybody else; all that fit, where
    /// there may be several signatures.
    fn of(&self, author: &DomainName, several: bool) -> Vec<&Entry> {
        let name = author.as_str();
        let mut places = self.one_of.get(name).cloned().unwrap_or_default();
        let anybody = format!("{ANYBODY}@{name}");
        let mut general: Vec<usize> = match self.set.has_patterns {
            true => {
                let wild = self.others.iter().copied().filter(|place| fits(&self.set.entries[*place].key, &anybody));
                let mut all: Vec<usize> = wild.chain(self.all_of.get(name).into_iter().flatten().copied()).collect();
                all.sort_unstable();
                all
            }
            false => {
                let above = std::iter::successors(author.parent(), DomainName::parent);
                let above = above.filter(|above| !above.as_str().is_empty()).map(|above| format!(".{above}"));
                let keys = std::iter::once(name.to_owned()).chain(above).chain(std::iter::once("*".to_owned()));
                keys.filter_map(|key| self.set.places.get(&key).copied()).collect()
            }
        };
        if !several {
            general.truncate(1);
        }
        places.extend(general);
        places.into_iter().map(|place| &self.set.entries[place]).collect()
    }
}

/// The key that an entry of the signing table names.
fn by_entry(keys: &mut Keys<'_>, author: &DomainName, entry: &Entry, table: &Set) {
    let of = || GapOf::KeysOf([author.clone()].into());
    // Behind a colon stands an identity.
    let name = entry.value.split(':').next().unwrap_or_default().trim();
    let name = if name == "%" { author.as_str() } else { name };
    let Some(key) = table.get(&name.to_ascii_lowercase()) else {
        let words = format!("OpenDKIM: SigningTable names the key `{name}`, which KeyTable does not have");
        return keys.gap(of(), &entry.origin, words);
    };
    let mut parts = key.value.splitn(3, ':').map(str::trim);
    let (Some(domain), Some(selector), Some(file)) = (parts.next(), parts.next(), parts.next()) else {
        return keys.gap(of(), &key.origin, format!("OpenDKIM: the key `{name}` is not domain:selector:file"));
    };
    let domain = if domain == "%" { author.clone() } else { DomainName::new(domain) };
    let file = file.replace('%', author.as_str());
    if file.starts_with('/') {
        keys.add_named(author, &domain, selector, (&file, &key.origin));
    } else {
        // What is no path is the key itself: nothing of it is told.
        let words =
            format!("OpenDKIM: the key `{name}` stands in the table itself, or at no whole path, and is not read");
        keys.gap(of(), &key.origin, words);
    }
}

/// What a fuzzer has read.
#[cfg(any(test, fuzzing))]
pub(super) fn read(file: &Arc<SourceFile>) {
    for has_patterns in [false, true] {
        let signing = Signing::new(Set::new(entries(file), has_patterns));
        let _ = signing.of(&DomainName::new("mail.a.example"), true);
    }
}
