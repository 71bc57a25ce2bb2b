use std::net::IpAddr;

use crate::facts::Facts;
use crate::findings::{Finding, Fix, Severity, Who};
use crate::observe::iprev::{Iprev, confirms};
use crate::observe::{Lookup, Observations, Question};
use crate::rules::advice::{better_source, ptr_record, send_from, set_helo, wanted_helo};
use crate::rules::names::{Introduced, left_open};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// The HELO name is not the PTR name of the sending address.
    ///
    /// ## Condition
    /// There are PTR names and the HELO name is none of them. Info where HELO name and PTR name both confirm the
    /// address. Not where HLO001 or HLO006 applies. Subject: the HELO name.
    ///
    /// ## Why it matters
    /// No standard wants them equal, and Gmail, Microsoft and Yahoo publish no such rule. GMX and WEB.DE ask that the PTR name be used
    /// as HELO, and every receiver writes both into the Received line. Where HELO name and PTR name both lead to the address, that
    /// is all; otherwise one of them is wrong.
    ///
    /// ## Fix
    /// Introduce the MTA by the PTR name; or have the PTR record name what the MTA says.
    ///
    /// ## When to ignore
    /// Where several names lead to one address on purpose and both of these do.
    pub static RULE = {
        code: "HLO004",
        name: "helo-unlike-ptr",
        severity: Warning,
        refs: ["RFC 5321 section 4.1.1.1", "RFC 8601 section 2.7.3"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for one in cx.judged_introductions() {
        let Some(sending) = one.sending() else { continue };
        let (name, question) = (&one.name, Question::ptr(sending));
        let finding = match dns.ptr(sending) {
            Lookup::NoData | Lookup::NxDomain => continue,
            Lookup::Found(names) if names.contains(name) => continue,
            Lookup::Found(names) => {
                let texts: Vec<String> = names.iter().map(|ptr| format!("`{ptr}`")).collect();
                // A name that leads to the address is no mistake: it is another one.
                let holds = confirms(dns, name, sending) == Some(true);
                let suggestion = if holds { String::new() } else { one.suggestion(facts, dns) };
                let message = format!(
                    "the HELO name `{name}` is not the PTR name of {sending}, which is {}{suggestion}",
                    texts.join(" and ")
                );
                RULE.violated(name, message).fix(fix(facts, dns, one, sending))
            }
            Lookup::Unanswered(why) => {
                let message =
                    format!("could not determine whether the HELO name `{name}` is the PTR name of {sending}: {why}");
                left_open(&RULE, name.as_str(), message, &[question.to_string()])
            }
        };
        let both = confirms(dns, name, sending) == Some(true) && dns.iprev(sending) == Iprev::Pass;
        let severity = if both { Severity::Info } else { RULE.severity };
        findings.push(one.mark(finding, severity).evidence(evidence(dns, &question)));
    }
    findings
}

/// The PTR name as HELO name where it is the better one, else the PTR record as it should stand.
fn fix(facts: &Facts, dns: &Observations, one: &Introduced<'_>, sending: IpAddr) -> Fix {
    if confirms(dns, &one.name, sending) == Some(false)
        && let Some(other) = better_source(facts, dns, one.path, &one.name)
    {
        return send_from(facts, one.path, other);
    }
    match wanted_helo(facts, dns, one.path).filter(|wanted| *wanted != one.name) {
        Some(wanted) => set_helo(facts, one.path, &one.helo, &wanted),
        None => {
            let text = format!("Have the PTR record of {sending} name `{}`.", one.name);
            Fix::new(Who::IpOwner, text).command(ptr_record(sending, &one.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Helo, Origin};
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        const OTHER: (&str, &[&str]) = ("192.0.2.10 PTR", &["mx.example.com"]);
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        let follows = |f: &mut Facts| {
            f.paths[0].helo = Helo::FollowsPtr { default: None, joined: None, origin: Origin::kernel("test") }
        };
        check_table(
            &RULE,
            vec![
                ("it is", healthy(), dns(&[]), &[]),
                (
                    "one of several",
                    healthy(),
                    dns(&[("192.0.2.10 PTR", &["mx.example.com", "Mail.example.com."])]),
                    &[],
                ),
                (
                    "both lead to the address",
                    healthy(),
                    dns(&[OTHER, ("mx.example.com A", &[ADDR])]),
                    &["info mail.example.com"],
                ),
                (
                    "the PTR name does not",
                    healthy(),
                    dns(&[OTHER, ("mx.example.com A", &["198.51.100.7"])]),
                    &["warning mail.example.com"],
                ),
                (
                    "the HELO name does not",
                    healthy(),
                    dns(&[OTHER, ("mx.example.com A", &[ADDR]), ("mail.example.com A", &["198.51.100.7"])]),
                    &["warning mail.example.com"],
                ),
                ("no PTR at all is PTR001", healthy(), dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]), &[]),
                ("no answer", healthy(), dns(&[("192.0.2.10 PTR", &["timeout"])]), &["warning? mail.example.com"]),
                ("only the relay sees it", healthy().but(relayed), dns(&[OTHER]), &["info mail.example.com"]),
                ("it follows the PTR", healthy().but(follows), dns(&[OTHER]), &[]),
                ("HLO001's name", named("mail"), dns(&[OTHER]), &[]),
                ("the sending address is unknown", behind_nat("10.0.0.5", None), dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn a_name_that_is_nearly_right_is_told_with_what_was_meant() {
        let said = |more: &[(&str, &[&str])]| {
            let ptr: (&str, &[&str]) = ("192.0.2.10 PTR", &["mall.example.com"]);
            let right: (&str, &[&str]) = ("mall.example.com A", &[ADDR]);
            findings(&RULE, &healthy(), &dns(&[&[ptr, right], more].concat()))[0].message.clone()
        };
        let gone = said(&[("mail.example.com A", &["NXDOMAIN"])]);
        assert!(
            gone.ends_with("which is `mall.example.com`; did you mean `mall.example.com`, one letter away?"),
            "{gone}"
        );
        assert!(said(&[]).ends_with("which is `mall.example.com`"), "it leads to the address as well: {}", said(&[]));
    }

    #[test]
    fn the_better_name_of_the_two_is_kept() {
        let fix = |more: &[(&str, &[&str])]| findings(&RULE, &healthy(), &dns(more))[0].fix.clone().unwrap();
        let other: (&str, &[&str]) = ("192.0.2.10 PTR", &["mx.example.com"]);
        let confirmed = fix(&[other, ("mx.example.com A", &[ADDR])]);
        assert_eq!(confirmed.text, "Make Postfix introduce itself as `mx.example.com` (`myhostname`).");
        let not = fix(&[other, ("mx.example.com A", &["198.51.100.7"])]);
        assert_eq!(not.commands, ["10.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.com."]);
    }
}
