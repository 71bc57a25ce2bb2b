//! What a step does, as data that another program can carry out.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::addr::Family;

/// One thing to do. Paths are the host's own, also below another root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// A file's content changes.
    Edit {
        /// The file.
        file: String,
        /// A unified diff against the file as it was read (patch(1) applies it); a new file: against nothing.
        diff: String,
    },
    /// A file goes.
    RemoveFile {
        /// The file.
        file: String,
    },
    /// A record is added to its zone.
    Publish {
        /// The record, as a master file writes it.
        record: String,
    },
    /// A record is taken from its zone.
    Withdraw {
        /// The record.
        record: String,
    },
    /// The whole PTR record set of an address becomes one name.
    SetPtr {
        /// The address.
        address: IpAddr,
        /// The name.
        name: String,
        /// The names that it has today.
        instead_of: Vec<String>,
    },
    /// Node name and `/etc/hostname`.
    SetHostName {
        /// The name.
        name: String,
    },
    /// An address is brought up on an interface.
    AddAddress {
        /// The address.
        address: IpAddr,
        /// The interface.
        interface: String,
    },
    /// A route for public destinations, after which the kernel chooses this source.
    AddRoute {
        /// The family.
        family: Family,
        /// The source.
        source: IpAddr,
    },
    /// The compiled form of a table is made from its text (postmap(1)).
    Compile {
        /// `type:path`.
        table: String,
    },
    /// A program is run.
    Run {
        /// It, and its arguments.
        command: Vec<String>,
        /// What it does to files, where it does.
        effect: Vec<Action>,
    },
    /// Something that only a person can do.
    ByHand {
        /// What.
        text: String,
        /// What it brings about, as far as known.
        effect: Vec<Action>,
    },
}
