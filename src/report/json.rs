//! JSON: the whole report as one document, by the schema that `helolint schema report` prints (RFC 8259).

use crate::escape;
use crate::report::Report;

/// The report as a document.
pub(crate) fn render(report: &Report) -> String {
    // Only maps with keys that are no text, or a failing Serialize, make this an error; the report has neither.
    escape::json(report, true).unwrap_or_default()
}
