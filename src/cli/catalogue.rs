//! Options of the commands that tell of the rules.

use clap::{Args, ValueEnum};

use super::words::{self, Words};

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Codes or names of rules, or families: PTR001, ptr-missing, PTR
    #[arg(value_name = "CODE|NAME|FAMILY", required = true, hide_possible_values = true,
        value_parser = Words { parse: |text| Ok(text.to_owned()), known: words::rules_and_families })]
    pub rules: Vec<String>,
}

/// Options of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// A table for people, or JSON
    #[arg(long, value_enum, default_value_t = RulesFormat::Human)]
    pub format: RulesFormat,
}

/// The formats of `rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RulesFormat {
    /// A table.
    Human,
    /// One JSON document.
    Json,
}
