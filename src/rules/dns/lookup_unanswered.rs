use super::questions::judged;
use std::net::IpAddr;

use crate::findings::{Finding, Fix, Who};
use crate::observe::block_lists::is_listing;
use crate::observe::{Observations, Outcome, Question, RecordType, VantageKind};
use crate::providers::ReverseZone;
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// A question got no answer from anyone.
    ///
    /// ## Condition
    /// No vantage point gave an answer. Always undetermined. Subject: the question.
    ///
    /// ## Why it matters
    /// What depends on it stays open: a lookup without answer is no evidence that a record is missing. A receiver in the same place delays
    /// mail (4xx) rather than refusing it.
    ///
    /// ## Fix
    /// Check again. Where it stays so, see what each server said: SERVFAIL often is a broken delegation or DNSSEC signature, REFUSED a server
    /// that does not serve the zone.
    ///
    /// ## When to ignore
    /// On hosts that cannot reach any resolver.
    pub static RULE = {
        code: "DNS004",
        name: "lookup-unanswered",
        severity: Info,
        refs: ["RFC 1035 section 4.1.1", "RFC 8601 section 2.7.3"],
        needs: [Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    let somebody_answers = dns.summary().answered > 0;
    let addresses: Vec<IpAddr> = cx.sending_addresses().iter().map(|sending| sending.address.value).collect();
    let mut findings = Vec::new();
    // What block lists do not answer, RBL001 says.
    for question in judged(dns).filter(|question| !is_listing(cx.facts, question)) {
        let mut reasons: Vec<String> = Vec::new();
        let mut answered = false;
        for (_, outcome) in dns.replies(question) {
            match outcome {
                Outcome::Answer(_) => answered = true,
                Outcome::Unanswered(why) if !reasons.contains(&why.to_string()) => reasons.push(why.to_string()),
                Outcome::Unanswered(_) => {}
            }
        }
        if answered || reasons.is_empty() {
            continue;
        }
        let message = format!("nobody answered `{question}`: {}", reasons.join(", "));
        let mut finding = RULE.undetermined(question, message).open(question).evidence(evidence(dns, question));
        finding.fix = somebody_answers.then(|| whom_to_ask(dns, question, &addresses)).flatten();
        findings.push(finding);
    }
    findings
}

/// Who can say why nobody answers, where others are answered.
fn whom_to_ask(dns: &Observations, question: &Question, addresses: &[IpAddr]) -> Option<Fix> {
    let is_own =
        |vantage: &crate::observe::Vantage| vantage.kind == VantageKind::Authoritative && vantage.server.is_some();
    let asked = dns.replies(question).any(|(vantage, _)| is_own(vantage));
    // Where servers of other zones were asked, those of this one would have been.
    let unknown = !asked && dns.vantages.iter().any(is_own);
    let servers = match (asked, unknown) {
        (true, _) => "its own servers were asked and did not answer",
        (_, true) => {
            "its own servers were never asked, for who serves it could not be found: the delegation is broken, or the zone above does \
                      not answer"
        }
        _ => "its servers do not answer, or its delegation or signatures are broken",
    };
    if question.rtype == RecordType::Ptr {
        let addr = addresses.iter().find(|addr| Question::ptr(**addr) == *question)?;
        let holder = ReverseZone::find(dns, *addr).holder(*addr);
        let text = format!("Ask {holder} to mend the reverse zone of {addr}: nobody answers for it; {servers}.");
        return Some(Fix::new(Who::IpOwner, text));
    }
    let zone = question.name.registrable()?;
    let text = format!("See that the zone of `{zone}` is served: nobody answers for it; {servers}.");
    Some(Fix::new(Who::DnsZone, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn nobody_answered() {
        check_table(
            &RULE,
            vec![
                (
                    "somebody did",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["timeout"]), ("quad9", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "a denial is an answer",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["NXDOMAIN"])])]),
                    &[],
                ),
                (
                    "nobody",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("google", &["timeout"]), ("ns1", &["REFUSED"]), ("quad9", &["SERVFAIL"])],
                    )]),
                    &["info? mail.example.com. A"],
                ),
            ],
        );
    }
}
