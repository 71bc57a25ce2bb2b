//! The commands, one file each: the only places that know every stage.

mod check;
mod compare;
mod completions;
mod demo;
mod domains;
mod explain;
mod fix;
mod gather;
mod judging;
mod kernel;
mod man;
mod merge;
mod planning;
mod questions;
mod reply;
mod rules;
mod schema;
mod snapshot;
mod wait;

use crate::cli::Command;
use crate::error::Error;
use crate::report::{Style, Verbosity};
use crate::{exit, output};

/// Runs a command; the value is the exit status. `color` is `--color`, which every command has.
///
/// # Errors
/// Where the run could not be done (exit status 2): see [`Error`].
pub(crate) fn run(command: Command, color: anstream::ColorChoice) -> Result<u8, Error> {
    let style = Style::for_stdout(color, Verbosity::Normal);
    match command {
        Command::Check(args) => check::run(*args),
        Command::Compare(args) => compare::run(args.placed(), color),
        Command::Snapshot(args) => snapshot::run(*args),
        Command::Wait(args) => wait::run(*args),
        Command::Domains(args) => domains::run(*args),
        Command::Demo(args) => demo::run(&args, color),
        Command::Merge(args) => merge::run(&args, color),
        Command::Fix(args) => fix::run(*args),
        Command::Questions(args) => print(&questions::run(*args, &style)?),
        Command::Explain(args) => print(&explain::run(*args, &style)?),
        Command::Kernel(args) => kernel::run(&args),
        Command::Rules(args) => print(&rules::run(&args, &style)),
        Command::Schema(args) => print(&schema::run(&args)),
        Command::Completions(args) => print(&completions::run(&args)),
        Command::Man(args) => man::run(&args),
    }
}

/// Writes what a command has to say to standard output.
fn print(text: &str) -> Result<u8, Error> {
    output::to_stdout(text.as_bytes())?;
    Ok(exit::OK)
}
