//! `helolint fix`: the plan's steps that this host can take by itself, shown as diffs, and carried out where that is asked for.
//!
//! Root plans for itself: of the process that asks the DNS it takes answers, never edits.

use std::collections::{BTreeMap, BTreeSet};

use super::gather::{self, Done, Gathered};
use super::judging::Judging;
use super::planning;
use crate::cli::FixArgs;
use crate::collect::root::{Folders, Root};
use crate::error::Error;
use crate::escape;
use crate::facts::Facts;
use crate::findings::{Finding, Who};
use crate::inputs::{Host, Inputs};
use crate::observe::Observations;
use crate::output;
use crate::remedy::action::Action;
use crate::remedy::apply::{self, Chosen, Held, Level, Part, Prepared, Stamp};
use crate::remedy::{Plan, Step, is_run};
use crate::settings::Settings;
use crate::{exit, process, snapshot};

/// The rule that what is generated is older than its sources.
const GENERATED_IS_OLDER: &str = "CFG009";

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(mut args: FixArgs) -> Result<u8, Error> {
    if args.facts.from.is_some() {
        return Err(Error::Usage("fix changes the files of a host: it does not go by a snapshot (--from)".into()));
    }
    if args.facts.discover_public_ip && args.apply {
        return Err(Error::Usage(
            "--discover-public-ip does not go with --apply: give the address by --public-ip".into(),
        ));
    }
    args.facts.moved = args.moved.clone();
    let host = Host::open(&args.facts)?;
    let settings = gather::settings(&mut args.facts, &mut args.dns, &host)?;
    settings.complete_rules(&mut args.rules);
    let Host::Files(root) = &host else { return Err(Error::Fault) };
    if args.run && !root.is_live() {
        return Err(Error::Usage("--run runs programs of this very host: it does not go with --root".into()));
    }
    let folders = root.folders().map_err(|source| Error::Root { path: "/".into(), source })?;
    let inputs = Inputs::open(host, &args.facts, &args.dns)?;
    let start = gather::start(&args.facts, &args.dns, inputs)?;
    match folders {
        Some(folders) if args.undo => undo(&folders, &start.folders()),
        Some(folders) if args.apply => apply(&args, &settings, start, &folders),
        _ => {
            let verbose = args.verbose;
            let (facts, dns) = (args.facts.clone(), args.dns.clone());
            let (done, ()) = gather::apart((), &facts, &dns, start, verbose, |start| show(&args, &settings, start))?;
            output::to_stdout(done.only()?.as_bytes())?;
            Ok(done.status)
        }
    }
}

/// The diffs, and what else there is to do.
fn show(args: &FixArgs, settings: &Settings, start: gather::Start) -> Result<Done, Error> {
    let how = Judging::new(&args.rules, settings, None);
    let gathered = gather::observe(&args.facts, &args.dns, start)?;
    let judge = |facts: &Facts, dns: &Observations| how.findings(facts, dns);
    let findings = judge(&gathered.facts, &gathered.dns);
    let plan = planning::plan(&gathered, &findings, &judge);
    let parts = parts(&plan, &gathered);
    let chosen = apply::chosen(&parts, level(args), &not_yet(&parts, &findings));
    let mut text = String::new();
    for part in &chosen.taken {
        text += &told(part.step, if part.level == Level::Safe { "safe" } else { "unsafe" });
        text += &changes(part);
    }
    text += &left(&chosen);
    let is_change = |part: &Part<'_>| part.step.who == Who::Host && !part.is_reload();
    let some = parts.iter().any(is_change);
    for left in &plan.remains {
        text += &format!("Left as it is: {} {}: {}.\n", left.code, left.subject, left.because);
    }
    let to_be_run = to_be_run(&plan, &findings);
    text += &to_be_run;
    text += match (plan.steps.is_empty(), some) {
        (true, _) if !to_be_run.is_empty() => "There is no file to write; what has to be run stands above.\n",
        (true, _) if !plan.remains.is_empty() => {
            "There is no file that helolint would change for it: `helolint check` says more.\n"
        }
        (true, _) => "There is nothing to change.\n",
        (false, true) => "Nothing was changed: --apply writes the files, --run has the programs run.\n",
        (false, false) => "There is nothing to change on this host.\n",
    };
    let some = some || !to_be_run.is_empty();
    let status = if some { exit::FOUND } else { exit::OK };
    Ok(Done { status, texts: vec![escape::block(text.trim_start_matches('\n')).into_owned()] })
}

/// Carries out what may be.
fn apply(args: &FixArgs, settings: &Settings, start: gather::Start, folders: &Folders) -> Result<u8, Error> {
    let how = Judging::new(&args.rules, settings, None);
    let judge = |facts: &Facts, dns: &Observations| how.findings(facts, dns);
    let read = start.folders();
    let gathered = gather::answered(&args.facts, &args.dns, start, args.verbose, |start| {
        let gathered = gather::observe(&args.facts, &args.dns, start)?;
        let (_, more) = planning::planned(&gathered, &judge(&gathered.facts, &gathered.dns), &judge);
        let dns = more.unwrap_or(gathered.dns);
        let text = snapshot::write(&gathered.facts, &dns, dns.taken.unwrap_or_else(process::now))
            .map_err(|error| Error::Apart(format!("the answers cannot be written: {error}")))?;
        Ok(Done { status: exit::OK, texts: vec![text] })
    })?;
    let findings = judge(&gathered.facts, &gathered.dns);
    let plan = planning::plan(&gathered, &findings, &judge);
    let parts = parts(&plan, &gathered);
    let folder = |change: &apply::FileChange| change.file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let changed = parts.iter().flat_map(|part| &part.changes).filter_map(folder).collect();
    let held = Held::new(folders, &changed, &read).map_err(Error::Usage)?;
    let text = cleared(&[held.clear_drafts(), held.clear_backups()].concat());
    let refused = not_yet(&parts, &findings);
    let (said, status) = carry_out(args, &gathered, (&findings, &judge), (&parts, refused), folders);
    drop(held);
    let text = text + &to_be_run(&plan, &findings) + &said;
    output::to_stdout(escape::block(text.trim_start_matches('\n')).as_bytes())?;
    Ok(status)
}

fn carry_out(
    args: &FixArgs,
    gathered: &Gathered,
    (findings, judge): (&[Finding], &planning::Judge<'_>),
    (parts, mut refused): (&[Part<'_>], BTreeMap<usize, String>),
    folders: &Folders,
) -> (String, u8) {
    let whole = output::uninterrupted();
    let (chosen, drafts) = loop {
        let chosen = apply::chosen(parts, level(args), &refused);
        match drafts(&chosen, folders) {
            Ok(drafts) => break (chosen, drafts),
            // What rests on it is left too.
            Err((number, why)) => refused.insert(number, why),
        };
    };
    let mut text = String::new();
    let mut wrong =
        chosen.left.iter().any(|(part, _)| part.step.who == Who::Host && is_asked(part, args) && !part.is_reload());
    let mut texts: BTreeMap<String, Option<String>> =
        drafts.iter().map(|draft| (draft.change.file.clone(), draft.content.clone())).collect();
    texts.extend(
        chosen.taken.iter().flat_map(|part| &part.effects).map(|(file, text)| (file.clone(), Some(text.clone()))),
    );
    let judged = if drafts.is_empty() {
        Ok(())
    } else {
        planning::is_no_worse(gathered, findings, judge, texts.into_iter().collect())
    };
    if let Err(why) = judged {
        drop(drafts);
        text += &left(&chosen);
        return (format!("{text}Nothing was changed: {why}\n"), exit::FOUND);
    }
    let stamp = Stamp::new(process::now());
    let (mut written, mut failed) = (0, None);
    let mut drafts = drafts.into_iter().peekable();
    for part in &chosen.taken {
        if failed.is_some() {
            break;
        }
        let how = match (part.changes.is_empty(), args.run) {
            (false, _) => "done",
            (true, true) => "run below",
            (true, false) => "to be done",
        };
        text += &told(part.step, how);
        text += &changes(part);
        while let Some(draft) = drafts.next_if(|draft| draft.step == part.step.number) {
            match draft.prepared.commit(&stamp) {
                Ok(kept) => {
                    written += 1;
                    text += &format!("  {} is written; before it was {kept}\n", draft.change.file);
                }
                Err(why) => failed = Some((part.step.number, format!("{}: {why}", draft.change.file))),
            }
            if failed.is_some() {
                break;
            }
        }
    }
    if let Some((number, why)) = &failed {
        wrong = true;
        text += &format!("Step {number} failed, and what comes after it was not begun: {why}\n");
    }
    drop(drafts);
    // Programs that are run are to be stopped as usual.
    drop(whole);
    if failed.is_none() {
        let (said, succeeded) = programs(args, &chosen);
        text += &said;
        wrong |= !succeeded;
    }
    text += &left(&chosen);
    text += &match written {
        0 => "No file was written.\n".to_owned(),
        1 => "1 file was written; helolint fix --undo gives it back.\n".to_owned(),
        more => format!("{more} files were written; helolint fix --undo gives them back.\n"),
    };
    (text, if wrong { exit::FOUND } else { exit::OK })
}

/// Runs the programs of what was carried out, or says which are to be run.
fn programs(args: &FixArgs, chosen: &Chosen<'_, '_>) -> (String, bool) {
    let mut text = String::new();
    for command in chosen.taken.iter().flat_map(|part| &part.commands) {
        let line = command.join(" ");
        if !args.run {
            text += &format!("To be run now (--run does it): {line}\n");
            continue;
        }
        let ran = apply::run(command);
        let said = if ran.said.is_empty() { String::new() } else { format!(": {}", ran.said) };
        if !ran.succeeded {
            text += &format!("Failed: {line}{said}\n");
            return (text, false);
        }
        text += &format!("Ran: {line}{said}\n");
    }
    (text, true)
}

/// A file that has only to be given its name.
struct Draft<'c> {
    step: usize,
    change: &'c apply::FileChange,
    content: Option<String>,
    prepared: Prepared<'c>,
}

/// The files of what is chosen, written beside what is there; else the step that cannot be carried out, and why.
fn drafts<'c>(chosen: &Chosen<'c, '_>, folders: &Folders) -> Result<Vec<Draft<'c>>, (usize, String)> {
    let mut drafts = Vec::new();
    for part in &chosen.taken {
        for change in &part.changes {
            let step = part.step.number;
            let refused = |why: String| (step, format!("{}: {why}", change.file));
            let mut prepared = Prepared::new(folders, change).map_err(refused)?;
            let content = prepared.written().map_err(refused)?;
            drafts.push(Draft { step, change, content, prepared });
        }
    }
    Ok(drafts)
}

/// What has to be run for findings that the plan leaves: what it writes cannot be tried, so that no step runs it.
fn to_be_run(plan: &Plan, findings: &[Finding]) -> String {
    let mut text = String::new();
    for left in &plan.remains {
        let is_it = |finding: &&Finding| finding.meta.code == left.code && finding.subject == left.subject;
        let Some(finding) = findings.iter().find(is_it).filter(|finding| is_run(finding)) else { continue };
        for command in finding.fix.iter().flat_map(|fix| &fix.commands) {
            text += &format!("To be run by hand, for {} {}: {command}\n", left.code, left.subject);
        }
    }
    text
}

fn level(args: &FixArgs) -> Level {
    if args.with_unsafe { Level::Unsafe } else { Level::Safe }
}

/// Whether a part is among what was asked for.
fn is_asked(part: &Part<'_>, args: &FixArgs) -> bool {
    part.level != Level::Unsafe || args.with_unsafe
}

fn parts<'p>(plan: &'p Plan, gathered: &Gathered) -> Vec<Part<'p>> {
    let root: Option<&Root> = gathered.sources.root.as_ref();
    root.map_or_else(Vec::new, |root| apply::parts(plan, &gathered.facts, root))
}

/// The steps that edit what a generator reads, where the generator has not been run since the last edit: what it makes of that is not known.
fn not_yet(parts: &[Part<'_>], findings: &[Finding]) -> BTreeMap<usize, String> {
    let outdated = |part: &&Part<'_>| {
        let of = |file: &str| findings.iter().any(|one| one.meta.code == GENERATED_IS_OLDER && one.subject == file);
        part.changes.iter().any(|change| of(&change.file))
    };
    let why = |part: &Part<'_>| {
        let command = part.commands.first().map(|command| command.join(" ")).unwrap_or_default();
        (part.step.number, format!("what is generated from it is older than it: run {command} first"))
    };
    parts.iter().filter(outdated).map(why).collect()
}

fn told(step: &Step, how: &str) -> String {
    let settles: BTreeSet<String> = step.settles.iter().map(|one| format!("{} {}", one.code, one.subject)).collect();
    let settles: Vec<String> = settles.into_iter().collect();
    let settles = if settles.is_empty() { String::new() } else { format!(" Settles {}.", settles.join(", ")) };
    format!("Step {}, {how}: {}{settles}\n", step.number, step.text)
}

/// What a step changes: diffs as patch(1) takes them, and programs.
fn changes(part: &Part<'_>) -> String {
    let mut text = String::new();
    for action in &part.step.actions {
        match action {
            Action::Edit { file, diff } => text += &format!("--- {file}\n+++ {file}\n{diff}"),
            Action::RemoveFile { file } => text += &format!("  {file} goes\n"),
            _ => {}
        }
    }
    for command in &part.commands {
        text += &format!("  with {}\n", command.join(" "));
    }
    text
}

/// What is not carried out, and why.
fn left(chosen: &Chosen<'_, '_>) -> String {
    if chosen.left.is_empty() {
        return String::new();
    }
    let mut text = "\nNot done by this run:\n".to_owned();
    for (part, why) in &chosen.left {
        let (number, words) = (part.step.number, part.step.text.replace('\n', "\n  "));
        let after: Vec<String> = part.step.after.iter().map(ToString::to_string).collect();
        let after = match after.as_slice() {
            [] => String::new(),
            [one] => format!(", once step {one} is done"),
            several => format!(", once steps {} are done", several.join(", ")),
        };
        text += &format!("Step {number}{after}: {words}\n  {why}\n");
    }
    text + "\n"
}

/// What runs that were killed had left.
fn cleared(gone: &[String]) -> String {
    gone.iter().map(|path| format!("{path} is removed: a run that was ended before its time had left it.\n")).collect()
}

fn undo(folders: &Folders, paths: &BTreeSet<String>) -> Result<u8, Error> {
    let held = Held::new(folders, &BTreeSet::new(), paths).map_err(Error::Usage)?;
    let _whole = output::uninterrupted();
    let mut text = cleared(&held.clear_drafts());
    let given = apply::undo(folders, paths);
    for one in &given {
        text += &match &one.refused {
            None => format!("{} is as it was before.\n", one.file),
            Some(why) => format!("{} is left: {why}\n", one.file),
        };
    }
    if given.iter().any(|one| one.refused.is_none()) {
        text += "What runs goes on with what it has read: have the mail server read its configuration again (postfix reload, or a restart of Exim).\n";
    }
    if given.is_empty() {
        text += "There is no backup of helolint fix beside the files that it reads.\n";
    }
    output::to_stdout(escape::block(&text).as_bytes())?;
    Ok(if given.iter().any(|one| one.refused.is_some()) { exit::FOUND } else { exit::OK })
}
