//! The program as `main` calls it: reads the command line, runs it.

use std::ffi::OsString;
use std::io::Write as _;

use crate::{cli, commands, error, exit, output, process, report};

/// Runs the command line of this process. The exit status.
pub fn run() -> u8 {
    process::run(run_in_process).unwrap_or(exit::COULD_NOT_RUN)
}

/// What is wrong with a command line, its first word the program's name; `None` where it can be run, or asks for help.
pub fn refusal(words: impl IntoIterator<Item = OsString>) -> Option<String> {
    cli::Cli::read(words).err().filter(|error| error.use_stderr()).map(|error| error.to_string())
}

fn run_in_process() -> u8 {
    let args: Vec<_> = std::env::args_os().collect();
    let cli = match cli::Cli::read(args.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return cli::refuse(&error, &args),
    };
    let color = cli.color();
    let command = cli.into_command();
    let stdout_format = command.stdout_format();
    // What a monitoring system reads stands there after a panic too.
    let ended = process::guarded(|| commands::run(command, color)).unwrap_or(Err(error::Error::Fault));
    match ended {
        Ok(status) => status,
        Err(error) => {
            let words = error.harmless();
            output::note(&words);
            if let Some(text) = stdout_format.and_then(|format| report::could_not_run(format, &words)) {
                // The exit status says it too, where nobody reads this.
                let _ = std::io::stdout().write_all(text.as_bytes());
            }
            exit::could_not_run(stdout_format)
        }
    }
}
