//! Opens what is below a folder as if that folder were `/`, by descriptors alone: a link that is put in place meanwhile leads
//! nowhere else than one that has always been there.
//!
//! Linux does it by itself since 5.6 (openat2(2), `RESOLVE_IN_ROOT`). Older kernels (RHEL 8 has 4.18) and containers that forbid
//! the call get a walk of our own, one descriptor for each component.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};

use crate::collect::processes::processor_time;

/// Links followed in one path before it counts as a loop, as Linux has it (path_resolution(7)).
const LINK_LIMIT: usize = 40;
/// Longest path in bytes (`PATH_MAX` of limits.h, without the NUL).
const PATH_LIMIT: usize = 4095;
/// How often openat2(2) is called for one path: it answers EAGAIN where anything was renamed anywhere while it went up by `..`.
const ATTEMPTS: usize = 100;

/// Processor time for all paths of a run: a thousand of a usual host take some milliseconds, those of 50,000 domains with keys half a second, and a
/// path of forty links, each as long as a path may be, takes four milliseconds by itself.
pub(super) const LOOKUP: Duration = Duration::from_secs(3);
/// What is said of a path that is not looked for any more, as no system says it of one.
pub(super) const SPENT: Errno = Errno::EDQUOT;

/// A folder that stands for `/`.
#[derive(Debug)]
pub(crate) struct Door {
    dir: OwnedFd,
    /// Processor time that paths have taken.
    spent: Cell<Duration>,
    /// Whether the kernel resolves paths, and not [`Door::walk`].
    by_kernel: bool,
}

impl Door {
    /// The door to what is below `dir`.
    pub(crate) fn new(dir: OwnedFd) -> Door {
        // ENOSYS of an old kernel, EPERM of a container: what else it may be, it is not there for us.
        let by_kernel = resolve_in(dir.as_fd(), OsStr::new("/")).is_ok();
        Door { dir, spent: Cell::default(), by_kernel }
    }

    /// A door that walks, whatever the kernel can.
    #[cfg(test)]
    pub(crate) fn walking(dir: OwnedFd) -> Door {
        Door { dir, spent: Cell::default(), by_kernel: false }
    }

    /// A descriptor for what is at `path`, links followed. It can be asked about and opened again ([`reopen`]), not read
    /// (`O_PATH`): nothing happens to a device or a FIFO.
    ///
    /// # Errors
    /// The system's; [`SPENT`] once paths have taken too long.
    pub(crate) fn find(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.counted(|| self.found(path))
    }

    /// What a look for a path comes to; the processor time that it takes counts.
    fn counted<T>(&self, look: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        if self.spent.get() >= LOOKUP {
            return Err(SPENT);
        }
        let before = processor_time();
        let found = look();
        self.spent.set(self.spent.get() + processor_time().saturating_sub(before));
        found
    }

    /// Whether no path is looked for any more.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent.get() >= LOOKUP
    }

    fn found(&self, path: &str) -> Result<OwnedFd, Errno> {
        if self.by_kernel {
            for _ in 0..ATTEMPTS {
                match resolve_in(self.dir.as_fd(), OsStr::new(path)) {
                    Err(Errno::EAGAIN) => {}
                    other => return other,
                }
            }
        }
        match self.walk(path)?.pop() {
            Some((_, found)) => Ok(found),
            None => openat(&self.dir, ".", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()),
        }
    }

    /// The same door once more.
    ///
    /// # Errors
    /// Where the process may have no more descriptors.
    pub(crate) fn try_clone(&self) -> io::Result<Door> {
        Ok(Door { dir: self.dir.try_clone()?, spent: Cell::default(), by_kernel: self.by_kernel })
    }

    /// `path` without links and dots.
    ///
    /// # Errors
    /// The system's; EILSEQ where a link leads to a name that is not UTF-8.
    pub(crate) fn canonical(&self, path: &str) -> Result<String, Errno> {
        let mut canonical = String::new();
        for (name, _) in self.counted(|| self.walk(path))? {
            canonical.push('/');
            canonical.push_str(name.to_str().ok_or(Errno::EILSEQ)?);
        }
        Ok(if canonical.is_empty() { "/".to_owned() } else { canonical })
    }

    /// The components that `path` comes to, each with its descriptor. Going up gives a descriptor back, so that a folder which is
    /// moved meanwhile is no way out.
    fn walk(&self, path: &str) -> Result<Vec<(OsString, OwnedFd)>, Errno> {
        let mut todo = components(path.as_bytes())?;
        let mut trail: Vec<(OsString, OwnedFd)> = Vec::new();
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            let here = trail.last().map_or(self.dir.as_fd(), |(_, fd)| fd.as_fd());
            if part == "." || part == ".." {
                if kind(here)? != SFlag::S_IFDIR {
                    return Err(Errno::ENOTDIR);
                }
                if part == ".." {
                    trail.pop();
                }
                continue;
            }
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let next = openat(here, part.as_os_str(), flags, Mode::empty())?;
            if kind(next.as_fd())? != SFlag::S_IFLNK {
                trail.push((part, next));
                continue;
            }
            links += 1;
            if links > LINK_LIMIT {
                return Err(Errno::ELOOP);
            }
            let target = readlinkat(&next, "")?;
            if target.as_bytes().starts_with(b"/") {
                trail.clear();
            }
            for part in components(target.as_bytes())?.into_iter().rev() {
                todo.push_front(part);
            }
        }
        Ok(trail)
    }
}

/// What openat2(2) finds at `path` where `dir` is `/`. Magic links of `/proc` lead out of any root and are not followed.
fn resolve_in(dir: BorrowedFd, path: &OsStr) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { OsStr::new("/") } else { path };
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(dir, path, how)
}

/// The components of a path; `.` at the end where only a folder will do.
fn components(path: &[u8]) -> Result<VecDeque<OsString>, Errno> {
    if path.len() > PATH_LIMIT {
        return Err(Errno::ENAMETOOLONG);
    }
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    let mut parts: VecDeque<OsString> = parts.map(|part| OsString::from_vec(part.to_vec())).collect();
    if path.ends_with(b"/") {
        parts.push_back(".".into());
    }
    Ok(parts)
}

/// The type bits of what a descriptor stands for.
fn kind(fd: BorrowedFd) -> Result<SFlag, Errno> {
    Ok(SFlag::from_bits_truncate(fstat(fd)?.st_mode) & SFlag::S_IFMT)
}

/// Opens what a descriptor of [`Door::find`] stands for, to be read: itself, whatever is at its path by now.
///
/// # Errors
/// The system's; where `/proc` is not mounted among them.
pub(crate) fn reopen(found: &impl AsRawFd) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path_of(found))
}

/// A folder in the folder `parent`; an error where it is a link by now.
///
/// # Errors
/// The system's.
pub(crate) fn folder_in(parent: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// The names in a folder and what each is, sorted, `limit` of them at most; none where it cannot be listed.
pub(crate) fn entries(folder: &impl AsRawFd, limit: usize) -> Vec<(OsString, FileType)> {
    // One folder is listed and nothing below: deeper, walkdir goes by paths.
    let listing = walkdir::WalkDir::new(path_of(folder)).min_depth(1).max_depth(1).follow_links(false);
    let entries = listing.into_iter().take(limit).flatten();
    let mut entries: Vec<_> = entries.map(|entry| (entry.file_name().to_owned(), entry.file_type())).collect();
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    entries
}

/// The magic link of a descriptor (proc_pid_fd(5)).
fn path_of(fd: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_for_paths_takes_time_and_ends() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "").unwrap();
        let door = Door::new(OwnedFd::from(File::open(dir.path()).unwrap()));
        assert!(door.find("/a").is_ok() && !door.spent.get().is_zero() && !door.is_spent());
        door.spent.set(LOOKUP);
        assert_eq!((door.find("/a").err(), door.canonical("/a").err()), (Some(SPENT), Some(SPENT)));
        assert!(door.is_spent() && door.try_clone().unwrap().find("/a").is_ok());
    }
}
