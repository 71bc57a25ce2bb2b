use super::questions::judged;
use crate::findings::Finding;
use crate::findings::{Fix, Who};
use crate::observe::{RecordData, RecordType};
use crate::rules::remedy::delete_record;
use crate::rules::support::evidence;
use crate::rules::{Context, rule};
use std::net::IpAddr;

rule! {
    /// A record still holds an address from before the move.
    ///
    /// ## Condition
    /// A record asked for any reason holds an address given with `--old-ip`. Info where the name is no name of this
    /// host's identity and below no domain that it handles. Subject: the question.
    ///
    /// ## Why it matters
    /// Receivers that compare names with addresses still find the old server: the new address is not confirmed, SPF does not name it, and mail
    /// for the name goes to a machine that may be gone.
    ///
    /// ## Fix
    /// Put the new address into the record, or remove the old one.
    ///
    /// ## When to ignore
    /// While both addresses are in use on purpose.
    pub static RULE = {
        code: "DNS008",
        name: "old-address-published",
        severity: Error,
        refs: ["RFC 7208 section 5", "RFC 8601 section 2.7.3"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let mut findings = Vec::new();
    for question in judged(dns).filter(|_| !facts.old_addresses.is_empty()) {
        let truth = dns.truth(question);
        let records = truth.lookup.found();
        for old in &facts.old_addresses {
            if !records.iter().any(|record| holds(&record.data, *old)) {
                continue;
            }
            let message = format!("`{question}` still holds the old address {old}");
            let text =
                format!("Replace {old} in the {} record of `{}`, or remove it there.", question.rtype, question.name);
            let fix = Fix::new(Who::DnsZone, text);
            let address = [RecordType::A, RecordType::Aaaa].contains(&question.rtype);
            let fix = if address { fix.command(delete_record(&question.name, *old)) } else { fix };
            let finding = RULE.violated(question, message).fix(fix);
            findings.push(finding.evidence(evidence(dns, question)));
        }
    }
    findings
}

/// Whether a record holds an address: as its content, or spelled out in a text such as SPF.
fn holds(data: &RecordData, old: IpAddr) -> bool {
    match data {
        RecordData::Txt(text) => text.split_ascii_whitespace().any(|term| {
            let term = term.trim_start_matches(['+', '-', '~', '?']);
            let value = term.strip_prefix("ip4:").or_else(|| term.strip_prefix("ip6:")).unwrap_or(term);
            value.split('/').next().and_then(|addr| addr.parse::<IpAddr>().ok()) == Some(old)
        }),
        other => other.address() == Some(old),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::dns::heard::heard;
    use crate::rules::testing::{But, check_table, healthy, ip};

    #[test]
    fn any_record_that_holds_it() {
        let moved = || healthy().but(|f| f.old_addresses = vec![ip("192.0.2.9")]);
        check_table(
            &RULE,
            vec![
                ("not asked for", healthy(), heard(&[("mail.example.com A", &[("ns1", &["192.0.2.9"])])]), &[]),
                (
                    "still there",
                    moved(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10", "192.0.2.9"])])]),
                    &["error mail.example.com. A"],
                ),
                ("gone", moved(), heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"])])]), &[]),
                (
                    "gone from the zone, though a cache holds it",
                    moved(),
                    heard(&[("mail.example.com A", &[("ns1", &["192.0.2.10"]), ("google", &["192.0.2.9"])])]),
                    &[],
                ),
                ("no answer", moved(), heard(&[("mail.example.com A", &[("ns1", &["timeout"])])]), &[]),
            ],
        );
        for (text, found) in [
            ("v=spf1 ip4:192.0.2.9 -all", true),
            ("v=spf1 +ip4:192.0.2.9/32 -all", true),
            ("v=spf1 ip4:192.0.2.90 -all", false),
        ] {
            assert_eq!(holds(&RecordData::Txt(text.into()), ip("192.0.2.9")), found, "{text}");
        }
    }
}
