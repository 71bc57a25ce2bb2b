//! cPanel's maps of 500 to 50,000 domains, as `helolint check --offline` meets them: `cargo bench --bench maps`.
//!
//! Each figure is the least of some runs of the whole process, by getrusage(2): processor time in user mode, which hardly depends
//! on what else runs, and the largest resident set. The limits hold for 50,000 domains, and those of time are multiples of a piece of
//! work that is timed in the same run; time has to grow no more than the number of domains does, caches allowed for. Ends with status 1
//! where a limit is broken.

mod calibration;
mod host;
mod process;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

/// Domains of a server.
const DOMAINS: [usize; 3] = [500, 5_000, 50_000];
/// Further addresses on its interfaces, where a case has them.
const MORE_ADDRESSES: usize = 20_000;
/// How often more time ten times as many domains may take.
const GROWTH: f64 = 25.0;
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
    Case { name: "maps", own_names: false, moved: false, many_addresses: false, limits: (5.0, 100.0) },
    Case { name: "own names", own_names: true, moved: false, many_addresses: false, limits: (12.0, 140.0) },
    Case { name: "moved", own_names: true, moved: true, many_addresses: false, limits: (17.0, 200.0) },
    Case { name: "many addresses", own_names: false, moved: false, many_addresses: true, limits: (7.5, 80.0) },
];

fn main() -> ExitCode {
    if process::is_done() {
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
            let process::Taken { user: time, memory, .. } = process::least(&arguments(dir.path()));
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

/// Of a run on the host in `dir`.
fn arguments(dir: &Path) -> [OsString; 6] {
    let [root, kernel] = ["root", "kernel"].map(|part| dir.join(part).into_os_string());
    ["check".into(), "--offline".into(), "--root".into(), root, "--kernel".into(), kernel]
}

/// Files and kernel of a server with so many domains.
fn write(dir: &Path, domains: usize, case: &Case) {
    let own = |n: usize| format!("mail.domain{n}.example");
    host::cpanel(dir, domains, if case.own_names { own } else { host::helo_by_address }, case.moved);
    if case.many_addresses {
        let more = (0..MORE_ADDRESSES).map(|n| format!("198.{}.{}.{}", 18 + n / 62_500, n / 250 % 250, n % 250 + 1));
        let more = more.map(|text| json!({"interface": "eth0", "address": text}));
        // Those that are asked for come last.
        host::with_addresses(dir, |all| drop(all.splice(0..0, more)));
    }
}
