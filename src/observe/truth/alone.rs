//! What is true for a question by one reply, with nothing else asked: as in a stream of questions to a resolver, which come by the hundred thousand.

use std::collections::BTreeMap;

use super::{End, decide, end_in};
use crate::name::DomainName;
use crate::observe::{Answer, Lookup, Outcome, Question, Record, RecordData, Reply, Vantage, VantageKind, Why};

/// The records of the type asked for, or their absence, and the name that the question's is an alias of: what [`decide`] gives where there
/// is this reply alone. A resolver's usual reply is taken apart without a copy.
pub fn alone(vantages: &[Vantage], reply: Reply, question: &Question) -> (Lookup<RecordData>, Option<DomainName>) {
    let Reply { vantage, outcome } = reply;
    let outcome = match plain(vantages, vantage, outcome, question) {
        Ok(lookup) => return (lookup, None),
        Err(outcome) => outcome,
    };
    let replies = BTreeMap::from([(question.clone(), vec![Reply { vantage, outcome }])]);
    let truth = decide(vantages, &replies, question);
    let lookup = truth.lookup.filter_map(|record| Some(record.data));
    (lookup, truth.aliases.into_iter().next().map(|(_, target)| target))
}

/// What a resolver's reply comes to that has records of the name and type asked for and no others, or none at all; another is given back.
fn plain(
    vantages: &[Vantage],
    vantage: usize,
    outcome: Outcome,
    question: &Question,
) -> Result<Lookup<RecordData>, Outcome> {
    let kind = vantages.get(vantage).map(|vantage| vantage.kind);
    let is_asked = |record: &Record| record.data.rtype() == question.rtype && record.name == question.name;
    match outcome {
        Outcome::Answer(answer)
            if matches!(kind, Some(VantageKind::Public | VantageKind::System))
                && answer.records.iter().all(is_asked) =>
        {
            let Answer { records, nxdomain, left_out, .. } = answer;
            let end = match (records.is_empty(), nxdomain) {
                (false, _) => end_in(records, question, left_out),
                (true, true) => End::NxDomain,
                (true, false) => End::NoData,
            };
            Ok(match end {
                End::Records(records) => Lookup::Found(records.into_iter().map(|record| record.data).collect()),
                End::NxDomain => Lookup::NxDomain,
                End::TooMany(count) => Lookup::Unanswered(Why::TooMany(count)),
                // The other two are of aliases, which there are none of.
                End::NoData | End::Elsewhere(_) | End::Loop => Lookup::NoData,
            })
        }
        outcome => Err(outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::RecordType;
    use crate::observe::samples::answer;

    #[test]
    fn it_is_what_is_true_by_all_that_was_said() {
        let of = |kind: VantageKind| Vantage {
            name: kind.as_str().to_owned(),
            server: Some("192.0.2.53:53".parse().unwrap()),
            kind,
        };
        let vantages: Vec<Vantage> =
            [VantageKind::Public, VantageKind::System, VantageKind::Authoritative].into_iter().map(of).collect();
        let record = |name: &str, data| Record { name: DomainName::new(name), ttl: 60, data };
        let address = |last: u8| RecordData::A([192, 0, 2, last].into());
        let text = |text: &str| RecordData::Txt(text.to_owned());
        let alias = || record("a.example", RecordData::Cname(DomainName::new("b.example")));
        let sets = [
            vec![],
            vec![record("a.example", address(2)), record("a.example", address(1)), record("a.example", address(2))],
            vec![record("a.example", text("b")), record("a.example", text("a"))],
            vec![record("a.example", address(1)), record("a.example", text("a"))],
            vec![alias()],
            vec![alias(), record("b.example", address(1)), record("b.example", text("b"))],
            vec![record("b.example", address(1)), alias()],
            vec![record("b.example", address(1))],
        ];
        let answers = sets.into_iter().flat_map(|records| {
            let plain = answer(records);
            [
                Answer { nxdomain: true, ..plain.clone() },
                Answer { left_out: 3, ..plain.clone() },
                Answer { authoritative: true, ..plain.clone() },
                plain,
            ]
        });
        let mut outcomes: Vec<Outcome> = answers.map(Outcome::Answer).collect();
        outcomes.extend([Why::Timeout, Why::ServFail, Why::Referral].map(Outcome::Unanswered));
        let (mut found, mut aliases) = (0, 0);
        let mut compare = |reply: Reply, rtype| {
            let question = Question::new(&DomainName::new("a.example"), rtype);
            let truth = decide(&vantages, &BTreeMap::from([(question.clone(), vec![reply.clone()])]), &question);
            let (lookup, alias) = alone(&vantages, reply, &question);
            assert_eq!(lookup, truth.lookup.filter_map(|record| Some(record.data)));
            assert_eq!(alias.as_ref(), truth.aliases.first().map(|(_, target)| target));
            (found, aliases) = (found + lookup.found().len(), aliases + usize::from(alias.is_some()));
        };
        for rtype in [RecordType::A, RecordType::Txt, RecordType::Cname] {
            for outcome in &outcomes {
                // The last is nobody's.
                for vantage in 0..4 {
                    compare(Reply { vantage, outcome: outcome.clone() }, rtype);
                }
            }
        }
        assert!(found > 50 && aliases > 20, "{found}, {aliases}");
    }
}
