//! Key records as they have to be published.

use super::PublicKey;

/// DER: tags, and what an RSA key's algorithm is written as (rsaEncryption, no parameters).
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
const RSA: [u8; 15] = [SEQUENCE, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0];

impl PublicKey {
    /// The text of the key record: of RSA a SubjectPublicKeyInfo, as everybody publishes it, of Ed25519 the point (RFC 8463 section 4.2).
    pub fn record(&self) -> String {
        let octets = match self {
            PublicKey::Ed25519(point) => point.to_vec(),
            PublicKey::Rsa { modulus, exponent } => {
                let numbers = [integer(modulus), integer(exponent)].concat();
                // No bit of the last octet is unused.
                let bits = [&[0][..], &element(SEQUENCE, &numbers)].concat();
                element(SEQUENCE, &[&RSA[..], &element(BIT_STRING, &bits)].concat())
            }
        };
        format!("v=DKIM1; k={}; p={}", self.algorithm(), base64(&octets))
    }
}

/// A number without sign.
fn integer(octets: &[u8]) -> Vec<u8> {
    let is_negative = octets.first().is_none_or(|first| first & 0x80 != 0);
    let sign: &[u8] = if is_negative { &[0] } else { &[] };
    element(INTEGER, &[sign, octets].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut head = vec![tag];
    match u8::try_from(length) {
        Ok(short @ ..0x80) => head.push(short),
        _ => {
            let all = length.to_be_bytes();
            let octets: Vec<u8> = all.into_iter().skip_while(|octet| *octet == 0).collect();
            // A length has as many octets as the machine's numbers at most.
            head.push(0x80 | u8::try_from(octets.len()).unwrap_or(8));
            head.extend(octets);
        }
    }
    head.extend(content);
    head
}

/// RFC 4648.
fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for chunk in octets.chunks(3) {
        let mut three = [0; 4];
        three[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(three);
        for place in 0..4 {
            let value = bits >> (18 - 6 * place) & 0x3f;
            // Six bits are one of the 64.
            text.push(if place <= chunk.len() { char::from(ALPHABET[value as usize]) } else { '=' });
        }
    }
    text
}
