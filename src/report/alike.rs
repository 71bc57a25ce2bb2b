//! What is alike: paths of one shape, findings of one rule and one cause, addresses in a row. Reports for people show one and count the
//! others; formats for machines have each.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use crate::addr::Family;
use crate::facts::Mta;
use crate::observe::iprev::Iprev;
use crate::report::{FindingView, PathView, Report};

/// Paths or findings of one kind up to which each is shown.
pub(crate) const EACH: usize = 4;
/// Domains up to which they are shown by name.
const BY_NAME: usize = 1;

/// Paths of one shape, in the order of the first of each.
pub(crate) fn paths<'a>(report: &Report, paths: &[&'a PathView]) -> Vec<Vec<&'a PathView>> {
    let mut codes: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for finding in &report.findings {
        for id in &finding.paths {
            codes.entry(id).or_default().insert(finding.code);
        }
    }
    let mut at: HashMap<Shape<'_>, usize> = HashMap::new();
    let mut groups: Vec<Vec<&PathView>> = Vec::new();
    for path in paths {
        let index = *at.entry(Shape::of(path, codes.get(path.id.as_str()))).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.push(path),
            None => groups.push(vec![path]),
        }
    }
    groups
}

/// What paths of one shape agree in.
#[derive(PartialEq, Eq, Hash)]
struct Shape<'a> {
    mta: Option<Mta>,
    family: Family,
    iprev: Option<Iprev>,
    /// None, one or several.
    ptr_names: Option<usize>,
    helo: Leads,
    is_translated: bool,
    is_relayed: bool,
    is_unused: bool,
    /// Of the rules that found something.
    codes: Option<&'a BTreeSet<&'a str>>,
}

/// Where a HELO name leads.
#[derive(PartialEq, Eq, Hash)]
enum Leads {
    Undecided,
    NotAsked,
    Nowhere,
    Here,
    Elsewhere,
}

impl<'a> Shape<'a> {
    fn of(path: &PathView, codes: Option<&'a BTreeSet<&'a str>>) -> Shape<'a> {
        let helo = match (&path.helo, &path.helo_addresses, path.sending) {
            (None, ..) => Leads::Undecided,
            (Some(_), None, _) => Leads::NotAsked,
            (Some(_), Some(addresses), _) if addresses.is_empty() => Leads::Nowhere,
            (Some(_), Some(addresses), Some(sending)) if addresses.contains(&sending) => Leads::Here,
            _ => Leads::Elsewhere,
        };
        Shape {
            mta: path.mta,
            family: path.family,
            iprev: path.iprev,
            ptr_names: path.ptr.as_ref().map(|names| names.len().min(2)),
            helo,
            is_translated: path.source != path.sending,
            is_relayed: path.relayed.is_some(),
            is_unused: path.unused,
            codes,
        }
    }
}

/// Findings of one rule and one cause, in the order of the first of each. They come sorted.
pub(crate) fn findings<'a>(all: &[&'a FindingView]) -> Vec<Vec<&'a FindingView>> {
    let mut groups: Vec<(String, Vec<&FindingView>)> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    for finding in all {
        let key = format!("{} {:?} {:?} {}", finding.code, finding.severity, finding.verdict, cause(&finding.message));
        let index = *at.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((_, group)) => group.push(finding),
            None => groups.push((key, vec![finding])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// A message without what differs from one host or address to the next: quoted text, names, addresses, numbers.
fn cause(message: &str) -> String {
    let mut quoted = false;
    let words = message.split(' ').map(|word| {
        let ticks = word.matches('`').count();
        let within = quoted || ticks > 0;
        quoted ^= ticks % 2 == 1;
        let bare = word.trim_end_matches(['.', ',', ';', ':', ')']);
        let differs = within || bare.contains(|c: char| c.is_ascii_digit() || c == '.' || c == ':' || c == '/');
        if differs { "*" } else { word }
    });
    let mut all: Vec<&str> = words.collect();
    all.dedup();
    all.join(" ")
}

/// Subjects for a list: IPv4 addresses that follow one another as a range.
pub(crate) fn list(subjects: &[&str]) -> Vec<String> {
    let addr = |text: &str| text.parse::<Ipv4Addr>().ok().map(u32::from);
    let mut runs: Vec<(&str, &str, usize)> = Vec::new();
    for subject in subjects {
        match runs.last_mut() {
            Some((_, last, number))
                if addr(last).and_then(|last| last.checked_add(1)).is_some_and(|next| addr(subject) == Some(next)) =>
            {
                (*last, *number) = (subject, *number + 1);
            }
            _ => runs.push((subject, subject, 1)),
        }
    }
    let texts = runs.into_iter().flat_map(|(first, last, number)| match number {
        1 => vec![first.to_owned()],
        2 => vec![first.to_owned(), last.to_owned()],
        _ => vec![format!("{first} to {last}")],
    });
    texts.collect()
}

/// The sender domains of a path by name, where they are few enough for that.
pub(crate) fn domains(path: &PathView) -> Option<String> {
    let domains = path.sender_domains.as_ref().filter(|all| !all.is_empty() && all.len() <= BY_NAME)?;
    Some(domains.iter().map(|domain| domain.to_string()).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_a_row_are_a_range() {
        for (subjects, expected) in [
            (&["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.5"][..], "192.0.2.1 to 192.0.2.3, 192.0.2.5"),
            (&["192.0.2.1", "192.0.2.2"], "192.0.2.1, 192.0.2.2"),
            (&["a.example", "192.0.2.2", "2001:db8::1"], "a.example, 192.0.2.2, 2001:db8::1"),
        ] {
            assert_eq!(list(subjects).join(", "), expected);
        }
    }

    #[test]
    fn names_and_addresses_are_no_part_of_a_cause() {
        let about =
            |addr: &str, name: &str| cause(&format!("mail leaves from {addr}, while its name `{name}` leads to it"));
        assert_eq!(about("192.0.2.1", "a b"), about("2001:db8::1", "c.example"));
        assert_ne!(about("192.0.2.1", "a"), cause("192.0.2.1 has no PTR record"));
    }
}
