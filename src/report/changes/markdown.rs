//! For a ticket: a table of the changes, then findings and what to do.

use super::{ChangeView, Comparison, NotComparedView};
use crate::compare::Verdict;
use crate::escape::{markdown as text, markdown_code as code};
use crate::report::FindingView;
use crate::report::human::rank;
use crate::report::markdown::{findings, plan};

/// The comparison as a document; it is sanitized already.
pub(super) fn render(comparison: &Comparison) -> String {
    let host =
        |name: &Option<String>| name.as_ref().map_or_else(|| "a host without name".to_owned(), |name| code(name));
    let (old, new) = (&comparison.old, &comparison.new);
    let mut out =
        format!("## Move of {} to {}\n\n**{}.**\n\n", host(&old.host), host(&new.host), comparison.sentence());
    table(&mut out, "What nobody asked for", &comparison.with(Verdict::Drift));
    table(&mut out, "What is left of the old host", &comparison.with(Verdict::Leftover));
    let mut all: Vec<&FindingView> = comparison.report.findings.iter().collect();
    all.sort_by_key(|finding| (rank(finding), finding.code));
    findings(&mut out, &all, true);
    if !all.is_empty() {
        plan(&mut out, &all, &comparison.report);
    }
    table(&mut out, "Expected", &comparison.with(Verdict::Expected));
    if !comparison.not_compared.is_empty() {
        out.push_str("### Not compared\n\n");
        for NotComparedView { what, why } in &comparison.not_compared {
            out.push_str(&format!("- {}: {}\n", text(what), text(why)));
        }
    }
    out.trim_end().to_owned() + "\n"
}

fn table(out: &mut String, title: &str, changes: &[&ChangeView]) {
    if changes.is_empty() {
        return;
    }
    out.push_str(&format!("### {title}\n\n| what | which | before | now | why |\n| --- | --- | --- | --- | --- |\n"));
    for change in changes {
        let value = |value: &Option<String>| value.as_ref().map_or_else(|| "-".to_owned(), |value| code(value));
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            change.what,
            code(&change.key),
            value(&change.old),
            value(&change.new),
            text(&change.because),
        ));
    }
    out.push('\n');
}
