//! Answers from the network: the only door to it. Nothing of hickory's or tokio's types leaves this module.
//!
//! Each server is asked for itself, and its answers are kept as it gave them. Everything whose input is known goes out at once, and an answer's
//! follow-up questions go out as soon as the first server gives it: the time taken is the longest chain of questions, not their number,
//! and a silent server delays nothing but its own column.

mod answered;
mod authority;
mod client;
mod closing;
pub(crate) mod discover;
mod encrypted;
mod exchange;
mod ids;
mod life;
mod limits;
mod lines;
mod ports;
mod progress;
mod round_trip;
mod run;
mod server;
mod shared;
mod shares;
mod socket;
mod stream;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
mod window;
pub(crate) mod wire;
mod zoned;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{CLOUDFLARE, GOOGLE, QUAD9};

pub use client::{Client, GivenUp, Manners};
pub use encrypted::{Transport, Trust};
pub use progress::Progress;
pub use stream::stream;

use crate::addr::is_public;
use crate::observe::plan::FollowUps;
use crate::observe::{Observations, Question, Vantage, VantageKind};

/// Port of the DNS.
pub const PORT: u16 = 53;
/// Seconds for the whole phase unless `--timeout` says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Servers of resolv.conf that the C library asks (`MAXNS` of resolv.h).
const SYSTEM_SERVERS: usize = 3;

/// A recursive resolver to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverSpec {
    /// As reports name it.
    pub name: String,
    /// Where it listens.
    pub server: SocketAddr,
    /// [`VantageKind::System`] for resolv.conf's, else [`VantageKind::Public`].
    pub kind: VantageKind,
    /// How it is asked.
    pub transport: Transport,
}

/// Which servers to ask, and for how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// The recursive resolvers.
    pub resolvers: Vec<ResolverSpec>,
    /// Whether authoritative servers are looked for and asked.
    pub authoritative: bool,
    /// The port on which they are asked.
    pub authoritative_port: u16,
    /// For the whole phase. What has not been answered by then is a time-out.
    pub timeout: Duration,
    /// Where the phase says how far it has come.
    pub progress: Progress,
    /// Issuers that the certificates of resolvers over TLS and HTTPS must come from.
    pub trust: Trust,
    /// Where not everybody is asked everything.
    pub only: Option<Only>,
}

/// Who is asked what, where not everybody is asked everything. Questions that answers bring go to the servers of their zones alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// Questions for the servers of their zones.
    pub source: BTreeSet<Question>,
    /// Questions for resolvers, with these' places in [`Options::resolvers`].
    pub copies: BTreeSet<(Question, usize)>,
}

impl Options {
    /// What `check` does unless told otherwise: the host's own resolvers, three public ones, authoritative servers on port 53.
    pub fn new(nameservers: &[IpAddr], only_ipv6: bool) -> Options {
        Options {
            resolvers: default_resolvers(nameservers, only_ipv6),
            authoritative: true,
            authoritative_port: PORT,
            timeout: DEFAULT_TIMEOUT,
            progress: Progress::default(),
            trust: Trust::nobody(),
            only: None,
        }
    }

    /// Whether some resolver is in the public network. Receivers cannot ask servers at private addresses then, and what these say is not what
    /// receivers see. Where all resolvers are on this host or in a network of its own, that is the world: a test network.
    fn sees_the_public_dns(&self) -> bool {
        self.resolvers.iter().any(|spec| is_public(spec.server.ip()))
    }
}

/// The resolvers that are asked without `--resolver`: resolv.conf's, each for itself, then three public ones; these by their IPv6 addresses on
/// a host whose kernel has a route for IPv6 alone.
pub fn default_resolvers(nameservers: &[IpAddr], only_ipv6: bool) -> Vec<ResolverSpec> {
    let mut resolvers: Vec<ResolverSpec> = Vec::new();
    for (earlier, server) in system_servers(nameservers).enumerate() {
        let name = match earlier {
            0 => "system".to_owned(),
            earlier => format!("system{}", earlier + 1),
        };
        resolvers.push(ResolverSpec { name, server, kind: VantageKind::System, transport: Transport::Plain });
    }
    for (name, group) in [("cloudflare", CLOUDFLARE), ("google", GOOGLE), ("quad9", QUAD9)] {
        let fits = |addr: &&IpAddr| addr.is_ipv6() == only_ipv6;
        resolvers.extend(group.ips.iter().find(fits).map(|addr| ResolverSpec {
            name: name.to_owned(),
            server: SocketAddr::new(*addr, PORT),
            kind: VantageKind::Public,
            transport: Transport::Plain,
        }));
    }
    resolvers
}

/// Where the C library asks, of the servers that resolv.conf names.
pub fn system_servers(nameservers: &[IpAddr]) -> impl Iterator<Item = SocketAddr> {
    let mut servers: Vec<SocketAddr> = Vec::new();
    for address in nameservers {
        let server = SocketAddr::new(*address, PORT);
        if servers.len() < SYSTEM_SERVERS && !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers.into_iter()
}

/// Asks these questions, and those that `follow_ups` makes of their answers and of the answers in `dns`. Questions that have replies in `dns`
/// keep them.
///
/// Returns when all is answered or given up, at the latest when [`Options::timeout`] is over. Never fails: what could not be asked is
/// an [`crate::observe::Why`] in the observations.
pub fn ask(
    questions: &BTreeSet<Question>,
    follow_ups: &FollowUps,
    options: &Options,
    dns: Observations,
) -> Observations {
    if dns.offline {
        return dns;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    match runtime {
        Ok(runtime) => {
            let observations = runtime.block_on(run::run(questions, follow_ups, options, dns, None));
            // Connections under way are not waited for.
            runtime.shutdown_background();
            observations
        }
        Err(error) => closing::nothing_answered(questions, options, dns, &error),
    }
}

/// The servers that [`ask`] asks first, as `helolint questions` prints it: the resolvers, in order.
pub fn resolvers(options: &Options) -> Vec<Vantage> {
    let vantage = |spec: &ResolverSpec| Vantage { name: spec.name.clone(), server: Some(spec.server), kind: spec.kind };
    options.resolvers.iter().map(vantage).collect()
}
