//! What a certificate says.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Longest name of a certificate, in octets (RFC 1035 section 2.3.4).
const LONGEST: usize = 255;
/// Names of one certificate that are told: certificate authorities allow 100.
const NAMES: usize = 100;
/// Signature algorithms with SHA-1 (RFC 8017, RFC 5758): collisions of it can be bought.
const SHA1: [&str; 3] = ["1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.3.14.3.2.29"];
/// Bits of an RSA key below which no library accepts it any more (NIST SP 800-131A).
const RSA_LEAST: usize = 2048;

/// A certificate as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The names that it is for, as it has them: alternative names, else the common name (RFC 6125 section 6.4.4).
    pub names: Vec<String>,
    /// The second in which it begins to be valid, since 1970.
    pub from: i64,
    /// The last second in which it is.
    pub until: i64,
    /// Its number, in hexadecimal.
    pub serial: String,
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Why today's libraries refuse it whoever signed it.
    pub weak: Option<String>,
    /// The bits of its public key, as the key's kind writes them.
    pub public_key: Vec<u8>,
}

impl Certificate {
    /// Reads one in DER form; `None` where it is none.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let plain = |name: &str| (1..=LONGEST).contains(&name.len()).then(|| name.to_owned());
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let alternative = alternative.into_iter().flat_map(|names| names.value.general_names.iter());
        let mut names: Vec<String> = alternative
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => plain(name),
                _ => None,
            })
            .take(NAMES)
            .collect();
        if names.is_empty() {
            let common = certificate.subject().iter_common_name().filter_map(|name| plain(name.as_str().ok()?));
            names.extend(common.take(1));
        }
        Some(Certificate {
            names,
            from: certificate.validity().not_before.timestamp(),
            until: certificate.validity().not_after.timestamp(),
            serial: certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            weak: weakness(&certificate),
            public_key: certificate.public_key().subject_public_key.data.to_vec(),
        })
    }

    /// As reports name it: by its first name, else by its number.
    pub fn title(&self) -> String {
        self.names.first().cloned().unwrap_or_else(|| format!("serial number {}", self.serial))
    }

    /// Whether it is its own issuer.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether one of its names fits `name`.
    pub fn is_for(&self, name: &str) -> bool {
        self.names.iter().any(|own| fits(own, name))
    }
}

fn weakness(certificate: &X509Certificate<'_>) -> Option<String> {
    if let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed()
        && key.key_size() < RSA_LEAST
    {
        return Some(format!("its RSA key has {} bits", key.key_size()));
    }
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    SHA1.contains(&algorithm.as_str()).then(|| "it is signed with SHA-1".to_owned())
}

/// Whether a name in a certificate, which may begin with a wildcard label, fits a host name (RFC 6125 section 6.4.3).
pub fn fits(own: &str, name: &str) -> bool {
    let (own, name) = (own.trim_end_matches('.'), name.trim_end_matches('.'));
    match own.strip_prefix("*.") {
        // One label alone, and no wildcard directly below the root.
        Some(rest) => name.split_once('.').is_some_and(|(label, behind)| {
            !label.is_empty() && rest.contains('.') && behind.eq_ignore_ascii_case(rest)
        }),
        None => !own.is_empty() && own.eq_ignore_ascii_case(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::made;

    #[test]
    fn names_fit_as_receivers_compare_them() {
        for (own, name, fit) in [
            ("mail.example.com", "MAIL.example.com.", true),
            ("*.example.com", "mail.example.com", true),
            ("*.example.com", "a.mail.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("*", "example", false),
            ("", "", false),
            ("mail.*.com", "mail.example.com", false),
        ] {
            assert_eq!(fits(own, name), fit, "{own} {name}");
        }
    }

    #[test]
    fn what_a_certificate_says() {
        let issuer = made::issuer("Test Root");
        let made = made::signed(&issuer, &["mail.example.com", "*.mx.example.com"], made::DAYS);
        let read = Certificate::read(&made.der).unwrap();
        assert_eq!(read.names, ["mail.example.com", "*.mx.example.com"]);
        assert_eq!((read.from, read.until), made::DAYS);
        assert!(read.is_for("b.mx.example.com") && !read.is_for("www.example.com"));
        assert!(!read.is_self_signed() && read.issuer.contains("Test Root") && read.weak.is_none());
        assert_eq!(read.title(), "mail.example.com");
        for cut in [0, 1, made.der.len() / 2, made.der.len() - 1] {
            assert_eq!(Certificate::read(&made.der[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn weak_ones_are_told() {
        let weak = Certificate::read(&made::pem("rsa1024-sha1.pem")).unwrap();
        assert_eq!(weak.weak.as_deref(), Some("its RSA key has 1024 bits"));
        let sha1 = Certificate::read(&made::pem("rsa2048-sha1.pem")).unwrap();
        assert_eq!(sha1.weak.as_deref(), Some("it is signed with SHA-1"));
    }
}
