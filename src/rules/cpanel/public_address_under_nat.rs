use crate::facts::MapEntry;
use crate::findings::{Finding, Fix, Who};
use crate::rules::panel::{addresses, lines_that};
use crate::rules::{Context, rule};

rule! {
    /// /etc/mailips holds a public address on a server that has only the private one behind it.
    ///
    /// ## Condition
    /// `/etc/mailips` holds a public address on a server whose interfaces hold only its private image. Subject: the
    /// domain.
    ///
    /// ## Why it matters
    /// Behind 1:1 NAT the public address is on no interface: Exim cannot bind to it and defers the domain's mail. cPanel's documentation
    /// wants local addresses in this file.
    ///
    /// ## Fix
    /// Write the local address that the NAT map gives for it.
    ///
    /// ## When to ignore
    /// Where the public address is brought up on an interface only later, by a script of yours.
    pub static RULE = {
        code: "CPL009",
        name: "public-address-under-nat",
        severity: Error,
        refs: ["docs.cpanel.net: How to Configure the Exim Outgoing IP Address", "docs.cpanel.net: 1:1 NAT"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let (here, mut findings) = (cx.own_addresses(), Vec::new());
    let fits = |entry: &MapEntry| addresses(entry).any(|addr| here.private_side(addr).is_some());
    for (domain, entry) in lines_that(&cpanel.mailips, fits) {
        for addr in addresses(entry) {
            let Some(local) = here.private_side(addr) else { continue };
            let message = format!(
                "mailips gives `{domain}` the public address {addr}; this server has {local} for it, and the bind fails"
            );
            let text = format!("In /etc/mailips, write {local} in place of {addr}.");
            let finding =
                RULE.violated(&domain, message).place(&entry.value.origin(), format!("{local} on this server"));
            findings.push(finding.fix(Fix::new(Who::Host, text)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let nat = |value: &str| {
            behind_nat("10.0.0.5", Some("203.0.113.5"))
                .but(|f| f.cpanel = Some(cpanel().but(|c| c.mailips = vec![entry("example.org", value)]).into()))
        };
        let direct = healthy().but(|f| f.cpanel = Some(cpanel().but(|c| c.mailips = vec![entry("*", ADDR)]).into()));
        check_table(
            &RULE,
            vec![
                ("the public address", nat("203.0.113.5"), dns(&[]), &["error example.org"]),
                (
                    "for every private source",
                    nat("203.0.113.5").but(|f| f.nat.0[0].local = None),
                    dns(&[]),
                    &["error example.org"],
                ),
                ("the local one", nat("10.0.0.5"), dns(&[]), &[]),
                ("somebody else's is CPL001", nat("198.51.100.7"), dns(&[]), &[]),
                ("no NAT", direct, dns(&[]), &[]),
                ("interfaces unknown is CPL001's", nat("203.0.113.5").but(|f| f.host.addresses = None), dns(&[]), &[]),
            ],
        );
    }
}
