//! Whom a run will ask and how far it has come, on standard error, where that is a terminal.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::observe::resolver::Progress;
use crate::output;

/// Runs that end before this say nothing.
const LATE: Duration = Duration::from_millis(300);
/// Between two looks.
const STEP: Duration = Duration::from_millis(100);

/// Says something before everything else, where standard error is a terminal.
pub(crate) fn first(text: &str) {
    if std::io::stderr().is_terminal() {
        output::note(text);
    }
}

/// A line on the terminal; it goes when this is dropped.
pub(crate) struct Shown(Option<(Sender<()>, JoinHandle<()>)>);

/// Shows how far a DNS phase has come once it has run for 300 ms. Nothing where standard error is no terminal.
pub(crate) fn show(progress: &Progress) -> Shown {
    let progress = progress.clone();
    shown(move || {
        let (questions, open) = (progress.questions(), progress.outstanding());
        format!("asking the DNS: {questions} questions, {open} replies to come")
    })
}

/// How many domains are done; copies are the same count.
#[derive(Debug, Clone)]
pub(crate) struct Domains {
    all: usize,
    done: Arc<AtomicUsize>,
}

impl Domains {
    /// None of so many.
    pub(crate) fn new(all: usize) -> Domains {
        Domains { all, done: Arc::default() }
    }

    /// One more is done.
    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Shows how many are done and how long the rest will take, as [`show`] does.
    pub(crate) fn show(&self) -> Shown {
        let (domains, began) = (self.clone(), Instant::now());
        shown(move || {
            let done = domains.done.load(Ordering::Relaxed);
            let left = match time_left(done, domains.all, began.elapsed()) {
                Some(left) => format!(", about {} left", in_words(left)),
                None => String::new(),
            };
            format!("{done} of {} domains done{left}", domains.all)
        })
    }
}

/// How long the rest takes that is done as fast as what is done; `None` where that says nothing yet.
fn time_left(done: usize, all: usize, took: Duration) -> Option<Duration> {
    let rest = all.saturating_sub(done);
    (done > 0 && rest > 0).then(|| took.mul_f64(rest as f64 / done as f64))
}

/// A time that is not known better than this.
fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{} s", seconds.max(1)),
        seconds @ 60..5400 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn shown(text: impl Fn() -> String + Send + 'static) -> Shown {
    if !std::io::stderr().is_terminal() {
        return Shown(None);
    }
    let (end, ended) = channel();
    let drawn = std::thread::Builder::new().name("progress".into()).spawn(move || {
        let waits = |time| matches!(ended.recv_timeout(time), Err(RecvTimeoutError::Timeout));
        if !waits(LATE) {
            return;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        loop {
            bar.set_message(text());
            bar.tick();
            if !waits(STEP) {
                break;
            }
        }
        bar.finish_and_clear();
    });
    Shown(drawn.ok().map(|drawn| (end, drawn)))
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some((end, drawn)) = self.0.take() {
            drop(end);
            // It has nothing left to fail at: the line is gone, or was never there.
            let _ = drawn.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_as_many_as_are_left() {
        let left = |done, all, secs| time_left(done, all, Duration::from_secs(secs)).map(in_words);
        assert_eq!(left(0, 100, 5), None);
        assert_eq!(left(100, 100, 5), None);
        assert_eq!(left(50, 100, 5).as_deref(), Some("5 s"));
        assert_eq!(left(999, 1000, 5).as_deref(), Some("1 s"));
        assert_eq!(left(1000, 20_000, 60).as_deref(), Some("19 min"));
        assert_eq!(left(1000, 500_000, 60).as_deref(), Some("8 h 19 min"));
    }
}
