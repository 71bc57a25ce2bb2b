//! Postfix, as its own programs read its files.

mod check;
mod compare;
pub mod defaults;
pub mod environment;
pub mod expand;
mod grammar;
pub mod lines;
pub mod main_cf;
pub mod master_cf;
pub mod postconf;
pub mod process;
