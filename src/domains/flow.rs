//! Many domains at one time, each waiting for its own questions alone.

use std::collections::hash_map::{Entry, HashMap};
use std::collections::{HashSet, VecDeque};

use foldhash::fast::RandomState;

use super::{Answers, MailDomain};
use crate::name::DomainName;
use crate::observe::{Observations, Question, Reply, Vantage};

/// Domains that are looked at side by side: what waits for one silent server holds up no more.
const SIDE_BY_SIDE: usize = 2_000;

/// What a look at a domain comes to: it is done, or these questions have to be answered first, and it is to be looked at so.
pub type Look = Result<(), (Vec<Question>, bool)>;

/// Looks at a domain with the answers that there are; the last says whether who serves its zone has to be known.
pub trait Looker<'a> {
    /// The look.
    fn look(&mut self, domain: &'a MailDomain, answers: &Answers, with_zone: bool) -> Look;
}

/// Domains on their way: questions come out, each once, and answers go in. A domain is looked at when it begins, and then whenever all that it
/// asked for is answered.
#[derive(Debug)]
pub struct Flow<'a> {
    todo: VecDeque<&'a MailDomain>,
    /// Domains whose DMARC record or keys other domains ask for as well.
    shared: HashSet<DomainName, RandomState>,
    under_way: Vec<Option<UnderWay<'a>>>,
    free: Vec<usize>,
    /// Questions that are put, and the domains that wait for each.
    put: HashMap<Question, Waiting, RandomState>,
    /// Questions to be put.
    next: VecDeque<Question>,
    answers: Answers,
}

/// The domains that wait for an answer; mostly it is one.
#[derive(Debug)]
struct Waiting {
    first: usize,
    others: Vec<usize>,
}

#[derive(Debug)]
struct UnderWay<'a> {
    domain: &'a MailDomain,
    with_zone: bool,
    /// Answers that it waits for.
    open: usize,
    /// Questions that nobody but it asks for.
    own: Vec<Question>,
}

impl<'a> Flow<'a> {
    /// These domains, in this order; `signing`: the names in which mail of others than themselves is signed.
    pub fn new(
        domains: impl IntoIterator<Item = &'a MailDomain>,
        signing: impl IntoIterator<Item = &'a DomainName>,
    ) -> Flow<'a> {
        let todo: VecDeque<&MailDomain> = domains.into_iter().collect();
        let listed: HashSet<&str> = todo.iter().map(|domain| domain.name.as_str()).collect();
        let mut shared: HashSet<DomainName, RandomState> = signing.into_iter().cloned().collect();
        // Those below a domain ask for its DMARC record.
        let below: Vec<DomainName> = shared.iter().cloned().collect();
        for name in todo.iter().map(|domain| &domain.name).chain(&below) {
            let mut rest = name.as_str();
            while let Some((_, parent)) = rest.split_once('.') {
                if listed.contains(parent) {
                    shared.insert(DomainName::new(parent));
                }
                rest = parent;
            }
        }
        Flow {
            todo,
            shared,
            under_way: Vec::new(),
            free: Vec::new(),
            put: HashMap::default(),
            next: VecDeque::new(),
            answers: Answers::default(),
        }
    }

    /// The next question to be put; `None`: none before another is answered, or at all.
    pub fn next(&mut self, looker: &mut impl Looker<'a>) -> Option<Question> {
        loop {
            if let Some(question) = self.next.pop_front() {
                return Some(question);
            }
            if self.under_way.len() - self.free.len() >= SIDE_BY_SIDE {
                return None;
            }
            let domain = self.todo.pop_front()?;
            self.look(UnderWay { domain, with_zone: false, open: 0, own: Vec::new() }, looker);
        }
    }

    /// The domain that asked first for a question that is put; `None`: none waits for it.
    pub fn sake(&self, question: &Question) -> Option<&'a DomainName> {
        let first = self.put.get(question)?.first;
        Some(&self.under_way.get(first)?.as_ref()?.domain.name)
    }

    /// Takes the answer to a question, and looks at the domains that waited for nothing else.
    pub fn answered(&mut self, question: &Question, dns: &Observations, looker: &mut impl Looker<'a>) {
        self.answers.take([question], dns);
        self.go_on(question, looker);
    }

    /// The same, where the one of these resolvers that there is was asked alone, and this is what it said.
    pub fn replied(
        &mut self,
        question: &Question,
        (reply, resolvers): (Reply, &[Vantage]),
        looker: &mut impl Looker<'a>,
    ) {
        self.answers.take_reply(question, reply, resolvers);
        self.go_on(question, looker);
    }

    /// Looks at the domains that waited for nothing but the answer to this question.
    fn go_on(&mut self, question: &Question, looker: &mut impl Looker<'a>) {
        let Some(Waiting { first, others }) = self.put.remove(question) else { return };
        for number in std::iter::once(first).chain(others) {
            let Some(slot) = self.under_way.get_mut(number) else { continue };
            let Some(waiting) = slot else { continue };
            waiting.open = waiting.open.saturating_sub(1);
            if waiting.open == 0
                && let Some(ready) = slot.take()
            {
                self.free.push(number);
                self.look(ready, looker);
            }
        }
    }

    fn look(&mut self, mut under_way: UnderWay<'a>, looker: &mut impl Looker<'a>) {
        let UnderWay { domain, with_zone, .. } = under_way;
        let (questions, with_zone) = match looker.look(domain, &self.answers, with_zone) {
            Ok(()) => return under_way.own.iter().for_each(|question| self.answers.forget(question)),
            Err(needs) => needs,
        };
        let number = self.free.pop().unwrap_or_else(|| {
            self.under_way.push(None);
            self.under_way.len() - 1
        });
        (under_way.with_zone, under_way.open) = (with_zone, questions.len());
        let shares = self.shared.contains(&domain.name);
        for question in questions {
            match self.put.entry(question) {
                Entry::Occupied(mut waiting) => waiting.get_mut().others.push(number),
                Entry::Vacant(fresh) => {
                    if is_own(fresh.key(), &domain.name, shares) {
                        under_way.own.push(fresh.key().clone());
                    }
                    self.next.push_back(fresh.key().clone());
                    fresh.insert(Waiting { first: number, others: Vec::new() });
                }
            }
        }
        if let Some(slot) = self.under_way.get_mut(number) {
            *slot = Some(under_way);
        }
    }
}

/// Whether no other domain asks this. An include, an exchanger or an address may be anybody's.
fn is_own(question: &Question, domain: &DomainName, shares: bool) -> bool {
    let Some(prefix) = question.name.as_str().strip_suffix(domain.as_str()) else { return false };
    match prefix {
        "_mta-sts." | "_smtp._tls." => true,
        "_dmarc." => !shares,
        other => other.ends_with("._domainkey.") && !shares,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::Handled;
    use crate::facts::Origin;
    use crate::observe::RecordType;

    /// Asks for an own question and one that all share, then for a second of its own.
    #[derive(Default)]
    struct Three {
        done: Vec<String>,
        looks: usize,
    }

    impl<'a> Looker<'a> for Three {
        fn look(&mut self, domain: &'a MailDomain, answers: &Answers, with_zone: bool) -> Look {
            self.looks += 1;
            let question = |name: String| Question::new(&DomainName::new(&name), RecordType::Txt);
            let first = [domain.name.to_string(), "_spf.example".to_owned()].map(question);
            let open: Vec<Question> = first.into_iter().filter(|question| !answers.has(question)).collect();
            if !open.is_empty() {
                return Err((open, true));
            }
            assert!(with_zone, "what a look asked for is asked for by the next");
            let last = question(format!("_dmarc.{}", domain.name));
            if !answers.has(&last) {
                return Err((vec![last], true));
            }
            self.done.push(domain.name.to_string());
            Ok(())
        }
    }

    fn domains(names: impl IntoIterator<Item = String>) -> Vec<MailDomain> {
        let domain = |name: String| MailDomain {
            name: DomainName::new(&name),
            handled: Handled::Local,
            origin: Origin::kernel("test"),
        };
        names.into_iter().map(domain).collect()
    }

    #[test]
    fn each_question_comes_once_and_each_domain_waits_for_its_own() {
        let all = domains((0..5_000).map(|n| format!("d{n}.example")));
        let (mut flow, mut three) = (Flow::new(&all, []), Three::default());
        let mut open: Vec<Question> = Vec::new();
        let mut put = 0;
        let mut seen = HashSet::new();
        let silent = Question::new(&DomainName::new("d7.example"), RecordType::Txt);
        loop {
            while let Some(question) = flow.next(&mut three) {
                if question.name.as_str() == "_spf.example" {
                    assert_eq!(flow.sake(&question), Some(&all[0].name), "who asked first");
                }
                assert!(seen.insert(question.clone()), "{question} twice");
                put += 1;
                if question != silent {
                    open.push(question);
                }
            }
            assert!(flow.under_way.iter().flatten().count() <= SIDE_BY_SIDE);
            let Some(question) = open.pop() else { break };
            flow.answered(&question, &Observations::default(), &mut three);
        }
        assert_eq!((three.done.len(), put), (4_999, 5_000 + 1 + 4_999));
        assert_eq!(flow.sake(&silent).map(DomainName::as_str), Some("d7.example"));
        flow.answered(&silent, &Observations::default(), &mut three);
        assert_eq!(flow.sake(&silent), None);
        let last = flow.next(&mut three).unwrap();
        assert_eq!(last.name.as_str(), "_dmarc.d7.example");
        flow.answered(&last, &Observations::default(), &mut three);
        assert_eq!(flow.next(&mut three), None);
        assert_eq!(three.done.len(), 5_000);
        assert_eq!(three.looks, 3 * 5_000, "a look for each step, not for each answer");
        assert!(flow.answers.has(&silent) && !flow.answers.has(&last), "what nobody else asks for is forgotten");
    }

    #[test]
    fn what_domains_below_ask_for_is_kept() {
        let own = |name: &str, shares| {
            is_own(&Question::new(&DomainName::new(name), RecordType::Txt), &DomainName::new("a.example"), shares)
        };
        assert!(own("_dmarc.a.example", false) && !own("_dmarc.a.example", true));
        assert!(own("s._domainkey.a.example", false) && !own("s._domainkey.a.example", true));
        assert!(own("_mta-sts.a.example", true) && !own("_spf.a.example", false) && !own("a.example", false));
        assert!(!own("_dmarc.xa.example", false) && !own("_dmarc.example", false));
        let all = domains(["a.example", "sub.x.a.example", "b.example"].map(str::to_owned));
        let shared = |signing: &[&str]| {
            let signing: Vec<DomainName> = signing.iter().map(|name| DomainName::new(name)).collect();
            let mut names: Vec<String> = Flow::new(&all, &signing).shared.iter().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(shared(&[]), ["a.example"]);
        assert_eq!(shared(&["mail.b.example"]), ["a.example", "b.example", "mail.b.example"]);
    }
}
