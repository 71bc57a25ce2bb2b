use std::collections::BTreeSet;

use super::questions::{duration, judged, true_set, words};
use super::split_horizon;
use crate::facts::Facts;
use crate::findings::{Finding, Severity, StaleCaches};
use crate::observe::iprev::Iprev;
use crate::observe::stale::{self, Stale};
use crate::observe::truth::View;
use crate::observe::{Observations, Question, RecordType, Vantage};
use crate::rules::names::is_own;
use crate::rules::support::{Sending, evidence, sending_addresses};
use crate::rules::{Context, rule};

rule! {
    /// A resolver still serves an answer that the zone no longer gives.
    ///
    /// ## Condition
    /// The truth comes from authoritative servers, and a resolver still serves another answer. Info where the truth
    /// itself is right. Not where DNS005 applies. Subject: the question.
    ///
    /// ## Why it matters
    /// Receivers behind that resolver, or behind one that fetched the record at the same time, judge this host by the old answer until its
    /// time to live is over.
    ///
    /// ## Fix
    /// Wait until the time given, then check again. Before the next move, lower the record's TTL a day ahead.
    ///
    /// ## When to ignore
    /// While a change is on its way.
    pub static RULE = {
        code: "DNS002",
        name: "cache-stale",
        severity: Warning,
        refs: ["RFC 1034 section 3.6", "RFC 2308 section 5"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for Behind { question, stale, right } in behind(facts, dns) {
        let truth = true_set(dns, question).unwrap_or_default();
        let said: Vec<String> = stale.views.iter().map(|view| said(dns, view)).collect();
        let (said, end) = (said.join(", "), end(dns, &stale, right));
        let message = format!("`{question}`: {said}; {end} (its zone says {})", words(&truth));
        let severity = if right { Severity::Info } else { Severity::Warning };
        findings.push(RULE.violated(question, message).severity(severity).evidence(evidence(dns, question)));
    }
    findings
}

/// What caches still say, as a whole, of those questions that `findings` are about; `None` where no finding is of this rule.
pub fn stale_caches(facts: &Facts, dns: &Observations, findings: &[Finding]) -> Option<StaleCaches> {
    let own = findings.iter().filter(|finding| finding.meta.code == RULE.code);
    let named: BTreeSet<&str> = own.map(|finding| finding.subject.as_str()).collect();
    if named.is_empty() {
        return None;
    }
    let behind: Vec<(String, Behind<'_>)> = behind(facts, dns)
        .map(|behind| (behind.question.to_string(), behind))
        .filter(|(question, _)| named.contains(question.as_str()))
        .collect();
    let seconds = behind.iter().try_fold(0, |longest, (_, behind)| Some(behind.stale.left?.max(longest)));
    let until = seconds.zip(dns.taken).and_then(|(left, taken)| stale::end(taken, left));
    Some(StaleCaches {
        right_at_source: behind.iter().all(|(_, behind)| behind.right),
        questions: behind.into_iter().map(|(question, _)| question).collect(),
        seconds,
        until: until.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    })
}

/// A question to which some cache still has the old answer.
struct Behind<'a> {
    question: &'a Question,
    stale: Stale,
    /// The truth is as this host needs it: waiting is all that is to be done.
    right: bool,
}

/// The questions that caches are behind with. What the system's resolvers say does not count where DNS005 says it.
fn behind<'a>(facts: &'a Facts, dns: &'a Observations) -> impl Iterator<Item = Behind<'a>> {
    let sending = sending_addresses(facts);
    judged(dns).filter_map(move |question| {
        let with_system = split_horizon::applies(facts, dns, question).is_none();
        let stale = stale::find(dns, question, with_system)?;
        Some(Behind { question, stale, right: is_right(facts, dns, &sending, question) })
    })
}

/// What some caches still say, and for how long.
fn said(dns: &Observations, view: &View) -> String {
    let verb = if view.by.len() == 1 { "says" } else { "say" };
    let time = match view.ttl {
        Some(ttl) => format!("for {}", duration(ttl)),
        None => "for a time that the answer does not tell".to_owned(),
    };
    let who: Vec<String> = view.by.iter().filter_map(|at| dns.vantages.get(*at)).map(named).collect();
    format!("{} still {verb} {} {time}", who.join(", "), words(&view.records))
}

/// A resolver by its name, with its address where that is another.
fn named(vantage: &Vantage) -> String {
    match vantage.server.map(|server| server.ip().to_string()) {
        Some(address) if !vantage.name.contains(&address) => format!("{} ({address})", vantage.name),
        _ => vantage.name.clone(),
    }
}

/// When the caches agree with the zone, as far as they tell.
fn end(dns: &Observations, stale: &Stale, right: bool) -> String {
    let everywhere = if right { "right everywhere" } else { "the same everywhere" };
    let Some(left) = stale.left else { return format!("{everywhere} once that has expired") };
    match dns.taken.and_then(|taken| stale::clock(taken, left)) {
        Some(clock) => format!("{everywhere} by {clock} at the latest"),
        None => format!("{everywhere} in {} at the latest", duration(left)),
    }
}

/// Whether the truth is as this host needs it.
fn is_right(facts: &Facts, dns: &Observations, sending: &[Sending<'_>], question: &Question) -> bool {
    let addresses: Vec<_> = dns.truth(question).lookup.found().iter().filter_map(|r| r.data.address()).collect();
    match question.rtype {
        RecordType::A | RecordType::Aaaa => addresses.iter().any(|addr| is_own(facts, *addr) == Some(true)),
        RecordType::Ptr => sending
            .iter()
            .any(|s| Question::ptr(s.address.value) == *question && dns.iprev(s.address.value) == Iprev::Pass),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, findings, healthy};

    #[test]
    fn what_the_zone_no_longer_gives() {
        check_table(
            &RULE,
            vec![
                (
                    "fresh",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "stale, the truth is right",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.99"])])]),
                    &["info mail.example.com. A"],
                ),
                (
                    "stale, the truth is not right",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.98"]), ("google", &["192.0.2.99"])])]),
                    &["warning mail.example.com. A"],
                ),
                (
                    "the zone did not answer",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["timeout"]), ("google", &["192.0.2.99"])])]),
                    &[],
                ),
                (
                    "it follows the zone's other server",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[
                            ("ns1", &["serial=2", "192.0.2.10"]),
                            ("ns2", &["serial=1", "192.0.2.99"]),
                            ("google", &["192.0.2.99"]),
                        ],
                    )]),
                    &[],
                ),
                (
                    "split horizon is DNS005's",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("system", &["10.0.0.10"])])]),
                    &[],
                ),
                (
                    "no answer is not stale",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["SERVFAIL"])])]),
                    &[],
                ),
            ],
        );
        let mut old = observed(&[(
            "mail.example.com A",
            &[("ns1", &["192.0.2.10"]), ("google", &["ttl=2220", "192.0.2.99"]), ("quad9", &["ttl=60", "NXDOMAIN"])],
        )]);
        assert_eq!(
            findings(&RULE, &healthy(), &old)[0].message,
            "`mail.example.com. A`: google (8.8.8.8) still says 192.0.2.99 for 37 min, quad9 (9.9.9.9) still says no such record for \
             60 s; right everywhere in 37 min at the latest (its zone says 192.0.2.10)"
        );
        old.taken = "2026-11-20T14:00:00Z".parse().ok();
        assert!(
            findings(&RULE, &healthy(), &old)[0]
                .message
                .contains("; right everywhere by 14:37 UTC at the latest (its zone")
        );
    }

    #[test]
    fn a_resolver_without_name_is_named_once() {
        let vantage = |name: &str| Vantage {
            name: name.into(),
            server: "1.1.1.1:53".parse().ok(),
            kind: crate::observe::VantageKind::Public,
        };
        assert_eq!(named(&vantage("1.1.1.1")), "1.1.1.1");
        assert_eq!(named(&vantage("cloudflare")), "cloudflare (1.1.1.1)");
    }

    #[test]
    fn as_a_whole_it_is_right_at_the_source_and_over_at_a_time() {
        let whole = |dns: &Observations| stale_caches(&healthy(), dns, &findings(&RULE, &healthy(), dns));
        let right = ("mail.example.com A", &[("ns1", &["192.0.2.10"][..]), ("google", &["ttl=60", "192.0.2.99"])][..]);
        let wrong = ("www.example.com A", &[("ns1", &["192.0.2.98"][..]), ("quad9", &["ttl=90", "192.0.2.99"])][..]);
        let mut dns = observed(&[right]);
        dns.taken = "2026-11-20T14:00:00Z".parse().ok();
        let expected = StaleCaches {
            right_at_source: true,
            questions: vec!["mail.example.com. A".into()],
            seconds: Some(60),
            until: Some("2026-11-20T14:01:00Z".into()),
        };
        assert_eq!(whole(&dns), Some(expected));
        let both = whole(&observed(&[right, wrong])).unwrap();
        assert_eq!((both.right_at_source, both.questions.len(), both.seconds, both.until), (false, 2, Some(90), None));
        // What the administrator does not want to hear of is not said by this way either; another severity is no other truth.
        assert_eq!(stale_caches(&healthy(), &dns, &[]), None);
        let louder: Vec<Finding> =
            findings(&RULE, &healthy(), &dns).into_iter().map(|f| f.severity(Severity::Error)).collect();
        assert!(stale_caches(&healthy(), &dns, &louder).unwrap().right_at_source);
    }

    #[test]
    fn what_split_horizon_says_prolongs_nothing() {
        // The system's own view never expires: its time to live says nothing of when all agree.
        let dns = observed(&[(
            "mail.example.com A",
            &[("ns1", &["192.0.2.10"]), ("google", &["ttl=60", "192.0.2.99"]), ("system", &["ttl=9000", "10.0.0.10"])],
        )]);
        assert_eq!(stale_caches(&healthy(), &dns, &findings(&RULE, &healthy(), &dns)).unwrap().seconds, Some(60));
        let cached = observed(&[(
            "mail.example.com A",
            &[("ns1", &["192.0.2.10"]), ("google", &["ttl=60", "192.0.2.99"]), ("system", &["ttl=900", "192.0.2.99"])],
        )]);
        assert_eq!(
            stale_caches(&healthy(), &cached, &findings(&RULE, &healthy(), &cached)).unwrap().seconds,
            Some(900)
        );
    }
}
