//! What the rules about mail logs have in common: changes that came later, and times in words.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::facts::{Facts, MailLog, Origin, OutboundPath};

/// When the newest of the files was changed that set names and addresses of these paths, seconds since 1970.
pub(super) fn last_change<'f>(log: &MailLog, paths: impl Iterator<Item = &'f OutboundPath>) -> Option<i64> {
    let origins = paths.flat_map(OutboundPath::origins);
    let files: BTreeSet<&str> = origins.filter_map(Origin::span).map(|span| span.file().path()).collect();
    log.changed.iter().filter(|file| files.contains(&*file.path)).map(|file| file.modified).max()
}

/// The same of all paths.
pub(super) fn last_change_of_any(facts: &Facts, log: &MailLog) -> Option<i64> {
    last_change(log, facts.paths.iter())
}

/// `2026-11-28 10:02 UTC`; by the host's clock where its zone is not known.
pub(super) fn time(log: &MailLog, at: i64) -> String {
    let clock = if log.own_time { "by the host's clock" } else { "UTC" };
    match Timestamp::from_second(at) {
        Ok(at) => format!("{} {clock}", at.strftime("%Y-%m-%d %H:%M")),
        Err(_) => "a time that is none".to_owned(),
    }
}

/// `once, on 2026-11-28 10:02 UTC, 2 days ago`, `14 times since 2026-11-20 00:10 UTC, the last 3 hours ago`.
pub(super) fn often(log: &MailLog, number: u64, first: i64, last: i64) -> String {
    match number {
        1 => format!("once, on {}, {}", time(log, last), age(log, last)),
        _ => format!("{number} times since {}, the last {}", time(log, first), age(log, last)),
    }
}

/// How long before the end of what was read, with words for that.
pub(super) fn age(log: &MailLog, at: i64) -> String {
    let seconds = log.until.saturating_sub(at).max(0);
    let long = match seconds {
        0..120 if log.until_now => return "a moment ago".to_owned(),
        0..120 => return "as the log ends".to_owned(),
        120..7200 => plural(seconds / 60, "minute"),
        7200..172_800 => plural(seconds / 3600, "hour"),
        _ => plural(seconds / 86_400, "day"),
    };
    if log.until_now { format!("{long} ago") } else { format!("{long} before the log ends") }
}

/// A number and what is counted.
pub(super) fn plural(number: i64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_in_words() {
        let log = MailLog { until: 10_000_000, ..MailLog::default() };
        for (back, expected) in [
            (0, "as the log ends"),
            (120, "2 minutes before the log ends"),
            (7199, "119 minutes before the log ends"),
            (7200, "2 hours before the log ends"),
            (172_800, "2 days before the log ends"),
        ] {
            assert_eq!(age(&log, log.until - back), expected);
        }
        let now = MailLog { until_now: true, ..log.clone() };
        assert_eq!(
            (age(&now, log.until + 5), age(&now, log.until - 86_400)),
            ("a moment ago".into(), "24 hours ago".into())
        );
        assert_eq!(time(&log, 1_793_880_120), "2026-11-05 12:02 UTC");
        assert_eq!(time(&log, i64::MAX), "a time that is none");
        let own = MailLog { own_time: true, ..log };
        assert_eq!(time(&own, 1_793_880_120), "2026-11-05 12:02 by the host's clock");
    }
}
