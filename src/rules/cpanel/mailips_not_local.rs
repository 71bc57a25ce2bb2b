use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::HashMap;
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{Cpanel, MapEntry};
use crate::findings::{Finding, Fix, Who};
use crate::rules::names::INTERFACES;
use crate::rules::panel::{addresses, has_flag, key, lines_that};
use crate::rules::{Context, rule};

rule! {
    /// /etc/mailips gives a domain an address that this server does not have.
    ///
    /// ## Condition
    /// An address in `/etc/mailips` is on no interface of this host. Not where CPL009 applies. Subject: the domain,
    /// or `*`.
    ///
    /// ## Why it matters
    /// Exim binds to the address that this file gives the sender's domain. It cannot bind to one that is on no interface, and defers
    /// the domain's mail ("Cannot assign requested address"). After a transfer it is mostly the old server's address.
    ///
    /// ## Fix
    /// Give the domain an address of this server; where cPanel writes the file itself, give it to the account and run
    /// `/usr/local/cpanel/scripts/updateuserdomains`.
    ///
    /// ## When to ignore
    /// Where the address floats between servers and this is the passive one.
    pub static RULE = {
        code: "CPL001",
        name: "mailips-not-local",
        severity: Error,
        refs: ["docs.cpanel.net: How to Configure the Exim Outgoing IP Address", "bind(2)"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    let (local, mut findings) = (cx.own_addresses(), Vec::new());
    let accounts = LazyCell::new(|| addresses_of_accounts(cpanel));
    let fits = |entry: &MapEntry| addresses(entry).any(|addr| local.on_interface(addr) != Some(true));
    for (domain, entry) in lines_that(&cpanel.mailips, fits) {
        for addr in addresses(entry) {
            let finding = match local.on_interface(addr) {
                Some(true) => continue,
                Some(false) if local.private_side(addr).is_some() => continue,
                Some(false) => {
                    let who = if domain == "*" { "every other domain".to_owned() } else { format!("`{domain}`") };
                    let works = |other: &IpAddr| {
                        Family::from(*other) != Family::from(addr) && local.on_interface(*other) == Some(true)
                    };
                    let whither = match addresses(entry).into_iter().find(works).map(Family::from) {
                        Some(Family::Ipv4) => " to hosts that have IPv6 addresses alone",
                        Some(Family::Ipv6) => " to hosts that have IPv4 addresses alone",
                        None => "",
                    };
                    let message =
                        format!("mailips gives {who} {addr}, which is on no interface: its mail{whither} is deferred");
                    let fix = match has_flag(cpanel, "custom_mailips") {
                        true => edited(&domain, wanted(cx, accounts.get(&domain).copied(), addr)),
                        false => written_again(),
                    };
                    RULE.violated(&domain, message).fix(fix)
                }
                None => {
                    let message = format!(
                        "could not determine whether {addr}, which mailips gives `{domain}`, is on an interface"
                    );
                    RULE.undetermined(&domain, message).open(INTERFACES)
                }
            };
            findings.push(finding.place(&entry.value.origin(), "on no interface"));
        }
    }
    findings
}

/// cPanel keeps the file.
fn written_again() -> Fix {
    let text = "Give the account an address of this server, then have cPanel write the file again.";
    Fix::new(Who::Host, text).command("/usr/local/cpanel/scripts/updateuserdomains")
}

/// The administrator keeps it: an address of this server in place of `addr`, and whose it is.
fn edited(domain: &str, own: Option<(IpAddr, &str)>) -> Fix {
    let Some((own, whose)) = own else {
        return Fix::new(
            Who::Host,
            format!("In /etc/mailips, give `{domain}` an address of this server, or remove the line."),
        );
    };
    let text =
        format!("In /etc/mailips, give `{domain}` {own}, {whose}; or remove the line, so that the kernel chooses.");
    Fix::new(Who::Host, text)
}

/// The address of this server that a line of mailips should give: the account's, else the main shared one, else the kernel's choice.
fn wanted(cx: &Context<'_>, account: Option<IpAddr>, addr: IpAddr) -> Option<(IpAddr, &'static str)> {
    let family = Family::from(addr);
    let (facts, local) = (cx.facts, cx.own_addresses());
    let shared = facts.cpanel.as_ref().and_then(|cpanel| cpanel.shared_ip.as_ref()).map(|fact| fact.value);
    let candidates = [
        (account, "the account's address"),
        (shared, "the main shared address"),
        (facts.host.source.for_family(family), "the address that the kernel chooses"),
    ];
    let here = |own: IpAddr| local.on_interface(own) == Some(true) && Family::from(own) == family;
    candidates.into_iter().find_map(|(own, whose)| Some((own.filter(|own| here(*own))?, whose)))
}

/// The address of the account that has each domain.
fn addresses_of_accounts(cpanel: &Cpanel) -> HashMap<Cow<'_, str>, IpAddr> {
    let mut of_account: HashMap<&str, &str> = HashMap::new();
    for entry in &cpanel.userips {
        of_account.entry(&entry.key).or_insert(&entry.value);
    }
    let mut of_domain = HashMap::new();
    for entry in cpanel.userdomains.iter().filter(|entry| &*entry.key != "*") {
        let address = of_account.get(&*entry.value).and_then(|text| text.trim().parse().ok());
        of_domain.entry(key(entry)).or_insert(address);
    }
    of_domain.into_iter().filter_map(|(domain, address)| Some((domain, address?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |key: &str, value: &str| {
            healthy().but(|f| f.cpanel = Some(cpanel().but(|c| c.mailips = vec![entry(key, value)]).into()))
        };
        let nat = behind_nat("10.0.0.5", Some("203.0.113.5"))
            .but(|f| f.cpanel = Some(cpanel().but(|c| c.mailips = vec![entry("*", "203.0.113.5")]).into()));
        let twice = healthy().but(|f| {
            let mailips = vec![entry("example.com", ADDR), entry("Example.com", "198.51.100.7")];
            f.cpanel = Some(cpanel().but(|c| c.mailips = mailips).into());
        });
        check_table(
            &RULE,
            vec![
                ("this server's", with("*", ADDR), dns(&[]), &[]),
                ("another's, for all", with("*", "198.51.100.7"), dns(&[]), &["error *"]),
                ("another's, for a domain", with("Example.COM", "198.51.100.7"), dns(&[]), &["error example.com"]),
                ("one of two", with("*", "192.0.2.10; 2001:db8::bad"), dns(&[]), &["error *"]),
                ("a public address under NAT is CPL009", nat, dns(&[]), &[]),
                ("the first line of a key counts", twice, dns(&[]), &[]),
                ("interfaces unknown", with("*", ADDR).but(|f| f.host.addresses = None), dns(&[]), &["error? *"]),
                ("no cPanel", healthy(), dns(&[]), &[]),
            ],
        );
    }
}
