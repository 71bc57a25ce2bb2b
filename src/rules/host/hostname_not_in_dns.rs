use super::hostname_elsewhere;
use crate::addr::Family;
use crate::findings::Finding;
use crate::observe::{Lookup, Question, RecordType};
use crate::rules::advice::{addresses_to_publish, publish};
use crate::rules::names::{address_evidence, judged_host_name, left_open, name_severity, suggested_host_name};
use crate::rules::{Context, rule};

rule! {
    /// The host name has no address in the DNS.
    ///
    /// ## Condition
    /// `hostname -f` is a valid, qualified name and has neither A nor AAAA record. Not where HST001 or HST002 says
    /// more. Subject: the name. Severity as for HST001.
    ///
    /// ## Why it matters
    /// RFC 5321 section 2.3.5 allows only names that resolve as host names in mail. Where such a name is used as HELO,
    /// Postfix with `reject_unknown_helo_hostname` answers `450 4.7.1 Helo command rejected: Host not found`; bounces and cron mail
    /// from `root@` this name have a sender domain that receivers cannot find either.
    ///
    /// ## Fix
    /// Publish an address record of the name with the address that mail leaves from.
    ///
    /// ## When to ignore
    /// Where the name is used inside your network alone and mail leaves under another.
    pub static RULE = {
        code: "HST004",
        name: "hostname-not-in-dns",
        severity: Error,
        refs: ["RFC 5321 section 2.3.5", "RFC 1912 section 2.1"],
        needs: [Facts, Dns],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let (facts, dns) = (cx.facts, cx.dns);
    let Some(host) = judged_host_name(facts) else { return Vec::new() };
    let name = &host.value;
    let mut open = Vec::new();
    for family in Family::BOTH {
        match dns.addresses(name, family) {
            Lookup::Found(_) => return Vec::new(),
            Lookup::NoData | Lookup::NxDomain => {}
            Lookup::Unanswered(_) => open.push(Question::new(name, RecordType::address(family)).to_string()),
        }
    }
    let finding = if open.is_empty() {
        let suggestion = suggested_host_name(facts, dns, name);
        // A slip of the pen is put right where it was made: no record is published for it.
        let fix = match suggestion.is_empty() {
            true => publish(name, &addresses_to_publish(facts)),
            false => hostname_elsewhere::fix(facts, dns, name),
        };
        RULE.violated(name, format!("the host name `{name}` has neither an A nor an AAAA record{suggestion}")).fix(fix)
    } else {
        let message = format!(
            "could not determine whether the host name `{name}` is in the DNS: no answer to {}",
            open.join(", ")
        );
        left_open(&RULE, name.as_str(), message, &open)
    };
    let finding = finding.severity(name_severity(facts, dns, name)).place(&host.origin, "host name");
    vec![finding.evidence(address_evidence(dns, name))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        const GONE: &[(&str, &[&str])] =
            &[("mail.example.com A", &["NXDOMAIN"]), ("mail.example.com AAAA", &["NXDOMAIN"])];
        const WEB_GONE: &[(&str, &[&str])] =
            &[("web.example.com A", &["NODATA"]), ("web.example.com AAAA", &["NODATA"])];
        let relayed = |f: &mut Facts| f.paths[0].relayed = Some(fact("[relay.example]:25".to_owned()).into());
        let other_ptr = |f: &mut Facts| {
            f.paths[0] = path(ADDR, "other.example.com");
            f.postfix.clear();
        };
        check_table(
            &RULE,
            vec![
                ("it has an A record", healthy(), dns(&[]), &[]),
                (
                    "an AAAA record is enough",
                    healthy(),
                    dns(&[("mail.example.com A", &["NODATA"]), ("mail.example.com AAAA", &["2001:db8::1"])]),
                    &[],
                ),
                ("neither, and mail goes out under it", healthy(), dns(GONE), &["error mail.example.com"]),
                (
                    "neither, but mail has another name",
                    host_named("web.example.com"),
                    dns(WEB_GONE),
                    &["warning web.example.com"],
                ),
                ("it is still the PTR name", healthy().but(other_ptr), dns(GONE), &["error mail.example.com"]),
                ("every path is relayed", healthy().but(relayed), dns(GONE), &["info mail.example.com"]),
                (
                    "a time-out is no missing record",
                    healthy(),
                    dns(&[("mail.example.com A", &["timeout"]), ("mail.example.com AAAA", &["NODATA"])]),
                    &["error? mail.example.com"],
                ),
                (
                    "SERVFAIL neither",
                    healthy(),
                    dns(&[("mail.example.com A", &["NODATA"]), ("mail.example.com AAAA", &["SERVFAIL"])]),
                    &["error? mail.example.com"],
                ),
                ("HST001's name is not judged", named("mail.lan"), dns(&[("mail.lan A", &["NXDOMAIN"])]), &[]),
                ("nor HST002's", named("mail_1.example.com"), dns(&[("mail_1.example.com A", &["NXDOMAIN"])]), &[]),
            ],
        );
    }

    #[test]
    fn a_name_that_linux_cannot_set_is_not_judged() {
        let long = format!("{}.{}.example.com", "a".repeat(40), "b".repeat(20));
        let gone = [(format!("{long} A"), ["NXDOMAIN"]), (format!("{long} AAAA"), ["NXDOMAIN"])];
        let gone: Vec<(&str, &[&str])> = gone.iter().map(|(q, a)| (q.as_str(), &a[..])).collect();
        let facts = host_named(&long);
        assert_eq!(verdicts(&RULE, &facts, &dns(&gone)), [format!("warning {long}")]);
        let in_file = facts.but(|f| f.host.etc_hostname = Some(fact(long.clone())));
        assert_eq!(verdicts(&RULE, &in_file, &dns(&gone)), [""; 0], "HST002 says it");
    }

    #[test]
    fn a_name_that_is_nearly_right_is_told_with_what_was_meant() {
        let gone: &[(&str, &[&str])] =
            &[("mial.example.com A", &["NXDOMAIN"]), ("mial.example.com AAAA", &["NXDOMAIN"])];
        let found = findings(&RULE, &host_named("mial.example.com"), &dns(gone));
        assert!(found[0].message.ends_with("; did you mean `mail.example.com`, one letter away?"));
        let fix = found[0].fix.as_ref().unwrap();
        assert!(fix.text.contains("mail.example.com") && !fix.text.contains("mial"), "{}", fix.text);
    }

    #[test]
    fn the_fix_is_the_record() {
        let gone = dns(&[("mail.example.com A", &["NXDOMAIN"]), ("mail.example.com AAAA", &["NXDOMAIN"])]);
        let found = findings(&RULE, &healthy(), &gone);
        assert_eq!(found[0].fix.as_ref().unwrap().commands, ["mail.example.com. 3600 IN A 192.0.2.10"]);
        assert_eq!(found[0].evidence.len(), 2);
    }
}
