//! SPF records of HELO names: which are asked for, and which questions follow from one. They are evaluated elsewhere.

use std::collections::BTreeSet;

use crate::facts::{Facts, OutboundPath};
use crate::identity::helo_name;
use crate::name::DomainName;
use crate::observe::askable::{is_askable, is_representable};
use crate::observe::{Answer, Question, RecordData, RecordType};

/// HELO names whose SPF records are looked at.
const SPF_NAMES: usize = 64;
/// Questions that one SPF record brings: of its terms, ten at most may take one (RFC 7208 section 4.6.4).
const SPF_QUESTIONS: usize = 10;

/// HELO names whose SPF records are looked at: those of paths whose sending address receivers see, as many as hosts with few paths have.
pub(crate) fn introduced(facts: &Facts) -> BTreeSet<DomainName> {
    let seen =
        |path: &&OutboundPath| path.relayed.is_none() && !path.handed_over && !path.unused && path.sending.is_some();
    let names: BTreeSet<DomainName> =
        facts.paths.iter().filter(seen).filter_map(helo_name).map(|helo| helo.name).collect();
    names.into_iter().filter(is_askable).take(SPF_NAMES).collect()
}

/// What an SPF record names without macros: policies that it includes, names whose addresses it authorises (RFC 7208 section 5). What those name
/// in turn is not followed, nor are exchangers: the records of HELO names are short. Several records are an error (section 4.5), and name nothing.
pub(super) fn named_by_spf(answer: &Answer) -> Vec<Question> {
    let policy = |data: &'_ RecordData| match data {
        RecordData::Txt(text) => {
            let (version, terms) = text.split_once(' ').unwrap_or((text, ""));
            version.eq_ignore_ascii_case("v=spf1").then(|| terms.to_owned())
        }
        _ => None,
    };
    let policies: Vec<String> = answer.records.iter().filter_map(|record| policy(&record.data)).collect();
    let [terms] = policies.as_slice() else { return Vec::new() };
    let named = |term: &str| -> Vec<Question> {
        let term = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
        let (name, types): (&str, &[RecordType]) = match term.split_once([':', '=']) {
            Some(("include" | "redirect", name)) => (name, &[RecordType::Txt]),
            Some(("a", name)) => (name.split('/').next().unwrap_or_default(), &[RecordType::A, RecordType::Aaaa]),
            _ => return Vec::new(),
        };
        let name = DomainName::new(name);
        let asked = !name.as_str().contains('%') && name.is_qualified() && is_representable(&name);
        types.iter().filter(|_| asked).map(|rtype| Question::new(&name, *rtype)).collect()
    };
    terms.split(' ').flat_map(named).take(SPF_QUESTIONS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fact;
    use crate::observe::plan::{FollowUps, initial};
    use crate::observe::samples::{facts, helo_path};

    fn asked<'a>(questions: impl IntoIterator<Item = &'a Question>) -> Vec<String> {
        questions.into_iter().map(Question::to_string).collect()
    }

    #[test]
    fn an_spf_record_of_a_helo_name_brings_what_it_names() {
        let mut facts = facts();
        facts.paths = vec![helo_path("192.0.2.10", "mail.example.com")];
        let follow_ups = FollowUps::new(&facts);
        let after = |owner: &str, text: &str| {
            let question = Question::new(&DomainName::new(owner), RecordType::Txt);
            let record = crate::observe::Record {
                name: question.name.clone(),
                ttl: 300,
                data: RecordData::Txt(text.to_owned()),
            };
            asked(&follow_ups.after(&question, &crate::observe::samples::answer(vec![record])))
        };
        assert_eq!(after("mail.example.com", "v=spf1 a -all"), [""; 0]);
        assert_eq!(
            after(
                "mail.example.com",
                "v=SPF1 ?include:a.example a:b.example/24 mx exists:%{i}.c.example redirect=d.example"
            ),
            ["a.example. TXT", "b.example. A", "b.example. AAAA", "d.example. TXT"]
        );
        assert_eq!(after("mail.example.com", "v=spf1 include:%{d}.example a:one"), [""; 0]);
        assert_eq!(after("mail.example.com", "text include:a.example"), [""; 0]);
        assert_eq!(after("a.example", "v=spf1 include:b.example"), [""; 0], "what is included is not followed");
        let many = format!("v=spf1{}", " include:a.example".repeat(500));
        assert_eq!(after("mail.example.com", &many).len(), SPF_QUESTIONS);
        let question = Question::new(&DomainName::new("mail.example.com"), RecordType::Txt);
        let record = |text: &str| crate::observe::Record {
            name: question.name.clone(),
            ttl: 300,
            data: RecordData::Txt(text.to_owned()),
        };
        let several = vec![record("v=spf1 include:a.example"), record("v=spf1 include:b.example")];
        assert_eq!(asked(&follow_ups.after(&question, &crate::observe::samples::answer(several))), [""; 0]);
        // What a customer publishes for a HELO name of theirs is read, and leads nowhere.
        facts.paths.push(helo_path("192.0.2.10", "mail.shop.example"));
        facts.host.node_name = Some(Fact::new("mail.example.com".to_owned(), crate::facts::Origin::kernel("uname")));
        let follow_ups = FollowUps::new(&facts);
        let question = Question::new(&DomainName::new("mail.shop.example"), RecordType::Txt);
        assert!(initial(&facts).contains(&question));
        let answer = crate::observe::samples::answer(vec![record("v=spf1 include:a.example")]);
        assert_eq!(asked(&follow_ups.after(&question, &answer)), [""; 0]);
    }
}
