//! For whose mail a router is there: its option `senders`, as far as it asks for nothing but the sender's domain.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::config::{Config, Driver};
use super::depend::{self, Walk};
use super::expand::lookups::{self, Type};
use super::expand::{Evaluator, Failure, Scope, Stop};
use super::lists;
use super::routed::Names;
use super::stand_in::{OTHER, stand_in};

/// Lists within lists that are followed.
const DEPTH_LIMIT: usize = 20;
/// What a list within a list costs, in octets of an evaluator's work.
const LIST_COST: usize = 1000;

/// Senders that routers tell apart: a domain or a pattern `*.domain` each, then every other domain, then the empty sender.
pub(crate) struct Selection<'a> {
    config: &'a Config,
    evaluator: &'a Evaluator<'a>,
    scope: Scope,
    /// The domains and patterns, sorted.
    pub names: Rc<Names>,
    /// Whether these are all: else the work that helolint spends on senders ended first.
    pub is_complete: bool,
}

impl<'a> Selection<'a> {
    /// What the routers of a configuration that lead to a transport tell apart.
    pub(crate) fn new(config: &'a Config, evaluator: &'a Evaluator<'a>, scope: &Scope) -> Selection<'a> {
        let scope = scope.to_be_shared();
        let mut selection = Selection { config, evaluator, scope, names: Rc::default(), is_complete: true };
        let mut found = Found { evaluator, names: BTreeSet::new(), known: HashMap::new() };
        for router in config.routers.iter().filter(|router| router.text("transport").is_some()) {
            if !evaluator.spend_on_sender() {
                selection.is_complete = false;
                break;
            }
            let mut walk = Walk::new(&config.lists);
            if let Some(list) = selection.list(router) {
                collect(&mut walk, &list, evaluator, 0);
            }
            found.add(walk);
            let asks = ["senders", "require_files", "condition", "address_data", "route_list", "route_data"];
            for text in asks.iter().filter_map(|name| router.text(name)).filter(|text| text.contains("sender")) {
                let mut walk = Walk::new(&config.lists);
                walk.add(&evaluator.parsed(text));
                if walk.uses.sender {
                    found.add(walk);
                }
            }
        }
        selection.names = Rc::new(Names::new(found.names.into_iter().collect()));
        selection
    }

    /// How many senders are told apart.
    pub(crate) fn count(&self) -> usize {
        self.names.all.len() + 2
    }

    /// The number of the sender that stands for every domain that is in no list.
    pub(crate) fn others(&self) -> usize {
        self.names.all.len()
    }

    /// The list of a router, expanded; none where it has none, or files do not decide it.
    fn list(&self, router: &Driver) -> Option<String> {
        self.evaluator.value(&self.evaluator.parsed(router.text("senders")?), &mut self.scope.clone()).ok()
    }

    /// The domain that stands for a sender; none for the empty one.
    fn domain(&self, sender: usize) -> Option<String> {
        match self.names.all.get(sender) {
            Some(name) => Some(stand_in(name)),
            None if sender == self.others() => Some(OTHER.to_owned()),
            None => None,
        }
    }

    /// What an expansion sees of a sender's mail.
    pub(crate) fn scope_of(&self, sender: usize) -> Scope {
        let domain = self.domain(sender).unwrap_or_default();
        let mut scope = self.scope.clone();
        let address = if domain.is_empty() { String::new() } else { format!("postmaster@{domain}") };
        scope.values.insert("sender_address_domain".into(), domain);
        scope.values.insert("sender_address".into(), address);
        scope
    }

    /// Whether the list `senders` of a router holds a sender.
    pub(crate) fn sends(&self, router: &Driver, sender: usize) -> Takes {
        let Some(text) = router.get("senders").map(|list| list.value.as_str()) else { return Takes::Yes };
        let list = match self.evaluator.value(&self.evaluator.parsed(text), &mut self.scope_of(sender)) {
            Ok(list) => list,
            Err(Stop::Forced(_)) => return Takes::No,
            Err(Stop::Fails(why)) => return Takes::Fails("senders", why),
            Err(Stop::Undecided { .. }) => return Takes::Unknown,
        };
        match self.matches(&list, self.domain(sender).as_deref(), 0) {
            Ok(Some(true)) => Takes::Yes,
            Ok(Some(false)) => Takes::No,
            Ok(None) => Takes::Unknown,
            Err(why) => Takes::Fails("senders", why),
        }
    }

    /// The same for a file with a pattern on each line.
    fn in_file(&self, file: &str, domain: Option<&str>, depth: usize) -> Result<Option<bool>, Failure> {
        let table = match self.evaluator.list_file(file) {
            Ok(table) => table,
            Err(Stop::Fails(why)) if why.is_of_absent_file() => return Err(why),
            Err(_) => return Ok(None),
        };
        for entry in &table.entries {
            // What a line keeps out, and lists within, are left to Exim.
            if self.evaluator.spend(LIST_COST).is_err() || entry.key.starts_with(['!', '+', '/']) {
                return Ok(None);
            }
            match self.matches(&format!("<\u{1f}{}", entry.key), domain, depth + 1)? {
                Some(false) => {}
                other => return Ok(other),
            }
        }
        Ok(Some(false))
    }

    /// Whether mail of this domain is in an address list, or without a domain the empty sender; none where files do not decide it.
    fn matches(&self, list: &str, domain: Option<&str>, depth: usize) -> Result<Option<bool>, Failure> {
        if depth > DEPTH_LIMIT {
            return Ok(None);
        }
        if self.evaluator.spend(list.len()).is_err() {
            return Ok(None);
        }
        let mut otherwise = false;
        for item in lists::each(list) {
            let positive = item.strip_prefix('!').map_or(&*item, str::trim_start);
            let negated = positive.len() < item.len();
            otherwise = negated;
            let hit = match (part(positive), domain) {
                (Part::Named(name), _) => {
                    if self.evaluator.spend(LIST_COST).is_err() {
                        return Ok(None);
                    }
                    let Some(inner) = self.config.lists.get(&("addresslist".to_owned(), name.to_owned())) else {
                        return Err(Failure::new(format!("unknown named address list \"+{name}\"")));
                    };
                    let inner = self.evaluator.parsed(&inner.value);
                    let Ok(inner) = self.evaluator.value(&inner, &mut self.scope.clone()) else {
                        return Ok(None);
                    };
                    match self.matches(&inner, domain, depth + 1)? {
                        Some(hit) => hit,
                        None => return Ok(None),
                    }
                }
                (Part::File(file), _) => match self.in_file(file, domain, depth)? {
                    Some(hit) => hit,
                    None => return Ok(None),
                },
                (Part::Nobody, domain) => domain.is_none(),
                (Part::Never, _) => false,
                (Part::Other(file), _) => {
                    if let Some(Err(Stop::Fails(why))) = file.map(|file| self.evaluator.table(file))
                        && why.is_of_absent_file()
                    {
                        return Err(why);
                    }
                    return Ok(None);
                }
                (Part::Domain(..), None) => false,
                (Part::Domain(anyone, list), Some(domain)) => {
                    let list = format!("<\u{1f}{list}");
                    let mut scope = self.scope.clone();
                    match self.evaluator.in_list(&mut scope, "match_domain", domain, &list, 0) {
                        Ok(true) if !anyone => return Ok(None),
                        Ok(hit) => hit,
                        Err(Stop::Fails(why)) => return Err(why),
                        Err(_) => return Ok(None),
                    }
                }
            };
            if hit {
                return Ok(Some(!negated));
            }
        }
        Ok(Some(otherwise))
    }
}

/// Whether a router takes a sender's mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Takes {
    /// All of it, as far as its sender, files and settings are concerned.
    Yes,
    /// None of it.
    No,
    /// Some of it, by something else than the sender: by the recipient, say.
    Perhaps,
    /// Files do not decide it.
    Unknown,
    /// Exim stops at this setting: the mail is deferred.
    Fails(&'static str, Failure),
}

/// One item of an address list.
enum Part<'t> {
    /// Another list.
    Named(&'t str),
    /// A file that holds more of the list.
    File(&'t str),
    /// The empty sender.
    Nobody,
    /// A domain list's item; whether any local part will do.
    Domain(bool, &'t str),
    /// What no address fits.
    Never,
    /// Something that asks for the whole address; a file that it is looked up in.
    Other(Option<&'t str>),
}

fn part(item: &str) -> Part<'_> {
    if let Some(name) = item.strip_prefix('+') {
        return Part::Named(name);
    }
    if item.starts_with('/') && !item.contains([';', '@']) {
        return Part::File(item);
    }
    let by_key = item.split_once(';').filter(|(kind, _)| lookups::check(Type::parse(kind.trim()).name, true).is_ok());
    if let Some((kind, file)) = by_key {
        let text = matches!(Type::parse(kind.trim()).name, "lsearch" | "wildlsearch" | "nwildlsearch");
        return Part::Other(Some(file.trim()).filter(|_| text));
    }
    if item.starts_with('^') || item.starts_with("@@") {
        return Part::Other(None);
    }
    let split = if item.contains(';') { item.split_once('@') } else { item.rsplit_once('@') };
    match split {
        _ if item.is_empty() => Part::Nobody,
        // A domain holds neither commas nor blanks.
        None if item.contains([',', ' ', '\t']) && !item.contains(';') => Part::Never,
        None => Part::Domain(true, item),
        // Two patterns with a comma between are one, with a local part that no address has.
        Some((local, _)) if local.contains('@') && !local.contains('"') => Part::Never,
        Some((local, domain)) => Part::Domain(local == "*", domain),
    }
}

/// Files that are asked by key, and folders.
type Sources = (BTreeSet<String>, BTreeSet<(String, String)>);

/// Domains that were found so far.
struct Found<'a> {
    evaluator: &'a Evaluator<'a>,
    names: BTreeSet<String>,
    /// Whether all that is in these could be listed: routers often ask the same.
    known: HashMap<Sources, bool>,
}

impl Found<'_> {
    /// Adds the domains on which what was walked through depends, where all of them can be listed.
    fn add(&mut self, walk: Walk) {
        // Where the work is at its end, the next router is not looked at.
        let _ = self.evaluator.spend(walk.octets);
        let depend::Uses { opaque, files, folders, names, .. } = walk.uses;
        if opaque {
            return;
        }
        let sources = (files, folders);
        let all = match self.known.get(&sources) {
            Some(all) => *all,
            None => {
                let (files, folders) = sources.clone();
                let listed = depend::domains(&depend::Uses { files, folders, ..Default::default() }, self.evaluator);
                let all = listed.is_some();
                self.names.extend(listed.into_iter().flatten());
                self.known.insert(sources, all);
                all
            }
        };
        if all {
            self.names.extend(names);
        }
    }
}

/// The domains that an address list names.
fn collect(walk: &mut Walk, list: &str, evaluator: &Evaluator, depth: usize) {
    walk.octets += list.len();
    for item in lists::each(list) {
        walk.octets += depend::ITEM_COST;
        match part(item.trim_start_matches('!').trim_start()) {
            Part::Domain(_, list) => walk.domain_list(&format!("<\u{1f}{list}")),
            Part::Named(name) if depth < DEPTH_LIMIT => {
                if let Some(inner) = walk.lists.get(&("addresslist".to_owned(), name.to_owned()))
                    && walk.goes_through(&format!("@{name}"))
                {
                    collect(walk, &inner.value, evaluator, depth + 1);
                }
            }
            Part::File(file) if depth < DEPTH_LIMIT => {
                // One that cannot be read shows itself when the list is asked.
                let table = evaluator.list_file(file).ok();
                for entry in table.iter().flat_map(|table| &table.entries).filter(|entry| !entry.key.starts_with('/')) {
                    collect(walk, &format!("<\u{1f}{}", entry.key), evaluator, depth + 1);
                }
            }
            Part::File(_) | Part::Named(_) | Part::Nobody | Part::Never | Part::Other(_) => {}
        }
    }
}
