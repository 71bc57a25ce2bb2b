//! Exim's lists: splitting (Exim specification, section 6.21), with a separator that the list itself may choose.

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
    let (separator, mut rest) = separator(list);
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c| is_space(c) && c != separator);
        if rest.is_empty() {
            return found;
        }
        let mut item = String::new();
        loop {
            let (part, after) = rest.split_once(separator).unwrap_or((rest, ""));
            item.push_str(part);
            rest = after;
            match after.strip_prefix(separator).filter(|_| !separator.is_ascii_control()) {
                Some(after) => {
                    item.push(separator);
                    rest = after;
                }
                None => break,
            }
        }
        item.truncate(item.trim_end_matches(is_space).len());
        found.push(item);
    }
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
