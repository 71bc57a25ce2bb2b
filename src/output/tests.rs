use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};

use nix::sys::stat::{Mode, umask};
use nix::unistd::mkfifo;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// Writes as on a file system without nameless files.
fn to_file_by_name(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut output = Output::open(path, Readers::Usual)?;
    if let Target::File(file) = &mut output.target {
        file.draft = None;
    }
    output.write(content)
}

#[test]
fn a_file_is_replaced_whole_and_keeps_its_permissions() {
    for write in [to_file, to_file_by_name] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        write(&path, b"one").unwrap();
        let usual = 0o666
            & !{
                let mask = umask(Mode::empty());
                umask(mask);
                mask.bits()
            };
        assert_eq!(mode(&path), usual);
        set_mode(&path, 0o640);
        let before = fs::File::open(&path).unwrap();
        write(&path, b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o640));
        assert_eq!(before.metadata().unwrap().nlink(), 0, "who reads the old one reads it to its end");
        assert_eq!(entries(folder.path()), 1, "nothing else is left there");
    }
}

#[test]
fn the_owner_of_a_replaced_file_stays_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    fs::write(&path, "old").unwrap();
    if chown(&path, Some(1001), Some(1002)).is_err() {
        return; // Only root can make such a file.
    }
    to_file(&path, b"new").unwrap();
    let meta = fs::metadata(&path).unwrap();
    assert_eq!((meta.uid(), meta.gid(), fs::read(&path).unwrap()), (1001, 1002, b"new".to_vec()));
}

#[test]
fn a_snapshot_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (new, old) = (folder.path().join("new"), folder.path().join("old"));
    fs::write(&old, "before").unwrap();
    set_mode(&old, 0o644);
    for path in [&new, &old] {
        Output::open(path, Readers::Owner).unwrap().write(b"text").unwrap();
        assert_eq!((mode(path), fs::read(path).unwrap()), (0o600, b"text".to_vec()));
    }
}

#[test]
fn nothing_is_there_before_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    let output = Output::open(&path, Readers::Usual).unwrap();
    assert_eq!(entries(folder.path()), 0);
    drop(output);
    assert_eq!(entries(folder.path()), 0);
    // Somebody else was faster, or put something else there.
    let output = Output::open(&path, Readers::Usual).unwrap();
    fs::write(&path, "meanwhile").unwrap();
    output.write(b"ours").unwrap();
    assert_eq!((fs::read(&path).unwrap(), entries(folder.path())), (b"ours".to_vec(), 1));
    let output = Output::open(&path, Readers::Usual).unwrap();
    fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    assert!(output.write(b"ours").unwrap_err().to_string().contains("was replaced while helolint ran"));
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn a_link_of_ours_stays_a_link_and_a_device_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("inner")).unwrap();
    fs::write(at("inner/real"), "old").unwrap();
    symlink("inner/real", at("link")).unwrap();
    symlink("missing", at("inner/ahead")).unwrap();
    symlink("circle", at("circle")).unwrap();
    to_file(&at("link"), b"new").unwrap();
    assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
    assert_eq!(fs::read(at("inner/real")).unwrap(), b"new");
    to_file(&at("inner/../inner/./ahead"), b"made").unwrap();
    assert_eq!(fs::read(at("inner/missing")).unwrap(), b"made");
    let refused = |path: &Path| to_file(path, b"x").unwrap_err().to_string();
    assert!(refused(&at("circle")).contains("Too many levels of symbolic links"));
    assert!(refused(&at("inner")).contains("Is a directory") && refused(&at("inner/..")).contains("Is a directory"));
    assert!(refused(&at("link/")).contains("Not a directory"));
    to_file(Path::new("/dev/null"), b"gone").unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    assert!(refused(Path::new("/dev/full")).contains("No space left"));
}

#[test]
fn what_somebody_else_put_there_chooses_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("tmp")).unwrap();
    set_mode(&at("tmp"), 0o1777);
    fs::create_dir(at("etc")).unwrap();
    fs::write(at("etc/victim"), "precious").unwrap();
    symlink(at("etc/victim"), at("tmp/report")).unwrap();
    symlink(at("etc"), at("tmp/folder")).unwrap();
    fs::write(at("tmp/file"), "theirs").unwrap();
    mkfifo(&at("tmp/fifo"), Mode::S_IRWXU).unwrap();
    if lchown(at("tmp/report"), Some(1001), None).is_err() {
        return; // Only root can make such a link.
    }
    lchown(at("tmp/folder"), Some(1001), None).unwrap();
    chown(at("tmp/file"), Some(1001), None).unwrap();
    chown(at("tmp/fifo"), Some(1001), None).unwrap();
    let refused = |name: &str| to_file(&at(name), b"x").unwrap_err().to_string();
    for (name, why) in [
        ("tmp/report", "user 1001 owns the link report"),
        ("tmp/folder/victim", "user 1001 owns the link folder"),
        ("tmp/file", "user 1001 owns what is there, in a folder where everybody may write"),
        ("tmp/fifo", "user 1001 owns what is there"),
    ] {
        assert!(refused(name).contains(why), "{name}: {}", refused(name));
    }
    assert_eq!(fs::read(at("etc/victim")).unwrap(), b"precious");
    to_file(&at("tmp/ours"), b"x").unwrap();
    // Folders of others, and folders in which anybody can do anything.
    chown(at("etc"), Some(1001), None).unwrap();
    assert!(refused("etc/new").contains("user 1001 owns the folder"));
    chown(at("etc"), Some(0), Some(1001)).unwrap();
    set_mode(&at("etc"), 0o775);
    to_file(&at("etc/new"), b"x").unwrap();
    set_mode(&at("etc"), 0o777);
    assert!(refused("etc/new").contains("everybody may replace files in the folder"));
}

#[test]
fn pipes_are_written_to_and_waited_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let started = Instant::now();
    let error = to_file(&fifo, b"x").unwrap_err().to_string();
    assert!(error.contains("nobody reads from it") && started.elapsed() < READER_PATIENCE * 2, "{error}");
    // More than a pipe holds, to a reader that comes late.
    let long = vec![b'x'; 300 << 10];
    let reader = thread::spawn({
        let fifo = fifo.clone();
        move || {
            thread::sleep(Duration::from_millis(50));
            fs::read(fifo).unwrap().len()
        }
    });
    to_file(&fifo, &long).unwrap();
    assert_eq!(reader.join().unwrap(), long.len());
}

#[test]
fn open_files_are_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "before ").unwrap();
    let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    to_file(Path::new(&format!("/dev/fd/{}", file.as_raw_fd())), b"after").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"before after");
    let (mut reader, writer) = io::pipe().unwrap();
    to_file(Path::new(&format!("/proc/self/fd/{}", writer.as_raw_fd())), b"text").unwrap();
    drop(writer);
    let mut text = String::new();
    io::Read::read_to_string(&mut reader, &mut text).unwrap();
    assert_eq!(text, "text");
}

#[test]
fn one_file_is_known_by_its_folder_whatever_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("inner")).unwrap();
    symlink("report", at("link")).unwrap();
    let open = |path: &str| Output::open(&at(path), Readers::Usual).unwrap();
    let report = open("report");
    for same in ["report", "./report", "inner/../report", "link"] {
        assert!(report.is_same_file(&open(same)), "{same}");
    }
    for other in ["inner/report", "other"] {
        assert!(!report.is_same_file(&open(other)), "{other}");
    }
    assert!(!Output::stdout().is_same_file(&Output::stdout()));
}

#[test]
fn a_missing_folder_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/report");
    let error = to_file(&path, b"x").unwrap_err().to_string();
    assert!(error.contains("none/report: No such file or directory (os error 2)\n"), "{error}");
}
