//! Addresses and names of an old host in the files of the new one.

use super::cpanel::MARK;
use super::root::Root;
use crate::facts::{Leftover, Sought};
use crate::source::SourceFile;
use std::sync::Arc;

/// Places in one file that are told one by one: of a map with thousands of such lines, the first few say enough.
const IN_ONE_FILE: usize = 100;

/// Files in which a `#` behind a blank begins a comment; in others, only one at the start of a line does.
const COMMENTS_BEHIND: [&str; 3] = ["/etc/hosts", "/etc/resolv.conf", "/etc/mailname"];

/// Where what is sought stands in the files that were read, file by file. helolint's own settings, which name old addresses on purpose, and
/// the kernel's files are left out.
pub fn left_behind(root: &Root, sought: &Sought) -> Vec<Leftover> {
    if sought.is_empty() {
        return Vec::new();
    }
    let files = root.paths_read().into_iter().filter(|path| !is_left_out(path));
    let texts = files.filter_map(|path| root.read(&path).ok());
    texts.flat_map(|file| in_file(&file, sought)).collect()
}

/// Whether it is no matter what a file says.
pub(super) fn is_left_out(path: &str) -> bool {
    path.ends_with("helolint.toml") || path.starts_with("/proc/") || path.starts_with("/sys/")
}

/// Where what is sought stands in one file.
pub(super) fn in_file(file: &Arc<SourceFile>, sought: &Sought) -> Vec<Leftover> {
    // What a transfer took out of a zone is left there on purpose.
    let is_trace =
        |at: usize| file.text().get(at..).and_then(|rest| rest.lines().next()).is_some_and(|l| l.contains(MARK));
    let found = sought.in_text(file.text()).filter(|(range, _)| !is_trace(range.start)).take(IN_ONE_FILE);
    let leftover = |(range, value): (std::ops::Range<usize>, _)| {
        let in_comment = is_comment(file.path(), file.text(), range.start);
        Leftover { span: file.span(range.start, range.end), value, in_comment }
    };
    found.map(leftover).collect()
}

/// Whether the byte at `at` stands in a comment.
fn is_comment(path: &str, text: &str, at: usize) -> bool {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let before = &text[start..at];
    let begins = |mark| before.trim_start().starts_with(mark);
    let behind = COMMENTS_BEHIND.contains(&path) && before.contains('#');
    begins('#') || behind || path.ends_with(".db") && before.contains(';')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::DomainName;

    #[test]
    fn each_place_is_told_and_comments_apart() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("etc/hosts", "127.0.0.1 localhost # not 198.51.100.7\n198.51.100.7 old.example.com new.example.com\n");
        write("etc/hostname", "new.example.com\n");
        write("etc/unread", "198.51.100.7\n");
        let root = Root::open(dir.path()).unwrap();
        for path in ["/etc/hosts", "/etc/hostname", "/etc/none"] {
            let _ = root.read(path);
        }
        let sought = Sought {
            addresses: ["198.51.100.7".parse().unwrap()].into(),
            names: [DomainName::new("old.example.com")].into(),
        };
        let found = left_behind(&root, &sought);
        let told: Vec<String> = found
            .iter()
            .map(|left| {
                format!("{}:{} {} {}", left.span.path(), left.span.position().line, left.value, left.in_comment)
            })
            .collect();
        assert_eq!(
            told,
            ["/etc/hosts:1 198.51.100.7 true", "/etc/hosts:2 198.51.100.7 false", "/etc/hosts:2 old.example.com false"]
        );
        assert_eq!(left_behind(&root, &Sought::default()), []);
    }

    #[test]
    fn of_one_file_a_bounded_number() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("map"), "a.example: 198.51.100.7\n".repeat(5000)).unwrap();
        let root = Root::open(dir.path()).unwrap();
        root.read("/map").unwrap();
        let sought = Sought { addresses: ["198.51.100.7".parse().unwrap()].into(), ..Sought::default() };
        assert_eq!(left_behind(&root, &sought).len(), IN_ONE_FILE);
    }
}
