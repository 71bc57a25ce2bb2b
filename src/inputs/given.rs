//! Opens files that the command line names, to be read: what somebody else may have put there brings root neither to a file of his
//! choice nor to a halt.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl, openat};
use nix::libc::dev_t;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, major, minor};
use nix::unistd::Uid;

use crate::output::place::{Place, Refusal, is, trusted};

/// `/dev/null` (null(4)).
const NULL: (u64, u64) = (1, 3);

/// The file at `path`. A pipe of a shell's (`<(command)`) is read as far as its writer goes; a FIFO without a writer is empty instead of
/// being waited for.
///
/// # Errors
/// The system's; where it is behind a link of somebody else, a FIFO of somebody else, or a device: opening one may already do something.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let place = Place::find(path).map_err(|refusal| match refusal {
        Refusal::Io(error) => error,
        Refusal::Unsafe(why) => io::Error::other(why),
        Refusal::Link { owner, name } => io::Error::other(format!(
            "user {owner} owns the link {name}, and could have any file read by it: name the file itself"
        )),
    })?;
    let open = |flags: OFlag| openat(&place.folder, place.name.as_os_str(), flags | OFlag::O_CLOEXEC, Mode::empty());
    let reading = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = if place.open_file {
        // What the process itself has open lies behind a link that only the kernel can follow.
        File::from(open(reading)?)
    } else {
        let found = fstat(open(OFlag::O_PATH | OFlag::O_NOFOLLOW)?)?;
        readable(&found, Uid::effective())?;
        let file = open(reading | OFlag::O_NOFOLLOW)?;
        let opened = fstat(&file)?;
        if (opened.st_dev, opened.st_ino) != (found.st_dev, found.st_ino) {
            return Err(io::Error::other("it was replaced while it was opened"));
        }
        File::from(file)
    };
    // Whoever writes is waited for again from here on.
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(file)
}

/// Whether user `me` may read what is there.
fn readable(meta: &FileStat, me: Uid) -> io::Result<()> {
    let refused = |why: String| Err(io::Error::other(why));
    if is(meta, SFlag::S_IFIFO) && !trusted(meta.st_uid, me) {
        return refused(format!("it is a FIFO of user {}, who could keep helolint waiting", meta.st_uid));
    }
    if is(meta, SFlag::S_IFBLK) || is(meta, SFlag::S_IFCHR) && number(meta.st_rdev) != NULL {
        return refused("it is a device".to_owned());
    }
    if is(meta, SFlag::S_IFSOCK) {
        return refused("it is a socket".to_owned());
    }
    Ok(())
}

fn number(device: dev_t) -> (u64, u64) {
    (major(device), minor(device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::makedev;

    fn meta(kind: SFlag, owner: u32) -> FileStat {
        let mut meta = fstat(tempfile::tempfile().unwrap()).unwrap();
        (meta.st_mode, meta.st_uid) = (kind.bits() | 0o644, owner);
        meta
    }

    #[test]
    fn nobody_else_chooses_what_is_opened() {
        let said = |kind, owner, me| {
            readable(&meta(kind, owner), Uid::from_raw(me)).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(said(SFlag::S_IFREG, 1000, 0), "");
        assert_eq!(said(SFlag::S_IFIFO, 0, 0), "");
        assert_eq!(said(SFlag::S_IFIFO, 0, 1000), "");
        assert!(said(SFlag::S_IFIFO, 1000, 0).starts_with("it is a FIFO of user 1000"));
        assert_eq!(said(SFlag::S_IFBLK, 0, 0), "it is a device");
        assert_eq!(said(SFlag::S_IFCHR, 0, 0), "it is a device");
        assert_eq!(said(SFlag::S_IFSOCK, 0, 0), "it is a socket");
        let mut null = meta(SFlag::S_IFCHR, 0);
        null.st_rdev = makedev(1, 3);
        assert!(readable(&null, Uid::from_raw(0)).is_ok());
    }

    #[test]
    fn devices_are_not_opened_and_links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert_eq!(open(&link).unwrap_err().to_string(), "it is a device");
        let link = dir.path().join("other");
        std::os::unix::fs::symlink("target", &link).unwrap();
        assert_eq!(open(&link).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(dir.path().join("target"), "text").unwrap();
        assert_eq!(io::read_to_string(open(&link).unwrap()).unwrap(), "text");
    }
}
