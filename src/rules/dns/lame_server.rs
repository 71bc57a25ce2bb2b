use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::{Observations, Outcome, Question, VantageKind, Why};
use crate::rules::rule;
use crate::rules::support::evidence;

rule! {
    /// A server that a zone is delegated to does not serve it.
    ///
    /// ## Why it matters
    /// Whoever asks that server gets no answer and must try another: lookups take longer, and fail where the others are slow. A receiver that
    /// gives up delays the mail.
    ///
    /// ## Fix
    /// Let the server serve the zone, or take it out of the delegation.
    ///
    /// ## When to ignore
    /// While a zone moves from one provider to another.
    pub static RULE = {
        code: "DNS009",
        name: "lame-server",
        severity: Warning,
        refs: ["RFC 1912 section 2.8", "RFC 9499 section 7"],
        needs_dns: true,
        check: check,
    };
}

fn check(_: &Facts, dns: &Observations) -> Vec<Finding> {
    // Where something on the way answers for all of port 53, no server was heard, so none is to blame.
    if dns.intercepted() {
        return Vec::new();
    }
    let mut lame: BTreeMap<&str, (&Question, String)> = BTreeMap::new();
    for question in dns.replies.keys() {
        for (vantage, outcome) in dns.replies(question) {
            if vantage.kind != VantageKind::Authoritative || vantage.server.is_none() {
                continue;
            }
            if let Some(how) = fault(outcome) {
                lame.entry(&vantage.name).or_insert((question, how));
            }
        }
    }
    let found = lame.into_iter().map(|(server, (question, how))| {
        let message = format!("{server} is delegated to, but does not serve the zone of `{question}`: {how}");
        let text = format!("Let {server} serve the zone, or take it out of the delegation.");
        let said = evidence(dns, question).into_iter().filter(|item| item.from == server);
        RULE.violated(server, message).fix(Fix::new(Who::DnsZone, text)).evidence(said)
    });
    found.collect()
}

/// How a reply shows that its server does not serve the zone. Silence shows nothing.
fn fault(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Answer(answer) if answer.authoritative => None,
        Outcome::Answer(_) => Some("its answer is not authoritative".to_owned()),
        Outcome::Unanswered(why @ (Why::Referral | Why::Refused | Why::ServFail)) => Some(why.to_string()),
        Outcome::Unanswered(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::heard::heard;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn replies_without_authority() {
        check_table(
            &RULE,
            vec![
                ("it serves the zone", healthy(), heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"])])]), &[]),
                (
                    "REFUSED",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["REFUSED"])])]),
                    &["warning ns2"],
                ),
                (
                    "SERVFAIL",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["SERVFAIL"])])]),
                    &["warning ns2"],
                ),
                (
                    "no AA flag",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["noaa", "192.0.2.10"])])]),
                    &["warning ns2"],
                ),
                (
                    "silence is not it",
                    healthy(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["timeout"])])]),
                    &[],
                ),
                (
                    "a resolver may refuse",
                    healthy(),
                    heard(&[("mail.example.com A", &[("google", &["REFUSED"])])]),
                    &[],
                ),
            ],
        );
    }
}
