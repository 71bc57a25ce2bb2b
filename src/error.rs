//! The few errors that end a run. Everything else becomes a finding.

use std::io;
use std::path::{Path, PathBuf};

use crate::escape;

/// Why a run could not be done. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line asks for something that there is not, or that does not go together.
    #[error("{0}")]
    Usage(String),
    /// The folder given with `--root` cannot be read.
    #[error("cannot read the root {}: {source}\n  give --root a folder that holds a copy of the host's files, readable by this user", shown(.path))]
    Root {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file named on the command line cannot be read, or is not what it should be.
    #[error("cannot use {} (given with {option}): {problem}", shown(.path))]
    Input {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The settings file is not as it must be.
    #[error("bad settings in {}: {problem}\n  correct the file, or name another with --config", escape::line(.place))]
    Settings {
        /// The file, and the line where it is one.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A report could not be written.
    #[error("cannot write {}: {source}\n  nothing was left there; check the folder's permissions and free space, or name another file", shown(.path))]
    Output {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A report is not written, since somebody else could gain by it.
    #[error("will not write {}: {why}", shown(.path))]
    OutputUnsafe {
        /// The file.
        path: PathBuf,
        /// Who could do what, and what to do.
        why: String,
    },
    /// The process that asks the DNS and judges could not do so.
    #[error("{0}")]
    Apart(String),
    /// A fault of the program.
    #[error("nothing was judged: helolint itself failed")]
    Fault,
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}\n  write to a file with -o FILE")]
    Stdout(#[source] io::Error),
}

impl Error {
    /// The message with nothing in it that could harm a terminal.
    pub(crate) fn harmless(&self) -> String {
        escape::block(&self.to_string()).into_owned()
    }
}

/// A file's name on one line: a line end in it begins no line of ours.
fn shown(path: &Path) -> String {
    escape::line(&path.display().to_string()).into_owned()
}
