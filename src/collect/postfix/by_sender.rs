//! What trivial-rewrite(8) finds for a sender: the transport of `sender_dependent_default_transport_maps` and the relay of
//! `sender_dependent_relayhost_maps` are those of one message, so the tables are read together (postconf(5)).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::maps::{Key, Row, Tables};
use super::routes::{ROUTE_LIMIT, add_senders};
use crate::facts::{Fact, SenderDomains};
use crate::name::DomainName;

/// Listed domains that are told of all the ways that mail of the same senders may take; beyond it, which domains take one is not said.
const TOLD_LIMIT: usize = 1_000_000;

/// What a table says of a sender.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said<'t> {
    /// It holds no row for it alone: what holds for all others does.
    Unsaid,
    /// `DUNNO`: not even that.
    Nothing,
    /// This.
    Value(&'t Fact<String>),
}

impl<'t> Said<'t> {
    fn new(row: &'t Row) -> Said<'t> {
        let is_nothing = row.value.value.is_empty() || row.value.value.eq_ignore_ascii_case("DUNNO");
        if is_nothing { Said::Nothing } else { Said::Value(&row.value) }
    }

    /// What makes two answers the same.
    fn text(self) -> Option<Option<&'t str>> {
        match self {
            Said::Unsaid => None,
            Said::Nothing => Some(None),
            Said::Value(value) => Some(Some(&value.value)),
        }
    }
}

/// What mail meets of which a table says this, where it says so much of all senders without a row.
pub(super) fn alternatives<'t>(said: Said<'t>, rest: &[Said<'t>]) -> Vec<Said<'t>> {
    match said {
        Said::Unsaid if !rest.is_empty() => rest.to_vec(),
        said => vec![said],
    }
}

/// The tables of one parameter, as senders are looked up in them: by address, then by `@domain`.
#[derive(Debug)]
pub(super) struct BySender<'t> {
    tables: &'t Tables,
    /// The first row of each address and domain.
    listed: HashMap<&'t str, &'t Row>,
    /// The first row of each pattern.
    patterns: HashMap<&'t str, &'t Row>,
}

impl<'t> BySender<'t> {
    pub(super) fn new(tables: &'t Tables) -> BySender<'t> {
        let (mut listed, mut patterns) = (HashMap::new(), HashMap::new());
        for row in &tables.rows {
            match &row.key {
                Key::Every => {}
                Key::Text(text) => drop(listed.entry(text.as_str()).or_insert(row)),
                Key::Pattern(text) => drop(patterns.entry(text.as_str()).or_insert(row)),
            }
        }
        BySender { tables, listed, patterns }
    }

    /// What is said of the senders that the key of a row, of this or another table, finds.
    fn find(&self, key: &Key) -> Said<'t> {
        let row = match key {
            Key::Every => None,
            // Which addresses match is not looked at: those of the same pattern are the same.
            Key::Pattern(text) => self.patterns.get(text.as_str()),
            Key::Text(text) => {
                let domain = || self.listed.get(&text[text.rfind('@')?..]);
                self.listed.get(text.as_str()).or_else(domain)
            }
        };
        row.map_or(Said::Unsaid, |row| Said::new(row))
    }

    /// Whether there is a row of this very key.
    fn has(&self, key: &Key) -> bool {
        match key {
            Key::Every => false,
            Key::Pattern(text) => self.patterns.contains_key(text.as_str()),
            Key::Text(text) => self.listed.contains_key(text.as_str()),
        }
    }

    /// What is said of every sender that has no row of its own: each of them is what some mail meets. Empty where nothing is.
    pub(super) fn rest(&self) -> Vec<Said<'t>> {
        let every = self.tables.rows.iter().filter(|row| row.key == Key::Every).map(Said::new);
        let mut known = HashSet::new();
        // One more than are kept shows that there are more.
        every.filter(|said| known.insert(said.text())).take(ROUTE_LIMIT + 1).collect()
    }
}

/// Senders for whom the tables say the same transport.
#[derive(Debug)]
pub(super) struct Chosen<'t> {
    /// The transport.
    pub transport: Said<'t>,
    /// The relays that are said of them, and of whom each.
    pub relays: Vec<(Said<'t>, SenderDomains)>,
}

impl Chosen<'_> {
    /// All of them.
    pub(super) fn senders(&self) -> SenderDomains {
        let mut all = self.relays.iter().map(|(_, senders)| senders);
        let first = all.next().cloned().unwrap_or(SenderDomains::Undecided);
        all.fold(first, |mut joined, senders| {
            add_senders(&mut joined, senders.clone());
            joined
        })
    }
}

/// Brings together what two tables say of each sender; what is said of all `others` stands last.
pub(super) fn combine<'t>(transports: &BySender<'t>, relays: &BySender<'t>, others: SenderDomains) -> Vec<Chosen<'t>> {
    let mut found: Vec<Chosen<'t>> = Vec::new();
    let mut chosen_at: HashMap<Option<Option<&str>>, usize> = HashMap::new();
    let mut relay_at: HashMap<(usize, Option<Option<&str>>), usize> = HashMap::new();
    let mut add = |transport: Said<'t>, relay: Said<'t>, senders: SenderDomains| {
        let at = *chosen_at.entry(transport.text()).or_insert_with(|| {
            found.push(Chosen { transport, relays: Vec::new() });
            found.len() - 1
        });
        let relays = &mut found[at].relays;
        match relay_at.get(&(at, relay.text())) {
            Some(known) => add_senders(&mut relays[*known].1, senders),
            None => {
                relay_at.insert((at, relay.text()), relays.len());
                relays.push((relay, senders));
            }
        }
    };
    let more = relays.tables.rows.iter().filter(|row| !transports.has(&row.key));
    for row in transports.tables.rows.iter().chain(more).filter(|row| row.key != Key::Every) {
        add(transports.find(&row.key), relays.find(&row.key), senders_of(row));
    }
    add(Said::Unsaid, Said::Unsaid, others);
    found
}

/// The senders of rows that no table has for them alone.
pub(super) fn others(transports: &Tables, relays: &Tables) -> SenderDomains {
    if transports.undecided || relays.undecided {
        return SenderDomains::Undecided;
    }
    match listed_senders(transports.rows.iter().chain(&relays.rows)) {
        None => SenderDomains::Any,
        Some(domains) => SenderDomains::Only { domains, others: true },
    }
}

/// The senders, as each of so many ways tells them.
pub(super) fn told(senders: &SenderDomains, ways: usize) -> SenderDomains {
    match senders {
        SenderDomains::Only { domains, .. } if domains.len().saturating_mul(ways) > TOLD_LIMIT && ways > 1 => {
            SenderDomains::Undecided
        }
        known => known.clone(),
    }
}

/// The domain of a sender that a row is found by.
fn sender_domain(row: &Row) -> Option<DomainName> {
    match &row.key {
        Key::Text(key) => Some(DomainName::new(key.rsplit_once('@').map_or(key, |(_, domain)| domain))),
        _ => None,
    }
}

fn senders_of(row: &Row) -> SenderDomains {
    match sender_domain(row) {
        Some(domain) => SenderDomains::Only { domains: vec![domain], others: false },
        None => SenderDomains::Undecided,
    }
}

/// Domains of which some senders have a row of their own and the others have not; `None` where no row is for one sender.
fn listed_senders<'r>(rows: impl Iterator<Item = &'r Row>) -> Option<Vec<DomainName>> {
    let mut any = false;
    let mut shared = BTreeSet::new();
    let mut whole = BTreeSet::new();
    for row in rows {
        let Key::Text(key) = &row.key else { continue };
        any = true;
        let domain = sender_domain(row);
        if key.starts_with('@') { whole.extend(domain) } else { shared.extend(domain) }
    }
    any.then(|| shared.difference(&whole).cloned().collect())
}
