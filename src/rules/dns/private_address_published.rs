use std::net::IpAddr;

use crate::addr::{self, Family};
use crate::facts::Facts;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::{Question, RecordType};
use crate::rules::advice::delete_record;
use crate::rules::names::is_own;
use crate::rules::support::{IdentityName, Role, evidence, mark_name};
use crate::rules::{Context, rule};

rule! {
    /// A name of this host has an address record that is not public.
    ///
    /// ## Condition
    /// In the truth, a name of the identity has an address record that is not public. Not where NET004 says it.
    /// Subject: the name.
    ///
    /// ## Why it matters
    /// No receiver can reach such an address, or it reaches a machine of its own network by it: the name confirms nothing, and some
    /// receivers refuse names that lead to private addresses.
    ///
    /// ## Fix
    /// Publish the public address alone; serve the private one to the inside by an internal zone.
    ///
    /// ## When to ignore
    /// Where the name is used on the inside alone.
    pub static RULE = {
        code: "DNS012",
        name: "private-address-published",
        severity: Warning,
        refs: ["RFC 1918 section 5", "RFC 6303"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for (name, roles) in cx.identity_names() {
        for family in Family::BOTH {
            let lookup = dns.addresses(name, family);
            let private: Vec<(IpAddr, &str)> = lookup
                .found()
                .iter()
                .filter_map(|addr| Some((*addr, addr::special_purpose(*addr)?)))
                .filter(|(addr, _)| !said_elsewhere(facts, name, roles, *addr))
                .collect();
            if private.is_empty() {
                continue;
            }
            let said: Vec<String> = private.iter().map(|(addr, why)| format!("{addr}, {why}")).collect();
            let message = format!("`{name}` has an address record that is not public: {}", said.join("; "));
            let text =
                format!("Remove the {} record with that address from the public zone of `{name}`.", family.record());
            let gone = private.iter().map(|(addr, _)| delete_record(name, *addr));
            let fix = gone.fold(Fix::new(Who::DnsZone, text), Fix::command);
            let finding = mark_name(RULE.violated(name, message).fix(fix), roles);
            findings.push(finding.evidence(evidence(dns, &Question::new(name, RecordType::address(family)))));
        }
    }
    findings
}

/// Whether NET004 says it: an IPv6 address that is not this host's, at a HELO name, a PTR name that is not generic, or the host name.
fn said_elsewhere(facts: &Facts, name: &DomainName, roles: &[IdentityName<'_>], addr: IpAddr) -> bool {
    let looked_at = roles.iter().any(|item| match item.role {
        Role::Helo | Role::Host => true,
        Role::Ptr => {
            let sending = item.path.and_then(|path| path.sending.as_ref());
            sending.is_some_and(|sending| why_generic(name, sending.value).is_none())
        }
        Role::Node | Role::Own(_) | Role::HeloDefault | Role::Whm => false,
    });
    addr.is_ipv6() && looked_at && is_own(facts, addr) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, healthy, on};

    #[test]
    fn what_the_public_dns_should_not_hold() {
        check_table(
            &RULE,
            vec![
                ("public", healthy(), dns(&[]), &[]),
                (
                    "private",
                    healthy(),
                    dns(&[("mail.example.com A", &["192.0.2.10", "10.0.0.10"])]),
                    &["warning mail.example.com"],
                ),
                ("loopback", healthy(), dns(&[("mail.example.com A", &["127.0.0.1"])]), &["warning mail.example.com"]),
                ("IPv6 of another machine: NET004", healthy(), dns(&[("mail.example.com AAAA", &["fd00::1"])]), &[]),
                (
                    "IPv6 of this host",
                    healthy().but(|f| f.host.addresses.as_mut().unwrap().push(on("eth0", "fd00::1", &[]))),
                    dns(&[("mail.example.com AAAA", &["fd00::1"])]),
                    &["warning mail.example.com"],
                ),
                ("no answer", healthy(), dns(&[("mail.example.com A", &["timeout"])]), &[]),
            ],
        );
    }
}
