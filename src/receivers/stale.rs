//! What receivers do while resolvers still serve answers that the zone no longer gives.

use std::collections::{BTreeMap, BTreeSet};

use crate::addr::Family;
use crate::facts::{Helo, OutboundPath};
use crate::name::DomainName;
use crate::observe::{Observations, Outcome, Question, RecordData, RecordType, Reply, VantageKind, stale};
use crate::receivers::{Opinion, Verdict, by_truth};

/// Puts what receivers do behind resolvers with old answers into `opinions` (by the truth), where that is worse.
pub(super) fn meanwhile(path: &OutboundPath, dns: &Observations, opinions: &mut [Opinion]) {
    let questions = questions(path, dns);
    let behind = behind(&questions, dns);
    if behind.is_empty() {
        return;
    }
    let resolvers: BTreeSet<usize> =
        behind.iter().flat_map(|stale| &stale.views).flat_map(|view| view.by.clone()).collect();
    let left = behind.iter().try_fold(0, |longest, stale| Some(stale.left?.max(longest)));
    let over = over(dns, left);
    let by_now: Vec<Verdict> = opinions.iter().map(|opinion| opinion.verdict).collect();
    for resolver in resolvers {
        let seen_there = by_truth(path, &as_served(dns, &questions, resolver));
        for ((worst, there), later) in opinions.iter_mut().zip(seen_there).zip(&by_now) {
            let Some((later, until)) = verb(*later).zip(verb(there.verdict)) else { continue };
            if there.verdict > worst.verdict {
                let because = format!("{later} {over}, {until} until then at resolvers that still have the old answer");
                *worst = Opinion { because, ..there };
            }
        }
    }
}

/// Whether resolvers still serve old answers to what receivers ask about a path.
pub(super) fn is_behind(path: &OutboundPath, dns: &Observations) -> bool {
    let some_resolver = dns.vantages.iter().any(|vantage| vantage.kind == VantageKind::Public);
    some_resolver && !behind(&questions(path, dns), dns).is_empty()
}

fn behind(questions: &BTreeSet<Question>, dns: &Observations) -> Vec<stale::Stale> {
    questions.iter().filter_map(|question| stale::find(dns, question, false)).collect()
}

/// The questions that a receiver asks about a path.
fn questions(path: &OutboundPath, dns: &Observations) -> BTreeSet<Question> {
    let Some(address) = path.sending.as_ref().map(|sending| sending.value) else { return BTreeSet::new() };
    let ptr = Question::ptr(address);
    // The names of old answers too.
    let mut names: BTreeSet<DomainName> = BTreeSet::new();
    for (_, outcome) in dns.replies(&ptr) {
        let Outcome::Answer(answer) = outcome else { continue };
        names.extend(answer.records.iter().filter_map(|record| match &record.data {
            RecordData::Ptr(name) => Some(name.clone()),
            _ => None,
        }));
    }
    let mut questions: BTreeSet<Question> =
        names.iter().map(|name| Question::new(name, RecordType::address(Family::from(address)))).collect();
    if let Helo::Known(helo) = &path.helo
        && helo.value.literal().is_none()
    {
        let name = helo.value.domain();
        questions.extend([RecordType::A, RecordType::Aaaa, RecordType::Mx].map(|rtype| Question::new(&name, rtype)));
    }
    questions.insert(ptr);
    questions
}

/// What a resolver serves of `questions`; what it did not answer stands as it is.
fn as_served(dns: &Observations, questions: &BTreeSet<Question>, resolver: usize) -> Observations {
    let mut replies: BTreeMap<Question, Vec<Reply>> = BTreeMap::new();
    for question in questions {
        let Some(all) = dns.replies.get(question) else { continue };
        let own = all.iter().filter(|reply| reply.vantage == resolver && matches!(reply.outcome, Outcome::Answer(_)));
        let mut kept: Vec<Reply> = own.cloned().collect();
        if kept.is_empty() {
            kept = all.clone();
        }
        replies.insert(question.clone(), kept);
    }
    let mut served = Observations::new(dns.vantages.clone(), replies);
    // A plan goes before all that is served now; there is none here, or the question would not be behind.
    debug_assert!(served.vantages.get(resolver).is_some_and(|vantage| vantage.kind == VantageKind::Public));
    served.taken = dns.taken;
    served
}

/// When the last old answer has expired, in words behind a verb.
fn over(dns: &Observations, left: Option<u32>) -> String {
    let clock = left.zip(dns.taken).and_then(|(left, taken)| stale::clock(taken, left));
    match (clock, left) {
        (Some(clock), _) => format!("from {clock} at the latest"),
        (None, Some(left)) => format!("in {} min at the latest", left.div_ceil(60)),
        (None, None) => "once old answers have expired".to_owned(),
    }
}

/// `None` where it could not be told.
fn verb(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Accept => Some("accepts"),
        Verdict::Unknown => None,
        Verdict::Penalise => Some("penalises"),
        Verdict::Defer => Some("defers"),
        Verdict::Reject => Some("refuses"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivers::{count, opinions, refusing};
    use crate::rules::testing::{healthy, observed};

    #[test]
    fn until_caches_have_the_new_answer_receivers_behind_them_refuse() {
        let path = healthy().paths[0].clone();
        let said = |dns: &Observations| -> Vec<Opinion> {
            let all = opinions(&path, dns);
            let refuse = all.iter().filter(|opinion| opinion.verdict >= Verdict::Defer).count();
            assert_eq!(refusing(&path, dns), refuse);
            all
        };
        let fresh = [("ns1", &["192.0.2.10"][..]), ("google", &["192.0.2.10"])];
        let ptr = ("192.0.2.10 PTR", &[("ns1", &["mail.example.com"][..]), ("google", &["mail.example.com"])][..]);
        let dns = observed(&[ptr, ("mail.example.com A", &fresh[..])]);
        assert!(
            said(&dns).iter().all(|opinion| opinion.verdict == Verdict::Accept || opinion.verdict == Verdict::Unknown)
        );

        let late = [("ns1", &["192.0.2.10"][..]), ("google", &["ttl=2220", "192.0.2.99"])];
        let mut dns = observed(&[ptr, ("mail.example.com A", &late[..])]);
        dns.taken = "2026-11-20T14:00:00Z".parse().ok();
        let all = said(&dns);
        assert_eq!(all.len(), count());
        let gmail = &all[0];
        assert_eq!((gmail.receiver.as_str(), gmail.verdict), ("gmail", Verdict::Reject));
        assert_eq!(
            gmail.because,
            "accepts from 14:37 UTC at the latest, refuses until then at resolvers that still have the old answer"
        );
        dns.taken = None;
        assert!(said(&dns)[0].because.starts_with("accepts in 37 min at the latest"));

        // A cache that is kinder than the zone changes nothing.
        let kinder = [("ns1", &["192.0.2.99"][..]), ("google", &["192.0.2.10"])];
        let gone = said(&observed(&[ptr, ("mail.example.com A", &kinder[..])]));
        assert_eq!((gone[0].verdict, gone[0].because.contains("until then")), (Verdict::Reject, false));
    }
}
