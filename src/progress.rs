//! Whom a run will ask and how far it has come, on standard error, where that is a terminal.

use std::io::IsTerminal as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

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
    if !std::io::stderr().is_terminal() {
        return Shown(None);
    }
    let progress = progress.clone();
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
            let (questions, open) = (progress.questions(), progress.outstanding());
            bar.set_message(format!("asking the DNS: {questions} questions, {open} replies to come"));
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
