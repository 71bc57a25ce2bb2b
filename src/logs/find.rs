//! Lines that matter: which they are, at a glance, and who reads them.

use std::ops::Range;

use memchr::memmem::{Finder, find};

use super::event::Event;
use super::stamps::{self, Stamp};
use super::{exim, postfix};

/// What one of the lines that matter contains: no other line is looked at.
const NEEDLES: [&str; 7] = [
    // Postfix: what a receiver said, whatever became of the delivery; a delivery that was taken; an address that is bound to.
    "] said: ",
    "] refused to talk to me: ",
    "status=sent (",
    "smtp_connect_addr: bind ",
    // Exim: what a receiver said, a delivery that was taken, the local address of one.
    "SMTP error from remote mail",
    " => ",
    " I=[",
];

/// Finds the lines that matter.
pub(super) struct Needles(Vec<Finder<'static>>);

impl Needles {
    pub(super) fn new() -> Needles {
        Needles(NEEDLES.iter().map(|needle| Finder::new(*needle)).collect())
    }

    /// The lines of a piece that matter, in their order, without their ends; `found` holds nothing but these afterwards.
    pub(super) fn lines(&self, piece: &[u8], found: &mut Vec<Range<usize>>) {
        found.clear();
        for finder in &self.0 {
            let mut from = 0;
            while let Some(at) = piece.get(from..).and_then(|rest| finder.find(rest)) {
                let at = from + at;
                let start = piece.get(..at).and_then(|before| memchr::memrchr(b'\n', before)).map_or(0, |end| end + 1);
                let end =
                    piece.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)).map_or(piece.len(), |end| at + end);
                found.push(start..end);
                from = end;
            }
        }
        found.sort_unstable_by_key(|line| line.start);
        found.dedup();
    }

    /// Whether a text may matter.
    pub(super) fn may_matter(&self, text: &[u8]) -> bool {
        self.0.iter().any(|finder| finder.find(text).is_some())
    }
}

/// The stamp of a line of a log and what it says, where it matters.
pub(super) fn event(line: &[u8]) -> Option<(Stamp, Event<'_>)> {
    let line = without_priority(line);
    if line.get(10) == Some(&b' ') && line.first().is_some_and(u8::is_ascii_digit) {
        // Exim's own log.
        let (stamp, rest) = stamps::dated(line)?;
        return Some((stamp, exim::event(rest)?));
    }
    let (stamp, rest) = stamps::stamp(line)?;
    // The host, then `tag[pid]: ` or `tag: `.
    let at = memchr::memchr(b' ', rest)?;
    let rest = rest.get(at + 1..)?;
    let end = find(rest, b": ")?;
    let (tag, words) = (rest.get(..end)?, rest.get(end + 2..)?);
    let tag = tag.get(..memchr::memchr(b'[', tag).unwrap_or(tag.len()))?;
    // One word: what stands behind a blank another program was told to write.
    if tag.contains(&b' ') {
        return None;
    }
    Some((stamp, tagged(tag, words)?))
}

/// What the program `tag` says, by syslog or a journal.
pub(super) fn tagged<'l>(tag: &'l [u8], words: &'l [u8]) -> Option<Event<'l>> {
    if tag.starts_with(b"exim") {
        // With syslog_timestamp the line has Exim's own stamp too.
        let rest = stamps::dated(words).map_or(words, |(_, rest)| rest);
        return exim::event(rest);
    }
    postfix::event(tag, words)
}

/// Without the `<22>` that syslog's protocol puts before a line.
pub(super) fn without_priority(line: &[u8]) -> &[u8] {
    match line {
        [b'<', rest @ ..] => match memchr::memchr(b'>', rest) {
            Some(at) if at <= 3 => rest.get(at + 1..).unwrap_or_default(),
            _ => line,
        },
        _ => line,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::logs::event::{Then, What};

    /// What a line says, in one line.
    pub(crate) fn told(line: &str) -> String {
        let Some((_, Event { mta, service, what })) = event(line.as_bytes()) else { return "nothing".to_owned() };
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let mta = mta.to_string().to_lowercase();
        let some = |address: Option<IpAddr>| address.map_or("-".to_owned(), |address| address.to_string());
        match what {
            What::Refused { host, address, local, reply, then, .. } => format!(
                "{mta} {} refused by {} {} from {}: {}{}",
                text(service),
                text(host),
                some(address),
                some(local),
                text(reply),
                match then {
                    Then::GivenUp => "",
                    Then::Waits => " (waits)",
                    Then::NextHost => " (next host)",
                }
            ),
            What::Taken { host, address, local } => {
                format!("{mta} {} taken by {} {} from {}", text(service), text(host), some(address), some(local))
            }
            What::Left(address, kind) => format!("{mta} {} {kind:?} {address}", text(service)),
        }
    }

    #[test]
    fn lines_that_matter_are_found_once_each() {
        let needles = Needles::new();
        let text = b"a => b => c I=[\nnothing here\nx] said: y] said: \n => \nlast status=sent (";
        let mut found = Vec::from([0..1, 0..1]);
        needles.lines(text, &mut found);
        let lines: Vec<&[u8]> = found.iter().map(|line| &text[line.clone()]).collect();
        let expected: [&[u8]; 4] = [b"a => b => c I=[", b"x] said: y] said: ", b" => ", b"last status=sent ("];
        assert_eq!(lines, expected);
        needles.lines(b"", &mut found);
        assert!(found.is_empty());
    }

    #[test]
    fn whatever_syslog_daemon_wrote_it() {
        let words = "postfix/smtp[77]: 4AB: to=<a@b.example>, relay=mx.b.example[198.51.100.25]:25, delay=1, delays=0/0/1/0, dsn=5.7.25, \
                     status=bounced (host mx.b.example[198.51.100.25] said: 550 no (in reply to RCPT TO command))";
        let expected = "postfix postfix/smtp refused by mx.b.example 198.51.100.25 from -: 550 no";
        for before in [
            "Nov 28 10:00:00 mail ",
            "Nov  8 10:00:00 mail.example.com ",
            "2026-11-28T10:00:00.123456+01:00 mail ",
            "<22>Nov 28 10:00:00 mail ",
        ] {
            assert_eq!(told(&format!("{before}{words}")), expected, "{before}");
        }
        assert_eq!(told(&format!("Nov 28 10:00:00 mail {}", words.replace("[77]", ""))), expected);
        assert_eq!(told(words), "nothing");
        assert_eq!(told(&format!("Nov 28 10:00:00 mail tool said {words}")), "nothing");
    }
}
