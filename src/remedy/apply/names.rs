//! The names of what a run leaves beside a file: its draft while it is written, and what was there before. They are all that a later run knows.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use jiff::Timestamp;

/// What stands between a file's name and the stamp of its backup, and before the number of a draft.
const MARK: &str = ".helolint-";
/// The content of a file that is not there.
const NOTHING: u64 = 0;
/// Length of a stamp.
const STAMP: usize = "20261129T051236Z".len();
/// Digits of a number.
const DIGITS: usize = 16;

/// When a run changed files: all of its backups have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(String);

impl Stamp {
    /// The stamp of a time.
    pub fn new(at: Timestamp) -> Stamp {
        Stamp(at.strftime("%Y%m%dT%H%M%SZ").to_string())
    }

    /// The name beside `name` that keeps what was there before it came to hold `content`; or that says that nothing was.
    pub(super) fn beside(&self, name: &str, before: Option<&[u8]>, content: Option<&[u8]>) -> String {
        let ending = if before.is_some() { "bak" } else { "new" };
        format!("{name}{MARK}{}-{:016x}-{:016x}.{ending}", self.0, digest(before), digest(content))
    }
}

/// A number by which a content is known again; it keeps nobody from forging one, and need not.
pub(super) fn digest(content: Option<&[u8]>) -> u64 {
    // FNV-1a.
    let Some(content) = content else { return NOTHING };
    content.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A new name for a file that has no lasting one yet.
pub(super) fn draft() -> String {
    format!("{MARK}{:016x}", RandomState::new().build_hasher().finish())
}

/// Whether [`draft`] makes such names.
pub(super) fn is_draft(name: &str) -> bool {
    name.strip_prefix(MARK).is_some_and(|number| number_of(number).is_some())
}

/// What the name of a backup says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Backup {
    /// When it was made.
    pub stamp: String,
    /// The folder, without a slash at its end.
    pub folder: String,
    /// The file whose content it was.
    pub name: String,
    /// The backup itself.
    pub kept: String,
    /// What it keeps, by [`digest`].
    pub before: u64,
    /// What was put in its place, alike.
    pub content: u64,
    /// Whether there was a file; else the backup is empty.
    pub was_there: bool,
}

impl Backup {
    /// The backup that a name in a folder stands for.
    pub(super) fn read(folder: &str, kept: &str) -> Option<Backup> {
        let (name, rest) = kept.rsplit_once(MARK)?;
        let (rest, ending) = rest.rsplit_once('.')?;
        let (stamp, numbers) = rest.split_once('-')?;
        let (before, content) = numbers.split_once('-')?;
        let was_there = match ending {
            "bak" => true,
            "new" => false,
            _ => return None,
        };
        let of_a_stamp = |byte: u8| byte.is_ascii_digit() || byte == b'T' || byte == b'Z';
        let is_stamp = stamp.len() == STAMP && stamp.bytes().all(of_a_stamp);
        let before = number_of(before)?;
        let content = number_of(content).filter(|_| is_stamp && !name.is_empty())?;
        Some(Backup {
            stamp: stamp.to_owned(),
            folder: folder.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
            kept: kept.to_owned(),
            before,
            content,
            was_there,
        })
    }
}

fn number_of(text: &str) -> Option<u64> {
    let is_number = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_again() {
        let stamp = Stamp::new(Timestamp::from_second(1_800_000_000).unwrap());
        let kept = stamp.beside("main.cf", Some(b"w"), Some(b"x"));
        let backup = Backup::read("/etc/postfix/", &kept).unwrap();
        assert_eq!((backup.folder.as_str(), backup.name.as_str(), backup.was_there), ("/etc/postfix", "main.cf", true));
        assert_eq!((backup.before, backup.content, backup.stamp), (digest(Some(b"w")), digest(Some(b"x")), stamp.0));
        assert!(is_draft(&draft()) && Backup::read("/etc", &draft()).is_none());
        for other in [
            ".helolint-",
            ".helolint-00112233445566",
            ".helolint-0011223344556677.bak",
            ".helolint-+011223344556677",
            "main.cf.helolint-20261129T051236Z-a508b9340b7134a8-a508b9340b7134a8.old",
            "main.cf.helolint-20261129-a508b9340b7134a8-a508b9340b7134a8.bak",
            ".helolint-20261129T051236Z-a508b9340b7134a8-a508b9340b7134a8.bak",
            "main.cf.helolint-20261129T051236Z-a508b9340b7134a8.bak",
        ] {
            assert!(!is_draft(other) && Backup::read("/etc", other).is_none(), "{other}");
        }
    }
}
