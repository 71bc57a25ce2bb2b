//! The log that `--log` names.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use super::{Host, given, unusable};
use crate::cli::LogFrom;
use crate::collect::root::OpenLog;
use crate::error::Error;

/// Which logs are to be read.
#[derive(Debug)]
pub(crate) enum LogInput {
    /// None.
    Nothing,
    /// Those of the host that is looked at.
    Host,
    /// One that the command line names, opened.
    Named(String, OpenLog),
}

/// Opens what `--log` names; the host's own logs are found when its configuration has been read.
///
/// # Errors
/// Where it cannot be read, or where there is no host whose logs could be.
pub(super) fn open(from: Option<&LogFrom>, host: &Host) -> Result<LogInput, Error> {
    let named = |path: &Path, file: io::Result<File>| {
        let opened = file.and_then(OpenLog::new).map_err(|error| unusable("--log", path, error.to_string()))?;
        Ok(LogInput::Named(path.display().to_string(), opened))
    };
    match (from, host) {
        (None, _) => Ok(LogInput::Nothing),
        (Some(LogFrom::Host), Host::Files(_)) => Ok(LogInput::Host),
        (Some(LogFrom::Host), Host::Snapshot(_)) => {
            Err(Error::Usage("a snapshot has no logs to be read: name one, as in --log FILE".to_owned()))
        }
        (Some(LogFrom::File(path)), _) => named(path, given::open(path)),
        (Some(LogFrom::Stdin), _) => {
            // The process that reads it has another standard input.
            let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
            named(Path::new("-"), file)
        }
    }
}
