//! For a ticket: the same as tables and lists.

use super::{LEFT_OUT, MergedReport};
use crate::escape::{markdown as text, markdown_code as code};
use crate::findings::{Severity, Verdict};
use crate::merge::State;
use crate::report::plural::count;

/// Hosts in the table: a page that somebody opens.
const SHOWN: usize = 500;
/// Hosts named of one claim or one rule.
const NAMED: usize = 20;

/// All hosts as a document; it is sanitized already.
pub(super) fn render(report: &MergedReport) -> String {
    let mut out = format!("## Mail hosts\n\n**{}.**\n", text(&report.sentence()));
    if !report.merged.shared.is_empty() {
        out += "\n### Claimed more than once\n\n| what | which | by |\n| --- | --- | --- |\n";
        for one in report.merged.shared.iter().take(SHOWN) {
            let (what, hosts) = report.claim(one, NAMED);
            out += &format!("| {what} | {} | {} |\n", code(&one.value), text(&hosts));
        }
    }
    let told = report.merged.hosts.iter().filter(|host| host.state != State::Healthy);
    let mut head = "\n### Hosts\n\n| host | verdict | errors | warnings | undetermined | worst |\n\
                    | --- | --- | --- | --- | --- | --- |\n";
    let all = told.clone().count();
    let apart = report.apart(0..report.merged.hosts.len());
    for host in told.take(SHOWN) {
        out += std::mem::take(&mut head);
        let worst = host.worst.as_ref().map_or_else(String::new, |worst| format!("{} {}", worst.code, worst.message));
        out += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            code(&apart.name(host)),
            host.state.as_str(),
            host.failed(Severity::Error),
            host.failed(Severity::Warning),
            host.undetermined(),
            text(&worst),
        );
    }
    if all > SHOWN {
        out += &format!("\nAnd {}.\n", count(all - SHOWN, "more host"));
    }
    let mut head = "\n### Findings\n\n";
    for group in report.merged.findings.iter().filter(|group| group.severity > Severity::Info) {
        out += std::mem::take(&mut head);
        let open = if group.verdict == Verdict::Undetermined { ", undetermined" } else { "" };
        let (what, names) = (format!("{}[{}] {}", group.severity, group.code, group.name), report.names(group, NAMED));
        out += &format!("- {}{open} on {}: {}\n", text(&what), count(group.hosts.len(), "host"), text(&names));
    }
    let mut head = "\n### Not read\n\n";
    for unread in report.unread.iter().take(SHOWN) {
        out += std::mem::take(&mut head);
        let line = unread.line.map(|line| format!(" line {line}")).unwrap_or_default();
        out += &format!("- {}{line}: {}\n", code(&unread.file), text(&unread.problem));
    }
    let left_out = report.left_out();
    if !left_out.is_empty() {
        out += &format!("\n### {LEFT_OUT}\n\n");
        left_out.iter().take(SHOWN).for_each(|one| out += &format!("- {}\n", text(one)));
    }
    out
}
