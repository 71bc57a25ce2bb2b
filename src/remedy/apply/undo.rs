//! The files of the last run, given back.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::file::{SIZE_LIMIT, is, settle, status, words};
use super::hold::{is_unfinished, names};
use super::names::{Backup, digest};
use crate::collect::root::Folders;

/// A file, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The file.
    pub file: String,
    /// Why it was not given back; `None` where it was.
    pub refused: Option<String>,
}

/// Gives back what the last run changed in any of these folders.
pub fn undo(folders: &Folders, paths: &BTreeSet<String>) -> Vec<Given> {
    let mut all: Vec<Backup> = Vec::new();
    for path in paths {
        if let Ok(folder) = folders.open(&format!("{path}/")) {
            all.extend(names(&folder).iter().filter_map(|kept| Backup::read(path, kept)));
        }
    }
    let Some(last) = all.iter().map(|backup| backup.stamp.clone()).max() else { return Vec::new() };
    all.retain(|backup| backup.stamp == last);
    all.sort();
    let given = |backup: &Backup| Given {
        file: format!("{}/{}", backup.folder, backup.name),
        refused: give_back(folders, backup).err(),
    };
    all.iter().map(given).collect()
}

fn give_back(folders: &Folders, backup: &Backup) -> Result<(), String> {
    let folder = folders.open(&format!("{}/", backup.folder)).map_err(words)?;
    if is_unfinished(&folder, backup)? {
        unlinkat(&folder, backup.kept.as_str(), UnlinkatFlags::NoRemoveDir).map_err(words)?;
        settle(&folder);
        return Ok(());
    }
    let name = backup.name.as_str();
    let now = content(&folder, name)?;
    if digest(now.as_deref()) != backup.content {
        return Err(format!("it has changed since; what it was before is {}", backup.kept));
    }
    let kept = content(&folder, &backup.kept)?;
    if digest(kept.as_deref().filter(|_| backup.was_there)) != backup.before {
        return Err(format!("{} is not what was kept there: somebody has changed it", backup.kept));
    }
    match backup.was_there {
        true => renameat(&folder, backup.kept.as_str(), &folder, name).map_err(words)?,
        false => {
            unlinkat(&folder, name, UnlinkatFlags::NoRemoveDir).map_err(words)?;
            unlinkat(&folder, backup.kept.as_str(), UnlinkatFlags::NoRemoveDir).map_err(words)?;
        }
    }
    settle(&folder);
    Ok(())
}

/// What is in a regular file; `None` where there is none.
fn content(folder: &OwnedFd, name: &str) -> Result<Option<Vec<u8>>, String> {
    match status(folder, name).map_err(words)? {
        None => Ok(None),
        Some(stat) if !is(&stat, SFlag::S_IFREG) => Err(format!("{name} is no regular file any more")),
        Some(_) => {
            let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
            let mut content = Vec::new();
            let file = File::from(openat(folder, name, flags, Mode::empty()).map_err(words)?);
            file.take(SIZE_LIMIT + 1).read_to_end(&mut content).map_err(words)?;
            Ok(Some(content))
        }
    }
}
