//! One difference between two hosts.

use crate::facts::{Fact, Origin};
use crate::name::DomainName;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The MTA, or its major version.
    Mta,
    /// A name of the host itself.
    HostName,
    /// A setting that bears on the identity.
    Setting,
    /// A line of a panel's map.
    MapLine,
    /// Whether and where to mail leaves.
    Path,
    /// From which address mail leaves.
    Source,
    /// How mail introduces itself.
    Helo,
    /// The PTR record of a sending address.
    Ptr,
    /// Another record.
    Record,
}

impl What {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Mta => "mta",
            What::HostName => "host-name",
            What::Setting => "setting",
            What::MapLine => "map-line",
            What::Path => "path",
            What::Source => "source",
            What::Helo => "helo",
            What::Ptr => "ptr",
            What::Record => "record",
        }
    }
}

/// What to think of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was asked for, or follows from what was.
    Expected,
    /// Nobody asked for it.
    Drift,
    /// What was right on the old host is still here, or still published.
    Leftover,
}

impl Verdict {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Expected => "expected",
            Verdict::Drift => "drift",
            Verdict::Leftover => "leftover",
        }
    }
}

/// Which rule a drift belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// MIG002: mail leaves otherwise than before, or not at all.
    Path,
    /// MIG003: a name of the identity, or a record of it, is another.
    Identity,
    /// MIG003 too: a certificate is not for a name that it should be for.
    Certificate,
    /// MIG003 too: a domain's mail is delivered, or is not, otherwise than before.
    Routing,
    /// MIG004: what was set is not set here.
    Lost,
    /// MIG006: another MTA.
    Mta,
    /// Part of another change, which is told.
    Part,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What changed.
    pub what: What,
    /// Which one of its kind: the same text on both hosts.
    pub key: String,
    /// Before; `None`: it was not there.
    pub old: Option<String>,
    /// Now; `None`: it is not there.
    pub new: Option<String>,
    /// What to think of it.
    pub verdict: Verdict,
    /// Why.
    pub because: String,
    /// The place on this host; where nothing is here, on the old one.
    pub origin: Option<Origin>,
    /// Whether that place is on the old host.
    pub on_old_host: bool,
    /// Sender domains concerned; empty: all that no list names.
    pub domains: Vec<DomainName>,
    /// The identifier of the old host's path, where it is one of a path.
    pub old_path: Option<String>,
    /// Which rule it belongs to.
    pub effect: Effect,
}

impl Change {
    /// A drift; its verdict and effect can still be changed.
    pub(super) fn new(what: What, key: impl Into<String>, old: Option<&str>, new: Option<&str>) -> Change {
        Change {
            what,
            key: key.into(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
            verdict: Verdict::Drift,
            because: String::new(),
            origin: None,
            on_old_host: false,
            domains: Vec::new(),
            old_path: None,
            effect: Effect::Identity,
        }
    }

    /// As it was asked for.
    pub(super) fn expected(mut self, because: impl Into<String>) -> Change {
        (self.verdict, self.because) = (Verdict::Expected, because.into());
        self
    }

    /// As nobody asked for.
    pub(super) fn drift(mut self, effect: Effect, because: impl Into<String>) -> Change {
        (self.verdict, self.effect, self.because) = (Verdict::Drift, effect, because.into());
        self
    }

    /// As what belongs to the old host.
    pub(super) fn leftover(mut self, because: impl Into<String>) -> Change {
        (self.verdict, self.because) = (Verdict::Leftover, because.into());
        self
    }

    /// With its place on this host.
    pub(super) fn at(mut self, origin: &Origin) -> Change {
        self.origin = Some(origin.clone());
        self
    }

    /// With its place on the old host.
    pub(super) fn was_at(mut self, origin: &Origin) -> Change {
        (self.origin, self.on_old_host) = (Some(origin.clone()), true);
        self
    }

    /// With the place of a value, if there is one.
    pub(super) fn at_fact<T>(self, fact: Option<&Fact<T>>) -> Change {
        match fact {
            Some(fact) => self.at(&fact.origin),
            None => self,
        }
    }
}
