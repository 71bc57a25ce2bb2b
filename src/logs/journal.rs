//! The export format of systemd's journal (`journalctl -o export`): fields as `NAME=VALUE` lines, or as `NAME`, eight octets of length and
//! the value where it is not one plain line; an empty line ends an entry.

use std::io::{self, BufRead, BufReader, Read};

use super::lines::{End, Extent, LINE_LIMIT};

/// What the first entry of an export begins with.
pub(super) const BEGIN: &[u8] = b"__CURSOR=";
/// Octets that are read at a time.
const PIECE: usize = 64 << 10;
/// Folders into which root alone puts programs.
const PROGRAMS: [&[u8]; 4] = [b"/usr/", b"/opt/", b"/nix/store/", b"/gnu/store/"];
/// Programs that write what they are told.
const SPOKESMEN: [&[u8]; 2] = [b"logger", b"systemd-cat"];
/// The least number of a user who is a person (login.defs(5), UID_MIN).
const PEOPLE: u64 = 1000;

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
    /// Its user: `_UID`.
    pub user: Vec<u8>,
    /// Its name: `_COMM`.
    pub command: Vec<u8>,
    /// Its program: `_EXE`.
    pub program: Vec<u8>,
    /// `MESSAGE`, up to [`LINE_LIMIT`].
    pub message: Vec<u8>,
}

impl Entry {
    fn clear(&mut self) {
        self.at = None;
        let Entry { at: _, identifier, host, process, user, command, program, message } = self;
        for field in [identifier, host, process, user, command, program, message] {
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
            b"_UID" => &mut self.user,
            b"_COMM" => &mut self.command,
            b"_EXE" => &mut self.program,
            b"MESSAGE" => &mut self.message,
            _ => return,
        };
        field.clear();
        field.extend_from_slice(value);
    }

    /// Whether a mail server may have written it. Anybody may write under any name, but not as another user or program: these journald sets
    /// itself (systemd.journal-fields(7), "Trusted Journal Fields"), as far as it still finds the process.
    pub(super) fn may_be_a_mail_servers(&self) -> bool {
        if SPOKESMEN.contains(&self.command.as_slice()) {
            return false;
        }
        // An update leaves the old program running.
        let program = self.program.strip_suffix(b" (deleted)").unwrap_or(&self.program);
        if program.is_empty() {
            let user = std::str::from_utf8(&self.user).ok().and_then(|user| user.parse::<u64>().ok());
            return user.is_none_or(|user| user < PEOPLE);
        }
        let name = last_part(program);
        let is_named = if self.identifier.starts_with(b"exim") {
            name.starts_with(b"exim")
        } else {
            name == last_part(&self.identifier)
        };
        is_named && PROGRAMS.iter().any(|folder| program.starts_with(folder))
    }

    fn is_empty(&self) -> bool {
        *self == Entry::default()
    }
}

/// Behind the last slash.
fn last_part(path: &[u8]) -> &[u8] {
    path.get(memchr::memrchr(b'/', path).map_or(0, |at| at + 1)..).unwrap_or_default()
}

/// Hands `each` every entry. When that ends, `from` decides.
pub(super) fn read(from: &mut dyn Read, mut each: impl FnMut(&Entry)) -> Extent {
    let mut from = BufReader::with_capacity(PIECE, from);
    let mut extent = Extent { lines: 0, octets: 0, end: End::Whole };
    let (mut entry, mut line) = (Entry::default(), Vec::new());
    loop {
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

    fn entries(text: &[u8]) -> (Vec<(Option<i64>, String, String)>, Extent) {
        let mut found = Vec::new();
        let extent = read(&mut { text }, |entry| {
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
    fn who_may_be_a_mail_server() {
        let may = |fields: &str| {
            let mut found = Vec::new();
            read(&mut fields.as_bytes(), |entry| found.push(entry.may_be_a_mail_servers()));
            found
        };
        for (expected, fields) in [
            (true, "SYSLOG_IDENTIFIER=postfix/smtp"),
            (true, "SYSLOG_IDENTIFIER=postfix/smtp\n_UID=101\n_COMM=smtp\n_EXE=/usr/lib/postfix/sbin/smtp"),
            (true, "SYSLOG_IDENTIFIER=postfix/relay/smtp\n_UID=1001\n_EXE=/usr/libexec/postfix/smtp (deleted)"),
            (true, "SYSLOG_IDENTIFIER=exim\n_UID=0\n_COMM=sendmail\n_EXE=/usr/sbin/exim4"),
            (true, "SYSLOG_IDENTIFIER=exim\n_UID=93"),
            (false, "SYSLOG_IDENTIFIER=postfix/smtp\n_UID=1000\n_COMM=logger\n_EXE=/usr/bin/logger"),
            (false, "SYSLOG_IDENTIFIER=postfix/smtp\n_COMM=systemd-cat"),
            (false, "SYSLOG_IDENTIFIER=postfix/smtp\n_UID=0\n_COMM=logger"),
            (false, "SYSLOG_IDENTIFIER=postfix/smtp\n_UID=1000"),
            (false, "SYSLOG_IDENTIFIER=exim\n_UID=33\n_COMM=php-fpm8.2\n_EXE=/usr/sbin/php-fpm8.2"),
            (false, "SYSLOG_IDENTIFIER=postfix/smtp\n_UID=33\n_COMM=smtp\n_EXE=/var/www/smtp"),
            (false, "SYSLOG_IDENTIFIER=postfix/smtp\n_UID=0\n_EXE=/usr/sbin/exim4"),
        ] {
            assert_eq!(may(fields), [expected], "{fields}");
        }
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
