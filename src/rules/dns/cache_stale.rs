use super::questions::{duration, judged, true_set, who, words};
use super::split_horizon;
use crate::facts::Facts;
use crate::findings::Finding;
use crate::findings::Severity;
use crate::observe::iprev::Iprev;
use crate::observe::{Observations, Question, RecordType, VantageKind};
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
        let Some(truth) = true_set(dns, question) else { continue };
        if dns.truth(question).kind != Some(VantageKind::Authoritative) {
            continue;
        }
        // What another server of the zone serves is no cache's fault (DNS003).
        let served = dns.views(question, VantageKind::Authoritative);
        let split = split_horizon::applies(facts, dns, question);
        let mut stale = dns.views(question, VantageKind::Public);
        if split.is_none() {
            stale.extend(dns.views(question, VantageKind::System));
        }
        stale.retain(|view| view.records != truth && !served.iter().any(|other| other.records == view.records));
        let Some(first) = stale.first() else { continue };
        let until = match stale.iter().filter_map(|view| view.ttl).max() {
            Some(ttl) => format!("for {} at most", duration(ttl)),
            None => "for a time that the answer does not tell".to_owned(),
        };
        let names: Vec<String> = stale.iter().map(|view| who(dns, view)).collect();
        let message = format!(
            "{} still serve {} for `{question}`, {until}; the zone has {}",
            names.join(", "),
            words(&first.records),
            words(&truth)
        );
        let severity = if is_right(facts, dns, &sending, question) { Severity::Info } else { Severity::Warning };
        findings.push(RULE.violated(question, message).severity(severity).evidence(evidence(dns, question)));
    }
    findings
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
        let old = heard(&[(
            "mail.example.com A",
            &[("ns1", &["192.0.2.10"]), ("google", &["ttl=5400", "192.0.2.99"]), ("quad9", &["ttl=60", "192.0.2.99"])],
        )]);
        assert!(check(&healthy(), &old)[0].message.contains("for 90 minutes at most"));
    }
}
