//! The snapshot: what this host says about itself, each value with the place that it comes from.

mod conceal;
mod fact;
mod host;
mod identity;
mod machine;
mod mta;
mod problem;
mod text;
mod unseen;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use fact::{Fact, Origin, Via};
pub use host::{AddressFlag, Host, HostFqdn, HostsEntry, InterfaceAddress, KernelSource, LocalAddresses};
pub use identity::{
    AfterBindFault, BindFault, BindFaultKind, ExpectedHelo, Helo, NatEntry, NatMap, OutboundPath, SenderDomains,
    Undecided,
};
pub use machine::Machine;
pub use mta::{
    ConfigFile, Cpanel, CpanelNat, Exim, EximDriver, MapEntry, Mta, MtaChoice, Postfix, PostfixService, Refusal,
    RunningDaemon, Setting,
};
pub use problem::{Problem, ProblemKind};
pub use text::Text;
pub use unseen::{Doubt, UnseenDaemon};

use crate::managers::Recognised;
use crate::name::DomainName;

/// All that a host says about itself, and what the command line expects of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// Kernel, interfaces, hosts file, resolv.conf.
    pub host: Host,
    /// Postfix instances.
    pub postfix: Vec<Postfix>,
    /// Live Exim configurations.
    pub exim: Vec<Exim>,
    /// cPanel's files, on a cPanel server.
    pub cpanel: Option<Cpanel>,
    /// Which MTAs there are and which are judged.
    pub mtas: MtaChoice,
    /// The outbound paths of the live MTAs.
    pub paths: Vec<OutboundPath>,
    /// Source addresses that the MTAs cannot use.
    pub bind_faults: Vec<BindFault>,
    /// NAT images, the strongest first.
    pub nat: NatMap,
    /// What could not be read or is refused.
    pub problems: Vec<Problem>,
    /// What the machine says of its maker.
    #[serde(default)]
    pub machine: Machine,
    /// Who writes files of this host anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<Recognised>,
    /// `--expect-hostname`.
    #[serde(default)]
    pub expected_hostname: Option<DomainName>,
    /// HELO names that the settings expect of single paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_helo: Vec<ExpectedHelo>,
    /// Daemons that run; empty where there is no live system to see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub daemons: Vec<RunningDaemon>,
    /// `--old-ip`.
    #[serde(default)]
    pub old_addresses: Vec<IpAddr>,
}

impl Facts {
    /// A host without MTA, of which nothing else was read.
    pub fn of(host: Host) -> Facts {
        Facts {
            host,
            postfix: Vec::new(),
            exim: Vec::new(),
            cpanel: None,
            mtas: MtaChoice::default(),
            paths: Vec::new(),
            bind_faults: Vec::new(),
            nat: NatMap::default(),
            problems: Vec::new(),
            machine: Default::default(),
            managers: Vec::new(),
            expected_hostname: None,
            expected_helo: Vec::new(),
            daemons: Vec::new(),
            old_addresses: Vec::new(),
        }
    }
}
