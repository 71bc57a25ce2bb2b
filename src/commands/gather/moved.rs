//! The host before its move, and what of it is looked for on this one.

use std::sync::Arc;

use crate::collect::{self, root::Root};
use crate::compare;
use crate::domains::{MailDomains, MovedHost};
use crate::error::Error;
use crate::facts::{Answers, Facts, Mapped, Moved, Overrides};
use crate::inputs::Input;
use crate::{domains, identity, snapshot};

/// A host before its move.
pub(super) struct Before {
    facts: Facts,
    answers: Answers,
    domains: MailDomains,
    taken: String,
}

/// Reads its snapshot.
///
/// # Errors
/// Where it is none.
pub(super) fn read(input: &Input) -> Result<Before, Error> {
    let (mut facts, dns, taken) = snapshot::read_dated(input.text()).map_err(|error| input.refused(error))?;
    identity::apply(&mut facts, Overrides::default());
    let domains = snapshot::read_domains(input.text()).map_err(|error| input.refused(error))?.of(&facts);
    Ok(Before { facts, answers: compare::answers(&dns), domains, taken })
}

/// Reads what is read on this host alone where it was moved.
pub(super) fn read_ahead(root: &Root, facts: &Facts) {
    let names = identity::host_and_own_names(facts).into_iter().map(|name| name.name).collect::<Vec<_>>();
    collect::read_zones(root, facts, &names);
}

/// Puts it into the facts of the new host, which handles the domains `here`: what is looked for, where it still stands, which addresses are asked
/// about, whose mail is handled otherwise.
pub(super) fn put(facts: &mut Facts, before: &Before, map: &[Mapped], root: Option<&Root>, here: &MailDomains) {
    let sought = compare::sought(&before.facts, facts);
    for addr in sought.addresses.iter().filter(|addr| crate::addr::is_public(**addr)) {
        if !facts.old_addresses.contains(addr) {
            facts.old_addresses.push(*addr);
        }
    }
    facts.removed = root.map(collect::removed_records).unwrap_or_default();
    facts.leftovers = root.map(|root| collect::left_behind(root, &sought)).unwrap_or_default();
    let was = MovedHost { facts: &before.facts, domains: &before.domains };
    let (domains, open) = domains::moved(was, MovedHost { facts, domains: here }, map);
    facts.moved = Some(Arc::new(Moved {
        old: before.facts.clone(),
        taken: before.taken.clone(),
        answers: before.answers.clone(),
        map: map.to_vec(),
        sought,
        domains,
        open,
    }));
}
