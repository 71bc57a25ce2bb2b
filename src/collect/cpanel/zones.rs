//! What a transfer left in the zones that a cPanel server keeps: a record that it took out stays as a comment. Everything else in a zone is the
//! DNS's to say.

use std::sync::Arc;

use crate::collect::root::Root;
use crate::facts::{Facts, RemovedRecord};
use crate::name::DomainName;
use crate::source::SourceFile;

/// Where the zones are kept.
const FOLDER: &str = "/var/named/";
const ENDING: &str = ".db";
/// Zones that are read: those of the host's names and of so many domains, of which the first few say enough.
const ZONES: usize = 500;
/// Records of one zone that are told.
const IN_ONE_ZONE: usize = 100;
/// What a transfer writes behind a record that it takes out.
pub(crate) const MARK: &str = "Previous value removed by cPanel transfer auto-merge";
/// Types of records, to tell a line without a name.
const TYPES: [&str; 9] = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"];

/// Reads the zones of these names and of the accounts' domains, for [`removed_records`]. Nothing on a host without cPanel.
pub(crate) fn read_zones(root: &Root, facts: &Facts, names: &[DomainName]) {
    let Some(cpanel) = &facts.cpanel else { return };
    let own = names.iter().flat_map(|name| parents(name.as_str()));
    let domains = cpanel.userdomains.iter().map(|entry| DomainName::new(&entry.key).as_str().to_owned());
    for zone in own.chain(domains).filter(|zone| !zone.contains('/')).take(ZONES) {
        // One that is not there has no traces.
        let _ = root.read(&format!("{FOLDER}{zone}{ENDING}"));
    }
}

/// A name and those above it, of two labels at least.
fn parents(name: &str) -> Vec<String> {
    let from = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
    from.filter_map(|from| name.get(from..)).filter(|name| name.contains('.')).map(str::to_owned).collect()
}

/// The records that a transfer took out of zones that were read.
pub(crate) fn removed_records(root: &Root) -> Vec<RemovedRecord> {
    let mut zones: Vec<String> =
        root.paths_read().into_iter().filter(|path| path.starts_with(FOLDER) && path.ends_with(ENDING)).collect();
    zones.sort();
    zones.iter().filter_map(|path| root.read(path).ok()).flat_map(|file| removed_in(&file)).collect()
}

/// Those of one zone.
pub(crate) fn removed_in(file: &Arc<SourceFile>) -> Vec<RemovedRecord> {
    let origin = file.path().strip_prefix(FOLDER).and_then(|name| name.strip_suffix(ENDING)).unwrap_or_default();
    let mut all = Vec::new();
    let mut start = 0;
    for line in file.text().split_inclusive('\n') {
        if all.len() == IN_ONE_ZONE {
            break;
        }
        let span = file.span(start, start + line.trim_end().len());
        start += line.len();
        let Some((record, when)) = line.trim_start().strip_prefix(';').and_then(|line| line.split_once(MARK)) else {
            continue;
        };
        let mut words = record.trim_matches([';', ' ', '\t']).split_whitespace().peekable();
        let is_no_name =
            |word: &str| word.bytes().all(|byte| byte.is_ascii_digit()) || word == "IN" || TYPES.contains(&word);
        let name = match words.next_if(|word| !is_no_name(word)) {
            None | Some("@") => origin.to_owned(),
            Some(name) => match name.strip_suffix('.') {
                Some(whole) => whole.to_owned(),
                None => format!("{name}.{origin}"),
            },
        };
        let Some(rtype) = words.find(|word| TYPES.contains(word)) else { continue };
        let data: Vec<&str> = words.collect();
        let when = when.trim().trim_start_matches("on").trim();
        all.push(RemovedRecord {
            question: format!("{}. {rtype}", DomainName::new(&name).as_str()),
            data: data.join(" "),
            when: when.to_owned(),
            origin: span.into(),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_line() {
        let text = "$TTL 14400\n\
            ; mail 14400 IN A 198.51.100.7 ; Previous value removed by cPanel transfer auto-merge on Fri Nov 20 2026\n\
            mail 14400 IN A 203.0.113.10\n\
            ;@ IN TXT \"v=spf1 ip4:198.51.100.7 -all\" Previous value removed by cPanel transfer auto-merge on x\n\
            ; example.net. MX 10 old.example.net. ; Previous value removed by cPanel transfer auto-merge\n\
            ; 14400 IN AAAA 2001:db8::7 ; Previous value removed by cPanel transfer auto-merge on y\n\
            ; nonsense Previous value removed by cPanel transfer auto-merge on z\n\
            mail IN TXT \"; Previous value removed by cPanel transfer auto-merge\"\n\
            ; a comment\n";
        let file = SourceFile::new("/var/named/example.com.db", text.as_bytes());
        let found = removed_in(&file);
        let shown: Vec<String> = found
            .iter()
            .map(|one| format!("{} {} {} {}", one.question, one.data, one.when, one.origin.describe()))
            .collect();
        assert_eq!(
            shown,
            [
                "mail.example.com. A 198.51.100.7 Fri Nov 20 2026 /var/named/example.com.db:2",
                "example.com. TXT \"v=spf1 ip4:198.51.100.7 -all\" x /var/named/example.com.db:4",
                "example.net. MX 10 old.example.net.  /var/named/example.com.db:5",
                "example.com. AAAA 2001:db8::7 y /var/named/example.com.db:6",
            ]
        );
    }

    #[test]
    fn a_zone_of_traces_tells_the_first_of_them() {
        let line = "; a A 198.51.100.7 ; Previous value removed by cPanel transfer auto-merge on x\n";
        let count = |lines: usize| {
            removed_in(&SourceFile::new("/var/named/example.com.db", line.repeat(lines).as_bytes())).len()
        };
        assert_eq!((count(IN_ONE_ZONE - 1), count(IN_ONE_ZONE), count(IN_ONE_ZONE + 1)), (99, 100, 100));
    }

    #[test]
    fn zones_of_the_names_and_those_above() {
        assert_eq!(parents("mail.example.com"), ["mail.example.com", "example.com"]);
        assert_eq!(parents("localhost"), [""; 0]);
    }
}
