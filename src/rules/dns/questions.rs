//! What the rules about answers share: which questions they look at, and how an answer reads in a sentence.

use std::collections::BTreeSet;

use crate::observe::truth::View;
use crate::observe::{Observations, Question, RecordData, RecordType};

/// The questions whose answers say something about the host. SOA and NS were asked on the way to a zone's servers, and a cache may well
/// hold an older serial.
pub(super) fn judged(dns: &Observations) -> impl Iterator<Item = &Question> {
    dns.replies.keys().filter(|question| is_judged(question))
}

/// Whether a question is one of those.
pub(super) fn is_judged(question: &Question) -> bool {
    !matches!(question.rtype, RecordType::Soa | RecordType::Ns)
}

/// The record set that is true for a question; empty for both kinds of absence. `None` while the question is open.
pub(super) fn true_set(dns: &Observations, question: &Question) -> Option<BTreeSet<RecordData>> {
    let lookup = &dns.truth(question).lookup;
    if lookup.open().is_some() {
        return None;
    }
    Some(lookup.found().iter().map(|record| record.data.clone()).collect())
}

/// A record set in words: the records, or that there is none.
pub(super) fn words(records: &BTreeSet<RecordData>) -> String {
    if records.is_empty() {
        return "no such record".to_owned();
    }
    let texts: Vec<String> = records.iter().map(RecordData::to_string).collect();
    texts.join(", ")
}

/// The names of a view's vantage points.
pub(super) fn who(dns: &Observations, view: &View) -> String {
    let names: Vec<&str> = view.by.iter().filter_map(|at| dns.vantages.get(*at)).map(|v| v.name.as_str()).collect();
    names.join(", ")
}

/// Seconds as people count them, rounded up to a whole unit.
pub(super) fn duration(seconds: u32) -> String {
    const MINUTE: u32 = 60;
    const HOUR: u32 = 60 * MINUTE;
    const DAY: u32 = 24 * HOUR;
    let (unit, word) = match seconds {
        0..120 => (1, "s"),
        120..7200 => (MINUTE, "min"),
        7200..172_800 => (HOUR, "h"),
        _ => (DAY, "days"),
    };
    format!("{} {word}", seconds.div_ceil(unit))
}
