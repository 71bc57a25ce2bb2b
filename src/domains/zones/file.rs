//! Master files that people edit: the text records that should stand in them, and the serial number that has secondary servers fetch the zone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use ring::digest::{SHA256, digest};

use super::kind;
use crate::domains::fix::txt_strings;
use crate::name::DomainName;
use crate::observe::RecordData;
use crate::observe::recorded::{Placed, placed};
use crate::shell;

/// Octets of a master file that is edited: 20,000 records. Whoever has more has a program that writes them.
const OCTETS: usize = 1 << 20;
/// Types of a file that a signer wrote (RFC 4034, RFC 5155), by name and by number (RFC 3597): what is edited is the file that it was made of.
const SIGNED: [&str; 8] = ["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "TYPE46", "TYPE47", "TYPE50", "TYPE51"];

/// A zone's master file (RFC 1035 section 5), as it was read.
#[derive(Debug, Clone)]
pub struct ZoneFile {
    /// Its path, as the host has it, without links.
    pub path: String,
    text: Arc<str>,
    serial: OnceLock<Option<u32>>,
}

/// A record that is to stand in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneEdit {
    /// Its name.
    pub name: DomainName,
    /// What it is to be.
    pub change: ZoneChange,
}

/// What a record is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneChange {
    /// A text.
    Text {
        /// What the DNS has there now, where that is known to be a record of the same kind.
        is: Option<String>,
        /// Its text, in one piece.
        wanted: String,
    },
    /// An address in place of another of the same family.
    Address {
        /// What the DNS has there now.
        is: IpAddr,
        /// What is to stand there.
        wanted: IpAddr,
    },
}

/// What tells edits of a zone apart: the name and, of its addresses, which.
pub type EditKey = (DomainName, Option<IpAddr>);

impl ZoneEdit {
    /// What tells it from others.
    pub fn key(&self) -> EditKey {
        let address = match self.change {
            ZoneChange::Text { .. } => None,
            ZoneChange::Address { is, .. } => Some(is),
        };
        (self.name.clone(), address)
    }

    /// Whether an entry is the record that it puts another in the place of.
    fn replaces(&self, entry: &Placed) -> bool {
        entry.owner == self.name
            && match (&self.change, &entry.data) {
                (ZoneChange::Text { wanted, .. }, Some(RecordData::Txt(text))) => kind(text) == kind(wanted),
                (ZoneChange::Address { is, .. }, Some(data)) => data.address() == Some(*is),
                _ => false,
            }
    }

    /// Type and data of the record that it puts there.
    fn record(&self) -> (&'static str, RecordData) {
        match &self.change {
            ZoneChange::Text { wanted, .. } => ("TXT", RecordData::Txt(wanted.clone())),
            ZoneChange::Address { wanted: IpAddr::V4(address), .. } => ("A", RecordData::A(*address)),
            ZoneChange::Address { wanted: IpAddr::V6(address), .. } => ("AAAA", RecordData::Aaaa(*address)),
        }
    }

    /// Whether it may come to a new line, behind one that another edit replaces.
    fn may_add(&self) -> bool {
        matches!(self.change, ZoneChange::Text { is: None, .. })
    }
}

/// An edit of a master file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// The edits that it makes.
    pub done: BTreeSet<EditKey>,
    /// One command line that does all of it, or nothing, and has BIND read the file.
    pub command: String,
}

impl ZoneFile {
    /// Of what was read at `path`.
    pub fn new(path: String, text: &str) -> ZoneFile {
        ZoneFile { path, text: text.into(), serial: OnceLock::new() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its serial number; `None` where it is not to be edited.
    pub fn serial(&self, zone: &DomainName) -> Option<u32> {
        *self.serial.get_or_init(|| Zone::read(&self.text, zone).map(|zone| zone.serial))
    }

    /// The text with these records in place of what stands there, and the next serial number. A record is left out where it is not sure that this
    /// comes to just that: the file is not what the DNS has, or the name is not the zone's to have text records. `None` where all are.
    pub fn edited(&self, zone: &DomainName, edits: &[ZoneEdit]) -> Option<Edited> {
        let read = Zone::read(&self.text, zone)?;
        let mut lines = Lines::new(&self.text);
        let (added, replaced): (Vec<&ZoneEdit>, Vec<&ZoneEdit>) = edits.iter().partition(|edit| edit.may_add());
        let all = replaced.into_iter().chain(added);
        let done: Vec<&ZoneEdit> = all.filter(|edit| read.put(edit, &mut lines).is_some()).collect();
        if done.is_empty() {
            return None;
        }
        // RFC 1982: one more is always later. 0 is gone by: some secondary servers take it for none.
        let later = read.serial.checked_add(1).unwrap_or(1);
        lines.replace(read.soa.words.get(2)?.clone(), &later.to_string())?;
        let text = lines.text();
        let sed = lines.sed()?;
        is_just_that(&read.all, &placed(&text, zone)?, &done, later).then_some(())?;
        let done = done.into_iter().map(ZoneEdit::key).collect();
        Some(Edited { text, done, command: self.command(zone, &sed)? })
    }

    /// All or nothing: where the file is another by then, nothing happens, and where BIND's own check refuses what came of it, it is as before.
    fn command(&self, zone: &DomainName, sed: &str) -> Option<String> {
        if !self.path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-+@".contains(&byte)) {
            return None;
        }
        let (file, zone) = (&self.path, shell::word(zone.as_str()));
        let sum: String =
            digest(&SHA256, self.text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(format!(
            "echo '{sum}  {file}' | sha256sum -c --quiet && cp -p --remove-destination {file} {file}.before && sed {sed} {file}.before >{file} && \
             {{ named-checkzone {zone} {file} || {{ cp -p {file}.before {file}; false; }}; }} && rndc reload {zone}"
        ))
    }
}

/// What a master file says.
struct Zone<'z> {
    apex: &'z DomainName,
    all: Vec<Placed>,
    soa: Placed,
    serial: u32,
    /// Numbers of the entries of each name.
    by_owner: HashMap<DomainName, Vec<usize>>,
    /// Names that exist, those between them and the apex too.
    nodes: HashSet<DomainName>,
}

impl<'z> Zone<'z> {
    /// `None` where it is not to be edited: it cannot be read, other files belong to it, a signer wrote it.
    fn read(text: &str, apex: &'z DomainName) -> Option<Zone<'z>> {
        if text.len() > OCTETS || text.contains(char::REPLACEMENT_CHARACTER) {
            return None;
        }
        let all = placed(text, apex)?;
        let mut starts = all.iter().filter(|entry| entry.kind == "SOA");
        let soa = starts.next().filter(|entry| entry.owner == *apex)?.clone();
        if starts.next().is_some() || all.iter().any(|entry| SIGNED.contains(&entry.kind.as_str())) {
            return None;
        }
        let Some(RecordData::Soa { serial, .. }) = soa.data else { return None };
        let (mut by_owner, mut nodes): (HashMap<DomainName, Vec<usize>>, _) = (HashMap::new(), HashSet::new());
        for (number, entry) in all.iter().enumerate() {
            by_owner.entry(entry.owner.clone()).or_default().push(number);
            for name in entry.owner.ancestors() {
                if !name.is_within(apex) || !nodes.insert(name) {
                    break;
                }
            }
        }
        Some(Zone { apex, all, soa, serial, by_owner, nodes })
    }

    fn of(&self, name: &DomainName) -> impl DoubleEndedIterator<Item = &Placed> {
        self.by_owner.get(name).into_iter().flatten().filter_map(|number| self.all.get(*number))
    }

    fn has(&self, name: &DomainName, kind: &str) -> bool {
        self.of(name).any(|entry| entry.kind == kind)
    }

    /// Puts a record where it belongs.
    fn put(&self, edit: &ZoneEdit, lines: &mut Lines<'_>) -> Option<()> {
        if !self.may_have_records(&edit.name) {
            return None;
        }
        let mut stands = self.of(&edit.name).filter(|entry| edit.replaces(entry));
        let range = |entry: &Placed| Some(entry.words.first()?.start..entry.words.last()?.end);
        match (&edit.change, stands.next(), stands.next()) {
            (ZoneChange::Text { is, wanted }, Some(entry), None) => {
                let Some(RecordData::Txt(text)) = &entry.data else { return None };
                // A key that another one stands for is known by its name alone.
                let is_published = is.as_ref().map_or(kind(wanted) == "dkim", |is| is == text);
                is_published.then(|| lines.replace(range(entry)?, &txt_strings(wanted)))?
            }
            (ZoneChange::Text { is: None, wanted }, None, _) if !self.hides_others(&edit.name) => {
                let beside = self.of(&edit.name).next_back();
                let ttl = beside.unwrap_or(&self.soa).ttl;
                let record = format!("{}. {ttl} IN TXT {}", edit.name.as_str(), txt_strings(wanted));
                lines.add(beside.or(self.all.last())?.end, &record)
            }
            (ZoneChange::Address { wanted, .. }, Some(entry), None) => {
                let has = |entry: &Placed| entry.data.as_ref().and_then(RecordData::address) == Some(*wanted);
                // A record stands once (RFC 2181 section 5).
                let is_new = !self.of(&edit.name).any(has);
                is_new.then(|| lines.replace(range(entry)?, &wanted.to_string()))?
            }
            _ => None,
        }
    }

    /// Whether records of a name stand in this zone, and beside no alias.
    fn may_have_records(&self, name: &DomainName) -> bool {
        let is_cut = |at: &DomainName| at != self.apex && self.has(at, "NS");
        let leads_away = |above: DomainName| self.has(&above, "DNAME") || is_cut(&above);
        let above = name.ancestors().skip(1);
        let mut above = above.take_while(|above| above.is_within(self.apex));
        name.is_within(self.apex) && !self.has(name, "CNAME") && !is_cut(name) && !above.any(leads_away)
    }

    /// Whether a name that does not exist yet would take from a host what a wildcard gives it (RFC 4592 section 2.2.1). Names of policies and keys
    /// (`_dmarc`, `_domainkey`) have no other records to lose, where the name that they are of exists.
    fn hides_others(&self, name: &DomainName) -> bool {
        let labels: Vec<&str> = name.labels().collect();
        let from = labels.iter().rposition(|label| label.starts_with('_')).map_or(0, |at| at + 1);
        let host = DomainName::new(&labels.get(from..).unwrap_or_default().join("."));
        let wildcard = |above: DomainName| self.nodes.contains(&DomainName::new(&format!("*.{}", above.as_str())));
        !self.nodes.contains(&host) && host.ancestors().skip(1).any(wildcard)
    }
}

/// The lines of a text, and what is made of some of them.
struct Lines<'t> {
    text: &'t str,
    /// Octets at which lines begin, and the text's length.
    starts: Vec<usize>,
    /// By their number, from 0; `None`: the line goes.
    new: BTreeMap<usize, Option<String>>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Lines<'t> {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Lines { text, starts, new: BTreeMap::new() }
    }

    /// Number of the line that holds an octet.
    fn at(&self, octet: usize) -> usize {
        self.starts.partition_point(|start| *start <= octet).saturating_sub(1)
    }

    /// A line without its end.
    fn line(&self, number: usize) -> Option<&'t str> {
        let line = self.text.get(*self.starts.get(number)?..*self.starts.get(number + 1)?)?;
        Some(line.strip_suffix('\n').unwrap_or(line))
    }

    /// Puts something in the place of these octets, whose lines nothing else was put into.
    fn replace(&mut self, range: std::ops::Range<usize>, put: &str) -> Option<()> {
        let (first, last) = (self.at(range.start), self.at(range.end.checked_sub(1)?));
        if self.new.range(first..=last).next().is_some() {
            return None;
        }
        let before = self.line(first)?.get(..range.start - self.starts.get(first)?)?;
        let after = self.line(last)?.get(range.end - self.starts.get(last)?..)?;
        self.new.insert(first, Some(format!("{before}{put}{after}")));
        (first + 1..=last).for_each(|number| drop(self.new.insert(number, None)));
        Some(())
    }

    /// Adds a line behind the one that ends at `end`.
    fn add(&mut self, end: usize, line: &str) -> Option<()> {
        let mut number = self.at(end.checked_sub(1)?);
        while self.new.get(&number) == Some(&None) {
            number = number.checked_sub(1)?;
        }
        let old = self.line(number)?;
        let new = self.new.entry(number).or_insert_with(|| Some(old.to_owned()));
        new.as_mut()?.push_str(&format!("\n{line}"));
        Some(())
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(self.text.len() + 1024);
        for number in 0..self.starts.len() - 1 {
            match self.new.get(&number) {
                None => text.push_str(self.text.get(self.starts[number]..self.starts[number + 1]).unwrap_or_default()),
                Some(None) => {}
                Some(Some(line)) => {
                    text.push_str(line);
                    if self.starts[number + 1] < self.text.len() || self.text.ends_with('\n') {
                        text.push('\n');
                    }
                }
            }
        }
        text
    }

    /// The same as sed(1) does it; `None` where a terminal would show something else than it is.
    fn sed(&self) -> Option<String> {
        let mut parts = Vec::new();
        for (number, line) in &self.new {
            let Some(line) = line else {
                parts.push(format!("-e {}d", number + 1));
                continue;
            };
            let mut put = String::with_capacity(line.len());
            for c in line.chars() {
                match c {
                    '\n' => put.push_str("\\n"),
                    '\t' => put.push_str("\\t"),
                    '/' | '&' | '\\' => put.extend(['\\', c]),
                    ' '..='~' => put.push(c),
                    _ => return None,
                }
            }
            parts.push(format!("-e {}", shell::quoted(&format!("{}s/.*/{put}/", number + 1))));
        }
        Some(parts.join(" "))
    }
}

/// Whether `new` is `old` but for these records and the serial number.
fn is_just_that(old: &[Placed], new: &[Placed], edits: &[&ZoneEdit], later: u32) -> bool {
    let mut wanted: HashMap<&DomainName, Vec<&ZoneEdit>> = HashMap::new();
    edits.iter().for_each(|edit| wanted.entry(&edit.name).or_default().push(edit));
    let goes =
        |entry: &&Placed| wanted.get(&entry.owner).is_some_and(|all| all.iter().any(|edit| edit.replaces(entry)));
    let told = |owner: &DomainName, kind: &str, data: &Option<RecordData>| format!("{owner} {kind} {data:?}");
    let mut expected: Vec<String> = Vec::with_capacity(new.len());
    for entry in old.iter().filter(|entry| !goes(entry)) {
        let data = match entry.data.clone() {
            Some(RecordData::Soa { mname, rname, minimum, .. }) => {
                Some(RecordData::Soa { mname, rname, serial: later, minimum })
            }
            other => other,
        };
        expected.push(told(&entry.owner, &entry.kind, &data));
    }
    expected.extend(edits.iter().map(|edit| {
        let (kind, data) = edit.record();
        told(&edit.name, kind, &Some(data))
    }));
    let mut found: Vec<String> = new.iter().map(|entry| told(&entry.owner, &entry.kind, &entry.data)).collect();
    expected.sort_unstable();
    found.sort_unstable();
    let keys: BTreeSet<EditKey> = edits.iter().map(|edit| edit.key()).collect();
    keys.len() == edits.len() && expected == found
}

#[cfg(test)]
mod tests;
