//! Trials: the host as it would be after changes, collected, resolved and judged again. Nothing is written and nobody is asked; what a
//! trial would have to ask and nobody has answered is noted.

mod judge;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::collect::exim::{BUILT, GENERATED};
use crate::collect::kernel::KernelFacts;
use crate::collect::memory::Memory;
use crate::collect::processes::Found;
use crate::collect::root::{Changed, Root};
use crate::facts::{AddressFlag, Facts, InterfaceAddress, ProblemKind};
use crate::findings::Finding;
use crate::observe::change::RecordChanges;
use crate::observe::{Observations, Question};
use crate::remedy::edit::Edit;
use crate::remedy::loopback;
use crate::remedy::op::Op;
use crate::remedy::sample::Sample;
use crate::remedy::trial::{PathKey, Trial, entries, work_of};

/// When a trial's changes are made, in seconds since 1970: later than any file on the host.
const LATER: i64 = 1 << 40;
/// Seconds between what is made from other files and changes after that: it is seen to be older than they are then.
const APART: i64 = 120;
/// Time for all trials of one plan, whatever was counted: a guard against what no count foresees. Without optimization everything takes ten
/// times as long.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 200 } else { 20 });
/// Worlds whose trials are kept, and the entries of maps and paths beyond which the last alone is: what is tried again is tried soon.
const KEPT: usize = 24;
const KEPT_ENTRIES: usize = 2_000;
/// Configurations that are made from others, and are older than those of them that are changed later.
const MADE: [&str; 2] = [BUILT, GENERATED];
/// Maps that cPanel writes itself, unless the administrator has said by a flag that they are his.
const CPANEL_MAPS: [(&str, &str); 2] =
    [("/etc/mailips", "/var/cpanel/custom_mailips"), ("/etc/mailhelo", "/var/cpanel/custom_mailhelo")];
/// Where names stand that go before the DNS.
const HOSTS: &str = "/etc/hosts";
/// The compiled forms of tables, by the type that makes each.
pub const COMPILED: [(&str, &str); 5] =
    [("hash", ".db"), ("btree", ".db"), ("lmdb", ".lmdb"), ("cdb", ".cdb"), ("dbm", ".dir")];

/// What is known before anything is changed.
pub struct Ground<'a> {
    /// The files; `None` where there are none (a snapshot).
    pub root: Option<&'a Root>,
    /// What the kernel says.
    pub kernel: Option<KernelFacts>,
    /// Daemons that run.
    pub running: &'a Found,
    /// The facts that were judged.
    pub facts: &'a Facts,
    /// The answers that were judged.
    pub dns: &'a Observations,
    /// Answers questions without asking anybody outside; `None` where only the network could.
    pub answer: Option<&'a Answerer<'a>>,
    /// Questions that were asked for the plan alone.
    pub extra: BTreeSet<Question>,
    /// What was found in these facts and answers.
    pub findings: &'a [Finding],
    /// Judges.
    pub judge: &'a dyn Fn(&Facts, &Observations) -> Vec<Finding>,
}

/// Answers these questions as well as what was answered before.
pub type Answerer<'a> = dyn Fn(&BTreeSet<Question>, &Facts, Observations) -> Observations + 'a;

/// The host after changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// Changed files by canonical path; `None`: removed.
    files: BTreeMap<String, Option<Changed>>,
    kernel: Option<KernelFacts>,
    records: RecordChanges,
    reloaded: bool,
    /// How often something was changed after a file had been made from others: what was changed in between has one time, whatever came
    /// first.
    age: i64,
    /// Whether a file was made from others since then.
    made: bool,
}

/// Why an edit of a file cannot be shown, and so is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Characters that no diff shows stand near it.
    Hidden,
    /// A secret does.
    Secret,
}

/// Tries changes, and keeps what all trials share.
pub struct Lab<'a> {
    /// What is known before.
    pub ground: &'a Ground<'a>,
    /// Answers to every question so far, of the world as it is.
    known: RefCell<Observations>,
    /// The questions that a run on some trial's host asks.
    asked: RefCell<BTreeSet<Question>>,
    /// Questions that trials brought and nobody has answered.
    missing: RefCell<BTreeSet<Question>>,
    /// What was read for trials; and the secrets, which no edit may show.
    memory: Memory,
    /// Paths that trials leave out, since others stand for them.
    left_out: RefCell<BTreeSet<PathKey>>,
    /// Files that trials read cut down.
    sample: RefCell<Sample>,
    /// The last trials, the latest first.
    kept: RefCell<Vec<(World, Rc<Trial>)>>,
    /// Files of which an edit was not tried, since it could not be shown.
    refused: RefCell<BTreeMap<String, Refused>>,
    /// Whether anything but the host as it is was tried.
    has_tried: Cell<bool>,
    /// What all trials so far came to, in units of work.
    work: Cell<usize>,
    /// When trying began.
    started: Instant,
}

impl<'a> Lab<'a> {
    /// Nothing is tried yet.
    pub fn new(ground: &'a Ground<'a>) -> Lab<'a> {
        let mut asked = ground.dns.questions_of(ground.facts, &RecordChanges::default());
        asked.extend(ground.extra.iter().cloned());
        Lab {
            ground,
            known: RefCell::new(ground.dns.clone()),
            asked: RefCell::new(asked),
            missing: RefCell::default(),
            memory: Memory::new(ground.root.map(Root::secrets).unwrap_or_default()),
            left_out: RefCell::default(),
            sample: RefCell::default(),
            kept: RefCell::default(),
            refused: RefCell::default(),
            has_tried: Cell::new(false),
            work: Cell::new(0),
            started: Instant::now(),
        }
    }

    /// Whether so much has been tried that the best that was found has to do.
    pub fn is_over(&self, budget: usize) -> bool {
        self.work.get() >= budget || self.started.elapsed() > TIME
    }

    /// Why an edit of a file was not tried.
    pub fn refused(&self, file: &str) -> Option<Refused> {
        self.refused.borrow().get(file).copied()
    }

    /// Whether anything but the host as it is was tried.
    pub fn has_tried(&self) -> bool {
        self.has_tried.get()
    }

    /// What all trials so far came to, in units of work.
    pub fn work(&self) -> usize {
        self.work.get()
    }

    /// From now on, trials are made without these paths, on files that are cut down to the others.
    pub(super) fn leave_out(&self, paths: BTreeSet<PathKey>) {
        self.kept.borrow_mut().clear();
        let of = |root| Sample::of(root, self.ground.facts, self.ground.findings, &paths);
        *self.sample.borrow_mut() = self.ground.root.map(of).unwrap_or_default();
        *self.left_out.borrow_mut() = paths;
    }

    /// From now on, trials are of the whole host again.
    pub(super) fn leave_out_nothing(&self) {
        self.kept.borrow_mut().clear();
        *self.sample.borrow_mut() = Sample::default();
        self.left_out.borrow_mut().clear();
    }

    /// Maps that are cut down.
    pub(super) fn cut_maps(&self) -> BTreeSet<String> {
        self.sample.borrow().maps.clone()
    }

    /// The world as it is.
    pub fn world(&self) -> World {
        World { kernel: self.ground.kernel.clone(), ..World::default() }
    }

    /// What trials would have asked.
    pub fn missing(&self) -> BTreeSet<Question> {
        self.missing.borrow().clone()
    }

    /// Every answer so far, with the changes of a world: also to questions that only trials and candidates brought.
    pub fn seen(&self, world: &World) -> Observations {
        self.known.borrow().after(&world.records, &BTreeSet::new(), &BTreeSet::new())
    }

    /// Has questions answered that candidates bring; whether there is more to see now. What nobody here answers is missing.
    pub fn ask(&self, questions: BTreeSet<Question>) -> bool {
        if self.ground.dns.offline {
            return false;
        }
        let open = self.open(&questions);
        let before: BTreeSet<Question> = self.known.borrow().replies.keys().cloned().collect();
        if open.is_empty() || !self.learn(&open, self.ground.facts) {
            return false;
        }
        // No trial sees what its own host would not ask.
        let known = self.known.borrow();
        let new = known.replies.keys().filter(|question| !before.contains(question));
        self.asked.borrow_mut().extend(new.cloned());
        true
    }

    /// Those of these questions that have no answer yet.
    fn open(&self, questions: &BTreeSet<Question>) -> BTreeSet<Question> {
        let known = self.known.borrow();
        questions.iter().filter(|question| !known.replies.contains_key(*question)).cloned().collect()
    }

    /// Has questions answered; where nobody here answers any, they are missing, and it is `false`.
    fn learn(&self, open: &BTreeSet<Question>, facts: &Facts) -> bool {
        let Some(answer) = self.ground.answer else {
            self.missing.borrow_mut().extend(open.iter().cloned());
            return false;
        };
        let known = std::mem::take(&mut *self.known.borrow_mut());
        *self.known.borrow_mut() = answer(open, facts, known);
        true
    }

    /// The content of a file in a world; `None` where there is none, or it cannot be read.
    pub fn text(&self, world: &World, file: &str) -> Option<Arc<str>> {
        let root = self.ground.root?;
        match world.files.get(&root.place(file)) {
            Some(changed) => changed.as_ref().map(|changed| Arc::clone(&changed.text)),
            None => match self.sample.borrow().files.get(&root.place(file)) {
                Some(cut) => Some(Arc::clone(&cut.text)),
                None => root.read(file).ok().map(|read| Arc::from(read.text())),
            },
        }
    }

    /// Octets of the file that a change edits.
    pub fn length(&self, world: &World, op: &Op) -> usize {
        match op {
            Op::Edit { file, .. } | Op::Generate { file, .. } => self.text(world, file).map_or(0, |text| text.len()),
            Op::ByHand { effect, .. } => effect.iter().map(|op| self.length(world, op)).sum(),
            _ => 0,
        }
    }

    /// The world after one more change; `None` where it cannot be made.
    pub fn apply(&self, world: &World, op: &Op) -> Option<World> {
        match op {
            Op::Edit { file, .. } if !self.lasts(world, file) => None,
            op => self.make(world, op),
        }
    }

    fn exists(&self, world: &World, file: &str) -> bool {
        let Some(root) = self.ground.root else { return false };
        world.files.get(&root.place(file)).map_or_else(|| root.exists(file), Option::is_some)
    }

    /// Whether what is written into a file by hand stays there.
    fn lasts(&self, world: &World, file: &str) -> bool {
        let is_cpanel = self.ground.facts.cpanel.is_some();
        match CPANEL_MAPS.iter().find(|(map, _)| *map == file) {
            Some((_, flag)) if is_cpanel => self.exists(world, flag),
            // What is to be generated anew anyway keeps nothing, and is not as its sources for having been edited.
            _ if is_cpanel && file == BUILT => {
                !self.ground.facts.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::NotGenerated))
            }
            _ => file != GENERATED,
        }
    }

    /// The world after a change, whoever makes it.
    pub(super) fn make(&self, world: &World, op: &Op) -> Option<World> {
        let mut world = world.clone();
        match op {
            Op::Generate { from: Some(from), .. } if !self.is_changed(&world, from) => return None,
            Op::Edit { file, edit } | Op::Generate { file, edit, .. } => {
                let text = self.text(&world, file);
                let new = match (&text, edit) {
                    // A new file without content.
                    (None, Edit::Whole { text }) if text.is_empty() => String::new(),
                    _ => {
                        let text = text.as_deref().unwrap_or_default();
                        let new = edit.apply(text);
                        if new.is_none() && edit.is_hidden(text) {
                            self.refused.borrow_mut().insert(file.clone(), Refused::Hidden);
                        }
                        new?
                    }
                };
                if file == HOSTS && !loopback::stays(text.as_deref().unwrap_or_default(), &new) {
                    return None;
                }
                if self.tells_secrets(text.as_deref().unwrap_or_default(), &new) {
                    self.refused.borrow_mut().insert(file.clone(), Refused::Secret);
                    return None;
                }
                self.put(&mut world, file, Some(new))?;
            }
            Op::Remove { file } => {
                self.text(&world, file)?;
                self.put(&mut world, file, None)?;
            }
            Op::Record(change) => world.records.add(change),
            Op::HostName(name) => {
                self.put(&mut world, "/etc/hostname", Some(format!("{name}\n")))?;
                let hosts = self.hosts(&world);
                if let Some(kernel) = &mut world.kernel {
                    kernel.rename(name, &hosts);
                }
            }
            Op::Address { address, interface } => {
                let addresses = world.kernel.as_mut()?.addresses.as_mut()?;
                match addresses.iter_mut().find(|own| own.address == *address) {
                    Some(own) => own.flags.retain(|flag| *flag != AddressFlag::Down),
                    None => addresses.push(InterfaceAddress {
                        interface: interface.clone(),
                        address: *address,
                        prefix_length: Some(if address.is_ipv4() { 24 } else { 64 }),
                        flags: Vec::new(),
                    }),
                }
            }
            Op::Route { family, source } => {
                let kernel = world.kernel.as_mut()?;
                match family {
                    Family::Ipv4 => kernel.source.ipv4 = Some(*source),
                    Family::Ipv6 => kernel.source.ipv6 = Some(*source),
                }
            }
            Op::Compile { table } => {
                let (kind, path) = table.split_once(':').unwrap_or(("hash", table));
                let root = self.ground.root?;
                let endings =
                    COMPILED.iter().filter(|(of, ending)| *of == kind || root.exists(&format!("{path}{ending}")));
                for (_, ending) in endings {
                    world.made = false;
                    self.put(&mut world, &format!("{path}{ending}"), Some(String::new()))?;
                    world.made = true;
                }
            }
            Op::Reload => world.reloaded = true,
            Op::ByHand { effect, .. } => world = effect.iter().try_fold(world, |world, op| self.make(&world, op))?,
        }
        Some(world)
    }

    /// The files that changes edit.
    pub fn edited(&self, ops: &[Op]) -> BTreeSet<String> {
        let files = ops.iter().filter_map(|op| if let Op::Edit { file, .. } = op { Some(file.clone()) } else { None });
        files.collect()
    }

    fn is_changed(&self, world: &World, file: &str) -> bool {
        self.ground.root.is_some_and(|root| world.files.contains_key(&root.place(file)))
    }

    /// The world after several changes, in order.
    pub fn apply_all<'o>(&self, world: &World, ops: impl IntoIterator<Item = &'o Op>) -> Option<World> {
        let ops: Vec<&Op> = ops.into_iter().collect();
        let (mut world, mut rest) = (world.clone(), ops.as_slice());
        while let Some((first, others)) = rest.split_first() {
            let mut services = HashSet::new();
            let mut is_next = |op: &Op| match (first, op) {
                (Op::Edit { file: one, .. }, Op::Edit { file, edit: Edit::MasterCf { service, .. } }) => {
                    one == file && services.insert(service.clone())
                }
                _ => false,
            };
            let count = rest.iter().take_while(|op| is_next(op)).count();
            match self.apply_each(&world, rest.get(..count).unwrap_or_default()) {
                Some(next) => (world, rest) = (next, rest.get(count..).unwrap_or_default()),
                None => (world, rest) = (self.apply(&world, first)?, others),
            }
        }
        Some(world)
    }

    /// The world after many edits of one long file, made in one pass; `None` where they have to be made one by one.
    fn apply_each(&self, world: &World, ops: &[&Op]) -> Option<World> {
        let Some(Op::Edit { file, .. }) = ops.first().filter(|_| ops.len() > 1) else { return None };
        let edits: Vec<&Edit> =
            ops.iter().filter_map(|op| if let Op::Edit { edit, .. } = op { Some(edit) } else { None }).collect();
        let text = self.text(world, file).filter(|_| self.lasts(world, file))?;
        let new = Edit::apply_each(&edits, &text).filter(|new| !self.tells_secrets(&text, new))?;
        let mut world = world.clone();
        self.put(&mut world, file, Some(new))?;
        Some(world)
    }

    /// The world after these files have these contents; `None`: there is none.
    pub fn with_texts(&self, texts: impl IntoIterator<Item = (String, Option<String>)>) -> Option<World> {
        let mut world = self.world();
        for (file, text) in texts {
            self.put(&mut world, &file, text)?;
        }
        Some(world)
    }

    /// Whether lines that change hold a secret: such an edit could not be shown.
    fn tells_secrets(&self, old: &str, new: &str) -> bool {
        let same = |(a, b): &(&str, &str)| a == b;
        let start = old.lines().zip(new.lines()).take_while(same).count();
        let end = old.lines().rev().zip(new.lines().rev()).take_while(same).count();
        let tells = |text: &str| {
            let lines = text.lines().count();
            let mut between = text.lines().take(lines.saturating_sub(end)).skip(start);
            between.any(|line| self.memory.secrets().mask(line) != line)
        };
        tells(old) || tells(new)
    }

    fn put(&self, world: &mut World, file: &str, text: Option<String>) -> Option<()> {
        let place = self.ground.root?.place(file);
        let is_hosts = place == self.ground.root?.place(HOSTS);
        let is_made = MADE.contains(&file);
        if world.made && !is_made {
            (world.age, world.made) = (world.age + 1, false);
        }
        world.made |= is_made;
        let changed = text.map(|text| Changed { text: text.into(), modified: LATER + world.age * APART });
        world.files.insert(place, changed);
        if is_hosts {
            let hosts = self.hosts(world);
            if let Some(kernel) = &mut world.kernel {
                kernel.hosts_changed(&hosts);
            }
        }
        Some(())
    }

    fn hosts(&self, world: &World) -> Vec<crate::facts::HostsEntry> {
        let text = self.text(world, HOSTS);
        let root = self.ground.root;
        text.zip(root).map(|(text, root)| self.memory.hosts(&root.put_file(HOSTS, &text))).unwrap_or_default()
    }

    /// Collects, resolves and judges the host of a world.
    pub fn try_out(&self, world: &World) -> Rc<Trial> {
        let mut kept = self.kept.borrow_mut();
        if let Some(at) = kept.iter().position(|(known, _)| known == world) {
            let found = kept.remove(at);
            let trial = Rc::clone(&found.1);
            kept.insert(0, found);
            return trial;
        }
        drop(kept);
        let whole = self.left_out.borrow().is_empty() && self.sample.borrow().files.is_empty();
        let is_unchanged = *world == self.world();
        let is_start = whole && is_unchanged;
        if !is_unchanged {
            self.has_tried.set(true);
        }
        let trial = Rc::new(if is_start { self.start() } else { self.judged(world) });
        self.work.set(self.work.get() + work_of(&trial.facts, &trial.dns));
        let mut kept = self.kept.borrow_mut();
        kept.truncate(if entries(&trial.facts) <= KEPT_ENTRIES { KEPT - 1 } else { 0 });
        kept.insert(0, (world.clone(), Rc::clone(&trial)));
        trial
    }
}

#[cfg(test)]
mod tests;
