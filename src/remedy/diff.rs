//! What changed between two contents of a file: as a unified diff, and as a command that makes the same change.

use similar::{Algorithm, DiffTag, TextDiff};

use super::edit::split;
use crate::shell;

/// Lines that one command changes; of more, the diff is what can be carried out.
const PARTS: usize = 300;
/// Lines from which on a text is large.
const LARGE: usize = 2_000;
/// Bytes of a line that a command may hold.
const LINE_LIMIT: usize = 2000;

/// The unified diff, without lines of context: those may hold secrets, and the lines that change say where they stand.
pub(crate) fn unified(old: &str, new: &str) -> String {
    if let Some(changed) = in_place(old, new) {
        return hunks(old, new, &changed);
    }
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(old, new);
    diff.unified_diff().context_radius(0).missing_newline_hint(true).to_string()
}

/// The lines, from 0, that are others in a large text of which none goes and the new ones stand at the end; `None` for any other change. A
/// map of fifty thousand lines would take the search for the shortest diff seconds.
fn in_place(old: &str, new: &str) -> Option<Vec<usize>> {
    let number = old.lines().count();
    let plain = old.ends_with('\n') && new.ends_with('\n') && new.lines().count() >= number;
    if number < LARGE || !plain {
        return None;
    }
    let changed: Vec<usize> =
        (0..).zip(old.lines().zip(new.lines())).filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
    (changed.len() <= number / 4).then_some(changed)
}

/// The diff of lines that change in place and of those behind them.
fn hunks(old: &str, new: &str, changed: &[usize]) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let range = |start: usize, length: usize| if length == 1 { start.to_string() } else { format!("{start},{length}") };
    let mut out = String::new();
    for run in changed.chunk_by(|a, b| a + 1 == *b) {
        let Some(first) = run.first() else { continue };
        let at = range(first + 1, run.len());
        out += &format!("@@ -{at} +{at} @@\n");
        run.iter().filter_map(|at| old.get(*at)).for_each(|line| out += &format!("-{line}\n"));
        run.iter().filter_map(|at| new.get(*at)).for_each(|line| out += &format!("+{line}\n"));
    }
    let more = new.get(old.len()..).unwrap_or_default();
    if !more.is_empty() {
        out += &format!("@@ -{},0 +{} @@\n", old.len(), range(old.len() + 1, more.len()));
        more.iter().for_each(|line| out += &format!("+{line}\n"));
    }
    out
}

/// `old` with the changes of a unified diff that [`unified`] made of it; `None` where a line that goes does not stand where the diff says.
pub(crate) fn patched(old: &str, diff: &str) -> Option<String> {
    const NO_NEWLINE: &str = "\\ No newline at end of file";
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let (mut new, mut at) = (String::new(), 0);
    let mut rest = diff.split_inclusive('\n').peekable();
    while let Some(head) = rest.next() {
        let (before, _) = head.strip_prefix("@@ -")?.split_once(" +")?;
        let (start, count) = before.split_once(',').unwrap_or((before, "1"));
        let (start, count): (usize, usize) = (start.parse().ok()?, count.parse().ok()?);
        // Where nothing goes, the line named is the one before.
        let start = if count == 0 { start } else { start.checked_sub(1)? };
        new.push_str(&lines.get(at..start)?.concat());
        at = start;
        while let Some(line) = rest.next_if(|line| !line.starts_with("@@ ")) {
            let bare = rest.next_if(|next| next.trim_end() == NO_NEWLINE).is_some();
            let text = line.get(1..)?;
            let text = if bare { text.strip_suffix('\n').unwrap_or(text) } else { text };
            match line.as_bytes().first()? {
                b'+' => new.push_str(text),
                b'-' | b' ' => {
                    if *lines.get(at)? != text {
                        return None;
                    }
                    if line.starts_with(' ') {
                        new.push_str(text);
                    }
                    at += 1;
                }
                _ => return None,
            }
        }
    }
    new.push_str(&lines.get(at..)?.concat());
    Some(new)
}

/// What a diff comes to, in words: the lines that it adds, and those that it takes away and sets to nothing else.
pub(super) fn told(diff: &str) -> Vec<String> {
    let lines = |sign: char| -> Vec<&str> {
        let found = diff.lines().filter_map(|line| line.strip_prefix(sign)).map(str::trim);
        found.filter(|line| !line.is_empty()).collect()
    };
    let setting = |line: &str| {
        let bare = line.strip_prefix("-o").map_or(line, str::trim_start);
        bare.split(['=', ':', ' ', '\t']).next().unwrap_or_default().to_owned()
    };
    let added = lines('+');
    let mut set: Vec<String> = added.iter().map(|line| setting(line)).collect();
    let mut gone = lines('-');
    gone.retain(|line| match set.iter().position(|name| *name == setting(line)) {
        Some(at) => {
            set.swap_remove(at);
            false
        }
        None => true,
    });
    let said = |lines: Vec<&str>, before: &str| {
        lines.into_iter().zip(0..).map(|(line, at)| format!("{}`{line}`", if at == 0 { before } else { "" })).collect()
    };
    let mut all: Vec<String> = said(added, "write ");
    all.extend::<Vec<String>>(said(gone, "remove "));
    all
}

/// Commands that make `new` of `old` in `file`: each line that is changed is named by its number and by what stands there, so that nothing
/// happens where the file has changed since. `None` where a shell or sed(1) might take some text for more than it is.
pub(crate) fn commands(file: &str, old: Option<&str>, new: &str) -> Option<Vec<String>> {
    if !file.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-+@".contains(&b)) {
        return None;
    }
    if old == Some(new) {
        return Some(Vec::new());
    }
    let old = old.unwrap_or_default();
    if old.is_empty() {
        return Some(vec![match new.is_empty() {
            true => format!("touch {file}"),
            false => format!("printf '%s\\n' {} > {file}", words(new)?),
        }]);
    }
    if new.is_empty() || !old.ends_with('\n') && new.ends_with('\n') {
        return whole(file, new);
    }
    // What is added at the end needs no sed.
    let added = new.strip_prefix(old).filter(|added| added.ends_with('\n') && old.ends_with('\n'));
    if let Some(added) = added.and_then(words) {
        return Some(vec![format!("printf '%s\\n' {added} >> {file}")]);
    }
    if in_place(old, new).is_some_and(|changed| changed.len() > PARTS) {
        return None;
    }
    let (before, _) = split(old);
    let (after, _) = split(new);
    let diff = TextDiff::from_lines(old, new);
    let mut script: Vec<String> = Vec::new();
    for op in diff.ops() {
        let (tag, gone, come) = op.as_tag_tuple();
        let come = after.get(come)?;
        match tag {
            DiffTag::Equal => {}
            DiffTag::Delete => {
                for at in gone {
                    script.push(format!("{}{{/^{}$/d}}", at + 1, pattern(before.get(at)?)?));
                }
            }
            DiffTag::Insert => {
                let put = come.iter().map(|line| replacement(line)).collect::<Option<Vec<_>>>()?.join("\\n");
                match gone.start.checked_sub(1) {
                    Some(at) => script.push(format!("{}s/^{}$/&\\n{put}/", at + 1, pattern(before.get(at)?)?)),
                    None => script.push(format!("1s/^{}$/{put}\\n&/", pattern(before.first()?)?)),
                }
            }
            DiffTag::Replace => {
                let last = gone.end - 1;
                for at in gone.clone() {
                    let from = pattern(before.get(at)?)?;
                    let index = at - gone.start;
                    let lines = if at == last { come.get(index..) } else { come.get(index..index + 1) };
                    let lines = lines.filter(|lines| !lines.is_empty());
                    script.push(match lines {
                        None => format!("{}{{/^{from}$/d}}", at + 1),
                        Some(lines) => {
                            let put =
                                lines.iter().map(|line| replacement(line)).collect::<Option<Vec<_>>>()?.join("\\n");
                            format!("{}s/^{from}$/{put}/", at + 1)
                        }
                    });
                }
            }
        }
    }
    // Two changes of one line would not both find what stood there.
    let mut numbers: Vec<&str> =
        script.iter().map(|part| part.trim_end_matches(|c: char| !c.is_ascii_digit())).collect();
    numbers = script.iter().zip(numbers).map(|(part, _)| part.split(['s', '{']).next().unwrap_or_default()).collect();
    numbers.sort_unstable();
    let count = numbers.len();
    numbers.dedup();
    if numbers.len() != count {
        return whole(file, new);
    }
    if script.len() > PARTS {
        return None;
    }
    let parts: Vec<String> = match script.as_slice() {
        [one] => vec![shell::quoted(one)],
        many => many.iter().map(|part| format!("-e {}", shell::quoted(part))).collect(),
    };
    Some(vec![format!("sed -i {} {file}", parts.join(" "))])
}

/// The whole content anew.
fn whole(file: &str, new: &str) -> Option<Vec<String>> {
    if new.is_empty() {
        return Some(vec![format!("printf '' > {file}")]);
    }
    if !new.ends_with('\n') {
        return None;
    }
    Some(vec![format!("printf '%s\\n' {} > {file}", words(new)?)])
}

/// The lines of a text as words of a command line.
fn words(text: &str) -> Option<String> {
    let (lines, _) = split(text);
    if lines.len() > PARTS {
        return None;
    }
    let quoted = lines
        .iter()
        .map(|line| (is_plain(line) && !line.contains('\t')).then(|| shell::quoted(line)))
        .collect::<Option<Vec<_>>>()?;
    Some(quoted.join(" "))
}

/// Whether a line can stand in a command.
fn is_plain(line: &str) -> bool {
    line.len() <= LINE_LIMIT && !line.contains(|c: char| c.is_control() && c != '\t')
}

/// A line as a basic regular expression that matches it alone.
fn pattern(line: &str) -> Option<String> {
    let mut out = String::new();
    for c in line.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            c => {
                if "./*[]$^\\".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    is_plain(line).then_some(out)
}

/// A line as sed puts it in another's place.
fn replacement(line: &str) -> Option<String> {
    let mut out = String::new();
    for c in line.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            c => {
                if "/&\\".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    is_plain(line).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_goes_for_good_is_told_with_what_comes() {
        for (diff, expected) in [
            ("@@ -1 +1 @@\n-a = 1\n+a = 2\n", &["write `a = 2`"][..]),
            (
                "@@ -1,2 +1 @@\n-interface = 192.0.2.1\n-helo_data = x\n+helo_data = y\n",
                &["write `helo_data = y`", "remove `interface = 192.0.2.1`"],
            ),
            ("@@ -1,2 +1 @@\n-a = 1\n-a = 2\n+a = 3\n", &["write `a = 3`", "remove `a = 2`"]),
            ("@@ -1,2 +1 @@\n-  -o x=1\n-  -o y=1\n+  -o y=2\n", &["write `-o y=2`", "remove `-o x=1`"]),
            ("@@ -1,2 +0,0 @@\n-a\n-b\n", &["remove `a`", "`b`"]),
        ] {
            assert_eq!(told(diff), expected, "{diff}");
        }
    }

    /// What sh and sed make of the commands.
    fn run(old: Option<&str>, new: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.conf");
        if let Some(old) = old {
            std::fs::write(&file, old).unwrap();
        }
        for command in commands(file.to_str().unwrap(), old, new).unwrap() {
            assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
        }
        std::fs::read_to_string(file).unwrap()
    }

    #[test]
    fn commands_make_the_same_file_as_the_edit() {
        for (old, new) in [
            (Some("a = 1\nb = 2\n"), "a = 1\nb = 3\n"),
            (Some("a = 1\nb = 2\n"), "a = 1\nb = 2\nc = $x & \\1 / 'q' * .\n"),
            (Some("a = 1\nb = [2]*\n"), "x\na = 1\n"),
            (Some("a\nb\nc\nd\n"), "a\nB1\nB2\nd\n"),
            (Some("a\nb\nc\n"), "a\nb1\nb2\nb3\nc1\nc2\n"),
            (Some("x\n"), "y & z\n"),
            (Some("a\n\tb\n"), "a\n\tb\n\tc\n"),
            (Some("only"), "only\nmore\n"),
            (None, "new file\nwith $(two) `lines`\n"),
            (None, ""),
            (Some("a\nb\n"), "b\n"),
            (Some("a\nb\n"), "0\na\nb\n"),
        ] {
            assert_eq!(run(old, new), new, "{old:?}");
        }
    }

    #[test]
    fn a_diff_makes_the_new_text_of_the_old() {
        for (old, new) in [
            ("a\nb\nc\n", "a\nx\nc\n"),
            ("a\nb\nc\n", "b\nc\nd\n"),
            ("", "a\n"),
            ("a\n", ""),
            ("a\nb", "a\nb\nc"),
            ("a\nb", "a\nb\n"),
            ("a\n", "a\nb"),
            ("one\ntwo\nthree\nfour\n", "zero\none\nthree\nfive\nsix\n"),
        ] {
            let diff = unified(old, new);
            assert_eq!(patched(old, &diff).as_deref(), Some(new), "{diff}");
            assert_eq!(
                patched(&format!("# a line more\n{old}"), &diff).filter(|_| diff.contains("\n-")),
                None,
                "{diff}"
            );
        }
        for none in ["x", "@@ -1 +1\n*a\n", "@@ -9 +9 @@\n-a\n", "@@ -0 +1 @@\n-a\n"] {
            assert_eq!(patched("a\n", none), None, "{none}");
        }
    }

    #[test]
    fn what_has_changed_since_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.conf");
        std::fs::write(&file, "a = 7\n").unwrap();
        let command = commands(file.to_str().unwrap(), Some("a = 1\n"), "a = 2\n").unwrap().remove(0);
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
        assert_eq!(std::fs::read_to_string(file).unwrap(), "a = 7\n");
    }

    #[test]
    fn no_command_holds_what_a_terminal_would_act_upon() {
        assert_eq!(commands("/etc/x", Some("a\n"), "a\u{1b}[2J\n"), None);
        assert_eq!(commands("/etc/x;reboot", Some("a\n"), "b\n"), None);
    }

    #[test]
    fn large_texts_are_compared_line_by_line() {
        let old: String = (0..LARGE).map(|at| format!("{at}\n")).collect();
        let new = old.replace("\n7\n8\n", "\nseven\neight\n").replace("\n99\n", "\nx\n") + "more\n";
        let expected = format!(
            "@@ -8,2 +8,2 @@\n-7\n-8\n+seven\n+eight\n@@ -100 +100 @@\n-99\n+x\n@@ -{LARGE},0 +{} @@\n+more\n",
            LARGE + 1
        );
        assert_eq!(unified(&old, &new), expected);
    }

    #[test]
    fn a_diff_names_only_lines_that_change() {
        assert_eq!(unified("a\nb\nc\n", "a\nx\nc\n"), "@@ -2 +2 @@\n-b\n+x\n");
        assert_eq!(unified("", "x\n"), "@@ -0,0 +1 @@\n+x\n");
    }
}
