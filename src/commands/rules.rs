//! `helolint rules`: every rule there is.

use crate::catalogue;
use crate::cli::{RulesArgs, RulesFormat};
use crate::report::Style;

/// Runs the command; the value is its text.
pub(crate) fn run(args: &RulesArgs, style: &Style) -> String {
    match args.format {
        RulesFormat::Human => catalogue::rules_table(style),
        RulesFormat::Json => catalogue::rules_json(),
    }
}
