//! Markdown for a ticket (CommonMark with GitHub's tables and task lists): verdict, paths, findings, what to do, and the checklist of
//! a move.

use std::collections::HashMap;

use crate::findings::{Fix, Verdict, Who};
use crate::observe::iprev::Iprev;
use crate::report::escape::{markdown as text, markdown_code as code};
use crate::report::{FindingView, OriginView, PathView, Report, SenderSelection, checklist, verdict};

/// The report as a document. It is tamed already.
pub fn render(report: &Report) -> String {
    let sentence: String = verdict::sentence(report).into_iter().map(|(_, part)| part).collect();
    let mut out = format!("## Mail identity of {}\n\n**{sentence}.**", code(verdict::host(report)));
    if !report.not_checked.is_empty() {
        out.push_str(&format!(" Not checked, since the DNS was not asked: {} rules.", report.not_checked.len()));
    }
    out.push_str("\n\n");
    paths(&mut out, report);
    findings(&mut out, report);
    plan(&mut out, report);
    checklist(&mut out, report);
    out.trim_end().to_owned() + "\n"
}

fn paths(out: &mut String, report: &Report) {
    if report.paths.is_empty() {
        return;
    }
    out.push_str("| path | source | sending address | PTR | iprev | HELO | sender domains |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for path in &report.paths {
        let address =
            |addr: Option<std::net::IpAddr>| addr.map_or("unknown".to_owned(), |addr| code(&addr.to_string()));
        let ptr = match &path.ptr {
            None => "not known".to_owned(),
            Some(names) if names.is_empty() => "**none**".to_owned(),
            Some(names) => names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "),
        };
        let domains = match (path.sender_selection, &path.sender_domains) {
            (SenderSelection::Any, _) => "any".to_owned(),
            (SenderSelection::Undecided, _) => "undecided".to_owned(),
            (_, domains) => domains.as_ref().map_or(0, Vec::len).to_string(),
        };
        out.push_str(&format!(
            "| {} | {} | {} | {ptr} | {} | {} | {domains} |\n",
            code(&path.id),
            address(path.source),
            address(path.sending),
            iprev(path),
            path.helo.as_ref().map_or("undecided".to_owned(), |name| code(name)),
        ));
    }
    out.push('\n');
}

fn iprev(path: &PathView) -> &'static str {
    match path.iprev {
        None => "not asked",
        Some(Iprev::Pass) => "pass",
        Some(Iprev::Fail) => "**fail**",
        Some(Iprev::PermError) => "**permerror**",
        Some(Iprev::TempError) => "temperror",
    }
}

fn findings(out: &mut String, report: &Report) {
    let mut all: Vec<&FindingView> = report.findings.iter().collect();
    all.sort_by_key(|f| (std::cmp::Reverse((f.verdict, f.severity)), f.code));
    if all.is_empty() {
        return;
    }
    out.push_str("### Findings\n\n");
    for finding in all {
        let word = match finding.verdict {
            Verdict::Undetermined => "undetermined",
            Verdict::Fail => finding.severity.as_str(),
        };
        out.push_str(&format!("- **{word}** {} {}: {}\n", finding.code, finding.name, text(&finding.message)));
        for place in &finding.origins {
            if let OriginView::File { .. } = place.origin {
                let label = if place.label.is_empty() { String::new() } else { format!(": {}", text(&place.label)) };
                out.push_str(&format!("  - {}{label}\n", code(&place.origin.describe())));
            }
        }
        for said in &finding.evidence {
            out.push_str(&format!("  - {} from {}: {}\n", code(&said.question), text(&said.from), code(&said.answer)));
        }
    }
    out.push('\n');
}

fn plan(out: &mut String, report: &Report) {
    let mut fixes: Vec<(&Fix, Vec<&str>)> = Vec::new();
    let mut known: HashMap<(Who, &[String], &str), usize> = HashMap::new();
    for finding in &report.findings {
        let Some(fix) = &finding.fix else { continue };
        let at = *known.entry((fix.who, &fix.commands, &fix.text)).or_insert(fixes.len());
        match fixes.get_mut(at) {
            Some((_, codes)) => codes.push(finding.code),
            None => fixes.push((fix, vec![finding.code])),
        }
    }
    if fixes.is_empty() {
        return;
    }
    fixes.sort_by_key(|(fix, _)| fix.who);
    out.push_str("### What to do, in this order\n\n");
    for (fix, mut codes) in fixes {
        codes.dedup();
        let who = match fix.who {
            Who::DnsZone => "DNS zone",
            Who::IpOwner => "holder of the address",
            Who::Host => "this host",
        };
        let lines: Vec<String> = fix.text.lines().map(text).collect();
        out.push_str(&format!("- [ ] **{who}**: {} ({})\n", lines.join("\n  "), codes.join(", ")));
        if !fix.commands.is_empty() {
            // A fence longer than any run of backticks in what it holds (CommonMark section 4.5).
            let longest =
                fix.commands.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            out.push_str(&format!("\n  {fence}\n"));
            fix.commands.iter().for_each(|command| out.push_str(&format!("  {command}\n")));
            out.push_str(&format!("  {fence}\n\n"));
        }
    }
    out.push('\n');
}

fn checklist(out: &mut String, report: &Report) {
    out.push_str("### Checklist\n\n");
    for (point, done) in checklist::points(report) {
        out.push_str(&format!("- [{}] {point}\n", if done { 'x' } else { ' ' }));
    }
}
