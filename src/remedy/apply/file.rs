//! One file, replaced whole: what will be there is written beside it first, with owner, permissions and attributes of what is there; the old
//! file keeps another name, under which it can be given back.
//!
//! Everything goes by the folder's descriptor, and nothing follows a link. Whenever the process ends, the file is the old one or the new one.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};
use xattr::FileExt;

use super::names::{Stamp, draft};
use super::select::FileChange;
use crate::collect::root::Folders;

/// Largest file that is replaced, in bytes: the largest that is read.
pub(super) const SIZE_LIMIT: u64 = 32 << 20;
/// Permissions of a file that was not there before: its owner writes, everyone reads, as the packages have their configuration.
const NEW_MODE: u32 = 0o644;
/// Links in one folder that lead to one another.
const LINK_LIMIT: usize = 8;

/// A change that has only to be given its name.
#[derive(Debug)]
pub struct Prepared<'c> {
    change: &'c FileChange,
    folder: OwnedFd,
    /// The name that is replaced, in the folder.
    name: String,
    /// What is there, as it was when it was read.
    before: Option<FileStat>,
    /// The file to be, which goes where it never gets its name.
    draft: Option<Draft>,
}

impl<'c> Prepared<'c> {
    /// Looks at what is there, and writes what will be beside it.
    ///
    /// # Errors
    /// Why the file cannot be replaced, in words.
    pub fn new(folders: &Folders, change: &'c FileChange) -> Result<Prepared<'c>, String> {
        let (folder, name) = change.file.rsplit_once('/').ok_or("it is no path")?;
        let folder = folders.open(&format!("{folder}/")).map_err(words)?;
        let name = followed(&folder, name)?;
        let (before, old) = match open(&folder, &name)? {
            None if change.old.is_some() => return Err("it is there no longer".into()),
            None => (None, None),
            Some((file, stat)) => (Some(stat), Some(file)),
        };
        if let (Some(file), Some(stat)) = (&old, &before) {
            replaceable(&folder, &name, file, stat)?;
            let mut content = Vec::new();
            file.take(SIZE_LIMIT + 1).read_to_end(&mut content).map_err(words)?;
            if change.old.as_deref().map(str::as_bytes) != Some(&content) {
                return Err("it has changed since it was read".into());
            }
        }
        let draft = match &change.new {
            Some(text) => Some(Draft::new(&folder, text.as_bytes(), old.as_ref()).map_err(words)?),
            None => None,
        };
        Ok(Prepared { change, folder, name, before, draft })
    }

    /// The content that was written, as it can be read again.
    ///
    /// # Errors
    /// Where it cannot, or is not what was to be written.
    pub fn written(&mut self) -> Result<Option<String>, String> {
        let Some(draft) = &mut self.draft else { return Ok(None) };
        let mut content = String::new();
        draft.file.seek(SeekFrom::Start(0)).map_err(words)?;
        draft.file.read_to_string(&mut content).map_err(words)?;
        match Some(&content) == self.change.new.as_ref() {
            true => Ok(Some(content)),
            false => Err("what was written is not what can be read".into()),
        }
    }

    /// Gives the file its name; what was there has the name that is returned.
    ///
    /// # Errors
    /// Why it could not be done; the old file is in its place then.
    pub fn commit(mut self, stamp: &Stamp) -> Result<String, String> {
        let now = status(&self.folder, &self.name).map_err(words)?;
        if !same(self.before.as_ref(), now.as_ref()) {
            return Err("it has changed since it was read".into());
        }
        let content = self.change.new.as_ref().map(String::as_bytes);
        let before = self.before.is_some().then(|| self.change.old.as_deref().unwrap_or_default().as_bytes());
        let kept = stamp.beside(&self.name, before, content);
        match (&self.before, self.draft.take()) {
            (Some(_), Some(draft)) => {
                linkat(&self.folder, self.name.as_str(), &self.folder, kept.as_str(), AtFlags::empty())
                    .map_err(words)?;
                if let Err(error) = draft.named(&self.folder, &self.name) {
                    // The error that is told is the one before.
                    let _ = unlinkat(&self.folder, kept.as_str(), UnlinkatFlags::NoRemoveDir);
                    return Err(words(error));
                }
            }
            (None, Some(draft)) => {
                let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
                openat(&self.folder, kept.as_str(), flags, Mode::S_IRUSR).map_err(words)?;
                draft.named(&self.folder, &self.name).map_err(words)?;
            }
            (_, None) => {
                renameat(&self.folder, self.name.as_str(), &self.folder, kept.as_str()).map_err(words)?;
            }
        }
        settle(&self.folder);
        let folder = self.change.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        Ok(format!("{folder}/{kept}"))
    }
}

/// A file that has no lasting name yet.
#[derive(Debug)]
struct Draft {
    folder: OwnedFd,
    name: String,
    file: File,
    named: bool,
}

impl Draft {
    /// A file in the folder, with the owner, permissions and attributes of another.
    fn new(folder: &OwnedFd, content: &[u8], like: Option<&File>) -> io::Result<Draft> {
        let name = draft();
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = File::from(openat(folder, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
        let mut draft = Draft { folder: folder.try_clone()?, name, file, named: false };
        draft.file.write_all(content)?;
        match like {
            Some(old) => {
                let meta = old.metadata()?;
                let own = draft.file.metadata()?;
                if (own.uid(), own.gid()) != (meta.uid(), meta.gid()) {
                    fchown(&draft.file, Some(meta.uid()), Some(meta.gid()))?;
                }
                // After the owner, whose change takes bits away; before the attributes, of which an ACL is one.
                draft.file.set_permissions(Permissions::from_mode(meta.mode() & 0o7777))?;
                attributes(old, &draft.file)?;
            }
            None => draft.file.set_permissions(Permissions::from_mode(NEW_MODE))?,
        }
        draft.file.sync_all()?;
        Ok(draft)
    }

    fn named(mut self, folder: &OwnedFd, name: &str) -> io::Result<()> {
        renameat(&self.folder, self.name.as_str(), folder, name)?;
        self.named = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.named {
            // It has another name already, or goes with the folder.
            let _ = unlinkat(&self.folder, self.name.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Extended attributes: access lists, labels and what else there is (xattr(7)).
fn attributes(from: &File, to: &File) -> io::Result<()> {
    let names = match from.list_xattr() {
        Ok(names) => names.collect::<Vec<OsString>>(),
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => return Ok(()),
        Err(error) => return Err(error),
    };
    for name in names {
        let Some(value) = from.get_xattr(&name)? else { continue };
        // A label that the folder gives every new file need not be set, which not everyone may.
        if to.get_xattr(&name)?.as_ref() != Some(&value) {
            to.set_xattr(&name, &value)?;
        }
    }
    Ok(())
}

/// The name that `name` leads to, as long as it stays in the folder.
fn followed(folder: &OwnedFd, name: &str) -> Result<String, String> {
    let mut name = name.to_owned();
    for _ in 0..LINK_LIMIT {
        match status(folder, &name).map_err(words)? {
            Some(stat) if is(&stat, SFlag::S_IFLNK) => {
                let target = readlinkat(folder, name.as_str()).map_err(words)?;
                let target = target.to_str().ok_or("it is a link to a name that is no text")?.to_owned();
                if target.contains('/') || target == ".." || target == "." {
                    return Err(format!(
                        "it is a link out of its folder, to {target}: whoever keeps the file there has to change it"
                    ));
                }
                name = target;
            }
            _ => return Ok(name),
        }
    }
    Err("too many levels of symbolic links".into())
}

/// The file, open to be read, with what it was then.
fn open(folder: &OwnedFd, name: &str) -> Result<Option<(File, FileStat)>, String> {
    let Some(stat) = status(folder, name).map_err(words)? else { return Ok(None) };
    if !is(&stat, SFlag::S_IFREG) {
        return Err("it is no regular file".into());
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty()).map_err(words)?);
    let meta = file.metadata().map_err(words)?;
    match (meta.dev(), meta.ino()) == (stat.st_dev, stat.st_ino) {
        true => Ok(Some((file, stat))),
        false => Err("it has changed since it was read".into()),
    }
}

/// Whether another file may take the place of this one.
fn replaceable(folder: &OwnedFd, name: &str, file: &File, stat: &FileStat) -> Result<(), String> {
    if stat.st_nlink > 1 {
        return Err(format!("it has {} names (hard links): they would be two files then", stat.st_nlink));
    }
    if mount(folder) != mount(file) {
        return Err("it is mounted here from elsewhere (a container's file): it is changed where it comes from".into());
    }
    let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    match openat(folder, name, flags, Mode::empty()) {
        Ok(_) => Ok(()),
        Err(Errno::EROFS) => Err("its file system is read-only: it is changed where that is made".into()),
        Err(Errno::EPERM) => Err("it is immutable (lsattr shows it, chattr -i ends it)".into()),
        Err(Errno::EACCES) => Err("permission denied: run as root".into()),
        Err(errno) => Err(errno.desc().to_owned()),
    }
}

/// The mount that a descriptor is on (proc_pid_fdinfo(5)).
fn mount(fd: &impl AsRawFd) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(|id| id.trim().to_owned())
}

/// What is at a name, links not followed; `None`: nothing.
pub(super) fn status(folder: &OwnedFd, name: &str) -> io::Result<Option<FileStat>> {
    match fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether a file is of a type.
pub(super) fn is(stat: &FileStat, kind: SFlag) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind
}

/// Whether both are one file in one state.
fn same(one: Option<&FileStat>, other: Option<&FileStat>) -> bool {
    let state = |stat: &FileStat| {
        (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec)
    };
    one.map(state) == other.map(state)
}

/// Has the folder's names written to the disk.
pub(super) fn settle(folder: &OwnedFd) {
    // Some file systems cannot; the names are right all the same.
    let _ = nix::unistd::fsync(folder);
}

/// The system's words, with what an administrator can do about it.
pub(super) fn words(error: impl Into<io::Error>) -> String {
    let error = error.into();
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EROFS) => "its file system is read-only: it is changed where that is made".to_owned(),
        Some(Errno::EBUSY) => "it is mounted here from elsewhere: it is changed where it comes from".to_owned(),
        Some(Errno::EPERM) => "the folder or file is immutable (lsattr shows it), or run as root".to_owned(),
        Some(Errno::EACCES) => "permission denied: run as root".to_owned(),
        _ => error.to_string(),
    }
}
