//! From outcomes to facts: the line that an administrator would edit.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Common, Outcome, Set};
use crate::addr::Family;
use crate::collect::exim::config::Driver;
use crate::collect::exim::expand::Failure;
use crate::collect::exim::faults::EXIM;
use crate::facts::{AfterBindFault, Bind, Fact, Helo, Origin, Undecided};
use crate::name::HeloName;

/// Where outcomes come from.
pub(super) struct Place<'a> {
    pub(super) common: &'a Common<'a>,
    pub(super) files: &'a BTreeSet<String>,
    pub(super) domain: Option<&'a str>,
}

impl Place<'_> {
    /// A value with the line of a table that holds it; else with its setting.
    fn origin<T>(&self, text: &str, set: &Set, value: T) -> Fact<T> {
        if let Some(origin) = self.in_table(text) {
            return Fact { value, origin, via: set.below.clone() };
        }
        // Or the domain's own file; where there is no domain, one of everybody.
        let own = |path: &String| self.domain.is_none_or(|domain| path.contains(domain));
        let files = self.common.evaluator.files_read().into_iter().filter(own).collect::<Vec<_>>();
        let holds = |path: &String| {
            let file = self.common.evaluator.file(path)?;
            let start = file.text().find(text).filter(|_| !text.is_empty())?;
            Some(file.span(start, start + text.len()))
        };
        if let Some(at) = files.iter().find_map(holds) {
            return Fact { value, origin: Origin::File(at), via: set.below.clone() };
        }
        set.fact.with(value)
    }

    /// The line of a table that holds the value.
    fn in_table(&self, text: &str) -> Option<Origin> {
        let keys = self.domain.into_iter().chain(["*"]);
        let mut places = keys.flat_map(|key| self.files.iter().map(move |path| (key, path)));
        places.find_map(|(key, path)| {
            let table = self.common.evaluator.table(path).ok()?;
            let entry = table.get(key).filter(|entry| !text.is_empty() && entry.value.contains(text))?;
            Some(entry.value.origin())
        })
    }

    pub(super) fn bind(&self, outcome: &Outcome, family: Family, set: &Set) -> Bind {
        let parameter = Cow::Borrowed("interface");
        match outcome {
            Outcome::Text(text) => match text.parse::<IpAddr>() {
                Ok(address) if Family::from(address) == family => Bind::Address {
                    parameter,
                    address: self.origin(text, set, address),
                    on_failure: AfterBindFault::NothingSent,
                },
                _ => {
                    let value = self.origin(text, set, text.to_string());
                    Bind::Unusable { parameter, value, then: AfterBindFault::NothingSent }
                }
            },
            Outcome::Undecided(why) => {
                let (parameter, origin) = (parameter.into_owned(), set.fact.origin.clone());
                Bind::Undecided(Undecided { parameter, why: why.clone(), origin })
            }
            Outcome::Nothing | Outcome::FollowsPtr(..) | Outcome::Fails(_) => Bind::Kernel,
        }
    }

    pub(super) fn helo(&self, outcome: &Outcome, set: Option<&Set>, transport: &Driver) -> Helo {
        let primary = self.common.read.primary_hostname.as_ref().ok();
        let origin = set.map(|set| set.fact).or(primary).map_or(EXIM, |fact| fact.origin.clone());
        match outcome {
            Outcome::Text(text) => {
                let name = HeloName::new(Arc::clone(text));
                Helo::Known(match (set, primary) {
                    (None, Some(primary)) => primary.with(name),
                    (Some(set), Some(primary))
                        if **text == *primary.value
                            && set.fact.value.contains("primary_hostname")
                            && self.in_table(text).is_none() =>
                    {
                        let mut fact = primary.with(name);
                        fact.via.add_nearest(set.fact.origin.clone());
                        fact
                    }
                    (Some(set), _) => self.origin(text, set, name),
                    (None, None) => Fact::new(name, origin),
                })
            }
            Outcome::FollowsPtr(default, joined) => {
                let default = default.clone().map(HeloName::new);
                Helo::FollowsPtr { default, joined: joined.clone(), origin }
            }
            Outcome::Undecided(why) | Outcome::Fails(Failure { message: why, .. }) => Helo::Undecided(Undecided {
                parameter: format!("helo_data of {}", transport.name),
                why: why.clone(),
                origin,
            }),
            Outcome::Nothing => Helo::Known(Fact::new(HeloName::new(""), origin)),
        }
    }
}
