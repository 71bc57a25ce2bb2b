//! What every reader of a text file needs: files that may be missing, and lines with their places.

use std::sync::Arc;

use crate::collect::root::{ReadError, Root};
use crate::facts::{Problem, ProblemKind};
use crate::source::SourceFile;

/// Bytes of a line that is read, of files that have one name, address or setting on each.
pub(crate) const LINE_LIMIT: usize = 64 << 10;

/// The file at `path`, which may be missing. Where it stands there and cannot be read, that is a problem, and
/// `consequence` says in a sentence what is not judged then.
pub(crate) fn optional(
    root: &Root,
    path: &str,
    consequence: &str,
    problems: &mut Vec<Problem>,
) -> Option<Arc<SourceFile>> {
    let error = match root.read(path) {
        Ok(file) if !has_long_line(file.text()) => return Some(file),
        Ok(file) => {
            let longest = longest_line(file.text());
            let limit = format!("has a line of {longest} bytes, more than the {LINE_LIMIT} that are read");
            let message = format!("{path} {limit}. {consequence}");
            problems.push(Problem::of_file(ProblemKind::Bounded, path, None, message));
            return None;
        }
        Err(ReadError::NotFound) => return None,
        Err(error) => error,
    };
    let subject = match &error {
        ReadError::NotRegular(_)
        | ReadError::TooLarge(_)
        | ReadError::TooMuch
        | ReadError::TooLong
        | ReadError::Changing => "it ",
        _ => "",
    };
    let message = format!("{path} cannot be read: {subject}{error}. {consequence}");
    // What the system keeps from helolint, the programs of the host may well read.
    let undecided = matches!(error, ReadError::Io(_));
    problems.push(Problem::of_file(kind_of(&error, undecided), path, None, message));
    None
}

/// The problem that a file which cannot be read is: `undecided` where the programs of the host may well read it.
pub(crate) fn kind_of(error: &ReadError, undecided: bool) -> ProblemKind {
    match error {
        ReadError::Denied => ProblemKind::Denied,
        error if error.is_bound() => ProblemKind::Bounded,
        _ => ProblemKind::Unreadable { undecided },
    }
}

/// Whether a line is longer than [`LINE_LIMIT`], its end included.
fn has_long_line(text: &str) -> bool {
    let mut rest = text.as_bytes();
    // Where so many bytes hold the end of a line, nothing before it is too long.
    while rest.len() > LINE_LIMIT {
        let Some(end) = rest[..LINE_LIMIT].iter().rposition(|byte| *byte == b'\n') else { return true };
        rest = &rest[end + 1..];
    }
    false
}

/// Bytes of the longest line, its end included.
fn longest_line(text: &str) -> usize {
    text.split_inclusive('\n').map(str::len).max().unwrap_or(0)
}

/// The lines of `text` without their ends, each with the byte at which it begins.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.strip_suffix('\n').unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_where_they_begin() {
        assert_eq!(lines("a\n\nbc").collect::<Vec<_>>(), [(0, "a"), (2, ""), (3, "bc")]);
        assert_eq!(lines("a\n").collect::<Vec<_>>(), [(0, "a")]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn a_long_line_is_found_wherever_it_stands() {
        let line = |length: usize| "x".repeat(length - 1) + "\n";
        for lengths in
            [&[][..], &[1, 2], &[LINE_LIMIT], &[LINE_LIMIT + 1], &[7, LINE_LIMIT, 9], &[7, LINE_LIMIT + 1, 9]]
        {
            let text: String = lengths.iter().map(|length| line(*length)).collect();
            assert_eq!(has_long_line(&text), longest_line(&text) > LINE_LIMIT, "{lengths:?}");
        }
        let unended = "a\n".to_owned() + &"x".repeat(LINE_LIMIT + 1);
        assert!(has_long_line(&unended) && !has_long_line(&unended[..LINE_LIMIT + 2]));
    }

    #[test]
    fn a_line_without_end_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        for (length, read) in [(LINE_LIMIT - 1, true), (LINE_LIMIT, false)] {
            std::fs::write(dir.path().join("etc/hosts"), format!("{}\n", "\0".repeat(length))).unwrap();
            let mut problems = Vec::new();
            let file = optional(&Root::open(dir.path()).unwrap(), "/etc/hosts", "So be it", &mut problems);
            assert_eq!((file.is_some(), problems.is_empty()), (read, read), "{length}");
            assert!(problems.iter().all(|problem| problem.kind == ProblemKind::Bounded));
        }
    }

    #[test]
    fn a_missing_file_is_no_problem_and_a_folder_is_one() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("etc/hosts")).unwrap();
        let root = Root::open(dir.path()).unwrap();
        let mut problems = Vec::new();
        assert!(optional(&root, "/etc/none", "", &mut problems).is_none());
        assert!(problems.is_empty());
        assert!(optional(&root, "/etc/hosts", "So be it", &mut problems).is_none());
        assert_eq!(problems[0].kind, ProblemKind::Unreadable { undecided: false });
        assert_eq!(problems[0].message, "/etc/hosts cannot be read: it is a folder, not a regular file. So be it");
    }
}
