use std::collections::{BTreeMap, BTreeSet};

use crate::facts::Fact;
use crate::findings::Finding;
use crate::name::DomainName;
use crate::rules::advice::name_host;
use crate::rules::{Context, rule};

rule! {
    /// The places that hold the host name do not agree.
    ///
    /// ## Condition
    /// The node name and `/etc/hostname` differ (one without a dot is compared with the first label of the other); or
    /// those of them that have a dot, `hostname -f` and, on cPanel, `HOST` of wwwacct.conf are not one name. Subject:
    /// the sources that differ, sorted.
    ///
    /// ## Why it matters
    /// Each program reads another of them: Postfix and Exim take the kernel's node name, scripts and panels `hostname -f`, the next boot
    /// /etc/hostname, and cPanel `HOST` of wwwacct.conf. After a rename in one place alone, the HELO name changes at the next
    /// restart, when nobody expects it.
    ///
    /// ## Fix
    /// Set the name in all of them: `hostnamectl set-hostname` writes /etc/hostname and the kernel's; the hosts file and the DNS decide
    /// what `hostname -f` prints; on cPanel WHM » Change Hostname sets all at once.
    ///
    /// ## When to ignore
    /// Where a host is meant to have a short node name and another qualified one by its address.
    pub static RULE = {
        code: "HST003",
        name: "hostname-sources-disagree",
        severity: Warning,
        refs: ["hostname(1)", "hostname(5)", "uname(2)"],
        needs: [Facts],
        check: check,
    };
}

const FILE: &str = "/etc/hostname";
const FQDN: &str = "hostname -f";
const NODE: &str = "node name";
const WHM: &str = "wwwacct.conf HOST";

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let folded = |fact: &Fact<String>| fact.with(DomainName::new(&fact.value));
    let node = facts.host.node_name.as_ref().map(folded);
    let file = facts.host.etc_hostname.as_ref().map(folded);
    let mut differ: BTreeMap<&str, Fact<DomainName>> = BTreeMap::new();
    if let (Some(node), Some(file)) = (&node, &file)
        && !same_host(&node.value, &file.value)
    {
        differ.insert(NODE, node.clone());
        differ.insert(FILE, file.clone());
    }
    let whole: Vec<(&str, Fact<DomainName>)> = [
        (NODE, node.filter(|name| name.value.is_qualified())),
        (FILE, file.filter(|name| name.value.is_qualified())),
        (FQDN, facts.host.fqdn.name()),
        (WHM, facts.cpanel.as_ref().and_then(|cpanel| cpanel.host.as_ref()).map(folded)),
    ]
    .into_iter()
    .filter_map(|(source, name)| Some((source, name?)))
    .collect();
    let names: BTreeSet<&DomainName> = whole.iter().map(|(_, name)| &name.value).collect();
    if names.len() > 1 {
        differ.extend(whole);
    }
    if differ.is_empty() {
        return Vec::new();
    }
    let subject: Vec<&str> = differ.keys().copied().collect();
    let said: Vec<String> = differ.iter().map(|(source, name)| format!("{source} says `{}`", name.value)).collect();
    let finding = RULE.violated(subject.join(", "), format!("the host name differs: {}", said.join(", ")));
    let finding = differ.iter().fold(finding, |finding, (source, name)| finding.place(&name.origin, *source));
    vec![finding.fix(name_host(facts, dns))]
}

/// Whether two names can be one host's: equal, or the one without dot is the other's first label.
fn same_host(a: &DomainName, b: &DomainName) -> bool {
    if a.is_qualified() == b.is_qualified() { a == b } else { a.labels().next() == b.labels().next() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::facts::HostFqdn;
    use crate::rules::testing::*;

    fn three(node: &str, file: &str, fqdn: &str) -> Facts {
        healthy().but(|f| {
            f.host.node_name = Some(fact(node.into()));
            f.host.etc_hostname = Some(fact(file.into()));
            f.host.fqdn = HostFqdn::Name(fact(fqdn.into()));
        })
    }

    #[test]
    fn cases() {
        let whm =
            |f: &mut Facts| f.cpanel = Some(cpanel().but(|c| c.host = Some(fact("old.example.com".into()))).into());
        let fails = |f: &mut Facts| f.host.fqdn = HostFqdn::Fails(String::new());
        check_table(
            &RULE,
            vec![
                ("all one name", healthy(), dns(&[]), &[]),
                ("case is no difference", three("Mail.example.com", "mail.example.com", NAME), dns(&[]), &[]),
                ("short names are compared by the first label", three("mail", "mail.example.com", NAME), dns(&[]), &[]),
                ("short everywhere but in hostname -f", three("mail", "mail", NAME), dns(&[]), &[]),
                ("two short names", three("mail", "web", NAME), dns(&[]), &["warning /etc/hostname, node name"]),
                (
                    "short, and not the first label",
                    three("web", NAME, NAME),
                    dns(&[]),
                    &["warning /etc/hostname, node name"],
                ),
                (
                    "another domain in hostname -f",
                    three("mail", "mail.example.com", "mail.example.net"),
                    dns(&[]),
                    &["warning /etc/hostname, hostname -f"],
                ),
                (
                    "all of them",
                    three("a.example.com", "b.example.com", "c.example.com"),
                    dns(&[]),
                    &["warning /etc/hostname, hostname -f, node name"],
                ),
                (
                    "WHM's",
                    healthy().but(whm),
                    dns(&[]),
                    &["warning /etc/hostname, hostname -f, node name, wwwacct.conf HOST"],
                ),
                ("hostname -f that fails says nothing", healthy().but(fails), dns(&[]), &[]),
            ],
        );
    }
}
