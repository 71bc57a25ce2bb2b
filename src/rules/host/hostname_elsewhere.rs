use crate::facts::Facts;
use crate::findings::{Finding, Fix};
use crate::name::DomainName;
use crate::observe::Observations;
use crate::observe::iprev::confirms;
use crate::rules::advice::{addresses_to_publish, publish, rename_host, wanted_helo};
use crate::rules::names::{
    Leads, address_evidence, judged_host_name, leads, left_open, list, name_severity, some_sending_unknown,
    suggested_host_name,
};
use crate::rules::{Context, rule};

rule! {
    /// The host name leads to another host.
    ///
    /// ## Condition
    /// The host name has address records, and none of them is an address of this host or a sending address. Silent
    /// while a sending address is unknown, and where HST001 or HST002 says more. Subject: the name. Severity as for
    /// HST001.
    ///
    /// ## Why it matters
    /// Mail that names this host in HELO, Received or a bounce's sender points receivers elsewhere: usually the old server after a
    /// migration. Exim's `verify = helo` and rspamd (HFILTER_HELO_IP_A) compare the HELO name's addresses with the client's.
    ///
    /// ## Fix
    /// Change the address record to this host's address; or name the host after one that leads here.
    ///
    /// ## When to ignore
    /// Where the name is meant to lead to a web front in front of this host and mail leaves under another name.
    pub static RULE = {
        code: "HST005",
        name: "hostname-elsewhere",
        severity: Error,
        refs: ["RFC 5321 section 4.1.4", "RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let Some(host) = judged_host_name(facts) else { return Vec::new() };
    if some_sending_unknown(facts) {
        return Vec::new();
    }
    let name = &host.value;
    let finding = match leads(facts, dns, name) {
        Leads::Here | Leads::Nowhere => return Vec::new(),
        Leads::Elsewhere(addresses) => {
            let message = format!(
                "the host name `{name}` leads to {}, none of which is an address of this host{}",
                list(&addresses),
                suggested_host_name(facts, dns, name)
            );
            RULE.violated(name, message).fix(fix(facts, dns, name))
        }
        Leads::Open(open) => {
            let message =
                format!("could not determine whether the host name `{name}` leads to this host: {}", open.join(", "));
            left_open(&RULE, name.as_str(), message, &open)
        }
    };
    let finding = finding.severity(name_severity(facts, dns, name)).place(&host.origin, "host name");
    vec![finding.evidence(address_evidence(dns, name))]
}

/// Another name where mail goes by one that holds: then this one is the old server's or a web site's, and its record is right.
pub(super) fn fix(facts: &Facts, dns: &Observations, name: &DomainName) -> Fix {
    let sound = facts.paths.iter().find_map(|path| {
        let wanted = wanted_helo(facts, dns, path).filter(|wanted| wanted != name)?;
        (confirms(dns, &wanted, path.sending.as_ref()?.value) == Some(true)).then_some(wanted)
    });
    match sound {
        Some(wanted) => rename_host(facts, &wanted),
        None => publish(name, &addresses_to_publish(facts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn a_name_that_is_nearly_right_is_told_with_what_was_meant() {
        let said = |host: &str| {
            let record = format!("{host} A");
            let dns = dns(&[(&record, &["198.51.100.7"]), (&format!("{host} AAAA"), &["NODATA"])]);
            findings(&RULE, &host_named(host), &dns)[0].message.clone()
        };
        assert!(said("mail.exmaple.com").ends_with("; did you mean `mail.example.com`, one letter away?"));
        assert!(said("www.example.com").ends_with("; did you mean `mail.example.com`, without `www.`?"));
        assert!(said("shop.example.com").ends_with("is an address of this host"), "{}", said("shop.example.com"));
    }

    #[test]
    fn cases() {
        const OLD: (&str, &[&str]) = ("mail.example.com A", &["198.51.100.7"]);
        const WEB: &[(&str, &[&str])] =
            &[("web.example.com A", &["198.51.100.7"]), ("web.example.com AAAA", &["NODATA"])];
        let no_interfaces = |f: &mut Facts| f.host.addresses = None;
        let private = Some("203.0.113.5");
        check_table(
            &RULE,
            vec![
                ("it leads here", healthy(), dns(&[]), &[]),
                (
                    "one address of several is enough",
                    healthy(),
                    dns(&[("mail.example.com A", &[ADDR, "198.51.100.7"])]),
                    &[],
                ),
                ("the old server's address", healthy(), dns(&[OLD]), &["error mail.example.com"]),
                (
                    "mail leaves under another name",
                    host_named("web.example.com"),
                    dns(WEB),
                    &["warning web.example.com"],
                ),
                ("no record at all is HST004", healthy(), dns(&[("mail.example.com A", &["NODATA"])]), &[]),
                (
                    "the NAT image is ours",
                    behind_nat("10.0.0.5", private),
                    dns(&[("mail.example.com A", &["203.0.113.5"])]),
                    &[],
                ),
                (
                    "so is the private address",
                    behind_nat("10.0.0.5", private),
                    dns(&[("mail.example.com A", &["10.0.0.5"])]),
                    &[],
                ),
                ("a sending address is unknown", behind_nat("10.0.0.5", None), dns(&[OLD]), &[]),
                (
                    "the other family may lead here",
                    healthy(),
                    dns(&[OLD, ("mail.example.com AAAA", &["timeout"])]),
                    &["error? mail.example.com"],
                ),
                ("interfaces unknown", healthy().but(no_interfaces), dns(&[OLD]), &["error? mail.example.com"]),
                ("interfaces unknown, but it is what we send from", healthy().but(no_interfaces), dns(&[]), &[]),
                ("HST001's name", named("mail.lan"), dns(&[("mail.lan A", &["198.51.100.7"])]), &[]),
            ],
        );
    }
}
