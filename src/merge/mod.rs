//! Many hosts side by side: what the report of no single one can say. Pure: texts of reports are read ([`read()`]), put together
//! ([`Merger`]), and what two hosts claim is found.

mod bounds;
mod claims;
mod known;
mod read;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use jiff::Timestamp;

use crate::addr::is_link_local;
use crate::findings::{Severity, Verdict};
use crate::name::DomainName;

use claims::Claims;
use known::Known;

pub use bounds::MOST_ENTRIES;
pub use claims::{Claimant, Shared, What};
pub use read::{Document, SCHEMA, Unreadable, read, short, taken};

/// Hosts that are put together: ten times the largest fleet that was thought of.
const MOST_HOSTS: usize = 100_000;
/// Names and addresses that are compared, of all hosts: some 80 MB.
const MOST_CLAIMS: usize = 1_000_000;
/// Rules with severity and verdict that are told apart: thirty times what there is.
const MOST_GROUPS: usize = 20_000;
/// Characters of a message or a name that are kept: a domain name has 253 at the most.
const TEXT_LIMIT: usize = 300;

/// What is read of one host's report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostEntry {
    /// What `hostname -f` prints, else the node name.
    pub name: Option<String>,
    /// When the DNS answered.
    pub taken: Option<Timestamp>,
    /// Addresses on its interfaces.
    pub addresses: Vec<IpAddr>,
    /// How mail leaves it.
    pub paths: Vec<PathEntry>,
    /// What was found.
    pub findings: Vec<FindingEntry>,
}

/// One outbound path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathEntry {
    /// What receivers see; `None`: unknown.
    pub sending: Option<IpAddr>,
    /// The HELO name.
    pub helo: Option<String>,
    /// PTR names of the sending address.
    pub ptr: Vec<String>,
    /// Whether the DNS was asked about it.
    pub asked: bool,
    /// Whether mail takes it to a fixed next hop: receivers see that one's address.
    pub relayed: bool,
    /// Whether nothing names it.
    pub unused: bool,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingEntry {
    /// The rule's code.
    pub code: String,
    /// The rule's name.
    pub name: String,
    /// How bad it is on that host.
    pub severity: Severity,
    /// Seen to be wrong, or not to be seen.
    pub verdict: Verdict,
    /// One sentence.
    pub message: String,
}

/// What a host comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Some error.
    Error,
    /// Some warning.
    Warning,
    /// An error or a warning that could not be seen.
    Undetermined,
    /// Nothing wrong in its files; the DNS was not asked.
    NotAsked,
    /// Nothing.
    Healthy,
}

impl State {
    /// As formats for programs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Error => "error",
            State::Warning => "warning",
            State::Undetermined => "undetermined",
            State::NotAsked => "not-asked",
            State::Healthy => "healthy",
        }
    }
}

/// One host of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    /// Its name; its file's where it has none.
    pub name: String,
    /// The file with its report.
    pub file: String,
    /// The first of its addresses that no other machine has.
    pub address: Option<IpAddr>,
    /// When the DNS answered.
    pub taken: Option<Timestamp>,
    /// What it comes to.
    pub state: State,
    /// How many findings there are of each kind.
    pub counts: BTreeMap<(Severity, Verdict), usize>,
    /// The worst finding.
    pub worst: Option<FindingEntry>,
}

impl HostRow {
    /// Failed findings of a severity.
    pub fn failed(&self, severity: Severity) -> usize {
        self.counts.get(&(severity, Verdict::Fail)).copied().unwrap_or_default()
    }

    /// Findings that could not be determined.
    pub fn undetermined(&self) -> usize {
        self.counts.iter().filter(|((_, verdict), _)| *verdict == Verdict::Undetermined).map(|(_, count)| count).sum()
    }
}

/// The findings of one rule, of one severity and verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The rule's code.
    pub code: String,
    /// The rule's name.
    pub name: String,
    /// How bad.
    pub severity: Severity,
    /// Seen, or not to be seen.
    pub verdict: Verdict,
    /// The hosts, by their places in [`Merged::hosts`].
    pub hosts: Vec<usize>,
}

/// A report that another one of the same host stands for. Both come from one place, so that no host takes the word from another by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The file of the report that does not count.
    pub file: String,
    /// The file of the one that counts.
    pub by: String,
    /// Why it is not the other way round.
    pub why: Why,
}

/// Why a report does not count beside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is older.
    Older,
    /// Both are as old, or neither says when it was taken; the other came later.
    Earlier,
    /// It does not say when it was taken, and the other does.
    Undated,
}

impl Why {
    /// As formats for programs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Older => "older",
            Why::Earlier => "earlier",
            Why::Undated => "undated",
        }
    }
}

/// All hosts together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The hosts, the worst first.
    pub hosts: Vec<HostRow>,
    /// What more than one host claims, and names that several addresses of one host share.
    pub shared: Vec<Shared>,
    /// Findings by rule, the worst first.
    pub findings: Vec<Group>,
    /// Reports that do not count, since others of the same hosts do.
    pub replaced: Vec<Replaced>,
    /// There are more hosts, names or addresses than are kept: those that came last are not compared.
    pub bounded: bool,
}

/// Puts hosts together, one after the other; of each, it keeps what is compared.
#[derive(Debug, Default)]
pub struct Merger {
    rows: Vec<Row>,
    /// Places that reports come from.
    places: HashMap<String, usize>,
    /// By place.
    known: Known<usize>,
    known_anywhere: Known<()>,
    claims: Claims,
    groups: BTreeMap<(Reverse<u8>, String, Severity), Group>,
    bounded: bool,
}

#[derive(Debug)]
struct Row {
    host: HostRow,
    place: usize,
    /// A report of the host that counts in its place.
    by: Option<(usize, Why)>,
}

impl Merger {
    /// Adds the report of a host that stands in `file`.
    pub fn add(&mut self, file: &str, entry: HostEntry) {
        if self.rows.len() >= MOST_HOSTS {
            self.bounded = true;
            return;
        }
        let name = entry.name.as_deref().map(DomainName::new);
        let addresses: Vec<IpAddr> = entry.addresses.iter().copied().filter(|addr| identifies(*addr)).collect();
        let (row, places) = (self.rows.len(), self.places.len());
        let place = *self.places.entry(place_of(file).to_owned()).or_insert(places);
        let host = HostRow { address: addresses.first().copied(), ..row_of(file, &entry) };
        let earlier = name.as_ref().and_then(|name| self.known.find(place, name, &addresses));
        let by = earlier.and_then(|earlier| Some((earlier, goes_before(self.rows[earlier].host.taken, host.taken)?)));
        self.rows.push(Row { host, place, by });
        if by.is_some() {
            return;
        }
        if let Some(earlier) = earlier {
            let earlier = &mut self.rows[earlier];
            let why = goes_before(entry.taken, earlier.host.taken).unwrap_or(Why::Earlier);
            earlier.by.get_or_insert((row, why));
        }
        if let Some(name) = name {
            let elsewhere = self.known_anywhere.find((), &name, &addresses);
            if let Some(other) = elsewhere.filter(|other| self.rows[*other].place != place) {
                self.claim(|claims| claims.same_host(&name, other, row));
            }
            self.known.put(place, &name, &addresses, row);
            self.known_anywhere.put((), &name, &addresses, row);
            self.claim(|claims| claims.host_name(row, name));
        }
        for address in addresses {
            self.claim(|claims| claims.address(row, address, false));
        }
        for path in entry.paths.into_iter().filter(|path| !path.unused) {
            if let Some(helo) = path.helo.filter(|helo| !helo.is_empty() && !helo.starts_with('[')) {
                self.claim(|claims| claims.helo(row, DomainName::new(cut(&helo))));
            }
            let Some(sending) = path.sending.filter(|_| !path.relayed) else { continue };
            self.claim(|claims| claims.address(row, sending, true));
            for name in path.ptr {
                self.claim(|claims| claims.ptr(row, DomainName::new(cut(&name)), sending));
            }
        }
        for finding in entry.findings {
            self.group(row, &finding);
        }
    }

    /// The hosts so far, older reports of one among them.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no host yet.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What came of all of them.
    pub fn finish(self) -> Merged {
        let Merger { rows, claims, groups, bounded, .. } = self;
        let replaced = rows.iter().filter_map(|row| {
            let (by, why) = row.by?;
            Some(Replaced { file: row.host.file.clone(), by: rows[by].host.file.clone(), why })
        });
        let replaced: Vec<Replaced> = replaced.collect();
        let mut order: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].by.is_none()).collect();
        order.sort_by(|a, b| rank(&rows[*a].host).cmp(&rank(&rows[*b].host)));
        let mut places: Vec<Option<usize>> = vec![None; rows.len()];
        order.iter().enumerate().for_each(|(place, row)| places[*row] = Some(place));
        let counting = counting(&rows);
        let shared = claims.shared(&places, &counting);
        let findings = groups.into_values().filter_map(|group| {
            let mut hosts: Vec<usize> = group.hosts.iter().filter_map(|row| places[*row]).collect();
            hosts.sort_unstable();
            (!hosts.is_empty()).then_some(Group { hosts, ..group })
        });
        let findings: Vec<Group> = findings.collect();
        let mut rows: Vec<Option<HostRow>> = rows.into_iter().map(|row| Some(row.host)).collect();
        // Each row is in the order once.
        let hosts = order.into_iter().filter_map(|row| rows[row].take()).collect();
        Merged { hosts, shared, findings, replaced, bounded }
    }

    fn claim(&mut self, add: impl FnOnce(&mut Claims)) {
        match self.claims.len() < MOST_CLAIMS {
            true => add(&mut self.claims),
            false => self.bounded = true,
        }
    }

    fn group(&mut self, row: usize, finding: &FindingEntry) {
        let key = (Reverse(weight(finding.severity, finding.verdict)), cut(&finding.code).to_owned(), finding.severity);
        if self.groups.len() >= MOST_GROUPS && !self.groups.contains_key(&key) {
            self.bounded = true;
            return;
        }
        let group = self.groups.entry(key).or_insert_with(|| Group {
            code: cut(&finding.code).to_owned(),
            name: cut(&finding.name).to_owned(),
            severity: finding.severity,
            verdict: finding.verdict,
            hosts: Vec::new(),
        });
        if group.hosts.last() != Some(&row) {
            group.hosts.push(row);
        }
    }
}

/// Whether an address belongs to one machine alone: every host has the others.
fn identifies(address: IpAddr) -> bool {
    !address.is_loopback() && !address.is_unspecified() && !is_link_local(address)
}

/// Where a report comes from: folder and name of the file, without what its format is called.
fn place_of(file: &str) -> &str {
    file.strip_suffix(".json").or_else(|| file.strip_suffix(".ndjson")).unwrap_or(file)
}

/// Why a report taken at `one` counts before one that came later and was taken at `other`; `None`: it does not.
fn goes_before(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Why> {
    match (one, other) {
        (Some(one), Some(other)) if one > other => Some(Why::Older),
        (Some(_), None) => Some(Why::Undated),
        _ => None,
    }
}

/// For each row, the one that counts in its place in the end.
fn counting(rows: &[Row]) -> Vec<usize> {
    let mut to: Vec<usize> = rows.iter().enumerate().map(|(at, row)| row.by.map_or(at, |(by, _)| by)).collect();
    for start in 0..to.len() {
        let mut end = start;
        while to[end] != end {
            end = to[end];
        }
        // No way is gone twice.
        let mut at = start;
        while to[at] != end {
            at = std::mem::replace(&mut to[at], end);
        }
    }
    to
}

fn row_of(file: &str, entry: &HostEntry) -> HostRow {
    let mut counts = BTreeMap::new();
    for finding in &entry.findings {
        *counts.entry((finding.severity, finding.verdict)).or_default() += 1;
    }
    let mut worst: Option<&FindingEntry> = None;
    for finding in &entry.findings {
        let weighs = |finding: &FindingEntry| weight(finding.severity, finding.verdict);
        if worst.is_none_or(|worst| weighs(finding) > weighs(worst)) {
            worst = Some(finding);
        }
    }
    let worst = worst.map(|finding| FindingEntry {
        code: cut(&finding.code).to_owned(),
        name: cut(&finding.name).to_owned(),
        message: cut(&finding.message).to_owned(),
        ..*finding
    });
    let name = entry.name.as_deref().map_or(file, cut).to_owned();
    HostRow { name, file: file.to_owned(), address: None, taken: entry.taken, state: state(entry), counts, worst }
}

fn state(entry: &HostEntry) -> State {
    let worst = entry.findings.iter().map(|finding| weight(finding.severity, finding.verdict)).max().unwrap_or(0);
    match worst {
        5.. => State::Error,
        4 => State::Warning,
        2..=3 => State::Undetermined,
        _ if !entry.paths.is_empty() && !entry.paths.iter().any(|path| path.asked) => State::NotAsked,
        _ => State::Healthy,
    }
}

/// How much a finding weighs beside others: what was seen to be wrong before what could not be seen, things worth knowing last.
fn weight(severity: Severity, verdict: Verdict) -> u8 {
    match (severity, verdict) {
        (Severity::Error, Verdict::Fail) => 5,
        (Severity::Warning, Verdict::Fail) => 4,
        (Severity::Error, Verdict::Undetermined) => 3,
        (Severity::Warning, Verdict::Undetermined) => 2,
        (Severity::Info, Verdict::Fail) => 1,
        (Severity::Info, Verdict::Undetermined) => 0,
    }
}

/// The order of hosts: the worst first, then by name.
fn rank(host: &HostRow) -> (State, Reverse<(usize, usize, usize)>, &str, &str) {
    let counts = (host.failed(Severity::Error), host.failed(Severity::Warning), host.undetermined());
    (host.state, Reverse(counts), &host.name, &host.file)
}

/// The beginning of a text, of [`TEXT_LIMIT`] characters at the most.
fn cut(text: &str) -> &str {
    text.char_indices().nth(TEXT_LIMIT).map_or(text, |(at, _)| &text[..at])
}
