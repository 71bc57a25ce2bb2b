//! cPanel's maps of 500 to 50,000 domains: `cargo bench --bench maps`.
//!
//! `collect` is the five maps from the disk to facts, to be done within 300 ms and 100 MB. `check` is the whole program without
//! DNS questions, as a process; what it held at most is printed, by GNU time. In `own-names` every domain has a HELO name of
//! its own, and so a path of its own: no server has that, and it has to be linear nonetheless.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helolint::collect::cpanel;
use helolint::collect::root::Root;

/// Domains of a server.
const DOMAINS: [usize; 3] = [500, 5_000, 50_000];
/// Addresses of a server.
const ADDRESSES: usize = 50;

/// Files of a server with so many domains; `own`: each has a HELO name of its own.
fn write(root: &Path, domains: usize, own: bool) {
    let address = |n: usize| format!("203.0.113.{}", 101 + n % ADDRESSES);
    let helo =
        |n: usize| if own { format!("mail.domain{n}.example") } else { format!("shop{}.example", n % ADDRESSES) };
    let lines = |line: &dyn Fn(usize) -> String| (0..domains).map(line).collect::<String>();
    for (path, text) in [
        ("mailips", lines(&|n| format!("domain{n}.example: {}\n", address(n))) + "*: 203.0.113.10\n"),
        ("mailhelo", lines(&|n| format!("domain{n}.example: {}\n", helo(n))) + "*: host.example.com\n"),
        ("userdomains", lines(&|n| format!("domain{n}.example: user{n}\n")) + "*: nobody\n"),
        ("localdomains", lines(&|n| format!("domain{n}.example\n"))),
        ("userips", "#userips v1\n".to_owned() + &lines(&|n| format!("user{n}: {}\n", address(n)))),
    ] {
        fs::write(root.join("etc").join(path), text).expect("the file can be written");
    }
}

fn collect(c: &mut Criterion) {
    let mut group = c.benchmark_group("collect");
    group.sample_size(10);
    for domains in DOMAINS {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(dir.path().join("etc")).expect("a folder");
        fs::write(dir.path().join("etc/wwwacct.conf"), "HOST host.example.com\n").expect("a file");
        write(dir.path(), domains, true);
        group.throughput(Throughput::Elements(domains as u64));
        group.bench_function(BenchmarkId::from_parameter(domains), |b| {
            // A root keeps what it has read: each round opens its own.
            b.iter(|| cpanel::collect(&Root::open(dir.path()).expect("a root")));
        });
    }
    group.finish();
}

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/cpanel-50-dedicated")
}

fn arguments(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["check", "--offline", "--root"]).arg(root).arg("--kernel").arg(scenario().join("kernel"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn check(c: &mut Criterion) {
    for (name, own) in [("check", false), ("own-names", true)] {
        let mut group = c.benchmark_group(name);
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
        for domains in DOMAINS {
            let dir = tempfile::tempdir().expect("a temporary folder");
            copy(&scenario().join("root"), dir.path());
            write(dir.path(), domains, own);
            group.throughput(Throughput::Elements(domains as u64));
            group.bench_function(BenchmarkId::from_parameter(domains), |b| {
                b.iter(|| {
                    let status = arguments(dir.path()).status().expect("the binary runs");
                    assert!(matches!(status.code(), Some(0 | 1 | 3)), "{status}");
                });
            });
            peak_memory(&format!("{name}/{domains}"), dir.path());
        }
        group.finish();
    }
}

/// GNU time is small itself; a process started from here would count this program's memory as its own until it calls exec.
fn peak_memory(name: &str, root: &Path) {
    let inner = arguments(root);
    let mut time = Command::new("time");
    time.args(["-f", "%M kB at most"]).arg(inner.get_program()).args(inner.get_args());
    match time.stdout(Stdio::null()).output() {
        Ok(output) => println!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(_) => println!("{name}: peak memory not measured, GNU time is not installed"),
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("the scenario can be read");
        let to = to.join(entry.path().strip_prefix(from).expect("below the scenario"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).expect("a folder can be made");
        } else {
            fs::copy(entry.path(), to).expect("a file can be copied");
        }
    }
}

criterion_group!(benches, collect, check);
criterion_main!(benches);
