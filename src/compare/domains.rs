//! Domains whose mail is handled otherwise than on the old host.

use super::change::{Change, Effect, What};
use crate::facts::moved::{Moved, MovedDomain, MovedMail, SignedHere};

/// What changed of them.
pub(super) fn changes(moved: &Moved) -> Vec<Change> {
    moved.domains.iter().map(change).collect()
}

fn change(domain: &MovedDomain) -> Change {
    let place = |change: Change| match &domain.at {
        Some((origin, true)) => change.was_at(origin),
        Some((origin, false)) => change.at(origin),
        None => change,
    };
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
        MovedMail::Signed { record, file, is } => {
            let new = match is {
                SignedHere::Nothing | SignedHere::AnotherName => None,
                SignedHere::AnotherKey => Some("another key"),
            };
            let key = format!("DKIM key {record} for {}", domain.name);
            let change = Change::new(What::Setting, key, Some(file), new);
            match is {
                SignedHere::Nothing => place(change).drift(Effect::Lost, "mail of this domain is not signed here"),
                SignedHere::AnotherKey => place(change).drift(
                    Effect::Lost,
                    "this host signs under the same name with another key, and one record can hold only one of the two",
                ),
                SignedHere::AnotherName => place(change).expected(
                    "mail of this domain is signed under another name here; `helolint domains` looks for its record",
                ),
            }
        }
    }
}
