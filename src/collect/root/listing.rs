//! What stands in a folder.

use std::os::fd::OwnedFd;

use super::{Root, door};

/// Entries listed below one folder: fifty times what `/etc` of a server has on two levels.
pub(super) const LIST_LIMIT: usize = 100_000;

impl Root {
    /// The files at and below the folder `path` down to `depth` levels, as the host sees them, sorted by name.
    /// Links to files are listed; links to folders are not entered.
    pub fn files_below(&self, path: &str, depth: usize) -> Vec<String> {
        let mut files = self.layer.below.once(&format!("{depth} {path}"), || self.below_on_disk(path, depth));
        let (added, removed) = self.trial_names_below(path);
        if !added.is_empty() || !removed.is_empty() {
            let path = path.trim_end_matches('/');
            let shown = |name: &String| format!("{path}/{name}");
            let removed: Vec<String> = removed.iter().map(shown).collect();
            files.retain(|file| !removed.contains(file));
            files.extend(added.iter().filter(|name| name.split('/').count() <= depth).map(shown));
            files.sort_unstable();
            files.dedup();
        }
        files
    }

    fn below_on_disk(&self, path: &str, depth: usize) -> Vec<String> {
        if let Some(held) = &self.held {
            return held.below(path, depth);
        }
        let mut files = Vec::new();
        if let Ok(folder) = self.find(path) {
            let mut left = LIST_LIMIT;
            if !list(&folder, path.trim_end_matches('/'), depth, &mut left, &mut files) {
                self.cut.borrow_mut().insert(path.to_owned());
            }
        }
        files
    }

    /// The names of what stands in the folder `path`, folders among them, sorted; none where it cannot be listed. As many as
    /// `limit`, and one more where there are more.
    pub fn names_in(&self, path: &str, limit: usize) -> Vec<String> {
        self.layer.names.once(&format!("{limit} {path}"), || self.names_on_disk(path, limit))
    }

    pub(super) fn names_on_disk(&self, path: &str, limit: usize) -> Vec<String> {
        if let Some(held) = &self.held {
            return held.names(path, limit);
        }
        let Ok(folder) = self.find(path) else { return Vec::new() };
        let entries = door::entries(&folder, limit.saturating_add(1));
        entries.into_iter().filter_map(|(name, _)| name.into_string().ok()).collect()
    }

    /// Folders below which more stands than is listed.
    pub fn cut_lists(&self) -> Vec<String> {
        self.cut.borrow().iter().cloned().collect()
    }
}

/// The files below the open folder `path`, `depth` levels deep, as long as there are `left` entries to see; whether that were
/// all of them.
fn list(folder: &OwnedFd, path: &str, depth: usize, left: &mut usize, files: &mut Vec<String>) -> bool {
    if depth == 0 {
        return true;
    }
    let mut entries = door::entries(folder, left.saturating_add(1));
    let mut whole = entries.len() <= *left;
    entries.truncate(*left);
    *left -= entries.len();
    for (name, kind) in entries {
        let Some(shown) = name.to_str().map(|name| format!("{path}/{name}")) else { continue };
        if !kind.is_dir() {
            files.push(shown);
        } else if let Ok(inner) = door::folder_in(folder, &name) {
            whole &= list(&inner, &shown, depth - 1, left, files);
        }
    }
    whole
}
