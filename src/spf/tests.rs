//! Cases of each section of RFC 7208, in `testdata/spf`, and those of the openspf suite where it lies beside the project.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Check, Evaluation, Outcome, SpfResult, evaluate};
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordData, RecordType, Why};

/// Rounds of questions after which an evaluation must have come to an end: each has at least one new question of a nested policy, or of a
/// mechanism.
const ROUNDS: usize = 40;

/// What a test's DNS says.
#[derive(Default)]
struct World(BTreeMap<Question, Lookup<RecordData>>);

impl World {
    fn add(&mut self, name: &str, rtype: RecordType, data: RecordData) {
        let question = Question::new(&DomainName::new(name), rtype);
        match self.0.entry(question).or_insert(Lookup::Found(Vec::new())) {
            Lookup::Found(found) => found.push(data),
            _ => panic!("{name}: records beside no answer"),
        }
    }

    fn knows(&self, name: &DomainName) -> bool {
        self.0.keys().any(|question| question.name == *name)
    }

    fn answer(&self, question: &Question) -> Lookup<RecordData> {
        match self.0.get(question) {
            Some(lookup) => lookup.clone(),
            None if self.knows(&question.name) => Lookup::NoData,
            None => Lookup::NxDomain,
        }
    }
}

/// Evaluates in rounds, each question asked once, as an engine does.
fn run(check: &Check, answer: impl Fn(&Question) -> Lookup<RecordData>) -> Evaluation {
    let mut known = BTreeMap::new();
    for _ in 0..ROUNDS {
        let outcome = evaluate(check, &|question| known.get(question).map(Cow::Borrowed));
        match outcome {
            Outcome::Done(evaluation) => return *evaluation,
            Outcome::Needs(questions) => {
                assert!(!questions.is_empty());
                for question in questions {
                    let lookup = answer(&question);
                    assert!(known.insert(question, lookup).is_none(), "asked twice");
                }
            }
        }
    }
    panic!("no end after {ROUNDS} rounds: {check:?}");
}

fn check_of(address: &str, sender: &str, helo: &str) -> Check {
    let sender = if sender.is_empty() { format!("postmaster@{helo}") } else { sender.to_owned() };
    let (local, domain) = sender.rsplit_once('@').unwrap_or(("", &sender));
    Check {
        address: address.parse().unwrap(),
        domain: DomainName::new(domain),
        local_part: if local.is_empty() { "postmaster" } else { local }.to_owned().into(),
        helo: helo.into(),
    }
}

fn rtype(text: &str) -> Option<RecordType> {
    [RecordType::A, RecordType::Aaaa, RecordType::Mx, RecordType::Ptr, RecordType::Txt]
        .into_iter()
        .find(|rtype| rtype.as_str() == text)
}

/// What a record says as the hand-made cases write it.
fn data(rtype: RecordType, text: &str) -> RecordData {
    match rtype {
        RecordType::A => RecordData::A(text.parse().unwrap()),
        RecordType::Aaaa => RecordData::Aaaa(text.parse().unwrap()),
        RecordType::Ptr => RecordData::Ptr(DomainName::new(text)),
        RecordType::Mx => {
            let (preference, name) = text.split_once(' ').unwrap();
            RecordData::Mx(preference.parse().unwrap(), DomainName::new(name))
        }
        _ => RecordData::Txt(text.to_owned()),
    }
}

/// Runs the cases of one file. Its lines are records (`NAME TYPE DATA`, or `TIMEOUT` for data), checks
/// (`? ADDRESS SENDER HELO => RESULT [KEY=VALUE]...`) and comments; `--` begins a new world. Spaces in values are underscores.
fn run_file(name: &str, text: &str) -> usize {
    let mut world = World::default();
    let mut count = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let at = format!("{name}:{number}: {line}");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "--" {
            world = World::default();
        } else if let Some(case) = line.strip_prefix("? ") {
            let (asked, expected) = case.split_once(" => ").expect(&at);
            let [address, sender, helo] = asked.split(' ').collect::<Vec<_>>()[..] else { panic!("{at}") };
            let sender = if sender == "<>" { "" } else { sender };
            let found = run(&check_of(address, sender, helo), |question| world.answer(question));
            let mut words = expected.split(' ');
            assert_eq!(found.result.as_str(), words.next().unwrap(), "{at}: {found:?}");
            for word in words {
                let (key, value) = word.split_once('=').expect(&at);
                let value = value.replace('_', " ");
                let is = match key {
                    "lookups" => found.lookups.to_string(),
                    "void" => found.void_lookups.to_string(),
                    "by" => found.decided.iter().map(|step| step.term.as_str()).collect::<Vec<_>>().join(" "),
                    "at" => found.decided.last().map_or("", |step| step.domain.as_str()).to_owned(),
                    "because" => {
                        let because = format!("{:?}", found.because);
                        assert!(because.contains(&value), "{at}: {because}");
                        value.clone()
                    }
                    "beside" => found
                        .beside
                        .as_ref()
                        .map_or_else(|| "nothing".into(), |(result, step)| format!("{result} {}", step.term)),
                    _ => panic!("{at}"),
                };
                assert_eq!(is, value, "{at}: {key}");
            }
            count += 1;
        } else {
            let mut words = line.splitn(3, ' ');
            let (Some(owner), Some(kind), Some(rest)) = (words.next(), words.next(), words.next()) else {
                panic!("{at}")
            };
            let rtype = rtype(kind).expect(&at);
            if rest == "TIMEOUT" {
                let question = Question::new(&DomainName::new(owner), rtype);
                world.0.insert(question, Lookup::Unanswered(Why::Timeout));
            } else {
                world.add(owner, rtype, data(rtype, rest));
            }
        }
    }
    count
}

#[test]
fn cases_of_each_section() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/spf");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut count = 0;
    for path in &files {
        count += run_file(path.file_name().unwrap().to_str().unwrap(), &fs::read_to_string(path).unwrap());
    }
    assert!(count >= 100, "{count} cases in {} files", files.len());
}

/// The zone data of one scenario of the suite, as its driver understands it.
fn suite_answer(
    zone: &serde_json::Map<String, serde_json::Value>,
    question: &Question,
    aliases: usize,
) -> Lookup<RecordData> {
    // A blank of a name is written as it is there.
    let entry = zone.iter().find(|(name, _)| DomainName::new(&name.replace(' ', "\\032")) == question.name);
    let Some((_, records)) = entry else {
        return match question.name.as_str().starts_with("error.") {
            true => Lookup::Unanswered(Why::Timeout),
            false => Lookup::NxDomain,
        };
    };
    let records = records.as_array().unwrap();
    let has_txt = records.iter().any(|record| record.get("TXT").is_some());
    let mut found = Vec::new();
    for record in records {
        let Some(record) = record.as_object() else {
            if found.is_empty() {
                return Lookup::Unanswered(Why::Timeout);
            }
            continue;
        };
        let (kind, value) = record.iter().next().unwrap();
        let kind = if kind == "SPF" && !has_txt { "TXT" } else { kind };
        if kind == "CNAME" && aliases == 0 {
            let target = Question::new(&DomainName::new(value.as_str().unwrap()), question.rtype);
            return suite_answer(zone, &target, 1);
        }
        if rtype(kind) != Some(question.rtype) || value == "NONE" {
            continue;
        }
        found.push(match value {
            serde_json::Value::Array(parts) if question.rtype == RecordType::Mx => {
                let preference = parts[0].as_u64().unwrap().try_into().unwrap();
                RecordData::Mx(preference, DomainName::new(parts[1].as_str().unwrap()))
            }
            serde_json::Value::Array(parts) => {
                RecordData::Txt(parts.iter().map(|part| part.as_str().unwrap()).collect::<String>())
            }
            value => data(question.rtype, value.as_str().unwrap()),
        });
    }
    if found.is_empty() { Lookup::NoData } else { Lookup::Found(found) }
}

#[test]
fn the_openspf_suite() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/oracle/spf/rfc7208-tests.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("not there: {}", path.display());
        return;
    };
    let scenarios: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let (mut passed, mut faults) = (0, Vec::new());
    for scenario in &scenarios {
        let zone = scenario["zonedata"].as_object().unwrap();
        for (name, test) in scenario["tests"].as_object().unwrap() {
            let word = |key: &str| test[key].as_str().unwrap_or_default();
            let check = check_of(word("host"), word("mailfrom"), word("helo"));
            let found = run(&check, |question| suite_answer(zone, question, 0));
            let accepted = match &test["result"] {
                serde_json::Value::Array(results) => results.iter().any(|result| result == found.result.as_str()),
                result => result == found.result.as_str(),
            };
            match accepted {
                true => passed += 1,
                false => faults.push(format!("{name}: {} instead of {}: {found:?}", found.result, test["result"])),
            }
        }
    }
    println!("{passed} cases of the openspf suite pass");
    assert!(faults.is_empty(), "{passed} pass; {faults:#?}");
    assert!(passed >= 203, "{passed} cases");
}

#[test]
fn questions_of_several_exchangers_are_put_at_once() {
    let check = check_of("192.0.2.1", "a@example.com", "mail.example.com");
    let mut world = World::default();
    world.add("example.com", RecordType::Txt, data(RecordType::Txt, "v=spf1 mx -all"));
    for name in ["10 a.example.com", "20 b.example.com", "30 c.example.com"] {
        world.add("example.com", RecordType::Mx, data(RecordType::Mx, name));
    }
    let known = ["TXT", "MX"].map(|kind| Question::new(&check.domain, rtype(kind).unwrap()));
    let outcome = evaluate(&check, &|question| known.contains(question).then(|| Cow::Owned(world.answer(question))));
    let Outcome::Needs(questions) = outcome else { panic!("{outcome:?}") };
    assert_eq!(questions.len(), 3);
}

#[test]
fn a_mapped_address_is_an_ipv4_client() {
    let check = Check::new("::ffff:192.0.2.1".parse().unwrap(), &DomainName::new("example.com"), "x.example.com");
    let found = run(&check, |_| Lookup::Found(vec![data(RecordType::Txt, "v=spf1 ip4:192.0.2.1 -all")]));
    assert_eq!(found.result, SpfResult::Pass);
}
