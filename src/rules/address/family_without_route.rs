use crate::addr::{Family, is_public};
use crate::facts::{Fact, Facts, Mta, NextHop, OutboundPath};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::{Context, rule};

rule! {
    /// The MTA sends by a family for which the kernel has no route.
    ///
    /// ## Condition
    /// An MTA uses the family and binds to a public address of it that this host has, but the kernel has no route to public
    /// destinations of that family. Relayed paths do not count. Subject: `ipv4` or `ipv6`. Error where the MTA uses no other
    /// family, and where a next hop is named by an address of a family of which this host has neither an address nor a route.
    ///
    /// ## Why it matters
    /// The MTA binds to an address of this host, and every connection by that family fails: `Network is unreachable`. Mail to receivers
    /// that have addresses of both families is delayed; to those of this family alone it is never delivered. Where the host's name has a
    /// record of this address too, others try in vain to reach it.
    ///
    /// ## Fix
    /// Give this host a route of that family, or keep the MTA to the other one and withdraw the address record.
    ///
    /// ## When to ignore
    /// Where a routing rule for this source address alone leads outside.
    pub static RULE = {
        code: "NET009",
        name: "family-without-route",
        severity: Warning,
        refs: ["ip-route(8)", "postconf(5) inet_protocols", "RFC 6724 section 6"],
        needs: [Facts],
        check: check,
    };
}

/// Next hops that a message lists.
const LISTED: usize = 5;

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings: Vec<Finding> = Vec::new();
    for path in facts.paths.iter().filter(|path| is_cut_off(facts, path)) {
        let (Some(mta), Some(source)) = (path.mta, &path.source) else { continue };
        let family = path.family.title();
        let works =
            |other: &&OutboundPath| other.mta == Some(mta) && facts.host.source.for_family(other.family).is_some();
        let message = format!(
            "{} binds to {} for {family}, and the kernel has no route to public {family} destinations: such connections fail",
            mta, source.value
        );
        // Mail to those that have no other address is lost either way; the rest goes by the other family.
        let severity = if facts.paths.iter().any(|other| works(&other)) { RULE.severity } else { Severity::Error };
        let subject = family.to_ascii_lowercase();
        let finding = RULE.violated(subject, message).severity(severity).place(&source.origin, "source address");
        findings.push(finding.path(&path.id).fix(fix(path)));
    }
    for family in Family::BOTH.into_iter().filter(|family| facts.host.lacks(*family)) {
        findings.extend(relays(facts, family));
    }
    findings
}

/// Relays that are named by addresses of a family of which this host has none.
fn relays(facts: &Facts, family: Family) -> Option<Finding> {
    let used = facts.senders.iter().flatten().filter(|sender| !sender.unused && facts.mtas.live.contains(&sender.mta));
    let mut hops: Vec<&Fact<String>> = Vec::new();
    for sender in used.filter(|sender| sender.next_hop.only_family() == Some(family)) {
        if let NextHop::Relay(hop) = &sender.next_hop
            && !hops.contains(&&**hop)
        {
            hops.push(hop);
        }
    }
    let mut shown: Vec<&str> = hops.iter().map(|hop| hop.value.as_str()).collect();
    shown.sort_unstable();
    shown.dedup();
    let family = family.title();
    let more = shown.len().saturating_sub(LISTED);
    let mut list = shown.get(..LISTED.min(shown.len()))?.join(", ");
    if more > 0 {
        list += &format!(" and {more} more");
    }
    let message = format!(
        "mail is to go to {list} by {family}, of which this host has neither an address nor a route: `Network is unreachable`, and it is \
         deferred"
    );
    let text = format!(
        "Name the next hop by a host name, or by an address of the other family; or give this host an {family} address and a route."
    );
    let finding = RULE.violated(family.to_ascii_lowercase(), message).severity(Severity::Error);
    let places =
        |finding: Finding, hop: &&Fact<String>| finding.place(&hop.origin, "next hop").via(&hop.via, "next hop");
    (!hops.is_empty()).then(|| hops.iter().fold(finding, places).fix(Fix::new(Who::Host, text)))
}

/// Whether a path binds to a public address of this host whose family the kernel has no route for.
fn is_cut_off(facts: &Facts, path: &OutboundPath) -> bool {
    let host = &facts.host;
    let own = |addr| is_public(addr) && host.has_address(addr) == Some(true);
    // A relay may be reached without a route to all the world.
    path.bound
        && path.relayed.is_none()
        && host.source.known
        && host.source.for_family(path.family).is_none()
        && path.source.as_ref().is_some_and(|source| own(source.value))
}

fn fix(path: &OutboundPath) -> Fix {
    let (family, other) = match path.family {
        Family::Ipv4 => ("IPv4", "ipv6"),
        Family::Ipv6 => ("IPv6", "ipv4"),
    };
    let how = if path.mta == Some(Mta::Postfix) { format!(" (`inet_protocols = {other}`)") } else { String::new() };
    let text = format!(
        "Give this host a default {family} route. If there is none to be had, keep the MTA to the other family{how}, and withdraw the \
         {family} address records of its names."
    );
    Fix::new(Who::Host, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Bind, Helo, Sender, SenderDomains};
    use crate::rules::testing::*;

    fn sender(hop: &str) -> Sender {
        Sender {
            mta: Mta::Postfix,
            service: "smtp".into(),
            family: if hop.contains("2001") { Family::Ipv6 } else { Family::Ipv4 },
            bind: Bind::Kernel,
            helo: Helo::None,
            helo_is_global: true,
            sender_domains: SenderDomains::Any,
            next_hop: NextHop::Relay(fact(hop.to_owned()).into()),
            unused: false,
        }
    }

    #[test]
    fn cases() {
        let bound = |route: Option<&str>| {
            healthy().but(|f| {
                f.host.addresses.as_mut().unwrap().push(on("eth0", "2001:db8::10", &[]));
                f.host.source.ipv6 = route.map(ip);
                f.paths.push(path("2001:db8::10", NAME).but(|p| p.bound = true));
            })
        };
        check_table(
            &RULE,
            vec![
                ("IPv4 alone", healthy(), dns(&[]), &[]),
                ("a route", bound(Some("2001:db8::10")), dns(&[]), &[]),
                ("no route", bound(None), dns(&[]), &["warning ipv6"]),
                ("not bound: no such path", bound(None).but(|f| f.paths[1].bound = false), dns(&[]), &[]),
                ("the kernel was not asked", bound(None).but(|f| f.host.source.known = false), dns(&[]), &[]),
                ("the only family", bound(None).but(|f| drop(f.paths.remove(0))), dns(&[]), &["error ipv6"]),
                (
                    "another's address: NET001",
                    bound(None).but(|f| drop(f.host.addresses.as_mut().unwrap().pop())),
                    dns(&[]),
                    &[],
                ),
                (
                    "a relay may be near",
                    bound(None).but(|f| f.paths[1].relayed = Some(fact("[relay.example]:25".to_owned()).into())),
                    dns(&[]),
                    &[],
                ),
            ],
        );
        let relay = |hop: &str, used: bool| {
            healthy().but(|f| {
                f.senders = Some(vec![Sender { unused: !used, ..sender(hop) }]);
                f.mtas.live = vec![Mta::Postfix];
            })
        };
        check_table(
            &RULE,
            vec![
                ("by its address", relay("[2001:db8::25]:587", true), dns(&[]), &["error ipv6"]),
                ("by two addresses", relay("[2001:db8::25]:587, [2001:db8::26]:25", true), dns(&[]), &["error ipv6"]),
                ("by one of each family", relay("[2001:db8::25]:587, 192.0.2.99:25", true), dns(&[]), &[]),
                ("by a name", relay("[relay.example]:587", true), dns(&[]), &[]),
                ("of the family that it has", relay("[192.0.2.99]:25", true), dns(&[]), &[]),
                ("that nothing takes", relay("[2001:db8::25]:587", false), dns(&[]), &[]),
                (
                    "on a host with such an address",
                    relay("[2001:db8::25]:587", true)
                        .but(|f| f.host.addresses.as_mut().unwrap().push(on("eth0", "2001:db8::10", &[]))),
                    dns(&[]),
                    &[],
                ),
            ],
        );
        let fix = findings(&RULE, &bound(None), &dns(&[]))[0].fix.clone().unwrap();
        assert!(fix.text.contains("(`inet_protocols = ipv4`)"), "{}", fix.text);
    }
}
