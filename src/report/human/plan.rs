//! Who must do what, in the order in which it works: forward record, PTR, HELO name, reload.

use std::collections::HashMap;

use super::text::put;
use crate::findings::{FirstStep, Fix, Who};
use crate::report::{FindingView, Style, Verbosity};

/// Steps of one code in one group that are written out without `-v`; of the others the commands alone are.
const IN_FULL: usize = 3;
/// Subjects kept of a step that many findings call for.
const SUBJECTS: usize = 20;

/// One thing to do, with the findings that call for it.
pub struct Step<'a> {
    /// What, and who.
    pub fix: &'a Fix,
    /// Codes of the findings.
    pub codes: Vec<&'a str>,
    /// Their subjects, the first few.
    pub subjects: Vec<&'a str>,
}

/// The section, with an empty line before it; nothing where there is nothing to do.
pub fn section(findings: &[&FindingView], first: Option<&FirstStep>, style: &Style) -> String {
    let steps = steps(findings);
    if steps.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", style.heading("What to do, in this order"));
    if let Some(first) = first {
        put(&mut out, "  ", "  ", &settles(first, &steps), style.width);
        if !steps.iter().any(|step| step.fix.commands == first.fix.commands) {
            first.fix.commands.iter().for_each(|command| out.push_str(&format!("         {command}\n")));
        }
    }
    let mut number = 0;
    let mut reloads: Vec<&str> = Vec::new();
    // The order of `Who` is the order that works: a PTR name is best set once it leads back, and many providers insist.
    for who in [Who::DnsZone, Who::IpOwner, Who::Host] {
        let group: Vec<&Step> = steps.iter().filter(|step| step.fix.who == who).collect();
        if group.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{}\n", style.heading(title(who))));
        let mut written: HashMap<Option<&&str>, usize> = HashMap::new();
        for step in &group {
            let before = written.entry(step.codes.first()).or_default();
            let brief = style.verbosity != Verbosity::Verbose && *before >= IN_FULL;
            *before += 1;
            number += 1;
            let lead = format!("{number:>3}. ");
            let text = match brief {
                true => step.subjects.join(", "),
                false => step.fix.text.clone(),
            };
            put(&mut out, &lead, "     ", &format!("{text} [{}]", step.codes.join(", ")), style.width);
            for command in &step.fix.commands {
                if who == Who::Host && is_reload(command) {
                    if !reloads.contains(&command.as_str()) {
                        reloads.push(command);
                    }
                    continue;
                }
                // Never wrapped: a command is copied as it stands.
                out.push_str(&format!("         {command}\n"));
            }
        }
    }
    if !reloads.is_empty() {
        number += 1;
        put(&mut out, &format!("{number:>3}. "), "     ", "Last, let the mail server take it over:", style.width);
        reloads.iter().for_each(|command| out.push_str(&format!("         {command}\n")));
    }
    out
}

/// The line about the one edit that settles most, with the number of the step that it is, where it is one.
pub fn settles(first: &FirstStep, steps: &[Step]) -> String {
    let mut ordered: Vec<&Step> = steps.iter().collect();
    ordered.sort_by_key(|step| step.fix.who);
    let step = ordered.iter().position(|step| step.fix.commands == first.fix.commands);
    let (settles, of) = (first.settles, first.of);
    let share = match settles == of {
        true if of == 2 => "both".to_owned(),
        true => format!("all {of}"),
        false => format!("{settles} of {of}"),
    };
    let lead = format!("One change settles {share} errors and warnings about names and addresses");
    match step {
        Some(at) => format!("{lead}: step {}.", at + 1),
        None => format!("{lead}: {}", first.fix.text),
    }
}

/// Who acts, as a heading.
pub fn title(who: Who) -> &'static str {
    match who {
        Who::DnsZone => "Whoever runs the DNS zone",
        Who::IpOwner => "Whoever holds the address (provider or data centre)",
        Who::Host => "On this host, as root",
    }
}

/// The same thing to do once, whoever calls for it; in the order of the findings, which is the worst first.
pub fn steps<'a>(findings: &[&'a FindingView]) -> Vec<Step<'a>> {
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

/// Whether a command makes a running daemon take over what files say: it belongs at the end, once.
pub fn is_reload(command: &str) -> bool {
    command.split(' ').any(|word| ["reload", "restart"].contains(&word))
}

#[cfg(test)]
mod tests {
    use super::is_reload;

    #[test]
    fn reloads_are_known() {
        for command in ["postfix reload", "systemctl restart exim4", "service exim reload"] {
            assert!(is_reload(command), "{command}");
        }
        assert!(!is_reload("postconf -e 'smtp_helo_name = mail.example.com'"));
    }
}
