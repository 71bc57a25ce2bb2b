//! Reading is linear in the size of a file: `cargo bench --bench reading`.

use std::fs;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helolint::collect::root::Root;
use helolint::collect::{lsearch, postfix, system};
use helolint::facts::{Fact, Host, Origin};
use helolint::source::SourceFile;

const LINES: [usize; 3] = [1_000, 10_000, 100_000];

fn address(n: usize) -> String {
    format!("198.18.{}.{}", n / 256 % 256, n % 256)
}

fn text(lines: usize, line: impl Fn(usize) -> String) -> String {
    (0..lines).map(line).collect()
}

fn files(c: &mut Criterion) {
    let mut group = c.benchmark_group("files");
    for lines in LINES {
        group.throughput(Throughput::Elements(lines as u64));
        let hosts = text(lines, |n| format!("{}\thost{n}.example.com host{n} # note\n", address(n)));
        let hosts = SourceFile::new("/etc/hosts", hosts.as_bytes());
        group.bench_function(BenchmarkId::new("hosts", lines), |b| b.iter(|| system::hosts(black_box(&hosts))));
        let map = text(lines, |n| format!("domain{n}.example: {}\n", address(n)));
        let map = SourceFile::new("/etc/mailips", map.as_bytes());
        group.bench_function(BenchmarkId::new("lsearch", lines), |b| b.iter(|| lsearch::read(black_box(&map))));
    }
    group.finish();
}

/// A host of which nothing is known but its name.
fn host() -> Host {
    let name = Fact::new("mail.example.com".into(), Origin::kernel("uname(2)"));
    Host { node_name: Some(name), ..Host::unknown("a bench") }
}

/// Postfix's files from the disk to senders, with a main.cf of so many lines: names of one's own and of Postfix, comments,
/// values that go on, references.
fn main_cf(c: &mut Criterion) {
    let mut group = c.benchmark_group("main_cf");
    group.sample_size(10);
    let host = host();
    for lines in LINES {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let etc = dir.path().join("etc/postfix");
        let main = text(lines, |n| match n % 8 {
            0 => format!("# note {n}\n"),
            1 => format!("own_{n} = $own_{} ${{mydomain?{{a}}:{{b}}}}\n", n.saturating_sub(8)),
            2 => format!("own_{n} = value{n}.example.com,\n"),
            3 => format!("    [192.0.2.{}]:587, name{n} = value\n", n % 256),
            4 => format!("smtp_helo_name = mail{n}.$mydomain\n"),
            5 => "\n".into(),
            _ => format!("own_{n} = value{n}.example.com\n"),
        });
        let master = "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nrelay unix - - y - - smtp\nrewrite unix - - y - - trivial-rewrite\n";
        fs::create_dir_all(&etc).expect("a folder");
        fs::write(etc.join("main.cf"), main).expect("a file");
        fs::write(etc.join("master.cf"), master).expect("a file");
        group.throughput(Throughput::Elements(lines as u64));
        group.bench_function(BenchmarkId::new("collect", lines), |b| {
            // A root keeps what it has read: each round opens its own.
            b.iter(|| postfix::collect(&Root::open(dir.path()).expect("a root"), &host, &[]));
        });
    }
    group.finish();
}

criterion_group!(benches, files, main_cf);
criterion_main!(benches);
