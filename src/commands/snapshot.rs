//! `helolint snapshot`: the facts and the answers as one document.

use std::path::Path;

use super::gather::{self, Done, Gathered};
use crate::cli::SnapshotArgs;
use crate::error::Error;
use crate::inputs::{Host, Inputs};
use crate::output::{Output, Readers};
use crate::{escape, exit, output, process, rules, snapshot};

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(args: SnapshotArgs) -> Result<u8, Error> {
    let SnapshotArgs { mut facts, log, cutover, mut dns, evidence, output: file } = args;
    (facts.log, facts.cutover, facts.evidence) = (log.from(), cutover.cutover, evidence);
    let host = Host::open(&facts)?;
    gather::settings(&mut facts, &mut dns, &host)?;
    let inputs = Inputs::open(host, &facts, &dns)?;
    let target = Output::open(file.as_deref().unwrap_or(Path::new("-")), Readers::Owner)?;
    let start = gather::start_with_domains(&facts, &dns, inputs)?;
    let (done, target) = gather::apart(target, &facts, &dns, start, false, |start| {
        let domains = start.domains()?;
        let Gathered { facts, dns, .. } = gather::observe(&facts, &dns, start)?;
        let domains = domains.of(&facts);
        // The document is for programs: advice goes where notes go.
        rules::ttl_advice(&facts, &dns).iter().for_each(|line| output::note(&escape::line(line)));
        // One time for the whole: that of the answers, where they have one.
        let text = snapshot::write_with_domains(&facts, &dns, &domains, dns.taken.unwrap_or_else(process::now))
            .map_err(|error| Error::Usage(format!("the snapshot cannot be written: {error}")))?;
        Ok(Done { status: exit::OK, texts: vec![text] })
    })?;
    target.write(done.only()?.as_bytes())?;
    Ok(done.status)
}
