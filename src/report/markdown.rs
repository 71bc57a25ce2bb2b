//! Markdown for a ticket (CommonMark with GitHub's tables and task lists): verdict, paths, findings, what to do, and the checklist of
//! a move.

use crate::escape::{markdown as text, markdown_code as code};
use crate::findings::{Verdict, Who};
use crate::observe::iprev::Iprev;
use crate::receivers::Verdict as Receives;
use crate::report::human::{self, Step};
use crate::report::log::TITLE;
use crate::report::{
    FindingView, OriginView, PathView, ReceiverView, Report, SenderSelection, SuppressedView, Verbosity, alike,
    checklist, verdict,
};

/// Subjects of findings that are like another.
const NAMED: usize = 60;
/// Places and answers shown of one finding.
const SHOWN: usize = 12;

/// The report as a document. It is sanitized already.
pub(crate) fn render(report: &Report, verbosity: Verbosity) -> String {
    let whole = verbosity == Verbosity::Verbose;
    let sentence: String = verdict::sentence(report).into_iter().map(|(_, part)| part).collect();
    let mut out = format!("## Mail identity of {}\n\n**{sentence}.**", code(verdict::host(report)));
    let unasked = report.not_checked.iter().filter(|rule| rule.is_unasked()).count();
    if unasked > 0 {
        out.push_str(&format!(" Not checked, since the DNS was not asked: {unasked} rules."));
    }
    if !report.suppressed.is_empty() {
        out.push_str(&format!(" Not counted: {}.", human::count(report.suppressed.len(), "finding")));
    }
    out.push_str("\n\n");
    paths(&mut out, report, whole);
    log(&mut out, report);
    receivers(&mut out, report);
    let mut all: Vec<&FindingView> = report.findings.iter().collect();
    all.sort_by_key(|f| (human::rank(f), f.code));
    findings(&mut out, &all, whole);
    plan(&mut out, &all, report);
    apart(&mut out, report);
    port25(&mut out, report);
    notes(&mut out, report);
    checklist(&mut out, report);
    out.trim_end().to_owned() + "\n"
}

/// What receivers did, by the mail log.
fn log(out: &mut String, report: &Report) {
    let Some(log) = &report.log else { return };
    let (did, notes) = log.sentences();
    out.push_str(&format!("### {TITLE}\n\n"));
    did.iter().chain(&notes).for_each(|sentence| out.push_str(&format!("- {}\n", text(sentence))));
    out.push('\n');
}

/// Whether port 25 outside can be reached.
fn port25(out: &mut String, report: &Report) {
    let Some(tried) = &report.port25 else { return };
    out.push_str(&format!("### {}\n\n", text(&tried.title())));
    tried.lines().iter().for_each(|line| out.push_str(&format!("- {}\n", prose(line))));
    out.push('\n');
}

/// What is to be known of the servers that were asked.
fn notes(out: &mut String, report: &Report) {
    if report.dns.notes.is_empty() {
        return;
    }
    out.push_str("### About the servers asked\n\n");
    report.dns.notes.iter().for_each(|note| out.push_str(&format!("- {}\n", text(note))));
    out.push('\n');
}

fn paths(out: &mut String, report: &Report, whole: bool) {
    if report.paths.is_empty() {
        return;
    }
    out.push_str("| path | source | sending address | PTR | iprev | HELO | sender domains |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    let all: Vec<&PathView> = report.paths.iter().collect();
    for group in alike::paths(report, &all) {
        let shown = if whole || group.len() <= alike::EACH { group.len() } else { 1 };
        group.iter().take(shown).for_each(|path| row(out, path));
        if let Some(first) = group.first().filter(|_| shown < group.len()) {
            let more = human::count(group.len() - shown, "more path");
            out.push_str(&format!("| {more} like {} | | | | | | |\n", code(&first.id)));
        }
    }
    out.push('\n');
}

fn row(out: &mut String, path: &PathView) {
    let address = |addr: Option<std::net::IpAddr>| addr.map_or("unknown".to_owned(), |addr| code(&addr.to_string()));
    let ptr = match &path.ptr {
        None => "not known".to_owned(),
        Some(names) if names.is_empty() => "**none**".to_owned(),
        Some(names) => names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "),
    };
    let domains = match (path.sender_selection, &path.sender_domains) {
        (SenderSelection::Any, _) => "any".to_owned(),
        (SenderSelection::Undecided, _) => "undecided".to_owned(),
        (SenderSelection::ListedAndOthers, Some(domains)) if domains.is_empty() => "all that no list names".to_owned(),
        (SenderSelection::ListedAndOthers, Some(domains)) => {
            format!("{}, and all that no list names", domains.len())
        }
        (_, domains) => match alike::domains(path) {
            Some(names) => code(&names),
            None => domains.as_ref().map_or(0, Vec::len).to_string(),
        },
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

/// What receivers will do, where some do not accept: paths of which the same is said together.
fn receivers(out: &mut String, report: &Report) {
    let mut groups: Vec<(&[ReceiverView], Vec<String>)> = Vec::new();
    for path in report.paths.iter().filter(|path| path.receivers.iter().any(|r| r.verdict != Receives::Accept)) {
        match groups.iter_mut().find(|(said, _)| **said == *path.receivers) {
            Some((_, ids)) => ids.push(code(&path.id)),
            None => groups.push((&path.receivers, vec![code(&path.id)])),
        }
    }
    if groups.is_empty() {
        return;
    }
    out.push_str("### What receivers will do\n\n");
    for (said, ids) in groups {
        let more = ids.len().saturating_sub(alike::EACH);
        let named = ids.get(..alike::EACH).unwrap_or(&ids).join(", ");
        let more = if more > 0 { format!(" and {}", human::count(more, "more path")) } else { String::new() };
        out.push_str(&format!("{named}{more}:\n\n"));
        for verdict in Receives::GRAVEST_FIRST {
            for receiver in said.iter().filter(|receiver| receiver.verdict == verdict) {
                let reply = receiver.reply.as_ref().map(|reply| format!(": {}", code(reply))).unwrap_or_default();
                let (name, because) = (text(&receiver.name), prose(&receiver.because));
                out.push_str(&format!("- **{verdict}** {name} {because}{reply} ({})\n", receiver.basis));
            }
        }
        let accepting = said.iter().filter(|receiver| receiver.verdict == Receives::Accept).count();
        if accepting > 0 {
            out.push_str(&format!("- **accept** the other {accepting}\n"));
        }
        out.push('\n');
    }
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

pub(super) fn findings(out: &mut String, all: &[&FindingView], whole: bool) {
    if all.is_empty() {
        return;
    }
    out.push_str("### Findings\n\n");
    for group in alike::findings(all) {
        let shown = if whole || group.len() <= alike::EACH { group.len() } else { 1 };
        group.iter().take(shown).for_each(|finding| one(out, finding, whole));
        if shown < group.len() {
            let rest: Vec<&str> = group.iter().skip(shown).map(|finding| finding.subject.as_str()).collect();
            let mut names: Vec<String> = alike::list(&rest).iter().map(|name| code(name)).collect();
            if names.len() > NAMED {
                let more = names.len() - NAMED;
                names.truncate(NAMED);
                names.push(format!("and {more} more"));
            }
            out.push_str(&format!("  - {} more like this: {}\n", rest.len(), names.join(", ")));
        }
    }
    out.push('\n');
}

fn one(out: &mut String, finding: &FindingView, whole: bool) {
    let shown = if whole { usize::MAX } else { SHOWN };
    let word = match finding.verdict {
        Verdict::Undetermined => "undetermined",
        Verdict::Fail => finding.severity.as_str(),
    };
    out.push_str(&format!("- **{word}** {} {}: {}\n", finding.code, finding.name, prose(&finding.message)));
    for place in finding.origins.iter().take(shown) {
        if let OriginView::File { .. } = place.origin {
            let label = if place.label.is_empty() { String::new() } else { format!(": {}", prose(&place.label)) };
            out.push_str(&format!("  - {}{label}\n", code(&place.origin.describe())));
        }
    }
    for said in finding.evidence.iter().take(shown) {
        out.push_str(&format!("  - {} from {}: {}\n", code(&said.question), text(&said.from), code(&said.answer)));
    }
    let more = finding.evidence.len().saturating_sub(shown);
    if more > 0 {
        out.push_str(&format!("  - {}\n", human::count(more, "more answer")));
    }
}

pub(super) fn plan(out: &mut String, findings: &[&FindingView], report: &Report) {
    let who = |who: Who| match who {
        Who::DnsZone => "DNS zone",
        Who::IpOwner => "holder of the address",
        Who::Host => "this host",
    };
    let plan = report.plan.as_ref().filter(|plan| !plan.steps.is_empty());
    if let Some(plan) = plan {
        out.push_str(&format!("### What to do, in this order\n\n{}\n\n", human::lead(plan)));
        for step in &plan.steps {
            let settles =
                if step.settles.is_empty() { String::new() } else { format!(" ({})", human::codes(&step.settles)) };
            item(out, who(step.who), &step.text, &settles, &step.commands);
        }
    }
    for (because, left) in human::left(report) {
        out.push_str(&format!("- Left: {}: {}.\n", text(&left), prose(&because)));
    }
    let rest = human::rest(report, findings);
    if !rest.is_empty() {
        let title = if plan.is_some() { "What else to look at" } else { "What to do" };
        if plan.is_some() && !out.ends_with("\n\n") {
            out.push('\n');
        }
        out.push_str(&format!("### {title}\n\n"));
        for Step { fix, codes, .. } in rest {
            item(out, who(fix.who), &fix.text, &format!(" ({})", codes.join(", ")), &fix.commands);
        }
    }
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// One thing to do, with its commands.
fn item(out: &mut String, who: &str, words: &str, codes: &str, commands: &[String]) {
    let lines: Vec<String> = words.lines().map(prose).collect();
    out.push_str(&format!("- [ ] **{who}**: {}{codes}\n", lines.join("\n  ")));
    if !commands.is_empty() {
        // A fence longer than any run of backticks in what it holds (CommonMark section 4.5).
        let longest = commands.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        out.push_str(&format!("\n  {fence}\n"));
        commands.iter().for_each(|command| out.push_str(&format!("  {command}\n")));
        out.push_str(&format!("  {fence}\n\n"));
    }
}

/// Running text in which what stands between backticks is code.
fn prose(words: &str) -> String {
    let parts: Vec<&str> = words.split('`').collect();
    // An odd number of backticks: the last opens nothing.
    if parts.len().is_multiple_of(2) {
        return text(words);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        1 if part.is_empty() => text("``"),
        1 => code(part),
        _ => text(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// Findings that do not count.
fn apart(out: &mut String, report: &Report) {
    if report.suppressed.is_empty() {
        return;
    }
    out.push_str("### Not counted\n\n");
    for SuppressedView { finding, reason, expires, suppressed_at, .. } in &report.suppressed {
        let until = expires.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
        let (message, reason, at) = (prose(&finding.message), text(reason), code(&suppressed_at.describe()));
        out.push_str(&format!("- {} {}: {message}; not counted{until}: {reason} ({at})\n", finding.code, finding.name));
    }
    out.push('\n');
}

fn checklist(out: &mut String, report: &Report) {
    out.push_str(&format!("### {}\n\n", checklist::title(report)));
    for (point, done) in checklist::points(report) {
        out.push_str(&format!("- [{}] {point}\n", if done { 'x' } else { ' ' }));
    }
}
