//! The lines in which two contents of a file differ. Each trial looks for them, so that what is the same is passed over by blocks.

use std::ops::Range;

/// Octets that are compared at once.
const BLOCK: usize = if cfg!(test) { 4 } else { 512 };

/// Where an old text and a new one differ, by whole lines; what stands before and behind is the same in both. A last line that no newline ends
/// is the same as one that goes on with others behind it.
pub fn difference(old: &str, new: &str) -> (Range<usize>, Range<usize>) {
    let (a, b) = (old.as_bytes(), new.as_bytes());
    let same = common(a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)));
    let same = same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count();
    let line = start_of_line(a, same);
    let is_end = |text: &[u8]| text.get(same).is_none_or(|octet| *octet == b'\n');
    let (head_of_a, head_of_b) = match line < same && is_end(a) && is_end(b) {
        true => (a.len().min(same + 1), b.len().min(same + 1)),
        false => (line, line),
    };
    let (a, b) = (&a[head_of_a..], &b[head_of_b..]);
    let same = common(a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK)));
    let (rest, more) = (&a[..a.len() - same], &b[..b.len() - same]);
    let same = same + rest.iter().rev().zip(more.iter().rev()).take_while(|(a, b)| a == b).count();
    // What is the same at the end begins with a line in both.
    let is_start = |text: &[u8]| text.len() == same || text[text.len() - same - 1] == b'\n';
    let tail = match is_start(a) && is_start(b) {
        true => same,
        false => a[a.len() - same..].iter().position(|octet| *octet == b'\n').map_or(0, |newline| same - newline - 1),
    };
    (head_of_a..old.len() - tail, head_of_b..new.len() - tail)
}

/// A range of whole lines with that many more before and behind it.
pub(super) fn with_context(text: &str, range: Range<usize>, lines: usize) -> Range<usize> {
    let octets = text.as_bytes();
    let start = (0..lines).fold(range.start, |start, _| start_of_line(octets, start.saturating_sub(1)));
    let end_of_line = |at: usize| octets[at..].iter().position(|octet| *octet == b'\n').map(|newline| at + newline + 1);
    let end = (0..lines).fold(range.end, |end, _| end_of_line(end).unwrap_or(octets.len()));
    start..end
}

/// How many octets are the same in the first pairs of blocks.
fn common<'t>(pairs: impl Iterator<Item = (&'t [u8], &'t [u8])>) -> usize {
    BLOCK * pairs.take_while(|(a, b)| a == b).count()
}

/// Where the line begins that `at` stands in.
fn start_of_line(octets: &[u8], at: usize) -> usize {
    octets[..at].iter().rposition(|octet| *octet == b'\n').map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn differ<'t>(old: &'t str, new: &'t str) -> (&'t str, &'t str) {
        let (was, is) = difference(old, new);
        (&old[was], &new[is])
    }

    #[test]
    fn whole_lines() {
        for (old, new, expected) in [
            ("", "", ("", "")),
            ("a\n", "a\n", ("", "")),
            ("a\nb\nc\n", "a\nx\nc\n", ("b\n", "x\n")),
            ("a\nb\n", "a\nx\nb\n", ("", "x\n")),
            ("a\na\n", "a\n", ("a\n", "")),
            ("a\nb", "a\nb\nc", ("", "c")),
            ("a\nb\nc\n", "a\nb", ("c\n", "")),
            ("a\nb", "a\nb\n", ("", "")),
            ("a\nb", "a\nbc\n", ("b", "bc\n")),
            ("ab\nc\n", "xb\nc\n", ("ab\n", "xb\n")),
            ("xab\n", "ab\n", ("xab\n", "ab\n")),
            ("é\n", "è\n", ("é\n", "è\n")),
            ("a", "", ("a", "")),
        ] {
            assert_eq!(differ(old, new), expected, "{old:?} {new:?}");
        }
        let large = "0123456789\n".repeat(1_000);
        let (was, is) = difference(&format!("{large}a\n{large}"), &format!("{large}b\n{large}"));
        assert_eq!((was, is), (11_000..11_002, 11_000..11_002));
    }

    #[test]
    fn lines_around() {
        let text = "1\n2\n3\n4\n5\n6";
        for (range, lines, expected) in [
            (4..6, 1, "2\n3\n4\n"),
            (4..6, 0, "3\n"),
            (4..4, 2, "1\n2\n3\n4\n"),
            (0..2, 3, "1\n2\n3\n4\n"),
            (8..11, 2, "3\n4\n5\n6"),
        ] {
            assert_eq!(&text[with_context(text, range.clone(), lines)], expected, "{range:?} {lines}");
        }
    }

    proptest! {
        /// The rest is the same, and no line more than has to is different.
        #[test]
        fn is_right(old in "([ab]{0,2}\n){0,6}[ab]?", new in "([ab]{0,2}\n){0,6}[ab]?") {
            let (was, is) = difference(&old, &new);
            let head = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
            prop_assert_eq!(head(&old[..was.start]), head(&new[..is.start]));
            prop_assert_eq!(&old[was.end..], &new[is.end..]);
            let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
            let (a, b) = (lines(&old[was]), lines(&new[is]));
            prop_assert!(a.is_empty() || b.is_empty() || a.first() != b.first() && a.last() != b.last());
        }
    }
}
