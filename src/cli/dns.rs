//! Options that say where DNS answers come from.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{DNS_PORT, Resolver, resolver, seconds};

/// Time for the whole DNS phase where nothing else is said.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where DNS answers come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where DNS answers come from")]
pub(crate) struct DnsArgs {
    /// Ask these recursive resolvers [default: those of resolv.conf, 1.1.1.1, 8.8.8.8 and 9.9.9.9]
    #[arg(long, value_name = "[NAME=]ADDR[:PORT]|tls://ADDR|https://ADDR/PATH", value_parser = resolver)]
    pub resolver: Vec<Resolver>,
    /// Ask authoritative servers on this port (test networks)
    #[arg(long, value_name = "PORT", default_value_t = DNS_PORT, hide_default_value = true)]
    pub authoritative_port: u16,
    /// Ask recursive resolvers only
    #[arg(long)]
    pub no_authoritative: bool,
    /// Answer every question from the master files (ORIGIN.zone) in DIR: no packet leaves
    #[arg(long, value_name = "DIR")]
    pub zones: Option<PathBuf>,
    /// Planned records (a master file): where it has the name and type, it answers instead of the live DNS
    #[arg(long, value_name = "FILE")]
    pub overlay: Option<PathBuf>,
    /// Ask nothing; rules that need the DNS are listed as not checked
    #[arg(long)]
    pub offline: bool,
    /// Time for the whole DNS phase; what is not answered by then is undetermined [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Ask nothing where the system lacks a part of the sandbox in which answers are read
    ///
    /// Without it, what there is of user, capabilities, limits, Landlock and seccomp is used; check -v says what there is not.
    #[arg(long)]
    pub require_sandbox: bool,
}

impl DnsArgs {
    /// Whether servers are asked, as far as these options say.
    pub(crate) fn asks(&self) -> bool {
        !self.offline && self.zones.is_none()
    }

    /// `--timeout`, or its default.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}
