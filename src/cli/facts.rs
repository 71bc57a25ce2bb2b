//! Options that say where facts come from.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::evidence::EvidenceArgs;
use super::values::{PublicIp, mapped, public_ip, timestamp};
use crate::facts::{ExpectedHelo, Mapped, Mta, NatEntry};
use crate::name::DomainName;

/// A place on the host: absolute, and written without a final slash.
fn place(text: &str) -> Result<String, String> {
    let place = text.trim_end_matches('/');
    match place.starts_with('/') && !place.contains(|c: char| c.is_control()) {
        true => Ok(place.to_owned()),
        false => Err("a path from the root on is wanted, such as /etc/postfix".to_owned()),
    }
}

/// Block lists that are asked where none is named: of both, the terms let a mail server ask for its own few addresses through a resolver of
/// its own, and neither takes money for a removal.
const BLOCK_LISTS: [&str; 2] = ["zen.spamhaus.org", "psbl.surriel.com"];

/// The zone of a block list.
fn block_list(text: &str) -> Result<DomainName, String> {
    let name = DomainName::new(text.trim());
    match crate::observe::plan::is_askable(&name) {
        true => Ok(name),
        false => Err("the zone of a block list is wanted, such as zen.spamhaus.org".to_owned()),
    }
}

/// What is known of a move.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where facts come from")]
pub(crate) struct MoveArgs {
    /// The old host's snapshot: its addresses are --old-ip's, and the rules of the family MIG judge what changed
    #[arg(long, value_name = "SNAPSHOT")]
    pub moved_from: Option<PathBuf>,
    /// An address or a name of the old host that is meant to become another; repeatable, with --moved-from
    #[arg(long, value_name = "OLD=NEW", value_parser = mapped, requires = "moved_from")]
    pub map: Vec<Mapped>,
    /// How the command line names the old host's snapshot, where not by `--moved-from`.
    #[arg(skip)]
    pub named: Option<&'static str>,
}

impl MoveArgs {
    /// How the command line names the old host's snapshot.
    pub(crate) fn name(&self) -> &'static str {
        self.named.unwrap_or("--moved-from")
    }
}

/// When a move is planned.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where facts come from")]
pub(crate) struct CutoverArgs {
    /// When addresses are to change: says which records' TTL to lower, and by when
    #[arg(long, value_name = "RFC3339", value_parser = timestamp)]
    pub cutover: Option<jiff::Timestamp>,
}

/// Which mail logs are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogFrom {
    /// Those of the host that is looked at.
    Host,
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// Mail logs.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where facts come from")]
pub(crate) struct LogArgs {
    /// Read mail logs too: what receivers said of this host's names and addresses [default: the live MTA's, rotated ones too]
    ///
    /// Logs of Postfix and Exim, plain or packed with gzip or zstd, and `journalctl -o export`; `-` is standard input. Of the last fourteen days,
    /// and of a FILE of the fourteen before its newest line. Neither addresses of people nor numbers of messages get into a report.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    log: Option<Option<PathBuf>>,
}

impl LogArgs {
    /// Which are read; `None`: none.
    pub(crate) fn from(self) -> Option<LogFrom> {
        self.log.map(|file| match file {
            None => LogFrom::Host,
            Some(file) if file.as_os_str() == "-" => LogFrom::Stdin,
            Some(file) => LogFrom::File(file),
        })
    }
}

/// Where facts come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where facts come from")]
pub(crate) struct FactArgs {
    /// Read every file below DIR instead of /; nothing outside DIR is read
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Take the kernel's facts (names, addresses, source addresses) from this JSON file
    #[arg(long, value_name = "FILE")]
    pub kernel: Option<PathBuf>,
    /// Take every fact from a snapshot
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["root", "kernel"])]
    pub from: Option<PathBuf>,
    /// Take the DNS answers from the snapshot too: no file is read, no packet sent
    #[arg(long, requires = "from")]
    pub replay: bool,
    /// Judge this MTA alone [default: the live ones]
    #[arg(long, value_name = "MTA", value_parser = PossibleValuesParser::new(["postfix", "exim"]).map(|id| match id.as_str() {
        "exim" => Mta::Exim,
        _ => Mta::Postfix,
    }))]
    pub mta: Option<Mta>,
    /// The folder of Postfix's main.cf and master.cf, as the host sees it [default: where Postfix runs, else its usual places]
    #[arg(long, value_name = "DIR", value_parser = place, conflicts_with = "from")]
    pub postfix_dir: Option<String>,
    /// Exim's configuration, as the host sees it [default: what Exim runs with, else its usual places]
    #[arg(long, value_name = "FILE", value_parser = place, conflicts_with = "from")]
    pub exim_config: Option<String>,
    /// What a private source address looks like from outside (NAT); without LOCAL, every private one
    #[arg(long, value_name = "[LOCAL=]PUBLIC", value_parser = public_ip)]
    pub public_ip: Vec<PublicIp>,
    /// Ask public DNS services from which address private source addresses of this host come to them
    ///
    /// OpenDNS and Google learn this host's public address and that helolint or the like runs on it. An address counts where both
    /// agree; what --public-ip or a file says goes before it.
    #[arg(long, conflicts_with_all = ["root", "kernel", "from", "offline", "zones"])]
    pub discover_public_ip: bool,
    /// The name that this host is meant to have
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(DomainName::new(text)))]
    pub expect_hostname: Option<DomainName>,
    /// An address from before a migration; whatever still names it is reported
    #[arg(long, value_name = "ADDR")]
    pub old_ip: Vec<IpAddr>,
    /// Look for the sending addresses in DNS block lists
    ///
    /// Only this host's own resolvers are asked. Without ZONE: zen.spamhaus.org, free for small, non-commercial use through a resolver of one's
    /// own (its usage terms say more), and psbl.surriel.com, free for everybody; neither asks for money to be taken off the list.
    #[arg(long, value_name = "ZONE", num_args = 0..=1, value_delimiter = ',', default_missing_values = BLOCK_LISTS,
        value_parser = block_list, conflicts_with = "offline")]
    pub dnsbl: Vec<DomainName>,
    /// The settings [default: /etc/helolint.toml, below --root too, where there is one; none with --from]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// `--log`, where a command has it.
    #[arg(skip)]
    pub log: Option<LogFrom>,
    /// `--cutover`, where a command has it.
    #[arg(skip)]
    pub cutover: Option<jiff::Timestamp>,
    /// `--moved-from`, and what `compare` is given first.
    #[arg(skip)]
    pub moved: MoveArgs,
    /// Evidence beyond files and the DNS, where a command looks for it.
    #[arg(skip)]
    pub evidence: EvidenceArgs,
    /// The settings' map of addresses behind NAT.
    #[arg(skip)]
    pub nat: Vec<NatEntry>,
    /// HELO names that the settings expect of single paths.
    #[arg(skip)]
    pub expected_helo: Vec<ExpectedHelo>,
}
