//! The export format of systemd's journal (`journalctl -o export`): fields as `NAME=VALUE` lines, or as `NAME`, eight octets of length and
//! the value where it is not one plain line; an empty line ends an entry.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Instant;

use super::lines::{End, Extent, LINE_LIMIT};

/// What the first entry of an export begins with.
pub(super) const BEGIN: &[u8] = b"__CURSOR=";
/// Octets that are read at a time.
const PIECE: usize = 64 << 10;
/// Entries between two looks at the clock.
const ENTRIES: u64 = 1024;

/// What is read of an entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it came in, seconds since 1970.
    pub at: Option<i64>,
    /// Who wrote it: `SYSLOG_IDENTIFIER`.
    pub identifier: Vec<u8>,
    /// `_HOSTNAME`.
    pub host: Vec<u8>,
    /// The process: `_PID`.
    pub process: Vec<u8>,
    /// `MESSAGE`, up to [`LINE_LIMIT`].
    pub message: Vec<u8>,
}

impl Entry {
    fn clear(&mut self) {
        self.at = None;
        for field in [&mut self.identifier, &mut self.host, &mut self.process, &mut self.message] {
            field.clear();
        }
    }

    fn set(&mut self, name: &[u8], value: &[u8]) {
        let field = match name {
            b"__REALTIME_TIMESTAMP" => {
                let micros = std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
                self.at = micros.map(|micros| micros.div_euclid(1_000_000));
                return;
            }
            b"SYSLOG_IDENTIFIER" => &mut self.identifier,
            b"_HOSTNAME" => &mut self.host,
            b"_PID" => &mut self.process,
            b"MESSAGE" => &mut self.message,
            _ => return,
        };
        field.clear();
        field.extend_from_slice(value);
    }

    fn is_empty(&self) -> bool {
        *self == Entry::default()
    }
}

/// Hands `each` every entry.
pub(super) fn read(from: &mut dyn Read, deadline: Instant, mut each: impl FnMut(&Entry)) -> Extent {
    let mut from = BufReader::with_capacity(PIECE, from);
    let mut extent = Extent { lines: 0, octets: 0, end: End::Whole };
    let (mut entry, mut line) = (Entry::default(), Vec::new());
    loop {
        if extent.lines.is_multiple_of(ENTRIES) && Instant::now() >= deadline {
            extent.end = End::Late;
            break;
        }
        match next(&mut from, &mut entry, &mut line, &mut extent.octets) {
            Ok(true) => {
                extent.lines += 1;
                each(&entry);
                entry.clear();
            }
            Ok(false) => break,
            Err(error) => {
                let late = error.kind() == io::ErrorKind::TimedOut;
                extent.end = if late { End::Late } else { End::Failed(error) };
                break;
            }
        }
    }
    extent
}

/// Reads one entry; `false` where there is none any more.
fn next(from: &mut impl BufRead, entry: &mut Entry, line: &mut Vec<u8>, octets: &mut u64) -> io::Result<bool> {
    loop {
        if !bounded_line(from, line, octets)? {
            return Ok(!entry.is_empty());
        }
        if line.is_empty() {
            if !entry.is_empty() {
                return Ok(true);
            }
        } else if let Some(at) = memchr::memchr(b'=', line) {
            let (name, value) = line.split_at_checked(at).unwrap_or_default();
            entry.set(name, value.get(1..).unwrap_or_default());
        } else {
            let mut length = [0; 8];
            from.read_exact(&mut length)?;
            let length = u64::from_le_bytes(length);
            let mut value = Vec::new();
            from.by_ref().take(length.min(LINE_LIMIT as u64)).read_to_end(&mut value)?;
            let rest = length.saturating_sub(value.len() as u64);
            let skipped = io::copy(&mut from.by_ref().take(rest), &mut io::sink())?;
            if skipped < rest {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *octets = octets.saturating_add(length).saturating_add(9);
            entry.set(line, &value);
            // The line end behind the value.
            let mut end = [0; 1];
            from.read_exact(&mut end)?;
        }
    }
}

/// Reads a line, of which as much is kept as is looked at; `false` at the end.
fn bounded_line(from: &mut impl BufRead, line: &mut Vec<u8>, octets: &mut u64) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let room = from.fill_buf()?;
        if room.is_empty() {
            return Ok(any);
        }
        any = true;
        let (count, ended) = match memchr::memchr(b'\n', room) {
            Some(at) => (at + 1, true),
            None => (room.len(), false),
        };
        let text = room.get(..if ended { count - 1 } else { count }).unwrap_or_default();
        line.extend_from_slice(text.get(..text.len().min(LINE_LIMIT.saturating_sub(line.len()))).unwrap_or_default());
        from.consume(count);
        *octets += count as u64;
        if ended {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn entries(text: &[u8]) -> (Vec<(Option<i64>, String, String)>, Extent) {
        let mut found = Vec::new();
        let soon = Instant::now() + Duration::from_secs(600);
        let extent = read(&mut { text }, soon, |entry| {
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            found.push((entry.at, text(&entry.identifier), text(&entry.message)));
        });
        (found, extent)
    }

    #[test]
    fn fields_in_lines_and_in_octets() {
        let mut text = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1793880000123456\n_HOSTNAME=mail\nSYSLOG_IDENTIFIER=postfix/smtp\n_PID=77\nMESSAGE=a=b\n\n\
                         __CURSOR=x\n__REALTIME_TIMESTAMP=1793880001000000\nMESSAGE\n"
            .to_vec();
        text.extend(8u64.to_le_bytes());
        text.extend(b"two\nmore\nSYSLOG_IDENTIFIER=exim\n\n__CURSOR=y\nMESSAGE=last\n");
        let (found, extent) = entries(&text);
        let expected = [
            (Some(1_793_880_000), "postfix/smtp", "a=b"),
            (Some(1_793_880_001), "exim", "two\nmore"),
            (None, "", "last"),
        ];
        assert_eq!(found, expected.map(|(at, who, what)| (at, who.to_owned(), what.to_owned())));
        assert!(
            matches!(extent.end, End::Whole) && extent.lines == 3 && extent.octets == text.len() as u64,
            "{extent:?}"
        );
    }

    #[test]
    fn what_is_cut_or_claims_too_much_ends_it() {
        for rest in [&b"\x05\0\0\0\0\0\0\0ab"[..], b"\xff\xff\xff\xff\xff\xff\xff\xffab", b"\x05"] {
            let text = [b"__CURSOR=x\nMESSAGE=one\n\n__CURSOR=y\nMESSAGE\n", rest].concat();
            let (found, extent) = entries(&text);
            assert!(found.len() == 1 && matches!(extent.end, End::Failed(_)), "{extent:?}");
        }
        let long = [b"MESSAGE=".to_vec(), vec![b'x'; 3 * LINE_LIMIT], b"\n\nMESSAGE=two\n".to_vec()].concat();
        let (found, _) = entries(&long);
        assert!(found[0].2.len() < LINE_LIMIT && found[1].2 == "two");
        let garbage: Vec<u8> = (0..50_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let _ = entries(&garbage);
    }
}
