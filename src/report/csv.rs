//! Cells of CSV (RFC 4180).

use crate::escape::is_harmful;

/// A cell. A spreadsheet takes a text that begins with some signs for a formula: it gets a quote before it, and what could change how
/// a terminal shows the rest goes.
pub(crate) fn cell(text: &str) -> String {
    let clean: String = text.chars().map(|c| if is_harmful(c) && c != '\n' { ' ' } else { c }).collect();
    let guarded = if clean.starts_with(['=', '+', '-', '@']) { format!("'{clean}") } else { clean };
    if guarded.contains(['"', ',', '\n']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_what_they_are_given_and_no_formula() {
        for (text, expected) in [
            ("v=spf1 -all", "v=spf1 -all"),
            ("a,b", "\"a,b\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("=1+1", "'=1+1"),
            ("-all", "'-all"),
            ("a\u{1b}[2J\rb", "a [2J b"),
            ("a\u{202e}moc.b\u{200b}", "a moc.b "),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
