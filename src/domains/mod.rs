//! The domains whose mail this host handles: what of their records is asked for, and what it comes to.
//!
//! Pure: [`observe`] is handed answers and says which questions are open, so that a thousand domains can be asked for in rounds. Questions that
//! domains have in common (includes, public suffixes, exchangers) are the same questions, and whoever asks puts them once.

mod answers;
mod exchangers;
pub mod fix;
mod observed;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use answers::{Answers, Known};
pub use exchangers::{Exchanger, Leads};
pub use observed::{DmarcState, Host, Observed, SenderCheck, Step, ZoneServers, observe};

use crate::dkim::{KeyFault, PublicKey};
use crate::facts::Origin;
use crate::name::DomainName;

/// What this host does with mail for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handled {
    /// It delivers it.
    Local,
    /// It is known to be delivered elsewhere.
    Remote,
    /// It takes it and passes it on.
    Secondary,
    /// Nothing; it sends mail from it.
    Sender,
}

impl Handled {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Handled::Local => "local",
            Handled::Remote => "remote",
            Handled::Secondary => "secondary",
            Handled::Sender => "sender",
        }
    }
}

impl fmt::Display for Handled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDomain {
    /// Its name.
    pub name: DomainName,
    /// What is done with mail for it.
    pub handled: Handled,
    /// Where that stands.
    pub origin: Origin,
}

/// A key that this host signs a domain's mail with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its selector.
    pub selector: String,
    /// The file that holds the private key.
    pub file: String,
    /// Its public part, or why that is not known.
    pub key: Result<PublicKey, KeyFault>,
}

/// The domains of a host, and the keys that it signs with.
#[derive(Debug, Clone, Default)]
pub struct MailDomains {
    /// By name.
    pub domains: BTreeMap<DomainName, MailDomain>,
    /// By domain.
    pub keys: BTreeMap<DomainName, Vec<SigningKey>>,
}

impl MailDomains {
    /// Adds a domain, unless it is known already: what is said first counts.
    pub fn add(&mut self, name: DomainName, handled: Handled, origin: Origin) {
        if crate::observe::plan::is_askable(&name) {
            self.domains.entry(name.clone()).or_insert(MailDomain { name, handled, origin });
        }
    }

    /// Keeps these domains alone; those that the host does not know are looked at as senders.
    pub fn only(&mut self, names: impl IntoIterator<Item = DomainName>, origin: &Origin) {
        let mut known = std::mem::take(&mut self.domains);
        for name in names {
            match known.remove(&name) {
                Some(domain) => drop(self.domains.insert(name, domain)),
                None => self.add(name, Handled::Sender, origin.clone()),
            }
        }
    }
}
