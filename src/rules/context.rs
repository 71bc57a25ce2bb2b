//! What a rule judges by: facts, observations, and what follows from both, each worked out once and only if some rule asks.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::compare::{self, Change};
use crate::facts::{Fact, Facts, Mta};
use crate::findings::Finding;
use crate::name::DomainName;
use crate::observe::Observations;
use crate::rules::names::{self, Introduced, OwnAddresses};
use crate::rules::support::{self, IdentityName, Sending};

/// What rules found that were judged before.
#[derive(Debug, Default)]
pub struct Judged<'a> {
    /// Their findings, alike ones merged.
    pub findings: Vec<&'a Finding>,
    /// The codes of the rules that were checked.
    pub checked: BTreeSet<&'static str>,
}

/// The one argument of every rule. Making one costs nothing: derived values come when they are first asked for.
pub struct Context<'a> {
    /// What the host says about itself.
    pub facts: &'a Facts,
    /// What the DNS says.
    pub dns: &'a Observations,
    own_names: OnceCell<Vec<(Mta, Fact<DomainName>)>>,
    own_addresses: OnceCell<OwnAddresses<'a>>,
    sending_addresses: OnceCell<Vec<Sending<'a>>>,
    introductions: OnceCell<Vec<Introduced<'a>>>,
    identity_names: OnceCell<Vec<(DomainName, Vec<IdentityName<'a>>)>>,
    changes: OnceCell<Vec<Change>>,
}

impl<'a> Context<'a> {
    /// A context of facts and observations.
    pub fn new(facts: &'a Facts, dns: &'a Observations) -> Context<'a> {
        Context {
            facts,
            dns,
            own_names: OnceCell::new(),
            own_addresses: OnceCell::new(),
            sending_addresses: OnceCell::new(),
            introductions: OnceCell::new(),
            identity_names: OnceCell::new(),
            changes: OnceCell::new(),
        }
    }

    /// The own names of the MTAs that are judged and do not refuse their configuration: `myhostname`, `primary_hostname`.
    pub fn own_names(&self) -> &[(Mta, Fact<DomainName>)] {
        self.own_names.get_or_init(|| names::own_names(self.facts))
    }

    /// The addresses of this host.
    pub fn own_addresses(&self) -> &OwnAddresses<'a> {
        self.own_addresses.get_or_init(|| OwnAddresses::new(self.facts))
    }

    /// Every known sending address once, with its paths, in the order of the paths.
    pub fn sending_addresses(&self) -> &[Sending<'a>] {
        self.sending_addresses.get_or_init(|| support::sending_addresses(self.facts))
    }

    /// Every path whose HELO name is known, with that name.
    pub fn introductions(&self) -> &[Introduced<'a>] {
        self.introductions.get_or_init(|| names::introductions(self.facts, self.dns))
    }

    /// The introductions whose names rules about records judge: HLO001 and HLO006 leave them alone.
    pub fn judged_introductions(&self) -> impl Iterator<Item = &Introduced<'a>> {
        self.introductions().iter().filter(|one| one.is_judged())
    }

    /// Every name of the host's identity with its roles, in the order in which names are first met.
    pub fn identity_names(&self) -> &[(DomainName, Vec<IdentityName<'a>>)] {
        self.identity_names.get_or_init(|| support::identity_by_name(self.facts, self.dns))
    }

    /// What the move changed; nothing where the host was not moved.
    pub fn changes(&self) -> &[Change] {
        self.changes.get_or_init(|| match &self.facts.moved {
            Some(moved) => compare::changes(moved, self.facts, &compare::answers(self.dns)),
            None => Vec::new(),
        })
    }
}
