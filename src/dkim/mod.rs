//! DKIM keys (RFC 6376, RFC 8463): whether what a selector publishes is the public part of the private key that this host signs with.
//!
//! Keys are compared by what they are, modulus and exponent or the point, never by how they are written. A private key is a [`KeyFile`] until
//! its public part is taken; it can be neither printed nor stored.

mod private;
mod published;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;

pub use private::{KEY_FILE_LIMIT, KeyFault, KeyFile};
pub use published::{Published, RecordFault, read_record};

use crate::observe::{Lookup, RecordData, Why};

/// A public key, by its numbers.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA.
    Rsa {
        /// Big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// Big-endian, without leading zeros.
        exponent: Vec<u8>,
    },
    /// Ed25519.
    Ed25519([u8; 32]),
}

impl PublicKey {
    /// How long it is, in bits.
    pub fn bits(&self) -> usize {
        match self {
            PublicKey::Rsa { modulus, .. } => {
                let first = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
                modulus.len() * 8 - first
            }
            PublicKey::Ed25519(_) => 256,
        }
    }

    /// The algorithm as records name it.
    pub fn algorithm(&self) -> &'static str {
        match self {
            PublicKey::Rsa { .. } => "rsa",
            PublicKey::Ed25519(_) => "ed25519",
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.bits())
    }
}

/// What a selector publishes beside the local key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// The public part of the local key.
    Match,
    /// Another key.
    Mismatch {
        /// Which.
        published: PublicKey,
    },
    /// No record.
    Missing,
    /// The record says that the key is revoked.
    Revoked,
    /// A record that no verifier can use.
    Invalid(RecordFault),
    /// The question was not answered.
    Unanswered(Why),
}

impl Comparison {
    /// As the JSON of `helolint domains` has it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Comparison::Match => "match",
            Comparison::Mismatch { .. } => "mismatch",
            Comparison::Missing => "missing",
            Comparison::Revoked => "revoked",
            Comparison::Invalid(_) => "invalid",
            Comparison::Unanswered(_) => "undetermined",
        }
    }
}

/// Compares what was answered for `SELECTOR._domainkey.DOMAIN` with the local key.
pub fn compare(answer: &Lookup<RecordData>, local: &PublicKey) -> Comparison {
    let found = match answer {
        Lookup::Unanswered(why) => return Comparison::Unanswered(why.clone()),
        Lookup::NoData | Lookup::NxDomain => return Comparison::Missing,
        Lookup::Found(found) => found,
    };
    let texts = found.iter().filter_map(|data| match data {
        RecordData::Txt(text) => Some(text.as_str()),
        _ => None,
    });
    match published::of_texts(texts) {
        None => Comparison::Missing,
        Some(Published::Key(key)) if key == *local => Comparison::Match,
        Some(Published::Key(published)) => Comparison::Mismatch { published },
        Some(Published::Revoked) => Comparison::Revoked,
        Some(Published::Invalid(fault)) => Comparison::Invalid(fault),
    }
}
