//! How many questions one server has at one time, and how fast they come.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// Parts of one place: what an answer adds to a window. A window of answers opens it by a quarter.
const PARTS: usize = 4;
/// Of ten, what a loss leaves of a window.
const LEFT: usize = 7;
/// What a window that adapts begins with.
const FIRST: usize = 64;
/// What is left of it however much is lost: lost questions hold their places until they are put again.
const LEAST: usize = 16;
/// What it grows to: a server with the kernel's usual buffer holds 277 small packets.
const MOST: usize = 256;

/// Questions that a server may have at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// In parts of a place.
    parts: usize,
    least: usize,
    most: usize,
    /// Answers to come before it falls again: what was on its way when it fell may be lost with what made it fall.
    quiet: usize,
}

impl Window {
    /// Always so many.
    pub(crate) fn of(count: usize) -> Window {
        Window { parts: count * PARTS, least: count, most: count, quiet: 0 }
    }

    /// As many as the server copes with: more after answers, fewer after losses.
    pub(crate) fn adapting() -> Window {
        Window { parts: FIRST * PARTS, least: LEAST, most: MOST, quiet: 0 }
    }

    /// How many.
    pub(crate) fn size(&self) -> usize {
        self.parts / PARTS
    }

    /// Whether it goes by what the server copes with.
    pub(crate) fn adapts(&self) -> bool {
        self.least < self.most
    }

    /// An answer came.
    pub(crate) fn answered(&mut self) {
        self.quiet = self.quiet.saturating_sub(1);
        self.parts = (self.parts + 1).min(self.most * PARTS);
    }

    /// A packet was lost. Losses of one window count once: they have one cause.
    pub(crate) fn lost(&mut self) {
        if self.quiet == 0 {
            self.quiet = self.size();
            self.parts = (self.parts * LEFT / 10).max(self.least * PARTS);
        }
    }
}

/// Time for which packets may be saved up.
const SAVED: Duration = Duration::from_millis(50);

/// So many packets a second, spread over it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between two packets.
    apart: Duration,
    /// When the next would go if they went as evenly as can be.
    next: Option<Instant>,
}

impl Pace {
    /// So many a second.
    pub(crate) fn new(a_second: NonZeroU32) -> Pace {
        Pace { apart: Duration::from_secs(1) / a_second.get(), next: None }
    }

    /// When a packet may go that is to go now; in the past or now: at once.
    pub(crate) fn ready(&self, now: Instant) -> Instant {
        self.next.and_then(|next| next.checked_sub(SAVED)).unwrap_or(now)
    }

    /// A packet went.
    pub(crate) fn went(&mut self, now: Instant) {
        self.next = Some(self.next.map_or(now, |next| next.max(now)) + self.apart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_grows_on_answers_falls_on_loss_and_stays_within_its_bounds() {
        let mut window = Window::adapting();
        assert_eq!(window.size(), FIRST);
        (0..FIRST).for_each(|_| window.answered());
        assert_eq!(window.size(), FIRST + FIRST / PARTS);
        window.lost();
        assert_eq!(window.size(), (FIRST + FIRST / PARTS) * LEFT / 10);
        // The rest of what was lost with it.
        (0..20).for_each(|_| window.lost());
        assert_eq!(window.size(), (FIRST + FIRST / PARTS) * LEFT / 10);
        (0..10_000).for_each(|_| window.answered());
        assert_eq!(window.size(), MOST);
        // Every second packet is lost.
        for _ in 0..10_000 {
            window.answered();
            window.lost();
        }
        assert!((LEAST..2 * LEAST).contains(&window.size()), "{}", window.size());
        // One of a hundred.
        let mut window = Window::adapting();
        for _ in 0..1_000 {
            (0..99).for_each(|_| window.answered());
            window.lost();
        }
        assert!((2 * LEAST..MOST).contains(&window.size()), "{}", window.size());
        let mut fixed = Window::of(7);
        (0..50).for_each(|_| fixed.answered());
        fixed.lost();
        assert_eq!((fixed.size(), fixed.adapts(), window.adapts()), (7, false, true));
    }

    #[test]
    fn packets_go_at_the_pace_whatever_is_waiting() {
        let start = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap());
        let (mut now, mut went) = (start, 0);
        let end = start + Duration::from_secs(10);
        while now < end {
            match pace.ready(now) {
                at if at <= now => {
                    pace.went(now);
                    went += 1;
                }
                at => now = at,
            }
        }
        assert!((1_000..=1_006).contains(&went), "{went}");
        // What was not used for long is not saved up.
        now += Duration::from_secs(100);
        let mut at_once = 0;
        while pace.ready(now) <= now {
            pace.went(now);
            at_once += 1;
        }
        assert!((5..=6).contains(&at_once), "{at_once}");
    }
}
