//! Options of `merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{FailOnArg, verbosity};
use crate::exit::FailOn;
use crate::report::Verbosity;

/// Options of `merge`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MergeArgs {
    /// Reports of `check` (--format json or ndjson), snapshots, or folders with such files (*.json, *.ndjson)
    #[arg(value_name = "REPORT", required = true)]
    pub reports: Vec<PathBuf>,
    /// Read nothing where the system lacks a part of the sandbox in which reports are read
    ///
    /// Without it, what there is of user, capabilities, limits, Landlock and seccomp is used; merge -v says what there is not.
    #[arg(long)]
    pub require_sandbox: bool,
    /// The format
    #[arg(long, value_name = "NAME", value_enum, default_value_t = MergeFormat::Human, help_heading = "What comes out")]
    pub format: MergeFormat,
    /// Write to FILE, whole or not at all, instead of to standard output (`-`)
    #[arg(short, long, value_name = "FILE", help_heading = "What comes out")]
    pub output: Option<PathBuf>,
    /// The weakest severity that makes the exit status other than 0 [default: error]
    #[arg(long, value_name = "SEVERITY", value_enum, help_heading = "What comes out")]
    fail_on: Option<FailOnArg>,
    /// Say what all hosts come to, without the table of hosts
    #[arg(short, long, conflicts_with = "verbose", help_heading = "What comes out")]
    quiet: bool,
    /// Say everything: healthy hosts, and all hosts of each finding
    #[arg(short, long, help_heading = "What comes out")]
    verbose: bool,
}

/// Formats of `merge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MergeFormat {
    /// For people, in a terminal
    Human,
    /// One JSON document
    Json,
    /// One line for each host
    Csv,
    /// For a ticket
    Markdown,
}

impl MergeArgs {
    /// `--fail-on`.
    pub(crate) fn fail_on(&self) -> FailOn {
        self.fail_on.map(FailOnArg::value).unwrap_or_default()
    }

    /// How much the human report says.
    pub(crate) fn verbosity(&self) -> Verbosity {
        verbosity(self.quiet, self.verbose)
    }
}
