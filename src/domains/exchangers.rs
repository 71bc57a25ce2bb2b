//! Where a domain's mail and its name lead.

use std::net::IpAddr;

use super::Answers;
use crate::addr::Family;
use crate::identity::OwnAddresses;
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordData, RecordType, Why};

/// Where a name's address records lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// To this host, by one of them at least.
    Here,
    /// To these addresses, none of which is this host's.
    Elsewhere(Vec<IpAddr>),
    /// Nowhere.
    Nowhere,
    /// It could not be seen: this has no answer.
    Open(String),
}

/// One mail exchanger of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanger {
    /// The preference; the domain itself, where it has no MX records, has none.
    pub preference: Option<u16>,
    /// Its name; empty: the null MX (RFC 7505).
    pub name: DomainName,
    /// Where it leads.
    pub leads: Leads,
    /// The name that it is an alias of.
    pub alias: Option<DomainName>,
}

impl Exchanger {
    /// Whether what the record names is an address.
    pub fn is_address(&self) -> bool {
        self.name.as_str().parse::<IpAddr>().is_ok()
    }
}

/// Where `name` leads. Open questions go to `needs`.
pub(super) fn leads(name: &DomainName, own: &OwnAddresses<'_>, answers: &Answers, needs: &mut Vec<Question>) -> Leads {
    let questions = Family::BOTH.map(|family| Question::new(name, RecordType::address(family)));
    let (mut elsewhere, mut open) = (Vec::new(), None);
    for question in &questions {
        let Some(known) = answers.get(question) else {
            needs.push(question.clone());
            continue;
        };
        for address in known.lookup.found().iter().filter_map(RecordData::address) {
            match own.has(address) {
                Some(true) => return Leads::Here,
                Some(false) => elsewhere.push(address),
                None => open = Some("interface addresses".to_owned()),
            }
        }
        if known.lookup.open().is_some() {
            open = Some(question.to_string());
        }
    }
    match (open, elsewhere.is_empty()) {
        (Some(open), _) => Leads::Open(open),
        (None, true) => Leads::Nowhere,
        (None, false) => Leads::Elsewhere(elsewhere),
    }
}

/// The exchangers of a domain, the best first; the domain itself where it has no MX records (RFC 5321 section 5.1).
pub(super) fn exchangers(
    domain: &DomainName,
    own: &OwnAddresses<'_>,
    answers: &Answers,
    needs: &mut Vec<Question>,
) -> Result<Vec<Exchanger>, Why> {
    let question = Question::new(domain, RecordType::Mx);
    let Some(known) = answers.get(&question) else {
        needs.push(question);
        return Ok(Vec::new());
    };
    let mut found: Vec<(Option<u16>, DomainName)> = match &known.lookup {
        Lookup::Unanswered(why) => return Err(why.clone()),
        Lookup::NoData | Lookup::NxDomain => vec![(None, domain.clone())],
        Lookup::Found(found) => found
            .iter()
            .filter_map(|data| match data {
                RecordData::Mx(preference, name) => Some((Some(*preference), name.clone())),
                _ => None,
            })
            .collect(),
    };
    found.sort();
    let exchanger = |(preference, name): (Option<u16>, DomainName)| {
        let askable = !name.as_str().is_empty() && name.as_str().parse::<IpAddr>().is_err();
        let leads = match askable && crate::observe::plan::is_representable(&name) {
            true => leads(&name, own, answers, needs),
            false => Leads::Nowhere,
        };
        let alias = Family::BOTH
            .into_iter()
            .find_map(|family| answers.get(&Question::new(&name, RecordType::address(family)))?.alias.clone());
        Exchanger { preference, alias: alias.filter(|_| preference.is_some()), name, leads }
    };
    Ok(found.into_iter().map(exchanger).collect())
}
