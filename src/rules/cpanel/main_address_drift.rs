use std::net::IpAddr;

use crate::facts::{Cpanel, Facts};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::names::INTERFACES;
use crate::rules::{Context, rule};

rule! {
    /// The main address that cPanel knows is not this server's, or not the one that mail leaves from.
    ///
    /// ## Condition
    /// `ADDR` of wwwacct.conf or `/var/cpanel/mainip` is on no interface, through cpnat. A warning where mainip is
    /// only not the kernel's IPv4 source. Subject: the address.
    ///
    /// ## Why it matters
    /// cPanel builds DNS zones, SPF proposals and the hosts file with it, and takes it for the address that mail leaves from. After a
    /// change of address or a restore from an image, all of these name another server.
    ///
    /// ## Fix
    /// Have cPanel find its main address anew, and correct the shared address in WHM's Basic Setup.
    ///
    /// ## When to ignore
    /// Where mail is routed on purpose by another interface than the main address's.
    pub static RULE = {
        code: "CPL005",
        name: "main-address-drift",
        severity: Error,
        refs: ["docs.cpanel.net: Basic WebHost Manager Setup"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let (local, mut findings) = (cx.own_addresses(), Vec::new());
    let shared = "`ADDR` of wwwacct.conf, the main shared address,";
    let main = "/var/cpanel/mainip, the main server address,";
    for (address, says) in [(&cpanel.shared_ip, shared), (&cpanel.main_ip, main)] {
        let Some(address) = address else { continue };
        let addr = address.value;
        let is_main = says == main;
        let here = local.on_interface(addr).map(|here| here || local.private_side(addr).is_some());
        let finding = match here {
            Some(true) if !is_main => continue,
            Some(true) => match drift(facts, cpanel, addr) {
                None => continue,
                Some(chosen) => {
                    let message = format!("{says} is {addr}, but mail that is not bound leaves from {chosen}");
                    RULE.violated(addr, message).severity(Severity::Warning).fix(fix(is_main))
                }
            },
            Some(false) => {
                let message = format!("{says} is {addr}, which is on no interface of this server");
                RULE.violated(addr, message).fix(fix(is_main))
            }
            None => {
                let message = format!("could not determine whether {says} {addr}, is on an interface of this server");
                RULE.undetermined(addr, message).open(INTERFACES)
            }
        };
        findings.push(finding.place(&address.origin, "main address"));
    }
    findings
}

/// The kernel's IPv4 source, where it is known and neither `main` nor its partner in cpnat.
fn drift(facts: &Facts, cpanel: &Cpanel, main: IpAddr) -> Option<IpAddr> {
    let chosen = facts.host.source.ipv4?;
    let by_cpnat = cpanel.nat.iter().any(|pair| pair.local.value == chosen && pair.public == Some(main));
    let by_map =
        facts.nat.0.iter().any(|entry| entry.public == main && entry.local.is_none_or(|local| local == chosen));
    (chosen != main && !by_cpnat && !by_map).then_some(chosen)
}

fn fix(is_main: bool) -> Fix {
    if is_main {
        Fix::new(Who::Host, "Have cPanel find the main server address again.").command("/scripts/mainipcheck")
    } else {
        Fix::new(Who::Host, "Correct the main shared address in WHM's Basic Setup; under NAT it is the local one.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::CpanelNat;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |change: fn(&mut Cpanel)| healthy().but(|f| f.cpanel = Some(cpanel().but(change).into()));
        let two = |f: &mut Facts| f.host.addresses.as_mut().unwrap().push(on("eth0", "192.0.2.11", &[]));
        let second_main = |c: &mut Cpanel| c.main_ip = Some(fact(ip("192.0.2.11")));
        let nat = |main: &'static str| {
            behind_nat("10.0.0.5", Some("203.0.113.5")).but(|f| {
                f.cpanel = Some(
                    cpanel()
                        .but(|c| {
                            c.shared_ip = Some(fact(ip("10.0.0.5")));
                            c.main_ip = Some(fact(ip(main)));
                            c.nat = vec![CpanelNat { local: fact(ip("10.0.0.5")), public: Some(ip("203.0.113.5")) }];
                        })
                        .into(),
                );
            })
        };
        check_table(
            &RULE,
            vec![
                ("both here", with(|_| ()), dns(&[]), &[]),
                (
                    "the shared address is gone",
                    with(|c| c.shared_ip = Some(fact(ip("198.51.100.7")))),
                    dns(&[]),
                    &["error 198.51.100.7"],
                ),
                (
                    "the main address is gone",
                    with(|c| c.main_ip = Some(fact(ip("198.51.100.7")))),
                    dns(&[]),
                    &["error 198.51.100.7"],
                ),
                ("the two may differ", with(|c| c.shared_ip = Some(fact(ip("192.0.2.11")))).but(two), dns(&[]), &[]),
                ("the kernel chooses another", with(second_main).but(two), dns(&[]), &["warning 192.0.2.11"]),
                ("no route to ask by", with(second_main).but(two).but(|f| f.host.source.ipv4 = None), dns(&[]), &[]),
                ("NAT: the local address", nat("10.0.0.5"), dns(&[]), &[]),
                ("NAT: the public one", nat("203.0.113.5"), dns(&[]), &[]),
                ("NAT: the old public one", nat("198.51.100.7"), dns(&[]), &["error 198.51.100.7"]),
                (
                    "NAT: said by an option alone",
                    nat("203.0.113.5").but(|f| {
                        std::sync::Arc::make_mut(f.cpanel.as_mut().unwrap()).nat.clear();
                        f.nat.0[0].local = None;
                    }),
                    dns(&[]),
                    &[],
                ),
                (
                    "interfaces unknown",
                    with(|c| c.shared_ip = None).but(|f| f.host.addresses = None),
                    dns(&[]),
                    &["error? 192.0.2.10"],
                ),
            ],
        );
    }
}
