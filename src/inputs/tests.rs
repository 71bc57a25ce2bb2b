use super::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_fifo_without_writer_is_empty_and_a_pipe_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(read_given(&fifo, 10).unwrap(), b"");
    assert!(read_given(dir.path(), 10).is_err());
    let (reader, mut writer) = io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    let late = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        io::Write::write_all(&mut writer, b"late text").unwrap();
    });
    assert_eq!(read_given(Path::new(&path), 4).unwrap(), b"late");
    late.join().unwrap();
}

#[test]
fn what_others_may_change_is_not_obeyed() {
    let said = |owner, mode, me| may_obey(owner, mode, me).err().map(|error| error.to_string());
    assert_eq!(said(0, 0o100_644, 1000), None);
    assert_eq!(said(1000, 0o100_600, 1000), None);
    assert!(said(1001, 0o100_600, 1000).unwrap().starts_with("user 1001 owns it"));
    assert!(said(1000, 0o100_600, 0).unwrap().starts_with("user 1000 owns it"), "root obeys root alone");
    assert!(said(0, 0o100_664, 0).unwrap().contains("mode 0664"));
    assert!(said(0, 0o100_646, 0).unwrap().contains("mode 0646"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("settings");
    fs::write(&path, "12345").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(read_own(&path, 5, true), Err(OwnError::Writable(_))));
    assert_eq!(read_own(&path, 5, false).unwrap(), b"12345");
    assert!(matches!(read_own(&path, 4, false), Err(OwnError::TooLarge(4))));
}
