//! A plan as data: its steps, what each settles, what remains.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::findings::{FirstStep, Fix, Who};
use crate::remedy::action::Action;

/// What to do, in this order, and what is left then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Plan {
    /// The steps were carried out on a copy in memory, and the host was judged again.
    pub judged: bool,
    /// The steps.
    pub steps: Vec<Step>,
    /// Errors and warnings that are left when all is done.
    pub remains: Vec<Remaining>,
    /// Findings only worth knowing that are gone too when all is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Settled>,
    /// The search ended at its bound: there may be a better plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bounded: bool,
}

impl Default for Plan {
    /// Nothing to do, and nothing left.
    fn default() -> Plan {
        Plan { judged: true, steps: Vec::new(), remains: Vec::new(), also: Vec::new(), bounded: false }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Step {
    /// From 1.
    pub number: usize,
    /// Who must act.
    pub who: Who,
    /// What to do, in a sentence or two; or the text of a ticket.
    pub text: String,
    /// Exact commands or records, one a line; may be empty.
    pub commands: Vec<String>,
    /// The same as data.
    pub actions: Vec<Action>,
    /// The findings that are gone after it, for good.
    pub settles: Vec<Settled>,
    /// Numbers of the steps that come first.
    pub after: Vec<usize>,
    /// Why this way, and what the other ways would be.
    pub because: Option<String>,
}

/// A finding that a step settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Settled {
    /// The rule's code.
    pub code: String,
    /// The finding's subject.
    pub subject: String,
}

/// A finding that is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Remaining {
    /// The rule's code.
    pub code: String,
    /// The finding's subject.
    pub subject: String,
    /// Why it is left.
    pub because: String,
}

impl Plan {
    /// What of the plan settles some of these findings, by code and subject, with the steps that come first and those that have it read; numbered
    /// anew.
    pub fn settling(mut self, findings: &BTreeSet<(&str, &str)>) -> Plan {
        let is_one = |code: &str, subject: &str| findings.contains(&(code, subject));
        self.remains.retain(|left| is_one(&left.code, &left.subject));
        self.also.retain(|gone| is_one(&gone.code, &gone.subject));
        let wanted = |step: &Step| step.settles.iter().any(|settled| is_one(&settled.code, &settled.subject));
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        for step in self.steps.iter().rev() {
            if wanted(step) || kept.contains(&step.number) {
                kept.insert(step.number);
                kept.extend(&step.after);
            }
        }
        // A step that settles nothing by itself has what was changed before it read.
        let reads = |step: &&Step| step.settles.is_empty() && step.after.iter().any(|before| kept.contains(before));
        let reading: Vec<usize> = self.steps.iter().filter(reads).map(|step| step.number).collect();
        kept.extend(reading);
        self.steps.retain(|step| kept.contains(&step.number));
        let place = |number: &usize| kept.iter().position(|known| known == number).map(|place| place + 1);
        for step in &mut self.steps {
            step.number = place(&step.number).unwrap_or(step.number);
            step.after = step.after.iter().filter_map(place).collect();
            step.settles.retain(|settled| is_one(&settled.code, &settled.subject));
        }
        self
    }

    /// The first step, where it settles two findings or more.
    pub fn headline(&self) -> Option<FirstStep> {
        let settled: usize = self.steps.iter().map(|step| step.settles.len()).sum();
        let first = self.steps.first().filter(|step| step.settles.len() > 1)?;
        let fix = Fix { who: first.who, text: first.text.clone(), commands: first.commands.clone() };
        Some(FirstStep { settles: first.settles.len(), of: settled + self.remains.len(), fix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: usize, settles: &[&str], after: &[usize]) -> Step {
        let settled = |code: &&str| Settled { code: (*code).to_owned(), subject: "x".to_owned() };
        Step {
            number,
            who: Who::Host,
            text: format!("step {number}"),
            commands: Vec::new(),
            actions: Vec::new(),
            settles: settles.iter().map(settled).collect(),
            after: after.to_vec(),
            because: None,
        }
    }

    #[test]
    fn of_a_plan_what_settles_some_findings_and_what_that_rests_on() {
        let left = |code: &str| Remaining { code: code.into(), subject: "x".into(), because: String::new() };
        let plan = Plan {
            steps: vec![
                step(1, &["HLO003"], &[]),
                step(2, &["PTR001"], &[]),
                step(3, &["MIG001", "NET001"], &[2]),
                step(4, &[], &[1]),
                step(5, &[], &[3]),
            ],
            remains: vec![left("MIG003"), left("HST005")],
            ..Plan::default()
        };
        let plan = plan.settling(&[("MIG001", "x"), ("MIG003", "x"), ("HLO003", "y")].into());
        let shown: Vec<_> =
            plan.steps.iter().map(|s| (s.number, s.text.as_str(), s.settles.len(), s.after.clone())).collect();
        assert_eq!(shown, [(1, "step 2", 0, vec![]), (2, "step 3", 1, vec![1]), (3, "step 5", 0, vec![2])]);
        assert_eq!(plan.remains, [left("MIG003")]);
    }
}
