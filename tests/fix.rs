//! `helolint fix` over copies of the hosts in testdata: what it writes, what it leaves, and that it gives everything back.

mod scenario;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A scenario's host, copied.
struct Host {
    dir: tempfile::TempDir,
    scenario: PathBuf,
}

impl Host {
    fn new(name: &str) -> Host {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(name);
        let dir = tempfile::tempdir().unwrap();
        scenario::copy(&scenario, &dir.path().join("h"));
        Host { dir, scenario }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("h/root")
    }

    /// What the program prints, and its exit status.
    fn run(&self, command: &str, more: &[&str]) -> (String, i32) {
        let mut helolint = Command::new(env!("CARGO_BIN_EXE_helolint"));
        helolint.arg(command).arg("--root").arg(self.root());
        helolint.arg("--kernel").arg(self.scenario.join("kernel")).arg("--zones").arg(self.scenario.join("zones"));
        if let Ok(args) = fs::read_to_string(self.scenario.join("args")) {
            helolint.args(args.split_whitespace());
        }
        let done = helolint.args(more).current_dir(&self.scenario).output().unwrap();
        assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        (String::from_utf8(done.stdout).unwrap(), done.status.code().unwrap())
    }

    fn fix(&self, more: &[&str]) -> (String, i32) {
        self.run("fix", more)
    }

    /// Every file below the root, with its content; links by their targets.
    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        walk(&self.root(), &mut |path, meta| {
            let content = match meta.is_symlink() {
                true => fs::read_link(path).unwrap().into_os_string().into_encoded_bytes(),
                false => fs::read(path).unwrap(),
            };
            let content = String::from_utf8_lossy(&content).into_owned();
            files.insert(format!("/{}", path.strip_prefix(self.root()).unwrap().display()), content);
        });
        files
    }

    fn own_names(&self) -> Vec<String> {
        self.files().into_keys().filter(|name| name.contains("helolint-")).collect()
    }
}

fn walk(dir: &Path, see: &mut dyn FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() { walk(&path, see) } else { see(&path, &meta) }
    }
}

/// The scenarios that are asked by files alone, and whose plan edits one.
fn with_edits() -> Vec<String> {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts");
    let mut names: Vec<String> = fs::read_dir(hosts)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| ["root", "kernel", "zones"].iter().all(|part| path.join(part).exists()))
        .filter(|path| {
            fs::read_to_string(path.join("expected/json")).is_ok_and(|json| json.contains("\"do\": \"edit\""))
        })
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 40, "{}", names.len());
    names
}

#[test]
fn what_is_applied_is_the_plan_and_is_given_back() {
    let mut written = 0;
    for name in with_edits() {
        let host = Host::new(&name);
        let before = host.files();
        let (shown, status) = host.fix(&["--unsafe"]);
        assert!(host.files() == before, "{name}: nothing is written unasked\n{shown}");
        assert!(status <= 1, "{name}: {status}");

        let (said, status) = host.fix(&["--apply", "--unsafe"]);
        assert!(status <= 1, "{name}: {status}\n{said}");
        let after = host.files();
        let changed: Vec<&String> = before.keys().filter(|file| after.get(*file) != before.get(*file)).collect();
        let kept: Vec<String> = host.own_names();
        assert!(kept.iter().all(|name| name.ends_with(".bak") || name.ends_with(".new")), "{name}: {kept:?}");
        assert_eq!(said.matches(" is written; before it was ").count(), kept.len(), "{name}\n{said}");
        for file in &changed {
            assert!(
                shown.contains(&format!("--- {file}\n")) || shown.contains(&format!("{file} goes")),
                "{name}: {file}\n{shown}"
            );
        }
        written += changed.len();

        // A second run writes nothing, and what could be done is done.
        let (again, _) = host.fix(&["--apply", "--unsafe"]);
        assert!(again.ends_with("No file was written.\n"), "{name}\n{again}");
        assert!(host.files() == after, "{name}");

        let (undone, status) = host.fix(&["--undo"]);
        assert_eq!(status, 0, "{name}\n{undone}");
        assert!(host.files() == before, "{name}\n{undone}");
    }
    assert!(written >= 30, "{written} files were written in all");
}

#[test]
fn what_is_applied_settles_what_the_step_says() {
    let host = Host::new("helo-retired-name");
    let (said, status) = host.fix(&["--apply"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("1 file was written"), "{said}");
    let (report, _) = host.run("check", &["--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let bad: Vec<&Value> = report["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info").collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn owner_permissions_and_attributes_are_kept() {
    let host = Host::new("helo-retired-name");
    let file = host.root().join("etc/postfix/main.cf");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let marked = xattr::set(&file, "user.note", b"kept").is_ok();
    let before = file.metadata().unwrap();
    host.fix(&["--apply"]);
    let after = file.metadata().unwrap();
    assert_ne!(before.ino(), after.ino(), "another file, put in its place");
    assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()));
    if marked {
        assert_eq!(xattr::get(&file, "user.note").unwrap().as_deref(), Some(&b"kept"[..]));
    }
}

#[test]
fn what_cannot_be_replaced_is_refused_with_the_reason() {
    type Change = fn(&Path);
    let cases: [(&str, Change); 4] = [
        ("hard links", |file| fs::hard_link(file, file.with_file_name("main.cf.copy")).unwrap()),
        ("a link out of its folder", |file| {
            let elsewhere = file.parent().unwrap().parent().unwrap().join("main.cf");
            fs::rename(file, elsewhere).unwrap();
            symlink("../main.cf", file).unwrap();
        }),
        ("", |file| {
            fs::rename(file, file.with_file_name("main.real")).unwrap();
            symlink("main.real", file).unwrap();
        }),
        ("chef", |file| {
            let text = fs::read_to_string(file).unwrap();
            fs::write(file, format!("# Auto-generated by Chef.\n{text}")).unwrap();
        }),
    ];
    for (reason, change) in cases {
        let host = Host::new("helo-retired-name");
        change(&host.root().join("etc/postfix/main.cf"));
        let before = host.files();
        let (said, status) = host.fix(&["--apply", "--unsafe"]);
        if reason.is_empty() {
            assert_eq!(status, 0, "a link in its folder is followed\n{said}");
            assert!(host.root().join("etc/postfix/main.cf").is_symlink());
            assert!(!fs::read_to_string(host.root().join("etc/postfix/main.real")).unwrap().contains("mx9"));
        } else {
            assert_eq!(status, 1, "{reason}\n{said}");
            assert!(host.files() == before, "{reason}\n{said}");
            assert!(said.to_lowercase().contains(reason), "{reason}\n{said}");
        }
    }
}

#[test]
fn undo_leaves_what_has_changed_since() {
    let host = Host::new("helo-retired-name");
    host.fix(&["--apply"]);
    let file = host.root().join("etc/postfix/main.cf");
    let text = fs::read_to_string(&file).unwrap() + "# mine\n";
    fs::write(&file, &text).unwrap();
    let (said, status) = host.fix(&["--undo"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("it has changed since"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn undo_refuses_a_backup_that_somebody_has_changed() {
    let host = Host::new("helo-retired-name");
    host.fix(&["--apply"]);
    let folder = host.root().join("etc/postfix");
    let mut names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let kept = names.find(|path| path.extension().is_some_and(|ending| ending == "bak")).unwrap();
    let text = fs::read_to_string(&kept).unwrap() + "# mine\n";
    fs::write(&kept, &text).unwrap();
    let applied = fs::read_to_string(folder.join("main.cf")).unwrap();
    let (said, status) = host.fix(&["--undo"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("is not what was kept there"), "{said}");
    assert_eq!(fs::read_to_string(folder.join("main.cf")).unwrap(), applied);
    assert_eq!(fs::read_to_string(&kept).unwrap(), text);
}

/// The state in which a run ends that is killed before the new file gets its name: a draft, and the old file under two names.
fn killed(host: &Host) -> [PathBuf; 2] {
    let folder = host.root().join("etc/postfix");
    let draft = folder.join(".helolint-0123456789abcdef");
    fs::write(&draft, "half a f").unwrap();
    let kept = folder.join("main.cf.helolint-20991129T000000Z-0123456789abcdef-0123456789abcdef.bak");
    fs::hard_link(folder.join("main.cf"), &kept).unwrap();
    [draft, kept]
}

#[test]
fn what_a_killed_run_left_goes_before_the_next_begins() {
    let host = Host::new("helo-retired-name");
    let left = killed(&host);
    let other = host.root().join("etc/postfix/.helolint-notes");
    fs::write(&other, "mine").unwrap();
    let (said, status) = host.fix(&["--apply"]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(said.matches("a run that was ended before its time had left it").count(), 2, "{said}");
    assert!(said.ends_with("1 file was written; helolint fix --undo gives it back.\n"), "{said}");
    assert!(left.iter().all(|path| !path.exists()), "{:?}", host.own_names());
    assert!(other.exists(), "not every name that looks like one is one");
}

#[test]
fn undo_after_a_killed_run_gives_back_what_that_run_did_and_no_more() {
    let host = Host::new("helo-retired-name");
    let before = host.files();
    host.fix(&["--apply"]);
    let applied = host.files();
    killed(&host);
    let (said, status) = host.fix(&["--undo"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("/etc/postfix/main.cf is as it was before."), "{said}");
    assert!(host.files() == applied, "the run before it is another: {:?}", host.own_names());
    host.fix(&["--undo"]);
    assert!(host.files() == before, "{:?}", host.own_names());
}

#[test]
fn two_runs_do_not_work_in_one_folder() {
    let host = Host::new("helo-retired-name");
    let before = host.files();
    let folder = fs::File::open(host.root().join("etc/postfix")).unwrap();
    folder.lock().unwrap();
    let mut helolint = Command::new(env!("CARGO_BIN_EXE_helolint"));
    helolint.args(["fix", "--apply", "--root"]).arg(host.root()).arg("--kernel").arg(host.scenario.join("kernel"));
    let done = helolint.arg("--zones").arg(host.scenario.join("zones")).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("another helolint fix is at work in /etc/postfix"));
    assert!(host.files() == before);
    drop(folder);
    assert_eq!(host.fix(&["--apply"]).1, 0);
}

#[test]
fn the_settings_say_which_rules_count() {
    let host = Host::new("helo-retired-name");
    fs::write(host.root().join("etc/helolint.toml"), "[rules]\nignore = [\"HLO\"]\n").unwrap();
    let (said, status) = host.fix(&[]);
    assert_eq!((said.as_str(), status), ("There is nothing to change.\n", 0));
    let (said, status) = host.fix(&["--select", "HLO"]);
    assert!(said.contains("-smtp_helo_name = mx9.example.com"), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let host = Host::new("helo-retired-name");
    for (options, word) in
        [(&["--apply", "--run"][..], "--root"), (&["--run"][..], "--apply"), (&["--undo", "--apply"][..], "--undo")]
    {
        let mut helolint = Command::new(env!("CARGO_BIN_EXE_helolint"));
        let done = helolint.args(["fix", "--root"]).arg(host.root()).args(options).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{options:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains(word), "{options:?}");
    }
}

#[test]
fn what_is_left_is_said() {
    let host = Host::new("transfer-08-cpnat-of-source");
    let (said, status) = host.fix(&[]);
    assert!(said.contains("Left as it is: NET003 ") && !said.contains("There is nothing to change.\n"), "{said}");
    assert!(!said.contains("knows no change"), "{said}");
    assert_eq!(status, 1, "{said}");
}

#[test]
fn what_has_to_be_run_is_said() {
    for (scenario, program) in [
        ("transfer-08-cpnat-of-source", "/usr/local/cpanel/scripts/build_cpnat"),
        ("debian-exim-not-generated", "update-exim4.conf"),
    ] {
        let host = Host::new(scenario);
        let (said, status) = host.fix(&[]);
        assert!(said.contains(&format!(": {program}\n")), "{said}");
        assert!(said.contains("There is no file to write; what has to be run stands above.\n"), "{said}");
        assert_eq!(status, 1, "{said}");
        let (said, _) = host.fix(&["--apply"]);
        assert!(said.contains(&format!(": {program}\n")), "{said}");
    }
}

#[test]
fn an_address_becomes_what_the_map_says() {
    let host = Host::new("moved-postfix");
    let dir = host.dir.path();
    let kernel = fs::read_to_string(host.scenario.join("kernel")).unwrap();
    let own = r#"{"interface": "eth0", "address": "203.0.113.10", "prefix_length": 24, "flags": []}"#;
    assert!(kernel.contains(own));
    let other = own.replace("203.0.113.10", "203.0.113.20");
    fs::write(dir.join("kernel"), kernel.replace(own, &format!("{own},\n{other}"))).unwrap();
    let run = |map: &[&str]| {
        let mut helolint = Command::new(env!("CARGO_BIN_EXE_helolint"));
        helolint.args(["fix", "--root"]).arg(host.root()).arg("--kernel").arg(dir.join("kernel"));
        helolint.arg("--zones").arg(host.scenario.join("zones"));
        let done = helolint.arg("--moved-from").arg(host.scenario.join("old.json")).args(map).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    assert!(run(&[]).contains("+smtp_bind_address = 203.0.113.10"));
    let said = run(&["--map", "198.51.100.7=203.0.113.20"]);
    assert!(said.contains("+smtp_bind_address = 203.0.113.20"), "{said}");
}
