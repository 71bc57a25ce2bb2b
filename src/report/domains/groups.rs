//! What was found, grouped by rule and by who serves the zone: for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::addresses::is_address_record;
use super::edits::edits;
use super::places::{Place, Places, Step, StepLine};
use super::refused::{is_refused, refused};
use super::view::{DomainFinding, is_about, text_record};
use super::words::{self, domains};
use super::{DomainView, GapView};
use crate::domains::Handled;
use crate::domains::zones::ZoneKeeper;
use crate::escape;
use crate::findings::{Severity, Verdict, Who};
use crate::name::DomainName;
use crate::report::monitor;

/// The rule that judges the names that this host introduces itself by.
const HELO_CODE: &str = "DOM005";

/// Domains, or names, each with one thing that was found of it; what was found of one stands side by side.
type Found<'a> = Vec<(&'a str, &'a DomainFinding)>;

/// Domains, or names, each once, with all that was found of it.
pub(super) type Listed<'a> = Vec<(&'a str, Vec<&'a DomainFinding>)>;

/// The findings of one rule with one severity and verdict.
pub(super) struct Group<'a> {
    code: &'a str,
    name: &'a str,
    severity: Severity,
    verdict: Verdict,
    /// By who serves the zone: the domains, and what was found of them.
    by_zone: BTreeMap<Place, Found<'a>>,
}

impl Group<'_> {
    /// Domains, and names of this host, each once, in however many places something was found of it.
    fn counts(&self) -> (usize, usize) {
        let (of_host, of_domains): (Vec<_>, Vec<_>) =
            self.by_zone.iter().partition(|(place, _)| **place == Place::OfHost);
        (each_once(of_domains), each_once(of_host))
    }

    fn count(&self) -> usize {
        let (of_domains, of_host) = self.counts();
        of_domains + of_host
    }

    /// What is shown: places, and of each the domains that are told to do the same kind of thing.
    pub(super) fn shown(&self) -> Vec<(&Place, Listed<'_>)> {
        self.by_zone.iter().flat_map(|(place, all)| alike(all).into_iter().map(move |list| (place, list))).collect()
    }

    /// The same in words: domains, names of this host, or both.
    fn counted(&self) -> String {
        match self.counts() {
            (count, 0) => domains(count),
            (0, names) => Place::OfHost.counted(names),
            (count, names) => format!("{} and {}", domains(count), Place::OfHost.counted(names)),
        }
    }

    /// The finding and how many domains have it, and where their zones are served; `steps`: the places at which something is to be published, in
    /// their order.
    pub(super) fn words(&self, steps: &[Step<'_>]) -> String {
        let open = if self.verdict == Verdict::Undetermined { ", undetermined" } else { "" };
        let count = self.counted();
        let places = match self.by_zone.len() {
            0 | 1 => String::new(),
            _ => {
                let place = |(place, list): (&Place, &Found<'_>)| {
                    let count = each_once([(place, list)]);
                    let is_step = list.iter().any(|(_, finding)| finding.fix.iter().any(publishes));
                    let step = steps.iter().position(|step| is_step && step.place == *place);
                    let step = step.map_or_else(String::new, |at| format!(" (step {})", at + 1));
                    let words = match place {
                        Place::Unknown => " about names in other zones".to_owned(),
                        Place::OfHost => {
                            format!(" {}", if count == 1 { "name of this host" } else { "names of this host" })
                        }
                        _ => place.words(),
                    };
                    format!("{count}{words}{step}")
                };
                let all: Vec<String> = self.by_zone.iter().map(place).collect();
                format!(": {}", all.join(", "))
            }
        };
        format!("{}[{}] {}{open}: {count}{places}", self.severity, self.code, self.name)
    }
}

/// How many names are in these lists.
fn each_once<'l>(lists: impl IntoIterator<Item = (&'l Place, &'l Found<'l>)>) -> usize {
    let names = lists.into_iter().flat_map(|(_, list)| list.iter().map(|(name, _)| *name));
    names.collect::<BTreeSet<&str>>().len()
}

/// Whether a fix has a record published.
fn publishes(fix: &crate::findings::Fix) -> bool {
    fix.commands.iter().any(|line| text_record(line).is_some() || is_address_record(line))
}

/// The worst first, then by code.
pub(super) fn groups(views: &[DomainView]) -> Vec<Group<'_>> {
    let mut all: BTreeMap<_, Group<'_>> = BTreeMap::new();
    let places = Places::new(views);
    let mut found: Vec<(Place, &str, &DomainFinding)> = Vec::new();
    for view in views {
        for finding in &view.findings {
            let own = is_about(&finding.subject, &DomainName::new(&view.domain));
            let for_host = finding.fix.as_ref().is_some_and(|fix| fix.who == Who::Host);
            let place = match places.of(view) {
                Place::Unknown if own && for_host => Place::OnHost,
                place if own => place,
                _ => Place::Unknown,
            };
            found.push((place, &view.domain, finding));
        }
    }
    found.extend(of_host(views).map(|finding| (Place::OfHost, finding.subject.as_str(), finding)));
    for (place, name, finding) in found {
        let key = (std::cmp::Reverse(finding.severity), std::cmp::Reverse(finding.verdict), &*finding.code);
        let group = all.entry(key).or_insert_with(|| Group {
            code: &finding.code,
            name: &finding.name,
            severity: finding.severity,
            verdict: finding.verdict,
            by_zone: BTreeMap::new(),
        });
        group.by_zone.entry(place).or_default().push((name, finding));
    }
    all.into_values().collect()
}

/// What was found of this host's own names, each once; not where a domain that a name belongs to is told of it.
fn of_host(views: &[DomainView]) -> impl Iterator<Item = &DomainFinding> {
    let key = |finding: &'_ DomainFinding| (finding.code.to_string(), finding.subject.clone());
    let is_host = |finding: &&DomainFinding| finding.code == HELO_CODE;
    let mut known: BTreeSet<(String, String)> =
        views.iter().flat_map(|view| &view.findings).filter(is_host).map(key).collect();
    views.iter().flat_map(|view| &view.host_findings).filter(move |finding| known.insert(key(finding)))
}

/// The domains of a place, those apart that are told to do another kind of thing, or of records of another type: of each kind, the first is shown.
fn alike<'a>(list: &[(&'a str, &'a DomainFinding)]) -> Vec<Listed<'a>> {
    // A question is written with the dot at its name's end.
    let rtype = |finding: &'a DomainFinding| finding.subject.split_once(". ").map(|(_, rtype)| rtype);
    let kind = |finding: &'a DomainFinding| {
        (finding.fix.as_ref().map(|fix| (fix.who, fix.commands.is_empty())), rtype(finding))
    };
    let mut all: Vec<(_, Listed<'a>)> = Vec::new();
    for (name, finding) in list.iter().copied() {
        let kind = kind(finding);
        let Some((_, one)) = all.iter_mut().find(|(of, _)| *of == kind) else {
            all.push((kind, vec![(name, vec![finding])]));
            continue;
        };
        match one.last_mut().filter(|(last, _)| *last == name) {
            Some((_, findings)) => findings.push(finding),
            None => one.push((name, vec![finding])),
        }
    }
    all.into_iter().map(|(_, list)| list).collect()
}

pub(super) fn named(list: &[(&str, Vec<&DomainFinding>)]) -> String {
    words::named(list.iter().map(|(name, _)| *name), list.len())
}

/// What was found of the first domain of a list.
pub(super) fn first<'a>(list: &[(&'a str, Vec<&'a DomainFinding>)]) -> impl Iterator<Item = &'a DomainFinding> {
    list.first().into_iter().flat_map(|(_, findings)| findings.clone())
}

/// What all of it comes to; `instead`: that no domain was found, or that nobody was asked.
pub(super) fn summary(views: &[DomainView], instead: Option<&str>) -> String {
    if let Some(text) = instead {
        return text.to_owned();
    }
    let with = |severity| views.iter().filter(|view| view.failed(severity) > 0).count();
    let undetermined = match views.iter().filter(|view| view.undetermined().next().is_some()).count() {
        0 => String::new(),
        count => format!(", {count} undetermined"),
    };
    let (errors, warnings) = (with(Severity::Error), with(Severity::Warning));
    let refused = match views.iter().filter(|view| is_refused(view)).count() {
        0 => String::new(),
        count => format!("; mail of {count} from here fails DMARC, and receivers are asked to act on it"),
    };
    format!("{}: {errors} with errors, {warnings} with warnings{undetermined}{refused}", domains(views.len()))
}

/// Above the domains whose mail fails DMARC.
pub(super) const REFUSED: &str = "Mail from here that receivers are asked to refuse or suspect (DMARC)";
/// Above what has to be published.
pub(super) const STEPS: &str = "Records to publish, place by place";
/// Commands and records of a step that are shown.
pub(super) const SHOWN: usize = 20;
/// Above what files leave open.
pub(super) const OPEN: &str = "Not seen from this host's files";

/// Where the rest is, where a group shows the first of its domains alone.
const ALL: &str = "each domain with all that was found and its records: `--format csv` (or json, html)";

/// For a terminal; `instead`: what stands in the place of the sum.
pub fn human(
    views: &[DomainView],
    gaps: &[GapView],
    kept: &BTreeMap<DomainName, ZoneKeeper>,
    instead: Option<&str>,
) -> String {
    let mut text = String::new();
    let refused = refused(views);
    if !refused.is_empty() {
        let _ = writeln!(text, "{REFUSED}");
        for group in &refused {
            let _ = writeln!(text, "  {}", escape::line(&group.words()));
            let _ = writeln!(text, "    {}", escape::line(&group.named()));
        }
        text.push('\n');
    }
    let edits = edits(views, kept);
    let steps = Places::new(views).steps(views, &edits);
    for group in groups(views) {
        let _ = writeln!(text, "{}", escape::line(&group.words(&steps)));
        for (place, list) in group.shown() {
            let _ = writeln!(
                text,
                "  {}{}: {}",
                place.counted(list.len()),
                escape::line(&place.words()),
                escape::line(&named(&list))
            );
            for finding in first(&list) {
                let _ = writeln!(text, "    {}", escape::line(&finding.message));
                if let Some(fix) = &finding.fix {
                    let _ = writeln!(text, "    fix: {}", escape::line(&fix.text));
                    for command in &fix.commands {
                        let _ = writeln!(text, "         {}", escape::line(command));
                    }
                }
            }
        }
        text.push('\n');
    }
    if !steps.is_empty() {
        let _ = writeln!(text, "{STEPS}");
        for (number, step) in (1..).zip(&steps) {
            let _ = writeln!(text, "  {number}. {}", escape::line(&step.words()));
            for line in step.lines(SHOWN).printed() {
                let _ = match line {
                    StepLine::Verbatim(line) => writeln!(text, "       {}", escape::line(line)),
                    StepLine::Words(words) => writeln!(text, "     {words}"),
                };
            }
        }
        text.push('\n');
    }
    if !gaps.is_empty() {
        let _ = writeln!(text, "{OPEN}");
        for gap in gaps {
            let _ = writeln!(text, "  {}", escape::line(&gap.words()));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", escape::line(&summary(views, instead)));
    if groups(views).iter().any(|group| group.shown().iter().any(|(_, list)| list.len() > 1)) {
        let _ = writeln!(text, "{ALL}");
    }
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
        let count = views.iter().filter(|view| view.failed(severity) > 0).count();
        let _ = writeln!(text, "helolint_domains_with{{severity=\"{severity}\"}} {count}");
    }
    monitor::head(
        &mut text,
        "helolint_domains_dmarc_fail",
        "Domains whose mail from this host fails DMARC, by policy.",
    );
    for policy in ["reject", "quarantine"] {
        let count: usize =
            refused(views).iter().filter(|group| group.policy == policy).map(|group| group.domains.len()).sum();
        let _ = writeln!(text, "helolint_domains_dmarc_fail{{policy=\"{policy}\"}} {count}");
    }
    monitor::head(
        &mut text,
        "helolint_domain_findings",
        "Domains, or names of this host that mail leaves under, of which a rule found something, by severity and verdict.",
    );
    for group in groups(views) {
        let (code, name, severity) = (escape::prometheus(group.code), escape::prometheus(group.name), group.severity);
        let verdict = if group.verdict == Verdict::Undetermined { "undetermined" } else { "fail" };
        let labels = format!("code=\"{code}\",name=\"{name}\",severity=\"{severity}\",verdict=\"{verdict}\"");
        let _ = writeln!(text, "helolint_domain_findings{{{labels}}} {}", group.count());
    }
    text
}

/// For a ticket; `instead`: what stands in the place of the sum.
pub fn markdown(
    views: &[DomainView],
    gaps: &[GapView],
    kept: &BTreeMap<DomainName, ZoneKeeper>,
    instead: Option<&str>,
) -> String {
    let mut text = format!("# Mail domains\n\n{}.\n", escape::markdown(&summary(views, instead)));
    let refused = refused(views);
    if !refused.is_empty() {
        let _ = writeln!(text, "\n## {REFUSED}\n");
        for group in &refused {
            let _ = writeln!(text, "- {}", escape::markdown(&format!("{}: {}", group.words(), group.named())));
        }
    }
    let edits = edits(views, kept);
    let steps = Places::new(views).steps(views, &edits);
    for group in groups(views) {
        let _ = writeln!(text, "\n## {}\n", escape::markdown(&group.words(&steps)));
        for (place, list) in group.shown() {
            let (count, place) = (place.counted(list.len()), place.words());
            let place = escape::markdown(&place);
            let _ = writeln!(text, "- {count}{place}: {}", escape::markdown(&named(&list)));
            for finding in first(&list) {
                let _ = writeln!(text, "  {}", escape::markdown(&finding.message));
                for command in finding.fix.iter().flat_map(|fix| &fix.commands) {
                    let _ = writeln!(text, "  {}", escape::markdown_code(command));
                }
            }
        }
    }
    if !steps.is_empty() {
        let _ = writeln!(text, "\n## {STEPS}\n");
        for (number, step) in (1..).zip(&steps) {
            let _ = writeln!(text, "{number}. {}", escape::markdown(&step.words()));
            for line in step.lines(SHOWN).printed() {
                let _ = match line {
                    StepLine::Verbatim(line) => writeln!(text, "   {}", escape::markdown_code(line)),
                    StepLine::Words(words) => writeln!(text, "   {words}"),
                };
            }
        }
    }
    if !gaps.is_empty() {
        let _ = writeln!(text, "\n## {OPEN}\n");
        for gap in gaps {
            let _ = writeln!(text, "- {}", escape::markdown(&gap.words()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_counts_once_and_each_type_of_its_records_is_shown() {
        let finding = |subject: &str, command: &str| {
            serde_json::json!({
                "code": "DNS008", "name": "old-address-published", "severity": "error", "verdict": "fail",
                "subject": subject, "message": format!("`{subject}` still holds the old address"),
                "fix": {"who": "dns-zone", "text": "Mend it.", "commands": [command]},
            })
        };
        let with = |domain: &str, findings: &[(&str, &str)]| -> DomainView {
            let mut view = serde_json::to_value(view(domain, &[], &[])).unwrap();
            view["zone"] = serde_json::json!(["ns1.provider.example"]);
            view["findings"] = findings.iter().map(|(subject, command)| finding(subject, command)).collect();
            serde_json::from_value(view).unwrap()
        };
        let views = [
            with(
                "a.example",
                &[("a.example. TXT", "text of a"), ("a.example. A", "address of a"), ("mx.a.example. A", "of its mx")],
            ),
            with("b.example", &[("b.example. TXT", "text of b"), ("mx.other.example. A", "of another zone")]),
        ];
        let text = human(&views, &[], &BTreeMap::new(), None);
        assert!(
            text.starts_with(
                "error[DNS008] old-address-published: 2 domains: 2 in zones at provider.example, 1 about names in other zones\n"
            ),
            "{text}"
        );
        assert!(text.contains("  2 domains in zones at provider.example: a.example, b.example\n"), "{text}");
        assert!(text.contains("  1 domain in zones at provider.example: a.example\n"), "{text}");
        let markdown = markdown(&views, &[], &BTreeMap::new(), None);
        let page = crate::report::domains::page(&views, &[], &BTreeMap::new(), None);
        for shown in ["text of a", "address of a", "of its mx", "of another zone"] {
            assert!([&text, &markdown, &page].iter().all(|report| report.contains(shown)), "{shown}: {text}");
        }
        assert!(
            prometheus(&views)
                .contains("code=\"DNS008\",name=\"old-address-published\",severity=\"error\",verdict=\"fail\"} 2\n")
        );
    }

    fn finding(subject: &str) -> serde_json::Value {
        serde_json::json!({
            "code": HELO_CODE, "name": "spf-helo-excludes-sender", "severity": "warning", "verdict": "fail",
            "subject": subject, "message": format!("SPF of the HELO name {subject} does not pass"), "fix": null,
        })
    }

    /// A domain with what is told of itself, and of names of this host.
    fn view(domain: &str, own: &[&str], of_host: &[&str]) -> DomainView {
        let all = |subjects: &[&str]| subjects.iter().map(|subject| finding(subject)).collect::<Vec<_>>();
        let view = serde_json::json!({
            "domain": domain, "handled": "local", "paths": [], "mx": null, "spf": {"record": null, "results": []},
            "dmarc": null, "dkim": [], "mta_sts": null, "tls_rpt": null, "zone": null,
            "findings": all(own), "host_findings": all(of_host),
        });
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn a_fault_of_a_helo_name_is_told_once_and_counts_for_no_domain() {
        let names = ["mail.example.com", "news.example.com"];
        let many: Vec<DomainView> = (0..9).map(|at| view(&format!("d{at}.example"), &[], &names)).collect();
        let text = human(&many, &[], &BTreeMap::new(), None);
        assert!(
            text.starts_with(
                "warning[DOM005] spf-helo-excludes-sender: 2 names of this host\n  \
                 2 names of this host, by which mail of other domains leaves: mail.example.com, news.example.com\n"
            ),
            "{text}"
        );
        assert!(text.contains("\n9 domains: 0 with errors, 0 with warnings\n"), "{text}");
        assert!(
            prometheus(&many).contains(
                "code=\"DOM005\",name=\"spf-helo-excludes-sender\",severity=\"warning\",verdict=\"fail\"} 2\n"
            )
        );
        let mut with_own = many;
        with_own.push(view("mail.example.com", &names[..1], &names[1..]));
        let text = human(&with_own, &[], &BTreeMap::new(), None);
        assert!(text.contains("1 domain and 1 name of this host"), "{text}");
        assert_eq!(text.matches("HELO name mail.example.com does not pass").count(), 1, "{text}");
        assert!(text.contains("10 domains: 0 with errors, 1 with warnings"), "{text}");
    }
}
