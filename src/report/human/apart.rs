//! Findings that do not count: counted, with `-v` or a baseline named, so that nothing is hidden for good.

use super::count;
use super::text::put;
use crate::report::{Report, Style, SuppressedBy, SuppressedView, Verbosity};

/// Known findings named without `-v`.
const NAMED: usize = 10;

/// One sentence for each kind; nothing where there is none.
pub(crate) fn in_a_line(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let (ignored, known) = kinds(report);
    if !ignored.is_empty() {
        put(&mut out, "", "", &format!("{} ignored by settings.", count(ignored.len(), "finding")), style.width);
    }
    if let Some(first) = known.first() {
        let text = format!("{} {} (--baseline).", count(known.len(), "finding"), first.reason);
        put(&mut out, "", "", &text, style.width);
    }
    if !report.no_longer_found.is_empty() {
        put(&mut out, "", "", &format!("{}.", gone(report)), style.width);
    }
    out
}

/// The section, with an empty line before it; nothing where there is nothing to say.
pub(crate) fn section(report: &Report, style: &Style) -> String {
    let (ignored, known) = kinds(report);
    let verbose = style.verbosity == Verbosity::Verbose;
    let mut out = String::new();
    if !ignored.is_empty() {
        let end = if verbose { ":" } else { " (-v names them)." };
        let text = format!("{} ignored by settings{end}", count(ignored.len(), "finding"));
        put(&mut out, "  ", "    ", &text, style.width);
        for one in ignored.iter().filter(|_| verbose) {
            let until = one.expires.as_ref().map_or_else(String::new, |day| format!(" until {day}"));
            let at = one.suppressed_at.describe();
            let text = format!("{}; ignored{until} since \"{}\" ({at})", title(one), one.reason);
            put(&mut out, "    ", "      ", &text, style.width);
        }
    }
    if let Some(first) = known.first() {
        let text = format!("{} {} (--baseline):", count(known.len(), "finding"), first.reason);
        put(&mut out, "  ", "    ", &text, style.width);
        let named = if verbose { known.len() } else { NAMED };
        for one in known.iter().take(named) {
            put(&mut out, "    ", "      ", &title(one), style.width);
        }
        if known.len() > named {
            let text = format!("and {} more (-v names them)", known.len() - named);
            put(&mut out, "    ", "      ", &text, style.width);
        }
    }
    if !report.no_longer_found.is_empty() {
        put(&mut out, "  ", "    ", &format!("{} (a new --write-baseline is without):", gone(report)), style.width);
        let named = if verbose { report.no_longer_found.len() } else { NAMED };
        for known in report.no_longer_found.iter().take(named) {
            put(&mut out, "    ", "      ", &format!("{} {}", known.code, known.subject), style.width);
        }
        if report.no_longer_found.len() > named {
            let text = format!("and {} more (-v names them)", report.no_longer_found.len() - named);
            put(&mut out, "    ", "      ", &text, style.width);
        }
    }
    if out.is_empty() { out } else { format!("\n{}\n{out}", style.heading("Not counted")) }
}

/// How many findings of the baseline are no longer there.
fn gone(report: &Report) -> String {
    let number = report.no_longer_found.len();
    format!("{} of the baseline {} no longer found", count(number, "finding"), if number == 1 { "is" } else { "are" })
}

fn kinds(report: &Report) -> (Vec<&SuppressedView>, Vec<&SuppressedView>) {
    report.suppressed.iter().partition(|one| one.suppressed_by == SuppressedBy::Settings)
}

fn title(one: &SuppressedView) -> String {
    let finding = &one.finding;
    format!("{}[{}] {}: {}", finding.severity, finding.code, finding.subject, finding.message)
}
