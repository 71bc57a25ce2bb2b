//! Options of `compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{FailOnArgs, mapped, verbosity};
use super::{DnsArgs, FactArgs, MoveArgs, RuleArgs};
use crate::facts::Mapped;
use crate::report::Verbosity;

/// Options of `compare`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompareArgs {
    /// The snapshot of before
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The snapshot of after [default: this host, or what --root names]
    #[arg(value_name = "NEW", conflicts_with_all = ["root", "kernel", "from"])]
    new: Option<PathBuf>,
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
    /// An address or a name of the old host that is meant to become another; repeatable
    #[arg(long, value_name = "OLD=NEW", value_parser = mapped)]
    map: Vec<Mapped>,
    #[command(flatten)]
    pub output: CompareOutput,
}

/// What comes out.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What comes out")]
pub(crate) struct CompareOutput {
    /// The format
    #[arg(long, value_name = "NAME", value_enum, default_value_t = CompareFormat::Human)]
    pub format: CompareFormat,
    /// Write to FILE, whole or not at all, instead of to standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub rules: RuleArgs,
    #[command(flatten)]
    pub fail_on: FailOnArgs,
    /// Say what was not expected in one line each
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say each change, expected ones too
    #[arg(short, long)]
    verbose: bool,
}

/// Formats of `compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// For people, in a terminal
    Human,
    /// One JSON document
    Json,
    /// For a ticket
    Markdown,
}

impl CompareArgs {
    /// The same with what is compared in its place among the options of facts.
    pub(crate) fn placed(mut self) -> CompareArgs {
        self.facts.moved = MoveArgs { moved_from: Some(self.old.clone()), map: self.map.clone(), named: Some("OLD") };
        if let Some(new) = self.new.take() {
            (self.facts.from, self.facts.replay) = (Some(new), true);
        }
        self
    }
}

impl CompareOutput {
    /// How much the human report says.
    pub(crate) fn verbosity(&self) -> Verbosity {
        verbosity(self.quiet, self.verbose)
    }
}
