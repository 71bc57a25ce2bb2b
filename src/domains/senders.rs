//! SPF of what a domain's mail leaves under: of the domain itself, and of the HELO names.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use super::Answers;
use super::old::Led;
use crate::facts::OutboundPath;
use crate::name::DomainName;
use crate::observe::{Lookups, Question, RecordType, plan};
use crate::spf::{self, Because, Check, Evaluation};

/// HELO names that an evaluation is kept of: those of a host's paths. Where each domain has one of its own, no other asks for it.
const KEPT: usize = 1_024;

/// What SPF says of one address that a domain's mail leaves from.
#[derive(Debug, Clone)]
pub struct SenderCheck {
    /// What receivers see.
    pub address: IpAddr,
    /// The paths that send from it.
    pub paths: Vec<String>,
    /// Whose policy was evaluated: the domain, or, for the HELO identity, the HELO name.
    pub name: DomainName,
    /// The result.
    pub evaluation: Rc<Evaluation>,
}

/// What checks of HELO names came to. Whose mail it is makes no difference: each is worked out once for all domains.
#[derive(Debug, Default)]
pub(super) struct HeloEvaluations(RefCell<BTreeMap<Check, Rc<Evaluation>>>);

impl HeloEvaluations {
    /// What `check` comes to; or the questions that have to be asked first.
    fn evaluate(&self, check: Check, lookup: &Lookups<'_>) -> Result<Rc<Evaluation>, BTreeSet<Question>> {
        if let Some(known) = self.0.borrow().get(&check) {
            return Ok(Rc::clone(known));
        }
        let evaluation = evaluate(&check, lookup)?;
        let mut kept = self.0.borrow_mut();
        // What was not answered may be yet.
        if kept.len() < KEPT && !matches!(evaluation.because, Some(Because::Temp(_))) {
            kept.insert(check, Rc::clone(&evaluation));
        }
        Ok(evaluation)
    }
}

fn evaluate(check: &Check, lookup: &Lookups<'_>) -> Result<Rc<Evaluation>, BTreeSet<Question>> {
    match spf::evaluate(check, lookup) {
        spf::Outcome::Needs(questions) => Err(questions),
        spf::Outcome::Done(evaluation) => Ok(evaluation.into()),
    }
}

/// SPF for each address and HELO name of the paths: of the domain, then of the HELO names; `led`: what the domain's leads to is noted. Receivers look at the relay of a relayed path, and
/// what a program sends that is given everything is not known.
pub(super) fn sender_checks(
    paths: &[&OutboundPath],
    domain: &DomainName,
    (answers, known): (&Answers, &HeloEvaluations),
    led: Option<&Led>,
    needs: &mut Vec<Question>,
) -> (Vec<SenderCheck>, Vec<SenderCheck>) {
    let lookup = |question: &Question| answers.lookup(question);
    let noted = |question: &Question| {
        if let Some(led) = led {
            led.borrow_mut().push(question.clone());
        }
        answers.lookup(question)
    };
    let own = checks(paths, &|_| Some(domain.clone()), &|check| evaluate(&check, &noted), needs);
    let is_asked = |path: &OutboundPath| helo_domain(path).filter(plan::is_askable);
    let helo = checks(paths, &is_asked, &|check| known.evaluate(check, &lookup), needs);
    if own.is_empty() {
        // The record is shown where no path is judged, too.
        let question = Question::new(domain, RecordType::Txt);
        if !answers.has(&question) {
            needs.push(question);
        }
    }
    (own, helo)
}

/// SPF of the HELO names of these paths, where `wanted` says that it is looked at, as far as the answers decide it.
pub fn helo_checks(
    paths: &[&OutboundPath],
    wanted: &dyn Fn(&DomainName) -> bool,
    lookup: &Lookups<'_>,
) -> Vec<SenderCheck> {
    checks(paths, &|path| helo_domain(path).filter(wanted), &|check| evaluate(&check, lookup), &mut Vec::new())
}

fn helo_domain(path: &OutboundPath) -> Option<DomainName> {
    path.helo_name().map(|fact| fact.value.domain())
}

/// SPF of the name that `whose` gives for each path, for the address that receivers see, each pair once. What is not known yet goes to `needs`.
fn checks(
    paths: &[&OutboundPath],
    whose: &dyn Fn(&OutboundPath) -> Option<DomainName>,
    evaluate: &dyn Fn(Check) -> Result<Rc<Evaluation>, BTreeSet<Question>>,
    needs: &mut Vec<Question>,
) -> Vec<SenderCheck> {
    let mut checks: Vec<SenderCheck> = Vec::new();
    for path in paths.iter().filter(|path| path.relayed.is_none() && !path.handed_over) {
        let Some(address) = path.sending.as_ref().map(|fact| fact.value) else { continue };
        let Some(name) = whose(path) else { continue };
        if let Some(known) = checks.iter_mut().find(|check| check.address == address && check.name == name) {
            known.paths.push(path.id.clone());
            continue;
        }
        let presented = path.helo_name().map_or_else(|| "unknown".into(), |helo| helo.value.shared());
        match evaluate(Check::new(address, &name, presented)) {
            Err(questions) => needs.extend(questions),
            Ok(evaluation) => checks.push(SenderCheck { address, paths: vec![path.id.clone()], name, evaluation }),
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::cell::Cell;

    use super::*;
    use crate::observe::{Lookup, RecordData, Why};
    use crate::spf::SpfResult;

    /// How often an answer is looked up in two checks of one HELO name.
    fn lookups(known: &HeloEvaluations, helo: &str, answer: &Lookup<RecordData>) -> [usize; 2] {
        let looked = Cell::new(0);
        let lookup = |_: &Question| {
            looked.set(looked.get() + 1);
            Some(Cow::Borrowed(answer))
        };
        [(); 2].map(|()| {
            let before = looked.get();
            let check = Check::new([192, 0, 2, 1].into(), &DomainName::new(helo), helo);
            assert_eq!(known.evaluate(check.clone(), &lookup), evaluate(&check, &|_| Some(Cow::Borrowed(answer))));
            looked.get() - before
        })
    }

    #[test]
    fn a_helo_name_is_evaluated_once_unless_a_question_is_open() {
        let known = HeloEvaluations::default();
        let text = |text: &str| Lookup::Found(vec![RecordData::Txt(text.to_owned())]);
        for (helo, answer) in [
            ("a.example", text("v=spf1 ip4:192.0.2.1 -all")),
            ("b.example", text("v=spf1 -all")),
            ("c.example", Lookup::NoData),
        ] {
            let [first, again] = lookups(&known, helo, &answer);
            assert!(first > 0 && again == 0, "{helo}: {first}, {again}");
        }
        let [first, again] = lookups(&known, "open.example", &Lookup::Unanswered(Why::Timeout));
        assert!(first > 0 && again == first, "{first}, {again}");
        // Answered in the end, it is what the answer says.
        lookups(&known, "open.example", &text("v=spf1 -all"));
        let unknown = Check::new([192, 0, 2, 1].into(), &DomainName::new("d.example"), "d.example");
        assert!(known.evaluate(unknown, &|_| None).is_err());
        let other = Check::new([192, 0, 2, 9].into(), &DomainName::new("a.example"), "a.example");
        let evaluation = known.evaluate(other, &|_| Some(Cow::Owned(text("v=spf1 ip4:192.0.2.1 -all")))).unwrap();
        assert_eq!(evaluation.result, SpfResult::Fail, "another address is another check");
    }

    #[test]
    fn evaluations_that_are_kept_are_bounded() {
        let known = HeloEvaluations::default();
        for n in 0..2 * KEPT {
            lookups(&known, &format!("n{n}.example"), &Lookup::NoData);
        }
        assert_eq!(known.0.borrow().len(), KEPT);
    }
}
