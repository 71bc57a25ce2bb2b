//! Steps that settle nothing of what was found: what each is there for. One that is there for nothing is not printed.

use std::rc::Rc;

use crate::remedy::edit::few;
use crate::remedy::op::Op;
use crate::remedy::place::Place;
use crate::remedy::step::Step;
use crate::remedy::trial::{Key, Trial};
use crate::remedy::world::Lab;
use crate::rules::support::list;

/// A plan on the way to be written: its groups of changes, and the host after each.
pub(super) struct Groups<'a> {
    pub(super) lab: &'a Lab<'a>,
    pub(super) before: &'a Rc<Trial>,
    pub(super) groups: &'a [(Place, Vec<Op>)],
    pub(super) trials: &'a [Rc<Trial>],
}

impl Groups<'_> {
    /// Says of each step that settles nothing what it is for.
    ///
    /// # Errors
    /// The place of one that is for nothing.
    pub(super) fn explain(&self, steps: &mut [Step]) -> Result<(), usize> {
        for at in 0..steps.len() {
            let (Some(step), Some((place, _))) = (steps.get(at), self.groups.get(at)) else { continue };
            if !step.settles.is_empty() || *place == Place::Daemons {
                continue;
            }
            let reason = self.reason(steps, at).ok_or(at)?;
            let step = &mut steps[at];
            step.because = Some(step.because.take().map_or(reason.clone(), |because| format!("{reason} {because}")));
        }
        Ok(())
    }

    fn reason(&self, steps: &[Step], at: usize) -> Option<String> {
        let after = self.trials.get(at)?;
        let start = at.checked_sub(1).and_then(|at| self.trials.get(at)).unwrap_or(self.before);
        let is_left = |key: &Key| self.trials[at..].iter().any(|trial| trial.keys().contains(key));
        let known = |key: &Key| self.before.keys().contains(key);
        let shown: Vec<&Key> =
            start.keys().difference(after.keys()).filter(|key| !known(key) && !is_left(key)).collect();
        if let Some(first) =
            shown.iter().filter_map(|key| self.trials.iter().position(|t| t.keys().contains(*key))).min()
        {
            return Some(format!("It settles what shows after step {}: {}.", first + 1, told(&shown)));
        }
        let number = at + 1;
        let rests = |step: &&Step| step.after.contains(&number) && !step.settles.is_empty();
        if let Some(step) = steps.iter().find(rests) {
            return Some(format!("Step {} rests on it.", step.number));
        }
        let others = self.groups.iter().enumerate().filter(|(other, _)| *other != at).flat_map(|(_, (_, ops))| ops);
        let Some(world) = self.lab.apply_all(&self.lab.world(), others) else {
            return Some("The other steps rest on it.".to_owned());
        };
        let (without, last) = (self.lab.try_out(&world), self.trials.last()?);
        let new: Vec<&Key> = without.keys().difference(last.keys()).collect();
        if !new.is_empty() {
            return Some(format!("Without it, the other steps would lead to {}.", told(&new)));
        }
        (without.score > last.score).then(|| "Without it, more receivers would refuse the mail.".to_owned())
    }
}

fn told(keys: &[&Key]) -> String {
    let mut all: Vec<String> = keys.iter().map(|(code, subject)| format!("{code} {subject}")).collect();
    few(&mut all, "findings");
    list(&all)
}
