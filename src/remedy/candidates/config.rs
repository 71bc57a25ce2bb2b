//! Configurations that say a thing twice, or are behind what they are made from: the smallest edit after which our own reading accepts
//! them.

use std::ops::Range;

use super::line::{Entry, change, is_entry, is_set, line_of};
use super::{Candidate, State, postfix, refused};
use crate::facts::{Mta, Problem, ProblemKind};
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::remedy::world::COMPILED;
use crate::rules::similar::edits_between;
use crate::source::Span;

/// Problems of one host that are looked at.
const PROBLEMS: usize = 64;
/// Entries that stand in each other's way up to which all but one are taken away.
const OF_ENTRY: usize = 64;
/// What it costs to take away the one of them that counts: that changes more than the file.
const OF_LAST: u32 = 4;

/// Adds candidates for problems of files.
pub(crate) fn add(state: &State<'_>, all: &mut Vec<Candidate>) {
    for problem in state.facts().problems.iter().take(PROBLEMS) {
        let span = problem.origin.as_ref().and_then(|origin| origin.span());
        match &problem.kind {
            ProblemKind::Syntax { mta, .. } => {
                if let Some(span) = span {
                    refused::add(state, problem, *mta, span, all);
                }
            }
            // A name that nothing here knows, in a list of addresses of this host.
            ProblemKind::UnknownName { mta: Mta::Postfix } => {
                if let Some(span) = span {
                    refused::add(state, problem, Mta::Postfix, span, all);
                }
            }
            ProblemKind::Repeated { name } => repeated(state, problem, name, all),
            ProblemKind::Swallowed => all.extend(span.and_then(|span| outdented(state, span))),
            ProblemKind::Uncompiled { table } => all.push(compile(table)),
            ProblemKind::ServiceRepeated { .. } => service_repeated(state, problem, all),
            ProblemKind::NotGenerated => all.extend(super::exim::regenerated(state, &problem.file)),
            ProblemKind::ChrootCopy => chroot_copy(state, problem, all),
            _ => {}
        }
    }
    for finding in state.trial.findings.iter().take(PROBLEMS) {
        match finding.meta.code {
            "CFG018" => {
                for (kind, ending) in COMPILED {
                    let root = state.lab.ground.root;
                    if root.is_some_and(|root| root.exists(&format!("{}{ending}", finding.subject))) {
                        all.push(compile(&format!("{kind}:{}", finding.subject)));
                        break;
                    }
                }
            }
            "CFG004" => all.extend(super::exim::table_missing(state, &finding.subject)),
            "CFG006" => all.push(Candidate::new("the daemon goes by its files", vec![Op::Reload])),
            "CFG017" => service_missing(state, finding, all),
            "CFG020" => origin_domain(state, &finding.subject, all),
            _ => {}
        }
    }
}

fn compile(table: &str) -> Candidate {
    Candidate::new(format!("{table} is compiled"), vec![Op::Compile { table: table.to_owned() }])
}

/// Of settings that are repeated, those before the last go: they have no effect today.
fn repeated(state: &State<'_>, problem: &Problem, name: &str, all: &mut Vec<Candidate>) {
    let places = problem.origin.iter().chain(problem.related.iter().map(|(origin, _)| origin));
    let spans: Vec<&Span> = places.filter_map(|origin| origin.span()).collect();
    // What a setting keeps out would come in without it.
    once_alone(state, &spans, &format!("{name} is set once"), !refused::restricts(name), 1, all);
}

/// Of entries of master.cf that stand twice, the first goes: the last one counts, whole.
fn service_repeated(state: &State<'_>, problem: &Problem, all: &mut Vec<Candidate>) {
    let same = |other: &&Problem| other.kind == problem.kind && other.file == problem.file;
    let problems: Vec<&Problem> = state.facts().problems.iter().filter(same).collect();
    // All of them are one end.
    if !problems.first().is_some_and(|first| std::ptr::eq(*first, problem)) {
        return;
    }
    let places = problems.iter().flat_map(|problem| &problem.origin);
    let places = places.chain(problem.related.iter().map(|(origin, _)| origin));
    let spans: Vec<&Span> = places.filter_map(|origin| origin.span()).collect();
    once_alone(state, &spans, "the entry stands once", true, 0, all);
}

/// Of entries of one file that stand in each other's way, all go but one: the last one counts, and goes only where something is wrong with it that
/// `may_go`. What it costs that the others go. A setting that became a part of one that goes is made instead of lost; where it may not be,
/// a person is to see to it.
fn once_alone(state: &State<'_>, spans: &[&Span], end: &str, may_go: bool, price: u32, all: &mut Vec<Candidate>) {
    let Some(first) = spans.first().filter(|_| spans.len() <= OF_ENTRY) else { return };
    let (file, Some(text)) = (first.path(), state.text(first.path())) else { return };
    let mut entries: Vec<Entry> = spans.iter().filter_map(|span| Entry::at(&text, span.position().line)).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.line));
    let Some(last) = entries.first() else { return };
    let is_wrong = may_go && is_at_fault(state, file, last.range());
    for kept in 0..entries.len() {
        // Without the one that counts, what works by it would stop.
        if kept > 0 && !is_wrong {
            break;
        }
        // The last one first, so that the others stay where they are.
        let gone = entries.iter().enumerate().filter(|(at, _)| *at != kept);
        let ops: Option<Vec<Vec<Op>>> = gone.map(|(_, entry)| without(state, file, &text, entry)).collect();
        let Some(ops) = ops.map(|ops| ops.concat()) else { continue };
        if !ops.is_empty() {
            all.push(Candidate::new(end, ops).blast(if kept == 0 { price } else { OF_LAST }));
        }
    }
}

/// The changes by which an entry goes and the settings that became a part of it stay; `None` where something in it is a person's to judge.
fn without(state: &State<'_>, file: &str, text: &str, entry: &Entry) -> Option<Vec<Op>> {
    let swallowed = state.facts().problems.iter().filter(|problem| problem.kind == ProblemKind::Swallowed);
    let swallowed = swallowed.filter_map(|problem| problem.origin.as_ref()?.span());
    let swallowed: Vec<usize> = swallowed.filter(|span| span.path() == file).map(|span| span.position().line).collect();
    let mut own = Vec::new();
    for (number, line) in entry.continuations().filter(|(_, line)| is_entry(file, line)) {
        let name = setting(line);
        // Set elsewhere as well, it would count in the other's place.
        if !swallowed.contains(&number) || refused::restricts(name) || is_set(text, name) {
            return None;
        }
        own.push(number);
    }
    Some(entry.removed(file, &own))
}

/// The name of the setting that an indented line seems to make.
fn setting(line: &str) -> &str {
    line.trim_start().split(['=', ' ', '\t']).next().unwrap_or_default()
}

/// Rules that a thing is said twice.
const REPEATED: [&str; 2] = ["CFG002", "CFG013"];

/// Whether something is wrong with what these lines (from 1) say, but that it is said twice or was otherwise on the old host.
fn is_at_fault(state: &State<'_>, file: &str, lines: Range<usize>) -> bool {
    let others = state.trial.findings.iter();
    let mut others = others.filter(|f| !REPEATED.contains(&f.meta.code) && f.meta.family() != "MIG");
    others.any(|finding| {
        let mut spans = finding.places.iter().filter_map(|place| place.origin.span());
        spans.any(|span| span.path() == file && lines.contains(&span.position().line))
    })
}

/// An indented setting, without its indentation.
fn outdented(state: &State<'_>, span: &Span) -> Option<Candidate> {
    let (line, old) = line_of(state, span)?;
    // What such a line would let in or keep out has not been so until now: that is a person's to decide.
    if refused::restricts(setting(&old)) {
        return None;
    }
    let op = change(span, line, &old, vec![old.trim_start().to_owned()]);
    Some(Candidate::new(format!("line {line} is a setting"), vec![op]))
}

/// The copy below the chroot becomes what the real file is.
fn chroot_copy(state: &State<'_>, problem: &Problem, all: &mut Vec<Candidate>) {
    let real = ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/services"];
    let Some(real) = real.into_iter().find(|real| problem.file.ends_with(real) && problem.file != *real) else {
        return;
    };
    let Some(text) = state.text(real) else { return };
    let edit = Edit::Whole { text: text.to_string() };
    let op = Op::Edit { file: problem.file.clone(), edit };
    all.push(Candidate::new(format!("{} is as {real}", problem.file), vec![op]));
}

/// A service that nothing defines: the name of one that is nearly spelt so.
fn service_missing(state: &State<'_>, finding: &crate::findings::Finding, all: &mut Vec<Candidate>) {
    let wrong = finding.subject.as_str();
    let services =
        state.facts().postfix.iter().flat_map(|postfix| &postfix.services).map(|service| service.name.as_str());
    let drivers = state.facts().exim.iter().flat_map(|exim| exim.transports.iter()).map(|driver| driver.name.as_str());
    let near = |name: &&str| distance(name, wrong) <= 2 && *name != wrong;
    let mut names: Vec<&str> = services.chain(drivers).filter(near).collect();
    names.sort_by_key(|name| distance(name, wrong));
    names.dedup();
    for place in &finding.places {
        let Some(span) = place.origin.span() else { continue };
        let Some((line, old)) = line_of(state, span) else { continue };
        for name in &names {
            let new = replace_word(&old, wrong, name);
            if new != old {
                let op = change(span, line, &old, vec![new]);
                all.push(Candidate::new(format!("mail goes to the service `{name}`"), vec![op]));
            }
        }
    }
    // Or the service is named as it is asked for.
    for instance in &state.facts().postfix {
        for service in instance.services.iter().filter(|service| near(&service.name.as_str())) {
            let Some(span) = service.origin.span() else { continue };
            let Some((line, old)) = line_of(state, span) else { continue };
            let new = old.replacen(&service.name, wrong, 1);
            let op = change(span, line, &old, vec![new]);
            all.push(Candidate::new(format!("there is a service `{wrong}`"), vec![op]).blast(4));
        }
    }
}

/// `old` as a whole word becomes `new`.
fn replace_word(line: &str, old: &str, new: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(old).filter(|_| !old.is_empty()) {
        let before = rest.get(..at).unwrap_or_default();
        let after = rest.get(at + old.len()..).unwrap_or_default();
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        out.push_str(before);
        out.push_str(if whole { new } else { old });
        rest = after;
    }
    out + rest
}

/// Letters between two names of services; of a long one the beginning counts.
fn distance(a: &str, b: &str) -> usize {
    let start = |text: &str| text.chars().take(64).collect::<String>();
    edits_between(&start(a), &start(b))
}

/// The domain that local mail gets: one of this host's that is in the DNS.
fn origin_domain(state: &State<'_>, wrong: &str, all: &mut Vec<Candidate>) {
    let facts = state.facts();
    let mut names: Vec<String> = Vec::new();
    let known = super::records::own_domains(state).iter().map(|name| name.to_string());
    let own = crate::rules::names::own_names(facts).into_iter().map(|(_, name)| name.value.to_string());
    for name in own.chain(known).filter(|name| name != wrong) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in &names {
        let end = format!("local mail is from `{name}`");
        let ops = super::exim::set_mailname(state, wrong, name);
        if !ops.is_empty() {
            all.push(Candidate::new(end.clone(), ops));
        }
        for instance in &facts.postfix {
            let set = postfix::main_cf(instance, "myorigin", Some(name));
            all.push(Candidate::new(end.clone(), vec![set]).blast(1));
        }
        if let Some(exim) = facts.exim.first() {
            let ops = super::exim::set_main(state, exim, "qualify_domain", Some(name));
            all.push(Candidate::new(end.clone(), ops).blast(1));
        }
    }
}
