//! Text in command lines, as a POSIX shell takes them apart.

use std::borrow::Cow;

/// `text` as one word of a shell's command line.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._:/=,-@".contains(c);
    match !text.is_empty() && text.chars().all(bare) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(quoted(text)),
    }
}

/// `text` in single quotes, as a shell takes it.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_word_as_it_stands() {
        for (text, expected) in
            [("/etc/a.b", "/etc/a.b"), ("", "''"), ("a b", "'a b'"), ("it's $x", r"'it'\''s $x'"), ("`x`", "'`x`'")]
        {
            assert_eq!(word(text), expected);
        }
    }
}
