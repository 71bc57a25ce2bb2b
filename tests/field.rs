//! Small hosts that each stand for a kind of host of which people wrote in public, and real configurations of public projects.
//!
//! A folder of `testdata/field` holds `README.md` (what is right, and how that is known), `root/`, `kernel`, `zones/` or
//! `snapshot.json` (replayed), `args` (further arguments, one a line) and `expect.json`:
//!
//! - `findings`: exactly the errors and warnings, each `[code, subject, verdict]` with the severity as a fourth where it matters;
//!   `findings_may`: what may stand beside them. Where more than one answer is right: `findings_include`, `findings_exclude` (`*` is
//!   any) and `findings_any` (lists, one of each);
//! - `paths`: exactly `[source, HELO name]`; `helo_origin`: `[HELO name, file]`; `exit`: the status;
//! - `mtimes`: files that are so many hours newer than the others.
//!
//! The same kinds of folders, and the public configurations, are read in ../shared too, where that is.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use walkdir::WalkDir;

/// When every file of a host was last changed: 2026-11-01.
const LAST_CHANGE: u64 = 1_793_520_000;
/// Hosts of `testdata/field`.
const HOSTS: usize = 36;
/// Public configurations that are read at least.
const PUBLIC: usize = 50;
/// Expectations of ../shared that do not stand, and why: case, what it says, what is right.
const CORRECTED: [(&str, &str, &str); 1] =
    // The option is on line 18 of the file, and Exim 4.96 says `error in line 18`.
    [("refused-in-authenticators", "/etc/exim4/exim4.conf:17", "/etc/exim4/exim4.conf:18")];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An empty folder for a copy.
fn fresh(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Copies a folder; every file is of one time then.
fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from).into_iter().map(Result::unwrap) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).unwrap();
        } else if let Ok(link) = fs::read_link(entry.path()) {
            std::os::unix::fs::symlink(link, &target).unwrap();
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
            date(&target, LAST_CHANGE);
        }
    }
}

fn date(file: &Path, seconds: u64) {
    File::options().write(true).open(file).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

/// The report of `check` in a folder, and its status.
fn check(dir: &Path, args: &[&str]) -> (Value, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC").current_dir(dir);
    let output = command.args(["check", "--format", "json"]).args(args).output().unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}: {}", dir.display(), String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code().unwrap())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// A name or subject without what makes no difference.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

/// Whether a finding is the one that `[code, subject, verdict, severity]` describes, as far as that goes.
fn is(finding: &Value, wanted: &Value) -> bool {
    ["code", "subject", "verdict", "severity"].iter().enumerate().all(|(index, key)| match wanted[index].as_str() {
        None | Some("*") => true,
        Some(word) => plain(word) == plain(text(finding, key)),
    })
}

/// What of a report is not as expected.
fn differences(report: &Value, status: i32, expect: &Value) -> Vec<String> {
    let all: Vec<&Value> = list(report, "findings").iter().collect();
    let loud: Vec<&Value> = all.iter().copied().filter(|f| text(f, "severity") != "info").collect();
    // Infos count only where a severity is named.
    let among = |wanted: &Value| if wanted[3].is_string() { all.clone() } else { loud.clone() };
    let has = |wanted: &Value| among(wanted).into_iter().any(|finding| is(finding, wanted));
    let mut wrong = Vec::new();
    for wanted in list(expect, "findings").iter().chain(list(expect, "findings_include")).filter(|wanted| !has(wanted))
    {
        wrong.push(format!("missing {wanted}"));
    }
    if expect["findings"].is_array() {
        let known = |f: &&Value| {
            list(expect, "findings").iter().chain(list(expect, "findings_may")).any(|wanted| is(f, wanted))
        };
        wrong.extend(loud.iter().copied().filter(|f| !known(f)).map(|f| format!("extra {}", shown(f))));
    }
    for unwanted in list(expect, "findings_exclude") {
        let found = among(unwanted).into_iter().filter(|finding| is(finding, unwanted));
        wrong.extend(found.map(|f| format!("false {}", shown(f))));
    }
    for any in list(expect, "findings_any") {
        if !any.as_array().unwrap().iter().any(has) {
            wrong.push(format!("none of {any}"));
        }
    }
    if expect["paths"].is_array() {
        let pair = |source: &Value, helo: &Value| (source.clone().to_string(), helo.as_str().map(plain));
        let got: BTreeSet<_> = list(report, "paths").iter().map(|path| pair(&path["source"], &path["helo"])).collect();
        let wanted: BTreeSet<_> = list(expect, "paths").iter().map(|path| pair(&path[0], &path[1])).collect();
        if got != wanted {
            wrong.push(format!("paths {got:?}"));
        }
    }
    for wanted in list(expect, "helo_origin") {
        let from = |path: &&Value| path["helo"] == wanted[0] && path["helo_origin"]["file"] == wanted[1];
        if list(report, "paths").iter().find(from).is_none() {
            wrong.push(format!("no path with the origin {wanted}"));
        }
    }
    if expect["exit"].as_i64().is_some_and(|exit| exit != i64::from(status)) {
        wrong.push(format!("status {status}"));
    }
    wrong
}

fn shown(finding: &Value) -> String {
    ["severity", "code", "subject", "verdict"].map(|key| text(finding, key)).join(" ")
}

/// The hosts below a folder against their expectations.
fn hosts_agree(folder: &Path, least: usize, corrected: &[(&str, &str, &str)]) {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.join("expect.json").exists());
    assert!(cases.len() >= least, "{} hosts in {}", cases.len(), folder.display());
    let mut wrong = Vec::new();
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let mut expect = fs::read_to_string(case.join("expect.json")).unwrap();
        for (_, says, right) in corrected.iter().filter(|(corrected, ..)| *corrected == name) {
            assert!(expect.contains(says), "{name} has been mended");
            expect = expect.replace(says, right);
        }
        let expect: Value = serde_json::from_str(&expect).unwrap();
        let dir = fresh(&format!("field-{}-{name}", corrected.len()));
        copy(&case, &dir);
        for (file, hours) in expect["mtimes"].as_object().into_iter().flatten() {
            date(&dir.join("root").join(file.trim_start_matches('/')), LAST_CHANGE + 3600 * hours.as_u64().unwrap());
        }
        let kernel = if dir.join("kernel").exists() { "kernel" } else { "kernel.json" };
        let extra = fs::read_to_string(dir.join("args")).unwrap_or_default();
        let mut args = match dir.join("snapshot.json").exists() {
            true => vec!["--from", "snapshot.json", "--replay"],
            false => vec!["--root", "root", "--kernel", kernel, "--zones", "zones"],
        };
        args.extend(extra.split_whitespace());
        let (report, status) = check(&dir, &args);
        wrong.extend(differences(&report, status, &expect).into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hosts_of_the_field_are_judged_right() {
    hosts_agree(&project().join("testdata/field"), HOSTS, &[]);
}

#[test]
fn shared_hosts_of_the_field_are_judged_right() {
    let folder = project().join("../shared/field");
    if folder.is_dir() {
        hosts_agree(&folder, HOSTS, &CORRECTED);
    }
}

/// A public configuration as a host.
struct Public {
    name: String,
    /// With `root` below it.
    dir: PathBuf,
    /// What the real programs say of it, where they refuse it.
    refusals: Vec<String>,
}

/// What postconf and a program of Postfix say of each public main.cf and master.cf.
fn public_postfix(real: &Path) -> Vec<Public> {
    const MASTER: &str =
        "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nrelay unix - - y - - smtp\nlmtp unix - - y - - lmtp\n";
    let mut all = Vec::new();
    for entry in fs::read_dir(real).unwrap().map(Result::unwrap) {
        let file = entry.file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".expected.json") else { continue };
        let recorded: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
        let read = |ending: &str| fs::read(real.join(format!("{name}.{ending}"))).ok();
        let dir = fresh(&format!("public-{name}"));
        let folder = dir.join("root/etc/postfix");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("main.cf"), read("cf").unwrap()).unwrap();
        fs::write(folder.join("master.cf"), read("master.cf").unwrap_or_else(|| MASTER.into())).unwrap();
        let refused = |part: &str| {
            let mut messages = list(&recorded[part], "messages").iter().filter(|m| text(m, "level") == "fatal");
            messages.next_back().filter(|_| recorded[part]["rc"] == 1).map(|message| text(message, "text").to_owned())
        };
        all.push(Public {
            name: name.to_owned(),
            dir,
            refusals: ["daemon_load", "master"].into_iter().filter_map(refused).collect(),
        });
    }
    all
}

/// The same of Exim; configurations that are parts of one have no record.
fn public_exim(real: &Path) -> Vec<Public> {
    let mut all = Vec::new();
    for case in fs::read_dir(real).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(recorded) = fs::read(case.join("expected.json")) else { continue };
        let recorded: Value = serde_json::from_slice(&recorded).unwrap();
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let dir = fresh(&format!("public-{name}"));
        copy(&case.join("root"), &dir.join("root"));
        let refusal = (recorded["ok"] == false).then(|| text(&recorded["error"], "text").to_owned());
        all.push(Public { name, dir, refusals: refusal.into_iter().collect() });
    }
    all
}

/// Why a finding of the family CFG is true; `None` where nothing here says so.
fn is_true(public: &Public, finding: &Value) -> Option<()> {
    let root = public.dir.join("root");
    let (code, subject, message) = (text(finding, "code"), text(finding, "subject"), text(finding, "message"));
    let words = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>().join("/");
    let read = |file: &str| fs::read_to_string(root.join("etc/postfix").join(file)).unwrap_or_default();
    let holds = match code {
        // The real programs refuse it in the same words; or they refuse it when they deliver, and nobody asked them.
        "CFG001" if text(finding, "verdict") == "undetermined" => !public.refusals.is_empty(),
        "CFG001" if message.contains("fails: Tainted filename") => true,
        "CFG001" => public.refusals.iter().any(|refusal| {
            let last = refusal.lines().last().unwrap_or_default().trim();
            // Of a field of master.cf postconf and the master, which was not asked, have words of their own.
            let field = message.split_once("bad value: \"").and_then(|(_, rest)| rest.split('"').next());
            message.contains(last.split("@DIR@").last().unwrap_or_default())
                || field.is_some_and(|field| refusal.contains(&format!("field \"{field}\"")))
        }),
        // Nothing sets the name.
        "CFG003" => {
            !read("main.cf").lines().any(|line| line.split('=').next().is_some_and(|name| name.trim() == subject))
        }
        // A public project rarely publishes its tables.
        "CFG004" => !root.join(subject.trim_start_matches('/')).exists(),
        "CFG013" => {
            let service = subject.rsplit_once(':').map_or(subject, |(_, service)| service);
            read("master.cf").lines().filter(|line| words(line) == service).count() > 1
        }
        "CFG017" => !read("master.cf").lines().any(|line| words(line) == format!("{subject}/unix")),
        _ => text(finding, "severity") == "info",
    };
    holds.then_some(())
}

#[test]
fn public_configurations_have_no_false_finding() {
    let oracle = project().join("../shared/oracle");
    if !oracle.is_dir() {
        return;
    }
    let mut all = public_postfix(&oracle.join("postfix/real"));
    all.extend(public_exim(&oracle.join("exim/real")));
    assert!(all.len() >= PUBLIC, "{} public configurations", all.len());
    let kernel = json!({
        "node_name": "mail1.example.com",
        "fqdn": "mail1.example.com",
        "addresses": [{"interface": "eth0", "address": "192.0.2.25", "prefix_length": 24, "flags": []}],
        "source": {"ipv4": "192.0.2.25", "ipv6": null},
    });
    let mut wrong = Vec::new();
    for public in &all {
        fs::write(public.dir.join("kernel"), kernel.to_string()).unwrap();
        let (report, _) = check(&public.dir, &["--root", "root", "--kernel", "kernel", "--offline"]);
        let findings = list(&report, "findings").iter().filter(|f| text(f, "code").starts_with("CFG"));
        let untrue = findings.filter(|finding| is_true(public, finding).is_none());
        wrong.extend(untrue.map(|f| format!("{}: {}: {}", public.name, shown(f), text(f, "message"))));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
