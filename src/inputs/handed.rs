//! Files that are opened here and read elsewhere: their octets go through a pipe, one file after the other, and nothing here looks
//! at them. So few of them are open at once, however many there are.

use std::io::{self, BufReader, BufWriter, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::reports::{REPORT_LIMIT, ReportFile};

/// Octets that are handed over at once: what a pipe holds (pipe(7)).
const ROOM: usize = 64 << 10;
/// The next octets of the file.
const PART: u8 = 0;
/// The file has come to its end.
const END: u8 = 1;
/// The file cannot be read, or not to its end; in words.
const REFUSED: u8 = 2;

/// Writes what the files hold into `pipe`. It ends early where nobody reads there any more.
pub(crate) fn hand_over(files: &[ReportFile], pipe: PipeWriter) {
    let mut pipe = BufWriter::with_capacity(ROOM, pipe);
    let mut room = vec![0; ROOM];
    // Whoever reads sees by itself that nothing comes any more.
    let _ = files.iter().try_for_each(|file| {
        send(file.open().map(|open| open.take(REPORT_LIMIT + 1)), &mut room, &mut pipe)?;
        // The next one may keep this process waiting.
        pipe.flush()
    });
}

fn send(file: Result<impl Read, String>, room: &mut [u8], pipe: &mut impl Write) -> io::Result<()> {
    let mut file = match file {
        Ok(file) => file,
        Err(words) => return frame(pipe, REFUSED, words.as_bytes()),
    };
    loop {
        match file.read(room) {
            Ok(0) => return frame(pipe, END, b""),
            Ok(count) => frame(pipe, PART, room.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return frame(pipe, REFUSED, error.to_string().as_bytes()),
        }
    }
}

/// A kind, and octets behind their number.
fn frame(pipe: &mut impl Write, kind: u8, octets: &[u8]) -> io::Result<()> {
    pipe.write_all(&[kind])?;
    pipe.write_all(&(octets.len() as u64).to_be_bytes())?;
    pipe.write_all(octets)
}

/// What is handed over, until a time is up.
pub(crate) struct HandedFiles {
    pipe: BufReader<Until>,
}

impl HandedFiles {
    /// The files that come through `pipe` until `deadline`.
    pub(crate) fn new(pipe: PipeReader, deadline: Instant) -> HandedFiles {
        HandedFiles { pipe: BufReader::with_capacity(ROOM, Until { pipe, deadline }) }
    }

    /// What the next file holds, or why it cannot be read.
    ///
    /// # Errors
    /// Where the time is up, or nothing comes any more.
    pub(crate) fn next(&mut self) -> io::Result<Result<Vec<u8>, String>> {
        let mut octets = Vec::new();
        loop {
            let mut head = [0; 9];
            self.pipe.read_exact(&mut head)?;
            let [kind, length @ ..] = head;
            let length = u64::from_be_bytes(length);
            if kind == REFUSED {
                octets.clear();
            }
            if self.pipe.by_ref().take(length).read_to_end(&mut octets)? as u64 != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match kind {
                PART => {}
                REFUSED => return Ok(Err(String::from_utf8_lossy(&octets).into_owned())),
                _ if octets.len() as u64 > REPORT_LIMIT => {
                    return Ok(Err(format!("it has more than the {REPORT_LIMIT} bytes that are read of a report")));
                }
                _ => return Ok(Ok(octets)),
            }
        }
    }
}

/// A pipe that is waited for until a time is up.
struct Until {
    pipe: PipeReader,
    deadline: Instant,
}

impl Read for Until {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let time = self.deadline.saturating_duration_since(Instant::now());
        let mut wanted = [PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wanted, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX))? {
            _ if time.is_zero() => Err(io::ErrorKind::TimedOut.into()),
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => self.pipe.read(room),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::thread;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn files_come_one_after_the_other_with_what_is_wrong_with_them() {
        let dir = tempfile::tempdir().unwrap();
        let large: Vec<u8> = (0..3 * ROOM + 7).map(|at| (at % 251) as u8).collect();
        fs::write(dir.path().join("a.json"), b"").unwrap();
        fs::write(dir.path().join("b.json"), &large).unwrap();
        let mut files = ReportFile::named(dir.path());
        files.extend(ReportFile::named(&dir.path().join("none")));
        files.extend(ReportFile::named(&dir.path().join("a.json")));
        let (reader, writer) = io::pipe().unwrap();
        let feeder = thread::spawn(move || hand_over(&files, writer));
        let mut handed = HandedFiles::new(reader, soon());
        assert_eq!(handed.next().unwrap(), Ok(Vec::new()));
        assert_eq!(handed.next().unwrap(), Ok(large));
        assert!(handed.next().unwrap().unwrap_err().contains("No such file"));
        assert_eq!(handed.next().unwrap(), Ok(Vec::new()));
        assert_eq!(handed.next().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        feeder.join().unwrap();
    }

    #[test]
    fn too_large_a_file_is_refused_and_the_next_one_is_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::File::create(dir.path().join("a.json")).unwrap().set_len(REPORT_LIMIT + 5).unwrap();
        fs::write(dir.path().join("b.json"), "b").unwrap();
        let files = ReportFile::named(dir.path());
        let (reader, writer) = io::pipe().unwrap();
        let feeder = thread::spawn(move || hand_over(&files, writer));
        let mut handed = HandedFiles::new(reader, soon());
        assert!(handed.next().unwrap().unwrap_err().contains("more than the"));
        assert_eq!(handed.next().unwrap(), Ok(b"b".to_vec()));
        feeder.join().unwrap();
    }

    #[test]
    fn nobody_waits_longer_than_the_time_allows() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut handed = HandedFiles::new(reader, Instant::now() + Duration::from_millis(20));
        assert_eq!(handed.next().unwrap_err().kind(), io::ErrorKind::TimedOut, "nobody writes");
        frame(&mut writer, PART, b"part").unwrap();
        assert_eq!(handed.next().unwrap_err().kind(), io::ErrorKind::TimedOut, "what is there comes too late");
    }

    #[test]
    fn a_file_that_breaks_off_is_refused_whole() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 > 1 { Err(io::Error::other("the disk is broken")) } else { (&b"begin"[..]).read(room) }
            }
        }
        let (reader, mut writer) = io::pipe().unwrap();
        send(Ok(Broken(0)), &mut [0; 16], &mut writer).unwrap();
        let told = HandedFiles::new(reader, soon()).next().unwrap();
        assert_eq!(told, Err("the disk is broken".to_owned()));
    }
}
