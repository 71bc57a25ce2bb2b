//! Which files' text may get into a report or a DNS question.
//!
//! Root reads everything, and an expansion or a table may name any file. What comes out of one is printed and asked for, so it
//! has to be the MTA's or signing program's own configuration, or a file that everyone may read; of any other file nothing is taken, so that no value
//! can hold a part of it or depend on it. What would is undecided, with the file's name.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::collect::root::{ReadError, Root};
use crate::secret;
use crate::source::SourceFile;

/// Folders of Exim's configuration as packages and panels have it.
const EXIM: [&str; 6] =
    ["/etc/exim4", "/etc/exim", "/usr/local/etc/exim", "/usr/exim", "/var/lib/exim4", "/etc/virtual"];
/// Folders of Postfix's.
const POSTFIX: [&str; 4] =
    ["/etc/postfix", "/usr/local/etc/postfix", "/usr/pkg/etc/postfix", "/var/spool/postfix/plesk"];
/// Folders and files of programs that sign, as packages have them: what nobody but the program can change or read may stand in its own.
const OPENDKIM: ([&str; 4], [&str; 1]) =
    (["/etc/opendkim", "/etc/dkimkeys", "/usr/local/etc/opendkim", "/var/lib/opendkim"], ["/etc/opendkim.conf"]);
const RSPAMD: [&str; 3] = ["/etc/rspamd", "/usr/local/etc/rspamd", "/var/lib/rspamd"];
const AMAVIS: ([&str; 3], [&str; 1]) = (["/etc/amavis", "/etc/amavisd", "/usr/share/amavis"], ["/etc/amavisd.conf"]);
/// cPanel's maps, and what else its configuration of Exim looks up.
const CPANEL: [&str; 20] = [
    "/etc/mailips",
    "/etc/mailhelo",
    "/etc/mail_reverse_dns",
    "/etc/userdomains",
    "/etc/trueuserdomains",
    "/etc/userips",
    "/etc/domainusers",
    "/etc/domainips",
    "/etc/localdomains",
    "/etc/remotedomains",
    "/etc/secondarymx",
    "/etc/ips",
    "/etc/ips.remotemail",
    "/etc/ips.remotedns",
    "/etc/ips.dnsmaster",
    "/etc/reservedips",
    "/etc/wwwacct.conf",
    "/var/cpanel/mainip",
    "/var/cpanel/cpnat",
    "/var/cpanel/cpnat.exim.conf",
];
/// Folders that hold more than an MTA's configuration, though it may stand in them.
const SHARED: [&str; 12] = [
    "/etc",
    "/usr/etc",
    "/usr/local/etc",
    "/usr/pkg/etc",
    "/usr/local",
    "/usr/share",
    "/usr/lib",
    "/var/lib",
    "/var/cpanel",
    "/var/spool",
    "/var/tmp",
    "/etc/default",
];
/// Permission of everyone to read; of a folder: to list.
const EVERYONE_READS: u32 = 0o004;
/// Permission of everyone to pass through a folder.
const EVERYONE_PASSES: u32 = 0o001;

/// The files of a host as far as their text may be told: an MTA's own configuration, and what everyone may read.
#[derive(Debug)]
pub struct OwnFiles<'r> {
    root: &'r Root,
    /// Own folders and files, as they are called, and with links resolved once that is asked.
    named: (Vec<String>, Vec<String>),
    resolved: OnceCell<(Vec<String>, HashSet<String>)>,
    /// Whether a file may be told, by its path as it was asked for.
    known: RefCell<HashMap<String, bool>>,
    /// Files that the configuration names for passwords, links resolved: they are not told, whatever they are called.
    passwords: HashSet<String>,
    /// Whose they are.
    of: Owner,
}

/// Whose own files are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// An MTA. A panel's files count as its own; of its folders, what is called as if it might hold keys is not told.
    Mta,
    /// A program that signs, whose tables name keys: what is called as if it might hold passwords is not told.
    Signer,
}

impl<'r> OwnFiles<'r> {
    /// OpenDKIM's.
    pub fn of_opendkim(root: &'r Root) -> OwnFiles<'r> {
        OwnFiles { of: Owner::Signer, ..OwnFiles::new(root, OPENDKIM.0, OPENDKIM.1) }
    }

    /// rspamd's.
    pub fn of_rspamd(root: &'r Root) -> OwnFiles<'r> {
        OwnFiles { of: Owner::Signer, ..OwnFiles::new(root, RSPAMD, []) }
    }

    /// amavis's.
    pub fn of_amavis(root: &'r Root) -> OwnFiles<'r> {
        OwnFiles { of: Owner::Signer, ..OwnFiles::new(root, AMAVIS.0, AMAVIS.1) }
    }

    /// Exim's: its usual places, the folder of the file that it reads first, and all `files` that it read.
    pub fn of_exim<'a>(root: &'r Root, files: impl IntoIterator<Item = &'a str>) -> OwnFiles<'r> {
        let files: Vec<&str> = files.into_iter().collect();
        let folder = files.first().and_then(|file| Some(file.rsplit_once('/')?.0));
        OwnFiles::new(root, EXIM.into_iter().chain(folder), CPANEL.into_iter().chain(files))
    }

    /// Postfix's: its usual places, and its configuration directories.
    pub fn of_postfix<'a>(root: &'r Root, directories: impl IntoIterator<Item = &'a str>) -> OwnFiles<'r> {
        OwnFiles::new(root, POSTFIX.into_iter().chain(directories), [])
    }

    fn new<'a>(
        root: &'r Root,
        folders: impl IntoIterator<Item = &'a str>,
        files: impl IntoIterator<Item = &'a str>,
    ) -> OwnFiles<'r> {
        let folders = folders.into_iter().map(|path| path.trim_end_matches('/').to_owned()).collect();
        let files = files.into_iter().map(str::to_owned).collect();
        let (resolved, known) = (OnceCell::new(), RefCell::default());
        OwnFiles { root, named: (folders, files), resolved, known, passwords: HashSet::new(), of: Owner::Mta }
    }

    /// The same, but for these files, which the configuration names for passwords.
    pub fn without_passwords(self, files: impl IntoIterator<Item = String>) -> OwnFiles<'r> {
        let passwords = files.into_iter().filter_map(|file| self.root.canonical(&file)).collect();
        OwnFiles { passwords, ..self }
    }

    /// Own folders and files, links resolved.
    fn resolved(&self) -> &(Vec<String>, HashSet<String>) {
        self.resolved.get_or_init(|| {
            let (folders, files) = &self.named;
            let folders = folders.iter().filter_map(|path| self.root.canonical(path));
            let files = files.iter().filter_map(|path| self.root.canonical(path));
            (folders.filter(|path| !is_shared(path)).collect(), files.collect())
        })
    }

    /// The text of a file.
    ///
    /// # Errors
    /// As [`Root::read`], and [`ReadError::Confidential`] where it may not be told.
    pub fn read(&self, path: &str) -> Result<Arc<SourceFile>, ReadError> {
        let file = self.root.read(path)?;
        let known = self.known.borrow().get(path).copied();
        let told = known.unwrap_or_else(|| {
            // Asked of what was opened: a link may lead elsewhere by now.
            let told = self.root.canonical(path).is_some_and(|real| {
                let same = self.root.opened(path).is_some() && self.root.opened(path) == self.root.status(&real);
                same && !self.passwords.contains(&real) && (self.is_own(&real, file.text()) || self.is_public(&real))
            });
            self.known.borrow_mut().insert(path.to_owned(), told);
            told
        });
        if told { Ok(file) } else { Err(ReadError::Confidential) }
    }

    /// Whether it may be told what stands at `path`, and whether anything does.
    pub fn may_look_at(&self, path: &str) -> bool {
        match self.root.canonical(path) {
            Some(real) => self.is_own(&real, "") || self.is_public(&real),
            None => {
                // As far as there are folders, everyone has to be able to pass through them.
                let mut above = path.trim_end_matches('/');
                while let Some((folder, _)) = above.rsplit_once('/') {
                    if let Some(real) = self.root.canonical(if folder.is_empty() { "/" } else { folder }) {
                        return self.is_own(&format!("{real}/-"), "")
                            || (self.passes(&real) && self.is_reachable(&real));
                    }
                    above = folder;
                }
                false
            }
        }
    }

    /// Whether anything stands at `path`, links followed.
    pub fn exists(&self, path: &str) -> bool {
        self.root.exists(path)
    }

    /// Whether the file, by its path without links, is the program's own configuration and holds neither passwords nor keys.
    fn is_own(&self, real: &str, text: &str) -> bool {
        let own = self.resolved().1.contains(real) || self.is_below_own(real);
        let is_secret = match self.of {
            Owner::Mta => secret::may_be_secret_file(real),
            Owner::Signer => secret::is_secret_file(real),
        };
        own && !is_secret && !secret::holds_private_key(text)
    }

    /// Whether a path without links is below one of the own folders.
    fn is_below_own(&self, real: &str) -> bool {
        let below = |folder: &String| real.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.resolved().0.iter().any(below) || (self.of == Owner::Mta && is_hestias(real))
    }

    /// Whether what stands at `path`, or would, is in one of the own folders, whatever it is.
    pub fn is_in_own_folder(&self, path: &str) -> bool {
        let place = self.root.canonical(path).or_else(|| {
            let (folder, name) = path.trim_end_matches('/').rsplit_once('/')?;
            Some(format!("{}/{name}", self.root.canonical(folder)?))
        });
        place.is_some_and(|real| self.is_below_own(&real))
    }

    /// Whether everyone may read the file, or list the folder.
    fn is_public(&self, real: &str) -> bool {
        let readable = self.root.status(real).is_some_and(|status| {
            status.mode & EVERYONE_READS != 0 && (!status.is_dir || status.mode & EVERYONE_PASSES != 0)
        });
        readable && self.is_reachable(real)
    }

    fn passes(&self, folder: &str) -> bool {
        folder == "/" || self.root.status(folder).is_some_and(|status| status.mode & EVERYONE_PASSES != 0)
    }

    /// Whether everyone may pass through all folders above.
    fn is_reachable(&self, real: &str) -> bool {
        real.match_indices('/').skip(1).all(|(at, _)| self.passes(&real[..at]))
    }
}

/// Whether a folder holds more than one program's files: those of the system, and every one right below `/`.
fn is_shared(folder: &str) -> bool {
    SHARED.contains(&folder) || folder.trim_matches('/').split('/').count() < 2
}

/// Whether the file is one of a mail domain under Hestia, which `/etc/exim4/domains` links to.
fn is_hestias(real: &str) -> bool {
    let parts: Vec<&str> = real.split('/').collect();
    matches!(parts[..], ["", "home", _, "conf", "mail", _, _, ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::put;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        /// Files with their permissions.
        fn new(files: &[(&str, u32, &str)]) -> Fixture {
            let dir = tempfile::tempdir().unwrap();
            for (path, mode, text) in files {
                let place = put(dir.path(), path, text);
                fs::set_permissions(&place, Permissions::from_mode(*mode)).unwrap();
            }
            Fixture(dir)
        }

        fn link(&self, path: &str, target: &str) {
            let place = self.0.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            symlink(target, place).unwrap();
        }

        fn root(&self) -> Root {
            Root::open(self.0.path()).unwrap()
        }
    }

    #[test]
    fn own_configuration_and_public_files_are_told_and_no_others() {
        let host = Fixture::new(&[
            ("/etc/exim4/helo", 0o640, "x"),
            ("/etc/exim4/passwd.client", 0o640, "x"),
            ("/etc/exim4/exim.key", 0o640, "x"),
            ("/etc/exim4/dkim/a.example", 0o640, "x"),
            ("/etc/exim4/cert", 0o640, "-----BEGIN PRIVATE KEY-----"),
            ("/etc/exim4/public_key", 0o644, "x"),
            ("/etc/virtual/helo_data", 0o600, "x"),
            ("/etc/virtual/a.example/passwd", 0o600, "x"),
            ("/etc/mailips", 0o640, "x"),
            ("/etc/other", 0o640, "x"),
            ("/etc/public", 0o644, "x"),
            ("/etc/shadow", 0o640, "x"),
            ("/home/u/conf/mail/a.example/ip", 0o660, "x"),
            ("/root/map", 0o644, "x"),
            ("/srv/mail/exim.conf", 0o640, "x"),
            ("/srv/mail/map", 0o640, "x"),
        ]);
        fs::set_permissions(host.0.path().join("root"), Permissions::from_mode(0o700)).unwrap();
        host.link("/etc/exim4/elsewhere", "/etc/other");
        host.link("/etc/exim4/domains/a.example", "/home/u/conf/mail/a.example");
        host.link("/opt/inside", "/etc/exim4/helo");
        let root = host.root();
        let own = OwnFiles::of_exim(&root, ["/srv/mail/exim.conf"]);
        for (path, told) in [
            ("/etc/exim4/helo", true),
            ("/etc/exim4/../exim4/./helo", true),
            ("/etc/exim4/passwd.client", false),
            ("/etc/exim4/exim.key", false),
            ("/etc/exim4/dkim/a.example", false),
            ("/etc/exim4/cert", false),
            ("/etc/exim4/public_key", true),
            ("/etc/exim4/elsewhere", false),
            ("/etc/exim4/domains/a.example/ip", true),
            ("/opt/inside", true),
            ("/etc/virtual/helo_data", true),
            ("/etc/virtual/a.example/passwd", false),
            ("/etc/mailips", true),
            ("/etc/other", false),
            ("/etc/public", true),
            ("/etc/shadow", false),
            ("/root/map", false),
            ("/srv/mail/map", true),
        ] {
            assert_eq!(own.read(path).err(), (!told).then_some(ReadError::Confidential), "{path}");
            assert_eq!(own.may_look_at(path), told || path == "/etc/exim4/cert", "{path}");
        }
        assert_eq!(own.read("/etc/none").err(), Some(ReadError::NotFound));
        assert!(own.may_look_at("/etc/none") && own.may_look_at("/etc/exim4/none/x"));
        assert!(!own.may_look_at("/root/none") && !own.may_look_at("/root/none/x"));
    }

    #[test]
    fn of_a_signer_its_own_tables_are_told_also_where_they_name_keys() {
        let host = Fixture::new(&[
            ("/etc/opendkim.conf", 0o640, "x"),
            ("/etc/opendkim/KeyTable", 0o600, "x"),
            ("/etc/opendkim/keys/one.private", 0o600, "-----BEGIN PRIVATE KEY-----"),
            ("/etc/opendkim/sql_password", 0o600, "x"),
            ("/etc/other", 0o640, "x"),
            ("/etc/exim4/helo", 0o640, "x"),
            ("/etc/public", 0o644, "x"),
            ("/home/u/conf/mail/a.example/ip", 0o660, "x"),
        ]);
        host.link("/etc/opendkim/linked", "/etc/other");
        host.link("/etc/opendkim/inside", "KeyTable");
        let root = host.root();
        let own = OwnFiles::of_opendkim(&root);
        for (path, told) in [
            ("/etc/opendkim.conf", true),
            ("/etc/opendkim/KeyTable", true),
            ("/etc/opendkim/inside", true),
            ("/etc/opendkim/keys/one.private", false),
            ("/etc/opendkim/sql_password", false),
            ("/etc/opendkim/linked", false),
            ("/etc/other", false),
            ("/etc/exim4/helo", false),
            ("/etc/public", true),
            ("/home/u/conf/mail/a.example/ip", false),
        ] {
            assert_eq!(own.read(path).err(), (!told).then_some(ReadError::Confidential), "{path}");
        }
        assert!(own.is_in_own_folder("/etc/opendkim/keys/one.private") && own.is_in_own_folder("/etc/opendkim/none"));
        assert!(!own.is_in_own_folder("/etc/opendkim/linked") && !own.is_in_own_folder("/etc/opendkim/none/none"));
        let named = OwnFiles::of_opendkim(&root).without_passwords(["/etc/opendkim/inside".to_owned()]);
        assert_eq!(named.read("/etc/opendkim/KeyTable").err(), Some(ReadError::Confidential), "by another name");
        assert!(named.read("/etc/opendkim.conf").is_ok());
        let rspamd = OwnFiles::of_rspamd(&root);
        assert_eq!(rspamd.read("/etc/opendkim/KeyTable").err(), Some(ReadError::Confidential));
    }

    #[test]
    fn a_folder_that_others_share_is_nobodys_own() {
        let host = Fixture::new(&[("/etc/exim.conf", 0o640, "x"), ("/etc/map", 0o640, "x"), ("/srv/map", 0o640, "x")]);
        let root = host.root();
        let own = OwnFiles::of_exim(&root, ["/etc/exim.conf"]);
        assert!(own.read("/etc/exim.conf").is_ok(), "what it was read from");
        assert_eq!(own.read("/etc/map").err(), Some(ReadError::Confidential));
        let own = OwnFiles::of_postfix(&root, ["/srv"]);
        assert_eq!(own.read("/srv/map").err(), Some(ReadError::Confidential));
    }
}
