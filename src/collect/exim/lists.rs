//! Exim's lists: splitting (Exim specification, section 6.21), with a separator that the list itself may choose.

use std::borrow::Cow;

use super::space::is_space;

/// The separator of a list, and what follows its choice.
pub(crate) fn separator(list: &str) -> (char, &str) {
    let rest = list.trim_start_matches(is_space);
    if let Some(after) = rest.strip_prefix('<')
        && let Some(chosen) = after.chars().next().filter(|c| c.is_ascii_punctuation() || c.is_ascii_control())
    {
        return (chosen, &after[chosen.len_utf8()..]);
    }
    (':', rest)
}

/// What `map` and `filter` make of the items of `list`: joined by its separator, which is doubled within items.
pub(crate) fn joined(list: &str, items: &[String]) -> String {
    let separator = separator(list).0.to_string();
    let doubled = separator.repeat(2);
    // An empty item that is not the first is a blank: else it would double the separator.
    let written = |(at, item): (usize, &String)| match item.as_str() {
        "" if at > 0 => " ".to_owned(),
        item => item.replace(&separator, &doubled),
    };
    items.iter().enumerate().map(written).collect::<Vec<_>>().join(&separator)
}

/// The items of a list, blanks at both ends gone.
pub(crate) fn items(list: &str) -> Vec<String> {
    each(list).map(Cow::into_owned).collect()
}

/// The same, one after the other: whoever finds what it looks for need not see the rest.
pub(crate) fn each(list: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let (separator, mut rest) = separator(list);
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c| is_space(c) && c != separator);
        if rest.is_empty() {
            return None;
        }
        let (mut item, mut doubled) = (Cow::Borrowed(""), false);
        loop {
            let (part, after) = rest.split_once(separator).unwrap_or((rest, ""));
            match doubled {
                false => item = Cow::Borrowed(part),
                true => item.to_mut().push_str(part),
            }
            rest = after;
            match after.strip_prefix(separator).filter(|_| !separator.is_ascii_control()) {
                Some(after) => {
                    item.to_mut().push(separator);
                    (rest, doubled) = (after, true);
                }
                None => break,
            }
        }
        Some(match item {
            Cow::Borrowed(item) => Cow::Borrowed(item.trim_end_matches(is_space)),
            Cow::Owned(mut item) => {
                item.truncate(item.trim_end_matches(is_space).len());
                Cow::Owned(item)
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_items_stay_items_when_joined() {
        for (list, expected) in [(": a : : b:", ":a: :b"), (": :", ": "), ("<, a,,b , ,c", "a,,b, ,c"), ("a", "a")] {
            assert_eq!(joined(list, &items(list)), expected, "{list:?}");
        }
    }

    #[test]
    fn separators_are_chosen_doubled_and_trailing() {
        for (list, expected) in [
            ("a : b", vec!["a", "b"]),
            ("  ", vec![]),
            ("a:", vec!["a"]),
            ("a::b:c", vec!["a:b", "c"]),
            (": a", vec!["", "a"]),
            ("<; 192.0.2.1 ; 2001:db8::1", vec!["192.0.2.1", "2001:db8::1"]),
            ("<; ", vec![]),
            ("198.51.100.7 : 2001::db8::::1", vec!["198.51.100.7", "2001:db8::1"]),
            ("<a b", vec!["<a b"]),
        ] {
            assert_eq!(items(list), expected, "{list:?}");
        }
    }
}
