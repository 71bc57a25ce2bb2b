//! `helolint compare`: what a move changed, and what of it nobody asked for.

use std::path::Path;

use super::gather::{self, Done, Gathered};
use super::judging::{Judged, Judging};
use crate::cli::{CompareArgs, CompareFormat};
use crate::error::Error;
use crate::inputs::{Host, Inputs};
use crate::output::{Output, Readers};
use crate::report::{Comparison, ComparisonFormat, Style};
use crate::{compare, exit};

/// What a move is judged by unless something else is selected: what changed, and records that still hold what was.
const RULES: [&str; 3] = ["MIG", "DNS008", "DNS011"];

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(args: CompareArgs, color: anstream::ColorChoice) -> Result<u8, Error> {
    let CompareArgs { mut facts, mut dns, output: mut out, .. } = args;
    let host = Host::open(&facts)?;
    let settings = gather::settings(&mut facts, &mut dns, &host)?;
    let inputs = Inputs::open(host, &facts, &dns)?;
    let output = Output::open(out.output.as_deref().unwrap_or(Path::new("-")), Readers::Usual)?;
    let style = Style::for_stdout(color, out.verbosity());
    let style = if output.is_stdout() { style } else { style.for_file() };
    out.fail_on.set_default(settings.fail_on);
    let mut whole = None;
    if out.rules.select.is_empty() {
        if out.rules.ignore.is_empty() {
            out.rules.ignore = settings.ignore_rules.clone();
        }
        whole = Some(Judging::new(&out.rules, &settings, None));
        out.rules.select = RULES.map(str::to_owned).into();
    }
    let how = Judging::new(&out.rules, &settings, None);
    let format = match out.format {
        CompareFormat::Human => ComparisonFormat::Human,
        CompareFormat::Json => ComparisonFormat::Json,
        CompareFormat::Markdown => ComparisonFormat::Markdown,
    };
    let start = gather::start(&facts, &dns, inputs)?;
    let (done, output) = gather::apart(output, &facts, &dns, start, false, |start| {
        let gathered = gather::observe(&facts, &dns, start)?;
        let judged = how.judged(&gathered, whole.as_ref());
        let status = exit::status(&judged.filtered.findings, out.fail_on.value());
        let comparison = compared(&gathered, judged)?;
        Ok(Done { status, texts: vec![comparison.render(format, &style)] })
    })?;
    output.write(done.only()?.as_bytes())?;
    Ok(done.status)
}

fn compared(gathered: &Gathered, judged: Judged) -> Result<Comparison, Error> {
    let Gathered { facts, dns, taken, .. } = gathered;
    let moved = facts.moved.as_deref().ok_or_else(|| Error::Usage("there is nothing to compare with".to_owned()))?;
    let report = judged.report(gathered, Vec::new());
    let changes = compare::changes(moved, facts, &compare::answers(dns));
    let not_compared = compare::not_compared(moved, facts, dns);
    Ok(Comparison::new(moved, facts, taken.clone(), changes, not_compared, report))
}
