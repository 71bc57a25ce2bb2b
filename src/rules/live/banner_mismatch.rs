use super::servers::{Names, broken_off, evidence, older, public, read_again};
use crate::facts::Stage;
use crate::findings::{Finding, Fix, Who};
use crate::name::DomainName;
use crate::rules::{Context, rule};

rule! {
    /// A mail server greets with a name that this host has nowhere else.
    ///
    /// ## Condition
    /// The name in the 220 greeting is neither a HELO name, the host name nor a PTR name. Servers that listen on loopback addresses alone do not
    /// count. Only with `--live`. Subject: the socket.
    ///
    /// ## Why it matters
    /// The greeting begins with the server's name (RFC 5321 section 4.2). Testers and some receivers compare it with the PTR name; after a move
    /// it is often the last place that still has the old name.
    ///
    /// ## Fix
    /// Where the server goes by an older configuration (SMT002), reload it first. Postfix: set `myhostname`, or `smtpd_banner` with
    /// `$myhostname` first. Exim: `primary_hostname`, `smtp_active_hostname` or `smtp_banner`.
    ///
    /// ## When to ignore
    /// Where the host receives under another name than it sends under, and that is meant so.
    pub static RULE = {
        code: "SMT001",
        name: "banner-mismatch",
        severity: Warning,
        refs: ["RFC 5321 section 4.2", "RFC 5321 section 4.3.1", "postconf(5): smtpd_banner"],
        needs: [Facts, Dns, Smtp],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let Some(names) = Names::of(cx) else { return Vec::new() };
    let mut findings = Vec::new();
    for server in public(cx) {
        findings.extend(broken_off(&RULE, server, &[Stage::Greeting]));
        let Some(greeting) = server.plain().and_then(|said| said.greeting.as_ref()).filter(|one| one.code == 220)
        else {
            continue;
        };
        let name = DomainName::new(greeting.name().unwrap_or_default());
        if names.known.contains(&name) {
            continue;
        }
        let shown = evidence(server, "greeting", greeting);
        let finding = match names.open.as_slice() {
            [] => {
                let message = format!(
                    "{} greets as `{name}`, which is none of this host's names: {}",
                    server.asked,
                    names.list()
                );
                // What is to be set may stand in the files already.
                let (older, fix) = match older(server) {
                    Some(_) => {
                        let mta = server.listener.mta;
                        (format!("; the running {mta} goes by an older configuration"), read_again(cx.facts, server))
                    }
                    None => (String::new(), fix()),
                };
                RULE.violated(server.asked, message + &older).fix(fix)
            }
            open => {
                let message = format!(
                    "{} greets as `{name}`: whether that is a name of this host cannot be seen, since {} is not known",
                    server.asked,
                    open.join(", ")
                );
                open.iter().fold(RULE.undetermined(server.asked, message), |finding, question| finding.open(question))
            }
        };
        findings.push(finding.place(&server.listener.origin, "listens here").evidence([shown]));
    }
    findings
}

fn fix() -> Fix {
    Fix::new(
        Who::Host,
        "Let the greeting begin with the name under which this host sends: `myhostname` and `smtpd_banner` of Postfix, \
         `primary_hostname`, `smtp_active_hostname` and `smtp_banner` of Exim; then reload.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fault;
    use crate::facts::{Helo, Undecided};
    use crate::rules::live::testing::{ehlo, greeting, served, server};
    use crate::rules::testing::{But, HERE, check_table, dns, findings};

    #[test]
    fn a_server_that_is_behind_its_files_is_reloaded_first() {
        let of = |greets: &str, answers: &str| {
            let mut said = ehlo(answers, true);
            said.greeting = greeting(greets).greeting;
            findings(&RULE, &served(vec![server("192.0.2.10:25", said)]), &dns(&[])).remove(0)
        };
        let behind = of("old.example.com", "old.example.com");
        assert!(behind.message.ends_with("; the running Postfix goes by an older configuration"), "{}", behind.message);
        let fix = behind.fix.unwrap();
        assert_eq!(fix.commands.last().unwrap(), "postfix reload");
        assert!(!fix.text.contains("smtpd_banner"), "{}", fix.text);
        let set = of("old.example.com", "mail.example.com");
        assert!(!set.message.contains("older"), "{}", set.message);
        assert!(set.fix.unwrap().text.contains("smtpd_banner"));
    }

    #[test]
    fn names_in_greetings() {
        let of = |name: &str| served(vec![server("192.0.2.10:25", greeting(name))]);
        let undecided = || {
            let (parameter, why) = ("smtp_helo_name".to_owned(), "a lookup".to_owned());
            Helo::Undecided(Undecided { parameter, why, origin: HERE })
        };
        let open = || dns(&[("192.0.2.10 PTR", &["timeout"])]);
        let found: &[&str] = &["warning 192.0.2.10:25"];
        let undetermined: &[&str] = &["warning? 192.0.2.10:25"];
        let broken = served(vec![server(
            "192.0.2.10:25",
            crate::facts::Conversation::failed(Fault::NotSmtp(Stage::Greeting, "+OK".into())),
        )]);
        check_table(
            &RULE,
            vec![
                ("the HELO name", of("Mail.Example.COM"), dns(&[]), &[]),
                ("a name of nobody", of("old.example.com"), dns(&[]), found),
                ("a PTR name", of("ptr.example.com"), dns(&[("192.0.2.10 PTR", &["ptr.example.com"])]), &[]),
                ("no PTR answer, the HELO name", of("mail.example.com"), open(), &[]),
                ("no PTR answer", of("old.example.com"), open(), undetermined),
                ("no name at all", of(""), dns(&[]), found),
                ("loopback alone", served(vec![server("127.0.0.1:25", greeting("old.example.com"))]), dns(&[]), &[]),
                ("another protocol", broken, dns(&[]), undetermined),
                ("a host that sends nothing", of("old.example.com").but(|f| f.paths.clear()), dns(&[]), &[]),
                (
                    "a HELO name that files do not decide",
                    of("old.example.com").but(|f| f.paths[0].helo = undecided()),
                    dns(&[]),
                    undetermined,
                ),
                ("not talked to", crate::rules::testing::healthy(), dns(&[]), &[]),
            ],
        );
    }
}
