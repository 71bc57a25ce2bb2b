//! What a run leaves behind, however it ends: whole files or none, an exit status that says so, and no panic.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-plain")
}

/// A command line of the program.
fn helolint(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.args(args).stdin(Stdio::null());
    command
}

/// A check of a recorded host that asks nobody.
fn check(further: &[&str]) -> Command {
    let mut command = helolint(&["check", "--root"]);
    command.arg(host().join("root")).arg("--kernel").arg(host().join("kernel")).args(["--offline", "--color", "never"]);
    command.args(further);
    command
}

fn full() -> Stdio {
    Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap())
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream).into_owned()).concat()
}

/// Runs that are ended by a signal, spread over the time that a run takes and a little more.
const KILLS: u32 = 250;

#[test]
fn a_run_that_is_ended_leaves_the_file_whole_or_absent_and_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    let args = ["--format", "json", "-o", report.to_str().unwrap()];
    let whole = check(&["--format", "json"]).output().unwrap().stdout;
    let began = Instant::now();
    assert!(check(&args).status().unwrap().success());
    let span = began.elapsed() * 5 / 4;
    let (mut interrupted, mut finished) = (0, 0);
    for round in 0..KILLS {
        let replaces = round % 2 == 1;
        match replaces {
            true => fs::write(&report, "before").unwrap(),
            false => drop(fs::remove_file(&report)),
        }
        let mut run = check(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(span * round / KILLS);
        let signal = if round % 4 < 2 { Signal::SIGINT } else { Signal::SIGTERM };
        // It is a child that nobody has waited for: its number is its own.
        kill(Pid::from_raw(run.id() as i32), signal).unwrap();
        match run.wait().unwrap().success() {
            true => finished += 1,
            false => interrupted += 1,
        }
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| name == "report"), "{left:?}");
        match fs::read(&report) {
            Ok(content) => assert!(content == whole || (replaces && content == b"before"), "{round}"),
            Err(_) => assert!(!replaces, "{round}: the old report is gone"),
        }
    }
    assert!(interrupted > 0 && finished > 0, "{interrupted} ended, {finished} done");
}

#[test]
fn two_runs_on_one_file_leave_one_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    let formats = ["json", "human", "html", "markdown"];
    let runs = formats.map(|format| {
        check(&["--format", format, "-o", report.to_str().unwrap()]).stderr(Stdio::piped()).spawn().unwrap()
    });
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    }
    let content = fs::read(&report).unwrap();
    let one = |format: &&str| {
        let args = ["--format", format, "-o", "-"];
        let plain = check(&args).output().unwrap().stdout;
        plain == content
    };
    assert!(formats.iter().any(one), "{}", String::from_utf8_lossy(&content));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    for args in [&["--help"][..], &["--version"], &["rules"], &["explain", "PTR"], &["schema", "report"], &["man"], &[]]
    {
        let output = helolint(args).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
    }
    for (format, status) in [("json", 2), ("nagios", 3)] {
        let output = check(&["--format", format]).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", text(&output));
    }
    // Neither stream takes anything: the status is all there is.
    for (further, status) in [(&[][..], 2), (&["--format", "nagios"], 3)] {
        let mut run = helolint(&["check", "--root", "/nonexistent"]);
        assert_eq!(run.args(further).stdout(full()).stderr(full()).status().unwrap().code(), Some(status));
    }
    let output = check(&["--format", "json=/dev/full"]).output().unwrap();
    assert!(output.status.code() == Some(2) && text(&output).contains("cannot write /dev/full"), "{}", text(&output));
}

#[test]
fn a_small_stack_is_no_verdict_on_the_files() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -s 64 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_helolint"), "check", "--root"]);
    let output = shell.arg(host().join("root")).arg("--kernel").arg(host().join("kernel")).arg("--offline").output();
    let output = output.unwrap();
    assert_eq!((output.status.code(), text(&output).contains("CFG001")), (Some(0), false), "{}", text(&output));
}

#[test]
fn two_reports_in_one_file_are_refused_before_anything_is_done() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(".", dir.path().join("here")).unwrap();
    let (one, other) = (dir.path().join("report"), dir.path().join("here/report"));
    let args = [format!("json={}", one.display()), format!("html={}", other.display())];
    let output = check(&["--format", &args[0], "--format", &args[1]]).output().unwrap();
    assert!(
        output.status.code() == Some(2) && text(&output).contains("two outputs would be written to"),
        "{}",
        text(&output)
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the link alone");
}

#[test]
fn a_fifo_that_nobody_reads_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let output = check(&["-o", fifo.to_str().unwrap()]).output().unwrap();
    assert!(output.status.code() == Some(2) && text(&output).contains("nobody reads from it"), "{}", text(&output));
}

#[test]
fn a_file_that_may_not_grow_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    let run = |further: &[&str]| {
        let check = check(further);
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]).arg(check.get_program()).args(check.get_args());
        limited.stdin(Stdio::null());
        limited
    };
    let output = run(&["--format", "json", "-o", report.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("File too large"), "{}", text(&output));
    assert!(!report.exists() && fs::read_dir(&dir).unwrap().next().is_none());
    let stdout = fs::File::create(dir.path().join("stdout")).unwrap();
    assert_eq!(run(&["--format", "json"]).stdout(stdout).status().unwrap().code(), Some(2));
}

#[test]
fn devices_are_no_inputs() {
    for option in ["--baseline", "--overlay", "--kernel", "--from", "--config"] {
        let mut command = match option {
            "--kernel" | "--from" => helolint(&["check", "--offline", option, "/dev/zero"]),
            _ => check(&[option, "/dev/zero"]),
        };
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}: {}", text(&output));
        assert!(text(&output).contains("is a device"), "{option}: {}", text(&output));
    }
}

/// `helolint domains` about the recorded cPanel server; `from`: the host.
fn domains(from: &[&std::ffi::OsStr], further: &[&str]) -> Output {
    helolint(&["domains"]).args(from).args(further).output().unwrap()
}

#[test]
fn domains_of_which_nothing_was_asked_have_no_errors() {
    let dir = tempfile::tempdir().unwrap();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/domains-after-a-move");
    let (root, kernel, kept) = (host.join("root"), host.join("kernel"), dir.path().join("kept.json"));
    let files = ["--root".as_ref(), root.as_os_str(), "--kernel".as_ref(), kernel.as_os_str()];
    let offline = domains(&files, &["--offline"]);
    assert_eq!(offline.status.code(), Some(0));
    let said = String::from_utf8(offline.stdout).unwrap();
    assert!(
        said.ends_with(" domains, not checked: nobody is asked with --offline\n") && !said.contains("DOM0"),
        "{said}"
    );
    let mut snapshot = helolint(&["snapshot", "--offline", "-o", kept.to_str().unwrap()]);
    assert!(snapshot.args(files).status().unwrap().success());
    let replayed = ["--from".as_ref(), kept.as_os_str(), "--replay".as_ref()];
    let human = domains(&replayed, &[]);
    assert_eq!(human.status.code(), Some(3), "an error cannot be excluded");
    let said = String::from_utf8(human.stdout).unwrap();
    let sum = said.lines().find(|line| line.contains(" with errors")).unwrap();
    let count = sum.split(' ').next().unwrap();
    assert_eq!(sum, format!("{count} domains: 0 with errors, 0 with warnings, {count} undetermined"));
    assert!(said.contains("not asked") && !said.contains("timeout"), "{said}");
    let csv = String::from_utf8(domains(&replayed, &["--format", "csv"]).stdout).unwrap();
    let good = csv.lines().find(|line| line.starts_with("good.example,")).unwrap();
    assert!(good.contains(",0,0,,") && good.contains("DOM002"), "{good}");
}

#[test]
fn where_no_domain_is_found_it_says_where_it_looked() {
    let dir = tempfile::tempdir().unwrap();
    let etc = dir.path().join("root/etc/postfix");
    fs::create_dir_all(&etc).unwrap();
    fs::write(etc.join("main.cf"), "mydestination =\nmyhostname = mail.example.com\n").unwrap();
    let root = dir.path().join("root");
    let files = ["--root".as_ref(), root.as_os_str()];
    let human = text(&domains(&files, &["--offline"]));
    assert!(human.contains("no domain was found; looked in mydestination, virtual_mailbox_domains"), "{human}");
    let json = domains(&files, &["--offline", "--format", "json"]);
    assert!(String::from_utf8(json.stderr).unwrap().contains("no domain was found; looked in mydestination"));
    let list = dir.path().join("list");
    fs::write(&list, "shop.example\nuser@moved.example\n").unwrap();
    let named = domains(&files, &["--offline", "--domains", list.to_str().unwrap()]);
    assert!(String::from_utf8(named.stdout).unwrap().starts_with("1 domain, not checked"));
    let told = String::from_utf8(named.stderr).unwrap();
    assert!(told.contains(":2: left out: `user@moved.example`: "), "{told}");
}

#[test]
fn a_resolver_that_was_given_up_is_noted_and_what_it_left_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (kept, list) = (dir.path().join("kept"), dir.path().join("list"));
    fs::write(&list, "good.example\nno-spf.example\n").unwrap();
    // Takes questions, and says nothing.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = silent.local_addr().unwrap().to_string();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/domains-after-a-move");
    let mut command = helolint(&["domains", "--timeout", "1", "--format", "ndjson", "--resolver", &resolver]);
    command.arg("--root").arg(host.join("root")).arg("--kernel").arg(host.join("kernel"));
    let output = command.arg("--domains").arg(&list).arg("--resume").arg(&kept).output().unwrap();
    let (said, noted) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().filter(|line| line.contains("\"undetermined\"")).count(), 2, "{said}");
    assert!(noted.contains(&format!("helolint: the resolver {resolver} was given up")), "{noted}");
    assert!(noted.contains("undetermined domains: 2"), "{noted}");
    assert_eq!(output.status.code(), Some(3), "{noted}");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "");
}

#[test]
fn domains_that_are_done_are_kept_and_not_looked_at_again() {
    let dir = tempfile::tempdir().unwrap();
    let (kept, list) = (dir.path().join("kept"), dir.path().join("list"));
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/domains-after-a-move");
    let domains = |named: &[&str], further: &[&str]| {
        fs::write(&list, named.join("\n")).unwrap();
        let mut command = helolint(&["domains"]);
        for (option, name) in [("--root", "root"), ("--kernel", "kernel"), ("--zones", "zones")] {
            command.arg(option).arg(host.join(name));
        }
        let output = command.arg("--domains").arg(&list).args(further).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let resume = ["--resume", kept.to_str().unwrap(), "--format", "ndjson"];
    let first = domains(&["good.example", "no-spf.example"], &resume);
    assert_eq!(first.lines().count(), 2, "{first}");
    assert_eq!(fs::read_to_string(&kept).unwrap(), first);
    // What is kept is not looked at again: a mark in it stays.
    fs::write(&kept, first.replace("\"DOM004\"", "\"DOM999\"")).unwrap();
    let all = domains(&["good.example", "no-spf.example", "elsewhere.example"], &resume);
    assert_eq!(all.lines().count(), 3, "{all}");
    assert!(all.contains("DOM999") && all.contains("\"handled\":\"sender\""), "{all}");
    assert_eq!(fs::read_to_string(&kept).unwrap(), all);
    fs::write(&kept, "no object\n").unwrap();
    let mut command = helolint(&["domains", "--offline", "--root"]);
    let refused = command.arg(host.join("root")).args(&resume[..2]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("--resume"), "{}", text(&refused));
}

#[test]
fn domains_of_a_snapshot_are_those_of_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let put = |path: &str, text: &str| {
        let place = dir.path().join("root").join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    };
    let key = fs::read_to_string(source.join("dkim/rsa1024.pkcs1.pem")).unwrap();
    put("etc/exim4/dkim/a.example.pem", &key);
    put(
        "etc/exim4/exim4.conf",
        "primary_hostname = mail.example.com\ndomainlist local_domains = a.example : b.example\nbegin routers\nout:\n  \
         driver = dnslookup\n  domains = !+local_domains\n  transport = remote\nbegin transports\nremote:\n  \
         driver = smtp\n  dkim_domain = $sender_address_domain\n  dkim_selector = s1\n  \
         dkim_private_key = /etc/exim4/dkim/$dkim_domain.pem\n",
    );
    let kernel = source.join("hosts/domains-after-a-move/kernel");
    let snapshot = dir.path().join("snapshot.json");
    let root = dir.path().join("root");
    let mut take = helolint(&["snapshot", "--offline"]);
    let taken = take.arg("--root").arg(&root).arg("--kernel").arg(&kernel).arg("-o").arg(&snapshot).output().unwrap();
    assert_eq!(taken.status.code(), Some(0), "{}", text(&taken));
    let kept = fs::read_to_string(&snapshot).unwrap();
    assert!(kept.contains("v=DKIM1; k=rsa; p=") && !kept.contains("PRIVATE KEY"), "{kept}");

    let looked_at = |command: &mut std::process::Command| {
        let output = command.args(["--offline", "--format", "json"]).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (report, output.status.code())
    };
    let (of_files, status) = looked_at(helolint(&["domains", "--root"]).arg(&root).arg("--kernel").arg(&kernel));
    let from = |file: &Path| looked_at(helolint(&["domains", "--from"]).arg(file));
    let (of_snapshot, status_again) = from(&snapshot);
    assert_eq!((&of_snapshot, status_again), (&of_files, status));
    let domains = of_snapshot["domains"].as_array().unwrap();
    assert_eq!((domains.len(), &domains[0]["dkim"][0]["selector"]), (2, &"s1".into()), "{of_snapshot}");
    assert_eq!(of_snapshot["open"].as_array().unwrap().len(), 1, "the key of b.example is not there");

    // As an older release wrote it.
    let mut old: serde_json::Value = serde_json::from_str(&kept).unwrap();
    old.as_object_mut().unwrap().remove("domains").unwrap();
    fs::write(&snapshot, old.to_string()).unwrap();
    let (report, status) = from(&snapshot);
    assert_eq!((report["domains"].as_array().unwrap().len(), status), (0, Some(3)), "{report}");
    let open = report["open"].as_array().unwrap();
    assert!(open.iter().all(|gap| gap["message"].as_str().unwrap().contains("the snapshot")), "{report}");
    assert_eq!(open.len(), 2, "{report}");
}
