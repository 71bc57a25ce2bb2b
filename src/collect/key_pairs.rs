//! Whether the certificates and keys that the MTAs' configurations put together belong together. Of a key nothing is kept.

use crate::collect::root::{ReadError, Root};
use crate::dkim::KeyFault;
use crate::facts::{Exim, Fact, Facts, KeyPair, Mta, PairState, Postfix, Setting};
use crate::tls::Certificate;
use x509_parser::pem::Pem;

/// Pairs that are looked at: a server has one or two, seldom one for each of its names.
const PAIRS: usize = 32;
/// Parameters of Postfix: the certificate, and the key. By default both are one file.
const OF_POSTFIX: [(&str, &str); 2] =
    [("smtpd_tls_cert_file", "smtpd_tls_key_file"), ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file")];
/// Where it is set, the others are not read (postconf(5)).
const CHAIN_FILES: &str = "smtpd_tls_chain_files";

/// The pairs that the servers of the MTAs present which are judged.
pub(crate) fn key_pairs(root: &Root, facts: &Facts) -> Vec<KeyPair> {
    let judged = |mta| facts.mtas.judges(mta);
    let postfix = facts.postfix.iter().filter(|_| judged(Mta::Postfix)).flat_map(of_postfix);
    let exim = facts.exim.iter().filter(|_| judged(Mta::Exim)).flat_map(of_exim);
    let mut pairs: Vec<KeyPair> = Vec::new();
    for (setting, certificate, key) in postfix.chain(exim).take(PAIRS) {
        let same = |known: &KeyPair| known.certificate.value == certificate.value && known.key.value == key.value;
        if !pairs.iter().any(same) {
            let state = state(root, &certificate.value, &key.value);
            pairs.push(KeyPair { setting, certificate, key, state });
        }
    }
    pairs
}

type Named = (String, Fact<String>, Fact<String>);

fn of_postfix(instance: &Postfix) -> Vec<Named> {
    let fact = |set: &Setting| set.fact().filter(|fact| !fact.value.is_empty() && fact.value != "none");
    let main = |name: &str| instance.parameters.get(name).and_then(fact);
    if let Some(chains) = main(CHAIN_FILES) {
        let files = chains.value.split([',', ' ', '\t']).filter(|file| file.starts_with('/'));
        return files
            .map(|file| (CHAIN_FILES.to_owned(), chains.with(file.into()), chains.with(file.into())))
            .collect();
    }
    let mut found = Vec::new();
    for (certificate, key) in OF_POSTFIX {
        found.extend(main(certificate).zip(main(key)).map(|(one, other)| (certificate.to_owned(), one, other)));
        for service in instance.services.iter().filter(|service| service.kind == "inet" && !service.off) {
            let set = |name: &str| service.overrides.get(name).and_then(fact);
            let Some(own) = set(certificate) else { continue };
            // Unless it is set, the key is where the certificate is, by the value that this service has.
            let is_default = instance.parameters.get(key).is_none_or(|key| key.origin.span().is_none());
            let beside = set(key).or_else(|| if is_default { Some(own.clone()) } else { main(key) });
            found.extend(beside.map(|key| (certificate.to_owned(), own, key)));
        }
    }
    found
}

fn of_exim(exim: &Exim) -> Vec<Named> {
    let value = |name: &str| {
        let set = exim.main.get(name)?;
        let plain = set.expanded.clone().or_else(|| set.value.clone().filter(|value| !value.contains('$')))?;
        Some(set.fact()?.with(plain)).filter(|fact| !fact.value.is_empty())
    };
    let (Some(certificates), Some(set)) = (value("tls_certificate"), exim.main.get("tls_privatekey")) else {
        return Vec::new();
    };
    // Both are lists, which are taken together item by item (Exim specification, section 43.5).
    let items = |fact: &Fact<String>| -> Vec<Fact<String>> {
        fact.value.split(':').map(str::trim).filter(|file| file.starts_with('/')).map(|f| fact.with(f.into())).collect()
    };
    let certificates = items(&certificates);
    let keys = match value("tls_privatekey") {
        Some(keys) => items(&keys),
        None if set.value.as_deref() == Some("") => certificates.clone(),
        // What only run time decides.
        None => return Vec::new(),
    };
    certificates.into_iter().zip(keys).map(|(one, other)| ("tls_certificate".to_owned(), one, other)).collect()
}

fn state(root: &Root, certificate: &str, key: &str) -> PairState {
    let leaf = match root.read_certificates(certificate) {
        Ok(text) => {
            Pem::iter_from_buffer(text.as_bytes()).flatten().next().and_then(|pem| Certificate::read(&pem.contents))
        }
        Err(error) => return unread(certificate, &error),
    };
    let Some(leaf) = leaf else {
        return PairState::Unusable(certificate.to_owned(), "it holds no certificate in PEM form".to_owned());
    };
    let file = match root.read_signing_key(key) {
        Ok(file) => file,
        Err(error) => return unread(key, &error),
    };
    match file.belongs_to(&leaf.public_key) {
        Ok(true) => PairState::Match,
        Ok(false) => PairState::Mismatch,
        Err(fault @ (KeyFault::NotAKey | KeyFault::Broken)) => PairState::Unusable(key.to_owned(), fault.to_string()),
        Err(KeyFault::OtherKind) => {
            PairState::Unknown(key.to_owned(), "it is encrypted, or of a kind that is not read".to_owned())
        }
        Err(fault) => PairState::Unknown(key.to_owned(), fault.to_string()),
    }
}

fn unread(file: &str, error: &ReadError) -> PairState {
    match error {
        ReadError::NotFound | ReadError::NotRegular(_) => PairState::Unusable(file.to_owned(), error.to_string()),
        error => PairState::Unknown(file.to_owned(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::root;
    use crate::tls::made::{self, DAYS, Made};

    fn pem(label: &str, der: &[u8]) -> String {
        let text = serde_json::to_string(&crate::facts::Der(der.to_vec())).unwrap();
        let body: Vec<String> =
            text.trim_matches('"').as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", body.join("\n"))
    }

    fn certificate(made: &Made) -> String {
        pem("CERTIFICATE", &made.der)
    }

    fn key(made: &Made) -> String {
        pem("PRIVATE KEY", &made.key)
    }

    /// The pairs of a host with these files: setting, files, state.
    fn found(files: &[(&str, String)]) -> Vec<(String, PairState)> {
        let (_dir, root) = root(files);
        let facts = crate::collect::collect(&root, None);
        let pairs = key_pairs(&root, &facts);
        let json = serde_json::to_string(&pairs).unwrap();
        assert!(!json.contains("PRIVATE KEY"), "{json}");
        let shown = |pair: &KeyPair| format!("{} {} {}", pair.setting, pair.certificate.value, pair.key.value);
        pairs.iter().map(|pair| (shown(pair), pair.state.clone())).collect()
    }

    fn postfix(main: &str) -> [(&'static str, String); 2] {
        let master = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n";
        [("/etc/postfix/main.cf", main.to_owned()), ("/etc/postfix/master.cf", master.to_owned())]
    }

    #[test]
    fn pairs_of_postfix() {
        let (one, other) = (made::alone(&["a.example.com"], DAYS), made::alone(&["b.example.com"], DAYS));
        let both = "smtpd_tls_cert_file = /etc/a.crt\nsmtpd_tls_key_file = /etc/a.key\n";
        let of = |main: &str, certificate: String, key: String| {
            let files = [("/etc/a.crt", certificate), ("/etc/a.key", key)];
            found(&[&postfix(main)[..], &files].concat()).into_iter().map(|(_, state)| state).collect::<Vec<_>>()
        };
        assert_eq!(of(both, certificate(&one), key(&one)), [PairState::Match]);
        assert_eq!(of(both, certificate(&one), key(&other)), [PairState::Mismatch]);
        let unusable = |file: &str, why: &str| [PairState::Unusable(file.into(), why.into())];
        assert_eq!(of(both, "x".into(), key(&one)), unusable("/etc/a.crt", "it holds no certificate in PEM form"));
        assert_eq!(
            of(both, certificate(&one), "x".into()),
            unusable("/etc/a.key", "it holds no private key in PEM form")
        );
        let encrypted = pem("ENCRYPTED PRIVATE KEY", &one.key);
        assert!(matches!(of(both, certificate(&one), encrypted)[..], [PairState::Unknown(..)]));
        assert_eq!(of("smtpd_tls_cert_file = none\n", certificate(&one), key(&one)), []);
        let together = certificate(&one) + &key(&one);
        assert_eq!(of("smtpd_tls_cert_file = /etc/a.crt\n", together.clone(), String::new()), [PairState::Match]);
        let chains = format!("{both}smtpd_tls_chain_files = /etc/a.crt, /etc/none\n");
        let states = of(&chains, together, key(&other));
        assert!(
            matches!(&states[..], [PairState::Match, PairState::Unusable(file, _)] if file == "/etc/none"),
            "{states:?}"
        );
    }

    #[test]
    fn pairs_of_exim() {
        let (one, other) = (made::alone(&["a.example.com"], DAYS), made::alone(&["b.example.com"], DAYS));
        let of = |main: &str| {
            let files = [
                ("/etc/exim4/exim4.conf", main.to_owned()),
                ("/etc/a.crt", certificate(&one)),
                ("/etc/a.key", key(&one)),
                ("/etc/b.pem", certificate(&other) + &key(&other)),
            ];
            found(&files)
        };
        let (a, b) = ("tls_certificate /etc/a.crt /etc/a.key", "tls_certificate /etc/b.pem /etc/b.pem");
        assert_eq!(of("tls_certificate = /etc/a.crt\ntls_privatekey = /etc/a.key\n"), [(a.into(), PairState::Match)]);
        assert_eq!(of("tls_certificate = /etc/b.pem\n"), [(b.into(), PairState::Match)]);
        let crossed = of("tls_certificate = /etc/a.crt\ntls_privatekey = /etc/b.pem\n");
        assert_eq!(crossed[0].1, PairState::Mismatch);
        assert_eq!(of("tls_certificate = /etc/$tls_in_sni.crt\ntls_privatekey = /etc/a.key\n"), []);
        assert_eq!(of("primary_hostname = a.example.com\n"), []);
    }
}
