//! What the plan of steps costs beside the check that it belongs to: hosts of few paths, one of 64 faulty paths, and a cPanel server of 50,000
//! domains whose maps name the old server's addresses: `cargo bench --bench plans`.
//!
//! Each figure is the least of some runs of the whole process, by getrusage(2): processor time, and the largest resident set. The plan's part
//! is what a run takes beyond one that looks for nothing that the host has, and so plans nothing. Limits of time are multiples of a piece of
//! work that is timed in the same run. Ends with status 1 where a limit is broken.

mod calibration;
mod host;
mod process;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

/// Scenarios of up to ten paths, the dearest among them.
const FEW: [&str; 9] = [
    "transfer-12-moved",
    "moved-postfix",
    "ptr-shared",
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
/// Processor time of the plan, in units of [`calibration::unit`]: 20 ms, 60 ms and 2 s where that takes 66 ms.
const LIMITS: (f64, f64, f64) = (0.30, 0.91, 30.0);
/// How much more memory a run may hold that plans for the cPanel server.
const MEMORY: f64 = 2.0;
/// A rule that finds nothing on these hosts: where it alone is looked for, there is nothing to plan.
const NOTHING: &str = "DNS014";

fn main() -> ExitCode {
    if process::is_done() {
        return ExitCode::SUCCESS;
    }
    let unit = calibration::unit();
    println!("the unit of time: {unit:.0} ms");
    let mut broken = false;
    let mut told = |name: &str, dir: &Path, limit: f64| {
        let [plain, whole] = [Some(NOTHING), None].map(|select| process::least(&arguments(dir, select)));
        let (plain, plain_memory) = (plain.processor, plain.memory);
        let (whole, memory) = (whole.processor, whole.memory);
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
        told(name, &host::scenario(name), LIMITS.0);
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    many_paths(dir.path());
    told(&format!("{PATHS} faulty paths"), dir.path(), LIMITS.1);
    let dir = tempfile::tempdir().expect("a temporary folder");
    host::cpanel(dir.path(), DOMAINS, host::helo_by_address, true);
    told(&format!("cPanel, {DOMAINS} domains"), dir.path(), LIMITS.2);
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Of a run on the host in `dir`, a scenario or one made of it.
fn arguments(dir: &Path, select: Option<&str>) -> Vec<OsString> {
    let mut args = vec![OsString::from("check")];
    for part in ["root", "kernel", "zones"] {
        args.extend([format!("--{part}").into(), dir.join(part).into()]);
    }
    let old = dir.join("old.json");
    if old.exists() {
        args.extend(["--moved-from".into(), old.into()]);
    }
    args.extend(select.into_iter().flat_map(|code| ["--select".into(), code.into()]));
    args
}

/// A Postfix with a service for each of its addresses, of which each has a name of its own in the DNS and none presents it.
fn many_paths(dir: &Path) {
    host::copy(&host::scenario("postfix-plain"), dir);
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
    host::with_addresses(dir, |all| all.extend(addresses));
}

fn append(path: &Path, text: &str) {
    let before = fs::read_to_string(path).expect("the file can be read");
    fs::write(path, before + text).expect("the file can be written");
}
