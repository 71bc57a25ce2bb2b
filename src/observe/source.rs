//! Where answers come from, chosen once for a run: servers, zone files, what was recorded, nobody; and planned records in front.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::observe::plan::Plan;
use crate::observe::recorded::Zones;
use crate::observe::resolver::{self, Options};
use crate::observe::{Observations, Question, Vantage, VantageKind};

/// Who answers.
#[derive(Debug)]
pub enum Answers {
    /// Nobody: nothing is to be asked.
    Nobody,
    /// What was recorded, and nobody else.
    Recorded(Observations),
    /// Zone files.
    Zones(Zones),
    /// Servers, until this time: whatever has no reply by then is a time-out.
    Live(Options, Instant),
}

/// Where answers come from.
#[derive(Debug)]
pub struct Source {
    /// Who answers.
    pub answers: Answers,
    /// Planned records, which answer first, and the name that they go by.
    pub planned: Option<(String, Zones)>,
}

impl Source {
    /// Answers without planned records.
    pub fn new(answers: Answers) -> Source {
        Source { answers, planned: None }
    }

    /// Whether time passes while it answers: what it says is of now.
    pub fn is_live(&self) -> bool {
        matches!(self.answers, Answers::Live(..))
    }

    /// What is said to the questions of `plan`, and to those that the answers bring. Questions that have replies in `dns` keep them.
    pub fn answer(&self, plan: &Plan, dns: Observations) -> Observations {
        let dns = match &self.answers {
            Answers::Nobody => Observations::offline(),
            Answers::Recorded(recorded) => recorded.clone(),
            Answers::Zones(_) | Answers::Live(..) => dns,
        };
        match &self.planned {
            None => self.more(&plan.initial, plan, dns),
            // Where nothing is asked, the plan is no answer either, and stands there as what it is.
            Some((name, _)) if dns.offline => {
                let mut dns = dns;
                dns.vantages.push(Vantage { name: name.clone(), server: None, kind: VantageKind::Overlay });
                dns
            }
            Some((name, planned)) => planned.overlay(name, plan, dns, |questions, dns| self.more(questions, plan, dns)),
        }
    }

    fn more(&self, questions: &BTreeSet<Question>, plan: &Plan, dns: Observations) -> Observations {
        match &self.answers {
            Answers::Nobody | Answers::Recorded(_) => dns,
            Answers::Zones(zones) => zones.answer_more(questions, &plan.follow_ups, dns),
            Answers::Live(options, end) => {
                let timeout = end.saturating_duration_since(Instant::now());
                resolver::ask(questions, &plan.follow_ups, &Options { timeout, ..options.clone() }, dns)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::samples::{facts, helo_path};

    #[test]
    fn a_plan_goes_before_recorded_answers_and_is_told_of_without_any() {
        let mut facts = facts();
        facts.paths = vec![helo_path("192.0.2.10", "mail.example.com")];
        let plan = Plan::new(&facts);
        let zone = "$ORIGIN 2.0.192.in-addr.arpa.\n@ 60 SOA ns. h. 1 1 1 1 60\n10 60 PTR old.example.com.\n";
        let zones = Zones::load([("2.0.192.in-addr.arpa.zone".to_owned(), zone)]).unwrap();
        let recorded = Source::new(Answers::Zones(zones)).answer(&plan, Observations::default());
        let asked = recorded.replies.len();
        let planned = || {
            let zones = Zones::planned("plan", "10.2.0.192.in-addr.arpa. PTR mail.example.com.").unwrap();
            Some(("planned".to_owned(), zones))
        };
        let ptr = |dns: &Observations| dns.ptr("192.0.2.10".parse().unwrap()).found()[0].to_string();
        let source = Source { answers: Answers::Recorded(recorded.clone()), planned: planned() };
        let dns = source.answer(&plan, Observations::default());
        assert_eq!((ptr(&recorded).as_str(), ptr(&dns).as_str()), ("old.example.com", "mail.example.com"));
        assert_eq!(dns.replies.len(), asked, "nothing more is asked");
        let alone = Source::new(Answers::Recorded(recorded.clone()));
        assert_eq!(alone.answer(&plan, Observations::default()), recorded);
        let offline = Source { answers: Answers::Nobody, planned: planned() }.answer(&plan, Observations::default());
        assert!(offline.offline && offline.replies.is_empty() && offline.vantages[0].kind == VantageKind::Overlay);
    }
}
