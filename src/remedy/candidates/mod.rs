//! What could be done about findings: each candidate is a set of changes that belong together. Whether it helps, a trial shows.

mod config;
mod cpanel;
mod exim;
pub(super) mod family;
mod helo;
mod host;
mod identity;
mod intended;
mod line;
mod lost;
mod postfix;
mod records;
mod refused;
mod source;
mod table;
mod way;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::rc::Rc;

use crate::addr::Family;
use crate::facts::{Facts, NatEntry, OutboundPath, Postfix, PostfixService};
use crate::findings::Finding;
use crate::name::DomainName;
use crate::observe::change::RecordChange;
use crate::observe::{Observations, Question};
use crate::remedy::op::Op;
use crate::remedy::trial::Trial;
use crate::remedy::world::{Lab, World};
use crate::rules::names::{Introduction, OwnAddresses, introduction};
use crate::rules::support::{Sending, sending_addresses};

pub(super) use cpanel::FLAGS;
pub use exim::tables_of;
use table::Table;

/// Candidates of one state beyond which no more are made: judging each costs a trial.
pub const CANDIDATES: usize = 4000;

/// Changes that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The changes, in order.
    pub ops: Vec<Op>,
    /// What it costs besides its changes: what else rests on what it changes.
    pub blast: u32,
    /// It gives up a family or a path on purpose.
    pub gives_up: bool,
    /// It is one of several ways to the same end: the end.
    pub end: String,
}

impl Candidate {
    /// Changes that touch nothing else.
    pub fn new(end: impl Into<String>, ops: Vec<Op>) -> Candidate {
        Candidate { ops, blast: 0, gives_up: false, end: end.into() }
    }

    /// What it is about: of two candidates about the same, one alone is taken.
    pub fn group(&self) -> String {
        self.end.split(" is ").next().unwrap_or_default().to_owned()
    }

    /// What it costs.
    pub fn price(&self) -> u32 {
        self.ops.iter().map(cost).sum::<u32>() + self.blast
    }

    /// With so much that rests on it.
    pub fn blast(mut self, blast: u32) -> Candidate {
        self.blast = blast;
        self
    }
}

/// What a change costs: who must act, then how much.
pub fn cost(op: &Op) -> u32 {
    match op {
        Op::Record(RecordChange::SetPtr(..)) => 100,
        Op::Record(RecordChange::Publish(..)) => 30,
        Op::Record(RecordChange::Withdraw(..)) => 5,
        Op::HostName(_) => 4,
        Op::Address { .. } => 3,
        Op::Route { .. } => 4,
        Op::Edit { .. } | Op::Remove { .. } => 2,
        Op::Generate { .. } | Op::Compile { .. } | Op::Reload => 1,
        Op::ByHand { effect, .. } => 1 + effect.iter().map(cost).sum::<u32>(),
    }
}

/// What candidates are made from.
pub struct State<'a> {
    /// The host as it is supposed to be so far.
    pub trial: &'a Trial,
    facts: &'a Facts,
    /// For files and answers.
    pub lab: &'a Lab<'a>,
    /// The world that the trial is of.
    pub world: &'a World,
    dns: OnceCell<Observations>,
    own_domains: OnceCell<Vec<DomainName>>,
    tables: RefCell<HashMap<String, Rc<Table>>>,
    intended: OnceCell<intended::Intended>,
    clients: OnceCell<Vec<HashMap<&'a str, &'a PostfixService>>>,
    found_of: OnceCell<HashMap<&'a str, Vec<&'a Finding>>>,
    introduced: OnceCell<HashMap<DomainName, Vec<&'a OutboundPath>>>,
    own_addresses: OnceCell<OwnAddresses<'a>>,
    sending: OnceCell<Vec<Sending<'a>>>,
}

impl<'a> State<'a> {
    /// Of a trial, which is of this world.
    pub fn new(trial: &'a Trial, lab: &'a Lab<'a>, world: &'a World) -> State<'a> {
        State::of_part(trial, &trial.facts, lab, world)
    }

    /// The same, as if these were the facts: some of the paths.
    pub fn of_part(trial: &'a Trial, facts: &'a Facts, lab: &'a Lab<'a>, world: &'a World) -> State<'a> {
        State {
            trial,
            facts,
            lab,
            world,
            dns: OnceCell::new(),
            own_domains: OnceCell::new(),
            tables: RefCell::default(),
            intended: OnceCell::new(),
            clients: OnceCell::new(),
            found_of: OnceCell::new(),
            introduced: OnceCell::new(),
            own_addresses: OnceCell::new(),
            sending: OnceCell::new(),
        }
    }

    /// The facts.
    pub fn facts(&self) -> &'a Facts {
        self.facts
    }

    /// Whether an address is this host's, as far as that is known.
    fn is_own(&self, addr: IpAddr) -> Option<bool> {
        self.own_addresses.get_or_init(|| OwnAddresses::new(self.facts)).has(addr)
    }

    /// The addresses that mail is seen to come from.
    fn sending(&self) -> &[Sending<'a>] {
        self.sending.get_or_init(|| sending_addresses(self.facts))
    }

    /// Every answer so far, also to questions that only candidates bring.
    pub fn dns(&self) -> &Observations {
        self.dns.get_or_init(|| self.lab.seen(self.world))
    }

    /// Whether one of these rules found something.
    pub fn has(&self, codes: &[&str]) -> bool {
        self.trial.findings.iter().any(|finding| codes.contains(&finding.meta.code))
    }

    /// The subjects of a rule's findings.
    pub fn subjects<'s>(&'s self, code: &'s str) -> impl Iterator<Item = &'s str> {
        self.trial.findings.iter().filter(move |f| f.meta.code == code).map(|f| f.subject.as_str())
    }

    /// What was found that concerns a path, by its id.
    fn found_of(&self, path: &str) -> &[&'a Finding] {
        let by_path = self.found_of.get_or_init(|| {
            let mut all: HashMap<&str, Vec<&Finding>> = HashMap::new();
            for finding in &self.trial.findings {
                finding.paths.iter().for_each(|id| all.entry(id).or_default().push(finding));
            }
            all
        });
        by_path.get(path).map_or(&[], Vec::as_slice)
    }

    /// The paths that introduce themselves by a name.
    fn introduced_as(&self, name: &DomainName) -> &[&'a OutboundPath] {
        let by_name = self.introduced.get_or_init(|| {
            let mut all: HashMap<DomainName, Vec<&OutboundPath>> = HashMap::new();
            for path in &self.facts().paths {
                if let Introduction::Name(helo) = introduction(path, self.dns()) {
                    all.entry(helo.value.domain()).or_default().push(path);
                }
            }
            all
        });
        by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The entry of a service in master.cf of the instance at `at`, sockets of servers apart: of several the last one counts.
    fn client(&self, at: usize, service: &str) -> Option<&'a PostfixService> {
        let of = |postfix: &'a Postfix| {
            let clients = postfix.services.iter().filter(|entry| entry.kind != "inet");
            clients.map(|entry| (entry.name.as_str(), entry)).collect()
        };
        let clients = self.clients.get_or_init(|| self.facts().postfix.iter().map(of).collect());
        clients.get(at)?.get(service).copied()
    }

    /// The addresses of this host as receivers know them.
    fn intended(&self) -> &intended::Intended {
        self.intended.get_or_init(|| intended::Intended::new(self))
    }

    /// The lines of a table; none where it is not there.
    fn table(&self, file: &str) -> Rc<Table> {
        let read = || Rc::new(Table::new(file, self.text(file).unwrap_or_else(|| "".into())));
        Rc::clone(self.tables.borrow_mut().entry(file.to_owned()).or_insert_with(read))
    }

    /// A line of a file, from 1.
    fn line(&self, file: &str, line: usize) -> Option<String> {
        self.table(file).line(line.checked_sub(1)?).map(str::to_owned)
    }

    /// The content of a file.
    pub fn text(&self, file: &str) -> Option<std::sync::Arc<str>> {
        self.lab.text(self.world, file)
    }
}

/// Every candidate for the errors and warnings of a state.
pub fn all(state: &State<'_>) -> Vec<Candidate> {
    let mut all = Vec::new();
    config::add(state, &mut all);
    cpanel::add(state, &mut all);
    if state.dns().summary().answered > 0 {
        source::add(state, &mut all);
        identity::add(state, &mut all);
        host::add(state, &mut all);
        records::add(state, &mut all);
    }
    all.truncate(CANDIDATES);
    all
}

/// What has to be asked before the candidates of a state are known: the addresses of names that this host could go by.
pub fn questions(state: &State<'_>) -> BTreeSet<Question> {
    if state.dns().summary().answered == 0 {
        return BTreeSet::new();
    }
    let mut questions = identity::questions(state);
    questions.extend(host::questions(state));
    questions.extend(intended::questions(state));
    questions.extend(lost::questions(state));
    questions.extend(cpanel::questions(state));
    questions
}

/// What receivers see of an address of this host: its image outside where NAT has one.
pub fn image(facts: &Facts, addr: IpAddr) -> IpAddr {
    facts.nat.sending(&crate::facts::Fact::new(addr, crate::facts::Origin::kernel("test"))).map_or(addr, |f| f.value)
}

/// The local side of an address: itself, or what NAT maps to it.
pub fn local(facts: &Facts, addr: IpAddr) -> IpAddr {
    let entry = |entry: &&NatEntry| entry.public == addr;
    facts.nat.0.iter().find(entry).and_then(|entry| entry.local).unwrap_or(addr)
}

/// A name in words, with the address that it is for.
pub fn end_of(name: &DomainName, addr: IpAddr) -> String {
    format!("{addr} is `{name}` to receivers")
}

/// Each item once, where it stands first.
fn once<T: Clone + Eq + Hash>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}

/// The other family.
pub fn other(family: Family) -> Family {
    match family {
        Family::Ipv4 => Family::Ipv6,
        Family::Ipv6 => Family::Ipv4,
    }
}
