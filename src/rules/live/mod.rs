//! SMT, TLS: what the running servers of this host say, only where they are talked to (`--live`).

mod banner_mismatch;
mod certificate_expired;
mod certificate_key_mismatch;
mod certificate_name_mismatch;
mod certificate_not_trusted;
mod ehlo_mismatch;
mod servers;
mod smtp_unreachable;
mod starttls_missing;
#[cfg(test)]
mod testing;

use crate::rules::Rule;

/// The rules of the families.
pub(crate) const RULES: &[&Rule] = &[
    &banner_mismatch::RULE,
    &ehlo_mismatch::RULE,
    &smtp_unreachable::RULE,
    &certificate_name_mismatch::RULE,
    &certificate_expired::RULE,
    &certificate_key_mismatch::RULE,
    &starttls_missing::RULE,
    &certificate_not_trusted::RULE,
];
