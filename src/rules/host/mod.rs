//! HST: the host's own name.

mod hostname_elsewhere;
mod hostname_hosted_domain;
mod hostname_invalid;
mod hostname_not_in_dns;
mod hostname_not_qualified;
mod hostname_on_loopback;
mod hostname_sources_disagree;
mod hostname_unexpected;
mod hostname_unlike_mail_identity;
mod hosts_file_elsewhere;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[
    &hostname_not_qualified::RULE,
    &hostname_invalid::RULE,
    &hostname_sources_disagree::RULE,
    &hostname_not_in_dns::RULE,
    &hostname_elsewhere::RULE,
    &hostname_hosted_domain::RULE,
    &hostname_on_loopback::RULE,
    &hosts_file_elsewhere::RULE,
    &hostname_unlike_mail_identity::RULE,
    &hostname_unexpected::RULE,
];
