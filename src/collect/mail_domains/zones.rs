//! Zones that this host keeps: by panels, and in master files that people edit.

use std::collections::BTreeSet;

use super::{HESTIA_USERS, USER_LIMIT, named};
use crate::collect::root::Root;
use crate::domains::MailDomains;
use crate::domains::zones::{KeptText, ZoneFile, ZoneKeeper};
use crate::facts::Facts;
use crate::managers::{self, Kind};
use crate::name::DomainName;

/// Where cPanel keeps zones, and how their files end.
const CPANEL: (&str, &str) = ("/var/named", ".db");
/// Zones of one user of Hestia that are looked at.
const ZONE_LIMIT: usize = 10_000;

/// Lines of a file in which programs say that they wrote it.
const HEAD: usize = 20;
/// Words, in small letters, by which they say so.
const GENERATED: [&str; 13] = [
    "generated",
    "managed",
    "maintained by",
    "written by",
    "created by",
    "do not edit",
    "don't edit",
    "do not modify",
    "do not change",
    "by hand",
    "overwritten",
    "be lost",
    "are lost",
];
/// Managers that write no zones.
const WITHOUT_ZONES: [Kind; 4] = [Kind::Container, Kind::Distribution, Kind::ConfigurationManager, Kind::Cloud];

/// Adds the zones that hold the domains.
pub(super) fn add(root: &Root, facts: &Facts, found: &mut MailDomains) {
    let names: BTreeSet<DomainName> =
        found.domains.keys().flat_map(|name| name.ancestors()).filter(DomainName::is_qualified).collect();
    if facts.cpanel.is_some() {
        let (folder, ending) = CPANEL;
        for name in names.iter().filter(|name| !name.as_str().contains('/')) {
            if root.exists(&format!("{folder}/{}{ending}", name.as_str())) {
                found.zones.insert(name.clone(), ZoneKeeper::Cpanel);
            }
        }
    }
    for user in root.names_in(HESTIA_USERS, USER_LIMIT) {
        let folder = format!("{HESTIA_USERS}/{user}/dns");
        for file in root.names_in(&folder, ZONE_LIMIT) {
            let Some(zone) = file.strip_suffix(".conf").map(DomainName::new) else { continue };
            let Some(text) = root.read(&format!("{folder}/{file}")).ok().filter(|_| names.contains(&zone)) else {
                continue;
            };
            let texts = text.text().lines().filter_map(kept_text).collect();
            found.zones.insert(zone, ZoneKeeper::Hestia { user: user.clone(), texts });
        }
    }
    // What writes zones from a data base writes them again.
    let is_written = facts.cpanel.is_some()
        || facts.managers.iter().any(|known| {
            managers::find(&known.id)
                .is_none_or(|manager| !WITHOUT_ZONES.contains(&manager.kind) || manager.id == "nixos")
        });
    if !is_written {
        for (zone, path) in named::zones(root, &names) {
            let file = path.and_then(|path| Some((root.read(&path).ok()?, path)));
            let keeper = match file.filter(|(file, _)| !says_generated(file.text())) {
                Some((file, path)) => ZoneKeeper::Bind(ZoneFile::new(path, file.text())),
                None => ZoneKeeper::Other,
            };
            found.zones.entry(zone).or_insert(keeper);
        }
    }
}

/// Whether a comment at the beginning of a master file says that a program wrote it.
fn says_generated(text: &str) -> bool {
    let comments = text.lines().take(HEAD).filter_map(|line| line.split_once(';'));
    comments
        .map(|(_, comment)| comment.to_ascii_lowercase())
        .any(|comment| GENERATED.iter().any(|words| comment.contains(words)))
}

/// A TXT record on a line of Hestia's: `ID='3' RECORD='@' TYPE='TXT' PRIORITY='' VALUE='"..."' ...`.
fn kept_text(line: &str) -> Option<KeptText> {
    let value = |name: &str| {
        let (_, rest) = line.split_once(&format!("{name}='"))?;
        rest.split_once('\'').map(|(value, _)| value)
    };
    if value("TYPE") != Some("TXT") {
        return None;
    }
    let text = value("VALUE")?.replace("\" \"", "").replace('"', "");
    Some(KeptText { id: value("ID")?.to_owned(), name: value("RECORD")?.to_owned(), text })
}
