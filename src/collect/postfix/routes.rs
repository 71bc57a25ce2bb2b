//! Routes: which service of master.cf carries mail, to which next hop, and for which senders.

use std::collections::{BTreeMap, HashMap};

use super::maps::Tables;
use super::services::Services;
use crate::facts::{Fact, ListedDomain, MissingService, OutdatedTable, Problem, SenderDomains};

/// Services that routes name and that are kept, and routes for mail for anywhere: each of them may be a path of its own.
pub(super) const ROUTE_LIMIT: usize = 256;
/// Routes that are kept in all: as many next hops a large relay's transport table may name.
const ALL_LIMIT: usize = 4096;
/// Values that are kept of those that name one missing service.
const NAMED_LIMIT: usize = 8;

/// A service with a next hop.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// The service's name in master.cf.
    pub service: String,
    /// The next hop as the configuration has it; `None`: the recipient's domain.
    pub hop: Option<Fact<String>>,
    /// Which sender domains take it.
    pub senders: SenderDomains,
    /// Whether mail for anywhere takes it, and not for some recipients or on its way to a filter.
    pub outside: bool,
}

/// All routes that files name.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// The routes.
    pub all: Vec<Route>,
    /// Whether a table may name more.
    pub undecided: bool,
    /// Tables that cannot be read, and what in them Postfix refuses.
    pub problems: Vec<Problem>,
    /// Tables whose text is newer than what Postfix reads.
    pub outdated: Vec<OutdatedTable>,
    /// Domains in the lists of what is delivered here or passed on.
    pub listed_domains: Vec<ListedDomain>,
    /// Those of these lists that files do not decide.
    pub open_lists: Vec<Fact<String>>,
    /// Whether there are more than are kept.
    pub cut: bool,
    /// Services that values name which are never looked at, with the parameter that goes before.
    pub passed_over: BTreeMap<String, (Fact<String>, &'static str)>,
    /// The values that name each service.
    names: BTreeMap<String, Vec<Fact<String>>>,
    /// Where each route stands among all, by service and next hop.
    known: HashMap<(String, Option<String>), usize>,
    /// Those for mail for anywhere.
    outside: usize,
}

impl Routes {
    /// Takes what tables are, and leaves what they hold.
    pub(super) fn take(&mut self, tables: &mut Tables) {
        self.problems.append(&mut tables.problems);
        self.outdated.append(&mut tables.outdated);
    }

    /// Adds a route that the value `named` names.
    pub(super) fn add(&mut self, named: &Fact<String>, route: Route) {
        if self.names.len() < ROUTE_LIMIT || self.names.contains_key(&route.service) {
            let known = self.names.entry(route.service.clone()).or_default();
            if known.len() < NAMED_LIMIT && !known.contains(named) {
                known.push(named.clone());
            }
        } else {
            self.end();
        }
        let key = (route.service.clone(), route.hop.as_ref().map(|hop| hop.value.clone()));
        if let Some(known) = self.known.get(&key).and_then(|at| self.all.get_mut(*at)) {
            add_senders(&mut known.senders, route.senders);
            known.outside |= route.outside;
        } else if self.all.len() < ALL_LIMIT && (!route.outside || self.outside < ROUTE_LIMIT) {
            self.outside += usize::from(route.outside);
            self.known.insert(key, self.all.len());
            self.all.push(route);
        } else {
            self.end();
        }
    }

    /// Brings the listed senders of each route into order.
    pub(super) fn order(&mut self) {
        for route in &mut self.all {
            if let SenderDomains::Only { domains, .. } = &mut route.senders {
                domains.sort_unstable();
                domains.dedup();
            }
        }
    }

    /// Notes a value that is never looked at.
    pub(super) fn pass_over(&mut self, service: &str, named: &Fact<String>, before: &'static str) {
        if self.passed_over.len() < ROUTE_LIMIT {
            self.passed_over.entry(service.to_owned()).or_insert_with(|| (named.clone(), before));
        }
    }

    /// What was left out may name anything.
    fn end(&mut self) {
        self.cut = true;
        self.undecided = true;
    }

    /// Whether something names the service.
    pub(crate) fn names(&self, service: &str) -> bool {
        self.names.contains_key(service)
    }

    /// The programs that pipe(8) runs and that are given mail for anywhere: their services, each at the value that names it.
    pub(crate) fn piped<'r>(&'r self, services: &'r Services<'_>) -> impl Iterator<Item = Fact<String>> + 'r {
        let outside = self.all.iter().filter(|route| route.outside);
        let piped = outside.filter(|route| services.command(&route.service) == Some("pipe"));
        piped.filter_map(|route| Some(self.names.get(&route.service)?.first()?.with(route.service.clone())))
    }

    /// The services that something names and that queue managers do not find. What Postfix itself would name is left out where nothing is
    /// sent to it by a setting: a host may do without.
    pub(crate) fn missing(&self, services: &Services<'_>) -> Vec<MissingService> {
        let found = self.names.iter().filter(|(name, _)| !services.has(name)).filter_map(|(name, named_by)| {
            let is_set = named_by.iter().any(|value| value.origin.span().is_some());
            let sends = self.all.iter().any(|route| route.service == *name && route.outside);
            (is_set || sends).then(|| services.missing(name, named_by.clone()))
        });
        found.collect()
    }
}

/// Adds the senders that take another route to the same place. What is listed is brought into order once, by [`Routes::order`]: tables may have
/// a row for each of many domains.
pub(super) fn add_senders(all: &mut SenderDomains, more: SenderDomains) {
    match (&mut *all, more) {
        (SenderDomains::Any, _) => {}
        (_, SenderDomains::Any) => *all = SenderDomains::Any,
        (SenderDomains::Undecided, _) => {}
        (_, SenderDomains::Undecided) => *all = SenderDomains::Undecided,
        // Those without a row are the same wherever they stand: they are there.
        (SenderDomains::Only { others: true, .. }, SenderDomains::Only { others: true, .. }) => {}
        (SenderDomains::Only { domains, others }, SenderDomains::Only { domains: more, others: more_others }) => {
            domains.extend(more);
            *others |= more_others;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Origin;
    use crate::name::DomainName;

    fn routes(count: usize, of: impl Fn(usize) -> (String, Option<String>, bool)) -> Routes {
        let mut routes = Routes::default();
        let fact = |text: String| Fact::new(text, Origin::default_of("test"));
        for number in 0..count {
            let (service, hop, outside) = of(number);
            let named = fact(format!("{service}:"));
            routes.add(&named, Route { service, hop: hop.map(fact), senders: SenderDomains::Any, outside });
        }
        routes
    }

    #[test]
    fn a_row_for_each_of_many_domains_is_added_without_a_look_at_the_others() {
        const ROWS: usize = 200_000;
        let mut routes = Routes::default();
        let named = Fact::new("smtp:".to_owned(), Origin::default_of("test"));
        for number in 0..ROWS {
            let domains = vec![DomainName::new(&format!("d{}.example", number % (ROWS / 2)))];
            let senders = SenderDomains::Only { domains, others: false };
            routes.add(&named, Route { service: "smtp".into(), hop: None, senders, outside: true });
        }
        routes.order();
        let [Route { senders: SenderDomains::Only { domains, others: false }, .. }] = routes.all.as_slice() else {
            panic!("{} routes", routes.all.len());
        };
        assert_eq!(domains.len(), ROWS / 2);
        assert!(domains.is_sorted());
    }

    #[test]
    fn senders_of_two_routes_to_one_place_are_those_of_both() {
        let only = |names: &[&str], others| SenderDomains::Only {
            domains: names.iter().map(|n| DomainName::new(n)).collect(),
            others,
        };
        let both = |mut one: SenderDomains, other| {
            add_senders(&mut one, other);
            one
        };
        assert_eq!(
            both(only(&["a.example"], false), only(&["b.example"], true)),
            only(&["a.example", "b.example"], true)
        );
        assert_eq!(both(only(&["a.example"], true), only(&["a.example"], true)), only(&["a.example"], true));
        assert_eq!(both(only(&["a.example"], true), SenderDomains::Undecided), SenderDomains::Undecided);
        assert_eq!(both(SenderDomains::Undecided, only(&["a.example"], true)), SenderDomains::Undecided);
        assert_eq!(both(SenderDomains::Undecided, SenderDomains::Any), SenderDomains::Any);
        assert_eq!(both(SenderDomains::Any, SenderDomains::Undecided), SenderDomains::Any);
    }

    #[test]
    fn what_is_left_out_is_not_missing_and_not_unused() {
        let by_service = |number: usize| (format!("s{number}"), None, false);
        let by_hop = |number: usize| ("smtp".to_owned(), Some(format!("h{number}")), false);
        let outside = |number: usize| ("smtp".to_owned(), Some(format!("h{number}")), true);
        for (limit, at, one_more) in [
            (ROUTE_LIMIT, routes(ROUTE_LIMIT, by_service), routes(ROUTE_LIMIT + 1, by_service)),
            (ROUTE_LIMIT, routes(ROUTE_LIMIT, outside), routes(ROUTE_LIMIT + 1, outside)),
            (ALL_LIMIT, routes(ALL_LIMIT, by_hop), routes(ALL_LIMIT + 1, by_hop)),
        ] {
            assert_eq!((at.all.len(), at.cut, at.undecided), (limit, false, false));
            assert!(one_more.cut && one_more.undecided);
        }
        // The same again takes no room.
        assert!(!routes(2 * ALL_LIMIT, |number| by_hop(number % ALL_LIMIT)).cut);
        let named = routes(NAMED_LIMIT + 1, |number| ("smtp".to_owned(), Some(number.to_string()), false));
        assert_eq!(named.names["smtp"].len(), 1, "one value");
    }
}
