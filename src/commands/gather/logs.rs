//! Mail logs: opened by root, read in the process without rights.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use crate::collect::logs::{self as places, HostLogs, HostZone, HostZones};
use crate::collect::root::{OpenLog, Root};
use crate::facts::{ConfigFile, Facts, MailLog};
use crate::inputs::LogInput;
use crate::logs::{self, How, Source};
use crate::process;

/// How long logs are read: time for gigabytes of plain ones.
pub(super) const READING: Duration = Duration::from_secs(60);

/// Logs that are open.
pub(super) struct OpenLogs {
    logs: Vec<(String, OpenLog)>,
    notes: Vec<String>,
    /// The time that counts as that of the run, seconds since 1970; and whether it is.
    now: i64,
    live: bool,
    /// The end of the days that count; `None`: the newest line.
    until: Option<i64>,
    zones: HostZones,
    changed: Vec<ConfigFile>,
}

/// Opens what is to be read. `host` is the host that is looked at, where it is not a snapshot.
pub(super) fn open(input: LogInput, host: Option<(&Root, &Facts)>) -> Option<OpenLogs> {
    if matches!(input, LogInput::Nothing) {
        return None;
    }
    let zones = host.map(|(root, facts)| places::zones(root, facts)).unwrap_or_default();
    let changed = host.map(|(root, facts)| places::changed(root, facts)).unwrap_or_default();
    let clock = process::now().as_second();
    let opened = |logs, notes, (now, live), until| OpenLogs { logs, notes, now, live, until, zones, changed };
    match (input, host) {
        (LogInput::Nothing, _) | (LogInput::Host, None) => None,
        (LogInput::Named(name, log), _) => Some(opened(vec![(name, log)], Vec::new(), (clock, false), None)),
        (LogInput::Host, Some((root, facts))) => {
            let live = root.is_live();
            let HostLogs { logs, notes } = places::open(root, facts, live.then(|| logs::since(clock)));
            // A copy of a host ends when it was copied.
            let newest = logs.iter().filter_map(|(_, log)| log.modified).max();
            let end = if live { clock } else { newest.unwrap_or(clock) };
            // The newest line, and not the time of its file: who copies may set another.
            Some(opened(logs, notes, (end, live), live.then_some(end)))
        }
    }
}

/// What the logs show.
pub(super) fn read(open: OpenLogs) -> MailLog {
    let deadline = Instant::now() + READING;
    let by_file = |octets: Vec<u8>| TimeZone::tzif("host", &octets).ok();
    let (now, until) = (open.now, open.until);
    let zone = open.zones.host.and_then(|zone| match zone {
        HostZone::Utc => Some(TimeZone::UTC),
        HostZone::File(octets) => by_file(octets),
    });
    let how = How { now, until, zone, exim_zone: open.zones.exim.and_then(by_file), deadline };
    let sources =
        open.logs.into_iter().map(|(name, log)| Source { name, modified: log.modified, reader: log.until(deadline) });
    let mut log = logs::read(sources.collect(), &how);
    log.unread.splice(0..0, open.notes);
    log.until_now = open.live;
    log.changed = open.changed;
    log
}
