//! The door to files: everything is read below one root, links are followed inside it alone, sizes are bounded.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::source::SourceFile;

/// Largest file that is read, in bytes: ten times what a cPanel server with 50,000 domains holds in one map.
const SIZE_LIMIT: u64 = 32 << 20;
/// Links followed in one path before it counts as a loop, as Linux has it (path_resolution(7)).
const LINK_LIMIT: usize = 40;
/// Entries listed below one folder.
const LIST_LIMIT: usize = 100_000;

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
    /// Its text is not to be told (see [`crate::collect::confidential`]).
    #[error("it is no part of the MTA's configuration and not everyone may read it, so what it says is not used")]
    Confidential,
    /// Links lead in a circle.
    #[error("too many levels of symbolic links")]
    LinkLoop,
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
    fn of(meta: &fs::Metadata) -> FileStatus {
        FileStatus {
            size: meta.len(),
            modified: meta.mtime(),
            is_dir: meta.is_dir(),
            is_file: meta.is_file(),
            mode: meta.mode(),
            uid: meta.uid(),
            gid: meta.gid(),
        }
    }
}

/// The content of a file that the command line names, up to `limit` bytes.
///
/// A pipe is read as far as its writer goes, so that `<(command)` works; a FIFO without a writer is empty instead of being
/// waited for.
///
/// # Errors
/// The system's; a folder among them.
pub fn read_given(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    // Whoever writes is waited for again from here on.
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a file that helolint obeys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The system's words.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is larger than helolint reads.
    #[error("it has more than the {0} bytes that are read")]
    TooLarge(u64),
    /// Somebody else owns it.
    #[error(
        "user {0} owns it, and it could hide findings: it must belong to root or to who runs helolint (chown root)"
    )]
    Owner(u32),
    /// Somebody else may write to it.
    #[error("others may write to it (mode {0:04o}), and it could hide findings: take that away (chmod go-w)")]
    Writable(u32),
}

/// The content of a file that helolint obeys, up to `limit` bytes. Where `guarded`, it must belong to root or to the user who
/// runs helolint, and nobody else may write to it; asked of the very file that is read.
///
/// # Errors
/// See [`OwnError`].
pub fn read_own(path: &Path, limit: u64, guarded: bool) -> Result<Vec<u8>, OwnError> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty())).map_err(io::Error::from)?;
    let meta = file.metadata()?;
    if guarded {
        may_obey(meta.uid(), meta.mode(), nix::unistd::geteuid().as_raw())?;
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(OwnError::TooLarge(limit));
    }
    Ok(bytes)
}

/// Whether user `me` may obey a file of `owner` with the permissions `mode`.
fn may_obey(owner: u32, mode: u32, me: u32) -> Result<(), OwnError> {
    if owner != 0 && owner != me {
        return Err(OwnError::Owner(owner));
    }
    match mode & 0o022 {
        0 => Ok(()),
        _ => Err(OwnError::Writable(mode & 0o7777)),
    }
}

/// A folder that stands for `/`. Paths given to it and found in files are the host's own, absolute.
#[derive(Debug)]
pub struct Root {
    dir: PathBuf,
    read: RefCell<HashMap<String, Result<Arc<SourceFile>, ReadError>>>,
    /// Each file that was read, as it was then.
    opened: RefCell<HashMap<String, FileStatus>>,
}

impl Root {
    /// Opens the root `dir`.
    ///
    /// # Errors
    /// Where `dir` is no folder that can be listed.
    pub fn open(dir: &Path) -> io::Result<Root> {
        let dir = dir.canonicalize()?;
        fs::read_dir(&dir)?;
        Ok(Root { dir, read: RefCell::default(), opened: RefCell::default() })
    }

    /// Whether this is the running system itself, and not a copy below another folder.
    pub fn is_live(&self) -> bool {
        self.dir == Path::new("/")
    }

    /// The text of the file at `path`, read once in a run.
    ///
    /// # Errors
    /// Where there is none, it is no regular file, too large, or the system refuses it.
    pub fn read(&self, path: &str) -> Result<Arc<SourceFile>, ReadError> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let result = self.read_afresh(path);
        self.read.borrow_mut().insert(path.to_owned(), result.clone());
        result
    }

    fn read_afresh(&self, path: &str) -> Result<Arc<SourceFile>, ReadError> {
        let real = self.resolve(path)?;
        // Never block on a FIFO, never follow a link put in place meanwhile.
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(real).map_err(io_error)?;
        let meta = file.metadata().map_err(io_error)?;
        if !meta.is_file() {
            return Err(ReadError::NotRegular(kind(&meta)));
        }
        if meta.len() > SIZE_LIMIT {
            return Err(ReadError::TooLarge(meta.len()));
        }
        self.opened.borrow_mut().insert(path.to_owned(), FileStatus::of(&meta));
        let mut bytes = Vec::with_capacity(meta.len() as usize);
        // One byte more than allowed, so that a file that grows is noticed.
        file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(io_error)?;
        if bytes.len() as u64 > SIZE_LIMIT {
            return Err(ReadError::TooLarge(bytes.len() as u64));
        }
        Ok(SourceFile::new(path, bytes))
    }

    /// When the content of the file at `path` was last changed, in seconds since 1970, as it was when it was read; `None` where it
    /// was not.
    pub fn modified(&self, path: &str) -> Option<i64> {
        self.opened(path).map(|status| status.modified)
    }

    /// The file at `path` as it was when it was read; `None` where it was not.
    pub fn opened(&self, path: &str) -> Option<FileStatus> {
        self.opened.borrow().get(path).copied()
    }

    /// What stands at `path`, links followed; `None` where nothing does or it cannot be seen.
    pub fn status(&self, path: &str) -> Option<FileStatus> {
        let meta = fs::symlink_metadata(self.resolve(path).ok()?).ok()?;
        Some(FileStatus::of(&meta))
    }

    /// Whether anything stands at `path`, links followed.
    pub fn exists(&self, path: &str) -> bool {
        self.status(path).is_some()
    }

    /// The path, as the host sees it, that `path` leads to when every link is followed; `None` where nothing stands there.
    pub fn canonical(&self, path: &str) -> Option<String> {
        let real = self.resolve(path).ok()?;
        fs::symlink_metadata(&real).ok()?;
        let below = real.strip_prefix(&self.dir).ok()?;
        Some(format!("/{}", below.to_str()?))
    }

    /// The text of the symbolic link at `path`, the links before its last component followed; `None` where there is none. What
    /// it leads to need not exist.
    pub fn link_target(&self, path: &str) -> Option<String> {
        let (folder, name) = path.trim_end_matches('/').rsplit_once('/')?;
        let target = fs::read_link(self.resolve(folder).ok()?.join(name)).ok()?;
        target.to_str().map(str::to_owned)
    }

    /// The files at and below the folder `path` down to `depth` levels, as the host sees them, sorted by name.
    /// Links to files are listed; links to folders are not entered.
    pub fn files_below(&self, path: &str, depth: usize) -> Vec<String> {
        let Ok(real) = self.resolve(path) else { return Vec::new() };
        let walk = walkdir::WalkDir::new(&real).min_depth(1).max_depth(depth).follow_links(false).sort_by_file_name();
        let entries = walk.into_iter().take(LIST_LIMIT).flatten().filter(|entry| !entry.file_type().is_dir());
        let below = entries.filter_map(|entry| Some(entry.path().strip_prefix(&real).ok()?.to_str()?.to_owned()));
        let path = path.trim_end_matches('/');
        below.map(|name| format!("{path}/{name}")).collect()
    }

    /// The names of what stands in the folder `path`, folders among them, sorted; none where it cannot be listed. As many as
    /// `limit`, and one more where there are more.
    pub fn names_in(&self, path: &str, limit: usize) -> Vec<String> {
        let Ok(real) = self.resolve(path) else { return Vec::new() };
        let Ok(entries) = fs::read_dir(real) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.take(limit.saturating_add(1)).collect();
        names.sort_unstable();
        names
    }

    /// The place below the root that `path` leads to: each link in it is resolved as if the root were `/`.
    /// The last component need not exist.
    fn resolve(&self, path: &str) -> Result<PathBuf, ReadError> {
        let mut todo: VecDeque<OsString> = components(Path::new(path));
        let mut real = self.dir.clone();
        let mut depth = 0usize;
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                if depth > 0 {
                    real.pop();
                    depth -= 1;
                }
                continue;
            }
            real.push(&part);
            match fs::symlink_metadata(&real) {
                Ok(meta) if meta.is_symlink() => {
                    links += 1;
                    if links > LINK_LIMIT {
                        return Err(ReadError::LinkLoop);
                    }
                    let target = fs::read_link(&real).map_err(io_error)?;
                    real.pop();
                    if target.is_absolute() {
                        real = self.dir.clone();
                        depth = 0;
                    }
                    for part in components(&target).into_iter().rev() {
                        todo.push_front(part);
                    }
                    continue;
                }
                Ok(_) => depth += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound && todo.is_empty() => depth += 1,
                Err(error) => return Err(io_error(error)),
            }
        }
        Ok(real)
    }
}

fn components(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    });
    parts.collect()
}

fn io_error(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound,
        io::ErrorKind::PermissionDenied => ReadError::Io("permission denied".into()),
        _ => ReadError::Io(error.to_string()),
    }
}

fn kind(meta: &fs::Metadata) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn root() -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("host/etc/postfix")).unwrap();
        fs::write(dir.path().join("outside"), "secret").unwrap();
        fs::write(dir.path().join("host/etc/main"), "text").unwrap();
        let root = Root::open(&dir.path().join("host")).unwrap();
        (dir, root)
    }

    #[test]
    fn names_of_a_folder_are_listed_as_far_as_asked() {
        let (_dir, root) = root();
        assert_eq!(root.names_in("/etc", 10), ["main", "postfix"]);
        assert_eq!(root.names_in("/etc/", 1).len(), 2, "one more than asked for shows that there are more");
        assert!(root.names_in("/etc/main", 10).is_empty() && root.names_in("/none", 10).is_empty());
        assert_eq!(root.names_in("/etc/../..", 10), ["etc"], "nothing above the root is seen");
    }

    #[test]
    fn links_stay_below_the_root() {
        let (dir, root) = root();
        let etc = dir.path().join("host/etc");
        symlink("../../../../../outside", etc.join("up")).unwrap();
        symlink(dir.path().join("outside"), etc.join("absolute")).unwrap();
        symlink("/etc/main", etc.join("inside")).unwrap();
        symlink("loop", etc.join("loop")).unwrap();
        assert_eq!(root.read("/etc/up").unwrap_err(), ReadError::NotFound);
        assert_eq!(root.read("/etc/absolute").unwrap_err(), ReadError::NotFound);
        assert_eq!(root.read("/../../outside").unwrap_err(), ReadError::NotFound);
        assert_eq!(root.read("/etc/inside").unwrap().text(), "text");
        assert_eq!(root.canonical("/etc/inside").as_deref(), Some("/etc/main"));
        assert_eq!(root.read("/etc/loop").unwrap_err(), ReadError::LinkLoop);
    }

    #[test]
    fn a_link_is_read_even_where_it_leads_nowhere() {
        let (dir, root) = root();
        symlink("/usr/sbin/exim4", dir.path().join("host/etc/mta")).unwrap();
        symlink("/etc", dir.path().join("host/conf")).unwrap();
        assert_eq!(root.link_target("/conf/mta").as_deref(), Some("/usr/sbin/exim4"));
        assert_eq!(root.link_target("/etc/main"), None);
        assert_eq!(root.link_target("/etc/.."), None);
        assert_eq!(root.link_target("/"), None);
    }

    #[test]
    fn only_regular_files_are_read() {
        let (dir, root) = root();
        nix::unistd::mkfifo(&dir.path().join("host/etc/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(root.read("/etc/fifo").unwrap_err(), ReadError::NotRegular("a FIFO"));
        assert_eq!(root.read("/etc/postfix").unwrap_err(), ReadError::NotRegular("a folder"));
        assert_eq!(root.read("/etc/none").unwrap_err(), ReadError::NotFound);
        assert_eq!(root.read("/etc/main/below").unwrap_err(), ReadError::NotFound);
    }

    #[test]
    fn a_fifo_without_writer_is_empty_and_a_pipe_is_read() {
        let (dir, _root) = root();
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read_given(&fifo, 10).unwrap(), b"");
        assert!(read_given(dir.path(), 10).is_err());
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        let late = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            io::Write::write_all(&mut writer, b"late text").unwrap();
        });
        assert_eq!(read_given(Path::new(&path), 4).unwrap(), b"late");
        late.join().unwrap();
    }

    #[test]
    fn what_others_may_change_is_not_obeyed() {
        let said = |owner, mode, me| may_obey(owner, mode, me).err().map(|error| error.to_string());
        assert_eq!(said(0, 0o100_644, 1000), None);
        assert_eq!(said(1000, 0o100_600, 1000), None);
        assert!(said(1001, 0o100_600, 1000).unwrap().starts_with("user 1001 owns it"));
        assert!(said(1000, 0o100_600, 0).unwrap().starts_with("user 1000 owns it"), "root obeys root alone");
        assert!(said(0, 0o100_664, 0).unwrap().contains("mode 0664"));
        assert!(said(0, 0o100_646, 0).unwrap().contains("mode 0646"));
        let (dir, _root) = root();
        let path = dir.path().join("settings");
        fs::write(&path, "12345").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(read_own(&path, 5, true), Err(OwnError::Writable(_))));
        assert_eq!(read_own(&path, 5, false).unwrap(), b"12345");
        assert!(matches!(read_own(&path, 4, false), Err(OwnError::TooLarge(4))));
    }

    #[test]
    fn files_below_are_sorted_and_named_as_the_host_does() {
        let (dir, root) = root();
        fs::write(dir.path().join("host/etc/postfix/b"), "").unwrap();
        fs::write(dir.path().join("host/etc/postfix/a"), "").unwrap();
        assert_eq!(root.files_below("/etc/postfix", 1), ["/etc/postfix/a", "/etc/postfix/b"]);
        assert_eq!(root.files_below("/none", 1), [""; 0]);
    }
}
