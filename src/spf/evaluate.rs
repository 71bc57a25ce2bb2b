//! `check_host()` (RFC 7208 section 4).

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::error::{PermError, TempError};
use super::macros::{Letter, MacroString, name_labels};
use super::record::{Directive, Mechanism, PrefixLengths, Record, Term, is_spf, terms};
use super::{
    Because, Check, Evaluation, LOOKUP_LIMIT, MX_LIMIT, Outcome, PTR_LIMIT, SpfResult, Step, VOID_LOOKUP_LIMIT,
};
use crate::addr::{Family, reverse_name};
use crate::name::DomainName;
use crate::observe::{Lookup, Lookups, Question, RecordData, RecordType, plan};

/// Evaluates a check with the answers that `answers` gives; `None` is a question that nobody has asked yet. Aliases are followed already in
/// what it gives.
pub fn evaluate(check: &Check, answers: &Lookups<'_>) -> Outcome {
    let address = check.address.to_canonical();
    let run = Run { check, address, answers, state: RefCell::default() };
    let decided = run.check_host(&check.domain);
    let state = run.state.into_inner();
    if !state.needed.is_empty() {
        return Outcome::Needs(state.needed);
    }
    let mut evaluation = Evaluation {
        result: SpfResult::None,
        record: None,
        decided: Vec::new(),
        lookups: state.lookups,
        void_lookups: state.voids,
        because: None,
        beside: None,
    };
    let records = answers(&Question::new(&check.domain, RecordType::Txt)).map_or_else(Vec::new, spf_texts);
    if let [record] = records.as_slice() {
        evaluation.record = Some((**record).to_owned());
    }
    match decided {
        Ok(Decision::Result(result, steps)) => (evaluation.result, evaluation.decided) = (result, steps),
        Ok(Decision::NoPolicy(because)) => evaluation.because = Some(because),
        Err(stop) => {
            (evaluation.result, evaluation.because) = match stop {
                Stop::Temp(error) => (SpfResult::TempError, Some(Because::Temp(error))),
                Stop::Perm(error) => (SpfResult::PermError, Some(Because::Perm(error))),
                // Only where a question is open, and then it was said above.
                Stop::Needs => (SpfResult::TempError, None),
            };
            evaluation.beside = listed(&check.domain, address, &records);
        }
    }
    Outcome::Done(Box::new(evaluation))
}

/// The SPF records among these.
fn spf_texts(found: Cow<'_, Lookup<RecordData>>) -> Vec<Cow<'_, str>> {
    match found {
        Cow::Borrowed(found) => found.found().iter().filter_map(spf_text).map(Cow::Borrowed).collect(),
        Cow::Owned(found) => {
            found.found().iter().filter_map(spf_text).map(|text| Cow::Owned(text.to_owned())).collect()
        }
    }
}

fn spf_text(data: &RecordData) -> Option<&str> {
    match data {
        RecordData::Txt(text) if is_spf(text) => Some(text),
        _ => None,
    }
}

/// The first term of the records that names the address, wherever receivers stop reading.
fn listed(domain: &DomainName, address: IpAddr, records: &[Cow<'_, str>]) -> Option<(SpfResult, Step)> {
    let directives = records.iter().flat_map(|record| terms(record)).filter_map(|term| match Term::read(term) {
        Ok(Term::Directive(directive)) => Some(directive),
        _ => None,
    });
    let names = |directive: &Directive<'_>| matches!(&directive.mechanism, Mechanism::Ip(net) if net.contains(address));
    let step = |directive: Directive<'_>| Step { domain: domain.clone(), term: directive.text.to_owned() };
    directives.into_iter().find(names).map(|directive| (directive.result, step(directive)))
}

/// Why evaluation ends before a decision.
enum Stop {
    /// A question is open; it is among those needed.
    Needs,
    Temp(TempError),
    Perm(PermError),
}

enum Decision {
    Result(SpfResult, Vec<Step>),
    NoPolicy(Because),
}

struct Run<'a, 'l> {
    check: &'a Check,
    /// The client's, an IPv4-mapped one as IPv4.
    address: IpAddr,
    answers: &'a Lookups<'l>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    needed: BTreeSet<Question>,
    lookups: usize,
    voids: usize,
}

impl<'l> Run<'_, 'l> {
    /// Each level of `include` and each `redirect` counts as a lookup, so that this nests no deeper than [`LOOKUP_LIMIT`].
    fn check_host(&self, domain: &DomainName) -> Result<Decision, Stop> {
        let mut domain = domain.clone();
        let mut steps = Vec::new();
        loop {
            if !is_askable(&domain) {
                return Ok(Decision::NoPolicy(Because::MalformedDomain));
            }
            let Some(text) = self.policy(&domain, false)? else {
                return Ok(Decision::NoPolicy(Because::NoRecord));
            };
            let step = |term: &str| Step { domain: domain.clone(), term: term.to_owned() };
            let record = Record::read(&text).map_err(|(term, what)| {
                Stop::Perm(PermError::Syntax { domain: domain.clone(), term: term.to_owned(), what })
            })?;
            for directive in &record.directives {
                if let Some(inner) = self.matches(&domain, directive)? {
                    steps.push(step(directive.text));
                    steps.extend(inner);
                    return Ok(Decision::Result(directive.result, steps));
                }
            }
            let Some((term, target)) = &record.redirect else {
                return Ok(Decision::Result(SpfResult::Neutral, steps));
            };
            self.count_lookup()?;
            let target = self.expanded(&domain, target)?;
            let missing = || {
                Stop::Perm(PermError::NoRecordThere {
                    domain: domain.clone(),
                    term: (*term).to_owned(),
                    target: target.clone(),
                })
            };
            let next = name(&target).filter(is_askable).ok_or_else(missing)?;
            if self.policy(&next, true)?.is_none() {
                return Err(missing());
            }
            steps.push(step(term));
            domain = next;
        }
    }

    /// The record of a domain; `None` where it has none. `counted`: the question counts where it finds nothing.
    fn policy(&self, domain: &DomainName, counted: bool) -> Result<Option<Cow<'l, str>>, Stop> {
        let question = Question::new(domain, RecordType::Txt);
        let found = if counted { self.counted(&question)? } else { self.found(&question)? };
        let mut records = spf_texts(found);
        match records.len() {
            0 | 1 => Ok(records.pop()),
            count => Err(Stop::Perm(PermError::SeveralRecords { domain: domain.clone(), count })),
        }
    }

    /// Whether the mechanism matches (section 5); if so, the steps inside an included record.
    fn matches(&self, domain: &DomainName, directive: &Directive<'_>) -> Result<Option<Vec<Step>>, Stop> {
        let is_match = |matches: bool| Ok(matches.then(Vec::new));
        let own = |spec: &Option<MacroString>| match spec {
            Some(spec) => self.expanded(domain, spec).map(|target| name(&target)),
            None => Ok(Some(domain.clone())),
        };
        match &directive.mechanism {
            Mechanism::All => Ok(Some(Vec::new())),
            Mechanism::Ip(network) => is_match(network.contains(self.address)),
            Mechanism::Include(spec) => {
                self.count_lookup()?;
                let target = self.expanded(domain, spec)?;
                let included = match name(&target) {
                    Some(name) => self.included(&name)?,
                    None => None,
                };
                match included {
                    Some((result, steps)) => Ok((result == SpfResult::Pass).then_some(steps)),
                    None => Err(Stop::Perm(PermError::NoRecordThere {
                        domain: domain.clone(),
                        term: directive.text.to_owned(),
                        target,
                    })),
                }
            }
            Mechanism::A(spec, lengths) => {
                self.count_lookup()?;
                let Some(name) = own(spec)? else { return Ok(None) };
                is_match(self.is_one_of(&self.addresses(&name)?, *lengths))
            }
            Mechanism::Mx(spec, lengths) => {
                self.count_lookup()?;
                let Some(name) = own(spec)? else { return Ok(None) };
                is_match(self.is_one_of(&self.exchangers(&name)?, *lengths))
            }
            Mechanism::Exists(spec) => {
                self.count_lookup()?;
                let Some(name) = name(&self.expanded(domain, spec)?) else { return Ok(None) };
                is_match(!self.counted(&Question::new(&name, RecordType::A))?.found().is_empty())
            }
            Mechanism::Ptr(spec) => {
                self.count_lookup()?;
                let Some(target) = own(spec)? else { return Ok(None) };
                is_match(self.validated_names()?.iter().any(|name| name.is_within(&target)))
            }
        }
    }

    /// What an included policy decides; `None` where there is none.
    fn included(&self, name: &DomainName) -> Result<Option<(SpfResult, Vec<Step>)>, Stop> {
        if !is_askable(name) || self.policy(name, true)?.is_none() {
            return Ok(None);
        }
        match self.check_host(name)? {
            Decision::Result(result, steps) => Ok(Some((result, steps))),
            Decision::NoPolicy(_) => Ok(None),
        }
    }

    fn is_one_of(&self, addresses: &[IpAddr], lengths: PrefixLengths) -> bool {
        addresses.iter().any(|address| lengths.join(self.address, *address))
    }

    /// The addresses of a name in the client's family.
    fn addresses(&self, name: &DomainName) -> Result<Vec<IpAddr>, Stop> {
        let question = self.address_question(name);
        Ok(self.counted(&question)?.found().iter().filter_map(RecordData::address).collect())
    }

    fn address_question(&self, name: &DomainName) -> Question {
        Question::new(name, RecordType::address(Family::from(self.address)))
    }

    /// The addresses of all exchangers of a name (section 5.4).
    fn exchangers(&self, name: &DomainName) -> Result<Vec<IpAddr>, Stop> {
        let found = self.counted(&Question::new(name, RecordType::Mx))?;
        let mut names: Vec<(u16, &DomainName)> = found
            .found()
            .iter()
            .filter_map(|data| match data {
                RecordData::Mx(preference, name) => Some((*preference, name)),
                _ => None,
            })
            .collect();
        if names.len() > MX_LIMIT {
            return Err(Stop::Perm(PermError::TooManyExchangers { name: name.clone(), count: names.len() }));
        }
        names.sort();
        // A name that cannot be asked for, such as the null MX, has no address.
        let names: Vec<&DomainName> =
            names.into_iter().map(|(_, name)| name).filter(|name| has_addresses(name)).collect();
        self.need_all(names.iter().map(|name| self.address_question(name)))?;
        let mut addresses = Vec::new();
        for name in &names {
            addresses.extend(self.addresses(name)?);
        }
        Ok(addresses)
    }

    /// The client's PTR names that lead back to it (section 5.5). Names whose lookups are not answered are left out.
    fn validated_names(&self) -> Result<Vec<DomainName>, Stop> {
        let question = Question { name: reverse_name(self.address), rtype: RecordType::Ptr };
        let found = match self.counted(&question) {
            Err(Stop::Temp(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let names: Vec<&DomainName> = found
            .found()
            .iter()
            .filter_map(|data| match data {
                RecordData::Ptr(name) => Some(name),
                _ => None,
            })
            .take(PTR_LIMIT)
            .filter(|name| has_addresses(name))
            .collect();
        self.need_all(names.iter().map(|name| self.address_question(name)))?;
        let mut validated = Vec::new();
        for name in names {
            match self.addresses(name) {
                Ok(addresses) if addresses.contains(&self.address) => validated.push(name.clone()),
                Ok(_) | Err(Stop::Temp(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(validated)
    }

    /// The text that a domain-spec comes to.
    fn expanded(&self, domain: &DomainName, spec: &MacroString) -> Result<String, Stop> {
        let validated = match spec.uses(Letter::ValidatedName) {
            true => {
                let names = self.validated_names()?;
                let best = names.iter().find(|name| *name == domain);
                let best = best.or_else(|| names.iter().find(|name| name.is_within(domain))).or(names.first());
                best.map_or_else(|| "unknown".to_owned(), |name| name.as_str().to_owned())
            }
            false => String::new(),
        };
        let check = self.check;
        Ok(spec.expand(|letter| match letter {
            Letter::Sender => format!("{}@{}", check.local_part, check.domain.as_str()),
            Letter::LocalPart => check.local_part.to_string(),
            Letter::SenderDomain => check.domain.as_str().to_owned(),
            Letter::Domain => domain.as_str().to_owned(),
            Letter::Address => dotted(self.address),
            Letter::ValidatedName => validated.clone(),
            Letter::Family => if self.address.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
            Letter::Helo => check.helo.to_string(),
            // A domain-spec with one of these is not read.
            Letter::Explanation => String::new(),
        }))
    }

    fn count_lookup(&self) -> Result<(), Stop> {
        let mut state = self.state.borrow_mut();
        state.lookups += 1;
        if state.lookups > LOOKUP_LIMIT { Err(Stop::Perm(PermError::TooManyLookups)) } else { Ok(()) }
    }

    /// Notes all questions that are open, so that they can be asked at once.
    fn need_all(&self, questions: impl Iterator<Item = Question>) -> Result<(), Stop> {
        let open: Vec<Question> = questions.filter(|question| (self.answers)(question).is_none()).collect();
        if open.is_empty() {
            return Ok(());
        }
        self.state.borrow_mut().needed.extend(open);
        Err(Stop::Needs)
    }

    /// As [`Run::found`]; where nothing is found, that counts towards [`VOID_LOOKUP_LIMIT`].
    fn counted(&self, question: &Question) -> Result<Cow<'l, Lookup<RecordData>>, Stop> {
        let found = self.found(question)?;
        if found.is_missing() {
            let mut state = self.state.borrow_mut();
            state.voids += 1;
            if state.voids > VOID_LOOKUP_LIMIT {
                return Err(Stop::Perm(PermError::TooManyVoidLookups { question: question.clone() }));
            }
        }
        Ok(found)
    }

    /// The records found, or that there are none.
    fn found(&self, question: &Question) -> Result<Cow<'l, Lookup<RecordData>>, Stop> {
        let Some(lookup) = (self.answers)(question) else {
            self.state.borrow_mut().needed.insert(question.clone());
            return Err(Stop::Needs);
        };
        match lookup.open() {
            Some(why) => Err(Stop::Temp(TempError { question: question.clone(), why: why.clone() })),
            None => Ok(lookup),
        }
    }
}

/// Whether a domain can have a policy: at least two labels, each of 1 to 63 octets (section 4.3).
fn is_askable(domain: &DomainName) -> bool {
    let mut labels = 0;
    plan::for_each_label(domain, |_| labels += 1).is_some() && labels >= 2
}

/// Whether a name can have addresses: the root, which the null MX names, has none.
fn has_addresses(name: &DomainName) -> bool {
    !name.as_str().is_empty() && plan::is_representable(name)
}

/// The name that an expanded text is.
fn name(text: &str) -> Option<DomainName> {
    let labels = name_labels(text)?;
    Some(plan::spelled(labels.into_iter().map(str::as_bytes)))
}

/// The address as the macro `i` has it: in IPv6 each nibble is a part.
fn dotted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let nibbles: Vec<String> =
                address.octets().iter().flat_map(|octet| [octet >> 4, octet & 15]).map(|n| format!("{n:x}")).collect();
            nibbles.join(".")
        }
    }
}
