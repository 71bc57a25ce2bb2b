//! What Exim's files hide: options behind `hide`, and macros that feed one, in whatever file they stand and whether or not Exim gets there.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::macros::Macros;
use crate::secret::{self, HIDDEN, Syntax};
use crate::source::{SourceFile, Span};

/// Longest line that is looked through for macros, in bytes.
const LINE_LIMIT: usize = 1 << 20;

/// Bytes of such lines that are looked through in all, each time that one is.
const WORK_LIMIT: usize = 64 << 20;

/// A logical line in which macros were replaced.
#[derive(Debug)]
pub(crate) struct Uses {
    /// The macros, by their place among all.
    pub macros: Vec<usize>,
    /// Those that are part of a secret.
    pub secret: Vec<usize>,
    /// The macro that the line defines.
    pub defines: Option<String>,
    /// Its physical lines.
    pub places: Vec<Span>,
}

/// Marks in the files what `hide` hides, and every macro and line that holds a part of it. `uses` are the lines in which macros were
/// replaced, in the order in which they were read.
pub(crate) fn mark(files: &[Arc<SourceFile>], macros: &Macros, uses: &[Uses]) {
    let mut hidden: HashSet<usize> = HashSet::new();
    let mut left = WORK_LIMIT;
    // Lines that were not reached count too.
    for file in files {
        for line in file.scan(Syntax::Exim).hide_lines {
            let (text, used) = macros.substitute(&file.text()[line], false, LINE_LIMIT, &mut left);
            hidden.extend(used);
            if text.is_none() {
                // Which others it would have named is not known.
                hidden.extend((0..).take_while(|index| macros.get(*index).is_some()));
            }
        }
    }
    hidden.extend(uses.iter().flat_map(|line| &line.secret));
    // A macro takes in those that stand in its text when it is defined: they come before it.
    for line in uses.iter().rev() {
        if line.defines.as_ref().and_then(|name| macros.index(name)).is_some_and(|index| hidden.contains(&index)) {
            hidden.extend(&line.macros);
        }
    }
    for line in uses {
        if line.macros.iter().any(|index| hidden.contains(index)) {
            line.places.iter().for_each(hide);
            hidden.extend(line.defines.as_ref().and_then(|name| macros.index(name)));
        }
    }
    hidden.into_iter().filter_map(|index| macros.get(index)?.at.as_ref()).for_each(hide);
}

fn hide(place: &Span) {
    place.file().hide(place.range());
}

/// Of the macros `used` in a line, those whose text is part of a secret; all in a line with `hide`.
pub(crate) fn in_secrets(line: &str, used: &[usize], macros: &Macros) -> Vec<usize> {
    let found = secret::scan("", line, Syntax::Exim, &BTreeSet::new());
    if !found.hide_lines.is_empty() {
        return used.to_vec();
    }
    let secrets: Vec<&str> = found.ranges.into_iter().filter_map(|range| line.get(range)).collect();
    let part = |index: &&usize| {
        // A path alone is no secret: many lines share it.
        let text = macros.get(**index).map_or("", |found| found.value.trim());
        !text.is_empty() && !text.starts_with('/') && secrets.iter().any(|secret| secret.contains(text))
    };
    used.iter().filter(part).copied().collect()
}

/// Exim's message about a line, without the words of a hidden value.
pub(crate) fn without_words(message: &str, line: &str) -> String {
    let found = secret::scan("", line, Syntax::Exim, &BTreeSet::new());
    if found.ranges.is_empty() {
        return message.to_owned();
    }
    let apart = |c: char| c.is_whitespace() || "\"'`:;,".contains(c);
    let secrets: HashSet<&str> =
        found.ranges.into_iter().filter_map(|range| line.get(range)).flat_map(|secret| secret.split(apart)).collect();
    let mut out = String::with_capacity(message.len());
    for piece in message.split_inclusive(apart) {
        let word = piece.trim_end_matches(apart);
        match !word.is_empty() && secrets.contains(word) {
            true => out.extend([HIDDEN, &piece[word.len()..]]),
            false => out.push_str(piece),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_hidden_value_are_in_no_message() {
        let line = "hide trusted_users = root : S3cret";
        assert_eq!(without_words("user S3cret was not found", line), "user <hidden> was not found");
        assert_eq!(without_words("user root was not found", "trusted_users = root"), "user root was not found");
        let line = "hide pgsql_servers \"a/b/S3cret";
        assert_eq!(
            without_words(&format!("option setting expected: {line}"), line),
            "option setting expected: hide pgsql_servers \"<hidden>"
        );
    }
}
