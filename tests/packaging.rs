//! Packages, units and what is for monitoring: what they name exists, and what they promise holds. Making a package and installing it is
//! `tests/e2e/packages`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What `packaging/build` makes, below the project's folder.
const MADE: &str = "target/packaging/";
/// What Cargo builds.
const BUILT: &str = "target/release/helolint";
/// Megabytes that the package of the library may have unpacked, and files of `testdata` in it.
const PACKAGE_LIMIT: u64 = 6 << 20;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(project().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn manifest() -> toml::Table {
    read("Cargo.toml").parse().unwrap()
}

/// The program in a plain environment.
fn helolint(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").args(args).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The files of the project that a path of a package's list stands for; a star is in its last component alone.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let (folder, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
    let (before, behind) = name.split_once('*').unwrap_or((name, ""));
    let fits = |file: &str| match name.contains('*') {
        true => file.len() >= before.len() + behind.len() && file.starts_with(before) && file.ends_with(behind),
        false => file == name,
    };
    let entries = fs::read_dir(project().join(folder)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| fits(path.file_name().unwrap().to_str().unwrap())).collect()
}

/// Source, destination and mode of each file of both packages.
fn assets(package: &str) -> Vec<(String, String, String)> {
    let manifest = manifest();
    let assets = manifest["package"]["metadata"][package]["assets"].as_array().unwrap().clone();
    let of = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let asset = |asset: &toml::Value| match asset.as_array() {
        Some(list) => (of(&list[0]), of(&list[1]), of(&list[2])),
        None => (of(&asset["source"]), of(&asset["dest"]), of(&asset["mode"])),
    };
    assets.iter().map(asset).collect()
}

#[test]
fn every_file_of_the_packages_is_there_or_is_made() {
    let made: BTreeSet<&str> = BTreeSet::from(["man", "completions", "changelog"]);
    let build = read("packaging/build");
    for package in ["deb", "generate-rpm"] {
        for (source, dest, mode) in assets(package) {
            if let Some(rest) = source.strip_prefix(MADE) {
                assert!(made.contains(rest.split('/').next().unwrap()), "{source}");
                let name = rest.rsplit('/').next().unwrap();
                assert!(name.starts_with('*') || build.contains(&format!("/{name}\"")), "{name} is not made");
            } else if source != BUILT {
                let files = matching(&source);
                assert!(!files.is_empty(), "{package}: {source}");
                for file in files {
                    let executable = file.metadata().unwrap().permissions().mode() & 0o111 != 0;
                    assert_eq!(executable, mode == "755", "{}", file.display());
                }
            }
            let dest = dest.trim_start_matches('/');
            assert!(dest.starts_with("usr/") || dest == "etc/helolint.toml", "{dest}");
        }
    }
}

#[test]
fn both_packages_have_the_same_files() {
    let of = |package| {
        // Where each distribution has its own place, the name counts.
        let name = |(source, dest, _): (String, String, String)| {
            let zsh = dest.contains("/zsh/");
            let dest = dest.trim_start_matches('/').trim_end_matches("CHANGELOG.md").trim_end_matches("changelog");
            if zsh { source } else { format!("{source} {dest}") }
        };
        assets(package).into_iter().map(name).collect::<BTreeSet<String>>()
    };
    let (deb, rpm) = (of("deb"), of("generate-rpm"));
    // cargo-deb finds the units by itself, and writes the licence into Debian's copyright file.
    let apart = |name: &&String| !name.contains("packaging/systemd/") && !name.starts_with("LICENSE-");
    assert_eq!(deb.iter().collect::<Vec<_>>(), rpm.iter().filter(apart).collect::<Vec<_>>());
    let manifest = manifest();
    let deb = &manifest["package"]["metadata"]["deb"];
    assert_eq!(deb["systemd-units"][0]["unit-scripts"].as_str(), Some("packaging/systemd"));
    for key in ["enable", "start"] {
        assert_eq!(deb["systemd-units"][0][key].as_bool(), Some(false), "the timer is not {key}d on install");
    }
    assert_eq!(deb["conf-files"][0].as_str(), Some("/etc/helolint.toml"));
    let rpm = manifest["package"]["metadata"]["generate-rpm"]["assets"].as_array().unwrap();
    let settings = rpm.iter().find(|asset| asset["dest"].as_str() == Some("/etc/helolint.toml")).unwrap();
    assert_eq!(settings["config"].as_str(), Some("noreplace"));
}

#[test]
fn every_page_and_completion_that_is_packaged_comes_out_of_the_program() {
    let dir = tempfile::tempdir().unwrap();
    assert!(helolint(&["man", "--all", dir.path().to_str().unwrap()]).status.success());
    let pages = files_below(dir.path());
    assert!(pages.contains(&dir.path().join("man1/helolint-check.1")), "{pages:?}");
    assert!(pages.contains(&dir.path().join("man5/helolint.toml.5")), "{pages:?}");
    let section = |page: &PathBuf| {
        let section = page.extension().unwrap().to_str().unwrap().to_owned();
        assert!(page.parent().unwrap().ends_with(format!("man{section}")), "{}", page.display());
        section
    };
    let sections: BTreeSet<String> = pages.iter().map(section).collect();
    for package in ["deb", "generate-rpm"] {
        let man = assets(package).into_iter().filter_map(|(source, dest, _)| {
            let (folder, section) = source.strip_prefix("target/packaging/man/")?.split_once("/*.")?;
            let section = section.to_owned();
            assert_eq!(folder, format!("man{section}"), "{source}");
            assert!(dest.trim_end_matches('/').ends_with(&format!("man{section}")), "{dest}");
            Some(section)
        });
        assert_eq!(man.collect::<BTreeSet<_>>(), sections, "{package}");
    }
    for (shell, word) in [("bash", "complete"), ("zsh", "#compdef helolint"), ("fish", "complete -c helolint")] {
        let output = helolint(&["completions", shell]);
        assert!(output.status.success() && text(&output.stdout).contains(word), "{shell}");
    }
}

/// The commented settings of the packaged file, as they would be without their number signs.
fn settings() -> String {
    let lines = read("packaging/helolint.toml");
    let set = lines.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' '));
    set.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_packaged_settings_set_nothing_and_show_all() {
    let file = read("packaging/helolint.toml");
    assert!(file.lines().all(|line| line.is_empty() || line.starts_with('#')));
    let shown: toml::Table = settings().parse().unwrap();
    let schema: Value = serde_json::from_slice(&helolint(&["schema", "config"]).stdout).unwrap();
    for (table, of) in schema["properties"].as_object().unwrap() {
        let value = shown.get(table).unwrap_or_else(|| panic!("[{table}] is not shown"));
        let value = value.as_array().map_or(value, |list| &list[0]);
        let reference = of["items"]["$ref"].as_str().or(of["$ref"].as_str()).unwrap();
        let definition = schema.pointer(reference.trim_start_matches('#')).unwrap();
        for key in definition["properties"].as_object().unwrap().keys() {
            assert!(value.get(key).is_some(), "{table}.{key} is not shown");
        }
    }
    // Nothing but what there is: an unknown key would end the run.
    let dir = tempfile::tempdir().unwrap();
    let root = project().join("testdata/hosts/postfix-plain/root");
    for (name, text) in [("as-packaged", file), ("all-set", settings())] {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        let output = helolint(&[
            "check",
            "--root",
            root.to_str().unwrap(),
            "--offline",
            "--config",
            path.to_str().unwrap(),
            "--fail-on",
            "never",
        ]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text_of(&output.stderr));
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_service_may_do_no_more_than_it_must() {
    let unit = read("packaging/systemd/helolint.service");
    let set = |key: &str| -> Vec<&str> {
        let lines = unit.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(name, _)| *name == key).map(|(_, value)| value).collect()
    };
    for (key, value) in [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "read-only"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("ProtectProc", "invisible"),
        ("ProtectKernelTunables", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("ProtectControlGroups", "yes"),
        ("RestrictNamespaces", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("SystemCallArchitectures", "native"),
        ("UMask", "0022"),
        ("SuccessExitStatus", "1 3"),
        ("StateDirectory", "helolint"),
    ] {
        assert_eq!(set(key), [value], "{key}");
    }
    let capabilities = "CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_KILL";
    assert_eq!(set("CapabilityBoundingSet"), [capabilities]);
    for word in
        capabilities.split(' ').chain(["User=", "PrivateNetwork=", "ProcSubset=", "RootDirectory=", "PrivateUsers="])
    {
        let reason =
            |line: &str| line.starts_with('#') && line.contains(word) || line.contains("(left)") && line.contains(word);
        assert!(unit.lines().any(reason), "no reason why {word} is left");
    }
    // systemd has pipe among @ipc and prlimit64 among @resources, which are taken away: the last word gives back what the child is made with.
    let last = set("SystemCallFilter").pop().unwrap();
    for call in ["pipe2", "prlimit64", "seccomp", "landlock_restrict_self"] {
        assert!(last.split(' ').any(|word| word == call), "{call}");
    }
    // The program understands its command line, with the variable in its place.
    let file = set("Environment")[0].strip_prefix("HELOLINT_TEXTFILE=").unwrap();
    let command = set("ExecStart")[0].replace("${HELOLINT_TEXTFILE}", file);
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[0], "/usr/bin/helolint");
    assert_eq!(helolint::program::refusal(words.iter().map(Into::into)), None);
    assert!(file.starts_with("/var/lib/helolint/"));
    assert!(read("packaging/systemd/helolint.timer").contains("\nWantedBy=timers.target\n"));
}

/// What the service writes: readable for the collector, whole by a rename, and the same in each run that finds the same.
#[test]
fn metrics_are_readable_and_have_no_time() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("helolint.prom");
    let host = project().join("testdata/hosts/postfix-old-ptr");
    let run = || {
        let part = |name: &str| host.join(name).to_str().unwrap().to_owned();
        let format = format!("prometheus={}", file.display());
        let args = ["--root", &part("root"), "--kernel", &part("kernel"), "--zones", &part("zones")];
        let mut command = Command::new("sh");
        // The unit's mask.
        command.args(["-c", "umask 0022; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_helolint"), "check", "--quiet"]);
        assert!(
            command.args(["--format", "human", "--format", &format]).args(args).output().unwrap().status.code()
                == Some(1)
        );
        let meta = fs::metadata(&file).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o644);
        (fs::read_to_string(&file).unwrap(), std::os::unix::fs::MetadataExt::ino(&meta))
    };
    let (first, second) = (run(), run());
    assert_eq!(first.0, second.0);
    assert_ne!(first.1, second.1, "it is another file, renamed");
    for line in first.0.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit_once(' ').unwrap().1;
        assert!(value.parse::<u32>().is_ok_and(|value| value < 1_000_000), "{line}");
    }
}

/// The metrics that there are.
fn metrics() -> BTreeSet<String> {
    let text = text(&helolint(&["demo", "--format", "prometheus"]).stdout);
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned)).collect()
}

/// The names of metrics in an expression.
fn named_metrics(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("helolint_") || word.starts_with("node_"))
}

/// Metrics of node_exporter's own that are used.
const OF_THE_COLLECTOR: [&str; 1] = ["node_textfile_mtime_seconds"];

#[test]
fn alerts_and_their_tests_name_metrics_that_exist() {
    let known = metrics();
    assert!(known.len() > 5, "{known:?}");
    for file in ["packaging/monitoring/helolint-alerts.yml", "packaging/monitoring/tests/alerts.yml"] {
        let text = read(file);
        let lines = text.lines().map(str::trim_start);
        let lines: Vec<&str> =
            lines.filter(|line| line.starts_with("expr:") || line.starts_with("- series:")).collect();
        assert!(lines.len() > 5, "{file}");
        for line in lines {
            let mut named = named_metrics(line).peekable();
            assert!(named.peek().is_some(), "{file}: {line}");
            for metric in named {
                assert!(known.contains(metric) || OF_THE_COLLECTOR.contains(&metric), "{file}: {metric}");
            }
        }
    }
    let (rules, tests) =
        (read("packaging/monitoring/helolint-alerts.yml"), read("packaging/monitoring/tests/alerts.yml"));
    for alert in rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
}

#[test]
fn the_dashboard_is_one_and_asks_for_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(&read("packaging/monitoring/helolint-dashboard.json")).unwrap();
    for key in ["title", "uid", "schemaVersion", "panels", "templating", "time", "annotations", "tags"] {
        assert!(!dashboard[key].is_null(), "{key}");
    }
    assert!(dashboard["id"].is_null(), "the server gives it one");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let known = metrics();
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        assert!(["stat", "table", "timeseries"].contains(&panel["type"].as_str().unwrap()), "{title}");
        assert!(
            panel["fieldConfig"]["defaults"].is_object() && panel["fieldConfig"]["overrides"].is_array(),
            "{title}"
        );
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_else(|| panic!("{title}: {key}"));
        assert!(at("x") + at("w") <= 24 && at("h") > 0, "{title}: 24 columns");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(places.insert((x, y)), "{title} lies over another panel");
            }
        }
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            assert!(!target["refId"].as_str().unwrap().is_empty());
            let expression = target["expr"].as_str().unwrap();
            assert!(expression.contains("$instance"), "{title}");
            let named: Vec<&str> = named_metrics(expression).collect();
            assert!(!named.is_empty(), "{title}");
            for metric in named {
                assert!(known.contains(metric) || OF_THE_COLLECTOR.contains(&metric), "{title}: {metric}");
            }
        }
    }
    assert!(ids.len() >= 8);
    let names: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "instance"]);
    assert!(named_metrics(variables[1]["definition"].as_str().unwrap()).all(|metric| known.contains(metric)));
}

/// A run of one of the scripts for monitoring, over a recorded host.
fn script(name: &str, state: &Path, host: &str) -> Output {
    let dir = project().join("testdata/hosts").join(host);
    let mut command = Command::new(project().join("packaging/monitoring").join(name));
    command.env("HELOLINT", env!("CARGO_BIN_EXE_helolint")).env("HELOLINT_STATE", state);
    for (option, part) in [("--root", "root"), ("--kernel", "kernel"), ("--zones", "zones")] {
        command.arg(option).arg(dir.join(part));
    }
    command.output().unwrap()
}

#[test]
fn mail_is_sent_of_what_two_runs_saw_and_of_its_end_once() {
    let dir = tempfile::tempdir().unwrap();
    let told = |host: &str| {
        let output = script("helolint-mail", &dir.path().join("state"), host);
        assert_eq!(text(&output.stderr), "");
        let said = text(&output.stdout);
        match (said.contains("Two runs in a row") && said.contains("PTR003"), said.starts_with("All clear on")) {
            (true, false) => "alarm",
            (false, true) => "clear",
            _ => {
                assert_eq!(said, "");
                "nothing"
            }
        }
    };
    let (broken, healthy) = ("postfix-old-ptr", "postfix-plain");
    let runs = [
        // What comes and goes is told by nobody.
        (broken, "nothing"),
        (healthy, "nothing"),
        (broken, "nothing"),
        (broken, "alarm"),
        (broken, "nothing"),
        (healthy, "nothing"),
        (broken, "nothing"),
        (healthy, "nothing"),
        (healthy, "clear"),
        (healthy, "nothing"),
        (broken, "nothing"),
        (broken, "alarm"),
        // What could not be seen clears nothing.
        ("helo-undecided", "nothing"),
    ];
    for (at, (host, expected)) in runs.into_iter().enumerate() {
        assert_eq!(told(host), expected, "run {at}, {host}");
    }
    let state = dir.path().join("state");
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    let left: BTreeSet<String> =
        fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left.into_iter().collect::<Vec<_>>(), ["gone", "told.json", "wrong"]);
    let known: Value = serde_json::from_str(&fs::read_to_string(state.join("told.json")).unwrap()).unwrap();
    assert_eq!(known["findings"][1]["code"], "PTR003");
    assert_eq!(known["findings"][1]["severity"], "error");
}

#[test]
fn a_run_that_cannot_be_done_is_told_once_after_the_second() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let said: Vec<usize> =
        (0..3).map(|_| text(&script("helolint-mail", &state, "no-such-host").stdout).lines().count()).collect();
    assert!(said[0] == 0 && said[1] > 1 && said[2] == 0, "{said:?}");
    assert_eq!(text(&script("helolint-mail", &state, "postfix-plain").stdout), "");
    assert_eq!(text(&script("helolint-mail", &state, "no-such-host").stdout), "", "the first again");
}

#[test]
fn a_local_check_has_a_line_however_the_run_ends() {
    let dir = tempfile::tempdir().unwrap();
    let line = |host: &str| text(&script("helolint-checkmk", dir.path(), host).stdout);
    assert!(line("postfix-old-ptr").starts_with("2 \"Mail identity\" errors=1|"));
    assert!(line("no-such-host").starts_with("3 \"Mail identity\" - helolint could not run: "));
    assert!(line("postfix-plain").starts_with("0 \"Mail identity\" "));
}

/// Files of a folder and of those in it.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn sudo_is_given_the_exact_commands_that_monitoring_runs() {
    let nagios = read("packaging/monitoring/helolint-nagios.cfg");
    let icinga = read("packaging/monitoring/helolint-icinga2.conf");
    let by_nrpe = nagios.lines().find_map(|line| line.split_once("command[check_helolint]=")).unwrap().1;
    let list = icinga.lines().find_map(|line| line.trim_start().strip_prefix("command = [")).unwrap();
    let by_icinga: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert_eq!(by_icinga.join(" "), by_nrpe);
    assert!(!icinga.contains("arguments"), "sudo refuses what comes behind");
    let command = by_nrpe.strip_prefix("/usr/bin/sudo ").unwrap();
    let words = command.split(' ').map(Into::into);
    assert_eq!(helolint::program::refusal(words), None);
    // Without arguments, or with a wildcard, the user could have root write any file.
    let mut allowed = Vec::new();
    for file in ["packaging", "docs"].iter().flat_map(|folder| files_below(&project().join(folder))) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once("NOPASSWD:"));
        allowed.extend(lines.map(|(_, command)| (file.clone(), command.trim().to_owned())));
    }
    assert_eq!(allowed.len(), 2, "{allowed:?}");
    for (file, allowed) in allowed {
        assert_eq!(allowed, command, "{}", file.display());
    }
}

#[test]
fn facts_for_ansible_are_what_the_metrics_say() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = dir.path().join("helolint.prom");
    let facts = |metrics: &Path| -> Value {
        let fact = project().join("packaging/ansible/roles/helolint/files/helolint.fact");
        let output = Command::new(fact).env("METRICS", metrics).output().unwrap();
        assert!(output.status.success(), "{}", text_of(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(facts(&metrics), serde_json::json!({"looked_at": false}));
    fs::write(&metrics, helolint(&["demo", "--format", "prometheus"]).stdout).unwrap();
    let mut known = facts(&metrics);
    let age = known.as_object_mut().unwrap().remove("age_seconds").unwrap();
    assert!(age.as_u64().is_some_and(|age| age < 3600), "{age}");
    assert_eq!(
        known,
        serde_json::json!({
            "looked_at": true, "version": env!("CARGO_PKG_VERSION"), "errors": 1, "warnings": 1, "undetermined": 0,
            "codes": ["PTR003", "HLO004"],
        })
    );
}

#[test]
fn the_role_runs_command_lines_that_are_understood() {
    let role = "packaging/ansible/roles/helolint";
    let (main, report) = (read(&format!("{role}/tasks/main.yml")), read(&format!("{role}/tasks/report.yml")));
    let validate =
        main.lines().find_map(|line| line.trim_start().strip_prefix("validate: \"{{ helolint_program }} ")).unwrap();
    let validate = validate.trim_end_matches('"').replace("%s", "/etc/helolint.toml");
    let words = std::iter::once("helolint").chain(validate.split(' '));
    assert_eq!(helolint::program::refusal(words.map(Into::into)), None);
    assert!(report.contains("[helolint_program, 'check', '--format', 'json']"));
    // The statuses that a run which was done may end with.
    for (name, text) in [("report", report), ("playbook", read("packaging/ansible/playbook.yml"))] {
        assert!(text.contains("rc not in [0, 1, 3]") && text.contains("changed_when: false"), "{name}");
    }
    let (defaults, specs) =
        (read(&format!("{role}/defaults/main.yml")), read(&format!("{role}/meta/argument_specs.yml")));
    let names = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().map(str::trim_start).filter(|line| line.starts_with("helolint_"));
        lines.filter_map(|line| line.split(':').next().map(str::to_owned)).collect()
    };
    assert_eq!(names(&defaults), names(&specs));
}

#[test]
fn the_library_is_packaged_small_and_whole() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut list = Command::new(cargo);
    list.current_dir(project()).args(["package", "--list", "--allow-dirty", "--offline"]);
    let output = list.output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output.stderr));
    let listed = text(&output.stdout);
    let files: BTreeSet<&str> = listed.lines().collect();
    for file in [
        "src/lib.rs",
        "src/main.rs",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "docs/design.md",
        "grammar/exim_config.pest",
    ] {
        assert!(files.contains(file), "{file} is missing");
    }
    // What the sources include, and what the README's examples name.
    for file in ["testdata/hosts/postfix-old-ptr/kernel", "testdata/hosts/config-syntax/root/etc/hostname"] {
        assert!(files.contains(file), "{file} is missing");
    }
    for folder in ["tests/", "benches/", "fuzz/", "packaging/", "testdata/exim", "target/", ".ci/"] {
        assert!(!files.iter().any(|file| file.starts_with(folder)), "{folder} is for the repository");
    }
    let size: u64 =
        files.iter().filter_map(|file| fs::metadata(project().join(file)).ok()).map(|meta| meta.len()).sum();
    assert!(size < PACKAGE_LIMIT, "{size} octets");
}
