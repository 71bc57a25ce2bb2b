//! What the command line and the settings say of a host, beside what its files say.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::facts::{ExpectedHelo, Facts, MailLog, Moved, Mta, NatEntry};
use crate::name::DomainName;

/// What takes the place of what the host's files give.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// `--mta`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta: Option<Mta>,
    /// `--public-ip` and the settings' map, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nat: Vec<NatEntry>,
}

impl Overrides {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Overrides::default()
    }

    /// These, and behind them what `earlier` said.
    pub fn before(mut self, earlier: Overrides) -> Overrides {
        let more = earlier.nat.into_iter().filter(|entry| !self.nat.contains(entry));
        let more: Vec<NatEntry> = more.collect();
        self.nat.extend(more);
        Overrides { mta: self.mta.or(earlier.mta), nat: self.nat }
    }
}

/// What a host is expected to be.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// `--expect-hostname`.
    pub hostname: Option<DomainName>,
    /// HELO names of single paths.
    pub helo: Vec<ExpectedHelo>,
    /// `--old-ip`.
    pub old_addresses: Vec<IpAddr>,
    /// `--dnsbl`.
    pub block_lists: Vec<DomainName>,
    /// What the logs of `--log` show.
    pub log: Option<Arc<MailLog>>,
    /// `--cutover`.
    pub cutover: Option<String>,
    /// `--moved-from`.
    pub moved: Option<Arc<Moved>>,
}

impl Facts {
    /// Adds what is expected; a host name takes the place of an earlier one.
    pub fn expect(&mut self, expectations: Expectations) {
        let Expectations { hostname, helo, old_addresses, block_lists, log, cutover, moved } = expectations;
        self.expected_hostname = hostname.or(self.expected_hostname.take());
        self.expected_helo.extend(helo);
        self.old_addresses.extend(old_addresses);
        let more: Vec<DomainName> = block_lists.into_iter().filter(|list| !self.block_lists.contains(list)).collect();
        self.block_lists.extend(more);
        self.log = log.or(self.log.take());
        self.cutover = cutover.or(self.cutover.take());
        self.moved = moved.or(self.moved.take());
    }
}
