//! Key records as they are published (RFC 6376 section 3.6.1).

use std::collections::BTreeMap;
use std::fmt;

use pkcs8::der::Decode;
use pkcs8::spki::SubjectPublicKeyInfoRef;

use super::PublicKey;

/// What a key record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// This key.
    Key(PublicKey),
    /// An empty `p`: the key is revoked.
    Revoked,
    /// Nothing that a verifier can use.
    Invalid(RecordFault),
}

/// What is wrong with a key record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordFault {
    /// Several key records at one name: what a verifier does is not defined (section 3.6.2.2).
    Several(usize),
    /// `v` stands there, and is not the first tag or not `DKIM1`.
    Version,
    /// There is no `p`.
    NoKey,
    /// `p` is no base64.
    NotBase64,
    /// `p` is no key of the algorithm that `k` names.
    NotAKey,
    /// An algorithm that is neither `rsa` nor `ed25519`.
    Algorithm(String),
    /// A tag stands twice, or is none.
    Tags,
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordFault::Several(count) => write!(f, "there are {count} key records"),
            RecordFault::Version => f.write_str("`v` is not `DKIM1`, or not the first tag"),
            RecordFault::NoKey => f.write_str("there is no `p`"),
            RecordFault::NotBase64 => f.write_str("`p` is no base64"),
            RecordFault::NotAKey => f.write_str("`p` is no key of the algorithm that `k` names"),
            RecordFault::Algorithm(name) => write!(f, "the algorithm `{name}` is neither `rsa` nor `ed25519`"),
            RecordFault::Tags => f.write_str("a tag stands twice or has no value"),
        }
    }
}

/// What the TXT records of a selector come to; `None` where none of them is meant as a key.
pub(super) fn of_texts<'t>(texts: impl Iterator<Item = &'t str>) -> Option<Published> {
    let keys: Vec<&str> = texts.filter(|text| is_meant(text)).collect();
    match keys[..] {
        [] => None,
        [text] => Some(read_record(text)),
        _ => Some(Published::Invalid(RecordFault::Several(keys.len()))),
    }
}

/// Whether a text is meant as a key record: it says so, or has a `p`.
fn is_meant(text: &str) -> bool {
    let mut names = text.split(';').filter_map(|tag| tag.split_once('=')).map(|(name, _)| name.trim());
    text.to_ascii_lowercase().contains("v=dkim") || names.any(|name| name == "p")
}

/// Reads one key record; its strings are joined.
pub fn read_record(text: &str) -> Published {
    match read(text) {
        Ok(Some(key)) => Published::Key(key),
        Ok(None) => Published::Revoked,
        Err(fault) => Published::Invalid(fault),
    }
}

fn read(text: &str) -> Result<Option<PublicKey>, RecordFault> {
    let mut tags = BTreeMap::new();
    let trimmed = text.trim_matches(is_blank);
    let all = trimmed.strip_suffix(';').unwrap_or(trimmed);
    for (place, tag) in all.split(';').enumerate() {
        let (name, value) = tag.split_once('=').ok_or(RecordFault::Tags)?;
        let (name, value) = (name.trim_matches(is_blank), value.trim_matches(is_blank));
        if name == "v" && (place > 0 || value != "DKIM1") {
            return Err(RecordFault::Version);
        }
        if tags.insert(name, value).is_some() {
            return Err(RecordFault::Tags);
        }
    }
    let algorithm = tags.get("k").copied().unwrap_or("rsa");
    let data = tags.get("p").ok_or(RecordFault::NoKey)?;
    if data.is_empty() {
        return Ok(None);
    }
    let bytes = base64(data).ok_or(RecordFault::NotBase64)?;
    let key = match algorithm {
        "rsa" => rsa(&bytes),
        // The point alone (RFC 8463 section 4.2).
        "ed25519" => bytes.try_into().ok().map(PublicKey::Ed25519),
        other => return Err(RecordFault::Algorithm(other.to_owned())),
    };
    key.map(Some).ok_or(RecordFault::NotAKey)
}

/// SubjectPublicKeyInfo, as everybody publishes it, or RSAPublicKey, as RFC 6376 says; verifiers take both.
fn rsa(der: &[u8]) -> Option<PublicKey> {
    let bare = match SubjectPublicKeyInfoRef::from_der(der) {
        Ok(info) if info.algorithm.oid == pkcs1::ALGORITHM_OID => info.subject_public_key.as_bytes()?,
        Ok(_) => return None,
        Err(_) => der,
    };
    pkcs1::RsaPublicKeyRef::from_der(bare).ok().map(|key| rsa_key(&key))
}

pub(super) fn rsa_key(key: &pkcs1::RsaPublicKeyRef<'_>) -> PublicKey {
    PublicKey::Rsa { modulus: key.modulus.as_bytes().to_vec(), exponent: key.public_exponent.as_bytes().to_vec() }
}

fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// The octets that a text stands for (RFC 4648), blanks anywhere; `None` where it is none.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padding) = (0u32, 0, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            octets.extend(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    // What is left over, with or without padding.
    match (count, padding) {
        (0, 0) => {}
        (2, 0 | 2) => octets.push((bits >> 4) as u8),
        (3, 0 | 1) => octets.extend([(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => return None,
    }
    Some(octets)
}
