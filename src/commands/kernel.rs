//! `helolint kernel`: the file that `--kernel` reads.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::cli::KernelArgs;
use crate::collect::kernel::{self, KernelFacts, PendingFqdn};
use crate::error::Error;
use crate::escape;
use crate::exit;
use crate::output::{Output, Readers};
use crate::sandbox::{self, Message, Profile, Task};

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn run(args: &KernelArgs) -> Result<u8, Error> {
    let output = Output::open(args.output.as_deref().unwrap_or(Path::new("-")), Readers::Usual)?;
    let patience = args.timeout();
    let (facts, mut pending) = kernel::live();
    // Nothing is asked but `hostname -f`, whose answer may be a stranger's.
    let profile = Profile { task: Task::Dns(BTreeSet::new()), dns_time: patience };
    let prepare = || {
        pending.start();
        pending
    };
    let work = |pending, _| Message::Done { status: exit::OK, texts: vec![recording(facts, pending, patience)] };
    match sandbox::run(output, &profile, prepare, work, &mut sandbox::Listener::nobody()).map_err(Error::Apart)? {
        (Message::Done { status, texts }, output) => output.write(texts.concat().as_bytes()).map(|()| status),
        (Message::Failed(words), _) => Err(Error::Apart(words)),
    }
}

/// The facts of the running kernel as JSON, with what `hostname -f` prints where that is there within `patience`.
fn recording(mut facts: KernelFacts, mut pending: PendingFqdn, patience: Duration) -> String {
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
        let (facts, pending) = kernel::live();
        let text = recording(facts, pending, Duration::ZERO);
        let facts = kernel::from_file(&text).unwrap();
        assert!(facts.source.known && facts.addresses.is_some(), "{text}");
    }
}
