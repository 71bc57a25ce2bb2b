//! `helolint demo`: the report of a scenario, from the program alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What stands before the report for people, and on standard error for all others.
const MADE_UP: &str =
    "A made-up host, to show what a report is like: nothing was read on this host, and nothing was sent.";

/// The program in a folder without files, with an environment in which there is no file to be found.
fn demo(args: &[&str]) -> Output {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("COLUMNS", "100").current_dir(empty.path());
    let output = command.arg("demo").args(args).output().expect("the binary runs");
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    output
}

fn expected(format: &str) -> String {
    let file: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-old-ptr/expected").join(format);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn the_report_is_that_of_the_recorded_host() {
    let output = demo(&[]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    assert_eq!(text(&output.stdout), format!("{MADE_UP}\n\n{}", expected("human.txt")));
}

#[test]
fn other_formats_have_the_notice_beside_them() {
    for format in ["json", "ndjson", "junit", "nagios", "checkmk", "github", "markdown"] {
        let output = demo(&["--format", format]);
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(text(&output.stderr), format!("helolint: {MADE_UP}\n"), "{format}");
        let version = env!("CARGO_PKG_VERSION");
        let report = text(&output.stdout).replace(&format!("\"{version}\""), "\"VERSION\"");
        assert_eq!(report, expected(format), "{format}");
    }
}

#[test]
fn less_and_more_can_be_asked_for() {
    let [quiet, usual, verbose] = [&["-q"][..], &[], &["-v"]].map(|args| text(&demo(args).stdout));
    assert!(quiet.starts_with(MADE_UP) && quiet.contains("error[PTR003]") && !quiet.contains("main.cf:17"), "{quiet}");
    assert!(quiet.len() < usual.len() && usual.len() < verbose.len());
    assert!(text(&demo(&["--color", "always"]).stdout).contains("\u{1b}["));
    assert_eq!(demo(&["--root", "/"]).status.code(), Some(2), "it takes no host");
    assert_eq!(demo(&["--format", "json=x"]).status.code(), Some(2));
}
