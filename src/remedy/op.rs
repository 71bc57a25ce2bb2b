//! One change of a host, as trials make it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::Family;
use crate::observe::change::RecordChange;
use crate::remedy::edit::Edit;

/// One change of the world that a trial looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// A file's content.
    Edit {
        /// The file, as the host sees it.
        file: String,
        /// What becomes of it.
        edit: Edit,
    },
    /// A file goes.
    Remove {
        /// The file.
        file: String,
    },
    /// A program that writes files from others.
    Generate {
        /// The program and its arguments.
        command: Vec<String>,
        /// The file that it reads, and that must have been changed for the program to write anything else than before; `None` where it
        /// goes by what the host is.
        from: Option<String>,
        /// The file that it writes.
        file: String,
        /// What becomes of that.
        edit: Edit,
    },
    /// A record.
    Record(RecordChange),
    /// Node name and `/etc/hostname`.
    HostName(String),
    /// An address on an interface.
    Address {
        /// The address.
        address: IpAddr,
        /// The interface.
        interface: String,
    },
    /// A route for public destinations.
    Route {
        /// The family.
        family: Family,
        /// The source that the kernel chooses then.
        source: IpAddr,
    },
    /// The compiled form of a table, `type:path`.
    Compile {
        /// The table.
        table: String,
    },
    /// Daemons read their configuration anew.
    Reload,
    /// Something that a person does in a panel, with what it brings about.
    ByHand {
        /// What.
        text: String,
        /// A command that does the same, where there is one.
        command: Option<String>,
        /// What it brings about.
        effect: Vec<Op>,
    },
}

/// The files that changes edit.
pub(super) fn edited(ops: &[Op]) -> BTreeSet<String> {
    let files = ops.iter().filter_map(|op| if let Op::Edit { file, .. } = op { Some(file.clone()) } else { None });
    files.collect()
}
