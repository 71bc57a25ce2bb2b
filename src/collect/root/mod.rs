//! The door to files: everything is read below one root, links are followed inside it alone, sizes are bounded.

mod door;
mod file;
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
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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
pub use file::{FileStatus, ReadError};
use file::{contents, io_error, kind, refusal, whole};
pub(crate) use log::OpenLog;
pub(crate) use pem::CERTIFICATES_LIMIT;
pub use trial::{Changed, Touched};

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
    /// Paths had taken so long that none was looked for any more, when it was closed.
    spent: bool,
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
            spent: false,
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
        let result = self.read_once(path);
        if let Ok(file) = &result {
            self.gave(file);
        }
        result
    }

    fn read_once(&self, path: &str) -> Result<Arc<SourceFile>, ReadError> {
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
        Root { spent: self.is_spent(), door: None, ..self }
    }

    /// Whether paths have taken so long that none is looked for any more: what is not found may be there.
    pub fn is_spent(&self) -> bool {
        self.spent || self.door.as_ref().is_some_and(Door::is_spent)
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

    /// The same, as they stand on the disk.
    pub(crate) fn files_as_they_are(&self) -> Vec<Arc<SourceFile>> {
        let mut files: Vec<Arc<SourceFile>> = self.read.borrow().values().flatten().cloned().collect();
        files.sort_unstable_by(|one, other| one.path().cmp(other.path()));
        files
    }

    /// How many files were read, or asked for.
    pub(crate) fn count_read(&self) -> usize {
        self.read.borrow().len()
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

/// Whether a place without links is one of the kernel's own.
fn is_of_the_kernel(real: &str) -> bool {
    real.split('/').nth(1).is_some_and(|first| KERNEL_FOLDERS.contains(&first))
}

#[cfg(test)]
mod tests;
