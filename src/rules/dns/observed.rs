//! For tests: answers of several servers.

use std::collections::BTreeMap;

use crate::name::DomainName;
use crate::observe::{Observations, Outcome, Question, Record, RecordData, Reply, Vantage, VantageKind};
use crate::rules::testing::dns;

/// The answers to one question: the question as [`dns`] writes it, then who said what.
pub(crate) type Said<'a> = (&'a str, &'a [(&'a str, &'a [&'a str])]);

/// The servers that [`observed`] knows.
const SERVERS: &[(&str, VantageKind, Option<&str>)] = &[
    ("planned", VantageKind::Overlay, None),
    ("ns1", VantageKind::Authoritative, Some("192.0.2.53:53")),
    ("ns2", VantageKind::Authoritative, Some("192.0.2.54:53")),
    ("google", VantageKind::Public, Some("8.8.8.8:53")),
    ("quad9", VantageKind::Public, Some("9.9.9.9:53")),
    ("system", VantageKind::System, Some("192.0.2.1:53")),
    ("stub", VantageKind::System, Some("127.0.0.53:53")),
];

/// Observations of several servers. Answers are written as [`dns`] writes them; before them may stand `ttl=SECONDS`, `serial=NUMBER`, and `aa` or `noaa`
/// (a zone's server sets AA, a resolver does not).
pub(crate) fn observed(said: &[Said<'_>]) -> Observations {
    let vantages: Vec<Vantage> = SERVERS
        .iter()
        .map(|(name, kind, server)| Vantage {
            name: (*name).to_owned(),
            server: server.map(|server| server.parse().unwrap()),
            kind: *kind,
        })
        .collect();
    let mut replies: BTreeMap<Question, Vec<Reply>> = BTreeMap::new();
    for (text, all) in said {
        for (who, answers) in *all {
            let vantage = vantages.iter().position(|vantage| vantage.name == *who).unwrap();
            let (question, outcome) = outcome(text, answers, vantages[vantage].kind);
            replies.entry(question).or_default().push(Reply { vantage, outcome });
        }
    }
    Observations::new(vantages, replies)
}

fn outcome(text: &str, answers: &[&str], kind: VantageKind) -> (Question, Outcome) {
    let is_option = |word: &&&str| word.starts_with("ttl=") || word.starts_with("serial=") || word.ends_with("aa");
    let options: Vec<&str> = answers.iter().take_while(is_option).copied().collect();
    let number = |key: &str| options.iter().find_map(|word| word.strip_prefix(key)).map(|n| n.parse().unwrap());
    let single = dns(&[(text, &answers[options.len()..])]);
    let mut parts = text.split(' ');
    let name = parts.next().unwrap();
    let question = single
        .replies
        .keys()
        .find(|question| match name.parse() {
            Ok(addr) => **question == Question::ptr(addr),
            Err(_) => question.name == DomainName::new(name) && Some(question.rtype.as_str()) == text.split(' ').nth(1),
        })
        .cloned()
        .unwrap();
    let mut outcome = single.replies[&question][0].outcome.clone();
    if let Outcome::Answer(answer) = &mut outcome {
        let own = matches!(kind, VantageKind::Authoritative | VantageKind::Overlay);
        answer.authoritative = if own { !options.contains(&"noaa") } else { options.contains(&"aa") };
        answer.recursion_available = !own;
        if let Some(ttl) = number("ttl=") {
            answer.records.iter_mut().for_each(|record| record.ttl = ttl);
            answer.negative_ttl = answer.records.is_empty().then_some(ttl);
        }
        if let Some(serial) = number("serial=") {
            let zone = DomainName::new("example.com");
            let data = RecordData::Soa { mname: zone.clone(), rname: zone.clone(), serial, minimum: 300 };
            answer.soa = Some(Record { name: zone, ttl: 300, data }.into());
        }
    }
    (question, outcome)
}
