use super::questions::{duration, judged, true_set, who, words};
use super::split_horizon;
use crate::facts::Facts;
use crate::findings::Finding;
use crate::findings::Severity;
use crate::observe::iprev::Iprev;
use crate::observe::stale::{self, Stale};
use crate::observe::truth::View;
use crate::observe::{Observations, Question, RecordType};
use crate::rules::names::is_own;
use crate::rules::rule;
use crate::rules::support::{Sending, evidence, sending_addresses};

rule! {
    /// A resolver still serves an answer that the zone no longer gives.
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
        needs_dns: true,
        check: check,
    };
}

fn check(facts: &Facts, dns: &Observations) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sending = sending_addresses(facts);
    for question in judged(dns) {
        let with_system = split_horizon::applies(facts, dns, question).is_none();
        let Some(stale) = stale::of(dns, question, with_system) else { continue };
        let truth = true_set(dns, question).unwrap_or_default();
        let right = is_right(facts, dns, &sending, question);
        let said: Vec<String> = stale.views.iter().map(|view| said(dns, view)).collect();
        let message =
            format!("{}; the zone has {} for `{question}`{}", said.join("; "), words(&truth), end(dns, &stale, right));
        let severity = if right { Severity::Info } else { Severity::Warning };
        findings.push(RULE.violated(question, message).severity(severity).evidence(evidence(dns, question)));
    }
    findings
}

/// What some caches still say, and for how long.
fn said(dns: &Observations, view: &View) -> String {
    let verb = if view.by.len() == 1 { "says" } else { "say" };
    let time = match view.ttl {
        Some(ttl) => format!("for {}", duration(ttl)),
        None => "for a time that the answer does not tell".to_owned(),
    };
    format!("{} still {verb} {} {time}", who(dns, view), words(&view.records))
}

/// When the caches agree with the zone, as far as they tell.
fn end(dns: &Observations, stale: &Stale, right: bool) -> String {
    let everywhere = if right { "right everywhere" } else { "the same everywhere" };
    let Some(left) = stale.left else { return String::new() };
    match dns.taken.and_then(|taken| stale::clock(taken, left)) {
        Some(clock) => format!(", {everywhere} by {clock} at the latest"),
        None => format!(", {everywhere} in {} at the latest", duration(left)),
    }
}

/// Whether the truth is as this host needs it: then waiting is all that is to be done.
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
    use crate::rules::dns::heard::heard;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn what_the_zone_no_longer_gives() {
        check_table(
            &RULE,
            vec![
                (
                    "fresh",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "stale, the truth is right",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.99"])])]),
                    &["info mail.example.com. A"],
                ),
                (
                    "stale, the truth is not right",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.98"]), ("google", &["192.0.2.99"])])]),
                    &["warning mail.example.com. A"],
                ),
                (
                    "the zone was not heard",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["timeout"]), ("google", &["192.0.2.99"])])]),
                    &[],
                ),
                (
                    "it follows the zone's other server",
                    healthy(),
                    heard(&[(
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
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("system", &["10.0.0.10"])])]),
                    &[],
                ),
                (
                    "no answer is not stale",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["SERVFAIL"])])]),
                    &[],
                ),
            ],
        );
        let mut old = heard(&[(
            "mail.example.com A",
            &[("ns1", &["192.0.2.10"]), ("google", &["ttl=2220", "192.0.2.99"]), ("quad9", &["ttl=60", "NXDOMAIN"])],
        )]);
        assert_eq!(
            check(&healthy(), &old)[0].message,
            "google still says 192.0.2.99 for 37 minutes; quad9 still says no such record for 60 seconds; the zone has 192.0.2.10 \
             for `mail.example.com. A`, right everywhere in 37 minutes at the latest"
        );
        old.taken = "2026-11-20T14:00:00Z".parse().ok();
        assert!(check(&healthy(), &old)[0].message.ends_with(", right everywhere by 14:37 UTC at the latest"));
    }
}
