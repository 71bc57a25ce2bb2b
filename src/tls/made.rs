//! Certificates that tests make.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// When what is made here is valid, in seconds since 1970: 2026-11-01 to 2027-11-01.
pub(crate) const DAYS: (i64, i64) = (1_793_491_200, 1_825_027_200);

/// A certificate and its key, in DER form.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) der: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// One that signs others.
pub(crate) struct Issuer(CertifiedIssuer<'static, KeyPair>);

impl Issuer {
    pub(crate) fn made(&self) -> Made {
        Made { der: self.0.der().to_vec(), key: Vec::new() }
    }
}

fn params(names: &[&str], (from, until): (i64, i64)) -> CertificateParams {
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    let day = |seconds: i64| rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds.unsigned_abs());
    (params.not_before, params.not_after) = (day(from), day(until));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("nobody"));
    params
}

fn of_an_issuer(name: &str) -> CertificateParams {
    let mut params = params(&[], DAYS);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// A root.
pub(crate) fn issuer(name: &str) -> Issuer {
    Issuer(CertifiedIssuer::self_signed(of_an_issuer(name), KeyPair::generate().unwrap()).unwrap())
}

/// One that a root has signed.
pub(crate) fn issuer_below(root: &Issuer, name: &str) -> Issuer {
    Issuer(CertifiedIssuer::signed_by(of_an_issuer(name), KeyPair::generate().unwrap(), &root.0).unwrap())
}

/// A server's, for these names, the first of which is its common name.
pub(crate) fn signed(issuer: &Issuer, names: &[&str], days: (i64, i64)) -> Made {
    let key = KeyPair::generate().unwrap();
    let certificate = params(names, days).signed_by(&key, &issuer.0).unwrap();
    Made { der: certificate.der().to_vec(), key: key.serialize_der() }
}

/// A server's that signed itself.
pub(crate) fn alone(names: &[&str], days: (i64, i64)) -> Made {
    let key = KeyPair::generate().unwrap();
    let certificate = params(names, days).self_signed(&key).unwrap();
    Made { der: certificate.der().to_vec(), key: key.serialize_der() }
}

/// The first certificate of a file of `testdata/certificates`.
pub(crate) fn pem(file: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/certificates").join(file);
    let pem = x509_parser::pem::Pem::iter_from_buffer(&std::fs::read(path).unwrap()).next().unwrap().unwrap();
    pem.contents
}
