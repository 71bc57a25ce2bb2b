//! Many hosts side by side: what the report of no single one can say. Pure: texts of reports are read ([`read()`]), put together
//! ([`Merger`]), and what two hosts claim is found.

mod claims;
mod read;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::addr::is_link_local;
use crate::findings::{Severity, Verdict};
use crate::name::DomainName;

use claims::Claims;
pub use claims::{Claimant, Shared, What};
pub use read::{Document, SCHEMA, Unreadable, read};

/// Hosts that are put together: ten times the largest fleet that was thought of.
const MOST_HOSTS: usize = 100_000;
/// Names and addresses that are compared, of all hosts: some 80 MB.
const MOST_CLAIMS: usize = 1_000_000;
/// Rules with severity and verdict that are told apart: thirty times what there is.
const MOST_GROUPS: usize = 20_000;
/// Addresses by which a host is known again.
const IDENTIFYING: usize = 8;
/// Characters of a message or a name that are kept: a domain name has 253 at the most.
const TEXT_LIMIT: usize = 300;

/// What is read of one host's report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostEntry {
    /// What `hostname -f` prints, else the node name.
    pub name: Option<String>,
    /// When the DNS answered, as the report writes it.
    pub taken: Option<String>,
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
    /// When the DNS answered.
    pub taken: Option<String>,
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

/// An older report of a host that has a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The file of the older one.
    pub file: String,
    /// The file of the newer one.
    pub by: String,
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
    /// Reports that newer ones stand for.
    pub replaced: Vec<Replaced>,
    /// There are more hosts, names or addresses than are kept: those that came last are not compared.
    pub bounded: bool,
}

/// Puts hosts together, one after the other; of each, it keeps what is compared.
#[derive(Debug, Default)]
pub struct Merger {
    rows: Vec<Row>,
    /// Rows by name and address; without address where the report has none.
    known: HashMap<(DomainName, Option<IpAddr>), usize>,
    /// The last row of each name.
    names: HashMap<DomainName, usize>,
    claims: Claims,
    groups: BTreeMap<(Reverse<u8>, String, Severity), Group>,
    bounded: bool,
}

#[derive(Debug)]
struct Row {
    host: HostRow,
    /// A newer report of the host.
    newer: Option<usize>,
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
        let earlier = name.as_ref().and_then(|name| self.same_host(name, &addresses));
        let row = self.rows.len();
        let host = row_of(file, &entry);
        let older = earlier.filter(|earlier| self.rows[*earlier].host.taken > host.taken);
        self.rows.push(Row { host, newer: older });
        if older.is_some() {
            return;
        }
        if let Some(earlier) = earlier {
            self.rows[earlier].newer.get_or_insert(row);
        }
        if let Some(name) = name {
            self.names.insert(name.clone(), row);
            for address in identity(&addresses) {
                self.known.insert((name.clone(), address), row);
            }
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
            let by = rows[row.newer?].host.file.clone();
            Some(Replaced { file: row.host.file.clone(), by })
        });
        let replaced: Vec<Replaced> = replaced.collect();
        let mut order: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].newer.is_none()).collect();
        order.sort_by(|a, b| rank(&rows[*a].host).cmp(&rank(&rows[*b].host)));
        let mut places: Vec<Option<usize>> = vec![None; rows.len()];
        order.iter().enumerate().for_each(|(place, row)| places[*row] = Some(place));
        let shared = claims.shared(&places);
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

    /// The row of an earlier report of the same host: one of that name that has one of the addresses, or none to tell it by.
    fn same_host(&self, name: &DomainName, addresses: &[IpAddr]) -> Option<usize> {
        let at = |address| self.known.get(&(name.clone(), address));
        let found = match addresses.is_empty() {
            true => self.names.get(name),
            false => identity(addresses).find_map(at).or_else(|| at(None)),
        };
        found.copied()
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

/// What a host of a name is known by.
fn identity(addresses: &[IpAddr]) -> impl Iterator<Item = Option<IpAddr>> {
    let none = addresses.is_empty().then_some(None);
    addresses.iter().copied().take(IDENTIFYING).map(Some).chain(none)
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
    let taken = entry.taken.as_deref().map(|taken| cut(taken).to_owned());
    HostRow { name, file: file.to_owned(), taken, state: state(entry), counts, worst }
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
