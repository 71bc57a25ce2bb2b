use std::collections::BTreeSet;

use super::servers::{
    certificates, conversation, day, in_files, in_its_place, not_reloaded, reload, said, servers, unseen,
};
use crate::facts::{Server, Trusted};
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::{Context, rule};
use crate::tls::Certificate;

rule! {
    /// A mail server's certificate is not valid, or will not be for long.
    ///
    /// ## Condition
    /// A certificate that the server presents, whatever server name it is asked for, is not valid at the time of the run; warning where it ends
    /// within 14 days. Where TLS could not be spoken with it, the files that are configured are judged. Only with `--live`. Subject: the
    /// certificate, by its first name; else the socket.
    ///
    /// ## Why it matters
    /// Submission clients refuse it at once; receivers that check certificates (DANE, MTA-STS) defer their mail until it expires. Whatever renews it has
    /// failed, or the server was not reloaded afterwards.
    ///
    /// ## Fix
    /// Where a file holds a later one, reload the MTA, and have whatever renews it do so. Else see why it was not renewed, and reload then.
    ///
    /// ## When to ignore
    /// Never where others connect to this host.
    pub static RULE = {
        code: "TLS002",
        name: "certificate-expired",
        severity: Error,
        refs: ["RFC 5280 section 4.1.2.5", "RFC 3207 section 4.1"],
        needs: [Facts, Smtp],
        check: check,
    };
}

/// Seconds before the end in which it is told: renewals begin 30 days before it.
const SOON: i64 = 14 * 86_400;

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let Some(served) = cx.facts.served.as_deref() else { return Vec::new() };
    let now = served.at;
    let mut findings = Vec::new();
    for server in servers(cx) {
        if let Some(why) = unseen(server) {
            findings.extend(by_files(cx, server, now, &why));
        }
        for (said_by, certificate) in certificates(server) {
            let Some((words, severity)) = state(now, certificate.from, certificate.until) else { continue };
            let title = certificate.title();
            let file = in_its_place(cx.facts, server, &certificate, &BTreeSet::new());
            let message = format!(
                "the certificate `{title}` that {} presents{} {words}{}",
                server.asked,
                said_by.name.as_ref().map_or_else(String::new, |name| format!(" for the server name {name}")),
                not_reloaded(file)
            );
            let fix = match file {
                Some(file) if state(now, i64::MIN, file.until).is_none() => {
                    reload(cx.facts, server, "Let the running server read the certificate that its files hold.")
                }
                // Without commands: reloading alone, which others may ask for, does not renew it.
                _ => {
                    Fix::new(Who::Host, "Renew the certificate where it is made; then have the running server read it.")
                }
            };
            findings.push(
                RULE.violated(title, message)
                    .severity(severity)
                    .place(&server.listener.origin, "listens here")
                    .evidence([said(
                        server,
                        "certificate",
                        described(&certificate, said_by.tls.as_ref().map(|tls| &tls.trust)),
                    )])
                    .fix(fix),
            );
        }
    }
    findings
}

fn described(certificate: &Certificate, trust: Option<&Trusted>) -> String {
    let trust = match trust {
        Some(Trusted::No(why)) => format!("; the chain {why}"),
        _ => String::new(),
    };
    let days = format!("valid from {} until {}", day(certificate.from), day(certificate.until));
    format!("{}; {days}; issued by `{}`{trust}", certificate.names.join(", "), certificate.issuer)
}

/// What is wrong with these days, in words that continue the certificate, and how bad that is.
fn state(now: i64, from: i64, until: i64) -> Option<(String, Severity)> {
    if until < now {
        return Some((format!("is not valid: it ended on {}", day(until)), Severity::Error));
    }
    if now < from {
        return Some((format!("is not valid: it begins on {}", day(from)), Severity::Error));
    }
    let left = until - now;
    (left < SOON).then(|| (format!("ends on {}, in {}", day(until), days(left)), Severity::Warning))
}

fn days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        number => format!("{number} days"),
    }
}

/// By the configured files, where the server did not show what it presents.
fn by_files(cx: &Context<'_>, server: &Server, now: i64, why: &str) -> Vec<Finding> {
    let unseen = format!("the certificate of {} was not seen: {why}", server.asked);
    let mut findings = Vec::new();
    for file in in_files(cx.facts, server.listener.mta) {
        let Some((words, severity)) = state(now, i64::MIN, file.until) else { continue };
        let title = file.names.first().unwrap_or(&file.file.value);
        let message = format!("the certificate `{title}` in {} {words} ({unseen})", file.file.value);
        findings.push(RULE.violated(title, message).severity(severity).place(&file.file.origin, "configured"));
    }
    if findings.is_empty() {
        let open = RULE.undetermined(server.asked, unseen).open(conversation(server));
        findings.push(open.place(&server.listener.origin, "listens here"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fault;
    use crate::rules::live::testing::{NOW, ehlo, in_file, served, server, tls};
    use crate::rules::testing::{But, check_table, dns, findings};
    use crate::tls::made::{self, DAYS};

    const NAME: &str = "mail.example.com";

    #[test]
    fn days_of_certificates() {
        let of = |from, until| {
            let certificate = made::alone(&[NAME], (from, until));
            served(vec![server("192.0.2.10:25", tls(None, &[&certificate]))])
        };
        let refused = || {
            let mut said = ehlo(NAME, true);
            said.fault = Some(Fault::NoTls("nothing in common".into()));
            served(vec![server("192.0.2.10:25", said)])
        };
        let file = |until| refused().but(|f| f.certificates = vec![in_file(NAME, until)]);
        let (error, warning): (&[&str], &[&str]) = (&["error mail.example.com"], &["warning mail.example.com"]);
        check_table(
            &RULE,
            vec![
                ("valid", of(DAYS.0, DAYS.1), dns(&[]), &[]),
                ("until just now", of(DAYS.0, NOW), dns(&[]), warning),
                ("a second too old", of(DAYS.0, NOW - 1), dns(&[]), error),
                ("a second too early", of(NOW + 1, DAYS.1), dns(&[]), error),
                ("from just now", of(NOW, DAYS.1), dns(&[]), &[]),
                ("two weeks left", of(DAYS.0, NOW + SOON), dns(&[]), &[]),
                ("a second less", of(DAYS.0, NOW + SOON - 1), dns(&[]), warning),
                ("not seen", refused(), dns(&[]), &["error? 192.0.2.10:25"]),
                ("not seen, and the file is too old", file(NOW - 1), dns(&[]), error),
                ("not seen, and the file is right", file(DAYS.1), dns(&[]), &["error? 192.0.2.10:25"]),
            ],
        );
    }

    #[test]
    fn a_reload_that_was_forgotten_is_told() {
        let old = made::alone(&[NAME], (DAYS.0, NOW - 1));
        let facts = served(vec![server("192.0.2.10:25", tls(None, &[&old]))]);
        let found = |facts: &crate::facts::Facts| findings(&RULE, facts, &dns(&[])).remove(0);
        let message = |facts: &crate::facts::Facts| found(facts).message;
        let fix = |facts: &crate::facts::Facts| found(facts).fix.unwrap();
        assert!(fix(&facts).text.starts_with("Renew") && fix(&facts).commands.is_empty());
        assert!(!message(&facts).contains("reloaded"));
        let renewed = facts.clone().but(|f| f.certificates = vec![in_file(NAME, DAYS.1)]);
        let told = message(&renewed);
        assert!(
            told.contains("/etc/mail.crt holds another, valid until 2027-11-01") && told.contains("not reloaded"),
            "{told}"
        );
        assert!(!fix(&renewed).text.contains("Renew"), "{}", fix(&renewed).text);
        assert_eq!(fix(&renewed).commands.last().unwrap(), "postfix reload");
        let late = facts.clone().but(|f| f.certificates = vec![in_file(NAME, NOW + SOON - 1)]);
        assert!(fix(&late).text.starts_with("Renew"), "what the file holds ends soon too");
        let same = facts.but(|f| f.certificates = vec![in_file(NAME, NOW - 1)]);
        assert!(!message(&same).contains("reloaded"));
    }

    #[test]
    fn a_certificate_for_one_name_alone_counts_too() {
        let (good, old) = (made::alone(&[NAME], DAYS), made::alone(&["mx.example.com"], (DAYS.0, NOW - 1)));
        let mut one = server("192.0.2.10:25", tls(None, &[&good]));
        one.conversations.push(tls(Some("mx.example.com"), &[&old]));
        let found = findings(&RULE, &served(vec![one]), &dns(&[]));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("for the server name mx.example.com"), "{}", found[0].message);
    }
}
