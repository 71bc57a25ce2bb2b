use std::collections::BTreeSet;

use super::{each, ticket};
use crate::facts::Facts;
use crate::facts::{Helo, HostFqdn};
use crate::findings::Finding;
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::Question;
use crate::rules::support::{Sending, evidence, list, names_for, ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// No PTR name of a sending address belongs to a domain of this host.
    ///
    /// ## Condition
    /// No PTR name shares its registrable domain (public suffix list) with the host name, the MTA's own name, a HELO
    /// name (one that follows the PTR name always does), or, on cPanel, a domain hosted here. Not where PTR004 applies,
    /// nor where the host has no qualified name of its own. Subject: the address.
    ///
    /// ## Why it matters
    /// Receivers read the PTR name as the operator's: Apple asks bulk senders for a reverse name with their own domain, and T-Online is
    /// reported to want the operator found by it. A name from another registrable domain often is that of the address' former owner.
    ///
    /// ## Fix
    /// Ask whoever holds the address to set its PTR record to this host's own name.
    ///
    /// ## When to ignore
    /// Where the PTR name is the provider's on purpose, as with managed servers, and receivers accept it.
    pub static RULE = {
        code: "PTR010",
        name: "ptr-foreign",
        severity: Warning,
        refs: ["Apple: Postmaster information for iCloud Mail (102322)", "publicsuffix.org"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let hosted = hosted_domains(facts);
    each::address(&RULE, cx, |sending| {
        let addr = sending.address.value;
        let names: Vec<_> = ptr_names(dns, addr).into_iter().filter(ticket::judged).collect();
        if names.is_empty() || names.iter().all(|name| why_generic(name, addr).is_some()) {
            return None;
        }
        // A HELO name that is taken from the PTR record shares its domain.
        if sending.paths.iter().any(|path| matches!(path.helo, Helo::FollowsPtr { .. })) {
            return None;
        }
        let own = names_for(facts, sending).into_iter().filter(|name| name.is_host_name() && !name.is_private());
        let own: BTreeSet<DomainName> = own.filter_map(|name| name.registrable()).collect();
        if names.iter().filter_map(DomainName::registrable).any(|d| own.contains(&d) || hosted.contains(&d)) {
            return None;
        }
        let finding = match unknown(facts, sending) {
            Some(why) => {
                let message = format!(
                    "could not determine whether the PTR name of {addr} ({}) belongs to this host: {why}",
                    list(&names)
                );
                RULE.undetermined(addr, message)
            }
            // Without a name of its own there is nothing that the PTR name could contradict: HST001 and HLO001 speak.
            None if own.is_empty() => return None,
            None => {
                let own: Vec<_> = own.iter().collect();
                let message = format!(
                    "the PTR name of {addr} ({}) belongs to none of this host's domains ({})",
                    list(&names),
                    list(&own)
                );
                RULE.violated(addr, message).fix(ticket::request(facts, dns, sending))
            }
        };
        Some(finding.evidence(evidence(dns, &Question::ptr(addr))))
    })
}

/// The registrable domains that a cPanel server hosts.
fn hosted_domains(facts: &Facts) -> BTreeSet<DomainName> {
    let Some(cpanel) = &facts.cpanel else { return BTreeSet::new() };
    let users = cpanel.userdomains.iter().map(|entry| &entry.key);
    users.chain(&cpanel.localdomains).filter_map(|domain| DomainName::new(domain).registrable()).collect()
}

/// Which of the names compared with is not known.
fn unknown(facts: &Facts, sending: &Sending<'_>) -> Option<String> {
    if let HostFqdn::Unknown(why) = &facts.host.fqdn {
        return Some(format!("the host name is not known ({why})"));
    }
    let undecided = sending.paths.iter().find_map(|path| match &path.helo {
        Helo::Undecided(undecided) => Some(&undecided.parameter),
        _ => None,
    });
    undecided.map(|parameter| format!("the HELO name cannot be decided from files (`{parameter}`)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, HERE, check_table, dns, healthy, host_named, named};

    #[test]
    fn registrable_domains_are_compared() {
        check_table(
            &RULE,
            vec![
                ("this host's own", healthy(), dns(&[]), &[]),
                ("another host of the same domain", healthy(), dns(&[("192.0.2.10 PTR", &["web.example.com"])]), &[]),
                (
                    "another domain",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["mail.example.net"])]),
                    &["warning 192.0.2.10"],
                ),
                (
                    "a public suffix is no common domain",
                    named("mail.one.co.uk"),
                    dns(&[("192.0.2.10 PTR", &["mail.two.co.uk"])]),
                    &["warning 192.0.2.10"],
                ),
                ("one of two", healthy(), dns(&[("192.0.2.10 PTR", &["mail.example.net", "mail.example.com"])]), &[]),
                ("generic: PTR004", healthy(), dns(&[("192.0.2.10 PTR", &["192-0-2-10.isp.example"])]), &[]),
                ("no host name: PTR009", healthy(), dns(&[("192.0.2.10 PTR", &["mail"])]), &[]),
                ("only the HELO name's domain", host_named("a.example.org").but(|f| f.postfix.clear()), dns(&[]), &[]),
                (
                    "the host name is not known",
                    healthy().but(|f| f.host.fqdn = HostFqdn::Unknown("no kernel".into())),
                    dns(&[("192.0.2.10 PTR", &["mail.example.net"])]),
                    &["warning? 192.0.2.10"],
                ),
                ("this host has no qualified name", named("mail"), dns(&[]), &[]),
                ("its name is visibly none", named("example.com}})"), dns(&[]), &[]),
                (
                    "the HELO name follows the PTR record",
                    healthy().but(|f| f.paths[0].helo = Helo::FollowsPtr { default: None, joined: None, origin: HERE }),
                    dns(&[("192.0.2.10 PTR", &["mail.customer.example"])]),
                    &[],
                ),
                ("no answer", healthy(), dns(&[("192.0.2.10 PTR", &["timeout"])]), &[]),
            ],
        );
    }
}
