//! For whose mail a router is there: its option `senders`, as far as it asks for nothing but the sender's domain.

use std::collections::{BTreeSet, HashSet};

use super::config::{Config, Driver};
use super::depend::{self, Walk};
use super::expand::lookups::{self, Type};
use super::expand::parse::parse;
use super::expand::{Evaluator, Failure, Scope, Stop};
use super::lists;
use super::stand_in::{OTHER, stand_in};
use crate::facts::SenderDomains;
use crate::name::DomainName;

/// Lists within lists that are followed.
const DEPTH_LIMIT: usize = 20;
/// What a list within a list costs, in octets of an evaluator's work.
const LIST_COST: usize = 1000;

/// Senders that routers tell apart: a domain or a pattern `*.domain` each, then every other domain, then the empty sender.
pub(crate) struct Selection<'a> {
    config: &'a Config,
    evaluator: &'a Evaluator<'a>,
    scope: Scope,
    /// The domains and patterns.
    pub names: Vec<String>,
}

impl<'a> Selection<'a> {
    /// What the routers of a configuration that lead to a transport tell apart.
    pub(crate) fn new(config: &'a Config, evaluator: &'a Evaluator<'a>, scope: &Scope) -> Selection<'a> {
        let mut selection = Selection { config, evaluator, scope: scope.clone(), names: Vec::new() };
        let mut names = BTreeSet::new();
        for router in config.routers.iter().filter(|router| router.text("transport").is_some()) {
            let mut walk = Walk::new(&config.lists);
            if let Some(list) = selection.list(router) {
                collect(&mut walk, &list, evaluator, 0);
            }
            names.extend(depend::domains(&walk.uses, evaluator).unwrap_or_default());
            let asks = ["senders", "require_files", "condition", "address_data", "route_list", "route_data"];
            for text in asks.iter().filter_map(|name| router.text(name)).filter(|text| text.contains("sender")) {
                let mut walk = Walk::new(&config.lists);
                walk.add(&parse(text));
                if walk.uses.sender {
                    names.extend(depend::domains(&walk.uses, evaluator).unwrap_or_default());
                }
            }
        }
        selection.names = names.into_iter().collect();
        selection
    }

    /// How many senders are told apart.
    pub(crate) fn count(&self) -> usize {
        self.names.len() + 2
    }

    /// The list of a router, expanded; none where it has none, or files do not decide it.
    fn list(&self, router: &Driver) -> Option<String> {
        self.evaluator.value(&parse(router.text("senders")?), &mut self.scope.clone()).ok()
    }

    /// The domain that stands for a sender; none for the empty one.
    fn domain(&self, sender: usize) -> Option<String> {
        match self.names.get(sender) {
            Some(name) => Some(stand_in(name)),
            None if sender == self.names.len() => Some(OTHER.to_owned()),
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
        let list = match self.evaluator.value(&parse(text), &mut self.scope_of(sender)) {
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
        let mut otherwise = false;
        for item in lists::items(list) {
            let positive = item.strip_prefix('!').map_or(item.as_str(), str::trim_start);
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
                    let Ok(inner) = self.evaluator.value(&parse(&inner.value), &mut self.scope.clone()) else {
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

/// The domains that an address list names.
fn collect(walk: &mut Walk, list: &str, evaluator: &Evaluator, depth: usize) {
    for item in lists::items(list) {
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

/// Whose mail takes a way, by the routers that lead there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoutedSenders {
    /// Everyone's.
    All,
    /// Files do not decide it.
    Undecided,
    /// That of these senders.
    Only {
        /// Domains and patterns whose mail does.
        taken: Vec<String>,
        /// Those whose mail does not.
        left: Vec<String>,
        /// Whether that of every other domain does.
        others: bool,
    },
}

impl RoutedSenders {
    /// The senders for which `taken` holds; `certain`: whether files decide it.
    pub(crate) fn new(selection: &Selection, taken: &BTreeSet<usize>, certain: bool) -> RoutedSenders {
        if !certain {
            return RoutedSenders::Undecided;
        }
        if taken.len() == selection.count() {
            return RoutedSenders::All;
        }
        let named = |here: bool| {
            let names = selection.names.iter().enumerate().filter(|(at, _)| taken.contains(at) == here);
            names.map(|(_, name)| name.clone()).collect()
        };
        RoutedSenders::Only { taken: named(true), left: named(false), others: taken.contains(&selection.names.len()) }
    }

    /// Of the senders that a transport treats alike, those that take this route; `None` where there are none. `all`: every domain that
    /// the transport tells apart.
    pub(crate) fn among(&self, alike: &SenderDomains, all: &HashSet<&str>) -> Option<SenderDomains> {
        let (taken, left, others) = match self {
            RoutedSenders::All => return Some(alike.clone()),
            RoutedSenders::Undecided => return Some(SenderDomains::Undecided),
            RoutedSenders::Only { taken, left, others } => (taken, left, *others),
        };
        let (domains, others) = match alike {
            SenderDomains::Undecided => return Some(SenderDomains::Undecided),
            SenderDomains::Any => (taken.iter().map(String::as_str).collect::<BTreeSet<&str>>(), others),
            SenderDomains::Only { domains, others: rest } => {
                let told = |domain: &str| taken.iter().chain(left).any(|name| name == domain);
                let comes = |domain: &&str| match (told(domain), covering(domain, taken.iter().chain(left))) {
                    (true, _) => taken.iter().any(|name| name == domain),
                    (false, Some(pattern)) => taken.contains(&pattern),
                    (false, None) => others,
                };
                let same = |domain: &str| domains.iter().any(|known| known.as_str() == domain);
                let alike = |domain: &&str| match covering(domain, all.iter().copied()) {
                    _ if all.contains(domain) => same(domain),
                    Some(pattern) => same(&pattern),
                    None => *rest,
                };
                let own = domains.iter().map(DomainName::as_str).filter(comes);
                let named = taken.iter().map(String::as_str).filter(alike);
                (own.chain(named).collect(), others && *rest)
            }
        };
        match (domains.is_empty(), others, alike) {
            // Bounces alone: that is no sender domain.
            (true, false, SenderDomains::Any) => Some(SenderDomains::Undecided),
            (true, false, _) => None,
            _ => {
                let mut domains: Vec<DomainName> = domains.into_iter().map(DomainName::new).collect();
                domains.sort();
                Some(SenderDomains::Only { domains, others })
            }
        }
    }
}

/// The pattern among `names` that a domain fits.
fn covering<'n>(domain: &str, names: impl Iterator<Item = impl AsRef<str> + 'n>) -> Option<String> {
    let mut fitting = names.filter_map(|name| {
        let suffix = name.as_ref().strip_prefix('*').filter(|suffix| suffix.starts_with('.'))?;
        (domain.ends_with(suffix) && domain.len() > suffix.len()).then(|| name.as_ref().to_owned())
    });
    fitting.next()
}
