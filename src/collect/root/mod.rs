//! The door to files: everything is read below one root, links are followed inside it alone, sizes are bounded.

mod door;
mod held;
mod listing;
mod log;
mod pem;
mod trial;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::Mode;

use crate::dkim::{KEY_FILE_LIMIT, KeyFile};
use crate::secret::Known;
use crate::source::SourceFile;

use door::Door;
pub(crate) use log::OpenLog;
pub(crate) use pem::CERTIFICATES_LIMIT;
pub use trial::{Changed, Touched};

/// Largest file that is read, in bytes: ten times what a cPanel server with 50,000 domains holds in one map.
const SIZE_LIMIT: u64 = 32 << 20;
/// Bytes of text that are read and kept in all, whatever the paths are spelled like: twice the largest file.
const TOTAL_LIMIT: usize = 64 << 20;
/// How often a file is read that is written to meanwhile, and how long is waited before the next time: whoever writes a
/// configuration in place is done with it in milliseconds.
const READINGS: usize = 5;
const BETWEEN_READINGS: Duration = Duration::from_millis(5);

/// Permission of everyone to read.
const EVERYONE_READS: u32 = 0o004;
/// Folders in which the kernel shows memory, environments and devices of processes.
const KERNEL_FOLDERS: [&str; 3] = ["proc", "sys", "dev"];
/// Folders of keys.
const KEY_FOLDERS: [&str; 2] = [".ssh", ".gnupg"];
/// Files of passwords and of what commands were given, without the `-` of their copies.
const PASSWORD_FILES: [&str; 9] = [
    "shadow",
    "gshadow",
    "opasswd",
    ".pgpass",
    ".my.cnf",
    ".netrc",
    ".git-credentials",
    ".bash_history",
    "krb5.keytab",
];
/// What a private key begins with.
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing stands there.
    #[error("no such file")]
    NotFound,
    /// It is something else than a regular file.
    #[error("is {0}, not a regular file")]
    NotRegular(&'static str),
    /// It is larger than helolint reads.
    #[error("has {0} bytes, more than the {SIZE_LIMIT} that are read")]
    TooLarge(u64),
    /// Its text is not to be told (see `collect::confidential`).
    #[error("it is no part of the MTA's configuration and not everyone may read it, so what it says is not used")]
    Confidential,
    /// So much was read before that it would be too much in all.
    #[error("is not read any more: with it there are more than the {TOTAL_LIMIT} bytes that are read in all")]
    TooMuch,
    /// The system does not let helolint read it.
    #[error("permission denied")]
    Denied,
    /// Links lead in a circle.
    #[error("too many levels of symbolic links")]
    LinkLoop,
    /// Somebody writes to it, again and again.
    #[error("is being written to: it changed each time it was read")]
    Changing,
    /// The system's words.
    #[error("{0}")]
    Io(String),
}

/// What stat(2) says of a file, as far as helolint looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStatus {
    /// Bytes.
    pub size: u64,
    /// Last change of the content, seconds since 1970.
    pub modified: i64,
    /// Last change of the file in any way, seconds since 1970, by the kernel's own clock.
    pub changed: i64,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Permission bits, type included, as in `st_mode`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl FileStatus {
    fn new(meta: &Metadata) -> FileStatus {
        FileStatus {
            size: meta.len(),
            modified: meta.mtime(),
            changed: meta.ctime(),
            is_dir: meta.is_dir(),
            is_file: meta.is_file(),
            mode: meta.mode(),
            uid: meta.uid(),
            gid: meta.gid(),
        }
    }
}

/// A folder that stands for `/`. Paths given to it and found in files are the host's own, absolute.
#[derive(Debug)]
pub struct Root {
    /// Where configurations stand, as far as the user says so.
    named: Named,
    /// `None` once nothing is read any more.
    door: Option<Door>,
    /// What stands there without a door.
    held: Option<held::Held>,
    live: bool,
    read: RefCell<HashMap<String, Result<Arc<SourceFile>, ReadError>>>,
    /// Each file that was read, as it was then.
    opened: RefCell<HashMap<String, FileStatus>>,
    /// What a trial supposes.
    layer: trial::Layer,
    /// Bytes of text that are kept.
    kept: Cell<usize>,
    /// Folders that were not listed to their end.
    cut: RefCell<BTreeSet<String>>,
}

impl ReadError {
    /// Whether it is a limit of helolint that ended the reading.
    pub fn is_bound(&self) -> bool {
        matches!(self, ReadError::TooLarge(_) | ReadError::TooMuch)
    }
}

/// Configurations that the user names, as the host sees them.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The folder of Postfix's main.cf and master.cf.
    pub postfix: Option<String>,
    /// Exim's configuration.
    pub exim: Option<String>,
}

impl Root {
    /// With configurations where the user says that they stand.
    pub fn with(self, named: Named) -> Root {
        Root { named, ..self }
    }

    /// Where the user says that configurations stand.
    pub fn named(&self) -> &Named {
        &self.named
    }

    /// Opens the root `dir`.
    ///
    /// # Errors
    /// Where `dir` is no folder that can be listed, or where `/proc` is not mounted.
    pub fn open(dir: &Path) -> io::Result<Root> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NONBLOCK;
        let folder = OwnedFd::from(OpenOptions::new().read(true).custom_flags(flags.bits()).open(dir)?);
        if door::reopen(&folder).is_err() {
            return Err(io::Error::other(
                "helolint opens files by way of /proc, which is not mounted here (mount -t proc proc /proc)",
            ));
        }
        // By the folder too: `/proc/PID/root` of a container is called `/` as well.
        let id = |meta: Metadata| (meta.dev(), meta.ino());
        let is_system = id(File::from(folder.try_clone()?).metadata()?) == id(std::fs::metadata("/")?);
        let live = is_system && dir.canonicalize()? == Path::new("/");
        Ok(Root::behind(Some(Door::new(folder)), live))
    }

    fn behind(door: Option<Door>, live: bool) -> Root {
        Root {
            named: Named::default(),
            door,
            held: None,
            live,
            read: RefCell::default(),
            opened: RefCell::default(),
            layer: trial::Layer::default(),
            kept: Cell::new(0),
            cut: RefCell::default(),
        }
    }

    /// Octets of text that were read and are kept.
    pub fn kept_bytes(&self) -> usize {
        self.kept.get()
    }

    /// Whether this is the running system itself, and not a copy below another folder.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// The text of the file at `path`, read once in a run.
    ///
    /// # Errors
    /// Where there is none, it is no regular file, too large, or the system refuses it.
    pub fn read(&self, path: &str) -> Result<Arc<SourceFile>, ReadError> {
        if let Some(supposed) = self.trial_change(path) {
            let changed = supposed.ok_or(ReadError::NotFound)?;
            return Ok(self.put_file(path, &changed.text));
        }
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let result = self.read_afresh(path);
        self.read.borrow_mut().insert(path.to_owned(), result.clone());
        result
    }

    /// The private key in a file, for its public part alone: it is not kept, and nothing else reads such files.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn read_signing_key(&self, path: &str) -> Result<KeyFile, ReadError> {
        self.beginning(path, KEY_FILE_LIMIT).map(KeyFile::new)
    }

    /// The first octets of a file, one more than `limit` at most, kept nowhere else.
    fn beginning(&self, path: &str, limit: usize) -> Result<Vec<u8>, ReadError> {
        let found = self.found(path)?;
        let first = |file: &File| {
            // Room for all at once: what grows leaves copies behind, and there may be keys among it.
            let mut content = Vec::with_capacity(limit + 1);
            file.take(limit as u64 + 1).read_to_end(&mut content).map_err(io_error)?;
            Ok(content)
        };
        whole(&found, first).map(|(content, _)| content)
    }

    /// The file at `path`, opened. What the kernel keeps from others is not: reading alone may take it from whoever waits for it.
    fn found(&self, path: &str) -> Result<File, ReadError> {
        let found = File::from(self.find(path).map_err(refusal)?);
        let is_kept = found.metadata().is_ok_and(|meta| FileStatus::new(&meta).mode & EVERYONE_READS == 0);
        if is_kept && self.canonical(path).is_none_or(|real| is_of_the_kernel(&real)) {
            return Err(ReadError::Confidential);
        }
        Ok(found)
    }

    fn read_afresh(&self, path: &str) -> Result<Arc<SourceFile>, ReadError> {
        if let Some(held) = &self.held {
            let (bytes, status) = held.read(path)?;
            self.kept.set(self.kept.get() + bytes.len());
            self.opened.borrow_mut().insert(path.to_owned(), status);
            return Ok(SourceFile::new(path, bytes));
        }
        let mut last = ReadError::Changing;
        // Each time by its path: whoever replaces a file leaves the old one behind.
        for again in 0..READINGS {
            if again > 0 {
                thread::sleep(BETWEEN_READINGS);
            }
            let found = self.found(path)?;
            match whole(&found, contents) {
                Ok((bytes, status)) => {
                    if self.kept.get() + bytes.len() > TOTAL_LIMIT {
                        return Err(ReadError::TooMuch);
                    }
                    if status.mode & EVERYONE_READS == 0 && self.is_never_configuration(path, &bytes) {
                        return Err(ReadError::Confidential);
                    }
                    let file = SourceFile::new(path, bytes);
                    // What is no UTF-8 takes more room than it had in the file.
                    self.kept.set(self.kept.get() + file.text().len());
                    self.opened.borrow_mut().insert(path.to_owned(), status);
                    return Ok(file);
                }
                Err(error @ ReadError::Changing) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Whether a file that not everyone may read is nobody's configuration, by what it is called without links and by what is in
    /// it: whoever writes a configuration could have its lines quoted otherwise, by a link or an include.
    fn is_never_configuration(&self, path: &str, bytes: &[u8]) -> bool {
        let Some(real) = self.canonical(path) else { return true };
        let name = real.rsplit('/').next().unwrap_or_default();
        is_of_the_kernel(&real)
            || real.split('/').skip(1).any(|part| KEY_FOLDERS.contains(&part))
            || PASSWORD_FILES.contains(&name.trim_end_matches('-'))
            || bytes.windows(PRIVATE_KEY.len()).any(|window| window == PRIVATE_KEY)
    }

    /// The same with what was read so far, and nothing more: what was never asked for does not exist then.
    pub fn closed(self) -> Root {
        Root { door: None, ..self }
    }

    /// The folders below the root, for what is to be written there later; `None` once nothing is read any more.
    ///
    /// # Errors
    /// Where the process may have no more descriptors.
    pub fn folders(&self) -> io::Result<Option<Folders>> {
        Ok(self.door.as_ref().map(Door::try_clone).transpose()?.map(|door| Folders { door }))
    }

    /// The paths that were read, or asked for, as they were spelled.
    pub fn asked_for(&self) -> Vec<String> {
        self.read.borrow().keys().cloned().collect()
    }

    fn find(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.door.as_ref().ok_or(Errno::ENOENT)?.find(path)
    }

    /// The files that were read, as the host sees them, sorted.
    pub fn paths_read(&self) -> Vec<String> {
        let files = self.read.borrow();
        let mut paths: Vec<String> =
            files.iter().filter(|(_, read)| read.is_ok()).map(|(path, _)| path.clone()).collect();
        paths.sort_unstable();
        paths
    }

    /// The secrets in configuration files that were read.
    pub fn secrets(&self) -> Known {
        let files = self.read.borrow();
        let texts: Vec<String> = files.values().flatten().flat_map(|file| file.secret_texts()).collect();
        Known::new(texts.iter().map(String::as_str))
    }

    /// When the content of the file at `path` was last changed, in seconds since 1970, as it was when it was read; `None` where it
    /// was not.
    pub fn modified(&self, path: &str) -> Option<i64> {
        if let Some(supposed) = self.trial_change(path) {
            return supposed.map(|changed| changed.modified);
        }
        self.opened_on_disk(path).map(|status| status.modified)
    }

    /// The file at `path` as it was when it was read; `None` where it was not.
    pub fn opened(&self, path: &str) -> Option<FileStatus> {
        match self.trial_change(path) {
            Some(change) => change.map(|changed| self.trial_status(path, &changed)),
            None => self.opened_on_disk(path),
        }
    }

    fn opened_on_disk(&self, path: &str) -> Option<FileStatus> {
        self.opened.borrow().get(path).copied()
    }

    /// What stands at `path`, links followed; `None` where nothing does or it cannot be seen.
    pub fn status(&self, path: &str) -> Option<FileStatus> {
        match self.trial_change(path) {
            Some(supposed) => supposed.map(|changed| self.trial_status(path, &changed)),
            None => self.status_kept(path),
        }
    }

    fn status_on_disk(&self, path: &str) -> Option<FileStatus> {
        if let Some(held) = &self.held {
            return held.status(path);
        }
        let meta = File::from(self.find(path).ok()?).metadata().ok()?;
        Some(FileStatus::new(&meta))
    }

    /// Whether anything stands at `path`, links followed.
    pub fn exists(&self, path: &str) -> bool {
        self.status(path).is_some()
    }

    /// Whether nothing stands at `path`, for all that can be seen: where a folder may not be searched, that is not known.
    pub fn is_missing(&self, path: &str) -> bool {
        match (self.trial_change(path), &self.door) {
            (Some(supposed), _) => supposed.is_none(),
            (None, Some(door)) => matches!(door.find(path), Err(Errno::ENOENT | Errno::ENOTDIR)),
            // What was kept is all that there is.
            (None, None) => self.status(path).is_none(),
        }
    }

    /// The path, as the host sees it, that `path` leads to when every link is followed; `None` where nothing stands there.
    pub fn canonical(&self, path: &str) -> Option<String> {
        match self.trial_change(path) {
            Some(supposed) => supposed.map(|_| self.place(path)),
            None => self.layer.canonical.once(path, || self.canonical_on_disk(path)),
        }
    }

    fn canonical_on_disk(&self, path: &str) -> Option<String> {
        match &self.held {
            Some(held) => held.canonical(path),
            None => self.door.as_ref()?.canonical(path).ok(),
        }
    }

    /// The text of the symbolic link at `path`, the links before its last component followed; `None` where there is none. What
    /// it leads to need not exist.
    pub fn link_target(&self, path: &str) -> Option<String> {
        self.layer.links.once(path, || self.link_on_disk(path))
    }

    fn link_on_disk(&self, path: &str) -> Option<String> {
        let (folder, name) = path.trim_end_matches('/').rsplit_once('/')?;
        let target = readlinkat(self.find(&format!("{folder}/")).ok()?, name).ok()?;
        target.to_str().map(str::to_owned)
    }
}

/// Folders below a root, opened to change what is in them.
#[derive(Debug)]
pub struct Folders {
    door: Door,
}

impl Folders {
    /// The folder at `path`, links followed inside the root alone.
    ///
    /// # Errors
    /// The system's.
    pub fn open(&self, path: &str) -> io::Result<OwnedFd> {
        let found = self.door.find(path)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(openat(&found, ".", flags, Mode::empty())?)
    }
}

/// What `read` takes out of a regular file, and the file as it was. [`ReadError::Changing`] where it changed on the way.
fn whole(
    found: &File,
    read: impl FnOnce(&File) -> Result<Vec<u8>, ReadError>,
) -> Result<(Vec<u8>, FileStatus), ReadError> {
    // Its kind first: opening a device to read it may already do something.
    let meta = found.metadata().map_err(io_error)?;
    if !meta.is_file() {
        return Err(ReadError::NotRegular(kind(&meta)));
    }
    let file = door::reopen(found).map_err(io_error)?;
    let before = file.metadata().map_err(io_error)?;
    let bytes = read(&file)?;
    let after = file.metadata().map_err(io_error)?;
    let state = |meta: &Metadata| (meta.len(), meta.mtime(), meta.mtime_nsec());
    if state(&before) != state(&after) {
        return Err(ReadError::Changing);
    }
    Ok((bytes, FileStatus::new(&after)))
}

fn contents(file: &File) -> Result<Vec<u8>, ReadError> {
    let size = file.metadata().map_err(io_error)?.len();
    if size > SIZE_LIMIT {
        return Err(ReadError::TooLarge(size));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // One byte more than allowed, so that a file that grows is noticed.
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(io_error)?;
    match bytes.len() as u64 {
        size if size > SIZE_LIMIT => Err(ReadError::TooLarge(size)),
        _ => Ok(bytes),
    }
}

fn refusal(errno: Errno) -> ReadError {
    match errno {
        Errno::ELOOP => ReadError::LinkLoop,
        other => io_error(other.into()),
    }
}

fn io_error(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound,
        io::ErrorKind::PermissionDenied => ReadError::Denied,
        _ => ReadError::Io(error.to_string()),
    }
}

fn kind(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Whether a place without links is one of the kernel's own.
fn is_of_the_kernel(real: &str) -> bool {
    real.split('/').nth(1).is_some_and(|first| KERNEL_FOLDERS.contains(&first))
}

#[cfg(test)]
mod tests;
