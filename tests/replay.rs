//! `snapshot`, then `check --from S --replay`: the same report, byte for byte, from what was recorded.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary in a plain environment.
fn helolint(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("COLUMNS", "100").current_dir(dir).args(args);
    command.output().expect("the binary runs")
}

/// The fact and DNS options of a scenario, as the harness of the scenarios gives them.
fn options(dir: &Path) -> Vec<String> {
    let mut args = Vec::new();
    for (option, file) in [("--root", "root"), ("--kernel", "kernel"), ("--zones", "zones")] {
        if dir.join(file).exists() {
            args.extend([option.to_owned(), file.to_owned()]);
        }
    }
    let extra = std::fs::read_to_string(dir.join("args")).unwrap_or_default();
    args.extend(extra.lines().map(str::to_owned));
    args
}

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A report without what only the host's files tell: its plan, and how many domains their lists hold.
fn without_files(format: &str, report: &str) -> String {
    if format == "json" {
        let mut report: serde_json::Value = serde_json::from_str(report).expect("a JSON report");
        let fields = report.as_object_mut().expect("an object");
        fields.remove("plan");
        fields.remove("first_step");
        // What the plan settles is given its steps.
        for finding in fields["findings"].as_array_mut().expect("findings") {
            finding.as_object_mut().expect("a finding").remove("fix");
        }
        return report.to_string();
    }
    let mut inside = false;
    let mut kept = String::new();
    for line in report.lines() {
        let is_heading = line.starts_with(|c: char| c.is_alphabetic());
        if is_heading {
            inside =
                ["What to do", "What else", "This host handles mail for"].iter().any(|head| line.starts_with(head))
                    || inside && STEPS.iter().any(|heading| line.starts_with(heading));
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.trim_end().to_owned()
}

/// How the parts of a plan begin: by who acts.
const STEPS: [&str; 5] = ["On this host", "Whoever", "In the DNS", "In the zone", "What remains"];

#[test]
fn every_scenario_gives_the_same_report_from_its_snapshot() {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts");
    let mut seen = 0;
    for dir in std::fs::read_dir(hosts).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let options = options(&dir);
        // Options of the report alone are none of `snapshot`'s.
        if options.iter().any(|arg| {
            ["--select", "--ignore", "--fail-on", "--format", "--baseline", "--moved-from"].contains(&arg.as_str())
        }) {
            continue;
        }
        // A snapshot holds what the host says, not what its settings say of helolint: a replay reads no file.
        if dir.join("root/etc/helolint.toml").exists() {
            continue;
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let file = temporary(&format!("{name}.snapshot"));
        let file = file.to_str().unwrap();
        let taken = helolint(&dir, &[&["snapshot", "-o", file], &options[..]].concat());
        assert!(taken.status.success(), "{name}: {}", String::from_utf8_lossy(&taken.stderr));
        for format in ["human", "json"] {
            let how = ["--color", "never", "--format", format];
            let first = helolint(&dir, &[&["check"], &how[..], &options[..]].concat());
            let again = helolint(Path::new("/"), &[&["check"], &how[..], &["--from", file, "--replay"]].concat());
            let (a, b) = (String::from_utf8_lossy(&first.stdout), String::from_utf8_lossy(&again.stdout));
            assert_eq!(without_files(format, &a), without_files(format, &b), "{name}, {format}");
            assert_eq!(first.status.code(), again.status.code(), "{name}, {format}");
        }
        let _ = std::fs::remove_file(file);
        seen += 1;
    }
    assert!(seen > 90, "{seen}");
}

/// A resolver that says of every address the same name, and of every name the same address; it counts what it is asked.
fn serve() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let packet = &packet[..length];
            let end = 12 + packet[12..].iter().position(|byte| *byte == 0).unwrap();
            let data: &[u8] = match packet[end + 2] {
                12 => b"\x04mail\x07example\x03com\0",
                1 => &[203, 0, 113, 10],
                _ => &[],
            };
            let mut reply = packet[..end + 5].to_vec();
            reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(!data.is_empty()), 0, 0, 0, 0]);
            if !data.is_empty() {
                reply.extend([0xc0, 12, 0, packet[end + 2], 0, 1, 0, 0, 1, 44, 0]);
                reply.push(u8::try_from(data.len()).unwrap());
                reply.extend(data);
            }
            let _ = socket.send_to(&reply, from);
        }
    });
    (address, asked)
}

#[test]
fn answers_of_a_resolver_are_replayed_without_a_packet() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let (server, asked) = serve();
    let file = temporary("live.snapshot");
    let file = file.to_str().unwrap();
    let resolver = format!("local={server}");
    let facts = ["--root", "root", "--kernel", "kernel", "--no-authoritative", "--resolver", &resolver];
    assert!(helolint(&dir, &[&["snapshot", "-o", file], &facts[..]].concat()).status.success());
    let packets = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert!(packets > 0);
    let text = std::fs::read_to_string(file).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let at = &document["observations"][0]["at"];
    assert!(at.as_str().is_some_and(|at| at.starts_with("20")), "the time of the answers is kept");
    assert_eq!(document["taken"], *at, "one time for the whole");
    let replay = |format| helolint(&dir, &["check", "--format", format, "--from", file, "--replay"]).stdout;
    for format in ["human", "json"] {
        let live = helolint(&dir, &[&["check", "--format", format], &facts[..]].concat()).stdout;
        // Two runs ask at two times.
        let without_time = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).into_owned();
            text.lines().filter(|line| !line.trim_start().starts_with("\"taken\": ")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(without_time(&live), without_time(&replay(format)));
    }
    let before = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(replay("human"), replay("human"));
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), before, "a replay asks nobody");
}

#[test]
fn a_plan_goes_over_live_answers_and_over_recorded_ones() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain");
    let (server, _) = serve();
    let resolver = format!("local={server}");
    let facts = ["--root", "root", "--kernel", "kernel", "--no-authoritative", "--resolver", &resolver];
    let plan = temporary("planned.zone");
    std::fs::write(&plan, "$TTL 300\n10.113.0.203.in-addr.arpa PTR mx1.example.com.\n").unwrap();
    let plan = plan.to_str().unwrap();
    let check = |more: &[&str]| {
        let output = helolint(&dir, &[&["check", "--format", "json"], more].concat());
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let planned = check(&[&facts[..], &["--overlay", plan]].concat());
    assert_eq!(planned["planned"], true);
    assert_eq!(
        planned["paths"][0]["ptr"],
        serde_json::json!(["mx1.example.com"]),
        "the plan goes before the live record"
    );
    // What the plan leads to is asked live.
    assert_eq!(planned["paths"][0]["iprev"], "pass");
    let file = temporary("unplanned.snapshot");
    let file = file.to_str().unwrap();
    assert!(helolint(&dir, &[&["snapshot", "-o", file], &facts[..]].concat()).status.success());
    let replayed = check(&["--from", file, "--replay"]);
    assert_eq!((&replayed["planned"], &replayed["paths"][0]["iprev"]), (&serde_json::Value::Null, &"pass".into()));
    let replayed = check(&["--from", file, "--replay", "--overlay", plan]);
    assert_eq!((&replayed["planned"], &replayed["paths"][0]["ptr"][0]), (&true.into(), &"mx1.example.com".into()));
    // Nobody was asked for the new name then, and nobody is now.
    assert_eq!(replayed["paths"][0]["iprev"], "temperror");
}

/// The codes of a report and its paths, `ID SENDING`.
fn judged(dir: &Path, args: &[&str]) -> (Vec<String>, Vec<String>) {
    let output = helolint(dir, &[&["check", "--format", "json"], args].concat());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let texts = |list: &str, of: &dyn Fn(&serde_json::Value) -> String| {
        report[list].as_array().unwrap().iter().map(of).collect::<Vec<String>>()
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    let path = |path: &serde_json::Value| format!("{} {}", text(&path["id"]), text(&path["sending"]));
    (texts("findings", &|finding| text(&finding["code"])), texts("paths", &path))
}

#[test]
fn a_snapshot_is_judged_under_another_nat_map() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/cloud-nat-unknown");
    let file = temporary("nat.snapshot");
    let file = file.to_str().unwrap();
    let facts = ["--root", "root", "--kernel", "kernel", "--zones", "zones"];
    assert!(helolint(&dir, &[&["snapshot", "-o", file], &facts[..]].concat()).status.success());
    let (codes, paths) = judged(&dir, &["--from", file, "--replay"]);
    assert!(codes.contains(&"NET002".into()), "{codes:?}");
    let local = paths[0].clone();
    assert!(local.ends_with(" ?"), "{local}");
    for how in [&["--from", file, "--replay"][..], &["--from", file, "--offline"], &facts] {
        let (codes, paths) = judged(&dir, &[how, &["--public-ip", "203.0.113.77"]].concat());
        assert!(!codes.contains(&"NET002".into()), "{how:?}: {codes:?}");
        assert!(paths[0].ends_with(" 203.0.113.77"), "{how:?}: {paths:?}");
    }
    // A snapshot of an older release holds no senders: its paths count, and so does the option.
    let text = std::fs::read_to_string(file).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let facts = document["facts"].as_object_mut().unwrap();
    assert!(facts.remove("senders").is_some());
    std::fs::write(file, document.to_string()).unwrap();
    let (codes, paths) = judged(&dir, &["--from", file, "--replay", "--public-ip", "203.0.113.77"]);
    assert!(!codes.contains(&"NET002".into()) && paths[0].ends_with(" 203.0.113.77"), "{codes:?} {paths:?}");
}

#[test]
fn conversations_are_judged_again_where_there_were_some() {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts");
    let dir = hosts.join("live-not-reloaded");
    let live = |codes: &[String]| codes.iter().any(|code| code.starts_with("SMT"));
    for (how, found) in [
        (&["--from", "snapshot", "--replay", "--live"][..], true),
        (&["--from", "snapshot", "--replay"], true),
        // Beside what is asked now they would be of then.
        (&["--from", "snapshot", "--offline"], false),
    ] {
        assert_eq!(live(&judged(&dir, how).0), found, "{how:?}");
    }
    let without =
        helolint(&hosts.join("daemon-older-than-config"), &["check", "--from", "snapshot", "--replay", "--live"]);
    let errors = String::from_utf8_lossy(&without.stderr);
    assert_eq!(without.status.code(), Some(2), "{errors}");
    assert!(errors.contains("taken with --live"), "{errors}");
    let elsewhere = helolint(&hosts.join("postfix-plain"), &["check", "--root", "root", "--live"]);
    assert_eq!(elsewhere.status.code(), Some(2));
}

#[test]
fn a_snapshot_is_judged_by_another_mta() {
    let mut sending = std::collections::BTreeSet::new();
    for scenario in ["leftover-exim", "cpanel-leftover-postfix"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(scenario);
        let file = temporary(&format!("{scenario}.mta.snapshot"));
        let file = file.to_str().unwrap();
        let options = options(&dir);
        let facts: Vec<&str> = options.iter().map(String::as_str).collect();
        assert!(helolint(&dir, &[&["snapshot", "-o", file], &facts[..]].concat()).status.success());
        for mta in ["exim", "postfix"] {
            let direct = judged(&dir, &[&facts[..], &["--offline", "--mta", mta]].concat());
            let recorded = judged(&dir, &["--from", file, "--offline", "--mta", mta]);
            assert_eq!(direct, recorded, "{scenario}, {mta}");
            assert!(direct.1.iter().all(|path| path.starts_with(mta)), "{scenario}, {mta}: {:?}", direct.1);
            sending.extend((!direct.1.is_empty()).then_some((scenario, mta)));
        }
    }
    assert!(sending.len() >= 2, "{sending:?}");
}
