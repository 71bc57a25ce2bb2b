//! What caches still say though the zone no longer does, and until when: pure functions.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::observe::truth::View;
use crate::observe::{Observations, Question, VantageKind};

/// What some caches say to one question, unlike the servers of its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stale {
    /// The answers that differ, in the order of vantage points.
    pub views: Vec<View>,
    /// Seconds until the last of them has left its cache: the largest time to live left, that of the SOA where a cache holds an absence.
    /// `None` where one of the answers does not say.
    pub left: Option<u32>,
}

/// What caches say to `question` that no server of its zone says, where these answered. `system`: whether the system's resolvers count.
pub(crate) fn find(dns: &Observations, question: &Question, system: bool) -> Option<Stale> {
    let counts = |kind| kind == VantageKind::Public || system && kind == VantageKind::System;
    if !dns.vantages.iter().any(|vantage| counts(vantage.kind)) {
        return None;
    }
    let truth = dns.truth(question);
    if truth.kind != Some(VantageKind::Authoritative) || truth.lookup.open().is_some() {
        return None;
    }
    let truth = truth.lookup.found().iter().map(|record| record.data.clone()).collect();
    // What another server of the zone serves is no cache's fault.
    let served = dns.views(question, VantageKind::Authoritative);
    let mut views = dns.views(question, VantageKind::Public);
    if system {
        views.extend(dns.views(question, VantageKind::System));
    }
    views.retain(|view| view.records != truth && !served.iter().any(|other| other.records == view.records));
    if views.is_empty() {
        return None;
    }
    let left = views.iter().map(|view| view.ttl).try_fold(0, |longest, ttl| Some(ttl?.max(longest)));
    Some(Stale { views, left })
}

/// When `left` seconds have passed since `taken`, a begun minute counted as whole.
pub(crate) fn end(taken: Timestamp, left: u32) -> Option<Timestamp> {
    const MINUTE: i64 = 60;
    let end = taken.checked_add(SignedDuration::from_secs(i64::from(left))).ok()?.as_second();
    let minutes = end.div_euclid(MINUTE) + i64::from(end.rem_euclid(MINUTE) > 0);
    Timestamp::from_second(minutes * MINUTE).ok()
}

/// The time of day of [`end`], in UTC; with the date where that is another day.
pub(crate) fn clock(taken: Timestamp, left: u32) -> Option<String> {
    let end = end(taken, left)?.to_zoned(TimeZone::UTC);
    let same_day = end.date() == taken.to_zoned(TimeZone::UTC).date();
    Some(end.strftime(if same_day { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_never_early() {
        for (left, expected) in [
            (0, "14:00 UTC"),
            (1, "14:01 UTC"),
            (2220, "14:37 UTC"),
            (2221, "14:38 UTC"),
            (36_000, "2026-11-21 00:00 UTC"),
            (u32::MAX, "2162-12-27 20:29 UTC"),
        ] {
            assert_eq!(clock("2026-11-20T14:00:00Z".parse().unwrap(), left).unwrap(), expected, "{left}");
        }
    }
}
