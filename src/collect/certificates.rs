//! What the certificates are for that mail servers present: of each file that a configuration names, the names in its first certificate. A file
//! that not everyone may read and that holds a key is not read.

use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

use crate::collect::root::Root;
use crate::facts::{Certificate, Exim, Fact, Postfix, Setting};

/// Files that are looked at: a server has one or two, seldom one for each of its names.
const FILES: usize = 32;
/// Names of one certificate that are told: certificate authorities allow 100.
const NAMES: usize = 100;
/// Longest name, in octets (RFC 1035 section 2.3.4).
const LONGEST: usize = 255;
/// Largest text in which a certificate is looked for, in octets: a chain of a few has less than a tenth of it.
const LARGEST: usize = 256 << 10;
/// The parameter of Postfix, whose file everyone may read; where keys stand with certificates (`smtpd_tls_chain_files`), they are not.
const OF_POSTFIX: &str = "smtpd_tls_cert_file";
/// The main option of Exim.
const OF_EXIM: &str = "tls_certificate";

/// The certificates that these configurations name, each file once for each setting.
pub(crate) fn collect(root: &Root, postfix: &[Postfix], exim: &[Exim]) -> Vec<Certificate> {
    let parameters = postfix.iter().filter_map(|instance| Some((OF_POSTFIX, instance.parameters.get(OF_POSTFIX)?)));
    let options = exim.iter().filter_map(|configuration| Some((OF_EXIM, configuration.main.get(OF_EXIM)?)));
    let named = parameters.chain(options).flat_map(|(name, setting)| files(name, setting));
    let mut all: Vec<Certificate> = Vec::new();
    for (setting, file) in named.take(FILES) {
        if all.iter().any(|known| known.setting == setting && known.file.value == file.value) {
            continue;
        }
        let Some((names, until)) = root.read(&file.value).ok().and_then(|text| names_in(text.text())) else { continue };
        all.push(Certificate { setting: setting.to_owned(), file, names, until });
    }
    all
}

/// The files that a setting names, of Exim several; what only run time knows is none.
fn files<'s>(name: &'s str, setting: &Setting) -> Vec<(&'s str, Fact<String>)> {
    let Some(set) = setting.fact() else { return Vec::new() };
    let words = set.value.split([':', ' ']).filter(|word| word.starts_with('/') && !word.contains('$'));
    words.map(|word| (name, set.with(word.to_owned()))).collect()
}

/// The names in the first certificate of a text, sorted, and the second in which it ends, since 1970; `None` where there is none.
pub(crate) fn names_in(text: &str) -> Option<(Vec<String>, i64)> {
    if text.len() > LARGEST {
        return None;
    }
    let pem = Pem::iter_from_buffer(text.as_bytes()).take(FILES).flatten().find(|pem| pem.label == "CERTIFICATE")?;
    let certificate = pem.parse_x509().ok()?;
    let mut names: Vec<String> = names(&certificate)
        .into_iter()
        .filter(|name| !name.is_empty() && name.len() <= LONGEST)
        .map(|name| name.to_ascii_lowercase())
        .take(NAMES)
        .collect();
    names.sort();
    names.dedup();
    Some((names, certificate.validity().not_after.timestamp()))
}

/// The common name, which old programs look at, and the alternative names (RFC 6125).
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()).map(str::to_owned);
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.into_iter().flat_map(|names| names.value.general_names.iter());
    let alternative = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    common.chain(alternative).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For mail.example.com, with the alternative names Mail.Example.com and smtp.example.com.
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB1DCCAXqgAwIBAgIUfIn+2ilrNU/L2VnbbWr/gvH1saUwCgYIKoZIzj0EAwIw\nGzEZMBcGA1UEAwwQTWFpbC5FeGFtcGxlLmNvbTAeFw0yNjExMjkwOTU1MThaFw0z\nNjExMjYwOTU1MThaMBsxGTAXBgNVBAMMEE1haWwuRXhhbXBsZS5jb20wWTATBgcq\nhkjOPQIBBggqhkjOPQMBBwNCAARM7GJAGzfOvsEvtGJWVw9+ySmQInbbIIR8LGRm\n5y+OhtmjdrgIuP0hpO2XWlGVf+at7tPqqSuSixw9bAow3a/Bo4GbMIGYMB0GA1Ud\nDgQWBBS/3M2UknlRd9ejoPrbBtWSjrcbIjAfBgNVHSMEGDAWgBS/3M2UknlRd9ej\noPrbBtWSjrcbIjAPBgNVHRMBAf8EBTADAQH/MEUGA1UdEQQ+MDyCEG1haWwuZXhh\nbXBsZS5jb22CEHNtdHAuZXhhbXBsZS5jb22HBMsAcQqBEHJvb3RAZXhhbXBsZS5j\nb20wCgYIKoZIzj0EAwIDSAAwRQIgEHrmXXpseELvYjm7LSV7oMPAlFpYMF3Q1tWw\n5ORSNxkCIQDBxve3zKolN8a+a2w5JwSQ8FFJVqqY5HQ4OL5iJ1gI2A==\n-----END CERTIFICATE-----\n";

    #[test]
    fn names_of_the_first_certificate() {
        let (names, until) = names_in(CERTIFICATE).unwrap();
        assert_eq!(names, ["mail.example.com", "smtp.example.com"]);
        assert_eq!(until, 2_111_306_118);
        let key = format!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n{CERTIFICATE}");
        assert_eq!(names_in(&key).unwrap().0, names, "what stands before it does not count");
        for text in ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &CERTIFICATE[..300]] {
            assert_eq!(names_in(text), None, "{text}");
        }
        let padded = |length: usize| format!("{CERTIFICATE}{}", " ".repeat(length - CERTIFICATE.len()));
        assert!(names_in(&padded(LARGEST)).is_some() && names_in(&padded(LARGEST + 1)).is_none());
    }

    #[test]
    fn files_that_configurations_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("etc/postfix")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("etc/mail.crt", CERTIFICATE);
        write("etc/none.crt", "nothing");
        write("etc/postfix/main.cf", "smtpd_tls_cert_file = /etc/mail.crt\n");
        write("etc/postfix/master.cf", "smtp unix - - n - - smtp\n");
        std::fs::create_dir(dir.path().join("etc/exim4")).unwrap();
        write("etc/exim4/exim4.conf", "tls_certificate = /etc/none.crt : /etc/mail.crt : /etc/absent\n");
        let root = Root::open(dir.path()).unwrap();
        let found = crate::collect::collect(&root, None).certificates;
        let shown: Vec<String> =
            found.iter().map(|one| format!("{} {} {}", one.setting, one.file.value, one.names.join(","))).collect();
        let names = "mail.example.com,smtp.example.com";
        assert_eq!(
            shown,
            [format!("smtpd_tls_cert_file /etc/mail.crt {names}"), format!("tls_certificate /etc/mail.crt {names}")]
        );
    }
}
