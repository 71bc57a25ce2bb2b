//! For monitoring: Nagios and Icinga (nagios-plugins.org/doc/guidelines.html), Checkmk local checks
//! (docs.checkmk.com/latest/en/localchecks.html), Prometheus text files (prometheus.io/docs/instrumenting/exposition_formats).

use std::fmt::Write as _;

use crate::escape;
use crate::findings::{Severity, Verdict};
use crate::observe::VantageKind;
use crate::observe::iprev::Iprev;
use crate::report::{Outgoing, Report, verdict};

/// Characters of a plugin's line: Nagios reads 4 KiB, and a pager shows less.
const LINE_LIMIT: usize = 1000;

/// A service's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing wrong.
    Ok,
    /// A warning.
    Warning,
    /// An error.
    Critical,
    /// An error or warning could not be determined, or the run could not be done.
    Unknown,
}

impl State {
    /// The state that findings give: an error, else a warning, else something open that would be one of them.
    pub(crate) fn worst(findings: impl Iterator<Item = (Severity, Verdict)> + Clone) -> State {
        let some = |severity, verdict| findings.clone().any(|found| found == (severity, verdict));
        if some(Severity::Error, Verdict::Fail) {
            State::Critical
        } else if some(Severity::Warning, Verdict::Fail) {
            State::Warning
        } else if some(Severity::Error, Verdict::Undetermined) || some(Severity::Warning, Verdict::Undetermined) {
            State::Unknown
        } else {
            State::Ok
        }
    }

    /// The number that plugins end with.
    pub(crate) fn code(self) -> u8 {
        match self {
            State::Ok => 0,
            State::Warning => 1,
            State::Critical => 2,
            State::Unknown => 3,
        }
    }

    fn word(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
            State::Unknown => "UNKNOWN",
        }
    }
}

fn state(report: &Report) -> State {
    State::worst(report.findings.iter().map(|f| (f.severity, f.verdict)))
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The counts, and then what is wrong, the worst first.
fn words(report: &Report) -> String {
    let summary = report.summary;
    let mut findings: Vec<_> = report.findings.iter().filter(|f| f.severity > Severity::Info).collect();
    findings.sort_by_key(|f| std::cmp::Reverse((f.verdict, f.severity)));
    let mut text = format!(
        "{}, {}, {} undetermined on {}",
        counted(summary.error, "error"),
        counted(summary.warning, "warning"),
        summary.undetermined,
        counted(report.paths.len(), "outbound path")
    );
    for note in verdict::notes(report) {
        _ = write!(text, ", {}", note.text);
    }
    for (at, finding) in findings.iter().enumerate() {
        let next = format!("; {} {}", finding.code, finding.message);
        if text.len() + next.len() > LINE_LIMIT {
            _ = write!(text, "; and {} more", findings.len() - at);
            break;
        }
        text.push_str(&next);
    }
    text
}

/// One line of a Nagios plugin, with performance data. The report is sanitized already.
pub(crate) fn nagios(report: &Report) -> String {
    let summary = report.summary;
    format!(
        "HELOLINT {} - {} | errors={};;0;0; warnings={};0;;0; undetermined={};;;0; paths={};;;0;\n",
        state(report).word(),
        escape::nagios(&words(report)),
        summary.error,
        summary.warning,
        summary.undetermined,
        report.paths.len(),
    )
}

/// The line of a plugin that could not run.
pub(crate) fn nagios_unknown(why: &str) -> String {
    format!("HELOLINT UNKNOWN - {}\n", escape::nagios(why.lines().next().unwrap_or("could not run")))
}

/// One line of a Checkmk local check. The report is sanitized already.
pub(crate) fn checkmk(report: &Report) -> String {
    let summary = report.summary;
    format!(
        "{} \"Mail identity\" errors={}|warnings={}|undetermined={} {}\n",
        state(report).code(),
        summary.error,
        summary.warning,
        summary.undetermined,
        escape::checkmk(&words(report)),
    )
}

/// A Prometheus text file: every rule that was to be judged has its series, with zero where nothing was found. No time stamp: the
/// collector has the file's. The report is sanitized already.
pub(crate) fn prometheus(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, "helolint_findings", "Findings of a rule, by verdict.");
    for rule in &report.rules {
        for (verdict, word) in [(Verdict::Fail, "fail"), (Verdict::Undetermined, "undetermined")] {
            let number = report.findings.iter().filter(|f| f.code == rule.code && f.verdict == verdict).count();
            _ = writeln!(
                out,
                "helolint_findings{{code=\"{}\",name=\"{}\",verdict=\"{word}\"}} {number}",
                rule.code, rule.name
            );
        }
    }
    head(&mut out, "helolint_findings_by_severity", "Failed findings by severity.");
    let summary = report.summary;
    for (severity, number) in [("error", summary.error), ("warning", summary.warning), ("info", summary.info)] {
        _ = writeln!(out, "helolint_findings_by_severity{{severity=\"{severity}\"}} {number}");
    }
    head(&mut out, "helolint_findings_undetermined", "Findings that could not be determined.");
    _ = writeln!(out, "helolint_findings_undetermined {}", summary.undetermined);
    head(
        &mut out,
        "helolint_path_confirmed",
        "Whether a PTR name of the sending address leads back to it (iprev pass), where receivers see that address.",
    );
    for path in &report.paths {
        // Receivers never see the address of a relayed path, nor of one that nothing takes, nor maybe of one that a program is in the way of.
        if path.relayed.is_some() || path.unused || report.mta.outgoing == Outgoing::HandedOver {
            continue;
        }
        // A path of which nothing is known has no sample: zero would say that it is wrong.
        let value = match path.iprev {
            Some(Iprev::Pass) => 1,
            Some(Iprev::Fail | Iprev::PermError) => 0,
            Some(Iprev::TempError) | None => continue,
        };
        let sending = path.sending.map(|addr| addr.to_string()).unwrap_or_default();
        let helo = escape::prometheus(path.helo.as_deref().unwrap_or(""));
        let id = escape::prometheus(&path.id);
        _ = writeln!(out, "helolint_path_confirmed{{path=\"{id}\",sending=\"{sending}\",helo=\"{helo}\"}} {value}");
    }
    head(&mut out, "helolint_dns_questions", "Different DNS questions of the run.");
    _ = writeln!(out, "helolint_dns_questions {}", report.dns.questions);
    head(&mut out, "helolint_dns_questions_answered", "DNS questions that somebody answered.");
    _ = writeln!(out, "helolint_dns_questions_answered {}", report.dns.answered);
    head(&mut out, "helolint_dns_questions_planned", "DNS questions that planned records (--overlay) answered.");
    let planned = report
        .dns
        .vantage
        .iter()
        .filter(|vantage| vantage.kind == VantageKind::Overlay)
        .map(|vantage| vantage.answered);
    _ = writeln!(out, "helolint_dns_questions_planned {}", planned.sum::<usize>());
    head(&mut out, "helolint_dns_questions_stale", "DNS questions to which a cache gives what the zone no longer has.");
    for right in [true, false] {
        let stale = report.dns.stale.as_ref().filter(|stale| stale.right_at_source == right);
        let number = stale.map_or(0, |stale| stale.questions.len());
        _ = writeln!(out, "helolint_dns_questions_stale{{right_at_source=\"{right}\"}} {number}");
    }
    head(&mut out, "helolint_build_info", "The version of helolint.");
    _ = writeln!(out, "helolint_build_info{{version=\"{}\"}} 1", report.tool.version);
    out
}

pub(super) fn head(out: &mut String, name: &str, help: &str) {
    _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
}
