use super::servers::{
    Names, certificates, conversation, in_files, in_its_place, is_for, not_reloaded, public, reload, said, unseen,
};
use crate::facts::Server;
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A mail server's certificate is for none of this host's names.
    ///
    /// ## Condition
    /// No alternative name of a certificate that the server presents, without a server name (SNI) or with one of this host's, matches the host
    /// name, a HELO name, a PTR name or, where the DNS was asked for it anyway, the name in an MX record that leads here. Where TLS could not be
    /// spoken with it, the files that are configured are judged. Servers that listen on loopback addresses alone do not count. Only with
    /// `--live`. Subject: the certificate, by its first name; else the socket.
    ///
    /// ## Why it matters
    /// Receivers mostly encrypt without looking at names. Those that do look (DANE, MTA-STS, submission clients) refuse a certificate for another
    /// name, and after a move it tells that the old host's was copied.
    ///
    /// ## Fix
    /// Have a certificate issued for one of these names, best the one by which others connect, and let the MTA present it.
    ///
    /// ## When to ignore
    /// Where nobody connects to this host by one of these names: MX records lead to others.
    pub static RULE = {
        code: "TLS001",
        name: "certificate-name-mismatch",
        severity: Warning,
        refs: ["RFC 6125 section 6", "RFC 3207 section 4.1", "RFC 8461 section 4.1"],
        needs: [Facts, Dns, Smtp],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let Some(names) = Names::of(cx).map(|names| names.and_exchangers(cx)) else { return Vec::new() };
    let mut findings = Vec::new();
    for server in public(cx) {
        match unseen(server) {
            Some(why) => findings.extend(by_files(cx, server, &names, &why)),
            None => findings.extend(by_certificates(cx, server, &names)),
        }
    }
    findings
}

fn by_certificates(cx: &Context<'_>, server: &Server, names: &Names) -> Option<Finding> {
    let presented = certificates(server);
    let (_, first) = presented.first()?;
    let fits = names.known.iter().any(|name| presented.iter().any(|(_, one)| one.is_for(name.as_str())));
    if fits {
        return None;
    }
    let own = if first.names.is_empty() { "no name".to_owned() } else { first.names.join(", ") };
    let evidence = said(server, "certificate", format!("{own}; valid until {}", super::servers::day(first.until)));
    let mark = |finding: Finding| finding.place(&server.listener.origin, "listens here").evidence([evidence.clone()]);
    if let [question, ..] = names.open.as_slice() {
        let message = format!(
            "the certificate of {} is for {own}: whether that is a name of this host cannot be seen, since {question} is not known",
            server.asked
        );
        return Some(mark(RULE.undetermined(first.title(), message).open(question)));
    }
    let file = in_its_place(cx.facts, server, first, &names.known);
    let message = format!(
        "{} presents a certificate for {own}, and none of this host's names is among them: {}{}",
        server.asked,
        names.list(),
        not_reloaded(file)
    );
    let fix = match file {
        Some(file) if is_for(file, &names.known) => {
            reload(cx.facts, server, "Let the running server read the certificate that its files hold.")
        }
        _ => fix(names),
    };
    Some(mark(RULE.violated(first.title(), message).fix(fix)))
}

/// By the configured files, where the server did not show what it presents.
fn by_files(cx: &Context<'_>, server: &Server, names: &Names, why: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut files = in_files(cx.facts, server.listener.mta).peekable();
    let unseen = format!("the certificate of {} was not seen: {why}", server.asked);
    let mark = |finding: Finding| finding.place(&server.listener.origin, "listens here");
    if files.peek().is_none() || !names.open.is_empty() {
        findings.push(mark(RULE.undetermined(server.asked, unseen).open(conversation(server))));
        return findings;
    }
    let files: Vec<_> = files.collect();
    if files.iter().any(|file| is_for(file, &names.known)) {
        findings.push(mark(RULE.undetermined(server.asked, unseen).open(conversation(server))));
        return findings;
    }
    for file in files {
        let message = format!(
            "{} holds a certificate for {}, and none of this host's names is among them: {} ({unseen})",
            file.file.value,
            file.names.join(", "),
            names.list()
        );
        let subject = file.names.first().cloned().unwrap_or_else(|| file.file.value.clone());
        findings.push(RULE.violated(subject, message).place(&file.file.origin, "configured").fix(fix(names)));
    }
    findings
}

/// Without commands: reloading alone, which others may ask for, brings no other certificate.
fn fix(names: &Names) -> Fix {
    let which = match names.known.len() {
        1 => names.list(),
        _ => format!("one of {} (best the name by which others connect)", names.list()),
    };
    let text = format!("Have a certificate issued for {which}, let the MTA present it, and reload.");
    Fix::new(Who::Host, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, Fault};
    use crate::rules::live::testing::{NOW, ehlo, in_file, served, server, tls};
    use crate::rules::testing::{But, check_table, dns, findings};
    use crate::tls::made::{self, DAYS};

    const MX: (&str, &[&str]) = ("mail.example.com MX", &["mx.example.com"]);
    const HERE: (&str, &[&str]) = ("mx.example.com A", &["192.0.2.10"]);

    #[test]
    fn the_step_names_what_is_accepted_or_the_reload() {
        let old = made::alone(&["old.example.net"], DAYS);
        let facts = served(vec![server("192.0.2.10:25", tls(None, &[&old]))]);
        let fix = |facts: &Facts| findings(&RULE, facts, &dns(&[])).remove(0).fix.unwrap();
        let issue = fix(&facts);
        assert!(issue.text.contains("`mail.example.com`") && issue.commands.is_empty(), "{}", issue.text);
        let right = facts.clone().but(|f| f.certificates = vec![in_file("mail.example.com", DAYS.1 - 1)]);
        assert_eq!(fix(&right).commands.last().unwrap(), "postfix reload");
        let wrong = facts.but(|f| f.certificates = vec![in_file("old.example.net", DAYS.1 - 1)]);
        assert_eq!(fix(&wrong).text, issue.text, "a later one for the same name");
    }

    #[test]
    fn names_of_certificates() {
        let root = made::issuer("Test Root");
        let for_names = |names: &[&str]| made::signed(&root, names, DAYS);
        let of = |names: &[&str]| served(vec![server("192.0.2.10:25", tls(None, &[&for_names(names)]))]);
        let by_name = |name: &str| {
            let mut one = server("192.0.2.10:25", tls(None, &[&for_names(&["other.example"])]));
            one.conversations.push(tls(Some("mail.example.com"), &[&for_names(&[name])]));
            served(vec![one])
        };
        let refused = || {
            let mut said = ehlo("mail.example.com", true);
            said.fault = Some(Fault::NoTls("nothing in common".into()));
            served(vec![server("192.0.2.10:25", said)])
        };
        let old: &[&str] = &["warning old.example.net"];
        let open = || dns(&[("192.0.2.10 PTR", &["timeout"])]);
        assert!(NOW > DAYS.0);
        check_table(
            &RULE,
            vec![
                ("the host name", of(&["www.example.com", "MAIL.example.com"]), dns(&[]), &[]),
                ("a wildcard", of(&["*.example.com"]), dns(&[]), &[]),
                ("a PTR name", of(&["p.example.org"]), dns(&[("192.0.2.10 PTR", &["p.example.org"])]), &[]),
                ("the name of an MX record that leads here", of(&["mx.example.com"]), dns(&[MX, HERE]), &[]),
                (
                    "of one that leads elsewhere",
                    of(&["mx.example.com"]),
                    dns(&[MX, ("mx.example.com A", &["198.51.100.7"])]),
                    &["warning mx.example.com"],
                ),
                ("of one that nobody asked about", of(&["mx.example.com"]), dns(&[MX]), &["warning mx.example.com"]),
                ("none of them", of(&["old.example.net"]), dns(&[]), old),
                ("an open question", of(&["old.example.net"]), open(), &["warning? old.example.net"]),
                ("by name", by_name("mail.example.com"), dns(&[]), &[]),
                ("by name and wrong", by_name("old.example.net"), dns(&[]), &["warning other.example"]),
                ("no TLS came about", refused(), dns(&[]), &["warning? 192.0.2.10:25"]),
                (
                    "no TLS came about, and the file is wrong",
                    refused().but(|f| f.certificates = vec![in_file("old.example.net", DAYS.1)]),
                    dns(&[]),
                    old,
                ),
                (
                    "no TLS came about, and the file is right",
                    refused().but(|f| f.certificates = vec![in_file("mail.example.com", DAYS.1)]),
                    dns(&[]),
                    &["warning? 192.0.2.10:25"],
                ),
                (
                    "no TLS at all",
                    served(vec![server("192.0.2.10:25", ehlo("mail.example.com", false))]),
                    dns(&[]),
                    &[],
                ),
            ],
        );
    }
}
