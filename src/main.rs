//! The program: reads the command line, runs it, exits.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use helolint::{cli, commands, error, output, process};

fn main() -> ExitCode {
    ExitCode::from(process::run(run).unwrap_or(helolint::exit::COULD_NOT_RUN))
}

/// The exit status.
fn run() -> u8 {
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
            if let Some(text) = stdout_format.and_then(|format| helolint::report::could_not_run(format, &words)) {
                // The exit status says it too, where nobody reads this.
                let _ = std::io::stdout().write_all(text.as_bytes());
            }
            helolint::exit::could_not_run(stdout_format)
        }
    }
}
