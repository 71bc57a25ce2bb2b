//! Edits of files as commands that are safe to paste: each names its file and line, and says what stands there now, so that it changes
//! nothing where the file has changed since. Text that a shell or sed might act upon gives no command at all.

use std::borrow::Cow;

use crate::facts::Origin;

/// Characters of one line that a command may hold: more than any file edited here needs.
const LIMIT: usize = 1000;

/// Whether a shell, within single quotes, and sed, within a script, take `text` as it stands once [`escaped`].
fn plain(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || " ._:/=,-@[]*+{}$;<>\"()%~^?".contains(c);
    text.len() <= LIMIT && text.chars().all(known)
}

/// `text` as one word of a command line.
pub fn word(text: &str) -> Cow<'_, str> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._:/=,-@".contains(c);
    match !text.is_empty() && text.chars().all(bare) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(quoted(text)),
    }
}

/// `text` in single quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` as a basic regular expression that matches it alone.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "./*[]$^\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `text` as sed puts it in another's place.
fn replacement(text: &str) -> String {
    text.replace('/', r"\/")
}

fn place(origin: &Origin) -> Option<(&str, usize)> {
    let span = origin.span()?;
    let bare = span.path().chars().all(|c| c.is_ascii_alphanumeric() || "._/-+".contains(c));
    bare.then(|| (span.path(), span.position().line))
}

/// Replaces `old` by `new` on the line of `origin`, where it stands there.
pub fn replace(origin: &Origin, old: &str, new: &str) -> Option<String> {
    let (file, line) = place(origin)?;
    let there = !old.is_empty() && origin.span()?.excerpt().text.contains(old);
    (there && plain(old) && plain(new))
        .then(|| format!("sed -i '{line}s/{}/{}/' {file}", escaped(old), replacement(new)))
}

/// Replaces `old` by `new` in every line of `file` that is `line`.
pub fn replace_in(file: &str, line: &str, old: &str, new: &str) -> Option<String> {
    let sound = line.contains(old) && !old.is_empty() && [line, old, new].into_iter().all(plain);
    sound.then(|| format!("sed -i '/^[[:blank:]]*{}$/s/{}/{}/' {file}", escaped(line), escaped(old), replacement(new)))
}

/// Writes `new` as the whole line of `origin`.
pub fn replace_line(origin: &Origin, new: &str) -> Option<String> {
    let (file, line) = place(origin)?;
    plain(new).then(|| format!("sed -i '{line}s/.*/{}/' {file}", replacement(new)))
}

/// Removes every line of `file` that begins with `start` and ends there or at a colon.
pub fn remove_key(file: &str, start: &str) -> Option<String> {
    (plain(start) && !start.is_empty()).then(|| format!("sed -i '/^{}:/d' {file}", escaped(start)))
}

/// Removes every line of `file` that is `line`.
pub fn remove_line(file: &str, line: &str) -> Option<String> {
    (plain(line) && !line.is_empty()).then(|| format!("sed -i '/^{}$/d' {file}", escaped(line)))
}

/// Adds `lines` at the end of `file`, be it empty, without newline at its end or, unless it is known to be `there`, missing. What is not
/// plain is left out. (`sed '$a TEXT'` would do nothing to an empty file; `$a\` alone ends the last line where it has to.)
pub fn append(file: &str, lines: &[String], there: bool) -> Vec<String> {
    let sound = lines.iter().filter(|line| plain(line) && !line.starts_with(' ') && !line.is_empty());
    let quoted: Vec<String> = sound.map(|line| quoted(line)).collect();
    if quoted.is_empty() {
        return Vec::new();
    }
    let touch = (!there).then(|| format!("touch {file}"));
    let add = format!(r"printf '%s\n' {} >> {file}", quoted.join(" "));
    touch.into_iter().chain([format!(r"sed -i '$a\' {file}"), add]).collect()
}

/// Takes the blanks at the start of the line of `origin` away.
pub fn outdent(origin: &Origin) -> Option<String> {
    let (file, line) = place(origin)?;
    Some(format!("sed -i '{line}s/^[[:blank:]]*//' {file}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn at(text: &str, part: &str) -> Origin {
        let start = text.find(part).unwrap();
        Origin::File(SourceFile::new("/etc/x.conf", text.as_bytes()).span(start, start + part.len()))
    }

    #[test]
    fn an_edit_says_what_stands_there_now() {
        let origin = at("a = 1\nb: 192.0.2.1\n", "192.0.2.1");
        let edit = replace(&origin, "192.0.2.1", "192.0.2.9").unwrap();
        assert_eq!(edit, r"sed -i '2s/192\.0\.2\.1/192.0.2.9/' /etc/x.conf");
        assert_eq!(replace(&origin, "192.0.2.7", "192.0.2.9"), None, "not there");
        assert_eq!(replace(&Origin::kernel("x"), "a", "b"), None, "no file");
        assert_eq!(remove_key("/etc/mailhelo", "*").unwrap(), r"sed -i '/^\*:/d' /etc/mailhelo");
        assert_eq!(outdent(&origin).unwrap(), "sed -i '2s/^[[:blank:]]*//' /etc/x.conf");
    }

    #[test]
    fn lines_are_added_whatever_the_file_holds() {
        let lines = ["a: b".to_owned(), "c: d%s".to_owned()];
        assert_eq!(
            append("/etc/f", &lines, true),
            [r"sed -i '$a\' /etc/f", r"printf '%s\n' 'a: b' 'c: d%s' >> /etc/f"]
        );
        assert_eq!(append("/etc/f", &lines, false)[0], "touch /etc/f");
        let dir = tempfile::tempdir().unwrap();
        for (before, after) in [
            (None, "a: b\nc: d%s\n"),
            (Some(""), "a: b\nc: d%s\n"),
            (Some("x"), "x\na: b\nc: d%s\n"),
            (Some("x\n"), "x\na: b\nc: d%s\n"),
        ] {
            let file = dir.path().join("f");
            let _ = std::fs::remove_file(&file);
            if let Some(text) = before {
                std::fs::write(&file, text).unwrap();
            }
            for command in append(file.to_str().unwrap(), &lines, before.is_some()) {
                assert!(
                    std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success(),
                    "{command}"
                );
            }
            assert_eq!(std::fs::read_to_string(&file).unwrap(), after, "{before:?}");
        }
    }

    #[test]
    fn nothing_that_a_shell_or_sed_acts_upon_gets_through() {
        let origin = at("b: it's\n", "it's");
        for evil in ["it's", "a'; rm -rf x; '", "a\nb", "a\\n", "a&b", "a`id`", "a|b", "a!b", "\u{1b}[2J"] {
            assert_eq!(replace(&origin, "it", evil), None, "{evil:?}");
            assert_eq!(replace_line(&origin, evil), None, "{evil:?}");
            assert_eq!(append("/etc/f", &[evil.to_owned()], false), [""; 0], "{evil:?}");
            assert_eq!(remove_key("/etc/f", evil), None, "{evil:?}");
        }
        let odd = Origin::File(SourceFile::new("/etc/$(id)", b"old").span(0, 3));
        assert_eq!(replace(&odd, "old", "new"), None, "a file's name is a word too");
        assert_eq!((word("a.b"), word("a b"), word("it's")), ("a.b".into(), "'a b'".into(), r"'it'\''s'".into()));
    }
}
