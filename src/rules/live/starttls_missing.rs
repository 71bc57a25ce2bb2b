use super::servers::{evidence, public};
use crate::facts::Mta;
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A mail server offers no encryption.
    ///
    /// ## Condition
    /// On port 25 or 587 the reply to EHLO does not offer STARTTLS. Servers that listen on loopback addresses alone do not count. Only with
    /// `--live`. Subject: the socket.
    ///
    /// ## Why it matters
    /// Mail to this host crosses the network in plain text. Gmail marks such senders' replies, some receivers deliver to encrypted servers alone, and on
    /// port 587 passwords would go in plain text.
    ///
    /// ## Fix
    /// Postfix: `smtpd_tls_security_level = may` and a certificate. Exim: `tls_advertise_hosts = *` and a certificate.
    ///
    /// ## When to ignore
    /// Where a filter in front of the server speaks TLS.
    pub static RULE = {
        code: "TLS004",
        name: "starttls-missing",
        severity: Warning,
        refs: ["RFC 3207 section 4", "RFC 8314 section 3", "postconf(5): smtpd_tls_security_level"],
        needs: [Facts, Smtp],
        check: check,
    };
}

/// Ports on which TLS begins with STARTTLS.
const PORTS: [u16; 2] = [25, 587];

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in public(cx).filter(|server| PORTS.contains(&server.listener.port) && !server.listener.wrapped) {
        let Some(said) = server.plain() else { continue };
        let (Some(false), Some(reply)) = (said.offers_tls(), &said.ehlo) else { continue };
        let text = match server.listener.mta {
            Mta::Postfix => {
                "Set smtpd_tls_security_level = may, and a certificate by smtpd_tls_chain_files; where both are set, the mail log says why \
                 TLS is not offered."
            }
            Mta::Exim => {
                "Set tls_advertise_hosts = *, tls_certificate and tls_privatekey; where they are set, the main log says why TLS is not \
                 offered."
            }
        };
        let message = format!("{} does not offer STARTTLS", server.asked);
        findings.push(
            RULE.violated(server.asked, message)
                .place(&server.listener.origin, "listens here")
                .evidence([evidence(server, "EHLO", reply)])
                .fix(Fix::new(Who::Host, text)),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Conversation, Fault};
    use crate::rules::live::testing::{ehlo, greeting, served, server};
    use crate::rules::testing::{check_table, dns};

    #[test]
    fn offers() {
        let of = |socket: &str, said: Conversation| served(vec![server(socket, said)]);
        let bare = || ehlo("mail.example.com", false);
        let mut wrapped = server("192.0.2.10:587", bare());
        wrapped.listener.wrapped = true;
        check_table(
            &RULE,
            vec![
                ("offered", of("192.0.2.10:25", ehlo("mail.example.com", true)), dns(&[]), &[]),
                ("not offered", of("192.0.2.10:25", bare()), dns(&[]), &["warning 192.0.2.10:25"]),
                ("not for submission", of("[2001:db8::1]:587", bare()), dns(&[]), &["warning [2001:db8::1]:587"]),
                ("another port", of("192.0.2.10:2525", bare()), dns(&[]), &[]),
                ("this host alone", of("127.0.0.1:25", bare()), dns(&[]), &[]),
                ("TLS from the beginning", served(vec![wrapped]), dns(&[]), &[]),
                ("nothing heard", of("192.0.2.10:25", Conversation::failed(Fault::Refused)), dns(&[]), &[]),
                ("a greeting alone", of("192.0.2.10:25", greeting("mail.example.com")), dns(&[]), &[]),
            ],
        );
    }
}
