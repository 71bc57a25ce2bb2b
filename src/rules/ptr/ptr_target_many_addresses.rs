use std::net::IpAddr;

use super::each;
use crate::addr::Family;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::name::DomainName;
use crate::observe::{Lookup, Question, RecordType, Why};
use crate::rules::advice::address_record;
use crate::rules::support::{address_evidence, list};
use crate::rules::{Context, rule};

rule! {
    /// A PTR name has several address records of one family.
    ///
    /// ## Condition
    /// A PTR name has several address records of the sending address's family. Subject: the PTR name.
    ///
    /// ## Why it matters
    /// The name then stands for several machines: a receiver that compares the first address alone, or whose answer was cut,
    /// does not find the client in it, and a name shared by a web site moves when that does.
    ///
    /// ## Fix
    /// Give the sending address a name of its own, or leave this address alone at the name.
    ///
    /// ## When to ignore
    /// Where the addresses are all of this one host.
    pub static RULE = {
        code: "PTR006",
        name: "ptr-target-many-addresses",
        severity: Warning,
        refs: ["RFC 8601 section 2.7.3", "RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let dns = cx.dns;
    each::name(&RULE, cx, |sending, name| {
        let addr = sending.address.value;
        let family = Family::from(addr);
        let finding = match dns.addresses(name, family) {
            Lookup::Found(mut found) => {
                found.sort_unstable();
                found.dedup();
                if found.len() < 2 {
                    return None;
                }
                let records = format!("{} {} records ({})", found.len(), family.record(), list(&found));
                let others: Vec<std::net::IpAddr> = found.iter().copied().filter(|other| *other != addr).collect();
                let fix = fix(cx, name, addr, &others);
                RULE.violated(name, format!("the PTR name `{name}` of {addr} has {records}")).fix(fix)
            }
            // Not asked: no message can carry the name, and PTR009 says what it is.
            Lookup::NoData | Lookup::NxDomain | Lookup::Unanswered(Why::NotAsked) => return None,
            Lookup::Unanswered(why) => {
                let message = format!("could not determine how many addresses the PTR name `{name}` has: {why}");
                RULE.undetermined(name, message).open(Question::new(name, RecordType::address(family)))
            }
        };
        Some(finding.evidence(address_evidence(dns, name, family)))
    })
}

/// The record alone, unless mail leaves from the other addresses too: those rest on it.
fn fix(cx: &Context<'_>, name: &DomainName, addr: IpAddr, others: &[IpAddr]) -> Fix {
    let record = Family::from(addr).record();
    let sends = |other: &IpAddr| cx.sending_addresses().iter().any(|sending| sending.address.value == *other);
    let (own, strange): (Vec<IpAddr>, Vec<IpAddr>) = others.iter().copied().partition(sends);
    if own.is_empty() {
        let text = format!(
            "Remove the other {record} records of `{name}` ({}), so that {addr} is its only address; where they are needed, give \
             {addr} a name of its own and have its PTR record changed to that.",
            list(&strange)
        );
        return Fix::new(Who::DnsZone, text).command(address_record(name, addr));
    }
    let all: Vec<IpAddr> = std::iter::once(addr).chain(own).collect();
    let rest = match strange.is_empty() {
        true => String::new(),
        false => format!(" Its other {record} records ({}) can go, where they are not needed.", list(&strange)),
    };
    Fix::new(
        Who::DnsZone,
        format!(
            "Give {} names of their own, one each: first the {record} record of each name, then the PTR record and the HELO name. Mail \
             leaves from all of them, so that none of their records of `{name}` can go before.{rest}",
            list(&all)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, fact, healthy, path};

    #[test]
    fn records_of_the_family_count() {
        let relayed = || healthy().but(|f| f.paths[0].relayed = Some(fact("[smtp.example.net]:587".to_owned()).into()));
        check_table(
            &RULE,
            vec![
                ("one", healthy(), dns(&[]), &[]),
                (
                    "two",
                    healthy(),
                    dns(&[("mail.example.com A", &["192.0.2.10", "192.0.2.11"])]),
                    &["warning mail.example.com"],
                ),
                ("one of each family", healthy(), dns(&[("mail.example.com AAAA", &["2001:db8::1"])]), &[]),
                (
                    "two of the other family",
                    healthy(),
                    dns(&[("mail.example.com AAAA", &["2001:db8::1", "2001:db8::2"])]),
                    &[],
                ),
                ("none", healthy(), dns(&[("mail.example.com A", &["NXDOMAIN"])]), &[]),
                ("no answer", healthy(), dns(&[("mail.example.com A", &["timeout"])]), &["warning? mail.example.com"]),
                (
                    "the relay is judged",
                    relayed(),
                    dns(&[("mail.example.com A", &["192.0.2.10", "192.0.2.11"])]),
                    &["info mail.example.com"],
                ),
            ],
        );
    }

    #[test]
    fn what_another_address_rests_on_stays() {
        let records: [(&str, &[&str]); 1] = [("mail.example.com A", &["192.0.2.10", "192.0.2.11", "192.0.2.99"])];
        let text = |facts: &crate::facts::Facts| {
            let fix = check(&Context::new(facts, &dns(&records))).remove(0).fix.unwrap();
            (fix.text, fix.commands.len())
        };
        let (alone, commands) = text(&healthy());
        assert!(
            alone.starts_with("Remove the other A records of `mail.example.com` (192.0.2.11, 192.0.2.99)"),
            "{alone}"
        );
        assert_eq!(commands, 1);
        let two = healthy().but(|f| f.paths.push(path("192.0.2.11", "mail.example.com")));
        let (both, commands) = text(&two);
        assert!(both.starts_with("Give 192.0.2.10, 192.0.2.11 names of their own"), "{both}");
        assert!(both.ends_with("Its other A records (192.0.2.99) can go, where they are not needed."), "{both}");
        assert_eq!(commands, 0);
    }
}
