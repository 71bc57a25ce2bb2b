use super::servers::{broken_off, evidence, older, read_again, servers};
use crate::facts::Stage;
use crate::findings::Finding;
use crate::rules::{Context, rule};

rule! {
    /// A running mail server answers EHLO with another name than is configured.
    ///
    /// ## Condition
    /// The name in the reply to EHLO differs from the configured one: `myhostname` as the server sees it, Exim's `smtp_active_hostname`, else its
    /// `primary_hostname`. Silent where files do not decide that name. Only with `--live`. Subject: the socket.
    ///
    /// ## Why it matters
    /// The server runs with an older configuration than stands in its files: it was not reloaded or restarted since. What else was changed does not
    /// count yet either, and helolint judges the files.
    ///
    /// ## Fix
    /// Have the MTA check its configuration, then reload Postfix or restart Exim.
    ///
    /// ## When to ignore
    /// Where another program answers in the MTA's place on purpose, such as a filter on port 25.
    pub static RULE = {
        code: "SMT002",
        name: "ehlo-mismatch",
        severity: Warning,
        refs: ["RFC 5321 section 4.1.1.1", "postconf(5): myhostname", "Exim specification: smtp_active_hostname"],
        needs: [Facts, Smtp],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in servers(cx) {
        if server.listener.name.is_some() {
            findings.extend(broken_off(&RULE, server, &[Stage::Ehlo, Stage::EhloInTls]));
        }
        let Some((configured, name, reply)) = older(server) else { continue };
        let mta = server.listener.mta;
        let message = format!(
            "{} answers EHLO as `{name}`, and `{}` is configured: the running {mta} goes by an older configuration",
            server.asked, configured.value
        );
        findings.push(
            RULE.violated(server.asked, message)
                .place(&configured.origin, "configured name")
                .via(&configured.via, "")
                .evidence([evidence(server, "EHLO", reply)])
                .fix(read_again(cx.facts, server)),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fault;
    use crate::rules::live::testing::{ehlo, greeting, served, server};
    use crate::rules::testing::{check_table, dns, fact};

    #[test]
    fn names_in_replies_to_ehlo() {
        let of = |name: &str, configured: Option<&str>| {
            let mut one = server("192.0.2.10:25", ehlo(name, true));
            one.listener.name = configured.map(|name| fact(name.to_owned()));
            served(vec![one])
        };
        let configured = Some("mail.example.com");
        let mut late = greeting("mail.example.com");
        late.fault = Some(Fault::Late(Stage::Ehlo));
        let found: &[&str] = &["warning 192.0.2.10:25"];
        check_table(
            &RULE,
            vec![
                ("as configured", of("MAIL.example.com", configured), dns(&[]), &[]),
                ("another name", of("old.example.com", configured), dns(&[]), found),
                ("undecided", of("old.example.com", None), dns(&[]), &[]),
                ("no reply", served(vec![server("192.0.2.10:25", late)]), dns(&[]), &["warning? 192.0.2.10:25"]),
            ],
        );
    }
}
