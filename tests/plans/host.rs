//! A host in a folder of its own, on which plans are carried out: edits by patch(1), records in zone files, what the kernel would say in its
//! recording.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::scenario::{self, set_time};
use crate::zone;

/// When a plan is carried out, in seconds since 1970.
const LATER: u64 = scenario::LAST_CHANGE + 20 * 86_400;

/// Codes and subjects.
pub type Keys = BTreeSet<(String, String)>;

pub struct Host {
    dir: tempfile::TempDir,
    args: Vec<String>,
    /// When the next change is made.
    pub when: u64,
}

impl Host {
    pub fn copy(scenario: &Path) -> Host {
        let dir = tempfile::tempdir().unwrap();
        scenario::copy(scenario, &dir.path().join("h"));
        let args = fs::read_to_string(scenario.join("args")).unwrap_or_default();
        Host { dir, args: args.lines().map(str::to_owned).collect(), when: LATER }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("h")
    }

    /// Copies the host as it stands to a folder.
    pub fn keep(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        assert!(Command::new("cp").arg("-aT").arg(self.path()).arg(folder).status().unwrap().success());
    }

    pub fn zones(&self) -> PathBuf {
        self.path().join("zones")
    }

    pub fn root(&self) -> PathBuf {
        self.path().join("root")
    }

    pub fn file(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// Changes the content of a file, as long ago as any other.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::write(&file, text).unwrap();
        set_time(&file, scenario::LAST_CHANGE);
    }

    pub fn append(&self, path: &str, text: &str) {
        self.write(path, &(fs::read_to_string(self.file(path)).unwrap() + text));
    }

    pub fn replace(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.file(path)).unwrap();
        assert!(text.contains(old), "{path} has {old}");
        self.write(path, &text.replace(old, new));
    }

    pub fn replace_in_zone(&self, zone: &str, old: &str, new: &str) {
        let file = self.zones().join(zone);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{zone} has {old}");
        fs::write(file, text.replace(old, new)).unwrap();
    }

    /// DirectAdmin's configuration with HELO names by sender domain, from a table with this content.
    pub fn helo_by_domain(&self, table: Option<&str>) {
        let config = fs::read_to_string(self.file("/etc/exim.conf")).unwrap();
        let changed = config.lines().map(|line| match line.trim_start().starts_with("helo_data") {
            true => {
                "  helo_data = ${lookup{$sender_address_domain}lsearch{/etc/virtual/helo}{$value}{$primary_hostname}}"
            }
            false => line,
        });
        self.write("/etc/exim.conf", &(changed.collect::<Vec<_>>().join("\n") + "\n"));
        table.into_iter().for_each(|text| self.write("/etc/virtual/helo", text));
    }

    /// From now on, this host is one that was moved, from what it is like now.
    pub fn move_from_itself(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
        command.current_dir(self.path()).args(["snapshot", "--root", "root", "--kernel", "kernel", "--zones", "zones"]);
        let output = command.args(&self.args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::write(self.path().join("old.json"), output.stdout).unwrap();
        self.args.extend(["--moved-from".to_owned(), "old.json".to_owned()]);
    }

    /// Gives a file the time of the next change.
    pub fn change_now(&mut self, file: &Path) {
        set_time(file, self.when);
        self.when += 60;
    }

    pub fn check(&self) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
        command.current_dir(self.path()).args(["check", "--root", "root", "--kernel", "kernel", "--zones", "zones"]);
        let output = command.args(&self.args).args(["--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    pub fn kernel(&self, change: impl FnOnce(&mut Value)) {
        let path = self.path().join("kernel");
        let mut kernel: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut kernel);
        fs::write(path, kernel.to_string()).unwrap();
    }

    /// What `hostname -f` prints once the node is named so: the first name of its line of the hosts file.
    pub fn rename(&self, name: &str, by_hosts_file_alone: bool) {
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

    /// Carries out every step of a plan, in order.
    pub fn carry_out_plan(&mut self, plan: &Value) {
        for step in plan["steps"].as_array().unwrap() {
            for action in step["actions"].as_array().unwrap() {
                self.when += 60;
                self.carry_out(action);
            }
        }
    }

    /// What postmap(1) would do, as far as it is read: the compiled form is newer than its text.
    fn compile(&self, table: &str) {
        let text = table.split_once(':').expect("a table's type").1;
        let forms = ["db", "lmdb", "cdb"].map(|end| self.file(&format!("{text}.{end}")));
        let form = forms.iter().find(|form| form.exists()).unwrap_or_else(|| panic!("{table} has no compiled form"));
        set_time(form, self.when);
    }

    pub fn carry_out(&mut self, action: &Value) {
        let text = |key: &str| action[key].as_str().unwrap_or_else(|| panic!("{key} of {action}")).to_owned();
        let zones = self.zones();
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
            "compile" => self.compile(&text("table")),
            "run" | "by-hand" => {}
            other => panic!("an action that nobody knows: {other}"),
        }
        action["effect"].as_array().into_iter().flatten().for_each(|effect| self.carry_out(effect));
    }
}

pub fn patch(file: &Path, diff: &str) {
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

pub fn keys(report: &Value, wanted: impl Fn(&Value) -> bool) -> Keys {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| wanted(finding));
    findings.map(key).collect()
}

pub fn key(value: &Value) -> (String, String) {
    (value["code"].as_str().unwrap().to_owned(), value["subject"].as_str().unwrap().to_owned())
}

pub fn is_loud(finding: &Value) -> bool {
    finding["severity"] != "info"
}
