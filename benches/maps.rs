//! cPanel's maps of 500 to 50,000 domains, as `helolint check --offline` meets them: `cargo bench --bench maps`.
//!
//! Each figure is the least of some runs of the whole process, by getrusage(2): processor time in user mode, which hardly depends
//! on what else runs, and the largest resident set. The limits hold for 50,000 domains, and those of time are multiples of a piece of
//! work that is timed in the same run; time has to grow no more than the number of domains does, caches allowed for. Ends with status 1
//! where a limit is broken.

mod calibration;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

/// Domains of a server.
const DOMAINS: [usize; 3] = [500, 5_000, 50_000];
/// Addresses that its mail leaves from.
const ADDRESSES: usize = 50;
/// Further addresses on its interfaces, where a case has them.
const MORE_ADDRESSES: usize = 20_000;
/// Runs of which the least counts.
const RUNS: usize = 5;
/// How often more time ten times as many domains may take.
const GROWTH: f64 = 25.0;
/// Names the arguments of a run to be measured, in this program's own child: it is small, and what a process holds before it
/// calls execve(2) counts as its own.
const CHILD: &str = "HELOLINT_BENCH_MEASURED";

/// A kind of server.
struct Case {
    name: &'static str,
    /// Each domain has a HELO name of its own, and so a path of its own. No server has that; it has to be linear nonetheless.
    own_names: bool,
    /// The addresses are those of an old server, and the administrator keeps the maps: each line is a finding.
    moved: bool,
    /// There are some thousand other addresses on the interfaces.
    many_addresses: bool,
    /// Time in units of [`calibration::unit`], and megabytes, for the most domains.
    limits: (f64, f64),
}

const CASES: [Case; 4] = [
    Case { name: "maps", own_names: false, moved: false, many_addresses: false, limits: (300.0, 100.0) },
    Case { name: "own names", own_names: true, moved: false, many_addresses: false, limits: (700.0, 140.0) },
    Case { name: "moved", own_names: true, moved: true, many_addresses: false, limits: (1_100.0, 200.0) },
    Case { name: "many addresses", own_names: false, moved: false, many_addresses: true, limits: (350.0, 80.0) },
];

fn main() -> ExitCode {
    if let Some(root) = std::env::var_os(CHILD) {
        measured(Path::new(&root));
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` is to build it, no more.
    if !std::env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let unit = calibration::unit();
    println!("the unit of time: {unit:.0} ms");
    let mut broken = false;
    let mut told = |text: String, holds: bool| {
        broken |= !holds;
        println!("{text}{}", if holds { "" } else { ": BROKEN" });
    };
    for case in &CASES {
        let mut before = None;
        for domains in DOMAINS {
            let dir = tempfile::tempdir().expect("a temporary folder");
            write(dir.path(), domains, case);
            let (time, memory) = least(dir.path());
            let (name, (most_time, most_memory)) = (case.name, case.limits);
            match domains == DOMAINS[DOMAINS.len() - 1] {
                true => told(
                    format!(
                        "{name}, {domains} domains: {time:.0} ms = {:.2} units (limit {most_time:.1}), {memory:.0} MB (limit {most_memory:.0})",
                        time / unit
                    ),
                    time / unit <= most_time && memory <= most_memory,
                ),
                false => println!("{name}, {domains} domains: {time:.0} ms, {memory:.0} MB"),
            }
            // The least times are those of the program's start.
            if let Some(before) = before.replace(time).filter(|before| *before >= 10.0) {
                told(format!("{name}: {:.1} times as long (limit {GROWTH})", time / before), time / before <= GROWTH);
            }
        }
    }
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The least time and memory of some runs below `dir`.
fn least(dir: &Path) -> (f64, f64) {
    let run = || {
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        let output = child.env(CHILD, dir).stderr(Stdio::inherit()).output().expect("this program runs");
        let text = String::from_utf8(output.stdout).expect("two numbers");
        let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().expect("a number"));
        (numbers.next().expect("the time"), numbers.next().expect("the memory"))
    };
    let runs: Vec<(f64, f64)> = (0..RUNS).map(|_| run()).collect();
    let least = |of: fn(&(f64, f64)) -> f64| runs.iter().map(of).fold(f64::INFINITY, f64::min);
    (least(|run| run.0), least(|run| run.1))
}

/// Runs helolint once and prints its time in milliseconds and its memory in megabytes.
fn measured(dir: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["check", "--offline", "--root"]).arg(dir.join("root")).arg("--kernel").arg(dir.join("kernel"));
    let status = command.stdout(Stdio::null()).status().expect("the binary runs");
    assert!(matches!(status.code(), Some(0 | 1 | 3)), "{status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
    println!("{} {}", usage.user_time().num_microseconds() as f64 / 1e3, usage.max_rss() as f64 / 1024.0);
}

/// Files and kernel of a server with so many domains.
fn write(dir: &Path, domains: usize, case: &Case) {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/cpanel-50-dedicated");
    let (root, etc) = (dir.join("root"), dir.join("root/etc"));
    copy(&scenario.join("root"), &root);
    let address = |n: usize| format!("203.0.113.{}", 101 + n % ADDRESSES);
    let helo = |n: usize| match case.own_names {
        true => format!("mail.domain{n}.example"),
        false => format!("shop{}.example", n % ADDRESSES),
    };
    let lines = |line: &dyn Fn(usize) -> String| (0..domains).map(line).collect::<String>();
    for (path, text) in [
        ("mailips", lines(&|n| format!("domain{n}.example: {}\n", address(n))) + "*: 203.0.113.10\n"),
        ("mailhelo", lines(&|n| format!("domain{n}.example: {}\n", helo(n))) + "*: host.example.com\n"),
        ("userdomains", lines(&|n| format!("domain{n}.example: user{n}\n")) + "*: nobody\n"),
        ("localdomains", lines(&|n| format!("domain{n}.example\n"))),
        ("userips", "#userips v1\n".to_owned() + &lines(&|n| format!("user{n}: {}\n", address(n)))),
    ] {
        fs::write(etc.join(path), text).expect("the file can be written");
    }
    let kernel = fs::read_to_string(scenario.join("kernel")).expect("the scenario's kernel");
    let mut kernel: Value = serde_json::from_str(&kernel).expect("JSON");
    let all = kernel["addresses"].as_array_mut().expect("addresses");
    if case.moved {
        fs::write(root.join("var/cpanel/custom_mailips"), "").expect("the flag can be written");
        all.retain(|own| !own["address"].as_str().is_some_and(|text| (0..ADDRESSES).any(|n| text == address(n))));
    }
    if case.many_addresses {
        let more = (0..MORE_ADDRESSES).map(|n| format!("198.{}.{}.{}", 18 + n / 62_500, n / 250 % 250, n % 250 + 1));
        // Those that are asked for come last.
        all.splice(0..0, more.map(|text| json!({"interface": "eth0", "address": text})));
    }
    fs::write(dir.join("kernel"), kernel.to_string()).expect("the kernel can be written");
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("the scenario can be read");
        let to: PathBuf = to.join(entry.path().strip_prefix(from).expect("below the scenario"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).expect("a folder can be made");
        } else {
            fs::copy(entry.path(), to).expect("a file can be copied");
        }
    }
}
