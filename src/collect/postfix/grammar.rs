//! The pest parsers, and how deep a text may nest before it is handed to them.

pub(crate) use main::{MainCfGrammar, Rule};
pub(crate) use master::MasterCfGrammar;

/// main.cf: the head of a setting, and the language of values.
mod main {
    #![allow(missing_docs)]
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/main_cf.pest"]
    pub(crate) struct MainCfGrammar;
}

/// master.cf: fields.
pub(crate) mod master {
    #![allow(missing_docs)]
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/master_cf.pest"]
    pub(crate) struct MasterCfGrammar;
}

/// Braces and parentheses within each other that are still read. Postfix has no limit; pest recurses for each.
pub(crate) const NESTING_LIMIT: usize = 60;

/// Whether braces or parentheses nest in `text` beyond [`NESTING_LIMIT`].
pub(crate) fn nests_too_deep(text: &str) -> bool {
    let mut depth = [0usize; 2];
    text.bytes().any(|byte| {
        match byte {
            b'{' => depth[0] += 1,
            b'}' => depth[0] = depth[0].saturating_sub(1),
            b'(' => depth[1] += 1,
            b')' => depth[1] = depth[1].saturating_sub(1),
            _ => {}
        }
        depth.iter().any(|d| *d > NESTING_LIMIT)
    })
}
