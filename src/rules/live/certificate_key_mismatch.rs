use crate::facts::PairState;
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A configured certificate and its key do not belong together, or cannot be read.
    ///
    /// ## Condition
    /// The public part of the key is not that of the certificate beside which the configuration puts it; or one of the two files is missing or
    /// holds none. Undetermined where a file may not be read, or the key is encrypted. Only with `--live`. Subject: the file of the key, else the one
    /// that is not to be used.
    ///
    /// ## Why it matters
    /// The server cannot present the certificate: Postfix and Exim offer STARTTLS and then answer it with a temporary error. A server that runs
    /// since before the change goes on until its next start.
    ///
    /// ## Fix
    /// Put the key beside the certificate that was made for it, then reload.
    ///
    /// ## When to ignore
    /// Never.
    pub static RULE = {
        code: "TLS003",
        name: "certificate-key-mismatch",
        severity: Error,
        refs: ["postconf(5): smtpd_tls_key_file", "Exim specification: tls_privatekey"],
        needs: [Facts, Smtp],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let Some(served) = cx.facts.served.as_deref() else { return Vec::new() };
    let mut findings = Vec::new();
    for pair in &served.pairs {
        let (certificate, key) = (&pair.certificate, &pair.key);
        let finding = match &pair.state {
            PairState::Match => continue,
            PairState::Mismatch => {
                let message =
                    format!("the key in {} is not that of the certificate in {}", key.value, certificate.value);
                RULE.violated(&key.value, message).fix(Fix::new(
                    Who::Host,
                    "Put the key beside the certificate that was made for it, or have a new certificate issued for it; then reload.",
                ))
            }
            PairState::Unusable(file, why) => {
                let message = format!("{file}, which `{}` needs, cannot be used: {why}", pair.setting);
                RULE.violated(file, message).fix(Fix::new(
                    Who::Host,
                    "Put the file where the configuration names it, or name the right one; then reload.",
                ))
            }
            PairState::Unknown(file, why) => {
                let message =
                    format!("whether {} belongs to {} could not be seen: {file}: {why}", key.value, certificate.value);
                RULE.undetermined(file, message)
            }
        };
        findings.push(finding.place(&certificate.origin, "certificate").place(&key.origin, "key"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{KeyPair, Served};
    use crate::rules::testing::{But, check_table, dns, fact, healthy};
    use std::sync::Arc;

    #[test]
    fn pairs() {
        let of = |state| {
            let pair = KeyPair {
                setting: "smtpd_tls_cert_file".into(),
                certificate: fact("/etc/mail.crt".into()),
                key: fact("/etc/mail.key".into()),
                state,
            };
            healthy().but(|f| f.served = Some(Arc::new(Served { pairs: vec![pair], ..Served::default() })))
        };
        let (file, why) = ("/etc/mail.crt".to_owned(), "no such file".to_owned());
        check_table(
            &RULE,
            vec![
                ("they do", of(PairState::Match), dns(&[]), &[]),
                ("they do not", of(PairState::Mismatch), dns(&[]), &["error /etc/mail.key"]),
                ("no file", of(PairState::Unusable(file.clone(), why.clone())), dns(&[]), &["error /etc/mail.crt"]),
                ("not to be read", of(PairState::Unknown(file, why)), dns(&[]), &["error? /etc/mail.crt"]),
            ],
        );
    }
}
