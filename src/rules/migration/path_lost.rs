use std::collections::BTreeMap;

use super::{drifts, mark, shown};
use crate::compare::{Change, Effect, What};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::support::list;
use crate::rules::{Context, rule};

rule! {
    /// A way in which the old host sent mail has no counterpart here.
    ///
    /// ## Condition
    /// With `--moved-from` or `compare`: no path of this host has the sender domains, the HELO name and the role of the source address (the address
    /// that became it, by `--map` or since it is gone and mail of the same path leaves from a new one) of a path of the old host. Error where
    /// sender domains of it leave from another address or under another HELO name than expected; else warning. Subject: the old path's
    /// identifier.
    ///
    /// ## Why it matters
    /// Domains that had an address or a name of their own share another's now, with its reputation; SPF and PTR records that were made for
    /// them do not fit.
    ///
    /// ## Fix
    /// Set address, HELO name or next hop of the path again, or say by `--map OLD=NEW` that the change of an address or name is meant.
    ///
    /// ## When to ignore
    /// Where domains were put together on purpose.
    pub static RULE = {
        code: "MIG002",
        name: "path-lost",
        severity: Warning,
        refs: ["RFC 7208 section 5", "RFC 8601 section 2.7.3"],
        needs: [Facts, OldSnapshot],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut by_path: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in drifts(cx, Effect::Path) {
        by_path.entry(change.old_path.as_deref().unwrap_or(&change.key)).or_default().push(change);
    }
    by_path.into_iter().map(|(path, changes)| finding(path, &changes)).collect()
}

fn finding(path: &str, changes: &[&Change]) -> Finding {
    let by_way = [What::Path, What::MapLine];
    let of_domains = |change: &&&Change| !change.domains.is_empty() && !by_way.contains(&change.what);
    let severity = if changes.iter().any(|change| of_domains(&change)) { Severity::Error } else { Severity::Warning };
    let told: Vec<String> = changes.iter().map(|change| sentence(change)).collect();
    // A next hop is no address or name that could be mapped.
    let is_mapped = changes.iter().any(|change| matches!(change.what, What::Helo | What::Source));
    let text = match is_mapped {
        true => {
            "Set address, HELO name or next hop of this path as it was, or map it with --map OLD=NEW where the change is meant."
        }
        false => {
            "Set the next hop of this path as it was; where the change is meant, leave the finding out ([[ignore]] in the settings)."
        }
    };
    let finding = RULE.violated(path, told.join("; ")).severity(severity).fix(Fix::new(Who::Host, text));
    changes.iter().fold(finding, |finding, change| mark(finding, change))
}

fn sentence(change: &Change) -> String {
    let whose = match change.domains.as_slice() {
        [] => format!("mail by `{}`", change.key),
        domains => format!("mail of {}", list(domains)),
    };
    let (old, because) = (shown(change.old.as_deref()), &change.because);
    match (change.what, &change.new) {
        (What::Helo, new) => {
            format!("{whose} introduced itself as {old}, and does so as {} now: {because}", shown(new.as_deref()))
        }
        (What::Source, new) => {
            format!("{whose} left from {old}, and leaves from {} now: {because}", shown(new.as_deref()))
        }
        (What::MapLine, new) => {
            let new = shown(new.as_deref());
            format!("{whose} left by way of {old} by {}, and leaves by way of {new} now: {because}", change.key)
        }
        (_, Some(new)) => {
            format!("{whose} went {}, and goes {new} now: {because}", change.old.as_deref().unwrap_or_default())
        }
        (_, None) => format!("{whose} ({}) has no way here: {because}", change.old.as_deref().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, MapEntry, MapOf, PanelMap, SenderDomains};
    use crate::name::DomainName;
    use crate::rules::testing::{But, check_table, dns, findings, healthy, ip, moved_from, on, path};

    /// Two addresses, the second for one domain.
    fn two(first: &str, second: &str, of_domain: &str, helo: &str) -> Facts {
        healthy().but(|f| {
            f.host.addresses = Some(vec![on("eth0", first, &[]), on("eth0", second, &[])]);
            f.host.source.ipv4 = Some(ip(first));
            let only = |domains: &[&str], others| SenderDomains::Only {
                domains: domains.iter().map(|domain| DomainName::new(domain)).collect(),
                others,
            };
            f.paths = vec![
                path(first, "mail.example.com").but(|p| p.sender_domains = only(&[], true)),
                path(of_domain, helo).but(|p| p.sender_domains = only(&["shop.example"], false)),
            ];
        })
    }

    #[test]
    fn what_has_no_counterpart() {
        let old = || two("198.51.100.7", "198.51.100.8", "198.51.100.8", "shop.example");
        let new = |of_domain, helo| {
            moved_from(old()).but(|f| {
                let is = two("192.0.2.10", "192.0.2.11", of_domain, helo);
                (f.host, f.paths) = (is.host, is.paths);
            })
        };
        check_table(
            &RULE,
            vec![
                ("the same", moved_from(healthy()), dns(&[]), &[]),
                ("each address became another", new("192.0.2.11", "shop.example"), dns(&[]), &[]),
                (
                    "the domain's mail leaves from the main address",
                    new("192.0.2.10", "shop.example"),
                    dns(&[]),
                    &["error postfix/ipv4/198.51.100.8"],
                ),
                (
                    "under another name",
                    new("192.0.2.11", "mail.example.com"),
                    dns(&[]),
                    &["error postfix/ipv4/198.51.100.8"],
                ),
                (
                    "no path at all",
                    new("192.0.2.11", "shop.example").but(|f| f.paths.clear()),
                    dns(&[]),
                    &["warning postfix/ipv4/198.51.100.7", "warning postfix/ipv4/198.51.100.8"],
                ),
            ],
        );
    }

    #[test]
    fn a_relay_of_a_domain_whose_path_is_not_decided() {
        let relay = |host: &str| {
            healthy().but(|f| {
                let file = "/etc/exim4/domains/*/smtp_relay.conf".to_owned();
                let entries = vec![MapEntry::sample("shop.example", host)];
                f.panel_maps = Some(vec![PanelMap { file, of: MapOf::Relay, entries }]);
            })
        };
        let moved = |to: &str| moved_from(relay("a.example:587")).but(|f| f.panel_maps = relay(to).panel_maps);
        let subject = "warning /etc/exim4/domains/shop.example/smtp_relay.conf";
        check_table(
            &RULE,
            vec![
                ("the same", moved("a.example:587"), dns(&[]), &[]),
                ("another", moved("b.example:587"), dns(&[]), &[subject]),
            ],
        );
        let found = findings(&RULE, &moved("b.example:587"), &dns(&[]));
        assert!(found[0].message.starts_with("mail of shop.example left by way of `a.example:587`"), "{found:?}");
    }
}
