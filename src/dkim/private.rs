//! The private keys that this host signs with: their public parts are taken, and nothing else leaves.

use std::fmt;

use pkcs8::der::Decode;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use super::PublicKey;
use super::published::rsa_key;

/// Octets of a key file that are looked at: an RSA key of 16384 bits has a fifth of it.
pub const KEY_FILE_LIMIT: usize = 64 << 10;

/// A file that holds a private key. It can be made and asked for its public part; it is neither printed, cloned nor written.
pub struct KeyFile(Vec<u8>);

/// Why a key's public part is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyFault {
    /// No private key in PEM form.
    NotAKey,
    /// It is encrypted, or of a kind that DKIM does not have.
    OtherKind,
    /// It is damaged.
    Broken,
    /// More than any key has.
    TooLarge,
    /// Of elliptic curves, and without its public part, which such files may leave out.
    NoPublicPart,
    /// The file cannot be read; in the system's words.
    Unreadable(String),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyFault::NotAKey => f.write_str("it holds no private key in PEM form"),
            KeyFault::OtherKind => f.write_str("it is encrypted, or neither RSA nor Ed25519"),
            KeyFault::Broken => f.write_str("the key is damaged"),
            KeyFault::TooLarge => write!(f, "it has more than the {KEY_FILE_LIMIT} octets that are read"),
            KeyFault::NoPublicPart => f.write_str("the key does not carry its public part"),
            KeyFault::Unreadable(words) => f.write_str(words),
        }
    }
}

impl KeyFile {
    /// A key file's content.
    pub fn new(content: Vec<u8>) -> KeyFile {
        KeyFile(content)
    }

    /// The public part of the first private key in it.
    ///
    /// # Errors
    /// See [`KeyFault`].
    pub fn public_part(&self) -> Result<PublicKey, KeyFault> {
        if self.0.len() > KEY_FILE_LIMIT {
            return Err(KeyFault::TooLarge);
        }
        let key =
            PrivateKeyDer::from_pem_slice(&self.0).map_err(|_| match contains(&self.0, b"ENCRYPTED PRIVATE KEY") {
                true => KeyFault::OtherKind,
                false => KeyFault::NotAKey,
            })?;
        match &key {
            PrivateKeyDer::Pkcs1(der) => rsa(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => of_pkcs8(der.secret_pkcs8_der()),
            _ => Err(KeyFault::OtherKind),
        }
    }
}

impl KeyFile {
    /// Whether `public`, the bits of a certificate's public key as its kind writes them, is the public part of the first private key in it: of
    /// RSA, of elliptic curves, of Ed25519.
    ///
    /// # Errors
    /// See [`KeyFault`].
    pub fn belongs_to(&self, public: &[u8]) -> Result<bool, KeyFault> {
        match self.public_part() {
            Ok(PublicKey::Ed25519(point)) => Ok(point == public),
            Ok(own @ PublicKey::Rsa { .. }) => {
                Ok(pkcs1::RsaPublicKeyRef::from_der(public).is_ok_and(|key| rsa_key(&key) == own))
            }
            Err(KeyFault::OtherKind) => match PrivateKeyDer::from_pem_slice(&self.0) {
                Ok(PrivateKeyDer::Sec1(der)) => Ok(point(der.secret_sec1_der())? == public),
                Ok(PrivateKeyDer::Pkcs8(der)) => Ok(point_in_pkcs8(der.secret_pkcs8_der())? == public),
                _ => Err(KeyFault::OtherKind),
            },
            Err(fault) => Err(fault),
        }
    }
}

/// The public point in an ECPrivateKey (RFC 5915): its element with the tag 1, a bit string.
fn point(der: &[u8]) -> Result<&[u8], KeyFault> {
    const PUBLIC: u8 = 0xa1;
    let (_, mut fields, _) = element(der).filter(|(tag, ..)| *tag == 0x30).ok_or(KeyFault::Broken)?;
    while !fields.is_empty() {
        let (tag, content, rest) = element(fields).ok_or(KeyFault::Broken)?;
        if tag == PUBLIC {
            // The first octet of a bit string counts the bits that do not belong to it.
            return match element(content) {
                Some((0x03, [0, point @ ..], [])) => Ok(point),
                _ => Err(KeyFault::Broken),
            };
        }
        fields = rest;
    }
    Err(KeyFault::NoPublicPart)
}

fn point_in_pkcs8(der: &[u8]) -> Result<&[u8], KeyFault> {
    const EC: pkcs8::ObjectIdentifier = pkcs8::ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    let info = pkcs8::PrivateKeyInfoRef::from_der(der).map_err(|_| KeyFault::Broken)?;
    if info.algorithm.oid == EC { point(info.private_key.as_bytes()) } else { Err(KeyFault::OtherKind) }
}

/// The first element of a DER text: its tag, its content, what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, length], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        // How many octets the length has: a key's has two at most.
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.0.fill(0);
        // What is not looked at afterwards need not be written.
        std::hint::black_box(&self.0);
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn rsa(der: &[u8]) -> Result<PublicKey, KeyFault> {
    let key = pkcs1::RsaPrivateKeyRef::from_der(der).map_err(|_| KeyFault::Broken)?;
    Ok(rsa_key(&key.public_key()))
}

fn of_pkcs8(der: &[u8]) -> Result<PublicKey, KeyFault> {
    const ED25519: pkcs8::ObjectIdentifier = pkcs8::ObjectIdentifier::new_unwrap("1.3.101.112");
    let info = pkcs8::PrivateKeyInfoRef::from_der(der).map_err(|_| KeyFault::Broken)?;
    match info.algorithm.oid {
        oid if oid == pkcs1::ALGORITHM_OID => rsa(info.private_key.as_bytes()),
        ED25519 => {
            use ring::signature::KeyPair;
            let pair = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
            let pair = pair.map_err(|_| KeyFault::Broken)?;
            let point = pair.public_key().as_ref().try_into().map_err(|_| KeyFault::Broken)?;
            Ok(PublicKey::Ed25519(point))
        }
        _ => Err(KeyFault::OtherKind),
    }
}
