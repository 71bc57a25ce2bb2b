//! SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0): the rules as the tool's catalogue, findings as results.

use std::cmp::Reverse;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::escape;
use crate::findings::{Meta, Severity, Verdict};
use crate::report::{FindingView, OriginView, PlaceView, QuotedLine, Report, SuppressedView, verdict};

/// The name under which locations are relative to the host's root folder (section 3.14.14).
const BASE: &str = "HOSTROOT";

/// Results of one run: readers of this format refuse more.
const RESULTS: usize = 25_000;

/// A log. Fields stand in the order of their names, as everywhere in this format.
#[derive(Serialize)]
struct Log<'r> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'r>; 1],
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'r> {
    automation_details: Value,
    column_kind: &'static str,
    invocations: Value,
    original_uri_base_ids: Value,
    #[serde(skip_serializing_if = "Map::is_empty")]
    properties: Map<String, Value>,
    results: Results<'r>,
    tool: Value,
}

/// Results that are made one by one as they are written: there may be one for each of a hundred thousand domains.
struct Results<'r> {
    report: &'r Report,
    /// The findings that are told.
    told: Vec<&'r FindingView>,
    /// Those that do not count and are told.
    suppressed: &'r [SuppressedView],
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let counting = self.told.iter().map(|finding| result(finding, self.report));
        to.collect_seq(counting.chain(self.suppressed.iter().map(|one| suppressed(one, self.report))))
    }
}

/// The report as a log with one run.
pub(crate) fn render(report: &Report) -> String {
    let rules: Vec<Value> = report.rules.iter().map(|meta| rule(meta)).collect();
    let (told, left_out) = told(&report.findings, RESULTS);
    let (suppressed, rest) = report.suppressed.split_at(report.suppressed.len().min(RESULTS - told.len()));
    let left_out = left_out + rest.len();
    let mut notifications = notifications(report);
    if left_out > 0 {
        let text = format!("{left_out} more findings are not among the results: `--format json` has them");
        notifications.push(json!({"level": "warning", "message": {"text": text}}));
    }
    // Results by planned records are of another category: they close none of the live DNS's (section 3.17.3).
    let category = if report.planned { "planned/" } else { "" };
    let notes = verdict::notes(report).into_iter();
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            automation_details: json!({"id": format!("helolint/{}/{category}", uri(verdict::host(report)))}),
            column_kind: "unicodeCodePoints",
            // Findings are no failure of the run, whatever its exit status.
            invocations: json!([{"executionSuccessful": true, "toolConfigurationNotifications": notifications}]),
            original_uri_base_ids: json!({
                BASE: {"uri": "file:///", "description": {"text": "The host's root folder."}}
            }),
            properties: notes.map(|note| (note.id.to_owned(), json!(note.text))).collect(),
            results: Results { report, told, suppressed },
            tool: json!({"driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "semanticVersion": report.tool.version,
                "rules": rules,
            }}),
        }],
    };
    // Text and numbers alone: this cannot fail.
    escape::json(&log, true).unwrap_or_default()
}

/// So many findings at most, those of the highest severity, in their order; and how many are left out.
fn told(findings: &[FindingView], limit: usize) -> (Vec<&FindingView>, usize) {
    let left_out = findings.len().saturating_sub(limit);
    let mut all: Vec<(usize, &FindingView)> = findings.iter().enumerate().collect();
    if left_out > 0 {
        all.sort_by_key(|(_, finding)| Reverse(finding.severity));
        all.truncate(limit);
        all.sort_unstable_by_key(|(at, _)| *at);
    }
    (all.into_iter().map(|(_, finding)| finding).collect(), left_out)
}

/// What is true of the report as a whole, and rules that did not run, in words (section 3.20.21).
fn notifications(report: &Report) -> Vec<Value> {
    let note = |note: verdict::Note| json!({"level": "note", "message": {"text": message(&note.text)}});
    let not_checked = |rule: &crate::report::NotChecked| {
        json!({
            "level": "note",
            "message": {"text": message(&format!("{} {} was not checked: {}", rule.code, rule.name, rule.why))},
            "associatedRule": {"id": rule.code},
        })
    };
    verdict::notes(report).into_iter().map(note).chain(report.not_checked.iter().map(not_checked)).collect()
}

/// A message's text: braces would name arguments (section 3.11.5), and brackets before a parenthesis would be a link
/// (section 3.11.6).
fn message(text: &str) -> String {
    let text = text.replace('{', "{{").replace('}', "}}");
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text }
}

fn rule(meta: &Meta) -> Value {
    let text: Vec<&str> = meta.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let mut text = text.join("\n").trim().to_owned();
    if !meta.refs.is_empty() {
        text += "\n\n## References";
        meta.refs.iter().for_each(|reference| text += &format!("\n- {reference}"));
    }
    // The plain text is the same with neither marks of headings nor of code.
    let plain = text.replace("\n## ", "\n").replace('`', "");
    let full = meta.section("Why it matters").unwrap_or_else(|| meta.summary().to_owned());
    json!({
        "id": meta.code,
        "name": pascal(meta.name),
        "shortDescription": {"text": meta.summary().replace('`', "")},
        "fullDescription": {"text": full.replace('`', "")},
        "help": {"text": plain, "markdown": text},
        "defaultConfiguration": {"level": level(meta.severity, Verdict::Fail)},
        "properties": {"tags": [meta.family(), meta.name], "references": meta.refs},
    })
}

/// `ptr-missing` as `PtrMissing`, which section 3.49.7 wants.
fn pascal(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    });
    words.collect()
}

/// Section 3.27.10: a result that is not of kind `fail` has no level.
fn level(severity: Severity, verdict: Verdict) -> &'static str {
    match (verdict, severity) {
        (Verdict::Undetermined, _) => "none",
        (Verdict::Fail, Severity::Error) => "error",
        (Verdict::Fail, Severity::Warning) => "warning",
        (Verdict::Fail, Severity::Info) => "note",
    }
}

fn result(finding: &FindingView, report: &Report) -> Value {
    let places: Vec<Value> = finding.origins.iter().filter_map(location).collect();
    // The first is where to edit; the others led there (section 3.27.22).
    let (first, related) = match places.split_first() {
        Some((first, related)) => (vec![first.clone()], related.to_vec()),
        None => (vec![json!({"logicalLocations": [{"name": finding.subject, "kind": "resource"}]})], Vec::new()),
    };
    let related: Vec<Value> = related
        .into_iter()
        .enumerate()
        .map(|(id, mut place)| {
            place["id"] = json!(id);
            place
        })
        .collect();
    let mut result = json!({
        "ruleId": finding.code,
        "kind": match finding.verdict {
            Verdict::Fail => "fail",
            Verdict::Undetermined => "open",
        },
        "level": level(finding.severity, finding.verdict),
        "message": {"text": message(&finding.message)},
        "locations": first,
        "relatedLocations": related,
        "partialFingerprints": {"helolint/1": format!("{}:{}", finding.code, finding.subject)},
        "properties": {
            "subject": finding.subject,
            "severity": finding.severity,
            "paths": finding.paths,
            "evidence": finding.evidence,
            "fix": finding.fix,
        },
    });
    if let Some(index) = report.rules.iter().position(|rule| rule.code == finding.code) {
        result["ruleIndex"] = json!(index);
    }
    result
}

/// A finding that does not count, with the reason (section 3.35).
fn suppressed(suppressed: &SuppressedView, report: &Report) -> Value {
    let mut result = result(&suppressed.finding, report);
    let mut suppression = json!({"kind": "external", "status": "accepted", "justification": suppressed.reason});
    if let OriginView::File { file, line, column } = &suppressed.suppressed_at {
        suppression["location"] = json!({"physicalLocation": {
            "artifactLocation": {"uri": uri(file), "uriBaseId": BASE},
            "region": {"startLine": line, "startColumn": column},
        }});
    }
    result["suppressions"] = json!([suppression]);
    result
}

fn location(place: &PlaceView) -> Option<Value> {
    let OriginView::File { file, line, column } = &place.origin else { return None };
    let mut region = json!({"startLine": line, "startColumn": column});
    if let Some(end) = place.end_column {
        region["endColumn"] = json!(end);
    }
    let mut physical = json!({"artifactLocation": {"uri": uri(file), "uriBaseId": BASE}});
    if let Some(quote) = place.quoted.as_ref().map(QuotedLine::quote) {
        region["snippet"] = json!({"text": quote.marked});
        physical["contextRegion"] =
            json!({"startLine": line, "snippet": {"text": format!("{}{}{}", quote.before, quote.marked, quote.after)}});
    }
    physical["region"] = region;
    let mut location = json!({"physicalLocation": physical});
    if !place.label.is_empty() {
        location["message"] = json!({"text": message(&place.label)});
    }
    Some(location)
}

/// A path relative to the root as a URI reference (RFC 3986 section 4.2).
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte.into()),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_findings_the_gravest_are_told() {
        let finding = |(subject, severity): (usize, Severity)| {
            let meta = crate::rules::all().next().expect("there are rules");
            crate::report::assemble::finding_view(meta.violated(subject, "").severity(severity))
        };
        let severities = [Severity::Info, Severity::Error, Severity::Warning, Severity::Info, Severity::Error];
        let all: Vec<FindingView> = severities.into_iter().enumerate().map(finding).collect();
        for (limit, expected) in
            [(9, vec![0, 1, 2, 3, 4]), (5, vec![0, 1, 2, 3, 4]), (4, vec![0, 1, 2, 4]), (1, vec![1])]
        {
            let (found, left_out) = told(&all, limit);
            let found: Vec<usize> = found.iter().map(|finding| finding.subject.parse().unwrap()).collect();
            assert_eq!((found, left_out), (expected, 5_usize.saturating_sub(limit)), "{limit}");
        }
    }

    #[test]
    fn messages_hold_neither_arguments_nor_links() {
        assert_eq!(message("`${lookup{x}}` is undecided"), "`${{lookup{{x}}}}` is undecided");
        assert_eq!(message("[203.0.113.10] is a literal"), "[203.0.113.10] is a literal");
        assert_eq!(message("[here](https://x.example)"), "\\[here\\](https://x.example)");
    }

    #[test]
    fn names_and_paths_as_sarif_wants_them() {
        assert_eq!(pascal("ptr-missing"), "PtrMissing");
        assert_eq!(uri("/etc/my file:\u{1b}"), "etc/my%20file%3A%1B");
    }
}
