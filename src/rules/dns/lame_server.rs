use std::collections::BTreeMap;

use super::delegation::{by, parent, served, shown};
use super::questions::{is_judged, judged};
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::{Observations, Outcome, Question, VantageKind, Why};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// A server that a zone is delegated to does not serve it.
    ///
    /// ## Condition
    /// A server that the zone is delegated to replies, but not authoritatively: without AA, or with REFUSED or
    /// SERVFAIL. Silence is not it. Subject: the server.
    ///
    /// ## Why it matters
    /// Whoever asks that server gets no answer and must try another: lookups take longer, and fail where the others are slow. A receiver that
    /// gives up delays the mail.
    ///
    /// ## Fix
    /// Let the server serve the zone, or take it out of the delegation. The message says who names it: the delegation in the zone above, which
    /// the registrar changes, or for a reverse zone whoever holds the block above; the zone's own NS records; or both.
    ///
    /// ## When to ignore
    /// While a zone moves from one provider to another.
    pub static RULE = {
        code: "DNS009",
        name: "lame-server",
        severity: Warning,
        refs: ["RFC 1912 section 2.8", "RFC 9499 section 7"],
        needs: [Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    // Where something on the way answers for all of port 53, no server answered, so none is to blame.
    if dns.intercepted() {
        return Vec::new();
    }
    let mut lame: BTreeMap<&str, (usize, &Question, String)> = BTreeMap::new();
    // A question about the host shows it better than one on the way to its zone.
    let on_the_way = dns.replies.keys().filter(|question| !is_judged(question));
    for question in judged(dns).chain(on_the_way) {
        for reply in dns.replies.get(question).into_iter().flatten() {
            let Some(vantage) = dns.vantages.get(reply.vantage) else { continue };
            if vantage.kind != VantageKind::Authoritative || vantage.server.is_none() {
                continue;
            }
            // A server of the zone above only refers to those of the zone.
            if let Some(how) = fault(&reply.outcome).filter(|_| !dns.is_delegator(question, reply.vantage)) {
                lame.entry(&vantage.name).or_insert((reply.vantage, question, how));
            }
        }
    }
    lame.into_iter().map(|(server, (vantage, question, how))| finding(dns, server, vantage, question, &how)).collect()
}

fn finding(dns: &Observations, server: &str, vantage: usize, question: &Question, how: &str) -> Finding {
    let said = evidence(dns, question).into_iter().filter(|item| item.from == server);
    let zone = served(dns, question, vantage);
    let named = zone.map(|zone| (zone, dns.named_by(zone, vantage)));
    let Some((zone, named, by)) = named.and_then(|(zone, named)| Some((zone, named, by(zone, named)?))) else {
        let message = format!("{server} is delegated to, but does not serve the zone of `{question}`: {how}");
        let text = format!("Let {server} serve the zone, or take it out of the delegation.");
        return RULE.violated(server, message).fix(Fix::new(Who::DnsZone, text)).evidence(said);
    };
    let (name, parent) = (&zone.name, parent(zone));
    let message = format!("{server} is named {by}, but does not serve the zone {name} (`{question}`): {how}");
    let out = match (named.parent, named.child) {
        (Some(true), Some(true)) => format!("the delegation in {parent} and out of the NS records of {name}"),
        (Some(true), _) => format!("the delegation in {parent}"),
        _ => format!("the NS records of {name}"),
    };
    let text = format!("Let {server} serve {name}, or take it out of {out}.");
    let finding = RULE.violated(server, message).fix(Fix::new(Who::DnsZone, text));
    finding.evidence(said).evidence(shown(dns, zone))
}

/// How a reply shows that its server does not serve the zone. Silence shows nothing.
fn fault(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Answer(answer) if answer.authoritative => None,
        Outcome::Answer(_) => Some("its answer is not authoritative".to_owned()),
        Outcome::Unanswered(why @ (Why::Referral | Why::Delegates(_) | Why::Refused | Why::ServFail)) => {
            Some(why.to_string())
        }
        Outcome::Unanswered(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, healthy};

    #[test]
    fn replies_without_authority() {
        check_table(
            &RULE,
            vec![
                (
                    "it serves the zone",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "REFUSED",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["REFUSED"])])]),
                    &["warning ns2"],
                ),
                (
                    "SERVFAIL",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["SERVFAIL"])])]),
                    &["warning ns2"],
                ),
                (
                    "no AA flag",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["noaa", "192.0.2.10"])])]),
                    &["warning ns2"],
                ),
                (
                    "silence is not it",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["timeout"])])]),
                    &[],
                ),
                (
                    "a resolver may refuse",
                    healthy(),
                    observed(&[("mail.example.com A", &[("google", &["REFUSED"])])]),
                    &[],
                ),
            ],
        );
    }
}
