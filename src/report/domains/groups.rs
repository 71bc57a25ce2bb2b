//! What was found, grouped by rule and by who serves the zone: for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::DomainView;
use crate::domains::Handled;
use crate::escape;
use crate::findings::{Severity, Verdict};
use crate::name::DomainName;
use crate::report::monitor;

/// Domains that are named of each group; the formats for machines name all.
pub(super) const NAMED: usize = 5;

/// The findings of one rule with one severity and verdict.
pub(super) struct Group<'a> {
    code: &'a str,
    name: &'a str,
    severity: Severity,
    verdict: Verdict,
    /// By who serves the zone: the domains, and what was found of the first.
    pub(super) by_zone: BTreeMap<String, Vec<(&'a str, &'a super::view::DomainFinding)>>,
}

impl Group<'_> {
    fn count(&self) -> usize {
        self.by_zone.values().map(Vec::len).sum()
    }

    pub(super) fn words(&self) -> String {
        let open = if self.verdict == Verdict::Undetermined { ", undetermined" } else { "" };
        format!("{}[{}] {}{open}: {}", self.severity, self.code, self.name, domains(self.count()))
    }
}

pub(super) fn domains(count: usize) -> String {
    if count == 1 { "1 domain".to_owned() } else { format!("{count} domains") }
}

/// The worst first, then by code.
pub(super) fn groups(views: &[DomainView]) -> Vec<Group<'_>> {
    let mut all: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for view in views {
        for finding in &view.findings {
            let key = (std::cmp::Reverse(finding.severity), std::cmp::Reverse(finding.verdict), finding.code.as_str());
            let group = all.entry(key).or_insert_with(|| Group {
                code: &finding.code,
                name: &finding.name,
                severity: finding.severity,
                verdict: finding.verdict,
                by_zone: BTreeMap::new(),
            });
            let own = is_about(&finding.subject, &DomainName::new(&view.domain));
            let zone = if own { zone(view) } else { String::new() };
            group.by_zone.entry(zone).or_default().push((&view.domain, finding));
        }
    }
    all.into_values().collect()
}

/// Whether a finding's subject is the domain or a name below it: else it is about another zone.
pub fn is_about(subject: &str, domain: &DomainName) -> bool {
    let first = subject.split(' ').next().unwrap_or_default();
    DomainName::new(first).is_within(domain)
}

/// Who serves a domain's zone, in words.
fn zone(view: &DomainView) -> String {
    match view.zone.as_deref() {
        None | Some([]) => String::new(),
        Some([here]) if here == "here" => "in zones that this server serves".to_owned(),
        Some([first, ..]) => {
            let name = DomainName::new(first);
            format!("in zones at {}", name.registrable().unwrap_or(name))
        }
    }
}

pub(super) fn named(list: &[(&str, &super::view::DomainFinding)]) -> String {
    let names: Vec<&str> = list.iter().take(NAMED).map(|(name, _)| *name).collect();
    let more = list.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

pub(super) fn summary(views: &[DomainView]) -> String {
    let with =
        |severity| views.iter().filter(|view| view.findings.iter().any(|finding| finding.severity == severity)).count();
    let (errors, warnings) = (with(Severity::Error), with(Severity::Warning));
    format!("{}: {errors} with errors, {warnings} with warnings", domains(views.len()))
}

/// For a terminal.
pub fn human(views: &[DomainView]) -> String {
    let mut text = String::new();
    for group in groups(views) {
        let _ = writeln!(text, "{}", group.words());
        for (zone, list) in &group.by_zone {
            let place = if zone.is_empty() { String::new() } else { format!(" {zone}") };
            let _ = writeln!(text, "  {}{place}: {}", domains(list.len()), escape::line(&named(list)));
            let Some((_, finding)) = list.first() else { continue };
            let _ = writeln!(text, "    {}", escape::line(&finding.message));
            if let Some(fix) = &finding.fix {
                let _ = writeln!(text, "    fix: {}", escape::line(&fix.text));
                for command in &fix.commands {
                    let _ = writeln!(text, "         {}", escape::line(command));
                }
            }
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", summary(views));
    text
}

/// For Prometheus: how many domains there are, and findings by rule. The rules are those that found something; no domain is named.
pub fn prometheus(views: &[DomainView]) -> String {
    let mut text = String::new();
    monitor::head(&mut text, "helolint_domains", "Domains that this host handles mail for, by how.");
    for handled in [Handled::Local, Handled::Remote, Handled::Secondary, Handled::Sender] {
        let count = views.iter().filter(|view| view.handled == handled).count();
        let _ = writeln!(text, "helolint_domains{{handled=\"{handled}\"}} {count}");
    }
    monitor::head(&mut text, "helolint_domains_with", "Domains with a failed finding of this severity.");
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let fails = |view: &&DomainView| {
            let mut findings = view.findings.iter();
            findings.any(|finding| finding.severity == severity && finding.verdict == Verdict::Fail)
        };
        let count = views.iter().filter(fails).count();
        let _ = writeln!(text, "helolint_domains_with{{severity=\"{severity}\"}} {count}");
    }
    monitor::head(
        &mut text,
        "helolint_domain_findings",
        "Domains of which a rule found something, by severity and verdict.",
    );
    for group in groups(views) {
        let (code, name, severity) = (escape::prometheus(group.code), escape::prometheus(group.name), group.severity);
        let verdict = if group.verdict == Verdict::Undetermined { "undetermined" } else { "fail" };
        let labels = format!("code=\"{code}\",name=\"{name}\",severity=\"{severity}\",verdict=\"{verdict}\"");
        let _ = writeln!(text, "helolint_domain_findings{{{labels}}} {}", group.count());
    }
    text
}

/// For a ticket.
pub fn markdown(views: &[DomainView]) -> String {
    let mut text = format!("# Mail domains\n\n{}.\n", summary(views));
    for group in groups(views) {
        let _ = writeln!(text, "\n## {}\n", group.words());
        for (zone, list) in &group.by_zone {
            let place = if zone.is_empty() { String::new() } else { format!(" {}", escape::markdown(zone)) };
            let _ = writeln!(text, "- {}{place}: {}", domains(list.len()), escape::markdown(&named(list)));
            let Some((_, finding)) = list.first() else { continue };
            let _ = writeln!(text, "  {}", escape::markdown(&finding.message));
            for command in finding.fix.iter().flat_map(|fix| &fix.commands) {
                let _ = writeln!(text, "  {}", escape::markdown_code(command));
            }
        }
    }
    text
}
