use std::collections::BTreeSet;

use crate::facts::Fact;
use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::rules::{Context, rule};

rule! {
    /// The host name is also the domain of a cPanel account.
    ///
    /// ## Condition
    /// On cPanel, the host name is itself the domain of an account in `/etc/userdomains`. Subject: the name.
    ///
    /// ## Why it matters
    /// cPanel's documentation rules it out: a host name must not be a domain that an account holds. The server's own mail and the
    /// account's then share one domain, which can be delivered in one way alone.
    ///
    /// ## Fix
    /// Give the server a name that no account holds, such as `server1.example.com`, by WHM » Change Hostname; or take the domain from the
    /// account.
    ///
    /// ## When to ignore
    /// Where the account is the administrator's own and holds nothing but the server's mail.
    pub static RULE = {
        code: "HST006",
        name: "hostname-hosted-domain",
        severity: Warning,
        refs: ["docs.cpanel.net: Change Hostname"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let whm = cpanel.host.as_ref().map(|host| host.with(DomainName::new(&host.value)));
    let names: Vec<Fact<DomainName>> = facts.host.fqdn.name().into_iter().chain(whm).collect();
    let judged: BTreeSet<&str> = names.iter().map(|name| name.value.as_str()).collect();
    let mut findings = Vec::new();
    for entry in &cpanel.userdomains {
        let domain = DomainName::folded(&entry.key);
        if !judged.contains(&*domain) {
            continue;
        }
        let account = &entry.value;
        let message = format!("the host name `{domain}` is a domain of the account `{account}`");
        let text = format!(
            "Choose a host name that no account holds and set it in WHM » Change Hostname, or remove `{domain}` from the account \
             `{account}`."
        );
        let finding = RULE.violated(&domain, message).place(&entry.key.origin(), format!("domain of `{account}`"));
        let same = names.iter().filter(|name| name.value.as_str() == domain);
        let finding = same.fold(finding, |finding, name| finding.place(&name.origin, "host name"));
        findings.push(finding.fix(Fix::new(Who::Host, text)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |domain: &str| {
            healthy().but(|f| f.cpanel = Some(cpanel().but(|c| c.userdomains = vec![entry(domain, "alice")]).into()))
        };
        let local = |f: &mut Facts| f.cpanel = Some(cpanel().but(|c| c.localdomains = vec![listed(NAME)]).into());
        check_table(
            &RULE,
            vec![
                ("an account has the host name", with("Mail.example.com"), dns(&[]), &["warning mail.example.com"]),
                ("an account has the domain above", with("example.com"), dns(&[]), &[]),
                ("cPanel lists the host name as local itself", healthy().but(local), dns(&[]), &[]),
                ("no cPanel", healthy(), dns(&[]), &[]),
            ],
        );
    }
}
