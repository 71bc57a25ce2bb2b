//! A running MTA.

use crate::facts::Mta;

/// A running daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// What it is.
    pub mta: Mta,
    /// Its process number.
    pub pid: u32,
    /// When it was started, seconds since 1970.
    pub started: Option<i64>,
    /// When its configuration was last read, seconds since 1970: a reload makes Postfix start its queue manager anew.
    pub loaded: Option<i64>,
    /// Postfix: `MAIL_CONFIG` of its environment, the folder of its configuration.
    pub config_directory: Option<String>,
    /// Exim: the argument of `-C`, a colon-separated list of files of which the first that exists counts.
    pub config_files: Option<String>,
    /// Exim: the arguments of `-D`, `NAME=value`.
    pub macros: Vec<String>,
}
