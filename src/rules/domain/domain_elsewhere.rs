use super::DomainContext;
use crate::domains::Leads;
use crate::findings::Finding;
use crate::rules::rule;

rule! {
    /// The address records of a domain lead to no address of this host.
    ///
    /// ## Condition
    /// The domain has A or AAAA records, and none of them is an address of this host. Subject: the domain.
    ///
    /// ## Why it matters
    /// After a move it shows which domains still point at the old server. For mail itself the MX decides.
    ///
    /// ## Fix
    /// Point the records at this host, where the site is meant to be here.
    ///
    /// ## When to ignore
    /// Where the site is elsewhere, or behind a proxy.
    pub static RULE = {
        code: "DOM010",
        name: "domain-elsewhere",
        severity: Info,
        refs: ["RFC 1035 section 3.4.1"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    let Leads::Elsewhere(addresses) = &cx.seen.leads else { return Vec::new() };
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    vec![cx.at_origin(RULE.violated(name, format!("{name} leads to {}, not to this host", addresses.join(", "))))]
}
