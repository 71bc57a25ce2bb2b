//! Zones of own making, in `testdata/dmarc`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{
    Discovery, FormerReading, Outcome, QUESTION_LIMIT, Source, Void, are_aligned, discover, organization,
    read_as_former, targets,
};
use crate::name::DomainName;
use crate::observe::{Lookup, Lookups, Question, RecordData, RecordType, Why};

/// Zones that there have to be.
const ZONES: usize = 40;

type World = BTreeMap<Question, Lookup<RecordData>>;

/// Evaluates in rounds, each question asked once.
fn rounds<T>(world: &World, evaluate: impl Fn(&Lookups<'_>) -> Outcome<T>) -> (Outcome<T>, usize) {
    let mut known = World::new();
    loop {
        match evaluate(&|question| known.get(question).map(Cow::Borrowed)) {
            Outcome::Needs(questions) => {
                assert!(!questions.is_empty());
                for question in questions {
                    let lookup = world.get(&question).cloned().unwrap_or(Lookup::NoData);
                    assert!(known.insert(question, lookup).is_none(), "asked twice");
                }
            }
            done => {
                return (done, known.keys().filter(|question| question.name.as_str().starts_with("_dmarc.")).count());
            }
        }
    }
}

fn found(world: &World, domain: &DomainName) -> (Outcome<Discovery>, usize) {
    rounds(world, |answers| discover(domain, answers))
}

fn former(world: &World, domain: &DomainName) -> Outcome<FormerReading> {
    rounds(world, |answers| read_as_former(domain, answers)).0
}

/// What was found, in the words of the cases.
fn words(world: &World, domain: &DomainName) -> BTreeMap<&'static str, String> {
    let mut words = BTreeMap::new();
    let (outcome, questions) = found(world, domain);
    words.insert("questions", questions.to_string());
    match outcome {
        Outcome::Done(discovery) => {
            let policy = discovery.found.as_ref().map(|found| found.policy);
            let policy = policy.map_or("absent", |policy| policy.map_or("unusable", |policy| policy.as_str()));
            words.insert("policy", policy.to_owned());
            if let Some(found) = &discovery.found {
                words.insert("at", found.domain.to_string());
                let applied = found.applied().map_or("unusable", |policy| policy.as_str());
                words.insert("applied", applied.to_owned());
                let source = match found.source {
                    Source::Author => "author",
                    Source::Organizational => "organization",
                    Source::PublicSuffix => "suffix",
                };
                words.insert("source", source.to_owned());
                let faults: Vec<&str> = found.record.faults.iter().map(|fault| fault.tag).collect();
                words.insert("faults", faults.join(","));
            }
            words.insert("org", discovery.organizational.map_or_else(|| "-".into(), |name| name.to_string()));
            let void = discovery.void.iter().map(|void| match void {
                Void::Several { at, count } => format!("{count}@{at}"),
                Void::Unrecognised { at, .. } => format!("text@{at}"),
            });
            words.insert("void", void.collect::<Vec<_>>().join(","));
        }
        Outcome::Open(question, _) => {
            words.insert("policy", "open".into());
            words.insert("at", question.name.to_string());
        }
        Outcome::Needs(_) => unreachable!(),
    }
    let former = match former(world, domain) {
        Outcome::Done(FormerReading { policy: None, .. }) => "nothing".to_owned(),
        Outcome::Done(FormerReading { policy: Some(policy), percent: 100, .. }) => policy.to_string(),
        Outcome::Done(FormerReading { policy: Some(policy), percent, .. }) => format!("{policy}:{percent}"),
        Outcome::Open(..) | Outcome::Needs(_) => "open".to_owned(),
    };
    words.insert("former", former);
    words
}

#[test]
fn zones_of_own_making() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/dmarc/zones.txt")).unwrap();
    let (mut world, mut zones, mut checked) = (World::new(), 0, true);
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("-- ") {
            assert!(checked, "the zone before line {number} is not asked for");
            (world, checked) = (World::new(), false);
            zones += 1;
        } else if let Some(case) = line.strip_prefix("? ") {
            checked = true;
            let (domain, expected) = case.split_once(" => ").unwrap();
            let found = words(&world, &DomainName::new(domain));
            for (place, word) in expected.split(' ').enumerate() {
                let (key, value) = word.split_once('=').unwrap_or(("policy", word));
                assert!(place > 0 || key == "policy", "line {number}");
                assert_eq!(found.get(key).map(String::as_str), Some(value), "line {number}: {line}: {found:?}");
            }
        } else {
            let (name, text) = line.split_once(' ').unwrap();
            let question = Question::new(&DomainName::new(name), RecordType::Txt);
            match text {
                "NXDOMAIN" => drop(world.insert(question, Lookup::NxDomain)),
                "TIMEOUT" => drop(world.insert(question, Lookup::Unanswered(Why::Timeout))),
                text => match world.entry(question).or_insert(Lookup::Found(Vec::new())) {
                    Lookup::Found(found) => found.push(RecordData::Txt(text.into())),
                    _ => panic!("line {number}"),
                },
            }
        }
    }
    assert!(zones >= ZONES && checked, "{zones} zones");
}

#[test]
fn the_organization_of_a_domain_is_found_above_its_own_record() {
    let organization = |records: &[(&str, &str)], domain: &str| {
        let question = |name: &str| Question::new(&DomainName::new(&format!("_dmarc.{name}")), RecordType::Txt);
        let found = |text: &str| Lookup::Found(vec![RecordData::Txt(format!("v=DMARC1; {text}"))]);
        let world: World = records.iter().map(|(name, text)| (question(name), found(text))).collect();
        match rounds(&world, |answers| organization(&DomainName::new(domain), answers)) {
            (Outcome::Done(name), questions) => format!("{name} {questions}"),
            (other, _) => panic!("{other:?}"),
        }
    };
    assert_eq!(organization(&[], "a.b.example"), "a.b.example 3");
    assert_eq!(organization(&[("a.b.example", "p=none"), ("b.example", "p=none")], "a.b.example"), "b.example 3");
    assert_eq!(
        organization(&[("a.b.example", "p=none; psd=n"), ("b.example", "p=none")], "a.b.example"),
        "a.b.example 3"
    );
    assert_eq!(organization(&[("b.example", "psd=y"), ("example", "p=none")], "a.b.example"), "a.b.example 3");
    assert_eq!(organization(&[("example", "psd=y")], "a.b.example"), "b.example 3");
    assert_eq!(organization(&[("b.example", "psd=y"), ("example", "p=none")], "b.example"), "example 2");
    assert_eq!(organization(&[("b.example", "psd=y")], "b.example"), "b.example 2", "a public suffix is its own");
    assert_eq!(organization(&[("x.example", "p=none")], "a.b.c.d.e.f.g.x.example"), "x.example 8");
}

#[test]
fn at_most_eight_names_are_asked_for() {
    let all = |text: &str| targets(&DomainName::new(text)).map(|target| target.to_string()).collect::<Vec<_>>();
    assert_eq!(all("example.com"), ["example.com", "com"]);
    let seven = all("a.b.c.d.e.example.com");
    assert_eq!((seven.len(), seven[1].as_str()), (7, "b.c.d.e.example.com"));
    let eight = all("a.b.c.d.e.f.example.com");
    assert_eq!((eight.len(), eight[1].as_str()), (8, "b.c.d.e.f.example.com"));
    let nine = all("a.b.c.d.e.f.g.example.com");
    assert_eq!((nine.len(), nine[1].as_str(), nine[7].as_str()), (8, "c.d.e.f.g.example.com", "com"));
    assert_eq!(all(&format!("{}example.com", "a.".repeat(40))).len(), QUESTION_LIMIT);
    assert_eq!(all("com"), ["com"]);
}

#[test]
fn alignment() {
    let name = DomainName::new;
    let (author, organization) = (name("news.example.com"), name("example.com"));
    let aligned = |strict, other: &str, other_organization: &str| {
        are_aligned(strict, (&author, &organization), (&name(other), &name(other_organization)))
    };
    assert!(aligned(true, "news.example.com", "example.com"));
    assert!(!aligned(true, "example.com", "example.com"));
    assert!(aligned(false, "example.com", "example.com"));
    assert!(!aligned(false, "example.net", "example.net"));
}
