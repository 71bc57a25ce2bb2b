//! Options of the commands that print documents: schemas, completions, manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory, ValueEnum};

use super::Cli;

/// Options of `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// The document
    #[arg(value_enum)]
    pub document: SchemaDocument,
}

/// Documents with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaDocument {
    /// What `check --format json` writes
    Report,
    /// What `snapshot` writes
    Snapshot,
    /// The settings file
    Config,
    /// What `kernel` writes and `--kernel` reads
    Kernel,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl CompletionsArgs {
    /// The completions for the shell asked for.
    pub(crate) fn render(&self) -> String {
        let mut out = Vec::new();
        clap_complete::generate(self.shell, &mut <Cli as CommandFactory>::command(), "helolint", &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Options of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write helolint.1, a page for each command, helolint.toml.5 and helolint-rules.7 into the folders
    /// man1, man5 and man7 of DIR
    #[arg(long, value_name = "DIR")]
    pub all: Option<PathBuf>,
}
