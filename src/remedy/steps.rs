//! Changes as steps: by who acts, in an order in which each is safe to do before the next.

use std::collections::HashSet;
use std::rc::Rc;

use crate::facts::{Facts, ProblemKind};
use crate::findings::{Finding, Severity, Verdict, Who};
use crate::name::DomainName;
use crate::observe::change::RecordChange;
use crate::remedy::apply;
use crate::remedy::edit::{Edit, Refused};
use crate::remedy::needed::Groups;
use crate::remedy::op::Op;
use crate::remedy::place::{Place, place_of, rank};
use crate::remedy::reloads::reloads;
use crate::remedy::step::{Plan, Remaining, Settled, Step};
use crate::remedy::trial::Trial;
use crate::remedy::world::{Lab, World};
use crate::remedy::writer::Writer;

/// The plan that these changes make, in the best order.
pub(super) fn plan(lab: &Lab<'_>, before: &Rc<Trial>, ops: &[Op]) -> Plan {
    let mut groups: Vec<(Place, Vec<Op>)> = Vec::new();
    for op in ops {
        let place = place_of(before, op, groups.last().map(|(place, _)| place));
        match groups.iter_mut().find(|(known, _)| *known == place) {
            Some((_, all)) => all.push(op.clone()),
            None => groups.push((place, vec![op.clone()])),
        }
    }
    join_zones(&mut groups);
    let reload = reloads(before, ops);
    if !reload.is_empty() && !groups.iter().any(|(place, _)| *place == Place::Daemons) {
        groups.push((Place::Daemons, Vec::new()));
    }
    // Errors on the way, the order, and how it went.
    #[allow(clippy::type_complexity)]
    let mut best: Option<(usize, Vec<(Place, Vec<Op>)>, Walk)> = None;
    for order in ORDERS {
        let mut ordered = groups.clone();
        ordered.sort_by_key(|(place, _)| rank(place, order));
        let Some(walk) = walk(lab, before, &ordered) else { continue };
        if best.as_ref().is_none_or(|(known, ..)| walk.broken < *known) {
            let broken = walk.broken;
            best = Some((broken, ordered, walk));
            if broken == 0 {
                break;
            }
        }
    }
    let Some((_, ordered, walk)) = best else {
        return Plan { steps: Vec::new(), remains: remains(lab, before, before), ..Plan::default() };
    };
    let last = walk.trials.last().unwrap_or(before);
    let mut steps: Vec<Step> = Vec::new();
    let worlds = std::iter::once(&walk.start).chain(&walk.worlds);
    let trials = std::iter::once(before).chain(&walk.trials);
    for (((place, ops), world), trial) in ordered.iter().zip(worlds).zip(trials) {
        let number = steps.len() + 1;
        let mut step = Writer::new(lab, before, trial, world).step(place, ops, &reload);
        step.number = number;
        step.after = after(place, ops, &ordered[..number - 1]);
        steps.push(step);
    }
    // What a step settles is gone from then on.
    for key in before.keys().clone() {
        let gone = walk.trials.iter().rposition(|trial| trial.keys().contains(&key)).map_or(0, |at| at + 1);
        if let Some(step) = steps.get_mut(gone) {
            step.settles.push(Settled { code: key.0.to_owned(), subject: key.1 });
        }
    }
    let groups = Groups { lab, before, groups: &ordered, trials: &walk.trials };
    if let Err(at) = groups.explain(&mut steps) {
        let kept = ordered.iter().enumerate().filter(|(other, _)| *other != at).flat_map(|(_, (_, ops))| ops);
        return plan(lab, before, &kept.cloned().collect::<Vec<_>>());
    }
    let also = walk.worlds.last().map(|world| also(lab, world)).unwrap_or_default();
    Plan { steps, remains: remains(lab, before, last), also, ..Plan::default() }
}

/// The findings only worth knowing that are gone in this world.
fn also(lab: &Lab<'_>, world: &World) -> Vec<Settled> {
    let minor = lab.ground.findings.iter().filter(|finding| finding.severity < Severity::Warning);
    let minor: Vec<&Finding> = minor.filter(|finding| finding.fix.is_some()).collect();
    if minor.is_empty() {
        return Vec::new();
    }
    let left = lab.findings(world);
    let is_left = |finding: &Finding| left.contains(&(finding.meta.code, finding.subject.clone()));
    let mut told = HashSet::new();
    let gone = minor.into_iter().filter(|finding| !is_left(finding));
    let gone = gone.filter(|finding| told.insert((finding.meta.code, finding.subject.as_str())));
    gone.map(|finding| Settled { code: finding.meta.code.to_owned(), subject: finding.subject.clone() }).collect()
}

/// Zones up to which each has a step of its own.
const ZONES: usize = 4;

/// Makes one group of many zones: they are changed likewise.
fn join_zones(groups: &mut Vec<(Place, Vec<Op>)>) {
    let zones: Vec<DomainName> = groups
        .iter()
        .filter_map(|(place, _)| match place {
            Place::Zone(zone) => Some(zone.clone()),
            _ => None,
        })
        .collect();
    if zones.len() > ZONES {
        let (all, mut others): (Vec<_>, Vec<_>) =
            std::mem::take(groups).into_iter().partition(|(place, _)| matches!(place, Place::Zone(_)));
        others.insert(0, (Place::Zones(zones), all.into_iter().flat_map(|(_, ops)| ops).collect()));
        *groups = others;
    }
}

/// Orders that are tried, the first one that breaks nothing on the way is taken: who publishes, who is asked, who edits.
const ORDERS: [[usize; 3]; 4] = [[0, 1, 2], [2, 0, 1], [0, 2, 1], [1, 0, 2]];

/// The worlds and trials after each group.
struct Walk {
    start: World,
    worlds: Vec<World>,
    trials: Vec<Rc<Trial>>,
    /// Errors that are new somewhere on the way.
    broken: usize,
}

fn walk(lab: &Lab<'_>, before: &Rc<Trial>, groups: &[(Place, Vec<Op>)]) -> Option<Walk> {
    let start = lab.world();
    let (mut worlds, mut trials, mut broken) = (Vec::new(), Vec::new(), 0);
    let mut world = start.clone();
    let known = before.errors();
    for (_, ops) in groups {
        world = lab.apply_all(&world, ops)?;
        let trial = match ops.is_empty() {
            true => trials.last().map_or_else(|| Rc::clone(before), Rc::clone),
            false => lab.try_out(&world),
        };
        broken += trial.errors().difference(known).count();
        worlds.push(world.clone());
        trials.push(trial);
    }
    Some(Walk { start, worlds, trials, broken })
}

/// The steps before this one that it rests on.
fn after(place: &Place, ops: &[Op], earlier: &[(Place, Vec<Op>)]) -> Vec<usize> {
    let names = |ops: &[Op]| -> HashSet<DomainName> {
        let named = ops.iter().filter_map(|op| match op {
            Op::Record(RecordChange::SetPtr(_, name) | RecordChange::Publish(name, _)) => Some(name.clone()),
            Op::HostName(name) => Some(DomainName::new(name)),
            Op::Edit {
                edit: Edit::MainCf { value: Some(value), .. } | Edit::MasterCf { value: Some(value), .. },
                ..
            }
            | Op::Edit {
                edit: Edit::EximTransport { value: Some(value), .. } | Edit::EximMain { value: Some(value), .. },
                ..
            }
            | Op::Edit { edit: Edit::EximMacro { value, .. }, .. } => Some(DomainName::new(value)),
            _ => None,
        });
        named.collect()
    };
    let own = names(ops);
    let needs = |(other, ops): &(Place, Vec<Op>)| match (place, other) {
        (Place::Daemons, other) => other.who() == Who::Host,
        (Place::Tables, Place::File(_)) => true,
        (_, other) if other.who() != Who::Host => names(ops).iter().any(|name| own.contains(name)),
        (Place::File(_), Place::Network) => true,
        _ => false,
    };
    (1..).zip(earlier).filter(|(_, group)| needs(group)).map(|(number, _)| number).collect()
}

/// Why nothing is planned that changes files of a snapshot's host.
pub(crate) const NO_FILES: &str = "the snapshot holds no files, so that no change of them could be tried: a check of the host itself, or of a copy \
                                   of its files (--root), plans it";

/// Why nothing is planned that changes lines which no diff can show.
const HIDDEN: &str = "the change is not planned, since its file has characters there that no diff shows (carriage returns, control \
                      characters, or what is no UTF-8): take them out first";
/// Why nothing is planned that would show a secret.
const SECRET: &str = "the change is not planned, since a secret stands in the lines that it would show";

/// The rule that what is generated is older than its sources.
const NOT_GENERATED: &str = "CFG009";
/// Why nothing is planned for what stands in such a file.
pub(crate) const AFTER_GENERATOR: &str = "the configuration has to be generated from its sources first (CFG009): what it will say then is judged by the next check";

/// Whether a finding is about a configuration of Exim that is older than what it is generated from, or about that.
fn waits_for_generator(facts: &Facts, finding: &Finding) -> bool {
    let sources = facts.problems.iter().filter(|problem| matches!(problem.kind, ProblemKind::NotGenerated));
    let sources: Vec<&str> = sources.map(|problem| problem.file.as_str()).collect();
    let concerns = |file: &str| sources.contains(&file) || facts.exim.iter().any(|exim| exim.file == file);
    let mut places = finding.places.iter().filter_map(|place| place.origin.span());
    !sources.is_empty() && places.any(|span| concerns(span.file().path()))
}

/// Whether a finding's own advice is to run programs of this host.
pub(crate) fn is_run(finding: &Finding) -> bool {
    let fix = finding.fix.as_ref().filter(|fix| fix.who == Who::Host);
    fix.is_some_and(|fix| {
        let programs = |command: &String| {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            apply::is_known(&words)
        };
        !fix.commands.is_empty() && fix.commands.iter().all(programs)
    })
}

/// Why what differs from the old host is left: no trial can show what is meant.
fn of_a_move(code: &str) -> &'static str {
    match code {
        "MIG001" => "whether the old host is meant there, only a person knows",
        "MIG004" => "whether it is wanted here too, only a person knows",
        _ => "whether it is meant to be so, only a person knows: --map and the settings say it",
    }
}

/// Why an edit of a file that a finding is about was not tried.
fn refused(lab: &Lab<'_>, finding: &Finding) -> Option<Refused> {
    let files = finding.places.iter().filter_map(|place| place.origin.span());
    files.map(|span| span.file().path()).find_map(|path| lab.refused(path))
}

/// What is left, and why.
fn remains(lab: &Lab<'_>, before: &Trial, last: &Trial) -> Vec<Remaining> {
    let was = before.keys();
    let left = last.findings.iter().map(|finding| {
        let because = match (finding.verdict, finding.meta.family()) {
            _ if !was.contains(&(finding.meta.code, finding.subject.clone())) => {
                "it shows once the rest is right, and no change that helolint tried settles it without breaking something else"
            }
            (Verdict::Undetermined, _) if !finding.open.is_empty() => "questions have no answer: nothing can be planned on it",
            (Verdict::Undetermined, _) => "files do not decide it: a person has to look",
            _ if finding.meta.code == NOT_GENERATED => "the generator has to be run, and what it will write cannot be known before",
            (_, "SMT" | "TLS") => "the finding says what to do; helolint does not try it",
            (_, "DOM") => "the SPF record has to be changed in the DNS, as the finding says",
            (_, "LOG") => "it has happened; it goes once the findings that it confirms are settled and no further reply comes",
            (_, "DNS") => "it is for those who run the servers concerned",
            _ if lab.ground.root.is_none() => NO_FILES,
            _ if waits_for_generator(&last.facts, finding) => AFTER_GENERATOR,
            _ if refused(lab, finding) == Some(Refused::Hidden) => HIDDEN,
            _ if refused(lab, finding) == Some(Refused::Secret) => SECRET,
            _ if is_run(finding) => "a program has to be run, and what it will write cannot be known before",
            (_, "MIG") => of_a_move(finding.meta.code),
            _ if !lab.has_tried() => "helolint knows no change that it could try",
            _ => "no change that helolint tried settles it without breaking something else",
        };
        Remaining {
            code: finding.meta.code.to_owned(),
            subject: finding.subject.clone(),
            because: because.to_owned(),
        }
    });
    let mut left: Vec<Remaining> = left.collect();
    left.dedup_by(|a, b| a.code == b.code && a.subject == b.subject);
    left
}
