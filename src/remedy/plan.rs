//! The search for the changes that leave least wrong, and their proof: everything that is printed was tried.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use crate::observe::Question;
use crate::remedy::bound::Tried;
use crate::remedy::candidates::{self, Candidate, State, cost};
use crate::remedy::op::{Op, edited};
use crate::remedy::shapes::{self, Round, Shapes, Used};
use crate::remedy::step::Plan;
use crate::remedy::steps;
use crate::remedy::trial::{self, Key, Score, Trial};
use crate::remedy::world::{Ground, Lab, World};

/// States that are followed at once on hosts of few paths: a change that settles less may be the beginning of a cheaper plan.
const BEAM: usize = 4;
/// Paths up to which a host is one of few paths.
const FEW_PATHS: usize = 10;
/// Entries of maps up to which the same holds.
const ENTRIES: usize = 2_000;
/// Rounds of changes; each settles something, and no host seen needs more than six.
const ROUNDS: usize = 12;
/// Work of all trials of one host, in units of which a host of one path takes about a hundred for each.
const WORK: usize = 50_000;
/// Trials that every host gets, whatever they take.
const LEAST_TRIALS: usize = 4;
/// Work that changes found for some paths may take when they are made for all, besides that of trials.
const SPREAD: usize = WORK;
/// Changes up to which each is tried without, to see whether it is needed.
const NEEDED: usize = 40;

/// What an error is worth against the cost of changes, while states are compared on the way; at the end errors go before all cost.
const OF_ERROR: u32 = 60;
/// The same for an error that keeps mail from leaving, besides.
const OF_BLOCK: u32 = 300;
/// The same for a warning.
const OF_WARNING: u32 = 20;

/// A plan, and what would have to be asked to find a better one.
pub struct Found {
    /// The plan.
    pub plan: Plan,
    /// Questions that trials brought and nobody has answered.
    pub missing: BTreeSet<Question>,
}

/// A state on the way.
#[derive(Clone)]
struct Node {
    world: World,
    trial: Rc<Trial>,
    ops: Vec<Op>,
    rounds: Vec<Round>,
    cost: u32,
    gives_up: bool,
}

impl Node {
    fn standing(&self) -> (Score, u32, usize) {
        (self.trial.score, self.cost, self.ops.len())
    }

    /// What the state promises, the less the better.
    fn promise(&self) -> u64 {
        let Score { blocked, errors, warnings, refusing } = self.trial.score;
        let weight = |count: usize, of: u32| count as u64 * u64::from(of);
        u64::from(self.cost)
            + weight(blocked, OF_BLOCK)
            + weight(errors, OF_ERROR)
            + weight(warnings, OF_WARNING)
            + refusing as u64
    }
}

/// Searches the plan for a host.
pub fn search(ground: &Ground<'_>) -> Found {
    search_within(ground, WORK)
}

/// The same; trials end after so much work, but for the few that every host gets.
pub(crate) fn search_within(ground: &Ground<'_>, work: usize) -> Found {
    let lab = Lab::new(ground);
    let first = start(&lab);
    let whole = Search::new(&lab, &first, work);
    let (mut best, mut left) = (first.clone(), None);
    if let Some(shapes) = Shapes::of(&first.trial).filter(|_| is_large(&first.trial)) {
        lab.leave_out(shapes.left_out());
        let few = start(&lab);
        let part = Search::new(&lab, &few, work);
        let solved = part.pruned(part.run(few.clone()));
        let cut = lab.cut_maps();
        lab.leave_out_nothing();
        best = whole.spread(&shapes, &first, &solved, &cut);
        left = Some(codes(&solved));
    }
    // What was found for some paths and is right for all was pruned there; what could not be settled for them cannot be for all.
    if !left.is_some_and(|left| codes(&best).is_subset(&left)) {
        best = whole.pruned(whole.run(best));
    }
    let mut plan = steps::plan(&lab, &first.trial, &best.ops);
    plan.bounded = (lab.is_over(whole.budget) || whole.cut.get()) && !plan.remains.is_empty();
    Found { plan, missing: lab.missing() }
}

/// The rules that still find something.
fn codes(node: &Node) -> BTreeSet<&'static str> {
    node.trial.findings.iter().map(|finding| finding.meta.code).collect()
}

/// Whether a trial of the whole host takes long.
fn is_large(trial: &Trial) -> bool {
    trial.facts.paths.len() > FEW_PATHS || trial::entries(&trial.facts) > ENTRIES
}

fn start(lab: &Lab<'_>) -> Node {
    let world = lab.world();
    let trial = lab.try_out(&world);
    Node { world, trial, ops: Vec::new(), rounds: Vec::new(), cost: 0, gives_up: false }
}

/// How a state is better than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gain {
    /// Findings are gone.
    Findings,
    /// All are there still, of fewer paths: with what helps the others, they may be gone.
    Paths,
}

struct Search<'a> {
    lab: &'a Lab<'a>,
    first: &'a Trial,
    /// What was wrong before.
    errors: &'a BTreeSet<Key>,
    known: &'a BTreeSet<Key>,
    warnings: usize,
    blocked: usize,
    few: bool,
    budget: usize,
    least: usize,
    /// Whether changes were left out, since they were too many.
    cut: Cell<bool>,
    /// What trials came to, on hosts of few paths.
    tried: RefCell<Tried>,
    /// The score of a best state from which nothing led to a better one.
    closed: Cell<Option<(usize, usize, usize)>>,
}

impl<'a> Search<'a> {
    fn new(lab: &'a Lab<'a>, first: &'a Node, work: usize) -> Search<'a> {
        let few = first.trial.facts.paths.len() <= FEW_PATHS;
        let least = LEAST_TRIALS * trial::work_of(&first.trial.facts, &first.trial.dns);
        let (errors, known) = (first.trial.errors(), first.trial.keys());
        Search {
            lab,
            first: &first.trial,
            errors,
            known,
            warnings: first.trial.score.errors + first.trial.score.warnings,
            blocked: first.trial.score.blocked,
            few,
            budget: work.max(lab.work() + least),
            least,
            cut: Cell::new(false),
            tried: RefCell::new(Tried::new(&first.trial)),
            closed: Cell::new(None),
        }
    }

    fn lab_state<'s>(&'s self, node: &'s Node) -> State<'s> {
        State::new(&node.trial, self.lab, &node.world)
    }

    /// What was found for some paths, made for all; the state before where that is no better.
    fn spread(&self, shapes: &Shapes, first: &Node, solved: &Node, cut: &BTreeSet<String>) -> Node {
        let mut node = first.clone();
        for round in &solved.rounds {
            let mut ops = shapes.spread(&self.lab_state(&node), round, &solved.ops, cut);
            let mut known: HashSet<Op> = node.ops.iter().cloned().collect();
            ops.retain(|op| known.insert(op.clone()));
            let allowed = self.lab.work() + SPREAD;
            let (world, made) = self.lab.apply_some(&node.world, &ops, allowed);
            if self.lab.work() >= allowed {
                self.cut.set(true);
            }
            let mut made = made.into_iter();
            ops.retain(|_| made.next() == Some(true));
            let price = ops.iter().map(cost).sum();
            node = self.reached(&node, world, &ops, price, solved.gives_up, Vec::new());
        }
        if self.is_sound(&node) && self.standing(&node) < self.standing(first) { node } else { first.clone() }
    }

    fn run(&self, first: Node) -> Node {
        let mut best = first.clone();
        let mut beam = vec![first];
        for _ in 0..ROUNDS {
            let mut next: Vec<Node> = Vec::new();
            // The best first: where nothing leads on from it, less is tried of the others.
            beam.sort_by_key(|node| !same(&node.ops, &best.ops));
            for node in &beam {
                if self.is_worth(node, 0, &[], &best) {
                    next.extend(self.expand(node, &mut best));
                }
                if same(&node.ops, &best.ops) {
                    self.closed.set(Some(counts(&best)));
                }
            }
            next.sort_by_key(|node| (node.promise(), node.ops.len()));
            let mut kept: Vec<Node> = Vec::new();
            for node in next {
                if kept.len() < if self.few { BEAM } else { 1 } && !kept.iter().any(|known| same(&known.ops, &node.ops))
                {
                    kept.push(node);
                }
            }
            if kept.is_empty() || self.lab.is_over(self.budget) {
                break;
            }
            // Where no more can be settled, only what is cheaper is worth going on with.
            if self.is_final(&best) {
                kept.retain(|node| node.cost < best.cost);
                if kept.is_empty() {
                    break;
                }
            }
            beam = kept;
        }
        best
    }

    /// How good a state is as a plan; what is new in it counts twice.
    fn standing(&self, node: &Node) -> (usize, usize, usize, usize, u32, usize) {
        let new = if self.opens(node) { 0 } else { node.trial.keys().difference(self.known).count() };
        let (score, cost, steps) = node.standing();
        (score.blocked, score.errors, score.warnings + new, score.refusing, cost, steps)
    }

    /// Whether mail leaves again that did not: what was wrong behind that shows only now.
    fn opens(&self, node: &Node) -> bool {
        node.trial.score.blocked < self.blocked
    }

    /// Takes a state for the best where it is better.
    fn settle_for(&self, node: &Node, best: &mut Node) {
        if self.is_sound(node) && self.standing(node) < self.standing(best) {
            *best = node.clone();
        }
    }

    /// Whether no state can leave less than the best one does: nothing is left, or nothing led on from it, and no trial had less of that.
    fn is_final(&self, best: &Node) -> bool {
        let is_closed = || self.closed.get() == Some(counts(best));
        match self.few {
            true => (self.is_perfect(best) || is_closed()) && self.tried.borrow().is_least(&best.trial),
            false => self.is_perfect(best),
        }
    }

    /// Whether a state may lead to a better one than the best, once these changes are made for that price.
    fn is_worth(&self, node: &Node, price: u32, ops: &[Op], best: &Node) -> bool {
        if !self.is_final(best) {
            return true;
        }
        let needed = if self.few { self.tried.borrow().needed(&node.trial, &best.trial, &node.ops, ops) } else { 0 };
        node.cost + price + needed < best.cost
    }

    fn is_perfect(&self, node: &Node) -> bool {
        node.trial.score.errors == 0 && node.trial.score.warnings == 0 && self.is_sound(node)
    }

    /// Whether a state has no error that was not there before, and all ways that were right.
    fn is_sound(&self, node: &Node) -> bool {
        if !node.trial.keeps_right(self.first) {
            return false;
        }
        self.opens(node) || node.trial.errors().is_subset(self.errors) && node.trial.score.warnings <= self.warnings
    }

    /// The better states that one more candidate leads to, and those that several lead to together.
    fn expand(&self, node: &Node, best: &mut Node) -> Vec<Node> {
        let mut state = self.lab_state(node);
        if self.lab.ask(candidates::questions(&state)) {
            state = self.lab_state(node);
        }
        let mut all = shapes::sorted(candidates::all(&state));
        if self.is_final(best) {
            all.retain(|candidate| node.cost + candidate.price() < best.cost);
        }
        let mut unique: Vec<Candidate> = Vec::new();
        for candidate in all {
            if !unique.iter().any(|known| known.ops == candidate.ops) {
                unique.push(candidate);
            }
        }
        let ranks = ranks(&unique);
        let used = |at: usize| -> Option<Used> {
            let (candidate, (kind, rank)) = (unique.get(at)?, ranks.get(at)?);
            let (kind, ops) = (kind.clone(), candidate.ops.clone());
            Some(Used { kind, rank: *rank, group: candidate.group(), ops })
        };
        let mut found: Vec<Node> = Vec::new();
        let mut ends: Vec<(String, Node)> = Vec::new();
        // One for each end at once: on a host with many faulty paths, that is most of the plan.
        let mut firsts: Vec<(&Candidate, Option<Used>)> = Vec::new();
        let mut groups: BTreeSet<String> = BTreeSet::new();
        for (at, candidate) in unique.iter().enumerate() {
            if groups.insert(candidate.group()) {
                firsts.push((candidate, used(at)));
            }
        }
        if firsts.len() > 1 {
            found.extend(self.together(node, firsts));
            found.iter().for_each(|next| self.settle_for(next, best));
            // On a host of many paths a trial takes long, and what one of them needs most of them need.
            if !self.few && !found.is_empty() {
                return found;
            }
        }
        for (at, candidate) in unique.iter().enumerate() {
            if self.lab.is_over(self.budget) {
                break;
            }
            if !self.is_worth(node, candidate.price(), &candidate.ops, best) {
                continue;
            }
            if let Some((next, gain)) = self.with(node, candidate, used(at)) {
                if gain == Gain::Findings {
                    self.settle_for(&next, best);
                }
                match ends.iter_mut().find(|(group, _)| *group == candidate.group()) {
                    Some((_, known)) if known.promise() <= next.promise() => {}
                    Some((_, known)) => *known = next.clone(),
                    None => ends.push((candidate.group(), next.clone())),
                }
                if gain == Gain::Findings {
                    found.push(next);
                }
            }
        }
        if ends.len() > 1 {
            ends.sort_by_key(|(_, node)| node.promise());
            let mut merged = match ends.first() {
                Some((_, first)) => first.clone(),
                None => return found,
            };
            for (_, other) in ends.iter().skip(1) {
                if self.lab.is_over(self.budget) || merged.trial.score == Score::default() {
                    break;
                }
                let mut more = other.ops.get(node.ops.len()..).unwrap_or_default().to_vec();
                let known: u32 = more.iter().filter(|op| merged.ops.contains(op)).map(cost).sum();
                more.retain(|op| !merged.ops.contains(op));
                let used = other.rounds.last().map(|round| round.used.clone()).unwrap_or_default();
                let price = (other.cost - node.cost).saturating_sub(known);
                let Some(mut next) = self.after(&merged, &more, price, other.gives_up, used) else { continue };
                if (next.trial.score, next.trial.concerned) < (merged.trial.score, merged.trial.concerned) {
                    // Taken together, they are one round.
                    if let (Some(last), Some(before)) = (next.rounds.pop(), next.rounds.last_mut()) {
                        before.ops.extend(last.ops);
                        before.used.extend(last.used);
                    }
                    merged = next;
                }
            }
            if self.gain(node, &merged) == Some(Gain::Findings) {
                self.settle_for(&merged, best);
                found.push(merged);
            }
        }
        found
    }

    /// The state after a candidate, where it is better, and how.
    fn with(&self, node: &Node, candidate: &Candidate, used: Option<Used>) -> Option<(Node, Gain)> {
        let used = used.into_iter().collect();
        let next = self.after(node, &candidate.ops, candidate.price(), candidate.gives_up, used)?;
        if self.few {
            self.tried.borrow_mut().made(&candidate.ops, candidate.price(), &node.trial, &next.trial);
        }
        self.gain(node, &next).map(|gain| (next, gain))
    }

    /// The state after several candidates, as far as they can be made one after the other.
    fn together(&self, node: &Node, candidates: Vec<(&Candidate, Option<Used>)>) -> Option<Node> {
        let (mut world, mut ops, mut all, mut price) = (node.world.clone(), Vec::new(), Vec::new(), 0);
        let mut known: HashSet<&Op> = HashSet::new();
        for (candidate, used) in candidates.into_iter().filter(|(candidate, _)| !candidate.gives_up) {
            // What another one does already is done once.
            let new: Vec<&Op> = candidate.ops.iter().filter(|op| !known.contains(op)).collect();
            let Some(next) = self.lab.apply_all(&world, new.iter().copied()) else { continue };
            world = next;
            let dropped: u32 = candidate.ops.iter().filter(|op| known.contains(op)).map(cost).sum();
            price += candidate.price().saturating_sub(dropped);
            ops.extend(new.iter().copied().cloned());
            known.extend(new);
            all.extend(used);
        }
        let next = self.after(node, &ops, price, false, all)?;
        (self.gain(node, &next) == Some(Gain::Findings)).then_some(next)
    }

    /// What a state has won over the one before; nothing where something that worked is lost.
    fn gain(&self, before: &Node, after: &Node) -> Option<Gain> {
        let count = |node: &Node| {
            let new = if self.opens(node) { 0 } else { node.trial.keys().difference(self.known).count() };
            (node.trial.score.blocked, node.trial.score.errors, node.trial.score.warnings + new)
        };
        if !after.gives_up && !after.trial.keeps(&before.trial) {
            return None;
        }
        match count(after).cmp(&count(before)) {
            Ordering::Less => Some(Gain::Findings),
            Ordering::Equal => (after.trial.concerned < before.trial.concerned).then_some(Gain::Paths),
            Ordering::Greater => None,
        }
    }

    fn after(&self, node: &Node, ops: &[Op], price: u32, gives_up: bool, used: Vec<Used>) -> Option<Node> {
        let world = self.lab.apply_all(&node.world, ops)?;
        Some(self.reached(node, world, ops, price, gives_up, used))
    }

    /// The state that changes led to, by the world after them.
    fn reached(&self, node: &Node, world: World, ops: &[Op], price: u32, gives_up: bool, used: Vec<Used>) -> Node {
        let trial = self.lab.try_out(&world);
        if self.few {
            self.tried.borrow_mut().saw(&trial);
        }
        let (mut all, mut rounds) = (node.ops.clone(), node.rounds.clone());
        all.extend(ops.iter().cloned());
        rounds.push(Round { ops: ops.to_vec(), used });
        let gives_up = gives_up || node.gives_up;
        Node { world, trial, ops: all, rounds, cost: node.cost + price, gives_up }
    }

    /// Without the changes that are not needed, the dearest first.
    fn pruned(&self, mut node: Node) -> Node {
        // Edits that undo each other; each of them alone is needed by the other.
        let start = self.lab.world();
        for file in edited(&node.ops) {
            if self.lab.text(&start, &file) == self.lab.text(&node.world, &file) {
                let kept = node.ops.iter().filter(|op| !matches!(op, Op::Edit { file: of, .. } if *of == file));
                let left: Vec<Op> = kept.cloned().collect();
                let Some(world) = self.lab.apply_all(&start, &left) else { continue };
                let trial = self.lab.try_out(&world);
                if trial.score <= node.trial.score {
                    node = Node { world, trial, ops: left, ..node };
                }
            }
        }
        if node.ops.len() > NEEDED {
            return node;
        }
        let mut order: Vec<Op> = node.ops.clone();
        order.sort_by_key(|op| std::cmp::Reverse(cost(op)));
        for op in order {
            if self.lab.is_over(self.budget + self.least) {
                break;
            }
            let left: Vec<Op> = node.ops.iter().filter(|known| **known != op).cloned().collect();
            if left.len() == node.ops.len() {
                continue;
            }
            let Some(world) = self.lab.apply_all(&self.lab.world(), &left) else { continue };
            let trial = self.lab.try_out(&world);
            let kept = node.gives_up || trial.keeps(&node.trial);
            let sound = self.blocked > node.trial.score.blocked || trial.errors().is_subset(self.errors);
            if trial.score <= node.trial.score && kept && sound {
                node = Node { world, trial, cost: node.cost.saturating_sub(cost(&op)), ops: left, ..node };
            }
        }
        node
    }
}

/// What is left in a state.
fn counts(node: &Node) -> (usize, usize, usize) {
    (node.trial.score.blocked, node.trial.score.errors, node.trial.score.warnings)
}

fn same(a: &[Op], b: &[Op]) -> bool {
    a.len() == b.len() && a.iter().all(|op| b.contains(op))
}

/// The kind of each candidate, and how many of the same kind and group stand before it.
fn ranks(all: &[Candidate]) -> Vec<(Vec<String>, usize)> {
    let mut seen: HashMap<(String, Vec<String>), usize> = HashMap::new();
    let rank = |candidate: &Candidate| {
        let kind = shapes::kinds(&candidate.ops);
        let next = seen.entry((candidate.group(), kind.clone())).or_default();
        *next += 1;
        (kind, *next - 1)
    };
    all.iter().map(rank).collect()
}
