use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::Facts;
use crate::findings::{Finding, Fix, Severity, Who};
use crate::observe::iprev::Iprev;
use crate::observe::{Lookup, Observations, Question, RecordType};
use crate::rules::advice::{address_record, better_source, send_from, set_helo, wanted_helo};
use crate::rules::names::{Introduced, address_evidence, left_open, list};
use crate::rules::{Context, rule};

rule! {
    /// The HELO name does not lead to the sending address.
    ///
    /// ## Condition
    /// The HELO name has address records and none of them is the sending address of the path; having none of the
    /// path's family counts too. An error where the address is not confirmed either. Not where HLO001 or HLO006
    /// applies. Subject: the HELO name.
    ///
    /// ## Why it matters
    /// Exim's `verify = helo` accepts a name that leads to the client, or one that its PTR confirms; with `helo_verify_hosts` it answers
    /// `550 EHLO argument does not match calling host`. rspamd adds 1.0 (HFILTER_HELO_IP_A). Google's sender guidelines want the
    /// sending host's name and address to lead to each other. Where the address is not confirmed by PTR either, nothing about the
    /// client's name holds.
    ///
    /// ## Fix
    /// Add the sending address to the name's records; or introduce the MTA by a name that leads to it.
    ///
    /// ## When to ignore
    /// Where many hosts send under one name on purpose; RFC 5321 section 4.1.4 forbids refusing mail for this reason alone.
    pub static RULE = {
        code: "HLO003",
        name: "helo-elsewhere",
        severity: Warning,
        refs: ["RFC 5321 section 4.1.4", "RFC 5321 section 4.1.1.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for one in cx.judged_introductions() {
        let Some(sending) = one.sending() else { continue };
        let name = &one.name;
        let finding = match lead(dns, one, sending) {
            Lead::There | Lead::Nowhere => continue,
            Lead::Elsewhere(found) => {
                let message = format!(
                    "the HELO name `{name}` leads to {}, not to the sending address {sending}{}",
                    list(&found),
                    one.suggestion(facts, dns)
                );
                RULE.violated(name, message).fix(fix(facts, dns, one, sending))
            }
            Lead::Open(question) => {
                let message = format!(
                    "could not determine whether the HELO name `{name}` leads to {sending}: no answer to {question}"
                );
                left_open(&RULE, name.as_str(), message, &[question.to_string()])
            }
        };
        let unconfirmed = matches!(dns.iprev(sending), Iprev::Fail | Iprev::PermError);
        let severity = if unconfirmed { Severity::Error } else { RULE.severity };
        findings.push(one.mark(finding, severity).evidence(address_evidence(dns, name)));
    }
    findings
}

/// Where the HELO name of a path leads.
enum Lead {
    /// To the sending address, among others perhaps.
    There,
    /// It has no address at all: HLO002.
    Nowhere,
    /// To these.
    Elsewhere(Vec<IpAddr>),
    /// This question has no answer.
    Open(Question),
}

fn lead(dns: &Observations, one: &Introduced<'_>, sending: IpAddr) -> Lead {
    let family = one.path.family;
    let other = if family == Family::Ipv4 { Family::Ipv6 } else { Family::Ipv4 };
    let question = |family| Question::new(&one.name, RecordType::address(family));
    match dns.addresses(&one.name, family) {
        Lookup::Found(found) if found.contains(&sending) => Lead::There,
        Lookup::Found(found) => Lead::Elsewhere(found),
        Lookup::Unanswered(_) => Lead::Open(question(family)),
        Lookup::NoData | Lookup::NxDomain => match dns.addresses(&one.name, other) {
            Lookup::Found(found) => Lead::Elsewhere(found),
            Lookup::Unanswered(_) => Lead::Open(question(other)),
            Lookup::NoData | Lookup::NxDomain => Lead::Nowhere,
        },
    }
}

fn fix(facts: &Facts, dns: &Observations, one: &Introduced<'_>, sending: IpAddr) -> Fix {
    if let Some(other) = better_source(facts, dns, one.path, &one.name) {
        return send_from(facts, one.path, other);
    }
    let ptr = dns.ptr(sending);
    let bears = ptr.found().contains(&one.name);
    match wanted_helo(facts, dns, one.path).filter(|wanted| !bears && *wanted != one.name) {
        Some(wanted) => set_helo(facts, one.path, &one.helo, &wanted),
        None => {
            let text = format!("Let `{}` lead to the sending address {sending}.", one.name);
            Fix::new(Who::DnsZone, text).command(address_record(&one.name, sending))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Helo, SenderDomains};
    use crate::name::{DomainName, HeloName};
    use crate::rules::testing::*;

    const OLD: (&str, &[&str]) = ("mail.example.com A", &["198.51.100.7"]);

    #[test]
    fn cases() {
        let confirmed_otherwise = [OLD, ("192.0.2.10 PTR", &["mx.example.com"]), ("mx.example.com A", &[ADDR])];
        let ptr_open = [OLD, ("192.0.2.10 PTR", &["timeout"])];
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        let unused = |f: &mut Facts| f.paths[0].unused = true;
        let v6 = healthy().but(|f| f.paths = vec![path("2001:db8::10", NAME)]);
        check_table(
            &RULE,
            vec![
                ("it leads to the sending address", healthy(), dns(&[]), &[]),
                (
                    "elsewhere, the address confirmed by another name",
                    healthy(),
                    dns(&confirmed_otherwise),
                    &["warning mail.example.com"],
                ),
                ("elsewhere, and the address is not confirmed", healthy(), dns(&[OLD]), &["error mail.example.com"]),
                ("elsewhere, confirmation unseen", healthy(), dns(&ptr_open), &["warning mail.example.com"]),
                (
                    "only in the other family",
                    v6.clone(),
                    dns(&[("2001:db8::10 PTR", &["NXDOMAIN"])]),
                    &["error mail.example.com"],
                ),
                (
                    "the other family has no answer",
                    v6,
                    dns(&[("mail.example.com A", &["timeout"]), ("2001:db8::10 PTR", &["timeout"])]),
                    &["warning? mail.example.com"],
                ),
                ("no address at all is HLO002", healthy(), dns(&[("mail.example.com A", &["NODATA"])]), &[]),
                ("no answer", healthy(), dns(&[("mail.example.com A", &["SERVFAIL"])]), &["warning? mail.example.com"]),
                ("only the relay sees it", healthy().but(relayed), dns(&[OLD]), &["info mail.example.com"]),
                ("nothing uses it", healthy().but(unused), dns(&[OLD]), &["warning mail.example.com"]),
                ("behind NAT the image counts", behind_nat("10.0.0.5", Some(ADDR)), dns(&[]), &[]),
                ("the sending address is unknown", behind_nat("10.0.0.5", None), dns(&[OLD]), &[]),
                ("HLO001's name", named("mail"), dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn a_name_that_follows_the_ptr_is_judged_as_it_will_be() {
        let follows = |default: &str| {
            healthy().but(|f| {
                f.paths[0].helo =
                    Helo::FollowsPtr { default: Some(HeloName::new(default)), joined: None, origin: HERE };
            })
        };
        let unconfirmed =
            [("192.0.2.10 PTR", &["old.example.com"] as &[&str]), ("old.example.com A", &["198.51.100.7"])];
        assert_eq!(verdicts(&RULE, &follows(NAME), &dns(&unconfirmed)), ["error old.example.com"]);
        let gone = [("192.0.2.10 PTR", &["NXDOMAIN"] as &[&str]), OLD];
        assert_eq!(verdicts(&RULE, &follows(NAME), &dns(&gone)), ["error mail.example.com"], "the default is sent");
        let open = [("192.0.2.10 PTR", &["timeout"] as &[&str]), OLD];
        assert_eq!(verdicts(&RULE, &follows(NAME), &dns(&open)), [""; 0], "which name is sent is not known");
    }

    #[test]
    fn the_domains_that_take_the_path_are_named_by_it() {
        let facts = healthy().but(|f| {
            f.paths[0].sender_domains =
                SenderDomains::Only { domains: vec![DomainName::new("example.com")], others: false };
        });
        assert_eq!(findings(&RULE, &facts, &dns(&[OLD]))[0].paths, ["postfix/ipv4/192.0.2.10"]);
    }
}
