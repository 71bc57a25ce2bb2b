//! What a run needs of its process: room on the stack, a clock, and words where helolint itself is at fault.

use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::SystemTime;

use jiff::Timestamp;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};

use crate::{output, sandbox};

/// Stack in bytes, as Linux gives it unless told otherwise. What is left of it decides how deep grammars may go: with a small
/// one, a file would look broken that is not.
const STACK: u64 = 8 << 20;

/// Runs `work` with [`STACK`] bytes of stack, whatever `ulimit -s` says. `None`: it ended in a panic, which has been told.
pub(crate) fn run<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    panic::set_hook(Box::new(|info| {
        // The place alone: the words of a panic may have parts of files in them.
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        output::note(&format!(
            "version {} panicked{place}: a fault of its own, not of the host\n  please report it with this line, the command and, if you can, a snapshot (helolint snapshot --offline)",
            env!("CARGO_PKG_VERSION")
        ));
    }));
    // What `ulimit -f` does not allow is an error like that of a full disk, and not the end of the process.
    let mut too_large = SigSet::empty();
    too_large.add(Signal::SIGXFSZ);
    // Cannot fail: the set is one.
    let _ = too_large.thread_block();
    let work = || guarded(work);
    if has_room() {
        return work();
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK as usize).spawn_scoped(scope, || {
            sandbox::only_waits_beside();
            work()
        });
        thread.ok()?.join().ok().flatten()
    })
}

/// What `work` gives; `None` where it ended in a panic, which has been told.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// The time by the system's clock; one that is set beyond what can be written (9999-12-30) is its end.
pub(crate) fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

fn timestamp(time: SystemTime) -> Timestamp {
    let end = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::try_from(time).unwrap_or(end)
}

/// Whether this thread has the stack, made larger where the system allows it: the kernel asks for the limit when it grows.
fn has_room() -> bool {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_STACK) else { return true };
    soft >= STACK || setrlimit(Resource::RLIMIT_STACK, STACK, hard.max(STACK)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn no_clock_is_too_wrong() {
        const YEAR: u64 = 31_556_952;
        let after = |years| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(years * YEAR));
        let before = |years| timestamp(SystemTime::UNIX_EPOCH - Duration::from_secs(years * YEAR));
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH), Timestamp::UNIX_EPOCH);
        assert!(before(70) < Timestamp::UNIX_EPOCH && before(70).to_string().starts_with("1900"));
        assert_eq!((after(8030), after(100_000), before(100_000)), (Timestamp::MAX, Timestamp::MAX, Timestamp::MIN));
        assert_eq!(after(8030).to_zoned(jiff::tz::TimeZone::UTC).date().to_string(), "9999-12-30");
    }

    #[test]
    fn a_panic_ends_in_nothing_and_the_rest_goes_on() {
        assert_eq!(guarded(|| 7), Some(7));
        assert_eq!(
            guarded(|| if Timestamp::now() > Timestamp::MIN {
                panic!("on purpose")
            }),
            None
        );
    }
}
