//! How long a server takes, and how long a reply is waited for.

use std::time::Duration;

/// First retransmission while the server's round trip time is unknown.
const FIRST_RETRY: Duration = Duration::from_millis(150);
/// What the retransmission time has at least beyond the smoothed round trip time.
const RETRY_MARGIN: f64 = 0.012;
/// Weight of a new sample in the smoothed round trip time (RFC 6298).
const SMOOTHING: f64 = 0.125;
/// Weight of a new sample in the round trip time's variation (RFC 6298).
const VARIATION: f64 = 0.25;
/// What a reply to a repeated question takes at most that was not late, beyond twice the round trip time.
const PROMPT: f64 = 0.001;

/// A server's round trip time, in seconds.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip {
    smoothed: Option<f64>,
    /// Its mean deviation.
    variation: f64,
}

impl RoundTrip {
    /// Time to the first retransmission: the round trip time and four times its variation (RFC 6298 section 2).
    pub(crate) fn retry(&self) -> Duration {
        let known = self.smoothed.map(|rtt| rtt + (4.0 * self.variation).max(RETRY_MARGIN).max(0.1 * rtt));
        known.map_or(FIRST_RETRY, Duration::from_secs_f64)
    }

    /// Whether a reply that came so long after the question was put again came because it was: the first packet had been lost. What comes later
    /// was slow, as replies of resolvers are that ask others.
    pub(crate) fn is_prompt(&self, sample: f64) -> bool {
        self.smoothed.is_some_and(|known| sample <= 2.0 * known + PROMPT)
    }

    /// Learns from a reply: from one to a question that was sent `once`; from others only where nothing better is known. Whether it is the first.
    pub(crate) fn learn(&mut self, sample: f64, once: bool) -> bool {
        match self.smoothed {
            Some(known) if once => {
                self.variation += VARIATION * ((sample - known).abs() - self.variation);
                self.smoothed = Some(known + SMOOTHING * (sample - known));
            }
            Some(_) => {}
            None => {
                self.smoothed = Some(sample);
                // A first sample says nothing of how they vary; RFC 6298 supposes half of it, which is far too much for a server that answers from memory.
                self.variation = 0.125 * sample;
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_right_after_a_repeat_had_been_lost_and_what_comes_later_was_slow() {
        let mut trip = RoundTrip::default();
        assert!(!trip.is_prompt(0.0001) && trip.retry() == FIRST_RETRY);
        assert!(trip.learn(0.020, true));
        for _ in 0..100 {
            assert!(!trip.learn(0.020, true));
        }
        assert!(trip.is_prompt(0.021) && !trip.is_prompt(0.300));
        let retry = trip.retry().as_secs_f64();
        assert!((0.031..0.034).contains(&retry), "{retry}");
        trip.learn(5.0, false);
        assert_eq!(trip.retry().as_secs_f64(), retry, "which packet was answered is not known");
    }
}
