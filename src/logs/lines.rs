//! Reads a log in pieces of whole lines, whatever its size: what it takes is bounded, and so is the time.

use std::io::{self, Read};
use std::time::Instant;

/// Octets that are read at a time: what the processor keeps close.
const PIECE: usize = 256 << 10;
/// Octets of a line that are looked at; a mail server's are a hundredth of it (Postfix cuts its own at 2,000, Exim at 8,192).
pub(super) const LINE_LIMIT: usize = 64 << 10;

/// How reading ended.
#[derive(Debug)]
pub(super) enum End {
    /// All of it was read.
    Whole,
    /// The time was up.
    Late,
    /// It could not be read on, or unpacked.
    Failed(io::Error),
}

/// How much was read, and how that ended.
#[derive(Debug)]
pub(super) struct Extent {
    /// Lines.
    pub lines: u64,
    /// Octets.
    pub octets: u64,
    /// How reading ended.
    pub end: End,
}

/// Hands `each` pieces of whole lines, of which the last may lack its end: a line that is longer than [`LINE_LIMIT`] may be cut there, and its
/// rest is left out.
pub(super) fn read(from: &mut dyn Read, deadline: Instant, mut each: impl FnMut(&[u8])) -> Extent {
    let mut room = vec![0; PIECE];
    let mut extent = Extent { lines: 0, octets: 0, end: End::Whole };
    // Octets at the beginning of the room that are the beginning of a line; whether the rest of a cut line is to come.
    let (mut kept, mut skipping) = (0, false);
    loop {
        if Instant::now() >= deadline {
            extent.end = End::Late;
            break;
        }
        let Some(free) = room.get_mut(kept..) else { break };
        let count = match from.read(free) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                extent.end = End::Late;
                break;
            }
            Err(error) => {
                extent.end = End::Failed(error);
                break;
            }
        };
        let filled = kept + count;
        let Some(new) = room.get(kept..filled) else { break };
        extent.octets += count as u64;
        extent.lines += memchr::memchr_iter(b'\n', new).count() as u64;
        let mut begin = 0;
        if skipping {
            match memchr::memchr(b'\n', new) {
                Some(at) => (begin, skipping) = (at + 1, false),
                None => begin = filled,
            }
        }
        let last = memchr::memrchr(b'\n', new).map(|at| kept + at + 1).unwrap_or(begin).max(begin);
        if last > begin {
            each(room.get(begin..last).unwrap_or_default());
            begin = last;
        }
        if filled - begin > LINE_LIMIT {
            each(room.get(begin..begin + LINE_LIMIT).unwrap_or_default());
            (begin, skipping) = (filled, true);
        }
        room.copy_within(begin..filled, 0);
        kept = filled - begin;
    }
    // What a writer had not ended by then.
    if kept > 0 {
        extent.lines += 1;
        each(room.get(..kept).unwrap_or_default());
    }
    extent
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Gives so many octets at a time.
    struct Drip<'t>(&'t [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(room.len()).min(self.0.len());
            room[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    fn lines(text: &[u8], step: usize) -> (Vec<Vec<u8>>, u64) {
        let mut found = Vec::new();
        let extent = read(&mut Drip(text, step), soon(), |piece| {
            let ended = piece.strip_suffix(b"\n").unwrap_or(piece);
            found.extend(ended.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        });
        assert!(matches!(extent.end, End::Whole));
        assert_eq!(extent.octets, text.len() as u64);
        (found, extent.lines)
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        for text in ["one\ntwo\n\nthree\n", "one\ntwo\n\nthree", "x", "\n"] {
            let expected: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
            for step in [1, 2, 3, 5, 100] {
                assert_eq!(lines(text.as_bytes(), step), (expected.clone(), expected.len() as u64), "{text:?} {step}");
            }
        }
        assert_eq!(lines(b"", 1), (vec![], 0));
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let long = [vec![b'x'; 3 * PIECE + 17], b"\nafter\n".to_vec()].concat();
        for step in [1000, PIECE] {
            let (found, count) = lines(&long, step);
            assert_eq!((found.len(), count), (2, 2), "{step}");
            assert!(found[0].len() >= LINE_LIMIT && found[0].len() <= PIECE && found[1] == b"after", "{step}");
        }
        let endless = vec![0; 2 * PIECE];
        assert_eq!(lines(&endless, 4096).1, 0, "its end was never seen");
    }

    #[test]
    fn time_and_faults_end_it() {
        let mut seen = 0;
        let late = read(&mut Drip(b"one\n", 9), Instant::now(), |_| seen += 1);
        assert!(matches!(late.end, End::Late) && seen == 0);
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let failed = read(&mut Drip(b"one\ntw", 9).chain(Fails), soon(), |_| seen += 1);
        assert!(matches!(failed.end, End::Failed(_)) && seen == 2 && failed.lines == 2);
    }
}
