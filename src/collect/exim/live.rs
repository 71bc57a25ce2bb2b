//! Which file is Exim's configuration: the list compiled into the binary, or what the daemon is started with.

use super::Refused;
use super::starters::{self, Started};
use super::users::Users;
use crate::collect::daemon::Daemon;
use crate::collect::root::{FileStatus, Root};
use crate::facts::Mta;

/// What Debian's binary tries, in order.
const DEBIAN: [&str; 2] = ["/etc/exim4/exim4.conf", super::debian::GENERATED];
/// cPanel's, DirectAdmin's and the source distribution's usual place.
const ETC: &str = "/etc/exim.conf";
/// EPEL and Fedora, then FreeBSD, then the source distribution's default.
const OTHERS: [&str; 3] = ["/etc/exim/exim.conf", "/usr/local/etc/exim/configure", "/usr/exim/configure"];

/// Whether a file is one that Exim is built to read, by whoever builds it.
pub(crate) fn is_compiled_in(path: &str) -> bool {
    path == ETC || DEBIAN.contains(&path) || OTHERS.contains(&path)
}

/// A configuration that is read, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Live {
    /// The file that is read first.
    pub file: String,
    /// `-D` macros.
    pub defines: Vec<(String, String)>,
    /// Whether the build is Debian's.
    pub debian: bool,
}

/// The live configuration; `None` where there is none. `running` holds the daemons of the live system: what they were started with
/// goes before what files say of the next start.
pub(crate) fn find(root: &Root, cpanel: bool, running: &[Daemon]) -> Option<Live> {
    let Started { files: chosen, defines } = match of_daemons(running) {
        Some(started) => started,
        None => starters::read(root),
    };
    if let Some(file) = &root.named().exim {
        let debian = !cpanel && file.contains("/exim4/");
        return Some(Live { file: file.clone(), defines, debian });
    }
    let debian = !cpanel && (root.exists("/etc/debian_version") || root.exists("/etc/exim4"));
    let lists: Vec<Vec<String>> = if !chosen.is_empty() {
        vec![chosen]
    } else if cpanel {
        vec![vec![ETC.into()]]
    } else {
        let debian = DEBIAN.map(str::to_owned).to_vec();
        [debian, vec![ETC.to_owned()]].into_iter().chain(OTHERS.map(|file| vec![file.to_owned()])).collect()
    };
    let file = lists.into_iter().flatten().find(|file| !root.is_missing(file))?;
    let debian = debian && file.contains("/exim4/");
    Some(Live { file, defines, debian })
}

/// Why Exim refuses the file that it reads first, whatever it says: an owner, group or mode that others could change it by.
/// The owners that are compiled in beside root are not known; those that packages use are taken for trusted.
pub(crate) fn refused(file: &str, status: FileStatus, users: &Users) -> Option<Refused> {
    const OTHERS: u32 = 0o002;
    const GROUP: u32 = 0o020;
    let note = if !users.trusts(status.uid) {
        format!("it belongs to the user number {}; `chown root {file}`", status.uid)
    } else if status.mode & OTHERS != 0 {
        format!("everyone may write it; `chmod o-w {file}`")
    } else if status.mode & GROUP != 0 && !users.trusts(status.gid) {
        format!("the group number {} may write it; `chmod g-w {file}`", status.gid)
    } else {
        return None;
    };
    let message = format!("Exim configuration file {file} has the wrong owner, group, or mode");
    Some(Refused { message, at: None, file: None, note: Some(note), unknown: false, of_build: false, bounded: false })
}

/// What the running daemon was started with; `None` where none runs. Of several (one listens, one runs the queue) it is the
/// first with options of its own.
fn of_daemons(running: &[Daemon]) -> Option<Started> {
    let started = |daemon: &Daemon| {
        let mut started = Started::default();
        daemon.config_files.iter().for_each(|list| started.set_files(list));
        daemon.macros.iter().for_each(|definition| started.define(definition));
        started
    };
    let all: Vec<Started> = running.iter().filter(|daemon| daemon.mta == Mta::Exim).map(started).collect();
    all.iter().find(|started| **started != Started::default()).or(all.first()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::root;

    fn daemon(config_files: Option<&str>, macros: &[&str]) -> Daemon {
        Daemon {
            mta: Mta::Exim,
            pid: 1,
            started: None,
            loaded: None,
            config_directory: None,
            config_files: config_files.map(str::to_owned),
            macros: macros.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn what_the_daemon_was_started_with_goes_before_the_files() {
        let (_dir, root) = root(&[
            ("/etc/exim.conf", ""),
            ("/srv/exim.conf", ""),
            ("/srv/next.conf", ""),
            ("/etc/systemd/system/exim.service", "[Service]\nExecStart=/usr/sbin/exim -bdf -C /srv/next.conf\n"),
        ]);
        let file = |running: &[Daemon]| find(&root, false, running).unwrap().file;
        assert_eq!(file(&[]), "/srv/next.conf");
        assert_eq!(file(&[daemon(Some("/none:/srv/exim.conf"), &[])]), "/srv/exim.conf");
        assert_eq!(file(&[daemon(None, &[])]), "/etc/exim.conf");
        assert_eq!(file(&[daemon(None, &[]), daemon(Some("/srv/exim.conf"), &[])]), "/srv/exim.conf");
        let live = find(&root, false, &[daemon(None, &["NAME=a b", "FLAG"])]).unwrap();
        assert_eq!(live.defines, [("NAME".into(), "a b".into()), ("FLAG".into(), String::new())]);
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let (_dir, root) = root(&[("/etc/passwd", "root:x:0:0::/root:/bin/sh\nexim:x:93:94::/:/bin/false\n")]);
        let users = Users::read(&root);
        let status = |uid, gid, bits: u32| FileStatus {
            size: 0,
            modified: 0,
            changed: 0,
            is_dir: false,
            is_file: true,
            mode: 0o100_000 | bits,
            uid,
            gid,
        };
        for (status, expected, why) in [
            (status(0, 0, 0o644), None, "as packages have it"),
            (status(0, 94, 0o660), None, "the group that Exim may be built with"),
            (status(93, 0, 0o600), None, "the user that Exim may be built with"),
            (status(0, 1000, 0o640), None, "a group that may only read"),
            (status(0, 1000, 0o660), Some("chmod g-w"), "a strange group"),
            (status(0, 0, 0o646), Some("chmod o-w"), "everyone"),
            (status(1000, 0, 0o644), Some("chown root"), "a strange owner"),
        ] {
            let note = refused("/etc/exim.conf", status, &users).and_then(|refused| refused.note);
            assert_eq!(note.is_some(), expected.is_some(), "{why}: {note:?}");
            assert!(note.unwrap_or_default().contains(expected.unwrap_or_default()), "{why}");
        }
        assert_eq!(refused("/etc/exim.conf", status(1000, 0, 0o644), &Users::default()).map(|r| r.message), None);
    }

    #[test]
    fn a_list_that_cannot_be_followed_is_passed_over() {
        for list in ["relative.conf", "$CONFIG", "/etc/a:b"] {
            assert_eq!(Started::of_arguments(["-bd", "-C", list]), Started::default(), "{list}");
        }
        let started = Started::of_arguments(["-bd", "-C/a:/b", "-DX=1"]);
        assert_eq!(started.files, ["/a", "/b"]);
        assert_eq!(started.defines, [("X".to_owned(), "1".to_owned())]);
    }
}
