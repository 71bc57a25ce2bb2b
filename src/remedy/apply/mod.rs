//! Steps that this host can take by itself: which of a plan's steps may be carried out, and files written whole, each with its backup.
//!
//! | part | what |
//! | --- | --- |
//! | `select` | steps as changes of files and commands, and what keeps one from being carried out |
//! | `hold` | folders held against other runs, cleared of what killed ones left |
//! | `file` | one file, replaced |
//! | `names` | names of drafts and backups |
//! | `undo` | what the last run changed, given back |
//! | `run` | the few programs that are run |

mod file;
mod hold;
mod names;
mod run;
mod select;
mod undo;

pub use file::Prepared;
pub use hold::Held;
pub use names::Stamp;
pub use run::{Ran, is_known, run};
pub use select::{Chosen, FileChange, Level, Part, chosen, parts};
pub use undo::{Given, undo};
