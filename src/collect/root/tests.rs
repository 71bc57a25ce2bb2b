use super::listing::LIST_LIMIT;
use super::*;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

fn root() -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("host/etc/postfix")).unwrap();
    fs::write(dir.path().join("outside"), "secret").unwrap();
    fs::write(dir.path().join("host/etc/main"), "text").unwrap();
    let root = Root::open(&dir.path().join("host")).unwrap();
    (dir, root)
}

#[test]
fn names_of_a_folder_are_listed_as_far_as_asked() {
    let (_dir, root) = root();
    assert_eq!(root.names_in("/etc", 10), ["main", "postfix"]);
    assert_eq!(root.names_in("/etc/", 1).len(), 2, "one more than asked for shows that there are more");
    assert!(root.names_in("/etc/main", 10).is_empty() && root.names_in("/none", 10).is_empty());
    assert_eq!(root.names_in("/etc/../..", 10), ["etc"], "nothing above the root is seen");
}

/// The root `dir` by the kernel, where it can, and by our own walk.
fn both_ways(dir: &Path) -> [Root; 2] {
    let folder = OwnedFd::from(File::open(dir).unwrap());
    [Root::open(dir).unwrap(), Root::behind(Some(Door::walking(folder)), false)]
}

#[test]
fn links_stay_below_the_root() {
    let (dir, _) = root();
    let etc = dir.path().join("host/etc");
    symlink("../../../../../outside", etc.join("up")).unwrap();
    symlink(dir.path().join("outside"), etc.join("absolute")).unwrap();
    symlink("/etc/main", etc.join("inside")).unwrap();
    symlink("postfix/", etc.join("folder")).unwrap();
    symlink("../folder/..", etc.join("postfix/back")).unwrap();
    symlink("main/", etc.join("no folder")).unwrap();
    symlink("loop", etc.join("loop")).unwrap();
    for root in both_ways(&dir.path().join("host")) {
        let way = format!("{:?}", root.door);
        let read = |path: &str| root.read(path).map(|file| file.text().to_owned());
        for none in ["/etc/up", "/etc/absolute", "/../../outside", "/etc/no folder", "/etc/main/", "/etc/main/../main"]
        {
            assert_eq!(read(none), Err(ReadError::NotFound), "{none} {way}");
            assert!(!root.exists(none) && root.canonical(none).is_none(), "{none} {way}");
        }
        for main in ["/etc/inside", "etc//./main", "/etc/postfix/back/main", "/../etc/folder/../inside"] {
            assert_eq!(read(main).as_deref(), Ok("text"), "{main} {way}");
            assert_eq!(root.canonical(main).as_deref(), Some("/etc/main"), "{main} {way}");
            assert_eq!(root.status(main).map(|status| (status.size, status.is_file)), Some((4, true)));
        }
        assert_eq!(read("/etc/loop"), Err(ReadError::LinkLoop), "{way}");
        assert_eq!(root.canonical("/etc/../..").as_deref(), Some("/"));
        assert_eq!(root.files_below("/etc/folder", 2), ["/etc/folder/back"], "{way}");
        assert!(matches!(read("/etc/a\0b"), Err(ReadError::Io(_))), "{way}");
        assert!(matches!(read(&"/..".repeat(2000)), Err(ReadError::Io(_))), "{way}");
        assert_eq!(read(&"/..".repeat(1000)), Err(ReadError::NotRegular("a folder")), "{way}");
    }
}

#[test]
fn a_link_swapped_in_while_walking_leads_nowhere_else() {
    let (dir, _) = root();
    let host = dir.path().join("host");
    fs::create_dir_all(dir.path().join("elsewhere/inner")).unwrap();
    fs::create_dir_all(host.join("etc/conf/inner")).unwrap();
    fs::write(dir.path().join("elsewhere/inner/main"), "secret").unwrap();
    fs::write(dir.path().join("elsewhere/inner/secret"), "").unwrap();
    fs::write(host.join("etc/conf/inner/main"), "text").unwrap();
    symlink("../../elsewhere", host.join("etc/trap")).unwrap();
    /// Ends the other thread, however the test ends.
    struct Ends<'b>(&'b AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = Ends(&done);
        scope.spawn(|| {
            let (folder, trap) = (host.join("etc/conf"), host.join("etc/trap"));
            while !done.load(Ordering::Relaxed) {
                renameat2(AT_FDCWD, &folder, AT_FDCWD, &trap, RenameFlags::RENAME_EXCHANGE).unwrap();
                // A kernel gives a walk up during which everything moves all the time.
                std::thread::sleep(std::time::Duration::from_micros(20));
            }
        });
        for root in both_ways(&host) {
            let mut seen = [0, 0];
            for _ in 0..2000 {
                match root.read_afresh("/etc/conf/inner/main") {
                    Ok(file) => {
                        assert_eq!(file.text(), "text", "{:?}", root.door);
                        seen[0] += 1;
                    }
                    // It leads nowhere, or the walk was given up.
                    Err(_) => seen[1] += 1,
                }
                let listed = root.files_below("/etc/conf", 2);
                assert!(!listed.iter().any(|path| path.ends_with("secret")), "{listed:?} {:?}", root.door);
            }
            assert!(seen[0] > 0, "{seen:?}: the folder was there about half of the time");
        }
    });
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again() {
    let (dir, root) = root();
    let path = dir.path().join("host/etc/main");
    let found = File::from(root.find("/etc/main").unwrap());
    let grown = whole(&found, |file| {
        let bytes = contents(file);
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b" and more").unwrap();
        bytes
    });
    assert_eq!(grown, Err(ReadError::Changing));
    let touched = whole(&found, |file| {
        let bytes = contents(file);
        let writer = fs::OpenOptions::new().write(true).open(&path).unwrap();
        writer.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        bytes
    });
    assert_eq!(touched, Err(ReadError::Changing));
    assert_eq!(root.read("/etc/main").unwrap().text(), "text and more");
}

#[test]
fn a_link_is_read_even_where_it_leads_nowhere() {
    let (dir, root) = root();
    symlink("/usr/sbin/exim4", dir.path().join("host/etc/mta")).unwrap();
    symlink("/etc", dir.path().join("host/conf")).unwrap();
    assert_eq!(root.link_target("/conf/mta").as_deref(), Some("/usr/sbin/exim4"));
    assert_eq!(root.link_target("/etc/main"), None);
    assert_eq!(root.link_target("/etc/.."), None);
    assert_eq!(root.link_target("/"), None);
}

#[test]
fn what_is_kept_in_all_is_bounded() {
    let (dir, root) = root();
    let file = File::create(dir.path().join("host/etc/big")).unwrap();
    file.set_len(super::file::SIZE_LIMIT).unwrap();
    for path in ["/etc/big", "/etc/./big"] {
        assert!(root.read(path).is_ok(), "{path}");
    }
    assert_eq!(root.read("/etc/main").unwrap_err(), ReadError::TooMuch, "whatever it is");
    assert!(root.read("/etc/big").is_ok(), "what was read before is there");
    file.set_len(super::file::SIZE_LIMIT + 1).unwrap();
    assert!(Root::open(dir.path()).unwrap().read("/host/etc/big").unwrap_err().is_bound());
}

#[test]
fn only_regular_files_are_read() {
    let (dir, root) = root();
    nix::unistd::mkfifo(&dir.path().join("host/etc/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(root.read("/etc/fifo").unwrap_err(), ReadError::NotRegular("a FIFO"));
    assert_eq!(root.read("/etc/postfix").unwrap_err(), ReadError::NotRegular("a folder"));
    assert_eq!(root.read("/etc/none").unwrap_err(), ReadError::NotFound);
    assert_eq!(root.read("/etc/main/below").unwrap_err(), ReadError::NotFound);
}

#[test]
fn files_below_are_sorted_and_named_as_the_host_does() {
    let (dir, root) = root();
    fs::write(dir.path().join("host/etc/postfix/b"), "").unwrap();
    fs::write(dir.path().join("host/etc/postfix/a"), "").unwrap();
    assert_eq!(root.files_below("/etc/postfix", 1), ["/etc/postfix/a", "/etc/postfix/b"]);
    assert_eq!(root.files_below("/none", 1), [""; 0]);
}

#[test]
fn a_folder_without_end_is_listed_so_far_and_that_is_known() {
    let (dir, root) = root();
    let put = |name: usize| drop(File::create(dir.path().join(format!("host/etc/postfix/{name:06}"))).unwrap());
    (1..LIST_LIMIT).for_each(put);
    // With the folder's own `main` and `postfix`, two levels have two more.
    assert_eq!(root.files_below("/etc/postfix", 1).len(), LIST_LIMIT - 1);
    assert_eq!(root.cut_lists(), [""; 0]);
    assert_eq!(root.files_below("/etc", 2).len(), LIST_LIMIT - 1, "the folder is an entry and no file");
    assert_eq!(root.cut_lists(), ["/etc"]);
}

#[test]
fn what_is_nobodys_configuration_is_not_read_whatever_leads_there() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, root) = root();
    let put = |path: &str, mode: u32, text: &str| {
        let place = dir.path().join("host").join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, text).unwrap();
        fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    };
    for (path, mode, text, read) in [
        ("/etc/shadow", 0o640, "root:x", false),
        ("/etc/shadow-", 0o600, "root:x", false),
        ("/home/anna/.ssh/config", 0o600, "Host x", false),
        ("/home/anna/.my.cnf", 0o600, "[client]", false),
        ("/proc/7/environ", 0o400, "TOKEN=x", false),
        ("/etc/exim4/key", 0o640, "-----BEGIN RSA PRIVATE KEY-----", false),
        ("/etc/exim4/secrets.conf", 0o640, "hide mysql_servers = x", true),
        ("/etc/exim4/shadow.conf", 0o640, "x", true),
        ("/srv/shadow", 0o644, "everyone reads it", true),
        ("/proc/sys/net", 0o644, "1", true),
    ] {
        put(path, mode, text);
        let expected = (!read).then_some(ReadError::Confidential);
        assert_eq!(root.read(path).err(), expected, "{path}");
        let link = format!("etc/link-{}", path.replace('/', "-"));
        symlink(path, dir.path().join("host").join(&link)).unwrap();
        assert_eq!(root.read(&format!("/{link}")).err(), expected, "a link to {path}");
    }
}

#[test]
fn another_folder_that_is_called_the_root_is_not_the_live_system() {
    let (_dir, root) = root();
    assert!(!root.is_live());
    assert!(Root::open(Path::new("/")).unwrap().is_live());
    assert!(Root::open(Path::new("/proc/self/root")).unwrap().is_live(), "the same folder");
}

#[test]
fn what_trials_put_in_turn_is_one_file_each() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::open(dir.path()).unwrap();
    let read = |text: &str| {
        let changed = Changed { text: text.into(), modified: 1 };
        root.set_trial([("/x".to_owned(), Some(changed))].into());
        root.read("/x").unwrap()
    };
    let (one, other) = (read("a\n"), read("b\n"));
    assert_eq!((one.text(), other.text()), ("a\n", "b\n"));
    assert!(Arc::ptr_eq(&one, &read("a\n")) && Arc::ptr_eq(&other, &read("b\n")));
}
