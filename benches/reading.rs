//! Reading is linear in the size of a file: `cargo bench --bench reading`.

use std::fs;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helolint::collect::root::Root;
use helolint::collect::{cpanel, lsearch, system};
use helolint::source::SourceFile;

const LINES: [usize; 3] = [1_000, 10_000, 100_000];
/// Domains of a cPanel server.
const DOMAINS: [usize; 3] = [500, 5_000, 50_000];

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
        group.bench_function(BenchmarkId::new("lsearch", lines), |b| b.iter(|| lsearch::entries(black_box(&map))));
    }
    group.finish();
}

/// Every file of a cPanel server that lists domains, from the disk to facts.
fn panel(c: &mut Criterion) {
    let mut group = c.benchmark_group("cpanel");
    group.sample_size(10);
    for domains in DOMAINS {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: String| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| fs::write(path, text)).expect("a file");
        };
        write("etc/wwwacct.conf", "HOST host.example.com\nADDR 198.18.0.1\n".into());
        write("etc/mailips", text(domains, |n| format!("domain{n}.example: {}\n", address(n))));
        write("etc/mailhelo", text(domains, |n| format!("domain{n}.example: mail.domain{n}.example\n")));
        write("etc/userdomains", text(domains, |n| format!("domain{n}.example: user{n}\n")));
        write("etc/localdomains", text(domains, |n| format!("domain{n}.example\n")));
        write("etc/userips", text(domains, |n| format!("user{n}: {}\n", address(n))));
        group.throughput(Throughput::Elements(domains as u64));
        group.bench_function(BenchmarkId::new("collect", domains), |b| {
            // A root keeps what it has read: each round opens its own.
            b.iter(|| cpanel::collect(&Root::open(dir.path()).expect("a root")));
        });
    }
    group.finish();
}

criterion_group!(benches, files, panel);
criterion_main!(benches);
