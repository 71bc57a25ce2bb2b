//! Broken and hostile input: the real binary over hosts of `testdata/hosts`, of which one file at a time is replaced.
//!
//! Whatever stands in a file of the host: the run ends in time and without panic, with an exit status of the contract and a
//! whole report, and what the other files say is still in it.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use serde_json::Value;

/// Hosts that between them have every kind of file that is read.
const HOSTS: [&str; 4] = ["cpanel-nat", "debian-exim-split", "postfix-instances", "exim-almalinux"];
/// One run may take this long, even in a debug build on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Address space of one run, in KiB: what is read may not fill the machine that a mail server needs.
const MEMORY_LIMIT: u32 = 2 << 20;
/// Size of the huge files.
const HUGE: usize = 10 << 20;

/// What is put in the place of a file.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Gone,
    Empty,
    Truncated,
    Binary,
    LongLine,
    Crlf,
    Folder,
    Fifo,
    LinkOut,
    LinkToItself,
}

const FAULTS: [Fault; 10] = [
    Fault::Gone,
    Fault::Empty,
    Fault::Truncated,
    Fault::Binary,
    Fault::LongLine,
    Fault::Crlf,
    Fault::Folder,
    Fault::Fifo,
    Fault::LinkOut,
    Fault::LinkToItself,
];

impl Fault {
    fn put(self, file: &Path, was: &[u8]) {
        fs::remove_file(file).unwrap();
        match self {
            Fault::Gone => {}
            Fault::Empty => fs::write(file, "").unwrap(),
            Fault::Truncated => fs::write(file, &was[..was.len() * 2 / 3]).unwrap(),
            Fault::Binary => fs::write(file, binary(4096)).unwrap(),
            Fault::LongLine => fs::write(file, [was, &vec![b'{'; 1 << 16], b"\n", was].concat()).unwrap(),
            Fault::Crlf => fs::write(file, String::from_utf8_lossy(was).replace('\n', "\r\n")).unwrap(),
            Fault::Folder => fs::create_dir(file).unwrap(),
            Fault::Fifo => nix::unistd::mkfifo(file, Mode::S_IRWXU).unwrap(),
            Fault::LinkOut => symlink("../../../../../../../../../../../etc/passwd", file).unwrap(),
            Fault::LinkToItself => symlink(file.file_name().unwrap(), file).unwrap(),
        }
    }

    fn undo(file: &Path, was: &[u8]) {
        if file.is_dir() {
            fs::remove_dir(file).unwrap();
        } else if file.symlink_metadata().is_ok() {
            fs::remove_file(file).unwrap();
        }
        fs::write(file, was).unwrap();
    }
}

/// Bytes of every value, NUL and line ends among them, the same in every run.
fn binary(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A copy of a scenario that may be broken.
struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn copy(name: &str) -> Host {
        let dir = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(name);
        for entry in walkdir::WalkDir::new(&from) {
            let entry = entry.unwrap();
            let to = dir.path().join(entry.path().strip_prefix(&from).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir_all(to).unwrap();
            } else if entry.path_is_symlink() {
                symlink(fs::read_link(entry.path()).unwrap(), to).unwrap();
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
        Host { dir }
    }

    /// The regular files below `folder`, sorted.
    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let walk = walkdir::WalkDir::new(self.dir.path().join(folder)).sort_by_file_name();
        walk.into_iter().flatten().filter(|e| e.file_type().is_file()).map(|e| e.into_path()).collect()
    }

    /// Runs `check`; gives exit status, standard output and standard error.
    fn check(&self, what: &str) -> (i32, String, String) {
        let mut command = Command::new("/bin/sh");
        command.env_clear().env("LC_ALL", "C.UTF-8").current_dir(self.dir.path());
        command.args(["-c", &format!("ulimit -v {MEMORY_LIMIT} && exec \"$0\" \"$@\"")]);
        command.arg(env!("CARGO_BIN_EXE_helolint"));
        command.args(["check", "--root", "root", "--kernel", "kernel", "--zones", "zones", "--format", "json"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        finish(child, what)
    }
}

/// Waits for a child within the time limit.
fn finish(mut child: Child, what: &str) -> (i32, String, String) {
    let mut out = child.stdout.take().unwrap();
    let mut err = child.stderr.take().unwrap();
    let read_out = std::thread::spawn(move || {
        let mut text = Vec::new();
        out.read_to_end(&mut text).map(|_| text)
    });
    let read_err = std::thread::spawn(move || {
        let mut text = Vec::new();
        err.read_to_end(&mut text).map(|_| text)
    });
    let from = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if from.elapsed() > TIME_LIMIT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{what}: not finished after {TIME_LIMIT:?}");
        }
        sleep(Duration::from_millis(2));
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|_| panic!("{what}: output is not UTF-8"));
    let out = text(read_out.join().unwrap().unwrap());
    let err = text(read_err.join().unwrap().unwrap());
    assert!(!err.contains("panicked"), "{what}: {err}");
    // A signal has no code: a crash.
    let code = status.code().unwrap_or_else(|| panic!("{what}: {status}"));
    (code, out, err)
}

/// The report of a run that must have gone through.
fn report(host: &Host, what: &str) -> Value {
    let (code, out, err) = host.check(what);
    assert!([0, 1, 3].contains(&code), "{what}: exit status {code}: {err}");
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{what}: {e}: {out}"));
    assert_eq!(report["schema"], 1, "{what}");
    assert!(report["host"]["node_name"].as_str().is_some(), "{what}: the host's name is lost");
    report
}

#[test]
fn any_file_of_the_host_may_be_broken() {
    for name in HOSTS {
        let host = Host::copy(name);
        for file in host.files("root") {
            let was = fs::read(&file).unwrap();
            let shown = file.strip_prefix(host.dir.path()).unwrap().display().to_string();
            for fault in FAULTS {
                fault.put(&file, &was);
                let report = report(&host, &format!("{name}: {shown}: {fault:?}"));
                // What lies outside the root is never read, so it cannot be shown either.
                assert!(
                    !report.to_string().contains("root:x:0:0"),
                    "{name}: {shown}: {fault:?}: shows a file outside the root"
                );
                Fault::undo(&file, &was);
            }
        }
    }
}

#[test]
fn huge_files_end_in_time() {
    for (name, path) in [
        ("postfix-plain", "etc/postfix/main.cf"),
        ("postfix-plain", "etc/postfix/master.cf"),
        ("exim-almalinux", "etc/exim/exim.conf"),
        ("cpanel-plain", "etc/mailips"),
        ("cpanel-plain", "etc/mailhelo"),
        ("cpanel-plain", "etc/userdomains"),
        ("postfix-plain", "etc/hosts"),
        ("postfix-plain", "etc/resolv.conf"),
    ] {
        let host = Host::copy(name);
        let file = host.dir.path().join("root").join(path);
        let was = fs::read(&file).unwrap();
        for (shape, unit) in
            [("comments", &b"# nothing to see here, only a long file\n"[..]), ("binary", &binary(4093))]
        {
            let mut text = was.clone();
            while text.len() < HUGE {
                text.extend_from_slice(unit);
            }
            fs::write(&file, &text).unwrap();
            report(&host, &format!("{name}: {path}: {HUGE} bytes of {shape}"));
        }
    }
}

/// Adds `more` to a file of the host, or puts it in its place.
fn write(host: &Host, path: &str, more: &str, add: bool) {
    let file = host.dir.path().join("root").join(path);
    let was = if add { fs::read_to_string(&file).unwrap() } else { String::new() };
    fs::write(&file, was + more).unwrap();
}

#[test]
fn names_longer_than_any_name_are_judged_in_words() {
    let labels = "a.".repeat(32 << 10) + "com";
    let one = "b".repeat(64 << 10);
    for (host, path, text, add) in [
        ("postfix-plain", "etc/postfix/main.cf", format!("smtp_helo_name = {labels}\n"), true),
        ("postfix-plain", "etc/postfix/main.cf", format!("myhostname = {one}\n"), true),
        ("postfix-plain", "etc/hostname", format!("{one}\n"), false),
        ("postfix-plain", "etc/mailname", format!("{labels}\n"), false),
        ("postfix-plain", "etc/hosts", format!("203.0.113.10 mail.example.com {labels} {one}\n"), false),
        ("cpanel-nat", "etc/mailhelo", format!("{one}: {labels}\n*: {one}\n"), false),
        ("cpanel-nat", "etc/wwwacct.conf", format!("HOST {labels}\n"), true),
    ] {
        let copy = Host::copy(host);
        write(&copy, path, &text, add);
        report(&copy, &format!("{host}: {path}: a name of 64 KiB"));
    }
}

#[test]
fn what_multiplies_ends_in_time() {
    let doubling: String = (0..90).map(|at| format!("a{at} = $a{0}$a{0}\n", at + 1)).collect();
    let services: String =
        (0..500).map(|at| format!("s{at} unix - - n - - smtp\n -o smtp_helo_name=h{at}.example\n")).collect();
    let options: String = (0..5000).map(|at| format!(" -o smtp_helo_name=h{at}.example.com\n")).collect();
    let macros: String = (0..40).map(|at| format!("AQ{}Z = AQ{at}ZAQ{at}ZAQ{at}ZAQ{at}Z\n", at + 1)).collect();
    let relays: String = (0..20_000).map(|at| format!("@d{at}.example [r{at}.example]:587\n")).collect();
    let deep = 50_000;
    for (host, path, text, add) in [
        ("postfix-plain", "etc/postfix/main.cf", format!("{doubling}a90 = x\nsmtp_helo_name = $a0\n"), true),
        ("postfix-plain", "etc/postfix/main.cf", format!("{doubling}a90 =\nmyhostname = mail.example.com$a0\n"), true),
        (
            "postfix-plain",
            "etc/postfix/main.cf",
            format!("smtp_helo_name = {}x{}\n", "${a?{".repeat(deep), "}}".repeat(deep)),
            true,
        ),
        (
            "postfix-plain",
            "etc/postfix/main.cf",
            format!("transport_maps = {}static:x{}\n", "unionmap:{".repeat(deep), "}".repeat(deep)),
            true,
        ),
        ("postfix-plain", "etc/postfix/master.cf", services, true),
        ("postfix-plain", "etc/postfix/master.cf", format!("big unix - - n - - smtp\n{options}"), true),
        ("relay-by-sender", "etc/postfix/relay_by_sender", relays, false),
        // Each line names this host elsewhere: one finding with as many places.
        ("postfix-plain", "etc/hosts", "198.51.100.7 mail.example.com\n".repeat(20_000), false),
        ("exim-almalinux", "etc/exim/exim.conf", format!("AQ0Z = x\n{macros}qualify_domain = AQ40Z\n"), false),
        ("exim-almalinux", "etc/exim/exim.conf", ".ifdef X\n".repeat(deep), false),
        (
            "exim-almalinux",
            "etc/exim/exim.conf",
            format!("primary_hostname = {}x{}\n", "${lc:".repeat(deep), "}".repeat(deep)),
            false,
        ),
        ("cpanel-nat", "etc/mailhelo", "*: a\n".to_owned() + &" b.example.com\n".repeat(20_000), false),
    ] {
        let copy = Host::copy(host);
        write(&copy, path, &text, add);
        report(&copy, &format!("{host}: {path}: {}...", text.chars().take(40).collect::<String>()));
    }
}

#[test]
fn include_cycles_end() {
    let host = Host::copy("exim-almalinux");
    let dir = host.dir.path().join("root/etc/exim");
    let was = fs::read_to_string(dir.join("exim.conf")).unwrap();
    for target in ["/etc/exim/exim.conf", "/etc/exim/b.conf"] {
        fs::write(dir.join("exim.conf"), format!(".include {target}\n{was}")).unwrap();
        fs::write(dir.join("b.conf"), ".include /etc/exim/exim.conf\n").unwrap();
        let report = report(&host, &format!("include of {target}"));
        let findings = report["findings"].as_array().unwrap();
        assert!(
            findings.iter().any(|f| f["code"] == "CFG001" || f["code"] == "CFG004"),
            "include of {target}: {findings:?}"
        );
    }
}

#[test]
fn broken_input_of_the_command_line_is_refused_in_words() {
    for input in ["kernel", "zones"] {
        let host = Host::copy("postfix-plain");
        let files = if input == "kernel" { vec![host.dir.path().join("kernel")] } else { host.files("zones") };
        for file in files {
            let was = fs::read(&file).unwrap();
            for fault in [Fault::Truncated, Fault::Binary, Fault::Folder, Fault::Fifo] {
                fault.put(&file, &was);
                let what = format!("{}: {fault:?}", file.display());
                let (code, _, err) = host.check(&what);
                assert!((0..=3).contains(&code), "{what}: exit status {code}");
                assert!(code != 2 || !err.trim().is_empty(), "{what}: no message");
                Fault::undo(&file, &was);
            }
        }
    }
}
