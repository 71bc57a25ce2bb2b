//! Why a value has none.

/// Why a value has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Postfix warns in these words, then refuses the value: `macro processing error`.
    Syntax(String),
    /// Postfix ends with these words.
    Fatal(String),
    /// Files cannot decide it, or it takes more work than helolint spends.
    Undecided(String),
}
