//! Whose mail takes a way, by the routers that lead there.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::facts::SenderDomains;
use crate::name::DomainName;

/// Octets of a suffix that a pattern is looked for by: more than any domain has.
const SUFFIX_LIMIT: usize = 256;

/// Domains and patterns that routers tell apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// As the configuration has them, in lower case and sorted.
    pub all: Vec<String>,
    /// The same as names: every list of them shares the texts.
    pub domains: Vec<DomainName>,
}

impl Names {
    /// Of a sorted list.
    pub(crate) fn new(all: Vec<String>) -> Names {
        let domains = all.iter().map(|name| DomainName::new(name)).collect();
        Names { all, domains }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.all.binary_search_by(|known| known.as_str().cmp(name)).ok()
    }
}

/// Whose mail takes a way, by the routers that lead there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoutedSenders {
    /// Everyone's.
    All,
    /// Files do not decide it.
    Undecided,
    /// That of these senders.
    Only {
        /// All that are told apart.
        names: Rc<Names>,
        /// The numbers of those whose mail does, sorted.
        taken: Vec<u32>,
        /// Whether that of every other domain does.
        others: bool,
    },
}

impl RoutedSenders {
    /// The senders `taken`, by their numbers: first those of `names`, then that of every other domain, of `count` in all; `certain`: whether files
    /// decide it.
    pub(crate) fn new(names: &Rc<Names>, count: usize, mut taken: Vec<u32>, certain: bool) -> RoutedSenders {
        taken.sort_unstable();
        taken.dedup();
        if taken.len() == count && certain {
            return RoutedSenders::All;
        }
        if !certain {
            return RoutedSenders::Undecided;
        }
        let is_named = |sender: &u32| (*sender as usize) < names.all.len();
        let others = taken.iter().any(|sender| *sender as usize == names.all.len());
        taken.retain(is_named);
        taken.shrink_to_fit();
        RoutedSenders::Only { names: Rc::clone(names), taken, others }
    }

    /// The same, ready to be compared with the groups of a transport; `all`: every domain that the transport tells apart.
    pub(crate) fn by_groups<'a>(&'a self, all: &'a HashSet<&'a str>) -> ByGroups<'a> {
        let mut groups = ByGroups { routed: self, members: HashMap::new(), rest: Vec::new() };
        if let RoutedSenders::Only { names, taken, .. } = self {
            for name in taken.iter().filter_map(|at| names.all.get(*at as usize)) {
                let at = groups.taken_at(name);
                let group = match all.get(name.as_str()) {
                    Some(same) => Some(*same),
                    None => patterns(name).find_map(|pattern| all.get(pattern.as_str()).copied()),
                };
                match group {
                    Some(group) => groups.members.entry(group).or_default().extend(at),
                    None => groups.rest.extend(at),
                }
            }
        }
        groups
    }
}

/// Whose mail takes a way, by the groups of senders that a transport treats alike.
pub(crate) struct ByGroups<'a> {
    routed: &'a RoutedSenders,
    /// Senders that take it, by the domain or pattern for which the transport has them.
    members: HashMap<&'a str, Vec<u32>>,
    /// Those that the transport does not tell apart.
    rest: Vec<u32>,
}

impl ByGroups<'_> {
    fn taken_at(&self, name: &str) -> Option<u32> {
        let RoutedSenders::Only { names, .. } = self.routed else { return None };
        names.position(name).and_then(|at| u32::try_from(at).ok())
    }

    /// Of the senders that a transport treats alike, those that take this route; `None` where there are none.
    pub(crate) fn among(&self, alike: &SenderDomains) -> Option<SenderDomains> {
        let (names, taken, others) = match self.routed {
            RoutedSenders::All => return Some(alike.clone()),
            RoutedSenders::Undecided => return Some(SenderDomains::Undecided),
            RoutedSenders::Only { names, taken, others } => (names, taken, *others),
        };
        let named = |at: &u32| names.domains.get(*at as usize).cloned();
        let (mut domains, others): (Vec<DomainName>, bool) = match alike {
            SenderDomains::Undecided => return Some(SenderDomains::Undecided),
            SenderDomains::Any => (taken.iter().filter_map(named).collect(), others),
            SenderDomains::Only { domains, others: rest } => {
                let is_taken = |at: &u32| taken.binary_search(at).is_ok();
                let comes = |domain: &&DomainName| match self.taken_at(domain.as_str()) {
                    Some(at) => is_taken(&at),
                    // The first pattern that it fits; one whose mail comes goes before others.
                    None => {
                        let fitting = patterns(domain.as_str()).filter_map(|pattern| self.taken_at(&pattern));
                        fitting.map(|at| is_taken(&at)).max().unwrap_or(others)
                    }
                };
                let own = domains.iter().filter(comes).cloned();
                let of_group = domains.iter().filter_map(|domain| self.members.get(domain.as_str())).flatten();
                let of_rest = self.rest.iter().filter(|_| *rest);
                (own.chain(of_group.chain(of_rest).filter_map(named)).collect(), others && *rest)
            }
        };
        match (domains.is_empty(), others, alike) {
            // Bounces alone: that is no sender domain.
            (true, false, SenderDomains::Any) => Some(SenderDomains::Undecided),
            (true, false, _) => None,
            _ => {
                domains.sort_unstable();
                domains.dedup();
                domains.shrink_to_fit();
                Some(SenderDomains::Only { domains, others })
            }
        }
    }
}

/// The patterns that a domain may fit, the longest first.
fn patterns(domain: &str) -> impl Iterator<Item = String> {
    let ends = domain.match_indices('.').map(|(at, _)| at).filter(|at| *at > 0);
    ends.map(|at| &domain[at..]).filter(|suffix| suffix.len() <= SUFFIX_LIMIT).map(|suffix| format!("*{suffix}"))
}
