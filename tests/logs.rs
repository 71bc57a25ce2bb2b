//! `--log`: files, pipes and journals, read in the process without rights; what strangers wrote stays there.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::Value;

fn host(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(name)
}

/// A check of a recorded host with `--log`, which asks nobody.
fn check(host: &Path, log: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(["check", "--offline", "--format", "json", "--root"]).arg(host.join("root"));
    command.arg("--kernel").arg(host.join("kernel")).arg("--log").args(log);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// The report of a check that is given `text` on standard input.
fn piped(text: &[u8]) -> Value {
    let mut run = check(&host("postfix-plain"), &["-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = run.stdin.take().unwrap();
    let text = text.to_vec();
    let writer = thread::spawn(move || input.write_all(&text));
    let output = run.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    report(&output)
}

/// How many refusals each known reply has.
fn counts(report: &Value) -> Vec<(String, u64)> {
    let refused = report["log"]["refused"].as_array().expect("refusals");
    refused.iter().map(|one| (one["reply"].as_str().unwrap().to_owned(), one["count"].as_u64().unwrap())).collect()
}

fn codes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// What Postfix logs of a delivery that was refused, so many minutes ago.
fn refused(minutes: i64, queue: usize, stamp: &str) -> String {
    let at = Timestamp::from_second(Timestamp::now().as_second() - minutes * 60).unwrap();
    format!("{} mail postfix/smtp[77]: {}\n", at.strftime(stamp), words(queue))
}

fn words(queue: usize) -> String {
    format!(
        "4b{queue:05X}: to=<anna.secret@private.example>, relay=mx.example.net[198.51.100.25]:25, delay=1, dsn=4.7.1, status=deferred (host \
         mx.example.net[198.51.100.25] said: 450 4.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.10] (in reply to \
         RCPT TO command))"
    )
}

const SYSLOG: &str = "%b %e %H:%M:%S";
const RFC_3339: &str = "%Y-%m-%dT%H:%M:%S.123456+00:00";

#[test]
fn standard_input_is_read_whatever_the_stamps() {
    for stamp in [SYSLOG, RFC_3339] {
        let text: String = (0..20).map(|n| refused(60 - n, usize::try_from(n).unwrap(), stamp)).collect();
        let report = piped(text.as_bytes());
        assert_eq!(counts(&report), [("postfix-unknown-reverse".to_owned(), 20)], "{stamp}");
        assert_eq!(report["log"]["files"][0]["name"], "-");
        assert!(codes(&report).contains(&"LOG001".to_owned()));
        let whole = report.to_string();
        for private in ["anna", "private.example", "4b000"] {
            assert!(!whole.contains(private), "{private}");
        }
    }
}

#[test]
fn a_journal_is_read_from_its_export() {
    let micros = Timestamp::now().as_microsecond() - 60_000_000;
    let mut text = Vec::new();
    for queue in 0..5 {
        write!(text, "__CURSOR=s=1;i={queue}\n__REALTIME_TIMESTAMP={micros}\n_HOSTNAME=mail\n").unwrap();
        writeln!(text, "SYSLOG_IDENTIFIER=postfix/smtp\n_PID=77\nMESSAGE\n").unwrap();
        text.pop();
        let message = words(queue);
        text.extend(u64::try_from(message.len()).unwrap().to_le_bytes());
        writeln!(text, "{message}\n").unwrap();
    }
    assert_eq!(counts(&piped(&text)), [("postfix-unknown-reverse".to_owned(), 5)]);
}

#[test]
fn files_are_read_packed_or_not_and_what_cannot_be_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..50).map(|n| refused(5, n, RFC_3339)).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let name = dir.path().join("log");
    let read = |content: &[u8]| {
        fs::write(&name, content).unwrap();
        report(&check(&host("postfix-plain"), &[name.to_str().unwrap()]).output().unwrap())
    };
    for content in [text.as_bytes(), &gzip] {
        assert_eq!(counts(&read(content)), [("postfix-unknown-reverse".to_owned(), 50)]);
    }
    let cut = read(&gzip[..gzip.len() - 20]);
    assert!(cut["log"]["not_read"][0].as_str().unwrap().contains("ends in the middle"), "{cut}");
    let xz = read(b"\xfd7zXZ\0\0");
    assert!(xz["log"]["not_read"][0].as_str().unwrap().contains("packed with xz"), "{xz}");
    let undetermined = xz["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "LOG001").unwrap();
    assert_eq!(undetermined["verdict"], "undetermined");
}

#[test]
fn a_pipe_without_writer_and_what_is_no_file_do_not_halt_it() {
    let dir = tempfile::tempdir().unwrap();
    let host_dir = dir.path().join("host");
    assert!(Command::new("cp").arg("-a").arg(host("postfix-plain")).arg(&host_dir).status().unwrap().success());
    let logs = host_dir.join("root/var/log");
    fs::create_dir_all(&logs).unwrap();
    nix_fifo(&logs.join("mail.log"));
    let began = Instant::now();
    let report = report(&check(&host_dir, &[]).output().unwrap());
    assert!(report["log"]["not_read"][0].as_str().unwrap().contains("is a FIFO"), "{report}");
    let given = dir.path().join("fifo");
    nix_fifo(&given);
    check(&host("postfix-plain"), &[given.to_str().unwrap()]).output().unwrap();
    let folder = check(&host("postfix-plain"), &["/"]).output().unwrap();
    assert_eq!(folder.status.code(), Some(2));
    assert!(began.elapsed() < Duration::from_secs(30));
}

fn nix_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_log_that_grows_is_read_as_far_as_it_went() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().join("log");
    let text: String = (0..20_000).map(|n| refused(5, n, RFC_3339)).collect();
    fs::write(&name, &text).unwrap();
    let mut grows = File::options().append(true).open(&name).unwrap();
    let run = check(&host("postfix-plain"), &[name.to_str().unwrap()]).spawn().unwrap();
    let writer = thread::spawn(move || {
        for n in 20_000..40_000 {
            grows.write_all(refused(1, n, RFC_3339).as_bytes()).unwrap();
        }
    });
    let output = run.wait_with_output().unwrap();
    writer.join().unwrap();
    let [(_, count)] = &counts(&report(&output))[..] else { panic!("one kind") };
    assert!((20_000..=40_000).contains(count), "{count}");
}

#[test]
fn a_snapshot_holds_what_the_log_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (log, snapshot) = (dir.path().join("log"), dir.path().join("snapshot"));
    fs::write(&log, refused(5, 1, RFC_3339)).unwrap();
    let scenario = host("postfix-plain");
    let mut take = Command::new(env!("CARGO_BIN_EXE_helolint"));
    take.args(["snapshot", "--offline", "-o"]).arg(&snapshot).arg("--root").arg(scenario.join("root"));
    assert!(take.arg("--kernel").arg(scenario.join("kernel")).arg("--log").arg(&log).status().unwrap().success());
    let text = fs::read_to_string(&snapshot).unwrap();
    assert!(!text.contains("anna") && !text.contains("private.example"));
    let mut replay = Command::new(env!("CARGO_BIN_EXE_helolint"));
    let output = replay.args(["check", "--format", "json", "--replay", "--from"]).arg(&snapshot).output().unwrap();
    let report = report(&output);
    assert_eq!(counts(&report), [("postfix-unknown-reverse".to_owned(), 1)]);
    let mut none = Command::new(env!("CARGO_BIN_EXE_helolint"));
    let output = none.args(["check", "--offline", "--log", "--from"]).arg(&snapshot).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a snapshot has no logs");
}
