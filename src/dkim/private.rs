//! The private keys that this host signs with: their public parts are taken, and nothing else leaves.

use std::fmt;

use pkcs8::der::Decode;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use super::PublicKey;
use super::published::rsa_key;

/// Octets of a key file that are looked at: an RSA key of 16384 bits has a fifth of it.
pub const KEY_FILE_LIMIT: usize = 64 << 10;

/// A file that holds a private key. It can be made and asked for its public part; it is neither printed, cloned nor written.
pub struct KeyFile(Vec<u8>);

/// Why a key's public part is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// No private key in PEM form.
    NotAKey,
    /// It is encrypted, or of a kind that DKIM does not have.
    OtherKind,
    /// It is damaged.
    Broken,
    /// More than any key has.
    TooLarge,
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
