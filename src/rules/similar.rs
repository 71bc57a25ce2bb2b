//! Names that are nearly right: what an administrator meant by one that fails.

use crate::name::DomainName;

/// Letters by which a name may differ from what was meant.
const LETTERS: usize = 2;
/// Octets of the shortest name that is compared letter by letter: shorter ones are alike by chance.
const SHORTEST: usize = 8;
/// Names that one is compared with.
const COMPARED: usize = 16;
/// Wrong letters up to which a word may have been meant for another.
const NEAR: usize = 3;

/// `; did you mean ...?`, where `name` is nearly one of `right`: letters apart, the final dot forgotten, a `www.` too many, or its name
/// in another domain. Empty where it is none of these.
pub(crate) fn did_you_mean<'a>(name: &DomainName, right: impl IntoIterator<Item = &'a DomainName>) -> String {
    let right: Vec<&DomainName> = right.into_iter().filter(|known| *known != name).take(COMPARED).collect();
    let said = |known: &DomainName, why: &str| format!("; did you mean `{known}`, {why}?");
    let (text, find) = (name.as_str(), |test: &dyn Fn(&str) -> bool| right.iter().find(|known| test(known.as_str())));
    if let Some(known) = find(&|known| text.strip_prefix(known).is_some_and(|rest| rest.starts_with('.'))) {
        return said(known, "with a final dot in the zone file");
    }
    if let Some(known) = find(&|known| text.strip_prefix("www.") == Some(known) || is_site_of(text, known)) {
        return said(known, "without `www.`");
    }
    let apart = |known: &str| if known.len() < SHORTEST { LETTERS + 1 } else { letters_apart(text, known) };
    if let Some(known) = right.iter().min_by_key(|known| apart(known.as_str())).filter(|k| apart(k.as_str()) <= LETTERS)
    {
        let why = if apart(known.as_str()) == 1 { "one letter away" } else { "two letters away" };
        return said(known, why);
    }
    let host = |name: &DomainName| {
        let domain = name.registrable()?;
        Some(name.as_str().strip_suffix(domain.as_str())?.to_owned()).filter(|host| !host.is_empty())
    };
    match host(name).and_then(|own| right.iter().find(|known| host(known).as_ref() == Some(&own))) {
        Some(known) => said(known, "the same name in another domain"),
        None => String::new(),
    }
}

/// The one of `known` that `word` may have been meant for.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // A long word would only cost time: no known one is near to it.
    if word.len() > 100 {
        return None;
    }
    let near =
        known.iter().map(|other| (edits_between(&word.to_ascii_lowercase(), &other.to_ascii_lowercase()), *other));
    near.min().filter(|(wrong, other)| *wrong <= NEAR && wrong * 2 <= other.len()).map(|(_, other)| other)
}

/// Letters to insert, delete or replace to make `a` into `b` (Levenshtein).
pub(crate) fn edits_between(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Whether `text` is the web site of the domain that `known` is the mail host of: `www.` in place of its first label.
fn is_site_of(text: &str, known: &str) -> bool {
    let domain = known.split_once('.').map(|(_, domain)| domain);
    domain.is_some_and(|domain| domain.contains('.') && text.strip_prefix("www.") == Some(domain))
}

/// How many letters are to be put in, taken out, replaced or exchanged with their neighbour; beyond [`LETTERS`], some greater number.
fn letters_apart(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > LETTERS {
        return LETTERS + 1;
    }
    // What both begin and end with costs nothing, and is most of it.
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - same], &b[..b.len() - same]);
    if a.len().max(b.len()) > LETTERS * 8 {
        return LETTERS + 1;
    }
    match (a, b) {
        ([a1, a2], [b1, b2]) if a1 == b2 && a2 == b1 => 1,
        _ => distance(a, b),
    }
}

/// Levenshtein's distance, a row at a time.
fn distance(a: &[u8], b: &[u8]) -> usize {
    // One longer than `b`, so that `j + 1` and the last are within.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let right = [DomainName::new("mail.example.com")];
        for (name, words) in [
            ("mial.example.com", "one letter"),
            ("mail.exmaple.com", "one letter"),
            ("mai.example.com", "one letter"),
            ("maill.example.com", "one letter"),
            ("nail.example.con", "two letters"),
            ("mail.example.com.113.0.203.in-addr.arpa", "final dot"),
            ("mail.example.com.example.com", "final dot"),
            ("www.mail.example.com", "without `www.`"),
            ("www.example.com", "without `www.`"),
            ("mail.example.net", "another domain"),
            ("mail.old.example", "another domain"),
            ("mx.example.com", ""),
            ("db.example.org", ""),
            ("mail.example.com", ""),
            ("", ""),
        ] {
            let said = did_you_mean(&DomainName::new(name), &right);
            let fits = if words.is_empty() {
                said.is_empty()
            } else {
                said.contains(words) && said.contains("`mail.example.com`")
            };
            assert!(fits, "{name}: {said:?}");
        }
        assert_eq!(
            did_you_mean(&DomainName::new("a.org"), &[DomainName::new("b.org")]),
            "",
            "short names are alike by chance"
        );
    }
}
