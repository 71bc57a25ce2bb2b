use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::facts::Origin;
use crate::findings::{Finding, Fix, Who};
use crate::identity::generic::{Generic, why_automatic, why_generic};
use crate::name::DomainName;
use crate::rules::advice::{known_name, rename_host};
use crate::rules::{Context, rule};

rule! {
    /// The host name of a cPanel server is an automatic one.
    ///
    /// ## Condition
    /// The host name is an automatic one: below `cprapid.com`, or in a provider's pattern. Subject: the name.
    ///
    /// ## Why it matters
    /// Where the chosen host name did not resolve when cPanel was installed, it took one below `cprapid.com` that spells the address; a provider's
    /// image brings a similar one. Nobody chose it, it goes out as HELO name, and no mail domain of yours stands behind it.
    ///
    /// ## Fix
    /// Choose a name of your own domain, publish its address record, and set it by WHM » Change Hostname.
    ///
    /// ## When to ignore
    /// On a server that sends no mail.
    pub static RULE = {
        code: "CPL012",
        name: "hostname-automatic",
        severity: Warning,
        refs: ["docs.cpanel.net: Change Hostname", "docs.cpanel.net: Automatically Issued Hostnames"],
        needs: [Facts],
        check: check,
    };
}

/// The domain of cPanel's own automatic names.
const AUTOMATIC: &str = "cprapid.com";

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let mut names: BTreeMap<DomainName, Vec<(Origin, &str)>> = BTreeMap::new();
    if let Some(host) = facts.host.fqdn.name() {
        names.entry(host.value).or_default().push((host.origin, "host name"));
    }
    if let Some(host) = &cpanel.host {
        names.entry(DomainName::new(&host.value)).or_default().push((host.origin.clone(), "WHM's host name"));
    }
    let own = facts.host.own_addresses().map(|own| own.address);
    let sending = facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value);
    let mut addresses: Vec<IpAddr> = own.chain(sending).collect();
    addresses.sort();
    addresses.dedup();
    let mut findings = Vec::new();
    for (name, places) in names {
        let cpanels = name.is_within(&DomainName::new(AUTOMATIC));
        let cpanels = cpanels.then(|| "was given by cPanel, since the chosen one did not resolve".to_owned());
        let words = |why: Generic| why.to_string();
        let spelled = || addresses.iter().find_map(|addr| why_generic(&name, *addr));
        let Some(why) = cpanels.or_else(|| why_automatic(&name).or_else(spelled).map(words)) else { continue };
        let text =
            "Choose a name of your own domain, publish its address record, then set it in WHM » Change Hostname.";
        let finding = RULE.violated(&name, format!("the host name `{name}` is an automatic one: it {why}"));
        let finding = places.iter().fold(finding, |finding, (origin, label)| finding.place(origin, *label));
        let better = known_name(facts, dns).filter(|known| *known != name && why_automatic(known).is_none());
        let fix = better.map_or_else(|| Fix::new(Who::Host, text), |better| rename_host(facts, &better));
        findings.push(finding.fix(fix));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |name: &str| {
            host_named(name).but(|f| f.cpanel = Some(cpanel().but(|c| c.host = Some(fact(name.into()))).into()))
        };
        let automatic = "192-0-2-10.cprapid.com";
        check_table(
            &RULE,
            vec![
                ("a name of one's own", with("server1.example.com"), dns(&[]), &[]),
                ("cPanel's", with(automatic), dns(&[]), &["warning 192-0-2-10.cprapid.com"]),
                ("a provider's", with("vps-192-0-2-10.example.net"), dns(&[]), &["warning vps-192-0-2-10.example.net"]),
                ("no cPanel", host_named(automatic), dns(&[]), &[]),
            ],
        );
    }
}
