use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::questions::duration;
use crate::addr::Family;
use crate::facts::Facts;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::identity::{IdentityName, Role};
use crate::name::DomainName;
use crate::observe::{Observations, Question, RecordType, VantageKind};
use crate::rules::support::{evidence, mark_name};
use crate::rules::{Context, rule};

rule! {
    /// An address record that is about to change may be kept for long.
    ///
    /// ## Condition
    /// With `--old-ip`, or for a record that `--overlay` is about to change: the TTL of the address record is over
    /// 3600 s. With `--cutover`: it is over 300 s; then the message says by when to lower it. Subject: the name. A name
    /// that only a PTR record has, in a domain of which this host has no other name, is somebody else's to change and is left out.
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
/// What it is to be lowered to.
const LOW: u32 = 300;

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for (name, roles) in own_zones(cx) {
        for family in Family::BOTH {
            let question = Question::new(name, RecordType::address(family));
            let cutover = cutover(facts);
            if facts.old_addresses.is_empty() && !changes(dns, &question) && cutover.is_none() {
                continue;
            }
            let high = if cutover.is_some() { LOW } else { HIGH };
            let Some(ttl) = live_ttl(dns, &question).filter(|ttl| *ttl > high) else { continue };
            let (message, when) = match cutover {
                Some(cutover) => told(dns, &question, ttl, cutover),
                None => {
                    let message =
                        format!("the {} record of `{name}` may be kept for {}", family.record(), duration(ttl));
                    (message, "before the change".to_owned())
                }
            };
            let text = format!("Lower the TTL of the {} record of `{name}` to {LOW} {when}.", family.record());
            let finding = RULE.violated(name, message).fix(Fix::new(Who::DnsZone, text));
            findings.push(mark_name(finding, roles).evidence(evidence(dns, &question)));
        }
    }
    findings
}

/// What to do about times to live before the move that is planned, a line for each record; nothing where none is.
pub fn advice(facts: &Facts, dns: &Observations) -> Vec<String> {
    let Some(cutover) = cutover(facts) else { return Vec::new() };
    let cx = Context::new(facts, dns);
    let mut lines = Vec::new();
    for (name, _) in own_zones(&cx) {
        for family in Family::BOTH {
            let question = Question::new(name, RecordType::address(family));
            if let Some(ttl) = live_ttl(dns, &question).filter(|ttl| *ttl > LOW) {
                lines.push(told(dns, &question, ttl, cutover).0);
            }
        }
    }
    if lines.is_empty() {
        lines.push(format!("no address record of this host's names may be kept for more than {LOW} s: nothing to lower before the cutover"));
    }
    lines
}

/// The names of the identity but those that only a PTR record has, in a domain of which this host has no other name: that zone is somebody
/// else's, such as the provider's.
fn own_zones<'c, 'a>(cx: &'c Context<'a>) -> impl Iterator<Item = &'c (DomainName, Vec<IdentityName<'a>>)> {
    let is_said_here = |roles: &[IdentityName<'_>]| roles.iter().any(|name| name.role != Role::Ptr);
    let names = cx.identity_names();
    let own: BTreeSet<DomainName> =
        names.iter().filter(|(_, roles)| is_said_here(roles)).filter_map(|(name, _)| name.registrable()).collect();
    names.iter().filter(move |(name, _)| name.registrable().is_some_and(|domain| own.contains(&domain)))
}

/// When the move is planned.
fn cutover(facts: &Facts) -> Option<Timestamp> {
    facts.cutover.as_ref()?.parse().ok()
}

/// That a record is to be lowered, and by when.
fn told(dns: &Observations, question: &Question, ttl: u32, cutover: Timestamp) -> (String, String) {
    let (name, rtype) = (&question.name, question.rtype);
    let clock = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let before =
        |seconds: u32| cutover.checked_sub(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MIN);
    let (by, kept) = (before(ttl), duration(ttl));
    let head = format!("the {rtype} record of `{name}` may be kept for {kept} (TTL {ttl})");
    match dns.taken {
        Some(now) if now > cutover => {
            (format!("{head}, and the cutover at {} is past", clock(cutover)), "now".to_owned())
        }
        Some(now) if now > by => {
            let until = now.checked_add(SignedDuration::from_secs(i64::from(ttl))).unwrap_or(Timestamp::MAX);
            let text = format!(
                "{head}: it had to be lowered by {} for the cutover at {}; lowered now, old copies last until {}",
                clock(by),
                clock(cutover),
                clock(until)
            );
            (text, "now".to_owned())
        }
        _ => {
            let by = clock(by);
            (format!("{head}: lower it to {LOW} by {by} for the cutover at {}", clock(cutover)), format!("by {by}"))
        }
    }
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
    fn before_a_cutover_it_is_said_by_when() {
        let moving = || healthy().but(|f| f.cutover = Some("2026-12-02T11:00:00Z".into()));
        let with = |ttl: &str| observed(&[("mail.example.com A", &[("ns1", &[ttl, "192.0.2.10"])])]);
        check_table(
            &RULE,
            vec![
                ("low enough", moving(), with("ttl=300"), &[]),
                ("an hour", moving(), with("ttl=3600"), &["info mail.example.com"]),
            ],
        );
        let mut dns = with("ttl=86400");
        for (now, part) in [
            (None, ": lower it to 300 by 2026-12-01 11:00 UTC for the cutover at 2026-12-02 11:00 UTC"),
            (Some("2026-12-01T10:00:00Z"), ": lower it to 300 by 2026-12-01 11:00 UTC"),
            (Some("2026-12-01T12:00:00Z"), "old copies last until 2026-12-02 12:00 UTC"),
            (Some("2026-12-03T12:00:00Z"), "is past"),
        ] {
            dns.taken = now.map(|now| now.parse().unwrap());
            let line = &advice(&moving(), &dns)[0];
            assert!(line.contains(part) && line.contains("TTL 86400"), "{line}");
        }
        assert_eq!(advice(&healthy(), &dns), [""; 0]);
        assert!(advice(&moving(), &with("ttl=60"))[0].contains("nothing to lower"));
    }

    #[test]
    fn a_zone_of_somebody_else_is_theirs() {
        let moving = healthy().but(|f| f.cutover = Some("2026-12-02T11:00:00Z".into()));
        let dns = observed(&[
            ("10.2.0.192.in-addr.arpa PTR", &[("ns1", &["ttl=300", "host10.provider.example", "www.example.com"])]),
            ("host10.provider.example A", &[("ns1", &["ttl=86400", "192.0.2.10"])]),
            ("www.example.com A", &[("ns1", &["ttl=86400", "192.0.2.10"])]),
        ]);
        let lines = advice(&moving, &dns);
        assert!(lines.len() == 1 && lines[0].contains("`www.example.com`"), "{lines:?}");
    }

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
