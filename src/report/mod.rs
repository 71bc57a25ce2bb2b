//! From findings to text: one file and one function for each format of the command line.

mod alike;
mod assemble;
mod changes;
mod checklist;
mod csv;
pub mod domains;
mod github;
mod html;
mod human;
mod json;
mod junit;
mod log;
mod markdown;
mod merged;
mod model;
pub(crate) mod monitor;
mod ndjson;
mod plural;
mod port25;
mod questions;
mod quote;
mod receivers;
#[cfg(test)]
pub(crate) mod sample;
mod sanitize;
mod sarif;
mod servers;
mod style;
#[cfg(test)]
mod tests;
mod verdict;

use std::borrow::Cow;

pub(crate) use assemble::host_view;
pub use changes::{Comparison, ComparisonFormat};
pub use log::{LogFileView, LogView, RefusalView};
pub use merged::{MergedFormat, MergedReport, Unread};
pub use model::*;
pub use port25::{Port25Outcome, Port25TryView, Port25View};
pub use questions::plan;
pub use quote::{Quote, QuotedLine};
pub use servers::{ZoneServerView, ZoneView};
pub use style::{Style, Verbosity};

/// The formats of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people, in a terminal.
    Human,
    /// The whole report as one JSON document.
    Json,
    /// The same as one JSON object a line.
    Ndjson,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// A Nagios or Icinga plugin's line.
    Nagios,
    /// A Checkmk local check's line.
    Checkmk,
    /// A Prometheus text file.
    Prometheus,
    /// GitHub Actions annotations.
    Github,
    /// For a ticket.
    Markdown,
    /// For a browser or a printer: one file that needs no other.
    Html,
}

impl Format {
    /// Every format, in the order of the help text.
    pub const ALL: &[Format] = &[
        Format::Human,
        Format::Json,
        Format::Ndjson,
        Format::Sarif,
        Format::Junit,
        Format::Nagios,
        Format::Checkmk,
        Format::Prometheus,
        Format::Github,
        Format::Markdown,
        Format::Html,
    ];

    /// As the command line spells it.
    pub fn id(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
            Format::Nagios => "nagios",
            Format::Checkmk => "checkmk",
            Format::Prometheus => "prometheus",
            Format::Github => "github",
            Format::Markdown => "markdown",
            Format::Html => "html",
        }
    }
}

/// The report in a format, final line end included.
///
/// `style` counts for [`Format::Human`], its verbosity for Markdown and HTML too; what goes into a file is best given
/// [`Style::for_file`]. Formats of JSON keep every
/// character, harmful ones as escapes; all others get the report sanitized, and need no copy of one that is given away.
pub fn render<'r>(format: Format, report: impl Into<Cow<'r, Report>>, style: &Style) -> String {
    let report = report.into();
    let sanitized = |report: Cow<'_, Report>| report.into_owned().sanitized();
    match format {
        Format::Json => json::render(&report),
        Format::Ndjson => ndjson::render(&report),
        Format::Sarif => sarif::render(&report),
        Format::Human => human::render(&sanitized(report), style),
        Format::Junit => junit::render(&sanitized(report)),
        Format::Nagios => monitor::nagios(&sanitized(report)),
        Format::Checkmk => monitor::checkmk(&sanitized(report)),
        Format::Prometheus => monitor::prometheus(&sanitized(report)),
        Format::Github => github::render(&sanitized(report)),
        Format::Markdown => markdown::render(&sanitized(report), style.verbosity),
        Format::Html => html::render(&sanitized(report), style.verbosity),
    }
}

/// What a format says on standard output of a run that could not be done, where it has words for it.
pub fn could_not_run(format: Format, why: &str) -> Option<String> {
    match format {
        Format::Nagios => Some(monitor::nagios_unknown(why)),
        _ => None,
    }
}
