use crate::addr::{Family, is_public};
use crate::facts::{Facts, Mta, OutboundPath};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::{Context, rule};

rule! {
    /// The MTA sends by a family for which the kernel has no route.
    ///
    /// ## Condition
    /// An MTA uses the family and binds to a public address of it that this host has, but the kernel has no route to public
    /// destinations of that family. Relayed paths do not count. Subject: `ipv4` or `ipv6`. Error where the MTA uses no other
    /// family.
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
    findings
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
    use crate::rules::testing::*;

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
        let fix = findings(&RULE, &bound(None), &dns(&[]))[0].fix.clone().unwrap();
        assert!(fix.text.contains("(`inet_protocols = ipv4`)"), "{}", fix.text);
    }
}
