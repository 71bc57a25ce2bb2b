//! What OpenDKIM signs with (opendkim.conf(5), opendkim(8) under DATA SETS): `SigningTable` and `KeyTable` together, or `Domain`, `Selector` and
//! `KeyFile` for one key.

use std::collections::HashMap;
use std::sync::Arc;

use super::budget::{Budget, PATH, Spent, filled};
use super::keys::{Added, Keys, Signature};
use crate::collect::confidential::OwnFiles;
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
/// Kinds of data sets that no text holds.
const DATABASES: [&str; 11] =
    ["db", "bdb", "dsn", "ldap", "ldaps", "ldapi", "lua", "memcache", "erlang", "mdb", "socket"];
/// A sender who is named nowhere.
const ANYBODY: &str = "\u{f8ff}any";
/// Octets of the name of a key that is told.
const TOLD: usize = 100;

/// A setting.
struct Setting {
    /// One of [`NAMES`].
    name: &'static str,
    value: String,
    origin: Origin,
}

/// Reads its files, as far as they may be told and the budget lasts.
struct Reader<'r> {
    own: OwnFiles<'r>,
    budget: Budget,
}

impl Reader<'_> {
    fn file(&self, path: &str) -> Result<Arc<SourceFile>, String> {
        if path.len() > PATH {
            return Err(format!("a path of more than {PATH} octets is none"));
        }
        let file = self.own.read(path).map_err(|error| format!("{path} cannot be read ({error})"))?;
        self.budget.octets(file.text().len()).map_err(|spent| spent.to_string())?;
        Ok(file)
    }

    /// The settings, in file order.
    fn settings(&self, path: &str, depth: usize, found: &mut Vec<Setting>) -> Result<(), String> {
        self.budget.file().map_err(|spent| spent.to_string())?;
        let file = self.file(path)?;
        for (at, line) in crate::collect::reading::lines(file.text()) {
            let text = line.split('#').next().unwrap_or_default().trim();
            let Some((name, value)) = text.split_once(char::is_whitespace) else { continue };
            let value = value.trim();
            if name.eq_ignore_ascii_case("include") {
                if depth >= INCLUDES {
                    return Err(format!("{path} includes more than {INCLUDES} levels"));
                }
                self.settings(value, depth + 1, found)?;
            } else if let Some(name) = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name)) {
                self.budget.setting().map_err(|spent| spent.to_string())?;
                let origin = file.span(at, at + line.trim_end().len()).into();
                found.push(Setting { name, value: value.to_owned(), origin });
            }
        }
        Ok(())
    }

    /// A data set.
    fn set(&self, setting: &Setting) -> Result<Set, String> {
        let spec = setting.value.as_str();
        let (kind, rest) = spec.split_once(':').unwrap_or(("", spec));
        let words = |what: &str| format!("{} is {what}, which is not read", setting.name);
        match kind {
            "file" => self.set_of_file(rest, false),
            "refile" => self.set_of_file(rest, true),
            "csl" => Set::of_list(rest, setting),
            // What stands behind it may hold a password.
            kind if DATABASES.contains(&kind) => Err(words(&format!("a `{kind}` data base"))),
            _ if spec.ends_with(".db") => Err(words("a data base")),
            _ if spec.starts_with('/') => self.set_of_file(spec, false),
            _ => Set::of_list(spec, setting),
        }
    }

    fn set_of_file(&self, path: &str, has_patterns: bool) -> Result<Set, String> {
        let entries = entries(&self.file(path)?);
        match entries.len() > ENTRIES {
            true => Err(format!("{path} has more than {ENTRIES} entries")),
            false => Ok(Set::new(entries, has_patterns)),
        }
    }
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
    fn of_list(list: &str, setting: &Setting) -> Result<Set, String> {
        let entry = |item: &str| {
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            let origin = setting.origin.clone();
            Entry { key: key.trim().to_ascii_lowercase(), value: value.trim().to_owned(), origin }
        };
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let entries: Vec<Entry> = items.map(entry).take(ENTRIES + 1).collect();
        match entries.len() > ENTRIES {
            true => Err(format!("{} has more than {ENTRIES} entries", setting.name)),
            false => Ok(Set::new(entries, false)),
        }
    }

    fn new(mut entries: Vec<Entry>, has_patterns: bool) -> Set {
        if has_patterns {
            // Several stars are one: so each part of a pattern takes something of the text, and no pattern costs more than its text has octets.
            for entry in entries.iter_mut().filter(|entry| entry.key.contains("**")) {
                let mut before = ' ';
                entry.key.retain(|c| std::mem::replace(&mut before, c) != '*' || c != '*');
            }
        }
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
    fn get(&self, key: &str, budget: &Budget) -> Result<Option<&Entry>, Spent> {
        let exact = self.places.get(key).copied();
        let before = self.patterns.iter().take_while(|place| exact.is_none_or(|exact| **place < exact));
        for entry in before.map(|place| &self.entries[*place]) {
            if fits(&entry.key, key, budget)? {
                return Ok(Some(entry));
            }
        }
        Ok(exact.map(|place| &self.entries[place]))
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

/// Settings that are gone by.
const NAMES: [&str; 8] =
    ["Mode", "Domain", "SubDomains", "Selector", "KeyFile", "KeyTable", "SigningTable", "MultipleSignatures"];

/// Whether a text fits a pattern, in which `*` stands for anything; both in lower case.
fn fits(pattern: &str, text: &str, budget: &Budget) -> Result<bool, Spent> {
    budget.octets(pattern.len().saturating_add(text.len()))?;
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return Ok(false) };
    let Some(last) = parts.next_back() else { return Ok(rest.is_empty()) };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return Ok(false),
        }
    }
    Ok(rest.ends_with(last))
}

/// Adds the keys that OpenDKIM signs with, where it is there.
pub(super) fn keys(keys: &mut Keys<'_>) {
    let root = keys.root;
    if root.is_missing(FILE) {
        return;
    }
    let reader = Reader { own: OwnFiles::of_opendkim(root), budget: Budget::default() };
    let mut all = Vec::new();
    let whole: Origin = SourceFile::new(FILE, b"").span(0, 0).into();
    let mut open = |origin: &Origin, words: &str| keys.gap(GapOf::Keys, origin, format!("OpenDKIM: {words}"));
    if let Err(words) = reader.settings(FILE, 0, &mut all) {
        return open(&whole, &words);
    }
    for name in NAMES {
        let mut same = all.iter().filter(|setting| setting.name == name);
        if let Some(first) = same.next()
            && let Some(other) = same.find(|other| other.value != first.value)
        {
            return open(&other.origin, &format!("{name} is set twice, which of the two counts is not known"));
        }
    }
    let get = |name: &str| all.iter().find(|setting| setting.name == name);
    let is_on = |name: &str| get(name).is_some_and(|set| set.value.starts_with(['y', 'Y', 't', 'T', '1']));
    if get("Mode").is_some_and(|mode| !mode.value.contains('s')) {
        return;
    }
    let (place, done) = match (get("SigningTable"), get("KeyTable")) {
        (Some(signing), Some(table)) => {
            (&signing.origin, by_tables(keys, &reader, signing, table, is_on("MultipleSignatures")))
        }
        (None, None) => match (get("Domain"), get("Selector"), get("KeyFile")) {
            (Some(domains), Some(selector), Some(file)) => {
                (&domains.origin, single(keys, &reader, domains, (selector, file), is_on("SubDomains")))
            }
            _ => return,
        },
        (Some(one), None) | (None, Some(one)) => {
            return open(&one.origin, "SigningTable and KeyTable only count together, and one of them is not set");
        }
    };
    if let Err(spent) = done {
        keys.gap(GapOf::Keys, place, format!("OpenDKIM: with which keys mail is signed: {spent}"));
    }
}

/// One key for the domains of a list; with `SubDomains` for those below them too, in the name of the one that is listed.
fn single(
    keys: &mut Keys<'_>,
    reader: &Reader<'_>,
    domains: &Setting,
    (selector, file): (&Setting, &Setting),
    below: bool,
) -> Result<(), Spent> {
    let set = match reader.set(domains) {
        Ok(set) => set,
        Err(words) => {
            keys.gap(GapOf::Keys, &domains.origin, format!("OpenDKIM: {words}"));
            return Ok(());
        }
    };
    let listed = |name: &str| -> Result<bool, Spent> { Ok(set.get(name, &reader.budget)?.is_some()) };
    let is_for_all = listed("*")?;
    for author in keys.domains() {
        let mut signing = (is_for_all || listed(author.as_str())?).then(|| author.clone());
        let mut above = author.parent().filter(|_| below);
        while let (None, Some(name)) = (&signing, above) {
            above = name.parent();
            signing = listed(name.as_str())?.then_some(name);
        }
        if let Some(signing) = signing {
            let selector_at = &selector.origin;
            let key = Signature { author: &author, domain: &signing, selector: &selector.value, named_at: selector_at };
            keys.add_named(&key, (&file.value, &file.origin));
        }
    }
    Ok(())
}

/// The keys that the tables give for each domain's mail.
fn by_tables(
    keys: &mut Keys<'_>,
    reader: &Reader<'_>,
    signing: &Setting,
    table: &Setting,
    several: bool,
) -> Result<(), Spent> {
    let read = |setting: &Setting| reader.set(setting).map_err(|words| (setting.origin.clone(), words));
    let (signing, table) = match (read(signing), read(table)) {
        (Ok(signing), Ok(table)) => (signing, table),
        (Err((origin, words)), _) | (_, Err((origin, words))) => {
            keys.gap(GapOf::Keys, &origin, format!("OpenDKIM: {words}"));
            return Ok(());
        }
    };
    let signing = Signing::new(signing);
    for author in &keys.domains() {
        for entry in signing.of(author, several, &reader.budget)? {
            if by_entry(keys, author, entry, (&table, &reader.budget))? == Added::Full {
                break;
            }
        }
    }
    Ok(())
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
    fn of(&self, author: &DomainName, several: bool, budget: &Budget) -> Result<Vec<&Entry>, Spent> {
        let name = author.as_str();
        let mut places = self.one_of.get(name).cloned().unwrap_or_default();
        let anybody = format!("{ANYBODY}@{name}");
        let mut general: Vec<usize> = match self.set.has_patterns {
            true => {
                let mut all: Vec<usize> = self.all_of.get(name).cloned().unwrap_or_default();
                for place in &self.others {
                    if fits(&self.set.entries[*place].key, &anybody, budget)? {
                        all.push(*place);
                    }
                }
                all.sort_unstable();
                all
            }
            false => {
                let above = author.ancestors().skip(1);
                let above = above.filter(|above| !above.as_str().is_empty()).map(|above| format!(".{above}"));
                let keys = std::iter::once(name.to_owned()).chain(above).chain(std::iter::once("*".to_owned()));
                keys.filter_map(|key| self.set.places.get(&key).copied()).collect()
            }
        };
        if !several {
            general.truncate(1);
        }
        places.extend(general);
        Ok(places.into_iter().map(|place| &self.set.entries[place]).collect())
    }
}

/// What it costs to follow an entry to its key, in octets that could be compared meanwhile: each may be one that is not there, which is held
/// against all that is said of others.
const FOLLOWED: usize = 400;

/// The key that an entry of the signing table names.
fn by_entry(
    keys: &mut Keys<'_>,
    author: &DomainName,
    entry: &Entry,
    (table, budget): (&Set, &Budget),
) -> Result<Added, Spent> {
    budget.octets(entry.value.len() + FOLLOWED)?;
    // Behind a colon stands an identity.
    let name = entry.value.split(':').next().unwrap_or_default().trim();
    let name = if name == "%" { author.as_str() } else { name };
    let told = told(name);
    let Some(key) = table.get(&name.to_ascii_lowercase(), budget)? else {
        keys.gap_of(
            author,
            &entry.origin,
            format!("OpenDKIM: SigningTable names {told}, which KeyTable does not have"),
        );
        return Ok(Added::Done);
    };
    budget.octets(key.value.len())?;
    let mut parts = key.value.splitn(3, ':').map(str::trim);
    let (Some(domain), Some(selector), Some(file)) = (parts.next(), parts.next(), parts.next()) else {
        keys.gap_of(author, &key.origin, format!("OpenDKIM: {told} is not domain:selector:file"));
        return Ok(Added::Done);
    };
    let domain = if domain == "%" { author.clone() } else { DomainName::new(domain) };
    if !file.starts_with('/') {
        // What is no path is the key itself: nothing of it is told.
        let words = format!("OpenDKIM: {told} stands in the table itself, or at no whole path, and is not read");
        keys.gap_of(author, &key.origin, words);
        return Ok(Added::Done);
    }
    let Some(file) = filled(file, &[("%", author.as_str())]) else {
        keys.gap_of(
            author,
            &key.origin,
            format!("OpenDKIM: the path of {told} has more than {PATH} octets, and is none"),
        );
        return Ok(Added::Done);
    };
    let signature = Signature { author, domain: &domain, selector, named_at: &key.origin };
    Ok(keys.add_named(&signature, (&file, &key.origin)))
}

/// A key by its name, where that is one: what else may stand in its place is not told.
fn told(name: &str) -> String {
    let is_name = name.len() <= TOLD && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_name { format!("the key `{name}`") } else { "a key".to_owned() }
}

/// What a fuzzer has read.
#[cfg(any(test, fuzzing))]
pub(super) fn read(file: &Arc<SourceFile>) {
    for has_patterns in [false, true] {
        let signing = Signing::new(Set::new(entries(file), has_patterns));
        let _ = signing.of(&DomainName::new("mail.a.example"), true, &Budget::default());
    }
}
