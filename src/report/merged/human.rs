//! For people: what all come to, what is claimed twice, the hosts with something wrong, the findings by rule.

use super::{LEFT_OUT, MergedReport, claimed};
use crate::findings::{Severity, Verdict};
use crate::merge::{HostRow, State};
use crate::report::human::put;
use crate::report::plural::count;
use crate::report::{Style, Verbosity};

/// Hosts shown without `-v`; healthy ones are only counted.
const SHOWN: usize = 40;
/// Names and addresses shown without `-v`.
const CLAIMS_SHOWN: usize = 20;
/// Hosts named of one claim or one rule without `-v`.
const NAMED: usize = 5;
/// Files named that could not be read, or do not count.
const UNREAD: usize = 10;
/// What is counted of a host, in the order of the columns.
const NUMBERS: [&str; 3] = ["errors", "warnings", "undetermined"];
/// Columns of the host's name at the most, where there are others that have to fit.
const NAME: usize = 48;

/// All hosts as text; it is sanitized already.
pub(super) fn render(report: &MergedReport, style: &Style) -> String {
    let mut out = String::new();
    put(&mut out, "", "  ", &report.sentence(), style.width);
    claims(&mut out, report, style);
    if style.verbosity != Verbosity::Quiet {
        hosts(&mut out, report, style);
    }
    findings(&mut out, report, style);
    others(&mut out, report, style);
    out
}

fn most(style: &Style, usual: usize) -> usize {
    if style.verbosity == Verbosity::Verbose { usize::MAX } else { usual }
}

fn claims(out: &mut String, report: &MergedReport, style: &Style) {
    let shared = &report.merged.shared;
    if shared.is_empty() {
        return;
    }
    out.push_str(&format!("\n{}\n", style.heading("Claimed more than once")));
    for one in shared.iter().take(most(style, CLAIMS_SHOWN)) {
        let (what, hosts) = report.claim(one, most(style, NAMED));
        put(out, "  ", "    ", &format!("{what} {}: {hosts}", one.value), style.width);
    }
    let hidden = shared.len().saturating_sub(most(style, CLAIMS_SHOWN));
    more(out, hidden, claimed(hidden));
}

fn hosts(out: &mut String, report: &MergedReport, style: &Style) {
    let verbose = style.verbosity == Verbosity::Verbose;
    let told: Vec<&HostRow> =
        report.merged.hosts.iter().filter(|host| verbose || host.state != State::Healthy).collect();
    if told.is_empty() {
        return;
    }
    let shown = &told[..told.len().min(most(style, SHOWN))];
    let apart = report.apart(0..report.merged.hosts.len());
    let names: Vec<String> = shown.iter().map(|host| apart.name(host)).collect();
    let numbers = |host: &HostRow| [host.failed(Severity::Error), host.failed(Severity::Warning), host.undetermined()];
    // A column of zeros says nothing that the first line does not.
    let columns: Vec<usize> = (0..NUMBERS.len()).filter(|at| shown.iter().any(|host| numbers(host)[*at] > 0)).collect();
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let name = longest(&mut names.iter().map(|name| name.chars().count())).clamp("host".len(), NAME);
    let verdict = longest(&mut shown.iter().map(|host| host.state.as_str().len())).max("verdict".len());
    let mut head = format!("{:<name$}  {:<verdict$}", "host", "verdict");
    columns.iter().for_each(|at| head += &format!("  {}", NUMBERS[*at]));
    let room = style.width.saturating_sub(head.chars().count() + 2).max(20);
    out.push_str(&format!("\n{}\n", style.heading(&format!("{head}  worst"))));
    for (host, called) in shown.iter().zip(&names) {
        let mut line = format!("{called:<name$}  {:<verdict$}", host.state.as_str());
        for at in &columns {
            line += &format!("  {:<width$}", numbers(host)[*at], width = NUMBERS[*at].len());
        }
        let worst = host.worst.as_ref().map_or_else(String::new, |worst| format!("{} {}", worst.code, worst.message));
        out.push_str(format!("{line}  {}", fitting(&worst, room)).trim_end());
        out.push('\n');
    }
    let hidden = told.len() - shown.len();
    more(out, hidden, if hidden == 1 { "host" } else { "hosts" });
}

/// `text`, or as much of it as fits.
fn fitting(text: &str, room: usize) -> String {
    match text.chars().count() > room {
        true => text.chars().take(room.saturating_sub(3)).chain("...".chars()).collect(),
        false => text.to_owned(),
    }
}

fn findings(out: &mut String, report: &MergedReport, style: &Style) {
    let groups = report.merged.findings.iter();
    let groups = groups.filter(|group| style.verbosity == Verbosity::Verbose || group.severity > Severity::Info);
    let mut head = format!("\n{}\n", style.heading("Findings"));
    for group in groups {
        out.push_str(&std::mem::take(&mut head));
        let open = if group.verdict == Verdict::Undetermined { ", undetermined" } else { "" };
        let names = report.names(group, most(style, NAMED));
        let hosts = count(group.hosts.len(), "host");
        let text = format!("{}[{}] {}{open} on {hosts}: {names}", group.severity, group.code, group.name);
        put(out, "  ", "    ", &text, style.width);
    }
}

fn others(out: &mut String, report: &MergedReport, style: &Style) {
    if !report.unread.is_empty() {
        out.push_str(&format!("\n{}\n", style.heading("Not read")));
        for unread in report.unread.iter().take(most(style, UNREAD)) {
            let line = unread.line.map(|line| format!(":{line}")).unwrap_or_default();
            put(out, "  ", "    ", &format!("{}{line}: {}", unread.file, unread.problem), style.width);
        }
        let hidden = report.unread.len().saturating_sub(most(style, UNREAD));
        more(out, hidden, if hidden == 1 { "file" } else { "files" });
    }
    let left_out = report.left_out();
    if !left_out.is_empty() {
        out.push_str(&format!("\n{}\n", style.heading(LEFT_OUT)));
        for one in left_out.iter().take(most(style, UNREAD)) {
            put(out, "  ", "    ", one, style.width);
        }
        let hidden = left_out.len().saturating_sub(most(style, UNREAD));
        more(out, hidden, if hidden == 1 { "file" } else { "files" });
    }
}

/// How many are not shown.
fn more(out: &mut String, hidden: usize, what: &str) {
    if hidden > 0 {
        out.push_str(&format!("  ... and {hidden} more {what} (-v shows all)\n"));
    }
}
