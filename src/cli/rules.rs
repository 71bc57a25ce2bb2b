//! Options that say by which rules a host is judged.

use clap::Args;

use super::values::rule_word;
use super::words::{self, Words};

/// By which rules a host is judged.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What comes out")]
pub(crate) struct RuleArgs {
    /// Judge by these rules only: codes, names or families such as PTR
    #[arg(long, value_name = "CODES", value_delimiter = ',', hide_possible_values = true,
        value_parser = Words { parse: rule_word, known: words::rules_and_families })]
    pub select: Vec<String>,
    /// Do not judge by these rules
    #[arg(long, value_name = "CODES", value_delimiter = ',', hide_possible_values = true,
        value_parser = Words { parse: rule_word, known: words::rules_and_families })]
    pub ignore: Vec<String>,
}
