use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{Cpanel, Facts, MapEntry};
use crate::findings::{Finding, Fix, Who};
use crate::observe::Observations;
use crate::rules::edit;
use crate::rules::names::INTERFACES;
use crate::rules::panel::{addresses, has_flag, key, lines, private_side};
use crate::rules::rule;

rule! {
    /// /etc/mailips gives a domain an address that this server does not have.
    ///
    /// ## Why it matters
    /// Exim binds to the address that this file gives the sender's domain. It cannot bind to one that is on no interface, and defers
    /// the domain's mail ("Cannot assign requested address"). After a transfer it is mostly the old server's address.
    ///
    /// ## Fix
    /// Give the domain an address of this server; where cPanel writes the file itself, give it to the account and run
    /// `/usr/local/cpanel/scripts/updateuserdomains`.
    ///
    /// ## When to ignore
    /// Where the address floats between servers and this is the passive one.
    pub static RULE = {
        code: "CPL001",
        name: "mailips-not-local",
        severity: Error,
        refs: ["docs.cpanel.net: How to Configure the Exim Outgoing IP Address", "bind(2)"],
        needs_dns: false,
        check: check,
    };
}

fn check(facts: &Facts, _: &Observations) -> Vec<Finding> {
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let mut findings = Vec::new();
    for (domain, entry) in lines(&cpanel.mailips) {
        for addr in addresses(entry) {
            let finding = match facts.host.has_address(addr) {
                Some(true) => continue,
                Some(false) if private_side(facts, addr).is_some() => continue,
                Some(false) => {
                    let who = if domain == "*" { "every other domain".to_owned() } else { format!("`{domain}`") };
                    let message = format!("mailips gives {who} {addr}, which is on no interface: its mail is deferred");
                    RULE.violated(&domain, message).fix(fix(facts, cpanel, &domain, entry, addr))
                }
                None => {
                    let message =
                        format!("whether {addr}, which mailips gives `{domain}`, is on an interface could not be seen");
                    RULE.undetermined(&domain, message).open(INTERFACES)
                }
            };
            findings.push(finding.place(&entry.value.origin(), "on no interface"));
        }
    }
    findings
}

fn fix(facts: &Facts, cpanel: &Cpanel, domain: &str, entry: &MapEntry, addr: IpAddr) -> Fix {
    if !has_flag(cpanel, "custom_mailips") {
        let text = "Give the account an address of this server, then have cPanel write the file anew.";
        return Fix::new(Who::Host, text).command("/usr/local/cpanel/scripts/updateuserdomains");
    }
    let (own, whose) = wanted(facts, cpanel, domain, addr);
    let Some(own) = own else {
        return Fix::new(
            Who::Host,
            format!("In /etc/mailips, give `{domain}` an address of this server, or remove the line."),
        );
    };
    let text =
        format!("In /etc/mailips, give `{domain}` {own}, {whose}; or remove the line, so that the kernel chooses.");
    let edit = edit::replace(&entry.value.origin(), &addr.to_string(), &own.to_string());
    edit.into_iter().fold(Fix::new(Who::Host, text), Fix::command)
}

/// The address of this server that a line of mailips should give: the account's, else the main shared one, else the kernel's choice.
fn wanted(facts: &Facts, cpanel: &Cpanel, domain: &str, addr: IpAddr) -> (Option<IpAddr>, &'static str) {
    let here = |own: &IpAddr| facts.host.has_address(*own) == Some(true) && Family::of(*own) == Family::of(addr);
    let account = cpanel.userdomains.iter().find(|entry| key(entry) == domain && domain != "*");
    let own = account.and_then(|account| {
        let of_account = cpanel.userips.iter().find(|entry| *entry.key == *account.value)?;
        of_account.value.trim().parse::<IpAddr>().ok().filter(here)
    });
    let shared = cpanel.shared_ip.as_ref().map(|fact| fact.value).filter(here);
    let chosen = facts.host.source.of(Family::of(addr)).filter(here);
    match (own, shared) {
        (Some(own), _) => (Some(own), "the account's address"),
        (None, Some(shared)) => (Some(shared), "the main shared address"),
        _ => (chosen, "the address that the kernel chooses"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |key: &str, value: &str| {
            healthy().but(|f| f.cpanel = Some(cpanel().but(|c| c.mailips = vec![entry(key, value)])))
        };
        let nat = behind_nat("10.0.0.5", Some("203.0.113.5"))
            .but(|f| f.cpanel = Some(cpanel().but(|c| c.mailips = vec![entry("*", "203.0.113.5")])));
        let twice = healthy().but(|f| {
            let mailips = vec![entry("example.com", ADDR), entry("Example.com", "198.51.100.7")];
            f.cpanel = Some(cpanel().but(|c| c.mailips = mailips));
        });
        check_table(
            &RULE,
            vec![
                ("this server's", with("*", ADDR), dns(&[]), &[]),
                ("another's, for all", with("*", "198.51.100.7"), dns(&[]), &["error *"]),
                ("another's, for a domain", with("Example.COM", "198.51.100.7"), dns(&[]), &["error example.com"]),
                ("one of two", with("*", "192.0.2.10; 2001:db8::bad"), dns(&[]), &["error *"]),
                ("a public address under NAT is CPL009", nat, dns(&[]), &[]),
                ("the first line of a key counts", twice, dns(&[]), &[]),
                ("interfaces unknown", with("*", ADDR).but(|f| f.host.addresses = None), dns(&[]), &["error? *"]),
                ("no cPanel", healthy(), dns(&[]), &[]),
            ],
        );
    }
}
