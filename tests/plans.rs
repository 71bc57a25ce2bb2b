//! Every plan of every scenario is carried out on a copy, action by action: edits by patch(1), records in the zone files, what the kernel
//! would say in its recording. Then the host is checked again: what the plan says to remain is left, exactly, and no error is new. The
//! commands of a step, run by a shell, make the files that its diffs make.

#[path = "plans/zone.rs"]
mod zone;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

/// When every file of a host was last changed, in seconds since 1970, and when a plan is carried out.
const LAST_CHANGE: u64 = 1_793_491_200;
const LATER: u64 = LAST_CHANGE + 20 * 86_400;
/// Scenarios whose plan cannot be carried out here, and why.
const NOT_HERE: [(&str, &str); 1] = [("map-not-compiled", "postmap(1) makes the compiled form, and is not everywhere")];

type Keys = BTreeSet<(String, String)>;

struct Host {
    dir: tempfile::TempDir,
    args: Vec<String>,
    when: u64,
}

impl Host {
    fn copy(scenario: &Path) -> Host {
        let dir = tempfile::tempdir().unwrap();
        assert!(Command::new("cp").arg("-a").arg(scenario).arg(dir.path().join("h")).status().unwrap().success());
        let args = fs::read_to_string(scenario.join("args")).unwrap_or_default();
        let host = Host { dir, args: args.lines().map(str::to_owned).collect(), when: LATER };
        let times = fs::read_to_string(scenario.join("times")).unwrap_or_default();
        for entry in walkdir::WalkDir::new(host.root()).into_iter().flatten().filter(|e| e.file_type().is_file()) {
            let shown = format!("/{}", entry.path().strip_prefix(host.root()).unwrap().display());
            let told = times.lines().filter_map(|line| line.split_once(' ')).find(|(path, _)| *path == shown);
            set_time(entry.path(), told.map_or(LAST_CHANGE, |(_, time)| time.trim().parse().unwrap()));
        }
        host
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("h")
    }

    fn root(&self) -> PathBuf {
        self.path().join("root")
    }

    fn file(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    fn check(&self) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
        command.current_dir(self.path()).args(["check", "--root", "root", "--kernel", "kernel", "--zones", "zones"]);
        let output = command.args(&self.args).args(["--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn kernel(&self, change: impl FnOnce(&mut Value)) {
        let path = self.path().join("kernel");
        let mut kernel: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut kernel);
        fs::write(path, kernel.to_string()).unwrap();
    }

    /// What `hostname -f` prints once the node is named so: the first name of its line of the hosts file.
    fn rename(&self, name: &str, by_hosts_file_alone: bool) {
        let hosts = fs::read_to_string(self.file("/etc/hosts")).unwrap_or_default();
        let names =
            hosts.lines().map(|line| line.split('#').next().unwrap().split_whitespace().skip(1).collect::<Vec<_>>());
        let mut own = names.filter(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
        let first = own.next().and_then(|names| names.first().map(|first| (*first).to_owned()));
        self.kernel(|kernel| {
            kernel["node_name"] = json!(name);
            match first {
                Some(first) => kernel["fqdn"] = json!(first),
                None if by_hosts_file_alone => {}
                None => kernel["fqdn"] = if name.contains('.') { json!(name) } else { Value::Null },
            }
        });
    }

    fn carry_out(&mut self, action: &Value) {
        let text = |key: &str| action[key].as_str().unwrap_or_else(|| panic!("{key} of {action}")).to_owned();
        let zones = self.path().join("zones");
        match action["do"].as_str().unwrap() {
            "edit" => {
                let file = self.file(&text("file"));
                patch(&file, &text("diff"));
                set_time(&file, self.when);
                if text("file") == "/etc/hosts" {
                    let kernel: Value = serde_json::from_slice(&fs::read(self.path().join("kernel")).unwrap()).unwrap();
                    self.rename(kernel["node_name"].as_str().unwrap(), true);
                }
            }
            "remove-file" => fs::remove_file(self.file(&text("file"))).unwrap(),
            "set-host-name" => {
                fs::write(self.file("/etc/hostname"), format!("{}\n", text("name"))).unwrap();
                self.rename(&text("name"), false);
            }
            "add-address" => self.kernel(|kernel| {
                let all = kernel["addresses"].as_array_mut().unwrap();
                all.retain(|known| known["address"] != action["address"]);
                let length = if text("address").contains(':') { 64 } else { 24 };
                let (interface, address) = (&action["interface"], &action["address"]);
                all.push(json!({"interface": interface, "address": address, "prefix_length": length, "flags": []}));
            }),
            "add-route" => self.kernel(|kernel| kernel["source"][text("family")] = action["source"].clone()),
            "publish" => zone::publish(&zones, &text("record")),
            "withdraw" => zone::withdraw(&zones, &text("record")),
            "set-ptr" => zone::set_ptr(&zones, text("address").parse().unwrap(), &text("name")),
            "run" | "by-hand" | "compile" => {}
            other => panic!("an action that nobody knows: {other}"),
        }
        action["effect"].as_array().into_iter().flatten().for_each(|effect| self.carry_out(effect));
    }
}

fn set_time(file: &Path, seconds: u64) {
    let file = File::options().write(true).open(file).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

fn patch(file: &Path, diff: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    if diff.is_empty() {
        File::create(file).unwrap();
        return;
    }
    let mut child = Command::new("patch")
        .args(["-u", "--fuzz=0", "--posix", "-r", "-"])
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("patch(1) is here");
    child.stdin.take().unwrap().write_all(diff.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}\n{diff}", file.display(), String::from_utf8_lossy(&output.stdout));
}

fn keys(report: &Value, wanted: impl Fn(&Value) -> bool) -> Keys {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| wanted(finding));
    findings.map(key).collect()
}

fn key(value: &Value) -> (String, String) {
    (value["code"].as_str().unwrap().to_owned(), value["subject"].as_str().unwrap().to_owned())
}

fn is_loud(finding: &Value) -> bool {
    finding["severity"] != "info"
}

fn scenarios() -> Vec<PathBuf> {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts");
    let mut all: Vec<PathBuf> = fs::read_dir(hosts).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|dir| ["root", "kernel", "zones"].iter().all(|part| dir.join(part).exists()));
    all.sort();
    all
}

#[test]
fn every_plan_leaves_what_it_says_and_breaks_nothing() {
    let (mut carried, mut wrong) = (0, Vec::new());
    for scenario in scenarios() {
        let name = scenario.file_name().unwrap().to_str().unwrap().to_owned();
        let mut host = Host::copy(&scenario);
        let before = host.check();
        let plan = &before["plan"];
        let steps = plan["steps"].as_array().unwrap();
        if keys(&before, is_loud).is_empty() {
            assert!(steps.is_empty(), "{name}: a healthy host has no plan");
            continue;
        }
        if steps.is_empty() || NOT_HERE.iter().any(|(other, _)| *other == name) {
            continue;
        }
        carried += 1;
        assert_eq!(plan["judged"], true, "{name}");
        for step in steps {
            for action in step["actions"].as_array().unwrap() {
                host.when += 60;
                host.carry_out(action);
            }
        }
        let after = host.check();
        let left = keys(&after, is_loud);
        let sure = keys(&after, |finding| is_loud(finding) && finding["verdict"] == "fail");
        let says: Keys = plan["remains"].as_array().unwrap().iter().map(key).collect();
        if !says.is_subset(&left) || !sure.is_subset(&says) {
            wrong.push(format!("{name}: {left:?} is left, not {says:?}"));
        }
        let is_error = |finding: &Value| finding["severity"] == "error";
        let new: Vec<_> = keys(&after, is_error).difference(&keys(&before, is_error)).cloned().collect();
        if !new.is_empty() {
            wrong.push(format!("{name}: makes {new:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{carried} plans carried out");
    assert!(carried > 60, "{carried}");
}

/// The editing commands of each step against its diffs, on files below a folder of their own.
#[test]
fn commands_make_the_files_that_diffs_make() {
    let mut run = 0;
    for scenario in scenarios() {
        let host = Host::copy(&scenario);
        let report = host.check();
        for step in report["plan"]["steps"].as_array().unwrap() {
            for action in step["actions"].as_array().unwrap().iter().filter(|action| action["do"] == "edit") {
                let path = action["file"].as_str().unwrap();
                let (by_patch, by_shell) = (host.file(&format!("{path}.patch")), host.file(&format!("{path}.shell")));
                if host.file(path).exists() {
                    fs::copy(host.file(path), &by_patch).unwrap();
                    fs::copy(host.file(path), &by_shell).unwrap();
                }
                patch(&by_patch, action["diff"].as_str().unwrap());
                fs::create_dir_all(by_shell.parent().unwrap()).unwrap();
                let ends = |command: &&str| command.ends_with(&format!(" {path}"));
                let commands = step["commands"].as_array().unwrap().iter().filter_map(Value::as_str);
                let commands: Vec<&str> = commands.filter(ends).collect();
                if commands.is_empty() {
                    continue;
                }
                for command in commands {
                    let there = command.strip_suffix(path).unwrap().to_owned() + by_shell.to_str().unwrap();
                    assert!(Command::new("sh").args(["-c", &there]).status().unwrap().success(), "{command}");
                    run += 1;
                }
                assert_eq!(
                    fs::read_to_string(&by_shell).unwrap(),
                    fs::read_to_string(&by_patch).unwrap(),
                    "{}: {step}",
                    scenario.display()
                );
                // What a later step changes in the same file is not tried here.
                fs::rename(&by_patch, host.file(path)).unwrap();
            }
        }
    }
    println!("{run} commands run");
    assert!(run > 30, "{run}");
}

/// Every command that a report gives is one line that a shell takes, and no finding edits a file but by a step of the plan, which was
/// tried.
#[test]
fn commands_are_safe_to_paste() {
    let mut seen = 0;
    for scenario in scenarios() {
        let report = Host::copy(&scenario).check();
        let name = scenario.display();
        let steps = report["plan"]["steps"].as_array().unwrap();
        let planned: BTreeSet<&str> = steps.iter().flat_map(commands).collect();
        let findings = report["findings"].as_array().unwrap();
        let advised: BTreeSet<&str> = findings.iter().flat_map(|finding| commands(&finding["fix"])).collect();
        for command in planned.union(&advised) {
            assert_eq!(command.lines().count(), 1, "{name}: {command:?}");
            if command.starts_with("; ") || command.contains(" IN ") {
                continue;
            }
            assert!(Command::new("sh").args(["-n", "-c", command]).status().unwrap().success(), "{name}: {command}");
            seen += 1;
        }
        let edits = ["sed ", "printf ", "postconf -", "rm "];
        for command in advised.difference(&planned) {
            assert!(!edits.iter().any(|edit| command.starts_with(edit)), "{name}: nobody tried {command}");
        }
    }
    assert!(seen > 100, "{seen}");
}

fn commands(value: &Value) -> impl Iterator<Item = &str> {
    value["commands"].as_array().into_iter().flatten().filter_map(Value::as_str)
}
