//! One file below a root: what may be read of it, what it is, and why it is refused.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use nix::errno::Errno;

use super::TOTAL_LIMIT;
use super::door::{self, LOOKUP};

/// Largest file that is read, in bytes: ten times what a cPanel server with 50,000 domains holds in one map.
pub(super) const SIZE_LIMIT: u64 = 32 << 20;

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
    /// Paths have taken so much time that none is looked for any more.
    #[error("is not looked for any more: long paths and links have taken {} ms of processor time", LOOKUP.as_millis())]
    TooLong,
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

impl ReadError {
    /// Whether it is a limit of helolint that ended the reading.
    pub fn is_bound(&self) -> bool {
        matches!(self, ReadError::TooLarge(_) | ReadError::TooMuch | ReadError::TooLong)
    }
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
    pub(super) fn new(meta: &Metadata) -> FileStatus {
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

/// What `read` takes out of a regular file, and the file as it was. [`ReadError::Changing`] where it changed on the way.
pub(super) fn whole(
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

pub(super) fn contents(file: &File) -> Result<Vec<u8>, ReadError> {
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

pub(super) fn refusal(errno: Errno) -> ReadError {
    match errno {
        Errno::ELOOP => ReadError::LinkLoop,
        door::SPENT => ReadError::TooLong,
        other => io_error(other.into()),
    }
}

pub(super) fn io_error(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound,
        io::ErrorKind::PermissionDenied => ReadError::Denied,
        _ => ReadError::Io(error.to_string()),
    }
}

pub(super) fn kind(meta: &Metadata) -> &'static str {
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
