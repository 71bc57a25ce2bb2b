//! Domains in words.

/// Domains that are named of each group; the formats for machines name all.
pub(super) const NAMED: usize = 5;

/// How many there are.
pub(super) fn domains(count: usize) -> String {
    if count == 1 { "1 domain".to_owned() } else { format!("{count} domains") }
}

/// The first of `count` names, and how many more there are.
pub(super) fn named<'n>(names: impl Iterator<Item = &'n str>, count: usize) -> String {
    let first: Vec<&str> = names.take(NAMED).collect();
    let more = count.saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}
