//! From transports to ways of sending: source address and HELO name under the same assumptions.

mod place;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::Read;
use super::config::Driver;
use super::depend::{self, SENDER_FUNCTIONS, Walk};
use super::expand::parse::{Expr, parse};
use super::expand::{Evaluator, PTR_NAME, Ptr, Scope, Stop};
use super::selection::Whose;
use super::{lists, routes, sums};
use crate::addr::Family;
use crate::collect::root::Root;
use crate::facts::{Bind, Fact, Helo, Host, Mta, NextHop, Origin, Problem, Sender, SenderDomains, Via};
use crate::name::DomainName;
use place::Place;

/// A domain that no file names. The character is a private one: no configuration holds it.
pub const OTHER: &str = "\u{f8ff}any.invalid";
/// What stands before a suffix for a domain below it.
const BELOW: &str = "\u{f8ff}any.";

/// For whom an evaluation was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom<'a> {
    /// One domain, or pattern.
    Domain(&'a str),
    /// Every domain that is in no list.
    Others,
    /// The empty sender of bounces.
    Bounce,
}

/// What a setting comes to. Copies share the text: every domain may have a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Outcome {
    Text(Arc<str>),
    /// The PTR name, else this.
    FollowsPtr(String),
    /// No binding.
    Nothing,
    Fails(String),
    Undecided(String),
}

/// What is the same for all transports.
struct Common<'a> {
    host: &'a Host,
    read: &'a Read,
    evaluator: &'a Evaluator<'a>,
    scope: Scope,
}

impl Common<'_> {
    /// Whether mail can leave with this source address: what is not bound needs one of the kernel's.
    fn leaves(&self, bind: &Outcome, family: Family) -> bool {
        *bind != Outcome::Nothing || !self.host.source.known || self.host.source.of(family).is_some()
    }
}

impl Outcome {
    /// The same where nothing is sent, so that a name is no one's; that it fails is told all the same.
    fn unsent(self) -> Outcome {
        match self {
            Outcome::Fails(why) => Outcome::Fails(why),
            _ => Outcome::Nothing,
        }
    }
}

/// The ways in which mail leaves the host by this configuration, and what keeps it from leaving.
pub fn of(root: &Root, host: &Host, read: &Read, cpanel: bool, problems: &mut Vec<Problem>) -> Vec<Sender> {
    let (evaluator, scope) = (evaluator(root, read), scope(read));
    let uses = routes::uses(read, &evaluator, &scope);
    let common = Common { host, read, evaluator: &evaluator, scope };
    let families = families(&common);
    let mut senders = Vec::new();
    let mut faults = HashMap::new();
    let mut memo = Memo::new();
    for transport in read.config.transports.iter().filter(|driver| driver.driver == "smtp") {
        let Some(used) = uses.get(&transport.name) else { continue };
        let hops = if used.hops.is_empty() { vec![(NextHop::Direct, Whose::All)] } else { used.hops.clone() };
        if hops.iter().all(|(hop, _)| matches!(hop, NextHop::Here)) {
            continue;
        }
        let groups = pairs(&common, transport, &families, &mut memo, &mut faults);
        let service: Arc<str> = transport.name.as_str().into();
        let told_apart: HashSet<&str> = groups.iter().flat_map(|group| listed(&group.domains)).collect();
        for (hop, whose) in hops.iter().filter(|(hop, _)| !matches!(hop, NextHop::Here)) {
            senders.extend(groups.iter().filter_map(|group| {
                Some(Sender {
                    mta: Mta::Exim,
                    service: Arc::clone(&service),
                    family: group.family,
                    bind: group.bind.clone(),
                    helo: group.helo.clone(),
                    helo_is_global: false,
                    sender_domains: whose.of(&group.domains, &told_apart)?,
                    next_hop: hop.clone(),
                    unused: !used.named,
                })
            }));
        }
    }
    sums::global(common.read, &mut senders);
    sums::report(faults, cpanel, problems);
    senders
}

/// The domains that are named.
fn listed(domains: &SenderDomains) -> impl Iterator<Item = &str> {
    let named: &[DomainName] = match domains {
        SenderDomains::Only { domains, .. } => domains,
        SenderDomains::Any | SenderDomains::Undecided => &[],
    };
    named.iter().map(DomainName::as_str)
}

/// The domain that stands for a domain, or for those that a pattern `*.domain` fits.
pub fn stand_in(name: &str) -> String {
    name.strip_prefix("*.").map_or(name.to_owned(), |rest| format!("{BELOW}{rest}"))
}

/// An evaluator over the host's files, with the configuration's named lists.
pub fn evaluator<'r>(root: &'r Root, read: &'r Read) -> Evaluator<'r> {
    let mut evaluator = read.config.evaluator(root);
    evaluator.primary_hostname = read.primary_hostname.as_ref().ok().map(|fact| fact.value.clone());
    evaluator
}

/// What every expansion sees while mail is sent.
pub fn scope(read: &Read) -> Scope {
    let mut scope = Scope::default();
    let mut set = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            scope.values.insert(name.into(), value);
        }
    };
    let main = |name: &str| read.facts.main.get(name).and_then(|setting| setting.value.clone());
    set("primary_hostname", main("primary_hostname"));
    // While mail is sent it is the primary name: smtp_active_hostname counts for incoming connections alone.
    set("smtp_active_hostname", main("primary_hostname"));
    set("qualify_domain", main("qualify_domain"));
    set("qualify_recipient", main("qualify_recipient"));
    set("spool_directory", main("spool_directory").filter(|path| !path.contains('$')));
    set("config_file", Some(read.facts.file.clone()));
    set("config_dir", read.facts.file.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
    set("version_number", read.facts.version_hint.clone());
    scope
}

/// Families that the configuration uses for mail.
fn families(common: &Common) -> Vec<Family> {
    let main = |name: &str| common.read.config.main.get(name).map_or("", |set| set.value.as_str());
    let lookup = lists::items(main("dns_ipv4_lookup"));
    let never_v6 = lookup.iter().take_while(|item| !item.starts_with('!')).any(|item| item == "*");
    if main("disable_ipv6") == "true" || never_v6 { vec![Family::Ipv4] } else { Family::BOTH.to_vec() }
}

/// A way of sending, for one family.
#[derive(Clone)]
struct Group {
    family: Family,
    bind: Bind,
    helo: Helo,
    domains: SenderDomains,
}

/// Who shares an outcome.
#[derive(Default)]
struct Members {
    domains: Vec<DomainName>,
    /// The first of the domains as its file spells it.
    first: Option<Box<str>>,
    others: bool,
    bounce: bool,
}

/// Outcomes that keep mail from leaving: by the setting and the message.
pub type Faults = HashMap<(String, String), Fact<String>>;

/// What two settings come to, for everyone.
struct Outcomes {
    /// By family: source, name, and whose mail has them.
    found: Vec<(Family, Outcome, Outcome, Members)>,
    uses: depend::Uses,
    /// Whether the sender or the recipient has a say.
    selects: bool,
    /// Whether all domains that have one could be listed.
    listed: bool,
}

/// Outcomes by the texts of `interface` and `helo_data`: transports often share them.
type Memo = HashMap<[Option<String>; 2], Rc<Outcomes>>;

/// Texts with which a HELO name may depend on the sending address, by its variable or by what is expanded a second time.
const MAY_USE_ADDRESS: [&str; 4] = ["sending_ip", "expand", "wildlsearch", "sg"];

fn outcomes(
    common: &Common,
    interface: Option<&Fact<String>>,
    helo: Option<&Fact<String>>,
    families: &[Family],
) -> Outcomes {
    let mut scope = common.scope.clone();
    let mut parsed = |fact: &Fact<String>| common.evaluator.fold(&parse(&fact.value), &mut scope);
    let interface_expr = interface.map(&mut parsed);
    let helo_expr = helo.map(&mut parsed);
    let mut walk = Walk { uses: Default::default(), lists: &common.read.config.lists };
    interface_expr.iter().chain(&helo_expr).for_each(|expr| walk.add(expr));
    let uses = walk.uses;
    let selects = uses.sender || uses.recipient;
    let listed = depend::domains(&uses, common.evaluator).filter(|_| selects);
    let whoms = listed.iter().flatten().map(|domain| Whom::Domain(domain)).chain([Whom::Others]);
    let whoms = whoms.chain(listed.is_some().then_some(Whom::Bounce));
    let mut scope = common.scope.clone();
    let by_address = helo.is_some_and(|fact| MAY_USE_ADDRESS.iter().any(|part| fact.value.contains(part)));
    let mut found: Vec<(Family, Outcome, Outcome, Members)> = Vec::new();
    let mut known: HashMap<(Family, Outcome, Outcome), usize> = HashMap::new();
    for whom in whoms {
        let domain = match whom {
            Whom::Domain(domain) => Some(DomainName::new(domain)),
            _ => None,
        };
        if listed.is_some() {
            assume(&mut scope, whom, uses.recipient, uses.perl);
        }
        // The address is chosen before there is a connection.
        scope.values.remove("sending_ip_address");
        let bound = match &interface_expr {
            None => Outcome::Nothing,
            Some(expr) => source(common.evaluator.value(expr, &mut scope)),
        };
        let mut same: Option<Outcome> = None;
        for family in families {
            let (bind, address) = pick(&bound, *family);
            let address = address.or_else(|| common.host.source.of(*family).filter(|_| bind == Outcome::Nothing));
            let name = match (&helo_expr, &same) {
                (_, Some(name)) if !by_address => name.clone(),
                (None, _) => default_helo(common),
                (Some(expr), _) => name(common.evaluator, expr, &mut scope, address),
            };
            same = Some(name.clone());
            // Without this, each domain would be on its own where its name is, though nothing leaves.
            let name = if common.leaves(&bind, *family) { name } else { name.unsent() };
            let key = (*family, bind, name);
            let index = match known.get(&key) {
                Some(index) => *index,
                None => {
                    found.push((key.0, key.1.clone(), key.2.clone(), Members::default()));
                    known.insert(key, found.len() - 1);
                    found.len() - 1
                }
            };
            let members = &mut found[index].3;
            match whom {
                Whom::Domain(text) => {
                    members.domains.extend(domain.clone());
                    members.first.get_or_insert_with(|| text.into());
                }
                Whom::Others => members.others = true,
                Whom::Bounce => members.bounce = true,
            }
        }
    }
    Outcomes { found, uses, selects, listed: listed.is_some() }
}

fn pairs(common: &Common, transport: &Driver, families: &[Family], memo: &mut Memo, faults: &mut Faults) -> Vec<Group> {
    let interface = transport.get("interface").filter(|fact| !fact.value.is_empty());
    let helo = transport.get("helo_data");
    let texts = [interface, helo].map(|fact| fact.map(|fact| fact.value.clone()));
    let known = memo.entry(texts).or_insert_with(|| Rc::new(outcomes(common, interface, helo, families)));
    let known = Rc::clone(known);
    let Outcomes { found, uses, selects, listed } = &*known;
    let mut counts: HashMap<Family, usize> = HashMap::new();
    found.iter().for_each(|group| *counts.entry(group.0).or_default() += 1);
    let only = |family: &Family| counts.get(family) == Some(&1);
    let (interface, helo) = (interface.map(Set::of), helo.map(Set::of));
    let unset = Fact::new(String::new(), EXIM);
    let unset = Set::of(&unset);
    let mut groups = Vec::with_capacity(found.len());
    for (family, bind, name, members) in found {
        let domains = match listed {
            // Nothing is selected, or files do not say by what.
            false if *selects && matches!((bind, name), (Outcome::Undecided(_), _) | (_, Outcome::Undecided(_))) => {
                SenderDomains::Undecided
            }
            false => SenderDomains::Any,
            true if only(family) => SenderDomains::Any,
            // Bounces alone, or by the recipient: that is no sender domain.
            true if (uses.recipient && !uses.perl) || (members.domains.is_empty() && !members.others) => {
                SenderDomains::Undecided
            }
            true => {
                let mut domains = members.domains.clone();
                domains.sort();
                SenderDomains::Only { domains, others: members.others }
            }
        };
        let place = Place { common, files: &uses.files, domain: members.first.as_deref() };
        let fails = [(bind, "interface", &interface), (name, "helo_data", &helo)];
        let failed = fails.into_iter().find_map(|(outcome, option, set)| match outcome {
            Outcome::Fails(why) => Some((option, why, set)),
            _ => None,
        });
        if let Some((option, why, set)) = failed {
            // Nothing is sent: no path.
            let place = (format!("{option} of {}", transport.name), why.clone());
            faults.entry(place).or_insert_with(|| set.as_ref().unwrap_or(&unset).fact.clone());
            continue;
        }
        if !common.leaves(bind, *family) {
            continue;
        }
        groups.push(Group {
            family: *family,
            bind: place.bind(bind, *family, interface.as_ref().unwrap_or(&unset)),
            helo: place.helo(name, helo.as_ref(), transport),
            domains,
        });
    }
    groups
}

/// An option of a transport.
struct Set<'a> {
    fact: &'a Fact<String>,
    /// Its place, as what a value from a table has passed through.
    below: Via,
}

impl<'a> Set<'a> {
    fn of(fact: &'a Fact<String>) -> Set<'a> {
        Set { fact, below: fact.origin.clone().into() }
    }
}

/// The origin of what no file sets.
pub const EXIM: Origin = Origin::default_of("Exim specification");

/// Assumes a sender.
fn assume(scope: &mut Scope, whom: Whom, recipient: bool, perl: bool) {
    let domain = match whom {
        Whom::Domain(domain) => stand_in(domain),
        Whom::Others => OTHER.to_owned(),
        Whom::Bounce => String::new(),
    };
    let address = if domain.is_empty() { String::new() } else { format!("postmaster@{domain}") };
    let mut set = |name: &'static str, value: &str| scope.values.insert(name.into(), value.to_owned());
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
fn made_up(text: &str) -> bool {
    text.contains('\u{f8ff}')
}

fn stopped(stop: Stop) -> Outcome {
    match stop {
        Stop::Forced(message) | Stop::Fails(message) => Outcome::Fails(message),
        Stop::Undecided { why, construct } if construct.is_empty() => Outcome::Undecided(why),
        Stop::Undecided { why, construct } => Outcome::Undecided(format!("`{construct}`: {why}")),
    }
}

/// What `interface` comes to: a forced failure means no binding.
fn source(result: Result<String, Stop>) -> Outcome {
    match result {
        Ok(text) if made_up(&text) => Outcome::Undecided("the address is made from the sender's domain".into()),
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
            Ok(address) if Family::of(address) == family => return (Outcome::Text(item.into()), Some(address)),
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
        Ok(text) if made_up(&text) => {
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
    match (with(Ptr::Found), with(Ptr::Missing)) {
        (Ok(found), Ok(default)) if found == PTR_NAME && !made_up(&default) => Outcome::FollowsPtr(default),
        _ => stopped(plain),
    }
}
