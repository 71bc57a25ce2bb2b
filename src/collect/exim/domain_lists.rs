//! The domains that named lists and routers hold: names, files and lookups that files decide.

use std::collections::{BTreeSet, HashSet};

use super::Read;
use super::driver::Driver;
use super::expand::lookups::{self, Type};
use super::expand::parse::{Expr, parse};
use super::expand::{Evaluator, Scope, Stop};
use super::{lists, senders};
use crate::collect::root::Root;
use crate::domains::{DOMAIN_LIMIT, Gap, GapOf, Handled};
use crate::facts::{Fact, MapEntry, Origin};
use crate::name::{DomainName, lower_case};

/// Lists within lists that are followed.
const DEPTH_LIMIT: usize = 20;
/// What a list within a list costs, in octets of an evaluator's work.
const LIST_COST: usize = 1000;
/// What a row of a table costs, likewise: whether it is a name is worked out.
const ROW_COST: usize = 100;
/// Stands for a part of a list that files do not decide.
const UNDECIDED: char = '\u{f8ff}';
/// Lists by the names that packages, panels and Exim's own example give them.
const USUAL: [(&str, Handled); 4] = [
    ("local_domains", Handled::Local),
    ("relay_to_domains", Handled::Secondary),
    ("relay_domains", Handled::Secondary),
    ("secondarymx_domains", Handled::Secondary),
];

/// A domain of a list.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) handled: Handled,
    pub(crate) origin: Origin,
}

/// The domains that the configuration's lists hold: those of routers that deliver here first, then the lists that have the usual names. What
/// files do not decide is among the gaps.
pub(crate) fn domain_lists(root: &Root, read: &Read) -> (Vec<Listed>, Vec<Gap>) {
    let evaluator = senders::evaluator(root, read);
    let mut walk = Walk {
        read,
        evaluator: &evaluator,
        scope: senders::scope(read),
        handled: Handled::Local,
        without: HashSet::new(),
        read_here: HashSet::new(),
        read_whole: HashSet::new(),
        names: HashSet::new(),
        listed: Vec::new(),
        gaps: Vec::new(),
        told: BTreeSet::new(),
    };
    for router in read.config.routers.iter().filter(|router| delivers(router, &read.config.transports)) {
        if let Some(list) = router.get("domains") {
            walk.whole(list, &format!("domains of the router {}", router.name));
        }
    }
    for (name, handled) in USUAL {
        if let Some(list) = read.config.lists.get(&("domainlist".to_owned(), name.to_owned())) {
            walk.handled = handled;
            walk.whole(list, &format!("the domain list {name}"));
        }
    }
    (walk.listed, walk.gaps)
}

/// Whether a router takes mail for itself: to a mailbox or program, or by aliases and forwards. Not one that refuses what it takes.
fn delivers(router: &Driver, transports: &[Driver]) -> bool {
    let is_local = |name: &str| {
        transports.iter().any(|transport| {
            transport.name == name && (transport.driver != "smtp" || transport.text("protocol") == Some("lmtp"))
        })
    };
    let by_transport = || router.text("transport").is_some_and(is_local);
    !router.is("verify_only", false)
        && match router.driver.as_str() {
            "accept" | "manualroute" | "dnslookup" => by_transport(),
            "redirect" => !router.text("data").is_some_and(|data| data.trim_start().starts_with(':')),
            _ => false,
        }
}

struct Walk<'a> {
    read: &'a Read,
    evaluator: &'a Evaluator<'a>,
    scope: Scope,
    handled: Handled,
    /// Domains that an item before has taken out of the list.
    without: HashSet<String>,
    /// Tables and folders that the list at hand names and that were read for it; a second time they hold no more.
    read_here: HashSet<String>,
    /// Those that were read with nothing taken out: no other list gets more from them.
    read_whole: HashSet<(Handled, String)>,
    /// Names that are listed already, in small letters.
    names: HashSet<(Handled, String)>,
    listed: Vec<Listed>,
    gaps: Vec<Gap>,
    /// Gaps that are told already.
    told: BTreeSet<String>,
}

impl Walk<'_> {
    fn whole(&mut self, list: &Fact<String>, whose: &str) {
        self.without.clear();
        self.read_here.clear();
        self.list(list, whose, 0);
    }

    fn gap(&mut self, origin: &Origin, words: String) {
        if self.told.insert(words.clone()) {
            self.gaps.push(Gap { of: GapOf::Domains, words, origin: origin.clone() });
        }
    }

    fn list(&mut self, list: &Fact<String>, whose: &str, depth: usize) {
        if depth > DEPTH_LIMIT || self.evaluator.spend(LIST_COST + list.value.len()).is_err() {
            return self.gap(&list.origin, format!("{whose}: lists are nested deeper than is followed"));
        }
        let text = match list.value.contains(['$', '\\']) {
            false => list.value.clone(),
            true => match self.evaluator.value(&parse(&list.value), &mut self.scope) {
                Ok(text) => text,
                // Such a list holds nobody.
                Err(Stop::Forced(_)) => return,
                Err(stop) => {
                    let words = format!("{whose}: which domains are in it is not decided by files ({})", why(stop));
                    self.gap(&list.origin, words);
                    self.decided(&list.value)
                }
            },
        };
        for item in lists::items(&text).into_iter().filter(|item| !item.contains(UNDECIDED)) {
            self.item(&item, &list.origin, whose, depth);
        }
    }

    /// The text of a list, with a mark for each part that files do not decide.
    fn decided(&mut self, list: &str) -> String {
        let parts = parse(list);
        let parts = parts.0.iter().map(|node| Expr(vec![node.clone()]));
        let value = |part: Expr| self.evaluator.value(&part, &mut self.scope).unwrap_or_else(|_| UNDECIDED.to_string());
        parts.map(value).collect()
    }

    fn item(&mut self, item: &str, origin: &Origin, whose: &str, depth: usize) {
        if let Some(other) = item.strip_prefix('!').map(str::trim_start) {
            // What is taken out of the list is seen where it is a name; else what follows stays, and is looked at for nothing at worst.
            if is_name(other) {
                self.without.insert(lower_case(other).into_owned());
            }
            return;
        }
        if let Some(name) = item.strip_prefix('+') {
            match self.read.config.lists.get(&("domainlist".to_owned(), name.to_owned())) {
                Some(inner) => self.list(inner, &format!("the domain list {name}"), depth + 1),
                None => self.gap(origin, format!("{whose}: there is no domain list `{name}`")),
            }
            return;
        }
        match item {
            "@" => {
                if let Ok(primary) = &self.read.primary_hostname {
                    self.add(&primary.value, &primary.origin);
                }
            }
            _ if item.starts_with("@mx_") => {
                self.gap(origin, format!("{whose}: `{item}` stands for domains by their MX records"));
            }
            _ if item.starts_with('@') => {}
            _ if is_pattern(item) => self.pattern(item, origin, whose),
            _ => match item.split_once(';') {
                Some((kind, path)) => self.lookup(kind.trim(), path.trim(), origin, whose),
                None if item.starts_with('/') => {
                    if !self.is_first(item) {
                        return;
                    }
                    match self.evaluator.list_file(item) {
                        Ok(table) => self.entries(&table.entries, origin, whose, |_| true),
                        Err(stop) => self.unread(item, stop, origin, whose),
                    };
                }
                None => self.add(item, origin),
            },
        }
    }

    fn lookup(&mut self, kind: &str, path: &str, origin: &Origin, whose: &str) {
        let Type { name, partial, star, .. } = Type::parse(kind);
        if !self.is_first(&format!("{name};{path}")) {
            return;
        }
        if partial.is_some() {
            self.gap(origin, format!("{whose}: `{kind};{path}` stands for all below the domains in it"));
        }
        match name {
            "lsearch" | "wildlsearch" | "nwildlsearch" if lookups::check(name, true).is_ok() => {
                // A key of `lsearch` stands for itself alone, but for the one that is the last resort.
                let is_searched = |key: &str| name != "lsearch" || (star && key == "*");
                match self.evaluator.table(path) {
                    Ok(table) => self.entries(&table.entries, origin, whose, is_searched),
                    Err(stop) => self.unread(path, stop, origin, whose),
                }
            }
            "dsearch" if path.starts_with('/') => match self.evaluator.names_in(path, DOMAIN_LIMIT) {
                Some(names) => {
                    let folder: Origin = crate::source::SourceFile::new(path, b"").span(0, 0).into();
                    if self.may_read(names.len(), origin, whose) {
                        names.iter().for_each(|name| self.add(name, &folder));
                    }
                }
                None => self.gap(origin, format!("{whose}: the folder {path} is not looked into")),
            },
            _ => self.gap(origin, format!("{whose}: a `{name}` lookup asks a database or a compiled table ({path})")),
        }
    }

    /// Says that an item stands for domains without their names.
    fn pattern(&mut self, item: &str, origin: &Origin, whose: &str) {
        self.gap(origin, format!("{whose}: `{item}` is a pattern, and which domains it stands for is in no file"));
    }

    fn unread(&mut self, path: &str, stop: Stop, origin: &Origin, whose: &str) {
        self.gap(origin, format!("{whose}: {path} cannot be read ({})", why(stop)));
    }

    /// Adds the keys of a table; `may_be_pattern`: whether one that looks like a pattern is taken for one.
    fn entries(&mut self, entries: &[MapEntry], origin: &Origin, whose: &str, may_be_pattern: impl Fn(&str) -> bool) {
        if self.may_read(entries.len(), origin, whose) {
            for entry in entries {
                match is_pattern(&entry.key) && may_be_pattern(&entry.key) {
                    true => self.pattern(&entry.key, &entry.key.origin(), whose),
                    false => self.add(&entry.key, &entry.key.origin()),
                }
            }
        }
    }

    /// Whether a table or folder may hold more than was listed from it.
    fn is_first(&mut self, item: &str) -> bool {
        let key = (self.handled, item.to_owned());
        if self.read_whole.contains(&key) || !self.read_here.insert(item.to_owned()) {
            return false;
        }
        if self.without.is_empty() {
            self.read_whole.insert(key);
        }
        true
    }

    /// Whether there is work left for so many rows.
    fn may_read(&mut self, rows: usize, origin: &Origin, whose: &str) -> bool {
        let may = self.evaluator.spend(rows.saturating_mul(ROW_COST)).is_ok();
        if !may {
            self.gap(origin, format!("{whose}: its tables have more rows than are gone through"));
        }
        may
    }

    fn add(&mut self, name: &str, origin: &Origin) {
        let lower = lower_case(name);
        if self.listed.len() < DOMAIN_LIMIT
            && is_name(name)
            && !self.without.contains(&*lower)
            && self.names.insert((self.handled, lower.into_owned()))
        {
            self.listed.push(Listed { name: name.to_owned(), handled: self.handled, origin: origin.clone() });
        }
    }
}

/// Whether an item of a list of domains, or a key of a table that is searched for patterns, stands for domains by their endings or by a regular
/// expression.
fn is_pattern(item: &str) -> bool {
    item.starts_with(['*', '^'])
}

/// Whether a text is a domain, and not a pattern or an option.
pub(crate) fn is_name(text: &str) -> bool {
    let name = DomainName::new(text);
    name.is_qualified() && name.is_host_name_but_for_underscores() && !text.starts_with('.')
}

/// Why an expansion has no value, in words.
pub(super) fn why(stop: Stop) -> String {
    match stop {
        Stop::Undecided { why, construct } if construct.is_empty() => why,
        Stop::Undecided { why, construct } => format!("`{construct}`: {why}"),
        Stop::Fails(failure) => failure.message,
        Stop::Forced(message) => message,
    }
}
