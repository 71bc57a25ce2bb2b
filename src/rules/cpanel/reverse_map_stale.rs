use std::net::IpAddr;

use crate::facts::{Fact, Origin};
use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::observe::{Lookup, Question, Why};
use crate::rules::panel::{REBUILD_HELO, lines};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// The PTR name that cPanel remembers is not the one that the DNS has.
    ///
    /// ## Condition
    /// `/etc/mail_reverse_dns` has another name for an address than the DNS's truth. Subject: the address.
    ///
    /// ## Why it matters
    /// /etc/mail_reverse_dns holds the PTR names that cPanel found when it last looked. With "Use the reverse DNS entry for the mail HELO/EHLO
    /// if available" the HELO names come from it, so a PTR record that was changed since leaves the old name in use.
    ///
    /// ## Fix
    /// Press "Rebuild Reverse DNS Cache and Update Mail HELO" in WHM » Exim Configuration Manager.
    ///
    /// ## When to ignore
    /// Where HELO names are written by hand in /etc/mailhelo.
    pub static RULE = {
        code: "CPL004",
        name: "reverse-map-stale",
        severity: Warning,
        refs: ["docs.cpanel.net: Exim Configuration Manager Basic Editor"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let mut findings = Vec::new();
    for (key, entry) in lines(&cpanel.reverse) {
        let Ok(listed) = key.parse::<IpAddr>() else { continue };
        let addr = facts
            .nat
            .sending(&Fact::new(listed, Origin::kernel("mail_reverse_dns")))
            .map_or(listed, |image| image.value);
        let remembered = DomainName::new(&entry.value);
        if remembered.as_str().is_empty() {
            // No PTR name was seen then: no name is in use.
            continue;
        }
        let question = Question::ptr(addr);
        let finding = match dns.ptr(addr) {
            Lookup::Unanswered(Why::NotAsked) => continue,
            Lookup::Found(names) if names.contains(&remembered) => continue,
            Lookup::Found(names) => {
                let now: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let message = format!(
                    "cPanel remembers `{remembered}` as PTR name of {addr}, and the DNS says {}",
                    now.join(", ")
                );
                RULE.violated(addr, message)
            }
            Lookup::NoData | Lookup::NxDomain => RULE.violated(
                addr,
                format!("cPanel remembers `{remembered}` as PTR name of {addr}, which has no PTR record"),
            ),
            Lookup::Unanswered(why) => {
                let message =
                    format!("could not determine whether `{remembered}` still is the PTR name of {addr}: {why}");
                RULE.undetermined(addr, message).open(&question)
            }
        };
        let fix = Fix::new(Who::Host, REBUILD_HELO);
        let finding = finding.place(&entry.value.origin(), "PTR name as cPanel remembers it").fix(fix);
        findings.push(finding.evidence(evidence(dns, &question)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |key: &str, name: &str| {
            healthy().but(|f| f.cpanel = Some(cpanel().but(|c| c.reverse = vec![entry(key, name)]).into()))
        };
        let nat = behind_nat("10.0.0.5", Some(ADDR))
            .but(|f| f.cpanel = Some(cpanel().but(|c| c.reverse = vec![entry("10.0.0.5", NAME)]).into()));
        check_table(
            &RULE,
            vec![
                ("the name that it has", with(ADDR, "Mail.example.com"), dns(&[]), &[]),
                ("the name before the change", with(ADDR, "old.example.com"), dns(&[]), &["warning 192.0.2.10"]),
                (
                    "a record that has gone",
                    with(ADDR, NAME),
                    dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]),
                    &["warning 192.0.2.10"],
                ),
                ("no answer", with(ADDR, NAME), dns(&[("192.0.2.10 PTR", &["timeout"])]), &["warning? 192.0.2.10"]),
                ("cPanel saw no name", with(ADDR, ""), dns(&[]), &[]),
                ("nobody asked", with("192.0.2.99", NAME), dns(&[]), &[]),
                ("behind NAT the image has the record", nat, dns(&[]), &[]),
            ],
        );
    }
}
