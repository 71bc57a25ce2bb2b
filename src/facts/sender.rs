//! One service or transport as the MTA's files put it, before sources are resolved.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::addr::Family;
use crate::facts::{AfterBindFault, Fact, Helo, Mta, SenderDomains, Undecided};

/// One service or transport, for one family, as the MTA's files put it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// Whose it is.
    pub mta: Mta,
    /// The service of master.cf (`smtp`; with the instance's name where there are several: `postfix-out/smtp`) or the transport.
    pub service: Arc<str>,
    /// The family.
    pub family: Family,
    /// Where connections come from.
    pub bind: Bind,
    /// How it introduces itself.
    pub helo: Helo,
    /// Whether that name is set for the whole MTA, not by service, sender domain or address.
    pub helo_is_global: bool,
    /// Which sender domains take it.
    pub sender_domains: SenderDomains,
    /// Where its mail goes.
    pub next_hop: NextHop,
    /// Nothing names it, as far as files can decide.
    pub unused: bool,
}

/// What an MTA's files say of the source address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bind {
    /// Nothing: the kernel chooses.
    Kernel,
    /// This address, by this setting.
    Address {
        /// The setting, such as `smtp_bind_address`.
        parameter: Cow<'static, str>,
        /// Its address.
        address: Fact<IpAddr>,
        /// What the MTA does where the bind fails.
        on_failure: AfterBindFault,
    },
    /// The setting holds no address of this family: text that is none, or an address of the other family.
    Unusable {
        /// The setting.
        parameter: Cow<'static, str>,
        /// Its text.
        value: Fact<String>,
        /// What the MTA does then.
        then: AfterBindFault,
    },
    /// Files cannot decide it.
    Undecided(Undecided),
}

/// Where a sender's mail goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextHop {
    /// To the servers of each recipient's domain.
    Direct,
    /// To a fixed host elsewhere, as `[host]:port`.
    Relay(Arc<Fact<String>>),
    /// To this host itself: loopback or a socket, on its way to a filter or a mailbox. No outbound path.
    Here,
    /// To a program on this host that is to bring it elsewhere. No outbound path of this MTA's.
    Handed(Arc<Fact<String>>),
}

impl NextHop {
    /// The addresses of a relay elsewhere, where it is named by nothing else.
    pub fn addresses(&self) -> Option<Vec<IpAddr>> {
        let NextHop::Relay(hop) = self else { return None };
        let address = |place: &str| match place.strip_prefix('[') {
            Some(rest) => rest.split(']').next()?.parse().ok(),
            None => place.rsplit_once(':').map_or(place, |(host, _)| host).parse().ok(),
        };
        hop.value.split(", ").map(address).collect()
    }

    /// The family that all of these are of.
    pub fn only_family(&self) -> Option<Family> {
        let families: BTreeSet<Family> = self.addresses()?.into_iter().map(Family::from).collect();
        families.first().copied().filter(|_| families.len() == 1)
    }
}
