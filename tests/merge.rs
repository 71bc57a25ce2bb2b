//! `helolint merge`: reports of many hosts, as `helolint check` writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Reports of the fleet in these tests.
const HOSTS: usize = 20;
/// Reports of a fleet as large as was promised.
const MANY: usize = 10_000;
/// Values that are read of a snapshot, and of one list in it.
const SNAPSHOT_VALUES: usize = 500_000;
const IN_ONE_LIST: usize = 50_000;
/// Memory that merging them may take, in kB.
const MEMORY: u64 = 200_000;

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-old-ptr")
}

/// The program in a plain environment.
fn helolint(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("COLUMNS", "100").args(args);
    command
}

/// A command over the recorded host, whose PTR record names another one.
fn on_the_host(command: &str, args: &[&str]) -> String {
    let mut run = helolint(&[command]);
    for (option, name) in [("--root", "root"), ("--kernel", "kernel"), ("--zones", "zones")] {
        run.arg(option).arg(scenario().join(name));
    }
    text(&run.args(args).output().unwrap().stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The same report of another host: its own names and addresses, the PTR name that all have.
fn of_host(report: &str, number: usize) -> String {
    let address = format!("203.0.{}.{}", 113 + number / 200, 10 + number % 200);
    report.replace("mail.example.com", &format!("mail{number}.example.com")).replace("203.0.113.10", &address)
}

/// A folder with a fleet: JSON reports, one as ndjson, one as a snapshot, and what is no report.
fn fleet() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let json = on_the_host("check", &["--format", "json"]);
    for number in 0..HOSTS - 2 {
        let mut report = of_host(&json, number);
        if number >= HOSTS / 2 {
            // These have PTR names of their own.
            report = report.replace("mx-old.example.com", &format!("mx{number}.example.com"));
        }
        if number == 7 {
            report = report.replace("mail7.example.com", "mail6.example.com");
        }
        fs::write(dir.path().join(format!("{number:02}.json")), report).unwrap();
    }
    let lines = on_the_host("check", &["--format", "ndjson"]).replace("mx-old", "mx-lines");
    fs::write(dir.path().join("lines.ndjson"), of_host(&lines, 50)).unwrap();
    let snapshot = on_the_host("snapshot", &[]).replace("203.0.113.10", "203.0.113.99");
    let snapshot = snapshot.replace("10.113.0.203.in-addr", "99.113.0.203.in-addr").replace("mx-old", "mx-snap");
    fs::write(dir.path().join("snapshot.json"), snapshot).unwrap();
    fs::write(dir.path().join("broken.json"), "{\n\"schema\": 1,\n\"host\": \u{1b}[2J").unwrap();
    fs::write(dir.path().join("domains.json"), "{\"schema\": 1, \"domains\": []}").unwrap();
    fs::write(dir.path().join("notes.txt"), "no report, and no name of one").unwrap();
    dir
}

fn merge(dir: &Path, args: &[&str]) -> Output {
    helolint(&["merge"]).args(args).arg(dir).output().unwrap()
}

#[test]
fn twenty_hosts_in_one_view() {
    let fleet = fleet();
    let output = merge(fleet.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "each host has an error");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["summary"]["hosts"].as_u64(), json["summary"]["error"].as_u64()), (Some(20), Some(20)));
    assert_eq!(json["bounded"], false);
    let hosts = json["hosts"].as_array().unwrap();
    let named = |name: &str| hosts.iter().find(|host| host["name"] == name).unwrap_or_else(|| panic!("{name}"));
    for name in ["mail0.example.com", "mail50.example.com", "mail.example.com"] {
        let host = named(name);
        let counts = ["error", "warning", "info", "undetermined"].map(|key| host[key].as_u64().unwrap());
        assert_eq!((counts, &host["worst"]["code"]), ([1, 1, 0, 0], &Value::from("PTR003")), "{host}");
    }
    // Two machines go by one name: their addresses tell them apart.
    let shared: Vec<(String, usize)> = json["shared"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (format!("{} {}", one["what"], one["value"]).replace('"', ""), one["hosts"].as_array().unwrap().len())
        })
        .collect();
    let expected = [("host-name mail6.example.com", 2), ("helo mail6.example.com", 2), ("ptr mx-old.example.com", 10)];
    assert_eq!(shared, expected.map(|(words, hosts)| (words.to_owned(), hosts)));
    let groups: Vec<(&str, usize)> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["code"].as_str().unwrap(), group["hosts"].as_array().unwrap().len()))
        .collect();
    assert_eq!(groups, [("PTR003", 20), ("HLO004", 20)]);
    let unread: Vec<(bool, u64)> = json["unread"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["file"].as_str().unwrap().ends_with("broken.json"), one["line"].as_u64().unwrap()))
        .collect();
    assert_eq!(unread, [(true, 3), (false, 1)]);
    let errors = text(&output.stderr);
    assert!(errors.contains("broken.json:3: ") && errors.contains("domains.json:1: neither a report"), "{errors}");
    assert!(!errors.contains('\u{1b}'), "{errors:?}");
}

#[test]
fn each_format_and_each_way_to_name_reports() {
    let fleet = fleet();
    let human = text(&merge(fleet.path(), &[]).stdout);
    assert!(
        human.starts_with(
            "20 hosts: 20 with errors; 3 names or addresses claimed by more than one host; 2 files not read\n"
        ),
        "{human}"
    );
    let row = |name: &str| {
        let mut rows = human.lines().filter(|line| line.starts_with(&format!("{name} ")));
        rows.next().unwrap_or_else(|| panic!("{name}: {human}")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(row("mail10.example.com").starts_with("mail10.example.com error 1 1 PTR003 no PTR name of"), "{human}");
    // Two have this name.
    for number in ["06", "07"] {
        let called = format!("mail6.example.com ({}/{number}.json)", fleet.path().display());
        assert!(row(&called).starts_with(&format!("{called} error 1 1 PTR003 no PTR")), "{human}");
    }
    let csv = text(&merge(fleet.path(), &["--format", "csv"]).stdout);
    assert_eq!(csv.lines().count(), 21, "{csv}");
    let markdown = text(&merge(fleet.path(), &["--format", "markdown"]).stdout);
    assert!(markdown.contains("| host name | `mail6.example.com` |"), "{markdown}");
    let one = fleet.path().join("03.json");
    let out = fleet.path().join("out.csv");
    let output = helolint(&["merge", "--format", "csv", "-o"]).arg(&out).arg(&one).arg(&one).output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stdout), text(&output.stderr)),
        (Some(1), String::new(), String::new())
    );
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 2, "one host, though named twice");
}

#[test]
fn the_exit_status_is_that_of_the_worst_host() {
    let dir = tempfile::tempdir().unwrap();
    let status = |args: &[&str]| merge(dir.path(), args).status.code();
    assert_eq!(status(&[]), Some(2), "an empty folder");
    fs::write(dir.path().join("x.json"), "{}").unwrap();
    assert_eq!(status(&[]), Some(2), "none could be read");
    let error = text(&merge(dir.path(), &["--format", "json"]).stderr);
    assert!(error.contains("x.json:1: neither") && error.contains("no report to be read"), "{error}");
    let report = on_the_host("check", &["--format", "json", "--ignore", "PTR"]);
    fs::write(dir.path().join("warning.json"), &report).unwrap();
    assert_eq!([status(&[]), status(&["--fail-on", "warning"])], [Some(3), Some(1)], "one could not be read");
    fs::remove_file(dir.path().join("x.json")).unwrap();
    assert_eq!([status(&[]), status(&["--fail-on", "warning"])], [Some(0), Some(1)]);
    let open = of_host(&report, 1).replace("\"verdict\": \"fail\"", "\"verdict\": \"undetermined\"");
    fs::write(dir.path().join("open.json"), open.replace("\"warning\"", "\"error\"")).unwrap();
    assert_eq!([status(&[]), status(&["--fail-on", "never"])], [Some(3), Some(0)]);
    assert_eq!(helolint(&["merge"]).status().unwrap().code(), Some(2), "no report is named");
}

#[test]
fn no_file_forges_a_line_or_hides_what_another_host_reports() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let victim = on_the_host("check", &["--format", "json"]);
    let mut forged: Value = serde_json::from_str(&victim).unwrap();
    forged["findings"] = Value::Array(Vec::new());
    forged["taken"] = "2026-11-01T00:00:00Z".into();
    write("victim.json", &victim);
    write("evil.json", &forged.to_string());
    forged["taken"] = "zzz".into();
    write("z\nhelolint: all is well\nq.json", &forged.to_string());
    let output = merge(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "the victim has an error");
    let (human, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(human.starts_with("2 hosts: 1 with errors, 1 healthy;"), "{human}");
    assert!(human.contains("several reports say they are mail.example.com: "), "{human}");
    assert!(errors.lines().count() == 1 && errors.contains("`zzz`, which is no time"), "{errors}");
    assert!(errors.contains("/z\\nhelolint: all is well\\nq.json:1: "), "{errors}");
    let output = helolint(&["merge", "-o", "no\nfolder/x"]).arg(dir.path()).output().unwrap();
    assert!(text(&output.stderr).starts_with("helolint: cannot write no\\nfolder/x: "), "{output:?}");
}

#[test]
fn one_report_takes_no_more_memory_than_its_text_allows() {
    let dir = tempfile::tempdir().unwrap();
    let host = r#"{"schema":1,"host":{"node_name":"a","fqdn":null,"addresses":null},"findings":[],"paths":["#;
    fs::write(dir.path().join("large.json"), format!("{host}{}{{}}]}}", "{},".repeat(3_000_000))).unwrap();
    fs::write(dir.path().join("small.json"), on_the_host("check", &["--format", "json"])).unwrap();
    let output = merge(dir.path(), &["--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["summary"]["hosts"], 1);
    assert_eq!(json["unread"][0]["problem"], "it has more than the 10000 paths that are read of a report");
}

#[test]
fn what_the_kernel_lacks_ends_the_run_where_all_is_required() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("one.json"), on_the_host("check", &["--format", "json"])).unwrap();
    let missing = text(&merge(dir.path(), &["-v"]).stderr).contains("sandbox: not here: ");
    let output = merge(dir.path(), &["--require-sandbox"]);
    let (human, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(if missing { 2 } else { 1 }), "{errors}");
    assert_eq!((errors.contains("--require-sandbox: not here: "), human.is_empty()), (missing, missing), "{errors}");
}

/// Run with `--ignored`: it writes 10,000 files. What is kept of each host is counted in the library's own tests.
#[test]
#[ignore = "writes 10,000 reports"]
fn ten_thousand_reports_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let json = on_the_host("check", &["--format", "json"]);
    for number in 0..MANY {
        fs::write(dir.path().join(format!("{number}.json")), of_host(&json, number)).unwrap();
    }
    let output = merge(dir.path(), &["--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["summary"]["hosts"].as_u64(), Some(MANY as u64));
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    let peak = u64::try_from(used.max_rss()).unwrap();
    println!("{peak} kB");
    assert!(peak < MEMORY, "{peak} kB");
}

/// Run with `--ignored`: it writes snapshots as large as one may be, each of something else.
#[test]
#[ignore = "writes four snapshots of 20 MB each"]
fn the_largest_snapshots_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot: Value = serde_json::from_str(&on_the_host("snapshot", &[])).unwrap();
    let left = SNAPSHOT_VALUES - values(&snapshot);
    let observation = snapshot["observations"].as_array().unwrap().iter().find(|said| said["rcode"] == "NOERROR");
    let observation = observation.unwrap().clone();
    let parameter = snapshot["facts"]["postfix"][0]["parameters"]["myhostname"].clone();
    for (name, list, one) in [
        ("observations", "/observations", observation),
        ("paths", "/facts/paths", snapshot["facts"]["paths"][0].clone()),
        ("services", "/facts/postfix/0/services", snapshot["facts"]["postfix"][0]["services"][0].clone()),
        ("parameters", "/facts/postfix/0/parameters", parameter),
    ] {
        let mut large = snapshot.clone();
        for number in 0..(left / values(&one)).min(IN_ONE_LIST) - 100 {
            let mut one = one.clone();
            if let Some(question) = one.get_mut("question") {
                *question = format!("mail{number}.example.com. A").into();
            }
            match large.pointer_mut(list).unwrap() {
                Value::Array(all) => all.push(one),
                Value::Object(all) => drop(all.insert(format!("parameter_{number}"), one)),
                other => unreachable!("{other}"),
            }
        }
        let text = serde_json::to_string_pretty(&large).unwrap();
        println!("{name}: {} values, {} bytes", values(&large), text.len());
        fs::write(dir.path().join(format!("{name}.json")), text).unwrap();
    }
    let output = merge(dir.path(), &["--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["unread"], Value::Array(Vec::new()));
    let used = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    let peak = u64::try_from(used.max_rss()).unwrap();
    println!("{peak} kB");
    assert!(peak < MEMORY, "{peak} kB");
}

/// Values in a JSON text.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(all) => 1 + all.iter().map(values).sum::<usize>(),
        Value::Object(all) => 1 + all.values().map(values).sum::<usize>(),
        _ => 1,
    }
}
