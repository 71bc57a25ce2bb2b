//! NDJSON (github.com/ndjson/ndjson-spec): the host, each path, each finding and the summary as one JSON object a line, for log
//! collectors. The objects are those of the JSON report, each with its `type`; as a line is read without the others, each says whether
//! planned records were judged, and the summary what caches still say.

use serde::Serialize;

use crate::escape;
use crate::findings::{StaleCaches, is_false};
use crate::report::{Report, Summary};

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'a str,
    schema: u32,
    #[serde(skip_serializing_if = "is_false")]
    planned: bool,
    #[serde(flatten)]
    value: &'a T,
}

#[derive(Serialize)]
struct Last<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<&'a StaleCaches>,
}

/// The report as lines.
pub(crate) fn render(report: &Report) -> String {
    let mut out = String::new();
    add(&mut out, "host", report, &report.host);
    report.paths.iter().for_each(|path| add(&mut out, "path", report, path));
    report.findings.iter().for_each(|finding| add(&mut out, "finding", report, finding));
    add(&mut out, "summary", report, &Last { summary: &report.summary, stale: report.dns.stale.as_ref() });
    out
}

fn add(out: &mut String, r#type: &str, report: &Report, value: &impl Serialize) {
    let line = Line { r#type, schema: report.schema, planned: report.planned, value };
    // Text and numbers alone: this cannot fail.
    out.push_str(&escape::json(&line, false).unwrap_or_default());
}
