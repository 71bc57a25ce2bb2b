//! Files that the program brings along, in the place of those below a folder: nothing is opened for them.

use std::collections::{BTreeMap, BTreeSet};

use super::{FileStatus, ReadError, Root};

/// Type and permission bits of what is brought along: a regular file, rw-r--r--, and a folder, rwxr-xr-x.
const FILE_MODE: u32 = 0o100_644;
const FOLDER_MODE: u32 = 0o040_755;

/// A whole root in memory.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By absolute path, without a link anywhere.
    files: BTreeMap<String, &'static [u8]>,
    /// When each was last changed, seconds since 1970.
    modified: i64,
}

impl Root {
    /// A root that has these files, by absolute path, and no other. `modified` is when each was last changed, in seconds since 1970.
    pub(crate) fn held(files: &[(&str, &'static [u8])], modified: i64) -> Root {
        let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect();
        Root { held: Some(Held { files, modified }), ..Root::behind(None, false) }
    }
}

impl Held {
    /// The content of the file at `path`, and the file as it is.
    pub(super) fn read(&self, path: &str) -> Result<(&'static [u8], FileStatus), ReadError> {
        let status = self.status(path).ok_or(ReadError::NotFound)?;
        match self.files.get(&plain(path)) {
            Some(bytes) => Ok((bytes, status)),
            None => Err(ReadError::NotRegular("a folder")),
        }
    }

    /// What stands at `path`.
    pub(super) fn status(&self, path: &str) -> Option<FileStatus> {
        let path = plain(path);
        let content = self.files.get(&path);
        if content.is_none() && self.inside(&path).next().is_none() {
            return None;
        }
        let is_file = content.is_some();
        Some(FileStatus {
            size: content.map_or(0, |bytes| bytes.len() as u64),
            modified: self.modified,
            changed: self.modified,
            is_dir: !is_file,
            is_file,
            mode: if is_file { FILE_MODE } else { FOLDER_MODE },
            uid: 0,
            gid: 0,
        })
    }

    /// `path` without what is superfluous in it, where something stands there.
    pub(super) fn canonical(&self, path: &str) -> Option<String> {
        self.status(path).map(|_| plain(path))
    }

    /// The files at most `depth` levels below the folder `path`, sorted.
    pub(super) fn below(&self, path: &str, depth: usize) -> Vec<String> {
        let folder = path.trim_end_matches('/');
        let near = self.inside(&plain(path)).filter(|rest| rest.split('/').count() <= depth);
        near.map(|rest| format!("{folder}/{rest}")).collect()
    }

    /// What stands in the folder `path`, folders among it, sorted; as many as `limit` and one.
    pub(super) fn names(&self, path: &str, limit: usize) -> Vec<String> {
        let folder = plain(path);
        let names: BTreeSet<&str> = self.inside(&folder).filter_map(|rest| rest.split('/').next()).collect();
        names.into_iter().take(limit.saturating_add(1)).map(str::to_owned).collect()
    }

    /// The files below a plain path, without it.
    fn inside<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let folder = format!("{}/", folder.trim_end_matches('/'));
        self.files.keys().filter_map(move |path| path.strip_prefix(&folder))
    }
}

/// `path` without empty and `.` components.
fn plain(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Root {
        Root::held(&[("/etc/postfix/main.cf", b"myhostname = mail.example.com\n"), ("/etc/hostname", b"mail\n")], 7)
    }

    #[test]
    fn what_is_held_is_read_and_listed_as_if_it_stood_on_a_disk() {
        let root = root();
        assert_eq!(root.read("/etc/hostname").unwrap().text(), "mail\n");
        assert_eq!(root.read("/etc//postfix/./main.cf").unwrap().text(), "myhostname = mail.example.com\n");
        assert_eq!(root.modified("/etc/hostname"), Some(7));
        assert_eq!(root.files_below("/etc/", 2), ["/etc/hostname", "/etc/postfix/main.cf"]);
        assert_eq!(root.files_below("/etc", 1), ["/etc/hostname"]);
        assert_eq!(root.names_in("/etc", 9), ["hostname", "postfix"]);
        assert_eq!(root.canonical("/etc/postfix/").as_deref(), Some("/etc/postfix"));
        assert!(root.status("/etc/postfix").is_some_and(|status| status.is_dir && !status.is_file));
        assert!(!root.is_live() && !root.is_missing("/etc/hostname"));
    }

    #[test]
    fn nothing_else_is_there() {
        let root = root();
        // These stand on every system that the test runs on.
        for path in ["/etc/passwd", "/proc/self/status", "/etc/host", "/bin"] {
            assert_eq!(root.read(path).unwrap_err(), ReadError::NotFound, "{path}");
            assert!(!root.exists(path) && root.is_missing(path) && root.canonical(path).is_none(), "{path}");
        }
        assert_eq!(root.read("/etc/postfix").unwrap_err(), ReadError::NotRegular("a folder"));
        assert_eq!(root.link_target("/etc/hostname"), None);
        assert!(root.names_in("/", 0).len() == 1 && root.names_in("/usr", 9).is_empty());
        assert!(root.folders().unwrap().is_none() && root.read_signing_key("/etc/hostname").is_err());
    }
}
