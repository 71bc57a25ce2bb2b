//! Files as they would be after a change: a thin layer over a root, in memory alone.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{FileStatus, Root};
use crate::source::SourceFile;

/// Answers about paths that are kept for trials; a host with more asks anew.
const KEPT: usize = 20_000;
/// Contents of one path that are kept as files for trials, which go back and forth between a few; and the most bytes of one.
const CONTENTS: usize = 8;
const CONTENT: usize = 256 << 10;
/// Permission bits of a file that a change makes: regular, rw-r--r--.
const NEW_FILE_MODE: u32 = 0o100_644;

/// What a path holds instead of what stands on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The content.
    pub text: Arc<str>,
    /// When it was changed, seconds since 1970.
    pub modified: i64,
}

/// The changes that are supposed, and what was asked of the disk before.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// By canonical path; `None`: removed.
    changed: RefCell<BTreeMap<String, Option<Changed>>>,
    /// What is asked, while that is noted.
    touched: RefCell<Option<Touched>>,
    /// Octets of text that were given out.
    given: Cell<usize>,
    /// Files as trials have put them, by path.
    put: RefCell<HashMap<String, Vec<Arc<SourceFile>>>>,
    places: Kept<Arc<str>>,
    statuses: Kept<Option<FileStatus>>,
    pub(super) canonical: Kept<Option<String>>,
    pub(super) links: Kept<Option<String>>,
    pub(super) below: Kept<Vec<String>>,
    pub(super) names: Kept<Vec<String>>,
}

/// What was asked of a root while something was read from it, and what a trial had put there.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// By canonical path; outer `None`: what stands on the disk.
    files: HashMap<Arc<str>, Option<Option<Changed>>>,
    /// Folders that were listed, with what a trial added and removed.
    folders: BTreeMap<String, (Vec<String>, Vec<String>)>,
    /// Octets of text that were read.
    octets: usize,
}

impl Touched {
    /// Octets of text that were read: what was made of them takes a multiple of that.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Whether that file was asked for.
    #[cfg(test)]
    pub fn has(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }
}

/// Answers by path, each asked for once.
#[derive(Debug)]
pub(super) struct Kept<T>(RefCell<HashMap<String, T>>);

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(RefCell::default())
    }
}

impl<T: Clone> Kept<T> {
    /// The answer that was given before, else that of `ask`.
    pub(crate) fn once(&self, key: &str, ask: impl FnOnce() -> T) -> T {
        if let Some(known) = self.0.borrow().get(key) {
            return known.clone();
        }
        let answer = ask();
        let mut kept = self.0.borrow_mut();
        if kept.len() < KEPT {
            kept.insert(key.to_owned(), answer.clone());
        }
        answer
    }
}

impl Root {
    /// From now on, files hold what `changed` says by canonical path (`None`: there is none). Nothing is written anywhere; an empty map
    /// ends it.
    pub fn set_trial(&self, changed: BTreeMap<String, Option<Changed>>) {
        *self.layer.changed.borrow_mut() = changed;
    }

    /// From now on, `text` is what was read at `path`: a fuzzer's.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn hold(&self, path: &str, text: &str) {
        self.read.borrow_mut().insert(path.to_owned(), Ok(SourceFile::new(path, text.as_bytes())));
    }

    /// From now on, the system does not let anybody read `path`.
    #[cfg(test)]
    pub(crate) fn refuse(&self, path: &str) {
        self.read.borrow_mut().insert(path.to_owned(), Err(super::ReadError::Denied));
    }

    /// The canonical path of `path`, links followed, whether anything stands there or not.
    pub fn place(&self, path: &str) -> String {
        self.shared_place(path).to_string()
    }

    fn shared_place(&self, path: &str) -> Arc<str> {
        self.layer.places.once(path, || {
            let known = |path: &str| self.layer.canonical.once(path, || self.canonical_on_disk(path));
            let place = known(path).unwrap_or_else(|| {
                let target = self.link_target(path).filter(|target| target.starts_with('/'));
                match (target, path.trim_end_matches('/').rsplit_once('/')) {
                    (Some(target), _) => target,
                    (None, Some((folder, name))) => match known(folder) {
                        Some(folder) => format!("{}/{name}", folder.trim_end_matches('/')),
                        None => path.to_owned(),
                    },
                    (None, None) => path.to_owned(),
                }
            });
            place.into()
        })
    }

    /// What a trial has put at a canonical path: outer `None`, nothing.
    pub(crate) fn put_at(&self, place: &str) -> Option<Option<Changed>> {
        self.layer.changed.borrow().get(place).cloned()
    }

    /// What `read` makes of the files, and what it asked for. Inside another such reading, that one asked for it too.
    pub fn noting<T>(&self, read: impl FnOnce() -> T) -> (T, Touched) {
        let outer = self.layer.touched.replace(Some(Touched::default()));
        let made = read();
        let touched = self.layer.touched.replace(outer).unwrap_or_default();
        self.note(&touched);
        (made, touched)
    }

    /// Takes this as asked for by the reading that goes on, if one does.
    pub fn note(&self, asked: &Touched) {
        if let Some(outer) = self.layer.touched.borrow_mut().as_mut() {
            outer.files.extend(asked.files.iter().map(|(place, before)| (place.clone(), before.clone())));
            outer.folders.extend(asked.folders.iter().map(|(folder, before)| (folder.clone(), before.clone())));
            outer.octets += asked.octets;
        }
    }

    /// Octets of text that were given out for trials, each time anew: whoever asks for a file goes through it.
    pub fn octets_given(&self) -> usize {
        self.layer.given.get()
    }

    /// Notes that a text was given out.
    pub(super) fn gave(&self, file: &SourceFile) {
        if let Some(touched) = self.layer.touched.borrow_mut().as_mut() {
            touched.octets += file.text().len();
        }
        self.layer.given.set(self.layer.given.get() + file.text().len());
    }

    /// Whether everything that was asked for would be answered as it was.
    pub fn is_as_touched(&self, touched: &Touched) -> bool {
        let changed = self.layer.changed.borrow();
        let same = |place: &str, before: &Option<Option<Changed>>| changed.get(place) == before.as_ref();
        let still = changed.keys().filter_map(|place| Some((place.as_str(), touched.files.get(place.as_str())?)));
        let was_changed = touched.files.iter().filter(|(_, before)| before.is_some());
        let was_changed = was_changed.map(|(place, before)| (&**place, before));
        still.chain(was_changed).all(|(place, before)| same(place, before))
            && touched.folders.iter().all(|(folder, before)| self.below_in(&changed, folder) == *before)
    }

    /// The file at `path` with what a trial has put there: the same one each time, as long as few contents take turns.
    pub(crate) fn put_file(&self, path: &str, text: &str) -> Arc<SourceFile> {
        let mut all = self.layer.put.borrow_mut();
        if let Some(known) = all.get(path).and_then(|known| known.iter().find(|file| file.text() == text)) {
            return Arc::clone(known);
        }
        let file = SourceFile::new(path, text.as_bytes());
        if text.len() <= CONTENT && (all.len() < KEPT || all.contains_key(path)) {
            let known = all.entry(path.to_owned()).or_default();
            known.truncate(CONTENTS - 1);
            known.insert(0, Arc::clone(&file));
        }
        file
    }

    /// What a trial has put at `path`: outer `None`, nothing.
    pub(super) fn trial_change(&self, path: &str) -> Option<Option<Changed>> {
        let mut touched = self.layer.touched.borrow_mut();
        let changed = self.layer.changed.borrow();
        if changed.is_empty() && touched.is_none() {
            return None;
        }
        let place = self.shared_place(path);
        let supposed = changed.get(&*place).cloned();
        if let Some(touched) = touched.as_mut() {
            touched.files.insert(place, supposed.clone());
        }
        supposed
    }

    /// What stands at `path`, asked of the disk once.
    pub(super) fn status_kept(&self, path: &str) -> Option<FileStatus> {
        self.layer.statuses.once(path, || self.status_on_disk(path))
    }

    pub(super) fn trial_status(&self, path: &str, changed: &Changed) -> FileStatus {
        let before = self.status_kept(path);
        let new = FileStatus {
            size: 0,
            modified: 0,
            changed: 0,
            is_dir: false,
            is_file: true,
            mode: NEW_FILE_MODE,
            uid: 0,
            gid: 0,
        };
        FileStatus { size: changed.text.len() as u64, modified: changed.modified, ..before.unwrap_or(new) }
    }

    /// The names of files that a trial adds to the folder `path` or below it, and those that it removes; as the host sees them.
    pub(super) fn trial_names_below(&self, path: &str) -> (Vec<String>, Vec<String>) {
        let mut touched = self.layer.touched.borrow_mut();
        let changed = self.layer.changed.borrow();
        if changed.is_empty() && touched.is_none() {
            return (Vec::new(), Vec::new());
        }
        let folder = format!("{}/", self.place(path).trim_end_matches('/'));
        let found = self.below_in(&changed, &folder);
        if let Some(touched) = touched.as_mut() {
            touched.folders.insert(folder, found.clone());
        }
        found
    }

    /// The names below a folder, which ends with a slash, that changes add and remove.
    fn below_in(&self, changed: &BTreeMap<String, Option<Changed>>, folder: &str) -> (Vec<String>, Vec<String>) {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for (place, changed) in changed {
            let Some(name) = place.strip_prefix(folder) else { continue };
            match changed {
                Some(_) => added.push(name.to_owned()),
                None => removed.push(name.to_owned()),
            }
        }
        (added, removed)
    }
}
