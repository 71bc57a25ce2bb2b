//! The search for the changes that leave least wrong, and their proof: everything that is printed was tried.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::collect::root::Root;
use crate::observe::Question;
use crate::observe::change::RecordChange;
use crate::remedy::candidates::{self, Candidate, State};
use crate::remedy::step::Plan;
use crate::remedy::steps;
use crate::remedy::world::{Ground, Lab, Op, Score, Trial, World};

/// States that are followed at once on hosts of few paths: a change that settles less may be the beginning of a cheaper plan.
const BEAM: usize = 4;
/// Paths up to which a host is one of few paths.
const FEW_PATHS: usize = 10;
/// Rounds of changes; each settles something, and no host seen needs more than six.
const ROUNDS: usize = 12;
/// Trials for a host of few paths; of one with more, fewer, since each takes longer.
const TRIALS: usize = 600;
/// Trials that every host gets.
const LEAST_TRIALS: usize = 60;
/// Changes up to which each is tried without, to see whether it is needed.
const NEEDED: usize = 40;

/// Octets of files up to which trials are made.
const BYTES: usize = 256 << 10;
/// Errors and warnings up to which trials are made.
const FINDINGS: usize = 5000;

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

/// What a change costs: who must act, then how much.
pub fn cost(op: &Op) -> u32 {
    match op {
        Op::Record(RecordChange::SetPtr(..)) => 100,
        Op::Record(RecordChange::Publish(..)) => 30,
        Op::Record(RecordChange::Withdraw(..)) => 5,
        Op::HostName(_) => 4,
        Op::Address { .. } => 3,
        Op::Route { .. } => 4,
        Op::Edit { .. } | Op::Remove { .. } => 2,
        Op::Generate { .. } | Op::Compile { .. } | Op::Reload => 1,
        Op::ByHand { effect, .. } => 1 + effect.iter().map(cost).sum::<u32>(),
    }
}

/// Searches the plan for a host.
pub fn search(ground: &Ground<'_>) -> Found {
    let lab = Lab::new(ground);
    let start = lab.world();
    let trial = Rc::new(lab.try_out(&start));
    let first = Node { world: start, trial, ops: Vec::new(), cost: 0, gives_up: false };
    let search = Search::new(&lab, &first);
    // Trials read everything again and judge it: where that alone would take longer than a check, nothing is tried.
    let bytes = ground.root.map_or(0, Root::kept_bytes);
    let small = bytes <= BYTES && first.trial.findings.len() <= FINDINGS;
    let best = if small { search.run(first.clone()) } else { first.clone() };
    let best = search.pruned(best);
    let plan = steps::plan(&lab, &first.trial, &best.ops);
    Found { plan, missing: lab.missing() }
}

struct Search<'a> {
    lab: &'a Lab<'a>,
    /// What was wrong before.
    errors: BTreeSet<(&'static str, String)>,
    known: BTreeSet<(&'static str, String)>,
    warnings: usize,
    blocked: usize,
    few: bool,
    budget: usize,
}

impl<'a> Search<'a> {
    fn new(lab: &'a Lab<'a>, first: &Node) -> Search<'a> {
        let paths = first.trial.facts.paths.len();
        let few = paths <= FEW_PATHS;
        let budget = if few { TRIALS } else { (TRIALS * FEW_PATHS / paths.max(1)).max(LEAST_TRIALS) };
        let (errors, known) = (first.trial.errors(), first.trial.keys());
        Search {
            lab,
            errors,
            known,
            warnings: first.trial.score.errors + first.trial.score.warnings,
            blocked: first.trial.score.blocked,
            few,
            budget,
        }
    }

    fn run(&self, first: Node) -> Node {
        let mut best = first.clone();
        let mut beam = vec![first];
        for _ in 0..ROUNDS {
            let mut next: Vec<Node> = Vec::new();
            for node in &beam {
                next.extend(self.expand(node, &best));
            }
            next.sort_by_key(|node| (node.promise(), node.ops.len()));
            let mut kept: Vec<Node> = Vec::new();
            for node in next {
                if self.is_sound(&node) && self.standing(&node) < self.standing(&best) {
                    best = node.clone();
                }
                if kept.len() < if self.few { BEAM } else { 1 } && !kept.iter().any(|known| same(&known.ops, &node.ops))
                {
                    kept.push(node);
                }
            }
            if kept.is_empty() || self.lab.is_over(self.budget) {
                break;
            }
            // Where nothing is wrong any more, only what is cheaper is worth going on with.
            if self.is_perfect(&best) {
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
        let new = if self.opens(node) { 0 } else { node.trial.keys().difference(&self.known).count() };
        let (score, cost, steps) = node.standing();
        (score.blocked, score.errors, score.warnings + new, score.refusing, cost, steps)
    }

    /// Whether mail leaves again that did not: what was wrong behind that shows only now.
    fn opens(&self, node: &Node) -> bool {
        node.trial.score.blocked < self.blocked
    }

    fn is_perfect(&self, node: &Node) -> bool {
        node.trial.score.errors == 0 && node.trial.score.warnings == 0 && self.is_sound(node)
    }

    /// Whether a state has no error that was not there before.
    fn is_sound(&self, node: &Node) -> bool {
        self.opens(node) || node.trial.errors().is_subset(&self.errors) && node.trial.score.warnings <= self.warnings
    }

    /// The better states that one more candidate leads to, and those that several lead to together.
    fn expand(&self, node: &Node, best: &Node) -> Vec<Node> {
        let state = State { trial: &node.trial, lab: self.lab, world: &node.world };
        let mut all = candidates::all(&state);
        let price = |candidate: &Candidate| candidate.ops.iter().map(cost).sum::<u32>() + candidate.blast;
        all.sort_by_key(price);
        if self.is_perfect(best) {
            all.retain(|candidate| node.cost + price(candidate) < best.cost);
        }
        let mut unique: Vec<Candidate> = Vec::new();
        for candidate in all {
            if !candidate.ops.is_empty() && !unique.iter().any(|known| known.ops == candidate.ops) {
                unique.push(candidate);
            }
        }
        let mut found: Vec<Node> = Vec::new();
        let mut ends: Vec<(String, Node)> = Vec::new();
        // One for each end at once: on a host with many faulty paths, that is most of the plan.
        let mut firsts: Vec<&Candidate> = Vec::new();
        for candidate in &unique {
            if !firsts.iter().any(|known| known.group() == candidate.group()) {
                firsts.push(candidate);
            }
        }
        if firsts.len() > 1 {
            found.extend(self.together(node, firsts));
            // On a host of many paths a trial takes long, and what one of them needs most of them need.
            if !self.few && !found.is_empty() {
                return found;
            }
        }
        for candidate in &unique {
            if self.lab.is_over(self.budget) {
                break;
            }
            if let Some(next) = self.with(node, candidate) {
                match ends.iter_mut().find(|(group, _)| *group == candidate.group()) {
                    Some((_, known)) if known.promise() <= next.promise() => {}
                    Some((_, known)) => *known = next.clone(),
                    None => ends.push((candidate.group(), next.clone())),
                }
                found.push(next);
            }
        }
        if ends.len() > 1 {
            ends.sort_by_key(|(_, node)| node.promise());
            let mut merged = match ends.first() {
                Some((_, first)) => first.clone(),
                None => return found,
            };
            for (_, other) in ends.iter().skip(1) {
                if self.lab.is_over(self.budget) {
                    break;
                }
                let more = other.ops.get(node.ops.len()..).unwrap_or_default();
                let Some(next) = self.after(&merged, more, other.cost - node.cost, other.gives_up) else { continue };
                if next.trial.score < merged.trial.score {
                    merged = next;
                }
            }
            found.push(merged);
        }
        found
    }

    /// The state after a candidate, where it is better.
    fn with(&self, node: &Node, candidate: &Candidate) -> Option<Node> {
        let price = candidate.ops.iter().map(cost).sum::<u32>() + candidate.blast;
        let next = self.after(node, &candidate.ops, price, candidate.gives_up)?;
        self.is_better(node, &next).then_some(next)
    }

    /// The state after several candidates, as far as they can be made one after the other.
    fn together(&self, node: &Node, candidates: Vec<&Candidate>) -> Option<Node> {
        let (mut world, mut ops, mut price) = (node.world.clone(), Vec::new(), 0);
        for candidate in candidates.into_iter().filter(|candidate| !candidate.gives_up) {
            let Some(next) = self.lab.apply_all(&world, &candidate.ops) else { continue };
            world = next;
            price += candidate.ops.iter().map(cost).sum::<u32>() + candidate.blast;
            ops.extend(candidate.ops.iter().cloned());
        }
        let next = self.after(node, &ops, price, false)?;
        self.is_better(node, &next).then_some(next)
    }

    fn is_better(&self, before: &Node, after: &Node) -> bool {
        let count = |node: &Node| {
            let new = if self.opens(node) { 0 } else { node.trial.keys().difference(&self.known).count() };
            (node.trial.score.blocked, node.trial.score.errors, node.trial.score.warnings + new)
        };
        let lost = !after.gives_up && !before.trial.ways.is_subset(&after.trial.ways);
        count(after) < count(before) && !lost
    }

    fn after(&self, node: &Node, ops: &[Op], price: u32, gives_up: bool) -> Option<Node> {
        let world = self.lab.apply_all(&node.world, ops)?;
        let trial = Rc::new(self.lab.try_out(&world));
        let mut all = node.ops.clone();
        all.extend(ops.iter().cloned());
        Some(Node { world, trial, ops: all, cost: node.cost + price, gives_up: gives_up || node.gives_up })
    }

    /// Without the changes that are not needed, the dearest first.
    fn pruned(&self, mut node: Node) -> Node {
        // Edits that undo each other; each of them alone is needed by the other.
        let start = self.lab.world();
        for file in self.lab.edited(&node.ops) {
            if self.lab.text(&start, &file) == self.lab.text(&node.world, &file) {
                let kept = node.ops.iter().filter(|op| !matches!(op, Op::Edit { file: of, .. } if *of == file));
                let left: Vec<Op> = kept.cloned().collect();
                let Some(world) = self.lab.apply_all(&start, &left) else { continue };
                let trial = Rc::new(self.lab.try_out(&world));
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
            if self.lab.is_over(usize::MAX) {
                break;
            }
            let left: Vec<Op> = node.ops.iter().filter(|known| **known != op).cloned().collect();
            if left.len() == node.ops.len() {
                continue;
            }
            let Some(world) = self.lab.apply_all(&self.lab.world(), &left) else { continue };
            let trial = Rc::new(self.lab.try_out(&world));
            let kept = node.gives_up || node.trial.ways.is_subset(&trial.ways);
            let sound = self.blocked > node.trial.score.blocked || trial.errors().is_subset(&self.errors);
            if trial.score <= node.trial.score && kept && sound {
                node = Node { world, trial, cost: node.cost.saturating_sub(cost(&op)), ops: left, ..node };
            }
        }
        node
    }
}

fn same(a: &[Op], b: &[Op]) -> bool {
    a.len() == b.len() && a.iter().all(|op| b.contains(op))
}
