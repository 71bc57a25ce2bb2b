//! When a line was written: every form of stamp that syslog daemons and Exim put before it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far a line may be newer than the file's own time, in seconds: clocks and zones differ, and the time was asked for before the line was
/// read.
const AHEAD: i64 = 2 * 86_400;
/// Years that a stamp without one may lie back: a 29th of February is eight years from the next at the most.
const YEARS_BACK: i16 = 8;

/// A stamp as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// A moment, seconds since 1970.
    At(i64),
    /// The host's own time.
    Local(DateTime),
    /// The same without a year; that of the value says nothing.
    Yearless(DateTime),
}

/// A line without what stands before its words.
pub(super) type Rest<'l> = &'l [u8];

/// The stamp that a line begins with, whoever wrote it.
pub(super) fn stamp(line: &[u8]) -> Option<(Stamp, Rest<'_>)> {
    match line.first()? {
        b'0'..=b'9' => dated(line),
        _ => yearless(line),
    }
}

/// `2026-06-20T10:00:00.123456+02:00` (RFC 3339), and Exim's `2026-06-20 10:00:00`, `... 10:00:00.123`, each with or without ` +0200`.
pub(super) fn dated(line: &[u8]) -> Option<(Stamp, Rest<'_>)> {
    let (date, rest) = line.split_at_checked(11)?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, between @ (b'T' | b't' | b' ')] = date else { return None };
    let year = i16::from(two(*y0, *y1)?) * 100 + i16::from(two(*y2, *y3)?);
    let (time, rest) = clock(rest)?;
    let at = datetime(year, two(*m0, *m1)?, two(*d0, *d1)?, time)?;
    let (offset, rest) = match (rest, *between) {
        ([b'Z' | b'z', rest @ ..], b'T' | b't') => (Some(0), rest),
        (rest, b'T' | b't') => offset(rest)?,
        ([b' ', zone @ ..], _) => match offset(zone) {
            Some((Some(offset), [b' ', rest @ ..])) => (Some(offset), rest),
            _ => (None, zone),
        },
        _ => return None,
    };
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let stamp = match offset {
        Some(offset) => {
            let utc = at.checked_sub(SignedDuration::from_secs(offset)).ok()?;
            Stamp::At(utc.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
        }
        None => Stamp::Local(at),
    };
    Some((stamp, rest))
}

/// `Jun 20 10:00:00`, `Jun  8 10:00:00`, with a fraction or without.
fn yearless(line: &[u8]) -> Option<(Stamp, Rest<'_>)> {
    let (date, rest) = line.split_at_checked(7)?;
    let [a, b, c, b' ', d0, d1, b' '] = date else { return None };
    let month = match [*a, *b, *c].map(|letter| letter.to_ascii_lowercase()).as_slice() {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    };
    let day = two(if *d0 == b' ' { b'0' } else { *d0 }, *d1)?;
    let (time, rest) = clock(rest)?;
    // A leap year, so that each day is one.
    let at = datetime(2000, month, day, time)?;
    Some((Stamp::Yearless(at), rest.strip_prefix(b" ")?))
}

/// Hour, minute, second.
type Clock = (u8, u8, u8);

/// `10:00:00` with a fraction or without; a leap second is the one before it.
fn clock(text: &[u8]) -> Option<(Clock, Rest<'_>)> {
    let (time, rest) = text.split_at_checked(8)?;
    let [h0, h1, b':', m0, m1, b':', s0, s1] = time else { return None };
    let rest = match rest {
        [b'.' | b',', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            fraction.get(digits..)?
        }
        _ => rest,
    };
    Some(((two(*h0, *h1)?, two(*m0, *m1)?, two(*s0, *s1)?.min(59)), rest))
}

/// `+0200`, `+02:00`, in seconds; `None` in it where there is none.
fn offset(text: &[u8]) -> Option<(Option<i64>, Rest<'_>)> {
    let (sign, rest) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Some((None, text)),
    };
    let (hours, rest) = rest.split_at_checked(2)?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let (minutes, rest) = rest.split_at_checked(2)?;
    let number = |digits: &[u8]| match digits {
        [a, b] => two(*a, *b).map(i64::from),
        _ => None,
    };
    Some((Some(sign * (number(hours)? * 3600 + number(minutes)? * 60)), rest))
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte - b'0');
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn datetime(year: i16, month: u8, day: u8, (hour, minute, second): Clock) -> Option<DateTime> {
    let small = |number: u8| i8::try_from(number).ok();
    DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()
}

/// What stamps need to become moments.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    /// The host's zone.
    pub zone: TimeZone,
    /// When the log was last written to: where a stamp has no year, it is the last such time before that.
    pub end: i64,
}

impl Calendar {
    /// The moment, in seconds since 1970; `None` where there is none.
    pub(super) fn moment(&self, stamp: Stamp) -> Option<i64> {
        match stamp {
            Stamp::At(at) => Some(at),
            Stamp::Local(at) => self.local(at),
            Stamp::Yearless(at) => {
                let end = self.end.saturating_add(AHEAD);
                let newest = Timestamp::from_second(end).ok()?.to_zoned(self.zone.clone()).year();
                (0..=YEARS_BACK).find_map(|back| {
                    let date = DateTime::new(
                        newest.checked_sub(back)?,
                        at.month(),
                        at.day(),
                        at.hour(),
                        at.minute(),
                        at.second(),
                        0,
                    );
                    self.local(date.ok()?).filter(|moment| *moment <= end)
                })
            }
        }
    }

    fn local(&self, at: DateTime) -> Option<i64> {
        self.zone.to_timestamp(at).ok().map(|moment| moment.as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since 1970 of an RFC 3339 text.
    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn moment(line: &str, end: &str, zone: &TimeZone) -> Option<(i64, String)> {
        let (stamp, rest) = stamp(line.as_bytes())?;
        let calendar = Calendar { zone: zone.clone(), end: at(end) };
        Some((calendar.moment(stamp)?, String::from_utf8_lossy(rest).into_owned()))
    }

    #[test]
    fn every_form_has_its_moment() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let end = "2026-11-28T12:00:00Z";
        for (line, expected, rest) in [
            ("Nov 28 10:00:00 mail x", "2026-11-28T09:00:00Z", "mail x"),
            ("Nov  8 10:00:00 mail x", "2026-11-08T09:00:00Z", "mail x"),
            ("Nov 08 10:00:00.123456 mail x", "2026-11-08T09:00:00Z", "mail x"),
            // Summer time then, and the year before.
            ("Jun 20 10:00:00 mail x", "2026-06-20T08:00:00Z", "mail x"),
            ("Dec 31 23:59:59 mail x", "2025-12-31T22:59:59Z", "mail x"),
            // A clock that is ahead of the file's time by minutes is not a year behind.
            ("Nov 28 13:30:00 mail x", "2026-11-28T12:30:00Z", "mail x"),
            ("2026-11-28T10:00:00+01:00 mail x", "2026-11-28T09:00:00Z", "mail x"),
            ("2026-11-28T10:00:00.123456-05:30 mail x", "2026-11-28T15:30:00Z", "mail x"),
            ("2026-11-28T10:00:00Z mail x", "2026-11-28T10:00:00Z", "mail x"),
            ("2026-11-28T10:00:00 mail x", "2026-11-28T09:00:00Z", "mail x"),
            ("2026-11-28 10:00:00 1sK x", "2026-11-28T09:00:00Z", "1sK x"),
            ("2026-11-28 10:00:00.123 1sK x", "2026-11-28T09:00:00Z", "1sK x"),
            ("2026-11-28 10:00:00 +0300 1sK x", "2026-11-28T07:00:00Z", "1sK x"),
            ("2026-11-28 10:00:00.123 -0800 [77] 1sK x", "2026-11-28T18:00:00Z", "[77] 1sK x"),
            ("2026-11-28 10:00:60 1sK x", "2026-11-28T09:00:59Z", "1sK x"),
        ] {
            assert_eq!(moment(line, end, &berlin), Some((at(expected), rest.to_owned())), "{line}");
        }
    }

    #[test]
    fn the_turn_of_the_year_and_leap_days() {
        let utc = TimeZone::UTC;
        for (line, end, expected) in [
            ("Dec 31 23:59:59 m x", "2027-01-01T00:10:00Z", "2026-12-31T23:59:59Z"),
            ("Jan  1 00:00:01 m x", "2027-01-01T00:10:00Z", "2027-01-01T00:00:01Z"),
            ("Jan  1 00:00:01 m x", "2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z"),
            ("Jan  4 00:00:01 m x", "2026-12-31T23:59:59Z", "2026-01-04T00:00:01Z"),
            ("Feb 29 12:00:00 m x", "2026-11-28T00:00:00Z", "2024-02-29T12:00:00Z"),
        ] {
            assert_eq!(moment(line, end, &utc).map(|found| found.0), Some(at(expected)), "{line} {end}");
        }
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        for line in [
            "",
            "Nov",
            "Nov 31 10:00:00 m x",
            "Xyz 10 10:00:00 m x",
            "Nov 28 25:00:00 m x",
            "Nov 28 10:00",
            "2026-13-01 10:00:00 x",
            "2026-11-28 10:00:0",
            "2026-11-28X10:00:00 x",
            "0000-00-00 00:00:00 x",
            "9999-99-99T99:99:99+99:99 x",
            "\u{0}\u{1}",
            "2026-11-28T10:00:00+1 x",
        ] {
            assert_eq!(moment(line, "2026-11-28T12:00:00Z", &TimeZone::UTC), None, "{line:?}");
        }
    }
}
