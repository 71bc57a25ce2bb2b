//! What the plan of steps costs beside the check that it belongs to: hosts of few paths, one of 64 faulty paths, and a cPanel server of 50,000
//! domains whose maps name the old server's addresses: `cargo bench --bench plans`.
//!
//! Each figure is the least of some runs of the whole process, by getrusage(2): processor time, and the largest resident set. The plan's part
//! is what a run takes beyond one that looks for nothing that the host has, and so plans nothing. Limits of time are multiples of a piece of
//! work that is timed in the same run. Ends with status 1 where a limit is broken.

mod calibration;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

/// Scenarios of up to ten paths, the dearest among them.
const FEW: [&str; 6] = [
    "name-not-published",
    "postfix-old-ptr",
    "debian-exim-internet",
    "cpanel-main-address-drift",
    "hestia-two-addresses",
    "clone-kept-its-name",
];
/// Faulty paths of the host of many, and domains of the cPanel server.
const PATHS: usize = 64;
const DOMAINS: usize = 50_000;
/// Addresses that its mail leaves from.
const ADDRESSES: usize = 50;
/// Runs of which the least counts.
const RUNS: usize = 5;
/// Processor time of the plan, in units of [`calibration::unit`].
const LIMITS: (f64, f64, f64) = (0.4, 1.2, 40.0);
/// How much more memory a run may hold that plans for the cPanel server.
const MEMORY: f64 = 2.0;
/// A rule that finds nothing on these hosts: where it alone is looked for, there is nothing to plan.
const NOTHING: &str = "DNS014";
/// Names the arguments of a run to be measured, in this program's own child: it is small, and what a process holds before it
/// calls execve(2) counts as its own.
const CHILD: &str = "HELOLINT_BENCH_MEASURED";

fn main() -> ExitCode {
    if let Some(dir) = std::env::var_os(CHILD) {
        measured(Path::new(&dir), std::env::args().nth(1).as_deref());
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` is to build it, no more.
    if !std::env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let unit = calibration::unit();
    println!("the unit of time: {unit:.0} ms");
    let mut broken = false;
    let mut told = |name: &str, dir: &Path, limit: f64| {
        let (plain, plain_memory) = least(dir, Some(NOTHING));
        let (whole, memory) = least(dir, None);
        let units = (whole - plain) / unit;
        let holds = units <= limit && memory <= MEMORY * plain_memory;
        broken |= !holds;
        println!(
            "{name}: {plain:.1} ms without a plan, {:.1} ms for it = {units:.2} units (limit {limit}); {plain_memory:.0} and {memory:.0} MB{}",
            whole - plain,
            if holds { "" } else { ": BROKEN" }
        );
    };
    for name in FEW {
        told(name, &scenario(name), LIMITS.0);
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    many_paths(dir.path());
    told(&format!("{PATHS} faulty paths"), dir.path(), LIMITS.1);
    let dir = tempfile::tempdir().expect("a temporary folder");
    cpanel(dir.path());
    told(&format!("cPanel, {DOMAINS} domains"), dir.path(), LIMITS.2);
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(name)
}

/// The least time and memory of some runs on the host in `dir`.
fn least(dir: &Path, select: Option<&str>) -> (f64, f64) {
    let run = || {
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        let output = child.args(select).env(CHILD, dir).stderr(Stdio::inherit()).output().expect("this program runs");
        let text = String::from_utf8(output.stdout).expect("two numbers");
        let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().expect("a number"));
        (numbers.next().expect("the time"), numbers.next().expect("the memory"))
    };
    let runs: Vec<(f64, f64)> = (0..RUNS).map(|_| run()).collect();
    let least = |of: fn(&(f64, f64)) -> f64| runs.iter().map(of).fold(f64::INFINITY, f64::min);
    (least(|run| run.0), least(|run| run.1))
}

/// Runs helolint once and prints its processor time in milliseconds and its memory in megabytes.
fn measured(dir: &Path, select: Option<&str>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["check", "--root"]).arg(dir.join("root")).arg("--kernel").arg(dir.join("kernel"));
    command.arg("--zones").arg(dir.join("zones"));
    if let Some(code) = select {
        command.args(["--select", code]);
    }
    let status = command.stdout(Stdio::null()).status().expect("the binary runs");
    assert!(matches!(status.code(), Some(0..=3)), "{}: {status}", dir.display());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
    let time = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    println!("{} {}", time as f64 / 1e3, usage.max_rss() as f64 / 1024.0);
}

/// A Postfix with a service for each of its addresses, of which each has a name of its own in the DNS and none presents it.
fn many_paths(dir: &Path) {
    let from = scenario("postfix-plain");
    copy(&from, dir);
    let etc = dir.join("root/etc/postfix");
    let (mut services, mut senders, mut addresses) = (String::new(), String::new(), Vec::new());
    let (mut forward, mut reverse) = (String::new(), String::new());
    for n in 0..PATHS {
        let _ = writeln!(services, "out{n} unix - - y - - smtp\n  -o smtp_bind_address=203.0.113.{}", 100 + n);
        let _ = writeln!(senders, "@d{n}.example out{n}:");
        let _ = writeln!(forward, "m{n} IN A 203.0.113.{}", 100 + n);
        let _ = writeln!(reverse, "{} IN PTR m{n}.example.com.", 100 + n);
        addresses.push(
            json!({"interface": "eth0", "address": format!("203.0.113.{}", 100 + n), "prefix_length": 24, "flags": []}),
        );
    }
    append(&etc.join("master.cf"), &services);
    append(&etc.join("main.cf"), "sender_dependent_default_transport_maps = texthash:/etc/postfix/senders\n");
    fs::write(etc.join("senders"), senders).expect("the table can be written");
    append(&dir.join("zones/example.com.zone"), &forward);
    append(&dir.join("zones/113.0.203.in-addr.arpa.zone"), &reverse);
    with_addresses(dir, |all| all.extend(addresses));
}

/// A cPanel server of many domains after a move: its maps, which the administrator keeps, name addresses that it has not.
fn cpanel(dir: &Path) {
    copy(&scenario("cpanel-50-dedicated"), dir);
    let etc = dir.join("root/etc");
    let address = |n: usize| format!("203.0.113.{}", 101 + n % ADDRESSES);
    let lines = |line: &dyn Fn(usize) -> String| (0..DOMAINS).map(line).collect::<String>();
    for (path, text) in [
        ("mailips", lines(&|n| format!("domain{n}.example: {}\n", address(n))) + "*: 203.0.113.10\n"),
        (
            "mailhelo",
            lines(&|n| format!("domain{n}.example: shop{}.example\n", n % ADDRESSES)) + "*: host.example.com\n",
        ),
        ("userdomains", lines(&|n| format!("domain{n}.example: user{n}\n")) + "*: nobody\n"),
        ("localdomains", lines(&|n| format!("domain{n}.example\n"))),
        ("userips", "#userips v1\n".to_owned() + &lines(&|n| format!("user{n}: {}\n", address(n)))),
    ] {
        fs::write(etc.join(path), text).expect("the file can be written");
    }
    fs::write(dir.join("root/var/cpanel/custom_mailips"), "").expect("the flag can be written");
    with_addresses(dir, |all| {
        all.retain(|own| !own["address"].as_str().is_some_and(|text| (0..ADDRESSES).any(|n| text == address(n))));
    });
}

fn with_addresses(dir: &Path, change: impl FnOnce(&mut Vec<Value>)) {
    let path = dir.join("kernel");
    let kernel = fs::read_to_string(&path).expect("the scenario's kernel");
    let mut kernel: Value = serde_json::from_str(&kernel).expect("JSON");
    change(kernel["addresses"].as_array_mut().expect("addresses"));
    fs::write(path, kernel.to_string()).expect("the kernel can be written");
}

fn append(path: &Path, text: &str) {
    let before = fs::read_to_string(path).expect("the file can be read");
    fs::write(path, before + text).expect("the file can be written");
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
