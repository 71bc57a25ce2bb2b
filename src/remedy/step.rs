//! A plan as data: its steps, what each settles, what remains.

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
    /// The search ended at its bound: there may be a better plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bounded: bool,
}

impl Default for Plan {
    /// Nothing to do, and nothing left.
    fn default() -> Plan {
        Plan { judged: true, steps: Vec::new(), remains: Vec::new(), bounded: false }
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
    /// The first step, where it settles two findings or more.
    pub fn headline(&self) -> Option<FirstStep> {
        let settled: usize = self.steps.iter().map(|step| step.settles.len()).sum();
        let first = self.steps.first().filter(|step| step.settles.len() > 1)?;
        let fix = Fix { who: first.who, text: first.text.clone(), commands: first.commands.clone() };
        Some(FirstStep { settles: first.settles.len(), of: settled + self.remains.len(), fix })
    }
}
