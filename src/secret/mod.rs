//! Which text is secret: passwords and who logs in with them, keys, and what Exim's `hide` hides. Every excerpt of a file goes through
//! here (`source::Span::excerpt`), and so does every text made of files before it becomes a fact (`Known`), so that no report
//! and no snapshot can hold one. In doubt, text counts as secret.

mod commands;
mod files;
mod known;
mod names;
mod scan;
mod told;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use files::{holds_private_key, is_secret_file, may_be_secret_file};
pub(crate) use known::Known;
pub(crate) use scan::{Scan, Syntax, scan};

/// What stands in place of a secret.
pub(crate) const HIDDEN: &str = "<hidden>";

/// The value of the setting `name` as it may be shown.
pub(crate) fn value<'t>(name: &str, value: &'t str) -> Cow<'t, str> {
    match names::is_secret_value(name, value) {
        true => Cow::Borrowed(HIDDEN),
        false => mask(value),
    }
}

/// A text without the secrets that are recognised by their form: `password=...`, `user:password@host`, inline maps of databases.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    let ranges = scan::in_text(text);
    if ranges.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(replace(text, &ranges)) }
}

/// The text with [`HIDDEN`] in place of each of the ranges, which are sorted and apart.
pub(crate) fn replace(text: &str, ranges: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        out.push_str(text.get(from..range.start).unwrap_or_default());
        out.push_str(HIDDEN);
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Sorts ranges and joins those that touch.
pub(crate) fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut all: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

/// Adds a range to such ranges.
pub(crate) fn join(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    let first = ranges.partition_point(|known| known.end < range.start);
    let last = ranges.partition_point(|known| known.start <= range.end);
    let (start, end) = match ranges.get(first..last).and_then(|touched| Some((touched.first()?, touched.last()?))) {
        Some((one, other)) => (one.start.min(range.start), other.end.max(range.end)),
        None => (range.start, range.end),
    };
    ranges.splice(first..last, std::iter::once(start..end));
}

#[cfg(test)]
mod tests;
