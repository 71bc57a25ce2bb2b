//! Mail logs: what Postfix and Exim wrote of deliveries that receivers refused for this host's identity, and of the local addresses that mail
//! left from.
//!
//! What stands in a log was written by strangers in good part: it is read in the process without rights, from descriptors that root opened
//! (`collect::root`, `inputs`). Memory is bounded whatever is read, and so is time. Lines that do not matter cost a search for seven texts,
//! nothing else.

mod event;
mod exim;
mod find;
mod journal;
mod lines;
mod postfix;
mod stamps;
mod taken;
mod tally;
#[cfg(test)]
mod tests;
mod timely;
mod turns;
mod unpack;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::time::Instant;

use jiff::tz::TimeZone;

use crate::facts::{MailLog, Mta, ReadLog};
use event::{Event, What};
use find::Needles;
use lines::{End, Extent};
use stamps::{Calendar, Stamp};
use tally::{Messages, Tally};
use timely::Timely;
use turns::{Turn, Turns};

/// How far a line may be ahead of the clock, in seconds: one that is further is a clock's fault and counts nowhere.
const AHEAD: i64 = 2 * 86_400;
/// Lines at the beginning of a log among which its first stamp is looked for.
const STAMP_AMONG: usize = 100;
/// Events that are remembered where logs overlap; what copytruncate of logrotate(8) leaves twice is seconds of a log.
const REMEMBERED: usize = 200_000;
/// How much later than a file's own time a line in it may have been written, in seconds.
const SLACK: i64 = 60;

/// A log, opened.
#[derive(Debug)]
pub struct Source<R> {
    /// What it is called in reports.
    pub name: String,
    /// What it holds.
    pub reader: R,
    /// When it was last written to, seconds since 1970; `None`: that is not known, as of a pipe.
    pub modified: Option<i64>,
}

/// How logs are read.
#[derive(Debug, Clone)]
pub struct How {
    /// The time by the clock, seconds since 1970.
    pub now: i64,
    /// The end of the days that count; `None`: the newest line.
    pub until: Option<i64>,
    /// The host's time zone; `None`: it is not known, and its clock is read as if it went by UTC.
    pub zone: Option<TimeZone>,
    /// That of Exim's own log, where it is another.
    pub exim_zone: Option<TimeZone>,
    /// When reading ends, whatever is left.
    pub deadline: Instant,
}

/// What logs show of a host.
pub fn read<R: Read>(mut sources: Vec<Source<R>>, how: &How) -> MailLog {
    // The newest first: it says most, should time be up. What has no time is read as it comes.
    sources.sort_by_key(|source| std::cmp::Reverse(source.modified));
    let needles = Needles::new();
    let mut log = MailLog::default();
    let mut all = Tally::default();
    let mut overlap = Overlap::default();
    let mut clocks = Clocks::default();
    let times: Vec<Option<i64>> = sources.iter().map(|source| source.modified).collect();
    for (at, source) in sources.into_iter().enumerate() {
        // Events up to then may stand in a log that is read later, too.
        overlap.until = times
            .get(at + 1..)
            .unwrap_or_default()
            .iter()
            .map(|time| time.map_or(i64::MAX, |time| time.saturating_add(SLACK)))
            .max();
        let mut reading = Reading::new(how, &source, &needles, &mut overlap);
        match reading.read(source.reader) {
            Ok((packed, extent)) => {
                reading.end();
                let (first, last, strays) = (reading.first, reading.last(), reading.strays);
                clocks.add(reading.clocks);
                let (tally, name) = (reading.tally, source.name);
                all.merge(tally);
                log.unread.extend(shortened(&name, &extent));
                log.unread.extend(strayed(&name, strays));
                log.files.push(ReadLog { name, packed, lines: extent.lines, octets: extent.octets, first, last });
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                log.unread.push(format!("{} was not read: the time for logs was up", source.name));
            }
            Err(error) => log.unread.push(format!("{} was not read: {error}", source.name)),
        }
        overlap.next();
    }
    all.settle(&mut overlap.messages);
    log.files.reverse();
    let newest = log.files.iter().filter_map(|file| file.last).chain(all.newest()).max();
    log.until = how.until.or(newest).unwrap_or(how.now);
    log.since = tally::since(log.until);
    (log.refusals, log.departures) = (all.refusals(log.since), all.departures(log.since));
    log.own_time = how.zone.is_none() && clocks.host && !clocks.world;
    if how.zone.is_none() && clocks.host && clocks.world {
        log.unread
            .push("the host's time zone is not known: stamps without one of their own were read as UTC".to_owned());
    }
    if all.further > 0 {
        log.unread
            .push(format!("{} more events were of too many kinds to be told apart, and do not count", all.further));
    }
    if overlap.full {
        log.unread.push(format!("logs overlap in more than {REMEMBERED} events: some may count twice"));
    }
    if overlap.messages.full {
        log.unread.push("more messages were refused than are told apart: some may count twice".to_owned());
    }
    log
}

/// The oldest second that counts where `until` is the end.
pub fn since(until: i64) -> i64 {
    tally::since(until)
}

/// Why less of a log counts than there is; nothing where all of it does.
fn shortened(name: &str, extent: &Extent) -> Option<String> {
    let read = format!("{} lines", extent.lines);
    match &extent.end {
        End::Whole => None,
        End::Late => Some(format!("{name}: the time for logs was up after {read}, and the rest was not read")),
        End::Failed(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Some(format!("{name} ends in the middle of what is packed: {read} before that were read"))
        }
        End::Failed(error) => Some(format!("{name} was not read behind {read}: {error}")),
    }
}

/// That a clock was wrong for some lines.
fn strayed(name: &str, lines: u64) -> Option<String> {
    let dated = "dated more than half a year before those around";
    match lines {
        0 => None,
        1 => Some(format!("{name}: 1 line is {dated}, and does not count")),
        _ => Some(format!("{name}: {lines} lines are {dated}, and do not count")),
    }
}

/// Events that stand in several logs.
#[derive(Debug, Default)]
struct Overlap {
    /// Events up to then are remembered; `None`: none are.
    until: Option<i64>,
    /// Those of logs that were read.
    before: HashSet<u64>,
    /// Those of the log that is read.
    here: HashSet<u64>,
    /// Whether not all could be remembered.
    full: bool,
    /// Messages that count already.
    messages: Messages,
}

impl Overlap {
    /// Whether a log that was read before had the same line at the same time.
    fn is_known(&mut self, at: i64, line: &[&[u8]]) -> bool {
        let remembers = self.until.is_some_and(|until| at <= until);
        if !remembers && self.before.is_empty() {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        (at, line).hash(&mut hasher);
        let hash = hasher.finish();
        if self.before.contains(&hash) {
            return true;
        }
        if remembers && self.before.len() + self.here.len() < REMEMBERED {
            self.here.insert(hash);
        } else {
            self.full |= remembers;
        }
        false
    }

    /// Goes on to the next log.
    fn next(&mut self) {
        self.before.extend(self.here.drain());
    }
}

/// What stamps that count go by.
#[derive(Debug, Default, Clone, Copy)]
struct Clocks {
    /// Some by the host's clock.
    host: bool,
    /// Some by themselves: they name their zone.
    world: bool,
}

impl Clocks {
    fn see(&mut self, stamp: Stamp) {
        match stamp {
            Stamp::At(_) => self.world = true,
            Stamp::Local(_) | Stamp::Yearless(_) => self.host = true,
        }
    }

    fn add(&mut self, other: Clocks) {
        self.host |= other.host;
        self.world |= other.world;
    }
}

/// One log on its way.
struct Reading<'r> {
    host: Calendar,
    exim: Calendar,
    how: &'r How,
    needles: &'r Needles,
    overlap: &'r mut Overlap,
    tally: Tally,
    /// The oldest that counts, where the end is known.
    since: Option<i64>,
    first: Option<i64>,
    looked: usize,
    last: Option<Last>,
    /// Stamps without a year, of events and of the last line of each piece.
    turns: Turns,
    /// What was counted before stamps without a year went back, as long as it is not known why they did.
    aside: Option<Aside>,
    /// Events whose stamps were a clock's fault.
    strays: u64,
    clocks: Clocks,
}

/// What was counted before stamps without a year went back.
struct Aside {
    tally: Tally,
    first: Option<i64>,
    /// Events since.
    events: u64,
}

/// When the last line was written.
enum Last {
    Stamp(Stamp, Mta),
    At(i64),
}

impl<'r> Reading<'r> {
    fn new<R>(how: &'r How, source: &Source<R>, needles: &'r Needles, overlap: &'r mut Overlap) -> Reading<'r> {
        let end = source.modified.unwrap_or(how.now).min(how.now);
        let zone = how.zone.clone().unwrap_or(TimeZone::UTC);
        let exim = Calendar { zone: how.exim_zone.clone().unwrap_or_else(|| zone.clone()), end };
        let host = Calendar { zone, end };
        let since = how.until.map(tally::since);
        let tally = Tally::default();
        Reading {
            host,
            exim,
            how,
            needles,
            overlap,
            tally,
            since,
            first: None,
            looked: 0,
            last: None,
            turns: Turns::default(),
            aside: None,
            strays: 0,
            clocks: Clocks::default(),
        }
    }

    fn read<R: Read>(&mut self, from: R) -> io::Result<(Option<crate::facts::Packing>, Extent)> {
        let deadline = self.how.deadline;
        let (packed, unpacked) = unpack::unpacked(Timely::new(from, deadline))?;
        let (begin, mut whole) = unpack::peek(Timely::new(unpacked, deadline), journal::BEGIN.len())?;
        let extent = if begin == journal::BEGIN {
            journal::read(&mut whole, |entry| self.entry(entry))
        } else {
            let mut found = Vec::new();
            lines::read(&mut whole, deadline, |piece| self.piece(piece, &mut found))
        };
        Ok((packed, extent))
    }

    /// Lines of a log.
    fn piece(&mut self, piece: &[u8], found: &mut Vec<std::ops::Range<usize>>) {
        if self.first.is_none() && self.looked < STAMP_AMONG {
            for line in piece.split(|byte| *byte == b'\n').take(STAMP_AMONG - self.looked) {
                self.looked += 1;
                if let Some((stamp, mta)) = stamp_of(line) {
                    self.first = self.moment(stamp, mta);
                    self.clocks.see(stamp);
                    break;
                }
            }
        }
        // Where lines begin that were not looked at for a turn.
        let mut from = 0;
        self.needles.lines(piece, found);
        for range in found.iter() {
            let line = piece.get(range.clone()).unwrap_or_default();
            let line = line.get(..line.len().min(lines::LINE_LIMIT)).unwrap_or_default();
            let Some((stamp, event)) = find::event(line) else { continue };
            let Some(at) = self.moment(stamp, event.mta) else { continue };
            self.clocks.see(stamp);
            if matches!(stamp, Stamp::Yearless(_)) {
                self.turn(at, piece.get(from..range.start).unwrap_or_default());
                from = range.end;
                if let Some(aside) = &mut self.aside {
                    aside.events += 1;
                }
            }
            self.count(&event, at, &[line]);
        }
        let ended = piece.strip_suffix(b"\n").unwrap_or(piece);
        let start = memchr::memrchr(b'\n', ended).map_or(0, |at| at + 1);
        if let Some((stamp, mta)) = stamp_of(ended.get(start..).unwrap_or_default()) {
            self.last = Some(Last::Stamp(stamp, mta));
            if let (Stamp::Yearless(_), Some(at)) = (stamp, self.moment(stamp, mta)) {
                self.turn(at, piece.get(from..start).unwrap_or_default());
            }
        }
    }

    /// Goes on to a line that was written at `at`; `between` are those since the one before.
    fn turn(&mut self, at: i64, between: &[u8]) {
        let calendar = &self.host;
        let between = between.split(|byte| *byte == b'\n').filter_map(|line| match stamp_of(line)? {
            (stamp @ Stamp::Yearless(_), _) => calendar.moment(stamp),
            _ => None,
        });
        match self.turns.on(at, between) {
            Turn::None => {}
            Turn::Back => {
                let (tally, first) = (std::mem::take(&mut self.tally), self.first.replace(at));
                self.aside = Some(Aside { tally, first, events: 0 });
            }
            Turn::Forth => self.forget_strays(),
        }
    }

    /// Ends a log. That a year began in it is believed where lines go on from there.
    fn end(&mut self) {
        if self.turns.have_just_turned() {
            self.forget_strays();
        }
    }

    /// Leaves out what was counted since stamps went back: a clock was wrong.
    fn forget_strays(&mut self) {
        if let Some(Aside { tally, first, events }) = self.aside.take() {
            (self.tally, self.first) = (tally, first);
            self.strays += events;
        }
    }

    /// An entry of a journal.
    fn entry(&mut self, entry: &journal::Entry) {
        let Some(at) = entry.at else { return };
        self.clocks.see(Stamp::At(at));
        self.first = self.first.or(Some(at));
        self.last = Some(Last::At(at));
        if !self.needles.may_matter(&entry.message) || !entry.may_be_a_mail_servers() {
            return;
        }
        if let Some(event) = find::tagged(&entry.identifier, &entry.message) {
            self.count(&event, at, &[&entry.host, &entry.process, &entry.message]);
        }
    }

    fn count(&mut self, event: &Event<'_>, at: i64, line: &[&[u8]]) {
        let counts = self.since.is_none_or(|since| at >= since) && at <= self.how.now.saturating_add(AHEAD);
        // That a host took mail, once or twice, is the same.
        let counted = !matches!(event.what, What::Taken { local: None, .. });
        if counts && !tally::is_inside(event) && !(counted && self.overlap.is_known(at, line)) {
            self.tally.add(event, at, &mut self.overlap.messages);
        }
    }

    fn moment(&self, stamp: Stamp, mta: Mta) -> Option<i64> {
        match mta {
            Mta::Postfix => self.host.moment(stamp),
            Mta::Exim => self.exim.moment(stamp),
        }
    }

    /// When the last line was written that has a stamp.
    fn last(&self) -> Option<i64> {
        let at = match self.last.as_ref()? {
            Last::Stamp(stamp, mta) => self.moment(*stamp, *mta)?,
            Last::At(at) => *at,
        };
        (at <= self.how.now.saturating_add(AHEAD)).then_some(at)
    }
}

/// The stamp that a line begins with, and whose log that is by its form.
fn stamp_of(line: &[u8]) -> Option<(Stamp, Mta)> {
    let (stamp, _) = stamps::stamp(find::without_priority(line))?;
    Some((stamp, if line.get(10) == Some(&b' ') && line.first() != Some(&b'<') { Mta::Exim } else { Mta::Postfix }))
}
