//! The verdict in one sentence, for every format that begins with one.

use crate::findings::StaleCaches;
use crate::observe::VantageKind;
use crate::report::plural::count;
use crate::report::{NotChecked, Outgoing, Report};

/// What a part of the sentence means, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Broken.
    Bad,
    /// Risky or open.
    Doubtful,
    /// Right.
    Good,
    /// Worth knowing.
    Note,
    /// No meaning of its own.
    Plain,
}

/// The name by which reports call the host.
pub(crate) fn host(report: &Report) -> &str {
    report.host.fqdn.as_deref().or(report.host.node_name.as_deref()).unwrap_or("this host")
}

/// The sentence behind the host's name, in parts that follow each other without a blank of their own.
pub(crate) fn sentence(report: &Report) -> Vec<(Tone, String)> {
    let summary = report.summary;
    let mut parts: Vec<(Tone, String)> = Vec::new();
    let mut add = |number: usize, text: String, tone| {
        if number > 0 {
            if !parts.is_empty() {
                parts.push((Tone::Plain, ", ".into()));
            }
            parts.push((tone, text));
        }
    };
    add(summary.error, count(summary.error, "error"), Tone::Bad);
    add(summary.warning, count(summary.warning, "warning"), Tone::Doubtful);
    add(summary.undetermined, format!("{} undetermined", summary.undetermined), Tone::Doubtful);
    let (clean, asked) = (parts.is_empty(), !report.not_checked.iter().any(NotChecked::is_unasked));
    let paths = match report.paths.len() {
        0 => pathless(report).to_owned(),
        number => count(number, "outbound path"),
    };
    let tail = match (clean, asked) {
        // What is known or ignored is there all the same: such a host is not called healthy.
        (true, true) if !report.suppressed.is_empty() => {
            parts.push((Tone::Good, "nothing new".into()));
            format!(": {paths}, nothing wrong but {} not counted", count(report.suppressed.len(), "finding"))
        }
        // What nobody sees, or only another program decides, is not called healthy either.
        (true, true) if report.mta.outgoing == Outgoing::HandedOver => {
            parts.push((Tone::Plain, "nothing wrong".into()));
            format!(": {paths}, by a program on this host that is not judged")
        }
        (true, true) if report.mta.outgoing == Outgoing::Nothing => {
            parts.push((Tone::Plain, "nothing wrong".into()));
            ": no mail leaves this host".into()
        }
        (true, true) => {
            parts.push((Tone::Good, "healthy".into()));
            format!(": {paths}, nothing wrong")
        }
        (true, false) => format!("nothing wrong in the files, {paths}, DNS not asked"),
        (false, _) => {
            let join = if report.paths.is_empty() { "; " } else { " on " };
            format!("{join}{paths}{}", if asked { "" } else { ", DNS not asked" })
        }
    };
    parts.push((Tone::Plain, tail));
    if summary.info > 0 {
        parts.push((Tone::Plain, ", ".into()));
        parts.push((Tone::Note, format!("{} worth knowing", count(summary.info, "thing"))));
    }
    for note in notes(report) {
        parts.push((Tone::Plain, "; ".into()));
        parts.push((Tone::Note, note.text));
    }
    parts
}

/// What is true of the report as a whole, whatever was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// For programs: `stale` or `planned`.
    pub id: &'static str,
    /// In words.
    pub text: String,
}

/// That caches are behind, that planned records were judged: no format leaves it out, with or without findings.
pub(crate) fn notes(report: &Report) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(stale) = report.dns.stale.as_ref().filter(|stale| stale.right_at_source) {
        let text = format!("right at the source, still stale in caches{}", until(stale));
        notes.push(Note { id: "stale", text });
    }
    let given = report.dns.vantage.iter().any(|vantage| vantage.kind == VantageKind::Overlay);
    match (report.planned, given) {
        (true, _) => notes.push(Note { id: "planned", text: "judged by planned records".into() }),
        // Whoever gave a plan and misspelt it would take the live DNS for it.
        (false, true) => {
            notes.push(Note { id: "planned", text: "planned records (--overlay) answered nothing".into() })
        }
        (false, false) => {}
    }
    notes
}

/// Date, hour and minute of `2026-11-20T14:37:00Z`.
pub(crate) fn date_and_time(at: &str) -> String {
    format!("{} {} UTC", at.get(..10).unwrap_or(at), at.get(11..16).unwrap_or_default())
}

/// Until when caches are stale, where that is known.
fn until(stale: &StaleCaches) -> String {
    match (&stale.until, stale.seconds) {
        (Some(at), _) => format!(" until {}", date_and_time(at)),
        (None, Some(seconds)) => format!(" for {}", count(usize::try_from(seconds).unwrap_or(usize::MAX), "second")),
        (None, None) => String::new(),
    }
}

/// Why there is no outbound path, in a few words.
fn pathless(report: &Report) -> &'static str {
    match without_path(report) {
        Pathless::NoRoute => "no route to public destinations",
        Pathless::NotJudged => "no outbound path could be judged",
        Pathless::None => "no outbound path",
    }
}

/// Why there is no outbound path, in a sentence.
pub(crate) fn pathless_sentence(report: &Report) -> &'static str {
    match without_path(report) {
        Pathless::NoRoute => "No outbound path: there is no MTA, and the kernel has no route to public destinations.",
        // A configuration that is refused has no path either, and says nothing about mail.
        Pathless::NotJudged => {
            "No outbound path could be judged: see below, and run helolint again once that is right."
        }
        Pathless::None => "No outbound path: nothing here sends mail to other hosts, as far as its files say.",
    }
}

enum Pathless {
    /// No MTA, and the kernel's facts are there and have no source address for a public destination.
    NoRoute,
    /// Something is wrong or open that may be the reason.
    NotJudged,
    /// Nothing sends mail.
    None,
}

fn without_path(report: &Report) -> Pathless {
    // Without an MTA each family with a route gives a path.
    if report.mta.configured.is_empty() && report.host.addresses.is_some() {
        Pathless::NoRoute
    } else if report.summary.error > 0 || report.summary.undetermined > 0 {
        Pathless::NotJudged
    } else {
        Pathless::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Summary, sample};

    fn text(report: &Report) -> String {
        sentence(report).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_host_without_path_is_told_why() {
        let mut report = sample::report("");
        assert_eq!(text(&report), "2 errors, 1 undetermined on 2 outbound paths");
        report.paths.clear();
        report.summary = Summary { error: 1, ..Summary::default() };
        assert_eq!(text(&report), "1 error; no outbound path could be judged");
        report.summary = Summary { warning: 1, info: 1, ..Summary::default() };
        assert_eq!(text(&report), "1 warning; no outbound path, 1 thing worth knowing");
        report.mta.configured.clear();
        report.host.addresses = Some(Vec::new());
        assert_eq!(text(&report), "1 warning; no route to public destinations, 1 thing worth knowing");
        report.summary = Summary::default();
        assert_eq!(text(&report), "healthy: no route to public destinations, nothing wrong");
        assert!(pathless_sentence(&report).contains("no MTA"));
        // Without the kernel's facts nobody knows of routes.
        report.host.addresses = None;
        assert_eq!(text(&report), "healthy: no outbound path, nothing wrong");
    }
}
