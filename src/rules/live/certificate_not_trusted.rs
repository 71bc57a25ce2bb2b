use super::servers::{certificates, public, said};
use crate::facts::Trusted;
use crate::findings::{Finding, Fix, Severity, Who};
use crate::rules::{Context, rule};

rule! {
    /// A mail server's certificate leads to no issuer that this system trusts.
    ///
    /// ## Condition
    /// The chain as the server sends it, names and the server's own dates apart, ends before a trust root of this system: an issuer's certificate is
    /// missing, it signed itself, it is in the wrong order, or too weak (SHA-1, RSA below 2048 bits). Warning on ports 465 and 587, which people's
    /// programs connect to; info elsewhere. Only with `--live`. Subject: the certificate, by its first name.
    ///
    /// ## Why it matters
    /// Programs of users refuse it or ask; some find a missing certificate by themselves and others do not, so that it works for half of them. Between
    /// servers it counts for those alone that check (MTA-STS).
    ///
    /// ## Fix
    /// Present the chain as the issuer gives it: the server's certificate first, then each issuer's (`fullchain.pem`), without the root.
    ///
    /// ## When to ignore
    /// Where a certificate of one's own is meant, and every program that connects knows it.
    pub static RULE = {
        code: "TLS005",
        name: "certificate-not-trusted",
        severity: Info,
        refs: ["RFC 8446 section 4.4.2", "RFC 5280 section 6", "RFC 8314 section 4.2"],
        needs: [Facts, Smtp],
        check: check,
    };
}

/// Ports that people's programs connect to.
const SUBMISSION: [u16; 2] = [465, 587];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in public(cx) {
        let severity = if SUBMISSION.contains(&server.listener.port) { Severity::Warning } else { Severity::Info };
        for (conversation, certificate) in certificates(server) {
            let Some(Trusted::No(why)) = conversation.tls.as_ref().map(|tls| &tls.trust) else { continue };
            let title = certificate.title();
            let message = format!("the chain of the certificate `{title}` that {} presents {why}", server.asked);
            findings.push(
                RULE.violated(title, message)
                    .severity(severity)
                    .place(&server.listener.origin, "listens here")
                    .evidence([said(server, "certificate", format!("issued by `{}`", certificate.issuer))])
                    .fix(Fix::new(
                        Who::Host,
                        "Let the MTA present the whole chain, the server's certificate first, then that of each issuer; then reload.",
                    )),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::live::testing::{served, server, tls};
    use crate::rules::testing::{check_table, dns};
    use crate::tls::made::{self, DAYS};

    #[test]
    fn chains() {
        let certificate = made::alone(&["mail.example.com"], DAYS);
        let of = |socket: &str, trust: Trusted| {
            let mut said = tls(None, &[&certificate]);
            said.tls.as_mut().unwrap().trust = trust;
            served(vec![server(socket, said)])
        };
        let no = || Trusted::No("is in the wrong order".into());
        check_table(
            &RULE,
            vec![
                ("trusted", of("192.0.2.10:25", Trusted::Yes), dns(&[]), &[]),
                ("between servers", of("192.0.2.10:25", no()), dns(&[]), &["info mail.example.com"]),
                ("for users", of("192.0.2.10:587", no()), dns(&[]), &["warning mail.example.com"]),
                ("no roots here", of("192.0.2.10:587", Trusted::Unknown("none".into())), dns(&[]), &[]),
                ("this host alone", of("127.0.0.1:587", no()), dns(&[]), &[]),
            ],
        );
    }
}
