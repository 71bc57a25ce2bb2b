//! What the certificates are for that mail servers present: of each file that a configuration names, the names in its first certificate. Keys
//! that stand in such a file are seen by nothing.

use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

use crate::collect::root::Root;
use crate::facts::{Certificate, Cpanel, Exim, Fact, Origin, Postfix, Setting};
use crate::source::SourceFile;

/// Files that are looked at: a server has one or two, seldom one for each of its names.
const FILES: usize = 32;
/// Names of one certificate that are told: certificate authorities allow 100.
const NAMES: usize = 100;
/// Longest name, in octets (RFC 1035 section 2.3.4).
const LONGEST: usize = 255;
/// Largest text in which a certificate is looked for, in octets.
const LARGEST: usize = crate::collect::root::CERTIFICATES_LIMIT;
/// Parameters of Postfix: what it presents as a server, then as a client. Where chain files are set, the others are not read (postconf(5)).
const OF_POSTFIX: [&str; 6] = [
    "smtpd_tls_chain_files",
    "smtpd_tls_cert_file",
    "smtpd_tls_eccert_file",
    "smtp_tls_chain_files",
    "smtp_tls_cert_file",
    "smtp_tls_eccert_file",
];
/// The option of Exim, main and of a transport.
const OF_EXIM: &str = "tls_certificate";
/// Where cPanel keeps what WHM » Manage Service SSL Certificates installs, for each service: what an administrator installed, then what cPanel
/// made. Seen on servers; no documentation names them.
const OF_CPANEL: [(&str, [&str; 2]); 2] = [
    ("cPanel exim", ["/var/cpanel/ssl/exim/myexim.crt", "/var/cpanel/ssl/exim/exim.crt"]),
    ("cPanel dovecot", ["/var/cpanel/ssl/dovecot/mydovecot.crt", "/var/cpanel/ssl/dovecot/dovecot.crt"]),
];

/// The certificates that these configurations name, each file once for each setting.
pub(crate) fn collect(root: &Root, postfix: &[Postfix], exim: &[Exim], cpanel: Option<&Cpanel>) -> Vec<Certificate> {
    let named = postfix.iter().flat_map(of_postfix).chain(exim.iter().flat_map(of_exim));
    let mut all: Vec<Certificate> = Vec::new();
    for (setting, file) in named.chain(cpanel.into_iter().flat_map(|_| of_cpanel(root))).take(FILES) {
        if all.iter().any(|known| known.setting == setting && known.file.value == file.value) {
            continue;
        }
        let Some((names, until)) = root.read_certificates(&file.value).ok().and_then(|text| names_in(&text)) else {
            continue;
        };
        all.push(Certificate { setting, file, names, until });
    }
    all
}

/// The files that an instance of Postfix names.
fn of_postfix(instance: &Postfix) -> Vec<(String, Fact<String>)> {
    let is_set = |name: &str| {
        instance.parameters.get(name).is_some_and(|setting| setting.value.as_deref().is_some_and(|v| !v.is_empty()))
    };
    let counts = |name: &&str| match name.split_once("_tls_") {
        Some((side, rest)) => rest == "chain_files" || !is_set(&format!("{side}_tls_chain_files")),
        None => true,
    };
    let set = OF_POSTFIX.into_iter().filter(counts);
    set.filter_map(|name| Some((name.to_owned(), instance.parameters.get(name)?))).flat_map(files).collect()
}

/// The files that a configuration of Exim names, its transports' too.
fn of_exim(exim: &Exim) -> Vec<(String, Fact<String>)> {
    let main = exim.main.get(OF_EXIM).map(|setting| (OF_EXIM.to_owned(), setting));
    let of_transport = exim
        .transports
        .iter()
        .filter_map(|driver| Some((format!("{} {OF_EXIM}", driver.name), driver.options.get(OF_EXIM)?)));
    main.into_iter().chain(of_transport).flat_map(files).collect()
}

fn of_cpanel(root: &Root) -> impl Iterator<Item = (String, Fact<String>)> {
    OF_CPANEL.into_iter().filter_map(|(service, files)| {
        let file = files.into_iter().find(|file| root.exists(file))?;
        let origin: Origin = SourceFile::new(file, b"").span(0, 0).into();
        Some((service.to_owned(), Fact::new(file.to_owned(), origin)))
    })
}

/// The files that a setting names, one or several; of an expression of Exim, those that stand in it whole. What only run time knows is none.
fn files((name, setting): (String, &Setting)) -> Vec<(String, Fact<String>)> {
    let Some(set) = setting.fact() else { return Vec::new() };
    let parts = set.value.split([':', ',', '{', '}']).flat_map(str::split_whitespace);
    let words = parts.filter(|word| word.starts_with('/') && !word.contains('$'));
    words.map(|word| (name.clone(), set.with(word.to_owned()))).collect()
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

    /// The certificates of a host: setting, file, names.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let place = crate::collect::testing::put(dir.path(), path, text);
            // Keys stand in some: as a server has them.
            std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        let root = Root::open(dir.path()).unwrap();
        let found = crate::collect::collect(&root, None).certificates;
        found.iter().map(|one| format!("{} {} {}", one.setting, one.file.value, one.names.join(","))).collect()
    }

    const NAMED: &str = "mail.example.com,smtp.example.com";
    const MASTER: (&str, &str) = ("/etc/postfix/master.cf", "smtp unix - - n - - smtp\n");

    #[test]
    fn files_that_postfix_names() {
        let chain = format!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n{CERTIFICATE}{CERTIFICATE}");
        let of = |main: &str| {
            found(&[("/etc/mail.crt", CERTIFICATE), ("/etc/chain.pem", &chain), ("/etc/postfix/main.cf", main), MASTER])
        };
        assert_eq!(
            of(
                "smtpd_tls_cert_file = /etc/mail.crt\nsmtpd_tls_eccert_file = /etc/chain.pem\nsmtp_tls_cert_file = /etc/mail.crt\n"
            ),
            [
                format!("smtpd_tls_cert_file /etc/mail.crt {NAMED}"),
                format!("smtpd_tls_eccert_file /etc/chain.pem {NAMED}"),
                format!("smtp_tls_cert_file /etc/mail.crt {NAMED}"),
            ]
        );
        assert_eq!(
            of("smtpd_tls_cert_file = /etc/mail.crt\nsmtpd_tls_chain_files = /etc/none, /etc/chain.pem\n"),
            [format!("smtpd_tls_chain_files /etc/chain.pem {NAMED}")],
            "what is not read does not count"
        );
    }

    #[test]
    fn files_that_exim_and_cpanel_name() {
        let exim = |certificate: &str| {
            format!(
                "tls_certificate = {certificate}\nbegin transports\nout:\n  driver = smtp\n  tls_certificate = /etc/mail.crt\n"
            )
        };
        let of = |certificate: &str| {
            found(&[
                ("/etc/mail.crt", CERTIFICATE),
                ("/etc/none.crt", "nothing"),
                ("/etc/exim4/exim4.conf", &exim(certificate)),
            ])
        };
        let both =
            [format!("tls_certificate /etc/mail.crt {NAMED}"), format!("out tls_certificate /etc/mail.crt {NAMED}")];
        assert_eq!(of("/etc/none.crt : /etc/mail.crt : /etc/absent"), both);
        assert_eq!(of("${if exists{/etc/$tls_in_sni.crt}{/etc/$tls_in_sni.crt}{/etc/mail.crt}}"), both);
        assert_eq!(of("/etc/${tls_in_sni}.crt"), both[1..]);
        let panel =
            |files: &[(&str, &str)]| found(&[files, &[("/etc/wwwacct.conf", "HOST mail.example.com\n")]].concat());
        let (own, made) = ("/var/cpanel/ssl/exim/myexim.crt", "/var/cpanel/ssl/exim/exim.crt");
        assert_eq!(panel(&[(made, CERTIFICATE)]), [format!("cPanel exim {made} {NAMED}")]);
        assert_eq!(panel(&[(made, "x"), (own, CERTIFICATE)]), [format!("cPanel exim {own} {NAMED}")]);
        assert_eq!(found(&[(made, CERTIFICATE)]), [""; 0], "no cPanel");
    }
}
