use std::collections::BTreeSet;

use super::delegation::{by, served, shown};
use super::questions::{judged, words};
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::truth::View;
use crate::observe::zones::Zone;
use crate::observe::{Observations, Question, VantageKind};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// Servers of one zone give different answers.
    ///
    /// ## Condition
    /// Two authoritative servers of a zone gave different record sets. Subject: the question.
    ///
    /// ## Why it matters
    /// Receivers get the one or the other by chance, so mail is accepted and refused in turns. Usually a secondary no longer fetches the
    /// zone, or the delegation still names a server from before a move.
    ///
    /// ## Fix
    /// Compare the SOA serials; let the server with the older one fetch the zone again, or take it out of the delegation. Where the
    /// serials are the same, the zone was changed without raising it, or the servers do not get it from one source.
    ///
    /// ## When to ignore
    /// While a zone transfer is on its way.
    pub static RULE = {
        code: "DNS003",
        name: "authorities-disagree",
        severity: Error,
        refs: ["RFC 1034 section 4.3.5", "RFC 1982", "RFC 1912 section 2.2"],
        needs: [Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    let mut findings = Vec::new();
    for question in judged(dns) {
        let views = dns.views(question, VantageKind::Authoritative);
        if views.len() < 2 {
            continue;
        }
        let said: Vec<String> = views.iter().map(|view| said(dns, question, view)).collect();
        let (doubt, text) = match serials(dns, question, &views) {
            Serials::Unknown => (
                String::new(),
                "Bring the zone's servers to one state: have every one of them load the zone as it is where it is made, or take those that \
                 do not out of the delegation.",
            ),
            Serials::One(serial) => (
                format!(" though all have the serial {serial}, so that none of them fetches the zone again"),
                "Bring the zone's servers to one state: correct the zone where it is made, raise its serial, and see that every server \
                 loads it; a server that makes its data itself has to be given the same.",
            ),
            Serials::Several => (
                String::new(),
                "Bring the zone's servers to one state: have those with the older serial fetch the zone again, or take them out of the \
                 delegation.",
            ),
        };
        let message = format!("servers of one zone disagree about `{question}`{doubt}: {}", said.join("; "));
        let finding = RULE.violated(question, message).fix(Fix::new(Who::DnsZone, text));
        let differs = |zone: &&Zone| dns.delegation(zone).zip(dns.apex(zone)).is_some_and(|(above, own)| above != own);
        let zone = dns.zone_of(question).filter(differs);
        let named = zone.map(|zone| shown(dns, zone)).unwrap_or_default();
        findings.push(finding.evidence(evidence(dns, question)).evidence(named));
    }
    findings
}

/// The SOA serials with which the servers speak.
enum Serials {
    /// All have this one.
    One(u32),
    /// They differ.
    Several,
    /// Not all of them told theirs, and none differ.
    Unknown,
}

fn serials(dns: &Observations, question: &Question, views: &[View]) -> Serials {
    let all: Vec<Option<u32>> = views.iter().flat_map(|view| &view.by).map(|at| dns.serial(*at, question)).collect();
    let known: BTreeSet<u32> = all.iter().flatten().copied().collect();
    match (known.first(), known.len()) {
        (Some(serial), 1) if all.iter().all(Option::is_some) => Serials::One(*serial),
        (_, 2..) => Serials::Several,
        _ => Serials::Unknown,
    }
}

/// What a group of servers says, each with its serial, and with who names it where one side alone does.
fn said(dns: &Observations, question: &Question, view: &View) -> String {
    let servers = view.by.iter().filter_map(|at| {
        let mut text = dns.vantages.get(*at)?.name.clone();
        if let Some(serial) = dns.serial(*at, question) {
            text += &format!(", serial {serial}");
        }
        let zone = served(dns, question, *at).map(|zone| (zone, dns.named_by(zone, *at)));
        let alone = zone.filter(|(_, named)| [named.parent, named.child].contains(&Some(false)));
        if let Some(by) = alone.and_then(|(zone, named)| by(zone, named)) {
            text += &format!(", named {by}");
        }
        Some(text)
    });
    let servers: Vec<String> = servers.collect();
    format!("{} ({})", words(&view.records), servers.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{check_table, findings, healthy};

    #[test]
    fn named_with_their_serials() {
        check_table(
            &RULE,
            vec![
                (
                    "they agree",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["192.0.2.10"])])]),
                    &[],
                ),
                (
                    "they differ",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["192.0.2.99"])])]),
                    &["error mail.example.com. A"],
                ),
                (
                    "one is silent",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["timeout"])])]),
                    &[],
                ),
                (
                    "one does not serve the zone",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["noaa", "192.0.2.99"])])]),
                    &[],
                ),
                (
                    "resolvers are no authorities",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.99"])])]),
                    &[],
                ),
            ],
        );
        let two = observed(&[(
            "mail.example.com A",
            &[("ns1", &["serial=7", "192.0.2.10"]), ("ns2", &["serial=6", "192.0.2.99"])],
        )]);
        let found = findings(&RULE, &healthy(), &two).remove(0);
        assert!(found.message.contains("192.0.2.99 (ns2, serial 6)") && !found.message.contains("though"), "{found:?}");
        assert!(found.fix.is_some_and(|fix| fix.text.contains("older serial")));
        let silent = observed(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("ns2", &["192.0.2.99"])])]);
        let found = findings(&RULE, &healthy(), &silent).remove(0);
        assert!(found.fix.is_some_and(|fix| !fix.text.contains("serial")), "nobody told one");
        let same = observed(&[(
            "mail.example.com A",
            &[("ns1", &["serial=7", "192.0.2.10"]), ("ns2", &["serial=7", "192.0.2.99"])],
        )]);
        let found = findings(&RULE, &healthy(), &same).remove(0);
        assert!(found.message.contains("though all have the serial 7"), "{found:?}");
        assert!(found.fix.is_some_and(|fix| !fix.text.contains("older")));
    }
}
