//! Secrets that were read: no other text may repeat them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use super::{HIDDEN, joined, mask, replace};

/// Shortest secret that is looked for in other texts, in bytes: a shorter one is found in any sentence.
const SHORTEST: usize = 3;
/// Up to this length, and of letters alone, a secret may be a word like others: it is hidden where a text quotes it.
const WORD: usize = 10;
/// From this length on, a secret that is no such word is found within a word too.
const DISTINCT: usize = 6;
/// Secrets that are looked for; more than any host has.
const LIMIT: usize = 2000;
/// Longest secret that is looked for as a whole, in bytes; of longer ones, the start. Where the search for all would cost too much, less.
const LONGEST: [usize; 4] = [1000, 200, 50, 20];
/// Bytes of all that is looked for: two thousand passwords of 128 each. The search takes some two hundred times as much to be made.
const PATTERN: usize = 256 << 10;
/// What the search for all of them may cost, in bytes.
const SEARCH_LIMIT: usize = 64 << 20;

/// The secrets of the files that were read.
#[derive(Debug, Default)]
pub struct Known(Option<Regex>);

impl Known {
    /// The secrets `texts`, and what stands on each line of them.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Known {
        let mut all = BTreeSet::new();
        for text in texts {
            let whole = text.trim();
            for piece in whole.lines().chain([whole]) {
                let piece = piece.trim().trim_end_matches('\\').trim_end();
                let bare = piece.trim_matches(['"', '\'', '`']).trim();
                // Behind the user's name.
                let password = bare.rsplit(':').next().filter(|last| bare.contains(':') && !last.contains(['/', ' ']));
                for text in [Some(piece), Some(bare), password].into_iter().flatten() {
                    let end = text.floor_char_boundary(LONGEST[0]);
                    if text.len() >= SHORTEST && text != HIDDEN && all.len() < LIMIT {
                        all.insert(&text[..end]);
                    }
                }
            }
        }
        if all.is_empty() {
            return Known(None);
        }
        // The longest first: of two that begin alike it is the one that stands there.
        let mut all: Vec<&str> = all.into_iter().collect();
        all.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let fits = |longest: &usize| all.iter().map(|text| text.len().min(*longest)).sum::<usize>() <= PATTERN;
        let search = |longest: usize| {
            let starts = all.iter().map(|text| regex::escape(&text[..text.floor_char_boundary(longest)]));
            RegexBuilder::new(&starts.collect::<Vec<_>>().join("|")).size_limit(SEARCH_LIMIT).build().ok()
        };
        Known(LONGEST.into_iter().filter(fits).find_map(search))
    }

    /// A text without these secrets, and without those that are recognised by their form.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(search) = &self.0 else { return mask(text) };
        let found = search.find_iter(text).map(|found| found.range()).filter(|range| counts(text, range));
        let ranges = joined(found.collect());
        if ranges.is_empty() {
            return mask(text);
        }
        Cow::Owned(mask(&replace(text, &ranges)).into_owned())
    }
}

/// Whether what was found is the secret and not a word of the sentence.
fn counts(text: &str, range: &std::ops::Range<usize>) -> bool {
    let found = &text[range.clone()];
    let before = text[..range.start].chars().next_back();
    let behind = text[range.end..].chars().next();
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let quote = |c: Option<char>| c.is_some_and(|c| "`\"'=:/@{}<>()[],;".contains(c));
    let is_word = found.len() <= WORD && found.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
    match is_word {
        true => !inner(before) && !inner(behind) && (quote(before) || quote(behind)),
        false => found.len() >= DISTINCT || (!inner(before) && !inner(behind)),
    }
}
