use std::collections::{HashMap, HashSet};

use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::rules::advice::at;
use crate::rules::names::{INTERFACES, own_name_setting, some_sending_unknown};
use crate::rules::{Context, rule};

rule! {
    /// The hosts file maps a name of this host to an address that is not this host's.
    ///
    /// ## Condition
    /// The hosts file maps `hostname -f`, a HELO name or an MTA's own name to an address that is neither loopback nor
    /// of this host. Silent while a sending address is unknown. Subject: the name.
    ///
    /// ## Why it matters
    /// The host itself then sees another world than receivers do: what it resolves, tests and logs looks right or wrong for reasons
    /// that nobody outside shares. After a migration it is mostly the old server's address, and mail to the own name goes there.
    ///
    /// ## Fix
    /// Correct or remove the line.
    ///
    /// ## When to ignore
    /// Where the name is shared with another host on purpose, such as a cluster's address.
    pub static RULE = {
        code: "HST008",
        name: "hosts-file-elsewhere",
        severity: Warning,
        refs: ["hosts(5)", "nsswitch.conf(5)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    if some_sending_unknown(facts) {
        return Vec::new();
    }
    let lines = || facts.host.hosts.iter().filter(|entry| !entry.address.value.is_loopback());
    let listed: HashSet<DomainName> =
        lines().flat_map(|entry| &entry.names).map(|named| DomainName::new(&named.value)).collect();
    let mut names: HashMap<DomainName, String> = HashMap::new();
    // A hosts file has few names, and there may be as many HELO names as domains.
    let mut note = |name: &DomainName, says: &dyn Fn() -> String| {
        if listed.contains(name) && !names.contains_key(name) {
            names.insert(name.clone(), says());
        }
    };
    if let Some(host) = facts.host.fqdn.name() {
        note(&host.value, &|| "the host name".to_owned());
    }
    for one in cx.introductions() {
        note(&one.name, &|| "a HELO name".to_owned());
    }
    for (mta, own) in cx.own_names() {
        note(&own.value, &|| format!("{mta}'s `{}`", own_name_setting(*mta)));
    }
    let own = cx.own_addresses();
    let mut findings = Vec::new();
    for entry in lines() {
        for named in &entry.names {
            let Some((name, says)) = names.get_key_value(&DomainName::new(&named.value)) else { continue };
            let addr = entry.address.value;
            let finding = match own.has(addr) {
                Some(true) => continue,
                Some(false) => {
                    let message = format!(
                        "the hosts file maps {says}, `{name}`, to {addr}, which is not an address of this host"
                    );
                    let place = at(&entry.address.origin);
                    let text =
                        format!("Correct the address of `{name}` in the hosts file{place}, or take it off that line.");
                    RULE.violated(name, message).fix(Fix::new(Who::Host, text))
                }
                None => {
                    let message = format!(
                        "could not determine whether {addr}, to which the hosts file maps {says}, `{name}`, is of this host"
                    );
                    RULE.undetermined(name, message).open(INTERFACES)
                }
            };
            findings.push(finding.place(&entry.address.origin, "not this host").place(&named.origin, says));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::facts::{Helo, Setting};
    use crate::name::HeloName;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let line = |address: &str, name: &str| healthy().but(|f| f.host.hosts = vec![hosts_line(address, &[name])]);
        let old = "198.51.100.7";
        let helo = |f: &mut Facts| f.paths[0].helo = Helo::Known(fact(HeloName::new("out.example.com")));
        let own = |f: &mut Facts| {
            f.postfix[0].parameters.insert("myhostname".into(), Setting::known("mx.example.com", HERE));
        };
        let no_interfaces = |f: &mut Facts| f.host.addresses = None;
        let nat = behind_nat("10.0.0.5", Some("203.0.113.5"))
            .but(|f| f.host.hosts = vec![hosts_line("203.0.113.5", &[NAME])]);
        let unknown = behind_nat("10.0.0.5", None).but(|f| f.host.hosts = vec![hosts_line(old, &[NAME])]);
        check_table(
            &RULE,
            vec![
                ("the host name", line(old, NAME), dns(&[]), &["warning mail.example.com"]),
                ("a HELO name", line(old, "out.example.com").but(helo), dns(&[]), &["warning out.example.com"]),
                ("an MTA's own name", line(old, "MX.example.com").but(own), dns(&[]), &["warning mx.example.com"]),
                ("this host's address", line(ADDR, NAME), dns(&[]), &[]),
                ("loopback is HST007", line("127.0.1.1", NAME), dns(&[]), &[]),
                ("another host's name", line(old, "db.example.com"), dns(&[]), &[]),
                ("the NAT image", nat, dns(&[]), &[]),
                ("a sending address is unknown", unknown, dns(&[]), &[]),
                ("interfaces unknown", line(old, NAME).but(no_interfaces), dns(&[]), &["warning? mail.example.com"]),
            ],
        );
    }
}
