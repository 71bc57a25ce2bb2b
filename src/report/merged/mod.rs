//! Many hosts in one view: for people, for programs, for a spreadsheet, for a ticket.

mod csv;
mod human;
mod markdown;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::escape::{self, Sanitize, harmless, sanitize_fields};
use crate::findings::{Severity, Verdict};
use crate::merge::{Claimant, FindingEntry, Group, HostRow, Merged, Replaced, Shared, State, What, Why};
use crate::report::plural::count;
use crate::report::{SCHEMA, Style, Tool};

/// Over reports that do not count.
const LEFT_OUT: &str = "Left out for another report of the same host";

/// The formats of `merge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergedFormat {
    /// For people, in a terminal.
    Human,
    /// One JSON document.
    Json,
    /// One line for each host.
    Csv,
    /// For a ticket.
    Markdown,
}

/// Hosts put together, and what could not be read.
#[derive(Debug, Clone)]
pub struct MergedReport {
    /// The hosts.
    pub merged: Merged,
    /// Files that are no report, or not wholly.
    pub unread: Vec<Unread>,
}

/// A file that could not be read, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// The line at which reading ended; null: it was not begun.
    pub line: Option<usize>,
    /// Why.
    pub problem: String,
}

harmless!(State, What, Why, Timestamp, Claimant, BTreeMap<(Severity, Verdict), usize>);
sanitize_fields! {
    MergedReport { merged, unread }
    Unread { file, line, problem }
    Merged { hosts, shared, findings, replaced, bounded }
    HostRow { name, file, address, taken, state, counts, worst }
    FindingEntry { code, name, severity, verdict, message }
    Shared { what, value, hosts }
    Group { code, name, severity, verdict, hosts }
    Replaced { file, by, why }
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool,
    summary: SummaryDoc,
    hosts: Vec<HostDoc<'a>>,
    shared: Vec<SharedDoc<'a>>,
    findings: Vec<GroupDoc<'a>>,
    replaced: Vec<ReplacedDoc<'a>>,
    unread: &'a [Unread],
    bounded: bool,
}

/// Hosts by what they come to.
#[derive(Serialize)]
struct SummaryDoc {
    hosts: usize,
    error: usize,
    warning: usize,
    undetermined: usize,
    not_asked: usize,
    healthy: usize,
}

#[derive(Serialize)]
struct HostDoc<'a> {
    name: &'a str,
    file: &'a str,
    address: Option<IpAddr>,
    taken: Option<String>,
    verdict: &'static str,
    error: usize,
    warning: usize,
    info: usize,
    undetermined: usize,
    worst: Option<WorstDoc<'a>>,
}

#[derive(Serialize)]
struct WorstDoc<'a> {
    code: &'a str,
    name: &'a str,
    severity: Severity,
    verdict: Verdict,
    message: &'a str,
}

#[derive(Serialize)]
struct SharedDoc<'a> {
    what: &'static str,
    value: &'a str,
    hosts: Vec<ClaimantDoc<'a>>,
}

#[derive(Serialize)]
struct ClaimantDoc<'a> {
    name: &'a str,
    file: &'a str,
    #[serde(skip_serializing_if = "<[IpAddr]>::is_empty")]
    addresses: &'a [IpAddr],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    r#as: Vec<&'static str>,
}

#[derive(Serialize)]
struct GroupDoc<'a> {
    code: &'a str,
    name: &'a str,
    severity: Severity,
    verdict: Verdict,
    hosts: Vec<&'a str>,
}

#[derive(Serialize)]
struct ReplacedDoc<'a> {
    file: &'a str,
    by: &'a str,
    why: &'static str,
}

impl MergedReport {
    /// The text in a format, final line end included.
    pub fn render(mut self, format: MergedFormat, style: &Style) -> String {
        if format != MergedFormat::Json {
            self.sanitize();
        }
        match format {
            MergedFormat::Human => human::render(&self, style),
            MergedFormat::Csv => csv::render(&self.merged),
            MergedFormat::Markdown => markdown::render(&self),
            // Neither maps with keys that are no text nor a failing Serialize are in it.
            MergedFormat::Json => escape::json(&self.document(), true).unwrap_or_default(),
        }
    }

    fn document(&self) -> Document<'_> {
        let Merged { hosts, shared, findings, replaced, bounded } = &self.merged;
        let with = |state| self.with(state);
        Document {
            schema: SCHEMA,
            tool: Tool::this(),
            summary: SummaryDoc {
                hosts: hosts.len(),
                error: with(State::Error),
                warning: with(State::Warning),
                undetermined: with(State::Undetermined),
                not_asked: with(State::NotAsked),
                healthy: with(State::Healthy),
            },
            hosts: hosts.iter().map(host).collect(),
            shared: shared.iter().map(|one| self.shared(one)).collect(),
            findings: findings.iter().map(|group| self.group(group)).collect(),
            replaced: replaced.iter().map(replaced_doc).collect(),
            unread: &self.unread,
            bounded: *bounded,
        }
    }

    fn shared<'a>(&'a self, shared: &'a Shared) -> SharedDoc<'a> {
        let claimant = |claimant: &'a Claimant| {
            let host = &self.merged.hosts[claimant.host];
            let (own, sends) = (claimant.own.then_some("interface"), claimant.sends.then_some("sending"));
            let r#as = own.into_iter().chain(sends).collect();
            ClaimantDoc { name: &host.name, file: &host.file, addresses: &claimant.addresses, r#as }
        };
        let hosts = shared.hosts.iter().map(claimant).collect();
        SharedDoc { what: shared.what.as_str(), value: &shared.value, hosts }
    }

    fn group<'a>(&'a self, group: &'a Group) -> GroupDoc<'a> {
        let hosts = group.hosts.iter().map(|host| self.merged.hosts[*host].name.as_str()).collect();
        let Group { code, name, severity, verdict, .. } = group;
        GroupDoc { code, name, severity: *severity, verdict: *verdict, hosts }
    }

    /// Hosts that come to this.
    fn with(&self, state: State) -> usize {
        self.merged.hosts.iter().filter(|host| host.state == state).count()
    }

    /// What all hosts come to, in a sentence.
    fn sentence(&self) -> String {
        let states = [
            (State::Error, "with errors"),
            (State::Warning, "with warnings"),
            (State::Undetermined, "undetermined"),
            (State::NotAsked, "without answers of the DNS"),
            (State::Healthy, "healthy"),
        ];
        let parts = states.map(|(state, words)| (self.with(state), words));
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}")).collect();
        let mut sentence = format!("{}: {}", count(self.merged.hosts.len(), "host"), parts.join(", "));
        let pools = self.merged.shared.iter().filter(|one| one.what == What::Pool).count();
        let twice = self.merged.shared.iter().filter(|one| one.what == What::Reports).count();
        let claims = self.merged.shared.len() - pools - twice;
        for (number, words) in
            [(claims, "claimed by more than one host"), (pools, "shared by several addresses of one host")]
        {
            if number > 0 {
                sentence += &format!("; {number} {} {words}", claimed(number));
            }
        }
        if twice > 0 {
            sentence += &format!("; {} in several reports", count(twice, "host"));
        }
        if !self.unread.is_empty() {
            sentence += &format!("; {} not read", count(self.unread.len(), "file"));
        }
        if self.merged.bounded {
            sentence += "; more than helolint compares: what came last is left out";
        }
        sentence
    }

    /// What is claimed, in a few words, and by whom: hosts up to `most`.
    fn claim(&self, shared: &Shared, most: usize) -> (&'static str, String) {
        let what = match shared.what {
            What::Reports => "several reports say they are",
            What::Address => "address",
            What::HostName => "host name",
            What::Helo => "HELO name",
            What::Ptr => "PTR name",
            What::Pool => "PTR name of several addresses",
        };
        let apart = self.apart(shared.hosts.iter().map(|claimant| claimant.host));
        let claimant = |claimant: &Claimant| {
            let host = &self.merged.hosts[claimant.host];
            let by_file = matches!(shared.what, What::HostName | What::Reports) || apart.has_namesake(host);
            let name = if by_file { apart.file(host) } else { host.name.clone() };
            let addresses: Vec<String> = claimant.addresses.iter().take(most).map(ToString::to_string).collect();
            let more = claimant.addresses.len().saturating_sub(most);
            let how = match (claimant.own, claimant.sends) {
                _ if more > 0 => format!(" ({} and {more} more)", addresses.join(", ")),
                _ if !addresses.is_empty() => format!(" ({})", addresses.join(", ")),
                (true, true) => " (on an interface, sends from it)".to_owned(),
                (true, false) => " (on an interface)".to_owned(),
                (false, true) => " (sends from it)".to_owned(),
                (false, false) => String::new(),
            };
            format!("{name}{how}")
        };
        (what, some(shared.hosts.iter().map(claimant), shared.hosts.len(), most))
    }

    /// The names of a group's hosts, up to `most`.
    fn names(&self, group: &Group, most: usize) -> String {
        let apart = self.apart(group.hosts.iter().copied());
        let names = group.hosts.iter().map(|host| {
            let host = &self.merged.hosts[*host];
            if apart.has_namesake(host) { apart.file(host) } else { host.name.clone() }
        });
        some(names, group.hosts.len(), most)
    }

    /// What tells these hosts apart.
    fn apart(&self, hosts: impl Iterator<Item = usize>) -> Apart<'_> {
        let mut apart = Apart::default();
        for host in hosts.filter_map(|host| self.merged.hosts.get(host)) {
            *apart.names.entry(&host.name).or_default() += 1;
            *apart.reports.entry((&host.name, &host.file)).or_default() += 1;
        }
        apart
    }

    /// What does not count, and why: a sentence for each file, with how many reports in it where there are several.
    fn left_out(&self) -> Vec<String> {
        let mut counts: BTreeMap<(&str, &str, Why), usize> = BTreeMap::new();
        for Replaced { file, by, why } in &self.merged.replaced {
            *counts.entry((file, by, *why)).or_default() += 1;
        }
        let sentence = |((file, by, why), number): ((&str, &str, Why), usize)| {
            let reports = if number > 1 { format!(" ({number} reports)") } else { String::new() };
            let by = if file == by { "another report in it" } else { by };
            let words = match why {
                Why::Older => format!("{by} is newer"),
                Why::Earlier => format!("{by} comes after it"),
                Why::Undated => format!("it does not say when it was taken, and {by} does"),
            };
            format!("{file}{reports}: {words}")
        };
        counts.into_iter().map(sentence).collect()
    }
}

/// Hosts of one name are told apart by their files; those of one file too by an address.
#[derive(Default)]
struct Apart<'m> {
    names: HashMap<&'m str, usize>,
    reports: HashMap<(&'m str, &'m str), usize>,
}

impl Apart<'_> {
    /// Whether another one has its name.
    fn has_namesake(&self, host: &HostRow) -> bool {
        self.names.get(host.name.as_str()).is_some_and(|count| *count > 1)
    }

    /// Its name, with what tells it from those that have the same.
    fn name(&self, host: &HostRow) -> String {
        if self.has_namesake(host) { format!("{} ({})", host.name, self.place(host, ", ")) } else { host.name.clone() }
    }

    /// Its file, with what tells it from those of its name in the same.
    fn file(&self, host: &HostRow) -> String {
        self.place(host, ": ")
    }

    fn place(&self, host: &HostRow, between: &str) -> String {
        let one_of_several =
            self.reports.get(&(host.name.as_str(), host.file.as_str())).is_some_and(|count| *count > 1);
        match host.address.filter(|_| one_of_several) {
            Some(address) => format!("{}{between}{address}", host.file),
            None => host.file.clone(),
        }
    }
}

/// What is claimed, of so many.
fn claimed(number: usize) -> &'static str {
    if number == 1 { "name or address" } else { "names or addresses" }
}

/// The first of `all` texts, and how many more there are.
fn some(texts: impl Iterator<Item = String>, all: usize, most: usize) -> String {
    let shown: Vec<String> = texts.take(most).collect();
    match all.saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn replaced_doc(one: &Replaced) -> ReplacedDoc<'_> {
    ReplacedDoc { file: &one.file, by: &one.by, why: one.why.as_str() }
}

fn host(host: &HostRow) -> HostDoc<'_> {
    let worst = host.worst.as_ref().map(|worst| WorstDoc {
        code: &worst.code,
        name: &worst.name,
        severity: worst.severity,
        verdict: worst.verdict,
        message: &worst.message,
    });
    HostDoc {
        name: &host.name,
        file: &host.file,
        address: host.address,
        taken: host.taken.map(|taken| taken.to_string()),
        verdict: host.state.as_str(),
        error: host.failed(Severity::Error),
        warning: host.failed(Severity::Warning),
        info: host.failed(Severity::Info),
        undetermined: host.undetermined(),
        worst,
    }
}

#[cfg(test)]
mod tests;
