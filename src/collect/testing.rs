//! Hosts for tests of the readers: folders with files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::collect::processes;
use crate::collect::root::Root;

/// Writes a file of the host below `dir`, with the folders above it; the value is where it stands.
pub(crate) fn put(dir: &Path, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let place = dir.join(path.trim_start_matches('/'));
    fs::create_dir_all(place.parent().expect("a path below dir")).expect("folders can be made");
    fs::write(&place, text).expect("the file can be written");
    place
}

/// A folder with these files of a host: path and text.
pub(crate) fn folder<T: AsRef<[u8]>>(files: &[(&str, T)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    files.iter().for_each(|(path, text)| drop(put(dir.path(), path, text)));
    dir
}

/// The same, and the root of the host.
pub(crate) fn root<T: AsRef<[u8]>>(files: &[(&str, T)]) -> (TempDir, Root) {
    let dir = folder(files);
    let root = Root::open(dir.path()).expect("the folder is there");
    (dir, root)
}

/// What this thread has taken of the processor so far: how busy the machine is has no part in it.
pub(crate) fn processor_time() -> Duration {
    let taken = processes::processor_time();
    assert!(!taken.is_zero(), "the kernel counts for each thread");
    taken
}
