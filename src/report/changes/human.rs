//! For people: what was not expected first, then the findings and what to do; what was expected in brief.

use std::collections::BTreeMap;

use super::{ChangeView, Comparison, HostAt, NotComparedView};
use crate::compare::Verdict;
use crate::report::human::{finding, plan, put, rank};
use crate::report::{FindingView, Style, Verbosity};

/// Expected changes that are told one by one without `-v`.
const IN_FULL: usize = 12;

/// The comparison as text; it is sanitized already.
pub(super) fn render(comparison: &Comparison, style: &Style) -> String {
    let host = |at: &HostAt| at.host.clone().unwrap_or_else(|| "a host without name".to_owned());
    let taken = |at: &HostAt| at.taken.as_ref().map(|taken| format!(" ({taken})")).unwrap_or_default();
    let (old, new) = (&comparison.old, &comparison.new);
    let head = format!("{}{} -> {}{}", host(old), taken(old), host(new), taken(new));
    let mut out = format!("{}: {}\n", style.heading(&head), comparison.sentence());
    let report = &comparison.report;
    let mut findings: Vec<&FindingView> = report.findings.iter().collect();
    findings.sort_by_key(|finding| (rank(finding), finding.code));
    if style.verbosity == Verbosity::Quiet {
        findings.iter().for_each(|one| out.push_str(&finding::one_line(one, style)));
        return out;
    }
    section(&mut out, "What nobody asked for", &comparison.with(Verdict::Drift), style);
    section(&mut out, "What is left of the old host", &comparison.with(Verdict::Leftover), style);
    let expected = comparison.with(Verdict::Expected);
    if style.verbosity == Verbosity::Verbose || expected.len() <= IN_FULL {
        section(&mut out, "Expected", &expected, style);
    } else {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        expected.iter().for_each(|change| *reasons.entry(&change.because).or_default() += 1);
        out.push_str(&format!("\n{}\n", style.heading("Expected (-v shows each)")));
        for (because, count) in reasons {
            put(&mut out, "  ", "    ", &format!("{count}: {because}"), style.width);
        }
    }
    if !comparison.not_compared.is_empty() {
        out.push_str(&format!("\n{}\n", style.heading("Not compared")));
        for NotComparedView { what, why } in &comparison.not_compared {
            put(&mut out, "  ", "      ", &format!("{what}: {why}"), style.width);
        }
    }
    out.push_str(&plan::section(report, &findings, style));
    out.push_str(&finding::section(&findings, report, style));
    out
}

fn section(out: &mut String, title: &str, changes: &[&ChangeView], style: &Style) {
    if changes.is_empty() {
        return;
    }
    out.push_str(&format!("\n{}\n", style.heading(title)));
    for change in changes {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let values = match change.old == change.new {
            true => value(&change.new),
            false => format!("{} -> {}", value(&change.old), value(&change.new)),
        };
        put(out, "  ", "      ", &format!("{:<9} {}: {values}", change.what, change.key), style.width);
        let places: Vec<String> = change.origins.iter().map(|origin| origin.describe()).collect();
        let at = match (places.is_empty(), change.on_old_host) {
            (true, _) => String::new(),
            (false, true) => format!(" ({} on the old host)", places.join(", ")),
            (false, false) => format!(" ({})", places.join(", ")),
        };
        put(out, "            ", "            ", &format!("{}{at}", change.because), style.width);
    }
}
