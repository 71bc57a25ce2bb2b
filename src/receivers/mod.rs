//! What receivers will do with a path: their published rules held against what the DNS says. A pure function.
//!
//! The rules are data (`table`), each with what it stands on. Receivers change them without notice: the table has a date
//! ([`CHECKED`]). What is neither published nor in source code nor seen in logs is not in it.

mod scores;
mod seen;
mod software;
mod stale;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, OutboundPath};
use crate::observe::Observations;

pub use seen::Seen;
pub use table::CHECKED;

/// What a receiver does with mail from a path, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No known rule of the receiver is broken.
    Accept,
    /// It could not be seen.
    Unknown,
    /// The mail scores worse, or lands in a spam folder.
    Penalise,
    /// It is refused for now (4xx) and tried again.
    Defer,
    /// It is refused for good (5xx).
    Reject,
}

impl Verdict {
    /// All but acceptance, the gravest first.
    pub const GRAVEST_FIRST: [Verdict; 4] = [Verdict::Reject, Verdict::Defer, Verdict::Penalise, Verdict::Unknown];

    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Accept => "accept",
            Verdict::Unknown => "unknown",
            Verdict::Penalise => "penalise",
            Verdict::Defer => "defer",
            Verdict::Reject => "reject",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule in the table stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The receiver's own published page.
    Documented,
    /// The source code of the software.
    #[serde(rename = "source code")]
    SourceCode,
    /// Seen in logs and by third parties; not certain.
    Reported,
}

impl Basis {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Documented => "documented",
            Basis::SourceCode => "source code",
            Basis::Reported => "reported",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The beginning of an SMTP reply, or a score, with what that stands on: often less than the rule does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReplyText {
    /// The text.
    pub text: String,
    /// What it stands on.
    pub basis: Basis,
}

/// What one receiver will do with one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Opinion {
    /// Identifier, such as `gmail`.
    pub receiver: String,
    /// Name for people.
    pub name: String,
    /// What it does.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub because: String,
    /// The beginning of its SMTP reply, or its score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<ReplyText>,
    /// What the verdict stands on.
    pub basis: Basis,
}

/// A condition of a receiver's rule over what is seen of a path.
#[derive(Clone, Copy)]
struct Rule {
    /// Whether the rule is broken; `None`: that could not be seen.
    broken: fn(&Seen) -> Option<bool>,
    verdict: Verdict,
    because: Because,
    reply: Option<(&'static str, Basis)>,
    basis: Basis,
}

/// Why, in words that follow the receiver's name.
#[derive(Clone, Copy)]
enum Because {
    Says(&'static str),
    WorksOut(fn(&Seen) -> String),
}

/// A receiver with its rules, the gravest first.
struct Receiver {
    id: &'static str,
    name: &'static str,
    /// What its rules stand on; of several, the weakest.
    basis: Basis,
    /// What it says while a lookup fails, where that is known.
    meanwhile: Option<(&'static str, Basis)>,
    rules: &'static [Rule],
}

/// How many receivers the table has.
pub fn count() -> usize {
    receivers().count() + scores::FILTERS.len()
}

fn receivers() -> impl Iterator<Item = &'static Receiver> {
    table::MAILBOXES.iter().chain(software::SOFTWARE)
}

/// What each receiver of the table will do with mail from `path`; nothing for a relayed path (they judge the relay), one whose
/// sending address is unknown, or where the DNS was not asked. While resolvers still serve old answers, the worse of what receivers do
/// before and after counts, and its words say until when.
pub fn opinions(path: &OutboundPath, dns: &Observations) -> Vec<Opinion> {
    let mut opinions = by_truth(path, dns);
    if !opinions.is_empty() {
        stale::meanwhile(path, dns, &mut opinions);
    }
    opinions
}

/// How many of those that judge by rules alone refuse or defer mail from `path`, as [`opinions`] has it: no filter that adds up scores does.
pub fn refusing(path: &OutboundPath, dns: &Observations) -> usize {
    let refuses = |verdict: Verdict| verdict >= Verdict::Defer;
    if path.relayed.is_some() || dns.offline {
        return 0;
    }
    if stale::is_behind(path, dns) {
        return opinions(path, dns).iter().filter(|opinion| refuses(opinion.verdict)).count();
    }
    let Some(seen) = Seen::new(path, dns) else { return 0 };
    receivers().filter(|receiver| refuses(Outcome::of(receiver, &seen).verdict(&seen))).count()
}

/// The same by what is true, whatever caches still say.
fn by_truth(path: &OutboundPath, dns: &Observations) -> Vec<Opinion> {
    if path.relayed.is_some() || dns.offline {
        return Vec::new();
    }
    let Some(seen) = Seen::new(path, dns) else { return Vec::new() };
    let plain = receivers().map(|receiver| judge(receiver, &seen));
    plain.chain(scores::FILTERS.iter().map(|filter| scores::judge(filter, &seen))).collect()
}

/// For how many pairs of a path and a receiver of the table the receiver accepts: how right the paths are for the world. Paths that
/// carry no mail do not count.
pub fn accepting(facts: &Facts, dns: &Observations) -> usize {
    let paths = facts.paths.iter().filter(|path| !path.unused);
    paths.flat_map(|path| by_truth(path, dns)).filter(|opinion| opinion.verdict == Verdict::Accept).count()
}

/// What a receiver's rules come to.
enum Outcome<'r> {
    /// The first that is broken.
    Broken(&'r Rule),
    /// None, but of some it could not be seen.
    Open,
    /// None.
    Kept,
}

impl<'r> Outcome<'r> {
    fn of(receiver: &'r Receiver, seen: &Seen) -> Outcome<'r> {
        let mut open = false;
        for rule in receiver.rules {
            match (rule.broken)(seen) {
                Some(true) => return Outcome::Broken(rule),
                Some(false) => {}
                None => open = true,
            }
        }
        if open { Outcome::Open } else { Outcome::Kept }
    }

    fn verdict(&self, seen: &Seen) -> Verdict {
        match self {
            Outcome::Broken(rule) => rule.verdict,
            Outcome::Open if seen.open.is_some() && seen.failure_is_shared => Verdict::Defer,
            Outcome::Open => Verdict::Unknown,
            Outcome::Kept => Verdict::Accept,
        }
    }
}

fn judge(receiver: &Receiver, seen: &Seen) -> Opinion {
    let outcome = Outcome::of(receiver, seen);
    let (because, reply, basis) = match (&outcome, &seen.open) {
        (Outcome::Broken(rule), _) => {
            let because = match rule.because {
                Because::Says(text) => text.to_owned(),
                Because::WorksOut(words) => words(seen),
            };
            (because, rule.reply, rule.basis)
        }
        // Everywhere seen, a DNS failure that may pass brings a temporary refusal, never a final one.
        (Outcome::Open, Some(why)) if seen.failure_is_shared => {
            let because = format!("cannot look it up for now either ({why}), so that mail is delayed, not refused");
            (because, receiver.meanwhile, receiver.meanwhile.map_or(Basis::Reported, |(_, basis)| basis))
        }
        (Outcome::Open, Some(why)) => (format!("cannot be told: no answer here ({why})"), None, receiver.basis),
        (Outcome::Open, None) => ("cannot be told: the HELO name is not known".to_owned(), None, receiver.basis),
        (Outcome::Kept, _) => ("no known rule of it is broken".to_owned(), None, receiver.basis),
    };
    Opinion {
        receiver: receiver.id.to_owned(),
        name: receiver.name.to_owned(),
        verdict: outcome.verdict(seen),
        because,
        reply: reply.map(|(text, basis)| ReplyText { text: text.to_owned(), basis }),
        basis,
    }
}
