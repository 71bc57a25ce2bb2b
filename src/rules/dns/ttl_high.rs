use super::questions::duration;
use crate::addr::Family;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::{Observations, Question, RecordType, VantageKind};
use crate::rules::support::{evidence, mark_name};
use crate::rules::{Context, rule};

rule! {
    /// An address record that is about to change may be kept for long.
    ///
    /// ## Condition
    /// With `--old-ip`, or for a record that `--overlay` is about to change: the TTL of the address record is over
    /// 3600 s. Subject: the name.
    ///
    /// ## Why it matters
    /// Resolvers keep the old address for the record's time to live: until then receivers compare this host with an address that it no longer
    /// has.
    ///
    /// ## Fix
    /// Lower the TTL to 300 seconds at least one old TTL before the change, and raise it again afterwards.
    ///
    /// ## When to ignore
    /// Where the change is over.
    pub static RULE = {
        code: "DNS006",
        name: "ttl-high",
        severity: Info,
        refs: ["RFC 1034 section 3.6"],
        needs: [Facts, Dns],
        check: check,
    };
}

/// Seconds beyond which a record's TTL is high before a change (rules.md).
const HIGH: u32 = 3600;

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for (name, roles) in cx.identity_names() {
        for family in Family::BOTH {
            let question = Question::new(name, RecordType::address(family));
            let planned = changes(dns, &question);
            if facts.old_addresses.is_empty() && !planned {
                continue;
            }
            let Some(ttl) = live_ttl(dns, &question).filter(|ttl| *ttl > HIGH) else { continue };
            let message = format!("the {} record of `{name}` may be kept for {}", family.record(), duration(ttl));
            let text = format!("Lower the TTL of the {} record of `{name}` to 300 before the change.", family.record());
            let finding = RULE.violated(name, message).fix(Fix::new(Who::DnsZone, text));
            findings.push(mark_name(finding, roles).evidence(evidence(dns, &question)));
        }
    }
    findings
}

/// Whether planned records say otherwise than the live ones.
fn changes(dns: &Observations, question: &Question) -> bool {
    let [planned] = &dns.views(question, VantageKind::Overlay)[..] else { return false };
    let live = [VantageKind::Authoritative, VantageKind::Public].map(|kind| dns.views(question, kind)).concat();
    live.iter().any(|view| view.records != planned.records)
}

/// The TTL of the records now served: the zone's own, else the longest that a resolver still has. `None` where there are none.
fn live_ttl(dns: &Observations, question: &Question) -> Option<u32> {
    let longest = |kind: VantageKind| {
        let views = dns.views(question, kind);
        views.iter().filter(|view| !view.records.is_empty()).filter_map(|view| view.ttl).max()
    };
    longest(VantageKind::Authoritative).or_else(|| longest(VantageKind::Public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{But, check_table, healthy, ip};

    #[test]
    fn before_a_change_alone() {
        let moving = || healthy().but(|f| f.old_addresses = vec![ip("192.0.2.9")]);
        check_table(
            &RULE,
            vec![
                (
                    "no change ahead",
                    healthy(),
                    observed(&[("mail.example.com A", &[("ns1", &["ttl=86400", "192.0.2.10"])])]),
                    &[],
                ),
                (
                    "an old address is named",
                    moving(),
                    observed(&[("mail.example.com A", &[("ns1", &["ttl=86400", "192.0.2.10"])])]),
                    &["info mail.example.com"],
                ),
                (
                    "low enough",
                    moving(),
                    observed(&[("mail.example.com A", &[("ns1", &["ttl=3600", "192.0.2.10"])])]),
                    &[],
                ),
                (
                    "a planned change",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("planned", &["192.0.2.10"]), ("ns1", &["ttl=86400", "192.0.2.9"])],
                    )]),
                    &["info mail.example.com"],
                ),
                (
                    "planned as it is",
                    healthy(),
                    observed(&[(
                        "mail.example.com A",
                        &[("planned", &["192.0.2.10"]), ("ns1", &["ttl=86400", "192.0.2.10"])],
                    )]),
                    &[],
                ),
                ("no answer", moving(), observed(&[("mail.example.com A", &[("ns1", &["timeout"])])]), &[]),
            ],
        );
    }
}
