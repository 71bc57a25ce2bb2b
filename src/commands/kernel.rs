//! `helolint kernel`: the file that `--kernel` reads.

use std::path::Path;
use std::time::Duration;

use crate::cli::KernelArgs;
use crate::collect::kernel;
use crate::error::Error;
use crate::exit;
use crate::output::{Output, Readers};
use crate::report::escape;

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where the output cannot be written.
pub fn run(args: &KernelArgs) -> Result<u8, Error> {
    let output = Output::open(args.output.as_deref().unwrap_or(Path::new("-")), Readers::Usual)?;
    output.write(recording(args.timeout()).as_bytes())?;
    Ok(exit::OK)
}

/// The facts of the running kernel as JSON, with what `hostname -f` prints where that is there within `patience`.
fn recording(patience: Duration) -> String {
    let (mut facts, mut pending) = kernel::live();
    if let Some(fqdn) = pending.wait(patience) {
        facts.fqdn = fqdn;
    }
    // Text, addresses and numbers alone: this cannot fail.
    escape::json(&kernel::recording(&facts), true).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let text = recording(Duration::ZERO);
        let facts = kernel::from_file(&text).unwrap();
        assert!(facts.source.known && facts.addresses.is_some(), "{text}");
    }
}
