use std::net::IpAddr;

use crate::facts::Origin;
use crate::findings::{Finding, Fix, Who};
use crate::rules::names::INTERFACES;
use crate::rules::{Context, rule};

rule! {
    /// A NAT map names a local address that this host does not have.
    ///
    /// ## Condition
    /// A NAT map (`/var/cpanel/cpnat`, the settings, `--public-ip LOCAL=PUBLIC`) names a local address that is on no
    /// interface. Subject: the local address.
    ///
    /// ## Why it matters
    /// The map then says nothing about the address that mail really leaves from: its public image is unknown or that of another host.
    /// On cPanel it is /var/cpanel/cpnat, where cPanel looks public addresses up; after a restore from an image it is the old server's.
    ///
    /// ## Fix
    /// Correct the map: on cPanel build it anew with `/usr/local/cpanel/scripts/build_cpnat`.
    ///
    /// ## When to ignore
    /// Where the address comes up only when this host takes over from another.
    pub static RULE = {
        code: "NET003",
        name: "nat-map-stale",
        severity: Error,
        refs: ["docs.cpanel.net: 1:1 NAT"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let entries = facts.nat.0.iter().filter_map(|entry| Some((entry.local?, &entry.origin)));
    let unmapped = facts.cpanel.iter().flat_map(|cpanel| &cpanel.nat).filter(|pair| pair.public.is_none());
    let all: Vec<(IpAddr, &Origin)> =
        entries.chain(unmapped.map(|pair| (pair.local.value, &pair.local.origin))).collect();
    let mut findings = Vec::new();
    for (local, origin) in all {
        let finding = match facts.host.has_address(local) {
            Some(true) => continue,
            Some(false) => {
                let message = format!("the NAT map names {local}, which is on no interface of this host");
                RULE.violated(local, message).fix(fix(origin))
            }
            None => {
                let message = format!(
                    "could not determine whether {local}, which the NAT map names, is on an interface of this host"
                );
                RULE.undetermined(local, message).open(INTERFACES)
            }
        };
        findings.push(finding.place(origin, "local address"));
    }
    findings
}

fn fix(origin: &Origin) -> Fix {
    match origin {
        Origin::File(span) if span.path() == "/var/cpanel/cpnat" => {
            Fix::new(Who::Host, "Have cPanel build its NAT map again.").command("/usr/local/cpanel/scripts/build_cpnat")
        }
        other => Fix::new(Who::Host, format!("Correct the local address in {}.", other.describe())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::CpanelNat;
    use crate::facts::Facts;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let nat = || behind_nat("10.0.0.5", Some("203.0.113.5"));
        let moved = |f: &mut Facts| f.host.addresses = Some(vec![on("eth0", "10.0.0.6", &[])]);
        let all_private = |f: &mut Facts| f.nat.0[0].local = None;
        let unmapped = |f: &mut Facts| {
            f.cpanel =
                Some(cpanel().but(|c| c.nat = vec![CpanelNat { local: fact(ip("10.0.0.9")), public: None }]).into());
        };
        check_table(
            &RULE,
            vec![
                ("its local address is here", nat(), dns(&[]), &[]),
                ("it is not", nat().but(moved), dns(&[]), &["error 10.0.0.5"]),
                ("an image for every private source names none", nat().but(moved).but(all_private), dns(&[]), &[]),
                ("a line of cpnat without image", healthy().but(unmapped), dns(&[]), &["error 10.0.0.9"]),
                ("interfaces unknown", nat().but(|f| f.host.addresses = None), dns(&[]), &["error? 10.0.0.5"]),
            ],
        );
    }
}
