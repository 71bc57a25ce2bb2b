//! Maps of panels that have no facts of their own: DirectAdmin's, Hestia's.

use serde::{Deserialize, Serialize};

use crate::facts::MapEntry;

/// A map of a panel, or what stands in one file for each domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelMap {
    /// Its file; `*` stands for the key where each has a file of its own.
    pub file: String,
    /// What its values are.
    pub of: MapOf,
    /// Its entries, in file order. Of lists of domains, values are empty.
    pub entries: Vec<MapEntry>,
}

/// What the entries of a map say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapOf {
    /// From which address the domain's mail leaves.
    Source,
    /// How mail is introduced, by domain or by source address.
    Helo,
    /// By way of which host the domain's mail leaves.
    Relay,
    /// Domains whose mail is delivered here.
    Local,
    /// Domains of this host's users.
    Owned,
}
