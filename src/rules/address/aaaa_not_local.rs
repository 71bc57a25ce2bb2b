use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::{Facts, Origin};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordType};
use crate::rules::advice::{address_record, delete_record};
use crate::rules::names::{INTERFACES, Leads, judged_host_name, leads, list, some_sending_unknown};
use crate::rules::support::{evidence, followed_ptr_names};
use crate::rules::{Context, rule};

rule! {
    /// A name of this host has IPv6 addresses that are not this host's.
    ///
    /// ## Condition
    /// The HELO name or a PTR name (unless generic) of a path, or the host name (unless HST005 applies), has AAAA
    /// records that are no addresses of this host. A warning where only some of them are not. Subject: the name.
    ///
    /// ## Why it matters
    /// Whoever reaches the name over IPv6 reaches another host or none: bounces and replies are delayed or lost, and a receiver that
    /// compares the HELO name with an IPv6 client finds no match. It is what remains where a server moved and only its A record was changed.
    ///
    /// ## Fix
    /// Remove the AAAA record, or give it an address of this host.
    ///
    /// ## When to ignore
    /// Where another host answers for this name on IPv6 on purpose.
    pub static RULE = {
        code: "NET004",
        name: "aaaa-not-local",
        severity: Error,
        refs: ["RFC 3596 section 2.1", "RFC 5321 section 5.2"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let own = cx.own_addresses();
    let mut findings = Vec::new();
    for (name, named) in names(cx) {
        let question = Question::new(&name, RecordType::Aaaa);
        let finding = match dns.addresses(&name, Family::Ipv6) {
            Lookup::NoData | Lookup::NxDomain => continue,
            Lookup::Unanswered(why) => {
                let message =
                    format!("could not determine whether the AAAA records of `{name}` are this host's: {why}");
                RULE.undetermined(&name, message).open(&question)
            }
            Lookup::Found(addresses) => {
                let not_own = |addr: &&IpAddr| own.has(**addr) != Some(true);
                let foreign: Vec<IpAddr> = addresses.iter().filter(not_own).copied().collect();
                if foreign.is_empty() {
                    continue;
                }
                if facts.host.addresses.is_none() {
                    let message = format!(
                        "could not determine whether {}, the AAAA of `{name}`, is of this host",
                        list(&foreign)
                    );
                    RULE.undetermined(&name, message).open(INTERFACES)
                } else {
                    let severity = if foreign.len() < addresses.len() { Severity::Warning } else { RULE.severity };
                    let message =
                        format!("`{name}` has AAAA records that are not addresses of this host: {}", list(&foreign));
                    RULE.violated(&name, message).severity(severity).fix(fix(facts, &name, &foreign))
                }
            }
        };
        let finding = named.paths.iter().fold(finding, |finding, path| finding.path(path));
        let finding = named.origins.iter().fold(finding, |finding, (origin, label)| finding.place(origin, *label));
        findings.push(finding.evidence(evidence(dns, &question)));
    }
    findings
}

/// Where a name is used.
#[derive(Default)]
struct Named {
    paths: Vec<String>,
    origins: Vec<(Origin, &'static str)>,
}

/// The names judged: HELO and PTR names unless generic, and the host name unless HST005 judges it.
fn names(cx: &Context<'_>) -> BTreeMap<DomainName, Named> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut names: BTreeMap<DomainName, Named> = BTreeMap::new();
    for one in cx.introductions() {
        let generic = one.sending().is_some_and(|addr| why_generic(&one.name, addr).is_some());
        if one.is_judged() && !generic {
            let named = names.entry(one.name.clone()).or_default();
            named.paths.push(one.path.id.clone());
            named.origins.push((one.helo.origin.clone(), "HELO name"));
        }
    }
    for sending in cx.sending_addresses() {
        let addr = sending.address.value;
        let usable =
            |name: &&DomainName| name.is_host_name() && name.is_qualified() && why_generic(name, addr).is_none();
        // Names beyond those followed were not asked for, which is no doubt about them.
        for name in followed_ptr_names(dns, addr).iter().filter(usable) {
            let named = names.entry(name.clone()).or_default();
            named.paths.extend(sending.paths.iter().map(|path| path.id.clone()));
        }
    }
    if let Some(host) = judged_host_name(facts) {
        let elsewhere = !some_sending_unknown(facts) && matches!(leads(facts, dns, &host.value), Leads::Elsewhere(_));
        if !elsewhere {
            names.entry(host.value).or_default().origins.push((host.origin, "host name"));
        }
    }
    names
}

fn fix(facts: &Facts, name: &DomainName, foreign: &[IpAddr]) -> Fix {
    let own = facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value).find(IpAddr::is_ipv6);
    let text = match own {
        Some(own) => format!("Remove the AAAA records of `{name}` with {}; this host sends from {own}.", list(foreign)),
        None => {
            format!("Remove the AAAA records of `{name}` with {}; no mail leaves this host over IPv6.", list(foreign))
        }
    };
    let fix = Fix::new(Who::DnsZone, text);
    let fix = foreign.iter().map(|addr| delete_record(name, *addr)).fold(fix, Fix::command);
    match own {
        Some(own) => fix.command(address_record(name, own)),
        None => fix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::plan::PTR_NAMES_FOLLOWED;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        const OLD: (&str, &[&str]) = ("mail.example.com AAAA", &["2001:db8:bad::1"]);
        let v6 = || healthy().but(|f| f.host.addresses.as_mut().unwrap().push(on("eth0", "2001:db8::10", &[])));
        let generic = "192-0-2-10.pool.example.net";
        let web = || host_named("web.example.com");
        check_table(
            &RULE,
            vec![
                ("no AAAA at all", healthy(), dns(&[]), &[]),
                ("this host's", v6(), dns(&[("mail.example.com AAAA", &["2001:db8::10"])]), &[]),
                ("the old server's", healthy(), dns(&[OLD]), &["error mail.example.com"]),
                (
                    "one of two",
                    v6(),
                    dns(&[("mail.example.com AAAA", &["2001:db8::10", "2001:db8:bad::1"])]),
                    &["warning mail.example.com"],
                ),
                (
                    "a PTR name's",
                    healthy(),
                    dns(&[
                        ("192.0.2.10 PTR", &["mail.example.com", "mx.example.com"]),
                        ("mx.example.com AAAA", &["2001:db8:bad::1"]),
                    ]),
                    &["error mx.example.com"],
                ),
                (
                    "a provider's generic name",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &[generic]), ("192-0-2-10.pool.example.net AAAA", &["2001:db8:bad::1"])]),
                    &[],
                ),
                (
                    "the host name's",
                    web(),
                    dns(&[("web.example.com A", &[ADDR]), ("web.example.com AAAA", &["2001:db8:bad::1"])]),
                    &["error web.example.com"],
                ),
                (
                    "the host name is elsewhere altogether: HST005",
                    web(),
                    dns(&[("web.example.com A", &["NODATA"]), ("web.example.com AAAA", &["2001:db8:bad::1"])]),
                    &[],
                ),
                (
                    "no answer",
                    healthy(),
                    dns(&[("mail.example.com AAAA", &["SERVFAIL"])]),
                    &["error? mail.example.com"],
                ),
                (
                    "interfaces unknown",
                    healthy().but(|f| f.host.addresses = None),
                    dns(&[OLD]),
                    &["error? mail.example.com"],
                ),
                ("a name that is not qualified is not asked for", named("mail"), dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn of_many_ptr_names_those_are_judged_that_were_asked_for() {
        let names: Vec<String> = (1..=40).map(|at| format!("{}.example.net", "x".repeat(at))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).chain([NAME]).collect();
        let found = verdicts(&RULE, &healthy(), &dns(&[("192.0.2.10 PTR", &names)]));
        assert_eq!(found.len(), PTR_NAMES_FOLLOWED - 1, "{found:?}");
    }
}
