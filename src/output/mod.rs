//! Writing reports: a file whole or not at all, pipes and devices without waiting for ever, standard output without a panic where
//! nobody reads it.

mod journal;
pub(crate) mod place;

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, linkat, unlinkat};

use crate::error::Error;
pub(crate) use journal::Journal;
use place::{Place, Refusal, is};

/// How long a FIFO without a reader is waited for: whoever starts both programs at once starts them in either order.
const READER_PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// How long a pipe or a device may take nothing.
const STALL: Duration = Duration::from_secs(10);
/// Names tried for a temporary file: each is one of 2^64.
const NAMES: usize = 100;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Everyone that the umask, or the file that is replaced, allows.
    Usual,
    /// Its owner alone, whatever the permissions were before: it says everything that helolint has read.
    Owner,
}

/// Where something is written.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Stdout,
    Stderr,
    /// A pipe, a FIFO, a device, a file that a process has open: written to as it is.
    Stream(File),
    File(Replacement),
}

/// A file that comes to its name when it is whole.
#[derive(Debug)]
struct Replacement {
    place: Place,
    readers: Readers,
    /// The file to be, which has no name yet: it goes with the process. `None` where the file system has no such files.
    draft: Option<File>,
}

impl Output {
    /// Standard output.
    pub(crate) fn stdout() -> Output {
        Output { path: PathBuf::from("-"), target: Target::Stdout }
    }

    /// Whether this is standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout)
    }

    /// Opens what `path` names, before anything is worked out: what cannot be written is known then. Nothing changes at `path`
    /// until [`Output::write`]. `-` is standard output.
    ///
    /// # Errors
    /// Where it cannot be written, or where writing would let somebody else replace or read what is not theirs.
    pub(crate) fn open(path: &Path, readers: Readers) -> Result<Output, Error> {
        let target = target(path, readers).map_err(|refusal| refused(path, refusal))?;
        Ok(Output { path: path.to_owned(), target })
    }

    /// The file, as the command line names it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether both would come to one name in one folder.
    pub(crate) fn is_same_file(&self, other: &Output) -> bool {
        match (&self.target, &other.target) {
            (Target::File(one), Target::File(other)) => one.place.is_same(&other.place),
            _ => false,
        }
    }

    /// Writes `content`: all of it, or what was there before is left.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub(crate) fn write(self, content: &[u8]) -> Result<(), Error> {
        let done = match self.target {
            Target::Stdout => return to_stdout(content),
            Target::Stderr => io::stderr().write_all(content).map_err(Refusal::Io),
            Target::Stream(file) => pour(&file, content).map_err(Refusal::Io),
            Target::File(file) => file.write(content),
        };
        done.map_err(|refusal| refused(&self.path, refusal))
    }
}

/// Writes `content` to the file at `path`, as [`Output`] does.
///
/// # Errors
/// Where the file cannot be written; what stood there before still does.
pub(crate) fn to_file(path: &Path, content: &[u8]) -> Result<(), Error> {
    Output::open(path, Readers::Usual)?.write(content)
}

/// Writes `content` to standard output. A reader that has gone (`| head`) is no error.
///
/// # Errors
/// Where it cannot be written, as on a full disk.
pub(crate) fn to_stdout(content: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(content).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::Stdout),
    }
}

/// Whether nobody reads standard output any more: a pipe whose reader has gone, a terminal that has been closed.
pub(crate) fn is_stdout_unread() -> bool {
    let out = io::stdout();
    let mut wanted = [PollFd::new(out.as_fd(), PollFlags::empty())];
    poll(&mut wanted, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

/// Tells the user something beside the report, on standard error, with nothing in it that could harm a terminal.
pub(crate) fn note(text: &str) {
    let line = format!("helolint: {}\n", crate::escape::block(text));
    // Where standard error is gone there is nobody to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

fn refused(path: &Path, refusal: Refusal) -> Error {
    let path = path.to_owned();
    match refusal {
        Refusal::Io(source) => Error::Output { path, source },
        Refusal::Unsafe(why) => Error::OutputUnsafe { path, why },
        Refusal::Link { owner, name } => {
            let why = format!("user {owner} owns the link {name}, and could have any file replaced by it");
            Error::OutputUnsafe { path, why }
        }
    }
}

fn target(path: &Path, readers: Readers) -> Result<Target, Refusal> {
    // By the descriptor itself: opened anew, a file would lose the place where the shell has come to, and a socket cannot be.
    match path.to_str() {
        Some("-" | "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => return Ok(Target::Stdout),
        Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => return Ok(Target::Stderr),
        _ => {}
    }
    let place = Place::find(path)?;
    let known = place.status()?;
    match known {
        _ if place.open_file => stream(&place).map(Target::Stream),
        Some(meta) if !is(&meta, SFlag::S_IFREG) => {
            writable_kind(&meta)?;
            stream(&place).map(Target::Stream)
        }
        _ => {
            place.may_be_written()?;
            let draft = draft(&place, readers)?;
            Ok(Target::File(Replacement { place, readers, draft }))
        }
    }
}

/// Whether something that is no regular file takes a report.
fn writable_kind(meta: &FileStat) -> Result<(), Refusal> {
    if is(meta, SFlag::S_IFIFO) || is(meta, SFlag::S_IFCHR) {
        return Ok(());
    }
    let kind = if is(meta, SFlag::S_IFBLK) { "a block device" } else { "neither file, pipe nor character device" };
    Err(Refusal::Io(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}"))))
}

/// A pipe or a device, open to be written to. A FIFO that nobody reads is waited for a little.
fn stream(place: &Place) -> Result<File, Refusal> {
    let mut flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    // A file that a process has open may have content already; what the shell redirects to is added to.
    flags |= if place.open_file { OFlag::O_APPEND } else { OFlag::O_NOFOLLOW };
    let end = Instant::now() + READER_PATIENCE;
    loop {
        match openat(&place.folder, place.name.as_os_str(), flags, Mode::empty()) {
            Ok(fd) if place.open_file || !is(&fstat(&fd)?, SFlag::S_IFREG) => return Ok(File::from(fd)),
            Ok(_) => return Err(changed()),
            Err(Errno::ENXIO) if Instant::now() < end => thread::sleep(BETWEEN_LOOKS),
            Err(Errno::ENXIO) => {
                return Err(Refusal::Io(io::Error::new(io::ErrorKind::TimedOut, "nobody reads from it")));
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn changed() -> Refusal {
    Refusal::Unsafe("what is there was replaced while helolint ran".to_owned())
}

/// Writes to a pipe or a device, as long as it takes anything. A reader that has gone is no error.
fn pour(mut file: &File, mut content: &[u8]) -> io::Result<()> {
    while !content.is_empty() {
        match file.write(content) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => content = &content[written..],
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::BrokenPipe => return Ok(()),
                io::ErrorKind::WouldBlock => {
                    let mut wanted = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
                    match poll(&mut wanted, PollTimeout::try_from(STALL).unwrap_or(PollTimeout::ZERO)) {
                        Ok(0) => {
                            return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody has read from it for 10 s"));
                        }
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(errno) => return Err(errno.into()),
                    }
                }
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

/// Permissions of a new file before the umask is taken off, as open(2) has it.
fn new_mode(readers: Readers) -> Mode {
    Mode::from_bits_truncate(match readers {
        Readers::Usual => 0o666,
        Readers::Owner => 0o600,
    })
}

/// A file without a name in the folder of `place`; `None` where the file system has none.
fn draft(place: &Place, readers: Readers) -> Result<Option<File>, Refusal> {
    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    match openat(&place.folder, ".", flags, new_mode(readers)) {
        Ok(fd) => Ok(Some(File::from(fd))),
        Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::ENOENT | Errno::EINVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

impl Replacement {
    fn write(self, content: &[u8]) -> Result<(), Refusal> {
        let Replacement { place, readers, draft } = self;
        // Looked at once more: a run can take minutes.
        let known = place.status()?;
        if known.is_some_and(|meta| !is(&meta, SFlag::S_IFREG)) {
            return Err(changed());
        }
        if let Some(file) = draft {
            complete(&file, content, known.as_ref(), readers)?;
            if known.is_none() && link(&file, &place.folder, place.name.as_os_str()).is_ok() {
                return Ok(());
            }
            // A link cannot replace a file: under another name, then renamed.
            let _uninterrupted = Uninterrupted::new();
            if let Ok(name) = named(|name| link(&file, &place.folder, name.as_ref())) {
                return rename(&place, &name);
            }
        }
        // No nameless files here (NFS, FUSE).
        let _uninterrupted = Uninterrupted::new();
        let mut file = None;
        let name = named(|name| {
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            file = Some(File::from(openat(&place.folder, name, flags, new_mode(readers))?));
            Ok(())
        })?;
        let completed = file.ok_or_else(changed).and_then(|file| complete(&file, content, known.as_ref(), readers));
        if completed.is_err() {
            forget(&place, &name);
        }
        completed.and_then(|()| rename(&place, &name))
    }
}

/// Writes the content, and gives the file the owner and the permissions of the one that it replaces.
fn complete(mut file: &File, content: &[u8], known: Option<&FileStat>, readers: Readers) -> Result<(), Refusal> {
    file.write_all(content)?;
    if let Some(known) = known {
        let new = fstat(file)?;
        let group = Gid::from_raw(known.st_gid);
        let mut mode = known.st_mode & 0o777;
        if (known.st_uid, known.st_gid) != (new.st_uid, new.st_gid)
            && fchown(file, Some(Uid::from_raw(known.st_uid)), Some(group)).is_err()
            && fchown(file, None, Some(group)).is_err()
        {
            // What the old file's group was allowed is not for ours.
            mode &= !0o070;
        }
        let mode = if readers == Readers::Owner { 0o600 } else { mode };
        fchmod(file, Mode::from_bits_truncate(mode))?;
    }
    file.sync_all()?;
    Ok(())
}

/// Gives a file without a name one: by its magic link, since the other way (`AT_EMPTY_PATH`) is root's.
fn link(file: &File, folder: &OwnedFd, name: &std::ffi::OsStr) -> Result<(), Errno> {
    let magic = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(AT_FDCWD, magic.as_str(), folder, name, AtFlags::AT_SYMLINK_FOLLOW)
}

/// A name that `make` could give to a file.
fn named(mut make: impl FnMut(&str) -> Result<(), Errno>) -> Result<String, Errno> {
    let mut refused = Errno::EEXIST;
    for _ in 0..NAMES {
        // The keys of the standard library's hash tables come from the system's random numbers.
        let name = format!(".helolint-{:016x}", RandomState::new().build_hasher().finish());
        match make(&name) {
            Ok(()) => return Ok(name),
            Err(Errno::EEXIST) => {}
            Err(errno) => {
                refused = errno;
                break;
            }
        }
    }
    Err(refused)
}

fn rename(place: &Place, name: &str) -> Result<(), Refusal> {
    let renamed = renameat(&place.folder, name, &place.folder, place.name.as_os_str());
    if renamed.is_err() {
        forget(place, name);
    }
    Ok(renamed?)
}

fn forget(place: &Place, name: &str) {
    // The error that is told is the one before.
    let _ = unlinkat(&place.folder, name, UnlinkatFlags::NoRemoveDir);
}

/// As long as it lives, signals wait: none ends the process between a temporary name and the last one. No other thread may take
/// them meanwhile, so those that are left when reports are written block them too.
pub(crate) struct Uninterrupted(Option<SigSet>);

/// Has signals wait until the value is dropped.
pub(crate) fn uninterrupted() -> Uninterrupted {
    Uninterrupted::new()
}

impl Uninterrupted {
    fn new() -> Uninterrupted {
        Uninterrupted(SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK).ok())
    }
}

impl Drop for Uninterrupted {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // The set was valid when it was given to us.
            let _ = before.thread_set_mask();
        }
    }
}

#[cfg(test)]
mod tests;
