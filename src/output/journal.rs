//! A file that is added to as things are done: whenever the run ends, what stands in it is whole up to its last line break.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::place::{Place, Refusal, is};
use super::{refused, to_file};
use crate::error::Error;

/// A file that is added to.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Puts `content` in place of what `path` holds, whole or not at all, and leaves it open.
    ///
    /// # Errors
    /// Where it cannot be written, or is no file that somebody else could not make into another.
    pub(crate) fn open(path: &Path, content: &[u8]) -> Result<Journal, Error> {
        to_file(path, content)?;
        let file = opened(path).map_err(|refusal| refused(path, refusal))?;
        Ok(Journal { path: path.to_owned(), file })
    }

    /// Adds to it.
    ///
    /// # Errors
    /// Where it cannot be written, as on a full disk.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Error> {
        self.file.write_all(text.as_bytes()).map_err(|error| refused(&self.path, Refusal::Io(error)))
    }
}

fn opened(path: &Path) -> Result<File, Refusal> {
    let place = Place::find(path)?;
    let flags =
        OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let fd = openat(&place.folder, place.name.as_os_str(), flags, Mode::empty())?;
    let meta = fstat(&fd)?;
    if !is(&meta, SFlag::S_IFREG) {
        return Err(Refusal::Io(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")));
    }
    // It was made just now, with one name.
    if meta.st_nlink != 1 {
        return Err(super::changed());
    }
    Ok(File::from(fd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_replaced_and_lines_are_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        std::fs::write(&path, "half a li").unwrap();
        let mut journal = Journal::open(&path, b"one\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        journal.add("two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert!(Journal::open(Path::new("/dev/null"), b"").is_err());
        let other = folder.path().join("other");
        std::fs::write(&other, "theirs").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("link")).unwrap();
        Journal::open(&folder.path().join("link"), b"ours\n").unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "ours\n", "one's own link is followed, as with -o");
    }
}
