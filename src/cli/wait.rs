//! Options of `wait`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::{duration, rule_word};
use super::words::{self, Words};
use super::{DnsArgs, FactArgs};

/// Time for the whole waiting where nothing else is said.
const DEFAULT_TIME: &str = "1h";

/// Options of `wait`: those that have nobody asked are there to be refused in words.
#[derive(Debug, Clone, Args)]
#[command(
    mut_arg("zones", |arg| arg.hide(true)),
    mut_arg("overlay", |arg| arg.hide(true)),
    mut_arg("offline", |arg| arg.hide(true)),
    mut_arg("replay", |arg| arg.hide(true)),
)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
    /// Wait until none of these rules finds anything: codes, names or families [default: every error that the DNS can settle]
    #[arg(long, value_name = "CODES", value_delimiter = ',', hide_possible_values = true,
        value_parser = Words { parse: rule_word, known: words::rules_and_families })]
    pub until: Vec<String>,
    /// For so long at the most: 90s, 30m, 1h30m
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, default_value = DEFAULT_TIME)]
    pub time: Duration,
    /// The format
    #[arg(long, value_name = "NAME", value_enum, default_value_t = WaitFormat::Human, help_heading = "What comes out")]
    pub format: WaitFormat,
}

/// Formats of `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaitFormat {
    /// One line for each change
    Human,
    /// One JSON object for each event
    Ndjson,
}
