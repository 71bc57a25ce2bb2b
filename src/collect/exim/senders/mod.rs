//! From transports to ways of sending: source address and HELO name under the same assumptions.

mod outcome;
mod place;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::Read;
use super::config::Driver;
use super::depend;
use super::expand::{Evaluator, Failure, Scope, Tables};
use super::faults::{self, DEFERS, EXIM, Fault, Faults};
use super::routed::RoutedSenders;
use super::{lists, routes, sums};
use crate::addr::Family;
use crate::collect::root::Root;
use crate::facts::{Bind, Fact, Helo, Host, Mta, NextHop, Problem, ProblemKind, Sender, SenderDomains, Via};
use crate::name::DomainName;
#[cfg(test)]
pub(super) use outcome::TRIALS;
use outcome::outcomes;
use place::Place;

/// The sender that an evaluation was done for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SenderKind<'a> {
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
    /// The PTR name, else this, or nothing is sent; all of several joined by this.
    FollowsPtr(Option<String>, Option<String>),
    /// No binding.
    Nothing,
    Fails(Failure),
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
        *bind != Outcome::Nothing || !self.host.source.known || self.host.source.for_family(family).is_some()
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

/// How mail leaves the host.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    /// The ways in which it does.
    pub senders: Vec<Sender>,
    /// Programs on this host that are handed whatever is for others.
    pub handed: Vec<Fact<String>>,
}

/// The ways in which mail leaves the host by this configuration, and what keeps it from leaving.
pub(crate) fn collect(
    root: &Root,
    host: &Host,
    read: &Read,
    tables: &Tables,
    cpanel: bool,
    problems: &mut Vec<Problem>,
) -> Leaving {
    let (mut evaluator, scope) = (evaluator(root, read), scope(read));
    evaluator.tables = Rc::clone(tables);
    let mut faults = Faults::new();
    let routes::Uses { transports: uses, handed } = routes::uses(read, host, &evaluator, &scope, &mut faults);
    let common = Common { host, read, evaluator: &evaluator, scope };
    let families = families(&common);
    let mut senders = Vec::new();
    let mut memo = Memo::default();
    let mut kept: usize = 0;
    for transport in read.config.transports.iter().filter(|driver| driver.driver == "smtp") {
        let Some(used) = uses.get(&transport.name) else { continue };
        let hops = if used.hops.is_empty() { vec![(NextHop::Direct, RoutedSenders::All)] } else { used.hops.clone() };
        if hops.iter().all(|(hop, _)| matches!(hop, NextHop::Handed(_))) {
            continue;
        }
        let groups = pairs(&common, transport, &families, &mut memo, &mut faults);
        kept = kept.saturating_add(groups.len().saturating_mul(hops.len() * size_of::<Sender>()));
        if memo.octets.saturating_add(kept) > KEPT {
            evaluator.note("there are more ways to send than helolint keeps");
            break;
        }
        let service: Arc<str> = transport.name.as_str().into();
        let told_apart: HashSet<&str> = groups.iter().flat_map(|group| listed(&group.domains)).collect();
        for (hop, routed) in hops.iter().filter(|(hop, _)| !matches!(hop, NextHop::Handed(_))) {
            let by_groups = routed.by_groups(&told_apart);
            senders.extend(groups.iter().filter_map(|group| {
                Some(Sender {
                    mta: Mta::Exim,
                    service: Arc::clone(&service),
                    family: group.family,
                    bind: group.bind.clone(),
                    helo: group.helo.clone(),
                    helo_is_global: false,
                    sender_domains: by_groups.among(&group.domains)?,
                    next_hop: hop.clone(),
                    unused: !used.named,
                })
            }));
        }
    }
    if let Some(limit) = evaluator.bounded() {
        let message = format!("{limit}: the source addresses and HELO names that follow from these are not known");
        problems.push(Problem::of_file(ProblemKind::Bounded, &read.facts.file, None, message));
    }
    sums::global(common.read, &mut senders);
    faults::report(faults, cpanel, problems);
    Leaving { senders, handed }
}

/// The domains that are named.
fn listed(domains: &SenderDomains) -> impl Iterator<Item = &str> {
    let named: &[DomainName] = match domains {
        SenderDomains::Only { domains, .. } => domains,
        SenderDomains::Any | SenderDomains::Undecided => &[],
    };
    named.iter().map(DomainName::as_str)
}

/// An evaluator over the host's files, with the configuration's named lists.
pub(crate) fn evaluator<'r>(root: &'r Root, read: &'r Read) -> Evaluator<'r> {
    let mut evaluator = read.config.evaluator(root);
    evaluator.primary_hostname = read.primary_hostname.as_ref().ok().map(|fact| fact.value.clone());
    evaluator
}

/// What every expansion sees while mail is sent.
pub(crate) fn scope(read: &Read) -> Scope {
    let mut scope = Scope::default();
    let mut set = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            scope.values.insert(name.into(), value);
        }
    };
    let main = |name: &str| read.facts.main.get(name).and_then(|setting| setting.value.clone());
    set("primary_hostname", main("primary_hostname"));
    // For mail made on this host it is the primary name; what came by SMTP brings what the option gave then.
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

/// What two settings come to, for everyone.
struct Outcomes {
    /// By family: source, name, and whose mail has them.
    found: Vec<(Family, Outcome, Outcome, Members)>,
    uses: depend::Uses,
    /// Whether the sender or the recipient has a say.
    selects: bool,
    /// Whether all domains that have one could be listed.
    listed: bool,
    /// Whether something else than the sender selects: a key that files do not decide, or how the mail came in.
    by_other: bool,
    /// Tables that were asked with a key that files do not decide.
    free: BTreeSet<String>,
}

/// Outcomes by the texts of `interface` and `helo_data`: transports often share them.
#[derive(Default)]
struct Memo {
    known: HashMap<[Option<String>; 2], Rc<Outcomes>>,
    /// About what they take in memory.
    octets: usize,
}

/// What outcomes and the ways to send that follow from them may take in memory, in octets. A server on which each of 50,000 domains has an
/// address and a name of its own takes 130 MB, with four transports.
pub(super) const KEPT: usize = if cfg!(test) { 4 << 20 } else { 144 << 20 };
/// What an outcome takes, and each domain that has it.
const OUTCOME: usize = 512;
const MEMBER: usize = 64;

fn pairs(common: &Common, transport: &Driver, families: &[Family], memo: &mut Memo, faults: &mut Faults) -> Vec<Group> {
    let interface = transport.get("interface").filter(|fact| !fact.value.is_empty());
    let helo = transport.get("helo_data");
    let texts = [interface, helo].map(|fact| fact.map(|fact| fact.value.clone()));
    let octets = &mut memo.octets;
    let known = memo.known.entry(texts).or_insert_with(|| {
        let new = outcomes(common, interface, helo, families);
        let members: usize = new.found.iter().map(|(.., members)| members.domains.len()).sum();
        *octets = octets.saturating_add(new.found.len() * OUTCOME + members * MEMBER);
        Rc::new(new)
    });
    let known = Rc::clone(known);
    let Outcomes { found, uses, selects, listed, by_other, free } = &*known;
    let files: BTreeSet<String> = uses.files.union(free).cloned().collect();
    let mut counts: HashMap<Family, usize> = HashMap::new();
    found.iter().for_each(|group| *counts.entry(group.0).or_default() += 1);
    let only = |family: &Family| counts.get(family) == Some(&1);
    let (interface, helo) = (interface.map(Set::new), helo.map(Set::new));
    let unset = Fact::new(String::new(), EXIM);
    let unset = Set::new(&unset);
    let mut groups = Vec::with_capacity(found.len());
    for (family, bind, name, members) in found {
        let domains = match listed {
            // Nothing is selected, or files do not say by what.
            false if *selects && matches!((bind, name), (Outcome::Undecided(_), _) | (_, Outcome::Undecided(_))) => {
                SenderDomains::Undecided
            }
            _ if only(family) => SenderDomains::Any,
            _ if *by_other => SenderDomains::Undecided,
            false => SenderDomains::Any,
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
        let place = Place { common, files: &files, domain: members.first.as_deref() };
        let fails = [(bind, "interface", &interface), (name, "helo_data", &helo)];
        let failed = fails.into_iter().find_map(|(outcome, option, set)| match outcome {
            Outcome::Fails(why) => Some((option, why, set)),
            _ => None,
        });
        if let Some((option, why, set)) = failed {
            // Nothing is sent: no path.
            let place = (format!("{option} of {}", transport.name), why.clone());
            let fact = set.as_ref().unwrap_or(&unset).fact.clone();
            faults.entry(place).or_insert(Fault { fact, affected: domains, then: DEFERS });
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
    fn new(fact: &'a Fact<String>) -> Set<'a> {
        Set { fact, below: fact.origin.clone().into() }
    }
}
