//! Observations as they would be after records were published, withdrawn or set, once every cache has let go of the old ones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::addr::reverse_name;
use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::{Answer, Observations, Outcome, Question, Record, RecordData, RecordType, VantageKind, plan};

/// Aliases followed in one answer.
const ALIASES: usize = 32;
/// Questions of one trial: far above what any host brings.
const QUESTIONS: usize = 500_000;
/// The TTL of records that a plan publishes, in seconds: the one that DNS006 still calls low enough for a migration.
pub(crate) const TTL: u32 = 3600;

/// What somebody does to a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordChange {
    /// It is added.
    Publish(DomainName, RecordData),
    /// It is taken away.
    Withdraw(DomainName, RecordData),
    /// The PTR record set of an address becomes this one name.
    SetPtr(IpAddr, DomainName),
}

/// Records that are changed, by owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordChanges {
    published: BTreeMap<DomainName, Vec<RecordData>>,
    withdrawn: BTreeMap<DomainName, Vec<RecordData>>,
    pointers: BTreeMap<DomainName, DomainName>,
}

impl RecordChanges {
    /// One more change; what was published by an earlier one and is withdrawn now is neither, and so the other way round.
    pub fn add(&mut self, change: &RecordChange) {
        let put = |there: &mut BTreeMap<DomainName, Vec<RecordData>>,
                   other: &mut BTreeMap<DomainName, Vec<RecordData>>,
                   name: &DomainName,
                   data: &RecordData| {
            let undone = other.get_mut(name).is_some_and(|all| {
                let before = all.len();
                all.retain(|known| known != data);
                all.len() < before
            });
            let all = there.entry(name.clone()).or_default();
            if !undone && !all.contains(data) {
                all.push(data.clone());
            }
        };
        match change {
            RecordChange::Publish(name, data) => put(&mut self.published, &mut self.withdrawn, name, data),
            RecordChange::Withdraw(name, data) => put(&mut self.withdrawn, &mut self.published, name, data),
            RecordChange::SetPtr(addr, name) => {
                self.pointers.insert(reverse_name(*addr), name.clone());
            }
        }
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.published.is_empty() && self.withdrawn.is_empty() && self.pointers.is_empty()
    }

    fn touches(&self, name: &DomainName) -> bool {
        self.published.contains_key(name) || self.withdrawn.contains_key(name)
    }

    /// The answer after the changes; `None` where they do not touch it.
    fn apply(&self, question: &Question, answer: &Answer) -> Option<Answer> {
        let chain = chain(question, answer);
        let end = chain.last().unwrap_or(&question.name);
        if let (RecordType::Ptr, Some(name)) = (question.rtype, self.pointers.get(&question.name)) {
            let aliases = answer.records.iter().filter(|record| record.data.rtype() == RecordType::Cname).cloned();
            let pointer = Record { name: end.clone(), ttl: TTL, data: RecordData::Ptr(name.clone()) };
            let records = aliases.chain([pointer]).collect();
            return Some(Answer { nxdomain: false, records, negative_ttl: None, soa: None, ..answer.clone() });
        }
        let at = chain.iter().position(|name| self.touches(name))?;
        let owner = chain.get(at)?;
        let withdrawn = self.withdrawn.get(owner).map_or(&[][..], Vec::as_slice);
        let published = self.published.get(owner).map_or(&[][..], Vec::as_slice);
        let is_alias = owner != end;
        let alias_gone = withdrawn.iter().any(|data| data.rtype() == RecordType::Cname);
        if is_alias && !alias_gone {
            return None;
        }
        // The aliases before the owner stay.
        let before = chain.get(..at).unwrap_or_default();
        let mut records: Vec<Record> =
            answer.records.iter().filter(|record| before.contains(&record.name)).cloned().collect();
        let own = answer.records.iter().filter(|r| r.name == *owner && r.data.rtype() == question.rtype);
        records.extend(own.filter(|record| !withdrawn.contains(&record.data)).cloned());
        let fits = published.iter().filter(|data| data.rtype() == question.rtype);
        for data in fits {
            if !records.iter().any(|known| known.name == *owner && known.data == *data) {
                records.push(Record { name: owner.clone(), ttl: TTL, data: data.clone() });
            }
        }
        let found = records.iter().any(|record| record.data.rtype() == question.rtype);
        let nxdomain = !found && published.is_empty() && (answer.nxdomain || alias_gone);
        let (soa, negative_ttl) = if found { (None, None) } else { (answer.soa.clone(), answer.negative_ttl) };
        Some(Answer { nxdomain, records, soa, negative_ttl, ..answer.clone() })
    }
}

/// The name asked for, and those that its aliases lead to.
fn chain(question: &Question, answer: &Answer) -> Vec<DomainName> {
    let mut chain = vec![question.name.clone()];
    while let Some(next) = chain.last().and_then(|name| {
        answer.records.iter().find(|record| record.name == *name).and_then(|record| match &record.data {
            RecordData::Cname(target) => Some(target.clone()),
            _ => None,
        })
    }) {
        if chain.contains(&next) || chain.len() > ALIASES {
            break;
        }
        chain.push(next);
    }
    chain
}

impl Observations {
    /// Every question that a run on a host with these facts would ask, by the answers that are known after `changes`; those about
    /// the servers of zones apart.
    pub fn questions_of(&self, facts: &Facts, changes: &RecordChanges) -> BTreeSet<Question> {
        let follow_ups = plan::FollowUps::new(facts);
        let mut open: Vec<Question> = plan::initial(facts).into_iter().collect();
        let mut all = BTreeSet::new();
        while let Some(question) = open.pop().filter(|_| all.len() < QUESTIONS) {
            if !all.insert(question.clone()) {
                continue;
            }
            for reply in self.replies.get(&question).into_iter().flatten() {
                if let Outcome::Answer(answer) = &reply.outcome {
                    let changed = changes.apply(&question, answer);
                    open.extend(follow_ups.after(&question, changed.as_ref().unwrap_or(answer)));
                }
            }
        }
        all
    }

    /// As if the changes had been made and all caches had followed, and as if only `wanted` had been asked of what `before` lists.
    pub fn after(
        &self,
        changes: &RecordChanges,
        before: &BTreeSet<Question>,
        wanted: &BTreeSet<Question>,
    ) -> Observations {
        let kept =
            self.replies.iter().filter(|(question, _)| wanted.contains(*question) || !before.contains(*question));
        let replies = kept.map(|(question, replies)| {
            let mut replies = replies.clone();
            let planned = |at: usize| self.vantages.get(at).is_some_and(|v| v.kind == VantageKind::Overlay);
            // What is planned stays planned, whatever is published meanwhile.
            for reply in replies.iter_mut().filter(|reply| !planned(reply.vantage)) {
                if let Outcome::Answer(answer) = &mut reply.outcome
                    && let Some(changed) = changes.apply(question, answer)
                {
                    *answer = changed;
                }
            }
            (question.clone(), replies)
        });
        Observations {
            vantages: self.vantages.clone(),
            replies: replies.collect(),
            zones: self.zones.clone(),
            offline: self.offline,
            taken: self.taken,
            truths: Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::samples::answer;

    fn name(text: &str) -> DomainName {
        DomainName::new(text)
    }

    fn a(addr: &str) -> RecordData {
        RecordData::A(addr.parse().unwrap())
    }

    fn record(owner: &str, data: RecordData) -> Record {
        Record { name: name(owner), ttl: 60, data }
    }

    fn changes(list: &[RecordChange]) -> RecordChanges {
        let mut all = RecordChanges::default();
        list.iter().for_each(|change| all.add(change));
        all
    }

    #[test]
    fn an_address_that_moved_leaves_no_second_one() {
        let question = Question::new(&name("mx.example.com"), RecordType::A);
        let old = answer(vec![record("mx.example.com", a("198.51.100.7"))]);
        let moved = changes(&[
            RecordChange::Withdraw(name("mx.example.com"), a("198.51.100.7")),
            RecordChange::Publish(name("mx.example.com"), a("192.0.2.10")),
        ]);
        let records = moved.apply(&question, &old).unwrap().records;
        assert_eq!(records.iter().map(|r| r.data.clone()).collect::<Vec<_>>(), [a("192.0.2.10")]);
        let other = Question::new(&name("other.example.com"), RecordType::A);
        assert_eq!(moved.apply(&other, &old), None);
    }

    #[test]
    fn a_name_that_did_not_exist_has_no_records_of_other_types() {
        let missing = Answer { nxdomain: true, ..answer(Vec::new()) };
        let published = changes(&[RecordChange::Publish(name("mx.example.com"), a("192.0.2.10"))]);
        let six = published.apply(&Question::new(&name("mx.example.com"), RecordType::Aaaa), &missing).unwrap();
        assert!(!six.nxdomain && six.records.is_empty());
    }

    #[test]
    fn an_alias_is_replaced_by_addresses_and_one_that_leads_to_the_name_follows() {
        let alias = || record("www.example.com", RecordData::Cname(name("mx.example.com")));
        let old = answer(vec![alias(), record("mx.example.com", a("198.51.100.7"))]);
        let question = Question::new(&name("www.example.com"), RecordType::A);
        let target = changes(&[RecordChange::Publish(name("mx.example.com"), a("192.0.2.10"))]);
        assert_eq!(target.apply(&question, &old).unwrap().records.len(), 3);
        let replaced = changes(&[
            RecordChange::Withdraw(name("www.example.com"), RecordData::Cname(name("mx.example.com"))),
            RecordChange::Publish(name("www.example.com"), a("192.0.2.10")),
        ]);
        let records = replaced.apply(&question, &old).unwrap().records;
        assert_eq!(
            records.iter().map(|r| (r.name.clone(), r.data.clone())).collect::<Vec<_>>(),
            [(name("www.example.com"), a("192.0.2.10"))]
        );
    }

    #[test]
    fn a_pointer_is_set_where_its_alias_leads() {
        let addr: IpAddr = "192.0.2.10".parse().unwrap();
        let question = Question::ptr(addr);
        let alias = Record {
            name: question.name.clone(),
            ttl: 60,
            data: RecordData::Cname(name("10.0-15.2.0.192.in-addr.arpa")),
        };
        let set = changes(&[RecordChange::SetPtr(addr, name("mx.example.com"))]);
        let after = set.apply(&question, &answer(vec![alias.clone()])).unwrap();
        assert_eq!(after.records[0], alias);
        assert_eq!(after.records[1].name, name("10.0-15.2.0.192.in-addr.arpa"));
    }
}
