//! For people in a terminal: the verdict first, then how mail leaves, what is wrong, who must do what, and what was not seen.
//!
//! Every text comes in here sanitized (`escape.rs`); the only terminal escapes are those written here, and only with colour.

mod apart;
pub(super) mod finding;
mod paths;
pub(super) mod plan;
mod receivers;
mod text;

use crate::findings::{Severity, Verdict};
use crate::observe::VantageKind;
use crate::report::log::TITLE;
use crate::report::verdict::{self, Tone};
use crate::report::{FindingView, Report, Style, Verbosity};
pub(super) use paths::troubled;
pub(super) use plan::{Step, codes, lead, left, rest, title};
use text::{BAD, DOUBTFUL, GOOD, NOTE};
pub(super) use text::{count, put};

/// Notes that are shown without `-v`.
const NOTES: usize = 8;

/// The report as text. `report` is sanitized already.
pub(crate) fn render(report: &Report, style: &Style) -> String {
    let mut findings: Vec<&FindingView> = report.findings.iter().collect();
    findings.sort_by_key(|f| (rank(f), f.code));
    let mut out = verdict(report, style);
    if style.verbosity == Verbosity::Quiet {
        for finding in findings {
            out.push_str(&finding::one_line(finding, style));
        }
        out.push_str(&apart::in_a_line(report, style));
        return out;
    }
    out.push_str(&paths::section(report, style));
    out.push_str(&plan::section(report, &findings, style));
    out.push_str(&paths::healthy(report, style));
    out.push_str(&log(report, style));
    out.push_str(&receivers::section(report, style));
    out.push_str(&finding::section(&findings, report, style));
    out.push_str(&apart::section(report, style));
    out.push_str(&port25(report, style));
    out.push_str(&notes(report, style));
    out.push_str(&not_checked(report, style));
    out.push_str(&domains(report, style));
    if style.verbosity == Verbosity::Verbose {
        out.push_str(&unseen(report, style));
        out.push_str(&replies(report, style));
        out.push_str(&zones(report, style));
    }
    out
}

/// What receivers did, by the mail log.
fn log(report: &Report, style: &Style) -> String {
    let Some(log) = &report.log else { return String::new() };
    let (did, notes) = log.sentences();
    let mut out = format!("\n{}\n", style.heading(TITLE));
    did.iter().for_each(|sentence| put(&mut out, "  ", "    ", sentence, style.width));
    notes.iter().for_each(|note| put(&mut out, "  ", "    ", note, style.width));
    out
}

/// Whether port 25 outside can be reached.
fn port25(report: &Report, style: &Style) -> String {
    let Some(tried) = &report.port25 else { return String::new() };
    let mut out = format!("\n{}\n", style.heading(&tried.title()));
    tried.lines().iter().for_each(|line| put(&mut out, "  ", "    ", line, style.width));
    out
}

/// What is to be known of the servers that were asked.
fn notes(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let notes = &report.dns.notes;
    let shown = if style.verbosity == Verbosity::Verbose { notes.len() } else { NOTES };
    notes.iter().take(shown).for_each(|note| put(&mut out, "  ", "    ", note, style.width));
    if notes.len() > shown {
        put(&mut out, "  ", "    ", &format!("And {} more (-v shows them).", notes.len() - shown), style.width);
    }
    if out.is_empty() { out } else { format!("\n{}\n{out}", style.heading("About the servers asked")) }
}

/// That the domains have records of their own, which another command looks at.
fn domains(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    if report.mail_domains > 0 {
        let text = format!(
            "This host handles mail for {}: `helolint domains` looks at their MX, SPF, DMARC and DKIM records.",
            count(report.mail_domains, "domain")
        );
        out.push('\n');
        put(&mut out, "", "  ", &text, style.width);
    }
    out
}

/// Processes that look like an MTA's daemon and are not believed.
fn unseen(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    report.mta.unseen.iter().for_each(|note| put(&mut out, "  ", "    ", note, style.width));
    if out.is_empty() { out } else { format!("\n{}\n{out}", style.heading("Running daemons")) }
}

/// The zones whose servers were asked, and who names these.
fn zones(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let list =
        |names: &Option<Vec<String>>| names.as_ref().map_or_else(|| "not answered".to_owned(), |all| all.join(", "));
    for zone in &report.dns.zones {
        out.push_str(&format!("  {}\n", zone.zone));
        let parent = zone.parent.as_deref().unwrap_or("the zone above");
        put(&mut out, "    ", "      ", &format!("delegation in {parent}: {}", list(&zone.delegation)), style.width);
        put(&mut out, "    ", "      ", &format!("its own NS records: {}", list(&zone.own)), style.width);
        let servers: Vec<&str> = zone.servers.iter().map(|server| server.name.as_str()).collect();
        put(&mut out, "    ", "      ", &format!("asked: {}", servers.join(", ")), style.width);
    }
    if out.is_empty() { out } else { format!("\n{}\n{out}", style.heading("Zones and their servers")) }
}

/// Every question, with what each server said, how long it took and for how long the answer is kept.
fn replies(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let mut question = "";
    for reply in &report.dns.replies {
        if reply.question != question {
            question = &reply.question;
            out.push_str(&format!("  {question}\n"));
        }
        let mut times = Vec::new();
        if let Some(ttl) = reply.ttl {
            times.push(format!("TTL {ttl}"));
        }
        if reply.rtt_micros > 0 {
            times.push(format!("{}.{} ms", reply.rtt_micros / 1000, reply.rtt_micros % 1000 / 100));
        }
        let times = if times.is_empty() { String::new() } else { format!(" ({})", times.join(", ")) };
        put(&mut out, "    ", "      ", &format!("{}: {}{times}", reply.from, reply.answer), style.width);
    }
    if out.is_empty() { out } else { format!("\n{}\n{out}", style.heading("What the DNS answered")) }
}

/// The order of findings: what is wrong, what may be, what is worth knowing.
pub(super) fn rank(finding: &FindingView) -> u8 {
    match (finding.verdict, finding.severity) {
        (Verdict::Fail, Severity::Error) => 0,
        (Verdict::Fail, Severity::Warning) => 1,
        (Verdict::Undetermined, Severity::Error | Severity::Warning) => 2,
        (Verdict::Fail, Severity::Info) => 3,
        (Verdict::Undetermined, Severity::Info) => 4,
    }
}

/// The verdict in one line.
fn verdict(report: &Report, style: &Style) -> String {
    let parts = verdict::sentence(report).into_iter().map(|(tone, text)| match tone {
        Tone::Bad => style.paint(BAD, &text),
        Tone::Doubtful => style.paint(DOUBTFUL, &text),
        Tone::Good => style.paint(GOOD, &text),
        Tone::Note => style.paint(NOTE, &text),
        Tone::Plain => text,
    });
    format!("{}: {}\n", style.heading(verdict::host(report)), parts.collect::<String>())
}

/// What was not checked and why.
fn not_checked(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let (first, rest) = ("  ", "    ");
    let mut reasons: Vec<&str> = Vec::new();
    for rule in &report.not_checked {
        if !reasons.contains(&rule.why.as_str()) {
            reasons.push(&rule.why);
        }
    }
    for why in reasons {
        let codes: Vec<&str> = report.not_checked.iter().filter(|rule| rule.why == why).map(|rule| rule.code).collect();
        let text = format!("{}, since {why}: {}.", count(codes.len(), "rule"), ranges(&codes));
        put(&mut out, first, rest, &text, style.width);
    }
    let open: Vec<&FindingView> = report.findings.iter().filter(|f| f.verdict == Verdict::Undetermined).collect();
    if !open.is_empty() {
        let mut text = format!("{} above could not be determined.", count(open.len(), "finding"));
        if report.dns.awaited {
            text += " No answer is not a wrong answer: run helolint again once the servers answer.";
        }
        put(&mut out, first, rest, &text, style.width);
    }
    let silent: Vec<String> = report
        .dns
        .vantage
        .iter()
        .filter(|v| v.asked > 0 && v.answered == 0)
        // The name of a zone's server has its address in it.
        .map(|v| match v.server.as_ref().filter(|_| !v.name.ends_with(')')) {
            Some(server) => format!("{} ({server})", v.name),
            None => v.name.clone(),
        })
        .collect();
    if !silent.is_empty() {
        let text = format!("No answer at all from {}.", silent.join(", "));
        put(&mut out, first, rest, &text, style.width);
    }
    if report.dns.answered < report.dns.questions {
        let text = format!("{} of {} answered.", report.dns.answered, count(report.dns.questions, "DNS question"));
        put(&mut out, first, rest, &text, style.width);
    }
    for planned in report.dns.vantage.iter().filter(|vantage| vantage.kind == VantageKind::Overlay) {
        let all = count(report.dns.questions, "DNS question");
        let text =
            format!("Planned records (--overlay) answered {} of {all} in place of the live DNS.", planned.answered);
        put(&mut out, first, rest, &text, style.width);
    }
    if out.is_empty() { out } else { format!("\n{}\n{out}", style.heading("Not checked")) }
}

/// `HST004, PTR001-PTR005`: neighbours in one family as a range.
fn ranges(codes: &[&str]) -> String {
    let number = |code: &str| code.get(3..).and_then(|digits| digits.parse::<u32>().ok());
    let mut runs: Vec<(&str, &str)> = Vec::new();
    for code in codes {
        match runs.last_mut() {
            Some((_, last)) if last.get(..3) == code.get(..3) && number(last).map(|n| n + 1) == number(code) => {
                *last = code;
            }
            _ => runs.push((code, code)),
        }
    }
    let texts: Vec<String> =
        runs.iter().map(|(a, b)| if a == b { (*a).to_owned() } else { format!("{a}-{b}") }).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_in_a_row_become_a_range() {
        assert_eq!(super::ranges(&["HST004", "PTR001", "PTR002", "PTR003", "PTR007"]), "HST004, PTR001-PTR003, PTR007");
    }
}
