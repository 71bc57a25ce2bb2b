//! Where answers come from, chosen once for a run: servers, zone files, what was recorded, nobody; and planned records in front.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::plan::{FollowUps, Plan};
use crate::observe::recorded::Zones;
use crate::observe::resolver::{self, Client, Manners, Options};
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

    /// What is said to the questions that a host's facts bring. Where nobody is asked, they are not made.
    pub fn answer_for(&self, facts: &Facts, dns: Observations) -> Observations {
        let plan = if matches!(self.answers, Answers::Nobody) { Plan::default() } else { Plan::new(facts) };
        self.answer(&plan, dns)
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

    /// Puts the questions of `client` until it has none and all are answered. Servers are treated as `manners` says, and the end of
    /// [`Answers::Live`] is not heeded.
    pub fn stream(&self, manners: &Manners, client: &mut dyn Client) {
        match (&self.answers, &self.planned) {
            (Answers::Live(options, _), None) => resolver::stream(options, manners, client),
            (Answers::Live(options, _), Some((name, zones))) => {
                let mut planned = Planned { name, zones, client, waiting: HashMap::new() };
                resolver::stream(options, manners, &mut planned);
            }
            (Answers::Recorded(recorded), None) => {
                while let Some(question) = client.next() {
                    client.answered(&question, recorded);
                }
            }
            _ => {
                while let Some(question) = client.next() {
                    let dns = self.answer(&plan_of(&question), Observations::default());
                    client.answered(&question, &dns);
                }
            }
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

/// A plan that asks one question.
fn plan_of(question: &Question) -> Plan {
    Plan { initial: BTreeSet::from([question.clone()]), follow_ups: FollowUps::default() }
}

/// A client in front of which planned records answer.
struct Planned<'p> {
    name: &'p str,
    zones: &'p Zones,
    client: &'p mut dyn Client,
    /// Questions that servers are asked, and those that wait for the answer: the same, or planned aliases of its name.
    waiting: HashMap<Question, Vec<Question>>,
}

impl Planned<'_> {
    /// What is said to a question by the plan and `dns`, and what servers have to be asked for it.
    fn over(&self, question: &Question, dns: &Observations) -> (Observations, Option<Question>) {
        let mut wanted = None;
        let said = self.zones.overlay(self.name, &plan_of(question), dns.clone(), |questions, dns| {
            wanted = questions.first().cloned();
            dns
        });
        (said, wanted)
    }
}

impl Client for Planned<'_> {
    fn next(&mut self) -> Option<Question> {
        loop {
            let question = self.client.next()?;
            let (said, wanted) = self.over(&question, &Observations::default());
            let Some(wanted) = wanted else {
                self.client.answered(&question, &said);
                continue;
            };
            let waiting = self.waiting.entry(wanted.clone()).or_default();
            waiting.push(question);
            if waiting.len() == 1 {
                return Some(wanted);
            }
        }
    }

    fn sake(&self, question: &Question) -> DomainName {
        let first = self.waiting.get(question).and_then(|waiting| waiting.first());
        self.client.sake(first.unwrap_or(question))
    }

    fn answered(&mut self, question: &Question, dns: &Observations) {
        for waiting in self.waiting.remove(question).unwrap_or_default() {
            let (said, _) = self.over(&waiting, dns);
            self.client.answered(&waiting, &said);
        }
    }

    fn pause(&mut self) {
        self.client.pause();
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
        let offline = Source { answers: Answers::Nobody, planned: planned() };
        let offline = offline.answer_for(&facts, Observations::default());
        assert!(offline.offline && offline.replies.is_empty() && offline.vantages[0].kind == VantageKind::Overlay);
    }
}
