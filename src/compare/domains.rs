//! Domains whose mail is handled otherwise than on the old host.

use super::change::{Change, Effect, What};
use super::mapping::Mapping;
use crate::facts::moved::{Moved, MovedDomain, MovedMail, SignedHere};

/// What changed of them. A name that became another is another domain's.
pub(super) fn changes(moved: &Moved, mapping: &Mapping) -> Vec<Change> {
    let stays = |domain: &&MovedDomain| mapping.translated(domain.name.as_str()).1.is_none();
    moved.domains.iter().filter(stays).map(change).collect()
}

fn change(domain: &MovedDomain) -> Change {
    let place =
        |change: Change| if domain.on_old_host { change.was_at(&domain.origin) } else { change.at(&domain.origin) };
    match &domain.what {
        MovedMail::Handled { was, is } => {
            let because = match is {
                None => "no list of this host names the domain, so mail for it is refused or goes elsewhere",
                Some("local") => "its mail is delivered here, and was not on the old host",
                Some(_) => "its mail was handled otherwise on the old host",
            };
            let change = Change::new(What::MapLine, format!("mail for {}", domain.name), Some(was), *is);
            place(change).drift(Effect::Routing, because)
        }
        MovedMail::Signed { record, is } => {
            let new = match is {
                SignedHere::Nothing | SignedHere::AnotherName => None,
                SignedHere::AnotherKey => Some("another key"),
            };
            let change = Change::new(What::Setting, format!("DKIM key {record}"), Some("signs here"), new);
            match is {
                SignedHere::Nothing => {
                    place(change).drift(Effect::Lost, format!("mail of {} is not signed here", domain.name))
                }
                SignedHere::AnotherKey => place(change).drift(
                    Effect::Lost,
                    "this host signs with another key under the same name: the published record is of one of the two",
                ),
                SignedHere::AnotherName => {
                    place(change).expected("the domain's mail is signed under another selector here")
                }
            }
        }
    }
}
