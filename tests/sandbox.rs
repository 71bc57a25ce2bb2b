//! What strangers send is read in a process that can do nothing else: looked at from outside, while a name server keeps it waiting.

use std::fs;
use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A name server that hears questions and gives no answer.
fn silent_server() -> UdpSocket {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    server
}

/// A check of a recorded host that asks `server` alone.
fn check(server: &UdpSocket, further: &[&str]) -> Child {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.arg("check").arg("--root").arg(host.join("root")).arg("--kernel").arg(host.join("kernel"));
    let timeout = if further.contains(&"-o") { "3" } else { "1" };
    command
        .args(["--no-authoritative", "--timeout", timeout, "--resolver"])
        .arg(server.local_addr().unwrap().to_string());
    command.args(further).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}

/// Waits for the first question.
fn asked(server: &UdpSocket) {
    server.recv(&mut [0; 512]).expect("a question comes");
}

/// The numbers of the processes that `pid` has started.
fn children(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|child| status(*child, "PPid").is_some_and(|parent| parent == pid.to_string())).collect()
}

/// A field of `/proc/PID/status`.
fn status(pid: u32, field: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What a process has open, where that may be seen.
fn open_files(pid: u32) -> Option<Vec<PathBuf>> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    Some(open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).collect())
}

/// Waits until something holds.
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn is_root() -> bool {
    status(std::process::id(), "Uid").is_some_and(|ids| ids.starts_with("0 0"))
}

#[test]
fn the_process_that_reads_answers_has_no_rights() {
    let server = silent_server();
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    let run = check(&server, &["-o", report.to_str().unwrap()]);
    asked(&server);
    let [child] = children(run.id())[..] else { panic!("one child: {:?}", children(run.id())) };
    let field = |name: &str| status(child, name).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!((field("NoNewPrivs").as_str(), field("Seccomp").as_str()), ("1", "2"));
    if is_root() {
        assert_eq!(field("CapBnd"), "0000000000000000");
        assert_eq!(
            (field("Uid"), field("Gid"), field("Groups")),
            ("65534 65534 65534 65534".into(), "65534 65534 65534 65534".into(), String::new())
        );
    }
    let limits = fs::read_to_string(format!("/proc/{child}/limits")).unwrap();
    for limit in ["Max address space", "Max cpu time", "Max processes"] {
        assert!(limits.lines().any(|line| line.starts_with(limit) && !line.contains("unlimited")), "{limit}: {limits}");
    }
    // Nothing of the host, and not the report to be.
    if let Some(open) = open_files(child) {
        let file = |path: &&PathBuf| path.is_absolute() && !path.starts_with("/dev/null");
        assert_eq!(open.iter().find(file), None, "{open:?}");
    }
    assert!(!report.exists());
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(fs::read_to_string(report).unwrap().contains("no answer"), "the parent wrote what the child said");
}

#[test]
fn a_log_is_open_in_the_process_without_rights_alone_and_only_while_it_is_read() {
    let server = silent_server();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    nix::unistd::mkfifo(&log, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Open both ways, so that there is a writer from the start.
    let writer = fs::File::options().read(true).write(true).open(&log).unwrap();
    let run = check(&server, &["--log", log.to_str().unwrap()]);
    until(
        "a child without rights",
        || matches!(children(run.id())[..], [child] if status(child, "Seccomp").as_deref() == Some("2")),
    );
    let [child] = children(run.id())[..] else { panic!("one child") };
    let has_it = |pid: u32| open_files(pid).map(|open| open.contains(&log));
    assert_eq!(has_it(run.id()), Some(false), "the parent has closed it");
    assert_ne!(has_it(child), Some(false));
    drop(writer);
    asked(&server);
    assert_ne!(has_it(child), Some(true), "it was read before anybody was asked");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn reports_of_other_hosts_are_read_in_the_process_without_rights() {
    let dir = tempfile::tempdir().unwrap();
    let (report, view) = (dir.path().join("report"), dir.path().join("view"));
    nix::unistd::mkfifo(&report, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Open both ways, so that there is a writer from the start.
    let mut writer = fs::File::options().read(true).write(true).open(&report).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["merge", "--format", "json", "-o"]).arg(&view).arg(&report);
    let run = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(
        "a child without rights",
        || matches!(children(run.id())[..], [child] if status(child, "Seccomp").as_deref() == Some("2")),
    );
    let [child] = children(run.id())[..] else { panic!("one child") };
    let field = |name: &str| status(child, name).unwrap();
    assert_eq!((field("CapEff").as_str(), field("NoNewPrivs").as_str()), ("0000000000000000", "1"));
    if is_root() {
        assert_eq!((field("Uid"), field("Groups")), ("65534 65534 65534 65534".into(), String::new()));
    }
    if let Some(open) = open_files(child) {
        let file = |path: &&PathBuf| path.is_absolute() && !path.starts_with("/dev/null");
        assert_eq!(open.iter().find(file), None, "neither the report nor the view: {open:?}");
    }
    let text = r#"{"schema":1,"host":{"node_name":"a","fqdn":null,"addresses":null},"paths":[],"findings":[]}"#;
    writer.write_all(text.as_bytes()).unwrap();
    drop(writer);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(fs::read_to_string(view).unwrap().contains("\"healthy\": 1"), "the parent wrote what the child said");
}

#[test]
fn who_is_ended_leaves_neither_child_nor_file() {
    let server = silent_server();
    let dir = tempfile::tempdir().unwrap();
    let mut run = check(&server, &["-o", dir.path().join("report").to_str().unwrap()]);
    asked(&server);
    let children = children(run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(2);
    while children.iter().any(|child| status(*child, "State").is_some_and(|state| !state.starts_with('Z'))) {
        assert!(Instant::now() < end, "{children:?} live on");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn root_that_may_not_signal_others_ends_its_child_all_the_same() {
    let without = ["--bounding-set=-kill", "--inh-caps=-kill"];
    let known = Command::new("setpriv").args(without).arg("true").output().is_ok_and(|output| output.status.success());
    if !is_root() || !known {
        return;
    }
    let server = silent_server();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let mut command = Command::new("setpriv");
    command.args(without).arg(env!("CARGO_BIN_EXE_helolint")).args(["domains", "--domains", "-", "--format", "ndjson"]);
    command.arg("--root").arg(host.join("root")).arg("--kernel").arg(host.join("kernel"));
    command.arg("--resolver").arg(server.local_addr().unwrap().to_string());
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    run.stdin.take().unwrap().write_all(b"example.com\n").unwrap();
    asked(&server);
    let [child] = children(run.id())[..] else { panic!("one child") };
    // As one that was taken over, which does nothing any more and lets no signal through that it can hold back.
    let number = |pid: u32| nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(number(child), nix::sys::signal::Signal::SIGSTOP).unwrap();
    until("it stands still", || status(child, "State").is_some_and(|state| state.starts_with('T')));
    assert_eq!(status(run.id(), "CapEff").map(|set| u64::from_str_radix(&set, 16).unwrap() >> 5 & 1), Some(0));
    // Nobody reads what the child would say: it is ended.
    drop(run.stdout.take());
    run.wait().unwrap();
    assert_eq!(status(child, "State"), None, "it is gone, and was waited for");
}

#[test]
fn what_the_kernel_lacks_is_said_where_asked_for() {
    let server = silent_server();
    let output = check(&server, &["-v"]).wait_with_output().unwrap();
    let missing = String::from_utf8_lossy(&output.stderr).contains("sandbox: not here: ");
    let server = silent_server();
    let output = check(&server, &["--require-sandbox"]).wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(if missing { 2 } else { 3 }), "{errors}");
    assert_eq!(errors.contains("--require-sandbox: not here: "), missing, "{errors}");
    // Where nothing is sent, nothing is needed.
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["check", "--offline", "--require-sandbox", "--root"]).arg(host.join("root"));
    let output = command.arg("--kernel").arg(host.join("kernel")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn another_reading_of_its_own_files_ends_in_words() {
    let server = silent_server();
    let dir = tempfile::tempdir().unwrap();
    let planned = dir.path().join("planned");
    fs::write(&planned, "nonsense\n").unwrap();
    let output = check(&server, &["--overlay", planned.to_str().unwrap()]).wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("planned (given with --overlay): "), "{errors}");
}
