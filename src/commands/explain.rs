//! `helolint explain`: what rules mean, why they matter, how to fix what they find.

use crate::catalogue;
use crate::cli::ExplainArgs;
use crate::error::Error;
use crate::report::Style;

/// Runs the command; the value is its text.
///
/// # Errors
/// Where a word is neither rule nor family.
pub fn run(args: &ExplainArgs, style: &Style) -> Result<String, Error> {
    catalogue::explain(&args.rules, style).map_err(Error::Usage)
}
