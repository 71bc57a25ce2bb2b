//! Hosts to measure by: scenarios, as they are or made larger.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Addresses that the mail of a cPanel server leaves from.
const ADDRESSES: usize = 50;

/// Where a scenario stands.
pub fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(name)
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("the scenario can be read");
        let to = to.join(entry.path().strip_prefix(from).expect("below the scenario"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).expect("a folder can be made");
        } else if entry.path_is_symlink() {
            let target = fs::read_link(entry.path()).expect("a link can be read");
            std::os::unix::fs::symlink(target, to).expect("a link can be made");
        } else {
            fs::copy(entry.path(), to).expect("a file can be copied");
        }
    }
}

/// A cPanel server of so many domains; `helo` is the HELO name of each, by number. One that was `moved` has none of the addresses in its maps,
/// which the administrator keeps.
#[allow(dead_code)] // Each bench takes what it needs.
pub fn cpanel(dir: &Path, domains: usize, helo: fn(usize) -> String, moved: bool) {
    copy(&scenario("cpanel-50-dedicated"), dir);
    let etc = dir.join("root/etc");
    let address = |n: usize| format!("203.0.113.{}", 101 + n % ADDRESSES);
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
    if moved {
        fs::write(dir.join("root/var/cpanel/custom_mailips"), "").expect("the flag can be written");
        with_addresses(dir, |all| {
            all.retain(|own| !own["address"].as_str().is_some_and(|text| (0..ADDRESSES).any(|n| text == address(n))));
        });
    }
}

/// The HELO name of a domain on a server that has one for each address.
#[allow(dead_code)]
pub fn helo_by_address(n: usize) -> String {
    format!("shop{}.example", n % ADDRESSES)
}

/// Changes the addresses of a host's interfaces.
#[allow(dead_code)]
pub fn with_addresses(dir: &Path, change: impl FnOnce(&mut Vec<Value>)) {
    let path = dir.join("kernel");
    let kernel = fs::read_to_string(&path).expect("the scenario's kernel");
    let mut kernel: Value = serde_json::from_str(&kernel).expect("JSON");
    change(kernel["addresses"].as_array_mut().expect("addresses"));
    fs::write(path, kernel.to_string()).expect("the kernel can be written");
}
