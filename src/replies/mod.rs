//! SMTP replies, as a sender sees them in bounces and logs, that speak of the sending host's identity: who says so, what it means, and
//! which rules look into it. Pure functions over a table.
//!
//! Beside those that name a fault stand some that look alike and mean something else, so that they are not taken for it.

mod in_log;
mod mailboxes;
mod operators;
mod prefilter;
mod software;
mod text;
mod wording;

use std::net::IpAddr;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::addr::is_public;
use crate::receivers::Basis;
pub use in_log::{LoggedReply, read_logged};
pub use operators::operator;

/// What a reply says is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// The sending address has no PTR record.
    PtrMissing,
    /// The receiver's reverse lookup failed for the moment.
    PtrTemporary,
    /// No PTR name leads back to the sending address.
    NotConfirmed,
    /// The PTR name is a provider's default, or looks dynamic.
    PtrGeneric,
    /// The PTR name is no host name.
    PtrInvalid,
    /// The HELO name is not in the DNS.
    HeloUnresolved,
    /// The HELO name has no dot.
    HeloNotQualified,
    /// The HELO name is no host name and no address literal.
    HeloInvalid,
    /// The HELO name contradicts the address or its PTR name.
    HeloMismatch,
    /// The HELO name is the receiver's own, or `localhost`.
    HeloForged,
    /// The domain of the sender's address is not in the DNS.
    SenderUnresolved,
    /// SPF, DKIM or DMARC.
    Authentication,
    /// A block list, or what the receiver thinks of the address.
    Reputation,
    /// No connection at all.
    PortBlocked,
}

impl Condition {
    /// The rules that look into it, the nearest first.
    pub fn rules(self) -> &'static [&'static str] {
        match self {
            Condition::PtrMissing => &["PTR001"],
            Condition::NotConfirmed => &["PTR002", "PTR003"],
            Condition::PtrGeneric => &["PTR004"],
            Condition::PtrInvalid => &["PTR009"],
            // A name that cannot be in the public DNS is HLO001's.
            Condition::HeloUnresolved => &["HLO002", "HLO001"],
            Condition::HeloNotQualified | Condition::HeloInvalid => &["HLO001"],
            Condition::HeloMismatch => &["HLO003", "HLO004"],
            Condition::HeloForged => &["HLO001", "HLO003"],
            Condition::SenderUnresolved => &["CFG020"],
            Condition::PtrTemporary | Condition::Authentication | Condition::Reputation | Condition::PortBlocked => &[],
        }
    }

    /// Rules by which it may hold for some receivers and not for others.
    pub fn rules_of_answers(self) -> &'static [&'static str] {
        match self {
            Condition::PtrMissing | Condition::PtrTemporary | Condition::NotConfirmed | Condition::HeloUnresolved => {
                &["DNS001", "DNS002", "DNS003"]
            }
            _ => &[],
        }
    }
}

/// What a reply proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// The text itself names the fault.
    NamesIt,
    /// The text is used for this fault among others.
    PointsTo,
    /// It looks alike and says something else.
    NotIdentity,
}

/// A known reply.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    /// Identifier, such as `gmail-ptr-missing`.
    pub id: &'static str,
    /// Who says so; `None`: whoever runs such software.
    pub receiver: Option<&'static str>,
    /// A regular expression that a joined reply contains, without regard to case.
    pub pattern: &'static str,
    /// A text that must match.
    pub example: &'static str,
    /// What it means, in sentences.
    pub meaning: &'static str,
    /// What is wrong by it: one or more of these.
    pub means: &'static [Condition],
    /// What it proves.
    pub proof: Proof,
    /// What that stands on.
    pub basis: Basis,
    /// Where it was read or seen.
    pub source: &'static str,
}

impl Reply {
    /// The rules that look into what it says, the nearest first.
    pub fn rules(&self) -> Vec<&'static str> {
        each_once(self.means.iter().flat_map(|condition| condition.rules()))
    }

    /// Rules by which some receivers may say so and others not.
    pub fn rules_of_answers(&self) -> Vec<&'static str> {
        each_once(self.means.iter().flat_map(|condition| condition.rules_of_answers()))
    }
}

fn each_once(codes: impl Iterator<Item = &'static &'static str>) -> Vec<&'static str> {
    let mut all = Vec::new();
    for code in codes {
        if !all.contains(code) {
            all.push(*code);
        }
    }
    all
}

/// Every known reply.
pub fn all() -> impl Iterator<Item = &'static Reply> {
    mailboxes::MAILBOXES.iter().chain(software::SOFTWARE)
}

/// The replies by whether a text contains them, in the order of [`all`].
static PATTERNS: LazyLock<RegexSet> = LazyLock::new(|| {
    let patterns = all().map(|reply| reply.pattern);
    let set = RegexSetBuilder::new(patterns).case_insensitive(true).unicode(false).build();
    // Every pattern is built by a test.
    set.unwrap_or_else(|_| RegexSet::empty())
});

/// What stands in a text.
#[derive(Debug, Default)]
pub struct Recognised {
    /// The known replies, those that name a fault first; what a more special one says already is left out.
    pub replies: Vec<&'static Reply>,
    /// Public addresses in it that are not the receiver's, each once.
    pub addresses: Vec<IpAddr>,
    /// HELO names, as the receiver was given them.
    pub helo: Vec<String>,
    /// The first SMTP reply code in it.
    pub code: Option<u16>,
    /// Lines about mail that came in: there this host refused somebody else, in the same words.
    pub incoming: usize,
    /// Whether it was too long, and its end was not read.
    pub cut: bool,
}

/// What a reply, a bounce or lines of a log say.
pub fn recognise(text: &str) -> Recognised {
    let text::Joined { joined, incoming, cut } = text::join(text);
    let replies = known(&joined);
    let helo = replies.iter().flat_map(|reply| helo_names(reply, &joined)).collect();
    let replies = without_superseded(replies);
    Recognised { replies, addresses: addresses(&joined, is_public), helo, code: text::code(&joined), incoming, cut }
}

/// The known replies that a joined text contains, in the order of [`all`].
fn known(joined: &str) -> Vec<&'static Reply> {
    let found = PATTERNS.matches(joined.as_bytes());
    all().enumerate().filter(|(at, _)| found.matched(*at)).map(|(_, reply)| reply).collect()
}

/// Those that name a fault first; what a more special one says already is left out.
fn without_superseded(mut replies: Vec<&'static Reply>) -> Vec<&'static Reply> {
    replies.sort_by_key(|reply| (reply.proof, reply.receiver.is_none()));
    let mut kept: Vec<&'static Reply> = Vec::new();
    for reply in replies {
        let said = |condition: &Condition| kept.iter().any(|other| other.means.contains(condition));
        let named = kept.iter().any(|other| other.proof == Proof::NamesIt);
        let superseded = match reply.proof {
            Proof::NamesIt => reply.receiver.is_none() && reply.means.iter().all(said),
            // Texts of whatever policy, beside one that says which.
            Proof::PointsTo => (named && reply.receiver.is_none()) || reply.means.iter().all(said),
            Proof::NotIdentity => false,
        };
        if !superseded {
            kept.push(reply);
        }
    }
    kept
}

/// The names that a reply's pattern takes out of a text.
fn helo_names(reply: &Reply, joined: &str) -> Vec<String> {
    if !reply.pattern.contains("(?P<helo>") {
        return Vec::new();
    }
    let Ok(pattern) = RegexBuilder::new(reply.pattern).case_insensitive(true).unicode(false).build() else {
        return Vec::new();
    };
    let mut names: Vec<String> = pattern
        .captures_iter(joined.as_bytes())
        .filter_map(|found| Some(String::from_utf8_lossy(found.name("helo")?.as_bytes()).into_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Where a log or a bounce names the receiver's address: `relay=NAME[ADDR]`, `host NAME[ADDR]`, `H=NAME [ADDR]`, `connect to NAME[ADDR]`.
static RECEIVER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    RegexBuilder::new(r"(?:relay=|\bhost |\bH=|connect to )\S{0,255}? ?\[[0-9a-f:.]{2,45}\]")
        .case_insensitive(true)
        .unicode(false)
        .build()
        .ok()
});

/// Addresses in a text that `counts`, the receiver's apart.
fn addresses(joined: &str, counts: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
    let without = match RECEIVER.as_ref() {
        Some(receiver) => receiver.replace_all(joined.as_bytes(), &b" "[..]).into_owned(),
        None => joined.as_bytes().to_vec(),
    };
    let without = String::from_utf8_lossy(&without).into_owned();
    let mut found = Vec::new();
    for word in without.split(|c: char| !(c.is_ascii_hexdigit() || c == ':' || c == '.')) {
        // `[IPv6:...]` leaves its tag's last digit; sentences leave full stops.
        let word = word.strip_prefix("6:").unwrap_or(word).trim_end_matches('.');
        if let Ok(addr) = word.trim_end_matches(':').parse::<IpAddr>().or_else(|_| word.parse())
            && counts(addr)
            && !found.contains(&addr)
        {
            found.push(addr);
        }
    }
    found
}

#[cfg(test)]
mod tests;
