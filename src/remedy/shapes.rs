//! Paths of one shape: what is wrong with one is wrong with all of them, and what mends two of them mends the others likewise. So the
//! search looks at two of each shape, and what it finds is made of the others too.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::facts::{Facts, Helo, Mta, OutboundPath, SenderDomains};
use crate::remedy::candidates::{self, Candidate, State};
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::remedy::trial::{PathKey, Trial};

/// Paths of one shape that stand for the others: with one alone, its name would do for all.
const STAND: usize = 2;

/// A candidate that was taken, and what it is about.
#[derive(Debug, Clone)]
pub(super) struct Used {
    /// The kinds of its changes, in order, each once.
    pub kind: Vec<String>,
    /// How many of the same kind and group stand before it.
    pub rank: usize,
    /// Its group.
    pub group: String,
    /// Its changes.
    pub ops: Vec<Op>,
}

/// Candidates that were taken together.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// All changes, in order.
    pub ops: Vec<Op>,
    /// By candidate.
    pub used: Vec<Used>,
}

/// Paths that are alike.
#[derive(Debug, Default)]
struct Shape {
    /// Names by which groups of candidates and changes show that they are about one of those that stand for the others.
    marks: BTreeSet<String>,
    stand: BTreeSet<PathKey>,
    left_out: BTreeSet<PathKey>,
}

/// The shapes of a host's paths.
#[derive(Debug)]
pub(super) struct Shapes(Vec<Shape>);

impl Shapes {
    /// The shapes of a host's paths; `None` where it has none.
    pub(super) fn of(trial: &Trial) -> Option<Shapes> {
        let mut by_id: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        let mut by_subject: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for finding in &trial.findings {
            for id in &finding.paths {
                by_id.entry(id).or_default().insert(finding.meta.code);
            }
            by_subject.entry(&finding.subject).or_default().insert(finding.meta.code);
        }
        let mut all: BTreeMap<String, Vec<(&OutboundPath, PathKey)>> = BTreeMap::new();
        let mut shapes_of: BTreeMap<PathKey, BTreeSet<String>> = BTreeMap::new();
        for path in &trial.facts.paths {
            let mut codes: BTreeSet<&str> = by_id.get(path.id.as_str()).cloned().unwrap_or_default();
            for addr in [&path.source, &path.sending].into_iter().flatten() {
                codes.extend(by_subject.get(addr.value.to_string().as_str()).into_iter().flatten());
            }
            let (shape, key) = (shape(path, &codes), PathKey::of(path));
            shapes_of.entry(key.clone()).or_default().insert(shape.clone());
            all.entry(shape).or_default().push((path, key));
        }
        let mut shapes = Vec::new();
        for paths in all.values() {
            let mut found = Shape::default();
            let mut stand: Vec<&PathKey> = Vec::new();
            for (path, key) in paths {
                let unlike = shapes_of.get(key).is_some_and(|shapes| shapes.len() > 1);
                if unlike || stand.contains(&key) || stand.len() < STAND {
                    if !stand.contains(&key) && !unlike {
                        stand.push(key);
                    }
                    found.stand.insert(key.clone());
                    found.marks.extend(marks(path));
                } else {
                    found.left_out.insert(key.clone());
                }
            }
            shapes.push(found);
        }
        (!shapes.is_empty()).then_some(Shapes(shapes))
    }

    /// The paths that others stand for.
    pub(super) fn left_out(&self) -> BTreeSet<PathKey> {
        self.0.iter().flat_map(|shape| shape.left_out.iter().cloned()).collect()
    }

    /// What was done for some, done for all that the state is of. `wanted` are the changes of the round that are needed; those of maps that
    /// were cut down are made anew.
    pub(super) fn spread(&self, state: &State<'_>, round: &Round, wanted: &[Op], cut: &BTreeSet<String>) -> Vec<Op> {
        let trial = state.trial;
        let is_whole = |op: &&Op| wanted.contains(op) && !edits(op, cut);
        let mut ops: Vec<Op> = round.ops.iter().filter(is_whole).cloned().collect();
        let mut places: BTreeSet<String> = ops.iter().filter_map(place).collect();
        let mut known: HashSet<Op> = ops.iter().cloned().collect();
        let mut facts: Option<Facts> = None;
        for shape in &self.0 {
            let left = |path: &&OutboundPath| {
                let key = PathKey::of(path);
                shape.left_out.contains(&key) || !cut.is_empty() && shape.stand.contains(&key)
            };
            let paths: Vec<OutboundPath> = trial.facts.paths.iter().filter(left).cloned().collect();
            if paths.is_empty() {
                continue;
            }
            let is_about = |used: &&Used| {
                shape.marks.iter().any(|mark| used.group.split([' ', '`']).any(|word| word == mark))
                    || used.ops.iter().filter_map(about).any(|mark| shape.marks.contains(&mark))
            };
            let mut used: Vec<&Used> = round.used.iter().filter(is_about).collect();
            if used.is_empty() {
                used = round.used.iter().collect();
            }
            used.retain(|used| used.ops.iter().any(|op| wanted.contains(op)));
            if used.is_empty() {
                continue;
            }
            let part = facts.get_or_insert_with(|| trial.facts.clone());
            part.paths = paths;
            let state = State::of_part(trial, part, state.lab, state.world);
            for (_, candidates) in by_group(sorted(candidates::all(&state))) {
                let fits = used.iter().find_map(|used| {
                    let (candidate, ..) =
                        candidates.iter().find(|(_, kind, rank)| *kind == used.kind && *rank == used.rank)?;
                    Some((candidate, used))
                });
                let Some((candidate, used)) = fits else { continue };
                // Of changes that were not needed where they were tried, none is made.
                let needed: BTreeSet<String> = used.ops.iter().filter(|op| wanted.contains(op)).map(kind).collect();
                let new: Vec<Op> = candidate
                    .ops
                    .iter()
                    .filter(|op| needed.contains(&kind(op)) && !known.contains(*op))
                    .cloned()
                    .collect();
                // One setting for all has one value.
                if new.iter().filter_map(place).any(|place| places.contains(&place)) {
                    continue;
                }
                places.extend(new.iter().filter_map(place));
                known.extend(new.iter().cloned());
                ops.extend(new);
            }
        }
        ops
    }
}

/// Candidates, the cheapest first.
pub(super) fn sorted(mut all: Vec<Candidate>) -> Vec<Candidate> {
    all.retain(|candidate| !candidate.ops.is_empty());
    all.sort_by_key(Candidate::price);
    all
}

/// A candidate with its kind, and how many of that kind stand before it in its group.
type Ranked = (Candidate, Vec<String>, usize);

/// Candidates by group.
pub(super) fn by_group(all: Vec<Candidate>) -> BTreeMap<String, Vec<Ranked>> {
    let mut groups: BTreeMap<String, Vec<Ranked>> = BTreeMap::new();
    for candidate in all {
        let group = groups.entry(candidate.group()).or_default();
        if group.iter().any(|(known, ..)| known.ops == candidate.ops) {
            continue;
        }
        let kind = kinds(&candidate.ops);
        let rank = group.iter().filter(|(_, known, _)| *known == kind).count();
        group.push((candidate, kind, rank));
    }
    groups
}

/// What makes paths alike.
fn shape(path: &OutboundPath, codes: &BTreeSet<&str>) -> String {
    let helo = match &path.helo {
        Helo::None => "none".to_owned(),
        Helo::Known(name) => name.origin.span().map_or("default", |span| span.path()).to_owned(),
        Helo::FollowsPtr { .. } => "ptr".to_owned(),
        Helo::Undecided(_) => "undecided".to_owned(),
    };
    let domains = match &path.sender_domains {
        SenderDomains::Any => "any",
        SenderDomains::Only { others: false, .. } => "some",
        SenderDomains::Only { others: true, .. } => "others",
        SenderDomains::Undecided => "undecided",
    };
    let facts = [path.bound, path.helo_is_global, path.relayed.is_some(), path.unused, path.sending.is_some()];
    let mta = path.mta.map_or("host", Mta::id);
    format!("{mta} {} {facts:?} {domains} {helo} {codes:?}", path.family.title())
}

/// The words by which a candidate shows that it is about a path.
fn marks(path: &OutboundPath) -> Vec<String> {
    let addresses = [&path.source, &path.sending].into_iter().flatten().map(|fact| fact.value.to_string());
    addresses.chain(path.services.iter().map(ToString::to_string)).collect()
}

/// What a change is about.
fn about(op: &Op) -> Option<String> {
    match op {
        Op::Edit { edit: Edit::MasterCf { service, .. }, .. } => Some(service.clone()),
        Op::Edit { edit: Edit::EximTransport { transport, .. }, .. } => Some(transport.clone()),
        Op::Record(crate::observe::change::RecordChange::SetPtr(addr, _)) => Some(addr.to_string()),
        _ => None,
    }
}

/// The kinds of changes, in order, each once.
pub(super) fn kinds(ops: &[Op]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for op in ops {
        let kind = kind(op);
        if !all.contains(&kind) {
            all.push(kind);
        }
    }
    all
}

/// What a change does, whatever for and to what value.
fn kind(op: &Op) -> String {
    use crate::observe::change::RecordChange;
    match op {
        Op::Edit { file, edit } => format!("{file} {}", of_edit(edit)),
        Op::Generate { file, edit, .. } => format!("generated {file} {}", of_edit(edit)),
        Op::Remove { file } => format!("remove {file}"),
        Op::Record(RecordChange::Publish(_, data)) => format!("publish {}", data.rtype()),
        Op::Record(RecordChange::Withdraw(_, data)) => format!("withdraw {}", data.rtype()),
        Op::Record(RecordChange::SetPtr(..)) => "set-ptr".to_owned(),
        Op::HostName(_) => "host-name".to_owned(),
        Op::Address { interface, .. } => format!("address {interface}"),
        Op::Route { family, .. } => format!("route {}", family.title()),
        Op::Compile { table } => format!("compile {table}"),
        Op::Reload => "reload".to_owned(),
        Op::ByHand { effect, .. } => format!("by hand {}", kinds(effect).join(", ")),
    }
}

fn of_edit(edit: &Edit) -> String {
    match edit {
        Edit::MainCf { parameter, value } => format!("{parameter} {}", value.is_some()),
        Edit::MasterCf { parameter, value, .. } => format!("-o {parameter} {}", value.is_some()),
        Edit::EximMain { option, value } => format!("{option} {}", value.is_some()),
        Edit::EximTransport { option, value, .. } => format!("transport {option} {}", value.is_some()),
        Edit::EximMacro { name, .. } => format!("macro {name}"),
        // A table's line is changed or added, as it has one or none.
        Edit::Lines { new, .. } if new.is_empty() => "line goes".to_owned(),
        Edit::Lines { .. } | Edit::Each { .. } | Edit::Append { .. } => "line".to_owned(),
        Edit::Whole { .. } => "whole".to_owned(),
    }
}

/// Whether a change edits one of these files.
fn edits(op: &Op, files: &BTreeSet<String>) -> bool {
    match op {
        Op::Edit { file, .. } | Op::Generate { file, .. } => files.contains(file),
        Op::ByHand { effect, .. } => effect.iter().any(|op| edits(op, files)),
        _ => false,
    }
}

/// The setting that a change sets, where there is one alone.
fn place(op: &Op) -> Option<String> {
    let of = |file: &str, edit: &Edit| match edit {
        Edit::MainCf { parameter, .. } => Some(format!("{file} {parameter}")),
        Edit::MasterCf { service, parameter, .. } => Some(format!("{file} {service} {parameter}")),
        Edit::EximMain { option, .. } => Some(format!("{file} {option}")),
        Edit::EximTransport { transport, option, .. } => Some(format!("{file} {transport} {option}")),
        Edit::EximMacro { name, .. } => Some(format!("{file} {name}")),
        Edit::Lines { line, .. } => Some(format!("{file} {line}")),
        Edit::Each { .. } | Edit::Append { .. } => None,
        Edit::Whole { .. } => Some(file.to_owned()),
    };
    match op {
        Op::Edit { file, edit } | Op::Generate { file, edit, .. } => of(file, edit),
        Op::Record(crate::observe::change::RecordChange::SetPtr(addr, _)) => Some(addr.to_string()),
        Op::HostName(_) => Some("host name".to_owned()),
        _ => None,
    }
}
