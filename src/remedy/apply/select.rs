//! A plan's steps as changes of files: what may be carried out, and why the rest may not.

use std::collections::{BTreeMap, BTreeSet};

use crate::collect::root::Root;
use crate::facts::Facts;
use crate::findings::Who;
use crate::managers::{self, HandEdits, Mention, Owned};
use crate::remedy::action::Action;
use crate::remedy::diff;
use crate::remedy::step::{Plan, Step};

/// How far a step may be trusted to be what the administrator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It settles its findings and takes nothing away: `--apply` carries it out.
    Safe,
    /// There is another way that an administrator may prefer, or something goes: `--unsafe` is wanted too.
    Unsafe,
    /// It is for somebody else, for a person's hand, or for whoever generates the file.
    Shown,
}

/// A file that becomes another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path as the host sees it, links followed.
    pub file: String,
    /// Its content as it was read; `None`: there is none.
    pub old: Option<String>,
    /// Its content to be; `None`: it goes.
    pub new: Option<String>,
}

/// A step, as far as this host can take it.
#[derive(Debug, Clone)]
pub struct Part<'p> {
    /// The step.
    pub step: &'p Step,
    /// How far it may be trusted.
    pub level: Level,
    /// Why it is only shown; `None` where it can be carried out.
    pub why: Option<String>,
    /// Files that it changes.
    pub changes: Vec<FileChange>,
    /// Programs that it runs, in order, each once.
    pub commands: Vec<Vec<String>>,
    /// Files that these programs write, as they will be.
    pub effects: Vec<(String, String)>,
}

/// The steps of a plan, in order. `root` holds the texts as they were read.
pub fn parts<'p>(plan: &'p Plan, facts: &Facts, root: &Root) -> Vec<Part<'p>> {
    let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
    plan.steps.iter().map(|step| part(step, facts, root, &mut texts)).collect()
}

fn part<'p>(step: &'p Step, facts: &Facts, root: &Root, texts: &mut BTreeMap<String, Option<String>>) -> Part<'p> {
    let empty = || {
        let (changes, commands, effects) = (Vec::new(), Vec::new(), Vec::new());
        Part { step, level: Level::Safe, why: None, changes, commands, effects }
    };
    let mut part = empty();
    let shown = |why: &str| Part { level: Level::Shown, why: Some(why.to_owned()), ..empty() };
    match step.who {
        Who::Host => {}
        Who::DnsZone => return shown("it is made in a zone of the DNS"),
        Who::IpOwner => return shown("it is for whoever holds the address"),
    }
    let mut sandbox = texts.clone();
    for action in &step.actions {
        let now = |texts: &BTreeMap<String, Option<String>>, file: &str| {
            texts.get(file).cloned().unwrap_or_else(|| as_read(root, file))
        };
        match action {
            Action::Edit { file, diff } => {
                if let Some(why) = regenerated(facts, file, diff).or_else(|| linked(root, file)) {
                    return shown(&why);
                }
                let old = now(&sandbox, file);
                let Some(new) = diff::patched(old.as_deref().unwrap_or_default(), diff) else {
                    return shown("an earlier step that changes the same file is not carried out");
                };
                sandbox.insert(file.clone(), Some(new.clone()));
                part.changes.push(FileChange { file: file.clone(), old, new: Some(new) });
            }
            Action::RemoveFile { file } => {
                if let Some(why) = linked(root, file) {
                    return shown(&why);
                }
                let old = now(&sandbox, file);
                sandbox.insert(file.clone(), None);
                part.changes.push(FileChange { file: file.clone(), old, new: None });
                part.level = Level::Unsafe;
            }
            Action::SetHostName { name } => {
                part.commands.push(["hostnamectl", "set-hostname", name].map(str::to_owned).into());
                part.level = Level::Unsafe;
            }
            Action::Compile { table } => part.commands.push(vec!["postmap".to_owned(), table.clone()]),
            Action::Run { command, effect } => {
                if !part.commands.contains(command) {
                    part.commands.push(command.clone());
                }
                for action in effect {
                    let Action::Edit { file, diff } = action else { continue };
                    let old = now(&sandbox, file).unwrap_or_default();
                    let Some(new) = diff::patched(&old, diff) else {
                        return shown("what its program writes cannot be foreseen once another step is left");
                    };
                    sandbox.insert(file.clone(), Some(new.clone()));
                    part.effects.push((file.clone(), new));
                }
            }
            Action::AddAddress { .. } | Action::AddRoute { .. } => {
                return shown("the network's own configuration has to say it, or it is gone at the next start");
            }
            Action::ByHand { .. } => return shown("it is done by hand"),
            Action::Publish { .. } | Action::Withdraw { .. } | Action::SetPtr { .. } => {
                return shown("it is made in a zone of the DNS");
            }
        }
    }
    if step.because.is_some() {
        part.level = Level::Unsafe;
    }
    *texts = sandbox;
    part
}

/// The text of a file as it was read, by whichever name.
fn as_read(root: &Root, file: &str) -> Option<String> {
    let linked = || root.asked_for().into_iter().find(|name| name != file && root.place(name) == file);
    let read = root.read(file).ok().or_else(|| root.read(&linked()?).ok())?;
    Some(read.text().to_owned())
}

/// Who generates a file, so that an edit would be lost; with the place that lasts.
fn regenerated(facts: &Facts, file: &str, diff: &str) -> Option<String> {
    let whole = match file {
        "/etc/hosts" => Owned::Hosts,
        "/etc/hostname" => Owned::HostName,
        "/etc/mailname" => Owned::Mailname,
        file if file.ends_with("/main.cf") => Owned::MainCf,
        file if file.ends_with("/master.cf") => Owned::MasterCf,
        file if facts.exim.iter().any(|exim| exim.file == file) => Owned::EximConfig,
        _ => return None,
    };
    let named = diff.lines().filter_map(|line| line.strip_prefix(['+', '-'])?.split('=').next().map(str::trim));
    let settings: BTreeSet<Owned> = named.map(|name| Owned::of_setting(name).unwrap_or(whole)).collect();
    settings.into_iter().find_map(|owned| {
        let manager = managers::owner(&facts.managers, owned)?;
        if manager.hand_edits == HandEdits::Kept || manager.mention == Mention::Quiet {
            return None;
        }
        let place = manager.place(owned).map(|place| format!("; it lasts in {}", place.place)).unwrap_or_default();
        Some(format!("{} writes {file} ({}){place}", manager.name, manager.writes(owned)))
    })
}

/// The link out of its folder by which a file was read: whoever made it keeps the file elsewhere.
fn linked(root: &Root, file: &str) -> Option<String> {
    let folder =
        |path: &str| path.rsplit_once('/').map(|(folder, _)| if folder.is_empty() { "/" } else { folder }.to_owned());
    let mut names = root.asked_for();
    names.sort();
    names.into_iter().filter(|name| name != file && root.place(name) == file).find_map(|name| {
        let own = folder(&name)?;
        let real = root.canonical(&own).unwrap_or(own);
        (folder(file)? != real).then(|| {
            format!("{name} is a link out of its folder, to {file}: whoever keeps the file there has to change it")
        })
    })
}

impl Part<'_> {
    /// Whether it has daemons read what other steps have changed, and does nothing else.
    pub fn is_reload(&self) -> bool {
        let reloads = |command: &Vec<String>| {
            command.first().is_some_and(|program| program == "postfix" || program == "systemctl")
        };
        self.changes.is_empty() && !self.commands.is_empty() && self.commands.iter().all(reloads)
    }
}

/// The parts to be carried out, and those that are not, each with the reason.
#[derive(Debug, Default)]
pub struct Chosen<'c, 'p> {
    /// To be carried out, in order.
    pub taken: Vec<&'c Part<'p>>,
    /// Not carried out, in order.
    pub left: Vec<(&'c Part<'p>, String)>,
}

/// Those of `parts` up to `level` that rest on nothing which is left. `refused` says why a part cannot be carried out, whatever its level.
pub fn chosen<'c, 'p>(parts: &'c [Part<'p>], level: Level, refused: &BTreeMap<usize, String>) -> Chosen<'c, 'p> {
    let mut chosen = Chosen::default();
    let mut left: BTreeSet<usize> = BTreeSet::new();
    let mut files: BTreeSet<&str> = BTreeSet::new();
    for part in parts {
        let number = part.step.number;
        // One that only reloads follows whatever was done.
        let before = part.step.after.iter().find(|before| left.contains(before)).filter(|_| !part.is_reload());
        let same = part.changes.iter().find(|change| files.contains(change.file.as_str()));
        let why = match (&part.why, refused.get(&number), before, same) {
            (Some(why), ..) => Some(why.clone()),
            (_, Some(why), ..) => Some(why.clone()),
            (.., Some(before), _) => Some(format!("step {before} comes first")),
            (.., Some(change)) => Some(format!("another step that changes {} is left", change.file)),
            _ if part.is_reload() && chosen.taken.is_empty() => Some("nothing was changed before it".to_owned()),
            _ if part.level > level => {
                Some("it takes something away, or there is another way: --unsafe includes it".to_owned())
            }
            _ => None,
        };
        match why {
            None => chosen.taken.push(part),
            Some(why) => {
                left.insert(number);
                files.extend(part.changes.iter().map(|change| change.file.as_str()));
                chosen.left.push((part, why));
            }
        }
    }
    chosen
}
