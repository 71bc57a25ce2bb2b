use crate::addr::{Family, is_public};
use crate::facts::{AddressFlag, Facts, Mta, OutboundPath};
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// Mail leaves from an IPv6 address that will go away.
    ///
    /// ## Condition
    /// The source of an IPv6 path is a temporary (RFC 8981) or deprecated address. Subject: the address.
    ///
    /// ## Why it matters
    /// A temporary address (RFC 8981) is replaced within a day or a week, a deprecated one is not meant for new connections (RFC 4862
    /// section 5.5.4). No PTR record can follow them, and Gmail and Microsoft refuse mail over IPv6 from addresses without one.
    ///
    /// ## Fix
    /// Bind the MTA to a stable address of this host, or turn temporary addresses off (`net.ipv6.conf.all.use_tempaddr = 0`).
    ///
    /// ## When to ignore
    /// Never on a host that sends mail directly.
    pub static RULE = {
        code: "NET005",
        name: "source-address-temporary",
        severity: Warning,
        refs: ["RFC 8981", "RFC 4862 section 5.5.4"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for path in facts.paths.iter().filter(|path| path.family == Family::Ipv6) {
        let Some(source) = &path.source else { continue };
        let Some(on) = facts.host.own_addresses().find(|own| own.address == source.value) else { continue };
        let what = if on.flags.contains(&AddressFlag::Temporary) {
            "temporary"
        } else if on.flags.contains(&AddressFlag::Deprecated) {
            "deprecated"
        } else {
            continue;
        };
        let message = format!("mail leaves from {}, a {what} address of {}", source.value, on.interface);
        let finding = RULE.violated(source.value, message).place(&source.origin, format!("{what} address"));
        findings.push(finding.path(&path.id).fix(fix(facts, path)));
    }
    findings
}

fn fix(facts: &Facts, path: &OutboundPath) -> Fix {
    let passing = |flag: &AddressFlag| matches!(flag, AddressFlag::Temporary | AddressFlag::Deprecated);
    let stable = facts.host.own_addresses().find(|own| {
        Family::from(own.address) == Family::Ipv6
            && is_public(own.address)
            && own.usable()
            && !own.flags.iter().any(passing)
    });
    let Some(stable) = stable else {
        return Fix::new(Who::Host, "Give this host a stable IPv6 address, or keep its MTA to IPv4.");
    };
    let addr = stable.address;
    let how = if path.mta == Some(Mta::Postfix) { ": `smtp_bind_address6`" } else { "" };
    Fix::new(Who::Host, format!("Have the MTA send from {addr}, the stable address{how}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let from = |flags: &[AddressFlag]| {
            healthy().but(|f| {
                f.host.addresses.as_mut().unwrap().push(on("eth0", "2001:db8::abcd", flags));
                f.host.addresses.as_mut().unwrap().push(on("eth0", "2001:db8::10", &[]));
                f.paths.push(path("2001:db8::abcd", NAME));
            })
        };
        check_table(
            &RULE,
            vec![
                ("temporary", from(&[AddressFlag::Temporary]), dns(&[]), &["warning 2001:db8::abcd"]),
                ("deprecated", from(&[AddressFlag::Deprecated]), dns(&[]), &["warning 2001:db8::abcd"]),
                ("stable", from(&[]), dns(&[]), &[]),
                ("IPv4 alone", healthy(), dns(&[]), &[]),
                ("interfaces unknown", from(&[AddressFlag::Temporary]).but(|f| f.host.addresses = None), dns(&[]), &[]),
            ],
        );
        let fix = findings(&RULE, &from(&[AddressFlag::Temporary]), &dns(&[]))[0].fix.clone().unwrap();
        assert!(fix.text.contains("2001:db8::10, the stable address: `smtp_bind_address6`"), "{}", fix.text);
    }
}
