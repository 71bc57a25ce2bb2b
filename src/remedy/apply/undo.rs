//! The files of the last run, given back.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::file::{MARK, digest, is, settle, status, words};
use crate::collect::root::Folders;

/// Names looked at in one folder.
const NAMES: usize = 100_000;

/// A file, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The file.
    pub file: String,
    /// Why it was not given back; `None` where it was.
    pub refused: Option<String>,
}

/// A backup beside a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Backup {
    stamp: String,
    folder: String,
    name: String,
    kept: String,
    content: u64,
    was_there: bool,
}

/// Gives back what the last run changed in any of these folders.
pub fn undo(folders: &Folders, paths: &BTreeSet<String>) -> Vec<Given> {
    let mut all: Vec<Backup> = Vec::new();
    for path in paths {
        if let Ok(folder) = folders.open(&format!("{path}/")) {
            all.extend(names(folder).iter().filter_map(|kept| backup(path, kept)));
        }
    }
    let Some(last) = all.iter().map(|backup| backup.stamp.clone()).max() else { return Vec::new() };
    all.retain(|backup| backup.stamp == last);
    all.sort();
    let given = |backup: &Backup| Given {
        file: format!("{}/{}", backup.folder.trim_end_matches('/'), backup.name),
        refused: give_back(folders, backup).err(),
    };
    all.iter().map(given).collect()
}

fn names(folder: OwnedFd) -> Vec<String> {
    let Ok(dir) = Dir::from_fd(folder) else { return Vec::new() };
    let names = dir.into_iter().flatten().take(NAMES);
    names.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned)).collect()
}

/// The backup that a name stands for.
fn backup(folder: &str, kept: &str) -> Option<Backup> {
    let (name, rest) = kept.rsplit_once(MARK)?;
    let (rest, ending) = rest.rsplit_once('.')?;
    let (stamp, content) = rest.split_once('-')?;
    let was_there = match ending {
        "bak" => true,
        "new" => false,
        _ => return None,
    };
    let is_stamp = stamp.len() == 16 && stamp.bytes().all(|byte| byte.is_ascii_digit() || byte == b'T' || byte == b'Z');
    let content =
        u64::from_str_radix(content, 16).ok().filter(|_| is_stamp && content.len() == 16 && !name.is_empty())?;
    Some(Backup {
        stamp: stamp.to_owned(),
        folder: folder.to_owned(),
        name: name.to_owned(),
        kept: kept.to_owned(),
        content,
        was_there,
    })
}

fn give_back(folders: &Folders, backup: &Backup) -> Result<(), String> {
    let folder = folders.open(&format!("{}/", backup.folder)).map_err(words)?;
    let name = backup.name.as_str();
    let now = match status(&folder, name).map_err(words)? {
        None => None,
        Some(stat) if !is(&stat, SFlag::S_IFREG) => return Err("it is no regular file any more".into()),
        Some(_) => {
            let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
            let mut content = Vec::new();
            File::from(openat(&folder, name, flags, Mode::empty()).map_err(words)?)
                .read_to_end(&mut content)
                .map_err(words)?;
            Some(content)
        }
    };
    if digest(now.as_deref()) != backup.content {
        return Err(format!("it has changed since; what it was before is {}", backup.kept));
    }
    let regular = status(&folder, &backup.kept).map_err(words)?.is_some_and(|stat| is(&stat, SFlag::S_IFREG));
    if !regular {
        return Err(format!("{} is no regular file", backup.kept));
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
