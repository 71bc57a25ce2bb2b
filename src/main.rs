//! The program: runs, exits.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(helolint::program::run())
}
