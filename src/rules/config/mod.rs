//! CFG: the configuration itself.

mod chroot_copy_differs;
mod config_syntax;
mod daemon_older_than_config;
mod expectation_unused;
mod file_unreadable;
mod handed_to_local_program;
pub(crate) mod ignore_expired;
pub(crate) mod ignore_unused;
mod no_mta;
mod origin_not_in_dns;
mod parameter_repeated;
mod parameter_undefined;
mod path_relayed;
mod problem;
pub(crate) mod reading_bounded;
mod service_missing;
mod service_repeated;
mod service_unused;
mod setting_swallowed;
mod setting_without_effect;
mod several_mtas;
mod split_config_not_generated;
mod table_outdated;

use crate::rules::Rule;

/// The rules of the family.
pub(crate) const RULES: &[&Rule] = &[
    &config_syntax::RULE,
    &parameter_repeated::RULE,
    &parameter_undefined::RULE,
    &file_unreadable::RULE,
    &path_relayed::RULE,
    &daemon_older_than_config::RULE,
    &several_mtas::RULE,
    &no_mta::RULE,
    &split_config_not_generated::RULE,
    &chroot_copy_differs::RULE,
    &setting_swallowed::RULE,
    &service_unused::RULE,
    &service_repeated::RULE,
    &ignore_expired::RULE,
    &ignore_unused::RULE,
    &expectation_unused::RULE,
    &service_missing::RULE,
    &table_outdated::RULE,
    &handed_to_local_program::RULE,
    &origin_not_in_dns::RULE,
    &reading_bounded::RULE,
    &setting_without_effect::RULE,
];
