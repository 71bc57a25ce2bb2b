//! The snapshot: what this host says about itself, each value with the place that it comes from.

mod conceal;
pub(crate) use conceal::Concealed;
mod fact;
mod host;
mod identity;
mod log;
mod machine;
pub mod moved;
mod mta;
mod overrides;
mod panel;
mod problem;
mod routing;
mod sender;
mod served;
mod text;
mod unseen;

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use fact::{Fact, Origin, Via};
pub use host::{AddressFlag, Host, HostFqdn, HostsEntry, InterfaceAddress, KernelSource, LocalAddresses};
pub use identity::{
    AfterBindFault, BindFault, BindFaultKind, ExpectedHelo, Helo, NatEntry, NatMap, OutboundPath, SenderDomains,
    Undecided,
};
pub use log::{Departure, DepartureKind, MailLog, Packing, ReadLog, Refused};
pub use machine::Machine;
pub use moved::{Answers, Leftover, Mapped, Moved, RemovedRecord, Sought};
pub use mta::{
    Certificate, ConfigFile, Cpanel, CpanelNat, Exim, EximDriver, MapEntry, Mta, MtaChoice, Postfix, PostfixService,
    Refusal, RunningDaemon, Setting,
};
pub use overrides::{Expectations, Overrides};
pub use panel::{MapOf, PanelMap};
pub(crate) use problem::bound_problems;
pub use problem::{Problem, ProblemKind};
pub use routing::{HandedOver, Idle, IdleSetting, MissingService, OutdatedTable};
pub use sender::{Bind, NextHop, Sender};
pub use served::{
    Conversation, Der, Fault, Handshake, KeyPair, Listener, PairState, Port25, Port25Try, Served, Server, SmtpReply,
    Stage, Trusted,
};
pub use text::Text;
pub use unseen::{Doubt, UnseenDaemon};

use crate::managers::Recognised;
use crate::name::DomainName;

/// All that a host says about itself, and what the command line expects of it. Written alone, the first four are left out: a snapshot has them in
/// a form of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// Kernel, interfaces, hosts file, resolv.conf.
    #[serde(skip_serializing)]
    pub host: Host,
    /// Postfix instances.
    #[serde(skip_serializing)]
    pub postfix: Vec<Postfix>,
    /// Live Exim configurations.
    #[serde(skip_serializing)]
    pub exim: Vec<Exim>,
    /// cPanel's files, on a cPanel server. Copies share them: there may be many domains.
    #[serde(skip_serializing)]
    pub cpanel: Option<Arc<Cpanel>>,
    /// Maps of other panels; `None` where an old snapshot does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel_maps: Option<Vec<PanelMap>>,
    /// Which MTAs there are and which are judged.
    pub mtas: MtaChoice,
    /// Every way of sending that the files of all configured MTAs set, those of Postfix first; `None` where an old snapshot does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub senders: Option<Vec<Sender>>,
    /// Addresses of Postfix' `proxy_interfaces`: what the outside sees of this host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxy_interfaces: Vec<Fact<IpAddr>>,
    /// What the command line puts in the place of what files say.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The outbound paths of the live MTAs. These, the faults and the NAT map follow from the rest
    /// (`identity`).
    pub paths: Vec<OutboundPath>,
    /// Source addresses that the MTAs cannot use.
    pub bind_faults: Vec<BindFault>,
    /// Programs on this host that are given everything that leaves; their paths are those of the host itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed_over: Vec<HandedOver>,
    /// NAT images, the strongest first.
    pub nat: NatMap,
    /// What could not be read or is refused.
    pub problems: Vec<Problem>,
    /// What the files of MTAs say that are configured here and not judged.
    #[serde(default, skip_serializing_if = "Unjudged::is_empty")]
    pub unjudged: Unjudged,
    /// What the machine says of its maker.
    #[serde(default)]
    pub machine: Machine,
    /// Who writes files of this host anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<Recognised>,
    /// Certificates that the MTAs' configurations name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
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
    /// Block lists that are asked for the sending addresses (`--dnsbl`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub block_lists: Vec<DomainName>,
    /// What mail logs show (`--log`); `None` where none was to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Arc<MailLog>>,
    /// What the servers of this host said (`--live`); `None` where they were not talked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Arc<Served>>,
    /// What came of port 25 outside (`--port25`); `None` where it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port25: Option<Arc<Port25>>,
    /// When a move is planned (`--cutover`), as RFC 3339 writes times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutover: Option<String>,
    /// The host before its move (`--moved-from`); no snapshot holds it.
    #[serde(skip)]
    pub moved: Option<Arc<Moved>>,
    /// Old addresses and names in files of this host, where it was moved.
    #[serde(skip)]
    pub leftovers: Vec<Leftover>,
    /// Records that a transfer took out of zones which are kept on this host, where it was moved.
    #[serde(skip)]
    pub removed: Vec<RemovedRecord>,
    /// Domains in Postfix's lists; no snapshot holds them.
    #[serde(skip)]
    pub listed_domains: Vec<ListedDomain>,
}

/// A domain in a list of Postfix's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDomain {
    /// The parameter, such as `virtual_mailbox_domains`.
    pub list: &'static str,
    /// The domain as it is written.
    pub name: String,
    /// Where.
    pub origin: Origin,
}

impl Facts {
    /// A host without MTA, of which nothing else was read.
    pub fn new(host: Host) -> Facts {
        Facts {
            host,
            postfix: Vec::new(),
            exim: Vec::new(),
            cpanel: None,
            panel_maps: None,
            mtas: MtaChoice::default(),
            senders: None,
            proxy_interfaces: Vec::new(),
            overrides: Overrides::default(),
            paths: Vec::new(),
            bind_faults: Vec::new(),
            handed_over: Vec::new(),
            nat: NatMap::default(),
            problems: Vec::new(),
            unjudged: Unjudged::default(),
            machine: Default::default(),
            managers: Vec::new(),
            expected_hostname: None,
            expected_helo: Vec::new(),
            daemons: Vec::new(),
            old_addresses: Vec::new(),
            block_lists: Vec::new(),
            log: None,
            served: None,
            port25: None,
            cutover: None,
            certificates: Vec::new(),
            moved: None,
            removed: Vec::new(),
            leftovers: Vec::new(),
            listed_domains: Vec::new(),
        }
    }

    /// The domains that mail made on this host gets, by the MTAs that are judged and do not refuse their configuration.
    pub fn mail_origins(&self) -> Vec<(Mta, Fact<DomainName>)> {
        let live = |mta: Mta| self.mtas.live.is_empty() || self.mtas.live.contains(&mta);
        let postfix = self.postfix.iter().filter(|p| p.error.is_none() && !p.sends_nothing && live(Mta::Postfix));
        let postfix = postfix.filter_map(|p| p.mail_origin.clone()).map(|origin| (Mta::Postfix, origin));
        let exim = self.exim.iter().filter(|e| e.error.is_none() && !e.sends_nothing && live(Mta::Exim));
        // Exim does not expand it: what is left of a macro or a variable is no domain.
        let exim = exim.filter_map(|e| e.main.get("qualify_domain")?.fact()).filter(|fact| !fact.value.contains('$'));
        let all = postfix.chain(exim.map(|origin| (Mta::Exim, origin)));
        all.filter(|(_, origin)| !origin.value.is_empty())
            .map(|(mta, o)| (mta, o.map(|text| DomainName::new(&text))))
            .collect()
    }

    /// Sets the files of all MTAs aside that are not among `judged`, and takes back those of these.
    pub fn set_aside_all_but(&mut self, judged: &[Mta]) {
        let aside = &mut self.unjudged;
        let swap = |mta: Mta| judged.contains(&mta);
        let mut postfix = std::mem::take(&mut self.postfix);
        postfix.append(&mut aside.postfix);
        *(if swap(Mta::Postfix) { &mut self.postfix } else { &mut aside.postfix }) = postfix;
        let mut exim = std::mem::take(&mut self.exim);
        exim.append(&mut aside.exim);
        *(if swap(Mta::Exim) { &mut self.exim } else { &mut aside.exim }) = exim;
        let mut problems = std::mem::take(&mut self.problems);
        problems.append(&mut aside.problems);
        // The host's and the panel's own first, then each MTA's, as they were read.
        problems.sort_by_key(|problem| problem.mta);
        (self.problems, aside.problems) = problems.into_iter().partition(|problem| problem.mta.is_none_or(swap));
    }
}

/// What the files of MTAs say that are not judged: kept, so that `--mta` can still choose them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Unjudged {
    /// Postfix instances.
    pub postfix: Vec<Postfix>,
    /// Live Exim configurations.
    pub exim: Vec<Exim>,
    /// What could not be read or is refused.
    pub problems: Vec<Problem>,
}

impl Unjudged {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.postfix.is_empty() && self.exim.is_empty() && self.problems.is_empty()
    }
}
