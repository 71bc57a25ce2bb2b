//! fork(2): the one place of the program in which the compiler cannot check what is done.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::unistd::{self, ForkResult, Pid};

/// Which of the two processes this is.
pub(crate) enum Side {
    /// The one that was there before; the number is the child's.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Threads of this process that are known to wait for the one that works, and to hold no lock.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// To be called once, by a thread whose starter does nothing from now on but wait for its end.
pub(crate) fn only_waits_beside() {
    WAITING.store(1, Ordering::Relaxed);
}

/// Makes a second process that goes on from here with all that this one knows.
///
/// # Errors
/// The system's, and where this process has more than one thread.
pub(crate) fn fork() -> io::Result<Side> {
    if fs::read_dir("/proc/self/task")?.count() != 1 + WAITING.load(Ordering::Relaxed) {
        return Err(io::Error::other("the process has more than one thread"));
    }
    // SAFETY: a child has the calling thread alone, so that a lock which another thread held would stay locked in it, and what
    // that thread was changing would stay half changed. There is no other thread that does anything: they were counted just now,
    // and only this one could have started another since. The one that may wait for its end (`only_waits_beside`) sleeps in
    // pthread_join(3) and holds nothing. So the child may do whatever the parent may.
    match unsafe { unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Side::Parent(child)),
        ForkResult::Child => {
            WAITING.store(0, Ordering::Relaxed);
            Ok(Side::Child)
        }
    }
}
