//! Whether a chain of certificates leads to an issuer that the system trusts.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};

use super::Certificate;
use crate::facts::{Der, Trusted};

/// Issuers that are trusted.
#[derive(Debug, Clone)]
pub struct Roots(Result<Arc<RootCertStore>, String>);

impl Roots {
    /// The system's. They are files: read before anything is sent.
    pub fn of_the_system() -> Roots {
        let found = rustls_native_certs::load_native_certs();
        let why = found.errors.first().map_or_else(|| "none is installed".to_owned(), ToString::to_string);
        match Roots::new(found.certs) {
            Roots(Err(_)) => Roots(Err(why)),
            roots => roots,
        }
    }

    /// These certificates.
    pub fn new(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Roots {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        if store.is_empty() { Roots(Err("none is installed".to_owned())) } else { Roots(Ok(Arc::new(store))) }
    }

    /// Whether a chain, as it was sent, leads to one of them at a time (seconds since 1970). Neither its names nor the server's own dates
    /// count: where it is not valid at that time, the nearest at which it is stands for it.
    pub fn judge(&self, chain: &[Der], now: i64) -> Trusted {
        let roots = match &self.0 {
            Ok(roots) => roots,
            Err(why) => return Trusted::Unknown(why.clone()),
        };
        let read: Option<Vec<Certificate>> = chain.iter().map(|der| Certificate::read(&der.0)).collect();
        let Some((own, others)) = read.as_deref().and_then(<[Certificate]>::split_first) else {
            return Trusted::No("holds something that is no certificate".to_owned());
        };
        let at = now.min(own.until).max(own.from);
        let error = match verify(roots, chain, at) {
            Ok(()) if is_in_order(own, others) => return Trusted::Yes,
            Ok(()) => return Trusted::No(format!("is in the wrong order: {}", order(own, others))),
            Err(error) => error,
        };
        Trusted::No(why(own, others, &error, at))
    }
}

fn verify(roots: &RootCertStore, chain: &[Der], at: i64) -> Result<(), rustls::Error> {
    let mut all = chain.iter().map(|der| CertificateDer::from(der.0.as_slice()));
    let own = all.next().ok_or(rustls::Error::NoCertificatesPresented)?;
    let others: Vec<CertificateDer<'_>> = all.collect();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at).unwrap_or(0)));
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    verify_server_cert_signed_by_trust_anchor(&ParsedCertificate::try_from(&own)?, roots, &others, now, algorithms.all)
}

/// Whether each certificate is followed by its issuer's (RFC 5246 section 7.4.2). Those behind the last one that is needed count too: nobody
/// sends them on purpose.
fn is_in_order(own: &Certificate, others: &[Certificate]) -> bool {
    let all: Vec<&Certificate> = std::iter::once(own).chain(others).collect();
    all.windows(2).all(|pair| matches!(pair, [one, next] if one.issuer == next.subject))
}

fn order(own: &Certificate, others: &[Certificate]) -> String {
    let names: Vec<String> = std::iter::once(own).chain(others).map(|one| format!("`{}`", one.subject)).collect();
    names.join(", ")
}

/// Why it leads to no trusted issuer, in words that continue "the chain".
fn why(own: &Certificate, others: &[Certificate], error: &rustls::Error, at: i64) -> String {
    if let Some((weak, of)) = std::iter::once(own).chain(others).find_map(|one| Some((one.weak.as_ref()?, one))) {
        return format!("is too weak for today's libraries: of `{}`, {weak}", of.subject);
    }
    let mut top = own;
    // As far as the certificates that were sent lead, each being used once.
    for _ in others {
        match others.iter().find(|one| one.subject == top.issuer && !top.is_self_signed()) {
            Some(next) => top = next,
            None => break,
        }
    }
    let unknown = matches!(
        error,
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::InvalidPurpose)
    );
    let ended = others.iter().find(|one| at < one.from || one.until < at);
    match error {
        _ if top.is_self_signed() && others.is_empty() => {
            "is one certificate that nobody but itself has signed".to_owned()
        }
        _ if top.is_self_signed() => format!("ends in `{}`, which this system does not trust", top.subject),
        _ if unknown && others.is_empty() => {
            format!("ends with the server's own certificate: that of its issuer `{}` is missing", top.issuer)
        }
        _ if unknown => {
            format!("ends before it reaches an issuer that this system trusts: `{}` is missing", top.issuer)
        }
        _ if ended.is_some() => {
            format!("has an issuer's certificate that is not valid: `{}`", ended.map_or("", |one| one.subject.as_str()))
        }
        rustls::Error::InvalidCertificate(error) => format!("is not taken: {error}"),
        error => format!("is not taken: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::made::{self, DAYS, Made};

    const NOW: i64 = DAYS.0 + 86_400;

    fn judged(roots: &[&Made], chain: &[&Made]) -> Trusted {
        let roots = Roots::new(roots.iter().map(|made| CertificateDer::from(made.der.clone())));
        roots.judge(&chain.iter().map(|made| Der(made.der.clone())).collect::<Vec<_>>(), NOW)
    }

    #[test]
    fn chains() {
        let root = made::issuer("Test Root");
        let between = made::issuer_below(&root, "Test Between");
        let own = made::signed(&between, &["mail.example.com"], DAYS);
        let alone = made::alone(&["mail.example.com"], DAYS);
        let (top, middle) = (root.made(), between.made());
        let no = |trusted: Trusted, words: &str| match trusted {
            Trusted::No(why) => assert!(why.contains(words), "{why}"),
            other => panic!("{words}: {other:?}"),
        };
        assert_eq!(judged(&[&top], &[&own, &middle]), Trusted::Yes);
        assert_eq!(judged(&[&top], &[&own, &middle, &top]), Trusted::Yes, "the root may be sent");
        no(judged(&[&top], &[&own, &top, &middle]), "wrong order");
        no(judged(&[&top], &[&own]), "`CN=Test Between` is missing");
        no(judged(&[&top], &[&alone]), "nobody but itself");
        no(judged(&[&alone], &[&own, &middle]), "`CN=Test Root` is missing");
        no(judged(&[&alone], &[&own, &middle, &top]), "ends in `CN=Test Root`");
        assert!(matches!(judged(&[], &[&own]), Trusted::Unknown(_)));
        no(Roots::new([CertificateDer::from(top.der.clone())]).judge(&[Der(vec![0; 9])], NOW), "no certificate");
        no(Roots::new([CertificateDer::from(top.der)]).judge(&[], NOW), "no certificate");
        let weak = made::pem("rsa1024-sha1.pem");
        no(judged(&[&alone], &[&Made { der: weak, key: Vec::new() }]), "1024 bits");
    }

    #[test]
    fn the_servers_own_dates_do_not_count() {
        let root = made::issuer("Test Root");
        for days in [(DAYS.0, DAYS.0 + 3_600), (NOW + 3_600, NOW + 7_200)] {
            let own = made::signed(&root, &["mail.example.com"], days);
            assert_eq!(judged(&[&root.made()], &[&own]), Trusted::Yes, "{days:?}");
        }
    }
}
