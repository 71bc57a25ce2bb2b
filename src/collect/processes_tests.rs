use super::*;
use std::os::unix::fs::symlink;

struct Proc(tempfile::TempDir);

impl Proc {
    fn new() -> Proc {
        let proc = Proc(tempfile::tempdir().unwrap());
        fs::write(proc.0.path().join("stat"), "cpu 1 2\nbtime 1000000\nprocesses 3\n").unwrap();
        fs::create_dir_all(proc.0.path().join("self/ns")).unwrap();
        symlink("pid:[1]", proc.0.path().join("self/ns/pid")).unwrap();
        symlink("net:[1]", proc.0.path().join("self/ns/net")).unwrap();
        proc
    }

    /// A process that was started `seconds` after boot.
    fn add(&self, pid: u32, parent: u32, seconds: i64, exe: &str, arguments: &[&str]) -> std::path::PathBuf {
        let folder = self.0.path().join(pid.to_string());
        fs::create_dir_all(folder.join("ns")).unwrap();
        symlink("pid:[1]", folder.join("ns/pid")).unwrap();
        symlink("net:[1]", folder.join("ns/net")).unwrap();
        symlink(exe, folder.join("exe")).unwrap();
        fs::write(folder.join("cmdline"), arguments.join("\0") + "\0").unwrap();
        let ticks = seconds * ticks_per_second();
        let stat = format!("{pid} (a) b) S {parent} 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 {ticks} 0 0\n");
        fs::write(folder.join("stat"), stat).unwrap();
        folder
    }

    fn daemons(&self) -> Vec<Daemon> {
        daemons(self.0.path())
    }
}

#[test]
fn postfix_is_its_master_and_its_reload_shows_in_the_queue_manager() {
    let proc = Proc::new();
    let master = proc.add(40, 1, 50, "/usr/lib/postfix/sbin/master", &["/usr/lib/postfix/sbin/master", "-w"]);
    fs::write(master.join("environ"), "PATH=/bin\0MAIL_CONFIG=/etc/postfix-out\0").unwrap();
    proc.add(41, 40, 90, "/usr/lib/postfix/sbin/qmgr", &["qmgr", "-l"]);
    proc.add(42, 1, 95, "/usr/lib/cyrus/bin/master", &["/usr/lib/cyrus/bin/master", "-d"]);
    let found = proc.daemons();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].mta, found[0].pid), (Mta::Postfix, 40));
    assert_eq!((found[0].started, found[0].loaded), (Some(1_000_050), Some(1_000_090)));
    assert_eq!(found[0].config_directory.as_deref(), Some("/etc/postfix-out"));
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
    ] {
        let proc = Proc::new();
        proc.add(7, 1, 10, "/usr/sbin/exim-4.97-1 (deleted)", arguments);
        assert_eq!(proc.daemons().len(), usize::from(daemon), "{arguments:?}");
    }
    let proc = Proc::new();
    proc.add(7, 1, 10, "/usr/sbin/exim4", &["exim4", "-bd", "-C", "/etc/a:/etc/b", "-DX=1", "-DY"]);
    proc.add(8, 7, 20, "/usr/sbin/exim4", &["exim4", "-bd", "-C", "/etc/a:/etc/b"]);
    proc.add(9, 1, 20, "/usr/bin/eximstats", &["eximstats", "-bd"]);
    let found = proc.daemons();
    assert_eq!(found.iter().map(|d| d.pid).collect::<Vec<_>>(), [7]);
    assert_eq!(found[0].config_files.as_deref(), Some("/etc/a:/etc/b"));
    assert_eq!(found[0].macros, ["X=1", "Y"]);
}

#[test]
fn a_container_is_another_host() {
    for name in ["pid", "net"] {
        let proc = Proc::new();
        let folder = proc.add(7, 1, 10, "/usr/sbin/exim4", &["exim4", "-bd"]);
        fs::remove_file(folder.join("ns").join(name)).unwrap();
        assert_eq!(proc.daemons().len(), 1, "a namespace that cannot be seen is taken for the own");
        symlink(format!("{name}:[2]"), folder.join("ns").join(name)).unwrap();
        assert_eq!(proc.daemons(), []);
    }
}

#[test]
fn processes_that_cannot_be_seen_are_passed_over() {
    let proc = Proc::new();
    fs::create_dir(proc.0.path().join("12")).unwrap();
    let folder = proc.add(13, 1, 1, "/usr/sbin/exim4", &["/usr/sbin/exim4", "-bd"]);
    fs::write(folder.join("stat"), "13 (exim4").unwrap();
    let folder = proc.add(14, 1, 1, "/usr/sbin/exim4", &["/usr/sbin/exim4", "-bd"]);
    fs::remove_file(folder.join("exe")).unwrap();
    assert_eq!(proc.daemons().iter().map(|d| d.pid).collect::<Vec<_>>(), [14]);
    assert_eq!(daemons(Path::new("/nonexistent")), []);
}
