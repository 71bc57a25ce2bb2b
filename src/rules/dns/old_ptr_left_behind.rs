use crate::addr::reverse_name;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::Question;
use crate::rules::support::{IdentityName, Role, evidence, identity_names, ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// The PTR record of an old address still names this host.
    ///
    /// ## Condition
    /// The PTR record of an address given with `--old-ip` still is a name of this host's identity. Subject: the old
    /// address.
    ///
    /// ## Why it matters
    /// Whoever gets that address next sends mail under this host's name, and whoever looks the name up finds two machines.
    ///
    /// ## Fix
    /// Ask whoever holds the old address to remove its PTR record or to set it back to the default, once nothing sends from there.
    ///
    /// ## When to ignore
    /// While the old server still sends.
    pub static RULE = {
        code: "DNS011",
        name: "old-ptr-left-behind",
        severity: Info,
        refs: ["RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    let names = if facts.old_addresses.is_empty() { Vec::new() } else { identity_names(facts, dns) };
    for &old in &facts.old_addresses {
        let left = ptr_names(dns, old);
        // The address may still send: its own PTR name then is no name from elsewhere.
        let own = |item: &&IdentityName<'_>| {
            let sending = item.path.and_then(|path| path.sending.as_ref());
            item.role != Role::Ptr || sending.is_none_or(|sending| sending.value != old)
        };
        let Some(item) = names.iter().filter(own).find(|item| left.contains(&item.name)) else { continue };
        let message =
            format!("the PTR record of the old address {old} still is `{}`, the {} here", item.name, item.role.label());
        let text = format!("Ask whoever holds {old} to remove its PTR record: {}.", reverse_name(old));
        let finding = RULE.violated(old, message).place(&item.origin, item.role.label());
        let finding = finding.fix(Fix::new(Who::IpOwner, text));
        findings.push(finding.evidence(evidence(dns, &Question::ptr(old))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::observed::observed;
    use crate::rules::testing::{But, check_table, healthy, ip};

    #[test]
    fn the_old_address_keeps_the_name() {
        let moved = || healthy().but(|f| f.old_addresses = vec![ip("192.0.2.9")]);
        check_table(
            &RULE,
            vec![
                (
                    "it still does",
                    moved(),
                    observed(&[("192.0.2.9 PTR", &[("ns1", &["mail.example.com"])])]),
                    &["info 192.0.2.9"],
                ),
                ("another name", moved(), observed(&[("192.0.2.9 PTR", &[("ns1", &["192-0-2-9.isp.example"])])]), &[]),
                ("gone", moved(), observed(&[("192.0.2.9 PTR", &[("ns1", &["NXDOMAIN"])])]), &[]),
                ("no answer", moved(), observed(&[("192.0.2.9 PTR", &[("ns1", &["timeout"])])]), &[]),
            ],
        );
    }
}
