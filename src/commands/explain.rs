//! `helolint explain`: what rules mean, why they matter, how to fix what they find; or what an SMTP reply says.

use super::gather::{self, Done, Gathered};
use super::reply;
use crate::catalogue;
use crate::cli::ExplainArgs;
use crate::error::Error;
use crate::exit;
use crate::inputs::{Host, Inputs};
use crate::report::Style;

/// Runs the command; the value is its text.
///
/// # Errors
/// Where a word is neither rule nor family; where the host is looked at, as `check`.
pub(crate) fn run(args: ExplainArgs, style: &Style) -> Result<String, Error> {
    let Some(reply) = &args.reply else { return catalogue::explain(&args.rules, style).map_err(Error::Usage) };
    let text =
        reply::text(reply).map_err(|error| Error::Usage(format!("--reply: standard input cannot be read: {error}")))?;
    let (mut fact_args, mut dns) = (args.facts, args.dns);
    let named = fact_args.root.is_some();
    let host = Host::open(&fact_args)?;
    gather::settings(&mut fact_args, &mut dns, &host)?;
    let inputs = Inputs::open(host, &fact_args, &dns)?;
    let start = gather::start(&fact_args, &dns, inputs)?;
    // Whoever reads a bounce at a desk has no mail host there: then there is nothing to check, and nobody to ask.
    if !named && !start.has_mta() {
        return Ok(reply::explain(&text, None, style));
    }
    let (done, ()) = gather::apart((), &fact_args, &dns, start, false, |start| {
        let Gathered { facts, dns, .. } = gather::observe(&fact_args, &dns, start)?;
        Ok(Done { status: exit::OK, texts: vec![reply::explain(&text, Some((&facts, &dns)), style)] })
    })?;
    done.only().cloned()
}
