//! Logs: opened here and read elsewhere, however large they are.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Instant;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{FileStatus, ReadError, Root, door, io_error, kind, refusal};

/// Octets of a zone file (tzfile(5)) that are read; those of the longest have 4,000.
const ZONE_LIMIT: usize = 64 << 10;

/// An open log.
#[derive(Debug)]
pub(crate) struct OpenLog {
    file: File,
    /// Octets that it had when it was opened, as far as they are not read yet; `None`: a pipe.
    left: Option<u64>,
    /// What was read of a pipe to see whether anybody writes to it.
    begin: Option<u8>,
    /// When it was last written to, seconds since 1970; `None`: a pipe.
    pub modified: Option<i64>,
    /// Device and number: the same file by whatever name.
    pub id: (u64, u64),
}

impl OpenLog {
    /// An open file or pipe.
    ///
    /// # Errors
    /// Where it is a folder, a device or a terminal.
    pub(crate) fn new(file: File) -> io::Result<OpenLog> {
        use std::os::unix::fs::FileTypeExt;
        let meta = file.metadata()?;
        let is_pipe = meta.file_type().is_fifo() || meta.file_type().is_socket();
        if !meta.is_file() && !is_pipe {
            return Err(io::Error::other(format!("it is {}, and neither a file nor a pipe", kind(&meta))));
        }
        let regular = meta.is_file();
        let (mut left, mut begin) = (regular.then_some(meta.len()), None);
        if meta.file_type().is_fifo() {
            match first_octet(&file)? {
                First::Octet(octet) => begin = Some(octet),
                First::NobodyWrites => left = Some(0),
                First::NotYet => {}
            }
        }
        let id = (meta.dev(), meta.ino());
        Ok(OpenLog { file, left, begin, modified: regular.then_some(meta.mtime()), id })
    }

    /// What it holds, or what a pipe gives, until `deadline`: then reading fails with [`io::ErrorKind::TimedOut`]. Lines that are written later are not read: there would be no end.
    pub(crate) fn until(self, deadline: Instant) -> impl Read {
        Until { log: self, deadline }
    }
}

/// What a pipe has to be read.
enum First {
    Octet(u8),
    /// Nothing, and there is something to wait for.
    NotYet,
    NobodyWrites,
}

/// The first octet of a pipe. poll(2) does not tell that nobody has opened it to write.
fn first_octet(mut pipe: &File) -> io::Result<First> {
    let flags = OFlag::from_bits_retain(fcntl(pipe, FcntlArg::F_GETFL)?);
    fcntl(pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    let mut octet = [0];
    let read = pipe.read(&mut octet);
    fcntl(pipe, FcntlArg::F_SETFL(flags))?;
    match read {
        Ok(0) => Ok(First::NobodyWrites),
        Ok(_) => Ok(First::Octet(octet[0])),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(First::NotYet),
        Err(error) => Err(error),
    }
}

struct Until {
    log: OpenLog,
    deadline: Instant,
}

impl Read for Until {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if let Some(left) = &mut self.log.left {
            let count = (&self.log.file).take(*left).read(room)?;
            *left -= count as u64;
            return Ok(count);
        }
        if let (Some(octet), Some(place)) = (self.log.begin, room.first_mut()) {
            self.log.begin = None;
            *place = octet;
            return Ok(1);
        }
        let time = self.deadline.saturating_duration_since(Instant::now());
        let mut wanted = [PollFd::new(self.log.file.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wanted, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX))? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => (&self.log.file).read(room),
        }
    }
}

impl Root {
    /// The log at `path`, opened and not read.
    ///
    /// # Errors
    /// Where there is none, it is no regular file, no log whatever it is called, or the system refuses it.
    pub(crate) fn open_log(&self, path: &str) -> Result<OpenLog, ReadError> {
        let found = File::from(self.find(path).map_err(refusal)?);
        let meta = found.metadata().map_err(io_error)?;
        if !meta.is_file() {
            return Err(ReadError::NotRegular(kind(&meta)));
        }
        if self.is_never_configuration(path, &[]) {
            return Err(ReadError::Confidential);
        }
        OpenLog::new(door::reopen(&found).map_err(io_error)?).map_err(io_error)
    }

    /// The names in a folder as they are now, up to `limit` of them; and the file at a path as it is now.
    pub(crate) fn names_now(&self, folder: &str, limit: usize) -> Vec<String> {
        self.names_on_disk(folder, limit)
    }

    /// What stands at `path` now.
    pub(crate) fn status_now(&self, path: &str) -> Option<FileStatus> {
        self.status_on_disk(path)
    }

    /// The zone file (tzfile(5)) at `path`.
    pub(crate) fn zone_file(&self, path: &str) -> Option<Vec<u8>> {
        self.beginning(path, ZONE_LIMIT).ok().filter(|octets| octets.starts_with(b"TZif"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn what_is_no_log_is_not_opened_whatever_leads_there() {
        let dir = tempfile::tempdir().unwrap();
        let host = dir.path().join("host");
        fs::create_dir_all(host.join("var/log")).unwrap();
        fs::create_dir_all(host.join("etc")).unwrap();
        fs::write(dir.path().join("outside"), "x").unwrap();
        fs::write(host.join("etc/shadow"), "x").unwrap();
        fs::write(host.join("var/log/mail.log"), "one\n").unwrap();
        nix::unistd::mkfifo(&host.join("var/log/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        symlink("../../../outside", host.join("var/log/out")).unwrap();
        symlink("/etc/shadow", host.join("var/log/link")).unwrap();
        symlink("mail.log", host.join("var/log/current")).unwrap();
        let root = Root::open(Path::new(&host)).unwrap();
        let error = |path: &str| root.open_log(path).err();
        assert_eq!(error("/var/log/fifo"), Some(ReadError::NotRegular("a FIFO")));
        assert_eq!(error("/var/log/out"), Some(ReadError::NotFound));
        assert_eq!(error("/var/log/link"), Some(ReadError::Confidential));
        assert_eq!(error("/var/log"), Some(ReadError::NotRegular("a folder")));
        let log = root.open_log("/var/log/current").unwrap();
        assert_eq!(io::read_to_string(log.until(soon())).unwrap(), "one\n");
    }

    #[test]
    fn a_pipe_is_read_from_its_first_octet_and_without_writer_it_is_empty() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"one\ntwo\n").unwrap();
        let log = OpenLog::new(File::from(std::os::fd::OwnedFd::from(reader))).unwrap();
        drop(writer);
        assert_eq!(io::read_to_string(log.until(soon())).unwrap(), "one\ntwo\n");
        let (reader, writer) = io::pipe().unwrap();
        drop(writer);
        let log = OpenLog::new(File::from(std::os::fd::OwnedFd::from(reader))).unwrap();
        assert_eq!(io::read_to_string(log.until(soon())).unwrap(), "");
    }

    #[test]
    fn what_is_written_later_is_not_read_and_a_silent_pipe_ends() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\n").unwrap();
        let reader = file.try_clone().unwrap();
        let log = OpenLog::new(reader).unwrap();
        file.write_all(b"two\n").unwrap();
        io::Seek::rewind(&mut file).unwrap();
        assert_eq!(io::read_to_string(log.until(soon())).unwrap(), "one\n");
        let (reader, mut writer) = io::pipe().unwrap();
        let log = OpenLog::new(File::from(std::os::fd::OwnedFd::from(reader))).unwrap();
        assert_eq!((log.modified, log.left), (None, None));
        writer.write_all(b"one\n").unwrap();
        let mut reader = log.until(Instant::now() + Duration::from_millis(50));
        let mut room = [0; 9];
        assert_eq!(reader.read(&mut room).unwrap(), 4);
        assert_eq!(reader.read(&mut room).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(writer);
        let mut full = tempfile::tempfile().unwrap();
        full.write_all(b"one\n").unwrap();
        io::Seek::rewind(&mut full).unwrap();
        let error = OpenLog::new(full).unwrap().until(Instant::now()).read(&mut room).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(OpenLog::new(File::open("/dev/null").unwrap()).is_err());
    }
}
