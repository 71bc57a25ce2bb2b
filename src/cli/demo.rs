//! Options of `demo`.

use std::path::PathBuf;

use clap::Args;

use super::values::{FormatArg, report_format, verbosity};
use super::words::{self, Words};
use crate::report::{Format, Verbosity};

/// Options of `demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// The format, any of `check`'s [default: human]
    #[arg(long, value_name = "NAME", hide_possible_values = true, value_parser = Words { parse: alone, known: words::formats })]
    format: Option<FormatArg>,
    /// Write the report to FILE, whole or not at all, instead of to standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Say the verdict and one line for each finding
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say everything: all paths, all places, all evidence
    #[arg(short, long)]
    verbose: bool,
}

impl DemoArgs {
    /// The format.
    pub(crate) fn format(&self) -> Format {
        self.format.as_ref().map_or(Format::Human, |arg| arg.format)
    }

    /// How much the report says.
    pub(crate) fn verbosity(&self) -> Verbosity {
        verbosity(self.quiet, self.verbose)
    }
}

/// A format without a file.
fn alone(text: &str) -> Result<FormatArg, String> {
    match report_format(text)? {
        FormatArg { file: Some(_), .. } => Err("the name of a format is expected; -o names a file".into()),
        arg => Ok(arg),
    }
}
