//! Work in a process without rights: what strangers send is parsed there, and nowhere else.
//!
//! Root reads the host's files and opens every output. Then a child is forked which gives up its rights (`layers`) before it
//! asks the DNS, judges and writes its texts into a pipe; the parent waits, reads at most `MESSAGE_LIMIT` octets, and writes
//! the texts where they belong. Who takes the child over has what it had read, an unprivileged user number, sockets, and the
//! words of a report.

mod calls;
mod fork;
mod layers;
mod message;
mod task;

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid};

use fork::Side;
pub(crate) use fork::only_waits_beside;
pub(crate) use layers::{Missing, Profile};
pub(crate) use message::Message;
pub(crate) use task::Task;

/// Largest message of a child, in octets.
const MESSAGE_LIMIT: u64 = 256 << 20;
/// Octets that a child may tell before, which nobody keeps: twice what as many domains come to as are looked at, written and kept.
const TOLD_LIMIT: u64 = 8 << 30;
/// How long a child may take to end once it has closed the pipe: it has nothing more to do.
const LAST_WORK: Duration = Duration::from_secs(2);

thread_local! {
    /// In a child, the pipe to its parent.
    static BACK: RefCell<Option<PipeWriter>> = const { RefCell::new(None) };
}

/// A process that was forked from this one, and the pipe from it.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    pipe: File,
    reaped: bool,
}

impl Child {
    /// Forks a child that gives `parents` back unused, prepares, gives its rights up as `profile` says, works, writes what came of
    /// it, and ends. `prepare` may read files; `work` is told what of the sandbox the kernel does not have.
    ///
    /// # Errors
    /// Where no process can be made, or this one has more than one thread.
    pub(crate) fn start<P, T>(
        parents: P,
        profile: &Profile,
        prepare: impl FnOnce() -> T,
        work: impl FnOnce(T, Vec<Missing>) -> Vec<u8>,
    ) -> io::Result<(Child, P)> {
        let (reader, writer) = io::pipe()?;
        let parent = getpid();
        match fork::fork()? {
            Side::Parent(pid) => {
                drop(writer);
                Ok((Child { pid, pipe: File::from(OwnedFd::from(reader)), reaped: false }, parents))
            }
            Side::Child => {
                // Reports that are open to be written are not for the child, nor is the way back of a child that makes another.
                drop((reader, parents));
                BACK.replace(Some(writer));
                let worked = panic::catch_unwind(AssertUnwindSafe(|| {
                    let prepared = prepare();
                    let missing = match without_streams() {
                        Ok(()) => layers::give_up(profile, parent),
                        Err(error) => vec![Missing { layer: "streams", why: error.to_string() }],
                    };
                    work(prepared, missing)
                }));
                // A panic has been told. Where the parent has gone, nobody waits for the message.
                let written = match (worked, BACK.take()) {
                    (Ok(octets), Some(mut back)) => back.write_all(&octets).is_ok(),
                    _ => false,
                };
                std::process::exit(i32::from(!written))
            }
        }
    }

    /// All that the child writes until it closes the pipe.
    ///
    /// # Errors
    /// Where it writes more than `limit` octets beside what it tells, or has not ended when `patience` is over.
    pub(crate) fn read(&mut self, limit: u64, patience: Duration) -> io::Result<Vec<u8>> {
        self.read_telling(limit, patience, &mut Listener::nobody())
    }

    /// As [`Child::read`]; what the child tells on the way is taken out and heard.
    fn read_telling(&mut self, limit: u64, patience: Duration, listener: &mut Listener<'_>) -> io::Result<Vec<u8>> {
        let (mut total, mut told) = (0, 0);
        let end = Instant::now() + patience;
        let mut octets = Vec::new();
        let mut room = vec![0; 64 << 10];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut wanted = vec![PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
            // Nothing is asked of the other: that it has no reader is told unasked (poll(2)).
            wanted.extend(listener.reader.map(|reader| PollFd::new(reader, PollFlags::empty())));
            match poll(&mut wanted, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                Ok(0) if Instant::now() >= end => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            let [pipe, reader @ ..] = wanted.as_slice() else { continue };
            if reader.iter().any(|reader| reader.any().unwrap_or(false)) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if !pipe.any().unwrap_or(false) {
                continue;
            }
            match self.pipe.read(&mut room) {
                Ok(0) => return Ok(octets),
                Ok(count) => {
                    total += count as u64;
                    octets.extend_from_slice(room.get(..count).unwrap_or_default());
                    for text in message::take_told(&mut octets) {
                        told += text.len() as u64;
                        (listener.hear)(&text);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if total - told.min(total) > limit || told > TOLD_LIMIT {
                return Err(io::Error::other(format!("it wrote more than {limit} octets")));
            }
        }
    }

    /// How the child ended; it is ended where it has not by itself, soon after it closed the pipe.
    fn ended(mut self) -> String {
        self.reaped = true;
        let end = Instant::now() + LAST_WORK;
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) if Instant::now() < end => thread::sleep(LAST_WORK / 200),
                Ok(WaitStatus::StillAlive) => {
                    self.end();
                    return "it closed the pipe and went on".to_owned();
                }
                Ok(WaitStatus::Exited(_, status)) => return format!("exit status {status}"),
                Ok(WaitStatus::Signaled(_, signal, _)) => return signal.to_string(),
                Ok(other) => return format!("{other:?}"),
                Err(errno) => return errno.to_string(),
            }
        }
    }

    /// Ends it. Root without CAP_KILL may not, since the child is another user: then it is done as that user. Where that cannot be either, nobody
    /// waits for it: it has no way to say anything any more, and no rights, and its alarm ends it.
    fn end(&self) {
        let kill = || kill(self.pid, Signal::SIGKILL);
        let ended = match kill() {
            Err(Errno::EPERM) => layers::as_nobody(kill),
            ended => ended,
        };
        // It may have ended already, and nobody else waits for it. What was not signalled may live for long.
        if matches!(ended, Ok(()) | Err(Errno::ESRCH)) {
            let _ = waitpid(self.pid, None);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.end();
        }
    }
}

/// Who hears what a child [`tell`]s.
pub(crate) struct Listener<'l> {
    hear: Box<dyn FnMut(&str) + 'l>,
    /// Where that is written: once nobody reads there, the child is ended.
    reader: Option<BorrowedFd<'l>>,
}

impl<'l> Listener<'l> {
    /// Gets each text at once, as long as somebody reads what is written to `reader`.
    pub(crate) fn new(hear: impl FnMut(&str) + 'l, reader: BorrowedFd<'l>) -> Listener<'l> {
        Listener { hear: Box::new(hear), reader: Some(reader) }
    }

    /// Nobody listens, and the child works all the same.
    pub(crate) fn nobody() -> Listener<'l> {
        Listener { hear: Box::new(|_| {}), reader: None }
    }

    /// Gets a text.
    pub(crate) fn hear(&mut self, text: &str) {
        (self.hear)(text);
    }
}

/// Standard input and output are the parent's; errors, and how far the questions are, the child says by itself.
fn without_streams() -> io::Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    // A shell opens its terminal once, to be read and written: what root types is not for the child.
    if io::stderr().is_terminal() {
        let flags = OFlag::O_NOCTTY.bits();
        match OpenOptions::new().write(true).custom_flags(flags).open("/proc/self/fd/2") {
            Ok(terminal) => dup2_stderr(&terminal)?,
            // Another user's terminal, after su(1): words are lost, nothing else.
            Err(_) => dup2_stderr(&null)?,
        }
    }
    Ok(())
}

/// In a child, a text for the parent, which hears it at once. Nothing where this process is none.
pub(crate) fn tell(text: &str) {
    BACK.with_borrow_mut(|back| {
        if let Some(back) = back {
            // Where the parent has gone, nobody listens, and this process ends too.
            let _ = back.write_all(&message::told(text)).and_then(|()| back.flush());
        }
    });
}

/// Works in a child without rights; `parents` is what the child must not have, `listener` hears what it [`tell`]s. See [`Child::start`].
///
/// # Errors
/// Where the child could not be started, or ended without a message: in words.
pub(crate) fn run<P, T>(
    parents: P,
    profile: &Profile,
    prepare: impl FnOnce() -> T,
    work: impl FnOnce(T, Vec<Missing>) -> Message,
    listener: &mut Listener<'_>,
) -> Result<(Message, P), String> {
    let (child, parents) =
        Child::start(parents, profile, prepare, |prepared, missing| work(prepared, missing).encoded())
            .map_err(|error| not_started(profile, &error))?;
    Ok((outcome(child, profile, listener)?, parents))
}

/// As [`run`], with octets for the child to read: `feed` writes them here, in a thread of its own, since what it reads them from may
/// keep it waiting. Nobody waits for the thread.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_fed<P>(
    parents: P,
    profile: &Profile,
    feed: impl FnOnce(PipeWriter) + Send + 'static,
    work: impl FnOnce(PipeReader, Vec<Missing>) -> Message,
) -> Result<(Message, P), String> {
    let (reader, writer) = io::pipe().map_err(|error| not_started(profile, &error))?;
    // Moved into what the child alone goes on with: here the reader is closed once it has begun, so that writing ends with the child.
    let prepare = move || reader;
    let work = |reader, missing| work(reader, missing).encoded();
    let (child, (parents, writer)) =
        Child::start((parents, writer), profile, prepare, work).map_err(|error| not_started(profile, &error))?;
    let feeder = move || {
        // Signals are for the thread that writes reports, which has them wait when it must. Cannot fail: the set is one.
        let _ = SigSet::all().thread_block();
        feed(writer);
    };
    thread::Builder::new().spawn(feeder).map_err(|error| not_started(profile, &error))?;
    Ok((outcome(child, profile, &mut Listener::nobody())?, parents))
}

fn not_started(profile: &Profile, error: &io::Error) -> String {
    format!("{} cannot be started: {error}", profile.task.doer())
}

/// The child's message.
fn outcome(mut child: Child, profile: &Profile, listener: &mut Listener<'_>) -> Result<Message, String> {
    let octets = child.read_telling(MESSAGE_LIMIT, profile.patience(), listener);
    let message = octets.as_deref().ok().and_then(Message::decoded);
    match (message, octets) {
        (Some(message), _) => {
            child.ended();
            Ok(message)
        }
        (None, Ok(_)) => Err(format!("{} ended early ({})", profile.task.doer(), child.ended())),
        (None, Err(error)) => Err(format!("{} was ended: {error}", profile.task.doer())),
    }
}
