//! Trials: the host as it would be after changes, collected, resolved and judged again. Nothing is written and nobody is asked; what a
//! trial would have to ask and nobody has answered is noted.

mod change;
mod debian;
mod judge;

pub use change::COMPILED;
pub(super) use change::runs;
pub(super) use debian::{ETC_MAILNAME, LOCALMACROS, MAILNAME, SOURCES};

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::collect::kernel::KernelFacts;
use crate::collect::memory::Memory;
use crate::collect::processes::{Found, processor_time};
use crate::collect::root::{Changed, Root};
use crate::facts::Facts;
use crate::findings::Finding;
use crate::observe::change::RecordChanges;
use crate::observe::{Observations, Question};
use crate::remedy::edit::Refused;
use crate::remedy::sample::Sample;
use crate::remedy::trial::{PathKey, Trial, entries, held, work_of};

/// Processor time for all trials of one plan, whatever was counted: a guard against what no count foresees, such as files in which each line is
/// looked up among a hundred thousand others. A server of 50,000 domains takes 2 s. Without optimization everything takes ten times as long.
const TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 30_000 } else { 3_000 });
/// Worlds whose trials are kept, and how much facts may hold of which more than the last is: what is tried again is tried soon.
const KEPT: usize = 48;
const KEPT_ENTRIES: usize = 4_000;
/// Octets of text that a trial reads anew which take as long as a unit of work, with all that is made of them: it parses what was changed, and
/// evaluates all that rests on that.
const READ: usize = 1_000;

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

impl World {
    /// Whether only records tell one from the other.
    fn is_same_host(&self, other: &World) -> bool {
        self.files == other.files && self.kernel == other.kernel && self.reloaded == other.reloaded
    }
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
    /// Processor time of this thread when trying began, and how much more there may be.
    started: Duration,
    time: Cell<Duration>,
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
            started: processor_time(),
            time: Cell::new(TIME),
        }
    }

    /// Whether so much has been tried that the best that was found has to do.
    pub fn is_over(&self, budget: usize) -> bool {
        self.work.get() >= budget || processor_time().saturating_sub(self.started) >= self.time.get()
    }

    /// Another time than every plan has.
    #[cfg(test)]
    pub(super) fn allow(&self, time: Duration) {
        self.time.set(time);
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

    /// Octets of text that trials have read so far.
    fn octets_given(&self) -> usize {
        self.ground.root.map_or(0, Root::octets_given)
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
        let given = self.octets_given();
        let trial = Rc::new(if is_start { self.start() } else { self.judged(world) });
        let read = (self.octets_given() - given) / READ;
        self.work.set(self.work.get() + work_of(&trial.facts, &trial.dns) + read);
        let mut kept = self.kept.borrow_mut();
        kept.truncate(if entries(&trial.facts) + held(&trial.facts) <= KEPT_ENTRIES { KEPT - 1 } else { 0 });
        kept.insert(0, (world.clone(), Rc::clone(&trial)));
        trial
    }
}

#[cfg(test)]
mod tests;
