use crate::facts::Facts;
use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::observe::{Question, RecordType};
use crate::rules::advice::{address_record, set_helo};
use crate::rules::names::{Introduced, left_open};
use crate::rules::support::evidence;
use crate::rules::{Context, rule};

rule! {
    /// The HELO name is an alias (CNAME).
    ///
    /// ## Condition
    /// The HELO name is a CNAME (RFC 5321 section 2.3.5). Not where HLO001 or HLO006 applies. Subject: the HELO name.
    ///
    /// ## Why it matters
    /// RFC 5321 section 2.3.5: the name given in EHLO must be a primary host name, one that resolves to address records, and not
    /// an alias.
    ///
    /// ## Fix
    /// Introduce the MTA by the name that the alias leads to; or give the name address records of its own.
    ///
    /// ## When to ignore
    /// No receiver is known to refuse it by itself.
    pub static RULE = {
        code: "HLO005",
        name: "helo-alias",
        severity: Warning,
        refs: ["RFC 5321 section 2.3.5", "RFC 1912 section 2.4"],
        needs: [Facts, Dns],
        check: check,
    };
}

/// An alias shows in the answer to each of these.
const TYPES: [RecordType; 3] = [RecordType::A, RecordType::Aaaa, RecordType::Mx];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for one in cx.judged_introductions() {
        let name = &one.name;
        let questions = TYPES.map(|rtype| Question::new(name, rtype));
        let target = TYPES.iter().find_map(|rtype| dns.alias(name, *rtype));
        let finding = match target {
            Some(target) => {
                let message = format!("the HELO name `{name}` is an alias of `{target}`");
                RULE.violated(name, message).fix(fix(facts, one, &target))
            }
            None if questions.iter().all(|question| dns.truth(question).lookup.open().is_some()) => {
                let message = format!(
                    "could not determine whether the HELO name `{name}` is an alias: none of its questions has an answer"
                );
                left_open(&RULE, name.as_str(), message, &questions.each_ref().map(Question::to_string))
            }
            None => continue,
        };
        findings.push(one.mark(finding, RULE.severity).evidence(evidence(dns, &questions[0])));
    }
    findings
}

fn fix(facts: &Facts, one: &Introduced<'_>, target: &DomainName) -> Fix {
    if target.is_host_name() && target.is_qualified() {
        return set_helo(facts, one.path, &one.helo, target);
    }
    let fix = Fix::new(Who::DnsZone, format!("Replace the CNAME of `{}` by an address record.", one.name));
    match one.sending() {
        Some(addr) => fix.command(address_record(&one.name, addr)),
        None => fix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        const ALIAS: &[(&str, &[&str])] = &[("mail.example.com A", &["CNAME host.example.com", ADDR])];
        let silent: Vec<(&str, &[&str])> = ["mail.example.com A", "mail.example.com AAAA", "mail.example.com MX"]
            .map(|q| (q, &["timeout"] as &[&str]))
            .to_vec();
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        check_table(
            &RULE,
            vec![
                ("a name of its own", healthy(), dns(&[]), &[]),
                ("an alias", healthy(), dns(ALIAS), &["warning mail.example.com"]),
                (
                    "an alias to nothing shows too",
                    healthy(),
                    dns(&[("mail.example.com A", &["CNAME gone.example.com", "NXDOMAIN"])]),
                    &["warning mail.example.com"],
                ),
                ("only the relay sees it", healthy().but(relayed), dns(ALIAS), &["info mail.example.com"]),
                ("nothing answered", healthy(), dns(&silent), &["warning? mail.example.com"]),
                ("one answer is enough to see none", healthy(), dns(&[("mail.example.com A", &["timeout"])]), &[]),
            ],
        );
    }
}
