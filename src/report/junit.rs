//! JUnit XML, as Jenkins and GitLab read it (github.com/testmoapp/junitxml): a suite for each family, a case for each rule that
//! was to be judged. What could not be seen is skipped, what is only worth knowing passes and says so.

use std::fmt::Write as _;

use crate::escape::xml;
use crate::findings::{Meta, Severity, Verdict};
use crate::report::{FindingView, Report, verdict};

/// The report as a document. It is sanitized already.
pub(crate) fn render(report: &Report) -> String {
    let mut families: Vec<(&str, Vec<&Meta>)> = Vec::new();
    for rule in &report.rules {
        match families.iter_mut().find(|(family, _)| *family == rule.family()) {
            Some((_, rules)) => rules.push(rule),
            None => families.push((rule.family(), vec![rule])),
        }
    }
    let properties = properties(report);
    let mut total = Counts::default();
    let mut suites = String::new();
    for (family, rules) in families {
        let mut counts = Counts::default();
        let mut cases = String::new();
        for rule in rules {
            case(&mut cases, rule, report, &mut counts);
        }
        _ = writeln!(
            suites,
            "  <testsuite name=\"{family}\" {}>\n{properties}{cases}  </testsuite>",
            counts.attributes()
        );
        total.add(&counts);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"helolint\" {}>\n{suites}</testsuites>\n",
        total.attributes()
    )
}

/// What is true of the report as a whole, in each suite, as readers know properties there alone.
fn properties(report: &Report) -> String {
    let notes = verdict::notes(report);
    if notes.is_empty() {
        return String::new();
    }
    let property = |note: verdict::Note| {
        format!("      <property name=\"helolint.{}\" value=\"{}\"/>\n", note.id, xml(&note.text))
    };
    format!("    <properties>\n{}    </properties>\n", notes.into_iter().map(property).collect::<String>())
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.skipped += other.skipped;
    }

    fn attributes(&self) -> String {
        format!("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"", self.tests, self.failures, self.skipped)
    }
}

fn case(out: &mut String, rule: &Meta, report: &Report, counts: &mut Counts) {
    counts.tests += 1;
    let found = report.findings.iter().filter(|f| f.code == rule.code);
    let (failed, others): (Vec<&FindingView>, Vec<&FindingView>) =
        found.partition(|f| f.verdict == Verdict::Fail && f.severity > Severity::Info);
    let open = others.iter().find(|f| f.verdict == Verdict::Undetermined);
    let unchecked = report.not_checked.iter().find(|other| other.code == rule.code);
    let head =
        format!("    <testcase classname=\"helolint.{}\" name=\"{} {}\"", rule.family(), rule.code, xml(rule.name));
    let mut inside = String::new();
    // A case has at most one of them in what most readers understand: the worst.
    if let Some(first) = failed.first() {
        counts.failures += 1;
        _ = writeln!(
            inside,
            "      <failure message=\"{}\" type=\"{}\">{}</failure>",
            xml(&first.message),
            first.severity,
            xml(&texts(&failed))
        );
    } else if let Some(first) = open {
        counts.skipped += 1;
        _ = writeln!(inside, "      <skipped message=\"undetermined: {}\"/>", xml(&first.message));
    } else if let Some(rule) = unchecked {
        counts.skipped += 1;
        _ = writeln!(inside, "      <skipped message=\"not checked: {}\"/>", xml(&rule.why));
    }
    if !others.is_empty() {
        _ = writeln!(inside, "      <system-out>{}</system-out>", xml(&texts(&others)));
    }
    _ = match inside.is_empty() {
        true => writeln!(out, "{head}/>"),
        false => writeln!(out, "{head}>\n{inside}    </testcase>"),
    };
}

fn texts(findings: &[&FindingView]) -> String {
    let mut out = String::new();
    for finding in findings {
        let mut line = |text: String| {
            let is_first = out.is_empty();
            out.push_str(if is_first { "" } else { "\n" });
            out.push_str(text.trim_end());
        };
        line(finding.message.clone());
        finding.origins.iter().for_each(|place| line(format!("  at {} {}", place.origin.describe(), place.label)));
        finding.evidence.iter().for_each(|e| line(format!("  {} from {}: {}", e.question, e.from, e.answer)));
        if let Some(fix) = &finding.fix {
            line(format!("  fix: {}", fix.text));
            fix.commands.iter().for_each(|command| line(format!("    {command}")));
        }
    }
    out
}
