use std::collections::HashSet;

use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::rules::advice::at;
use crate::rules::panel::{has_flag, host_names, key};
use crate::rules::{Context, rule};

rule! {
    /// A line of /etc/mailips or /etc/mailhelo is for a domain that this server does not know.
    ///
    /// ## Condition
    /// A key of `/etc/mailips` or `/etc/mailhelo` is neither `*` nor the host name, and stands in none of
    /// userdomains, localdomains, remotedomains and secondarymx. Subject: the domain.
    ///
    /// ## Why it matters
    /// No mail of this server has that sender domain, so the line does nothing: a typing error, or an account that has gone or was left on the old
    /// server. The domain that was meant has the default address and HELO name instead. Keys match whole domains: `example.com` does
    /// not stand for `sub.example.com`.
    ///
    /// ## Fix
    /// Correct the domain, or remove the line.
    ///
    /// ## When to ignore
    /// Where a domain that is not hosted here sends through this server on purpose.
    pub static RULE = {
        code: "CPL003",
        name: "mail-map-unknown-domain",
        severity: Warning,
        refs: ["docs.cpanel.net: How to Configure the Exim Outgoing IP Address"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let listed = [&cpanel.localdomains, &cpanel.remotedomains, &cpanel.secondarymx].into_iter().flatten();
    let of_accounts = cpanel.userdomains.iter().map(|entry| &entry.key);
    let mut known = HashSet::with_capacity(cpanel.userdomains.len());
    known.extend(of_accounts.chain(listed).map(|domain| DomainName::folded(domain)));
    if known.is_empty() {
        // None of the lists could be read, which CFG004 reports: nothing can be said of any domain.
        return Vec::new();
    }
    let hosts = host_names(facts);
    let mut findings = Vec::new();
    for (map, entries) in [("mailips", &cpanel.mailips), ("mailhelo", &cpanel.mailhelo)] {
        let mut seen = HashSet::new();
        for entry in entries {
            let key = key(entry);
            if key == "*" || known.contains(&key) || !seen.insert(key.clone()) {
                continue;
            }
            let domain = DomainName::new(&key);
            if hosts.contains(&domain) {
                continue;
            }
            let message = format!("{map} has a line for `{domain}`, a domain that this server does not know");
            let text = format!("Correct `{domain}` in /etc/{map}{}, or remove the line.", at(&entry.key.origin()));
            let finding = RULE.violated(&domain, message).place(&entry.key.origin(), "unknown domain");
            let fix = Fix::new(Who::Host, text);
            let fix = match has_flag(cpanel, &format!("custom_{map}")) {
                true => fix,
                false => fix.command("/usr/local/cpanel/scripts/updateuserdomains"),
            };
            findings.push(finding.fix(fix));
        }
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
                let accounts = vec![entry("example.org", "alice"), entry("*", "nobody")];
                f.cpanel = Some(cpanel().but(|c| c.userdomains = accounts).but(change).into());
            })
        };
        check_table(
            &RULE,
            vec![
                ("an account's domain", with(|c| c.mailips = vec![entry("Example.org", ADDR)]), dns(&[]), &[]),
                (
                    "all others, and the host name",
                    with(|c| c.mailhelo = vec![entry("*", NAME), entry(NAME, NAME)]),
                    dns(&[]),
                    &[],
                ),
                (
                    "a backup MX's domain",
                    with(|c| {
                        c.mailips = vec![entry("backup.example", ADDR)];
                        c.secondarymx = vec![listed("backup.example")];
                    }),
                    dns(&[]),
                    &[],
                ),
                (
                    "unknown in mailips",
                    with(|c| c.mailips = vec![entry("exmaple.org", ADDR)]),
                    dns(&[]),
                    &["warning exmaple.org"],
                ),
                (
                    "unknown in mailhelo",
                    with(|c| c.mailhelo = vec![entry("exmaple.org", NAME)]),
                    dns(&[]),
                    &["warning exmaple.org"],
                ),
                (
                    "a subdomain is another domain",
                    with(|c| c.mailips = vec![entry("sub.example.org", ADDR)]),
                    dns(&[]),
                    &["warning sub.example.org"],
                ),
                (
                    "no list could be read",
                    with(|c| {
                        c.mailips = vec![entry("exmaple.org", ADDR)];
                        c.userdomains.clear();
                    }),
                    dns(&[]),
                    &[],
                ),
            ],
        );
    }
}
