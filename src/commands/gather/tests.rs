use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::cli::{Cli, Command};

/// A folder with `root/etc/helolint.toml` and `own.toml`, writable by others.
fn folder(settings: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("root/etc")).unwrap();
    fs::write(dir.path().join("snapshot"), "").unwrap();
    for file in ["root/etc/helolint.toml", "own.toml"] {
        let file = dir.path().join(file);
        fs::write(&file, settings).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o646)).unwrap();
    }
    dir
}

/// The settings by a command line, in which `DIR` stands for `dir`.
fn settings_by(line: &str, dir: &Path) -> Result<Settings, String> {
    let line = line.replace("DIR", dir.to_str().unwrap());
    let words = std::iter::once("helolint").chain(line.split_ascii_whitespace()).map(Into::into);
    match Cli::read(words).map_err(|error| error.to_string())?.into_command() {
        Command::Check(mut args) => {
            let host = Host::open(&args.facts).map_err(|error| error.to_string())?;
            settings(&mut args.facts, &mut args.dns, &host).map_err(|error| error.to_string())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_come_from_below_the_root_or_from_the_file_named() {
    let dir = folder("[expect]\nhostname = \"a.example.com\"\n");
    let name = |line: &str| settings_by(line, dir.path()).unwrap().hostname.map(|name| name.to_string());
    let expected = Some("a.example.com".to_owned());
    assert_eq!(name("--root DIR/root"), expected);
    fs::write(dir.path().join("other.toml"), "[expect]\nhostname = \"b.example.com\"\n").unwrap();
    assert_eq!(name("--root DIR/root --config DIR/other.toml"), Some("b.example.com".to_owned()));
    // No settings below the root; and what stands on this machine says nothing of a snapshot's host.
    fs::create_dir(dir.path().join("bare")).unwrap();
    assert_eq!(name("--root DIR/bare"), None);
    assert_eq!(name("--from DIR/snapshot"), None);
    assert_eq!(name("--from DIR/snapshot --config DIR/own.toml"), expected);
}

#[test]
fn settings_that_others_may_write_are_refused_on_the_live_system_alone() {
    let dir = folder("[expect]\nhostname = \"a.example.com\"\n");
    let error = settings_by("--config DIR/own.toml", dir.path()).unwrap_err();
    assert!(error.contains("own.toml: others may write to it (mode 0646)"), "{error}");
    let error = settings_by("--root / --config DIR/own.toml", dir.path()).unwrap_err();
    assert!(error.contains("0646"), "{error}");
    assert!(settings_by("--root DIR/root --config DIR/own.toml", dir.path()).is_ok());
    fs::set_permissions(dir.path().join("own.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(settings_by("--config DIR/own.toml", dir.path()).is_ok());
}

#[test]
fn faults_of_settings_end_the_run_with_file_and_line() {
    let dir = folder("[expect]\nhostnam = \"a.example.com\"\n");
    let error = settings_by("--root DIR/root", dir.path()).unwrap_err();
    assert!(error.starts_with("bad settings in /etc/helolint.toml:2: there is no key `hostnam` here"), "{error}");
    let error = settings_by("--root DIR/root --config DIR/own.toml", dir.path()).unwrap_err();
    assert!(error.contains("/own.toml:2: "), "{error}");
    let error = settings_by("--root DIR/root --config DIR/none.toml", dir.path()).unwrap_err();
    assert!(error.contains("/none.toml: it cannot be read"), "{error}");
    let big = "#".repeat(1 << 20) + "\n";
    fs::write(dir.path().join("own.toml"), big).unwrap();
    let error = settings_by("--root DIR/root --config DIR/own.toml", dir.path()).unwrap_err();
    assert!(error.contains("more than the 1048576 bytes"), "{error}");
}
