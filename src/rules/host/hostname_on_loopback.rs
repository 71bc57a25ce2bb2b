use crate::facts::{Facts, HostsEntry};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::name::DomainName;
use crate::observe::Observations;
use crate::rules::advice::{at, name_host};
use crate::rules::{Context, rule};

rule! {
    /// The hosts file maps the host name to a loopback address.
    ///
    /// ## Condition
    /// The hosts file maps `hostname -f` to a loopback address. Subject: the name. A warning on cPanel.
    ///
    /// ## Why it matters
    /// Programs on this host that look the name up see 127.0.0.1 or 127.0.1.1 and not what the world sees: a service that listens on
    /// "its own name" is then reachable from this host alone. Debian's installer does so on purpose where a host has no fixed
    /// address; cPanel wants the server's main address there (`/scripts/fixetchosts`).
    ///
    /// ## Fix
    /// Give the name the address that the DNS gives it.
    ///
    /// ## When to ignore
    /// On Debian and Ubuntu the line `127.0.1.1 name` is the installer's and harms no MTA.
    pub static RULE = {
        code: "HST007",
        name: "hostname-on-loopback",
        severity: Info,
        refs: ["hosts(5)", "Debian Reference section 5.1.1"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let Some(host) = facts.host.fqdn.name() else { return Vec::new() };
    let name = &host.value;
    let severity = if facts.cpanel.is_some() { Severity::Warning } else { RULE.severity };
    let lines = facts.host.hosts_entries(name).filter(|(entry, _)| entry.address.value.is_loopback());
    let findings = lines.map(|(entry, named)| {
        let addr = entry.address.value;
        let finding = RULE
            .violated(name, format!("the hosts file maps the host name `{name}` to the loopback address {addr}"))
            .severity(severity)
            .place(&entry.address.origin, "loopback address")
            .place(&named.origin, "host name");
        finding.fix(fix(facts, dns, name, entry))
    });
    findings.collect()
}

/// The hosts file as it should stand: the name on a line of its own with the address that this host has.
fn fix(facts: &Facts, dns: &Observations, name: &DomainName, entry: &HostsEntry) -> Fix {
    if name.is_private() {
        // The loopback's own name: that line is right, and the host wants another name.
        return name_host(facts, dns);
    }
    let own = facts.host.source.ipv4.or(facts.host.source.ipv6);
    let instead = own.map_or_else(|| "the host's own address".to_owned(), |own| own.to_string());
    let place = at(&entry.address.origin);
    Fix::new(Who::Host, format!("In the hosts file{place}, move `{name}` to a line of its own with {instead}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let line = |address: &str, names: &[&str]| healthy().but(|f| f.host.hosts = vec![hosts_line(address, names)]);
        let on_cpanel = line("127.0.0.1", &["localhost", NAME]).but(|f| f.cpanel = Some(cpanel().into()));
        check_table(
            &RULE,
            vec![
                (
                    "Debian's line",
                    line("127.0.1.1", &["Mail.Example.com", "mail"]),
                    dns(&[]),
                    &["info mail.example.com"],
                ),
                ("IPv6", line("::1", &[NAME]), dns(&[]), &["info mail.example.com"]),
                ("cPanel wants the main address", on_cpanel, dns(&[]), &["warning mail.example.com"]),
                ("the host's own address", line(ADDR, &[NAME]), dns(&[]), &[]),
                ("another name", line("127.0.0.1", &["localhost"]), dns(&[]), &[]),
            ],
        );
    }
}
