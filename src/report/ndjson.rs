//! NDJSON (github.com/ndjson/ndjson-spec): the host, each path, each finding and the summary as one JSON object a line, for log
//! collectors. The objects are those of the JSON report, each with its `type`.

use serde::Serialize;

use crate::report::{Report, escape};

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'a str,
    schema: u32,
    #[serde(flatten)]
    value: &'a T,
}

/// The report as lines.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    add(&mut out, "host", report.schema, &report.host);
    report.paths.iter().for_each(|path| add(&mut out, "path", report.schema, path));
    report.findings.iter().for_each(|finding| add(&mut out, "finding", report.schema, finding));
    add(&mut out, "summary", report.schema, &report.summary);
    out
}

fn add(out: &mut String, r#type: &str, schema: u32, value: &impl Serialize) {
    // Text and numbers alone: this cannot fail.
    out.push_str(&escape::json(&Line { r#type, schema, value }, false).unwrap_or_default());
}
