//! What two settings come to under one assumption after the other.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::{Common, Members, Outcome, Outcomes, SenderKind};
use crate::addr::Family;
use crate::collect::exim::depend::{self, SENDER_FUNCTIONS, Walk};
use crate::collect::exim::expand::parse::{Expr, parse};
use crate::collect::exim::expand::{Evaluator, Failure, Free, PTR_NAME, PTR_OTHER, Ptr, Scope, Stop};
use crate::collect::exim::lists;
use crate::collect::exim::stand_in::{OTHER, stand_in};
use crate::facts::Fact;
use crate::name::DomainName;

/// Texts with which a HELO name may depend on the sending address, by its variable or by what is expanded a second time.
const MAY_USE_ADDRESS: [&str; 4] = ["sending_ip", "expand", "wildlsearch", "sg"];

/// What `interface` and `helo_data` come to, for everyone.
pub(super) fn outcomes(
    common: &Common,
    interface: Option<&Fact<String>>,
    helo: Option<&Fact<String>>,
    families: &[Family],
) -> Outcomes {
    let mut scope = common.scope.clone();
    let mut parsed = |fact: &Fact<String>| common.evaluator.fold(&parse(&fact.value), &mut scope);
    let interface_expr = interface.map(&mut parsed);
    let helo_expr = helo.map(&mut parsed);
    let mut walk = Walk::new(&common.read.config.lists);
    interface_expr.iter().chain(&helo_expr).for_each(|expr| walk.add(expr));
    let uses = walk.uses;
    let selects = uses.sender || uses.recipient;
    let listed = depend::domains(&uses, common.evaluator).filter(|_| selects);
    let kinds = listed.iter().flatten().map(|domain| SenderKind::Domain(domain)).chain([SenderKind::Others]);
    let kinds = kinds.chain(listed.is_some().then_some(SenderKind::Bounce));
    let by_address = helo.is_some_and(|fact| MAY_USE_ADDRESS.iter().any(|part| fact.value.contains(part)));
    let kinds: Vec<SenderKind> = kinds.collect();
    let mut trial = Trial {
        common,
        exprs: [interface_expr.as_ref(), helo_expr.as_ref()],
        families,
        by_address,
        uses: &uses,
        assumes: listed.is_some(),
        found: Vec::new(),
        known: HashMap::new(),
    };
    let (mut names, mut free) = active_names(common, [interface, helo]);
    if names.len().saturating_mul(kinds.len()) > TRIALS {
        common.evaluator.note("a map has more entries than helolint tries");
        names.truncate(TRIALS / kinds.len().max(1));
    }
    for name in &names {
        let mut scope = common.scope.clone();
        match name {
            Some(name) => scope.values.insert("smtp_active_hostname".into(), name.clone()),
            None => scope.values.remove("smtp_active_hostname"),
        };
        scope.free = Some(Free::default());
        for kind in &kinds {
            trial.one(*kind, None, &mut scope);
        }
        free.extend(trial.any_key(&kinds, &mut scope));
    }
    let found = trial.found;
    Outcomes { found, selects, listed: listed.is_some(), by_other: names.len() > 1 || !free.is_empty(), free, uses }
}

/// What `$smtp_active_hostname` may be while mail is sent, as far as the settings ask for it; none stands for what is undecided. Beside
/// it the tables that are asked with a key that files do not decide, such as the address at which the mail came in.
fn active_names(common: &Common, settings: [Option<&Fact<String>>; 2]) -> (Vec<Option<String>>, BTreeSet<String>) {
    const VARIABLE: &str = "smtp_active_hostname";
    let primary = common.scope.values.get(VARIABLE).cloned();
    let asked = settings.into_iter().flatten().any(|set| set.value.contains(VARIABLE));
    let Some(set) = common.read.config.main.get(VARIABLE).filter(|set| asked && !set.value.is_empty()) else {
        return (vec![primary], BTreeSet::new());
    };
    let mut scope = common.scope.clone();
    scope.values.remove(VARIABLE);
    scope.free = Some(Free::default());
    let expr = parse(&set.value);
    let (mut names, mut known) = (vec![primary.clone()], HashSet::from([primary]));
    let mut add = |scope: &mut Scope| {
        let name = match common.evaluator.value(&expr, scope) {
            // The primary name is taken instead.
            Ok(name) if name.is_empty() => return,
            Ok(name) => Some(name),
            Err(Stop::Undecided { .. }) => None,
            Err(_) => return,
        };
        if known.insert(name.clone()) {
            names.push(name);
        }
    };
    add(&mut scope);
    let mut tried: BTreeSet<String> = BTreeSet::new();
    // An entry may lead to another table.
    loop {
        let asked = scope.free.as_ref().map(|free| free.tables.clone()).unwrap_or_default();
        let Some(file) = asked.into_iter().find(|file| !tried.contains(file)) else { break };
        let table = common.evaluator.table(&file);
        tried.insert(file);
        let Ok(table) = table else { continue };
        if table.entries.len() > TRIALS {
            common.evaluator.note("a map has more entries than helolint tries");
        }
        for entry in table.entries.iter().take(TRIALS) {
            if let Some(free) = &mut scope.free {
                free.key = Some(entry.key.to_string());
            }
            add(&mut scope);
        }
    }
    (names, tried)
}

/// Keys that files do not decide are tried for so many senders and keys at most: two for each domain of a server of 50,000. Without
/// optimization, in tests, that would take minutes.
pub(in crate::collect::exim) const TRIALS: usize = if cfg!(test) { 1_000 } else { 100_000 };

/// Evaluates two settings under one assumption after the other, and keeps who shares an outcome.
struct Trial<'a> {
    common: &'a Common<'a>,
    exprs: [Option<&'a Expr>; 2],
    families: &'a [Family],
    by_address: bool,
    uses: &'a depend::Uses,
    /// Whether senders are assumed.
    assumes: bool,
    found: Vec<(Family, Outcome, Outcome, Members)>,
    known: HashMap<(Family, Outcome, Outcome), usize>,
}

impl Trial<'_> {
    /// Every entry of the tables that were asked with a key that files do not decide; returns the tables.
    fn any_key(&mut self, kinds: &[SenderKind], scope: &mut Scope) -> BTreeSet<String> {
        let mut tried: BTreeSet<String> = BTreeSet::new();
        // An entry may lead to another table.
        loop {
            let asked = scope.free.as_ref().map(|free| free.tables.clone()).unwrap_or_default();
            let Some(file) = asked.into_iter().find(|file| !tried.contains(file)) else { return tried };
            let Ok(table) = self.common.evaluator.table(&file) else { return tried };
            tried.insert(file);
            let all = kinds.len() * table.entries.len() <= TRIALS;
            if table.entries.len() > TRIALS {
                self.common.evaluator.note("a map has more entries than helolint tries");
            }
            for entry in table.entries.iter().take(TRIALS) {
                if let Some(free) = &mut scope.free {
                    free.key = Some(entry.key.to_string());
                }
                for kind in kinds.iter().filter(|kind| all || **kind == SenderKind::Others) {
                    self.one(*kind, Some(&entry.key), scope);
                }
            }
        }
    }

    /// One sender; `key`: the entry that an undecided key is assumed to find.
    fn one(&mut self, kind: SenderKind, key: Option<&str>, scope: &mut Scope) {
        let common = self.common;
        let domain = match kind {
            SenderKind::Domain(domain) => Some(DomainName::new(domain)),
            _ => None,
        };
        if self.assumes {
            assume(scope, kind, self.uses.recipient, self.uses.perl);
        }
        // The address is chosen before there is a connection.
        scope.values.remove("sending_ip_address");
        let [interface, helo] = self.exprs;
        let bound = match interface {
            None => Outcome::Nothing,
            Some(expr) => source(common.evaluator.value(expr, scope)),
        };
        let mut same: Option<Outcome> = None;
        for family in self.families {
            let (bind, address) = pick(&bound, *family);
            let address =
                address.or_else(|| common.host.source.for_family(*family).filter(|_| bind == Outcome::Nothing));
            let name = match (helo, &same) {
                (_, Some(name)) if !self.by_address => name.clone(),
                (None, _) => default_helo(common),
                (Some(expr), _) => {
                    // Where no address is known to send from, an address as key is not any of a table's.
                    let free = if self.by_address && address.is_none() { scope.free.take() } else { None };
                    let seen = address.filter(|_| self.by_address);
                    let name = name(common.evaluator, expr, scope, seen);
                    scope.free = free.or(scope.free.take());
                    name
                }
            };
            same = Some(name.clone());
            // Without this, each domain would be on its own where its name is, though nothing leaves.
            let name = if common.leaves(&bind, *family) { name } else { name.unsent() };
            let found = &mut self.found;
            let index = *self.known.entry((*family, bind, name)).or_insert_with_key(|(family, bind, name)| {
                found.push((*family, bind.clone(), name.clone(), Members::default()));
                found.len() - 1
            });
            let Some((.., members)) = self.found.get_mut(index) else { continue };
            if let Some(key) = key {
                members.first.get_or_insert_with(|| key.into());
            }
            match kind {
                SenderKind::Domain(text) => {
                    members.domains.extend(domain.clone().filter(|_| key.is_none()));
                    members.first.get_or_insert_with(|| text.into());
                }
                SenderKind::Others => members.others = true,
                SenderKind::Bounce => members.bounce = true,
            }
        }
    }
}

/// Assumes a sender.
fn assume(scope: &mut Scope, kind: SenderKind, recipient: bool, perl: bool) {
    let domain = match kind {
        SenderKind::Domain(domain) => stand_in(domain),
        SenderKind::Others => OTHER.to_owned(),
        SenderKind::Bounce => String::new(),
    };
    let address = if domain.is_empty() { String::new() } else { ["postmaster@", &domain].concat() };
    let mut set = |name: &'static str, value: &str| match scope.values.get_mut(name) {
        // One sender after the other: there is room for it.
        Some(known) => value.clone_into(known),
        None => drop(scope.values.insert(name.into(), value.to_owned())),
    };
    set("sender_address_domain", &domain);
    set("sender_address", &address);
    if recipient {
        // Where cPanel's functions choose the key, the same values can come from the recipient's domain.
        let recipient = if domain.is_empty() { OTHER } else { domain.as_str() };
        set("original_domain", recipient);
        set("domain", recipient);
    }
    if perl {
        for function in SENDER_FUNCTIONS {
            scope.perl.insert(function, domain.to_ascii_lowercase());
        }
    }
}

/// Whether a text holds a stand-in: then it differs for each message.
fn is_synthetic(text: &str) -> bool {
    text.contains('\u{f8ff}')
}

fn stopped(stop: Stop) -> Outcome {
    match stop {
        Stop::Forced(message) => Outcome::Fails(Failure::new(message)),
        Stop::Fails(failure) => Outcome::Fails(failure),
        Stop::Undecided { why, construct } if construct.is_empty() => Outcome::Undecided(why),
        Stop::Undecided { why, construct } => Outcome::Undecided(format!("`{construct}`: {why}")),
    }
}

/// What `interface` comes to: a forced failure means no binding.
fn source(result: Result<String, Stop>) -> Outcome {
    match result {
        Ok(text) if is_synthetic(&text) => Outcome::Undecided("the address is made from the sender's domain".into()),
        Ok(text) if text.trim().is_empty() => Outcome::Nothing,
        Ok(text) => Outcome::Text(text.into()),
        Err(Stop::Forced(_)) => Outcome::Nothing,
        Err(stop) => stopped(stop),
    }
}

/// The first address of the family; an item that is no address counts where Exim meets it before.
fn pick(bound: &Outcome, family: Family) -> (Outcome, Option<IpAddr>) {
    let Outcome::Text(text) = bound else { return (bound.clone(), None) };
    for item in lists::items(text) {
        match item.parse::<IpAddr>() {
            Ok(address) if Family::from(address) == family => return (Outcome::Text(item.into()), Some(address)),
            Ok(_) => {}
            Err(_) => return (Outcome::Text(item.into()), None),
        }
    }
    (Outcome::Nothing, None)
}

fn default_helo(common: &Common) -> Outcome {
    match &common.read.primary_hostname {
        Ok(fact) => Outcome::Text(fact.value.as_str().into()),
        Err(why) => Outcome::Undecided(format!("`$primary_hostname`: {why}")),
    }
}

/// What `helo_data` comes to with this sending address.
fn name(evaluator: &Evaluator, expr: &Expr, scope: &mut Scope, address: Option<IpAddr>) -> Outcome {
    match address {
        Some(address) => scope.values.insert("sending_ip_address".into(), address.to_string()),
        None => scope.values.remove("sending_ip_address"),
    };
    scope.ptr = None;
    let plain = match evaluator.value(expr, scope) {
        Ok(text) if is_synthetic(&text) => {
            return Outcome::Undecided("the name is made from the sender's domain".into());
        }
        Ok(text) => return Outcome::Text(text.into()),
        Err(stop @ Stop::Undecided { .. }) => stop,
        Err(stop) => return stopped(stop),
    };
    let mut with = |ptr| {
        scope.ptr = Some(ptr);
        let result = evaluator.value(expr, scope);
        scope.ptr = None;
        result
    };
    let (found, several, default) = match (with(Ptr::Found), with(Ptr::Several), with(Ptr::Missing)) {
        (Ok(found), Ok(several), Ok(default)) if found == PTR_NAME && !is_synthetic(&default) => {
            (found, several, Some(default))
        }
        // Without a PTR record nothing is sent.
        (Ok(found), Ok(several), Err(Stop::Forced(_) | Stop::Fails(_))) if found == PTR_NAME => (found, several, None),
        _ => return stopped(plain),
    };
    match several.strip_prefix(&found).and_then(|rest| rest.strip_suffix(PTR_OTHER)) {
        Some(between) => Outcome::FollowsPtr(default, Some(between.to_owned())),
        None if several == PTR_NAME || several == PTR_OTHER => Outcome::FollowsPtr(default, None),
        None => stopped(plain),
    }
}
