use super::DomainContext;
use crate::findings::{Finding, Fix, Who};
use crate::rules::rule;

rule! {
    /// An MX record names an alias or an address.
    ///
    /// ## Condition
    /// The name that an MX record of the domain leads to is a CNAME, or is an address. Subject: the MX name.
    ///
    /// ## Why it matters
    /// RFC 2181 forbids it. Some senders follow an alias, others find no address and bounce the mail; an address in the place of a name is none.
    ///
    /// ## Fix
    /// Name the host that the alias leads to, or give the name address records of its own.
    ///
    /// ## When to ignore
    /// Where a provider's instructions name an alias and its senders are known to follow it.
    pub static RULE = {
        code: "DOM011",
        name: "mx-alias",
        severity: Warning,
        refs: ["RFC 2181 section 10.3", "RFC 5321 section 5.1"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let domain = cx.name();
    let exchangers = cx.seen.exchangers.iter().flatten().filter(|exchanger| exchanger.preference.is_some());
    let found = exchangers.filter_map(|exchanger| {
        let name = &exchanger.name;
        let message = match &exchanger.alias {
            _ if exchanger.is_address() => format!("the MX record of {domain} names the address {name}, not a host"),
            Some(target) => format!("the MX record of {domain} names {name}, which is an alias of {target}"),
            None => return None,
        };
        let fix =
            Fix::new(Who::DnsZone, format!("Let the MX record of {domain} name a host that has address records."));
        Some(cx.at_origin(RULE.violated(name, message).fix(fix)))
    });
    found.collect()
}
