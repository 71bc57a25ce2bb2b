//! What to do, in the order of the plan; and what the findings that no plan settles ask for.

use std::collections::{HashMap, HashSet};

use super::text::{count, list, put};
use crate::findings::{Fix, Who};
use crate::remedy::{AFTER_GENERATOR, NO_FILES, Plan, Settled};
use crate::report::{FindingView, Report, Style, Verbosity};

/// Steps of one code in one group that are written out without `-v`; of the others the commands alone are.
const IN_FULL: usize = 3;
/// Commands of one step that are shown without `-v`.
const COMMANDS: usize = 12;
/// Findings named that are left for one reason.
const LEFT: usize = 4;
/// Subjects kept of a step that many findings call for.
const SUBJECTS: usize = 20;

/// One thing to do, with the findings that call for it.
pub(crate) struct Step<'a> {
    /// What, and who.
    pub fix: &'a Fix,
    /// Codes of the findings.
    pub codes: Vec<&'a str>,
    /// Their subjects, the first few.
    pub subjects: Vec<&'a str>,
}

/// The section, with an empty line before it; nothing where there is nothing to do.
pub(crate) fn section(report: &Report, findings: &[&FindingView], style: &Style) -> String {
    let mut out = String::new();
    if let Some(plan) = report.plan.as_ref().filter(|plan| !plan.steps.is_empty()) {
        out.push_str(&format!("\n{}\n", style.heading("What to do, in this order")));
        put(&mut out, "  ", "  ", &lead(plan), style.width);
        let mut who = None;
        for step in &plan.steps {
            if who != Some(step.who) {
                out.push_str(&format!("\n{}\n", style.heading(title(step.who))));
                who = Some(step.who);
            }
            let settles = match step.settles.is_empty() {
                true => String::new(),
                false => format!(" [{}]", codes(&step.settles)),
            };
            let text = format!("{}{settles}", cut(&step.text, style));
            put(&mut out, &format!("{:>3}. ", step.number), "     ", &text, style.width);
            commands(&mut out, &step.commands, style);
            if let Some(because) = &step.because {
                put(&mut out, "     ", "     ", because, style.width);
            }
        }
    }
    let planned = !out.is_empty();
    let (first, last): (Vec<_>, Vec<_>) =
        left(report).into_iter().partition(|(because, _)| planned || because == NO_FILES);
    for (because, left) in first {
        out.push('\n');
        if out.trim().is_empty() {
            out.push_str(&format!("{}\n", style.heading("What to do, as far as a snapshot tells")));
        }
        put(&mut out, "  ", "    ", &format!("Left: {left}: {because}."), style.width);
    }
    let rest = rest(report, findings);
    if !rest.is_empty() {
        let heading = if planned { "What else to look at" } else { "What to do" };
        out.push_str(&format!("\n{}\n", style.heading(heading)));
        others(&mut out, &rest, style);
    }
    for (because, left) in last {
        put(&mut out, "  ", "    ", &format!("Left: {left}: {because}."), style.width);
    }
    out
}

/// A text's first lines, unless all are wanted.
fn cut(text: &str, style: &Style) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    match lines.get(..COMMANDS + 2) {
        Some(first) if lines.len() > COMMANDS + 3 && style.verbosity != Verbosity::Verbose => {
            format!("{}\n({} more lines: -v shows them)", first.join("\n"), lines.len() - first.len())
        }
        _ => text.to_owned(),
    }
}

/// The commands of a step, never wrapped: a command is copied as it stands.
fn commands(out: &mut String, commands: &[String], style: &Style) {
    let shown = if style.verbosity == Verbosity::Verbose { commands.len() } else { COMMANDS };
    commands.iter().take(shown).for_each(|command| out.push_str(&format!("         {command}\n")));
    if commands.len() > shown {
        out.push_str(&format!("         ({} more: -v shows them)\n", commands.len() - shown));
    }
}

/// What the plan comes to.
pub(crate) fn lead(plan: &Plan) -> String {
    let settled = match plan.steps.iter().map(|step| step.settles.len()).sum::<usize>() {
        1 => "one error or warning".to_owned(),
        settled => format!("{settled} errors and warnings"),
    };
    let left = plan.remains.len();
    let steps = count(plan.steps.len(), "step");
    let settle = if plan.steps.len() == 1 { "settles" } else { "settle" };
    if plan.bounded {
        let left = count(left, "other");
        return format!(
            "Tried on a copy in memory: {steps} {settle} {settled}; {left} are left, and the search for more ended at its \
             bound: run helolint again when this is done."
        );
    }
    match left {
        0 => format!("Tried on a copy in memory: after {steps}, no error and no warning is left."),
        1 => format!("Tried on a copy in memory: {steps} {settle} {settled}; one is left."),
        _ => format!("Tried on a copy in memory: {steps} {settle} {settled}; {left} are left."),
    }
}

/// What is told of what the plan leaves, by the reason: that, and the findings in a few words. Without steps only what nothing else tells.
pub(crate) fn left(report: &Report) -> Vec<(String, String)> {
    let mut reasons: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    let has_steps = report.plan.as_ref().is_some_and(|plan| !plan.steps.is_empty());
    let remains = report.plan.iter().flat_map(|plan| &plan.remains);
    for left in remains.filter(|left| has_steps || [NO_FILES, AFTER_GENERATOR].contains(&&*left.because)) {
        let key = (left.code.as_str(), left.subject.as_str());
        match reasons.iter_mut().find(|(because, _)| *because == left.because) {
            Some((_, all)) => all.push(key),
            None => reasons.push((&left.because, vec![key])),
        }
    }
    let told = |(because, all): (&str, Vec<(&str, &str)>)| {
        let mut names: Vec<String> = all.iter().take(LEFT).map(|(code, subject)| format!("{code} {subject}")).collect();
        if all.len() > LEFT {
            names.push(format!("{} more", all.len() - LEFT));
        }
        (because.to_owned(), list(&names))
    };
    reasons.into_iter().map(told).collect()
}

/// The codes of findings, each once.
pub(crate) fn codes(settles: &[Settled]) -> String {
    let mut codes: Vec<&str> = settles.iter().map(|settled| settled.code.as_str()).collect();
    codes.dedup();
    codes.join(", ")
}

/// The things to do of findings that the plan does not settle, that it does not do anyway, and that need not wait for what is generated.
pub(crate) fn rest<'a>(report: &Report, findings: &[&'a FindingView]) -> Vec<Step<'a>> {
    let planned = || report.plan.iter().flat_map(|plan| &plan.steps);
    let also = report.plan.iter().flat_map(|plan| &plan.also);
    let keys: HashSet<(&str, &str)> =
        planned().flat_map(|step| &step.settles).chain(also).map(|gone| (&*gone.code, &*gone.subject)).collect();
    let commands: HashSet<&str> = planned().flat_map(|step| &step.commands).map(String::as_str).collect();
    let is_done = |fix: &Fix| !fix.commands.is_empty() && fix.commands.iter().all(|one| commands.contains(&**one));
    let remains = report.plan.iter().flat_map(|plan| &plan.remains);
    let waiting: HashSet<(&str, &str)> =
        remains.filter(|left| left.because == AFTER_GENERATOR).map(|left| (&*left.code, &*left.subject)).collect();
    let settled = |finding: &FindingView| {
        waiting.contains(&(finding.code, &*finding.subject))
            || keys.contains(&(finding.code, &*finding.subject))
            || finding.fix.as_ref().is_some_and(is_done)
    };
    let left: Vec<&FindingView> = findings.iter().copied().filter(|finding| !settled(finding)).collect();
    steps(&left)
}

fn others(out: &mut String, steps: &[Step<'_>], style: &Style) {
    let mut written: HashMap<&[&str], usize> = HashMap::new();
    // What is done likewise for others, without commands of its own: one line for all of them.
    let mut likewise: Vec<(&[&str], Vec<&str>)> = Vec::new();
    for step in steps {
        let before = written.entry(&step.codes).or_default();
        let brief = style.verbosity != Verbosity::Verbose && *before >= IN_FULL;
        *before += 1;
        if brief && step.fix.commands.is_empty() {
            match likewise.iter_mut().find(|(codes, _)| *codes == step.codes.as_slice()) {
                Some((_, subjects)) => subjects.extend(&step.subjects),
                None => likewise.push((&step.codes, step.subjects.clone())),
            }
            continue;
        }
        let text = if brief { step.subjects.join(", ") } else { step.fix.text.clone() };
        put(out, "  - ", "    ", &format!("{text} [{}]", step.codes.join(", ")), style.width);
        commands(out, &step.fix.commands, style);
    }
    for (codes, subjects) in likewise {
        let mut names: Vec<String> = subjects.iter().take(SUBJECTS).map(|subject| (*subject).to_owned()).collect();
        if subjects.len() > SUBJECTS {
            names.push(format!("{} more (-v shows all)", subjects.len() - SUBJECTS));
        }
        put(out, "  - ", "    ", &format!("Likewise for {}. [{}]", list(&names), codes.join(", ")), style.width);
    }
}

/// Who acts, as a heading.
pub(crate) fn title(who: Who) -> &'static str {
    match who {
        Who::DnsZone => "Whoever runs the DNS zone",
        Who::IpOwner => "Whoever holds the address (provider or data centre)",
        Who::Host => "On this host, as root",
    }
}

/// The same thing to do once, whoever calls for it; in the order of the findings, which is the worst first.
fn steps<'a>(findings: &[&'a FindingView]) -> Vec<Step<'a>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut known: HashMap<(Who, &[String], &str), usize> = HashMap::new();
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        // One record or command mends what several rules found, each in its own words.
        let words = if fix.commands.is_empty() { fix.text.as_str() } else { "" };
        let at = *known.entry((fix.who, &fix.commands, words)).or_insert(steps.len());
        match steps.get_mut(at) {
            Some(step) => {
                // A ticket, which has lines of its own, says more than a sentence.
                if fix.text.contains('\n') && !step.fix.text.contains('\n') {
                    step.fix = fix;
                }
                if !step.codes.contains(&finding.code) {
                    step.codes.push(finding.code);
                }
                if step.subjects.len() < SUBJECTS && !step.subjects.contains(&finding.subject.as_str()) {
                    step.subjects.push(&finding.subject);
                }
            }
            None => steps.push(Step { fix, codes: vec![finding.code], subjects: vec![&finding.subject] }),
        }
    }
    steps
}
