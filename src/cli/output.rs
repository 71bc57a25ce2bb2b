//! Options that say what comes out.

use std::path::PathBuf;

use clap::Args;

use super::RuleArgs;
use super::values::{FailOnArgs, FormatArg, format_help, report_format, verbosity};
use super::words::{self, Words};
use crate::report::{Format, Verbosity};

/// The file name that stands for standard output.
const STDOUT: &str = "-";

/// What comes out.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What comes out")]
pub(crate) struct OutputArgs {
    /// The format, or one more in a file; repeatable [default: human]
    #[arg(long, value_name = "NAME[=FILE]", long_help = format_help(), hide_possible_values = true,
        value_parser = Words { parse: report_format, known: words::formats })]
    pub format: Vec<FormatArg>,
    /// Write the report to FILE, whole or not at all, instead of to standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub rules: RuleArgs,
    #[command(flatten)]
    pub fail_on: FailOnArgs,
    /// Findings in this file are known: they are shown apart and do not count
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub baseline: Option<PathBuf>,
    /// Write what was found to FILE, for --baseline
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub write_baseline: Option<PathBuf>,
    #[command(flatten)]
    color: colorchoice_clap::Color,
    /// Say the verdict and one line for each finding
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say everything: all paths, all places, all evidence
    #[arg(short, long)]
    verbose: bool,
}

impl OutputArgs {
    /// How much the human report says.
    pub(crate) fn verbosity(&self) -> Verbosity {
        verbosity(self.quiet, self.verbose)
    }

    /// `--color`, for `Style::for_stdout`.
    pub(crate) fn color(&self) -> anstream::ColorChoice {
        self.color.as_choice()
    }

    /// What to write, and where: each format with its file; `None` is standard output, which at most one of them has.
    pub(crate) fn targets(&self) -> Vec<(Format, Option<PathBuf>)> {
        let mut targets: Vec<(Format, Option<PathBuf>)> =
            self.format.iter().map(|arg| (arg.format, arg.file.clone())).collect();
        match (targets.iter_mut().find(|(_, file)| file.is_none()), &self.output) {
            (Some((_, file)), output) => *file = output.clone(),
            // `-o` needs a format of its own; so does a terminal that would stay empty.
            (None, output) => targets.push((Format::Human, output.clone())),
        }
        for (_, file) in &mut targets {
            file.take_if(|file| file.as_os_str() == STDOUT);
        }
        targets
    }

    /// The format on standard output, where there is one: its exit status counts.
    pub(crate) fn stdout_format(&self) -> Option<Format> {
        self.targets().iter().find(|(_, file)| file.is_none()).map(|(format, _)| *format)
    }

    /// What does not go together, for a usage error.
    pub(super) fn verify(&self) -> Result<(), String> {
        let unnamed = self.format.iter().filter(|arg| arg.file.is_none()).count();
        if unnamed > 1 || self.targets().iter().filter(|(_, file)| file.is_none()).count() > 1 {
            return Err(
                "only one --format can go to standard output: give the others a file, as in --format json=report.json"
                    .into(),
            );
        }
        let mut files: Vec<PathBuf> = self.targets().into_iter().filter_map(|(_, file)| file).collect();
        files.sort();
        match files.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("two formats would be written to {}", pair[0].display())),
            None => Ok(()),
        }
    }
}
