//! The program: reads the command line, runs it, exits.

use std::process::ExitCode;

use helolint::{cli, run};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let cli = match cli::Cli::read(args.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(cli::refuse(&error, &args)),
    };
    let color = cli.color();
    let command = cli.into_command();
    let stdout_format = command.stdout_format();
    match run::run(command, color) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let words = error.harmless();
            eprintln!("helolint: {words}");
            if let Some(text) = stdout_format.and_then(|format| helolint::report::could_not_run(format, &words)) {
                print!("{text}");
            }
            ExitCode::from(helolint::exit::could_not_run(stdout_format))
        }
    }
}
