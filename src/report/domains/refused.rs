//! Mail that fails DMARC at domains whose policy has it refused or suspected, and what files leave open: for people.

use std::collections::BTreeMap;

use super::view::{DomainView, GapView};
use super::words::{domains, named};
use crate::domains::fix::says_that_nobody_sends;

/// Domains of one policy whose mail fails DMARC for the same reason.
pub(super) struct Refused<'a> {
    /// What receivers are asked to do.
    pub(super) policy: &'a str,
    /// The addresses, and why.
    pub(super) why: String,
    /// The domains.
    pub(super) domains: Vec<&'a str>,
}

/// Whether what this host sends for a domain fails DMARC from some address, and receivers are asked to act on that.
pub(super) fn is_refused(view: &DomainView) -> bool {
    // Of a domain that nobody sends for, by its own record, refusal is what is wanted.
    let is_parked = view.spf.record.as_deref().is_some_and(says_that_nobody_sends);
    !is_parked && policy(view).is_some() && view.alignment.iter().any(|one| one.dmarc == "fail")
}

/// The policy, where it is one that receivers act on.
fn policy(view: &DomainView) -> Option<&str> {
    let applied = view.dmarc.as_ref()?.applied.as_deref()?;
    ["reject", "quarantine"].contains(&applied).then_some(applied)
}

/// Groups of these domains, `reject` first.
pub(super) fn refused(views: &[DomainView]) -> Vec<Refused<'_>> {
    let mut groups: BTreeMap<(bool, String), Refused<'_>> = BTreeMap::new();
    for view in views.iter().filter(|view| is_refused(view)) {
        let Some(policy) = policy(view) else { continue };
        let failing = view.alignment.iter().filter(|one| one.dmarc == "fail");
        let addresses: Vec<&str> = failing.map(|one| one.address.as_str()).collect();
        let why = format!("from {}: SPF does not pass, and {}", addresses.join(", "), signature(view));
        let group = groups.entry((policy != "reject", why.clone()));
        group.or_insert_with(|| Refused { policy, why, domains: Vec::new() }).domains.push(&view.domain);
    }
    groups.into_values().collect()
}

/// Why no signature passes.
fn signature(view: &DomainView) -> &'static str {
    if view.dkim.is_empty() {
        return "no program here is known to sign for them";
    }
    match view.dkim.iter().any(|one| one.result == "match") {
        true => "the keys that are published are of domains that are not aligned",
        false => "no key that this host signs with is published as it is here",
    }
}

impl Refused<'_> {
    /// In a line.
    pub(super) fn words(&self) -> String {
        format!("{} with p={}, {}", domains(self.domains.len()), self.policy, self.why)
    }

    /// Its first domains.
    pub(super) fn named(&self) -> String {
        named(self.domains.iter().copied(), self.domains.len())
    }
}

impl GapView {
    /// In a line.
    pub fn words(&self) -> String {
        let of = match &self.domains {
            Some(names) if !self.message.contains(&names.join(" ")) => {
                format!(": {}", named(names.iter().map(String::as_str), names.len()))
            }
            _ => String::new(),
        };
        format!("{}: {}{of}", self.place, self.message)
    }
}
