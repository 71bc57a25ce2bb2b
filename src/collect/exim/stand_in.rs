//! Domains that stand for those that no file names.

/// A domain that no file names. The character is a private one: no configuration holds it.
pub(crate) const OTHER: &str = "\u{f8ff}any.invalid";
/// What stands before a suffix for a domain below it.
const BELOW: &str = "\u{f8ff}any.";

/// The domain that stands for a domain, or for those that a pattern `*.domain` fits.
pub(crate) fn stand_in(name: &str) -> String {
    name.strip_prefix("*.").map_or(name.to_owned(), |rest| format!("{BELOW}{rest}"))
}
