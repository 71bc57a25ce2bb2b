use crate::facts::Facts;
use crate::findings::{Finding, Fix, Who};
use crate::observe::{Observations, Question, RecordType};
use crate::rules::advice::{address_record, set_helo, wanted_helo};
use crate::rules::names::{Introduced, left_open};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// The HELO name does not exist in the DNS.
    ///
    /// ## Condition
    /// The HELO name has neither A, AAAA nor MX record. Not where HLO001 or HLO006 applies. Subject: the HELO name.
    ///
    /// ## Why it matters
    /// Postfix with `reject_unknown_helo_hostname` looks for A, AAAA or MX records and answers `450 4.7.1 Helo command rejected: Host not
    /// found` where there are none. rspamd adds points for it, and Exim's `verify = helo` fails.
    ///
    /// ## Fix
    /// Publish an address record of the name with the sending address; or introduce the MTA by a name that has one.
    ///
    /// ## When to ignore
    /// Where the path leads to one server alone that is yours and does not look at it.
    pub static RULE = {
        code: "HLO002",
        name: "helo-not-in-dns",
        severity: Error,
        refs: ["RFC 5321 section 2.3.5", "RFC 5321 section 4.1.1.1", "postconf(5) reject_unknown_helo_hostname"],
        needs: [Facts, Dns],
        check: check,
    };
}

/// The record types one of which is enough.
const ENOUGH: [RecordType; 3] = [RecordType::A, RecordType::Aaaa, RecordType::Mx];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for one in cx.judged_introductions() {
        let questions = ENOUGH.map(|rtype| Question::new(&one.name, rtype));
        if questions.iter().any(|question| !dns.truth(question).lookup.found().is_empty()) {
            continue;
        }
        let open: Vec<String> =
            questions.iter().filter(|q| dns.truth(q).lookup.open().is_some()).map(Question::to_string).collect();
        let name = &one.name;
        let finding = if open.is_empty() {
            let suggestion = one.suggestion(facts, dns);
            RULE.violated(name, format!("the HELO name `{name}` has no A, AAAA or MX record{suggestion}"))
                .fix(fix(facts, dns, one))
        } else {
            let message = format!(
                "could not determine whether the HELO name `{name}` is in the DNS: no answer to {}",
                open.join(", ")
            );
            left_open(&RULE, name.as_str(), message, &open)
        };
        let asked = questions.iter().flat_map(|question| evidence(dns, question));
        findings.push(one.mark(finding, RULE.severity).evidence(asked));
    }
    findings
}

/// Another name that exists already, else the missing record.
fn fix(facts: &Facts, dns: &Observations, one: &Introduced<'_>) -> Fix {
    if let Some(wanted) = wanted_helo(facts, dns, one.path).filter(|wanted| *wanted != one.name) {
        return set_helo(facts, one.path, &one.helo, &wanted);
    }
    let fix = Fix::new(Who::DnsZone, format!("Publish the address record of `{}`.", one.name));
    match one.sending() {
        Some(addr) => fix.command(address_record(&one.name, addr)),
        None => fix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const GONE: (&str, &[&str]) = ("mail.example.com A", &["NXDOMAIN"]);
    const GONE_V6: (&str, &[&str]) = ("mail.example.com AAAA", &["NXDOMAIN"]);
    const GONE_MX: (&str, &[&str]) = ("mail.example.com MX", &["NXDOMAIN"]);

    #[test]
    fn cases() {
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        check_table(
            &RULE,
            vec![
                ("it has an address", healthy(), dns(&[]), &[]),
                (
                    "an MX alone is enough",
                    healthy(),
                    dns(&[GONE, GONE_V6, ("mail.example.com MX", &["mx.example.com"])]),
                    &[],
                ),
                ("nothing", healthy(), dns(&[GONE, GONE_V6, GONE_MX]), &["error mail.example.com"]),
                (
                    "only the relay sees it",
                    healthy().but(relayed),
                    dns(&[GONE, GONE_V6, GONE_MX]),
                    &["info mail.example.com"],
                ),
                (
                    "the MX got no answer",
                    healthy(),
                    dns(&[GONE, GONE_V6, ("mail.example.com MX", &["timeout"])]),
                    &["error? mail.example.com"],
                ),
                ("REFUSED", healthy(), dns(&[("mail.example.com A", &["REFUSED"])]), &["error? mail.example.com"]),
                ("HLO001's name", named("mail.lan"), dns(&[]), &[]),
                ("HLO006's", named("[192.0.2.10]"), dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn the_fix_is_a_name_that_works_else_the_record() {
        let fix = |dns: &Observations| findings(&RULE, &healthy(), dns)[0].fix.clone().unwrap();
        let record = ["mail.example.com. 3600 IN A 192.0.2.10"];
        assert_eq!(fix(&dns(&[GONE, GONE_V6, GONE_MX])).commands, record);
        let other =
            dns(&[GONE, GONE_V6, GONE_MX, ("192.0.2.10 PTR", &["mx.example.com"]), ("mx.example.com A", &[ADDR])]);
        assert_eq!(fix(&other).text, "Make Postfix introduce itself as `mx.example.com` (`myhostname`).");
    }
}
