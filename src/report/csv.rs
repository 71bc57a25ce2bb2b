//! Cells of CSV (RFC 4180).

/// A cell. A spreadsheet takes a text that begins with some signs for a formula: it gets a quote before it, and control characters go.
pub(crate) fn cell(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
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
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
