//! What a move changed: two hosts' facts and answers in, one typed [`Change`] for each difference out.
//!
//! Pure. What is the same on both hosts, or follows from the mapping of addresses and names, is told apart from what nobody asked for.
//! Times, process numbers, times to live and the order of records take no part.

mod certificates;
mod change;
mod domains;
mod mapping;
mod maps;
mod names;
mod panel;
mod paths;
mod records;
mod settings;
mod sought;
mod unknown;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::facts::{Answers, Facts, Moved};
use crate::observe::{Lookup, Observations, Question};

pub use change::{Change, Effect, Verdict, What};
pub use mapping::Mapping;
pub use sought::sought;
pub use unknown::{NotCompared, not_compared};

/// A host at one time.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What it says about itself.
    pub facts: &'a Facts,
    /// What the DNS answered.
    pub answers: &'a Answers,
}

/// Which address of the host before its move became which of this one, as far as that is said or follows from both hosts.
pub fn became(moved: &Moved, facts: &Facts) -> BTreeMap<IpAddr, IpAddr> {
    mapping(moved, facts).addresses().collect()
}

fn mapping(moved: &Moved, facts: &Facts) -> Mapping {
    let pairs = paths::pairs(&moved.old, facts).chain(maps::pairs(&moved.old, facts));
    Mapping::new(moved, facts, pairs.chain(settings::pairs(&moved.old, facts)))
}

/// What changed from the host before its move to this one, sorted: by kind, then key.
pub fn changes(moved: &Moved, facts: &Facts, answers: &Answers) -> Vec<Change> {
    let old = Side { facts: &moved.old, answers: &moved.answers };
    let new = Side { facts, answers };
    let mapping = mapping(moved, facts);
    let mut all = names::changes(old, new, &mapping);
    let by_path = paths::changes(old, new, &mapping);
    all.extend(panel::changes(old, new, &mapping, &moved.sought));
    all.extend(maps::changes(old, new, &mapping, &moved.sought, &by_path));
    all.extend(certificates::changes(old.facts, facts, &mapping));
    all.extend(settings::changes(old, new, &mapping, &moved.sought, &by_path));
    all.extend(by_path);
    all.extend(records::changes(old, new, &mapping, &moved.sought));
    let is_told = |change: &Change| change.verdict == Verdict::Drift && change.effect != Effect::Part;
    if !all.iter().any(is_told) {
        for change in all.iter_mut().filter(|change| change.verdict == Verdict::Drift) {
            (change.verdict, change.because) = (Verdict::Expected, "no mail leaves otherwise by it".to_owned());
        }
    }
    // What becomes of a domain's mail does not depend on which way other mail leaves.
    all.extend(domains::changes(moved));
    all.sort_by(|a, b| (a.what, &a.key).cmp(&(b.what, &b.key)));
    all.dedup_by(|a, b| a == b);
    all
}

/// The data of the records of each question that has an answer.
pub fn answers(dns: &Observations) -> Answers {
    let data = |question: &Question| match dns.truth(question).lookup {
        Lookup::Found(records) => Some(records.iter().map(|record| record.data.to_string()).collect()),
        Lookup::NoData | Lookup::NxDomain => Some(Default::default()),
        Lookup::Unanswered(_) => None,
    };
    dns.replies.keys().filter_map(|question| Some((question.to_string(), data(question)?))).collect()
}
