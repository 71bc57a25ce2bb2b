//! What one run of helolint takes as a process of its own, by getrusage(2).

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Runs of which the least counts.
const RUNS: usize = 5;
/// Set for this program's own child, whose arguments are those of the run to be measured: it is small, and what a process holds before it calls
/// execve(2) counts as its own.
const CHILD: &str = "HELOLINT_BENCH_MEASURED";

/// The least of some runs.
pub struct Taken {
    /// Milliseconds of processor time in user mode, which hardly depends on what else runs.
    pub user: f64,
    /// The same with what the kernel takes.
    pub processor: f64,
    /// Megabytes of the largest resident set.
    pub memory: f64,
}

/// Whether there is nothing to do in this process: it was the child that measures, and has measured; or `cargo test --benches` built the
/// program, and is to do no more.
pub fn is_done() -> bool {
    if std::env::var_os(CHILD).is_some() {
        measure();
        return true;
    }
    !std::env::args().any(|arg| arg == "--bench")
}

/// What runs of helolint with these arguments take.
pub fn least(args: &[impl AsRef<OsStr>]) -> Taken {
    let mut least = Taken { user: f64::INFINITY, processor: f64::INFINITY, memory: f64::INFINITY };
    for _ in 0..RUNS {
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        let output = child.args(args).env(CHILD, "").stderr(Stdio::inherit()).output().expect("this program runs");
        let text = String::from_utf8(output.stdout).expect("numbers");
        let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().expect("a number"));
        for known in [&mut least.user, &mut least.processor, &mut least.memory] {
            *known = known.min(numbers.next().expect("three numbers"));
        }
    }
    least
}

/// Runs helolint once with this process's arguments, and prints what it took.
fn measure() {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    let status = command.args(&args).stdout(Stdio::null()).status().expect("the binary runs");
    assert!(matches!(status.code(), Some(0..=3)), "{args:?}: {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
    let [user, system] = [usage.user_time(), usage.system_time()].map(|time| time.num_microseconds() as f64 / 1e3);
    println!("{user} {} {}", user + system, usage.max_rss() as f64 / 1024.0);
}
