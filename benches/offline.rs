//! `helolint check --offline` as a user runs it: a process from start to end, on a small host and on files of growing size.
//!
//! The lines of each group grow tenfold from one figure to the next; the time has to grow by no more than that.
//! `peak_memory` prints what the process held at most, in kilobytes, by GNU time.

mod host;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Lines of the large files.
const LINES: [usize; 3] = [1_000, 10_000, 100_000];

fn check(root: &Path, kernel: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["check", "--offline", "--root"]).arg(root).arg("--kernel").arg(kernel);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn run(root: &Path, kernel: &Path) {
    let status = check(root, kernel).status().expect("the binary runs");
    assert!(matches!(status.code(), Some(0 | 1 | 3)), "{}: {status}", root.display());
}

fn small_hosts(c: &mut Criterion) {
    let mut group = c.benchmark_group("offline");
    for name in ["postfix-plain", "debian-exim-internet", "cpanel-50-dedicated"] {
        let dir = host::scenario(name);
        let (root, kernel) = (dir.join("root"), dir.join("kernel"));
        group.bench_function(name, |b| b.iter(|| run(&root, &kernel)));
        peak_memory(name, &root, &kernel);
    }
    group.finish();
}

/// GNU time is small itself; a process started from here would count this program's memory as its own until it calls exec.
fn peak_memory(name: &str, root: &Path, kernel: &Path) {
    let inner = check(root, kernel);
    let mut time = Command::new("time");
    time.args(["-f", "%M kB at most"]).arg(inner.get_program()).args(inner.get_args());
    match time.stdout(Stdio::null()).output() {
        Ok(output) => println!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(_) => println!("{name}: peak memory not measured, GNU time is not installed"),
    }
}

/// Settings of main.cf that refer to one another, as real files do, and comments between them.
fn main_cf(lines: usize) -> String {
    let mut text = String::from("myhostname = mail.example.com\n");
    for i in 0..lines / 2 {
        let _ =
            writeln!(text, "# Setting {i}\nuser_setting_{i} = $myhostname, ${{user_setting_{}?{{yes}}:{{no}}}}", i / 2);
    }
    text
}

/// A configuration of Exim with many macros and a long list.
fn exim_conf(lines: usize) -> String {
    let mut text = String::from("primary_hostname = mail.example.com\n");
    for i in 0..lines {
        let _ = writeln!(text, "domainlist list_{i} = domain{i}.example : *.domain{i}.example");
    }
    text.push_str("begin routers\nlookup:\n  driver = dnslookup\n  transport = remote_smtp\n");
    text.push_str("begin transports\nremote_smtp:\n  driver = smtp\n");
    text
}

fn mailips(lines: usize) -> String {
    let mut text = String::new();
    for i in 0..lines {
        let _ = writeln!(text, "domain{i:06}.example: 203.0.113.{}", 101 + i % 50);
    }
    text.push_str("*: 203.0.113.10\n");
    text
}

/// A kind of file: title, scenario, place, and its text with so many lines.
type Growing = (&'static str, &'static str, &'static str, fn(usize) -> String);

fn growing_files(c: &mut Criterion) {
    let cases: [Growing; 3] = [
        ("main.cf", "postfix-plain", "etc/postfix/main.cf", main_cf),
        ("exim.conf", "exim-almalinux", "etc/exim/exim.conf", exim_conf),
        ("mailips", "cpanel-50-dedicated", "etc/mailips", mailips),
    ];
    for (title, host, path, text) in cases {
        let from = host::scenario(host);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = dir.path().join("root");
        host::copy(&from.join("root"), &root);
        let mut group = c.benchmark_group(title);
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
        for lines in LINES {
            fs::write(root.join(path), text(lines)).expect("the file can be written");
            group.throughput(Throughput::Elements(lines as u64));
            group.bench_with_input(BenchmarkId::from_parameter(lines), &root, |b, root| {
                b.iter(|| run(root, &from.join("kernel")));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, small_hosts, growing_files);
criterion_main!(benches);
