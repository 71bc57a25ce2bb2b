//! Steps that this host can take by itself: which of a plan's steps may be carried out, and files written whole, each with its backup.
//!
//! | part | what |
//! | --- | --- |
//! | `select` | steps as changes of files and commands, and what keeps one from being carried out |
//! | `file` | one file, replaced, and given back |
//! | `undo` | the backups of the last run |
//! | `run` | the few programs that are run |

mod file;
mod run;
mod select;
mod undo;

pub use file::{Prepared, Stamp};
pub use run::{Ran, is_known, run};
pub use select::{Chosen, FileChange, Level, Part, chosen, parts};
pub use undo::{Given, undo};
