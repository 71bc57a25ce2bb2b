//! What the rules say of a snapshot, by the answers in it: no file of a host is read, nobody is asked.
//!
//!     cargo run --example rules -- testdata/hosts/replay-cache-stale/snapshot DNS

use std::error::Error;
use std::fmt::Write as _;
use std::fs;

use helolint::facts::Overrides;
use helolint::rules::{self, Selection};
use helolint::{identity, snapshot};

/// What is told of a snapshot; words behind its file select rules by code, name or family.
///
/// # Errors
/// Where the file is no snapshot.
pub fn told(mut args: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(args.next().ok_or("a snapshot is wanted (helolint snapshot -o FILE)")?)?;
    let selection = Selection { select: args.collect(), ignore: Vec::new() };
    let (mut facts, dns) = snapshot::read(&text)?;
    // Outbound paths follow from facts, and from what is put in their place: here nothing.
    identity::apply(&mut facts, Overrides::default());

    let mut out = String::new();
    for finding in rules::judge(&facts, &dns, &selection).findings {
        writeln!(out, "{} {:?} {}: {}", finding.severity, finding.verdict, finding.meta.code, finding.message)?;
    }
    let selected = rules::all().filter(|rule| selection.allows(&rule.meta)).count();
    writeln!(out, "{selected} of {} rules", rules::all().count())?;
    Ok(out)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", told(std::env::args().skip(1))?);
    Ok(())
}
