//! CPL: cPanel & WHM's own files.

mod custom_flag_without_file;
mod helo_follows_generic_ptr;
mod hook_rewrites_maps;
mod hostname_automatic;
mod mail_map_missing;
mod mail_map_outdated;
mod mail_map_unknown_domain;
mod mailips_not_local;
mod main_address_drift;
mod map_line_invalid;
mod public_address_under_nat;
mod reverse_map_stale;

use crate::rules::Rule;

/// The rules of the family. CPL002 is reserved: HLO003 and HLO004 say it.
pub(crate) const RULES: &[&Rule] = &[
    &mailips_not_local::RULE,
    &mail_map_unknown_domain::RULE,
    &reverse_map_stale::RULE,
    &main_address_drift::RULE,
    &map_line_invalid::RULE,
    &custom_flag_without_file::RULE,
    &mail_map_missing::RULE,
    &public_address_under_nat::RULE,
    &mail_map_outdated::RULE,
    &helo_follows_generic_ptr::RULE,
    &hostname_automatic::RULE,
    &hook_rewrites_maps::RULE,
];
