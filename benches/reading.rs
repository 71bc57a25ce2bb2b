//! Reading is linear in the size of a file: `cargo bench --bench reading`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helolint::collect::{lsearch, system};
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
        group.bench_function(BenchmarkId::new("lsearch", lines), |b| b.iter(|| lsearch::entries(black_box(&map))));
    }
    group.finish();
}

criterion_group!(benches, files);
criterion_main!(benches);
