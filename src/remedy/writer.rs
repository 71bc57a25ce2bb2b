//! One step in words, actions and commands.

use std::net::IpAddr;
use std::rc::Rc;

use super::because::{because, is_empty};
use super::diff;
use crate::addr::Family;
use crate::facts::Facts;
use crate::findings::Who;
use crate::managers::{self, HandEdits, Mention, Owned};
use crate::name::DomainName;
use crate::observe::change::{RecordChange, TTL};
use crate::observe::{Observations, Outcome, Question, RecordData, VantageKind};
use crate::remedy::action::Action;
use crate::remedy::edit::{Edit, NAMED, few};
use crate::remedy::op::{Op, edited};
use crate::remedy::place::Place;
use crate::remedy::step::Step;
use crate::remedy::trial::Trial;
use crate::remedy::world::{Lab, World, runs};
use crate::rules::ptr::ticket;
use crate::rules::support::list;

/// A record's data in a sentence: names without the root's dot.
fn told(data: &RecordData) -> String {
    format!("{} {data}", data.rtype()).trim_end_matches('.').to_owned()
}

/// The address record of `name`, as a master file writes it.
fn record(name: &DomainName, data: &RecordData, ttl: bool) -> String {
    let ttl = if ttl { format!("{TTL} ") } else { String::new() };
    format!("{name}. {ttl}IN {} {data}", data.rtype())
}

/// A program that writes files.
struct Running {
    /// Where it stands among what is done besides edits.
    at: usize,
    command: Vec<String>,
    /// Its files, and what they were before.
    written: Vec<(String, String)>,
}

/// Writes one step down.
pub(super) struct Writer<'a> {
    lab: &'a Lab<'a>,
    /// The host as it is.
    before: &'a Trial,
    /// The host as it is when the step begins.
    trial: &'a Trial,
    /// The same.
    world: &'a World,
}

impl<'a> Writer<'a> {
    /// For a step that begins with this host, which `before` is as it stands now.
    pub(super) fn new(lab: &'a Lab<'a>, before: &'a Trial, trial: &'a Trial, world: &'a World) -> Writer<'a> {
        Writer { lab, before, trial, world }
    }

    pub(super) fn step(&self, place: &Place, ops: &[Op], reload: &[Vec<String>]) -> Step {
        let mut step = Step {
            number: 0,
            who: place.who(),
            text: String::new(),
            commands: Vec::new(),
            actions: Vec::new(),
            settles: Vec::new(),
            after: Vec::new(),
            because: None,
        };
        match place {
            Place::Zone(zone) => self.zone(&format!("zone {zone}"), ops, &mut step),
            Place::Zones(zones) => {
                let mut names: Vec<String> = zones.iter().map(ToString::to_string).collect();
                let number = names.len();
                names.truncate(NAMED);
                names.push(format!("{} more", number - names.len()));
                self.zone(&format!("zones {}", list(&names)), ops, &mut step);
            }
            Place::Holder(..) => self.pointers(ops, &mut step),
            Place::Daemons => daemons(reload, &mut step),
            _ => self.host(ops, &mut step),
        }
        step.because = because(&self.before.facts, &self.before.dns, ops);
        step
    }

    fn zone(&self, zone: &str, ops: &[Op], step: &mut Step) {
        let (mut new, mut old, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        // What goes, goes first: beside an alias nothing else may stand.
        for op in ops {
            if let Op::Record(RecordChange::Withdraw(name, data)) = op {
                let record = record(name, data, false);
                step.commands.push(format!("; delete: {record}"));
                step.actions.push(Action::Withdraw { record });
                old.push(told(data));
                gone.push(format!("`{name}` {}", told(data)));
            }
        }
        for op in ops {
            if let Op::Record(RecordChange::Publish(name, data)) = op {
                let record = record(name, data, true);
                step.commands.push(record.clone());
                step.actions.push(Action::Publish { record });
                new.push(format!("`{name}` {}", told(data)));
            }
        }
        [&mut new, &mut old, &mut gone].into_iter().for_each(|items| _ = few(items, "records"));
        step.text = match old.is_empty() {
            true => format!("In the {zone}, publish {}.", list(&new)),
            false if new.is_empty() => {
                format!("In the {zone}, remove {}: nothing of this host answers there.", list(&gone))
            }
            false => format!("In the {zone}, publish {} in place of {}.", list(&new), list(&old)),
        };
    }

    fn pointers(&self, ops: &[Op], step: &mut Step) {
        let pointers: Vec<(IpAddr, &DomainName)> = ops
            .iter()
            .filter_map(|op| match op {
                Op::Record(RecordChange::SetPtr(addr, name)) => Some((*addr, name)),
                _ => None,
            })
            .collect();
        let fix = ticket::ask_for_all(&self.trial.facts, &self.lab.seen(self.world), &pointers);
        step.text = fix.text;
        step.commands.extend(fix.commands);
        for (addr, name) in &pointers {
            let instead_of = published_ptr(&self.before.dns, *addr);
            step.actions.push(Action::SetPtr { address: *addr, name: name.to_string(), instead_of });
        }
    }

    fn host(&self, ops: &[Op], step: &mut Step) {
        let mut sentences: Vec<String> = Vec::new();
        let mut files: Vec<(String, Vec<String>)> = Vec::new();
        let (each, world) = self.walked(ops);
        let mut at: Vec<(String, Option<String>)> = Vec::new();
        let mut rest: Vec<(Action, Vec<String>)> = Vec::new();
        let mut runs: Vec<Running> = Vec::new();
        // What is done by hand before the files are edited that it changes too.
        let (mut first, mut first_said): (Vec<(Action, Vec<String>)>, Vec<String>) = (Vec::new(), Vec::new());
        for (number, (before, op)) in each.into_iter().enumerate() {
            match op {
                Op::Edit { file, edit } => {
                    if !at.iter().any(|(known, _)| known == file) {
                        at.push((file.clone(), self.lab.text(&before, file).map(|text| text.to_string())));
                    }
                    match files.iter_mut().find(|(known, _)| known == file) {
                        _ if self.lab.text(&before, file).is_none() && is_empty(edit) => {
                            sentences.push(format!("Create {file}, an empty file."));
                        }
                        Some((_, said)) => said.push(edit.describe()),
                        None => files.push((file.clone(), vec![edit.describe()])),
                    }
                }
                Op::Generate { command, file, .. } => {
                    let old = self.lab.text(&before, file).map(|text| text.to_string()).unwrap_or_default();
                    let first = files.is_empty() && sentences.is_empty();
                    let run = if first { "Run" } else { "Then run" };
                    let sentence = format!("{run} `{}`, which writes {file} again.", command.join(" "));
                    match runs.iter_mut().find(|run| run.command == *command) {
                        // It writes all of it at once.
                        Some(run) if run.written.iter().any(|(known, _)| known == file) => {}
                        Some(run) => {
                            run.written.push((file.clone(), old));
                            sentences.push(sentence);
                        }
                        None => {
                            let (at, command) = (rest.len(), command.clone());
                            let action = Action::Run { command: command.clone(), effect: Vec::new() };
                            rest.push((action, vec![command.join(" ")]));
                            runs.push(Running { at, command, written: vec![(file.clone(), old)] });
                            sentences.push(sentence);
                        }
                    }
                }
                Op::Remove { file } => {
                    sentences.push(format!("Remove {file}."));
                    rest.push((Action::RemoveFile { file: self.real(file) }, vec![format!("rm {file}")]));
                }
                Op::HostName(name) => {
                    sentences.push(format!("Name this host `{name}`."));
                    rest.push((
                        Action::SetHostName { name: name.clone() },
                        vec![format!("hostnamectl set-hostname {name}")],
                    ));
                }
                Op::Address { address, interface } => {
                    sentences.push(format!(
                        "Bring {address} up on {interface} again, and have the network configuration do so at each start."
                    ));
                    let command = format!("ip address add {address}/{} dev {interface}", self.prefix(*address));
                    rest.push((Action::AddAddress { address: *address, interface: interface.clone() }, vec![command]));
                }
                Op::Route { family, source } => {
                    sentences.push(format!(
                        "Give this host a route for {} by which {source} is the source; the network's operator knows the gateway.",
                        family.title()
                    ));
                    rest.push((Action::AddRoute { family: *family, source: *source }, Vec::new()));
                }
                Op::Compile { table } => {
                    sentences.push(format!("Compile {table}."));
                    let command = vec!["postmap".to_owned(), table.clone()];
                    let effect = vec![Action::Compile { table: table.clone() }];
                    rest.push((Action::Run { command, effect }, vec![format!("postmap {table}")]));
                }
                Op::ByHand { text, command, effect } => {
                    let mut inner = Step {
                        number: 0,
                        who: Who::Host,
                        text: String::new(),
                        commands: Vec::new(),
                        actions: Vec::new(),
                        settles: Vec::new(),
                        after: Vec::new(),
                        because: None,
                    };
                    Writer { world: &before, ..*self }.host(effect, &mut inner);
                    let later = ops.get(number + 1..).unwrap_or_default();
                    let is_first = edited(later).intersection(&edited(effect)).next().is_some();
                    let (acts, said) = match is_first {
                        true => (&mut first, &mut first_said),
                        false => (&mut rest, &mut sentences),
                    };
                    // What is done by one press of a button is said once, whatever it changes.
                    if !said.contains(text) {
                        said.push(text.clone());
                    }
                    let action = Action::ByHand { text: text.clone(), effect: inner.actions };
                    acts.push((action, command.iter().cloned().collect()));
                }
                Op::Record(_) | Op::Reload => {}
            }
        }
        for Running { at, command, written } in runs {
            let edit = |(file, old): (String, String)| {
                let new = self.lab.text(&world, &file).map(|text| text.to_string()).unwrap_or_default();
                Action::Edit { file: self.real(&file), diff: diff::unified(&old, &new) }
            };
            let effect = written.into_iter().map(edit).collect();
            if let Some((action, _)) = rest.get_mut(at) {
                *action = Action::Run { command, effect };
            }
        }
        let mut edits: Vec<(String, Option<String>, String, String)> = Vec::new();
        for (file, old) in at {
            let new = self.lab.text(&world, &file).map(|text| text.to_string()).unwrap_or_default();
            let diff = diff::unified(old.as_deref().unwrap_or_default(), &new);
            // Of several changes of one file, what they come to.
            if let Some((_, said)) = files.iter_mut().find(|(known, said)| *known == file && said.len() > 1) {
                if said.len() <= NAMED + 1 {
                    *said = diff::told(&diff);
                }
                if few(said, "changes") {
                    said.iter_mut().next_back().into_iter().for_each(|more| *more = format!("make {more}"));
                }
            }
            edits.push((file, old, new, diff));
        }
        let said = files.iter().map(|(file, said)| format!("In {file}, {}.", list(said)));
        let owners = owners(&self.before.facts, ops);
        step.text = first_said.into_iter().chain(said).chain(sentences).chain(owners).collect::<Vec<_>>().join(" ");
        for (action, commands) in first {
            step.actions.push(action);
            step.commands.extend(commands);
        }
        for (file, old, new, diff) in edits {
            match diff::commands(&self.real(&file), old.as_deref(), &new) {
                Some(commands) => step.commands.extend(commands),
                None => step.text += &format!(" The JSON report has the change of {file} as a diff for patch(1)."),
            }
            step.actions.push(Action::Edit { file: self.real(&file), diff });
        }
        for (action, commands) in rest {
            step.actions.push(action);
            step.commands.extend(commands);
        }
    }

    /// Each change with the world before it, and the world after all; those that are made in one pass have one world before them.
    fn walked<'o>(&self, ops: &'o [Op]) -> (Vec<(Rc<World>, &'o Op)>, Rc<World>) {
        let ops: Vec<&Op> = ops.iter().collect();
        let (mut each, mut world) = (Vec::with_capacity(ops.len()), Rc::new(self.world.clone()));
        for run in runs(&ops) {
            each.extend(run.iter().map(|op| (Rc::clone(&world), *op)));
            world = Rc::new(self.lab.make_some(&world, run));
        }
        (each, world)
    }

    /// Where a file stands once links are followed: there it is edited, and the link stays.
    fn real(&self, file: &str) -> String {
        self.lab.ground.root.map_or_else(|| file.to_owned(), |root| root.place(file))
    }

    fn prefix(&self, addr: IpAddr) -> u8 {
        let own = self.before.facts.host.own_addresses().filter(|own| Family::from(own.address) == Family::from(addr));
        own.filter_map(|own| own.prefix_length).next().unwrap_or(if addr.is_ipv4() { 32 } else { 128 })
    }
}

/// The PTR names that an address really has today: what is merely planned is not published.
fn published_ptr(dns: &Observations, addr: IpAddr) -> Vec<String> {
    let question = Question::ptr(addr);
    let live = dns.replies(&question).filter(|(vantage, _)| vantage.kind != VantageKind::Overlay);
    let answers = live.filter_map(|(_, outcome)| match outcome {
        Outcome::Answer(answer) => Some(answer),
        Outcome::Unanswered(_) => None,
    });
    let best = answers.max_by_key(|answer| answer.authoritative);
    let records = best.into_iter().flat_map(|answer| &answer.records);
    let mut names: Vec<String> = Vec::new();
    for record in records {
        if let RecordData::Ptr(name) = &record.data
            && !names.contains(&name.to_string())
        {
            names.push(name.to_string());
        }
    }
    names
}

/// Who writes anew what these changes edit, and where it is set to last.
fn owners(facts: &Facts, ops: &[Op]) -> Vec<String> {
    if ops.iter().any(|op| matches!(op, Op::Generate { .. } | Op::ByHand { .. })) {
        return Vec::new();
    }
    let mut told: Vec<String> = Vec::new();
    for op in ops {
        let Some((owned, value)) = owned(facts, op) else { continue };
        let Some(manager) = managers::owner(&facts.managers, owned) else { continue };
        if manager.hand_edits == HandEdits::Kept || manager.mention == Mention::Quiet {
            continue;
        }
        let place = manager.place(owned);
        let certain = manager.evidence.is_certain() && place.is_none_or(|place| place.evidence.is_certain());
        let known = if certain { "" } else { "as far as known, " };
        let mut text = format!("{} may overwrite this ({known}{}).", manager.name, manager.writes(owned));
        if let Some(place) = place {
            text += &format!(" To make it last, {known}set it in {}", place.place);
            let filled = |command: &str| {
                ["{name}", "{value}", "{address}"].iter().fold(command.to_owned(), |c, key| c.replace(key, &value))
            };
            let command = place.command.map(filled).filter(|command| !command.contains('{') && !value.is_empty());
            if let Some(command) = command {
                text += &format!(": `{command}`");
            }
            text += &format!("; {}.", place.apply.trim_end_matches('.'));
        }
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told
}

/// What a change sets, in the words of those who write files anew, and the value.
fn owned(facts: &Facts, op: &Op) -> Option<(Owned, String)> {
    let by_file = |file: &str| match file {
        "/etc/hosts" => Some(Owned::Hosts),
        "/etc/mailname" => Some(Owned::Mailname),
        file if file.ends_with("/main.cf") => Some(Owned::MainCf),
        file if file.ends_with("/master.cf") => Some(Owned::MasterCf),
        file if facts.exim.iter().any(|exim| exim.file == file) => Some(Owned::EximConfig),
        _ => None,
    };
    match op {
        Op::HostName(name) => Some((Owned::HostName, name.clone())),
        Op::Address { address, .. } => Some((Owned::Addresses, address.to_string())),
        Op::Edit { file, edit } => {
            let file = by_file(file)?;
            let (name, value) = match edit {
                Edit::MainCf { parameter, value } => (parameter.as_str(), value.clone()),
                Edit::EximMain { option, value } | Edit::EximTransport { option, value, .. } => {
                    (option.as_str(), value.clone())
                }
                _ => ("", None),
            };
            Some((Owned::of_setting(name).unwrap_or(file), value.unwrap_or_default()))
        }
        _ => None,
    }
}

fn daemons(reload: &[Vec<String>], step: &mut Step) {
    step.text = "Have the mail server read its configuration again.".to_owned();
    for command in reload {
        step.commands.push(command.join(" "));
        step.actions.push(Action::Run { command: command.clone(), effect: Vec::new() });
    }
}
