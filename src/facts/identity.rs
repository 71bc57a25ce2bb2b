//! Outbound paths: under which HELO name, from which address, mail leaves this host.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::addr::{self, Family};
use crate::facts::{Fact, Mta, Origin};
use crate::name::{DomainName, HeloName};

/// One way in which mail leaves this host (rules.md, *outbound path*).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutboundPath {
    /// Stable within a run: MTA, family and number, such as `postfix/ipv4/1`.
    pub id: String,
    /// The MTA; `None` on a host without one.
    pub mta: Option<Mta>,
    /// Services of master.cf or transports that take this path, in file order.
    pub services: Vec<Arc<str>>,
    /// The address family.
    pub family: Family,
    /// The local address that connections use; `None` where files cannot decide it.
    pub source: Option<Fact<IpAddr>>,
    /// Whether the MTA binds to the source; else it is the kernel's choice.
    pub bound: bool,
    /// Why files cannot decide the source, where it is they that leave it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_undecided: Option<Box<Undecided>>,
    /// What receivers see of it; `None`: unknown (NET002).
    pub sending: Option<Fact<IpAddr>>,
    /// How the MTA introduces itself.
    pub helo: Helo,
    /// Whether that name is set for the whole MTA, not by service, sender domain or address.
    pub helo_is_global: bool,
    /// The sender domains that choose this path.
    pub sender_domains: SenderDomains,
    /// The fixed next hop elsewhere, as `[host]:port`.
    pub relayed: Option<Arc<Fact<String>>>,
    /// Nothing names any of its services, as far as files can decide.
    pub unused: bool,
    /// The host's own path where a program on it is given everything: what that program does is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handed_over: bool,
}

impl OutboundPath {
    /// Whether receivers judge this path at its next hop alone, or may never see it: relayed, unused, or a guess at what a program does that
    /// is given everything. PTR and HLO findings are weaker there.
    pub fn is_weaker(&self) -> bool {
        self.relayed.is_some() || self.unused || self.handed_over
    }

    /// The places that its source address and its HELO name come from.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let source = self.source.iter().flat_map(|source| std::iter::once(&source.origin).chain(source.via.iter()));
        let helo = self.helo_name().into_iter().flat_map(|helo| std::iter::once(&helo.origin).chain(helo.via.iter()));
        source.chain(helo)
    }

    /// Its HELO name, where files decide it.
    pub fn helo_name(&self) -> Option<&Fact<HeloName>> {
        match &self.helo {
            Helo::Known(name) => Some(name),
            _ => None,
        }
    }
}

/// How an MTA introduces itself on a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Helo {
    /// No MTA, no HELO.
    None,
    /// This name.
    Known(Fact<HeloName>),
    /// The PTR name of the source address as this host's own resolver gives it, else the default (Debian's
    /// `REMOTE_SMTP_HELO_FROM_DNS`, Hestia).
    FollowsPtr {
        /// What is sent where there is no PTR.
        default: Option<HeloName>,
        /// What stands between several PTR names, where all of them are sent; else one of them is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joined: Option<String>,
        /// The parameter's place.
        origin: Origin,
    },
    /// Files cannot decide it.
    Undecided(Undecided),
}

/// A HELO name that the settings expect of some paths. Of `path`, `service` and `source` all those count that are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedHelo {
    /// The path's identifier, such as `postfix/ipv4/1`.
    pub path: Option<String>,
    /// A service of master.cf or a transport that takes the path.
    pub service: Option<String>,
    /// The source address.
    pub source: Option<IpAddr>,
    /// The name.
    pub name: Fact<DomainName>,
}

impl ExpectedHelo {
    /// Whether it is meant for `path`.
    pub fn is_for(&self, path: &OutboundPath) -> bool {
        self.path.as_ref().is_none_or(|id| *id == path.id)
            && self.service.as_ref().is_none_or(|service| path.services.iter().any(|own| **own == **service))
            && self.source.is_none_or(|source| path.source.as_ref().is_some_and(|own| own.value == source))
    }
}

/// A setting that files cannot decide.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Undecided {
    /// The setting, such as `helo_data`.
    pub parameter: String,
    /// Which part cannot be decided, and why.
    pub why: String,
    /// The setting's place.
    pub origin: Origin,
}

/// Which sender domains take a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SenderDomains {
    /// All: the configuration does not select by it.
    Any,
    /// These. `others`: and all that no list names.
    Only {
        /// The domains, sorted.
        domains: Vec<DomainName>,
        /// Whether every domain that is in no list takes this path too.
        others: bool,
    },
    /// The configuration selects in a way that files cannot decide.
    Undecided,
}

/// A configured source address that the MTA cannot use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BindFault {
    /// Whose setting it is.
    pub mta: Mta,
    /// Services or transports concerned.
    pub services: Vec<Arc<str>>,
    /// Name of the setting, such as `smtp_bind_address` or `interface`.
    pub parameter: String,
    /// What it says, where it says it.
    pub value: Fact<String>,
    /// What is wrong.
    pub kind: BindFaultKind,
    /// What the MTA then does.
    pub then: AfterBindFault,
}

/// What keeps a configured source address from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindFaultKind {
    /// An address that is on no interface.
    NotLocal(IpAddr),
    /// A loopback address, though the next hop is not on this host.
    Loopback(IpAddr),
    /// An address of the other family.
    OtherFamily(IpAddr),
    /// No address at all.
    NotAnAddress,
}

/// What an MTA does once it cannot bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterBindFault {
    /// It connects all the same, from the address that the kernel chooses.
    KernelChoice,
    /// It sends nothing.
    NothingSent,
}

/// The image of a local address outside, where something says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatEntry {
    /// The local address; `None`: every private source of the public one's family.
    pub local: Option<IpAddr>,
    /// What the outside sees.
    pub public: IpAddr,
    /// The option or file that says so.
    pub origin: Origin,
}

/// Every image that options and files give, the strongest first (`--public-ip`, settings, cpnat, `proxy_interfaces`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatMap(pub Vec<NatEntry>);

impl NatMap {
    /// What receivers see of `source` (rules.md, *sending address*): the entry that names it; else itself where it is public;
    /// else the entry for every private source; else nothing.
    pub fn sending(&self, source: &Fact<IpAddr>) -> Option<Fact<IpAddr>> {
        let addr = source.value;
        let image = |entry: &NatEntry| Fact::new(entry.public, entry.origin.clone());
        if let Some(entry) = self.0.iter().find(|e| e.local == Some(addr)) {
            return Some(image(entry));
        }
        if addr::is_public(addr) {
            return Some(source.clone());
        }
        let fits = |e: &&NatEntry| e.local.is_none() && Family::from(e.public) == Family::from(addr);
        self.0.iter().find(fits).map(image)
    }
}
