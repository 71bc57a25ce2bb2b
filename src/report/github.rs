//! GitHub Actions annotations: workflow commands, one a line
//! (docs.github.com, "Workflow commands for GitHub Actions").

use crate::escape;
use crate::findings::{Severity, Verdict};
use crate::report::{OriginView, Report, verdict};

/// The findings as workflow commands. The report is sanitized already.
pub(crate) fn render(report: &Report) -> String {
    let mut out = String::new();
    for note in verdict::notes(report) {
        let title = escape::github_property(&format!("Mail identity of {}", verdict::host(report)));
        out.push_str(&format!("::notice title={title}::{}\n", escape::github_data(&note.text)));
    }
    for finding in &report.findings {
        let command = match (finding.verdict, finding.severity) {
            (Verdict::Fail, Severity::Error) => "error",
            (Verdict::Fail, Severity::Warning) => "warning",
            (Verdict::Undetermined, Severity::Error | Severity::Warning) => "warning",
            (_, Severity::Info) => "notice",
        };
        let mut properties = Vec::new();
        let place = finding.origins.iter().find_map(|place| match &place.origin {
            OriginView::File { file, line, column } => Some((file, line, column, place.end_column)),
            _ => None,
        });
        if let Some((file, line, column, end)) = place {
            // Paths there are relative to the repository.
            properties.push(format!("file={}", escape::github_property(file.trim_start_matches('/'))));
            properties.push(format!("line={line}"));
            properties.push(format!("col={column}"));
            properties.extend(end.map(|end| format!("endColumn={end}")));
        }
        let open = if finding.verdict == Verdict::Undetermined { " (undetermined)" } else { "" };
        let title = format!("{} {}{open}", finding.code, finding.name);
        properties.push(format!("title={}", escape::github_property(&title)));
        out.push_str(&format!("::{command} {}::{}\n", properties.join(","), escape::github_data(&finding.message)));
    }
    out
}
