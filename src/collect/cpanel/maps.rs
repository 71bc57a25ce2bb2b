//! cPanel's maps and lists: entries as Exim's lsearch reads them, in file order.

use std::sync::Arc;

use pest::Parser;

use super::check::{self, Kind};
use super::complaints::{Complaints, excerpt};
use super::settings::{Line, Rule};
use crate::collect::lsearch;
use crate::collect::reading::lines;
use crate::facts::{MapEntry, Problem, ProblemKind, Text};
use crate::name::DomainName;
use crate::source::SourceFile;

pub(super) fn entries(file: &Arc<SourceFile>, kind: Kind, problems: &mut Vec<Problem>) -> Vec<MapEntry> {
    let found = lsearch::read(file);
    if found.cut {
        problems.push(cut(file));
        return Vec::new();
    }
    check::map(file, &found, kind, problems);
    found.entries
}

/// A map with more entries than are kept.
fn cut(file: &SourceFile) -> Problem {
    let path = file.path();
    let message = format!(
        "{path} has more than {} entries, which is all that helolint keeps: nothing in it is judged",
        lsearch::ENTRY_LIMIT
    );
    Problem::of_file(ProblemKind::Bounded, path, None, message)
}

/// The domains of a list that has one on each line.
pub(super) fn domains(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Vec<Text> {
    let found = lsearch::read(file);
    if found.cut {
        problems.push(cut(file));
        return Vec::new();
    }
    check::list(file, &found, problems);
    let domain = |entry: MapEntry| Text::new(entry.key.span().clone(), DomainName::folded(&entry.key));
    found.entries.into_iter().map(domain).filter(|domain| !domain.is_empty()).collect()
}

/// The entries of `/etc/mail_reverse_dns`, which is cPanel's own cache of PTR names: read as cPanel reads it, so that IPv6
/// addresses are whole. Values may be empty: no PTR was seen.
pub(super) fn reverse(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Vec<MapEntry> {
    if lines(file.text()).nth(lsearch::ENTRY_LIMIT).is_some() {
        problems.push(cut(file));
        return Vec::new();
    }
    let mut complaints = Complaints::new(problems);
    let mut entries = Vec::new();
    for (at, line) in lines(file.text()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts = Line::parse(Rule::reverse_line, line).into_iter().flatten().flat_map(|line| line.into_inner());
        let (mut key, mut value) = (None, None);
        for part in parts {
            let place = part.as_span();
            let text = Text::from_span(file.span(at + place.start(), at + place.end()));
            match part.as_rule() {
                Rule::address if text.parse::<std::net::IpAddr>().is_ok() => key = Some(text),
                Rule::value => value = Some(text),
                _ => {}
            }
        }
        let end = at + line.trim_end().len();
        match key {
            Some(key) => {
                let nothing = || Text::from_span(file.span(end, end));
                entries.push(MapEntry { key, value: value.unwrap_or_else(nothing) });
            }
            None => complaints.add(
                &file.span(at, end),
                format!(
                    "`{}` is no `address: name`; cPanel's cache of PTR names has nothing here",
                    excerpt(line.trim())
                ),
            ),
        }
    }
    entries
}
