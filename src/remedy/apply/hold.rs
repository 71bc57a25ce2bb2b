//! The folders in which a run changes files: no two runs of helolint work in one at a time, and what a run that was killed has left there goes
//! before another begins.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::os::fd::OwnedFd;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::file::{is, settle, status, words};
use super::names::{Backup, is_draft};
use crate::collect::root::Folders;

/// Names looked at in one folder.
const NAMES: usize = 100_000;

/// Folders that belong to this run until it ends, however it does (flock(2)).
#[derive(Debug)]
pub struct Held {
    held: Vec<(String, File)>,
}

impl Held {
    /// Holds the folders in which something is to be changed, and those of `others` in which runs have left something.
    ///
    /// # Errors
    /// Where another run is at work in one of them, in words.
    pub fn new(folders: &Folders, changed: &BTreeSet<String>, others: &BTreeSet<String>) -> Result<Held, String> {
        let mut held = Vec::new();
        for path in changed.union(others) {
            let Ok(folder) = folders.open(&format!("{path}/")) else { continue };
            let is_own = |name: &String| is_draft(name) || Backup::read(path, name).is_some();
            if !changed.contains(path) && !names(&folder).iter().any(is_own) {
                continue;
            }
            let folder = File::from(folder);
            match folder.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return Err(format!("another helolint fix is at work in {path}: let it end first"));
                }
                // Some file systems cannot; what is written is whole all the same.
                Ok(()) | Err(TryLockError::Error(_)) => held.push((path.clone(), folder)),
            }
        }
        Ok(Held { held })
    }

    /// Removes drafts, which nobody can be writing; the paths of what went.
    pub fn clear_drafts(&self) -> Vec<String> {
        self.clear(|folder, _, name| {
            is_draft(name) && status(folder, name).is_ok_and(|stat| stat.is_some_and(|stat| is(&stat, SFlag::S_IFREG)))
        })
    }

    /// Removes backups of changes that were not made; the paths of what went.
    pub fn clear_backups(&self) -> Vec<String> {
        self.clear(|folder, path, name| {
            Backup::read(path, name).is_some_and(|backup| is_unfinished(folder, &backup) == Ok(true))
        })
    }

    fn clear(&self, goes: impl Fn(&OwnedFd, &str, &str) -> bool) -> Vec<String> {
        let mut gone = Vec::new();
        for (path, folder) in &self.held {
            let Ok(folder) = folder.try_clone().map(OwnedFd::from) else { continue };
            let before = gone.len();
            for name in names(&folder).iter().filter(|name| goes(&folder, path, name)) {
                if unlinkat(&folder, name.as_str(), UnlinkatFlags::NoRemoveDir).is_ok() {
                    gone.push(format!("{}/{name}", path.trim_end_matches('/')));
                }
            }
            if gone.len() > before {
                settle(&folder);
            }
        }
        gone
    }
}

/// Whether the run that made the backup ended before it put anything in the file's place: the backup is the file itself by another name, or says
/// that there was none, and there is none.
pub(super) fn is_unfinished(folder: &OwnedFd, backup: &Backup) -> Result<bool, String> {
    let now = status(folder, &backup.name).map_err(words)?;
    let kept = status(folder, &backup.kept).map_err(words)?;
    Ok(match (now, kept, backup.was_there) {
        (Some(now), Some(kept), true) => (now.st_dev, now.st_ino) == (kept.st_dev, kept.st_ino),
        (None, Some(kept), false) => is(&kept, SFlag::S_IFREG),
        _ => false,
    })
}

/// The names in a folder that are text, sorted.
pub(super) fn names(folder: &OwnedFd) -> Vec<String> {
    // Its own descriptor: reading moves on in it.
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Ok(Ok(dir)) = openat(folder, ".", flags, Mode::empty()).map(Dir::from_fd) else { return Vec::new() };
    let names = dir.into_iter().flatten().take(NAMES);
    let mut names: Vec<String> = names.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned)).collect();
    names.sort();
    names
}
