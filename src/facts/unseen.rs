//! Processes that look like an MTA's daemon and are not taken for one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::facts::Mta;

/// A process that looks like an MTA's daemon, and of which nothing is believed: as far as it goes, none is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnseenDaemon {
    /// What it looks like; `None`: that cannot be told.
    pub mta: Option<Mta>,
    /// Its process number.
    pub pid: Option<u32>,
    /// Why it is not believed.
    pub why: Doubt,
}

/// Why a process is not believed to be the host's MTA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Doubt {
    /// It runs as this user, who is neither root nor the MTA's own.
    User {
        /// The user's number.
        uid: u32,
    },
    /// It runs another program than the MTA that is installed.
    Program,
    /// Somebody else than root owns its program, or may write to it.
    ProgramNotRoots,
    /// It is in another namespace of this kind: `process`, `network` or `mount`.
    Namespace {
        /// Which kind.
        of: String,
    },
    /// The configuration that it alone names is not root's.
    Configuration {
        /// The file or folder.
        path: String,
    },
    /// It cannot be looked at.
    Refused,
    /// Processes of other users are hidden.
    Hidden,
}

impl fmt::Display for UnseenDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.mta) {
            (Some(pid), Some(mta)) => write!(f, "Process {pid} looks like {mta} and is not believed: ")?,
            (Some(pid), None) => write!(f, "Process {pid} is not believed: ")?,
            (None, _) => write!(f, "Running daemons cannot be seen: ")?,
        }
        match &self.why {
            Doubt::User { uid } => {
                write!(f, "it runs as the user number {uid}, who is neither root nor the MTA's own")
            }
            Doubt::Program => f.write_str("its program is not the MTA that is installed here"),
            Doubt::ProgramNotRoots => f.write_str("its program can be changed by others than root"),
            Doubt::Namespace { of } if of == "mount" => f.write_str(
                "it runs in another mount namespace, where the paths that it was started with may lead elsewhere",
            ),
            Doubt::Namespace { of } => write!(f, "it runs in another {of} namespace, as a container does"),
            Doubt::Configuration { path } => write!(
                f,
                "it was started with {path}, which nothing else names and which others than root can change, by itself \
                 or by a folder above it"
            ),
            Doubt::Refused => f.write_str("the system does not let it be looked at (root can)"),
            Doubt::Hidden => f.write_str("the system hides processes of other users (root sees them)"),
        }?;
        f.write_str(". What is compiled in, or set by files that start the MTA, was read.")
    }
}
