//! How long until somebody is asked again.

use std::cell::Cell;
use std::time::Duration;

use super::{Copy, CopyAnswer, Elapsed, RoundAnswer, Source, SourceAnswer};

/// Times of the schedule.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Between two questions to the servers of a zone, in the first minutes.
    pub source: Duration,
    /// How long that goes on, and the interval afterwards.
    pub brisk: Duration,
    /// The interval afterwards.
    pub later: Duration,
    /// The least and the most that a resolver's copy is waited for before it is asked again: what expires in days may be flushed before.
    pub floor: Duration,
    /// The most.
    pub cap: Duration,
    /// The least between two questions to a resolver where nobody says what is true, and the most.
    pub poll: (Duration, Duration),
    /// What an answer without time to live counts as.
    pub unknown: Duration,
    /// Before a server that did not answer is tried again; doubled each time.
    pub retry: Duration,
    /// How often a resolver is tried that never answers.
    pub tries: u32,
    /// Rounds in which every server of a zone refuses before its delegation is taken for dead.
    pub refusals: u32,
    /// At most this part (1/n) of an interval is added, so that many hosts do not ask at once.
    jitter: u32,
    seed: Cell<u64>,
}

impl Timing {
    /// The usual times; `seed` decides the jitter.
    pub fn new(seed: u64) -> Timing {
        let seconds = Duration::from_secs;
        Timing {
            source: seconds(15),
            brisk: seconds(600),
            later: seconds(60),
            floor: seconds(5),
            cap: seconds(1800),
            poll: (seconds(60), seconds(900)),
            unknown: seconds(300),
            retry: seconds(15),
            tries: 3,
            refusals: 2,
            jitter: 10,
            seed: Cell::new(seed | 1),
        }
    }

    /// An interval with its jitter.
    fn with_jitter(&self, interval: Duration) -> Duration {
        // A linear congruential generator (Knuth, MMIX): nobody gains by guessing it.
        let next = self.seed.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed.set(next);
        let part = u32::try_from(next >> 48).unwrap_or_default();
        interval + (interval / self.jitter) * part / 65_536
    }

    /// What becomes of a question at its source.
    pub(super) fn source(&self, before: Source, now: Elapsed, heard: &RoundAnswer, asked: bool) -> Source {
        if before == Source::Dead {
            return before;
        }
        if matches!(before, Source::Absent { .. }) && heard.source != SourceAnswer::Answered {
            return Source::Absent { wrong: heard.wrong };
        }
        if !asked && !matches!(before, Source::Absent { .. }) {
            return match before {
                // Another answer made it wrong: of a new PTR name, say.
                Source::Right if heard.wrong => Source::Due { at: now + self.interval(now), silent: 0, refused: 0 },
                before => before,
            };
        }
        let (silent, refused) = match before {
            Source::Due { silent, refused, .. } => (silent, refused),
            Source::Right | Source::Absent { .. } | Source::Dead => (0, 0),
        };
        match heard.source {
            SourceAnswer::Answered if heard.wrong => {
                Source::Due { at: now + self.interval(now), silent: 0, refused: 0 }
            }
            SourceAnswer::Answered => Source::Right,
            SourceAnswer::Absent => Source::Absent { wrong: heard.wrong },
            SourceAnswer::Refusing if refused + 1 >= self.refusals => Source::Dead,
            SourceAnswer::Refusing => Source::Due { at: now + self.interval(now), silent, refused: refused + 1 },
            // Resolvers may reach what this host does not.
            SourceAnswer::Silent if silent + 1 >= self.tries => Source::Absent { wrong: heard.wrong },
            SourceAnswer::Silent => Source::Due { at: now + self.backoff(silent), silent: silent + 1, refused },
        }
    }

    fn interval(&self, now: Elapsed) -> Duration {
        self.with_jitter(if now < self.brisk { self.source } else { self.later })
    }

    fn backoff(&self, times: u32) -> Duration {
        self.with_jitter(self.retry * 2u32.saturating_pow(times.min(4)))
    }

    /// What becomes of a resolver's copy. `polled`: nobody says what is true, and it is not right yet.
    pub(super) fn copy(&self, before: Copy, now: Elapsed, said: CopyAnswer, polled: bool) -> Copy {
        let silent = match before {
            Copy::Due { silent, .. } => silent,
            Copy::Right | Copy::Left => 0,
        };
        let kept = |ttl: Option<Duration>| ttl.unwrap_or(self.unknown);
        match said {
            CopyAnswer::Agrees if polled => {
                let at = now + self.with_jitter(self.unknown.clamp(self.poll.0, self.poll.1));
                Copy::Due { at, silent: 0, differs: false }
            }
            CopyAnswer::Differs(ttl) if polled => {
                let at = now + self.with_jitter(kept(ttl).clamp(self.poll.0, self.poll.1));
                Copy::Due { at, silent: 0, differs: true }
            }
            CopyAnswer::Agrees => Copy::Right,
            CopyAnswer::Apart => Copy::Left,
            // The second in which it expires is not over yet.
            CopyAnswer::Differs(ttl) => {
                let wait = (kept(ttl) + Duration::from_secs(1)).clamp(self.floor, self.cap);
                Copy::Due { at: now + self.with_jitter(wait), silent: 0, differs: true }
            }
            CopyAnswer::Unanswered if silent + 1 >= self.tries => Copy::Left,
            CopyAnswer::Unanswered => Copy::Due { at: now + self.backoff(silent), silent: silent + 1, differs: false },
        }
    }
}
