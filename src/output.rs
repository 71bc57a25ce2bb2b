//! Writing reports: a file whole or not at all, standard output without a panic where nobody reads it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::Error;

/// Permissions of a new file before the umask is taken off, as open(2) has it.
const NEW_FILE_MODE: u32 = 0o666;

/// Writes `content` to the file at `path`: under another name first, in the same folder, then renamed. A link is followed. What is
/// no regular file (`/dev/null`, a pipe) is written to as it stands.
///
/// # Errors
/// Where the file cannot be written; what stood there before still does.
pub fn to_file(path: &Path, content: &[u8]) -> Result<(), Error> {
    write_whole(path, content).map_err(|source| Error::Output { path: path.to_owned(), source })
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    // A link is followed, so that the file behind it changes and not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let known = fs::metadata(&path).ok();
    if known.as_ref().is_some_and(|meta| !meta.is_file()) {
        return fs::OpenOptions::new().write(true).open(&path)?.write_all(content);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = fs::Permissions::from_mode(NEW_FILE_MODE);
    let mut file =
        tempfile::Builder::new().prefix(".helolint").permissions(mode).tempfile_in(folder).map_err(system_words)?;
    file.write_all(content)?;
    if let Some(meta) = known {
        file.as_file().set_permissions(meta.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// The system's error alone, without the name that was tried: it is another in every run.
fn system_words(error: io::Error) -> io::Error {
    // tempfile keeps the system's error to itself and appends the path to its words.
    let words = error.to_string();
    match words.split_once(" at path \"") {
        Some((words, _)) => io::Error::new(error.kind(), words.to_owned()),
        None => error,
    }
}

/// Writes `content` to standard output. A reader that has gone (`| head`) is no error.
///
/// # Errors
/// Where it cannot be written, as on a full disk.
pub fn to_stdout(content: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(content).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::Stdout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        to_file(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        to_file(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        to_file(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        to_file(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/report");
        let error = to_file(&path, b"x").unwrap_err().to_string();
        assert!(error.contains("none/report: No such file or directory (os error 2)\n"), "{error}");
    }
}
