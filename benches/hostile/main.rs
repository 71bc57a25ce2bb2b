//! A name server that means harm, in every manner it knows, and what one check costs then: time, memory, packets.
//!
//!     cargo bench --bench hostile [MANNER...]
//!
//! Each check has `--timeout 2`. It must end within a second more, in 150 MB, with a status of the contract and without a control
//! character in its report; and no server may get more than 40 packets beyond the questions that `helolint questions` lists. The
//! bench fails where one does not hold.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

mod manners;
mod server;

use server::Server;

/// `--timeout`, in seconds.
const TIMEOUT: u64 = 2;
/// Time beyond it.
const BEYOND: Duration = Duration::from_secs(1);
/// Memory, in KiB.
const MEMORY: i64 = 150 << 10;
/// Packets to one server beyond the questions listed.
const PACKETS: usize = 40;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` is to build it, no more.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let questions = listed();
    println!(
        "{questions} questions listed; load {}",
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim()
    );
    println!("{:<18} {:>7} {:>10} {:>8} {:>7}", "manner", "s", "KiB so far", "packets", "status");
    let mut breaches = 0;
    for manner in
        manners::ALL.iter().filter(|manner| wanted.is_empty() || wanted.iter().any(|name| *name == manner.name))
    {
        let server = Server::start(*manner);
        let began = Instant::now();
        let output = check(&server);
        let took = began.elapsed();
        let packets = server.most_packets();
        let memory = getrusage(UsageWho::RUSAGE_CHILDREN).map(|usage| usage.max_rss()).unwrap_or(i64::MAX);
        let status = output.status.code();
        let harmful = String::from_utf8_lossy(&output.stdout).chars().any(|c| c.is_control() && c != '\n');
        let holds = took <= Duration::from_secs(TIMEOUT) + BEYOND
            && memory <= MEMORY
            && packets <= questions + PACKETS
            && matches!(status, Some(0 | 1 | 3))
            && !harmful;
        breaches += usize::from(!holds);
        let status = status.map_or_else(|| "none".to_owned(), |code| code.to_string());
        println!(
            "{:<18} {:>7.2} {memory:>10} {packets:>8} {status:>7}{}",
            manner.name,
            took.as_secs_f64(),
            if holds { "" } else { "  <- beyond what is allowed" }
        );
    }
    if breaches > 0 {
        println!("{breaches} beyond what is allowed");
        std::process::exit(1);
    }
}

/// A command of the program on a recorded host.
fn helolint(command: &str) -> Command {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let mut run = Command::new(env!("CARGO_BIN_EXE_helolint"));
    run.arg(command).arg("--root").arg(host.join("root")).arg("--kernel").arg(host.join("kernel"));
    run.stdin(Stdio::null());
    run
}

/// How many questions `helolint questions` lists.
fn listed() -> usize {
    let output = helolint("questions").args(["--resolver", "127.0.0.1"]).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // What answers bring is told in sentences behind the list.
    let questions = text.lines().skip(1).take_while(|line| !line.starts_with("Answers bring more"));
    let listed = questions.filter(|line| line.starts_with("  ")).filter(|line| line.split(". ").count() == 2).count();
    assert!(listed > 0, "{text}");
    listed
}

fn check(server: &Server) -> Output {
    let mut run = helolint("check");
    run.args(["--format", "json", "--timeout", &TIMEOUT.to_string(), "--resolver", &server.address.to_string()]);
    match server.authoritative() {
        true => run.args(["--authoritative-port", &server.address.port().to_string()]),
        false => run.arg("--no-authoritative"),
    };
    run.output().expect("the program runs")
}
