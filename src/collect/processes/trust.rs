//! Whether a process can be the host's MTA. Anybody may run a program of any name with any arguments.

use std::collections::{HashSet, VecDeque};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Process;
use crate::collect::root::{FileStatus, Root};
use crate::facts::{Doubt, Mta};

/// Where Postfix's master is installed: Debian, Red Hat and the source distribution, Arch and SUSE, older releases, BSD's
/// packages, and panels that bring their own.
const MASTERS: [&str; 8] = [
    "/usr/lib/postfix/sbin/master",
    "/usr/libexec/postfix/master",
    "/usr/lib/postfix/bin/master",
    "/usr/lib/postfix/master",
    "/usr/local/libexec/postfix/master",
    "/usr/pkg/libexec/postfix/master",
    "/opt/zimbra/common/libexec/master",
    "/opt/zextras/common/libexec/master",
];
/// Where Exim is installed: Debian, Red Hat and panels, the source distribution, and where other programs look for it.
const EXIMS: [&str; 8] = [
    "/usr/sbin/exim4",
    "/usr/sbin/exim",
    "/usr/exim/bin/exim",
    "/usr/local/exim/bin/exim",
    "/usr/local/sbin/exim",
    "/usr/bin/exim",
    "/usr/sbin/sendmail",
    "/usr/lib/sendmail",
];
/// Names that packages build Exim to run under.
const EXIM_USERS: [&str; 3] = ["Debian-exim", "exim", "mailnull"];
/// Exim's spool folders, which belong to the user that it runs under, whatever that is called.
const EXIM_SPOOLS: [&str; 2] = ["/var/spool/exim4", "/var/spool/exim"];
/// Panels whose own user owns the MTA's configuration, with the folder that it is below.
const PANEL_USERS: [(&str, &str); 2] = [("/opt/zimbra/", "zimbra"), ("/opt/zextras/", "zextras")];
/// What the kernel writes behind the path of a program that was replaced.
const DELETED: &str = " (deleted)";
/// Folders that are the same files wherever a service manager has given a service its own view of the system.
const SYSTEM: [&str; 3] = ["", "etc", "usr"];
/// Links followed in one path, as Linux has it (path_resolution(7)).
const LINK_LIMIT: usize = 40;
/// Write permission of group and others.
const OTHERS_WRITE: u32 = 0o022;

/// Whose a file is, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its owner.
    pub uid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// What is at `path` of the live system, links followed, those of `/proc` too.
pub(crate) fn file_id(path: &Path) -> Option<FileId> {
    let meta = std::fs::metadata(path).ok()?;
    Some(FileId { device: meta.dev(), inode: meta.ino(), uid: meta.uid(), mode: meta.mode() })
}

/// Where processes, and the programs that they run, are seen.
pub(crate) struct Sources<'a> {
    /// `/proc`, or what stands for it in a test.
    pub proc: PathBuf,
    /// What stands at a path, links followed; in a test, what was recorded.
    pub file_id: &'a dyn Fn(&Path) -> Option<FileId>,
    /// The users that Exim's daemon may run as, beside root.
    pub exim_users: HashSet<u32>,
}

/// The users that Exim's daemon runs as on this host, root apart: those of its packages, and the owner of its spool.
pub(crate) fn exim_users(root: &Root) -> HashSet<u32> {
    let mut users: HashSet<u32> = EXIM_USERS.iter().filter_map(|name| user(root, name)).collect();
    users.extend(EXIM_SPOOLS.iter().filter_map(|path| Some(root.status(path)?.uid)));
    users
}

/// The number of the user `name` of `/etc/passwd`.
fn user(root: &Root, name: &str) -> Option<u32> {
    let file = root.read("/etc/passwd").ok()?;
    let line = file.text().lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

impl Sources<'_> {
    /// Why a process cannot be the host's `mta`; `None` where it can. The mount namespace is looked at last: what differs in
    /// that alone is the host's MTA all the same.
    pub(super) fn doubt(&self, mta: Mta, process: &Process) -> Option<Doubt> {
        let folder = self.proc.join(process.pid.to_string());
        let Some(uids) = process.uids else { return Some(Doubt::Refused) };
        let own = |uid: &u32| *uid == 0 || (mta == Mta::Exim && self.exim_users.contains(uid));
        if let Some(uid) = uids.into_iter().find(|uid| !own(uid)) {
            return Some(Doubt::User { uid });
        }
        let program = process.exe.as_deref().zip((self.file_id)(&folder.join("exe")));
        let Some((path, program)) = program else { return Some(Doubt::Refused) };
        if program.uid != 0 || program.mode & OTHERS_WRITE != 0 {
            return Some(Doubt::ProgramNotRoots);
        }
        if !self.is_installed(mta, path, program) {
            return Some(Doubt::Program);
        }
        for (file, kind) in [("ns/pid", "process"), ("ns/net", "network"), ("ns/mnt", "mount")] {
            let of = |process: &Path| std::fs::read_link(process.join(file)).ok();
            match (of(&self.proc.join("self")), of(&folder)) {
                (Some(here), Some(there)) if here == there => {}
                (Some(_), there) if kind == "mount" && there == of(&self.proc.join("1")) && self.is_a_view() => {}
                (Some(_), Some(_)) => return Some(Doubt::Namespace { of: kind.to_owned() }),
                _ => return Some(Doubt::Refused),
            }
        }
        None
    }

    /// Whether this process sees the files of the host's first process, whatever mounts a service manager has laid over some: the root and
    /// the system's folders are the same ones. A container that is shown the host's processes has a root of its own.
    fn is_a_view(&self) -> bool {
        let first = self.proc.join("1/root");
        let id = |path: &Path| (self.file_id)(path).map(|found| (found.device, found.inode));
        SYSTEM.iter().all(|name| {
            let own = id(&Path::new("/").join(name));
            own.is_some() && own == id(&first.join(name))
        })
    }

    /// Whether a running program is the one that is installed: the same file, or one that stood at its path until an update
    /// put another there.
    fn is_installed(&self, mta: Mta, path: &str, program: FileId) -> bool {
        let known: &[&str] = match mta {
            Mta::Postfix => &MASTERS,
            Mta::Exim => &EXIMS,
        };
        if let Some(path) = path.strip_suffix(DELETED) {
            // Exim's own installation names the program by its version, and links to it.
            let versioned = |known: &str| mta == Mta::Exim && known.rsplit_once('/').map(|(at, _)| at) == parent(path);
            return known.iter().any(|known| *known == path || versioned(known));
        }
        let same = |found: FileId| (found.device, found.inode) == (program.device, program.inode);
        known.iter().any(|known| (self.file_id)(Path::new(known)).is_some_and(same))
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

/// Whether nobody but root, and the user of a panel that `path` belongs to, can change what `path` leads to: the file, every
/// folder above it, and every link on the way. What does not exist, nobody else can make.
pub(crate) fn is_guarded(root: &Root, path: &str) -> bool {
    let panel = PANEL_USERS.iter().find(|(below, _)| path.starts_with(below)).and_then(|(_, name)| user(root, name));
    guarded(path, panel, &|path| root.status(path), &|path| root.link_target(path))
}

/// As [`is_guarded`], by what `status` and `link` say of paths without links in them.
pub(super) fn guarded(
    path: &str,
    panel: Option<u32>,
    status: &dyn Fn(&str) -> Option<FileStatus>,
    link: &dyn Fn(&str) -> Option<String>,
) -> bool {
    let safe = |path: &str| {
        status(path).is_none_or(|status| {
            let owned = status.uid == 0 || Some(status.uid) == panel;
            let by_group = status.mode & 0o020 != 0 && status.gid != 0;
            owned && status.mode & 0o002 == 0 && !by_group
        })
    };
    let parts = |path: &str| -> VecDeque<String> {
        path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
    };
    let (mut todo, mut real, mut links) = (parts(path), String::new(), 0);
    if !safe("/") {
        return false;
    }
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            real.truncate(real.rfind('/').unwrap_or(0));
            continue;
        }
        let next = format!("{real}/{part}");
        match link(&next) {
            Some(target) => {
                links += 1;
                if links > LINK_LIMIT {
                    return false;
                }
                if target.starts_with('/') {
                    real.clear();
                }
                parts(&target).into_iter().rev().for_each(|part| todo.push_front(part));
            }
            None if !safe(&next) => return false,
            None => real = next,
        }
    }
    true
}
