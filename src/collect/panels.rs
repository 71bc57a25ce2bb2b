//! Maps of DirectAdmin and Hestia that say how mail leaves, and which domains are here: what a move has to bring along. What Exim makes of
//! them is worked out by its configuration; these are their lines, so that two hosts can be compared.

use std::cell::Cell;
use std::sync::Arc;

use crate::collect::confidential::OwnFiles;
use crate::collect::lsearch;
use crate::collect::root::{ReadError, Root};
use crate::facts::{MapEntry, MapOf, PanelMap, Problem, ProblemKind, Text};
use crate::name::DomainName;
use crate::source::SourceFile;

/// Maps with a line for each domain or address: DirectAdmin's, and that of Hestia before 1.5.
const FILES: [(&str, MapOf); 5] = [
    ("/etc/virtual/domainips", MapOf::Source),
    ("/etc/virtual/helo_data", MapOf::Helo),
    ("/etc/virtual/domains", MapOf::Local),
    ("/etc/virtual/domainowners", MapOf::Owned),
    ("/etc/exim4/mailhelo.conf", MapOf::Helo),
];
/// Hestia's folders of domains, by name.
const HESTIA: &str = "/etc/exim4/domains";
/// The relay of whoever has none of their own.
const HESTIA_RELAY: &str = "/etc/exim4/smtp_relay.conf";
/// Folders of domains that are looked into, twice each: ten times what one server of Hestia has.
const FOLDERS: usize = 10_000;

/// Octets of a file that holds what belongs to one domain: an address, or a relay with its password.
const OF_A_DOMAIN: u64 = 4096;

/// The maps that stand below `root`, and what is too large in them. `None` where something of them could not be read: what of it is gone on a
/// new host, and what is just not seen, could not be told apart.
pub(crate) fn collect(root: &Root) -> (Option<Vec<PanelMap>>, Vec<Problem>) {
    let files = Files { root, own: OwnFiles::of_exim(root, []), missed: Cell::new(false) };
    let (mut maps, mut problems) = (Vec::new(), Vec::new());
    for (path, of) in FILES {
        let Some(file) = files.read(path) else { continue };
        let found = lsearch::read(&file);
        if found.cut {
            let limit = lsearch::ENTRY_LIMIT;
            problems.push(too_many(path, format!("{path} has more than {limit} entries: nothing in it is compared")));
            continue;
        }
        let entries = found.entries.into_iter().filter(|entry| !entry.key.is_empty());
        let entries = match of {
            // What follows a domain there means nothing, or is a user.
            MapOf::Local | MapOf::Owned => entries.map(|entry| listed(&entry.key)).collect(),
            MapOf::Source | MapOf::Helo | MapOf::Relay => entries.collect(),
        };
        maps.push(PanelMap { file: path.to_owned(), of, entries });
    }
    maps.extend(hestia(&files, &mut problems));
    let whole = problems.is_empty() && !files.missed.get();
    (whole.then_some(maps), problems)
}

/// The files, and whether one that is there could not be read.
struct Files<'r> {
    root: &'r Root,
    own: OwnFiles<'r>,
    missed: Cell<bool>,
}

impl Files<'_> {
    fn read(&self, path: &str) -> Option<Arc<SourceFile>> {
        let read = self.own.read(path);
        if !matches!(read, Ok(_) | Err(ReadError::NotFound | ReadError::NotRegular(_))) {
            self.missed.set(true);
        }
        read.ok()
    }

    /// A file of one domain, which its customer may have written: what is larger than any such is not read.
    fn read_of_a_domain(&self, path: &str, problems: &mut Vec<Problem>) -> Option<Arc<SourceFile>> {
        if self.root.status(path).is_some_and(|status| status.is_file && status.size > OF_A_DOMAIN) {
            let message = format!("{path} has more than {OF_A_DOMAIN} octets: it is not compared");
            problems.push(too_many(path, message));
            return None;
        }
        self.read(path)
    }
}

/// Hestia's, which has a folder for each domain.
fn hestia(files: &Files<'_>, problems: &mut Vec<Problem>) -> Vec<PanelMap> {
    let names = if files.own.may_look_at(HESTIA) { files.root.names_in(HESTIA, FOLDERS) } else { Vec::new() };
    if names.len() > FOLDERS {
        let message = format!("{HESTIA} has more than {FOLDERS} domains: their files are not compared");
        problems.push(too_many(HESTIA, message));
        return Vec::new();
    }
    let names: Vec<String> = names.into_iter().filter(|name| DomainName::new(name).is_qualified()).collect();
    let (mut local, mut source, mut relay) = (Vec::new(), Vec::new(), Vec::new());
    for name in &names {
        let folder = format!("{HESTIA}/{name}");
        let nothing = SourceFile::new(folder.as_str(), b"").span(0, 0);
        local.push(listed(&Text::new(nothing, name.as_str())));
        // A snapshot has the line of each place: that of a value holds nothing else.
        let entry = |value: Text| MapEntry { key: Text::new(value.span().clone(), name.as_str()), value };
        if let Some(file) = files.read_of_a_domain(&format!("{folder}/ip"), problems)
            && let Some(value) = address(&file)
        {
            source.push(entry(value));
        }
        if let Some(file) = files.read_of_a_domain(&format!("{folder}/smtp_relay.conf"), problems)
            && let Some(value) = relay_of(&file)
        {
            relay.push(entry(value));
        }
    }
    let map = |file: String, of, entries| PanelMap { file, of, entries };
    let mut maps = vec![
        map(format!("{HESTIA}/*"), MapOf::Local, local),
        map(format!("{HESTIA}/*/ip"), MapOf::Source, source),
        map(format!("{HESTIA}/*/smtp_relay.conf"), MapOf::Relay, relay),
    ];
    if let Some(file) = files.read_of_a_domain(HESTIA_RELAY, problems)
        && let Some(value) = relay_of(&file)
    {
        let key = Text::new(value.span().clone(), "host");
        maps.push(map(HESTIA_RELAY.to_owned(), MapOf::Relay, vec![MapEntry { key, value }]));
    }
    maps.retain(|map| !map.entries.is_empty());
    maps
}

/// A domain of a list, as the DNS compares it.
fn listed(name: &Text) -> MapEntry {
    let place = name.span().clone();
    let nothing = place.file().span(place.range().end, place.range().end);
    MapEntry { key: Text::new(place, DomainName::new(name).as_str()), value: Text::from_span(nothing) }
}

/// The address that a file is made of.
fn address(file: &Arc<SourceFile>) -> Option<Text> {
    let text = file.text().trim();
    text.parse::<std::net::IpAddr>().ok()?;
    let start = file.text().len() - file.text().trim_start().len();
    Some(Text::from_span(file.span(start, start + text.len())))
}

/// Host and port of a relay's file, which has a user and a password too.
fn relay_of(file: &Arc<SourceFile>) -> Option<Text> {
    let entries = lsearch::read(file).entries;
    let value = |key: &str| entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)).map(|entry| &entry.value);
    let host = value("host").filter(|host| !host.is_empty() && !host.contains(char::is_whitespace))?;
    let port = value("port").filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    Some(match port {
        Some(port) => Text::new(host.span().clone(), format!("{}:{}", &**host, &**port)),
        None => host.clone(),
    })
}

fn too_many(path: &str, message: String) -> Problem {
    Problem::of_file(ProblemKind::Bounded, path, None, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::folder;
    use std::fs;

    fn found(files: &[(&str, &str)]) -> (Vec<String>, usize) {
        let dir = folder(files);
        let (maps, problems) = collect(&Root::open(dir.path()).unwrap());
        let line = |map: &PanelMap, entry: &MapEntry| {
            let line = entry.value.span().position().line;
            format!("{:?} {} {}={} :{line}", map.of, map.file, &*entry.key, &*entry.value)
        };
        let maps = maps.unwrap_or_default();
        (maps.iter().flat_map(|map| map.entries.iter().map(|entry| line(map, entry))).collect(), problems.len())
    }

    #[test]
    fn lines_of_directadmin() {
        let (lines, problems) = found(&[
            ("/etc/virtual/domainips", "# own\nShop.example: 203.0.113.11\n*: 203.0.113.10\n"),
            ("/etc/virtual/helo_data", "203.0.113.11: mail.shop.example\n\"2001:db8::1\": six.example\n"),
            ("/etc/virtual/domains", "Shop.example\n"),
            ("/etc/virtual/domainowners", "shop.example: alice\n"),
        ]);
        assert_eq!(
            lines,
            [
                "Source /etc/virtual/domainips Shop.example=203.0.113.11 :2",
                "Source /etc/virtual/domainips *=203.0.113.10 :3",
                "Helo /etc/virtual/helo_data 203.0.113.11=mail.shop.example :1",
                "Helo /etc/virtual/helo_data 2001:db8::1=six.example :2",
                "Local /etc/virtual/domains shop.example= :1",
                "Owned /etc/virtual/domainowners shop.example= :1",
            ]
        );
        assert_eq!(problems, 0);
    }

    #[test]
    fn lines_of_hestia() {
        let (lines, problems) = found(&[
            ("/etc/exim4/domains/a.example/ip", " 203.0.113.11\n"),
            ("/etc/exim4/domains/a.example/smtp_relay.conf", "host: smtp.relay.example\nport: 587\nuser: u\npass: w\n"),
            ("/etc/exim4/domains/b.example/ip", "no address\n"),
            ("/etc/exim4/domains/b.example/smtp_relay.conf", "host:\nport: 25\n"),
            ("/etc/exim4/domains/README", ""),
            ("/etc/exim4/smtp_relay.conf", "host:all.relay.example\nport:x\n"),
            ("/etc/exim4/mailhelo.conf", "a.example:mail.a.example\n"),
        ]);
        assert_eq!(
            lines,
            [
                "Helo /etc/exim4/mailhelo.conf a.example=mail.a.example :1",
                "Local /etc/exim4/domains/* a.example= :1",
                "Local /etc/exim4/domains/* b.example= :1",
                "Source /etc/exim4/domains/*/ip a.example=203.0.113.11 :1",
                "Relay /etc/exim4/domains/*/smtp_relay.conf a.example=smtp.relay.example:587 :1",
                "Relay /etc/exim4/smtp_relay.conf host=all.relay.example :1",
            ]
        );
        assert_eq!(problems, 0);
    }

    #[test]
    fn a_file_of_a_domain_is_small() {
        for (size, problems) in [(OF_A_DOMAIN, 0), (OF_A_DOMAIN + 1, 1)] {
            let text = format!("{:size$}", "203.0.113.11", size = usize::try_from(size).unwrap());
            let (lines, found) = found(&[("/etc/exim4/domains/a.example/ip", &text)]);
            assert_eq!((lines.is_empty(), found), (problems > 0, problems));
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let full = "a.example: 203.0.113.11\n".repeat(lsearch::ENTRY_LIMIT);
        let more = format!("{full}a.example: 203.0.113.11\n");
        for (text, problems) in [(&full, 0), (&more, 1)] {
            let (lines, found) = found(&[("/etc/virtual/domainips", text)]);
            assert_eq!((lines.is_empty(), found), (problems > 0, problems));
        }
        let dir = tempfile::tempdir().unwrap();
        let folder = |number: usize| {
            let name = format!("etc/exim4/domains/{number}.example");
            fs::create_dir_all(dir.path().join(name)).unwrap();
        };
        (0..FOLDERS).for_each(folder);
        let (maps, problems) = collect(&Root::open(dir.path()).unwrap());
        assert_eq!((maps.unwrap()[0].entries.len(), problems.len()), (FOLDERS, 0));
        folder(FOLDERS);
        let (maps, problems) = collect(&Root::open(dir.path()).unwrap());
        assert_eq!((maps.is_none(), problems.len()), (true, 1));
    }
}
