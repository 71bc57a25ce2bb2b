//! cPanel's maps and lists: entries as Exim's lsearch reads them, in file order.

use std::sync::Arc;

use pest::Parser;

use super::check::{self, Complaints};
use super::settings::{Line, Rule, excerpt};
use crate::collect::lsearch;
use crate::collect::reading::lines;
use crate::facts::{CpanelEntry, Fact, Problem};
use crate::name::DomainName;
use crate::source::SourceFile;

/// What the values of a map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Source addresses, parted by semicolons (`/etc/mailips`).
    Addresses,
    /// A HELO name (`/etc/mailhelo`).
    HeloName,
    /// What belongs to an account (`/etc/userdomains`, `/etc/userips`).
    Account,
}

/// The entries of a map.
pub(super) fn entries(file: &Arc<SourceFile>, kind: Kind, problems: &mut Vec<Problem>) -> Vec<CpanelEntry> {
    let entries = lsearch::entries(file);
    check::map(file, &entries, kind, problems);
    let entry = |entry: lsearch::Entry| CpanelEntry {
        key: Fact::new(entry.key, entry.key_span),
        value: Fact::new(entry.value, entry.value_span),
    };
    entries.into_iter().map(entry).collect()
}

/// The domains of a list that has one on each line.
pub(super) fn domains(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Vec<Fact<DomainName>> {
    let entries = lsearch::entries(file);
    check::list(file, &entries, problems);
    let domain = |entry: lsearch::Entry| Fact::new(DomainName::new(&entry.key), entry.key_span);
    entries.into_iter().map(domain).filter(|domain| !domain.value.as_str().is_empty()).collect()
}

/// The entries of `/etc/mail_reverse_dns`, which is cPanel's own cache of PTR names: read as cPanel reads it, so that IPv6
/// addresses are whole. Values may be empty: no PTR was seen.
pub(super) fn reverse(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Vec<CpanelEntry> {
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
            let fact = Fact::new(part.as_str().to_owned(), file.span(at + place.start(), at + place.end()));
            match part.as_rule() {
                Rule::address if fact.value.parse::<std::net::IpAddr>().is_ok() => key = Some(fact),
                Rule::value => value = Some(fact),
                _ => {}
            }
        }
        let end = at + line.trim_end().len();
        match key {
            Some(key) => {
                let nothing = || Fact::new(String::new(), file.span(end, end));
                entries.push(CpanelEntry { key, value: value.unwrap_or_else(nothing) });
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
