//! What this host's own resolver says, which its programs believe.

use std::net::IpAddr;

use super::{Lookup, Observations, Outcome, Question, RecordData, VantageKind, truth};
use crate::name::DomainName;

impl Observations {
    /// The PTR names of an address as this host's own resolver gives them; as they truly are where it was not asked, and where planned
    /// records stand in front.
    pub fn own_ptr(&self, addr: IpAddr) -> Lookup<DomainName> {
        let question = Question::ptr(addr);
        if self.truth(&question).kind == Some(VantageKind::Overlay) {
            return self.ptr(addr);
        }
        let own = self.replies(&question).find_map(|(vantage, outcome)| match outcome {
            Outcome::Answer(answer) if vantage.kind == VantageKind::System => Some(truth::chain(&question, answer).end),
            _ => None,
        });
        match own {
            Some(truth::End::Records(records)) => Lookup::Found(records).filter_map(|record| match record.data {
                RecordData::Ptr(name) => Some(name),
                _ => None,
            }),
            Some(truth::End::NoData) => Lookup::NoData,
            Some(truth::End::NxDomain) => Lookup::NxDomain,
            _ => self.ptr(addr),
        }
    }

    /// The same as names, none where there are none; `None`: the question is open.
    pub fn own_ptr_names(&self, addr: IpAddr) -> Option<Vec<DomainName>> {
        match self.own_ptr(addr) {
            Lookup::Found(names) => Some(names),
            Lookup::NoData | Lookup::NxDomain => Some(Vec::new()),
            Lookup::Unanswered(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::observe::{Record, Reply, Vantage, samples};

    /// Replies to one PTR question: of each kind of server, a name; none for no record.
    fn observed(replies: &[(VantageKind, Option<&str>)]) -> (Observations, IpAddr) {
        let address: IpAddr = "192.0.2.10".parse().unwrap();
        let question = Question::ptr(address);
        let vantage = |(number, (kind, _)): (usize, &(VantageKind, Option<&str>))| Vantage {
            name: format!("v{number}"),
            server: None,
            kind: *kind,
        };
        let vantages = replies.iter().enumerate().map(vantage).collect();
        let reply = |(vantage, (_, name)): (usize, &(VantageKind, Option<&str>))| {
            let record = |name: &&str| Record {
                name: question.name.clone(),
                ttl: 60,
                data: RecordData::Ptr(DomainName::new(name)),
            };
            Reply { vantage, outcome: Outcome::Answer(samples::answer(name.iter().map(record).collect())) }
        };
        let all = replies.iter().enumerate().map(reply).collect();
        (Observations::new(vantages, BTreeMap::from([(question.clone(), all)])), address)
    }

    #[test]
    fn the_systems_resolver_goes_before_all_but_a_plan() {
        use VantageKind::{Authoritative, Overlay, Public, System};
        for (replies, expected) in [
            (&[(Public, Some("a.example")), (System, Some("inner.example"))][..], &["inner.example"][..]),
            (&[(Authoritative, Some("a.example")), (System, None)], &[]),
            (&[(Public, Some("a.example"))], &["a.example"]),
            (&[(Overlay, Some("new.example")), (System, Some("inner.example"))], &["new.example"]),
        ] {
            let (dns, address) = observed(replies);
            let names = dns.own_ptr_names(address).unwrap();
            assert_eq!(names.iter().map(DomainName::as_str).collect::<Vec<_>>(), expected, "{replies:?}");
        }
        assert_eq!(Observations::default().own_ptr_names("192.0.2.10".parse().unwrap()), None);
    }
}
