//! What a round brought, as the schedule wants it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use crate::findings::{Finding, Verdict};
use crate::observe::plan::Plan;
use crate::observe::resolver::Options;
use crate::observe::{Observations, Outcome, Question, RecordData, RecordType, VantageKind, Why};
use crate::wait::{CopyAnswer, RoundAnswer, SourceAnswer};

/// The rule by which a resolver will always say something else.
const APART: &str = "DNS005";

/// What was heard of every question, those about zones apart.
pub(super) fn all(
    dns: &Observations,
    options: &Options,
    plan: &Plan,
    wrong: &BTreeSet<String>,
    findings: &[Finding],
) -> Vec<RoundAnswer> {
    let of_zones: HashSet<Question> = dns.zones.iter().map(|zone| zone.question()).collect();
    let is_apart = |finding: &&Finding| finding.meta.code == APART && finding.verdict == Verdict::Fail;
    let apart: BTreeSet<&str> = findings.iter().filter(is_apart).map(|finding| finding.subject.as_str()).collect();
    let counts = |question: &&Question| {
        !matches!(question.rtype, RecordType::Ns | RecordType::Soa)
            && !of_zones.contains(*question)
            && !plan.follow_ups.is_inside(question)
    };
    let asked = dns.replies.keys().chain(&plan.initial).collect::<BTreeSet<&Question>>();
    let heard = asked.into_iter().filter(counts).map(|question| {
        let text = question.to_string();
        RoundAnswer {
            question: question.clone(),
            wrong: wrong.contains(&text),
            source: source(dns, question, options),
            copies: copies(dns, question, options, apart.contains(text.as_str())),
        }
    });
    heard.collect()
}

/// What the servers of the question's zone did.
fn source(dns: &Observations, question: &Question, options: &Options) -> SourceAnswer {
    if !options.authoritative {
        return SourceAnswer::Absent;
    }
    let mut refusing = false;
    for (vantage, outcome) in dns.replies(question) {
        if vantage.kind != VantageKind::Authoritative {
            continue;
        }
        match outcome {
            Outcome::Answer(answer) if answer.authoritative => return SourceAnswer::Answered,
            Outcome::Answer(_) => {}
            Outcome::Unanswered(Why::Refused | Why::ServFail | Why::Rcode(_) | Why::Referral) => refusing = true,
            // One that is silent may come back.
            Outcome::Unanswered(_) => return SourceAnswer::Silent,
        }
    }
    if refusing { SourceAnswer::Refusing } else { SourceAnswer::Silent }
}

/// What each resolver says, against what is true.
fn copies(dns: &Observations, question: &Question, options: &Options, apart: bool) -> BTreeMap<usize, CopyAnswer> {
    let truth = dns.truth(question);
    let records: BTreeSet<RecordData> = truth.lookup.found().iter().map(|record| record.data.clone()).collect();
    let served = dns.views(question, VantageKind::Authoritative);
    let mut all = BTreeMap::new();
    for (number, spec) in options.resolvers.iter().enumerate() {
        let is_its = |at: &usize| {
            dns.vantages.get(*at).is_some_and(|own| (&own.name, own.server) == (&spec.name, Some(spec.server)))
        };
        let asked = dns.replies.get(question).is_some_and(|all| all.iter().any(|reply| is_its(&reply.vantage)));
        if !asked {
            continue;
        }
        let views = dns.views(question, spec.kind);
        let said = views.iter().find(|view| view.by.iter().any(is_its));
        let copy = match said {
            None => CopyAnswer::Unanswered,
            Some(view) if view.records.iter().eq(&records) => CopyAnswer::Agrees,
            Some(view) if served.iter().any(|other| other.records == view.records) => CopyAnswer::Agrees,
            Some(_) if apart && spec.kind == VantageKind::System => CopyAnswer::Apart,
            Some(view) => CopyAnswer::Differs(view.ttl.map(|ttl| Duration::from_secs(u64::from(ttl)))),
        };
        all.insert(number, copy);
    }
    all
}
