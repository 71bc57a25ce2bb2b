//! Options of the commands that tell of the rules.

use clap::{Args, ValueEnum};

use super::words::{self, Words};
use super::{DnsArgs, FactArgs};

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Codes or names of rules, or families: PTR001, ptr-missing, PTR
    #[arg(value_name = "CODE|NAME|FAMILY", required_unless_present = "reply", hide_possible_values = true,
        value_parser = Words { parse: |text| Ok(text.to_owned()), known: words::rules_and_families })]
    pub rules: Vec<String>,
    /// An SMTP reply, a bounce or lines of a mail log; `-` reads them from standard input
    ///
    /// Says who answers so, what it means and which rules look into it. On a mail host, or with --root or --from, the host is checked too,
    /// as `check` does it, and the findings that explain the reply are shown; with --offline the DNS is left alone.
    #[arg(long, value_name = "TEXT|-", conflicts_with = "rules", allow_hyphen_values = true)]
    pub reply: Option<String>,
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
}

/// Options of `rules`.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// A table for people, or JSON
    #[arg(long, value_enum, default_value_t = RulesFormat::Human)]
    pub format: RulesFormat,
}

/// The formats of `rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RulesFormat {
    /// A table.
    Human,
    /// One JSON document.
    Json,
}
