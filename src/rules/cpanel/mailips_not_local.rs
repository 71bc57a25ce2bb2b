use crate::facts::Facts;
use crate::findings::{Finding, Fix, Who};
use crate::observe::Observations;
use crate::rules::names::INTERFACES;
use crate::rules::panel::{addresses, has_flag, lines, private_side};
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
                    RULE.violated(&domain, message).fix(fix(has_flag(cpanel, "custom_mailips"), &domain))
                }
                None => {
                    let message =
                        format!("whether {addr}, which mailips gives `{domain}`, is on an interface could not be seen");
                    RULE.undetermined(&domain, message).open(INTERFACES)
                }
            };
            findings.push(finding.place(&entry.value.origin, "on no interface"));
        }
    }
    findings
}

fn fix(custom: bool, domain: &str) -> Fix {
    if custom {
        return Fix::new(
            Who::Host,
            format!("In /etc/mailips, give `{domain}` an address of this server, or remove the line."),
        );
    }
    let text = "Give the account an address of this server, then have cPanel write the file anew.";
    Fix::new(Who::Host, text).command("/usr/local/cpanel/scripts/updateuserdomains")
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
