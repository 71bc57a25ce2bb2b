//! Options of `domains`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DnsArgs, FactArgs, MoveArgs, RuleArgs};

/// Options of `domains`.
#[derive(Debug, Clone, Args)]
#[command(
    mut_arg("resolver", |arg| arg.help("Ask these recursive resolvers [default: the first of resolv.conf alone]")),
    mut_arg("timeout", |arg| arg.help("Time for one question; what is not answered by then is undetermined [default: 10]")),
    mut_arg("no_authoritative", |arg| arg.hide(true)),
    mut_arg("dnsbl", |arg| arg.hide(true)),
)]
pub(crate) struct DomainsArgs {
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub moved: MoveArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
    /// Look at these domains, one a line, instead of all that the host handles (`-`: standard input)
    #[arg(long, value_name = "FILE", help_heading = "Which domains")]
    pub domains: Option<PathBuf>,
    /// Ask the servers of the zones too
    #[arg(long, conflicts_with = "no_authoritative", help_heading = "Where DNS answers come from")]
    pub authoritative: bool,
    /// Questions a second to servers that are not on this host; 0: no limit
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Where DNS answers come from")]
    pub qps: u32,
    /// The format
    #[arg(long, value_name = "NAME", value_enum, default_value_t = DomainsFormat::Human, help_heading = "What comes out")]
    pub format: DomainsFormat,
    /// Write to FILE, whole or not at all, instead of to standard output (`-`); not with ndjson and csv, which are written as they come
    #[arg(short, long, value_name = "FILE", help_heading = "What comes out")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Keep what is done in FILE, and begin behind what an earlier run kept there
    #[arg(long, value_name = "FILE", help_heading = "What comes out")]
    pub resume: Option<PathBuf>,
    /// Say what of the sandbox the kernel does not have
    #[arg(short, long)]
    pub verbose: bool,
}

/// Formats of `domains`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DomainsFormat {
    /// For people, grouped by finding
    Human,
    /// One JSON document
    Json,
    /// One JSON object for each domain, as it is done
    Ndjson,
    /// One line for each domain, as it is done: for mail to customers
    Csv,
    /// For a ticket, grouped by finding
    Markdown,
    /// A page for a browser, grouped by finding
    Html,
    /// Metrics: how many domains there are, and with which findings
    Prometheus,
}
