//! Where a file that the command line names is: the folder, open, and the name in it.
//!
//! The path is walked by descriptors, so that what was looked at is what is used. A link counts only where root or who runs
//! helolint owns it: whoever else put it there could choose which file is replaced, or read. (`fs.protected_symlinks` of proc_sys_fs(5)
//! has that for sticky folders alone, and only where the kernel follows the link.)

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::Uid;

/// Links followed in one path before it counts as a loop, as Linux has it (path_resolution(7)).
const LINK_LIMIT: usize = 40;
/// The sticky bit (inode(7)): who may write to a folder may not replace other users' files in it.
const STICKY: u32 = 0o1000;
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// Why a file is not written.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The system's words.
    Io(io::Error),
    /// Somebody else could gain by it.
    Unsafe(String),
    /// It lies behind a link of somebody else.
    Link {
        /// Whose.
        owner: u32,
        /// What it is called.
        name: String,
    },
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Refusal {
        Refusal::Io(errno.into())
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Io(error)
    }
}

/// A name in a folder.
#[derive(Debug)]
pub(crate) struct Place {
    /// The folder (`O_PATH`).
    pub folder: OwnedFd,
    /// The name in it; no link, unless `open_file`.
    pub name: OsString,
    /// It is the magic link of a file that a process has open, as `/dev/fd/63` leads to (proc_pid_fd(5)).
    pub open_file: bool,
}

impl Place {
    /// Where `path` leads to.
    ///
    /// # Errors
    /// Where a folder on the way is missing or cannot be entered, it leads to a folder, or through a link of somebody else.
    pub(crate) fn find(path: &Path) -> Result<Place, Refusal> {
        let me = Uid::effective();
        let mut todo = components(path.as_os_str());
        let mut folder = start(path)?;
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            if name == ".." {
                folder = openat(&folder, "..", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
                continue;
            }
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let next = match openat(&folder, name.as_os_str(), flags, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::ENOENT) if todo.is_empty() => return Ok(Place { folder, name, open_file: false }),
                Err(errno) => return Err(errno.into()),
            };
            let meta = fstat(&next)?;
            if !is(&meta, SFlag::S_IFLNK) {
                if todo.is_empty() && !is(&meta, SFlag::S_IFDIR) {
                    return Ok(Place { folder, name, open_file: false });
                }
                folder = next;
                continue;
            }
            if !trusted(meta.st_uid, me) {
                return Err(Refusal::Link { owner: meta.st_uid, name: name.display().to_string() });
            }
            if todo.is_empty() && fstatfs(&folder)?.filesystem_type() == PROC_SUPER_MAGIC {
                return Ok(Place { folder, name, open_file: true });
            }
            links += 1;
            if links > LINK_LIMIT {
                return Err(Errno::ELOOP.into());
            }
            let target = readlinkat(&next, "")?;
            if target.as_bytes().starts_with(b"/") {
                folder = start(Path::new("/"))?;
            }
            for part in components(&target).into_iter().rev() {
                todo.push_front(part);
            }
        }
        Err(Errno::EISDIR.into())
    }

    /// Whether it is the same name in the same folder.
    pub(crate) fn is_same(&self, other: &Place) -> bool {
        let folder = |place: &Place| fstat(&place.folder).map(|meta| (meta.st_dev, meta.st_ino)).ok();
        self.name == other.name && folder(self).is_some() && folder(self) == folder(other)
    }

    /// What is there now; `None` where nothing is.
    ///
    /// # Errors
    /// Where it belongs to somebody else, in a folder where everybody may put what they like: they would get to read what is
    /// written, since owner and permissions of a file are kept.
    pub(crate) fn status(&self) -> Result<Option<FileStat>, Refusal> {
        let meta = match fstatat(&self.folder, self.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(meta) => meta,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let shared = fstat(&self.folder)?.st_mode & WRITABLE_BY_OTHERS != 0;
        if shared && !self.open_file && !trusted(meta.st_uid, Uid::effective()) {
            return Err(Refusal::Unsafe(format!(
                "user {} owns what is there, in a folder where everybody may write",
                meta.st_uid
            )));
        }
        Ok(Some(meta))
    }

    /// Whether a file may be put into the folder.
    ///
    /// # Errors
    /// Where helolint runs as root and somebody else decides what is in the folder.
    pub(crate) fn may_be_written(&self) -> Result<(), Refusal> {
        let folder = fstat(&self.folder)?;
        folder_rule(folder.st_uid, folder.st_mode, Uid::effective()).map_err(Refusal::Unsafe)
    }
}

/// Whether user `me` may put a file into a folder of `owner` with the permissions `mode`.
fn folder_rule(owner: u32, mode: u32, me: Uid) -> Result<(), String> {
    const INSTEAD: &str = "as root, name a folder of root's, or let the shell write: helolint ... > FILE";
    if !me.is_root() {
        return Ok(());
    }
    if owner != 0 {
        return Err(format!("user {owner} owns the folder, and decides what is in it; {INSTEAD}"));
    }
    if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
        return Err(format!("everybody may replace files in the folder (mode {:04o}); {INSTEAD}", mode & 0o7777));
    }
    Ok(())
}

/// Whether what `owner` put somewhere may decide what `me` does.
pub(crate) fn trusted(owner: u32, me: Uid) -> bool {
    owner == 0 || owner == me.as_raw()
}

/// Whether a file is of a type.
pub(crate) fn is(meta: &FileStat, kind: SFlag) -> bool {
    SFlag::from_bits_truncate(meta.st_mode) & SFlag::S_IFMT == kind
}

fn start(path: &Path) -> Result<OwnedFd, Errno> {
    let from = if path.is_absolute() { "/" } else { "." };
    openat(AT_FDCWD, from, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}

/// The components of a path; `.` at the end where only a folder will do.
fn components(path: &OsStr) -> VecDeque<OsString> {
    let parts = path.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let mut parts: VecDeque<OsString> = parts.map(|part| OsString::from_vec(part.to_vec())).collect();
    if path.as_bytes().ends_with(b"/") || path.as_bytes().ends_with(b"/.") {
        parts.push_back(".".into());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_writes_only_where_nobody_else_decides() {
        let said = |owner, mode, me| folder_rule(owner, mode, Uid::from_raw(me)).err().unwrap_or_default();
        assert_eq!(said(0, 0o755, 0), "");
        assert_eq!(said(0, 0o775, 0), "", "a group of administrators");
        assert_eq!(said(0, 0o1777, 0), "", "/tmp: nobody can replace our file");
        assert!(said(0, 0o777, 0).starts_with("everybody may replace files in the folder (mode 0777)"));
        assert!(said(1000, 0o755, 0).starts_with("user 1000 owns the folder"));
        assert_eq!(said(1001, 0o777, 1000), "", "who is not root harms himself alone");
        assert!(trusted(0, Uid::from_raw(7)) && trusted(7, Uid::from_raw(7)) && !trusted(8, Uid::from_raw(7)));
        assert!(!trusted(1000, Uid::from_raw(0)), "root trusts root alone");
    }
}
