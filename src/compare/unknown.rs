//! What could not be compared: that it did not change is not said then.

use crate::addr::Family;
use crate::facts::{Facts, HostFqdn, Moved, SenderDomains};
use crate::observe::{Lookup, Observations, RecordType};

/// Something of two hosts that nobody knows of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCompared {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// All of it.
pub fn not_compared(moved: &Moved, facts: &Facts, dns: &Observations) -> Vec<NotCompared> {
    let mut all = Vec::new();
    let mut add = |what: &str, why: String| all.push(NotCompared { what: what.to_owned(), why });
    let old = &moved.old;
    if facts.host.addresses.is_none() && old.host.addresses.is_some() {
        let why = "the kernel was not asked; `helolint kernel` on that host writes a file for --kernel".to_owned();
        add("addresses, and from which of them mail leaves", why);
    }
    if let (HostFqdn::Name(_), HostFqdn::Unknown(why)) = (&old.host.fqdn, &facts.host.fqdn) {
        add("hostname -f", why.clone());
    }
    for family in Family::BOTH {
        let has = |facts: &Facts| facts.paths.iter().any(|path| path.family == family && !path.unused);
        let undecided = |facts: &Facts| {
            let mut paths = facts.paths.iter().filter(|path| path.family == family && !path.unused);
            paths.any(|path| path.sender_domains == SenderDomains::Undecided)
        };
        if has(old) && undecided(facts) {
            let why = "files do not decide which senders take which of them".to_owned();
            add(&format!("{} paths", family.title()), why);
        }
    }
    if old.panel_maps.is_none() || facts.panel_maps.is_none() {
        let which = if facts.panel_maps.is_none() { "this host" } else { "the old host" };
        let is_there = |facts: &Facts| facts.panel_maps.as_ref().is_some_and(|maps| !maps.is_empty());
        if is_there(old) || is_there(facts) {
            add("maps of the panel", format!("not all of them could be read on {which}"));
        }
    }
    for why in &moved.open {
        add("domains whose mail is handled here, and their keys", why.clone());
    }
    let unanswered = |question: &&crate::observe::Question| {
        let is_told = !matches!(question.rtype, RecordType::Ns | RecordType::Soa);
        is_told && matches!(dns.truth(question).lookup, Lookup::Unanswered(_))
    };
    match dns.replies.keys().filter(unanswered).count() {
        _ if moved.answers.is_empty() => {
            add("records", "the snapshot of before holds no answers of the DNS".to_owned());
        }
        _ if dns.replies.is_empty() => add("records", "the DNS was not asked".to_owned()),
        0 => {}
        1 => add("records", "one question has no answer, which is no change".to_owned()),
        some => add("records", format!("{some} questions have no answer, which is no change")),
    }
    all
}
