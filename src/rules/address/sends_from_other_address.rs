use std::net::IpAddr;

use crate::addr::Family;
use crate::facts::Facts;
use crate::findings::{Finding, Fix};
use crate::observe::{Lookup, Observations, Question, RecordType};
use crate::rules::advice::{better_source, send_from, set_helo, wanted_helo};
use crate::rules::names::{Introduced, left_open};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// Mail leaves from another address of this host than its HELO name leads to.
    ///
    /// ## Condition
    /// The address records of a path's HELO name, in the path's family, hold another address of this host that is
    /// neither source nor sending address, and do not hold the sending address. Subject: the source address.
    ///
    /// ## Why it matters
    /// The host has the right address, but mail leaves from a neighbour of it: the kernel takes the first address of the interface, not the one that
    /// name and PTR were made for. Receivers then see a HELO name that does not lead to the client, and the neighbour's PTR.
    ///
    /// ## Fix
    /// Bind the MTA to the address that the name leads to; or let the name lead to the address that mail leaves from.
    ///
    /// ## When to ignore
    /// Where the other address takes incoming mail on purpose and the sending address has a name that fits it.
    pub static RULE = {
        code: "NET006",
        name: "sends-from-other-address",
        severity: Warning,
        refs: ["RFC 5321 section 4.1.4", "postconf(5) smtp_bind_address"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let own = cx.own_addresses();
    let mut findings = Vec::new();
    for one in cx.judged_introductions() {
        let (Some(source), Some(sending)) = (&one.path.source, one.sending()) else { continue };
        let question = Question::new(&one.name, RecordType::address(one.path.family));
        let is_other = |addr: IpAddr| addr != source.value && addr != sending;
        let finding = match dns.addresses(&one.name, one.path.family) {
            Lookup::Found(found) if !found.contains(&sending) => {
                let here = |addr: &&IpAddr| is_other(**addr) && own.has(**addr) == Some(true);
                let Some(&other) = found.iter().find(here) else { continue };
                let message = format!(
                    "mail leaves from {sending}, while its HELO name `{}` leads to {other}, another address of this host",
                    one.name
                );
                RULE.violated(source.value, message).fix(fix(facts, dns, one, other))
            }
            Lookup::Unanswered(why) if has_others(facts, one.path.family, is_other) => {
                let message = format!(
                    "could not determine whether the HELO name `{}` leads to another address of this host: {why}",
                    one.name
                );
                left_open(&RULE, &source.value.to_string(), message, &[question.to_string()])
            }
            _ => continue,
        };
        findings.push(
            finding
                .place(&source.origin, "source address")
                .place(&one.helo.origin, "HELO name")
                .path(&one.path.id)
                .evidence(evidence(dns, &question)),
        );
    }
    findings
}

fn has_others(facts: &Facts, family: Family, is_other: impl Fn(IpAddr) -> bool) -> bool {
    facts.host.own_addresses().any(|own| Family::from(own.address) == family && is_other(own.address))
}

fn fix(facts: &Facts, dns: &Observations, one: &Introduced<'_>, other: IpAddr) -> Fix {
    if let Some(better) = better_source(facts, dns, one.path, &one.name) {
        return send_from(facts, one.path, better);
    }
    match wanted_helo(facts, dns, one.path).filter(|wanted| *wanted != one.name) {
        Some(wanted) => set_helo(facts, one.path, &one.helo, &wanted),
        None => send_from(facts, one.path, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let two = || healthy().but(|f| f.host.addresses.as_mut().unwrap().push(on("eth0", "192.0.2.11", &[])));
        const NEIGHBOUR: &[(&str, &[&str])] = &[("mail.example.com A", &["192.0.2.11"])];
        let nat = || behind_nat("10.0.0.5", Some("203.0.113.5"));
        check_table(
            &RULE,
            vec![
                ("the name leads to the sending address", two(), dns(&[]), &[]),
                ("to the neighbour", two(), dns(NEIGHBOUR), &["warning 192.0.2.10"]),
                ("to both", two(), dns(&[("mail.example.com A", &["192.0.2.11", ADDR])]), &[]),
                ("to another host: HLO003", two(), dns(&[("mail.example.com A", &["198.51.100.7"])]), &[]),
                ("NAT: to the source itself", nat(), dns(&[("mail.example.com A", &["10.0.0.5"])]), &[]),
                ("NAT: to the image", nat(), dns(&[("mail.example.com A", &["203.0.113.5"])]), &[]),
                ("the sending address is unknown", behind_nat("10.0.0.5", None), dns(NEIGHBOUR), &[]),
                ("no answer", two(), dns(&[("mail.example.com A", &["timeout"])]), &["warning? 192.0.2.10"]),
                (
                    "no answer, and no other address to lead to",
                    healthy(),
                    dns(&[("mail.example.com A", &["timeout"])]),
                    &[],
                ),
            ],
        );
        let fix = findings(&RULE, &two(), &dns(NEIGHBOUR))[0].fix.clone().unwrap();
        assert!(fix.text.ends_with(": `smtp_bind_address = 192.0.2.11`."), "{}", fix.text);
    }
}
