//! The iprev result of RFC 8601 section 2.7.3 (FCrDNS), over the truth: pure functions.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::addr::Family;
use crate::name::DomainName;
use crate::observe::{Lookup, Observations};

/// The iprev result of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Iprev {
    /// Some PTR name leads back to the address.
    Pass,
    /// There are PTR names, and none leads back.
    Fail,
    /// The PTR question could not be answered for now, or the names' addresses could not.
    TempError,
    /// There is no PTR record.
    PermError,
}

/// Whether one PTR name leads back to `addr`; `None` where that question got no answer.
pub fn confirms(dns: &Observations, name: &DomainName, addr: IpAddr) -> Option<bool> {
    match dns.addresses(name, Family::from(addr)) {
        Lookup::Found(found) => Some(found.contains(&addr)),
        Lookup::NoData | Lookup::NxDomain => Some(false),
        Lookup::Unanswered(_) => None,
    }
}

/// The iprev result of `addr`.
pub fn evaluate(dns: &Observations, addr: IpAddr) -> Iprev {
    match dns.ptr(addr) {
        Lookup::NoData | Lookup::NxDomain => Iprev::PermError,
        Lookup::Unanswered(_) => Iprev::TempError,
        Lookup::Found(names) => {
            let back: Vec<Option<bool>> = names.iter().map(|name| confirms(dns, name, addr)).collect();
            if back.contains(&Some(true)) {
                Iprev::Pass
            } else if back.contains(&None) {
                Iprev::TempError
            } else {
                Iprev::Fail
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{
        Answer, Outcome, Question, Record, RecordData, RecordType, Reply, Vantage, VantageKind, Why, samples,
    };

    const ADDR: &str = "192.0.2.10";

    /// What one resolver said: the PTR names, and for each what its A question gave.
    fn world(ptr: Outcome, back: &[(&str, Outcome)]) -> Observations {
        let vantage = Vantage { name: "r".into(), server: "192.0.2.53:53".parse().ok(), kind: VantageKind::Public };
        let reply = |outcome: &Outcome| vec![Reply { vantage: 0, outcome: outcome.clone() }];
        let mut replies = std::collections::BTreeMap::from([(Question::ptr(ADDR.parse().unwrap()), reply(&ptr))]);
        for (name, outcome) in back {
            replies.insert(Question::new(&DomainName::new(name), RecordType::A), reply(outcome));
        }
        Observations::new(vec![vantage], replies)
    }

    fn ptr(names: &[&str]) -> Outcome {
        let owner = Question::ptr(ADDR.parse().unwrap()).name;
        let record =
            |name: &&str| Record { name: owner.clone(), ttl: 60, data: RecordData::Ptr(DomainName::new(name)) };
        Outcome::Answer(samples::answer(names.iter().map(record).collect()))
    }

    fn a(name: &str, addr: &str) -> (String, Outcome) {
        let data = RecordData::A(addr.parse().unwrap());
        let record = Record { name: DomainName::new(name), ttl: 60, data };
        (name.to_owned(), Outcome::Answer(samples::answer(vec![record])))
    }

    fn absent() -> Outcome {
        Outcome::Answer(Answer { nxdomain: true, ..samples::answer(Vec::new()) })
    }

    #[test]
    fn the_four_results() {
        let (good, bad) = (a("good.example", ADDR), a("bad.example", "192.0.2.11"));
        let silent = Outcome::Unanswered(Why::Timeout);
        let names = ptr(&["bad.example", "good.example"]);
        for (ptr, good, expected) in [
            (names.clone(), good.1.clone(), Iprev::Pass),
            (names.clone(), absent(), Iprev::Fail),
            // One name leads elsewhere; whether the other leads back could not be seen.
            (names, silent.clone(), Iprev::TempError),
            (absent(), good.1.clone(), Iprev::PermError),
            (silent, good.1.clone(), Iprev::TempError),
        ] {
            let dns = world(ptr.clone(), &[("good.example", good.clone()), ("bad.example", bad.1.clone())]);
            assert_eq!(evaluate(&dns, ADDR.parse().unwrap()), expected, "{ptr:?} {good:?}");
        }
    }

    #[test]
    fn a_name_never_asked_for_is_open() {
        let dns = world(ptr(&["unasked.example"]), &[]);
        assert_eq!(confirms(&dns, &DomainName::new("unasked.example"), ADDR.parse().unwrap()), None);
    }
}
