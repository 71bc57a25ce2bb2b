use std::collections::HashMap;
use std::net::IpAddr;

use crate::facts::MapEntry;
use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::rules::panel::{addresses, has_flag, key, lines_by_key};
use crate::rules::{Context, rule};

rule! {
    /// /etc/mailips does not give a domain its account's address.
    ///
    /// ## Condition
    /// Addresses by domain are on, and the account's address in `/etc/userips` is not the one that `/etc/mailips`
    /// gives its domain, by its own key or by `*`. Subject: the domain.
    ///
    /// ## Why it matters
    /// "Send mail from the account's IP address" is on, but the account has moved to another address since the file was written. Its mail
    /// leaves from the old one, with that one's PTR and HELO name.
    ///
    /// ## Fix
    /// Have cPanel write the file anew.
    ///
    /// ## When to ignore
    /// Where /etc/mailips is kept by hand on purpose: then turn that setting off.
    pub static RULE = {
        code: "CPL010",
        name: "mail-map-outdated",
        severity: Warning,
        refs: ["docs.cpanel.net: Exim Configuration Manager Basic Editor"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = facts.cpanel.as_ref().filter(|cpanel| has_flag(cpanel, "per_domain_mailips")) else {
        return Vec::new();
    };
    let given = lines_by_key(&cpanel.mailips);
    let accounts: HashMap<&str, &MapEntry> = cpanel.userips.iter().map(|entry| (&*entry.key, entry)).collect();
    // Without a line, mail leaves unbound: from the shared address, which needs none.
    let unbound = cpanel.shared_ip.as_ref().or(cpanel.main_ip.as_ref()).map(|fact| fact.value);
    let (local, mut findings) = (cx.own_addresses(), Vec::new());
    for domain in cpanel.userdomains.iter().filter(|entry| key(entry) != "*") {
        let Some(account) = accounts.get(&*domain.value) else { continue };
        let Ok(own) = account.value.trim().parse::<IpAddr>() else { continue };
        let line = given.get(&key(domain)).or_else(|| given.get("*")).copied();
        let agrees = match line {
            // The public image of the account's own address is CPL009's alone.
            Some(line) => addresses(line).any(|addr| addr == own || local.private_side(addr) == Some(own)),
            None => unbound.is_none_or(|unbound| unbound == own),
        };
        if agrees {
            continue;
        }
        let name = DomainName::new(&domain.key);
        let now = line.map_or_else(|| "none".to_owned(), |line| line.value.to_string());
        let message = format!("mailips gives `{name}` {now}, and its account `{}` has {own}", domain.value);
        let finding = RULE.violated(&name, message).place(&account.value.origin(), "the account's address");
        let finding = line
            .into_iter()
            .fold(finding, |finding, line| finding.place(&line.value.origin(), "the address in mailips"));
        let fix = Fix::new(Who::Host, "Have cPanel write /etc/mailips and /etc/mailhelo again.");
        findings.push(finding.fix(fix.command("/usr/local/cpanel/scripts/updateuserdomains")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Cpanel;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |change: fn(&mut Cpanel)| {
            healthy().but(|f| {
                f.cpanel = Some(
                    cpanel()
                        .but(|c| {
                            c.flags = vec![fact("per_domain_mailips".into())];
                            c.userdomains = vec![entry("example.org", "alice"), entry("*", "nobody")];
                            c.userips = vec![entry("alice", "192.0.2.11")];
                            c.mailips = vec![entry("example.org", "192.0.2.11"), entry("*", ADDR)];
                            change(c);
                        })
                        .into(),
                );
            })
        };
        check_table(
            &RULE,
            vec![
                ("the account's address", with(|_| ()), dns(&[]), &[]),
                (
                    "the account has moved",
                    with(|c| c.userips = vec![entry("alice", "192.0.2.12")]),
                    dns(&[]),
                    &["warning example.org"],
                ),
                (
                    "the line is missing, the rest goes elsewhere",
                    with(|c| {
                        c.mailips.remove(0);
                    }),
                    dns(&[]),
                    &["warning example.org"],
                ),
                (
                    "the shared address needs no line",
                    with(|c| {
                        c.mailips.clear();
                        c.userips = vec![entry("alice", ADDR)];
                    }),
                    dns(&[]),
                    &[],
                ),
                ("a dedicated one does", with(|c| c.mailips.clear()), dns(&[]), &["warning example.org"]),
                (
                    "the setting is off",
                    with(|c| {
                        c.flags.clear();
                        c.mailips.clear();
                    }),
                    dns(&[]),
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn the_public_image_of_the_accounts_address_is_no_other_address() {
        let facts = behind_nat("10.0.0.4", Some("203.0.113.10")).but(|f| {
            f.cpanel = Some(
                cpanel()
                    .but(|c| {
                        c.flags = vec![fact("per_domain_mailips".into())];
                        c.userdomains = vec![entry("example.org", "alice"), entry("example.net", "bob")];
                        c.userips = vec![entry("alice", "10.0.0.4"), entry("bob", "10.0.0.5")];
                        c.mailips = vec![entry("*", "203.0.113.10")];
                    })
                    .into(),
            );
        });
        assert_eq!(verdicts(&RULE, &facts, &dns(&[])), ["warning example.net"]);
    }
}
