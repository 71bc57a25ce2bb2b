//! How far a phase has come, for whoever watches from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counters shared between the phase and who watches it; copies are the same counters.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<[AtomicUsize; 2]>);

impl Progress {
    pub(super) fn set(&self, questions: usize, outstanding: usize) {
        let [asked, open] = &*self.0;
        asked.store(questions, Ordering::Relaxed);
        open.store(outstanding, Ordering::Relaxed);
    }

    /// Questions so far, each counted once whoever was asked.
    pub fn questions(&self) -> usize {
        self.0[0].load(Ordering::Relaxed)
    }

    /// Replies waited for.
    pub fn outstanding(&self) -> usize {
        self.0[1].load(Ordering::Relaxed)
    }
}
